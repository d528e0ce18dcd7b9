//! Learning curves: errors over the number of training samples, of the settings' network without and with dropout
//! and of a linear softmax classifier; every one is trained for as many steps.

use super::fit::{Snapshot, Spec};
use super::pool::{Job, Pool, dropout_alone, linear, means};
use super::setup::{Draw, Setup};
use super::{Regularizers, average};
use crate::figure::{Axis, Figure, Kind, Lines, Role, Series, readable};
use crate::stats::{fit_line, mean, share_interval, t_interval};
use crate::trainer::Network;
use crate::work::Work;
use crate::{Finding, Result};

/// The models: names of findings, and of series.
const MODELS: [(&str, &str); 3] = [("plain", "plain"), ("dropout", "with dropout"), ("softmax", "linear softmax")];
const PLAIN: usize = 0;
const DROPOUT: usize = 1;
const SOFTMAX: usize = 2;
/// Bits of a weight, for the bound that counts networks.
const BITS: f64 = 32.0;
/// The chance with which that bound may fail.
const DELTA: f64 = 0.05;

/// A number of training samples.
struct Size {
    /// As in the findings' names: a number, or `all`.
    name: String,
    samples: usize,
}

/// The part `sizes`.
pub struct Sizes {
    sets: Vec<Size>,
    /// Cells: the models in turn, size by size.
    pool: Pool<Snapshot>,
    /// Of the settings' network.
    parameters: usize,
    messages: Vec<String>,
}

impl Sizes {
    /// `nets` networks for each model and size; samples of a smaller set are part of the larger ones.
    pub fn new(setup: &Setup) -> Result<Self> {
        let available = setup.data.train.len();
        let (wanted, mut messages) = (setup.settings.sample_sizes()?, Vec::new());
        let mut sizes = Vec::new();
        for size in wanted {
            match size {
                None => sizes.push(Size { name: "all".into(), samples: available }),
                Some(n) if n <= available => sizes.push(Size { name: n.to_string(), samples: n }),
                Some(n) => messages.push(format!("sizes: {n} is left out, '{}' has {available}", setup.data.name)),
            }
        }
        let mut jobs = Vec::new();
        for index in 0..setup.settings.nets {
            for (s, size) in sizes.iter().enumerate() {
                for model in 0..MODELS.len() {
                    let draw = Draw { samples: size.samples, ..setup.draw(index as u64) };
                    jobs.push(Job { cell: MODELS.len() * s + model, index, draw, spec: spec(setup, model) });
                }
            }
        }
        let net = setup.network(&setup.architecture, &Regularizers::none(), 0)?;
        let parameters = net.parameters().iter().map(|(_, var)| var.elem_count()).sum();
        Ok(Self { sets: sizes, pool: Pool::new(setup, jobs, |_, fit| Ok(average::end(fit))), parameters, messages })
    }

    fn values(&self, size: usize, model: usize, of: fn(&Snapshot) -> f64) -> Vec<f64> {
        self.pool.values(MODELS.len() * size + model, of)
    }

    fn measured(&self, model: usize, of: fn(&Snapshot) -> f64) -> Vec<(f64, Vec<f64>)> {
        let at = |(s, size): (usize, &Size)| (size.samples as f64, self.values(s, model, of));
        self.sets.iter().enumerate().map(at).collect()
    }

    /// The slope of ln(test error) over ln(samples), network by network: the exponent of a power law. NaN where an
    /// error is 0.
    fn slopes(&self, model: usize) -> Vec<f64> {
        let measured = self.measured(model, test_error);
        let networks = measured.iter().map(|(_, values)| values.len()).min().unwrap_or(0);
        let slope = |i: usize| {
            let points: Vec<_> = measured.iter().map(|(n, values)| (n.ln(), values[i].ln())).collect();
            let whole = points.iter().all(|point| point.1.is_finite());
            fit_line(&points).filter(|_| whole).map_or(f64::NAN, |line| line.slope)
        };
        (0..networks).map(slope).collect()
    }

    /// First model's error less the second's, network by network.
    fn difference(&self, size: usize, (first, second): (usize, usize)) -> Vec<f64> {
        let (a, b) = (self.values(size, first, test_error), self.values(size, second, test_error));
        a.iter().zip(&b).map(|(a, b)| a - b).collect()
    }

    fn error(&self, size: usize, model: usize) -> f64 {
        self.pool.mean(MODELS.len() * size + model, test_error)
    }

    fn caption(&self) -> String {
        let (Some(first), Some(last)) = (self.sets.first(), self.sets.len().checked_sub(1)) else {
            return "Nothing measured yet.".into();
        };
        if self.pool.kept(MODELS.len() * last + SOFTMAX).is_empty() {
            return "Nothing measured yet.".into();
        }
        let told: Vec<String> = (0..MODELS.len())
            .map(|m| {
                let slope = readable(mean(&self.slopes(m)));
                let (a, b) = (readable(self.error(0, m)), readable(self.error(last, m)));
                format!("{} from {a} to {b} (exponent {slope})", MODELS[m].1)
            })
            .collect();
        let (from, to) = (first.samples, self.sets[last].samples);
        format!("From {from} to {to} training samples the test error goes: {}.", told.join(", "))
    }

    fn gap_caption(&self) -> String {
        let Some(last) = self.sets.len().checked_sub(1) else { return "Nothing measured yet.".into() };
        if self.pool.kept(MODELS.len() * last + SOFTMAX).is_empty() {
            return "Nothing measured yet.".into();
        }
        let at = |size: usize, model: usize| readable(self.pool.mean(MODELS.len() * size + model, gap));
        format!(
            "With {} training samples the test error lies {} above the training error without dropout and {} with it; with {} samples {} and {}.",
            self.sets[0].samples,
            at(0, PLAIN),
            at(0, DROPOUT),
            self.sets[last].samples,
            at(last, PLAIN),
            at(last, DROPOUT)
        )
    }

    fn errors(&self) -> Figure {
        let x = Axis::log10("training samples");
        let mut series = Vec::new();
        for (m, (_, name)) in MODELS.iter().enumerate() {
            let measured = means(*name, &self.measured(m, test_error), share_interval);
            let line = power_law(format!("{name}, power law"), &measured.points);
            series.extend([measured, line]);
        }
        let y = Axis::log10_over("share of test samples wrong", &series);
        let kind = Kind::Lines(Lines { x, y, series, guides: vec![] });
        Figure { id: "sizes".into(), title: "Error over training samples".into(), caption: self.caption(), kind }
    }

    fn gaps(&self) -> Figure {
        let series = (0..MODELS.len()).map(|m| means(MODELS[m].1, &self.measured(m, gap), t_interval)).collect();
        let (x, y) = (Axis::log10("training samples"), Axis::linear("test error - training error"));
        let kind = Kind::Lines(Lines { x, y, series, guides: vec![] });
        Figure { id: "sizes-gap".into(), title: "Gap over training samples".into(), caption: self.gap_caption(), kind }
    }

    fn of_size(&self, s: usize) -> Vec<Finding> {
        let Size { name, samples } = &self.sets[s];
        let mut list = Vec::new();
        for (m, (model, words)) in MODELS.iter().enumerate() {
            let with = format!("{words}, {samples} training samples");
            let share = |what: &str, of, told: &str| {
                Finding::share(format!("{model}_{what}_{name}"), &self.values(s, m, of), format!("{told}: {with}"))
            };
            list.push(share("error", test_error, "test error"));
            list.push(share("train_error", |end| 1.0 - end.train.accuracy, "training error"));
            let meaning = format!("test error less training error: {with}");
            list.push(Finding::arithmetic(format!("{model}_gap_{name}"), &self.values(s, m, gap), meaning));
        }
        let meaning = format!("test error of the linear classifier less the plain network's, {samples} samples");
        list.push(Finding::arithmetic(format!("advantage_{name}"), &self.difference(s, (SOFTMAX, PLAIN)), meaning));
        let meaning = format!("test error without dropout less that with it, {samples} samples");
        list.push(Finding::arithmetic(format!("dropout_gain_{name}"), &self.difference(s, (PLAIN, DROPOUT)), meaning));
        list
    }
}

/// The network of `model` under the settings' training.
fn spec(setup: &Setup, model: usize) -> Spec {
    let own = setup.regularizers.clone();
    let dropout = Regularizers { layer_dropout: own.layer_dropout, ..dropout_alone(own.dropout) };
    // Whoever turns dropout off wants to see the other curves, not a second plain one.
    let dropout = if (0..setup.architecture.widths.len()).all(|l| dropout.dropout_of(l) == 0.0) {
        dropout_alone(0.5)
    } else {
        dropout
    };
    let regularizers = if model == DROPOUT { dropout } else { Regularizers::none() };
    let spec = Spec { evaluate_every: setup.settings.steps as u64, ..setup.spec(regularizers) };
    if model == SOFTMAX { linear(spec) } else { spec }
}

fn test_error(end: &Snapshot) -> f64 {
    1.0 - end.test.accuracy
}

fn gap(end: &Snapshot) -> f64 {
    end.train.accuracy - end.test.accuracy
}

/// The power law through `points` as a series.
fn power_law(name: String, points: &[(f64, f64)]) -> Series {
    let logs: Vec<_> = points.iter().map(|(x, y)| (x.ln(), y.ln())).collect();
    let ends = match (fit_line(&logs), points.first(), points.last()) {
        (Some(line), Some(first), Some(last)) => {
            [first.0, last.0].map(|x| (x, (line.intercept + line.slope * x.ln()).exp())).to_vec()
        }
        _ => vec![],
    };
    Series::new(name, Role::Fit, ends)
}

/// The largest difference of true and training error that one of `2^(BITS * parameters)` networks can have, with
/// probability 1 - delta (Shalev-Shwartz and Ben-David 2014, corollary 4.6 and remark 4.1):
/// `sqrt((BITS parameters ln 2 + ln(2 / delta)) / (2 samples))`. Above 1 it says nothing.
pub(super) fn counting_bound(parameters: usize, samples: usize) -> f64 {
    ((BITS * parameters as f64 * std::f64::consts::LN_2 + (2.0 / DELTA).ln()) / (2.0 * samples as f64)).sqrt()
}

impl Work<Setup> for Sizes {
    fn title(&self) -> &'static str {
        "sizes"
    }

    fn stage(&self) -> String {
        self.pool.stage()
    }

    fn cost(&self) -> (f64, f64) {
        self.pool.cost()
    }

    fn step(&mut self, setup: &Setup) -> Result<bool> {
        self.pool.step(setup)
    }

    fn figures(&self, _: &Setup) -> Vec<Figure> {
        vec![self.errors(), self.gaps()]
    }

    fn findings(&self, _: &Setup) -> Vec<Finding> {
        let mut list: Vec<Finding> = (0..self.sets.len()).flat_map(|s| self.of_size(s)).collect();
        for (m, (model, words)) in MODELS.iter().enumerate() {
            let meaning = format!("{words}: slope of ln(test error) over ln(samples)");
            list.push(Finding::arithmetic(format!("{model}_slope"), &self.slopes(m), meaning));
        }
        if let Some(largest) = self.sets.last() {
            let ratio = largest.samples as f64 / self.parameters as f64;
            let meaning = "training samples of the largest set for each parameter of the network";
            list.push(Finding::exact("samples_per_parameter", ratio, 0.0, meaning));
            let bound = counting_bound(self.parameters, largest.samples);
            let meaning = "uniform bound of test less training error that counts 32-bit networks; above 1: vacuous";
            list.push(Finding::exact("counting_bound", bound, 0.0, meaning));
        }
        list
    }

    fn trouble(&self) -> Option<String> {
        self.pool.trouble()
    }

    fn messages(&mut self) -> Vec<String> {
        let mut list = std::mem::take(&mut self.messages);
        list.extend(self.pool.messages());
        list
    }

    fn training_steps(&self) -> u64 {
        self.pool.training_steps()
    }
}
