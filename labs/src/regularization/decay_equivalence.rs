//! Which ways of making weights small are the same: L2 in the loss against weight decay, under SGD and under Adam
//! (Loshchilov and Hutter 2019, "Decoupled Weight Decay Regularization"), the L1 penalty by subgradient against the
//! proximal step, and early stopping against ridge regression.

use super::input::bad;
use crate::nn::optim::Rates;
use crate::nn::{Optimizer, OptimizerKind};
use crate::{LabError, Result};
use candle_core::{Tensor, Var};
use nalgebra::{DMatrix, DVector};

/// How weights are made small.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decay {
    /// `(decay/2) |w|^2` is added to the loss, and differentiated with it.
    Loss,
    /// `w` is multiplied by `1 - lr decay` in each step, beside the update: for Adam this is `AdamW`.
    Update,
}

/// Which update the gradient goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    /// Gradient descent; with momentum where the rates have one.
    Sgd,
    /// Adam.
    Adam,
}

/// Weights after each of `steps` steps, the start first, `steps + 1` of them: `start` (any shape, f64 for exact comparisons) under
/// `loss`, a scalar of the weights. [`Rates::weight_decay`] is the decay, applied as `decay` says.
pub fn trajectory(
    (base, decay): (Base, Decay),
    rates: Rates,
    start: &Tensor,
    loss: impl Fn(&Tensor) -> candle_core::Result<Tensor>,
    steps: usize,
) -> Result<Vec<Vec<f64>>> {
    let weight = Var::from_tensor(start)?;
    let values = |w: &Var| w.as_detached_tensor().flatten_all()?.to_vec1::<f64>();
    let free = Rates { weight_decay: 0.0, ..rates };
    let mut optimizer = match (base, decay) {
        (Base::Sgd, _) => Optimizer::new(OptimizerKind::Sgd, free, vec![weight.clone()]),
        (Base::Adam, Decay::Loss) => Optimizer::new(OptimizerKind::Adam, free, vec![weight.clone()]),
        (Base::Adam, Decay::Update) => Optimizer::new(OptimizerKind::AdamW, rates, vec![weight.clone()]),
    };
    let mut path = vec![values(&weight)?];
    for step in 0..steps {
        let mut total = loss(&weight)?;
        if decay == Decay::Loss {
            total = (total + weight.sqr()?.sum_all()?.affine(0.5 * rates.weight_decay, 0.0)?)?;
        }
        let grads = total.backward()?;
        if (base, decay) == (Base::Sgd, Decay::Update) {
            weight.set(&weight.as_detached_tensor().affine(1.0 - rates.lr * rates.weight_decay, 0.0)?)?;
        }
        optimizer.step(&grads)?;
        path.push(values(&weight)?);
        if path[step + 1].iter().any(|w| !w.is_finite()) {
            let what = format!("a weight after step {}", step + 1);
            return Err(LabError::NotFinite { what, hint: "lower the learning rate".into() });
        }
    }
    Ok(path)
}

/// `|a - b|/|a|` after each step of two trajectories; 0 where both are 0.
#[must_use]
pub fn gaps(a: &[Vec<f64>], b: &[Vec<f64>]) -> Vec<f64> {
    let gap = |(a, b): (&Vec<f64>, &Vec<f64>)| {
        let apart = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
        if apart == 0.0 { 0.0 } else { (apart / a.iter().map(|a| a * a).sum::<f64>()).sqrt() }
    };
    a.iter().zip(b).map(gap).collect()
}

/// The minimiser of `(w - a)^2/2 + t |w|`: a moved by t towards 0, and 0 where it would cross.
#[must_use]
pub fn soft_threshold(a: f64, t: f64) -> f64 {
    a.signum() * (a.abs() - t).max(0.0)
}

/// A separable quadratic with an L1 penalty: `sum_i h_i (w_i - a_i)^2/2 + lambda |w_i|`.
#[derive(Debug, Clone, PartialEq)]
pub struct Lasso {
    curvatures: Vec<f64>,
    targets: Vec<f64>,
    lambda: f64,
}

impl Lasso {
    /// Curvatures h and targets a, one of each a coordinate, and the penalty `lambda`.
    pub fn new(curvatures: Vec<f64>, targets: Vec<f64>, lambda: f64) -> Result<Self> {
        if curvatures.len() != targets.len() {
            return Err(bad("targets", targets.len(), &format!("one for each of {} curvatures", curvatures.len())));
        }
        if let Some(h) = curvatures.iter().find(|h| !(**h > 0.0 && h.is_finite())) {
            return Err(bad("curvature", h, "a finite number above 0"));
        }
        if !(lambda >= 0.0 && lambda.is_finite()) {
            return Err(bad("lambda", lambda, "a finite penalty of at least 0, for example 0.1"));
        }
        Ok(Self { curvatures, targets, lambda })
    }

    /// The minimiser, `soft_threshold(a_i, lambda/h_i)`.
    #[must_use]
    pub fn solution(&self) -> Vec<f64> {
        self.curvatures.iter().zip(&self.targets).map(|(h, a)| soft_threshold(*a, self.lambda / h)).collect()
    }

    /// `w <- w - lr (h (w - a) + lambda sign(w))` from `start`, with 0 as the subgradient at 0 (as PyTorch's `abs`). It
    /// lands on exactly 0 by accident only: near 0 it jumps to and fro by about `lr lambda`.
    #[must_use]
    pub fn subgradient_descent(&self, start: &[f64], lr: f64, steps: usize) -> Vec<f64> {
        let sign = |w: f64| if w == 0.0 { 0.0 } else { w.signum() };
        self.descend(start, steps, |w, h, a| w - lr * (h * (w - a) + self.lambda * sign(w)))
    }

    /// `w <- soft_threshold(w - lr h (w - a), lr lambda)` from `start` (ISTA; Daubechies, Defrise and De Mol 2004): coordinates
    /// whose solution is 0 become exactly 0. It converges for `lr` below 2 over the largest curvature.
    #[must_use]
    pub fn proximal_descent(&self, start: &[f64], lr: f64, steps: usize) -> Vec<f64> {
        self.descend(start, steps, |w, h, a| soft_threshold(w - lr * h * (w - a), lr * self.lambda))
    }

    fn descend(&self, start: &[f64], steps: usize, update: impl Fn(f64, f64, f64) -> f64) -> Vec<f64> {
        let one = |((w, h), a): ((&f64, &f64), &f64)| (0..steps).fold(*w, |w, _| update(w, *h, *a));
        start.iter().zip(&self.curvatures).zip(&self.targets).map(one).collect()
    }
}

/// What `steps` steps of gradient descent from 0 on `|y - X w|^2/(2n)` have reached of the least-squares
/// solution along each eigenvector of `X^T X/n`: `1 - (1 - lr l)^t`, l the eigenvalue.
#[must_use]
pub fn descent_shrinkage(eigenvalues: &[f64], lr: f64, steps: usize) -> Vec<f64> {
    // By logarithms where the step is stable without oscillation, so that small l keep their digits.
    let of = |l: &f64| {
        let x = lr * l;
        if x < 1.0 { -(steps as f64 * (-x).ln_1p()).exp_m1() } else { 1.0 - (1.0 - x).powi(steps as i32) }
    };
    eigenvalues.iter().map(of).collect()
}

/// What ridge regression `|y - X w|^2/(2n) + lambda/2 |w|^2` leaves of it: `l/(l + lambda)`.
#[must_use]
pub fn ridge_shrinkage(eigenvalues: &[f64], lambda: f64) -> Vec<f64> {
    eigenvalues.iter().map(|l| l / (l + lambda)).collect()
}

/// How alike early stopping and ridge are, over the eigenvectors.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Likeness {
    /// `lambda = 1/(lr t)`.
    pub lambda: f64,
    /// Pearson's correlation of the two lists of factors; NaN where either has no spread.
    pub correlation: f64,
    /// The largest difference of two factors: at most 0.2037 for small `lr`, the maximum of `1/(1 + x) - exp(-x)`.
    pub largest_gap: f64,
    /// The largest quotient of descent's factor and ridge's: at most 1.2985 for small `lr`, whose square
    /// is the 1.69 by which gradient flow's risk may exceed ridge's (Ali, Kolter and Tibshirani 2019, abstract).
    pub largest_ratio: f64,
}

/// Compares gradient descent after `steps` steps of `lr` with ridge at `lambda = 1/(lr t)` (Ali, Kolter and Tibshirani
/// 2019, "A Continuous-Time View of Early Stopping for Least Squares").
pub fn early_stopping(eigenvalues: &[f64], lr: f64, steps: usize) -> Result<Likeness> {
    let highest = eigenvalues.iter().copied().fold(0.0, f64::max);
    if eigenvalues.iter().any(|l| l.is_nan() || *l < 0.0) || highest == 0.0 {
        return Err(bad("eigenvalues", format!("{eigenvalues:?}"), "numbers of at least 0, and one above 0"));
    }
    if !(lr > 0.0 && lr * highest < 2.0) || steps == 0 {
        let expected = format!("above 0 and below {}, where descent converges, and at least one step", 2.0 / highest);
        return Err(bad("learning rate", lr, &expected));
    }
    let lambda = (lr * steps as f64).recip();
    let (a, b) = (descent_shrinkage(eigenvalues, lr, steps), ridge_shrinkage(eigenvalues, lambda));
    let pairs = || a.iter().zip(&b);
    Ok(Likeness {
        lambda,
        correlation: correlation(&a, &b),
        largest_gap: pairs().map(|(a, b)| (a - b).abs()).fold(0.0, f64::max),
        largest_ratio: pairs().filter(|(_, b)| **b > 0.0).map(|(a, b)| a / b).fold(0.0, f64::max),
    })
}

fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let (ma, mb) = (crate::stats::mean(a), crate::stats::mean(b));
    let sum = |f: fn(f64, f64) -> f64| a.iter().zip(b).map(|(a, b)| f(a - ma, b - mb)).sum::<f64>();
    sum(|a, b| a * b) / (sum(|a, _| a * a) * sum(|_, b| b * b)).sqrt()
}

/// Gradient descent from 0 on `|y - X w|^2/(2n)`: w `[d]` after `steps` steps, for comparison with the factors.
#[must_use]
pub fn least_squares_descent(x: &DMatrix<f64>, y: &DVector<f64>, lr: f64, steps: usize) -> DVector<f64> {
    let n = x.nrows() as f64;
    let mut w = DVector::zeros(x.ncols());
    for _ in 0..steps {
        let residual = y - x * &w;
        w += x.tr_mul(&residual) * (lr / n);
    }
    w
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::loss::cross_entropy;
    use crate::regularization::ridgeless;
    use crate::rng::stream;
    use candle_core::Device;

    /// Softmax regression of 40 samples with 5 features in 3 classes.
    fn paths(base: Base, momentum: f64, steps: usize) -> [Vec<Vec<f64>>; 2] {
        let (mut random, device) = (stream(3, "decay", 0), Device::Cpu);
        let x = random.normal_tensor((40, 5), &device).unwrap();
        let labels: Vec<u32> = (0..40).map(|_| random.below(3) as u32).collect();
        let labels = Tensor::from_vec(labels, 40, &device).unwrap();
        let start = random.normal_tensor((5, 3), &device).unwrap();
        let rates = Rates { lr: 0.1, momentum, weight_decay: 0.2 };
        let loss = |w: &Tensor| cross_entropy(&x.matmul(w)?, &labels);
        [Decay::Loss, Decay::Update].map(|d| trajectory((base, d), rates, &start, loss, steps).unwrap())
    }

    #[test]
    fn under_sgd_both_are_one() {
        let [loss, update] = paths(Base::Sgd, 0.0, 100);
        let gaps = gaps(&loss, &update);
        assert!(gaps.iter().all(|g| *g < 1e-14), "{gaps:?}");
        // It has moved, and without decay it is elsewhere.
        assert!(super::gaps(&loss[..1], &loss[100..])[0] > 0.1);
    }

    #[test]
    fn under_adam_and_under_momentum_they_are_not() {
        // The first step with momentum is still the same, since the velocity is the gradient.
        let [loss, update] = paths(Base::Sgd, 0.9, 100);
        let of_momentum = gaps(&loss, &update);
        assert!(of_momentum[1] < 1e-14 && of_momentum[2] > 1e-4, "{:?}", &of_momentum[..3]);
        let [loss, update] = paths(Base::Adam, 0.9, 100);
        let of_adam = gaps(&loss, &update);
        assert!(of_adam[1] > 1e-3 && of_adam[100] > 0.1, "{} {}", of_adam[1], of_adam[100]);
    }

    #[test]
    fn only_the_proximal_step_leaves_exact_zeros() {
        let mut random = stream(4, "lasso", 0);
        let n = 1000;
        let curvatures: Vec<f64> = (0..n).map(|_| 0.5 + random.uniform()).collect();
        let lasso = Lasso::new(curvatures, random.normals(n), 0.9).unwrap();
        let (start, want) = (random.normals(n), lasso.solution());
        let zeros = |w: &[f64]| w.iter().filter(|w| **w == 0.0).count();
        let proximal = lasso.proximal_descent(&start, 0.1, 2000);
        let subgradient = lasso.subgradient_descent(&start, 0.1, 2000);
        assert!(zeros(&want) > 500, "{}", zeros(&want));
        // The same coordinates, and the others to rounding.
        assert!(proximal.iter().zip(&want).all(|(w, s)| (w - s).abs() < 1e-13 && (*w == 0.0) == (*s == 0.0)));
        assert_eq!(zeros(&subgradient), 0);
        // What should be 0 stays within a step of it, lr (lambda + h |a|) <= 2 lr lambda; the rest converges.
        for (w, s) in subgradient.iter().zip(&want) {
            assert!(if *s == 0.0 { w.abs() <= 0.18 } else { (w - s).abs() < 1e-12 }, "{w} {s}");
        }
    }

    #[test]
    fn the_soft_threshold_minimises() {
        for (a, t, want) in [(3.0, 1.0, 2.0), (-3.0, 1.0, -2.0), (0.5, 1.0, 0.0), (-1.0, 1.0, 0.0)] {
            let w = soft_threshold(a, t);
            assert!((w - want).abs() < 1e-15);
            let loss = |w: f64| 0.5 * (w - a).powi(2) + t * w.abs();
            assert!((-40..=40).all(|i| loss(0.1 * f64::from(i)) >= loss(w) - 1e-15));
        }
    }

    #[test]
    fn descent_is_its_shrinkage_factors() {
        let mut random = stream(5, "descent", 0);
        let x = ridgeless::gaussian(30, 6, &mut random);
        let y = DVector::from_vec(random.normals(30));
        let eigen = (x.tr_mul(&x) / 30.0).symmetric_eigen();
        let full = ridgeless::minimum_norm(&x, &y).unwrap();
        let shrunk = |factors: &[f64]| {
            let along = eigen.eigenvectors.tr_mul(&full).component_mul(&DVector::from_row_slice(factors));
            &eigen.eigenvectors * along
        };
        for (lr, steps) in [(0.1, 7), (0.6, 40)] {
            let descended = least_squares_descent(&x, &y, lr, steps);
            let want = shrunk(&descent_shrinkage(eigen.eigenvalues.as_slice(), lr, steps));
            assert!((descended - want).norm() < 1e-13 * full.norm(), "{lr} {steps}");
        }
        let ridge = ridgeless::ridge(&x, &y, 0.7).unwrap();
        let want = shrunk(&ridge_shrinkage(eigen.eigenvalues.as_slice(), 0.7));
        assert!((ridge - want).norm() < 1e-13 * full.norm());
    }

    #[test]
    fn early_stopping_is_within_its_bounds_of_ridge() {
        // Eigenvalues over six decades, small steps: the gap's maximum is at exp(x) = (1 + x)^2, x = 2.51286,
        // and the square of the ratio is Ali, Kolter and Tibshirani's 1.69.
        let eigenvalues: Vec<f64> = (0..=6000).map(|i| 10.0_f64.powf(f64::from(i) / 1000.0 - 5.0)).collect();
        let like = early_stopping(&eigenvalues, 1e-4, 10_000).unwrap();
        assert!((like.lambda - 1.0).abs() < 1e-12);
        let x = 2.512_862_417_252_339_f64;
        assert!((x.exp() / (1.0 + x).powi(2) - 1.0).abs() < 1e-12);
        assert!((like.largest_gap - ((1.0 + x).recip() - (-x).exp())).abs() < 2e-4, "{like:?}");
        assert!((like.largest_ratio.powi(2) - 1.69).abs() < 5e-3, "{like:?}");
        assert!(like.correlation > 0.98, "{like:?}");
    }

    #[test]
    fn bad_input_is_refused() {
        assert!(early_stopping(&[1.0], 2.0, 10).is_err(), "diverges");
        assert!(early_stopping(&[], 0.1, 10).is_err() && early_stopping(&[-1.0, 1.0], 0.1, 1).is_err());
        assert!(early_stopping(&[1.0], 0.1, 0).is_err());
        assert!(Lasso::new(vec![1.0], vec![], 1.0).is_err());
        assert!(Lasso::new(vec![0.0], vec![1.0], 1.0).is_err() && Lasso::new(vec![1.0], vec![1.0], f64::NAN).is_err());
    }
}
