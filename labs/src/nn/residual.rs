//! Residual networks of two-layer blocks without normalisation, and the first weights made for them.

use super::linear::spread_rows;
use super::mlp::Trace;
use super::{Init, Linear, MlpConfig, Mode, Unit};
use crate::rng::stream;
use crate::trainer::Network;
use candle_core::{DType, Device, Result, Tensor, Var};

/// What the blocks start from. The parameters are the same, only their first values differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// Both layers of a block from [`MlpConfig::init`], scale 1: each branch adds its variance to the
    /// stream's.
    Plain,
    /// The same with scale 0, so that each block starts as the identity: Goyal et al. 2017, section
    /// 5.1, for a normalised branch; De and Smith 2020 (`SkipInit`) for one without normalisation.
    ZeroGamma,
    /// Zhang et al. 2019: the first layer of each of L branches of m = 2 layers times
    /// L^(-1/(2m - 2)) = L^(-1/2), the last layer and the head 0, scale 1.
    Fixup,
}

/// h + a W2 (f(W1 (h + `c_1`) + `c_2`) + `c_3`): a branch with the scalars of Fixup (Zhang et al. 2019,
/// section 3: a multiplier in each branch, a bias before each linear map and each non-linearity).
#[derive(Debug, Clone)]
pub struct Block {
    /// W1, [width, width].
    pub first: Var,
    /// W2, [width, width].
    pub second: Var,
    /// a, [1, 1].
    pub scale: Var,
    /// `c_1`, `c_2`, `c_3`, each [1, 1], 0 at the start.
    pub shifts: [Var; 3],
    /// f.
    pub unit: Unit,
}

/// A linear stem, [`ResidualMlp::blocks`], a linear head.
#[derive(Debug, Clone)]
pub struct ResidualMlp {
    /// Its make; `depth` counts the layers inside branches, `norm` and `residual` are not looked at.
    pub config: MlpConfig,
    /// What it started from.
    pub start: Start,
    /// [width, inputs], without a non-linearity: the stream starts with mean 0.
    pub stem: Linear,
    /// The blocks, from the input on.
    pub blocks: Vec<Block>,
    /// [classes, width].
    pub head: Linear,
}

/// Blocks of a network with `depth` layers in branches.
#[must_use]
pub fn blocks_of(depth: usize) -> usize {
    (depth / 2).max(1)
}

/// L^(-1/(2m - 2)) for L branches of m = 2 layers: Fixup's factor on the first layer of each.
#[must_use]
pub fn fixup_factor(blocks: usize) -> f64 {
    (blocks as f64).sqrt().recip()
}

impl ResidualMlp {
    /// Network number `index` of `seed`. Networks of one seed and index that differ in `start` alone
    /// have the same draws wherever they have draws.
    pub fn new(config: MlpConfig, start: Start, seed: u64, index: u64, dtype: DType, device: &Device) -> Result<Self> {
        let random = |layer: usize| stream(seed, "init", (index << 16) + layer as u64);
        let (width, count) = (config.width, blocks_of(config.depth));
        let matrix = |layer: usize, gain: f64| {
            let weight = config.init.draw((width, width), gain, &mut random(layer), dtype, device)?;
            Var::from_tensor(&weight)
        };
        let scalar = |value: f64| Var::from_tensor(&Tensor::full(value, (1, 1), device)?.to_dtype(dtype)?);
        let mut blocks = Vec::with_capacity(count);
        for b in 0..count {
            let (first, second) = match start {
                Start::Fixup => (config.gain * fixup_factor(count), 0.0),
                Start::Plain | Start::ZeroGamma => (config.gain, config.gain),
            };
            let units = stream(seed, "units", (index << 16) + b as u64);
            blocks.push(Block {
                first: matrix(2 * b + 1, first)?,
                second: matrix(2 * b + 2, second)?,
                scale: scalar(if start == Start::ZeroGamma { 0.0 } else { 1.0 })?,
                shifts: [scalar(0.0)?, scalar(0.0)?, scalar(0.0)?],
                unit: Unit::new(&config.activation.into(), width, units, dtype, device)?,
            });
        }
        let linear = |layer, shape, init, gain| Linear::new(shape, init, gain, 0.0, &mut random(layer), dtype, device);
        let head_gain = if start == Start::Fixup { 0.0 } else { 1.0 };
        Ok(Self {
            config,
            start,
            stem: linear(0, (config.inputs, width), config.init, config.gain)?,
            blocks,
            head: linear(0xffff, (width, config.classes), Init::LecunNormal, head_gain)?,
        })
    }

    /// [batch, inputs] to logits [batch, classes].
    pub fn forward(&self, x: &Tensor, mode: Mode) -> Result<Tensor> {
        Ok(self.trace(x, mode, None)?.logits)
    }

    /// The same, keeping the stream: the batch, the stem's output, each block's output; and what f is
    /// given in each block. `probes` as in [`super::Mlp::trace`].
    pub fn trace(&self, x: &Tensor, mode: Mode, probes: Option<&[Var]>) -> Result<Trace> {
        let probed = |h: Tensor, l: usize| match probes {
            Some(probes) => h + probes[l].as_tensor(),
            None => Ok(h),
        };
        let batch = probed(x.clone(), 0)?;
        let mut h = probed(self.stem.forward(&batch)?, 1)?;
        let (mut inputs, mut pre_activations) = (vec![batch, h.clone()], Vec::new());
        for (b, block) in self.blocks.iter().enumerate() {
            let (next, z) = block.forward(&h, mode)?;
            h = probed(next, b + 2)?;
            inputs.push(h.clone());
            pre_activations.push(z);
        }
        let logits = self.head.forward(&h)?;
        Ok(Trace { inputs, pre_activations, logits })
    }

    /// Zeros to be given to [`ResidualMlp::trace`] for a batch of `rows` samples.
    pub fn probes(&self, rows: usize, dtype: DType, device: &Device) -> Result<Vec<Var>> {
        let c = &self.config;
        let features = |l: usize| if l == 0 { c.inputs } else { c.width };
        (0..self.blocks.len() + 2).map(|l| Var::zeros((rows, features(l)), dtype, device)).collect()
    }

    /// Everything that is learned, with its name, in the order of the layers.
    #[must_use]
    pub fn parameters(&self) -> Vec<(String, Var)> {
        let mut list =
            vec![("stem.weight".into(), self.stem.weight.clone()), ("stem.bias".into(), self.stem.bias.clone())];
        for (b, block) in self.blocks.iter().enumerate() {
            let mut push = |name: &str, var: &Var| list.push((format!("block.{b}.{name}"), var.clone()));
            push("first", &block.first);
            push("second", &block.second);
            push("scale", &block.scale);
            for (i, shift) in block.shifts.iter().enumerate() {
                push(&format!("shift.{}", i + 1), shift);
            }
            block.unit.parameters().into_iter().for_each(|(name, var)| push(name, var));
        }
        list.push(("head.weight".into(), self.head.weight.clone()));
        list.push(("head.bias".into(), self.head.bias.clone()));
        list
    }
}

impl Network for ResidualMlp {
    fn forward(&self, x: &Tensor, mode: Mode) -> Result<Tensor> {
        Self::forward(self, x, mode)
    }

    fn parameters(&self) -> Vec<(String, Var)> {
        Self::parameters(self)
    }
}

impl Block {
    /// The stream [batch, width] to the stream and what f was given.
    fn forward(&self, h: &Tensor, mode: Mode) -> Result<(Tensor, Tensor)> {
        let (rows, width) = h.dims2()?;
        // As matrix products, for the reason that `spread_rows` gives.
        let spread = |scalar: &Var| {
            let row = scalar.matmul(&Tensor::ones((1, width), scalar.dtype(), scalar.device())?)?;
            spread_rows(&row, rows)
        };
        let [before_first, before_unit, before_second] = &self.shifts;
        let z = ((h + spread(before_first)?)?.matmul(&self.first.t()?)? + spread(before_unit)?)?;
        let y = (self.unit.forward(&z, mode)? + spread(before_second)?)?.matmul(&self.second.t()?)?;
        Ok(((h + (y * spread(&self.scale)?)?)?, z))
    }
}
