//! What is known of each function without computing: bounds, slopes, kinks, Gaussian moments.
//!
//! Closed forms where there are any; else digits from mpmath (`labs/tests/reference/make_activations.py`
//! writes them to `activations.json`).

use super::{Activation, SELU_ALPHA, SELU_SCALE, Shape};
use crate::figure::readable;
use std::f64::consts::{FRAC_PI_2, PI, SQRT_2};
use std::fmt;

/// Where a function or its slope comes to its smallest or largest value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Place {
    /// At this x; of several, at the one nearest to 0.
    At(f64),
    /// At x and at -x.
    Both(f64),
    /// From the left of this kink.
    Before(f64),
    /// From the right of this kink.
    After(f64),
    /// All along from one x to another.
    Between(f64, f64),
    /// Nowhere: it comes as near as one likes.
    Nowhere,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::At(x) => write!(f, "x = {}", readable(x)),
            Self::Both(x) => write!(f, "x = ±{}", readable(x)),
            Self::Before(x) => write!(f, "left of {}", readable(x)),
            Self::After(x) => write!(f, "right of {}", readable(x)),
            Self::Between(low, high) if low.is_infinite() && high.is_infinite() => write!(f, "every x"),
            Self::Between(low, high) if low.is_infinite() => write!(f, "x < {}", readable(high)),
            Self::Between(low, high) if high.is_infinite() => write!(f, "x > {}", readable(low)),
            Self::Between(low, high) => write!(f, "{} to {}", readable(low), readable(high)),
            Self::Nowhere => write!(f, "not attained"),
        }
    }
}

/// The smallest or largest value of f or f', and where.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Extreme {
    /// Infimum or supremum; infinite where there is no bound.
    pub value: f64,
    /// Where it is taken.
    pub place: Place,
}

/// A point at which the slope jumps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Kink {
    /// Where.
    pub x: f64,
    /// The slope on its left.
    pub left: f64,
    /// The slope on its right.
    pub right: f64,
}

/// How often a function can be differentiated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Smoothness {
    /// Continuous, with kinks.
    Continuous,
    /// f' is continuous, f'' jumps.
    Once,
    /// All derivatives are continuous.
    Smooth,
}

impl Smoothness {
    /// `C0`, `C1` or `C-infinity`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Continuous => "C0",
            Self::Once => "C1",
            Self::Smooth => "C-infinity",
        }
    }
}

/// Expectations for z ~ N(0, 1).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moments {
    /// E f(z).
    pub mean: f64,
    /// E f(z)^2.
    pub square: f64,
    /// E f'(z)^2.
    pub slope_square: f64,
}

/// What is known of a function.
#[derive(Debug, Clone, PartialEq)]
pub struct Properties {
    /// f(x) as text.
    pub formula: String,
    /// Infimum of f.
    pub low: Extreme,
    /// Supremum of f.
    pub high: Extreme,
    /// Infimum of f' where f' exists.
    pub low_slope: Extreme,
    /// Supremum of f' where f' exists.
    pub high_slope: Extreme,
    /// Where f' jumps, ascending.
    pub kinks: Vec<Kink>,
    /// Whether f never falls.
    pub monotone: bool,
    /// Whether f(-x) = -f(x).
    pub odd: bool,
    /// How often it can be differentiated.
    pub smoothness: Smoothness,
    /// Gaussian moments; `None` where this parameter has no closed form and no published digits.
    pub moments: Option<Moments>,
}

const ALL: Place = Place::Between(f64::NEG_INFINITY, f64::INFINITY);
const NEGATIVE: Place = Place::Between(f64::NEG_INFINITY, 0.0);
const POSITIVE: Place = Place::Between(0.0, f64::INFINITY);

/// x sigmoid(x) is least at -1 - W(1/e), where it is -W(1/e), W being Lambert's function.
const LAMBERT: f64 = 0.278_464_542_761_073_8;
/// (x, f'(x)) with x tanh(x/2) = 2: the largest slope of x sigmoid(x). mpmath.
const SILU_STEEPEST: (f64, f64) = (2.399_357_280_515_467_5, 1.099_839_320_128_867);
/// GELU' = Phi + x phi vanishes here; mpmath.
const GELU_LOW: (f64, f64) = (-0.751_791_524_693_564_5, -0.169_971_207_479_903_66);
/// mpmath.
const GELU_TANH_LOW: (f64, f64) = (-0.752_461_422_071_016_3, -0.170_040_750_571_254_06);
/// mpmath.
const GELU_TANH_STEEPEST: (f64, f64) = (1.418_504_008_790_828_5, 1.128_993_068_658_771_7);
/// mpmath.
const MISH_LOW: (f64, f64) = (-1.192_431_214_515_495_2, -0.308_843_413_017_250_4);
/// mpmath.
const MISH_STEEPEST: (f64, f64) = (1.490_571_179_485_428_6, 1.088_498_161_251_728);
/// mpmath.
const MISH_SHALLOWEST: (f64, f64) = (-2.256_376_396_360_793, -0.112_526_122_389_462_57);
/// The root of x tanh x = 1, where (x tanh x)'' = 0 and (x tanh x)' = x.
const X_TANH_X_STEEPEST: f64 = 1.199_678_640_257_733_7;

fn at(value: f64, place: Place) -> Extreme {
    Extreme { value, place }
}

fn point((x, value): (f64, f64)) -> Extreme {
    at(value, Place::At(x))
}

fn limit(value: f64) -> Extreme {
    at(value, Place::Nowhere)
}

const UNBOUNDED_BELOW: Extreme = Extreme { value: f64::NEG_INFINITY, place: Place::Nowhere };
const UNBOUNDED: Extreme = Extreme { value: f64::INFINITY, place: Place::Nowhere };

fn phi(x: f64) -> f64 {
    (-0.5 * x * x).exp() / (2.0 * PI).sqrt()
}

/// P(z > x).
fn tail(x: f64) -> f64 {
    0.5 * libm::erfc(x / SQRT_2)
}

/// A smooth function that never falls, from `low` to `high`, steepest at 0.
fn smooth_rise(low: Extreme, high: Extreme, steepest: f64, odd: bool) -> Properties {
    Properties {
        formula: String::new(),
        low,
        high,
        low_slope: limit(0.0),
        high_slope: at(steepest, Place::At(0.0)),
        kinks: vec![],
        monotone: true,
        odd,
        smoothness: Smoothness::Smooth,
        moments: None,
    }
}

/// slope x.
fn line(slope: f64) -> Properties {
    let (low, high) = match slope {
        0.0 => (at(0.0, ALL), at(0.0, ALL)),
        _ => (UNBOUNDED_BELOW, UNBOUNDED),
    };
    Properties {
        low_slope: at(slope, ALL),
        high_slope: at(slope, ALL),
        moments: Some(Moments { mean: 0.0, square: slope * slope, slope_square: slope * slope }),
        ..smooth_rise(low, high, slope, true)
    }
    .rising(slope >= 0.0)
}

impl Properties {
    fn rising(mut self, monotone: bool) -> Self {
        self.monotone = monotone;
        self
    }
}

/// x above zero; below it something that has slope `left` at zero.
fn rectifier(low: Extreme, low_slope: Extreme, high_slope: Extreme, left: f64) -> Properties {
    let kinked = (left - 1.0).abs() > 0.0;
    Properties {
        low_slope,
        high_slope,
        kinks: if kinked { vec![Kink { x: 0.0, left, right: 1.0 }] } else { vec![] },
        smoothness: if kinked { Smoothness::Continuous } else { Smoothness::Once },
        ..smooth_rise(low, UNBOUNDED, 1.0, false)
    }
    .rising(left >= 0.0)
}

fn leaky(p: f64) -> Properties {
    if (p - 1.0).abs() == 0.0 {
        return line(1.0);
    }
    let low = match p {
        p if p > 0.0 => UNBOUNDED_BELOW,
        p if p < 0.0 => at(0.0, Place::At(0.0)),
        _ => at(0.0, NEGATIVE),
    };
    let (below, above) = (at(p, NEGATIVE), at(1.0, POSITIVE));
    let (least, most) = if p < 1.0 { (below, above) } else { (above, below) };
    let half = 0.5 * (1.0 + p * p);
    let moments = Moments { mean: (1.0 - p) * phi(0.0), square: half, slope_square: half };
    Properties { moments: Some(moments), ..rectifier(low, least, most, p) }
}

/// Gaussian moments of x above zero and p (e^(a x) - 1) below, from E e^(b z) [z < 0] = e^(b^2/2) Phi(-b).
fn exponential_moments(p: f64, a: f64) -> Option<Moments> {
    let part = |b: f64| (0.5 * b * b).exp() * tail(b);
    let moments = Moments {
        mean: phi(0.0) + p * (part(a) - 0.5),
        square: 0.5 + p * p * (part(2.0 * a) - 2.0 * part(a) + 0.5),
        slope_square: 0.5 + (p * a).powi(2) * part(2.0 * a),
    };
    // Beyond, e^(b^2/2) overflows where its product with the tail would not.
    (a <= 18.0).then_some(moments)
}

fn elu(p: f64) -> Properties {
    if p == 0.0 {
        return leaky(0.0);
    }
    let above = at(1.0, POSITIVE);
    let low = if p > 0.0 { limit(-p) } else { at(0.0, Place::At(0.0)) };
    let least = if p > 0.0 { limit(0.0) } else { at(p, Place::Before(0.0)) };
    let most = if p > 1.0 { at(p, Place::Before(0.0)) } else { above };
    Properties { moments: exponential_moments(p, 1.0), ..rectifier(low, least, most, p) }
}

fn selu() -> Properties {
    let (s, p) = (SELU_SCALE, SELU_SCALE * SELU_ALPHA);
    let unscaled = elu(SELU_ALPHA);
    // Klambauer et al. 2017: mean 0 and second moment 1 are what the two constants are chosen for.
    let slope_square = unscaled.moments.map_or(f64::NAN, |m| s * s * m.slope_square);
    Properties {
        low: limit(-p),
        high_slope: at(p, Place::Before(0.0)),
        kinks: vec![Kink { x: 0.0, left: p, right: s }],
        moments: Some(Moments { mean: 0.0, square: 1.0, slope_square }),
        ..unscaled
    }
}

/// x sigmoid(p x) = SiLU(p x) / p.
fn swish(p: f64) -> Properties {
    if p == 0.0 {
        return line(0.5);
    }
    let extreme = at(-LAMBERT / p, Place::At((-1.0 - LAMBERT) / p));
    let (low, high) = if p > 0.0 { (extreme, UNBOUNDED) } else { (UNBOUNDED_BELOW, extreme) };
    bump(low, high, (SILU_STEEPEST.0 / p, SILU_STEEPEST.1))
}

/// x (1 + odd(x)) / 2: the slopes at x and -x add up to 1.
fn bump(low: Extreme, high: Extreme, (x, slope): (f64, f64)) -> Properties {
    Properties {
        low_slope: at(1.0 - slope, Place::At(-x)),
        high_slope: at(slope, Place::At(x)),
        ..smooth_rise(low, high, 0.0, false)
    }
    .rising(false)
}

fn gelu() -> Properties {
    // GELU'' = phi (2 - x^2).
    let steepest = 1.0 - tail(SQRT_2) + SQRT_2 * phi(SQRT_2);
    let third = 3.0_f64.sqrt();
    let moments = Moments {
        mean: 0.5 / PI.sqrt(),
        square: 1.0 / 3.0 + 0.5 / (third * PI),
        slope_square: 1.0 / 3.0 + 2.0 / (3.0 * third * PI),
    };
    Properties { moments: Some(moments), ..bump(point(GELU_LOW), UNBOUNDED, (SQRT_2, steepest)) }
}

fn hard_sigmoid() -> Properties {
    let (outside, inside) = (tail(3.0), 1.0 - 2.0 * tail(3.0));
    let second = inside - 6.0 * phi(3.0);
    let moments = Moments { mean: 0.5, square: (second + 9.0 * inside) / 36.0 + outside, slope_square: inside / 36.0 };
    let slope = 1.0 / 6.0;
    Properties {
        low_slope: at(0.0, Place::Between(f64::NEG_INFINITY, -3.0)),
        high_slope: at(slope, Place::Between(-3.0, 3.0)),
        kinks: vec![Kink { x: -3.0, left: 0.0, right: slope }, Kink { x: 3.0, left: slope, right: 0.0 }],
        smoothness: Smoothness::Continuous,
        moments: Some(moments),
        ..smooth_rise(
            at(0.0, Place::Between(f64::NEG_INFINITY, -3.0)),
            at(1.0, Place::Between(3.0, f64::INFINITY)),
            slope,
            false,
        )
    }
}

fn hard_swish() -> Properties {
    let (outside, inside) = (tail(3.0), 1.0 - 2.0 * tail(3.0));
    let second = inside - 6.0 * phi(3.0);
    let fourth = 3.0 * inside - 72.0 * phi(3.0);
    let moments = Moments {
        mean: second / 6.0 + phi(3.0),
        square: (fourth + 9.0 * second) / 36.0 + outside + 3.0 * phi(3.0),
        slope_square: second / 9.0 + inside / 4.0 + outside,
    };
    Properties {
        low_slope: at(-0.5, Place::After(-3.0)),
        high_slope: at(1.5, Place::Before(3.0)),
        kinks: vec![Kink { x: -3.0, left: 0.0, right: -0.5 }, Kink { x: 3.0, left: 1.5, right: 1.0 }],
        smoothness: Smoothness::Continuous,
        moments: Some(moments),
        ..smooth_rise(point((-1.5, -0.375)), UNBOUNDED, 0.0, false)
    }
    .rising(false)
}

fn relu6() -> Properties {
    let moments = Moments {
        mean: phi(0.0) - phi(6.0) + 6.0 * tail(6.0),
        square: 0.5 + 35.0 * tail(6.0) - 6.0 * phi(6.0),
        slope_square: 0.5 - tail(6.0),
    };
    Properties {
        low_slope: at(0.0, NEGATIVE),
        high_slope: at(1.0, Place::Between(0.0, 6.0)),
        kinks: vec![Kink { x: 0.0, left: 0.0, right: 1.0 }, Kink { x: 6.0, left: 1.0, right: 0.0 }],
        smoothness: Smoothness::Continuous,
        moments: Some(moments),
        ..smooth_rise(at(0.0, NEGATIVE), at(6.0, Place::Between(6.0, f64::INFINITY)), 1.0, false)
    }
}

fn relu_squared() -> Properties {
    Properties {
        low_slope: at(0.0, NEGATIVE),
        high_slope: UNBOUNDED,
        smoothness: Smoothness::Once,
        moments: Some(Moments { mean: 0.5, square: 1.5, slope_square: 2.0 }),
        ..smooth_rise(at(0.0, NEGATIVE), UNBOUNDED, 0.0, false)
    }
}

fn sine() -> Properties {
    // E cos 2z = e^-2.
    let damped = (-2.0_f64).exp();
    let moments = Moments { mean: 0.0, square: 0.5 * (1.0 - damped), slope_square: 0.5 * (1.0 + damped) };
    Properties {
        low_slope: at(-1.0, Place::Both(PI)),
        moments: Some(moments),
        ..smooth_rise(point((-FRAC_PI_2, -1.0)), point((FRAC_PI_2, 1.0)), 1.0, true)
    }
    .rising(false)
}

fn x_tanh_x() -> Properties {
    let x = X_TANH_X_STEEPEST;
    Properties {
        low_slope: at(-x, Place::At(-x)),
        high_slope: at(x, Place::At(x)),
        ..smooth_rise(at(0.0, Place::At(0.0)), UNBOUNDED, 0.0, false)
    }
    .rising(false)
}

fn mish() -> Properties {
    Properties {
        low_slope: point(MISH_SHALLOWEST),
        high_slope: point(MISH_STEEPEST),
        ..smooth_rise(point(MISH_LOW), UNBOUNDED, 0.0, false)
    }
    .rising(false)
}

/// E f, E f^2 and E f'^2 where there is no closed form; mpmath.
fn computed(activation: Activation) -> Option<Moments> {
    let (mean, square, slope_square) = match activation {
        Activation::Sigmoid => (0.5, 0.293_379_035_858_092_94, 0.044_836_241_350_194_37),
        Activation::Tanh => (0.0, 0.394_294_490_397_841_15, 0.464_402_902_448_268_26),
        Activation::GeluTanh => (0.282_038_588_078_788_7, 0.425_193_711_033_099_44, 0.455_817_845_962_950_6),
        Activation::GeluSigmoid => (0.282_330_552_812_785_3, 0.421_952_806_896_980_8, 0.449_549_200_479_102_1),
        Activation::Silu | Activation::Swish => {
            (0.206_620_964_141_907_03, 0.355_775_519_817_352_17, 0.379_482_351_632_829_3)
        }
        Activation::Mish => (0.240_403_888_374_791_43, 0.452_342_192_375_882_75, 0.479_083_758_373_969_77),
        // (softplus)' = sigmoid.
        Activation::Softplus => (0.806_059_183_347_439_8, 0.921_245_908_859_300_4, 0.293_379_035_858_092_94),
        Activation::Softsign => (0.0, 0.183_014_021_266_547_5, 0.227_671_340_422_182_5),
        Activation::XTanhX => (0.605_705_509_602_158_9, 0.757_889_866_678_815_3, 0.865_700_219_354_947_7),
        _ => return None,
    };
    Some(Moments { mean, square, slope_square })
}

impl Shape {
    /// What is known of the function.
    #[must_use]
    pub fn properties(self) -> Properties {
        let p = self.parameter;
        let shape = match self.activation {
            Activation::Identity => line(1.0),
            Activation::Sigmoid => smooth_rise(limit(0.0), limit(1.0), 0.25, false),
            Activation::Tanh => smooth_rise(limit(-1.0), limit(1.0), 1.0, true),
            Activation::Relu => leaky(0.0),
            Activation::LeakyRelu | Activation::Prelu | Activation::Rrelu => leaky(p),
            Activation::Elu => elu(p),
            Activation::Selu => selu(),
            Activation::Celu => Properties {
                moments: exponential_moments(p, 1.0 / p),
                ..rectifier(limit(-p), limit(0.0), at(1.0, POSITIVE), 1.0)
            },
            Activation::Gelu => gelu(),
            Activation::GeluTanh => bump(point(GELU_TANH_LOW), UNBOUNDED, GELU_TANH_STEEPEST),
            Activation::Silu => swish(1.0),
            Activation::GeluSigmoid | Activation::Swish => swish(p),
            Activation::Mish => mish(),
            Activation::Softplus => {
                Properties { high_slope: limit(1.0), ..smooth_rise(limit(0.0), UNBOUNDED, 1.0, false) }
            }
            Activation::Softsign => {
                Properties { smoothness: Smoothness::Once, ..smooth_rise(limit(-1.0), limit(1.0), 1.0, true) }
            }
            Activation::HardSigmoid => hard_sigmoid(),
            Activation::HardSwish => hard_swish(),
            Activation::Relu6 => relu6(),
            Activation::ReluSquared => relu_squared(),
            Activation::Sine => sine(),
            Activation::XTanhX => x_tanh_x(),
        };
        // Digits are known for the usual parameter only, which is a copy of the constant.
        let usual = self.activation.parameter().is_none_or(|usual| (usual - p).abs() == 0.0);
        let moments = shape.moments.or_else(|| computed(self.activation).filter(|_| usual));
        Properties { formula: self.formula(), moments, ..shape }
    }

    /// f(x) as text, with the parameter's value.
    #[must_use]
    pub fn formula(self) -> String {
        let p = readable(self.parameter);
        match self.activation {
            Activation::Identity => "x".into(),
            Activation::Sigmoid => "1/(1 + e^-x)".into(),
            Activation::Tanh => "tanh x".into(),
            Activation::Relu => "max(x, 0)".into(),
            Activation::LeakyRelu | Activation::Prelu | Activation::Rrelu => format!("x > 0: x; else {p} x"),
            Activation::Elu => format!("x > 0: x; else {p} (e^x - 1)"),
            Activation::Selu => "1.0507 (x > 0: x; else 1.6733 (e^x - 1))".into(),
            Activation::Celu => format!("x > 0: x; else {p} (e^(x/{p}) - 1)"),
            Activation::Gelu => "x Phi(x)".into(),
            Activation::GeluTanh => "x (1 + tanh(0.7979 (x + 0.044715 x^3)))/2".into(),
            Activation::GeluSigmoid | Activation::Swish => format!("x sigmoid({p} x)"),
            Activation::Silu => "x sigmoid(x)".into(),
            Activation::Mish => "x tanh(softplus x)".into(),
            Activation::Softplus => "ln(1 + e^x)".into(),
            Activation::Softsign => "x/(1 + |x|)".into(),
            Activation::HardSigmoid => "min(max(x + 3, 0), 6)/6".into(),
            Activation::HardSwish => "x min(max(x + 3, 0), 6)/6".into(),
            Activation::Relu6 => "min(max(x, 0), 6)".into(),
            Activation::ReluSquared => "max(x, 0)^2".into(),
            Activation::Sine => "sin x".into(),
            Activation::XTanhX => "x tanh x".into(),
        }
    }
}
