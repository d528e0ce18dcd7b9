//! Constants of the non-linearities, and their moments under the normal distribution, against closed
//! forms and published tables.

// Clippy allows these in tests only, and the helpers of an integration test count as none.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use candelab_labs::control::Choice;
use candelab_labs::mean_field::{first_moment, pair_moment, second_moment, slope_moment, slope_power};
use candelab_labs::nn::activation::{SELU_ALPHA, SELU_SCALE, Scalar};
use candelab_labs::nn::{Activation, Expression, Function, Nonlinearity};
use std::f64::consts::{E, FRAC_1_SQRT_2, PI};
use std::sync::Arc;

/// `relu`, `elu:1.5`, or a formula.
fn function(text: &str) -> Function {
    match Nonlinearity::parse("test", text) {
        Ok(kind) => kind.function().unwrap().clone(),
        Err(_) => Function::Custom(Arc::new(Expression::parse("test", text).unwrap())),
    }
}

/// That `got` rounds to the decimals that were printed; a hundredth of a unit for halves.
fn printed(what: &str, got: f64, text: &str) {
    let decimals = text.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    let want: f64 = text.parse().unwrap();
    let unit = 0.1_f64.powi(i32::try_from(decimals).unwrap());
    assert!((got - want).abs() <= 0.51 * unit, "{what}: {got} was published as {text}");
}

fn close(what: &str, got: f64, want: f64, relative: f64) {
    assert!((got - want).abs() <= relative * want.abs(), "{what}: {got}, closed form {want}");
}

fn cdf(x: f64) -> f64 {
    0.5 * libm::erfc(-x * FRAC_1_SQRT_2)
}

fn pdf(x: f64) -> f64 {
    (-0.5 * x * x).exp() / (2.0 * PI).sqrt()
}

#[test]
fn moments_under_the_standard_normal_distribution() {
    let reference: serde_json::Value = serde_json::from_str(include_str!("reference/moments.json")).unwrap();
    let all = reference.as_object().unwrap();
    for (name, want) in all {
        let f = function(name);
        let got = [first_moment(&f, 1.0), second_moment(&f, 1.0), slope_moment(&f, 1.0)];
        for (i, got) in got.into_iter().enumerate() {
            let want = want[i].as_f64().unwrap();
            assert!((got - want).abs() < 1e-13 * want.max(1.0), "{name}, moment {i}: {got}, mpmath {want}");
        }
    }
    for f in Activation::ALL {
        assert!(all.contains_key(f.name()), "{} is not in the reference", f.name());
    }
    // Hendrycks and Gimpel's and Klambauer's functions in closed form: E gelu = 1 / (2 sqrt(pi)), and SELU
    // keeps mean 0 and variance 1.
    close("gelu", first_moment(Activation::Gelu, 1.0), 0.5 / PI.sqrt(), 1e-14);
    assert!(first_moment(Activation::Selu, 1.0).abs() < 1e-14);
    close("selu^2", second_moment(Activation::Selu, 1.0), 1.0, 1e-14);
}

#[test]
fn extremes_of_values_and_slopes() {
    // The least f, and the largest and the least f' on [-30, 30]; "" where a tail sets it.
    let table = [
        ["sigmoid", "0.0000", ".25", "0.0000"],
        ["tanh", "-1.0000", "1.0000", "0.0000"],
        ["relu", "0.0000", "1.0000", "0.0000"],
        ["leaky_relu", "", "1.0000", ".01"],
        ["leaky_relu:0.1", "", "1.0000", ".1"],
        ["leaky_relu:0.2", "", "1.0000", ".2"],
        ["leaky_relu:0.3", "", "1.0000", ".3"],
        ["prelu", "", "1.0000", ".25"],
        ["elu:0.5", "-.5000", "1.0000", "0.0000"],
        ["elu", "-1.0000", "1.0000", "0.0000"],
        ["elu:1.5", "-1.5000", "1.5000", "0.0000"],
        ["elu:2", "-2.0000", "2.0000", "0.0000"],
        ["selu", "-1.7581", "1.7581", "0.0000"],
        ["celu:0.5", "-.5000", "1.0000", "0.0000"],
        ["celu:2", "-2.0000", "1.0000", "0.0000"],
        ["gelu", "-.169971", "1.128904", "-.128904"],
        ["gelu_tanh", "-.17004", "1.12899", "-.12899"],
        ["gelu_sigmoid", "-.16361", "1.09984", "-.09984"],
        ["swish", "-.278465", "1.099839", "-.099839"],
        ["mish", "-.30884", "1.0885", "-.1125"],
        ["softplus", "0.0000", "1.0000", "0.0000"],
        ["hard_swish", "-.375", "1.500", "-.500"],
        ["x_tanh_x", "0.0000", "1.1997", "-1.1997"],
        ["max(x,sigmoid(x))", "0.0000", "1.0000", "0.0000"],
        ["softsign", "", "1.0000", ""],
    ];
    for [name, least, steepest, falling] in table {
        let f = function(name);
        let scan = |g: &dyn Fn(f64) -> f64| {
            let values = (-30_000..=30_000).map(|i| g(f64::from(i) / 1000.0));
            values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)))
        };
        let slopes = scan(&|x| f.derivative(x));
        for (got, text) in [(scan(&|x| f.value(x)).0, least), (slopes.1, steepest), (slopes.0, falling)] {
            if !text.is_empty() {
                printed(name, got, text);
            }
        }
    }
}

/// E x^k where |x| < `a`, for x ~ N(0, s^2).
fn inside(k: u32, a: f64, s: f64) -> f64 {
    let (t, share) = (a / s, 2.0 * cdf(a / s) - 1.0);
    match k {
        0 => share,
        2 => s * s * (share - 2.0 * t * pdf(t)),
        4 => s.powi(4) * (3.0 * share - 2.0 * (t.powi(3) + 3.0 * t) * pdf(t)),
        _ => 0.0,
    }
}

#[test]
fn kinks_off_zero_are_integrated_exactly_at_every_variance() {
    for q in [0.3_f64, 1.0, 2.0, 7.3, 100.0, 256.0, 1e4, 1e6] {
        let s = q.sqrt();
        let near = |what: &str, got: f64, want: f64| close(&format!("{what} at {q}"), got, want, 1e-9);
        let beyond = |a: f64| 1.0 - cdf(a / s);

        let f = Activation::HardSigmoid;
        near("hard_sigmoid", first_moment(f, q), 0.5);
        near("hard_sigmoid^2", second_moment(f, q), inside(0, 3.0, s) / 4.0 + inside(2, 3.0, s) / 36.0 + beyond(3.0));
        near("hard_sigmoid'^2", slope_moment(f, q), inside(0, 3.0, s) / 36.0);
        near("hard_sigmoid'^4", slope_power(f, q, 4), inside(0, 3.0, s) / 1296.0);

        let f = Activation::HardSwish;
        let far = 0.5 * (q - inside(2, 3.0, s));
        near("hard_swish^2", second_moment(f, q), inside(4, 3.0, s) / 36.0 + inside(2, 3.0, s) / 4.0 + far);
        let slope = inside(2, 3.0, s) / 9.0 + inside(0, 3.0, s) / 4.0 + beyond(3.0);
        near("hard_swish'^2", slope_moment(f, q), slope);

        let f = Activation::Relu6;
        near("relu6", first_moment(f, q), s * (pdf(0.0) - pdf(6.0 / s)) + 6.0 * beyond(6.0));
        near("relu6^2", second_moment(f, q), 0.5 * inside(2, 6.0, s) + 36.0 * beyond(6.0));
        near("relu6'^2", slope_moment(f, q), 0.5 * inside(0, 6.0, s));
        // A formula finds its kinks itself.
        let f = function("min(max(x,0),6)");
        near("formula'^2", slope_moment(f, q), 0.5 * inside(0, 6.0, s));
    }
}

#[test]
fn saturating_functions_are_resolved_at_large_variance() {
    // mpmath.quad with 30 digits of 2 tanh(16 z)^2 phi(z) and 2 sech(16 z)^4 phi(z) over z > 0.
    close("tanh^2", second_moment(Activation::Tanh, 256.0), 0.950_212_052_740_435_2, 1e-13);
    close("tanh'^2", slope_moment(Activation::Tanh, 256.0), 0.033_224_275_260_742_13, 1e-12);
    for q in [1e4_f64, 1e6] {
        // The density is nearly flat where the function bends: integrals of u^k sech^4 u and u^k sech^2 u.
        let density = (2.0 * PI * q).sqrt().recip();
        let slope = density * (4.0 / 3.0 - (PI * PI / 9.0 - 2.0 / 3.0) / (2.0 * q));
        close("tanh'^2", slope_moment(Activation::Tanh, q), slope, 1e-8);
        let square = 1.0 - density * (2.0 - PI * PI / (12.0 * q));
        close("tanh^2", second_moment(Activation::Tanh, q), square, 1e-9);
    }
    for q in [0.5_f64, 4.0, 100.0] {
        close("sin^2", second_moment(Activation::Sine, q), 0.5 * (1.0 - (-2.0 * q).exp()), 1e-9);
        close("cos^2", slope_moment(Activation::Sine, q), 0.5 * (1.0 + (-2.0 * q).exp()), 1e-9);
    }
}

#[test]
fn pairs_with_kinks_off_zero() {
    for q in [1.0, 7.3] {
        for f in [Activation::HardSigmoid, Activation::HardSwish, Activation::Relu6, Activation::Tanh] {
            let near = |c: f64, want: f64| {
                let got = pair_moment(f, q, c);
                assert!((got - want).abs() < 1e-8 * second_moment(f, q), "{} at {q}, {c}: {got} {want}", f.name());
            };
            near(0.0, first_moment(f, q).powi(2));
            near(1.0, second_moment(f, q));
        }
        // hard_sigmoid(-x) = 1 - hard_sigmoid(x).
        let f = Activation::HardSigmoid;
        assert!((pair_moment(f, q, -1.0) - (0.5 - second_moment(f, q))).abs() < 1e-12);
        let mirrored = 0.5 - pair_moment(f, q, 0.6);
        assert!((pair_moment(f, q, -0.6) - mirrored).abs() < 1e-8);
        // d/dc E f(u) f(v) = q E f'(u) f'(v) (Price 1958), for hard_sigmoid q / 36 P(|u| < 3, |v| < 3), which
        // at c = 0 is the product of two shares.
        let h = 1e-3;
        let slope = (pair_moment(f, q, h) - pair_moment(f, q, -h)) / (2.0 * h);
        close("Price's theorem", slope, q / 36.0 * inside(0, 3.0, q.sqrt()).powi(2), 1e-5);
    }
}

/// E f and E f^2 of SELU for x ~ N(0, s^2): the positive half is a half-normal, the negative one that of a
/// log-normal.
fn selu_moments(s: f64) -> (f64, f64) {
    let tail = |k: f64| (0.5 * (k * s).powi(2)).exp() * cdf(-k * s);
    let first = s * pdf(0.0) + SELU_ALPHA * (tail(1.0) - 0.5);
    let second = 0.5 * s * s + SELU_ALPHA.powi(2) * (tail(2.0) - 2.0 * tail(1.0) + 0.5);
    (SELU_SCALE * first, SELU_SCALE * SELU_SCALE * second)
}

#[test]
fn selu_has_the_constants_of_its_fixed_point() {
    // Klambauer et al. 2017, eq. 14: mean 0 and variance 1 stay.
    let tail = E.sqrt() * cdf(-1.0);
    let alpha = pdf(0.0) / (0.5 - tail);
    let square = 0.5 + alpha * alpha * (0.5 - 2.0 * tail + E * E * cdf(-2.0));
    close("alpha", SELU_ALPHA, alpha, 1e-15);
    close("lambda", SELU_SCALE, square.sqrt().recip(), 1e-15);
    // The same by mpmath with 30 digits: no other f64 is nearer.
    let nearest = |text: &str| text.parse::<f64>().unwrap().to_bits();
    assert_eq!(SELU_ALPHA.to_bits(), nearest("1.67326324235437728481704299167"));
    assert_eq!(SELU_SCALE.to_bits(), nearest("1.05070098735548049341933498529"));
    assert!((SELU_ALPHA * SELU_SCALE - 1.758_099_340_8).abs() < 1e-10);
}

/// Mean and variance after a SELU layer whose weights have sum 0 and sum of squares 1.
fn selu_layer((mean, variance): (f64, f64)) -> (f64, f64) {
    let q = variance + mean * mean;
    let first = first_moment(Activation::Selu, q);
    (first, second_moment(Activation::Selu, q) - first * first)
}

#[test]
fn selu_layers_draw_mean_and_variance_to_zero_and_one() {
    let published = [
        (1, ".195", "2.50"),
        (2, ".136", "2.06"),
        (3, ".097", "1.77"),
        (4, ".070", "1.56"),
        (5, ".051", "1.42"),
        (10, ".013", "1.109"),
        (20, ".001", "1.009"),
    ];
    let mut at = (0.5, 3.0);
    for layer in 1..=20 {
        let s = f64::sqrt(at.1 + at.0 * at.0);
        at = selu_layer(at);
        let (first, second) = selu_moments(s);
        assert!((at.0 - first).abs() < 1e-13 && (at.1 - (second - first * first)).abs() < 1e-12, "{layer}: {at:?}");
        if let Some((_, mean, variance)) = published.iter().find(|row| row.0 == layer) {
            printed(&format!("mean of layer {layer}"), at.0, mean);
            printed(&format!("variance of layer {layer}"), at.1, variance);
        }
    }
    // Further on it is where it stays.
    let end = (0..300).fold(at, |at, _| selu_layer(at));
    assert!(end.0.abs() < 1e-12 && (end.1 - 1.0).abs() < 1e-12, "{end:?}");
}

/// SELU of x + `mean`, with its kink.
struct Shifted {
    mean: f64,
    kink: f64,
}

impl Scalar for Shifted {
    fn value(&self, x: f64) -> f64 {
        Activation::Selu.value(x + self.mean)
    }
    fn derivative(&self, x: f64) -> f64 {
        Activation::Selu.derivative(x + self.mean)
    }
    fn kinks(&self) -> &[f64] {
        std::slice::from_ref(&self.kink)
    }
}

#[test]
fn selu_s_map_attracts_with_the_published_jacobian() {
    // Of (E f, Var f) at pre-activations N(mean, variance), at (0, 1).
    let at = |mean: f64, variance: f64| {
        let f = Shifted { mean, kink: -mean };
        let first = first_moment(&f, variance);
        (first, second_moment(&f, variance) - first * first)
    };
    let h = 1e-4;
    let slope =
        |above: (f64, f64), below: (f64, f64)| ((above.0 - below.0) / (2.0 * h), (above.1 - below.1) / (2.0 * h));
    let by_variance = slope(at(0.0, 1.0 + h), at(0.0, 1.0 - h));
    let by_mean = slope(at(h, 1.0), at(-h, 1.0));
    printed("d mean / d variance", by_variance.0, ".08883");
    printed("d variance / d variance", by_variance.1, ".78265");
    printed("d mean / d mean", by_mean.0, ".98523");
    printed("d variance / d mean", by_mean.1, ".30299");
    // mpmath with 30 digits.
    close("d mean / d variance", by_variance.0, 0.088_834_755, 1e-6);
    close("d variance / d variance", by_variance.1, 0.782_647_88, 1e-6);
}
