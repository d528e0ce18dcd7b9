//! Dropout on the input of linear regression, where it is an L2 penalty exactly (Srivastava et al. 2014,
//! section 9.1), and what dropout does to the size of a deep ReLU network's signal.
//!
//! X is `[n, d]`, y `[n]`, w `[d]`; R is a mask `[n, d]` of independent Bernoulli(k) entries, k the share that is
//! kept, and is not divided by k, as in the paper: `E |y - (R*X) w|^2 = |y - k X w|^2 + k (1 - k) |Gamma w|^2`
//! with `Gamma = diag(X^T X)^(1/2)`.

use super::input::{self, bad};
use crate::nn::{Activation, Dropout, DropoutKind, Init, Linear, Mode, Unit};
use crate::rng::{Stream, stream};
use crate::{LabError, Result};
use candle_core::{DType, Device};
use nalgebra::{DMatrix, DVector};

/// The most features of which all masks are enumerated: 2^16 masks a sample.
pub const ENUMERATED: usize = 16;

/// A linear regression whose inputs are dropped.
#[derive(Debug, Clone)]
pub struct Regression {
    x: DMatrix<f64>,
    y: DVector<f64>,
    keep: f64,
}

impl Regression {
    /// `x` `[n, d]`, `y` `[n]`, and the probability `keep` that an input is kept, above 0 to 1.
    pub fn new(x: DMatrix<f64>, y: DVector<f64>, keep: f64) -> Result<Self> {
        input::keep(keep)?;
        if x.is_empty() || x.nrows() != y.len() {
            let expected = format!("one target for each of the {} samples, and at least one feature", x.nrows());
            return Err(bad("targets", y.len(), &expected));
        }
        Ok(Self { x, y, keep })
    }

    /// The expected squared error `E |y - (R*X) w|^2` in closed form.
    #[must_use]
    pub fn expected_loss(&self, w: &DVector<f64>) -> f64 {
        (&self.y - &self.x * w * self.keep).norm_squared() + self.penalty(w)
    }

    /// `k (1 - k) |Gamma w|^2`, the penalty that dropout is.
    #[must_use]
    pub fn penalty(&self, w: &DVector<f64>) -> f64 {
        let squares = self.x.column_iter().zip(w).map(|(c, w)| c.norm_squared() * w * w);
        self.keep * (1.0 - self.keep) * squares.sum::<f64>()
    }

    /// The same expectation as a sum over all 2^d masks of every sample, each with its probability. Rows of the
    /// mask are independent, so the expectation of the sum is the sum of the rows' own.
    pub fn enumerated_loss(&self, w: &DVector<f64>) -> Result<f64> {
        let mut total = 0.0;
        self.masks(|row, y, probability| total += probability * (y - row.dot(w)).powi(2))?;
        Ok(total)
    }

    /// Estimates of the expected loss, one for each of `samples` masks drawn from `random`.
    pub fn sampled_losses(&self, w: &DVector<f64>, samples: usize, random: &mut Stream) -> Vec<f64> {
        let mut loss = || {
            let mask = self.x.map(|x| if random.uniform() < self.keep { x } else { 0.0 });
            (&self.y - mask * w).norm_squared()
        };
        (0..samples).map(|_| loss()).collect()
    }

    /// The minimiser of the expected loss, ridge regression with Gamma:
    /// `(k^2 X^T X + k (1 - k) Gamma^2) w = k X^T y`.
    pub fn minimiser(&self) -> Result<DVector<f64>> {
        let gram = self.x.tr_mul(&self.x);
        let gamma = DMatrix::from_diagonal(&gram.diagonal());
        let k = self.keep;
        solve(gram * (k * k) + gamma * (k * (1.0 - k)), &(self.x.tr_mul(&self.y) * k))
    }

    /// The same from the normal equations `E (R*X)^T (R*X) w = E (R*X)^T y` summed over all masks.
    pub fn enumerated_minimiser(&self) -> Result<DVector<f64>> {
        let d = self.x.ncols();
        let (mut gram, mut moment) = (DMatrix::zeros(d, d), DVector::zeros(d));
        self.masks(|row, y, probability| {
            gram.ger(probability, row, row, 1.0);
            moment.axpy(probability * y, row, 1.0);
        })?;
        solve(gram, &moment)
    }

    /// Gives `visit` every masked sample `[d]` with its target and the mask's probability.
    fn masks(&self, mut visit: impl FnMut(&DVector<f64>, f64, f64)) -> Result<()> {
        let d = self.x.ncols();
        let weights = mask_probabilities(d, self.keep)?;
        for (row, y) in self.x.row_iter().zip(&self.y) {
            let row = row.transpose();
            for (mask, probability) in weights.iter().enumerate() {
                visit(&row.map_with_location(|i, _, x| if mask >> i & 1 == 1 { x } else { 0.0 }), *y, *probability);
            }
        }
        Ok(())
    }
}

/// The probabilities of all 2^`features` masks, bit i of the index being input i kept.
pub fn mask_probabilities(features: usize, keep: f64) -> Result<Vec<f64>> {
    input::keep(keep)?;
    if features > ENUMERATED {
        return Err(bad("features", features, &format!("at most {ENUMERATED}, for every mask to be enumerated")));
    }
    let probability = |mask: usize| {
        let kept = mask.count_ones() as i32;
        keep.powi(kept) * (1.0 - keep).powi(features as i32 - kept)
    };
    Ok((0..1_usize << features).map(probability).collect())
}

fn solve(matrix: DMatrix<f64>, right: &DVector<f64>) -> Result<DVector<f64>> {
    // A dependent feature leaves a pivot that is rounding and may be positive.
    let limit = 1e-12 * matrix.diagonal().max();
    let decomposed = matrix.cholesky().filter(|c| c.l_dirty().diagonal().iter().all(|l| l * l > limit));
    decomposed.map(|c| c.solve(right)).ok_or_else(|| LabError::NotFinite {
        what: "the minimiser of the dropout loss".into(),
        hint: "remove features that are 0 or depend on others, or drop some inputs".into(),
    })
}

/// Mean and variance of inverted dropout's output for the input `x`, which is `x/k` with probability k and
/// else 0: `x` and `x^2 (1 - k)/k`.
#[must_use]
pub fn inverted_moments(x: f64, keep: f64) -> (f64, f64) {
    (x, x * x * (1.0 - keep) / keep)
}

/// A deep ReLU network with inverted dropout after every hidden layer, before training.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stack {
    /// Units of each layer, and of the input.
    pub width: usize,
    /// Hidden layers.
    pub depth: usize,
    /// The probability that a unit is kept.
    pub keep: f64,
    /// `sw2`, the variance of a weight times the layer's inputs: 2 is He's initialisation.
    pub weight_variance: f64,
}

impl Stack {
    /// The expected factor per layer on the mean square of activations, `sw2/(2k)`: the ReLU passes half of the
    /// second moment and dropout divides by k. At He's `sw2 = 2` it is 1/k. The mean over weights and masks is this at every width.
    #[must_use]
    pub fn growth(&self) -> f64 {
        self.weight_variance / (2.0 * self.keep)
    }

    /// The mean square of the activations after dropout, of the input (exactly 1) and of each hidden layer, for network
    /// `index` of `seed`: `depth + 1` numbers, averaged over a batch of `samples` inputs.
    pub fn mean_squares(&self, samples: usize, seed: u64, index: u64) -> Result<Vec<f64>> {
        self.check(samples)?;
        let device = Device::Cpu;
        let number = |l: usize| (index << 16) + l as u64;
        let x = stream(seed, "stack_input", index).normal_tensor((samples, self.width), &device)?;
        let scale = (self.width as f64).sqrt();
        let norms = (x.sqr()?.sum_keepdim(1)?.sqrt()? / scale)?;
        let mut h = x.broadcast_div(&norms)?;
        let mut squares = vec![1.0];
        for l in 0..self.depth {
            let mut random = stream(seed, "stack_weights", number(l));
            let gain = (0.5 * self.weight_variance).sqrt();
            let shape = (self.width, self.width);
            let linear = Linear::new(shape, Init::HeNormal, gain, 0.0, &mut random, DType::F64, &device)?;
            let relu = Unit::new(&Activation::Relu.into(), self.width, random, DType::F64, &device)?;
            let dropout = Dropout::new(DropoutKind::Plain, 1.0 - self.keep, stream(seed, "stack_masks", number(l)))?;
            let y = relu.forward(&linear.forward(&h)?, Mode::Eval)?.detach();
            h = dropout.forward(&y, Mode::Train { momentum: 0.0 })?;
            squares.push(h.sqr()?.mean_all()?.to_scalar()?);
        }
        Ok(squares)
    }

    fn check(&self, samples: usize) -> Result<()> {
        input::keep(self.keep)?;
        if !(self.weight_variance > 0.0 && self.weight_variance.is_finite()) {
            return Err(bad("weight variance", self.weight_variance, "a finite number above 0, for example 2"));
        }
        if self.width == 0 || samples == 0 {
            return Err(bad("width or samples", 0, "at least 1 of each"));
        }
        Ok(())
    }
}

/// The weight variance `sw2 = 2k` with which dropout leaves the mean square of a ReLU network's activations as
/// it is (Pretorius et al. 2018, "Critical initialisation for deep signal propagation in noisy rectifier neural
/// networks": `2/mu_2` with `mu_2 = 1/k` the noise's second moment).
#[must_use]
pub fn critical_weight_variance(keep: f64) -> f64 {
    2.0 * keep
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::{mean, t_interval};

    fn regression(n: usize, d: usize, keep: f64) -> (Regression, DVector<f64>) {
        let mut random = stream(9, "dropout_linear", d as u64);
        let x = DMatrix::from_vec(n, d, random.normals(n * d));
        let y = DVector::from_vec(random.normals(n));
        (Regression::new(x, y, keep).unwrap(), DVector::from_vec(random.normals(d)))
    }

    #[test]
    fn dropout_is_the_penalty_of_the_paper() {
        for (d, keep) in [(1, 0.5), (3, 0.8), (7, 0.5), (12, 0.3), (12, 1.0)] {
            let (r, w) = regression(14, d, keep);
            let (closed, listed) = (r.expected_loss(&w), r.enumerated_loss(&w).unwrap());
            assert!((closed / listed - 1.0).abs() < 1e-12, "{d} {keep}: {closed}, {listed}");
        }
        // By hand: x = 2, y = 1, w = 3, k = 1/4: 1/4 (1 - 6)^2 + 3/4 = 7; penalty 3/16 * 36 = 6.75.
        let one = |v: f64| DVector::from_element(1, v);
        let r = Regression::new(DMatrix::from_element(1, 1, 2.0), one(1.0), 0.25).unwrap();
        assert!((r.expected_loss(&one(3.0)) - 7.0).abs() < 1e-14 && (r.penalty(&one(3.0)) - 6.75).abs() < 1e-14);
        // Minimum: (4/16 + 4 * 3/16) w = 2/4.
        assert!((r.minimiser().unwrap()[0] - 0.5).abs() < 1e-14);
    }

    #[test]
    fn both_minimisers_are_one_and_the_loss_is_least_there() {
        for keep in [0.5, 0.8] {
            let (r, w) = regression(20, 8, keep);
            let (closed, listed) = (r.minimiser().unwrap(), r.enumerated_minimiser().unwrap());
            assert!((&closed - &listed).norm() < 1e-11 * closed.norm(), "{keep}");
            let least = r.enumerated_loss(&closed).unwrap();
            for step in [1e-3, -1e-3] {
                assert!(r.enumerated_loss(&(&closed + &w * step)).unwrap() > least, "{keep}");
            }
            // Plain least squares is elsewhere.
            let full = Regression::new(r.x.clone(), r.y.clone(), 1.0).unwrap().minimiser().unwrap();
            assert!((full - &closed * keep).norm() > 0.05 * closed.norm());
        }
    }

    #[test]
    fn sampled_masks_agree() {
        let (r, w) = regression(10, 40, 0.5);
        let losses = r.sampled_losses(&w, 4000, &mut stream(1, "masks", 0));
        let i = t_interval(&losses).unwrap();
        let (half, want) = (0.5 * (i.high - i.low), r.expected_loss(&w));
        // Four standard errors.
        assert!((mean(&losses) - want).abs() < 2.05 * half && half < 0.05 * want, "{i:?}, {want}");
        assert!(r.enumerated_loss(&w).is_err(), "2^40 masks");
    }

    #[test]
    fn inverted_dropout_keeps_the_mean_and_has_its_variance() {
        let n = 100_000;
        for (x, keep) in [(3.0, 0.5), (-2.0, 0.8)] {
            let layer = Dropout::new(DropoutKind::Plain, 1.0 - keep, stream(2, "inverted", 0)).unwrap();
            let batch = candle_core::Tensor::full(x, n, &Device::Cpu).unwrap();
            let y: Vec<f64> = layer.forward(&batch, Mode::Train { momentum: 0.0 }).unwrap().to_vec1().unwrap();
            let (want, variance) = inverted_moments(x, keep);
            let i = t_interval(&y).unwrap();
            assert!((mean(&y) - want).abs() < 1.1 * (i.high - i.low), "{keep}: {i:?}");
            let measured = y.iter().map(|v| (v - want).powi(2)).sum::<f64>() / n as f64;
            // (y - x)^2 is two-valued: its standard error is x^2 (2k - 1)/k^2 sqrt(k (1 - k)/n) and 0 at 1/2.
            let error = x * x * (2.0 * keep - 1.0) / (keep * keep) * (keep * (1.0 - keep) / n as f64).sqrt();
            assert!((measured - variance).abs() < 4.0 * error + 1e-9, "{keep}: {measured}, {variance}");
        }
    }

    #[test]
    fn he_with_dropout_grows_by_one_over_keep_and_twice_keep_stands_still() {
        for (keep, critical) in [(0.5, false), (0.8, false), (0.5, true), (0.8, true)] {
            let weight_variance = if critical { critical_weight_variance(keep) } else { 2.0 };
            let stack = Stack { width: 512, depth: 10, keep, weight_variance };
            let nets: Vec<f64> = (0..12).map(|i| *stack.mean_squares(4, 1, i).unwrap().last().unwrap()).collect();
            let want = if critical { 1.0 } else { keep.recip().powi(10) };
            assert!((stack.growth().powi(10) / want - 1.0).abs() < 1e-12);
            let i = t_interval(&nets).unwrap();
            let half = 0.5 * (i.high - i.low);
            // 1.6 half-widths of 95 % are 99.5 % with eleven degrees of freedom; four cases are looked at.
            assert!((mean(&nets) - want).abs() < 1.6 * half && half < 0.3 * want, "{keep} {critical}: {i:?}, {want}");
        }
    }

    #[test]
    fn bad_input_is_refused() {
        let (x, y) = (DMatrix::from_element(2, 2, 1.0), DVector::zeros(2));
        assert!(Regression::new(x.clone(), y.clone(), 0.0).is_err());
        assert!(Regression::new(x.clone(), DVector::zeros(3), 0.5).is_err());
        assert!(Regression::new(x, y, 1.0).unwrap().minimiser().is_err(), "two equal features, none dropped");
        assert!(Stack { width: 4, depth: 1, keep: 1.5, weight_variance: 2.0 }.mean_squares(1, 0, 0).is_err());
    }
}
