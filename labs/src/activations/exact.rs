//! Numbers of single functions and gates, each with its closed form.

use super::numbers::Quantity;
use super::setup::Setup;
use crate::Result;
use crate::control::Choice;
use crate::nn::softmax::{log_softmax, softmax};
use crate::nn::{Activation, Gate};
use crate::rng::stream;
use candle_core::{DType, Device, Tensor, Var};

/// In the order of the table.
pub(super) const QUANTITIES: &[Quantity] = &[
    number("relu_slope_at_zero", "slope of ReLU exactly at 0, by backpropagation", Some(0.0), |_| {
        slope(Activation::Relu, 0.0)
    }),
    number(
        "sigmoid_slope_at_5",
        "slope of the sigmoid at 5, by backpropagation",
        Some(6.648_056_670_790_155e-3),
        |_| slope(Activation::Sigmoid, 5.0),
    ),
    number("sigmoid_slope_at_10", "slope of the sigmoid at 10", Some(4.539_580_773_595_167e-5), |_| {
        slope(Activation::Sigmoid, 10.0)
    }),
    number(
        "sigmoid_slope_share_at_6",
        "slope of the sigmoid at 6 over that at 0",
        Some(9.866_037_165_440_192e-3),
        |_| {
            let [far, peak] = [slope(Activation::Sigmoid, 6.0)?[0], slope(Activation::Sigmoid, 0.0)?[0]];
            Ok(vec![far / peak])
        },
    ),
    number("tanh_slope_at_3", "slope of tanh at 3", Some(9.866_037_165_440_192e-3), |_| slope(Activation::Tanh, 3.0)),
    number(
        "bounded_monotone_unsaturated",
        "named functions that are bounded, monotone and keep a slope above 1e-6 at ±1000",
        Some(0.0),
        |_| Ok(vec![Activation::ALL.iter().filter(|f| unsaturated(**f)).count() as f64]),
    ),
    number(
        "sigmoid_unit_far_right",
        "sigmoid(w x + b) twenty widths 1/w right of -b/w",
        Some(0.999_999_997_938_846_4),
        |_| Ok(vec![unit(-1.5 + 20.0 / 4.0)]),
    ),
    number("sigmoid_unit_at_position", "sigmoid(w x + b) at x = -b/w", Some(0.5), |_| Ok(vec![unit(-1.5)])),
    number(
        "sigmoid_bump_far_right",
        "difference of two sigmoid units, one width apart, twenty widths to the right",
        None,
        |_| {
            let x = -1.5 + 20.0 / 4.0;
            Ok(vec![unit(x + 0.25) - unit(x)])
        },
    ),
    number("maxout_abs_error", "largest difference of max(x, -x) by a maxout unit from |x|", Some(0.0), |_| {
        maxout_error(-1.0, f64::abs)
    }),
    number("maxout_relu_error", "largest difference of max(x, 0 x) by a maxout unit from ReLU", Some(0.0), |_| {
        maxout_error(0.0, |x| x.max(0.0))
    }),
    number(
        "gate_blend_outside",
        "share of blends g a + (1 - g) b, g a sigmoid, outside of a to b",
        Some(0.0),
        blend_outside,
    ),
    number("gate_at_bias_minus_2", "sigmoid gate at a bias of -2", Some(0.119_202_922_022_117_56), |_| {
        Ok(vec![Activation::Sigmoid.value(-2.0)])
    }),
    number(
        "prelu_channel_error",
        "largest error of slopes viewed as [1, C, 1, 1] on a [B, C, H, W] batch",
        Some(0.0),
        |_| prelu_error(&[1, 4, 1, 1]),
    ),
    number(
        "prelu_last_axis_error",
        "largest error of slopes of shape [C] on a [B, C, H, W] batch with W = C",
        Some(2.25),
        |_| prelu_error(&[4]),
    ),
    number(
        "prelu_last_axis_fails",
        "1 if slopes of shape [C] cannot be multiplied where W is not C",
        Some(1.0),
        |_| {
            let x = Tensor::ones((2, 4, 3, 5), DType::F64, &Device::Cpu)?;
            Ok(vec![f64::from(u8::from(x.broadcast_mul(&prelu_slopes()?).is_err()))])
        },
    ),
    number("swiglu_inner_width_code", "int(8 d / 3) at d = 4096, as the notes' code has it", Some(10_922.0), |_| {
        Ok(vec![(8.0_f64 * 4096.0 / 3.0).trunc()])
    }),
    number("swiglu_inner_width_exact", "8 d / 3 at d = 4096", Some(10_922.666_666_666_666), |_| {
        Ok(vec![8.0 * 4096.0 / 3.0])
    }),
    number(
        "conv_stack_error",
        "largest difference of two 3x3 convolutions from one with the composed 5x5 kernel",
        Some(0.0),
        |s| conv_stack(s, false),
    ),
    number("conv_stack_relu_error", "the same with ReLU between the two", None, |s| conv_stack(s, true)),
    single("softmax_sum_error", "largest difference of a softmax row's sum from 1, f32", Some(0.0), 1e-6, |s| {
        let logits = (stream(s.seed, "softmax", 0).normal_tensor((1000, 10), &Device::Cpu)? * 10.0)?;
        let sums = softmax(&logits.to_dtype(DType::F32)?, 1.0)?.sum(1)?.to_dtype(DType::F64)?;
        Ok(vec![(sums - 1.0)?.abs()?.max_all()?.to_scalar()?])
    }),
    single("softmax_gap_5", "softmax of two logits 5 apart: the larger", Some(0.993_307_149_075_715_2), 1e-6, |_| {
        Ok(vec![two_logits(5.0)?[0]])
    }),
    number(
        "softmax_underflow_gap",
        "least whole gap of two logits at which softmax gives exactly 0, f32",
        Some(104.0),
        |_| {
            let zero = (60..200_u8).map(f64::from).find(|gap| two_logits(*gap).is_ok_and(|p| p[1] == 0.0));
            Ok(vec![zero.unwrap_or(f64::NAN)])
        },
    ),
    single("exp_overflow_f32", "largest multiple of 0.01 whose exponential is finite, f32", Some(88.72), 0.001, |_| {
        let finite = |k: &u16| exp_f32(f32::from(*k) / 100.0).is_ok_and(f32::is_finite);
        Ok(vec![f64::from((8000..9000).rev().find(finite).unwrap_or(0)) / 100.0])
    }),
    number(
        "softmax_naive_lost",
        "entries of e^x / sum e^x that are not finite for the logits 100 and 0, f32",
        Some(1.0),
        |_| {
            let powers = Tensor::new(&[100.0_f32, 0.0], &Device::Cpu)?.exp()?;
            let shares: Vec<f32> = powers.broadcast_div(&powers.sum_keepdim(0)?)?.to_vec1()?;
            Ok(vec![shares.iter().filter(|p| !p.is_finite()).count() as f64])
        },
    ),
    number(
        "softmax_shifted_at_100",
        "softmax of 100 and 0 with the maximum subtracted: the larger, f32",
        Some(1.0),
        |_| Ok(vec![two_logits(100.0)?[0]]),
    ),
    number("log_softmax_at_gap_200", "log-softmax of two logits 200 apart: the smaller, f32", Some(-200.0), |_| {
        let row = Tensor::new(&[[200.0_f32, 0.0]], &Device::Cpu)?;
        Ok(vec![f64::from(log_softmax(&row, 1.0)?.to_vec2::<f32>()?[0][1])])
    }),
    number(
        "relu_active_bias_minus_1",
        "share of active ReLU units, pre-activations N(0, 1) and a bias of -1",
        Some(0.158_655_253_931_457),
        |s| active(s, -1.0),
    ),
    number("relu_active_bias_0", "the same without a bias", Some(0.5), |s| active(s, 0.0)),
    number("relu_active_bias_1", "the same with a bias of 1", Some(0.841_344_746_068_543), |s| active(s, 1.0)),
];

/// A quantity of f64, right to 1e-9.
const fn number(
    name: &'static str,
    meaning: &'static str,
    known: Option<f64>,
    compute: fn(&Setup) -> Result<Vec<f64>>,
) -> Quantity {
    single(name, meaning, known, 1e-9, compute)
}

const fn single(
    name: &'static str,
    meaning: &'static str,
    known: Option<f64>,
    error: f64,
    compute: fn(&Setup) -> Result<Vec<f64>>,
) -> Quantity {
    Quantity { name, meaning, error, known, compute }
}

/// f'(x), by backpropagation through the operation that networks use.
fn slope(f: Activation, x: f64) -> Result<Vec<f64>> {
    let var = Var::new(&[x], &Device::Cpu)?;
    let grads = f.forward(&var)?.sum_all()?.backward()?;
    Ok(match grads.get(&var) {
        Some(grad) => grad.to_vec1()?,
        None => vec![f64::NAN],
    })
}

fn unsaturated(f: Activation) -> bool {
    let exact = f.shape().properties();
    let bounded = exact.low.value.is_finite() && exact.high.value.is_finite();
    bounded && exact.monotone && [-1e3, 1e3].iter().all(|x| f.derivative(*x).abs() > 1e-6)
}

/// sigmoid(4 x + 6): position -1.5, width 1/4.
fn unit(x: f64) -> f64 {
    Activation::Sigmoid.value(4.0 * x + 6.0)
}

/// A maxout unit of the pieces x and `weight` x against `f`.
fn maxout_error(weight: f64, f: fn(f64) -> f64) -> Result<Vec<f64>> {
    let xs: Vec<f64> = (-50..=50).map(|i| 0.1 * f64::from(i)).collect();
    let pieces: Vec<f64> = xs.iter().flat_map(|x| [*x, weight * x]).collect();
    let outputs: Vec<f64> =
        Gate::Maxout.forward(&Tensor::from_vec(pieces, (xs.len(), 2), &Device::Cpu)?)?.flatten_all()?.to_vec1()?;
    Ok(vec![xs.iter().zip(outputs).map(|(x, y)| (y - f(*x)).abs()).fold(0.0, f64::max)])
}

fn blend_outside(setup: &Setup) -> Result<Vec<f64>> {
    const DRAWS: usize = 10_000;
    let draw = |index| stream(setup.seed, "gate", index).normal_tensor(DRAWS, &Device::Cpu);
    let (a, b, gate) = (draw(0)?, draw(1)?, Activation::Sigmoid.forward(&(draw(2)? * 5.0)?)?);
    let blend: Vec<f64> = ((&gate * &a)? + (gate.affine(-1.0, 1.0)? * &b)?)?.to_vec1()?;
    let (a, b): (Vec<f64>, Vec<f64>) = (a.to_vec1()?, b.to_vec1()?);
    let outside = (0..DRAWS).filter(|i| blend[*i] < a[*i].min(b[*i]) - 1e-12 || blend[*i] > a[*i].max(b[*i]) + 1e-12);
    Ok(vec![outside.count() as f64 / DRAWS as f64])
}

fn prelu_slopes() -> Result<Tensor> {
    Ok(Tensor::new(&[0.0, 0.25, 0.5, 0.75], &Device::Cpu)?)
}

/// max(x, 0) + a min(x, 0) with the slopes a viewed as `shape`, on x = -3 everywhere, [2, 4, 3, 4],
/// against a slope for each channel: the largest difference. The slopes differ by at most 0.75.
fn prelu_error(shape: &[usize]) -> Result<Vec<f64>> {
    let x = Tensor::full(-3.0, (2, 4, 3, 4), &Device::Cpu)?;
    let code: Vec<f64> = x.broadcast_mul(&prelu_slopes()?.reshape(shape)?)?.flatten_all()?.to_vec1()?;
    let slopes: Vec<f64> = prelu_slopes()?.to_vec1()?;
    let right = |i: usize| -3.0 * slopes[i / 12 % 4];
    Ok(vec![code.iter().enumerate().map(|(i, y)| (y - right(i)).abs()).fold(0.0, f64::max)])
}

/// Two convolutions without padding, with ReLU between them or not, against the composed kernel.
fn conv_stack(setup: &Setup, relu: bool) -> Result<Vec<f64>> {
    let draw = |index, shape: (usize, usize, usize, usize)| {
        stream(setup.seed, "conv", index).normal_tensor(shape, &Device::Cpu)
    };
    let (x, first, second) = (draw(0, (1, 1, 12, 12))?, draw(1, (1, 1, 3, 3))?, draw(2, (1, 1, 3, 3))?);
    let hidden = x.conv2d(&first, 0, 1, 1, 1)?;
    let hidden = if relu { Activation::Relu.forward(&hidden)? } else { hidden };
    let stacked = hidden.conv2d(&second, 0, 1, 1, 1)?;
    let [a, b]: [Vec<f64>; 2] = [first.flatten_all()?.to_vec1()?, second.flatten_all()?.to_vec1()?];
    let mut kernel = vec![0.0; 25];
    for (i, v) in a.iter().enumerate() {
        for (j, w) in b.iter().enumerate() {
            kernel[(i / 3 + j / 3) * 5 + i % 3 + j % 3] += v * w;
        }
    }
    let single = x.conv2d(&Tensor::from_vec(kernel, (1, 1, 5, 5), &Device::Cpu)?, 0, 1, 1, 1)?;
    Ok(vec![(stacked - single)?.abs()?.max_all()?.to_scalar()?])
}

/// Softmax of `gap` and 0 in f32.
fn two_logits(gap: f64) -> Result<[f64; 2]> {
    let row = Tensor::new(&[[gap as f32, 0.0]], &Device::Cpu)?;
    let p = softmax(&row, 1.0)?.to_vec2::<f32>()?;
    Ok([f64::from(p[0][0]), f64::from(p[0][1])])
}

fn exp_f32(x: f32) -> candle_core::Result<f32> {
    Tensor::new(x, &Device::Cpu)?.exp()?.to_scalar()
}

/// The share of units with pre-activations N(0, 1) + `bias` that ReLU lets through, of 20 layers of
/// 1000 units.
fn active(setup: &Setup, bias: f64) -> Result<Vec<f64>> {
    let layer = |index| -> Result<f64> {
        let z = (stream(setup.seed, "bias", index).normal_tensor(1000, &Device::Cpu)? + bias)?;
        let y: Vec<f64> = Activation::Relu.forward(&z)?.to_vec1()?;
        Ok(y.iter().filter(|v| **v > 0.0).count() as f64 / y.len() as f64)
    };
    (0..20).map(layer).collect()
}
