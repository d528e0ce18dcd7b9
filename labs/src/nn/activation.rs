//! Element-wise non-linearities: value, derivative and the differentiable tensor operation.

use crate::control::Choice;
use candle_core::{CpuStorage, CustomOp1, DType, Layout, Result, Shape, Tensor, bail};
use num_traits::Float;
use rayon::prelude::*;

/// SELU's alpha (Klambauer et al. 2017, eq. 14), to double precision.
pub const SELU_ALPHA: f64 = 1.673_263_242_354_377_2;
/// SELU's scale (Klambauer et al. 2017, eq. 14), to double precision.
pub const SELU_SCALE: f64 = 1.050_700_987_355_480_5;
/// The slope of Leaky ReLU below zero (Maas et al. 2013).
pub const LEAKY_SLOPE: f64 = 0.01;

/// An element-wise non-linearity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// x
    Identity,
    /// 1 / (1 + e^-x)
    Sigmoid,
    /// tanh x
    Tanh,
    /// max(x, 0), derivative 0 at 0
    Relu,
    /// x above zero, 0.01 x below
    LeakyRelu,
    /// x above zero, e^x - 1 below (Clevert et al. 2015)
    Elu,
    /// Scaled ELU (Klambauer et al. 2017)
    Selu,
    /// x Phi(x), the exact form (Hendrycks and Gimpel 2016)
    Gelu,
    /// x sigmoid(x)
    Silu,
}

impl Choice for Activation {
    const ALL: &'static [Self] = &[
        Self::Identity,
        Self::Sigmoid,
        Self::Tanh,
        Self::Relu,
        Self::LeakyRelu,
        Self::Elu,
        Self::Selu,
        Self::Gelu,
        Self::Silu,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Sigmoid => "sigmoid",
            Self::Tanh => "tanh",
            Self::Relu => "relu",
            Self::LeakyRelu => "leaky_relu",
            Self::Elu => "elu",
            Self::Selu => "selu",
            Self::Gelu => "gelu",
            Self::Silu => "silu",
        }
    }
}

/// The scalars on which activations are computed: f32 and f64.
trait Real: Float + Send + Sync {
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

fn rectify<T: Real>(x: T, above: T, below: impl Fn(T) -> T) -> T {
    if x > T::zero() { above } else { below(x) }
}

/// Puts f(x) of each element of `xs` into `out`.
fn values<T: Real>(activation: Activation, xs: &[T], out: &mut [T]) {
    let zero = T::zero();
    match activation {
        Activation::Identity => map(xs, out, |x| x),
        Activation::Sigmoid => map(xs, out, sigmoid),
        Activation::Tanh => map(xs, out, T::tanh),
        // Not `max`: that would turn NaN into 0 and hide it.
        Activation::Relu => map(xs, out, |x| if x < zero { zero } else { x }),
        Activation::LeakyRelu => map(xs, out, |x| rectify(x, x, |x| x * T::of(LEAKY_SLOPE))),
        Activation::Elu => map(xs, out, |x| rectify(x, x, T::exp_m1)),
        Activation::Selu => {
            let (scale, both) = (T::of(SELU_SCALE), T::of(SELU_SCALE * SELU_ALPHA));
            map(xs, out, |x| rectify(x, x * scale, |x| x.exp_m1() * both));
        }
        Activation::Gelu => map(xs, out, |x| x * normal_cdf(x)),
        Activation::Silu => map(xs, out, |x| x * sigmoid(x)),
    }
}

/// Puts f'(x) of each element of `xs` into `out`; at a kink, the derivative from the left.
fn derivatives<T: Real>(activation: Activation, xs: &[T], out: &mut [T]) {
    let (zero, one) = (T::zero(), T::one());
    match activation {
        Activation::Identity => map(xs, out, |_| one),
        // Not s (1 - s) and 1 - t^2: those cancel to 0 in f32 from 17 and 9 on.
        Activation::Sigmoid => map(xs, out, logistic_density),
        Activation::Tanh => map(xs, out, |x| T::of(4.0) * logistic_density(x + x)),
        Activation::Relu => map(xs, out, |x| rectify(x, one, |_| zero)),
        Activation::LeakyRelu => map(xs, out, |x| rectify(x, one, |_| T::of(LEAKY_SLOPE))),
        Activation::Elu => map(xs, out, |x| rectify(x, one, T::exp)),
        Activation::Selu => {
            let (scale, both) = (T::of(SELU_SCALE), T::of(SELU_SCALE * SELU_ALPHA));
            map(xs, out, |x| rectify(x, scale, |x| x.exp() * both));
        }
        Activation::Gelu => map(xs, out, |x| normal_cdf(x) + x * normal_pdf(x)),
        Activation::Silu => map(xs, out, |x| {
            let s = sigmoid(x);
            s * (one + x * (one - s))
        }),
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

impl Activation {
    /// f(x).
    #[must_use]
    pub fn value(self, x: f64) -> f64 {
        let mut out = [0.0];
        values(self, &[x], &mut out);
        out[0]
    }

    /// f'(x); at a kink, the derivative from the left (0 for ReLU at 0, as in PyTorch).
    #[must_use]
    pub fn derivative(self, x: f64) -> f64 {
        let mut out = [0.0];
        derivatives(self, &[x], &mut out);
        out[0]
    }

    /// f of every element, differentiable once; f32 and f64.
    pub fn forward(self, x: &Tensor) -> Result<Tensor> {
        if self == Self::Identity {
            return Ok(x.clone());
        }
        if x.device().is_cpu() {
            return x.contiguous()?.apply_op1(Pointwise(self));
        }
        self.composition(x)
    }

    /// f' of every element, without gradient.
    pub fn derivative_of(self, x: &Tensor) -> Result<Tensor> {
        let on_host = x.to_device(&candle_core::Device::Cpu)?.contiguous()?;
        on_host.apply_op1_no_bwd(&Derivative(self))?.to_device(x.device())
    }

    /// f from candle's own operations: what runs on other devices than the CPU.
    pub fn composition(self, x: &Tensor) -> Result<Tensor> {
        let above = || x.gt(0.0)?.to_dtype(x.dtype());
        // e^x - 1 below zero, 0 above. Masked, so that the unused branch cannot overflow; and not
        // clamped, because the derivative of candle's minimum is 1/2 at a tie.
        let exp_m1_below = || (x * above()?.affine(-1.0, 1.0)?)?.exp()?.affine(1.0, -1.0);
        match self {
            Self::Identity => Ok(x.clone()),
            // sigmoid(x) = (1 + tanh(x / 2)) / 2 overflows nowhere.
            Self::Sigmoid => x.affine(0.5, 0.0)?.tanh()?.affine(0.5, 0.5),
            Self::Tanh => x.tanh(),
            Self::Relu => x * above()?,
            Self::LeakyRelu => x * above()?.affine(1.0 - LEAKY_SLOPE, LEAKY_SLOPE)?,
            Self::Elu => (x * above()?)? + exp_m1_below()?,
            Self::Selu => {
                let below = exp_m1_below()?.affine(SELU_ALPHA, 0.0)?;
                ((x * above()?)? + below)?.affine(SELU_SCALE, 0.0)
            }
            Self::Gelu => x * x.affine(std::f64::consts::FRAC_1_SQRT_2, 0.0)?.erf()?.affine(0.5, 0.5)?,
            Self::Silu => x * Self::Sigmoid.composition(x)?,
        }
    }
}

struct Pointwise(Activation);

impl CustomOp1 for Pointwise {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        on_cpu(storage, layout, |xs, out| values(self.0, xs, out), |xs, out| values(self.0, xs, out))
    }

    fn bwd(&self, arg: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        Ok(Some((grad * self.0.derivative_of(arg)?)?))
    }
}

struct Derivative(Activation);

impl CustomOp1 for Derivative {
    fn name(&self) -> &'static str {
        "derivative"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        on_cpu(storage, layout, |xs, out| derivatives(self.0, xs, out), |xs, out| derivatives(self.0, xs, out))
    }
}

fn on_cpu(
    storage: &CpuStorage,
    layout: &Layout,
    f32s: impl Fn(&[f32], &mut [f32]),
    f64s: impl Fn(&[f64], &mut [f64]),
) -> Result<(CpuStorage, Shape)> {
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
