//! One network in training: batches, loss, clipping, update.

use crate::control::Visitor;
use crate::data::Dataset;
use crate::nn::clip::{clip_global_norm, global_norm};
use crate::nn::optim::Rates;
use crate::nn::{Mlp, Mode, Optimizer, OptimizerKind, loss};
use crate::rng::{Stream, stream};
use crate::{LabError, Result};
use candle_core::{DType, Device, Tensor, Var};

/// How a network is trained.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// Update rule.
    pub optimizer: OptimizerKind,
    /// Its hyper-parameters.
    pub rates: Rates,
    /// Samples of a batch.
    pub batch: usize,
    /// Limit of the gradient's global norm; 0: no clipping.
    pub clip: f64,
    /// The order of the samples follows from it.
    pub seed: u64,
    /// Where the network lives.
    pub device: Device,
}

/// The controls that every lab with training shares.
#[derive(Debug, Clone, PartialEq)]
pub struct RecipeSettings {
    /// Update rule.
    pub optimizer: OptimizerKind,
    /// Learning rate.
    pub lr: f64,
    /// Momentum (SGD) or `beta_1` (Adam).
    pub momentum: f64,
    /// Weight decay.
    pub weight_decay: f64,
    /// Samples of a training batch.
    pub batch: usize,
}

impl RecipeSettings {
    /// Momentum 0.9, no decay, batches of 64.
    #[must_use]
    pub fn new(optimizer: OptimizerKind, lr: f64) -> Self {
        Self { optimizer, lr, momentum: 0.9, weight_decay: 0.0, batch: 64 }
    }

    /// Shows every setting to `v`.
    pub fn visit(&mut self, v: &mut dyn Visitor) {
        v.choice("optimizer", &mut self.optimizer, "update rule");
        v.log_float("lr", &mut self.lr, 1e-6..=10.0, "learning rate");
        v.float("momentum", &mut self.momentum, 0.0..=0.999, "momentum of SGD, beta_1 of Adam");
        v.float("weight_decay", &mut self.weight_decay, 0.0..=1.0, "weight decay");
        v.int("batch", &mut self.batch, 2..=1024, "samples of a training batch");
    }

    /// The recipe without clipping.
    #[must_use]
    pub fn recipe(&self, seed: u64, device: &Device) -> Recipe {
        let rates = Rates { lr: self.lr, momentum: self.momentum, weight_decay: self.weight_decay };
        Recipe { optimizer: self.optimizer, rates, batch: self.batch, clip: 0.0, seed, device: device.clone() }
    }
}

/// A classifier with parameters.
pub trait Network {
    /// [batch, features] to logits [batch, classes].
    fn forward(&self, x: &Tensor, mode: Mode) -> candle_core::Result<Tensor>;
    /// Everything that is learned, with its name.
    fn parameters(&self) -> Vec<(String, Var)>;
}

impl Network for Mlp {
    fn forward(&self, x: &Tensor, mode: Mode) -> candle_core::Result<Tensor> {
        Mlp::forward(self, x, mode)
    }

    fn parameters(&self) -> Vec<(String, Var)> {
        Mlp::parameters(self)
    }
}

/// What is minimised, and what happens to the weights beside the update rule's step.
pub trait Rule<N> {
    /// The scalar that is minimised, of the batch's `logits` [batch, classes] and `labels` `[batch]`.
    fn objective(&self, net: &N, logits: &Tensor, labels: &Tensor) -> candle_core::Result<Tensor>;

    /// Between the gradient and the update at learning rate `lr`.
    fn before_update(&self, _net: &N, _lr: f64) -> candle_core::Result<()> {
        Ok(())
    }

    /// After the update at learning rate `lr`.
    fn after_update(&self, _net: &N, _lr: f64) -> candle_core::Result<()> {
        Ok(())
    }
}

/// Cross-entropy and nothing else.
#[derive(Debug, Clone, Copy)]
pub struct CrossEntropy;

impl<N> Rule<N> for CrossEntropy {
    fn objective(&self, _: &N, logits: &Tensor, labels: &Tensor) -> candle_core::Result<Tensor> {
        loss::cross_entropy(logits, labels)
    }
}

/// What one optimiser step saw.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    /// The rule's objective on the batch before the update: mean cross-entropy in nats, where it is that.
    pub loss: f64,
    /// Share of the batch classified right.
    pub accuracy: f64,
    /// The gradient's global norm before clipping.
    pub norm: f64,
}

/// A network, its optimiser and its batches.
pub struct Trainer<N = Mlp> {
    /// The network, f32.
    pub net: N,
    /// The update rule with its state.
    pub optimizer: Optimizer,
    recipe: Recipe,
    batches: Stream,
    order: Vec<usize>,
}

impl<N: Network> Trainer<N> {
    /// `net` (f32) before its first step. Trainers of one seed and `index` see the same batches,
    /// whatever their networks.
    pub fn new(net: N, recipe: Recipe, index: u64) -> Self {
        let parameters = net.parameters().into_iter().map(|(_, var)| var).collect();
        let optimizer = Optimizer::new(recipe.optimizer, recipe.rates, parameters);
        let batches = stream(recipe.seed, "batches", index);
        Self { net, optimizer, recipe, batches, order: Vec::new() }
    }

    /// The next batch of a random order of `samples` training samples, drawn anew when it is used up.
    pub fn next_rows(&mut self, samples: usize) -> Vec<usize> {
        let size = self.recipe.batch.min(samples);
        if self.order.len() < size {
            self.order = self.batches.permutation(samples);
        }
        self.order.split_off(self.order.len() - size)
    }

    /// One update on the next batch of `data`. An error of kind `NotFinite` when the loss or a gradient
    /// is not finite; the weights then stay as they are.
    pub fn step(&mut self, data: &Dataset) -> Result<Step> {
        let rows = self.next_rows(data.train.len());
        let (x, y) = data.train.gather(data.dim, &rows, &self.recipe.device, DType::F32)?;
        self.update(&x, &y, &CrossEntropy)
    }

    /// One update on the batch `x` [batch, features] with labels `y` `[batch]` under `rule`; errors as for
    /// [`Trainer::step`].
    pub fn update(&mut self, x: &Tensor, y: &Tensor, rule: &impl Rule<N>) -> Result<Step> {
        let logits = self.net.forward(x, Mode::Train { momentum: 0.1 })?;
        let objective = rule.objective(&self.net, &logits, y)?;
        let value = f64::from(objective.to_scalar::<f32>()?);
        if !value.is_finite() {
            return Err(LabError::NotFinite { what: "the loss".into(), hint: "lower lr or turn on clip".into() });
        }
        let mut grads = objective.backward()?;
        let parameters = self.optimizer.parameters();
        let norm = if self.recipe.clip > 0.0 {
            clip_global_norm(parameters, &mut grads, self.recipe.clip)?
        } else {
            global_norm(parameters, &grads)?
        };
        if !norm.is_finite() {
            return Err(LabError::NotFinite {
                what: "the gradient".into(),
                hint: "lower lr or take another init".into(),
            });
        }
        let lr = self.optimizer.rates.lr;
        rule.before_update(&self.net, lr)?;
        self.optimizer.step(&grads)?;
        rule.after_update(&self.net, lr)?;
        Ok(Step { loss: value, accuracy: loss::accuracy(&logits, y)?, norm })
    }

    /// Mean cross-entropy in nats and accuracy on the first `most` test samples, running statistics used.
    pub fn test(&self, data: &Dataset, most: usize) -> Result<(f64, f64)> {
        let rows: Vec<usize> = (0..data.test.len().min(most)).collect();
        let (x, y) = data.test.gather(data.dim, &rows, &self.recipe.device, DType::F32)?;
        let logits = self.net.forward(&x, Mode::Eval)?;
        let value = f64::from(loss::cross_entropy(&logits, &y)?.to_scalar::<f32>()?);
        Ok((value, loss::accuracy(&logits, &y)?))
    }
}
