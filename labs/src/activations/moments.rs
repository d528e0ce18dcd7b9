//! Expectations over N(0, 1): by adaptive quadrature with a bound of its error, and by Monte Carlo.

use super::probe::Probe;
use crate::mean_field::gauss_legendre;
use crate::nn::activation::properties::{Kink, Moments};
use crate::nn::{Activation, Gate};
use crate::stats::{mean, std_dev};
use crate::{Result, rng};
use candle_core::{Device, Tensor};
use std::f64::consts::PI;

/// Integrals end at this many standard deviations: the normal density there is 2e-32.
const REACH: f64 = 12.0;
/// Panels are halved until halving changes their part by less than this.
const TOLERANCE: f64 = 1e-14;
const DEEPEST: usize = 30;
/// Draws of the Monte-Carlo check.
pub const DRAWS: usize = 200_000;

/// E f, E f^2 and E f'^2; of a gate no E f'^2.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// E f, E f^2, E f'^2 (NaN for a gate).
    pub value: [f64; 3],
    /// What each may be wrong by: for quadrature the difference of two rules, for Monte Carlo the
    /// standard error.
    pub error: [f64; 3],
}

impl From<Moments> for Estimate {
    fn from(m: Moments) -> Self {
        Self { value: [m.mean, m.square, m.slope_square], error: [0.0; 3] }
    }
}

impl Estimate {
    /// 1 / sqrt(E f^2) and what it may be wrong by.
    pub fn gain(&self) -> (f64, f64) {
        let square = self.value[1];
        let gain = square.sqrt().recip();
        (gain, 0.5 * gain * self.error[1] / square)
    }

    /// E f'^2 / E f^2 and what it may be wrong by.
    pub fn chi(&self) -> (f64, f64) {
        let chi = self.value[2] / self.value[1];
        (chi, chi * (self.error[1] / self.value[1] + self.error[2] / self.value[2]))
    }

    /// The largest distance between `self` and `sampled`, in standard errors of `sampled`.
    pub fn distance(&self, sampled: &Self) -> f64 {
        let distance = |i: usize| {
            let difference = (self.value[i] - sampled.value[i]).abs();
            // A constant has no standard error, but rounding.
            difference / sampled.error[i].max(1e-12 * self.value[i].abs().max(1.0))
        };
        (0..3).map(distance).filter(|d| d.is_finite()).fold(0.0, f64::max)
    }

    /// Sums over `xs` of f, f^2 and f'^2 as means with their standard errors.
    fn sampled(values: &[f64], slopes: Option<&[f64]>) -> Self {
        let of = |list: &[f64]| (mean(list), std_dev(list) / (list.len() as f64).sqrt());
        let squares = |list: &[f64]| list.iter().map(|v| v * v).collect::<Vec<_>>();
        let parts = [of(values), of(&squares(values)), slopes.map_or((f64::NAN, f64::NAN), |s| of(&squares(s)))];
        Self { value: parts.map(|p| p.0), error: parts.map(|p| p.1) }
    }
}

/// A Gauss-Legendre rule on panels of a width, fixed but where they have to be halved.
struct Rule {
    nodes: Vec<(f64, f64)>,
    width: f64,
}

impl Rule {
    /// Two rules that share no node: where they agree, the function is resolved.
    fn pair() -> [Self; 2] {
        [Self { nodes: gauss_legendre(10), width: 0.5 }, Self { nodes: gauss_legendre(17), width: 0.8 }]
    }

    fn panels(&self, reach: f64, kinks: &[f64]) -> Vec<(f64, f64)> {
        let count = (2.0 * reach / self.width).ceil() as usize;
        let even = (0..=count).map(|i| -reach + 2.0 * reach * i as f64 / count as f64);
        let mut cuts: Vec<f64> = even.chain(kinks.iter().copied().filter(|k| k.abs() < reach)).chain([0.0]).collect();
        cuts.sort_by(f64::total_cmp);
        cuts.windows(2).map(|c| (c[0], c[1])).filter(|(a, b)| b > a).collect()
    }

    /// Nodes of a panel, and weights that hold the normal density.
    fn on(&self, (low, high): (f64, f64)) -> (Vec<f64>, Vec<f64>) {
        let (middle, half) = (f64::midpoint(low, high), 0.5 * (high - low));
        let density = |z: f64| (-0.5 * z * z).exp() / (2.0 * PI).sqrt();
        self.nodes.iter().map(|(x, w)| (middle + half * x, w * half * density(middle + half * x))).unzip()
    }

    fn part(&self, probe: Probe, panel: (f64, f64)) -> Result<[f64; 3]> {
        let (z, weights) = self.on(panel);
        let (values, slopes) = (probe.values(&z)?, probe.slopes(&z)?);
        let sum = |g: &dyn Fn(usize) -> f64| weights.iter().enumerate().map(|(i, w)| w * g(i)).sum::<f64>();
        Ok([sum(&|i| values[i]), sum(&|i| values[i].powi(2)), sum(&|i| slopes[i].powi(2))])
    }

    fn integral(&self, probe: Probe, kinks: &[f64]) -> Result<[f64; 3]> {
        let mut total = [0.0; 3];
        let mut open = Vec::new();
        for panel in self.panels(REACH, kinks) {
            open.push((panel, self.part(probe, panel)?, 0));
        }
        while let Some((panel, whole, depth)) = open.pop() {
            let middle = f64::midpoint(panel.0, panel.1);
            let halves = [(panel.0, middle), (middle, panel.1)];
            let parts = [self.part(probe, halves[0])?, self.part(probe, halves[1])?];
            let sum = [0, 1, 2].map(|i| parts[0][i] + parts[1][i]);
            let settled = (0..3).all(|i| (sum[i] - whole[i]).abs() <= TOLERANCE * sum[i].abs().max(1.0));
            if settled || depth == DEEPEST || sum.iter().any(|v| !v.is_finite()) {
                total = [0, 1, 2].map(|i| total[i] + sum[i]);
            } else {
                open.extend(halves.into_iter().zip(parts).map(|(half, part)| (half, part, depth + 1)));
            }
        }
        Ok(total)
    }
}

/// What two results of the same integral say together.
fn agreed([a, b]: [[f64; 3]; 2]) -> Estimate {
    let error = |i: usize| (a[i] - b[i]).abs() + 1e-14 * a[i].abs().max(1.0);
    Estimate { value: a, error: [0, 1, 2].map(error) }
}

/// The moments of a function with these kinks, by two adaptive rules.
pub fn of_function(probe: Probe, kinks: &[Kink]) -> Result<Estimate> {
    let at: Vec<f64> = kinks.iter().map(|k| k.x).collect();
    let [a, b] = Rule::pair();
    let mut estimate = agreed([a.integral(probe, &at)?, b.integral(probe, &at)?]);
    // What lies beyond the reach is of the size of what lies before it: nothing, unless f grows like
    // e^(z^2/4).
    for panel in [(-REACH, -REACH + 1.0), (REACH - 1.0, REACH)] {
        let edge = a.part(probe, panel)?;
        estimate.error = [0, 1, 2].map(|i| estimate.error[i] + edge[i].abs());
    }
    Ok(estimate)
}

/// E y and E y^2 of a gate of two independent pieces from N(0, 1), by two product rules.
pub fn of_gate(gate: Gate) -> Result<Estimate> {
    const GATE_REACH: f64 = 10.0;
    let mut results = [[f64::NAN; 3]; 2];
    for (rule, result) in Rule::pair().iter().zip(&mut results) {
        let (mut pieces, mut weights) = (Vec::new(), Vec::new());
        for (a, wa) in rule.panels(GATE_REACH, &[]).into_iter().flat_map(|p| nodes(rule, p)) {
            // Kinks: at b = 0, and for maxout where the pieces are equal.
            for (b, wb) in rule.panels(GATE_REACH, &[a]).into_iter().flat_map(|p| nodes(rule, p)) {
                pieces.extend([a, b]);
                weights.push(wa * wb);
            }
        }
        let y = outputs(gate, pieces)?;
        let sum = |g: &dyn Fn(f64) -> f64| y.iter().zip(&weights).map(|(y, w)| w * g(*y)).sum::<f64>();
        *result = [sum(&|y| y), sum(&|y| y * y), f64::NAN];
    }
    Ok(agreed(results))
}

fn nodes(rule: &Rule, panel: (f64, f64)) -> Vec<(f64, f64)> {
    let (z, w) = rule.on(panel);
    z.into_iter().zip(w).collect()
}

/// The gate's outputs for pairs of pieces.
fn outputs(gate: Gate, pieces: Vec<f64>) -> Result<Vec<f64>> {
    let pairs = pieces.len() / 2;
    let z = Tensor::from_vec(pieces, (pairs, 2), &Device::Cpu)?;
    Ok(gate.forward(&z)?.flatten_all()?.to_vec1()?)
}

/// What theory says of a gate of two independent pieces: E a g(b) = 0 and E a^2 g(b)^2 = E g(b)^2; the
/// larger of two has mean 1/sqrt(pi), and its square mean 1.
pub fn gate_moments(gate: Gate) -> Option<Estimate> {
    let through = |f: Activation| Some((0.0, f.shape().properties().moments?.square));
    let (mean, square) = match gate {
        Gate::Maxout => Some((PI.sqrt().recip(), 1.0)),
        Gate::Glu => through(Activation::Sigmoid),
        Gate::Reglu => through(Activation::Relu),
        Gate::Geglu => through(Activation::Gelu),
        Gate::Swiglu => through(Activation::Silu),
    }?;
    Some(Estimate { value: [mean, square, f64::NAN], error: [0.0, 0.0, f64::NAN] })
}

/// Draws that all functions share; gates take them in pairs.
pub fn draws(seed: u64) -> Vec<f64> {
    rng::stream(seed, "activations.monte_carlo", 0).normals(DRAWS)
}

/// The moments of a function by Monte Carlo.
pub fn sample_function(probe: Probe, draws: &[f64]) -> Result<Estimate> {
    Ok(Estimate::sampled(&probe.values(draws)?, Some(&probe.slopes(draws)?)))
}

/// The moments of a gate by Monte Carlo.
pub fn sample_gate(gate: Gate, draws: &[f64]) -> Result<Estimate> {
    Ok(Estimate::sampled(&outputs(gate, draws.to_vec())?, None))
}
