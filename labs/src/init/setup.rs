//! What every part of the experiment is given.

use super::InitSettings;
use crate::data::{self, Dataset};
use crate::nn::{Init, MlpConfig};
use crate::rng::stream;
use crate::trainer::Recipe;
use crate::work::Study;
use crate::{Context, LabError, Result};
use candle_core::{DType, Device, Tensor};

/// Settings, data and the batch on which step 0 is measured.
#[derive(Debug)]
pub struct Setup {
    pub settings: InitSettings,
    /// The settings' gain, as a number.
    pub gain: f64,
    pub seed: u64,
    pub device: Device,
    /// Scaled as the settings say.
    pub data: Dataset,
    /// [samples, dim], in the measuring type.
    pub x: Tensor,
    /// [samples], u32.
    pub y: Tensor,
    /// The loss of one who knows the share of each class and nothing else, nats.
    pub guess: f64,
    /// The accuracy of one who always names the commonest class of the training set.
    pub commonest: f64,
    /// Measured in f64 where the device has it.
    pub dtype: DType,
}

impl Setup {
    pub fn new(settings: InitSettings, context: Context) -> Result<Self> {
        let gain = settings.gain()?;
        let data = data::load(&settings.data, context.seed)?.scaled(settings.scaling);
        let (guess, commonest) = data.prior();
        check_size(&settings, data.dim)?;
        let dtype = if context.device.is_metal() { DType::F32 } else { DType::F64 };
        let mut order = stream(context.seed, "measure", 0).permutation(data.train.len());
        order.truncate(settings.samples);
        let (x, y) = data.train.gather(data.dim, &order, &context.device, dtype)?;
        let (seed, device) = (context.seed, context.device);
        Ok(Self { settings, gain, seed, device, data, x, y, guess, commonest, dtype })
    }

    /// The network of the settings under `init`.
    pub fn network(&self, init: Init) -> MlpConfig {
        let s = &self.settings;
        MlpConfig {
            inputs: self.data.dim,
            width: s.width,
            depth: s.depth,
            classes: self.data.classes,
            activation: s.activation,
            norm: s.norm,
            residual: s.residual,
            init,
            gain: self.gain,
            bias_std: s.bias_std,
        }
    }

    /// How networks are trained.
    pub fn recipe(&self) -> Recipe {
        self.settings.recipe.recipe(self.seed, &self.device)
    }
}

/// Activations of one measurement, above which it would take gigabytes and seconds.
const MOST_ACTIVATIONS: usize = 20_000_000;

fn check_size(settings: &InitSettings, dim: usize) -> Result<()> {
    let layer = settings.width.max(dim);
    let most = MOST_ACTIVATIONS / (settings.depth.max(settings.deep_depth) * layer);
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

    /// The batch on which step 0 is measured.
    fn tensors(&self) -> Result<Vec<(String, Tensor)>> {
        Ok(vec![("batch.x".into(), self.x.clone()), ("batch.y".into(), self.y.clone())])
    }
}
