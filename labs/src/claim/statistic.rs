//! A quantity made of findings, and how far chance could move it.

use super::relation::{Formula, Range, slope};
use crate::finding::Mean;
use crate::rng::{Stream, stream};
use crate::stats;
use crate::{Finding, Interval};
use exmex::Express;
use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

/// Resamples of the bootstrap.
const RESAMPLES: usize = 4000;
/// Below so many observations a bootstrap has too few different resamples for 95 %: its widest interval
/// is from the smallest to the largest observation, which misses the centre in 2 of 2^n cases.
const FEWEST: usize = 6;

/// How findings become one number.
#[derive(Debug, Clone)]
pub(crate) enum Statistic {
    /// The finding itself.
    Value,
    /// The first less the second.
    Difference,
    /// The first over the second.
    Ratio,
    /// Of the line through all at these x.
    Slope {
        /// x of each, its logarithm where that is asked for.
        at: Vec<f64>,
        /// Whether y is taken as its natural logarithm.
        log_y: bool,
    },
    /// The smallest step from one to the next, times this sign.
    SmallestStep {
        /// 1 for a rise, -1 for a fall.
        sign: f64,
    },
    /// The first over a formula of the others.
    OverFormula {
        /// The formula.
        expression: Box<Formula>,
        /// Its variables in its order: a number, or `None` for the next finding.
        known: Vec<Option<f64>>,
    },
}

/// A quantity and the range in which a sentence, if true, puts it.
#[derive(Debug, Clone)]
pub struct Test {
    /// What is tested, in words: `a - b`.
    pub quantity: String,
    /// The findings that it is made of, in the statistic's order.
    pub findings: Vec<String>,
    /// How it is made.
    pub(crate) statistic: Statistic,
    /// Where the sentence puts it.
    pub range: Range,
}

impl Test {
    pub(super) fn new(quantity: String, findings: Vec<String>, statistic: Statistic, range: Range) -> Self {
        Self { quantity, findings, statistic, range }
    }

    /// Whether the quantity has the findings' unit.
    pub(super) fn keeps_unit(&self) -> bool {
        matches!(self.statistic, Statistic::Value | Statistic::Difference | Statistic::SmallestStep { .. })
    }

    /// The quantity of `findings` (those of [`Test::findings`], in that order) with its 95 % interval;
    /// no interval where an observation is missing or not finite.
    ///
    /// Observations are what is independent: a run's networks or, over several seeds, the seeds; those
    /// of one index belong together. From 6 of them on the interval is the percentile bootstrap's with
    /// Hesterberg's correction for small samples (2015, "What teachers should know about the
    /// bootstrap", section 5.3); below, Student's on the jackknife. Findings that are computed, or that
    /// come with an interval of their own, move the quantity by what their ends change.
    #[must_use]
    pub fn measure(&self, findings: &[&Finding]) -> (f64, Option<Interval>) {
        let centres: Vec<f64> = findings.iter().map(|f| centre(f, &f.samples)).collect();
        let value = self.statistic.of(&centres);
        (value, self.interval(findings, &centres, value))
    }

    fn interval(&self, findings: &[&Finding], centres: &[f64], value: f64) -> Option<Interval> {
        // A single finding that knows better what it is: a count's exact limits, a median's.
        if let (Statistic::Value, [finding]) = (&self.statistic, findings)
            && (finding.own_interval || finding.samples.len() < 2)
        {
            return finding.interval.filter(|i| i.low.is_finite() && i.high.is_finite());
        }
        let sampled = |f: &Finding| f.samples.len() >= 2 && !f.own_interval;
        let lost = findings.iter().any(|f| sampled(f) && !all_usable(f));
        let bare = findings.iter().any(|f| !sampled(f) && f.interval.is_none());
        if lost || bare || !value.is_finite() {
            return None;
        }
        let n = findings.iter().filter(|f| sampled(f)).map(|f| f.samples.len()).min();
        let (mut low, mut high) = match n {
            None => (value, value),
            Some(n) if n < FEWEST => self.jackknife(findings, centres, &sampled, n)?,
            Some(n) => self.bootstrap(findings, centres, &sampled, n)?,
        };
        for (k, finding) in findings.iter().enumerate().filter(|(_, f)| !sampled(f)) {
            let ends = finding.interval.map(|i| [i.low, i.high])?;
            let moved = ends.map(|end| self.with(centres, k, end) - value);
            low += moved[0].min(moved[1]).min(0.0);
            high += moved[0].max(moved[1]).max(0.0);
        }
        let counted = n.unwrap_or_else(|| findings.iter().filter_map(|f| f.interval).map(|i| i.n).min().unwrap_or(1));
        (low.is_finite() && high.is_finite()).then_some(Interval { low, high, n: counted })
    }

    fn with(&self, centres: &[f64], k: usize, value: f64) -> f64 {
        let mut changed = centres.to_vec();
        changed[k] = value;
        self.statistic.of(&changed)
    }

    fn bootstrap(
        &self,
        findings: &[&Finding],
        centres: &[f64],
        sampled: &dyn Fn(&Finding) -> bool,
        n: usize,
    ) -> Option<(f64, f64)> {
        let paired = findings.iter().filter(|f| sampled(f)).all(|f| f.samples.len() == n);
        // One seed for all: the same findings always have the same interval.
        let mut random = stream(0, "bootstrap", 0);
        let mut values = Vec::with_capacity(RESAMPLES);
        for _ in 0..RESAMPLES {
            let shared = draw(&mut random, n);
            let mut means = centres.to_vec();
            for (k, f) in findings.iter().enumerate().filter(|(_, f)| sampled(f)) {
                let rows = if paired { shared.clone() } else { draw(&mut random, f.samples.len()) };
                means[k] = centre(f, &rows.iter().map(|i| f.samples[*i]).collect::<Vec<_>>());
            }
            values.push(self.statistic.of(&means));
        }
        values.sort_by(f64::total_cmp);
        let tail = expanded_tail(n)?;
        Some((quantile(&values, tail), quantile(&values, 1.0 - tail)))
    }

    fn jackknife(
        &self,
        findings: &[&Finding],
        centres: &[f64],
        sampled: &dyn Fn(&Finding) -> bool,
        n: usize,
    ) -> Option<(f64, f64)> {
        let log = self.is_factor(findings);
        let scale = |v: f64| if log { v.ln() } else { v };
        let paired = findings.iter().filter(|f| sampled(f)).all(|f| f.samples.len() == n);
        let groups: Vec<Vec<usize>> = if paired {
            vec![(0..findings.len()).filter(|k| sampled(findings[*k])).collect()]
        } else {
            (0..findings.len()).filter(|k| sampled(findings[*k])).map(|k| vec![k]).collect()
        };
        let mut variance = 0.0;
        for group in groups {
            let size = findings[group[0]].samples.len();
            let without: Vec<f64> = (0..size)
                .map(|left| {
                    let mut means = centres.to_vec();
                    for &k in &group {
                        let kept = findings[k].samples.iter().enumerate().filter(|(i, _)| *i != left).map(|(_, v)| *v);
                        means[k] = centre(findings[k], &kept.collect::<Vec<_>>());
                    }
                    scale(self.statistic.of(&means))
                })
                .collect();
            let mean = stats::mean(&without);
            let squares: f64 = without.iter().map(|v| (v - mean).powi(2)).sum();
            variance += squares * (size as f64 - 1.0) / size as f64;
        }
        let t = StudentsT::new(0.0, 1.0, n as f64 - 1.0).ok()?.inverse_cdf(0.975);
        let (middle, half) = (scale(self.statistic.of(centres)), t * variance.sqrt());
        let back = |v: f64| if log { v.exp() } else { v };
        let ends = (back(middle - half), back(middle + half));
        (ends.0.is_finite() && ends.1.is_finite()).then_some(ends)
    }

    /// Whether the quantity differs by factors, so that its logarithm is nearer to Gaussian.
    fn is_factor(&self, findings: &[&Finding]) -> bool {
        let geometric = findings.iter().any(|f| f.mean == Mean::Geometric);
        let ratio = matches!(self.statistic, Statistic::Ratio | Statistic::OverFormula { .. });
        let positive = findings.iter().all(|f| f.value > 0.0 && f.samples.iter().all(|v| *v > 0.0));
        positive && (ratio || (geometric && matches!(self.statistic, Statistic::Value)))
    }
}

impl Statistic {
    /// The number of these values, in the findings' order.
    #[must_use]
    pub fn of(&self, values: &[f64]) -> f64 {
        match (self, values) {
            (Self::Value, [value, ..]) => *value,
            (Self::Difference, [a, b, ..]) => a - b,
            (Self::Ratio, [a, b, ..]) => a / b,
            (Self::Slope { at, log_y }, _) => slope(values, at, *log_y),
            (Self::SmallestStep { sign }, _) => {
                let steps: Vec<f64> = values.windows(2).map(|w| sign * (w[1] - w[0])).collect();
                let lost = steps.iter().any(|s| s.is_nan());
                if lost { f64::NAN } else { steps.into_iter().fold(f64::INFINITY, f64::min) }
            }
            (Self::OverFormula { expression, known }, [value, rest @ ..]) => {
                let mut rest = rest.iter();
                let inputs: Option<Vec<f64>> = known.iter().map(|v| v.or_else(|| rest.next().copied())).collect();
                inputs.and_then(|inputs| expression.eval(&inputs).ok()).map_or(f64::NAN, |formula| value / formula)
            }
            _ => f64::NAN,
        }
    }
}

/// The mean of `samples` as the finding averages; its value where there is none.
fn centre(finding: &Finding, samples: &[f64]) -> f64 {
    match finding.mean {
        _ if samples.is_empty() || finding.own_interval => finding.value,
        Mean::Arithmetic | Mean::Share => stats::mean(samples),
        Mean::Geometric => (samples.iter().map(|v| v.ln()).sum::<f64>() / samples.len() as f64).exp(),
        Mean::Median => stats::median(samples),
        Mean::Exact => finding.value,
    }
}

fn all_usable(finding: &Finding) -> bool {
    let positive = finding.mean == Mean::Geometric;
    finding.samples.iter().all(|v| v.is_finite() && (!positive || *v > 0.0))
}

fn draw(random: &mut Stream, n: usize) -> Vec<usize> {
    (0..n).map(|_| random.below(n)).collect()
}

/// The share of resamples beyond each end: wider than 2.5 %, as Student's quantile is wider than the
/// normal one and as the resamples' spread is too small by sqrt((n - 1) / n).
fn expanded_tail(n: usize) -> Option<f64> {
    let n = n as f64;
    let t = StudentsT::new(0.0, 1.0, n - 1.0).ok()?.inverse_cdf(0.975);
    Some(Normal::new(0.0, 1.0).ok()?.cdf(-t * (n / (n - 1.0)).sqrt()))
}

/// Of sorted values, between the two nearest.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let (below, above) = (place.floor() as usize, place.ceil() as usize);
    sorted[below] + (sorted[above] - sorted[below]) * (place - place.floor())
}
