//! Which units of a network still take part: dead and saturated ones.
//!
//! A unit is dead when no sample of the whole data set gives it gradient. That is not sparsity: half of
//! a healthy ReLU layer is silent for any one sample.

use crate::Result;
use crate::nn::{Mlp, Mode};
use candle_core::Tensor;

/// A unit whose derivative is below this for every sample gets no gradient to speak of.
pub const DEAD_BELOW: f64 = 1e-6;

/// Which units of a network have met a sample that gives them gradient.
#[derive(Debug)]
pub struct Counting {
    net: Mlp,
    alive: Vec<Vec<bool>>,
    seen: usize,
}

impl Counting {
    const ROWS: usize = 256;

    /// Nothing seen yet.
    #[must_use]
    pub fn new(net: Mlp) -> Self {
        let alive = vec![vec![false; net.config.width]; net.config.depth];
        Self { net, alive, seen: 0 }
    }

    /// Takes the next rows of `x`; false when all have been taken.
    pub fn step(&mut self, x: &Tensor) -> Result<bool> {
        let total = x.dim(0)?;
        let rows = x.narrow(0, self.seen, Self::ROWS.min(total - self.seen))?;
        // The running statistics of a network in training stay as they are.
        let trace = self.net.trace(&rows, Mode::Batch, None)?;
        let layers = self.net.hidden.iter().zip(&trace.pre_activations);
        for ((layer, z), alive) in layers.zip(&mut self.alive) {
            let slope = layer.unit.slopes(z)?.max(0)?;
            let slope: Vec<f64> = slope.to_dtype(candle_core::DType::F64)?.to_vec1()?;
            alive.iter_mut().zip(slope).for_each(|(a, s)| *a |= s >= DEAD_BELOW);
        }
        self.seen += rows.dim(0)?;
        Ok(self.seen < total)
    }

    /// The share of units, for each hidden layer, that no sample so far gives gradient.
    #[must_use]
    pub fn shares(&self) -> Vec<f64> {
        let share = |units: &Vec<bool>| units.iter().filter(|a| !**a).count() as f64 / units.len() as f64;
        self.alive.iter().map(share).collect()
    }
}

/// The share of units, for each hidden layer, whose derivative is below [`DEAD_BELOW`] on every
/// sample of `x`.
pub fn dead_shares(net: &Mlp, x: &Tensor) -> Result<Vec<f64>> {
    let mut counting = Counting::new(net.clone());
    while counting.step(x)? {}
    Ok(counting.shares())
}
