//! Labels that are drawn at random, learned by heart (Zhang et al. 2017, "Understanding deep learning requires
//! rethinking generalization"): for a share of 0, a half and all of them, with three remedies beside.
//!
//! Test and validation samples keep their own labels.

use super::Regularizers;
use super::fit::Snapshot;
use super::pool::{Job, Pool, dropout_alone, label};
use super::setup::{Draw, Setup};
use crate::figure::{Axis, Bars, Figure, Kind, Lines, Role, Series, readable};
use crate::stats::mean;
use crate::work::Work;
use crate::{Finding, Result};

/// Shares of the labels that are drawn at random.
const SHARES: [f64; 3] = [0.0, 0.5, 1.0];
/// Where among them the remedies are tried: a network that has nothing wrong to learn needs none.
const HALF: usize = 1;
const WHOLE: usize = 2;
/// Kinds of training; the plain ones are at each share, in the first cells.
const TRAINED: [(&str, &str); 3] = [("plain", "none"), ("dropout", "dropout"), ("decay", "weight decay")];
/// Evaluations without improvement before early stopping, where the settings do not say.
const PATIENCE: usize = 5;

/// The part `memorise`.
pub struct Memorise {
    /// Evaluations of each network.
    pool: Pool<Vec<Snapshot>>,
    patience: usize,
    classes: usize,
}

/// Which networks: a kind of training at a share, and whether each is stopped early.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Group {
    kind: usize,
    share: usize,
    stopped: bool,
}

impl Group {
    fn cell(self) -> usize {
        if self.kind == 0 { self.share } else { SHARES.len() + 2 * (self.kind - 1) + self.share - HALF }
    }

    fn name(self) -> &'static str {
        if self.stopped { "stopped" } else { TRAINED[self.kind].0 }
    }

    fn words(self) -> String {
        let how = if self.stopped { "early stopping" } else { TRAINED[self.kind].1 };
        format!("remedy {how}, a share of {} of the labels random", SHARES[self.share])
    }
}

/// Every group, the plain ones first.
fn groups() -> Vec<Group> {
    let of = |kind, stopped, shares: std::ops::Range<usize>| shares.map(move |share| Group { kind, share, stopped });
    let plain = of(0, false, 0..SHARES.len()).chain(of(0, true, 0..SHARES.len()));
    plain.chain((1..TRAINED.len()).flat_map(move |kind| of(kind, false, HALF..SHARES.len()))).collect()
}

impl Memorise {
    /// `nets` networks of each kind; number i of each has the same weights, batches and samples.
    pub fn new(setup: &Setup) -> Self {
        let own = &setup.regularizers;
        let patience = if own.patience > 0 { own.patience } else { PATIENCE };
        let or = |own: f64, usual: f64| if own > 0.0 { own } else { usual };
        let trained = [
            Regularizers::none(),
            dropout_alone(or(own.dropout, 0.5)),
            Regularizers { weight_decay: or(own.weight_decay, 0.5), ..Regularizers::none() },
        ];
        let mut jobs = Vec::new();
        for index in 0..setup.settings.nets {
            for group in groups().into_iter().filter(|group| !group.stopped) {
                let draw = Draw { label_noise: SHARES[group.share], ..setup.draw(index as u64) };
                let spec = setup.spec(trained[group.kind].clone());
                jobs.push(Job { cell: group.cell(), index, draw, spec });
            }
        }
        Self {
            pool: Pool::new(setup, jobs, |_, fit| Ok(fit.history().to_vec())),
            patience,
            classes: setup.data.classes,
        }
    }

    /// `of` what each network of `group` ended with, and of all that it was on the way.
    fn values(&self, group: Group, of: impl Fn(&Snapshot, &[Snapshot]) -> f64) -> Vec<f64> {
        let patience = if group.stopped { self.patience } else { 0 };
        self.pool.values(group.cell(), |all| end(all, patience).map_or(f64::NAN, |last| of(last, all)))
    }

    /// The mean of `of` over networks at each evaluation.
    fn curve(&self, cell: usize, of: fn(&Snapshot) -> f64) -> Vec<(f64, f64)> {
        let kept = self.pool.kept(cell);
        let length = kept.iter().map(|all| all.len()).min().unwrap_or(0);
        let at = |i: usize| {
            let values: Vec<f64> = kept.iter().map(|all| of(&all[i])).collect();
            (kept[0][i].step as f64, mean(&values))
        };
        (0..length).map(at).collect()
    }

    fn caption(&self) -> String {
        let plain = Group { kind: 0, share: WHOLE, stopped: false };
        let train = self.values(plain, |last, _| last.train.accuracy);
        if train.is_empty() {
            return "Nothing measured yet.".into();
        }
        let true_labels = self.values(Group { share: 0, ..plain }, |last, _| last.test.accuracy);
        let steps: Vec<f64> =
            self.values(plain, |_, all| by_heart(all)).into_iter().filter(|s| s.is_finite()).collect();
        let by = if steps.is_empty() { "not to the end".into() } else { format!("by step {}", readable(mean(&steps))) };
        format!(
            "Of labels that are all random the network learns {} ({by} by {} of {} networks) and then knows {} of the test samples; of true ones {}; chance is {}.",
            readable(mean(&train)),
            steps.len(),
            train.len(),
            readable(mean(&self.values(plain, |last, _| last.test.accuracy))),
            readable(mean(&true_labels)),
            readable(1.0 / self.classes as f64)
        )
    }

    fn remedies_caption(&self) -> String {
        let told: Vec<String> = groups()
            .into_iter()
            .filter(|group| group.share == HALF)
            .filter_map(|group| {
                let test = self.values(group, |last, _| last.test.accuracy);
                (!test.is_empty()).then(|| format!("{} {}", group.name(), readable(mean(&test))))
            })
            .collect();
        if told.is_empty() {
            return "Nothing measured yet.".into();
        }
        format!("Test accuracy where half of the training labels are random: {}.", told.join(", "))
    }

    fn curves(&self) -> Figure {
        let mut series = Vec::new();
        for (share, value) in SHARES.iter().enumerate() {
            let words = format!("{value} random");
            let train = self.curve(share, |s| s.train.accuracy);
            series.push(Series::new(format!("train, {words}"), Role::Measured, train));
            series.push(Series::new(format!("test, {words}"), Role::Measured, self.curve(share, |s| s.test.accuracy)));
        }
        let kind = Kind::Lines(Lines {
            x: Axis::linear("optimiser step"),
            y: Axis::linear("share of samples right").within(0.0, 1.0),
            series,
            guides: vec![("chance".into(), 1.0 / self.classes as f64)],
        });
        Figure { id: "memorise".into(), title: "Random labels by heart".into(), caption: self.caption(), kind }
    }

    fn bars(&self) -> Figure {
        let of_share = |share: usize| groups().into_iter().filter(move |group| group.share == share);
        let bar = |share: usize, of: fn(&Snapshot) -> f64| -> Vec<f64> {
            of_share(share).map(|group| mean(&self.values(group, |last, _| of(last)))).collect()
        };
        let kind = Kind::Bars(Bars {
            y: Axis::linear("share of samples right").within(0.0, 1.0),
            x_label: "remedy".into(),
            categories: of_share(HALF).map(|group| group.name().into()).collect(),
            groups: vec![
                ("train, 0.5 random".into(), bar(HALF, |s| s.train.accuracy)),
                ("test, 0.5 random".into(), bar(HALF, |s| s.test.accuracy)),
                ("train, 1 random".into(), bar(WHOLE, |s| s.train.accuracy)),
                ("test, 1 random".into(), bar(WHOLE, |s| s.test.accuracy)),
            ],
        });
        let (id, title) = ("memorise-remedies".into(), "Random labels under each remedy".into());
        Figure { id, title, caption: self.remedies_caption(), kind }
    }

    fn of_group(&self, group: Group) -> Vec<Finding> {
        let (name, share, words) = (group.name(), label(SHARES[group.share]), group.words());
        let accuracy = |what: &str, of: fn(&Snapshot) -> f64, told: &str| {
            let values = self.values(group, |last, _| of(last));
            Finding::share(format!("{name}_{what}_noise_{share}"), &values, format!("{told}: {words}"))
        };
        let nats = |what: &str, of: fn(&Snapshot, &[Snapshot]) -> f64, told: &str| {
            let meaning = format!("{told}: {words}");
            Finding::arithmetic(format!("{name}_{what}_noise_{share}"), &self.values(group, of), meaning).unit("nats")
        };
        let mut test = accuracy("test_accuracy", |s| s.test.accuracy, "share of the test samples right");
        if group.share == WHOLE {
            test = test.predicted(Some(1.0 / self.classes as f64));
        }
        let lowest = |_: &Snapshot, all: &[Snapshot]| all.iter().map(|s| s.validation.loss).fold(f64::NAN, f64::min);
        let steps = self.values(group, |_, all| by_heart(all));
        let mut list = vec![
            accuracy("train_accuracy", |s| s.train.accuracy, "share of the training samples right, by their labels"),
            test,
            nats("test_loss", |last, _| last.test.loss, "test loss"),
            nats("train_loss", |last, _| last.train.loss, "training loss"),
            nats("validation_loss", |last, _| last.validation.loss, "validation loss"),
        ];
        if group.stopped {
            let name = format!("stopped_step_noise_{share}");
            let step = self.values(group, |last, _| last.step as f64);
            list.push(Finding::arithmetic(name, &step, format!("step whose weights are kept: {words}")).unit("steps"));
        } else {
            list.push(nats("best_validation_loss", lowest, "lowest validation loss on the way"));
            let meaning = format!("steps to a training accuracy of 1: {words}");
            list.push(Finding::arithmetic(format!("{name}_steps_noise_{share}"), &steps, meaning).unit("steps"));
        }
        list
    }
}

/// What a network that went through `all` ends with: the last evaluation, or with a `patience` above 0 the best before
/// training would have been stopped, as [`super::Fit`] does it.
fn end(all: &[Snapshot], patience: usize) -> Option<&Snapshot> {
    if patience == 0 {
        return all.last();
    }
    let (mut best, mut waited) = (all.first()?, 0);
    for now in &all[1..] {
        if now.validation.loss < best.validation.loss {
            (best, waited) = (now, 0);
        } else {
            waited += 1;
        }
        if waited >= patience {
            break;
        }
    }
    Some(best)
}

/// The first evaluation at which every training sample is right; NaN of none.
fn by_heart(all: &[Snapshot]) -> f64 {
    all.iter().find(|s| s.train.accuracy >= 1.0).map_or(f64::NAN, |s| s.step as f64)
}

impl Work<Setup> for Memorise {
    fn title(&self) -> &'static str {
        "memorise"
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
        vec![self.curves(), self.bars()]
    }

    fn findings(&self, _: &Setup) -> Vec<Finding> {
        groups().into_iter().flat_map(|group| self.of_group(group)).collect()
    }

    fn trouble(&self) -> Option<String> {
        self.pool.trouble()
    }

    fn messages(&mut self) -> Vec<String> {
        self.pool.messages()
    }

    fn training_steps(&self) -> u64 {
        self.pool.training_steps()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests_fit::setup;
    use super::*;
    use crate::regularization::{Fit, Score};

    fn run(values: &[(&str, &str)], noise: f64, regularizers: &Regularizers) -> Fit {
        let setup = setup(values).unwrap();
        let task = setup.task(Draw { label_noise: noise, ..setup.draw(0) }).unwrap();
        let mut fit = Fit::new(&setup, &task, regularizers, 0).unwrap();
        while fit.step().unwrap() {}
        fit
    }

    /// What the plain networks' evaluations say of early stopping is what a network that is stopped early does.
    #[test]
    fn a_stopped_network_is_found_in_the_plain_ones_evaluations() {
        let values = [("widths", "16"), ("train_samples", "60"), ("steps", "200"), ("evaluate_every", "5")];
        for (patience, noise) in [(1, 0.5), (3, 0.5), (3, 1.0), (1000, 0.5)] {
            let plain = run(&values, noise, &Regularizers::none());
            let stopped = run(&values, noise, &Regularizers { patience, ..Regularizers::none() });
            assert_eq!(end(plain.history(), patience).copied(), stopped.last(), "{patience} {noise}");
        }
    }

    #[test]
    fn the_first_whole_training_accuracy_counts() {
        let score = |accuracy| Score { loss: 0.0, accuracy };
        let at = |step, accuracy| {
            let (train, other) = (score(accuracy), score(0.0));
            Snapshot { step, train, validation: other, test: other }
        };
        let all = [at(0, 0.1), at(10, 1.0), at(20, 0.9), at(30, 1.0)];
        assert!((by_heart(&all) - 10.0).abs() < 1e-12);
        assert!(by_heart(&all[..1]).is_nan());
    }

    #[test]
    fn cells_are_as_many_as_kinds_of_training() {
        let mut cells: Vec<usize> = groups().into_iter().filter(|g| !g.stopped).map(Group::cell).collect();
        cells.sort_unstable();
        assert_eq!(cells, (0..SHARES.len() + 2 * (TRAINED.len() - 1)).collect::<Vec<_>>());
    }
}
