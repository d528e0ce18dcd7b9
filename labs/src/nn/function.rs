//! The non-linearity that a person asks for: a named function, perhaps with its parameter, a gate, or
//! a formula of their own.

use super::activation::{Activation, Scalar, Shape};
use super::expression::{Expression, GRAMMAR};
use crate::control::Choice;
use crate::error::suggest;
use crate::figure::readable;
use crate::{LabError, Result};
use candle_core::Tensor;
use std::sync::Arc;

/// A function of one variable.
#[derive(Debug, Clone, PartialEq)]
pub enum Function {
    /// One with a name.
    Named(Shape),
    /// A formula.
    Custom(Arc<Expression>),
}

impl From<Activation> for Function {
    fn from(activation: Activation) -> Self {
        Self::Named(activation.shape())
    }
}

impl Function {
    /// `relu`, `leaky_relu:0.2`, or the formula.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Named(shape) => match shape.activation.parameter() {
                Some(usual) if (usual - shape.parameter).abs() > 0.0 => {
                    format!("{}:{}", shape.activation.name(), readable(shape.parameter))
                }
                _ => shape.activation.name().into(),
            },
            Self::Custom(expression) => expression.to_string(),
        }
    }

    /// f of every element, differentiable.
    pub fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        match self {
            Self::Named(shape) => shape.forward(x),
            Self::Custom(expression) => expression.forward(x),
        }
    }

    /// f' of every element, without gradient.
    pub fn derivative_of(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        match self {
            Self::Named(shape) => shape.derivative_of(x),
            Self::Custom(expression) => expression.derivative_of(x),
        }
    }
}

impl Scalar for Function {
    fn value(&self, x: f64) -> f64 {
        match self {
            Self::Named(shape) => shape.value(x),
            Self::Custom(expression) => expression.value(x),
        }
    }

    fn derivative(&self, x: f64) -> f64 {
        match self {
            Self::Named(shape) => shape.derivative(x),
            Self::Custom(expression) => expression.derivative(x),
        }
    }

    fn kinks(&self) -> &[f64] {
        match self {
            Self::Named(shape) => shape.kinks(),
            Self::Custom(expression) => expression.kinks(),
        }
    }
}

/// A unit of two linear pieces a and b of its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// max(a, b) (Goodfellow et al. 2013, k = 2)
    Maxout,
    /// a sigmoid(b) (Dauphin et al. 2017)
    Glu,
    /// a relu(b) (Shazeer 2020)
    Reglu,
    /// a gelu(b) (Shazeer 2020)
    Geglu,
    /// a silu(b) (Shazeer 2020)
    Swiglu,
}

impl Choice for Gate {
    const ALL: &'static [Self] = &[Self::Maxout, Self::Glu, Self::Reglu, Self::Geglu, Self::Swiglu];

    fn name(self) -> &'static str {
        match self {
            Self::Maxout => "maxout",
            Self::Glu => "glu",
            Self::Reglu => "reglu",
            Self::Geglu => "geglu",
            Self::Swiglu => "swiglu",
        }
    }
}

/// What stands between two affine maps.
#[derive(Debug, Clone, PartialEq)]
pub enum Nonlinearity {
    /// One number in, one out.
    Function(Function),
    /// Two numbers in, one out.
    Gate(Gate),
    /// One of the above for each hidden layer; the last also for all layers after it.
    Layers(Vec<Nonlinearity>),
}

impl From<Activation> for Nonlinearity {
    fn from(activation: Activation) -> Self {
        Self::Function(activation.into())
    }
}

impl Nonlinearity {
    /// Every word that [`Nonlinearity::parse`] knows.
    pub fn names() -> impl Iterator<Item = &'static str> + Clone {
        Activation::ALL.iter().map(|a| a.name()).chain(Gate::ALL.iter().map(|g| g.name()))
    }

    /// `relu`, `elu:1.5` (with the parameter of its formula), `swiglu`; `setting` is for the message.
    pub fn parse(setting: &str, text: &str) -> Result<Self> {
        let text = text.trim();
        let (word, parameter) = match text.split_once(':') {
            Some((word, parameter)) => (word.trim(), Some(parameter)),
            None => (text, None),
        };
        let bad = |expected: String| LabError::BadValue { name: setting.into(), value: text.into(), expected };
        if let (Some(gate), None) = (Gate::from_name(word), parameter) {
            return Ok(Self::Gate(gate));
        }
        let Some(activation) = Activation::from_name(word) else {
            let hint = suggest(word, Self::names());
            return Err(bad(format!("an activation; {hint}")));
        };
        let mut shape = activation.shape();
        if let Some(text) = parameter {
            let usual = activation.parameter().ok_or_else(|| bad(format!("'{word}' without a parameter")))?;
            let value = text.trim().parse().ok().filter(|v: &f64| v.is_finite() && v.abs() <= 100.0);
            let fits = |v: &f64| activation != Activation::Celu || *v > 0.0;
            let example = format!("a number after '{word}:', for example {word}:{usual}");
            shape.parameter = value.filter(fits).ok_or_else(|| bad(example))?;
        }
        Ok(Self::Function(Function::Named(shape)))
    }

    /// A list such as `relu, elu:1.5, relu+gelu, swiglu`, each once; `custom` stands for the formula
    /// `custom`, and `+` joins the hidden layers of one network.
    pub fn parse_list(setting: &str, text: &str, custom: &str) -> Result<Vec<Self>> {
        let one = |word: &str| -> Result<Self> {
            if word.trim() == "custom" {
                let formula = Expression::parse("custom", custom)?;
                return Ok(Self::Function(Function::Custom(Arc::new(formula))));
            }
            Self::parse(setting, word)
        };
        let mut list = Vec::new();
        for word in text.split(',').map(str::trim).filter(|w| !w.is_empty()) {
            if word.split('+').any(|layer| layer.trim().is_empty()) {
                let expected = "a function on both sides of each +, for example relu+gelu".into();
                return Err(LabError::BadValue { name: setting.into(), value: word.into(), expected });
            }
            let mut layers = word.split('+').map(one).collect::<Result<Vec<_>>>()?;
            let entry = if layers.len() == 1 { layers.remove(0) } else { Self::Layers(layers) };
            if !list.contains(&entry) {
                list.push(entry);
            }
        }
        if list.is_empty() {
            let expected = format!("a list such as relu,gelu,elu:1.5,relu+gelu,swiglu,custom (custom: {GRAMMAR})");
            return Err(LabError::BadValue { name: setting.into(), value: text.into(), expected });
        }
        Ok(list)
    }

    /// `relu`, `elu:1.5`, `swiglu`, the formula, or `relu+gelu`.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Layers(kinds) => kinds.iter().map(Self::name).collect::<Vec<_>>().join("+"),
            Self::Function(function) => function.name(),
            Self::Gate(gate) => gate.name().into(),
        }
    }

    /// The non-linearity of hidden layer `l`, from 0.
    #[must_use]
    pub fn layer(&self, l: usize) -> &Self {
        match self {
            Self::Layers(kinds) => kinds.get(l).or(kinds.last()).unwrap_or(self),
            one => one,
        }
    }

    /// The name as part of a finding's or a tensor's name: `elu:1.5` is `elu_1_5`, a formula `custom`.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Function(Function::Custom(_)) => "custom".into(),
            Self::Layers(kinds) => kinds.iter().map(Self::key).collect::<Vec<_>>().join("_"),
            _ => self.name().replace([':', '.'], "_").replace('-', "minus_"),
        }
    }

    /// The function; `None` for a gate and for several.
    #[must_use]
    pub fn function(&self) -> Option<&Function> {
        match self {
            Self::Function(function) => Some(function),
            Self::Gate(_) | Self::Layers(_) => None,
        }
    }

    /// Pre-activations for each unit: 2 for a gate; of several, the first layer's.
    #[must_use]
    pub fn pieces(&self) -> usize {
        match self {
            Self::Function(_) => 1,
            Self::Gate(_) => 2,
            Self::Layers(_) => self.layer(0).pieces(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_parameters_gates_and_formulas_are_read() {
        let list =
            Nonlinearity::parse_list("race", "relu, elu:1.5,swiglu,custom,relu,relu+glu", "x*sigmoid(1.5*x)").unwrap();
        let names: Vec<_> = list.iter().map(Nonlinearity::name).collect();
        assert_eq!(names, ["relu", "elu:1.5", "swiglu", "x*sigmoid(1.5*x)", "relu+glu"]);
        let keys: Vec<_> = list.iter().map(Nonlinearity::key).collect();
        assert_eq!(keys, ["relu", "elu_1_5", "swiglu", "custom", "relu_glu"]);
        assert_eq!([0, 1, 7].map(|l| list[4].layer(l).pieces()), [1, 2, 2]);
        assert_eq!(list.iter().map(Nonlinearity::pieces).collect::<Vec<_>>(), [1, 1, 2, 1, 1]);
        assert!((list[1].function().unwrap().value(-1.0) - 1.5 * (-1.0_f64).exp_m1()).abs() < 1e-15);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, want) in [
            ("rellu", "did you mean 'relu'?"),
            ("relu:2", "without a parameter"),
            ("elu:x", "elu:1"),
            ("celu:-1", "celu:1"),
            ("", "a list such as"),
            ("custom", "custom"),
            ("relu+", "'relu+': expected a function on both sides"),
        ] {
            let message = Nonlinearity::parse_list("race", text, "").unwrap_err().to_string();
            assert!(message.contains(want), "{message}");
        }
    }
}
