//! Decision boundaries of small networks on two features, while they are learned.

use super::setup::Setup;
use super::trained::{Runner, grid, moments, next_moment, stride};
use crate::cost::pass_cost;
use crate::data::{self, Dataset, Scaling};
use crate::figure::{Axis, Field, Figure, Kind, Palette, readable};
use crate::nn::{Mlp, MlpConfig, Mode, Nonlinearity};
use crate::work::Work;
use crate::{Finding, LabError, Result};
use candle_core::{D, DType, Device, Tensor};

/// The networks are no larger than this: a plane of one function has room for no finer shape.
const WIDTH: usize = 32;
const DEPTH: usize = 3;
const COLUMNS: usize = 48;
const ROWS: usize = 32;
const POINTS: usize = 150;
const REFRESHES: u64 = 20;

/// What can be said against the data `spec` before it is read.
pub fn check(spec: &str) -> Result<()> {
    let own_name = |error| match error {
        LabError::BadValue { value, expected, .. } => {
            LabError::BadValue { name: "boundary_data".into(), value, expected }
        }
        other => other,
    };
    data::check(spec).map_err(own_name)?;
    let many = ["digits", "fashion", "white"].contains(&spec) || (spec.starts_with("white:") && spec != "white:2");
    if many { Err(not_two(spec)) } else { Ok(()) }
}

fn not_two(spec: &str) -> LabError {
    let expected =
        "data of two features, such as moons, circles, spirals, xor or a csv:PATH of two columns and a label";
    LabError::BadValue { name: "boundary_data".into(), value: spec.into(), expected: expected.into() }
}

struct Subject {
    runner: Runner,
    /// The field's values, row by row, the first row at the top.
    values: Vec<f64>,
    /// (optimiser steps done, on all held-out samples).
    accuracy: Option<(u64, f64)>,
}

pub struct Boundary {
    data: Dataset,
    subjects: Vec<Subject>,
    functions: usize,
    total: u64,
    moments: Vec<u64>,
    cost: f64,
    x: (f64, f64),
    y: (f64, f64),
    /// The centres of the cells, [cells, 2].
    cells: Option<Tensor>,
    messages: Vec<String>,
}

impl Boundary {
    pub fn new(setup: &Setup) -> Result<Self> {
        let spec = &setup.settings.boundary_data;
        // Bringing each sample to length 1 would lay the plane on a circle.
        let data = data::load(spec, setup.seed)?.scaled(Scaling::Standard);
        if data.dim != 2 {
            return Err(not_two(spec));
        }
        let total = setup.settings.boundary_steps as u64;
        let cost = 1.5 * pass_cost(&config(setup, &data), setup.settings.recipe.batch);
        Ok(Self {
            x: bounds(&data, 0),
            y: bounds(&data, 1),
            data,
            subjects: Vec::new(),
            functions: setup.list.len(),
            total,
            moments: moments(total, REFRESHES),
            cost,
            cells: None,
            messages: Vec::new(),
        })
    }

    fn begin(&mut self, setup: &Setup) -> Result<()> {
        self.cells = Some(self.centres(&setup.device)?);
        for kind in &setup.list {
            let config = config(setup, &self.data);
            let net = setup.build_as(config, kind, 0, DType::F32)?;
            let runner = Runner::new(kind, setup.train(net, 0));
            self.subjects.push(Subject { runner, values: Vec::new(), accuracy: None });
        }
        Ok(())
    }

    fn centres(&self, device: &Device) -> Result<Tensor> {
        let empty = self.field(Vec::new());
        let centre = |i: usize| empty.centre(ROWS, i / COLUMNS, i % COLUMNS);
        let features = (0..ROWS * COLUMNS).map(centre).flat_map(|(x, y)| [x as f32, y as f32]).collect::<Vec<_>>();
        Ok(Tensor::from_vec(features, (ROWS * COLUMNS, 2), device)?)
    }

    fn field(&self, values: Vec<f64>) -> Field {
        let classes = self.data.classes;
        let highest = if classes == 2 { 1.0 } else { classes as f64 - 1.0 };
        let (levels, what) = if classes == 2 {
            (vec![0.5], "both classes equally likely")
        } else {
            ((1..classes).map(|k| k as f64 - 0.5).collect(), "borders of the predicted classes")
        };
        let train = &self.data.train;
        let points = train.features.chunks_exact(2).zip(&train.labels).take(POINTS);
        let axis = |name: &str, (low, high)| Axis::linear(format!("{name}, standardised")).within(low, high);
        Field {
            x: axis("feature 1", self.x),
            y: axis("feature 2", self.y),
            columns: COLUMNS,
            values,
            value_label: if classes == 2 { "P(class 1)" } else { "predicted class" }.into(),
            palette: Palette::Sequential,
            bounds: (0.0, highest),
            contours: (levels, what.into()),
            points: points.map(|(p, label)| (f64::from(p[0]), f64::from(p[1]), f64::from(*label))).collect(),
            point_label: "training sample".into(),
        }
    }

    /// Which subject is furthest behind, of those that are not through.
    fn turn(&self) -> Option<usize> {
        let open = |i: &usize| !self.subjects[*i].runner.ended(self.total);
        (0..self.subjects.len()).filter(open).min_by_key(|i| self.subjects[*i].runner.done)
    }

    fn caption(&self) -> String {
        let known = || self.subjects.iter().filter_map(|s| Some((s.accuracy?, s.runner.kind.name())));
        let worst = known().min_by(|a, b| a.0.1.total_cmp(&b.0.1));
        let best = known().max_by(|a, b| a.0.1.total_cmp(&b.0.1));
        match (worst, best) {
            (Some(((_, low), worst)), Some(((step, high), best))) => format!(
                "Networks of {}, learning rate and batches the same, after step {step}: of {} held-out points {} % ({worst}) to {} % ({best}) are on the right side.",
                self.data.name,
                self.data.test.len(),
                readable(100.0 * low),
                readable(100.0 * high)
            ),
            _ => "Nothing measured yet.".into(),
        }
    }

    fn panel(&self, kind: &Nonlinearity, subject: Option<&Subject>) -> Figure {
        let caption = match subject.and_then(|s| s.accuracy) {
            Some((step, accuracy)) => {
                format!(
                    "{}: {} % of the held-out points are right after step {step}.",
                    kind.name(),
                    readable(100.0 * accuracy)
                )
            }
            None => "Nothing measured yet.".into(),
        };
        Figure {
            id: format!("boundary-{}", kind.key().replace('_', "-")),
            title: kind.name(),
            caption,
            kind: Kind::Field(self.field(subject.map(|s| s.values.clone()).unwrap_or_default())),
        }
    }
}

/// The network of the settings, but small.
fn config(setup: &Setup, data: &Dataset) -> MlpConfig {
    let config = setup.network(data);
    MlpConfig { width: config.width.min(WIDTH), depth: config.depth.min(DEPTH), ..config }
}

/// The range of a feature over the training set and a tenth more at each end.
fn bounds(data: &Dataset, feature: usize) -> (f64, f64) {
    let values = data.train.features.iter().skip(feature).step_by(2).map(|v| f64::from(*v));
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
    let margin = if high > low { 0.1 * (high - low) } else { 1.0 };
    (low - margin, high + margin)
}

/// P(class 1) of two classes, else the predicted class, for each row of `cells`.
fn values(net: &Mlp, cells: &Tensor, classes: usize) -> candle_core::Result<Vec<f64>> {
    let logits = net.forward(cells, Mode::Eval)?.detach().to_dtype(DType::F64)?;
    if classes > 2 {
        return logits.argmax(D::Minus1)?.to_dtype(DType::F64)?.to_vec1();
    }
    let rows: Vec<Vec<f64>> = logits.to_vec2()?;
    Ok(rows.iter().map(|row| 1.0 / (1.0 + (row[0] - row[1]).exp())).collect())
}

impl Work<Setup> for Boundary {
    fn title(&self) -> &'static str {
        "decision boundaries"
    }

    fn stage(&self) -> String {
        let done = self.subjects.iter().map(|s| s.runner.done).min().unwrap_or(0);
        format!("decision boundaries, step {done} of {}", self.total)
    }

    fn cost(&self) -> (f64, f64) {
        let each = self.cost * self.total as f64;
        let part = |s: &Subject| if s.runner.ended(self.total) { each } else { self.cost * s.runner.done as f64 };
        (each * self.functions as f64, self.subjects.iter().map(part).sum())
    }

    fn step(&mut self, setup: &Setup) -> Result<bool> {
        if self.subjects.is_empty() {
            self.begin(setup)?;
        }
        let (Some(turn), Some(cells)) = (self.turn(), &self.cells) else { return Ok(false) };
        let Subject { runner, values: field, accuracy } = &mut self.subjects[turn];
        let next = next_moment(&self.moments, runner.done);
        runner.advance(&self.data, next.min(runner.done + stride(self.cost)), |_, _| ())?;
        if let Some(reason) = &runner.stopped {
            self.messages.push(format!("boundary, {}: {reason}", runner.kind.name()));
        } else if runner.done == next {
            *field = values(&runner.trainer.net, cells, self.data.classes)?;
            *accuracy = Some((next, runner.trainer.test(&self.data, usize::MAX)?.1));
        }
        Ok(self.turn().is_some())
    }

    fn figures(&self, setup: &Setup) -> Vec<Figure> {
        let panels = setup.list.iter().enumerate().map(|(i, kind)| self.panel(kind, self.subjects.get(i))).collect();
        vec![grid("boundary", "Decision boundaries", self.caption(), panels)]
    }

    fn findings(&self, setup: &Setup) -> Vec<Finding> {
        let finding = |(i, kind): (usize, &Nonlinearity)| {
            let subject = self.subjects.get(i);
            let accuracy = subject.and_then(|s| s.accuracy).map_or(f64::NAN, |a| a.1);
            let note = subject.and_then(|s| s.runner.stopped.clone()).unwrap_or_default();
            let meaning =
                format!("share of the held-out points of {} classified right, {}", self.data.name, kind.name());
            Finding::new(format!("{}_boundary_accuracy", kind.key()), accuracy, meaning).note(note)
        };
        setup.list.iter().enumerate().map(finding).collect()
    }

    fn messages(&mut self) -> Vec<String> {
        std::mem::take(&mut self.messages)
    }

    fn training_steps(&self) -> u64 {
        self.subjects.iter().map(|s| s.runner.done).sum()
    }
}
