//! Numbers of XOR and of the bias, on four points and in the plane.

use super::numbers::Quantity;
use super::setup::Setup;
use crate::Result;
use crate::nn::softmax::softmax;
use crate::nn::{Activation, Init, Mlp, MlpConfig, Mode, NormKind};
use crate::rng::stream;
use candle_core::{DType, Device, Tensor};

/// The inputs of XOR.
pub(super) const CORNERS: [(f64, f64); 4] = [(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)];

/// XOR of a corner.
pub(super) fn differs(corner: (f64, f64)) -> bool {
    (corner.0 - corner.1).abs() > 0.5
}

/// relu(x1 - x2) and relu(x2 - x1).
pub(super) fn difference_layer((a, b): (f64, f64)) -> (f64, f64) {
    (Activation::Relu.value(a - b), Activation::Relu.value(b - a))
}

/// OR and AND as steps of sums.
pub(super) fn step_layer((a, b): (f64, f64)) -> (f64, f64) {
    let step = |v: f64| f64::from(u8::from(v > 0.0));
    (step(a + b - 0.5), step(a + b - 1.5))
}

/// In the order of the table.
pub(super) const QUANTITIES: &[Quantity] = &[
    number("xor_line_most_right", "most of XOR's four points that a straight line gets right", Some(3.0), |_| {
        Ok(vec![f64::from(most_right(CORNERS))])
    }),
    number(
        "xor_line_dichotomies",
        "ways in which straight lines part four points, of 16 (Cover 1965)",
        Some(14.0),
        |_| {
            let mut ways: Vec<u8> = lines().map(|line| sides(CORNERS, line)).collect();
            ways.sort_unstable();
            ways.dedup();
            Ok(vec![ways.len() as f64])
        },
    ),
    number(
        "xor_linear_cross_entropy",
        "least cross-entropy of a logistic model on XOR, nats",
        Some(std::f64::consts::LN_2),
        |_| {
            let targets = CORNERS.map(|c| f64::from(u8::from(differs(c))));
            let weights = logistic(&CORNERS, &targets, true, 1.0);
            Ok(vec![CORNERS.iter().zip(targets).map(|(c, t)| cross_entropy(*c, t, weights)).sum::<f64>() / 4.0])
        },
    ),
    number(
        "xor_relu_moved_1_1",
        "how far relu(x1 - x2), relu(x2 - x1) moves the point (1, 1)",
        Some(std::f64::consts::SQRT_2),
        |_| {
            let (a, b) = difference_layer((1.0, 1.0));
            Ok(vec![(a - 1.0).hypot(b - 1.0)])
        },
    ),
    number("xor_class_0_1", "XOR of (0, 1): 1 is the positive class", Some(1.0), |_| {
        Ok(vec![f64::from(u8::from(differs((0.0, 1.0))))])
    }),
    number(
        "xor_relu_hidden_right",
        "most points that a line gets right behind relu(x1 - x2), relu(x2 - x1)",
        Some(4.0),
        |_| Ok(vec![most_right_hidden(difference_layer)]),
    ),
    number("xor_step_hidden_points", "different points of XOR behind OR and AND", Some(3.0), |_| {
        let mut points: Vec<_> = CORNERS.map(step_layer).map(|(a, b)| (a > 0.5, b > 0.5)).to_vec();
        points.sort_unstable();
        points.dedup();
        Ok(vec![points.len() as f64])
    }),
    number("xor_step_hidden_right", "most points that a line gets right behind OR and AND", Some(4.0), |_| {
        Ok(vec![most_right_hidden(step_layer)])
    }),
    number(
        "no_bias_homogeneity_error",
        "largest |f(a x) - a f(x)| over the largest |a f(x)|, a ReLU network of 4 layers without biases",
        Some(0.0),
        |s| homogeneity(s, 0.0),
    ),
    number("bias_homogeneity_error", "the same with biases N(0, 1)", None, |s| homogeneity(s, 1.0)),
    number("no_bias_relu_at_zero", "ReLU output of a network without biases at input 0", Some(0.0), |s| {
        at_zero(s, Activation::Relu)
    }),
    number("no_bias_tanh_at_zero", "tanh output of a network without biases at input 0", Some(0.0), |s| {
        at_zero(s, Activation::Tanh)
    }),
    number("no_bias_sigmoid_at_zero", "sigmoid output of a network without biases at input 0", Some(0.5), |s| {
        at_zero(s, Activation::Sigmoid)
    }),
    number(
        "no_bias_softmax_at_zero",
        "softmax output (2 classes) of a network without biases at input 0",
        Some(0.5),
        |s| {
            let logits = network(s, 0.0)?.forward(&Tensor::zeros((1, 2), DType::F64, &Device::Cpu)?, Mode::Eval)?;
            Ok(vec![softmax(&logits, 1.0)?.to_vec2::<f64>()?[0][0]])
        },
    ),
    number(
        "relu_output_best_r2",
        "most of the variance of y = x on [-3, 3] that outputs from 0 on can explain",
        Some(0.5),
        |_| Ok(vec![explained(0.0, f64::INFINITY)]),
    ),
    number(
        "sigmoid_output_best_r2",
        "most of the variance of y = x on [-3, 3] that outputs from 0 to 1 can explain",
        Some(19.0 / 54.0),
        |_| Ok(vec![explained(0.0, 1.0)]),
    ),
    number(
        "bias_worth_centred",
        "test accuracy of logistic regression with a bias less that without, two classes whose middle is 0",
        None,
        |s| Ok(worth(s, 0.0)),
    ),
    number("bias_worth_shifted", "the same with all points moved by (3, 3)", None, |s| Ok(worth(s, 3.0))),
];

const fn number(
    name: &'static str,
    meaning: &'static str,
    known: Option<f64>,
    compute: fn(&Setup) -> Result<Vec<f64>>,
) -> Quantity {
    Quantity { name, meaning, error: 1e-9, known, compute }
}

/// Weights and thresholds (w1, w2, b): a grid that reaches every way of parting points whose
/// coordinates are 0 or 1.
fn lines() -> impl Iterator<Item = [f64; 3]> {
    let grid = || (-4..=4).map(f64::from);
    grid().flat_map(move |a| grid().flat_map(move |b| (-9..=9).map(move |c| [a, b, f64::from(c) + 0.5])))
}

/// 1 less the smallest mean square error over the variance, for y = x on [-3, 3] and outputs from `low`
/// to `high`: the nearest output is y itself, moved into that range. The
/// midpoint rule's error is 1e-9 or less, since the ends of the range are borders of cells.
fn explained(low: f64, high: f64) -> f64 {
    const CELLS: i32 = 60_000;
    let ys = (0..CELLS).map(|i| -3.0 + 6.0 * (f64::from(i) + 0.5) / f64::from(CELLS));
    let (mut errors, mut squares) = (0.0, 0.0);
    for y in ys {
        errors += (y - y.clamp(low, high)).powi(2);
        squares += y * y;
    }
    1.0 - errors / squares
}

/// Which of the points are on the positive side, one bit each.
fn sides(points: [(f64, f64); 4], [a, b, c]: [f64; 3]) -> u8 {
    let bit = |(i, p): (usize, &(f64, f64))| u8::from(a * p.0 + b * p.1 + c > 0.0) << i;
    points.iter().enumerate().map(bit).sum()
}

/// The most of the four `points`, one for each corner, whose side is their corner's class.
fn most_right(points: [(f64, f64); 4]) -> u32 {
    let classes: u8 = CORNERS.iter().enumerate().map(|(i, c)| u8::from(differs(*c)) << i).sum();
    lines().map(|line| 4 - (sides(points, line) ^ classes).count_ones()).max().unwrap_or(0)
}

fn most_right_hidden(layer: fn((f64, f64)) -> (f64, f64)) -> f64 {
    f64::from(most_right(CORNERS.map(layer)))
}

fn probability((x, y): (f64, f64), [a, b, c]: [f64; 3]) -> f64 {
    Activation::Sigmoid.value(a * x + b * y + c)
}

fn cross_entropy(point: (f64, f64), target: f64, weights: [f64; 3]) -> f64 {
    let p = probability(point, weights);
    -(target * p.ln() + (1.0 - target) * (1.0 - p).ln())
}

/// Weights (w1, w2, b) of logistic regression by gradient descent on the mean cross-entropy, step `rate`,
/// from a start that is not the solution; b stays 0 where it is not `biased`.
fn logistic(points: &[(f64, f64)], targets: &[f64], biased: bool, rate: f64) -> [f64; 3] {
    let mut w = [0.5, -0.25, 0.0];
    for _ in 0..2000 {
        let mut step = [0.0; 3];
        for (p, t) in points.iter().zip(targets) {
            let residual = (t - probability(*p, w)) / points.len() as f64;
            step = [step[0] + residual * p.0, step[1] + residual * p.1, step[2] + residual];
        }
        w = [w[0] + rate * step[0], w[1] + rate * step[1], w[2] + if biased { rate * step[2] } else { 0.0 }];
    }
    w
}

/// What a bias adds to the accuracy of logistic regression on held-out points, for twenty draws of two
/// Gaussian classes of unit variance at (-1, 0) and (1, 0), all moved by (`shift`, `shift`).
fn worth(setup: &Setup, shift: f64) -> Vec<f64> {
    let draw = |index: u64| {
        let mut random = stream(setup.seed, "blobs", index);
        let mut point = |i: usize| {
            let side = if i.is_multiple_of(2) { -1.0 } else { 1.0 };
            (random.normal() + side + shift, random.normal() + shift)
        };
        let points: Vec<_> = (0..600).map(&mut point).collect();
        let targets: Vec<f64> = (0..600).map(|i| f64::from(i % 2)).collect();
        let accuracy = |biased| {
            // Below 2 over the largest curvature, a quarter of the mean of 1 + |x|^2, here at most 21.
            let w = logistic(&points[..200], &targets[..200], biased, 0.15);
            let right = |i: &usize| (probability(points[*i], w) > 0.5) == (targets[*i] > 0.5);
            (200..600).filter(right).count() as f64 / 400.0
        };
        accuracy(true) - accuracy(false)
    };
    (0..20).map(draw).collect()
}

/// Four hidden layers of ReLU on the plane with two logits, f64; biases N(0, `bias_std`^2).
fn network(setup: &Setup, bias_std: f64) -> Result<Mlp> {
    let config = MlpConfig {
        inputs: 2,
        width: 32,
        depth: 4,
        classes: 2,
        activation: Activation::Relu,
        norm: NormKind::None,
        residual: false,
        init: Init::HeNormal,
        gain: 1.0,
        bias_std,
    };
    Ok(Mlp::new(config, setup.seed, 0, DType::F64, &Device::Cpu)?)
}

fn homogeneity(setup: &Setup, bias_std: f64) -> Result<Vec<f64>> {
    let net = network(setup, bias_std)?;
    let x = stream(setup.seed, "homogeneity", 0).normal_tensor((50, 2), &Device::Cpu)?;
    let base = net.forward(&x, Mode::Eval)?.detach();
    let mut worst = 0.0_f64;
    for factor in [0.1, 3.0, 10.0] {
        let want = (&base * factor)?;
        let error = (net.forward(&(&x * factor)?, Mode::Eval)?.detach() - &want)?.abs()?;
        worst = worst.max(error.max_all()?.to_scalar::<f64>()? / want.abs()?.max_all()?.to_scalar::<f64>()?);
    }
    Ok(vec![worst])
}

fn at_zero(setup: &Setup, output: Activation) -> Result<Vec<f64>> {
    let logits = network(setup, 0.0)?.forward(&Tensor::zeros((1, 2), DType::F64, &Device::Cpu)?, Mode::Eval)?;
    Ok(vec![output.forward(&logits)?.to_vec2::<f64>()?[0][0]])
}
