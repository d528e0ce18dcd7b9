//! The ratio of the first layer's gradient to the last one's, over depths.

use super::setup::Setup;
use crate::cost::measure_cost;
use crate::figure::{Axis, Figure, Kind, Lines, Role, Series, readable};
use crate::mean_field;
use crate::nn::MlpConfig;
use crate::stats::{Line, fit_line, geometric, t_interval};
use crate::work::Work;
use crate::{Finding, Result};

const DEPTHS: [usize; 13] = [2, 3, 5, 7, 10, 15, 20, 30, 40, 50, 65, 80, 100];
/// Keeps the sweep's networks apart from the other parts' networks of the same seed.
const FIRST_NETWORK: u64 = 1 << 20;

/// A fit has to explain this much more of the variance than the other one to be named.
const CLEAR: f64 = 0.02;

/// What the ratio does with the depth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Law {
    Exponential,
    Power,
    Either,
    None,
}

pub struct Sweep {
    depths: Vec<usize>,
    nets: usize,
    /// For each depth, one ratio a network.
    ratios: Vec<Vec<f64>>,
    theory: Vec<Option<f64>>,
    costs: Vec<f64>,
}

impl Sweep {
    pub fn new(setup: &Setup) -> Result<Self> {
        let max = setup.settings.sweep_max;
        let mut depths: Vec<usize> = DEPTHS.into_iter().filter(|d| *d <= max).collect();
        if depths.last() != Some(&max) {
            depths.push(max);
        }
        let at = |depth: usize| MlpConfig { depth, ..setup.network() };
        let square = setup.input_square()?;
        let deepest = mean_field::layers(&at(max), square);
        // The layers of a shallower network are the first ones of a deeper network.
        let theory = |d: &usize| deepest.as_ref().map(|t| t.chi[..*d].iter().map(|c| c.sqrt()).product());
        let costs = depths.iter().map(|d| measure_cost(&at(*d), setup.settings.samples)).collect();
        Ok(Self {
            theory: depths.iter().map(theory).collect(),
            ratios: vec![Vec::new(); depths.len()],
            nets: setup.settings.nets,
            costs,
            depths,
        })
    }

    fn next(&self) -> Option<usize> {
        self.ratios.iter().position(|r| r.len() < self.nets)
    }

    /// (depth, ln ratio) of every network.
    fn logs(&self) -> Vec<(f64, f64)> {
        let pairs = self.depths.iter().zip(&self.ratios);
        pairs.flat_map(|(d, r)| r.iter().map(|v| (*d as f64, v.ln()))).collect()
    }

    /// ln ratio = a + b depth: a constant factor a layer.
    fn exponential(&self) -> Option<Line> {
        fit_line(&self.logs())
    }

    /// ln ratio = a + b ln depth: a power of the depth.
    fn power(&self) -> Option<Line> {
        fit_line(&self.logs().iter().map(|(d, v)| (d.ln(), *v)).collect::<Vec<_>>())
    }

    /// The slope of ln ratio over `x` of the depth for each network number, so that an interval can
    /// be given.
    fn slopes(&self, x: impl Fn(f64) -> f64) -> Vec<f64> {
        let one = |k: usize| {
            let pairs = self.depths.iter().zip(&self.ratios);
            let points: Vec<_> = pairs.filter_map(|(d, r)| Some((x(*d as f64), r.get(k)?.ln()))).collect();
            fit_line(&points).map(|l| l.slope)
        };
        (0..self.nets).filter_map(one).collect()
    }

    fn predicted_slope(&self, x: impl Fn(f64) -> f64) -> Option<f64> {
        let pairs = self.depths.iter().zip(&self.theory);
        let points: Vec<_> = pairs.filter_map(|(d, t)| Some((x(*d as f64), (*t)?.ln()))).collect();
        // A slope of 1e-16 is the rounding of none.
        fit_line(&points).map(|l| if l.slope.abs() < 1e-12 { 0.0 } else { l.slope })
    }

    fn series(&self) -> Vec<Series> {
        let mut measured = Series::new("measured", Role::Measured, vec![]);
        let mut band = Vec::new();
        for (depth, ratios) in self.depths.iter().zip(&self.ratios).filter(|(_, r)| !r.is_empty()) {
            let (value, interval) = geometric(ratios);
            measured.points.push((*depth as f64, value));
            band.push(interval.map_or((value, value), |i| (i.low, i.high)));
        }
        measured.band = Some(band);
        let theory = self.depths.iter().zip(&self.theory).filter_map(|(d, t)| Some((*d as f64, (*t)?)));
        let mut series = vec![measured, Series::new("mean field", Role::Theory, theory.collect())];
        let curve = |name: String, at: &dyn Fn(f64) -> f64| {
            Series::new(name, Role::Fit, self.depths.iter().map(|d| (*d as f64, at(*d as f64))).collect())
        };
        if let (Some(e), Some(p)) = (self.exponential(), self.power()) {
            if self.law() == Law::Power {
                series.push(curve(format!("fit L^{}", readable(p.slope)), &|d| (p.intercept + p.slope * d.ln()).exp()));
            } else {
                series
                    .push(curve(format!("fit {}^L", readable(e.slope.exp())), &|d| (e.intercept + e.slope * d).exp()));
            }
        }
        series
    }

    fn caption(&self, setup: &Setup) -> String {
        let what = setup.network().describe();
        if self.ratios.iter().all(Vec::is_empty) {
            return "Nothing measured yet.".into();
        }
        let (Some(e), Some(p)) = (self.exponential(), self.power()) else {
            return format!("{what}: too few networks have a gradient in their first layer for a law.");
        };
        let law = match self.law() {
            Law::Exponential => {
                format!(
                    "goes as {}^L (R² {} against {} for a power)",
                    readable(e.slope.exp()),
                    readable(e.r2),
                    readable(p.r2)
                )
            }
            Law::Power => {
                format!(
                    "goes as L^{} (R² {} against {} for an exponential)",
                    readable(p.slope),
                    readable(p.r2),
                    readable(e.r2)
                )
            }
            Law::None => format!("shows no trend over the depth that stands out ({} a layer)", readable(e.slope.exp())),
            Law::Either => format!(
                "changes with the depth, by {} a layer or as L^{}: the depths do not tell which",
                readable(e.slope.exp()),
                readable(p.slope)
            ),
        };
        format!("{what}: the ratio of the first to the last layer's gradient {law}.")
    }

    /// Which law the measurement shows: a trend whose interval leaves out zero, and the better fit.
    fn law(&self) -> Law {
        let (Some(e), Some(p)) = (self.exponential(), self.power()) else { return Law::None };
        let trend = |slopes: &[f64]| match t_interval(slopes) {
            Some(i) => i.low > 0.0 || i.high < 0.0,
            None => false,
        };
        if !trend(&self.slopes(|d| d)) && !trend(&self.slopes(f64::ln)) {
            Law::None
        } else if e.r2 > p.r2 + CLEAR {
            Law::Exponential
        } else if p.r2 > e.r2 + CLEAR {
            Law::Power
        } else {
            Law::Either
        }
    }

    /// For each network number, by how much more of the variance a power explains.
    fn margins(&self) -> Vec<f64> {
        let one = |k: usize| {
            let fit = |x: fn(f64) -> f64| {
                let pairs = self.depths.iter().zip(&self.ratios);
                let points: Vec<_> = pairs.filter_map(|(d, r)| Some((x(*d as f64), r.get(k)?.ln()))).collect();
                fit_line(&points).map(|l| l.r2)
            };
            Some(fit(f64::ln)? - fit(|d| d)?)
        };
        (0..self.nets).filter_map(one).collect()
    }
}

impl Work<Setup> for Sweep {
    fn title(&self) -> &'static str {
        "depth sweep"
    }

    fn stage(&self) -> String {
        match self.next() {
            Some(i) => format!("depth sweep, {} layers", self.depths[i]),
            None => "depth sweep".into(),
        }
    }

    fn cost(&self) -> (f64, f64) {
        let done = self.ratios.iter().zip(&self.costs).map(|(r, c)| r.len() as f64 * c).sum();
        (self.costs.iter().sum::<f64>() * self.nets as f64, done)
    }

    fn step(&mut self, setup: &Setup) -> Result<bool> {
        if let Some(i) = self.next() {
            let depth = self.depths[i];
            let index = FIRST_NETWORK + (depth * 64 + self.ratios[i].len()) as u64;
            let config = MlpConfig { depth, ..setup.network() };
            let norms = setup.measure(config, index, setup.settings.samples)?.input_norms()?;
            self.ratios[i].push(norms[0] / norms[depth]);
        }
        Ok(self.next().is_some())
    }

    fn figures(&self, setup: &Setup) -> Vec<Figure> {
        let series = self.series();
        let lines = Lines {
            x: Axis::linear("depth L / hidden layers").within(0.0, setup.settings.sweep_max as f64),
            y: Axis::log10_over("norm of dLoss/dh_0 over dLoss/dh_L", &series),
            series,
            guides: vec![("no change".into(), 1.0)],
        };
        vec![Figure {
            id: "depths".into(),
            title: "First to last layer, over depths".into(),
            caption: self.caption(setup),
            kind: Kind::Lines(lines),
        }]
    }

    fn findings(&self, _: &Setup) -> Vec<Finding> {
        let of = |line: Option<Line>, get: fn(Line) -> f64| line.map_or(f64::NAN, get);
        let factors: Vec<f64> = self.slopes(|d| d).into_iter().map(f64::exp).collect();
        let lost = self.ratios.iter().flatten().filter(|r| !r.is_finite() || **r == 0.0).count();
        let note = if lost > 0 {
            format!("{lost} networks have no gradient in their first layer and are left out")
        } else {
            String::new()
        };
        let mut findings = vec![
            Finding::geometric(
                "sweep_factor",
                &factors,
                "factor a layer of the first-to-last ratio, fitted over depths",
            )
            .predicted(self.predicted_slope(|d| d).map(f64::exp))
            .note(note),
            Finding::new(
                "sweep_r2_exponential",
                of(self.exponential(), |l| l.r2),
                "share of the variance that an exponential in the depth explains",
            ),
            Finding::arithmetic("sweep_power", &self.slopes(f64::ln), "exponent of the depth when a power is fitted")
                .predicted(self.predicted_slope(f64::ln)),
            Finding::new(
                "sweep_r2_power",
                of(self.power(), |l| l.r2),
                "share of the variance that a power of the depth explains",
            ),
            Finding::arithmetic(
                "sweep_power_margin",
                &self.margins(),
                "how much more of the variance a power explains than an exponential",
            ),
        ];
        for (i, depth) in self.depths.iter().enumerate().filter(|(_, d)| [10, 20, 50, 100].contains(*d)) {
            let meaning = format!("norm of dLoss/dh_0 over that of dLoss/dh_L at {depth} hidden layers");
            findings.push(
                Finding::geometric(format!("ratio_at_{depth}"), &self.ratios[i], meaning).predicted(self.theory[i]),
            );
        }
        findings
    }
}
