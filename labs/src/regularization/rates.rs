//! Errors over the dropout rate (Srivastava et al. 2014, section 7.3), of the settings' network and of one with an
//! eighth of its units.

use super::average;
use super::fit::{Fit, Snapshot, Spec};
use super::network::Architecture;
use super::pool::{IntervalOf, Job, Pool, dropout_alone, label, means};
use super::setup::{Evaluated, Setup};
use crate::figure::{Axis, Figure, Kind, Lines, Series, readable};
use crate::rng::stream;
use crate::stats::{share_interval, t_interval};
use crate::work::Work;
use crate::{Finding, Result};

/// How many times fewer units a narrow layer has.
const NARROWER: usize = 8;
/// Standard deviation of the noise on the shifted test samples, in units of the scaled features.
const SHIFT: f64 = 1.0;

/// What is kept of a network.
#[derive(Debug, Clone, Copy)]
struct End {
    last: Snapshot,
    /// Share of the test samples with noise that are wrong.
    noisy_error: f64,
}

/// The part `rates`: dropout and no other regulariser.
pub struct Rates {
    rates: Vec<f64>,
    /// Cells: wide and narrow in turn, rate by rate.
    pool: Pool<End>,
}

impl Rates {
    /// `nets` networks for each rate and width; number i of each rate has the same weights, batches and samples.
    pub fn new(setup: &Setup) -> Result<Self> {
        let rates = setup.settings.sweep()?;
        let narrow = setup.architecture.widths.iter().map(|w| (w / NARROWER).max(1)).collect();
        let narrow = Architecture { widths: narrow, ..setup.architecture.clone() };
        let mut jobs = Vec::new();
        for index in 0..setup.settings.nets {
            for (r, rate) in rates.iter().enumerate() {
                for (w, architecture) in [&setup.architecture, &narrow].into_iter().enumerate() {
                    let spec = Spec {
                        architecture: architecture.clone(),
                        evaluate_every: setup.settings.steps as u64,
                        ..setup.spec(dropout_alone(*rate))
                    };
                    jobs.push(Job { cell: 2 * r + w, index, draw: setup.draw(index as u64), spec });
                }
            }
        }
        Ok(Self { rates, pool: Pool::new(setup, jobs, keep) })
    }

    /// Value by network at each rate.
    fn measured(&self, narrow: bool, of: impl Fn(&End) -> f64 + Copy) -> Vec<(f64, Vec<f64>)> {
        let at = |(r, rate): (usize, &f64)| (*rate, self.pool.values(2 * r + usize::from(narrow), of));
        self.rates.iter().enumerate().map(at).collect()
    }

    /// For each network of which every rate is known: the rate at which `by` is lowest (of equals the smaller), and `of` there.
    fn chosen(&self, narrow: bool, by: fn(&End) -> f64, of: fn(&End) -> f64) -> Vec<(f64, f64)> {
        let (by, of) = (self.measured(narrow, by), self.measured(narrow, of));
        let networks = by.iter().chain(&of).map(|(_, values)| values.len()).min().unwrap_or(0);
        let best = |i: usize| {
            let known = (0..by.len()).filter(|r| by[*r].1[i].is_finite());
            known.min_by(|a, b| by[*a].1[i].total_cmp(&by[*b].1[i])).map(|r| (by[r].0, of[r].1[i]))
        };
        (0..networks).map(|i| best(i).unwrap_or((f64::NAN, f64::NAN))).collect()
    }

    /// Rate and mean test error where that is lowest.
    fn best(&self, narrow: bool) -> Option<(f64, f64)> {
        let all = self.rates.iter().enumerate().map(|(r, rate)| {
            let error = self.pool.mean(2 * r + usize::from(narrow), |e| test_error(&e.last));
            (*rate, error)
        });
        all.filter(|point| point.1.is_finite()).min_by(|a, b| a.1.total_cmp(&b.1))
    }

    fn caption(&self) -> String {
        let first = self.pool.mean(0, |e| test_error(&e.last));
        match (self.best(false), self.best(true)) {
            (Some(wide), Some(narrow)) if first.is_finite() => format!(
                "The mean test error is lowest at dropout {}: {} against {} at {}; with an {NARROWER}th of the units it is lowest at {}: {}.",
                readable(wide.0),
                readable(wide.1),
                readable(first),
                readable(self.rates[0]),
                readable(narrow.0),
                readable(narrow.1)
            ),
            _ => "Nothing measured yet.".into(),
        }
    }

    fn gap_caption(&self) -> String {
        let gap = |rate: usize, narrow: usize| readable(self.pool.mean(2 * rate + narrow, gap));
        let last = self.rates.len() - 1;
        if self.pool.kept(2 * last + 1).is_empty() {
            return "Nothing measured yet.".into();
        }
        format!(
            "The test error lies {} above the training error at dropout {} and {} at {}; of narrow networks {} and {}.",
            gap(0, 0),
            readable(self.rates[0]),
            gap(last, 0),
            readable(self.rates[last]),
            gap(0, 1),
            gap(last, 1)
        )
    }

    fn series(&self, name: &str, narrow: bool, of: fn(&End) -> f64, interval: IntervalOf) -> Series {
        means(name, &self.measured(narrow, of), interval)
    }

    fn of_rate(&self, r: usize) -> Vec<Finding> {
        let (rate, name) = (self.rates[r], label(self.rates[r]));
        let (wide, narrow) = (2 * r, 2 * r + 1);
        let at = |what: &str| format!("dropout {rate}: {what}");
        let share = |name: String, cell, of: fn(&End) -> f64, what: &str| {
            Finding::share(name, &self.pool.values(cell, of), at(what))
        };
        let mean = |name: String, cell, of: fn(&End) -> f64, what: &str| {
            Finding::arithmetic(name, &self.pool.values(cell, of), at(what))
        };
        vec![
            share(format!("dropout_{name}_error"), wide, |e| test_error(&e.last), "share of the test samples wrong"),
            share(format!("dropout_{name}_train_error"), wide, |e| train_error(&e.last), "of the training samples"),
            mean(format!("dropout_{name}_gap"), wide, gap, "test error less training error"),
            mean(format!("dropout_{name}_loss"), wide, |e| e.last.test.loss, "test loss").unit("nats"),
            mean(format!("dropout_{name}_train_loss"), wide, |e| e.last.train.loss, "training loss").unit("nats"),
            share(
                format!("dropout_{name}_noisy_error"),
                wide,
                |e| e.noisy_error,
                "test error where N(0, 1) is added to each scaled feature",
            ),
            share(format!("narrow_dropout_{name}_error"), narrow, |e| test_error(&e.last), "test error, narrow"),
            mean(format!("narrow_dropout_{name}_gap"), narrow, gap, "test error less training error, narrow"),
        ]
    }
}

fn figure((id, title, y): (&str, &str, &str), series: Vec<Series>, caption: String) -> Figure {
    let x = Axis::linear("dropout rate of the hidden layers").within(0.0, 1.0);
    let kind = Kind::Lines(Lines { x, y: Axis::linear(y), series, guides: vec![] });
    Figure { id: id.into(), title: title.into(), caption, kind }
}

fn keep(setup: &Setup, fit: &Fit) -> Result<End> {
    let noisy = noisy_test(setup, &fit.task().test)?;
    Ok(End { last: average::end(fit), noisy_error: 1.0 - fit.score(&noisy)?.accuracy })
}

/// The test samples with noise, the same for every network.
fn noisy_test(setup: &Setup, test: &Evaluated) -> Result<Evaluated> {
    let noise = stream(setup.seed, "noisy test", 0).normal_tensor(test.x.shape(), &setup.device)?;
    let x = (&test.x + (noise * SHIFT)?.to_dtype(test.x.dtype())?)?;
    Ok(Evaluated { x, y: test.y.clone() })
}

fn test_error(end: &Snapshot) -> f64 {
    1.0 - end.test.accuracy
}

fn train_error(end: &Snapshot) -> f64 {
    1.0 - end.train.accuracy
}

fn gap(end: &End) -> f64 {
    end.last.train.accuracy - end.last.test.accuracy
}

impl Work<Setup> for Rates {
    fn title(&self) -> &'static str {
        "rates"
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
        let errors = vec![
            self.series("train", false, |e| train_error(&e.last), share_interval),
            self.series("validation", false, |e| 1.0 - e.last.validation.accuracy, share_interval),
            self.series("test", false, |e| test_error(&e.last), share_interval),
            self.series("test, narrow", true, |e| test_error(&e.last), share_interval),
            self.series("test with noise", false, |e| e.noisy_error, share_interval),
        ];
        let gaps = vec![self.series("wide", false, gap, t_interval), self.series("narrow", true, gap, t_interval)];
        vec![
            figure(("rates", "Errors over the dropout rate", "share of samples wrong"), errors, self.caption()),
            figure(("rates-gap", "What is not carried over", "test error - training error"), gaps, self.gap_caption()),
        ]
    }

    fn findings(&self, _: &Setup) -> Vec<Finding> {
        let mut list: Vec<Finding> = (0..self.rates.len()).flat_map(|r| self.of_rate(r)).collect();
        let rates = |chosen: Vec<(f64, f64)>| chosen.into_iter().map(|c| c.0).collect::<Vec<_>>();
        let errors = |chosen: Vec<(f64, f64)>| chosen.into_iter().map(|c| c.1).collect::<Vec<_>>();
        let by_validation = |narrow| self.chosen(narrow, |e| e.last.validation.loss, |e| test_error(&e.last));
        let by_training = self.chosen(false, |e| e.last.train.loss, |e| test_error(&e.last));
        let meaning = "dropout rate with the lowest validation loss, network by network";
        list.push(Finding::arithmetic("best_rate", &rates(by_validation(false)), meaning));
        let meaning = "the same of narrow networks";
        list.push(Finding::arithmetic("narrow_best_rate", &rates(by_validation(true)), meaning));
        let meaning = "test error at the rate with the lowest validation loss";
        list.push(Finding::share("chosen_error", &errors(by_validation(false)), meaning));
        let meaning = "test error at the rate with the lowest training loss";
        list.push(Finding::share("train_chosen_error", &errors(by_training), meaning));
        list
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
