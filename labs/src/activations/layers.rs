//! Dead, saturated and silent units over training, and distributions layer by layer.

use super::setup::Setup;
use super::trained::{Load, Runner, grid, moments, next_moment, over_steps, stride};
use crate::activity::{Counting, LayerActivity, largest_slopes};
use crate::cost::pass_cost;
use crate::figure::{Axis, Figure, Histograms, Kind, Lines, Role, Series, readable};
use crate::nn::activation::Scalar;
use crate::nn::{Mlp, Mode, Nonlinearity};
use crate::stats::mean;
use crate::work::Work;
use crate::{Finding, Result};
use candle_core::{DType, Tensor};

/// Training samples whose activations are in the histograms.
const SAMPLES: usize = 128;
/// Rows of a histogram figure.
const ROWS: usize = 6;
const BINS: usize = 60;

/// One function's network.
struct Subject {
    runner: Runner,
    slug: String,
    name: String,
    largest: Vec<Option<f64>>,
    counting: Option<Counting>,
    /// (optimiser steps done, each hidden layer).
    history: Vec<(u64, Vec<LayerActivity>)>,
    /// Activations of the shown layers before the first step and after the last.
    values: [Vec<Vec<f64>>; 2],
    histograms: [Option<Histograms>; 2],
}

pub struct Layers {
    subjects: Vec<Subject>,
    functions: usize,
    total: u64,
    moments: Vec<u64>,
    cost: f64,
    /// The training set.
    all: Option<Tensor>,
    messages: Vec<String>,
}

impl Layers {
    pub fn new(setup: &Setup) -> Self {
        let total = setup.settings.steps as u64;
        let config = setup.network(&setup.data);
        Self {
            subjects: Vec::new(),
            functions: setup.list.len(),
            total,
            moments: moments(total, 20),
            cost: 1.5 * pass_cost(&config, setup.settings.recipe.batch),
            all: None,
            messages: Vec::new(),
        }
    }

    fn begin(&mut self, setup: &Setup) -> Result<()> {
        let rows: Vec<usize> = (0..setup.data.train.len()).collect();
        self.all = Some(setup.data.train.gather(setup.data.dim, &rows, &setup.device, DType::F32)?.0);
        for kind in &setup.list {
            self.subjects.push(Subject {
                runner: Runner::new(kind, setup.trainer(kind, &setup.data, 0)?),
                slug: kind.key(),
                name: kind.name(),
                largest: largest_slopes(kind, setup.settings.depth),
                counting: None,
                history: Vec::new(),
                values: Default::default(),
                histograms: Default::default(),
            });
        }
        Ok(())
    }

    /// Which subject is furthest behind, of those that are not through.
    fn turn(&self) -> Option<usize> {
        let open = |i: &usize| !self.subjects[*i].through(self.total);
        (0..self.subjects.len()).filter(open).min_by_key(|i| self.subjects[*i].history.len())
    }

    fn work(&mut self, setup: &Setup, turn: usize) -> Result<()> {
        let Some(all) = self.all.clone() else { return Ok(()) };
        let subject = &mut self.subjects[turn];
        if subject.counting.is_none() && subject.due(&self.moments) {
            subject.counting = Some(Counting::whole(subject.runner.trainer.net.clone(), &subject.largest));
        }
        if let Some(mut counting) = subject.counting.take() {
            if counting.step(&all)? {
                subject.counting = Some(counting);
            } else {
                subject.history.push((subject.runner.done, counting.activity()));
                subject.look(&all, self.total)?;
            }
            return Ok(());
        }
        let next = next_moment(&self.moments, subject.runner.done);
        let until = next.min(subject.runner.done + stride(self.cost));
        subject.runner.advance(&setup.data, until, |_, _| ())?;
        if let Some(reason) = &subject.runner.stopped {
            self.messages.push(format!("layers, {}: {reason}", subject.name));
        }
        Ok(())
    }

    /// One curve a function: `value` of a layer, mean over the layers.
    fn over_training(&self, value: fn(&LayerActivity) -> f64) -> Vec<Series> {
        let at = |layers: &Vec<LayerActivity>| mean(&layers.iter().map(value).collect::<Vec<_>>());
        let curve = |s: &Subject| s.history.iter().map(|(step, layers)| (*step as f64, at(layers))).collect();
        self.subjects.iter().map(|s| Series::new(&s.name, Role::Measured, curve(s))).collect()
    }

    fn by_layer(&self, value: fn(&LayerActivity) -> f64) -> Vec<Series> {
        let curve = |s: &Subject| {
            let newest = s.history.last().map(|h| h.1.clone()).unwrap_or_default();
            newest.iter().enumerate().map(|(l, layer)| (l as f64 + 1.0, value(layer))).collect()
        };
        self.subjects.iter().map(|s| Series::new(&s.name, Role::Measured, curve(s))).collect()
    }

    /// The function with the largest newest mean of `value`.
    fn most(&self, value: fn(&LayerActivity) -> f64) -> Option<(f64, &str)> {
        let newest = self.subjects.iter().filter_map(|s| Some((s.newest(value)?, s.name.as_str())));
        newest.max_by(|a, b| a.0.total_cmp(&b.0))
    }

    fn caption(&self) -> String {
        if self.subjects.iter().all(|s| s.history.is_empty()) {
            return "Nothing measured yet.".into();
        }
        let highest = |q: Quantity| match self.most(q.value) {
            Some((share, name)) => format!("{} % ({name})", readable(100.0 * share)),
            None => "unknown, since no derivative has a largest value".into(),
        };
        let [dead, saturated, zero] = QUANTITIES.map(highest);
        format!(
            "On the whole training set, mean over layers, newest and highest of all functions: units without gradient {dead}, pairs of unit and sample that are saturated {saturated} and exactly zero {zero}. A zero for one sample is sparsity; dead is zero gradient for all."
        )
    }

    fn activity_figures(&self, setup: &Setup) -> [Figure; 2] {
        let caption = self.caption();
        let axis = |q: &Quantity| Axis::linear(q.axis).within(0.0, 1.0);
        let steps = |q: &Quantity| {
            over_steps(&format!("activity-{}", q.name), q.title, self.total, axis(q), self.over_training(q.value))
        };
        let layers = |q: &Quantity| {
            let x = Axis::linear("hidden layer").within(1.0, setup.settings.depth as f64);
            let lines = Lines { x, y: axis(q), series: self.by_layer(q.value), guides: vec![] };
            let id = format!("activity-layers-{}", q.name);
            Figure { id, title: q.title.into(), caption: String::new(), kind: Kind::Lines(lines) }
        };
        [
            grid("activity", "Dead, saturated, silent", caption.clone(), QUANTITIES.iter().map(steps).collect()),
            grid("activity-layers", "By layer, newest", caption, QUANTITIES.iter().map(layers).collect()),
        ]
    }

    fn distributions(&self, setup: &Setup, when: usize) -> Figure {
        let word = ["before", "after"][when];
        let panel = |kind: &Nonlinearity| {
            let slug = kind.key();
            let known = self.subjects.iter().find(|s| s.slug == slug).and_then(|s| s.histograms[when].clone());
            Figure {
                id: format!("distributions-{word}-{}", slug.replace('_', "-")),
                title: kind.name(),
                caption: String::new(),
                kind: Kind::Histograms(known.unwrap_or_else(|| empty((-1.0, 1.0)))),
            }
        };
        let spreads: Vec<String> = self
            .subjects
            .iter()
            .filter(|s| s.histograms[when].is_some())
            .filter_map(|s| {
                let layers = if when == 0 { &s.history.first()?.1 } else { &s.history.last()?.1 };
                Some(format!("{} {} and {}", s.name, readable(layers[0].std), readable(layers[layers.len() - 1].std)))
            })
            .collect();
        let caption = if spreads.is_empty() {
            "Nothing measured yet.".into()
        } else {
            format!(
                "Standard deviation of the outputs of the first and the last hidden layer {word} training: {}.",
                spreads.join("; ")
            )
        };
        let figures = setup.list.iter().map(panel).collect();
        grid(&format!("distributions-{word}"), &format!("Activations {word} training"), caption, figures)
    }
}

/// A share that is followed.
struct Quantity {
    name: &'static str,
    title: &'static str,
    axis: &'static str,
    value: fn(&LayerActivity) -> f64,
    meaning: &'static str,
}

const QUANTITIES: [Quantity; 3] = [
    Quantity {
        name: "dead",
        title: "Dead units",
        axis: "share of units",
        value: |layer| layer.dead,
        meaning: "share of hidden units without gradient on the whole training set",
    },
    Quantity {
        name: "saturated",
        title: "Saturated",
        axis: "share of (unit, sample)",
        value: |layer| layer.saturated,
        meaning: "share of pairs of hidden unit and training sample with |f'| below 0.0591 of its largest",
    },
    Quantity {
        name: "zero",
        title: "Exactly zero",
        axis: "share of (unit, sample)",
        value: |layer| layer.zero,
        meaning: "share of pairs of hidden unit and training sample whose output is exactly 0",
    },
];

impl Subject {
    /// Whether its present state is one to be counted.
    fn due(&self, moments: &[u64]) -> bool {
        let counted = self.history.last().is_some_and(|h| h.0 == self.runner.done);
        !counted && (moments.contains(&self.runner.done) || self.runner.stopped.is_some())
    }

    fn through(&self, total: u64) -> bool {
        self.runner.ended(total) && self.history.last().is_some_and(|h| h.0 == self.runner.done)
    }

    fn newest(&self, value: fn(&LayerActivity) -> f64) -> Option<f64> {
        Some(mean(&self.history.last()?.1.iter().map(value).collect::<Vec<_>>())).filter(|v| v.is_finite())
    }

    /// Keeps activations for the histograms, where this is the start or the end.
    fn look(&mut self, all: &Tensor, total: u64) -> Result<()> {
        let [start, end] = [self.history.len() == 1, self.runner.ended(total)];
        if start {
            self.values[0] = activations(&self.runner.trainer.net, all)?;
        }
        if end {
            self.values[1] = activations(&self.runner.trainer.net, all)?;
        }
        if start || end {
            // The same bins before and after, so that the two can be compared.
            let reach = reach(self.values.iter().flatten().flatten().copied());
            let depth = self.runner.trainer.net.config.depth;
            self.histograms[0] = Some(ridge(&self.values[0], reach, depth));
            self.histograms[1] = end.then(|| ridge(&self.values[1], reach, depth));
        }
        if end {
            self.values = Default::default();
        }
        Ok(())
    }
}

/// The hidden layers, from 0 on, that a ridge plot shows: all, or `ROWS` from the first to the last.
fn shown(depth: usize) -> Vec<usize> {
    let n = depth.min(ROWS);
    let mut layers: Vec<usize> = (0..n).map(|i| i * (depth - 1) / (n - 1).max(1)).collect();
    layers.dedup();
    layers
}

fn activations(net: &Mlp, all: &Tensor) -> Result<Vec<Vec<f64>>> {
    let rows = all.narrow(0, 0, SAMPLES.min(all.dim(0)?))?;
    let trace = net.trace(&rows, Mode::Batch, None)?;
    let layer = |l: usize| trace.inputs[l + 1].detach().to_dtype(DType::F64)?.flatten_all()?.to_vec1();
    Ok(shown(net.config.depth).into_iter().map(layer).collect::<candle_core::Result<_>>()?)
}

/// Ends between which 99 % of `values` lie.
fn reach(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let mut sorted: Vec<f64> = values.filter(|v| v.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let at = |share: f64| sorted.get((share * (sorted.len() as f64 - 1.0)) as usize).copied();
    match (at(0.005), at(0.995)) {
        (Some(low), Some(high)) if high > low => (low, high),
        (Some(low), _) => (low - 1.0, low + 1.0),
        _ => (-1.0, 1.0),
    }
}

fn empty(reach: (f64, f64)) -> Histograms {
    Histograms::new(Axis::linear("output of a unit"), "hidden layer", reach, BINS)
}

fn ridge(values: &[Vec<f64>], reach: (f64, f64), depth: usize) -> Histograms {
    let mut histograms = empty(reach);
    for (layer, values) in shown(depth).into_iter().zip(values) {
        let m = mean(values);
        let deviation = mean(&values.iter().map(|v| (v - m).powi(2)).collect::<Vec<_>>()).sqrt();
        let summary = format!("mean {}, std {}", readable(m), readable(deviation));
        histograms.push((layer + 1).to_string(), values, summary);
    }
    histograms
}

impl Work<Setup> for Layers {
    fn title(&self) -> &'static str {
        "dead and saturated units"
    }

    fn stage(&self) -> String {
        let done = self.subjects.iter().map(|s| s.runner.done).min().unwrap_or(0);
        format!("dead and saturated units, step {done} of {}", self.total)
    }

    fn cost(&self) -> (f64, f64) {
        let load = Load { step: self.cost, total: self.total, counts: self.moments.len() };
        let part = |s: &Subject| load.done(s.runner.done, s.history.len(), s.through(self.total));
        (load.whole() * self.functions as f64, self.subjects.iter().map(part).sum())
    }

    fn step(&mut self, setup: &Setup) -> Result<bool> {
        if self.subjects.is_empty() {
            self.begin(setup)?;
        }
        match self.turn() {
            Some(turn) => self.work(setup, turn)?,
            None => return Ok(false),
        }
        Ok(self.turn().is_some())
    }

    fn figures(&self, setup: &Setup) -> Vec<Figure> {
        let [over, by] = self.activity_figures(setup);
        vec![over, by, self.distributions(setup, 0), self.distributions(setup, 1)]
    }

    fn findings(&self, setup: &Setup) -> Vec<Finding> {
        let mut list = Vec::new();
        for kind in &setup.list {
            let slug = kind.key();
            let subject = self.subjects.iter().find(|s| s.slug == slug);
            for quantity in &QUANTITIES {
                list.extend(findings(&slug, &kind.name(), subject, quantity, self.total));
            }
        }
        list
    }

    fn messages(&mut self) -> Vec<String> {
        std::mem::take(&mut self.messages)
    }

    fn training_steps(&self) -> u64 {
        self.subjects.iter().map(|s| s.runner.done).sum()
    }
}

/// Of one function and quantity: before and after training, mean over the hidden layers.
fn findings(slug: &str, name: &str, subject: Option<&Subject>, quantity: &Quantity, total: u64) -> [Finding; 2] {
    let average = |layers: &Vec<LayerActivity>| mean(&layers.iter().map(quantity.value).collect::<Vec<_>>());
    let history = subject.map(|s| s.history.as_slice()).unwrap_or_default();
    let before = history.first().map_or(f64::NAN, |h| average(&h.1));
    let ended = subject.filter(|s| s.through(total)).and_then(|s| s.history.last());
    let after = ended.map_or(f64::NAN, |h| average(&h.1));
    let unbounded = quantity.name == "saturated" && subject.is_some_and(|s| s.largest.iter().all(Option::is_none));
    let stopped = subject.and_then(|s| s.runner.stopped.clone()).unwrap_or_default();
    let note = if unbounded { "its derivative has no largest value".into() } else { stopped };
    let finding = |name: String, value, when: &str, of: &str| {
        Finding::new(name, value, format!("{of}: {}, {when}", quantity.meaning)).note(note.clone())
    };
    let predicted = if quantity.name == "zero" { subject.and_then(|s| silent_share(&s.runner.kind)) } else { None };
    [
        finding(format!("{slug}_{}", quantity.name), after, "after training", name),
        finding(format!("{slug}_{}_before", quantity.name), before, "before training", name).predicted(predicted),
    ]
}

/// The share of pre-activations that are symmetric about 0 for which `kind` is exactly 0; `None` where
/// that depends on how far out they are.
fn silent_share(kind: &Nonlinearity) -> Option<f64> {
    let f = kind.function()?;
    let side = |sign: f64| {
        let zeros = [1e-3, 0.1, 1.0, 3.0, 10.0].map(|x| f.value(sign * x) == 0.0);
        if zeros.iter().all(|z| *z) { Some(0.5) } else { (!zeros.contains(&true)).then_some(0.0) }
    };
    Some(side(-1.0)? + side(1.0)?)
}
