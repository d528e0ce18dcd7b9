//! Weights just drawn: their distribution, and whether their variance is the one of the formula.

use super::gains;
use super::setup::Setup;
use super::step_zero::flat;
use super::variance::{Law, binomial_interval, fisher, spread_ratio, variance_p};
use crate::figure::{Axis, Figure, Histograms, Kind, Table, readable};
use crate::nn::init::SPARSE_INPUTS;
use crate::nn::residual::{blocks_of, fixup_factor};
use crate::nn::scheme::{LSUV_TOLERANCE, LsuvReport};
use crate::nn::{Init, Scheme};
use crate::stats::mean;
use crate::work::Work;
use crate::{Finding, Result};
use libm::erf;
use statrs::distribution::{Beta, ContinuousCDF};

/// A scheme fails below this combined p: among twenty schemes that are right, one run in fifty shows a
/// failure.
const LEVEL: f64 = 0.001;
/// Rounding of a sum of squares in f64, or of draws in f32.
const EXACT: f64 = 1e-5;
const BINS: usize = 64;
const REACH: f64 = 4.0;

/// What a matrix of a scheme should be.
enum Target {
    /// Every element this.
    Same(f64),
    /// Independent draws of this variance.
    Random(Law, f64),
    /// The same, but that all but so many elements of each row are 0.
    Sparse(usize, f64),
    /// The mean square is this, not by chance.
    MeanSquare(f64),
    /// It depends on the data.
    Unknown,
}

/// What is known of one scheme.
struct Row {
    scheme: Scheme,
    formula: String,
    /// Standard deviation that the first hidden-to-hidden matrix should have.
    expected: Option<f64>,
    /// The one that it has, for each network.
    measured: Vec<f64>,
    /// Mean over a network's random or exact matrices of measured over expected.
    ratios: Vec<f64>,
    ps: Vec<f64>,
    /// Whether what is not left to chance is as it should be.
    exact: bool,
    lsuv: LsuvReport,
}

pub struct Weights {
    rows: Vec<Row>,
    histograms: Histograms,
    done: usize,
    total: usize,
    cost: f64,
}

impl Weights {
    pub fn new(setup: &Setup) -> Result<Self> {
        let s = &setup.settings;
        let row = |scheme: Scheme| Row {
            scheme,
            formula: scheme.formula((s.width, s.width), setup.gain, s.depth),
            expected: target(scheme, "hidden.1.weight", (s.width, s.width), setup).std(s.width),
            measured: vec![],
            ratios: vec![],
            ps: vec![],
            exact: true,
            lsuv: LsuvReport::default(),
        };
        let rows: Vec<Row> = s.schemes()?.into_iter().map(row).collect();
        let axis = Axis::linear("weight over its expected standard deviation");
        let histograms = Histograms::new(axis, "scheme", (-REACH, REACH), BINS);
        let cost = (s.width * s.width * s.depth) as f64 * 3e-5;
        Ok(Self { total: rows.len() * s.nets, rows, histograms, done: 0, cost })
    }

    fn measure(&mut self, setup: &Setup) -> Result<()> {
        let (which, index) = (self.done % self.rows.len(), self.done / self.rows.len());
        let row = &mut self.rows[which];
        // Networks of one index share their draws whatever the scheme; their p would not be independent.
        let built = setup.built(row.scheme, (which * setup.settings.nets + index) as u64)?;
        let mut ratios = Vec::new();
        for (i, (name, var)) in built.net.hidden_weights().iter().enumerate() {
            let (shape, values) = (var.dims2()?, flat(var)?);
            let target = target(row.scheme, name, shape, setup);
            row.judge(&target, shape.1, &values, &mut ratios);
            if i == 1 {
                // About 0, as it enters the next layer; equal weights have no spread.
                let same = matches!(target, Target::Same(_));
                row.measured.push(if same { spread(&values) } else { spread_ratio(&values, 1.0) });
                if index == 0 {
                    push_histogram(&mut self.histograms, row, &target, shape, &values);
                }
            }
        }
        if !ratios.is_empty() {
            row.ratios.push(mean(&ratios));
        }
        if let Some(report) = built.lsuv {
            row.lsuv.iterations.extend(report.iterations);
            row.lsuv.variances.extend(report.variances);
        }
        Ok(())
    }

    fn histograms_figure(&self) -> Figure {
        let caption = if self.histograms.rows.is_empty() {
            "Nothing measured yet.".into()
        } else {
            "Weights between the first two hidden layers of one network, each over the standard deviation that its formula promises; lines: the density that they should have. Elements that are exactly 0 are left out.".into()
        };
        Figure {
            id: "weight-histograms".into(),
            title: "Weights just drawn".into(),
            caption,
            kind: Kind::Histograms(self.histograms.clone()),
        }
    }

    fn table(&self) -> Figure {
        let head = ["scheme", "standard deviation", "expected", "measured", "p", "verdict"];
        let text = |v: Option<f64>| v.map_or_else(|| "–".into(), readable);
        let rows = self.rows.iter().map(|r| {
            let measured = (!r.measured.is_empty()).then(|| mean(&r.measured));
            let cells = [text(r.expected), text(measured), text(fisher(&r.ps)), r.verdict()];
            [vec![r.scheme.name().to_string(), r.formula.clone()], cells.to_vec()].concat()
        });
        let (failed, tested) = (self.failed(), self.rows.iter().filter(|r| !r.measured.is_empty()).count());
        let caption = if tested == 0 {
            "Nothing measured yet.".into()
        } else {
            format!(
                "Schemes tested: {tested}; off the promised spread: {}. p: chi-square of (n - 1) s^2 / sigma^2 (uniform: by its kurtosis) over all hidden matrices of {} networks, combined after Fisher; a scheme fails below {LEVEL}.",
                if failed.is_empty() { "none".into() } else { failed.join(", ") },
                self.rows.iter().map(|r| r.measured.len()).max().unwrap_or(0)
            )
        };
        let kind = Kind::Table(Table { columns: head.map(String::from).to_vec(), rows: rows.collect() });
        Figure { id: "weight-variance".into(), title: "Is the variance the promised one?".into(), caption, kind }
    }

    fn failed(&self) -> Vec<&'static str> {
        self.rows.iter().filter(|r| !r.passes()).map(|r| r.scheme.name()).collect()
    }
}

/// The largest difference between two of `values`.
fn spread(values: &[f64]) -> f64 {
    let (low, high) = values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(*v), b.max(*v)));
    high - low
}

/// What the hidden matrix `name` of shape [fan-out, fan-in] should be under `scheme`.
fn target(scheme: Scheme, name: &str, (fan_out, fan_in): (usize, usize), setup: &Setup) -> Target {
    let gain = setup.gain;
    let variance = gain * gain * scheme.base().variance(fan_in, fan_out);
    match scheme {
        Scheme::Each(Init::Zero) => Target::Same(0.0),
        Scheme::Each(Init::Constant) => Target::Same(gain / fan_in as f64),
        Scheme::Each(Init::Sparse) => Target::Sparse(fan_in.min(SPARSE_INPUTS), gain * gain),
        Scheme::Each(Init::Orthogonal) => Target::MeanSquare(variance),
        Scheme::Each(Init::UniformFanIn | Init::LecunUniform | Init::XavierUniform | Init::HeUniform) => {
            Target::Random(Law::Uniform, variance)
        }
        Scheme::Lsuv => Target::Unknown,
        Scheme::Fixup if name.ends_with("second") => Target::Same(0.0),
        Scheme::Fixup if name != "stem.weight" => {
            let factor = fixup_factor(blocks_of(setup.settings.depth));
            Target::Random(Law::Normal, variance * factor.powi(2))
        }
        Scheme::Each(_) | Scheme::ZeroGamma | Scheme::Fixup => Target::Random(Law::Normal, variance),
    }
}

impl Target {
    /// The standard deviation of an element; of equal ones 0.
    fn std(&self, fan_in: usize) -> Option<f64> {
        match self {
            Self::Same(_) => Some(0.0),
            Self::Random(_, variance) | Self::MeanSquare(variance) => Some(variance.sqrt()),
            Self::Sparse(kept, variance) => Some((variance * *kept as f64 / fan_in as f64).sqrt()),
            Self::Unknown => None,
        }
    }
}

impl Row {
    fn judge(&mut self, target: &Target, fan_in: usize, values: &[f64], ratios: &mut Vec<f64>) {
        match target {
            Target::Same(value) => {
                let close = |v: &f64| (v - value).abs() <= EXACT * value.abs();
                self.exact &= values.iter().all(close);
            }
            Target::MeanSquare(square) => {
                let ratio = spread_ratio(values, *square);
                self.exact &= (ratio - 1.0).abs() < EXACT;
                ratios.push(ratio);
            }
            Target::Random(law, variance) => {
                self.ps.extend(variance_p(*law, values, *variance));
                ratios.push(spread_ratio(values, *variance));
            }
            Target::Sparse(kept, variance) => {
                let drawn: Vec<f64> = values.iter().copied().filter(|v| *v != 0.0).collect();
                let count = |row: &[f64]| row.iter().filter(|v| **v != 0.0).count() == *kept;
                self.exact &= values.chunks(fan_in).all(count);
                self.ps.extend(variance_p(Law::Normal, &drawn, *variance));
                ratios.push(spread_ratio(&drawn, *variance));
            }
            Target::Unknown => {}
        }
    }

    fn passes(&self) -> bool {
        let scaled = self.lsuv.variances.iter().all(|v| (v - 1.0).abs() < LSUV_TOLERANCE);
        self.exact && scaled && fisher(&self.ps).is_none_or(|p| p >= LEVEL)
    }

    fn verdict(&self) -> String {
        if self.measured.is_empty() {
            return "–".into();
        }
        if let Some(most) = self.lsuv.iterations.iter().max() {
            let low = self.lsuv.variances.iter().copied().fold(f64::INFINITY, f64::min);
            let high = self.lsuv.variances.iter().copied().fold(0.0, f64::max);
            let (low, high) = (readable(low), readable(high));
            return format!("pre-activation variance {low} to {high}; scalings of a layer: {most} at most");
        }
        let words = match (self.passes(), self.ps.is_empty()) {
            (true, true) => "exactly as stated",
            (true, false) => "as stated",
            (false, _) => "not as stated",
        };
        words.into()
    }
}

/// Adds a row of `values` over the expected standard deviation, with the density expected of them.
fn push_histogram(to: &mut Histograms, row: &Row, target: &Target, shape: (usize, usize), values: &[f64]) {
    let unit = match target {
        Target::Same(value) => value.abs(),
        _ => target.std(shape.1).unwrap_or_else(|| spread_ratio(values, 1.0)),
    };
    let zeros = values.iter().filter(|v| **v == 0.0).count();
    let scaled: Vec<f64> = values.iter().map(|v| if *v == 0.0 { f64::NAN } else { v / unit }).collect();
    let std = format!("std {}", readable(spread_ratio(values, 1.0)));
    let summary = match target {
        Target::Same(value) => format!("all {}", readable(*value)),
        _ if zeros > 0 => format!("{std}, {zeros} of {} are 0", values.len()),
        _ => std,
    };
    to.push(row.scheme.name(), &scaled, summary);
    let expected: Option<Vec<f64>> = to
        .edges
        .windows(2)
        .map(|e| Some((below(target, shape, e[1])? - below(target, shape, e[0])?) / (e[1] - e[0])))
        .collect();
    if let Some(row) = to.rows.last_mut() {
        row.expected = expected;
    }
}

/// The share of elements that should lie below `u` of the units of [`push_histogram`], up to a constant.
fn below(target: &Target, (fan_out, fan_in): (usize, usize), u: f64) -> Option<f64> {
    let normal = |u: f64| 0.5 * erf(u * std::f64::consts::FRAC_1_SQRT_2);
    let bound = 3.0_f64.sqrt();
    match target {
        Target::Random(Law::Normal, _) => Some(normal(u)),
        Target::Random(Law::Uniform, _) => Some(u.clamp(-bound, bound) / (2.0 * bound)),
        Target::Sparse(kept, _) => {
            let share = *kept as f64 / fan_in as f64;
            Some(share * normal(u * share.sqrt()))
        }
        // An element of a random unit vector of n: its square is Beta(1/2, (n - 1)/2).
        Target::MeanSquare(_) | Target::Unknown => {
            let n = fan_in.max(fan_out) as f64;
            let square = Beta::new(0.5, 0.5 * (n - 1.0)).ok()?.cdf((u * u / n).min(1.0));
            Some(0.5 * square * u.signum())
        }
        Target::Same(_) => None,
    }
}

impl Work<Setup> for Weights {
    fn title(&self) -> &'static str {
        "weights just drawn"
    }

    fn stage(&self) -> String {
        format!("weights just drawn, network {} of {}", (self.done + 1).min(self.total), self.total)
    }

    fn cost(&self) -> (f64, f64) {
        (self.cost * self.total as f64, self.cost * self.done as f64)
    }

    fn step(&mut self, setup: &Setup) -> Result<bool> {
        if self.done < self.total {
            self.measure(setup)?;
            self.done += 1;
        }
        Ok(self.done < self.total)
    }

    fn figures(&self, setup: &Setup) -> Vec<Figure> {
        vec![self.histograms_figure(), self.table(), gains::figure(setup.settings.activation)]
    }

    fn findings(&self, _: &Setup) -> Vec<Finding> {
        let mut list = Vec::new();
        for row in &self.rows {
            let name = row.scheme.name();
            let random = matches!(row.expected, Some(std) if std > 0.0);
            if random {
                let meaning = format!("{name}: spread of the weights over the one of the formula");
                list.push(Finding::arithmetic(format!("{name}_std_ratio"), &row.ratios, meaning).predicted(Some(1.0)));
            }
            if random && row.scheme != Scheme::Each(Init::Orthogonal) {
                let p = fisher(&row.ps).unwrap_or(f64::NAN);
                let meaning = format!("{name}: probability of variances at least as far from the formula's by chance");
                list.push(Finding::new(format!("{name}_variance_p"), p, meaning).not_averaged());
            }
        }
        let ps: Vec<f64> = self.rows.iter().flat_map(|r| r.ps.iter().copied()).collect();
        let hits = ps.iter().filter(|p| **p < 0.05).count();
        let meaning = "share of the random matrices whose variance test has p below 0.05";
        let share = if ps.is_empty() { f64::NAN } else { hits as f64 / ps.len() as f64 };
        let interval = binomial_interval(hits, ps.len());
        list.push(Finding::new("variance_rejected", share, meaning).interval(interval).predicted(Some(0.05)));
        if let Some(row) = self.rows.iter().find(|r| r.scheme == Scheme::Lsuv) {
            let most = row.lsuv.iterations.iter().max().map_or(f64::NAN, |n| *n as f64);
            list.push(Finding::new("lsuv_iterations", most, "times that LSUV scaled a layer, at most"));
        }
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::stream;

    #[test]
    fn weights_that_are_not_as_stated_fail() {
        let row = |scheme| Row {
            scheme,
            formula: String::new(),
            expected: None,
            measured: vec![1.0],
            ratios: vec![],
            ps: vec![],
            exact: true,
            lsuv: LsuvReport::default(),
        };
        let judged = |target: &Target, values: &[f64]| {
            let mut row = row(Scheme::Lsuv);
            row.judge(target, 64, values, &mut vec![]);
            row.passes()
        };
        let draws = stream(4, "weights", 0).normals(64 * 64);
        let normal = |variance: f64| Target::Random(Law::Normal, variance);
        assert!(judged(&normal(1.0), &draws));
        // 10 % in the standard deviation.
        assert!(!judged(&normal(1.21), &draws) && !judged(&normal(1.0 / 1.21), &draws));
        assert!(judged(&Target::Same(0.0), &[0.0; 64]) && !judged(&Target::Same(0.0), &[1e-9; 64]));
        assert!(!judged(&Target::MeanSquare(1.0), &draws));
        let mut sparse = vec![0.0; 64 * 64];
        for (r, draw) in draws.chunks(15).take(64).enumerate() {
            sparse[64 * r..64 * r + 15].copy_from_slice(draw);
        }
        assert!(judged(&Target::Sparse(15, 1.0), &sparse));
        sparse[20] = 1.0;
        assert!(!judged(&Target::Sparse(15, 1.0), &sparse));
    }

    #[test]
    fn expected_densities_integrate_to_one_and_have_unit_variance() {
        let uniform = Target::Random(Law::Uniform, 1.0);
        let targets = [Target::Random(Law::Normal, 1.0), uniform, Target::MeanSquare(1.0)];
        for target in &targets {
            let at = |i: i32| f64::from(i) * 0.01;
            let cell = |i: i32| below(target, (64, 64), at(i + 1)).unwrap() - below(target, (64, 64), at(i)).unwrap();
            let total: f64 = (-800..800).map(cell).sum();
            let variance: f64 = (-800..800).map(|i| cell(i) * (at(i) + 0.005).powi(2)).sum();
            assert!((total - 1.0).abs() < 1e-6 && (variance - 1.0).abs() < 1e-3, "{total} {variance}");
        }
    }
}
