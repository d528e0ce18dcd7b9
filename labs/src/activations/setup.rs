//! What every part of the experiment is given.

use super::ActivationSettings;
use crate::data::{self, Dataset};
use crate::mean_field::second_moment;
use crate::nn::{Activation, Function, Gate, Init, Mlp, MlpConfig, Nonlinearity};
use crate::trainer::Trainer;
use crate::work::Study;
use crate::{Context, LabError, Result};
use candle_core::{DType, Device};

/// Settings, data and the non-linearities under study.
#[derive(Debug)]
pub struct Setup {
    pub settings: ActivationSettings,
    pub seed: u64,
    pub device: Device,
    /// Scaled as the settings say.
    pub data: Dataset,
    /// The non-linearities under study, each once.
    pub list: Vec<Nonlinearity>,
    /// The loss of one who knows the share of each class and nothing else, nats.
    pub guess: f64,
    /// The accuracy of one who always names the commonest class of the training set.
    pub commonest: f64,
}

impl Setup {
    pub fn new(settings: ActivationSettings, context: Context) -> Result<Self> {
        let list = settings.list()?;
        check_size(&settings, list.len())?;
        let data = data::load(&settings.data, context.seed)?.scaled(settings.scaling);
        let (guess, commonest) = data.prior();
        Ok(Self { settings, seed: context.seed, device: context.device, data, list, guess, commonest })
    }

    /// Those of the list that are one non-linearity, not one for each layer.
    pub fn single(&self) -> impl Iterator<Item = &Nonlinearity> {
        self.list.iter().filter(|kind| !matches!(kind, Nonlinearity::Layers(_)))
    }

    /// Those of the list that are functions of one variable, with their names as part of others.
    pub fn functions(&self) -> impl Iterator<Item = (&Function, String)> {
        self.list.iter().filter_map(|kind| Some((kind.function()?, kind.key())))
    }

    /// The network of the settings on `data`, its non-linearity aside.
    pub fn network(&self, data: &Dataset) -> MlpConfig {
        let s = &self.settings;
        MlpConfig {
            inputs: data.dim,
            width: s.width,
            depth: s.depth,
            classes: data.classes,
            activation: Activation::Identity,
            norm: s.norm,
            residual: false,
            init: if s.matched { Init::LecunNormal } else { s.init },
            gain: 1.0,
            bias_std: 0.0,
        }
    }

    /// Network `index` with `kind` on `data`: equal indices have equal random numbers behind their
    /// weights, whatever the function.
    pub fn build(&self, kind: &Nonlinearity, data: &Dataset, index: u64, dtype: DType) -> Result<Mlp> {
        self.build_as(self.network(data), kind, index, dtype)
    }

    /// The same as a network of make `config`.
    pub fn build_as(&self, config: MlpConfig, kind: &Nonlinearity, index: u64, dtype: DType) -> Result<Mlp> {
        let net = Mlp::with_units(config, kind, self.seed, index, dtype, &self.device)?;
        if self.settings.matched {
            // The batch has mean square 1, so the first layer needs no gain; every other makes up for
            // what the non-linearity before it took.
            for l in 1..net.hidden.len() {
                let weight = &net.hidden[l].linear.weight;
                weight.set(&weight.as_detached_tensor().affine(matched_gain(kind.layer(l - 1)), 0.0)?)?;
            }
        }
        Ok(net)
    }

    /// The same in f32 with the settings' optimiser and the batches of `index`.
    pub fn trainer(&self, kind: &Nonlinearity, data: &Dataset, index: u64) -> Result<Trainer> {
        let net = self.build(kind, data, index, DType::F32)?;
        Ok(self.train(net, index))
    }

    /// `net` (f32) with the settings' optimiser and the batches of `index`.
    pub fn train(&self, net: Mlp, index: u64) -> Trainer {
        Trainer::new(net, self.settings.recipe.recipe(self.seed, &self.device), index)
    }
}

/// Weights of all networks that are trained at a time, above which drawing them takes seconds and
/// gigabytes.
const MOST_WEIGHTS: usize = 60_000_000;

fn check_size(settings: &ActivationSettings, functions: usize) -> Result<()> {
    let most = MOST_WEIGHTS / (settings.depth * settings.width * settings.width);
    if functions <= most {
        return Ok(());
    }
    let expected = format!(
        "a width at which {functions} functions x depth x width^2 is at most {MOST_WEIGHTS}, or fewer functions"
    );
    Err(LabError::BadValue { name: "width".into(), value: settings.width.to_string(), expected })
}

/// 1 / sqrt(E y^2) for pre-activations from N(0, 1): with weights of variance gain^2/fan-in the next
/// layer's pre-activations have variance 1 again. 1 where there is no such number.
pub fn matched_gain(kind: &Nonlinearity) -> f64 {
    let square = match kind {
        Nonlinearity::Function(function) => second_moment(function, 1.0),
        // Two independent pieces: E a^2 E f(b)^2. And max(a, b)^2 has mean 1: max and min share the sum
        // of squares, 2, and -min is distributed as max.
        Nonlinearity::Gate(Gate::Maxout) | Nonlinearity::Layers(_) => 1.0,
        Nonlinearity::Gate(Gate::Glu) => second_moment(Activation::Sigmoid, 1.0),
        Nonlinearity::Gate(Gate::Reglu) => second_moment(Activation::Relu, 1.0),
        Nonlinearity::Gate(Gate::Geglu) => second_moment(Activation::Gelu, 1.0),
        Nonlinearity::Gate(Gate::Swiglu) => second_moment(Activation::Silu, 1.0),
    };
    let gain = square.sqrt().recip();
    if gain.is_finite() { gain } else { 1.0 }
}

impl Study for Setup {
    fn opening(&self) -> String {
        self.data.summary()
    }
}
