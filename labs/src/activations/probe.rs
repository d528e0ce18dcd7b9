//! A function seen from outside: values and autograd slopes on a scan, its extremes, its kinks.

use crate::Result;
use crate::nn::Function;
use crate::nn::activation::properties::Kink;
use crate::nn::activation::{Activation, Shape};
use candle_core::{Device, Tensor, Var};

/// The scan goes from -REACH to REACH times the function's own scale.
const REACH: i32 = 30;
/// Points of the scan for each unit of x.
const FINENESS: i32 = 1000;
/// Where limits are read: x^2 is still finite there.
const FAR: [f64; 2] = [1e100, 1e150];
/// Local extremes that are refined, the best first.
const CANDIDATES: usize = 12;
/// A jump of the slope below this is not told from curvature.
const LEAST_JUMP: f64 = 1e-4;

/// f as tensors compute it, in f64 on the CPU.
#[derive(Debug, Clone, Copy)]
pub struct Probe<'a> {
    function: &'a Function,
    /// The distance over which the function bends, where that is more than 1.
    scale: f64,
}

/// What grows by more than this when looked at closer has a pole, and no extreme.
const POLE: f64 = 1e6;

/// An extreme as it was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Found {
    /// Infinite where the function grows without end.
    pub value: f64,
    /// What the value may be wrong by.
    pub error: f64,
    /// Where, nearest to 0; `None` where it is only approached.
    pub x: Option<f64>,
}

/// Which of f's two descriptions is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// f.
    Value,
    /// f'.
    Slope,
}

impl<'a> Probe<'a> {
    pub fn new(function: &'a Function) -> Self {
        let scale = match function {
            Function::Named(Shape { activation: Activation::Swish | Activation::GeluSigmoid, parameter }) => {
                parameter.abs().recip()
            }
            Function::Named(Shape { activation: Activation::Celu, parameter }) => *parameter,
            _ => 1.0,
        };
        Self { function, scale: if scale.is_finite() { scale.max(1.0) } else { 1.0 } }
    }

    /// The points of the scan.
    pub fn scan(self) -> Vec<f64> {
        (-REACH * FINENESS..=REACH * FINENESS).map(|i| self.scale * f64::from(i) / f64::from(FINENESS)).collect()
    }

    /// f of each of `xs`.
    pub fn values(self, xs: &[f64]) -> Result<Vec<f64>> {
        Ok(self.function.forward(&Tensor::new(xs, &Device::Cpu)?)?.to_vec1()?)
    }

    /// f' of each of `xs`: what the backward pass answers.
    pub fn slopes(self, xs: &[f64]) -> Result<Vec<f64>> {
        let x = Var::from_tensor(&Tensor::new(xs, &Device::Cpu)?)?;
        let grads = self.function.forward(&x)?.sum_all()?.backward()?;
        Ok(match grads.get(&x) {
            Some(grad) => grad.to_vec1()?,
            None => vec![0.0; xs.len()],
        })
    }

    fn of(self, what: Of, xs: &[f64]) -> Result<Vec<f64>> {
        match what {
            Of::Value => self.values(xs),
            Of::Slope => self.slopes(xs),
        }
    }

    /// The smallest (`sign` -1) or largest (`sign` 1) value of f or f', from its values `scanned` at `xs`.
    pub fn extreme(self, what: Of, sign: f64, xs: &[f64], scanned: &[f64]) -> Result<Found> {
        let height = |v: &f64| if v.is_nan() { f64::NEG_INFINITY } else { sign * v };
        let heights: Vec<f64> = scanned.iter().map(height).collect();
        let mut best = Found { value: f64::NEG_INFINITY, error: 0.0, x: None };
        for i in summits(xs, &heights) {
            let found = self.climb(what, sign, xs[i], heights[i])?;
            let nearer = found.x.zip(best.x).is_none_or(|(a, b)| a.abs() < b.abs() - 1e-9);
            let gain = found.value - best.value;
            let tied = gain.is_finite() && gain.abs() <= 1e-12 * best.value.abs().max(1.0);
            if (gain > 0.0 && !tied) || (tied && nearer) {
                best = found;
            }
        }
        for side in [-1.0, 1.0] {
            let far = self.of(what, &FAR.map(|x| side * x))?;
            let (near, far) = (height(&far[0]), height(&far[1]));
            if far > best.value {
                let grows = far.is_infinite() || far - near > 1e-6 * far.abs().max(1.0);
                let value = if grows { f64::INFINITY } else { far };
                best = Found { value, error: 4.0 * f64::EPSILON * far.abs().max(1.0), x: None };
            }
        }
        Ok(Found { value: sign * best.value, ..best })
    }

    /// Climbs from `x` by ever finer grids.
    fn climb(self, what: Of, sign: f64, x: f64, height: f64) -> Result<Found> {
        let (mut x, mut value, mut error) = (x, height, 0.0);
        if x.abs() < self.scale * f64::from(REACH) {
            let mut radius = self.scale / f64::from(FINENESS);
            for _ in 0..6 {
                let grid: Vec<f64> = (-50..=50).map(|k| x + radius * f64::from(k) / 50.0).collect();
                let seen = self.of(what, &grid)?;
                let top = grid.into_iter().zip(seen).map(|(x, v)| (x, sign * v)).filter(|p| p.1 > value);
                let highest = top.max_by(|a, b| a.1.total_cmp(&b.1));
                error = highest.map_or(0.0, |top| top.1 - value);
                (x, value) = highest.unwrap_or((x, value));
                radius /= 40.0;
            }
        }
        if value > POLE * height.abs().max(1.0) {
            return Ok(Found { value: f64::INFINITY, error: 0.0, x: None });
        }
        Ok(Found { value, error: error + 1e-12 * value.abs().max(1.0), x: Some(x) })
    }

    /// Where the slope jumps within the scan, with the slopes of both sides.
    pub fn kinks(self, xs: &[f64], values: &[f64]) -> Result<Vec<Kink>> {
        let step = self.scale / f64::from(FINENESS);
        let jumps = slope_jumps(values, step);
        // Four points away a kink is not seen, and what curvature adds is nearly the same.
        let stands_out = |i: &usize| (jumps[*i] - 0.5 * (jumps[i - 4] + jumps[i + 4])).abs() > 0.5 * LEAST_JUMP;
        let is_top = |i: &usize| jumps[*i].abs() >= jumps[i - 1].abs() && jumps[*i].abs() > jumps[i + 1].abs();
        let candidates = (4..jumps.len().saturating_sub(4)).filter(stands_out).filter(is_top);
        let mut kinks: Vec<Kink> = Vec::new();
        for i in candidates.take(64) {
            if let Some(kink) = self.kink(xs[i + 1], step)?
                && kinks.last().is_none_or(|last| kink.x - last.x > 1e-6)
            {
                kinks.push(kink);
            }
        }
        Ok(kinks)
    }

    /// The kink within 2 `step` of `x`; `None` where the jump shrinks with the distance of the points,
    /// as curvature does.
    fn kink(self, x: f64, step: f64) -> Result<Option<Kink>> {
        let (mut x, mut radius, mut jump) = (x, 2.0 * step, f64::NAN);
        let mut before = f64::NAN;
        for _ in 0..3 {
            let grid: Vec<f64> = (-40..=40).map(|k| x + radius * f64::from(k) / 40.0).collect();
            let jumps = slope_jumps(&self.values(&grid)?, radius / 40.0);
            let at = (1..jumps.len() - 1).max_by(|a, b| jumps[*a].abs().total_cmp(&jumps[*b].abs())).unwrap_or(1);
            before = jump;
            jump = jumps[at - 1..=at + 1].iter().sum::<f64>().abs();
            x = grid[at + 1];
            radius /= 20.0;
        }
        if !(jump > LEAST_JUMP && jump > 0.5 * before) {
            return Ok(None);
        }
        let (left, right) = self.one_sided(x, 2.0 * radius)?;
        // Both sides' lines meet at the kink.
        let (from, to) = (x - 2.0 * radius, x + 2.0 * radius);
        let ends = self.values(&[from, to])?;
        let meet = x + (ends[1] - ends[0] - 2.0 * radius * (left + right)) / (left - right);
        let meet = if (meet - x).abs() <= 2.0 * radius { meet } else { x };
        // To the accuracy with which it is known: 0.9999999999 is 1.
        Ok(Some(Kink { x: (meet * 1e9).round() / 1e9, left, right }))
    }

    /// Slopes on both sides of `x` from differences of second order over points `gap` away and farther.
    fn one_sided(self, x: f64, gap: f64) -> Result<(f64, f64)> {
        const STEP: f64 = 2e-5;
        let at = |side: f64| [0.0, 1.0, 2.0].map(|k| x + side * (gap + k * STEP));
        let slope = |v: &[f64]| (4.0 * v[1] - 3.0 * v[0] - v[2]) / (2.0 * STEP);
        let (left, right) = (self.values(&at(-1.0))?, self.values(&at(1.0))?);
        Ok((-slope(&left), slope(&right)))
    }
}

/// What the slope changes by at each inner one of evenly spaced `values`.
fn slope_jumps(values: &[f64], step: f64) -> Vec<f64> {
    values.windows(3).map(|v| (v[2] - 2.0 * v[1] + v[0]) / step).collect()
}

/// The local maxima of `heights` and its ends, the highest and of equals the nearest to 0 first.
fn summits(xs: &[f64], heights: &[f64]) -> Vec<usize> {
    let last = heights.len() - 1;
    let inner = (1..last).filter(|&i| {
        let (before, here, after) = (heights[i - 1], heights[i], heights[i + 1]);
        here >= before && here >= after && (here > before || here > after)
    });
    let mut list: Vec<usize> = inner.chain([0, last]).collect();
    list.sort_by(|&a, &b| heights[b].total_cmp(&heights[a]).then(xs[a].abs().total_cmp(&xs[b].abs())));
    list.truncate(CANDIDATES);
    list
}
