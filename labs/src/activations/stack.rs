//! A plain network of any widths, and its least-squares fit.

use super::setup::matched_gain;
use crate::Result;
use crate::nn::optim::Rates;
use crate::nn::{Function, Init, Linear, Mode, Nonlinearity, Optimizer, OptimizerKind};
use crate::rng::stream;
use crate::trainer::Network;
use candle_core::{DType, Device, Tensor, Var};

/// The make of a [`Stack`].
#[derive(Debug, Clone)]
pub struct Make {
    /// Features, units of each hidden layer, outputs.
    pub widths: Vec<usize>,
    /// After each hidden layer.
    pub hidden: Function,
    /// Factor on the first layer's weights at the start: how steep its units are.
    pub steepness: f64,
    /// Standard deviation of the first layer's biases at the start, which spread its kinks.
    pub bias_std: f64,
}

impl Make {
    /// Weights and biases of the network.
    pub fn parameters(&self) -> usize {
        self.widths.windows(2).map(|w| (w[0] + 1) * w[1]).sum()
    }
}

/// Affine layers with one function between them.
#[derive(Debug, Clone)]
pub struct Stack {
    layers: Vec<Linear>,
    hidden: Function,
}

impl Stack {
    /// Network `index` of `seed`, f32; the gain of every layer after the first keeps the second moment.
    pub fn new(make: &Make, seed: u64, index: u64, device: &Device) -> Result<Self> {
        let after = matched_gain(&Nonlinearity::Function(make.hidden.clone()));
        let layer = |(l, w): (usize, &[usize])| {
            let mut random = stream(seed, "stack", (index << 16) + l as u64);
            let (gain, bias_std) = if l == 0 { (make.steepness, make.bias_std) } else { (after, 0.0) };
            Linear::new((w[0], w[1]), Init::LecunNormal, gain, bias_std, &mut random, DType::F32, device)
        };
        let layers = make.widths.windows(2).enumerate().map(layer).collect::<candle_core::Result<_>>()?;
        Ok(Self { layers, hidden: make.hidden.clone() })
    }
}

impl Network for Stack {
    fn forward(&self, x: &Tensor, _: Mode) -> candle_core::Result<Tensor> {
        let mut h = x.clone();
        for (l, layer) in self.layers.iter().enumerate() {
            h = layer.forward(&h)?;
            if l + 1 < self.layers.len() {
                h = self.hidden.forward(&h)?;
            }
        }
        Ok(h)
    }

    fn parameters(&self) -> Vec<(String, Var)> {
        let pair = |(i, l): (usize, &Linear)| {
            [(format!("{i}.weight"), l.weight.clone()), (format!("{i}.bias"), l.bias.clone())]
        };
        self.layers.iter().enumerate().flat_map(pair).collect()
    }
}

/// A network on its way to a least-squares fit of all samples at once.
pub struct Fit {
    net: Stack,
    optimizer: Optimizer,
    /// [samples, features].
    x: Tensor,
    /// [samples, 1].
    y: Tensor,
    rate: f64,
    /// Steps done.
    pub done: u64,
    total: u64,
}

impl Fit {
    /// `total` steps of Adam whose rate falls from `rate` to 0 in a straight line.
    pub fn new(net: Stack, x: Tensor, y: Tensor, rate: f64, total: u64) -> Self {
        let parameters = net.parameters().into_iter().map(|(_, var)| var).collect();
        let rates = Rates { lr: rate, momentum: 0.9, weight_decay: 0.0 };
        Self { optimizer: Optimizer::new(OptimizerKind::Adam, rates, parameters), net, x, y, rate, done: 0, total }
    }

    /// Whether there are steps left.
    pub fn open(&self) -> bool {
        self.done < self.total
    }

    /// One step.
    pub fn step(&mut self) -> Result<()> {
        let error = (self.net.forward(&self.x, Mode::Eval)? - &self.y)?;
        let grads = error.sqr()?.mean_all()?.backward()?;
        self.optimizer.rates.lr = self.rate * (1.0 - self.done as f64 / self.total as f64);
        self.optimizer.step(&grads)?;
        self.done += 1;
        Ok(())
    }

    /// The network's outputs for its samples.
    pub fn outputs(&self) -> Result<Vec<f64>> {
        Ok(self.net.forward(&self.x, Mode::Eval)?.detach().flatten_all()?.to_dtype(DType::F64)?.to_vec1()?)
    }
}

/// 1 less the mean square of the errors over the variance of `targets`: 1 is a perfect fit, 0 that of
/// the mean.
pub fn r_squared(targets: &[f64], outputs: &[f64]) -> f64 {
    let mean = crate::stats::mean(targets);
    let errors: f64 = targets.iter().zip(outputs).map(|(y, o)| (y - o).powi(2)).sum();
    1.0 - errors / targets.iter().map(|y| (y - mean).powi(2)).sum::<f64>()
}
