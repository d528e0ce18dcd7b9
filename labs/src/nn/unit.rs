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
    /// The module of `kind` (of several: the first layer's) for `width` units; `random` is what it may draw from in training.
    pub fn new(kind: &Nonlinearity, width: usize, random: Stream, dtype: DType, device: &Device) -> Result<Self> {
        let learned = |p: f64| Var::from_tensor(&Tensor::full(p, (1, width), device)?.to_dtype(dtype)?);
        Ok(match kind.layer(0) {
            Nonlinearity::Layers(_) => Self::Fixed(Activation::Identity.into()),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::Choice;
    use crate::rng::stream;

    const TRAIN: Mode = Mode::Train { momentum: 0.1 };

    fn unit(kind: &Nonlinearity) -> Unit {
        Unit::new(kind, 100, stream(3, "units", 0), DType::F64, &Device::Cpu).unwrap()
    }

    fn flat(x: &Tensor) -> Vec<f64> {
        x.flatten_all().unwrap().to_vec1().unwrap()
    }

    #[test]
    fn rrelu_draws_its_slopes_in_training_alone() {
        let x = Tensor::full(-1.0, (1000, 100), &Device::Cpu).unwrap();
        let rrelu = unit(&Activation::Rrelu.into());
        let slopes: Vec<f64> = flat(&rrelu.forward(&x, TRAIN).unwrap()).iter().map(|y| -y).collect();
        assert!(slopes.iter().all(|s| (0.125..1.0 / 3.0).contains(s)));
        let n = slopes.len() as f64;
        let mean = slopes.iter().sum::<f64>() / n;
        let variance = slopes.iter().map(|s| (s - mean).powi(2)).sum::<f64>() / n;
        // A uniform variable's variance is its width squared over 12.
        let spread = (5.0_f64 / 24.0).powi(2) / 12.0;
        assert!((mean - 11.0 / 48.0).abs() < 5.0 * (spread / n).sqrt(), "{mean}");
        assert!((variance / spread - 1.0).abs() < 0.02, "{variance} {spread}");
        assert_ne!(flat(&rrelu.forward(&x, TRAIN).unwrap()), slopes.iter().map(|s| -s).collect::<Vec<_>>());

        for mode in [Mode::Eval, Mode::Batch, Mode::Calibrate] {
            assert!(flat(&rrelu.forward(&x, mode).unwrap()).iter().all(|y| (y + 11.0 / 48.0).abs() < 1e-15));
        }
        let above = Tensor::full(2.0, (10, 100), &Device::Cpu).unwrap();
        assert!(flat(&rrelu.forward(&above, TRAIN).unwrap()).iter().all(|y| (y - 2.0).abs() < 1e-15));
    }

    #[test]
    fn rrelu_slopes_are_the_gradient_of_the_same_pass() {
        let x = Var::from_tensor(&stream(3, "x", 0).normal_tensor((20, 100), &Device::Cpu).unwrap()).unwrap();
        let y = unit(&Activation::Rrelu.into()).forward(&x, TRAIN).unwrap();
        let grads = y.sum_all().unwrap().backward().unwrap();
        for ((x, y), g) in flat(&x).into_iter().zip(flat(&y)).zip(flat(grads.get(&x).unwrap())) {
            assert!(
                (g * x - y).abs() < 1e-15
                    && if x > 0.0 { (g - 1.0).abs() < 1e-15 } else { (0.125..0.334).contains(&g) }
            );
        }
    }

    #[test]
    fn units_start_as_their_functions() {
        let x = stream(3, "x", 1).normal_tensor((7, 100), &Device::Cpu).unwrap();
        for &f in Activation::ALL {
            let y = flat(&unit(&f.into()).forward(&x, Mode::Eval).unwrap());
            for (x, y) in flat(&x).into_iter().zip(y) {
                assert!((f.value(x) - y).abs() < 1e-14, "{}({x})", f.name());
            }
        }
    }

    #[test]
    fn a_tie_of_a_maxout_belongs_to_the_first_piece() {
        let x = Var::new(&[[1.5, -2.0, 1.5, -2.0]], &Device::Cpu).unwrap();
        let y = Gate::Maxout.forward(&x).unwrap();
        assert_eq!(flat(&y), [1.5, -2.0]);
        let grads = y.sum_all().unwrap().backward().unwrap();
        assert_eq!(flat(grads.get(&x).unwrap()), [1.0, 1.0, 0.0, 0.0]);
    }
}
