//! One network in training: batches, loss, clipping, update.

use super::setup::Setup;
use crate::nn::clip::{clip_global_norm, global_norm};
use crate::nn::{Mlp, MlpConfig, Mode, Optimizer, loss};
use crate::rng::{Stream, stream};
use crate::{LabError, Result};
use candle_core::{DType, Tensor};

/// What one optimiser step saw.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    /// Mean cross-entropy of the batch before the update, nats.
    pub loss: f64,
    /// Share of the batch classified right.
    pub accuracy: f64,
    /// The gradient's global norm before clipping.
    pub norm: f64,
}

pub struct Trainer {
    pub net: Mlp,
    pub optimizer: Optimizer,
    batches: Stream,
    order: Vec<usize>,
}

impl Trainer {
    /// Network `index` of make `config`, in f32, with the settings' optimiser.
    pub fn new(setup: &Setup, config: MlpConfig, index: u64) -> Result<Self> {
        let net = Mlp::new(config, setup.seed, index, DType::F32, &setup.device)?;
        let parameters = net.parameters().into_iter().map(|(_, var)| var).collect();
        let optimizer = Optimizer::new(setup.settings.optimizer, setup.settings.rates(), parameters);
        Ok(Self { net, optimizer, batches: stream(setup.seed, "batches", index), order: Vec::new() })
    }

    /// The next batch of a random order of the training set, drawn anew when it is used up.
    fn batch(&mut self, setup: &Setup) -> Result<(Tensor, Tensor)> {
        let size = setup.settings.batch.min(setup.data.train.len());
        if self.order.len() < size {
            self.order = self.batches.permutation(setup.data.train.len());
        }
        let rows = self.order.split_off(self.order.len() - size);
        Ok(setup.data.train.gather(setup.data.dim, &rows, &setup.device, DType::F32)?)
    }

    /// One update. An error of kind `NotFinite` when the loss or a gradient is not finite; the weights
    /// then stay as they are.
    pub fn step(&mut self, setup: &Setup) -> Result<Step> {
        let (x, y) = self.batch(setup)?;
        let logits = self.net.forward(&x, Mode::Train { momentum: 0.1 })?;
        let objective = loss::cross_entropy(&logits, &y)?;
        let value = f64::from(objective.to_scalar::<f32>()?);
        if !value.is_finite() {
            return Err(LabError::NotFinite { what: "the loss".into(), hint: "lower lr or turn on clip".into() });
        }
        let mut grads = objective.backward()?;
        let parameters = self.optimizer.parameters();
        let norm = if setup.settings.clip > 0.0 {
            clip_global_norm(parameters, &mut grads, setup.settings.clip)?
        } else {
            global_norm(parameters, &grads)?
        };
        if !norm.is_finite() {
            return Err(LabError::NotFinite {
                what: "the gradient".into(),
                hint: "lower lr or take another init".into(),
            });
        }
        self.optimizer.step(&grads)?;
        Ok(Step { loss: value, accuracy: loss::accuracy(&logits, &y)?, norm })
    }
}
