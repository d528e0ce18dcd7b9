//! Mean-field theory of wide random networks: how second moments, correlations and gradients go
//! from layer to layer (Poole et al. 2016, Schoenholz et al. 2017; residual: Yang and Schoenholz
//! 2017). Exact for infinite width and independent weights.

use crate::nn::activation::Scalar;
use crate::nn::{MlpConfig, NormKind, norm::EPSILON};
use std::f64::consts::PI;
use std::sync::OnceLock;

/// Integrals end at this many standard deviations: the normal density there is 2e-32.
const REACH: f64 = 12.0;
const PANELS: u32 = 48;
/// How often the panels next to 0 are halved: to 2^-9 of a standard deviation.
const HALVINGS: i32 = 8;

/// Gauss-Legendre nodes and weights on [-1, 1], by Newton's method on the polynomial.
pub(crate) fn gauss_legendre(n: usize) -> Vec<(f64, f64)> {
    let node = |i: usize| {
        let mut x = (PI * (i as f64 + 0.75) / (n as f64 + 0.5)).cos();
        let mut slope = 1.0;
        for _ in 0..100 {
            let (mut p0, mut p1) = (1.0, x);
            for k in 2..=n {
                let k = k as f64;
                (p0, p1) = (p1, ((2.0 * k - 1.0) * x * p1 - (k - 1.0) * p0) / k);
            }
            slope = n as f64 * (x * p1 - p0) / (x * x - 1.0);
            let step = p1 / slope;
            x -= step;
            if step.abs() < 1e-16 {
                break;
            }
        }
        (x, 2.0 / ((1.0 - x * x) * slope * slope))
    };
    (0..n).map(node).collect()
}

/// Part of the line: its borders, and nodes z and weights of the integral of g times the normal density.
struct Panel {
    low: f64,
    high: f64,
    nodes: Vec<(f64, f64)>,
}

impl Panel {
    fn new(low: f64, high: f64) -> Self {
        static RULE: OnceLock<Vec<(f64, f64)>> = OnceLock::new();
        let (middle, half) = (f64::midpoint(low, high), 0.5 * (high - low));
        let density = |z: f64| (-0.5 * z * z).exp() / (2.0 * PI).sqrt();
        let rule = RULE.get_or_init(|| gauss_legendre(10)).iter();
        let nodes = rule.map(|(x, w)| (middle + half * x, w * half * density(middle + half * x)));
        Self { low, high, nodes: nodes.collect() }
    }

    fn mean(&self, g: &impl Fn(f64) -> f64) -> f64 {
        self.nodes.iter().map(|(z, w)| w * g(*z)).sum()
    }
}

/// The panels meet at 0, where activations have kinks, and halve towards it, where those that
/// saturate have all their curvature if q is large.
fn panels() -> &'static [Panel] {
    static ALL: OnceLock<Vec<Panel>> = OnceLock::new();
    ALL.get_or_init(|| {
        let width = 2.0 * REACH / f64::from(PANELS);
        let mut above: Vec<f64> = (0..=PANELS / 2).map(|i| f64::from(i) * width).collect();
        above.extend((1..=HALVINGS).map(|i| width * 0.5_f64.powi(i)));
        above.sort_by(f64::total_cmp);
        let right = above.windows(2).map(|b| Panel::new(b[0], b[1]));
        let left = above.windows(2).rev().map(|b| Panel::new(-b[1], -b[0]));
        left.chain(right).collect()
    })
}

/// E g(z) for z ~ N(0, 1), for g smooth but for a kink or step at 0.
pub fn gaussian_mean(g: impl Fn(f64) -> f64) -> f64 {
    cut_mean(g, &[])
}

/// The same for g with kinks or steps at `cuts` too: no panel reaches over one.
fn cut_mean(g: impl Fn(f64) -> f64, cuts: &[f64]) -> f64 {
    let mean = |panel: &Panel| {
        let mut borders: Vec<f64> = cuts.iter().copied().filter(|z| panel.low < *z && *z < panel.high).collect();
        if borders.is_empty() {
            return panel.mean(&g);
        }
        borders.extend([panel.low, panel.high]);
        borders.sort_by(f64::total_cmp);
        borders.windows(2).map(|b| Panel::new(b[0], b[1]).mean(&g)).sum()
    };
    panels().iter().map(mean).sum()
}

/// Where f(s z) has kinks other than 0.
fn cuts(f: &impl Scalar, s: f64) -> Vec<f64> {
    f.kinks().iter().map(|kink| kink / s).collect()
}

/// E f(sqrt(q) z)^2, as exact as [`slope_power`].
#[must_use]
pub fn second_moment(f: impl Scalar, q: f64) -> f64 {
    let s = q.sqrt();
    cut_mean(|z| f.value(s * z).powi(2), &cuts(&f, s))
}

/// E f(sqrt(q) z), as exact as [`slope_power`].
#[must_use]
pub fn first_moment(f: impl Scalar, q: f64) -> f64 {
    let s = q.sqrt();
    cut_mean(|z| f.value(s * z), &cuts(&f, s))
}

/// E f'(sqrt(q) z)^2, as exact as [`slope_power`].
#[must_use]
pub fn slope_moment(f: impl Scalar, q: f64) -> f64 {
    slope_power(f, q, 2)
}

/// E f'(sqrt(q) z)^k. For functions that saturate or grow to either side, kinks included, the error is below
/// 1e-8 of the value up to q = 1e6; for those that oscillate, as the sine, up to q = 100.
#[must_use]
pub fn slope_power(f: impl Scalar, q: f64, k: i32) -> f64 {
    let s = q.sqrt();
    cut_mean(|z| f.derivative(s * z).powi(k), &cuts(&f, s))
}

fn inner_rule() -> &'static [(f64, f64)] {
    static RULE: OnceLock<Vec<(f64, f64)>> = OnceLock::new();
    RULE.get_or_init(|| gauss_legendre(32))
}

/// E f(u) f(v) for u, v ~ N(0, q) with correlation c in [-1, 1].
#[must_use]
pub fn pair_moment(f: impl Scalar, q: f64, c: f64) -> f64 {
    let s = q.sqrt();
    let c = c.clamp(-1.0, 1.0);
    let t = (1.0 - c * c).sqrt();
    if t < 1e-8 {
        // At c = -1 the second factor's kinks are the first one's with the other sign.
        let both: Vec<f64> = cuts(&f, s).into_iter().chain(cuts(&f, s * c)).collect();
        return cut_mean(|z| f.value(s * z) * f.value(s * c * z), &both);
    }
    // v = sqrt(q) (c z + t y) has a kink at y = (kink / sqrt(q) - c z) / t: the inner integral is split there.
    let inner = inner_rule();
    let reach = 9.0;
    let outer = cuts(&f, s);
    let mut kinks = outer.clone();
    kinks.push(0.0);
    kinks.sort_by(f64::total_cmp);
    let mean = |z: f64| {
        let part = |low: f64, high: f64| {
            let (middle, half) = (f64::midpoint(low, high), 0.5 * (high - low));
            let at = |x: f64| {
                let y = middle + half * x;
                f.value(s * (c * z + t * y)) * (-0.5 * y * y).exp()
            };
            half * inner.iter().map(|(x, w)| w * at(*x)).sum::<f64>()
        };
        let (mut low, mut total) = (-reach, 0.0);
        for kink in kinks.iter().map(|kink| ((kink - c * z) / t).clamp(-reach, reach)) {
            if kink > low {
                total += part(low, kink);
                low = kink;
            }
        }
        f.value(s * z) * (total + part(low, reach)) / (2.0 * PI).sqrt()
    };
    cut_mean(mean, &outer)
}

/// Where the variance of the pre-activations settles.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum FixedPoint {
    /// At a positive value q*.
    At(f64),
    /// It falls towards 0.
    Vanishes,
    /// It grows without bound.
    Diverges,
}

/// The fixed point of q' = `weight` E f(sqrt(q) z)^2 + `bias` reached from `start`, where `weight`
/// is `sigma_w^2` (fan-in times the weights' variance) and `bias` is `sigma_b^2`.
#[must_use]
pub fn fixed_point(f: impl Scalar, weight: f64, bias: f64, start: f64) -> FixedPoint {
    let map = |q: f64| weight * second_moment(&f, q) + bias;
    let mut q = start;
    for _ in 0..400 {
        let next = map(q);
        if (next - q).abs() <= 1e-13 * q.abs() {
            return FixedPoint::At(next);
        }
        if next < 1e-100 {
            return FixedPoint::Vanishes;
        }
        if next > 1e100 {
            return FixedPoint::Diverges;
        }
        q = next;
    }
    // Slow: close to criticality. Walk on by factors until the sign of map(q) - q turns.
    let grows = map(q) > q;
    let mut other = q;
    for _ in 0..80 {
        other = if grows { other * 2.0 } else { other * 0.5 };
        if (map(other) > other) != grows {
            return FixedPoint::At(bisect(&map, q, other));
        }
    }
    if grows { FixedPoint::Diverges } else { FixedPoint::Vanishes }
}

fn bisect(map: &impl Fn(f64) -> f64, a: f64, b: f64) -> f64 {
    let (mut low, mut high) = (a, b);
    let sign = map(low) > low;
    for _ in 0..60 {
        let middle = (low * high).sqrt();
        if (map(middle) > middle) == sign { low = middle } else { high = middle }
    }
    (low * high).sqrt()
}

/// `chi_1` = `sigma_w^2` E f'(sqrt(q*) z)^2 at the fixed point: the factor by which the squared norm of
/// the gradient changes from a layer to the one before it. 1 is critical.
#[must_use]
pub fn chi1(f: impl Scalar, weight: f64, bias: f64) -> f64 {
    // The limits, where the pre-activations vanish or diverge, are the slopes at 0 and far out.
    let q = match fixed_point(&f, weight, bias, 1.0) {
        FixedPoint::At(q) => q,
        FixedPoint::Vanishes => 1e-100,
        FixedPoint::Diverges => 1e100,
    };
    weight * slope_moment(&f, q)
}

/// xi = 1 / |ln `chi_1|`: the depth, in layers, over which a gradient changes by a factor of e.
#[must_use]
pub fn depth_scale(chi1: f64) -> f64 {
    chi1.ln().abs().recip()
}

/// What theory says of each hidden layer of a network.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Layers {
    /// Variance of the pre-activation of hidden layers 1 to L, before any normalisation.
    pub q: Vec<f64>,
    /// For hidden layers 1 to L: ||dLoss/d input||^2 / ||dLoss/d output||^2.
    pub chi: Vec<f64>,
    /// Mean square of the output of hidden layers 1 to L.
    pub outputs: Vec<f64>,
}

/// The layers of `config` for inputs of mean square `input`; `None` for batch normalisation, whose
/// theory couples the samples of a batch and has no such layer-by-layer form.
#[must_use]
pub fn layers(config: &MlpConfig, input: f64) -> Option<Layers> {
    let weight = |l, _| weight_variance(config, if l == 0 { config.inputs } else { config.width });
    layers_with(config, input, weight)
}

/// The same with `weight(l, h2)` for fan-in times the weights' variance of hidden layer l + 1, whose
/// input has mean square `h2`: for schemes that look at it.
#[must_use]
pub fn layers_with(config: &MlpConfig, input: f64, weight: impl Fn(usize, f64) -> f64) -> Option<Layers> {
    if config.norm == NormKind::Batch {
        return None;
    }
    let f = config.activation;
    let (mut h2, mut h1) = (input, 0.0);
    let mut out = Layers::default();
    for l in 0..config.depth {
        let weight = weight(l, h2);
        let q = weight * h2 + config.bias_std.powi(2);
        let (seen, shrink) = match config.norm {
            NormKind::None | NormKind::Batch => (q, 1.0),
            NormKind::Layer | NormKind::Rms => (q / (q + EPSILON), 1.0 / (q + EPSILON)),
        };
        let skip = config.residual && l > 0;
        let branch = weight * shrink * slope_moment(f, seen);
        out.q.push(q);
        out.chi.push(if skip { 1.0 + branch } else { branch });
        let (m1, m2) = (first_moment(f, seen), second_moment(f, seen));
        // Input and branch are independent given the random weights, but neither has mean 0.
        (h2, h1) = if skip { (h2 + 2.0 * h1 * m1 + m2, h1 + m1) } else { (m2, m1) };
        out.outputs.push(h2);
    }
    Some(out)
}

/// `sigma_w^2`: fan-in times the variance of a weight of a hidden layer of `config`.
#[must_use]
pub fn weight_variance(config: &MlpConfig, fan_in: usize) -> f64 {
    fan_in as f64 * config.init.variance(fan_in, config.width) * config.gain.powi(2)
}

/// The cosine between the pre-activations of two inputs, for hidden layers 1 to L, from inputs of
/// mean square 1 with cosine `start`; `None` for batch normalisation and residual networks.
#[must_use]
pub fn correlations(config: &MlpConfig, start: f64) -> Option<Vec<f64>> {
    if config.norm == NormKind::Batch || config.residual {
        return None;
    }
    let f = config.activation;
    let bias = config.bias_std.powi(2);
    let (mut h2, mut cross) = (1.0, start);
    let mut out = Vec::new();
    for l in 0..config.depth {
        let fan_in = if l == 0 { config.inputs } else { config.width };
        let weight = weight_variance(config, fan_in);
        let q = weight * h2 + bias;
        let c = ((weight * cross + bias) / q).clamp(-1.0, 1.0);
        out.push(c);
        let seen = if config.norm == NormKind::None { q } else { q / (q + EPSILON) };
        h2 = second_moment(f, seen);
        cross = pair_moment(f, seen, c);
    }
    Some(out)
}

/// E f(u) f(v) for ReLU with u, v ~ N(0, 1) of correlation c, doubled: the correlation map under He
/// initialisation (Cho and Saul 2009, arc-cosine kernel of order 1).
#[must_use]
pub fn relu_correlation(c: f64) -> f64 {
    ((1.0 - c * c).max(0.0).sqrt() + (PI - c.clamp(-1.0, 1.0).acos()) * c) / PI
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{Activation, Init};

    fn close(a: f64, b: f64, relative: f64) {
        assert!((a - b).abs() <= relative * b.abs(), "{a} is not {b}");
    }

    fn config(activation: Activation, init: Init, depth: usize) -> MlpConfig {
        MlpConfig {
            inputs: 256,
            width: 256,
            depth,
            classes: 10,
            activation,
            norm: NormKind::None,
            residual: false,
            init,
            gain: 1.0,
            bias_std: 0.0,
        }
    }

    /// Norm of the gradient at the first layer's input over that at the last layer's output.
    fn ratio(config: &MlpConfig) -> f64 {
        layers(config, 1.0).unwrap().chi.iter().map(|chi| chi.sqrt()).product()
    }

    #[test]
    fn the_rule_integrates_the_normal_distribution() {
        close(gaussian_mean(|_| 1.0), 1.0, 1e-13);
        close(gaussian_mean(|z| z.powi(8)), 105.0, 1e-12);
        close(gaussian_mean(f64::abs), (2.0 / PI).sqrt(), 1e-13);
        // E erf(z / sqrt 2)^2 = 1/3: 2 Phi(z) - 1 is uniform on (-1, 1).
        close(gaussian_mean(|z| libm::erf(z * std::f64::consts::FRAC_1_SQRT_2).powi(2)), 1.0 / 3.0, 1e-12);
    }

    #[test]
    fn pairs_follow_the_arc_cosine_kernel() {
        for c in [-0.9, -0.3, 0.0, 0.2, 0.5, 0.9, 0.999] {
            close(2.0 * pair_moment(Activation::Relu, 1.0, c), relu_correlation(c), 1e-6);
        }
        // E u v = q c for the identity.
        close(pair_moment(Activation::Identity, 2.0, 0.3), 0.6, 1e-10);
    }

    #[test]
    fn relu_correlations_are_the_published_ones() {
        let c = correlations(&config(Activation::Relu, Init::HeNormal, 101), 0.0).unwrap();
        // Layer 1 still has the inputs' correlation. Values: iterating the closed form.
        for (layer, want) in [(1, 1.0 / PI), (2, 0.493_731), (5, 0.735_946), (10, 0.871_536), (50, 0.987_862)] {
            assert!((c[layer] - want).abs() < 1e-5, "{layer}: {}", c[layer]);
        }
        assert!((c[100] - 0.996_423).abs() < 1e-5);
    }

    #[test]
    fn sigmoid_with_xavier_settles_at_the_published_fixed_point() {
        let FixedPoint::At(q) = fixed_point(Activation::Sigmoid, 1.0, 0.0, 1.0) else { panic!() };
        close(q, 0.26469, 2e-5);
        let chi = chi1(Activation::Sigmoid, 1.0, 0.0);
        close(chi, 0.055_720_71, 1e-6);
        close(chi.sqrt(), 0.236_052, 1e-5);
        close(chi1(Activation::Sigmoid, 16.0, 0.0).sqrt(), 0.63157, 1e-4);
    }

    #[test]
    fn relu_and_linear_factors_are_exact() {
        close(ratio(&config(Activation::Relu, Init::XavierNormal, 20)), 9.765_625e-4, 1e-10);
        close(ratio(&config(Activation::Relu, Init::XavierNormal, 30)), 0.5_f64.powi(15), 1e-10);
        close(ratio(&config(Activation::Relu, Init::HeNormal, 100)), 1.0, 1e-10);
        close(ratio(&config(Activation::Identity, Init::LecunNormal, 100)), 1.0, 1e-10);
        close(chi1(Activation::Relu, 2.0, 0.0), 1.0, 1e-12);
    }

    #[test]
    fn tanh_with_xavier_decays_as_a_power() {
        for (depth, want) in [(10, 0.26715), (20, 0.18967), (50, 0.11973), (100, 0.08446)] {
            close(ratio(&config(Activation::Tanh, Init::XavierNormal, depth)), want, 1e-4);
        }
        assert_eq!(fixed_point(Activation::Tanh, 1.0, 0.0, 1.0), FixedPoint::Vanishes);
        close(chi1(Activation::Tanh, 1.0, 0.0), 1.0, 1e-9);
    }

    #[test]
    fn tanh_fixed_points_are_the_published_ones() {
        let gain = (5.0_f64 / 3.0).powi(2);
        let FixedPoint::At(q) = fixed_point(Activation::Tanh, gain, 0.0, 1.0) else { panic!() };
        close(q, 1.178_480, 1e-6);
        close(chi1(Activation::Tanh, gain, 0.0), 1.209_831, 1e-6);
        close(chi1(Activation::Tanh, 1.3, 0.05), 0.88016, 2e-5);
        close(chi1(Activation::Tanh, 2.5, 0.05), 1.13352, 2e-5);
        close(chi1(Activation::Tanh, 1.76095, 0.05), 1.0, 1e-5);
        close(depth_scale(0.88016), 7.83, 1e-3);
    }

    #[test]
    fn gelu_and_silu_are_critical_where_the_literature_says() {
        // Roberts, Yaida and Hanin 2022, section 5.3: C_W, C_b and K* at which both the variance and
        // the gradient stay as they are.
        let published = [
            (Activation::Gelu, 1.983_058_26, 0.172_922_39, 3.561_55),
            (Activation::Silu, 1.988_004_68, 0.555_143_17, 14.320_17),
        ];
        for (f, weight, bias, q) in published {
            close(weight * second_moment(f, q) + bias, q, 1e-6);
            close(weight * slope_moment(f, q), 1.0, 1e-6);
        }
    }

    #[test]
    fn a_residual_branch_of_unit_variance_doubles_the_second_moment() {
        // h' = h + W h with He and the identity: E|h'|^2 = (1 + 2) E|h|^2, and so for gradients.
        let c = MlpConfig { residual: true, ..config(Activation::Identity, Init::LecunNormal, 5) };
        let l = layers(&c, 1.0).unwrap();
        assert_eq!(l.chi.len(), 5);
        close(l.chi[4], 2.0, 1e-12);
        close(l.q[4], 8.0, 1e-12);
    }
}
