//! The same training for each function: curves, and a ranking with paired significance.

use super::ranking::{Place, rank, ties};
use super::setup::Setup;
use super::trained::{Runner, grid, moments, next_moment, over_steps, stride};
use crate::cost::pass_cost;
use crate::figure::{Axis, Bars, Figure, Kind, Role, Series, Table, readable};
use crate::stats::{geometric, mean, t_interval};
use crate::work::Work;
use crate::{Finding, Result};

const COLUMNS: u64 = 120;
/// Test samples of the curves; the ranking takes all.
const MOST: usize = 500;
/// The threshold is met by the mean loss of this many batches: one batch alone is mostly luck.
const SMOOTHED: usize = 10;
/// Pairs whose differences are findings whenever both run; and every function against ReLU.
const PAIRS: [(&str, &str); 6] = [
    ("tanh", "sigmoid"),
    ("gelu", "silu"),
    ("mish", "silu"),
    ("gelu", "gelu_tanh"),
    ("gelu", "elu"),
    ("leaky_relu_0_3", "leaky_relu"),
];

/// One network of one function.
#[derive(Debug, Clone, Default)]
struct Run {
    /// Sum and number of the batches' losses in each column of the curve.
    loss: Vec<(f64, f64)>,
    /// (optimiser steps done, accuracy).
    accuracy: Vec<(f64, f64)>,
    newest: Vec<f64>,
    /// Optimiser steps to half of the loss of a guess.
    reached: Option<f64>,
    /// Loss and accuracy on the whole test set at the end; NaN for a network that is not finite.
    end: Option<(f64, f64)>,
}

impl Run {
    fn note(&mut self, step: u64, loss: f64, total: u64, goal: f64) {
        let columns = COLUMNS.min(total);
        self.loss.resize(columns as usize, (0.0, 0.0));
        let column = &mut self.loss[(step * columns / total) as usize];
        *column = (column.0 + loss, column.1 + 1.0);
        if self.newest.len() == SMOOTHED {
            self.newest.remove(0);
        }
        self.newest.push(loss);
        if self.reached.is_none() && self.newest.len() == SMOOTHED && mean(&self.newest) <= goal {
            self.reached = Some(step as f64 + 1.0);
        }
    }

    /// (step in the middle of the column, mean loss).
    fn losses(&self, total: u64) -> Vec<(f64, f64)> {
        let columns = COLUMNS.min(total);
        let first = |column: u64| (column * total).div_ceil(columns) as f64;
        let middle = |c: usize| 0.5 * (first(c as u64) + first(c as u64 + 1) - 1.0);
        self.loss.iter().enumerate().filter(|(_, l)| l.1 > 0.0).map(|(c, l)| (middle(c), l.0 / l.1)).collect()
    }
}

struct Entrant {
    name: String,
    slug: String,
    parameters: usize,
    runs: Vec<Run>,
}

impl Entrant {
    /// Those that have ended; before the first has, the present one, so that there is something to see.
    fn shown(&self) -> Vec<&Run> {
        let ended: Vec<&Run> = self.runs.iter().filter(|r| r.end.is_some()).collect();
        if ended.is_empty() { self.runs.iter().collect() } else { ended }
    }

    fn curve(&self, points: impl Fn(&Run) -> Vec<(f64, f64)>) -> Series {
        let runs: Vec<Vec<(f64, f64)>> = self.shown().into_iter().map(points).collect();
        let longest = runs.iter().max_by_key(|r| r.len()).cloned().unwrap_or_default();
        let at = |i: usize| runs.iter().filter_map(|r| r.get(i)).map(|p| p.1).collect::<Vec<_>>();
        let columns: Vec<Vec<f64>> = (0..longest.len()).map(at).collect();
        let means = longest.iter().zip(&columns).map(|(p, c)| (p.0, mean(c))).collect();
        let mut series = Series::new(&self.name, Role::Measured, means);
        let extremes =
            |c: &Vec<f64>| c.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |b, v| (b.0.min(*v), b.1.max(*v)));
        if runs.len() > 1 {
            series.band = Some(columns.iter().map(extremes).collect());
        }
        series
    }
}

pub struct Race {
    entrants: Vec<Entrant>,
    /// The networks of the present repeat.
    runners: Vec<Runner>,
    /// Repeats that have ended.
    repeat: usize,
    repeats: usize,
    total: u64,
    moments: Vec<u64>,
    cost: f64,
    /// Optimiser steps of the repeats that have ended.
    trained: u64,
    messages: Vec<String>,
}

impl Race {
    pub fn new(setup: &Setup) -> Self {
        let total = setup.settings.steps as u64;
        let entrant = |kind| Entrant {
            name: crate::nn::Nonlinearity::name(kind),
            slug: kind.key(),
            parameters: 0,
            runs: Vec::new(),
        };
        let config = setup.network(&setup.data);
        Self {
            entrants: setup.list.iter().map(entrant).collect(),
            runners: Vec::new(),
            repeat: 0,
            repeats: setup.settings.repeats,
            total,
            moments: moments(total, 20),
            cost: 1.5 * pass_cost(&config, setup.settings.recipe.batch),
            trained: 0,
            messages: Vec::new(),
        }
    }

    /// The networks of the next repeat: all with the random numbers and batches of its index.
    fn line_up(&mut self, setup: &Setup) -> Result<()> {
        for (kind, entrant) in setup.list.iter().zip(&mut self.entrants) {
            let trainer = setup.trainer(kind, &setup.data, self.repeat as u64)?;
            entrant.parameters = trainer.net.parameters().iter().map(|(_, var)| var.elem_count()).sum();
            entrant.runs.push(Run::default());
            self.runners.push(Runner::new(kind, trainer));
        }
        Ok(())
    }

    /// Lets the network that is furthest behind go on.
    fn advance(&mut self, setup: &Setup, turn: usize) -> Result<()> {
        let (runner, run) = (&mut self.runners[turn], &mut self.entrants[turn].runs[self.repeat]);
        let (total, goal) = (self.total, 0.5 * setup.guess);
        if runner.done == 0 {
            run.accuracy.push((0.0, runner.trainer.test(&setup.data, MOST)?.1));
        }
        let next = next_moment(&self.moments, runner.done);
        let until = next.min(runner.done + stride(self.cost));
        runner.advance(&setup.data, until, |step, seen| run.note(step, seen.loss, total, goal))?;
        if let Some(reason) = &runner.stopped {
            self.messages.push(format!("race, {}, repeat {}: {reason}", runner.kind.name(), self.repeat + 1));
            run.end = Some((f64::NAN, f64::NAN));
        } else if runner.done == next {
            run.accuracy.push((next as f64, runner.trainer.test(&setup.data, MOST)?.1));
        }
        if runner.done == total {
            let (loss, accuracy) = runner.trainer.test(&setup.data, usize::MAX)?;
            // A loss that is not finite is a failure too, whatever the largest logit happens to be.
            run.end = Some(if loss.is_finite() { (loss, accuracy) } else { (f64::NAN, f64::NAN) });
        }
        Ok(())
    }

    /// `value` of each ended repeat of an entrant; NaN where the network is not finite.
    fn results(&self, entrant: &Entrant, value: impl Fn(&Run) -> f64) -> Vec<f64> {
        entrant.runs[..self.repeat].iter().map(value).collect()
    }

    fn accuracies(&self, entrant: &Entrant) -> Vec<f64> {
        self.results(entrant, |run| run.end.map_or(f64::NAN, |e| e.1))
    }

    fn losses(&self, entrant: &Entrant) -> Vec<f64> {
        self.results(entrant, |run| run.end.map_or(f64::NAN, |e| e.0))
    }

    fn reached(&self, entrant: &Entrant) -> Vec<f64> {
        self.results(entrant, |run| run.reached.unwrap_or(f64::NAN))
    }

    fn places(&self) -> Vec<Place> {
        rank(&self.entrants.iter().map(|e| self.accuracies(e)).collect::<Vec<_>>())
    }

    fn verdict(&self, setup: &Setup, places: &[Place]) -> String {
        let Some(first) = places.first() else {
            return if self.entrants.iter().any(|e| !e.runs.is_empty()) {
                "The first networks are in training; a ranking follows when all have ended.".into()
            } else {
                "Nothing measured yet.".into()
            };
        };
        let best = &self.entrants[first.index];
        let lead = format!(
            "All at learning rate {}, with the same random numbers and batches: {} is first with a test accuracy of {} %",
            readable(setup.settings.recipe.lr),
            best.name,
            percent(&self.accuracies(best))
        );
        let tested = places.iter().filter(|p| p.test.is_some()).count();
        if tested == 0 {
            return format!("{lead}; one pair of networks cannot tell a difference from luck.");
        }
        format!(
            "{lead}. Over {} pairs of networks no difference to it is shown for {} of {tested} others (paired t-test, Holm's correction, p >= 0.05), which is not equality; the first was picked from the same runs.",
            self.repeat,
            ties(places)
        )
    }

    fn curves(&self, setup: &Setup, caption: String) -> Figure {
        let series = |points: &dyn Fn(&Run) -> Vec<(f64, f64)>| self.entrants.iter().map(|e| e.curve(points)).collect();
        let losses: Vec<Series> = series(&|run| run.losses(self.total));
        let mut loss = over_steps(
            "race-loss",
            "Loss",
            self.total,
            Axis::log10_over("training cross-entropy / nats", &losses),
            losses,
        );
        let accuracies = series(&|run| run.accuracy.clone());
        let axis = Axis::linear(format!("accuracy, up to {MOST} test samples")).within(0.0, 1.0);
        let mut accuracy = over_steps("race-accuracy", "Test accuracy", self.total, axis, accuracies);
        for (figure, guide) in
            [(&mut loss, ("class shares", setup.guess)), (&mut accuracy, ("commonest class", setup.commonest))]
        {
            if let Kind::Lines(lines) = &mut figure.kind {
                lines.guides.push((guide.0.into(), guide.1));
            }
        }
        let bands = if self.repeat > 1 {
            format!(" Curves: mean of {} networks; bands: from the lowest to the highest of them.", self.repeat)
        } else {
            String::new()
        };
        grid("race", "The same training for each", caption + &bands, vec![loss, accuracy])
    }

    fn table(&self, places: &[Place], caption: String) -> Figure {
        let heads = [
            "rank",
            "function",
            "parameters",
            "test accuracy / %",
            "test loss / nats",
            "to the first / points",
            "p (Holm)",
            "verdict",
        ];
        let row = |(i, place): (usize, &Place)| {
            let entrant = &self.entrants[place.index];
            let failed = self.accuracies(entrant).iter().filter(|a| a.is_nan()).count();
            let mut verdict = place.verdict(i == 0).to_string();
            if failed > 0 {
                verdict += &format!(", not finite in {failed} of {}", self.repeat);
            }
            let difference = place.test.map_or("–".into(), |t| {
                format!("{:+.2} ± {:.2}", 100.0 * t.difference, 50.0 * (t.interval.high - t.interval.low))
            });
            vec![
                (i + 1).to_string(),
                entrant.name.clone(),
                entrant.parameters.to_string(),
                percent(&self.accuracies(entrant)),
                spread(&self.losses(entrant), 1.0, 4),
                difference,
                readable(place.p),
                verdict,
            ]
        };
        let rows = places.iter().enumerate().map(row).collect();
        let table = Table { columns: heads.map(String::from).to_vec(), rows };
        Figure { id: "race-ranking".into(), title: "Ranking".into(), caption, kind: Kind::Table(table) }
    }

    fn pace(&self) -> Figure {
        let steps = |e: &Entrant| geometric(&self.reached(e)).0;
        let values: Vec<f64> = self.entrants.iter().map(steps).collect();
        let known: Vec<(f64, &str)> = values
            .iter()
            .zip(&self.entrants)
            .filter(|(v, _)| v.is_finite())
            .map(|(v, e)| (*v, e.name.as_str()))
            .collect();
        let missed = self.entrants.iter().filter(|e| self.reached(e).iter().any(|v| v.is_nan())).count();
        let fastest = known.iter().min_by(|a, b| a.0.total_cmp(&b.0));
        let slowest = known.iter().max_by(|a, b| a.0.total_cmp(&b.0));
        let caption = match (fastest, slowest) {
            (Some(a), Some(b)) => {
                let mut text = format!(
                    "Steps until the mean loss of {SMOOTHED} batches is half of what the classes' shares alone give: {} for {}, {} for {}, at this learning rate.",
                    readable(a.0),
                    a.1,
                    readable(b.0),
                    b.1
                );
                if missed > 0 {
                    text += &format!(
                        " Functions with a network that did not get there, which its bar leaves out: {missed}."
                    );
                }
                text
            }
            _ if self.repeat > 0 => "No network got to half of the loss that the classes' shares alone give.".into(),
            _ => "Nothing measured yet.".into(),
        };
        let bars = Bars {
            y: Axis::linear("optimiser steps"),
            x_label: "function".into(),
            categories: self.entrants.iter().map(|e| e.name.clone()).collect(),
            groups: vec![("steps to half of the loss of a guess".into(), values)],
        };
        Figure { id: "race-steps".into(), title: "Steps to half of chance".into(), caption, kind: Kind::Bars(bars) }
    }

    /// Differences and ratios of `a` and `b`, repeat by repeat.
    fn pair(&self, a: &Entrant, b: &Entrant) -> [Finding; 3] {
        let both = |of: &dyn Fn(&Entrant) -> Vec<f64>, join: fn(f64, f64) -> f64| -> Vec<f64> {
            of(a).into_iter().zip(of(b)).map(|(x, y)| join(x, y)).collect()
        };
        let name = |what: &str| format!("{}_minus_{}_{what}", a.slug, b.slug);
        let accuracy = both(&|e| self.accuracies(e), |x, y| x - y);
        let loss = both(&|e| self.losses(e), |x, y| x - y);
        let pace = both(&|e| self.reached(e), |x, y| x / y);
        let what = |quantity: &str| format!("{quantity} of {} less that of {}, pair by pair", a.name, b.name);
        let ratio = format!("steps of {} to half of the loss of a guess over those of {}", a.name, b.name);
        [
            Finding::arithmetic(name("accuracy"), &accuracy, what("test accuracy")),
            Finding::arithmetic(name("loss"), &loss, what("test loss")).unit("nats"),
            geometric_finding(&format!("{}_over_{}_steps_to_half", a.slug, b.slug), &pace, &ratio),
        ]
    }

    fn pairs(&self) -> Vec<Finding> {
        let find = |slug: &str| self.entrants.iter().find(|e| e.slug == slug);
        let mut list: Vec<(&Entrant, &Entrant)> = Vec::new();
        if let Some(relu) = find("relu") {
            list.extend(self.entrants.iter().filter(|e| e.slug != "relu").map(|e| (e, relu)));
        }
        list.extend(PAIRS.iter().filter_map(|(a, b)| Some((find(a)?, find(b)?))));
        list.into_iter().flat_map(|(a, b)| self.pair(a, b)).collect()
    }

    fn own(&self, entrant: &Entrant, place: Option<&Place>, first: bool) -> Vec<Finding> {
        let name = |what: &str| format!("{}_{what}", entrant.slug);
        let of = |what: &str| format!("{what}, {}", entrant.name);
        let test = place.and_then(|p| p.test);
        let nothing = if first { "it is the first itself" } else { "no two pairs of networks" };
        let note = if test.is_none() { nothing } else { "the first was picked from the same runs" };
        let difference = if first { 0.0 } else { test.map_or(f64::NAN, |t| t.difference) };
        vec![
            Finding::share(name("accuracy"), &self.accuracies(entrant), of("test accuracy after training")),
            Finding::arithmetic(name("loss"), &self.losses(entrant), of("test loss after training")).unit("nats"),
            Finding::new(name("minus_best"), difference, of("test accuracy less that of the first, pair by pair"))
                .interval(test.map(|t| t.interval))
                .note(note)
                .not_averaged(),
            Finding::new(
                name("p_value"),
                place.map_or(f64::NAN, |p| p.p),
                of("paired t-test against the first, Holm's correction"),
            )
            .note(note)
            .not_averaged(),
            geometric_finding(
                &name("steps_to_half"),
                &self.reached(entrant),
                &of("optimiser steps to half of the loss of a guess"),
            ),
        ]
    }
}

/// As [`Finding::geometric`], also of nothing.
fn geometric_finding(name: &str, values: &[f64], meaning: &str) -> Finding {
    if values.is_empty() { Finding::new(name, f64::NAN, meaning) } else { Finding::geometric(name, values, meaning) }
}

/// `96.2 ± 0.8` of shares, in per cent.
fn percent(shares: &[f64]) -> String {
    spread(shares, 100.0, 2)
}

fn spread(values: &[f64], factor: f64, digits: usize) -> String {
    let finite: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).map(|v| factor * v).collect();
    match t_interval(&finite) {
        _ if finite.is_empty() => "–".into(),
        None => format!("{:.digits$}", mean(&finite)),
        Some(i) => format!("{:.digits$} ± {:.digits$}", mean(&finite), 0.5 * (i.high - i.low)),
    }
}

impl Work<Setup> for Race {
    fn title(&self) -> &'static str {
        "race"
    }

    fn stage(&self) -> String {
        let done = self.runners.iter().map(|r| r.done).min().unwrap_or(0);
        format!(
            "race, repeat {} of {}, step {done} of {}",
            (self.repeat + 1).min(self.repeats),
            self.repeats,
            self.total
        )
    }

    fn cost(&self) -> (f64, f64) {
        let each = self.cost * self.total as f64;
        let all = each * (self.repeats * self.entrants.len()) as f64;
        let part = |r: &Runner| if r.ended(self.total) { each } else { self.cost * r.done as f64 };
        let done = each * (self.repeat * self.entrants.len()) as f64 + self.runners.iter().map(part).sum::<f64>();
        (all, done.min(all))
    }

    fn step(&mut self, setup: &Setup) -> Result<bool> {
        if self.repeat == self.repeats {
            return Ok(false);
        }
        if self.runners.is_empty() {
            self.line_up(setup)?;
        }
        let behind = |i: &usize| self.runners[*i].done;
        let turn = (0..self.runners.len()).filter(|i| !self.runners[*i].ended(self.total)).min_by_key(behind);
        if let Some(turn) = turn {
            self.advance(setup, turn)?;
        }
        if self.runners.iter().all(|r| r.ended(self.total)) {
            self.trained += self.runners.iter().map(|r| r.done).sum::<u64>();
            self.runners.clear();
            self.repeat += 1;
        }
        Ok(self.repeat < self.repeats)
    }

    fn figures(&self, setup: &Setup) -> Vec<Figure> {
        let places = self.places();
        let verdict = self.verdict(setup, &places);
        vec![self.curves(setup, verdict.clone()), self.table(&places, verdict), self.pace()]
    }

    fn findings(&self, _: &Setup) -> Vec<Finding> {
        let places = self.places();
        let first = places.first().map(|p| p.index);
        let mut list = Vec::new();
        for (i, entrant) in self.entrants.iter().enumerate() {
            list.extend(self.own(entrant, places.iter().find(|p| p.index == i), first == Some(i)));
        }
        let meaning = "functions that are not shown to be worse than the first (Holm-corrected p >= 0.05)";
        list.push(Finding::new("race_winner_ties", ties(&places), meaning));
        list.extend(self.pairs());
        list
    }

    fn messages(&mut self) -> Vec<String> {
        std::mem::take(&mut self.messages)
    }

    fn training_steps(&self) -> u64 {
        self.trained + self.runners.iter().map(|r| r.done).sum::<u64>()
    }
}
