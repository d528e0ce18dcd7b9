//! A fully connected network whose inside can be looked at.

use super::{Activation, Init, Linear, Mode, Nonlinearity, Norm, NormKind, Unit};
use crate::control::Choice;
use crate::figure::readable;
use crate::rng::stream;
use candle_core::{DType, Device, Result, Tensor, Var};

/// The shape and make of a network.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MlpConfig {
    /// Features of a sample.
    pub inputs: usize,
    /// Units of each hidden layer.
    pub width: usize,
    /// Hidden layers.
    pub depth: usize,
    /// Logits.
    pub classes: usize,
    /// The non-linearity of the hidden layers.
    pub activation: Activation,
    /// Between a hidden layer's affine map and its non-linearity.
    pub norm: NormKind,
    /// Whether each hidden layer but the first, whose shape differs, adds its input to its output.
    pub residual: bool,
    /// How weights are drawn.
    pub init: Init,
    /// Factor on the initialiser's standard deviation.
    pub gain: f64,
    /// Standard deviation of the biases at the start.
    pub bias_std: f64,
}

impl MlpConfig {
    /// The make in a few words: `relu he_normal +batch +residual`.
    #[must_use]
    pub fn describe(&self) -> String {
        let mut text = format!("{} {}", self.activation.name(), self.init.name());
        if (self.gain - 1.0).abs() > 0.0 {
            text += &format!(" x{}", readable(self.gain));
        }
        if self.bias_std > 0.0 {
            text += &format!(" b{}", readable(self.bias_std));
        }
        if self.norm != NormKind::None {
            text += &format!(" +{}", self.norm.name());
        }
        if self.residual {
            text += " +residual";
        }
        text
    }
}

/// One hidden layer: h' = f(norm(W h + b)), plus h where the network is residual.
#[derive(Debug, Clone)]
pub struct Hidden {
    /// W and b.
    pub linear: Linear,
    /// The normalisation.
    pub norm: Norm,
    /// The non-linearity.
    pub unit: Unit,
}

/// A network of [`MlpConfig::depth`] hidden layers and a linear head.
#[derive(Debug, Clone)]
pub struct Mlp {
    /// Its make.
    pub config: MlpConfig,
    /// The hidden layers, from the input on.
    pub hidden: Vec<Hidden>,
    /// The last, linear layer.
    pub head: Linear,
}

/// What a traced forward pass saw, all of it in the graph.
#[derive(Debug)]
pub struct Trace {
    /// `h_0` (the batch) to `h_L` (the head's input): depth + 1 tensors [batch, width].
    pub inputs: Vec<Tensor>,
    /// What the non-linearity of each hidden layer is given (after the normalisation); a gate is given
    /// two pieces, [batch, 2 width].
    pub pre_activations: Vec<Tensor>,
    /// [batch, classes].
    pub logits: Tensor,
}

impl Mlp {
    /// Network number `index` of `seed`. Each layer draws from a stream of its own, so the first
    /// layers of a deeper network equal those of a shallower one.
    pub fn new(config: MlpConfig, seed: u64, index: u64, dtype: DType, device: &Device) -> Result<Self> {
        Self::with_units(config, &config.activation.into(), seed, index, dtype, device)
    }

    /// The same with the non-linearity `kind` instead of [`MlpConfig::activation`]. A gate's layer has
    /// two rows of weights for each unit; where `width` and init are equal, networks of one seed and index
    /// that differ in their functions alone start with the same weights.
    pub fn with_units(
        config: MlpConfig,
        kind: &Nonlinearity,
        seed: u64,
        index: u64,
        dtype: DType,
        device: &Device,
    ) -> Result<Self> {
        let layer = |number: usize, shape: (usize, usize), init, gain, bias_std| {
            let mut random = stream(seed, "init", (index << 16) + number as u64);
            Linear::new(shape, init, gain, bias_std, &mut random, dtype, device)
        };
        let mut hidden = Vec::with_capacity(config.depth);
        for l in 0..config.depth {
            let inputs = if l == 0 { config.inputs } else { config.width };
            let kind = kind.layer(l);
            let outputs = config.width * kind.pieces();
            let random = stream(seed, "units", (index << 16) + l as u64);
            hidden.push(Hidden {
                linear: layer(l, (inputs, outputs), config.init, config.gain, config.bias_std)?,
                norm: Norm::new(config.norm, outputs, dtype, device)?,
                unit: Unit::new(kind, config.width, random, dtype, device)?,
            });
        }
        // The head is the same for every initialiser, so that what differs is the hidden layers; the
        // largest number keeps its stream apart from every depth's.
        let head = layer(0xffff, (config.width, config.classes), Init::LecunNormal, 1.0, 0.0)?;
        Ok(Self { config, hidden, head })
    }

    /// Everything that is learned, named `hidden.0.weight` and so on, in the order of the layers.
    #[must_use]
    pub fn parameters(&self) -> Vec<(String, Var)> {
        let mut list = Vec::new();
        for (i, layer) in self.hidden.iter().enumerate() {
            list.push((format!("hidden.{i}.weight"), layer.linear.weight.clone()));
            list.push((format!("hidden.{i}.bias"), layer.linear.bias.clone()));
            for (name, var) in layer.norm.parameters().into_iter().chain(layer.unit.parameters()) {
                list.push((format!("hidden.{i}.{name}"), var.clone()));
            }
        }
        list.push(("head.weight".into(), self.head.weight.clone()));
        list.push(("head.bias".into(), self.head.bias.clone()));
        list
    }

    /// [batch, inputs] to logits [batch, classes].
    pub fn forward(&self, x: &Tensor, mode: Mode) -> Result<Tensor> {
        let mut h = x.clone();
        for l in 0..self.hidden.len() {
            h = self.layer(l, &h, mode)?.0;
        }
        self.head.forward(&h)
    }

    /// The same, keeping every layer's input and pre-activation. Where `probes` are given (zeros,
    /// one for each of `h_0` to `h_L`), each is added to its layer's input: its gradient is then the
    /// gradient of that input, which candle does not keep for tensors that are not variables.
    pub fn trace(&self, x: &Tensor, mode: Mode, probes: Option<&[Var]>) -> Result<Trace> {
        let probed = |h: Tensor, l: usize| match probes {
            Some(probes) => h + probes[l].as_tensor(),
            None => Ok(h),
        };
        let mut h = probed(x.clone(), 0)?;
        let (mut inputs, mut pre_activations) = (vec![h.clone()], Vec::new());
        for l in 0..self.hidden.len() {
            let (next, z) = self.layer(l, &h, mode)?;
            h = probed(next, l + 1)?;
            inputs.push(h.clone());
            pre_activations.push(z);
        }
        let logits = self.head.forward(&h)?;
        Ok(Trace { inputs, pre_activations, logits })
    }

    /// Hidden layer `l` of `h`: its output and its pre-activation.
    pub fn layer(&self, l: usize, h: &Tensor, mode: Mode) -> Result<(Tensor, Tensor)> {
        let Hidden { linear, norm, unit } = &self.hidden[l];
        let z = norm.forward(&linear.forward(h)?, mode)?;
        let y = unit.forward(&z, mode)?;
        let y = if self.config.residual && l > 0 { (h + y)? } else { y };
        Ok((y, z))
    }

    /// Zeros to be given to [`Mlp::trace`] for a batch of `rows` samples.
    pub fn probes(&self, rows: usize, dtype: DType, device: &Device) -> Result<Vec<Var>> {
        let c = &self.config;
        (0..=c.depth).map(|l| Var::zeros((rows, if l == 0 { c.inputs } else { c.width }), dtype, device)).collect()
    }
}
