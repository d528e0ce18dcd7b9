//! Element-wise non-linearities: value, derivative and the differentiable tensor operation.

mod composition;
mod pointwise;
pub mod properties;

use crate::control::Choice;
use candle_core::{Result, Tensor};
use pointwise::{Derivative, Pointwise, derivatives, values};

/// SELU's alpha (Klambauer et al. 2017, eq. 14), to double precision.
pub const SELU_ALPHA: f64 = 1.673_263_242_354_377_2;
/// SELU's scale (Klambauer et al. 2017, eq. 14), to double precision.
pub const SELU_SCALE: f64 = 1.050_700_987_355_480_5;
/// The slope of Leaky ReLU below zero (Maas et al. 2013).
pub const LEAKY_SLOPE: f64 = 0.01;
/// The slope with which `PReLU` starts to learn (He et al. 2015).
pub const PRELU_SLOPE: f64 = 0.25;
/// Slopes of randomised leaky ReLU in training: U(1/8, 1/3) (Xu et al. 2015, as in PyTorch).
pub const RRELU_SLOPES: (f64, f64) = (1.0 / 8.0, 1.0 / 3.0);
/// The factor in x sigmoid(1.702 x) (Hendrycks and Gimpel 2016).
pub const GELU_LOGISTIC: f64 = 1.702;
/// The cubic term of GELU's tanh form (Hendrycks and Gimpel 2016).
pub const GELU_CUBIC: f64 = 0.044_715;
/// sqrt(2 / pi)
pub const SQRT_2_OVER_PI: f64 = 0.797_884_560_802_865_4;

/// An element-wise non-linearity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Activation {
    /// x
    Identity,
    /// 1 / (1 + e^-x)
    Sigmoid,
    /// tanh x
    Tanh,
    /// max(x, 0), derivative 0 at 0
    Relu,
    /// x above zero, p x below, p = 0.01 (Maas et al. 2013)
    LeakyRelu,
    /// The same with a slope for each channel, learned from p = 0.25 on (He et al. 2015)
    Prelu,
    /// The same with slopes drawn from U(1/8, 1/3) in training; p = 11/48, their mean (Xu et al. 2015)
    Rrelu,
    /// x above zero, p (e^x - 1) below, p = 1 (Clevert et al. 2015)
    Elu,
    /// Scaled ELU (Klambauer et al. 2017)
    Selu,
    /// x above zero, p (e^(x/p) - 1) below, p = 1 (Barron 2017)
    Celu,
    /// x Phi(x), the exact form (Hendrycks and Gimpel 2016)
    Gelu,
    /// x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) / 2 (the same)
    GeluTanh,
    /// x sigmoid(p x), p = 1.702 (the same)
    GeluSigmoid,
    /// x sigmoid(x)
    Silu,
    /// x sigmoid(p x), p learned for each channel from 1 on (Ramachandran et al. 2017)
    Swish,
    /// x tanh(softplus x) (Misra 2019)
    Mish,
    /// ln(1 + e^x)
    Softplus,
    /// x / (1 + |x|) (Bergstra et al. 2009)
    Softsign,
    /// min(max(x + 3, 0), 6) / 6 (Howard et al. 2019)
    HardSigmoid,
    /// x `hard_sigmoid`(x) (Howard et al. 2019)
    HardSwish,
    /// min(max(x, 0), 6) (Krizhevsky 2010)
    Relu6,
    /// max(x, 0)^2 (So et al. 2021)
    ReluSquared,
    /// sin x
    Sine,
    /// x tanh x
    XTanhX,
}

impl Choice for Activation {
    const ALL: &'static [Self] = &[
        Self::Identity,
        Self::Sigmoid,
        Self::Tanh,
        Self::Relu,
        Self::LeakyRelu,
        Self::Prelu,
        Self::Rrelu,
        Self::Elu,
        Self::Selu,
        Self::Celu,
        Self::Gelu,
        Self::GeluTanh,
        Self::GeluSigmoid,
        Self::Silu,
        Self::Swish,
        Self::Mish,
        Self::Softplus,
        Self::Softsign,
        Self::HardSigmoid,
        Self::HardSwish,
        Self::Relu6,
        Self::ReluSquared,
        Self::Sine,
        Self::XTanhX,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Sigmoid => "sigmoid",
            Self::Tanh => "tanh",
            Self::Relu => "relu",
            Self::LeakyRelu => "leaky_relu",
            Self::Prelu => "prelu",
            Self::Rrelu => "rrelu",
            Self::Elu => "elu",
            Self::Selu => "selu",
            Self::Celu => "celu",
            Self::Gelu => "gelu",
            Self::GeluTanh => "gelu_tanh",
            Self::GeluSigmoid => "gelu_sigmoid",
            Self::Silu => "silu",
            Self::Swish => "swish",
            Self::Mish => "mish",
            Self::Softplus => "softplus",
            Self::Softsign => "softsign",
            Self::HardSigmoid => "hard_sigmoid",
            Self::HardSwish => "hard_swish",
            Self::Relu6 => "relu6",
            Self::ReluSquared => "relu_squared",
            Self::Sine => "sine",
            Self::XTanhX => "x_tanh_x",
        }
    }
}

/// A real function with a derivative: what theory asks of a non-linearity.
pub trait Scalar {
    /// f(x).
    fn value(&self, x: f64) -> f64;
    /// f'(x); at a kink, a one-sided derivative.
    fn derivative(&self, x: f64) -> f64;
    /// Where f or f' jumps, 0 aside: integrals over f are split there.
    fn kinks(&self) -> &[f64] {
        &[]
    }
}

impl<T: Scalar + ?Sized> Scalar for &T {
    fn value(&self, x: f64) -> f64 {
        (**self).value(x)
    }
    fn derivative(&self, x: f64) -> f64 {
        (**self).derivative(x)
    }
    fn kinks(&self) -> &[f64] {
        (**self).kinks()
    }
}

impl Scalar for Activation {
    fn value(&self, x: f64) -> f64 {
        self.shape().value(x)
    }
    fn derivative(&self, x: f64) -> f64 {
        self.shape().derivative(x)
    }
    fn kinks(&self) -> &[f64] {
        match self {
            Self::HardSigmoid | Self::HardSwish => &[-3.0, 3.0],
            Self::Relu6 => &[6.0],
            _ => &[],
        }
    }
}

impl Activation {
    /// Those that a matrix over initialisers and normalisations compares: all 24 would not be readable.
    pub const COMMON: [Self; 9] = [
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

    /// The parameter p of the formula; `None` where there is none to choose.
    #[must_use]
    pub fn parameter(self) -> Option<f64> {
        match self {
            Self::LeakyRelu => Some(LEAKY_SLOPE),
            Self::Prelu => Some(PRELU_SLOPE),
            Self::Rrelu => Some(f64::midpoint(RRELU_SLOPES.0, RRELU_SLOPES.1)),
            Self::Elu | Self::Celu | Self::Swish => Some(1.0),
            Self::GeluSigmoid => Some(GELU_LOGISTIC),
            _ => None,
        }
    }

    /// The function with its usual parameter.
    #[must_use]
    pub fn shape(self) -> Shape {
        Shape { activation: self, parameter: self.parameter().unwrap_or(0.0) }
    }

    /// f(x).
    #[must_use]
    pub fn value(self, x: f64) -> f64 {
        self.shape().value(x)
    }

    /// f'(x); at a kink, what PyTorch takes (0 for ReLU at 0).
    #[must_use]
    pub fn derivative(self, x: f64) -> f64 {
        self.shape().derivative(x)
    }

    /// f of every element, differentiable once; f32 and f64.
    pub fn forward(self, x: &Tensor) -> Result<Tensor> {
        self.shape().forward(x)
    }

    /// f' of every element, without gradient.
    pub fn derivative_of(self, x: &Tensor) -> Result<Tensor> {
        self.shape().derivative_of(x)
    }

    /// f from candle's own operations: what runs on other devices than the CPU.
    pub fn composition(self, x: &Tensor) -> Result<Tensor> {
        composition::forward(self.shape(), x)
    }
}

/// An activation with its parameter chosen: `leaky_relu` with slope 0.2.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shape {
    /// Which function.
    pub activation: Activation,
    /// p of its formula; without meaning where [`Activation::parameter`] is `None`.
    pub parameter: f64,
}

impl Scalar for Shape {
    fn value(&self, x: f64) -> f64 {
        let mut out = [0.0];
        values(*self, &[x], &mut out);
        out[0]
    }

    fn derivative(&self, x: f64) -> f64 {
        let mut out = [0.0];
        derivatives(*self, &[x], &mut out);
        out[0]
    }

    fn kinks(&self) -> &[f64] {
        self.activation.kinks()
    }
}

impl Shape {
    /// f of every element, differentiable once; f32 and f64.
    pub fn forward(self, x: &Tensor) -> Result<Tensor> {
        if self.activation == Activation::Identity {
            return Ok(x.clone());
        }
        if x.device().is_cpu() {
            return x.contiguous()?.apply_op1(Pointwise(self));
        }
        composition::forward(self, x)
    }

    /// f' of every element, without gradient.
    pub fn derivative_of(self, x: &Tensor) -> Result<Tensor> {
        let on_host = x.to_device(&candle_core::Device::Cpu)?.contiguous()?;
        on_host.apply_op1_no_bwd(&Derivative(self))?.to_device(x.device())
    }

    /// f from candle's own operations: what runs on other devices than the CPU.
    pub fn composition(self, x: &Tensor) -> Result<Tensor> {
        composition::forward(self, x)
    }
}
