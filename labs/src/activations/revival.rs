//! Units that a bias silences at the start: which of them come back.
//!
//! Where every sample is on a flat side the gradient is exactly zero and nothing that is learned in
//! the unit itself can move. In the first hidden layer that is for ever, since its inputs are the data;
//! in the second the layer below may move the inputs.

use super::setup::Setup;
use super::trained::{Load, Runner, grid, moments, next_moment, over_steps, stride};
use crate::activity::{Counting, DEAD_BELOW, largest_slope};
use crate::cost::pass_cost;
use crate::figure::{Axis, Bars, Figure, Kind, Role, Series, readable};
use crate::nn::{Mlp, Nonlinearity, NormKind};
use crate::work::Work;
use crate::{Finding, Result};
use candle_core::{DType, Tensor, Var};

/// A unit fires when its slope reaches this share of the function's largest on some sample (of 1, where
/// there is no largest).
const FIRES: f64 = 0.1;
/// The hidden layers, from 0 on, whose units are silenced, each in a network of its own.
const LAYERS: [usize; 2] = [0, 1];

/// What became of the units that were silenced.
#[derive(Debug, Clone, Copy)]
struct State {
    step: u64,
    /// Share of the units that were silent at the start and now fire; NaN where none was silent.
    back: f64,
    /// Share of the units with the bias that get no gradient from any sample.
    dead: f64,
}

struct Subject {
    runner: Runner,
    layer: usize,
    /// A unit with a larger slope on some sample fires.
    threshold: f64,
    counting: Option<Counting>,
    /// The units with the bias that were silent before the first step, once that is known.
    silent: Option<Vec<usize>>,
    /// Whether no sample gave any of those any gradient, to the last bit.
    flat: bool,
    history: Vec<State>,
}

pub struct Revival {
    subjects: Vec<Subject>,
    layers: usize,
    functions: usize,
    total: u64,
    moments: Vec<u64>,
    cost: f64,
    all: Option<Tensor>,
    messages: Vec<String>,
}

/// The units of a layer that get the bias: the first half.
fn biased(width: usize) -> usize {
    width / 2
}

/// Gives half of the units of hidden layer `layer` the bias `bias`; of a gate's two pieces the second,
/// which opens and closes it.
fn silence(net: &Mlp, layer: usize, bias: f64, pieces: usize) -> Result<()> {
    let width = net.config.width;
    let var: &Var = &net.hidden[layer].linear.bias;
    let mut values: Vec<f32> = var.flatten_all()?.to_vec1()?;
    let from = (pieces - 1) * width;
    values[from..from + biased(width)].fill(bias as f32);
    Ok(var.set(&Tensor::from_vec(values, var.shape(), var.device())?)?)
}

impl Revival {
    pub fn new(setup: &Setup) -> Self {
        let total = setup.settings.steps as u64;
        let config = setup.network(&setup.data);
        Self {
            subjects: Vec::new(),
            layers: LAYERS.len().min(config.depth),
            functions: setup.list.len(),
            total,
            moments: moments(total, 10),
            cost: 1.5 * pass_cost(&config, setup.settings.recipe.batch),
            all: None,
            messages: Vec::new(),
        }
    }

    fn begin(&mut self, setup: &Setup) -> Result<()> {
        let rows: Vec<usize> = (0..setup.data.train.len()).collect();
        self.all = Some(setup.data.train.gather(setup.data.dim, &rows, &setup.device, DType::F32)?.0);
        for layer in LAYERS.into_iter().take(self.layers) {
            for kind in &setup.list {
                let net = setup.build(kind, &setup.data, 0, DType::F32)?;
                silence(&net, layer, setup.settings.silenced_bias, kind.layer(layer).pieces())?;
                self.subjects.push(Subject {
                    runner: Runner::new(kind, setup.train(net, 0)),
                    layer,
                    threshold: FIRES * largest_slope(kind.layer(layer)).unwrap_or(1.0),
                    counting: None,
                    silent: None,
                    flat: false,
                    history: Vec::new(),
                });
            }
        }
        Ok(())
    }

    fn turn(&self) -> Option<usize> {
        let open = |i: &usize| !self.subjects[*i].through(self.total);
        (0..self.subjects.len()).filter(open).min_by_key(|i| self.subjects[*i].history.len())
    }

    fn work(&mut self, setup: &Setup, turn: usize) -> Result<()> {
        let Some(all) = &self.all else { return Ok(()) };
        let subject = &mut self.subjects[turn];
        if subject.counting.is_none() && subject.due(&self.moments) {
            subject.counting = Some(Counting::new(subject.runner.trainer.net.clone()));
        }
        if let Some(mut counting) = subject.counting.take() {
            if counting.step(all)? {
                subject.counting = Some(counting);
            } else {
                subject.note(&counting.largest()[subject.layer]);
            }
            return Ok(());
        }
        let next = next_moment(&self.moments, subject.runner.done);
        let until = next.min(subject.runner.done + stride(self.cost));
        subject.runner.advance(&setup.data, until, |_, _| ())?;
        if let Some(reason) = &subject.runner.stopped {
            let name = subject.runner.kind.name();
            self.messages.push(format!("revival, {name}, layer {}: {reason}", subject.layer + 1));
        }
        Ok(())
    }

    /// Those of hidden layer `layer`, in the order of the list; nothing before the first step.
    fn of(&self, layer: usize) -> impl Iterator<Item = &Subject> {
        self.subjects.iter().filter(move |s| s.layer == layer)
    }

    fn curves(&self, layer: usize, value: fn(&State) -> f64) -> Vec<Series> {
        let curve = |s: &Subject| s.history.iter().map(|h| (h.step as f64, value(h))).collect();
        self.of(layer).map(|s| Series::new(s.runner.kind.name(), Role::Measured, curve(s))).collect()
    }

    fn caption(&self, setup: &Setup) -> String {
        if self.subjects.iter().all(|s| s.history.is_empty()) {
            return "Nothing measured yet.".into();
        }
        let named = |keep: &dyn Fn(f64) -> bool| {
            let of = |s: &Subject| s.history.last().map(|h| h.back).filter(|b| keep(*b));
            let names: Vec<_> = self.of(0).filter_map(|s| of(s).map(|b| (s.runner.kind.name(), b))).collect();
            let text = |(name, b): &(String, f64)| format!("{name} {} %", readable(100.0 * b));
            if names.is_empty() { "none".into() } else { names.iter().map(text).collect::<Vec<_>>().join(", ") }
        };
        format!(
            "Half of the units of one hidden layer start with bias {}. Silent is a slope below a tenth of the function's largest on every training sample; of the units of layer 1 that start so, so many are no longer: {}; less than 1 %: {}.",
            readable(setup.settings.silenced_bias),
            named(&|b| b >= 0.01),
            named(&|b| b < 0.01)
        )
    }

    fn over_training(&self, caption: String) -> Figure {
        let mut panels = Vec::new();
        for layer in 0..self.layers {
            let axis = |label: &str| Axis::linear(label).within(0.0, 1.0);
            let n = layer + 1;
            panels.push(over_steps(
                &format!("revival-back-{n}"),
                &format!("Came back, layer {n}"),
                self.total,
                axis("share of silenced units"),
                self.curves(layer, |h| h.back),
            ));
            panels.push(over_steps(
                &format!("revival-dead-{n}"),
                &format!("Dead, layer {n}"),
                self.total,
                axis("share of units with the bias"),
                self.curves(layer, |h| h.dead),
            ));
        }
        grid("revival", "Silenced units over training", caption, panels)
    }

    fn at_end(&self, setup: &Setup, caption: String) -> Figure {
        let group = |layer: usize| {
            let mut values: Vec<f64> = self.of(layer).map(|s| s.history.last().map_or(f64::NAN, |h| h.back)).collect();
            values.resize(self.functions, f64::NAN);
            (format!("layer {}", layer + 1), values)
        };
        let bars = Bars {
            y: Axis::linear("share that came back").within(0.0, 1.0),
            x_label: "function".into(),
            categories: setup.list.iter().map(Nonlinearity::name).collect(),
            groups: (0..self.layers).map(group).collect(),
        };
        Figure {
            id: "revival-end".into(),
            title: "Silenced units that came back".into(),
            caption,
            kind: Kind::Bars(bars),
        }
    }
}

impl Subject {
    fn due(&self, moments: &[u64]) -> bool {
        let counted = self.history.last().is_some_and(|h| h.step == self.runner.done);
        !counted && (moments.contains(&self.runner.done) || self.runner.stopped.is_some())
    }

    fn through(&self, total: u64) -> bool {
        self.runner.ended(total) && self.history.last().is_some_and(|h| h.step == self.runner.done)
    }

    /// `largest`: of each unit of the layer, over the training set.
    fn note(&mut self, largest: &[f64]) {
        let half = &largest[..biased(largest.len())];
        let silent = self.silent.get_or_insert_with(|| {
            let silent: Vec<usize> = (0..half.len()).filter(|i| half[*i] < self.threshold).collect();
            self.flat = !silent.is_empty() && silent.iter().all(|i| half[*i] == 0.0);
            silent
        });
        let back = silent.iter().filter(|i| half[**i] >= self.threshold).count() as f64 / silent.len() as f64;
        let dead = half.iter().filter(|s| **s < DEAD_BELOW).count() as f64 / half.len() as f64;
        self.history.push(State { step: self.runner.done, back, dead });
    }

    /// 0 where theory is exact: the inputs are the data, no sample gives gradient, nothing else moves
    /// the unit.
    fn predicted(&self, setup: &Setup) -> Option<f64> {
        let s = &setup.settings;
        let exact = self.layer == 0 && self.flat && s.recipe.weight_decay == 0.0 && s.norm == NormKind::None;
        exact.then_some(0.0)
    }
}

/// What is known of `kind` in hidden layer `layer`.
fn findings(setup: &Setup, kind: &Nonlinearity, layer: usize, subject: Option<&Subject>) -> [Finding; 3] {
    let place = if layer == 0 { String::new() } else { format!("_layer_{}", layer + 1) };
    let name = |what: &str| format!("{}_{what}{place}", kind.key());
    let of = |what: &str| format!("{}, hidden layer {}: {what}", kind.name(), layer + 1);
    let last = subject.and_then(|s| s.history.last());
    let silent = subject.and_then(|s| s.silent.as_ref()).map(Vec::len);
    let stopped = subject.and_then(|s| s.runner.stopped.clone());
    let note = match silent {
        Some(0) => "none of the units was silent at the start".into(),
        _ => stopped.unwrap_or_default(),
    };
    let share = silent.map_or(f64::NAN, |n| n as f64 / biased(setup.settings.width) as f64);
    [
        Finding::new(
            name("silenced"),
            share,
            of(
                "share of the units with the bias that are silent (slope below a tenth of the largest) on every sample at the start",
            ),
        ),
        Finding::new(
            name("revived"),
            last.map_or(f64::NAN, |h| h.back),
            of("share of the silent units with a slope of a tenth or more on some sample after training"),
        )
        .predicted(subject.and_then(|s| s.predicted(setup)))
        .note(note),
        Finding::new(
            name("revival_dead"),
            last.map_or(f64::NAN, |h| h.dead),
            of("share of the units with the bias that are dead after training"),
        ),
    ]
}

impl Work<Setup> for Revival {
    fn title(&self) -> &'static str {
        "silenced units"
    }

    fn stage(&self) -> String {
        let done = self.subjects.iter().map(|s| s.runner.done).min().unwrap_or(0);
        format!("silenced units, step {done} of {}", self.total)
    }

    fn cost(&self) -> (f64, f64) {
        let load = Load { step: self.cost, total: self.total, counts: self.moments.len() };
        let part = |s: &Subject| load.done(s.runner.done, s.history.len(), s.through(self.total));
        (load.whole() * (self.functions * self.layers) as f64, self.subjects.iter().map(part).sum())
    }

    fn step(&mut self, setup: &Setup) -> Result<bool> {
        if self.subjects.is_empty() {
            self.begin(setup)?;
        }
        if let Some(turn) = self.turn() {
            self.work(setup, turn)?;
        }
        Ok(self.turn().is_some())
    }

    fn figures(&self, setup: &Setup) -> Vec<Figure> {
        let caption = self.caption(setup);
        vec![self.over_training(caption.clone()), self.at_end(setup, caption)]
    }

    fn findings(&self, setup: &Setup) -> Vec<Finding> {
        let mut list = Vec::new();
        for (i, kind) in setup.list.iter().enumerate() {
            for layer in 0..self.layers {
                list.extend(findings(setup, kind, layer, self.of(layer).nth(i)));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Context;
    use crate::activations::ActivationSettings;
    use crate::nn::OptimizerKind;
    use crate::trainer::RecipeSettings;
    use candle_core::Device;

    fn rows(net: &Mlp) -> Vec<Vec<f32>> {
        let [weight, bias] = [&net.hidden[0].linear.weight, &net.hidden[0].linear.bias].map(|v| v.as_tensor().clone());
        let all = Tensor::cat(&[weight, bias.t().unwrap()], 1).unwrap();
        all.to_vec2().unwrap()
    }

    #[test]
    fn a_silent_relu_unit_of_layer_one_keeps_every_bit() {
        for optimizer in [OptimizerKind::Sgd, OptimizerKind::Adam] {
            let settings = ActivationSettings {
                activations: "relu,leaky_relu".into(),
                recipe: RecipeSettings::new(optimizer, 0.05),
                steps: 40,
                depth: 2,
                width: 32,
                silenced_bias: -12.0,
                ..ActivationSettings::default()
            };
            let setup = Setup::new(settings, Context { seed: 4, device: Device::Cpu }).unwrap();
            let mut work = Revival::new(&setup);
            work.begin(&setup).unwrap();
            let before: Vec<_> = work.of(0).map(|s| rows(&s.runner.trainer.net)).collect();
            while work.step(&setup).unwrap() {}
            let after: Vec<_> = work.of(0).map(|s| rows(&s.runner.trainer.net)).collect();
            let silent = work.of(0).next().unwrap().silent.clone().unwrap();
            assert_eq!(silent.len(), 16, "12 standard deviations of 1.4");
            let same = |i: usize, unit: usize| {
                before[i][unit].iter().zip(&after[i][unit]).all(|(a, b)| a.to_bits() == b.to_bits())
            };
            assert!(silent.iter().all(|unit| same(0, *unit)), "{optimizer:?}");
            assert!((16..32).any(|unit| !same(0, unit)), "the others learn");
            assert!(silent.iter().all(|unit| !same(1, *unit)), "0.01 of the gradient moves a leaky unit");
        }
    }
}
