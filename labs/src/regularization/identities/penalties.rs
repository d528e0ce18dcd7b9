//! Which penalties are the same, and which leave exact zeros.

use crate::nn::loss::cross_entropy;
use crate::nn::optim::Rates;
use crate::nn::penalty;
use crate::regularization::decay_equivalence::{
    Base, Decay, Lasso, early_stopping, gaps, least_squares_descent, trajectory,
};
use crate::regularization::dropout_linear::Regression;
use crate::regularization::ridgeless::{gaussian, ridge};
use crate::regularization::setup::Setup;
use crate::rng::stream;
use crate::{Finding, LabError, Result};
use candle_core::{Device, Tensor, Var};
use nalgebra::DVector;

/// The share of the inputs that is kept.
const KEEP: f64 = 0.5;

/// Dropout of the inputs of linear regression as a penalty, against the sum over all masks.
pub fn dropout_as_penalty(setup: &Setup) -> Result<Vec<Finding>> {
    let mut random = stream(setup.seed, "identity_dropout", 0);
    let (n, d) = (20, 10);
    let mut x = gaussian(n, d, &mut random);
    // Features of unequal size, as data have before scaling.
    for (j, mut column) in x.column_iter_mut().enumerate() {
        column *= 0.5 + 0.25 * j as f64;
    }
    let y = DVector::from_vec(random.normals(n));
    let regression = Regression::new(x.clone(), y.clone(), KEEP)?;
    let w = DVector::from_vec(random.normals(d));
    let (closed, listed) = (regression.expected_loss(&w), regression.enumerated_loss(&w)?);
    let (ours, theirs) = (regression.minimiser()?, regression.enumerated_minimiser()?);
    // w goes through k X, so a single ridge penalty is compared on those inputs.
    let scaled = &x * KEEP;
    let apart = |lambda: f64| Ok::<f64, LabError>((ridge(&scaled, &y, lambda)? - &theirs).norm() / theirs.norm());
    let mut nearest = f64::INFINITY;
    for i in 0..=60 {
        nearest = nearest.min(apart(10_f64.powf(-3.0 + 0.1 * f64::from(i)))?);
    }
    let exact = |name, value, meaning: &str| Finding::exact(name, value, 0.0, meaning);
    Ok(vec![
        exact(
            "dropout_penalty_error",
            (closed / listed - 1.0).abs(),
            "linear regression: relative difference of the loss averaged over all 1024 masks a sample and the L2 form",
        )
        .predicted(Some(0.0)),
        exact(
            "dropout_ridge_error",
            (&ours - &theirs).norm() / theirs.norm(),
            "linear regression: relative distance of the minimiser over all masks and ridge regression with Gamma",
        )
        .predicted(Some(0.0)),
        exact(
            "dropout_one_lambda_gap",
            nearest,
            "the same distance to the nearest ridge solution with one lambda for all weights (1e-3 to 1e3)",
        ),
    ])
}

/// L2 in the loss against decay beside the update, of softmax regression.
pub fn decay(setup: &Setup) -> Result<Vec<Finding>> {
    let (mut random, device) = (stream(setup.seed, "identity_decay", 0), Device::Cpu);
    let x = random.normal_tensor((40, 5), &device)?;
    let labels: Vec<u32> = (0..40).map(|_| random.below(3) as u32).collect();
    let labels = Tensor::from_vec(labels, 40, &device)?;
    let start = random.normal_tensor((5, 3), &device)?;
    let loss = |w: &Tensor| cross_entropy(&x.matmul(w)?, &labels);
    let steps = 100;
    let last = |base, momentum| -> Result<f64> {
        let rates = Rates { lr: 0.1, momentum, weight_decay: 0.2 };
        let path = |decay| trajectory((base, decay), rates, &start, loss, steps);
        let gaps = gaps(&path(Decay::Loss)?, &path(Decay::Update)?);
        Ok(gaps.into_iter().fold(0.0, f64::max))
    };
    let finding = |name: &str, rule: &str, gap: f64| {
        let meaning = format!(
            "{rule}: largest relative distance in {steps} steps of weights under L2 in the loss and under weight decay"
        );
        Finding::exact(name, gap, 0.0, meaning)
    };
    Ok(vec![
        finding("decay_gap_sgd", "SGD", last(Base::Sgd, 0.0)?).predicted(Some(0.0)),
        finding("decay_gap_momentum", "SGD with momentum 0.9", last(Base::Sgd, 0.9)?),
        finding("decay_gap_adam", "Adam", last(Base::Adam, 0.9)?),
    ])
}

/// Gradient descent that stops early against ridge regression at `lambda = 1/(lr t)`.
pub fn stopping(setup: &Setup) -> Result<Vec<Finding>> {
    let mut random = stream(setup.seed, "identity_stopping", 0);
    let (n, d, lr) = (60, 20, 0.01);
    let x = gaussian(n, d, &mut random);
    let beta = DVector::from_vec(random.normals(d)).normalize();
    let y = &x * &beta + DVector::from_vec(random.normals(n)) * 0.5;
    let eigenvalues: Vec<f64> = x.singular_values().iter().map(|s| s * s / n as f64).collect();
    let times = [10, 20, 50, 100, 200, 500, 1000, 2000];
    let (mut gap, mut distance) = (0.0_f64, 0.0_f64);
    let (mut stopped, mut penalised) = (f64::INFINITY, f64::INFINITY);
    for t in times {
        gap = gap.max(early_stopping(&eigenvalues, lr, t)?.largest_gap);
        let (descent, shrunk) = (least_squares_descent(&x, &y, lr, t), ridge(&x, &y, (lr * t as f64).recip())?);
        distance = distance.max((&descent - &shrunk).norm() / shrunk.norm());
        stopped = stopped.min((&descent - &beta).norm_squared());
        penalised = penalised.min((&shrunk - &beta).norm_squared());
    }
    let likeness = early_stopping(&eigenvalues, lr, 100)?;
    let range = "over 10 to 2000 steps";
    Ok(vec![
        Finding::exact(
            "early_stopping_correlation",
            likeness.correlation,
            0.0,
            "correlation over the eigenvectors of what 100 steps of descent and ridge at lambda = 1/(lr t) leave",
        ),
        Finding::exact(
            "early_stopping_gap",
            gap,
            0.0,
            format!("largest difference of the two factors {range}; for a small lr at most 0.2037"),
        ),
        Finding::exact(
            "early_stopping_distance",
            distance,
            0.0,
            format!("largest relative distance of descent's weights and ridge's {range}"),
        ),
        Finding::exact(
            "early_stopping_risk_ratio",
            stopped / penalised,
            0.0,
            "excess risk at the best of 8 stopping times over that at the best of the 8 penalties 1/(lr t)",
        ),
    ])
}

/// Zeros of a lasso problem whose solution is known, under three ways of descent.
pub fn zeros(setup: &Setup) -> Result<Vec<Finding>> {
    let mut random = stream(setup.seed, "identity_zeros", 0);
    let (count, lambda, lr, steps) = (1000, 1.0, 0.1, 2000);
    let curvatures: Vec<f64> = (0..count).map(|_| 0.5 + 1.5 * random.uniform()).collect();
    let (targets, start) = (random.normals(count), random.normals(count));
    let lasso = Lasso::new(curvatures.clone(), targets.clone(), lambda)?;
    let zeros = |w: &[f64]| w.iter().filter(|w| **w == 0.0).count() as f64;
    let solution = zeros(&lasso.solution());
    let ridge = |w: f64, h: f64, a: f64| w - lr * (h * (w - a) + lambda * w);
    let l2: Vec<f64> =
        (0..count).map(|i| (0..steps).fold(start[i], |w, _| ridge(w, curvatures[i], targets[i]))).collect();
    let finding = |name: &str, w: &[f64], rule: &str, predicted: Option<f64>| {
        let meaning =
            format!("exact zeros of {count} weights after {steps} steps of {rule}; the L1 solution has {solution}");
        Finding::exact(name, zeros(w), 0.0, meaning).predicted(predicted)
    };
    Ok(vec![
        Finding::exact(
            "lasso_solution_zeros",
            solution,
            0.0,
            format!("zeros of the solution of a lasso with {count} weights"),
        ),
        finding("lasso_proximal_zeros", &lasso.proximal_descent(&start, lr, steps), "proximal descent", Some(solution)),
        finding(
            "lasso_subgradient_zeros",
            &lasso.subgradient_descent(&start, lr, steps),
            "descent along the L1 penalty's subgradient",
            Some(0.0),
        ),
        finding("lasso_l2_zeros", &l2, "descent with an L2 penalty", Some(0.0)),
    ])
}

/// The L2 penalty's slope, with and without the half, and the objective as the sum of its parts.
pub fn objective(setup: &Setup) -> Result<Vec<Finding>> {
    let (mut random, device) = (stream(setup.seed, "identity_objective", 0), Device::Cpu);
    let x = random.normal_tensor((30, 6), &device)?;
    let labels = Tensor::from_vec((0..30).map(|_| random.below(3) as u32).collect::<Vec<_>>(), 30, &device)?;
    let w = Var::from_tensor(&random.normal_tensor((6, 3), &device)?)?;
    let lambda = 0.3;
    let missing = || LabError::NotFinite { what: "a penalty".into(), hint: "report this".into() };
    let half = penalty::l2(&[&w], lambda)?.ok_or_else(missing)?;
    let full = half.affine(2.0, 0.0)?;
    let data = cross_entropy(&x.matmul(&w)?, &labels)?;
    let slope = |of: &Tensor| -> Result<Vec<f64>> {
        let grads = of.backward()?;
        Ok(grads.get(&w).ok_or_else(missing)?.flatten_all()?.to_vec1()?)
    };
    let values: Vec<f64> = w.as_detached_tensor().flatten_all()?.to_vec1()?;
    // The projection on lambda w is the factor of it.
    let factor = |slope: &[f64]| {
        let along: f64 = slope.iter().zip(&values).map(|(g, w)| g * w).sum();
        along / (lambda * values.iter().map(|w| w * w).sum::<f64>())
    };
    let sum = slope(&(&data + &half)?)?;
    let parts: Vec<f64> = slope(&data)?.iter().zip(slope(&half)?).map(|(a, b)| a + b).collect();
    let error = sum.iter().zip(&parts).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    Ok(vec![
        Finding::exact("l2_half_slope", factor(&slope(&half)?), 0.0, "slope of lambda/2 |w|^2 in units of lambda w")
            .predicted(Some(1.0)),
        Finding::exact("l2_full_slope", factor(&slope(&full)?), 0.0, "slope of lambda |w|^2 in units of lambda w")
            .predicted(Some(2.0)),
        Finding::exact(
            "objective_sum_error",
            error,
            0.0,
            "largest difference of the objective's gradient and the sum of loss's and penalty's",
        )
        .predicted(Some(0.0)),
    ])
}
