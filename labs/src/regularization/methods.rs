//! Each remedy alone, and a few together, against none: the same weights, batches and small training sets.

use super::fit::{Fit, Snapshot};
use super::setup::{Setup, Task};
use super::{Regularizers, average};
use crate::data::Augmentation;
use crate::figure::{Axis, Bars, Figure, Kind, Table, readable};
use crate::nn::NormKind;
use crate::stats::{PairedTest, holm, mean, paired_t_test, t_interval};
use crate::work::Work;
use crate::{Finding, Result};
use rayon::prelude::*;
use std::collections::VecDeque;
use std::sync::Arc;

/// Networks that make a step in one piece of work.
const AT_ONCE: usize = 8;

/// A remedy and what became of its networks.
struct Method {
    name: &'static str,
    regularizers: Regularizers,
    /// What each network that has ended was then; none where it ended in trouble.
    ends: Vec<Option<Snapshot>>,
}

/// The part `methods`.
pub struct Methods {
    remedies: Vec<Method>,
    tasks: Vec<Arc<Task>>,
    /// Method and number of the networks that are still to be trained.
    queue: VecDeque<(usize, usize)>,
    /// Networks in training, with the method of each.
    running: Vec<(usize, usize, Fit)>,
    steps: u64,
    done: u64,
    cost: f64,
    messages: Vec<String>,
}

/// The remedies: a strength that the settings have is the settings'. Of the others those of L2, L1, decay and noise had
/// the lowest validation error among two to four on the default settings at seed 99 after 300 steps; the rest are usual.
fn remedies(setup: &Setup) -> Vec<(&'static str, Regularizers)> {
    let (own, none) = (&setup.regularizers, Regularizers::none());
    let or = |own: f64, usual: f64| if own > 0.0 { own } else { usual };
    let dropout =
        Regularizers { layer_dropout: own.layer_dropout.clone(), dropout: or(own.dropout, 0.5), ..none.clone() };
    let norm = if own.norm == NormKind::None { NormKind::Batch } else { own.norm };
    let patience = if own.patience > 0 { own.patience } else { 5 };
    let (l2, max_norm) = (or(own.l2, 0.03), or(own.max_norm, 1.0));
    let l1 = Regularizers { l1: or(own.l1, 0.01), l1_method: own.l1_method, ..none.clone() };
    let noise = Augmentation { noise: or(own.augmentation.noise, 1.0), ..Augmentation::default() };
    let mut list = vec![
        ("none", none.clone()),
        ("dropout", dropout.clone()),
        ("input_dropout", Regularizers { input_dropout: or(own.input_dropout, 0.2), ..none.clone() }),
        ("l2", Regularizers { l2, ..none.clone() }),
        ("l1", l1),
        ("weight_decay", Regularizers { weight_decay: or(own.weight_decay, 5.0), ..none.clone() }),
        ("max_norm", Regularizers { max_norm, ..none.clone() }),
        ("norm", Regularizers { norm, ..none.clone() }),
        ("early_stopping", Regularizers { patience, ..none.clone() }),
        ("label_smoothing", Regularizers { label_smoothing: or(own.label_smoothing, 0.1), ..none.clone() }),
        ("noise", Regularizers { augmentation: noise, ..none.clone() }),
        ("dropout_l2", Regularizers { l2, ..dropout.clone() }),
        ("dropout_max_norm", Regularizers { max_norm, ..dropout.clone() }),
    ];
    if setup.data.image.is_some() {
        let shift = Augmentation { shift: own.augmentation.shift.max(1), ..Augmentation::default() };
        list.push(("shift", Regularizers { augmentation: shift, ..none }));
        list.push(("dropout_shift", Regularizers { augmentation: shift, ..dropout }));
    }
    list
}

/// The strength of a remedy in words.
fn strength(r: &Regularizers) -> String {
    let a = &r.augmentation;
    let rates: Vec<String> = r.layer_dropout.iter().map(|rate| readable(*rate)).collect();
    let rate = if rates.is_empty() { readable(r.dropout) } else { rates.join(",") };
    let parts = [
        (r.dropout > 0.0 || !rates.is_empty(), format!("dropout {rate}")),
        (r.input_dropout > 0.0, format!("input dropout {}", readable(r.input_dropout))),
        (r.l1 > 0.0, format!("l1 {}", readable(r.l1))),
        (r.l2 > 0.0, format!("l2 {}", readable(r.l2))),
        (r.weight_decay > 0.0, format!("decay {}", readable(r.weight_decay))),
        (r.max_norm > 0.0, format!("max-norm {}", readable(r.max_norm))),
        (r.norm != NormKind::None, format!("{} norm", crate::control::Choice::name(r.norm))),
        (r.patience > 0, format!("patience {}", r.patience)),
        (r.label_smoothing > 0.0, format!("smoothing {}", readable(r.label_smoothing))),
        (a.shift > 0, format!("shift {}", a.shift)),
        (a.noise > 0.0, format!("noise {}", readable(a.noise))),
    ];
    let told: Vec<String> = parts.into_iter().filter(|p| p.0).map(|p| p.1).collect();
    if told.is_empty() { "–".into() } else { told.join(", ") }
}

impl Method {
    /// Of the networks that have ended well: one value each, in the order of their numbers.
    fn values(&self, of: fn(&Snapshot) -> f64) -> Vec<f64> {
        self.ends.iter().flatten().map(of).collect()
    }

    fn error(&self) -> Option<f64> {
        let errors = self.values(test_error);
        (!errors.is_empty()).then(|| mean(&errors))
    }

    /// `none`'s errors less these, network by network, of those numbers that both have.
    fn test(&self, none: &Self) -> Option<PairedTest> {
        let pairs = none
            .ends
            .iter()
            .zip(&self.ends)
            .filter_map(|(a, b)| Some((test_error(a.as_ref()?), test_error(b.as_ref()?))));
        let (theirs, ours): (Vec<f64>, Vec<f64>) = pairs.unzip();
        paired_t_test(&theirs, &ours)
    }
}

fn test_error(end: &Snapshot) -> f64 {
    1.0 - end.test.accuracy
}

impl Methods {
    /// `nets` networks for each remedy; network number i of each has the same weights, batches and training samples.
    pub fn new(setup: &Setup) -> Result<Self> {
        let nets = setup.settings.nets;
        let tasks = (0..nets).map(|i| setup.task(setup.draw(i as u64))).collect::<Result<_>>()?;
        let remedies: Vec<Method> = remedies(setup)
            .into_iter()
            .map(|(name, regularizers)| Method { name, regularizers, ends: Vec::new() })
            .collect();
        let queue = (0..remedies.len()).flat_map(|m| (0..nets).map(move |i| (m, i))).collect();
        let (steps, cost) = (setup.settings.steps as u64, average::step_cost(setup));
        Ok(Self { remedies, tasks, queue, running: vec![], steps, done: 0, cost, messages: vec![] })
    }

    /// Fills up with the next networks of one method: a method ends before the next begins.
    fn refill(&mut self, setup: &Setup) -> Result<()> {
        while self.running.len() < AT_ONCE {
            let Some((method, index)) = self.queue.front().copied() else { break };
            if self.running.first().is_some_and(|(other, _, _)| *other != method) {
                break;
            }
            self.queue.pop_front();
            let fit = Fit::new(setup, &self.tasks[index], &self.remedies[method].regularizers, index as u64)?;
            self.running.push((method, index, fit));
        }
        Ok(())
    }

    /// Takes the networks that have ended out of those in training.
    fn collect(&mut self) {
        let (over, running) = std::mem::take(&mut self.running).into_iter().partition(|(_, _, fit)| fit.is_over());
        self.running = running;
        let mut over: Vec<(usize, usize, Fit)> = over;
        over.sort_by_key(|(_, index, _)| *index);
        for (method, index, fit) in over {
            self.done += fit.done();
            let method = &mut self.remedies[method];
            if method.ends.len() <= index {
                method.ends.resize(index + 1, None);
            }
            method.ends[index] = fit.trouble().is_none().then(|| fit.last()).flatten();
            if let Some(trouble) = fit.trouble() {
                self.messages.push(format!("{}, network {index}: {trouble}", method.name));
            }
        }
    }

    /// The paired test of each method against none, and the p-values after Holm's adjustment.
    fn tests(&self) -> Vec<(Option<PairedTest>, f64)> {
        let tests: Vec<_> = self.remedies.iter().skip(1).map(|m| m.test(&self.remedies[0])).collect();
        let p: Vec<f64> = tests.iter().map(|t| t.map_or(f64::NAN, |t| t.p)).collect();
        let adjusted = holm(&p);
        std::iter::once((None, f64::NAN)).chain(tests.into_iter().zip(adjusted)).collect()
    }

    fn caption(&self) -> String {
        let (Some(none), false) = (self.remedies[0].error(), self.remedies[1].ends.is_empty()) else {
            return "Nothing measured yet.".into();
        };
        let known = self.remedies.iter().skip(1).filter_map(|m| Some((m.name, m.error()?)));
        let Some(best) = known.clone().min_by(|a, b| a.1.total_cmp(&b.1)) else {
            return "Nothing measured yet.".into();
        };
        let better: Vec<&str> = self
            .remedies
            .iter()
            .zip(self.tests())
            .filter(|(_, (test, p))| *p < 0.05 && test.is_some_and(|t| t.difference > 0.0))
            .map(|(m, _)| m.name)
            .collect();
        let told = if better.is_empty() { "none of them".into() } else { better.join(", ") };
        format!(
            "Of {} remedies {} has the lowest test error, {} against {} without any; better than none with Holm's p below 0.05: {told}.",
            known.count(),
            best.0,
            readable(best.1),
            readable(none)
        )
    }

    fn table(&self) -> Figure {
        let head = [
            "remedy",
            "strength",
            "train error",
            "test error",
            "95 % interval",
            "gain",
            "gain's interval",
            "p (Holm)",
            "test loss / nats",
        ];
        let range = |i: Option<crate::Interval>| {
            i.map_or_else(|| "–".into(), |i| format!("{} to {}", readable(i.low), readable(i.high)))
        };
        let of = |values: Vec<f64>| if values.is_empty() { "–".into() } else { readable(mean(&values)) };
        let rows = self.remedies.iter().zip(self.tests()).map(|(m, (test, p))| {
            vec![
                m.name.into(),
                strength(&m.regularizers),
                of(m.values(|s| 1.0 - s.train.accuracy)),
                of(m.values(test_error)),
                range(t_interval(&m.values(test_error))),
                test.map_or_else(|| "–".into(), |t| readable(t.difference)),
                range(test.map(|t| t.interval)),
                readable(p),
                of(m.values(|s| s.test.loss)),
            ]
        });
        let kind = Kind::Table(Table { columns: head.map(String::from).to_vec(), rows: rows.collect() });
        Figure { id: "methods-table".into(), title: "Remedies against none".into(), caption: self.caption(), kind }
    }

    fn bars(&self) -> Figure {
        let of = |f: fn(&Snapshot) -> f64| {
            self.remedies
                .iter()
                .map(move |m| Some(m.values(f)).filter(|v| !v.is_empty()).map_or(f64::NAN, |v| mean(&v)))
        };
        let interval = |end: fn(&crate::Interval) -> f64| {
            self.remedies.iter().map(move |m| t_interval(&m.values(test_error)).map_or(f64::NAN, |i| end(&i)))
        };
        let bars = Bars {
            y: Axis::linear("share of test samples wrong"),
            x_label: "remedy".into(),
            categories: self.remedies.iter().map(|m| m.name.into()).collect(),
            groups: vec![
                ("interval's low end".into(), interval(|i| i.low.max(0.0)).collect()),
                ("test error".into(), of(test_error).collect()),
                ("interval's high end".into(), interval(|i| i.high.min(1.0)).collect()),
            ],
        };
        let title = "Test error under each remedy".into();
        Figure { id: "methods-error".into(), title, caption: self.caption(), kind: Kind::Bars(bars) }
    }
}

impl Work<Setup> for Methods {
    fn title(&self) -> &'static str {
        "methods"
    }

    fn stage(&self) -> String {
        match self.running.first() {
            Some((method, _, fit)) => {
                let name = self.remedies[*method].name;
                format!("training under {name}, step {} of {}", fit.done(), self.steps)
            }
            None => "training under each remedy".into(),
        }
    }

    fn cost(&self) -> (f64, f64) {
        let each = self.cost * self.steps as f64;
        let whole: usize = self.remedies.iter().map(|m| m.ends.len()).sum();
        let partly: f64 = self.running.iter().map(|(_, _, fit)| fit.done() as f64 * self.cost).sum();
        ((self.remedies.len() * self.tasks.len()) as f64 * each, whole as f64 * each + partly)
    }

    fn step(&mut self, setup: &Setup) -> Result<bool> {
        self.refill(setup)?;
        self.running.par_iter_mut().try_for_each(|(_, _, fit)| fit.step().map(|_| ()))?;
        self.collect();
        Ok(!(self.running.is_empty() && self.queue.is_empty()))
    }

    fn figures(&self, _: &Setup) -> Vec<Figure> {
        vec![self.bars(), self.table()]
    }

    fn findings(&self, _: &Setup) -> Vec<Finding> {
        let mut list = Vec::new();
        for m in &self.remedies {
            let how = strength(&m.regularizers);
            let errors = m.values(test_error);
            list.push(Finding::share(format!("{}_error", m.name), &errors, format!("{}: test error ({how})", m.name)));
        }
        for (m, (test, p)) in self.remedies.iter().zip(self.tests()).skip(1) {
            let meaning = format!("{}: test error without any remedy less that with it, network by network", m.name);
            let finding = Finding::new(format!("{}_gain", m.name), test.map_or(f64::NAN, |t| t.difference), meaning);
            let note = if p.is_nan() { String::new() } else { format!("p = {} after Holm", readable(p)) };
            list.push(finding.interval(test.map(|t| t.interval)).note(note));
        }
        list
    }

    fn trouble(&self) -> Option<String> {
        let lost = self.remedies.iter().flat_map(|m| &m.ends).filter(|end| end.is_none()).count();
        (lost > 0 && self.queue.is_empty() && self.running.is_empty())
            .then(|| format!("{lost} networks of the remedies ended in a loss that is not finite"))
    }

    fn messages(&mut self) -> Vec<String> {
        std::mem::take(&mut self.messages)
    }

    fn training_steps(&self) -> u64 {
        self.done + self.running.iter().map(|(_, _, fit)| fit.done()).sum::<u64>()
    }
}
