//! What every part of the experiment is given, and the one measurement that most of them share.

use super::{GradientSettings, make};
use crate::data::{self, Dataset};
use crate::measured::{Measured, gradient};
use crate::nn::{Mlp, MlpConfig};
use crate::rng::stream;
use crate::trainer::{Recipe, Trainer};
use crate::work::Study;
use crate::{Context, LabError, Result};
use candle_core::{DType, Device, Tensor};

/// Settings, data and the batch on which gradients are measured.
#[derive(Debug)]
pub struct Setup {
    pub settings: GradientSettings,
    pub seed: u64,
    pub device: Device,
    /// Scaled as the settings say.
    pub data: Dataset,
    /// [samples, dim], in the measuring type.
    pub x: Tensor,
    /// [samples], u32.
    pub y: Tensor,
    /// The loss of one who knows the share of each class and nothing else, nats: the entropy of the
    /// training labels.
    pub guess: f64,
    /// The accuracy of one who always names the commonest class of the training set.
    pub commonest: f64,
    /// Measured in f64 where the device has it, so that a hundred layers of 0.2 do not underflow.
    pub dtype: DType,
}

impl Setup {
    pub fn new(settings: GradientSettings, context: Context) -> Result<Self> {
        let data = data::load(&settings.data, context.seed)?.scaled(settings.scaling);
        let (guess, commonest) = data.prior();
        check_size(&settings, data.dim)?;
        let dtype = if context.device.is_metal() { DType::F32 } else { DType::F64 };
        let mut order = stream(context.seed, "measure", 0).permutation(data.train.len());
        order.truncate(settings.samples);
        let (x, y) = data.train.gather(data.dim, &order, &context.device, dtype)?;
        Ok(Self { settings, seed: context.seed, device: context.device, data, x, y, guess, commonest, dtype })
    }

    pub fn network(&self) -> MlpConfig {
        self.settings.network(self.data.dim, self.data.classes)
    }

    /// How the networks of these settings are trained.
    pub fn recipe(&self) -> Recipe {
        Recipe { clip: self.settings.clip, ..self.settings.recipe.recipe(self.seed, &self.device) }
    }

    /// Network `index` of make `config` in f32, with the settings' optimiser.
    pub fn trainer(&self, config: MlpConfig, index: u64) -> Result<Trainer> {
        let net = Mlp::new(config, self.seed, index, DType::F32, &self.device)?;
        Ok(Trainer::new(net, self.recipe(), index))
    }

    /// Mean square of the measured batch's features: q^0 of mean-field theory.
    pub fn input_square(&self) -> Result<f64> {
        Ok(self.x.to_dtype(DType::F64)?.sqr()?.mean_all()?.to_scalar()?)
    }

    /// Network `index` of make `config`, its gradients on the first `samples` of the batch.
    pub fn measure(&self, config: MlpConfig, index: u64, samples: usize) -> Result<Measured> {
        let samples = samples.min(self.x.dim(0)?);
        let (x, y) = (self.x.narrow(0, 0, samples)?, self.y.narrow(0, 0, samples)?);
        Measured::new(Mlp::new(config, self.seed, index, self.dtype, &self.device)?, &x, &y)
    }
}

/// Activations of one measurement, above which it would take gigabytes and seconds.
const MOST_ACTIVATIONS: usize = 20_000_000;

fn check_size(settings: &GradientSettings, dim: usize) -> Result<()> {
    let own = settings.depth.max(settings.sweep_max) * settings.width.max(dim);
    let makes = make::parse(settings, dim, 2)?;
    let largest = makes.iter().map(|m| m.config.depth * m.config.width.max(dim)).fold(own, usize::max);
    let most = MOST_ACTIVATIONS / largest;
    if settings.samples <= most {
        return Ok(());
    }
    let expected = format!("at most {most} at this width and depth (samples x width x depth up to {MOST_ACTIVATIONS})");
    Err(LabError::BadValue { name: "samples".into(), value: settings.samples.to_string(), expected })
}

impl Study for Setup {
    fn opening(&self) -> String {
        self.data.summary()
    }

    /// The batch, and weights and gradients of network 0 before training.
    fn tensors(&self) -> Result<Vec<(String, Tensor)>> {
        let measured = self.measure(self.network(), 0, self.settings.samples)?;
        let mut list = vec![("batch.x".into(), self.x.clone()), ("batch.y".into(), self.y.clone())];
        for (name, var) in measured.net.parameters() {
            list.push((format!("grad.{name}"), gradient(&measured.grads, &var)?));
            list.push((name, var.as_detached_tensor()));
        }
        for (l, grad) in measured.inputs.iter().enumerate() {
            list.push((format!("grad.input.{l}"), grad.clone()));
        }
        Ok(list)
    }
}
