//! The equations of backpropagation written out, beside automatic differentiation: as they are, and as
//! they are sometimes misprinted; the gradient of a branch; and where a skip connection may end.
//!
//! The loss is 1/(2 n) sum (y - t)^2 over the last layer's outputs y = f(z), so that the output's error
//! has a slope in it (Nielsen 2015, chapter 2, BP1 to BP4).

use super::setup::Setup;
use crate::cost::measure_cost;
use crate::figure::{Figure, Kind, Table, readable};
use crate::measured::gradient;
use crate::nn::clip::norm;
use crate::nn::{Mlp, MlpConfig, Mode, NormKind};
use crate::rng::stream;
use crate::stats::{geometric, mean};
use crate::work::Work;
use crate::{Finding, Result};
use candle_core::{Tensor, Var};

const MAX_WIDTH: usize = 32;
/// The equations are the same at every depth; the skip connections are measured at the settings' own.
const MAX_DEPTH: usize = 5;
const MAX_SAMPLES: usize = 16;
const FIRST_NETWORK: u64 = 1 << 38;
/// Targets that are not those of any network of the part.
const OTHER_TARGETS: u64 = 1 << 20;

/// How the written-out equations depart from the right ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Variant {
    Right,
    /// The output's error without the slope: dLoss/dy for dLoss/dy * f'(z).
    BareOutput,
    /// Errors handed down without the slopes of the layers between.
    BareRecursion,
    /// Each layer's weights with the next layer's error.
    NextError,
}

/// What each network's equations came to.
const COLUMNS: [(&str, &str); 8] = [
    ("backprop_error", "relative error of the four equations against automatic differentiation, weights and biases"),
    ("backprop_bare_output_error", "the same with the output's error taken without f'(z)"),
    ("backprop_bare_recursion_error", "the same with errors handed down without f'(z)"),
    ("backprop_next_error_error", "the same with each layer's weights given the next layer's error"),
    (
        "backprop_target_change",
        "relative change of the gradients where the targets alone are exchanged after the forward pass",
    ),
    (
        "branch_error",
        "relative error of gradient (I + J) written out for residual layers, against automatic differentiation",
    ),
    (
        "skip_output_ratio",
        "norm of the gradient at h_1 over that at h_L where each layer's input is added to its output",
    ),
    ("skip_input_ratio", "the same where the layer before's output is added to the next layer's input instead"),
];

pub struct Backprop {
    nets: usize,
    cost: f64,
    values: [Vec<f64>; COLUMNS.len()],
}

impl Backprop {
    pub fn new(setup: &Setup) -> Self {
        let cost = 4.0 * measure_cost(&config(setup, setup.settings.depth, false), MAX_SAMPLES);
        Self { nets: setup.settings.nets, cost, values: Default::default() }
    }

    fn done(&self) -> usize {
        self.values[0].len()
    }
}

fn config(setup: &Setup, depth: usize, residual: bool) -> MlpConfig {
    let base = setup.network();
    MlpConfig { width: base.width.min(MAX_WIDTH), depth, residual, norm: NormKind::None, ..base }
}

/// A network with its batch and targets.
struct Case {
    net: Mlp,
    x: Tensor,
    target: Tensor,
}

impl Case {
    fn new(setup: &Setup, index: u64, residual: bool) -> Result<Self> {
        let config = config(setup, setup.settings.depth.min(MAX_DEPTH), residual);
        let net = Mlp::new(config, setup.seed, FIRST_NETWORK + index, setup.dtype, &setup.device)?;
        let x = setup.x.narrow(0, 0, MAX_SAMPLES.min(setup.x.dim(0)?))?;
        let target = targets(setup, (x.dim(0)?, config.width), index)?;
        Ok(Self { net, x, target })
    }

    /// Weights' and biases' gradients, layer by layer, by automatic differentiation.
    fn automatic(&self) -> Result<Vec<Tensor>> {
        let trace = self.net.trace(&self.x, Mode::Batch, None)?;
        let y = &trace.inputs[self.net.config.depth];
        let loss = ((y - &self.target)?.sqr()?.sum_all()? * (0.5 / self.x.dim(0)? as f64))?;
        let grads = loss.backward()?;
        let both = self.net.hidden.iter().flat_map(|h| [&h.linear.weight, &h.linear.bias]);
        both.map(|v| Ok(gradient(&grads, v)?.detach())).collect()
    }

    /// The same from what the forward pass has stored, h and z of each layer, by the equations alone.
    fn written(&self, variant: Variant) -> Result<Vec<Tensor>> {
        let trace = self.net.trace(&self.x, Mode::Batch, None)?;
        let slope = |l: usize| -> Result<Tensor> {
            Ok(self.net.config.activation.derivative_of(&trace.pre_activations[l].detach())?)
        };
        let depth = self.net.config.depth;
        let residual = |l: usize| self.net.config.residual && l > 0;
        let n = self.x.dim(0)? as f64;
        // dLoss/dh of the layer's output, from the last layer on.
        let mut back = ((trace.inputs[depth].detach() - &self.target)? / n)?;
        let mut errors = Vec::with_capacity(depth);
        for l in (0..depth).rev() {
            let bare = match variant {
                Variant::BareOutput => l + 1 == depth,
                Variant::BareRecursion => l + 1 < depth,
                Variant::Right | Variant::NextError => false,
            };
            let error = if bare { back.clone() } else { (&back * slope(l)?)? };
            let through = error.matmul(&self.net.hidden[l].linear.weight.detach())?;
            back = if residual(l) { (&back + through)? } else { through };
            errors.push(error);
        }
        errors.reverse();
        let mut list = Vec::with_capacity(2 * depth);
        for l in 0..depth {
            let which = if variant == Variant::NextError { (l + 1).min(depth - 1) } else { l };
            list.push(errors[which].t()?.matmul(&trace.inputs[l].detach())?);
            list.push(errors[which].sum_keepdim(0)?);
        }
        Ok(list)
    }
}

/// Targets [samples, width] from N(0, 1), which no network was made for.
fn targets(setup: &Setup, shape: (usize, usize), number: u64) -> Result<Tensor> {
    Ok(stream(setup.seed, "targets", number).normal_tensor(shape, &setup.device)?.to_dtype(setup.dtype)?)
}

/// |a - b| / |b| over all tensors together.
fn relative(a: &[Tensor], b: &[Tensor]) -> Result<f64> {
    let flat = |list: &[Tensor]| -> Result<Tensor> {
        let parts = list.iter().map(Tensor::flatten_all).collect::<candle_core::Result<Vec<_>>>()?;
        Ok(Tensor::cat(&parts, 0)?)
    };
    let (a, b) = (flat(a)?, flat(b)?);
    Ok(norm(&(a - &b)?)? / norm(&b)?)
}

/// Where a skip connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Skip {
    /// h' = h + F(h)
    Output,
    /// h' = F(h + the layer before's output)
    Input,
}

/// The norm of the gradient at `h_1` over that at `h_L`, which is a random direction for each sample.
fn skip_ratio(setup: &Setup, index: u64, skip: Skip) -> Result<f64> {
    let depth = setup.settings.depth;
    let config = config(setup, depth, skip == Skip::Output);
    let net = Mlp::new(config, setup.seed, FIRST_NETWORK + index, setup.dtype, &setup.device)?;
    let x = setup.x.narrow(0, 0, MAX_SAMPLES.min(setup.x.dim(0)?))?;
    let first = Var::from_tensor(&net.layer(0, &x, Mode::Batch)?.0.detach())?;
    let (mut before, mut h) = (first.zeros_like()?, first.as_tensor().clone());
    for l in 1..depth {
        let input = if skip == Skip::Input { (&h + &before)? } else { h.clone() };
        before = h;
        h = net.layer(l, &input, Mode::Batch)?.0;
    }
    let direction =
        stream(setup.seed, "direction", index).normal_tensor(h.shape(), &setup.device)?.to_dtype(setup.dtype)?;
    let grads = (h * &direction)?.sum_all()?.backward()?;
    Ok(norm(&gradient(&grads, &first)?)? / norm(&direction)?)
}

fn measure(setup: &Setup, index: u64) -> Result<[f64; COLUMNS.len()]> {
    let plain = Case::new(setup, index, false)?;
    let automatic = plain.automatic()?;
    let against = |variant| relative(&plain.written(variant)?, &automatic);
    let exchanged = targets(setup, plain.target.dims2()?, OTHER_TARGETS + index)?;
    let other = Case { target: exchanged, net: plain.net.clone(), x: plain.x.clone() };
    let residual = Case::new(setup, index, true)?;
    Ok([
        against(Variant::Right)?,
        against(Variant::BareOutput)?,
        against(Variant::BareRecursion)?,
        against(Variant::NextError)?,
        relative(&other.automatic()?, &automatic)?,
        relative(&residual.written(Variant::Right)?, &residual.automatic()?)?,
        skip_ratio(setup, index, Skip::Output)?,
        skip_ratio(setup, index, Skip::Input)?,
    ])
}

impl Work<Setup> for Backprop {
    fn title(&self) -> &'static str {
        "backpropagation written out"
    }

    fn stage(&self) -> String {
        format!("backpropagation written out, network {} of {}", (self.done() + 1).min(self.nets), self.nets)
    }

    fn cost(&self) -> (f64, f64) {
        (self.cost * self.nets as f64, self.cost * self.done() as f64)
    }

    fn step(&mut self, setup: &Setup) -> Result<bool> {
        if self.done() < self.nets {
            let measured = measure(setup, self.done() as u64)?;
            for (list, value) in self.values.iter_mut().zip(measured) {
                list.push(value);
            }
        }
        Ok(self.done() < self.nets)
    }

    fn figures(&self, _: &Setup) -> Vec<Figure> {
        let caption = if self.done() == 0 {
            "Nothing measured yet.".into()
        } else {
            format!(
                "The four equations agree with automatic differentiation to {}; without the output's slope they are off by {}.",
                readable(mean(&self.values[0])),
                readable(mean(&self.values[1]))
            )
        };
        let row = |((name, meaning), values): (&(&str, &str), &Vec<f64>)| {
            let value = if name.ends_with("ratio") { geometric(values).0 } else { mean(values) };
            vec![(*meaning).to_string(), if values.is_empty() { String::new() } else { readable(value) }]
        };
        let table = Table {
            columns: ["quantity", "measured"].map(String::from).to_vec(),
            rows: COLUMNS.iter().zip(&self.values).map(row).collect(),
        };
        let title = "Backpropagation written out".into();
        vec![Figure { id: "backprop".into(), title, caption, kind: Kind::Table(table) }]
    }

    fn findings(&self, _: &Setup) -> Vec<Finding> {
        let finding = |((name, meaning), values): (&(&str, &str), &Vec<f64>)| {
            if name.ends_with("ratio") {
                Finding::geometric(*name, values, *meaning)
            } else {
                Finding::arithmetic(*name, values, *meaning)
            }
        };
        COLUMNS.iter().zip(&self.values).map(finding).collect()
    }
}
