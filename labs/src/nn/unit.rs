//! The non-linearity of one hidden layer as a module: with what it learns and what it draws.

use super::activation::{Activation, RRELU_SLOPES};
use super::function::{Function, Gate, Nonlinearity};
use super::linear::spread_rows;
use super::{Mode, activation::Shape};
use crate::rng::Stream;
use candle_core::{D, DType, Device, Result, Tensor, Var};
use std::sync::{Arc, Mutex, PoisonError};

/// A layer's non-linearity: [batch, width] (a gate: [batch, 2 width]) to [batch, width].
#[derive(Debug, Clone)]
pub enum Unit {
    /// Nothing to learn.
    Fixed(Function),
    /// Leaky ReLU with a learned slope for each channel, [1, width].
    Prelu(Var),
    /// x sigmoid(beta x) with a learned beta for each channel, [1, width].
    Swish(Var),
    /// Leaky ReLU whose slopes are drawn for each element in training; else their mean.
    Rrelu(Arc<Mutex<Stream>>),
    /// Two pieces for each unit: the first half of the features, and the second.
    Gated(Gate),
}

impl Unit {
    /// The module of `kind` for `width` units; `random` is what it may draw from in training.
    pub fn new(kind: &Nonlinearity, width: usize, random: Stream, dtype: DType, device: &Device) -> Result<Self> {
        let learned = |p: f64| Var::from_tensor(&Tensor::full(p, (1, width), device)?.to_dtype(dtype)?);
        Ok(match kind {
            Nonlinearity::Gate(gate) => Self::Gated(*gate),
            Nonlinearity::Function(Function::Named(Shape { activation, parameter })) => match activation {
                Activation::Prelu => Self::Prelu(learned(*parameter)?),
                Activation::Swish => Self::Swish(learned(*parameter)?),
                Activation::Rrelu => Self::Rrelu(Arc::new(Mutex::new(random))),
                _ => Self::Fixed(Function::Named(Shape { activation: *activation, parameter: *parameter })),
            },
            Nonlinearity::Function(custom) => Self::Fixed(custom.clone()),
        })
    }

    /// What is learned, with its name.
    #[must_use]
    pub fn parameters(&self) -> Vec<(&'static str, &Var)> {
        match self {
            Self::Prelu(slope) => vec![("slope", slope)],
            Self::Swish(beta) => vec![("beta", beta)],
            _ => vec![],
        }
    }

    /// The pre-activations `z` to the units' outputs.
    pub fn forward(&self, z: &Tensor, mode: Mode) -> Result<Tensor> {
        match self {
            Self::Fixed(function) => function.forward(z),
            Self::Prelu(slope) => {
                let above = z.gt(0.0)?.to_dtype(z.dtype())?;
                let below = above.affine(-1.0, 1.0)?;
                (z * &above)? + (z * below)?.mul(&spread_rows(slope, z.dim(0)?)?)?
            }
            Self::Swish(beta) => z * Activation::Sigmoid.forward(&(z * spread_rows(beta, z.dim(0)?)?)?)?,
            Self::Rrelu(random) if matches!(mode, Mode::Train { .. }) => randomised(z, random),
            Self::Rrelu(_) => Activation::Rrelu.forward(z),
            Self::Gated(gate) => gate.forward(z),
        }
    }

    /// How much each unit's output follows its pre-activations: |df/dz|, for a gate the larger of the
    /// two; [batch, width], without gradient.
    pub fn slopes(&self, z: &Tensor) -> Result<Tensor> {
        if let Self::Fixed(function) = self {
            return function.derivative_of(&z.detach())?.abs();
        }
        let var = Var::from_tensor(&z.detach())?;
        let grads = self.forward(&var, Mode::Eval)?.sum_all()?.backward()?;
        let slope = match grads.get(&var) {
            Some(grad) => grad.detach().abs()?,
            None => z.zeros_like()?,
        };
        if let Self::Gated(_) = self {
            let (a, b) = halves(&slope)?;
            return a.maximum(&b);
        }
        Ok(slope)
    }
}

fn randomised(z: &Tensor, random: &Mutex<Stream>) -> Result<Tensor> {
    let (low, high) = RRELU_SLOPES;
    let slopes: Vec<f64> = {
        let mut random = random.lock().unwrap_or_else(PoisonError::into_inner);
        (0..z.elem_count()).map(|_| low + (high - low) * random.uniform()).collect()
    };
    let slopes = Tensor::from_vec(slopes, z.shape(), z.device())?.to_dtype(z.dtype())?;
    let above = z.gt(0.0)?.to_dtype(z.dtype())?;
    let below = above.affine(-1.0, 1.0)?;
    z * (above + (below * slopes)?)?
}

fn halves(z: &Tensor) -> Result<(Tensor, Tensor)> {
    let width = z.dim(D::Minus1)? / 2;
    Ok((z.narrow(D::Minus1, 0, width)?.contiguous()?, z.narrow(D::Minus1, width, width)?.contiguous()?))
}

impl Gate {
    /// [.., 2 n] to [.., n].
    pub fn forward(self, z: &Tensor) -> Result<Tensor> {
        let (a, b) = halves(z)?;
        match self {
            Self::Maxout => {
                // A mask: candle's maximum gives both pieces half of the gradient at a tie.
                let first = a.ge(&b)?.to_dtype(a.dtype())?;
                (a * &first)? + (b * first.affine(-1.0, 1.0)?)?
            }
            Self::Glu => a * Activation::Sigmoid.forward(&b)?,
            Self::Reglu => a * Activation::Relu.forward(&b)?,
            Self::Geglu => a * Activation::Gelu.forward(&b)?,
            Self::Swiglu => a * Activation::Silu.forward(&b)?,
        }
    }
}
