//! Loss curves of all schemes on the same data, batches and seed; and of residual blocks.

use super::setup::Setup;
use crate::cost::pass_cost;
use crate::figure::{Axis, Figure, Kind, Lines, Role, Series, Table, readable};
use crate::history::History;
use crate::nn::residual::Start;
use crate::nn::{Init, Net, ResidualMlp, Scheme};
use crate::stats::mean;
use crate::trainer::Trainer;
use crate::work::Work;
use crate::{Finding, LabError, Result};
use candle_core::DType;
use std::collections::VecDeque;

const COLUMNS: usize = 160;
/// The final loss is a mean over this many batches: one batch alone scatters by a tenth.
const LAST: usize = 20;
/// Test samples.
const TESTED: usize = 1000;
/// Nats under the labels' entropy from which on a network has learned something.
const LEARNED: f64 = 0.1;
/// The picture of losses ends at this many times the labels' entropy: a scheme that starts at 1e9 nats
/// would leave no room for the others.
const HIGHEST: f64 = 20.0;
/// What plain residual blocks are called.
const HE_BLOCKS: &str = "he_residual";

/// One network in training.
struct Run {
    name: String,
    /// Among the schemes under study, among the residual blocks, or both.
    studied: bool,
    blocks: bool,
    trainer: Trainer<Net>,
    loss: History,
    first: Option<f64>,
    recent: VecDeque<f64>,
    done: u64,
    stopped: Option<String>,
    /// Accuracy on the test samples before the first step and after the last.
    tested: Option<f64>,
}

pub struct Training {
    runs: Vec<Run>,
    /// Steps for each network.
    steps: u64,
    next: usize,
    cost: f64,
    messages: Vec<String>,
}

impl Training {
    pub fn new(setup: &Setup) -> Result<Self> {
        let s = &setup.settings;
        let mut runs = Vec::new();
        for scheme in s.schemes()? {
            let config = setup.network(scheme.base());
            let built = scheme.build(config, &setup.x, setup.seed, 0, DType::F32, &setup.device)?;
            runs.push(Run::new(setup, scheme.name(), built.net, true, scheme.blocks().is_some()));
        }
        for (name, start) in [
            (HE_BLOCKS, Start::Plain),
            (Scheme::ZeroGamma.name(), Start::ZeroGamma),
            (Scheme::Fixup.name(), Start::Fixup),
        ] {
            if runs.iter().all(|r| r.name != name) {
                let config = setup.network(Init::HeNormal);
                let net = ResidualMlp::new(config, start, setup.seed, 0, DType::F32, &setup.device)?;
                runs.push(Run::new(setup, name, Net::Blocks(net), false, true));
            }
        }
        let cost = pass_cost(&setup.network(Init::HeNormal), s.recipe.batch) * 1.5;
        Ok(Self { runs, steps: s.steps as u64, next: 0, cost, messages: vec![] })
    }

    fn running(&self, run: &Run) -> bool {
        run.stopped.is_none() && run.done < self.steps
    }

    /// One step of the next network that is still running, each in turn.
    fn train(&mut self, setup: &Setup) -> Result<()> {
        let n = self.runs.len();
        let turn = (0..n).map(|i| (self.next + i) % n).find(|i| self.running(&self.runs[*i]));
        let Some(turn) = turn else { return Ok(()) };
        self.next = (turn + 1) % n;
        let run = &mut self.runs[turn];
        match run.trainer.step(&setup.data) {
            Ok(step) => run.note(step.loss),
            Err(LabError::NotFinite { what, .. }) => {
                let remark = format!("{what} is not finite at step {}", run.done + 1);
                self.messages.push(format!("{}: {remark}", run.name));
                run.stopped = Some(remark);
            }
            Err(other) => return Err(other),
        }
        if run.stopped.is_some() || run.done == self.steps {
            run.tested = Some(run.trainer.test(&setup.data, TESTED)?.1);
        }
        Ok(())
    }

    fn lines(&self, setup: &Setup, (id, title): (&str, &str), of: impl Fn(&Run) -> bool) -> Figure {
        let runs: Vec<&Run> = self.runs.iter().filter(|r| of(r)).collect();
        let series = runs.iter().map(|r| Series::new(r.name.clone(), Role::Measured, r.loss.points())).collect();
        let mut last: Vec<_> = runs.iter().filter_map(|r| Some((r.name.as_str(), r.last()?))).collect();
        last.sort_by(|a, b| a.1.total_cmp(&b.1));
        let stopped: Vec<&str> = runs.iter().filter(|r| r.stopped.is_some()).map(|r| r.name.as_str()).collect();
        let mut caption = match (last.first(), last.last()) {
            (Some(best), Some(worst)) => format!(
                "After {} steps the loss is {} nats under {} and {} under {}; the classes' shares alone give {}.",
                runs.iter().map(|r| r.done).max().unwrap_or(0),
                readable(best.1),
                best.0,
                readable(worst.1),
                worst.0,
                readable(setup.guess)
            ),
            _ => "Not trained yet.".into(),
        };
        if runs.iter().flat_map(|r| r.loss.points()).any(|p| p.1 > HIGHEST * setup.guess) {
            caption += &format!(" Losses above {} are off the picture.", readable(HIGHEST * setup.guess));
        }
        if !stopped.is_empty() {
            caption += &format!(" Not finite: {}.", stopped.join(", "));
        }
        let lines = Lines {
            x: Axis::linear("optimiser step").within(0.0, self.steps as f64),
            y: loss_axis(&runs, setup.guess),
            series,
            guides: vec![("class shares".into(), setup.guess)],
        };
        Figure { id: id.into(), title: title.into(), caption, kind: Kind::Lines(lines) }
    }

    fn table(&self, setup: &Setup) -> Figure {
        let head = ["scheme", "first loss", "final loss", "test accuracy", "learned"];
        let rows: Vec<Vec<String>> = self
            .runs
            .iter()
            .map(|r| {
                let text = |v: Option<f64>| v.map_or_else(|| "–".into(), readable);
                let verdict = match (&r.stopped, r.tested) {
                    (Some(remark), _) => remark.clone(),
                    (None, None) => "–".into(),
                    (None, Some(_)) => if r.learned(setup) { "yes" } else { "no" }.into(),
                };
                vec![r.name.clone(), text(r.first), text(r.last()), text(r.tested), verdict]
            })
            .collect();
        let over = self.runs.iter().filter(|r| r.tested.is_some()).count();
        let caption = if over == 0 {
            "No training has ended yet.".into()
        } else {
            let learned = self.runs.iter().filter(|r| r.tested.is_some() && r.learned(setup)).count();
            format!(
                "{learned} of {over} networks came {LEARNED} nats below {}, the loss of the classes' shares; the commonest class has a share of {}.",
                readable(setup.guess),
                readable(setup.commonest)
            )
        };
        let kind = Kind::Table(Table { columns: head.map(String::from).to_vec(), rows });
        Figure { id: "scheme-results".into(), title: "What each scheme comes to".into(), caption, kind }
    }
}

fn loss_axis(runs: &[&Run], guess: f64) -> Axis {
    let losses = runs.iter().flat_map(|r| r.loss.points()).map(|p| p.1);
    let low = losses.filter(|l| *l > 0.0).fold(guess / 10.0, f64::min);
    Axis::log10("training batch's loss / nats").within(low, HIGHEST * guess)
}

impl Run {
    fn new(setup: &Setup, name: &str, net: Net, studied: bool, blocks: bool) -> Self {
        Self {
            name: name.into(),
            studied,
            blocks,
            // One index for all, and so the same batches.
            trainer: Trainer::new(net, setup.recipe(), 0),
            loss: History::new(setup.settings.steps as u64, COLUMNS),
            first: None,
            recent: VecDeque::new(),
            done: 0,
            stopped: None,
            tested: None,
        }
    }

    fn note(&mut self, loss: f64) {
        self.first.get_or_insert(loss);
        self.loss.push(self.done, loss);
        self.recent.push_back(loss);
        if self.recent.len() > LAST {
            self.recent.pop_front();
        }
        self.done += 1;
    }

    /// The mean over the newest batches.
    fn last(&self) -> Option<f64> {
        (!self.recent.is_empty() && self.stopped.is_none())
            .then(|| mean(&self.recent.iter().copied().collect::<Vec<_>>()))
    }

    fn learned(&self, setup: &Setup) -> bool {
        self.last().is_some_and(|loss| loss < setup.guess - LEARNED)
    }

    fn findings(&self, setup: &Setup) -> Vec<Finding> {
        let name = &self.name;
        let note = self.stopped.clone().unwrap_or_default();
        let learned = self.tested.map_or(f64::NAN, |_| f64::from(u8::from(self.learned(setup))));
        let finding = |end: &str, value: f64, meaning: String| {
            Finding::new(format!("{name}_{end}"), value, format!("{name}: {meaning}")).note(note.clone())
        };
        vec![
            finding(
                "final_loss",
                self.last().unwrap_or(f64::NAN),
                format!("mean cross-entropy of the newest {LAST} batches"),
            )
            .unit("nats"),
            finding("accuracy", self.tested.unwrap_or(f64::NAN), format!("share of up to {TESTED} test samples right")),
            finding(
                "learned",
                learned,
                format!("1 where the final loss is {LEARNED} nats below the labels' entropy, else 0"),
            ),
        ]
    }
}

impl Work<Setup> for Training {
    fn title(&self) -> &'static str {
        "training"
    }

    fn stage(&self) -> String {
        let step = self.runs.iter().map(|r| r.done).max().unwrap_or(0);
        format!("training {} networks, step {step} of {}", self.runs.len(), self.steps)
    }

    fn cost(&self) -> (f64, f64) {
        let done = |r: &Run| if self.running(r) { r.done } else { self.steps };
        let total = self.runs.len() as u64 * self.steps;
        (self.cost * total as f64, self.cost * self.runs.iter().map(done).sum::<u64>() as f64)
    }

    fn step(&mut self, setup: &Setup) -> Result<bool> {
        self.train(setup)?;
        Ok(self.runs.iter().any(|r| self.running(r)))
    }

    fn figures(&self, setup: &Setup) -> Vec<Figure> {
        vec![
            self.lines(setup, ("scheme-losses", "Training under each scheme"), |r| r.studied),
            self.lines(setup, ("residual-losses", "Residual blocks: He, zero-gamma, Fixup"), |r| r.blocks),
            self.table(setup),
        ]
    }

    fn findings(&self, setup: &Setup) -> Vec<Finding> {
        self.runs.iter().flat_map(|r| r.findings(setup)).collect()
    }

    fn messages(&mut self) -> Vec<String> {
        std::mem::take(&mut self.messages)
    }

    fn training_steps(&self) -> u64 {
        self.runs.iter().map(|r| r.done).sum()
    }
}
