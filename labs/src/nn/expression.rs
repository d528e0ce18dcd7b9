//! A user's formula of x, such as `x*sigmoid(1.5*x)`, as a function with a derivative by autograd.

mod kinks;

use super::activation::{Activation, Scalar};
use crate::{LabError, Result};
use candle_core::{DType, Device, Tensor, Var};
use exmex::{BinOp, Express, FlatEx, MakeOperators, MatchLiteral, Operator};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// What a formula is made of, for error messages and help.
pub const GRAMMAR: &str = "a formula of x with + - * / ^ ( ), pi, e and abs cos erf exp ln max(a,b) min(a,b) relu sigmoid sin softplus sqrt step tanh";

const LONGEST: usize = 200;

/// A parsed formula.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    text: String,
    root: Node,
    kinks: Vec<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Unary {
    Abs,
    Cos,
    Erf,
    Exp,
    Ln,
    Relu,
    Sigmoid,
    Sin,
    Softplus,
    Sqrt,
    Step,
    Tanh,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Binary {
    Add,
    Sub,
    Mul,
    Div,
    Pow,
    Max,
    Min,
}

/// The tree of a formula. Evaluating exmex's expression over such nodes yields the tree itself, which
/// can then be evaluated over numbers and over tensors.
#[derive(Debug, Clone, PartialEq)]
enum Node {
    Number(f64),
    X,
    Unary(Unary, Arc<Node>),
    Binary(Binary, Arc<Node>, Arc<Node>),
}

impl Default for Node {
    fn default() -> Self {
        Self::Number(0.0)
    }
}

impl FromStr for Node {
    type Err = std::num::ParseFloatError;
    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        text.parse().map(Self::Number)
    }
}

fn unary(f: Unary, a: Node) -> Node {
    match a {
        Node::Number(v) => Node::Number(f.of(v)),
        a => Node::Unary(f, Arc::new(a)),
    }
}

fn binary(f: Binary, a: Node, b: Node) -> Node {
    match (a, b) {
        (Node::Number(a), Node::Number(b)) => Node::Number(f.of(a, b)),
        (a, b) => Node::Binary(f, Arc::new(a), Arc::new(b)),
    }
}

#[derive(Debug, Clone)]
struct Operators;

impl MakeOperators<Node> for Operators {
    fn make<'a>() -> Vec<Operator<'a, Node>> {
        let infix = |name, f: fn(Node, Node) -> Node, prio| {
            // Never commutative: exmex would reorder constants, and rounding with them.
            Operator::make_bin(name, BinOp { apply: f, prio, is_commutative: false })
        };
        vec![
            infix("+", |a, b| binary(Binary::Add, a, b), 0),
            infix("-", |a, b| binary(Binary::Sub, a, b), 1),
            infix("*", |a, b| binary(Binary::Mul, a, b), 2),
            infix("/", |a, b| binary(Binary::Div, a, b), 3),
            infix("^", |a, b| binary(Binary::Pow, a, b), 4),
            infix("max", |a, b| binary(Binary::Max, a, b), 5),
            infix("min", |a, b| binary(Binary::Min, a, b), 5),
            Operator::make_unary("abs", |a| unary(Unary::Abs, a)),
            Operator::make_unary("cos", |a| unary(Unary::Cos, a)),
            Operator::make_unary("erf", |a| unary(Unary::Erf, a)),
            Operator::make_unary("exp", |a| unary(Unary::Exp, a)),
            Operator::make_unary("ln", |a| unary(Unary::Ln, a)),
            Operator::make_unary("relu", |a| unary(Unary::Relu, a)),
            Operator::make_unary("sigmoid", |a| unary(Unary::Sigmoid, a)),
            Operator::make_unary("sin", |a| unary(Unary::Sin, a)),
            Operator::make_unary("softplus", |a| unary(Unary::Softplus, a)),
            Operator::make_unary("sqrt", |a| unary(Unary::Sqrt, a)),
            Operator::make_unary("step", |a| unary(Unary::Step, a)),
            Operator::make_unary("tanh", |a| unary(Unary::Tanh, a)),
            Operator::make_constant("pi", Node::Number(std::f64::consts::PI)),
            Operator::make_constant("e", Node::Number(std::f64::consts::E)),
        ]
    }
}

/// Decimal numbers with an optional exponent, which exmex's own matcher does not know.
#[derive(Debug, Clone)]
pub(crate) struct Decimal;

impl MatchLiteral for Decimal {
    fn is_literal(text: &str) -> Option<&str> {
        let digits = |from: usize| from + text[from..].bytes().take_while(u8::is_ascii_digit).count();
        let whole = digits(0);
        let end = if text[whole..].starts_with('.') { digits(whole + 1) } else { whole };
        if !text[..end].bytes().any(|b| b.is_ascii_digit()) {
            return None;
        }
        if text[end..].starts_with(['e', 'E']) {
            let signed = end + 1 + usize::from(text[end + 1..].starts_with(['+', '-']));
            let last = digits(signed);
            if last > signed {
                return Some(&text[..last]);
            }
        }
        Some(&text[..end])
    }
}

impl Unary {
    fn of(self, x: f64) -> f64 {
        match self {
            Self::Abs => x.abs(),
            Self::Cos => x.cos(),
            Self::Erf => libm::erf(x),
            Self::Exp => x.exp(),
            Self::Ln => x.ln(),
            Self::Relu => Activation::Relu.value(x),
            Self::Sigmoid => Activation::Sigmoid.value(x),
            Self::Sin => x.sin(),
            Self::Softplus => Activation::Softplus.value(x),
            Self::Sqrt => x.sqrt(),
            Self::Step => f64::from(x > 0.0),
            Self::Tanh => x.tanh(),
        }
    }

    fn on(self, x: &Tensor) -> candle_core::Result<Tensor> {
        use Activation as A;
        match self {
            // candle's own has derivative 1 at 0; this has 0, as PyTorch's.
            Self::Abs => x * (x.gt(0.0)?.to_dtype(x.dtype())? - x.lt(0.0)?.to_dtype(x.dtype())?)?,
            Self::Cos => x.cos(),
            Self::Erf => x.erf(),
            Self::Exp => x.exp(),
            Self::Ln => x.log(),
            Self::Relu => A::Relu.forward(x),
            Self::Sigmoid => A::Sigmoid.forward(x),
            Self::Sin => x.sin(),
            Self::Softplus => A::Softplus.forward(x),
            Self::Sqrt => x.sqrt(),
            Self::Step => x.gt(0.0)?.to_dtype(x.dtype()),
            Self::Tanh => A::Tanh.forward(x),
        }
    }
}

impl Binary {
    fn of(self, a: f64, b: f64) -> f64 {
        match self {
            Self::Add => a + b,
            Self::Sub => a - b,
            Self::Mul => a * b,
            Self::Div => a / b,
            Self::Pow => a.powf(b),
            // The standard library's would hide NaN.
            Self::Max => {
                if a > b || a.is_nan() {
                    a
                } else {
                    b
                }
            }
            Self::Min => {
                if a < b || a.is_nan() {
                    a
                } else {
                    b
                }
            }
        }
    }

    fn on(self, a: &Tensor, b: &Tensor) -> candle_core::Result<Tensor> {
        // A choice and not candle's maximum, whose derivative at a tie is 1/2 for each. NaN is in neither
        // order: it is chosen wherever it stands.
        let choose = |first: Tensor| (first + a.ne(a)?)?.gt(0.0)?.where_cond(a, b);
        match self {
            Self::Add => a + b,
            Self::Sub => a - b,
            Self::Mul => a * b,
            Self::Div => a / b,
            Self::Pow => a.pow(b),
            Self::Max => choose(a.gt(b)?),
            Self::Min => choose(a.lt(b)?),
        }
    }
}

impl Node {
    fn of(&self, x: f64) -> f64 {
        match self {
            Self::Number(v) => *v,
            Self::X => x,
            Self::Unary(f, a) => f.of(a.of(x)),
            Self::Binary(f, a, b) => f.of(a.of(x), b.of(x)),
        }
    }

    fn on(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        match self {
            Self::Number(v) => Tensor::full(*v, x.shape(), x.device())?.to_dtype(x.dtype()),
            Self::X => Ok(x.clone()),
            Self::Unary(f, a) => f.on(&a.on(x)?),
            Self::Binary(Binary::Pow, a, b) => match **b {
                Self::Number(power) => a.on(x)?.powf(power),
                _ => Binary::Pow.on(&a.on(x)?, &b.on(x)?),
            },
            Self::Binary(f, a, b) => f.on(&a.on(x)?, &b.on(x)?),
        }
    }
}

/// The text with each leading minus as `0-`: exmex's unary minus would bind before `^`, so that
/// `-x^2` were positive. One after an operator is refused for the same reason.
pub(crate) fn with_leading_minus(text: &str) -> std::result::Result<String, String> {
    let mut out = String::with_capacity(text.len() + 8);
    let mut last = '(';
    for c in text.chars().filter(|c| !c.is_whitespace()) {
        if matches!(c, '-' | '+') && matches!(last, '(' | ',') {
            out.push('0');
        } else if matches!(c, '-' | '+') && "+-*/^".contains(last) {
            return Err(format!("put the '{c}' after '{last}' in parentheses"));
        }
        out.push(c);
        last = c;
    }
    Ok(out)
}

/// What may stand in a formula besides numbers and signs.
const KNOWN: [&str; 17] = [
    "x", "pi", "e", "abs", "cos", "erf", "exp", "ln", "max", "min", "relu", "sigmoid", "sin", "softplus", "sqrt",
    "step", "tanh",
];

/// exmex's own words are about its parser and would help nobody.
const UNREADABLE: &str = "it cannot be read: look for a missing operator, operand or parenthesis";

/// The names in `text`; the `e` of `1e-3` is none.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let name = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
    text.split(move |c| !name(c)).filter(|word| word.starts_with(|c: char| c.is_alphabetic() || c == '_'))
}

fn parse(text: &str) -> std::result::Result<(Node, bool), String> {
    if text.len() > LONGEST {
        return Err(format!("it is longer than {LONGEST} characters"));
    }
    if let Some(word) = words(text).find(|word| !KNOWN.contains(word)) {
        return Err(format!("'{word}' is not known"));
    }
    let plain = with_leading_minus(text)?;
    let formula = FlatEx::<Node, Operators, Decimal>::parse(&plain).map_err(|_| UNREADABLE)?;
    let depends = !formula.var_names().is_empty();
    let values = if depends { vec![Node::X] } else { vec![] };
    Ok((formula.eval(&values).map_err(|_| UNREADABLE)?, depends))
}

/// The value of a formula without x, for example a gain: `sqrt(2/(1+0.01^2))`. `name` is the setting's.
pub fn number(name: &str, text: &str) -> Result<f64> {
    let bad = |problem: String| LabError::BadValue {
        name: name.into(),
        value: text.into(),
        expected: format!("a number, or a formula such as sqrt(2/(1+0.01^2)); {problem}"),
    };
    match parse(text).map_err(bad)? {
        (node, false) if node.of(0.0).is_finite() => Ok(node.of(0.0)),
        (_, true) => Err(bad("it depends on x".into())),
        _ => Err(bad("it is not finite".into())),
    }
}

impl Expression {
    /// Parses `text`; an error names the setting `name` and what is wrong.
    pub fn parse(name: &str, text: &str) -> Result<Self> {
        let bad = |problem: &str| LabError::BadValue {
            name: name.into(),
            value: text.into(),
            expected: format!("{GRAMMAR} ({problem})"),
        };
        let (root, depends) = parse(text).map_err(|problem| bad(&problem))?;
        if !depends {
            return Err(bad("it does not depend on x"));
        }
        let all_bad = (-40..=40).all(|i| !root.of(f64::from(i) * 0.1).is_finite());
        if all_bad {
            return Err(bad("it has no finite value between -4 and 4"));
        }
        let kinks = kinks::of(&root);
        Ok(Self { text: text.into(), root, kinks })
    }

    /// f of every element, differentiable.
    pub fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        self.root.on(x)
    }

    /// f' of every element by autograd, without gradient.
    pub fn derivative_of(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        let var = Var::from_tensor(&x.detach())?;
        let grads = self.forward(&var)?.sum_all()?.backward()?;
        match grads.get(&var) {
            Some(grad) => Ok(grad.detach()),
            None => x.zeros_like(),
        }
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Scalar for Expression {
    fn value(&self, x: f64) -> f64 {
        self.root.of(x)
    }

    fn derivative(&self, x: f64) -> f64 {
        let slope = || -> candle_core::Result<f64> {
            let x = Tensor::full(x, 1, &Device::Cpu)?.to_dtype(DType::F64)?;
            self.derivative_of(&x)?.to_vec1::<f64>().map(|v| v[0])
        };
        slope().unwrap_or(f64::NAN)
    }

    fn kinks(&self) -> &[f64] {
        &self.kinks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, x: f64) -> (f64, f64) {
        let f = Expression::parse("custom", text).unwrap();
        (f.value(x), f.derivative(x))
    }

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-12 * b.abs().max(1.0), "{a} is not {b}");
    }

    #[test]
    fn formulas_mean_what_mathematics_means() {
        close(of("-x^2", 3.0).0, -9.0);
        close(of("exp(-x^2)", 1.0).0, (-1.0_f64).exp());
        close(of("1 - x - 2", 1.0).0, -2.0);
        close(of("1-x+2", 1.0).0, 2.0);
        close(of("8/x/2", 2.0).0, 2.0);
        close(of("8/x*2", 2.0).0, 8.0);
        close(of("2^(-x)", 2.0).0, 0.25);
        close(of("max(x, -1) + min(0,x)", -2.0).0, -3.0);
        close(of("2*pi*e*x", 1.0).0, 2.0 * std::f64::consts::PI * std::f64::consts::E);
        close(of("1e-3*x", 2.0).0, 2e-3);
        close(of("sigmoid(x)^2", 0.0).0, 0.25);
        close(of("(-x)^2", 3.0).0, 9.0);
    }

    #[test]
    fn derivatives_are_those_of_the_named_functions() {
        use crate::nn::Activation as A;
        let pairs = [
            ("x*sigmoid(x)", A::Silu),
            ("x*tanh(softplus(x))", A::Mish),
            ("max(x,0)", A::Relu),
            ("0.5*x*(1+erf(x/sqrt(2)))", A::Gelu),
            ("x/(1+abs(x))", A::Softsign),
            ("relu(x)^2", A::ReluSquared),
        ];
        for (text, named) in pairs {
            for x in [-3.0, -0.7, 0.3, 2.0] {
                let (value, slope) = of(text, x);
                close(value, named.value(x));
                close(slope, named.derivative(x));
            }
        }
    }

    #[test]
    fn derivatives_are_central_differences() {
        // Every operator and function of the grammar.
        let formulas = [
            "abs(x)*cos(x)+erf(x)-exp(x/3)",
            "ln(x^2+1)/sqrt(x^2+0.5)",
            "max(x,0.3)*min(x^3,tanh(x))",
            "relu(x-0.2)+sigmoid(2*x)*sin(x)",
            "softplus(3*x)+x*step(x-0.2)+2^x",
            "pi*(x+e)^3",
        ];
        for text in formulas {
            let f = Expression::parse("custom", text).unwrap();
            for x in [-2.2, -0.9, 0.25, 0.7, 1.9] {
                let h = 1e-5;
                let slope = (f.value(x + h) - f.value(x - h)) / (2.0 * h);
                assert!((f.derivative(x) - slope).abs() < 1e-8 * slope.abs().max(1.0), "{text} at {x}: {slope}");
                let tensor = f.forward(&Tensor::new(&[x], &Device::Cpu).unwrap()).unwrap();
                close(tensor.to_vec1::<f64>().unwrap()[0], f.value(x));
            }
        }
    }

    #[test]
    fn kinks_infinities_and_nan_are_those_of_the_functions() {
        close(of("abs(x)", 0.0).1, 0.0);
        close(of("max(x,0)", 0.0).1, 0.0);
        for text in ["min(exp(x),5)", "max(0-exp(x),-5)", "relu(x)", "abs(x)", "softplus(x)", "sigmoid(x)"] {
            let f = Expression::parse("custom", text).unwrap();
            let on =
                |x: f64| f.forward(&Tensor::new(&[x], &Device::Cpu).unwrap()).unwrap().to_vec1::<f64>().unwrap()[0];
            for x in [-800.0, 800.0] {
                assert!(f.value(x).is_finite());
                close(on(x), f.value(x));
            }
            assert!(f.value(f64::NAN).is_nan() && on(f64::NAN).is_nan(), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let cases = [
            ("x*sigmoid(1.5*y)", "'y' is not known"),
            ("x*-x", "in parentheses"),
            ("3+4", "does not depend on x"),
            ("ln(0-1-x^2)", "no finite value"),
            ("log(x)", "'log' is not known"),
            ("x*(", "cannot be read"),
            ("", ""),
        ];
        for (text, want) in cases {
            let message = Expression::parse("custom", text).unwrap_err().to_string();
            assert!(message.contains("custom") && message.contains(want) && !message.contains('\n'), "{message}");
        }
    }

    #[test]
    fn gains_are_numbers_or_formulas() {
        close(number("gain", "5/3").unwrap(), 5.0 / 3.0);
        close(number("gain", "sqrt(2/(1+0.01^2))").unwrap(), (2.0_f64 / 1.0001).sqrt());
        close(number("gain", "-1").unwrap(), -1.0);
        assert!(number("gain", "x").is_err() && number("gain", "1/0").is_err());
    }
}
