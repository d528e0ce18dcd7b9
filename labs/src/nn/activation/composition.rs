//! The same functions from candle's own operations: what runs on other devices than the CPU.
//!
//! Branches are masks, not maxima: the derivative of candle's maximum is 1/2 at a tie, and an unused
//! branch that overflows would make the gradient NaN.

use super::{Activation, GELU_CUBIC, SELU_ALPHA, SELU_SCALE, SQRT_2_OVER_PI, Shape};
use candle_core::{Result, Tensor};

/// 1 where x > `level`, else 0, in x's type.
fn above(x: &Tensor, level: f64) -> Result<Tensor> {
    x.gt(level)?.to_dtype(x.dtype())
}

/// 1 where x < `level`, else 0, in x's type.
fn below(x: &Tensor, level: f64) -> Result<Tensor> {
    x.lt(level)?.to_dtype(x.dtype())
}

fn relu(x: &Tensor) -> Result<Tensor> {
    x * above(x, 0.0)?
}

fn sigmoid(x: &Tensor) -> Result<Tensor> {
    // sigmoid(x) = (1 + tanh(x / 2)) / 2 overflows nowhere.
    x.affine(0.5, 0.0)?.tanh()?.affine(0.5, 0.5)
}

/// -|x| with derivative 1 at 0.
fn minus_abs(x: &Tensor) -> Result<Tensor> {
    x * above(x, 0.0)?.affine(-2.0, 1.0)?
}

fn softplus(x: &Tensor) -> Result<Tensor> {
    relu(x)? + (minus_abs(x)?.exp()? + 1.0)?.log()?
}

/// e^(x / p) - 1 below zero, 0 above.
fn exp_m1_below(x: &Tensor, p: f64) -> Result<Tensor> {
    let x = (x * above(x, 0.0)?.affine(-1.0, 1.0)?)?;
    x.affine(1.0 / p, 0.0)?.exp()?.affine(1.0, -1.0)
}

fn hard_sigmoid(x: &Tensor) -> Result<Tensor> {
    let inside = (above(x, -3.0)? * below(x, 3.0)?)?;
    (x.affine(1.0 / 6.0, 0.5)? * inside)? + below(x, 3.0)?.affine(-1.0, 1.0)?
}

/// f of every element of `x`, differentiable once.
pub(super) fn forward(shape: Shape, x: &Tensor) -> Result<Tensor> {
    let p = shape.parameter;
    match shape.activation {
        Activation::Identity => Ok(x.clone()),
        Activation::Sigmoid => sigmoid(x),
        Activation::Tanh => x.tanh(),
        Activation::Relu => relu(x),
        Activation::LeakyRelu | Activation::Prelu | Activation::Rrelu => x * above(x, 0.0)?.affine(1.0 - p, p)?,
        Activation::Elu => relu(x)? + exp_m1_below(x, 1.0)?.affine(p, 0.0)?,
        Activation::Selu => (relu(x)? + exp_m1_below(x, 1.0)?.affine(SELU_ALPHA, 0.0)?)?.affine(SELU_SCALE, 0.0),
        Activation::Celu => relu(x)? + exp_m1_below(x, p)?.affine(p, 0.0)?,
        Activation::Gelu => x * x.affine(std::f64::consts::FRAC_1_SQRT_2, 0.0)?.erf()?.affine(0.5, 0.5)?,
        Activation::GeluTanh => {
            let inner = (x * x.sqr()?.affine(SQRT_2_OVER_PI * GELU_CUBIC, SQRT_2_OVER_PI)?)?;
            x * inner.tanh()?.affine(0.5, 0.5)?
        }
        Activation::GeluSigmoid | Activation::Swish => x * sigmoid(&x.affine(p, 0.0)?)?,
        Activation::Silu => x * sigmoid(x)?,
        Activation::Mish => x * softplus(x)?.tanh()?,
        Activation::Softplus => softplus(x),
        Activation::Softsign => x / minus_abs(x)?.affine(-1.0, 1.0)?,
        Activation::HardSigmoid => hard_sigmoid(x),
        Activation::HardSwish => x * hard_sigmoid(x)?,
        Activation::Relu6 => {
            let high = below(x, 6.0)?.affine(-1.0, 1.0)?;
            ((relu(x)? * below(x, 6.0)?)? + high.affine(6.0, 0.0)?)?.contiguous()
        }
        Activation::ReluSquared => relu(x)?.sqr(),
        Activation::Sine => x.sin(),
        Activation::XTanhX => x * x.tanh()?,
    }
}
