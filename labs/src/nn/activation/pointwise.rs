//! The kernels of the element-wise non-linearities: f and f' over slices, and as operations of candle.

use super::{Activation, SELU_ALPHA, SELU_SCALE, Shape};
use candle_core::{CpuStorage, CustomOp1, DType, Layout, Result, Tensor, bail};
use num_traits::Float;
use rayon::prelude::*;

/// The scalars on which activations are computed: f32 and f64.
pub(super) trait Real: Float + Send + Sync {
    fn of(x: f64) -> Self;
    fn erf(self) -> Self;
}

impl Real for f32 {
    fn of(x: f64) -> Self {
        x as Self
    }
    fn erf(self) -> Self {
        libm::erff(self)
    }
}

impl Real for f64 {
    fn of(x: f64) -> Self {
        x
    }
    fn erf(self) -> Self {
        libm::erf(self)
    }
}

fn sigmoid<T: Real>(x: T) -> T {
    // The branch keeps e^(-x) from overflowing, and with it the derivative of SiLU from NaN.
    if x >= T::zero() {
        (T::one() + (-x).exp()).recip()
    } else {
        let e = x.exp();
        e / (T::one() + e)
    }
}

/// The derivative of the sigmoid, e^-|x| / (1 + e^-|x|)^2.
fn logistic_density<T: Real>(x: T) -> T {
    let e = (-x.abs()).exp();
    e / ((T::one() + e) * (T::one() + e))
}

fn normal_cdf<T: Real>(x: T) -> T {
    T::of(0.5) * (T::one() + (x * T::of(std::f64::consts::FRAC_1_SQRT_2)).erf())
}

fn normal_pdf<T: Real>(x: T) -> T {
    (-(x * x) * T::of(0.5)).exp() * T::of(0.398_942_280_401_432_7)
}

fn softplus<T: Real>(x: T) -> T {
    x.max(T::zero()) + (-x.abs()).exp().ln_1p()
}

/// tanh(softplus x) and 1 - tanh^2(softplus x), as fractions of exponentials that neither overflow nor
/// cancel.
fn tanh_softplus<T: Real>(x: T) -> (T, T) {
    let (one, two) = (T::one(), T::of(2.0));
    let e = (-x.abs()).exp();
    let square = (one + e) * (one + e);
    if x >= T::zero() {
        let below = one + two * e + two * e * e;
        ((one + two * e) / below, T::of(4.0) * e * e * square / (below * below))
    } else {
        let below = e * e + two * e + two;
        ((e * e + two * e) / below, T::of(4.0) * square / (below * below))
    }
}

/// x Phi(x) with Phi replaced by (1 + tanh u) / 2: u and du/dx.
fn gelu_tanh_argument<T: Real>(x: T) -> (T, T) {
    let (scale, cubic) = (T::of(super::SQRT_2_OVER_PI), T::of(super::GELU_CUBIC));
    (scale * x * (T::one() + cubic * x * x), scale * (T::one() + T::of(3.0) * cubic * x * x))
}

fn rectify<T: Real>(x: T, above: T, below: impl Fn(T) -> T) -> T {
    if x > T::zero() { above } else { below(x) }
}

/// f(x) where `low` < x < `high`; else the value of that side. NaN stays NaN.
fn between<T: Real>(x: T, (low, high): (f64, f64), sides: (T, T), f: impl Fn(T) -> T) -> T {
    if x <= T::of(low) {
        sides.0
    } else if x >= T::of(high) {
        sides.1
    } else {
        f(x)
    }
}

/// Puts f(x) of each element of `xs` into `out`.
pub(super) fn values<T: Real>(shape: Shape, xs: &[T], out: &mut [T]) {
    let (zero, one, half) = (T::zero(), T::one(), T::of(0.5));
    let p = T::of(shape.parameter);
    match shape.activation {
        Activation::Identity => map(xs, out, |x| x),
        Activation::Sigmoid => map(xs, out, sigmoid),
        Activation::Tanh => map(xs, out, T::tanh),
        // Not `max`: that would turn NaN into 0 and hide it.
        Activation::Relu => map(xs, out, |x| if x < zero { zero } else { x }),
        Activation::LeakyRelu | Activation::Prelu | Activation::Rrelu => map(xs, out, |x| rectify(x, x, |x| x * p)),
        Activation::Elu => map(xs, out, |x| rectify(x, x, |x| p * x.exp_m1())),
        Activation::Selu => {
            let (scale, both) = (T::of(SELU_SCALE), T::of(SELU_SCALE * SELU_ALPHA));
            map(xs, out, |x| rectify(x, x * scale, |x| x.exp_m1() * both));
        }
        Activation::Celu => map(xs, out, |x| rectify(x, x, |x| p * (x / p).exp_m1())),
        Activation::Gelu => map(xs, out, |x| x * normal_cdf(x)),
        Activation::GeluTanh => map(xs, out, |x| half * x * (one + gelu_tanh_argument(x).0.tanh())),
        Activation::GeluSigmoid | Activation::Swish => map(xs, out, |x| x * sigmoid(p * x)),
        Activation::Silu => map(xs, out, |x| x * sigmoid(x)),
        Activation::Mish => map(xs, out, |x| x * tanh_softplus(x).0),
        // The maximum in it would turn NaN into a number.
        Activation::Softplus => map(xs, out, |x| if x.is_nan() { x } else { softplus(x) }),
        Activation::Softsign => map(xs, out, |x| x / (one + x.abs())),
        Activation::HardSigmoid => map(xs, out, |x| between(x, (-3.0, 3.0), (zero, one), |x| x / T::of(6.0) + half)),
        Activation::HardSwish => {
            map(xs, out, |x| between(x, (-3.0, 3.0), (zero, x), |x| x * (x + T::of(3.0)) / T::of(6.0)));
        }
        Activation::Relu6 => map(xs, out, |x| between(x, (0.0, 6.0), (zero, T::of(6.0)), |x| x)),
        Activation::ReluSquared => map(xs, out, |x| if x < zero { zero } else { x * x }),
        Activation::Sine => map(xs, out, T::sin),
        Activation::XTanhX => map(xs, out, |x| x * x.tanh()),
    }
}

/// Puts f'(x) of each element of `xs` into `out`; at a kink, what PyTorch takes.
pub(super) fn derivatives<T: Real>(shape: Shape, xs: &[T], out: &mut [T]) {
    let (zero, one, half) = (T::zero(), T::one(), T::of(0.5));
    let p = T::of(shape.parameter);
    match shape.activation {
        Activation::Identity => map(xs, out, |_| one),
        // Not s (1 - s) and 1 - t^2: those cancel to 0 in f32 from 17 and 9 on.
        Activation::Sigmoid => map(xs, out, logistic_density),
        Activation::Tanh => map(xs, out, |x| T::of(4.0) * logistic_density(x + x)),
        Activation::Relu => map(xs, out, |x| rectify(x, one, |_| zero)),
        Activation::LeakyRelu | Activation::Prelu | Activation::Rrelu => map(xs, out, |x| rectify(x, one, |_| p)),
        Activation::Elu => map(xs, out, |x| rectify(x, one, |x| p * x.exp())),
        Activation::Selu => {
            let (scale, both) = (T::of(SELU_SCALE), T::of(SELU_SCALE * SELU_ALPHA));
            map(xs, out, |x| rectify(x, scale, |x| x.exp() * both));
        }
        Activation::Celu => map(xs, out, |x| rectify(x, one, |x| (x / p).exp())),
        Activation::Gelu => map(xs, out, |x| normal_cdf(x) + x * normal_pdf(x)),
        Activation::GeluTanh => map(xs, out, |x| {
            let (u, slope) = gelu_tanh_argument(x);
            half * (one + u.tanh()) + half * x * slope * T::of(4.0) * logistic_density(u + u)
        }),
        Activation::GeluSigmoid | Activation::Swish => map(xs, out, |x| {
            let s = sigmoid(p * x);
            s * (one + p * x * sigmoid(-p * x))
        }),
        // sigmoid(-x) and not 1 - sigmoid(x), which in f32 leaves x times its rounding.
        Activation::Silu => map(xs, out, |x| sigmoid(x) * (one + x * sigmoid(-x))),
        Activation::Mish => map(xs, out, |x| {
            let (t, rest) = tanh_softplus(x);
            t + x * sigmoid(x) * rest
        }),
        Activation::Softplus => map(xs, out, sigmoid),
        Activation::Softsign => map(xs, out, |x| ((one + x.abs()) * (one + x.abs())).recip()),
        Activation::HardSigmoid => map(xs, out, |x| between(x, (-3.0, 3.0), (zero, zero), |_| T::of(6.0).recip())),
        Activation::HardSwish => map(xs, out, |x| between(x, (-3.0, 3.0), (zero, one), |x| x / T::of(3.0) + half)),
        Activation::Relu6 => map(xs, out, |x| between(x, (0.0, 6.0), (zero, zero), |_| one)),
        Activation::ReluSquared => map(xs, out, |x| if x < zero { zero } else { x + x }),
        Activation::Sine => map(xs, out, T::cos),
        Activation::XTanhX => map(xs, out, |x| x.tanh() + x * T::of(4.0) * logistic_density(x + x)),
    }
}

/// Below this many elements waking other threads costs more than they bring.
const PARALLEL_FROM: usize = 1 << 15;
const CHUNK: usize = 1 << 13;

fn map<T: Real>(xs: &[T], out: &mut [T], f: impl Fn(T) -> T + Sync) {
    let run = |xs: &[T], out: &mut [T]| xs.iter().zip(out).for_each(|(x, o)| *o = f(*x));
    if xs.len() < PARALLEL_FROM {
        run(xs, out);
    } else {
        xs.par_chunks(CHUNK).zip(out.par_chunks_mut(CHUNK)).for_each(|(x, o)| run(x, o));
    }
}

/// f as an operation with gradient.
pub(super) struct Pointwise(pub Shape);

impl CustomOp1 for Pointwise {
    fn name(&self) -> &'static str {
        "activation"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, candle_core::Shape)> {
        on_cpu(storage, layout, |xs, out| values(self.0, xs, out), |xs, out| values(self.0, xs, out))
    }

    fn bwd(&self, arg: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        Ok(Some((grad * self.0.derivative_of(arg)?)?))
    }
}

/// f' as an operation without gradient.
pub(super) struct Derivative(pub Shape);

impl CustomOp1 for Derivative {
    fn name(&self) -> &'static str {
        "derivative"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, candle_core::Shape)> {
        on_cpu(storage, layout, |xs, out| derivatives(self.0, xs, out), |xs, out| derivatives(self.0, xs, out))
    }
}

fn on_cpu(
    storage: &CpuStorage,
    layout: &Layout,
    f32s: impl Fn(&[f32], &mut [f32]),
    f64s: impl Fn(&[f64], &mut [f64]),
) -> Result<(CpuStorage, candle_core::Shape)> {
    let Some((start, end)) = layout.contiguous_offsets() else { bail!("activation of a strided tensor") };
    let out = match storage {
        CpuStorage::F32(xs) => {
            let mut out = vec![0.0; end - start];
            f32s(&xs[start..end], &mut out);
            CpuStorage::F32(out)
        }
        CpuStorage::F64(xs) => {
            let mut out = vec![0.0; end - start];
            f64s(&xs[start..end], &mut out);
            CpuStorage::F64(out)
        }
        _ => bail!("activations take {:?} and {:?}", DType::F32, DType::F64),
    };
    Ok((out, layout.shape().clone()))
}
