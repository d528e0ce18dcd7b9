//! Which units of a network still take part: dead and saturated ones.
//!
//! A unit is dead when no sample of the whole data set gives it gradient. That is not sparsity: half of
//! a healthy ReLU layer is silent for any one sample.

use crate::Result;
use crate::nn::activation::Scalar;
use crate::nn::{Mlp, Mode, Nonlinearity};
use candle_core::{DType, Tensor};

/// A unit whose derivative is below this for every sample gets no gradient to speak of.
pub const DEAD_BELOW: f64 = 1e-6;

/// A unit is saturated on a sample where its derivative is below this share of the function's largest.
/// For tanh, whose derivative is 1 - tanh^2, exactly where |tanh| > 0.97 (Karpathy, makemore part 3).
pub const SATURATED_BELOW: f64 = 1.0 - 0.97 * 0.97;

/// The largest |f'|; `None` where it has no bound, as for x^2 and for a gate.
#[must_use]
pub fn largest_slope(kind: &Nonlinearity) -> Option<f64> {
    let f = kind.function()?;
    let largest = |reach: f64, n: i32| {
        let at = |i: i32| f.derivative(reach * f64::from(i) / f64::from(n)).abs();
        (-n..=n).map(at).fold(0.0, f64::max)
    };
    let (near, far) = (largest(30.0, 60_000), largest(3000.0, 6_000));
    // A bounded slope has all but reached its bound by 30.
    (near > 0.0 && near.is_finite() && far <= 1.01 * near).then_some(near.max(far))
}

/// [`largest_slope`] of each of `depth` hidden layers.
#[must_use]
pub fn largest_slopes(kind: &Nonlinearity, depth: usize) -> Vec<Option<f64>> {
    match kind {
        Nonlinearity::Layers(_) => (0..depth).map(|l| largest_slope(kind.layer(l))).collect(),
        one => vec![largest_slope(one); depth],
    }
}

/// What the units of one hidden layer do on a data set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LayerActivity {
    /// Share of the units whose derivative is below [`DEAD_BELOW`] on every sample.
    pub dead: f64,
    /// Share of the pairs of unit and sample with a derivative below [`SATURATED_BELOW`] of the
    /// function's largest; NaN where that has no bound.
    pub saturated: f64,
    /// Share of the pairs whose output is exactly 0.
    pub zero: f64,
    /// Mean of the layer's outputs.
    pub mean: f64,
    /// Their standard deviation.
    pub std: f64,
}

#[derive(Debug, Clone, Default)]
struct Tally {
    /// Of each unit, over the samples so far.
    largest: Vec<f64>,
    /// Below it a pair of unit and sample is saturated.
    limit: f64,
    pairs: f64,
    saturated: f64,
    zero: f64,
    sum: f64,
    squares: f64,
}

impl Tally {
    fn slopes(&mut self, slopes: &[f64]) {
        for row in slopes.chunks_exact(self.largest.len()) {
            for (largest, slope) in self.largest.iter_mut().zip(row) {
                *largest = largest.max(*slope);
            }
        }
        self.pairs += slopes.len() as f64;
        self.saturated += slopes.iter().filter(|s| **s < self.limit).count() as f64;
    }

    fn outputs(&mut self, outputs: &[f64]) {
        self.zero += outputs.iter().filter(|y| **y == 0.0).count() as f64;
        self.sum += outputs.iter().sum::<f64>();
        self.squares += outputs.iter().map(|y| y * y).sum::<f64>();
    }
}

/// A network on its way through a data set, and what its units did there.
#[derive(Debug)]
pub struct Counting {
    net: Mlp,
    layers: Vec<Tally>,
    /// Whether outputs are looked at too.
    outputs: bool,
    seen: usize,
}

impl Counting {
    const ROWS: usize = 256;

    /// Nothing seen yet; slopes alone will be looked at.
    #[must_use]
    pub fn new(net: Mlp) -> Self {
        let tally = Tally { largest: vec![0.0; net.config.width], limit: f64::NAN, ..Tally::default() };
        Self { layers: vec![tally; net.config.depth], net, outputs: false, seen: 0 }
    }

    /// Nothing seen yet; `largest` is the [`largest_slope`] of each hidden layer's non-linearity.
    #[must_use]
    pub fn whole(net: Mlp, largest: &[Option<f64>]) -> Self {
        let mut counting = Self { outputs: true, ..Self::new(net) };
        for (tally, largest) in counting.layers.iter_mut().zip(largest) {
            tally.limit = largest.map_or(f64::NAN, |largest| SATURATED_BELOW * largest);
        }
        counting
    }

    /// Takes the next rows of `x`; false when all have been taken.
    pub fn step(&mut self, x: &Tensor) -> Result<bool> {
        let total = x.dim(0)?;
        let rows = x.narrow(0, self.seen, Self::ROWS.min(total - self.seen))?;
        // The running statistics of a network in training stay as they are.
        let trace = self.net.trace(&rows, Mode::Batch, None)?;
        for (l, tally) in self.layers.iter_mut().enumerate() {
            tally.slopes(&flat(&self.net.hidden[l].unit.slopes(&trace.pre_activations[l])?)?);
            if self.outputs {
                tally.outputs(&flat(&trace.inputs[l + 1])?);
            }
        }
        self.seen += rows.dim(0)?;
        Ok(self.seen < total)
    }

    /// The share of units, for each hidden layer, that no sample so far gives gradient.
    #[must_use]
    pub fn shares(&self) -> Vec<f64> {
        self.layers.iter().map(|tally| dead_share(&tally.largest)).collect()
    }

    /// The largest |derivative| of each unit over the samples so far, for each hidden layer.
    #[must_use]
    pub fn largest(&self) -> Vec<Vec<f64>> {
        self.layers.iter().map(|tally| tally.largest.clone()).collect()
    }

    /// What each hidden layer did so far; outputs are known to [`Counting::whole`] alone.
    #[must_use]
    pub fn activity(&self) -> Vec<LayerActivity> {
        let of = |tally: &Tally| {
            let mean = tally.sum / tally.pairs;
            let known = |v: f64| if self.outputs { v } else { f64::NAN };
            LayerActivity {
                dead: dead_share(&tally.largest),
                saturated: if tally.limit.is_nan() { f64::NAN } else { tally.saturated / tally.pairs },
                zero: known(tally.zero / tally.pairs),
                mean: known(mean),
                std: known((tally.squares / tally.pairs - mean * mean).max(0.0).sqrt()),
            }
        };
        self.layers.iter().map(of).collect()
    }
}

fn flat(t: &Tensor) -> candle_core::Result<Vec<f64>> {
    t.detach().to_dtype(DType::F64)?.flatten_all()?.to_vec1()
}

fn dead_share(largest: &[f64]) -> f64 {
    largest.iter().filter(|s| **s < DEAD_BELOW).count() as f64 / largest.len() as f64
}

/// The share of units, for each hidden layer, whose derivative is below [`DEAD_BELOW`] on every
/// sample of `x`.
pub fn dead_shares(net: &Mlp, x: &Tensor) -> Result<Vec<f64>> {
    let mut counting = Counting::new(net.clone());
    while counting.step(x)? {}
    Ok(counting.shares())
}

/// What each hidden layer of `net`, whose non-linearity is `kind`, does on the samples of `x`.
pub fn activity(net: &Mlp, kind: &Nonlinearity, x: &Tensor) -> Result<Vec<LayerActivity>> {
    let mut counting = Counting::whole(net.clone(), &largest_slopes(kind, net.config.depth));
    while counting.step(x)? {}
    Ok(counting.activity())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{Activation, Init, MlpConfig, NormKind};
    use crate::rng::stream;
    use candle_core::Device;

    /// One network of `kind` on inputs N(0, 1).
    fn measured(kind: &str, depth: usize, width: usize, gain: f64, inputs: usize) -> Vec<LayerActivity> {
        let config = MlpConfig {
            inputs: width,
            width,
            depth,
            classes: 2,
            activation: Activation::Identity,
            norm: NormKind::None,
            residual: false,
            init: Init::LecunNormal,
            gain,
            bias_std: 0.0,
        };
        let kind = Nonlinearity::parse("activation", kind).unwrap();
        let net = Mlp::with_units(config, &kind, 3, 0, DType::F32, &Device::Cpu).unwrap();
        let x = stream(5, "x", 0).normal_tensor((inputs, width), &Device::Cpu).unwrap().to_dtype(DType::F32).unwrap();
        activity(&net, &kind, &x).unwrap()
    }

    fn near(value: f64, want: f64, within: f64) {
        assert!((value - want).abs() < within, "{value} is not {want}");
    }

    #[test]
    fn shares_of_a_wide_layer_are_those_of_the_normal_distribution() {
        // P(|tanh z| > 0.97) = 2 Phi(-artanh 0.97) for z from N(0, 1). scipy 1.17.1:
        // 2 * norm.cdf(-atanh(0.97)) = 0.036412.
        let tanh = measured("tanh", 1, 400, 1.0, 500)[0];
        near(tanh.saturated, 0.036_412, 0.002);
        near(tanh.std.powi(2), 0.3943, 0.01);
        assert!(tanh.zero == 0.0 && tanh.dead == 0.0);
        let relu = measured("relu", 1, 400, 1.0, 500)[0];
        near(relu.zero, 0.5, 0.01);
        near(relu.saturated, relu.zero, 1e-12);
        near(relu.mean, 0.3989, 0.01);
        near(relu.std.powi(2), 0.3409, 0.01);
        assert!(relu.dead == 0.0, "sparse is not dead");
        // PReLU passes a quarter of the slope: never saturated, never exactly 0.
        let prelu = measured("prelu", 1, 400, 1.0, 500)[0];
        near(prelu.mean, 0.2992, 0.01);
        assert!(prelu.saturated == 0.0 && prelu.zero == 0.0 && prelu.dead == 0.0);
        // A slope of 0.01 is below 0.0591 of 1: saturated, but neither exactly 0 nor dead.
        let leaky = measured("leaky_relu", 1, 400, 1.0, 500)[0];
        near(leaky.saturated, 0.5, 0.01);
        assert!(leaky.zero == 0.0 && leaky.dead == 0.0);
    }

    #[test]
    fn tanh_with_gain_five_thirds_saturates_as_its_fixed_point_says() {
        // q* = 1.178480 (crate::mean_field), so 2 Phi(-artanh(0.97) / sqrt(q*)) of the pairs.
        let layers = measured("tanh", 20, 400, 5.0 / 3.0, 200);
        let late: Vec<f64> = layers[5..].iter().map(|l| l.saturated).collect();
        near(crate::stats::mean(&late), 0.0539, 0.006);
    }

    #[test]
    fn dead_units_of_deep_relu_networks_are_those_of_the_reference() {
        // Two seeds of numpy networks, He, width 64, 200 inputs: layer 1 none, layer 5 3 to 8 %, layer 10
        // 6 to 19 %, layer 20 28 %, layer 30 33 to 48 %; a unit of one network is 1.6 %.
        let mut shares = vec![0.0; 30];
        let nets = 6;
        for i in 0..nets {
            let x = stream(i, "x", 0).normal_tensor((200, 64), &Device::Cpu).unwrap();
            let config = MlpConfig {
                inputs: 64,
                width: 64,
                depth: 30,
                classes: 2,
                activation: Activation::Relu,
                norm: NormKind::None,
                residual: false,
                init: Init::HeNormal,
                gain: 1.0,
                bias_std: 0.0,
            };
            let net = Mlp::new(config, i, 0, DType::F64, &Device::Cpu).unwrap();
            for (sum, share) in shares.iter_mut().zip(dead_shares(&net, &x).unwrap()) {
                *sum += share / nets as f64;
            }
        }
        for (layer, low, high) in [(1, 0.0, 0.0), (5, 0.01, 0.12), (10, 0.06, 0.25), (20, 0.18, 0.40), (30, 0.28, 0.53)]
        {
            assert!((low..=high).contains(&shares[layer - 1]), "layer {layer}: {}", shares[layer - 1]);
        }
    }

    #[test]
    fn the_largest_slopes_are_the_published_ones() {
        let largest = |text| largest_slope(&Nonlinearity::parse("activation", text).unwrap());
        for (text, want) in [
            ("sigmoid", 0.25),
            ("tanh", 1.0),
            ("relu", 1.0),
            ("elu:2", 2.0),
            ("gelu", 1.128_904),
            ("silu", 1.099_839),
            ("swish", 1.099_839),
            ("mish", 1.0885),
            ("hard_swish", 1.5),
            ("softsign", 1.0),
            ("sine", 1.0),
            ("x_tanh_x", 1.1997),
        ] {
            near(largest(text).unwrap(), want, 2e-4);
        }
        assert_eq!(largest("relu_squared"), None);
        assert_eq!(largest("swiglu"), None);
    }
}
