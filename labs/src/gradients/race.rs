//! Makes trained side by side, on the same batches: what they learn, and how large their gradients get.

use super::make::{self, Make};
use super::setup::Setup;
use crate::cost::pass_cost;
use crate::figure::{Axis, Figure, Kind, Lines, Role, Series, readable};
use crate::nn::Mlp;
use crate::stats::{binomial_interval, mean};
use crate::trainer::Trainer;
use crate::work::Work;
use crate::{Finding, LabError, Result};
use candle_core::DType;

const FIRST_NETWORK: u64 = 1 << 37;
/// Steps over which the last loss is averaged.
const LAST: usize = 10;
/// A gradient's norm "in the thousands" is one above this.
const ALARM: f64 = 1000.0;
/// Optimiser steps in one piece of work.
const PIECE: usize = 4;
const TESTED: usize = 500;
const MOST_STEPS: usize = 150;
/// As in the search for the trainable depth: a loss below this share of that of one who knows only how
/// common each class is.
const LEARNED: f64 = 0.8;

/// A network trained to the end.
struct Outcome {
    losses: Vec<f64>,
    norms: Vec<f64>,
    /// Whether a loss or a gradient left the finite numbers, and so ended it.
    broken: bool,
    accuracy: f64,
}

impl Outcome {
    /// Mean of the last losses; infinite where training broke off.
    fn last(&self) -> f64 {
        if self.broken { f64::INFINITY } else { mean(&self.losses[self.losses.len().saturating_sub(LAST)..]) }
    }

    fn largest_norm(&self) -> f64 {
        self.norms.iter().copied().fold(0.0, f64::max)
    }

    /// Steps from the first norm above [`ALARM`] to the step that broke off; NaN where none did or no norm
    /// gave the alarm.
    fn lead(&self) -> f64 {
        let alarm = self.norms.iter().position(|n| *n > ALARM).filter(|_| self.broken);
        alarm.map_or(f64::NAN, |at| (self.norms.len() - at) as f64)
    }
}

struct Run {
    trainer: Trainer,
    losses: Vec<f64>,
    norms: Vec<f64>,
}

pub struct Race {
    makes: Vec<(Make, Vec<Outcome>)>,
    current: Option<Run>,
    nets: usize,
    steps: usize,
    trained: u64,
}

impl Race {
    pub fn new(setup: &Setup) -> Result<Self> {
        let makes = make::parse(&setup.settings, setup.data.dim, setup.data.classes)?;
        let makes = makes.into_iter().map(|make| (make, Vec::new())).collect();
        Ok(Self {
            makes,
            current: None,
            nets: setup.settings.nets,
            steps: setup.settings.steps.min(MOST_STEPS),
            trained: 0,
        })
    }

    /// The make whose turn it is: network 0 of each, then network 1.
    fn next(&self) -> Option<usize> {
        let least = self.makes.iter().map(|(_, o)| o.len()).min()?;
        self.makes.iter().position(|(_, o)| o.len() == least).filter(|_| least < self.nets)
    }

    fn begin(&self, setup: &Setup, which: usize) -> Result<Run> {
        let (make, outcomes) = &self.makes[which];
        let number = FIRST_NETWORK + outcomes.len() as u64;
        let net = Mlp::new(make.config, setup.seed, number, DType::F32, &setup.device)?;
        for layer in &net.hidden {
            layer.linear.bias.set(&layer.linear.bias.affine(0.0, make.bias)?)?;
        }
        Ok(Run { trainer: Trainer::new(net, setup.recipe(), number), losses: vec![], norms: vec![] })
    }

    fn learned(&self, guess: f64) -> Vec<&str> {
        let all = |o: &[Outcome]| !o.is_empty() && o.iter().all(|o| o.last() < LEARNED * guess);
        self.makes.iter().filter(|(_, o)| all(o)).map(|(m, _)| m.text.as_str()).collect()
    }
}

impl Work<Setup> for Race {
    fn title(&self) -> &'static str {
        "makes in training"
    }

    fn stage(&self) -> String {
        match self.next() {
            Some(i) => {
                format!("training {}, network {} of {}", self.makes[i].0.text, self.makes[i].1.len() + 1, self.nets)
            }
            None => "makes in training".into(),
        }
    }

    fn cost(&self) -> (f64, f64) {
        let each = |m: &Make| pass_cost(&m.config, 64) * self.steps as f64;
        let total: f64 = self.makes.iter().map(|(m, _)| each(m) * self.nets as f64).sum();
        let done: f64 = self.makes.iter().map(|(m, o)| each(m) * o.len() as f64).sum();
        let part = match (self.next(), &self.current) {
            (Some(i), Some(run)) => each(&self.makes[i].0) * run.losses.len() as f64 / self.steps as f64,
            _ => 0.0,
        };
        (total, done + part)
    }

    fn step(&mut self, setup: &Setup) -> Result<bool> {
        let Some(which) = self.next() else { return Ok(false) };
        let mut run = match self.current.take() {
            Some(run) => run,
            None => self.begin(setup, which)?,
        };
        let mut broken = false;
        for _ in 0..PIECE.min(self.steps - run.losses.len()) {
            match run.trainer.step(&setup.data) {
                Ok(step) => {
                    run.losses.push(step.loss);
                    run.norms.push(step.norm);
                    self.trained += 1;
                }
                // A loss that leaves the finite numbers is an answer.
                Err(LabError::NotFinite { .. }) => broken = true,
                Err(e) => return Err(e),
            }
            if broken {
                break;
            }
        }
        if broken || run.losses.len() == self.steps {
            let accuracy = run.trainer.test(&setup.data, TESTED)?.1;
            self.makes[which].1.push(Outcome { losses: run.losses, norms: run.norms, broken, accuracy });
        } else {
            self.current = Some(run);
        }
        Ok(self.next().is_some())
    }

    fn figures(&self, setup: &Setup) -> Vec<Figure> {
        let curve = |(make, outcomes): &(Make, Vec<Outcome>)| {
            let losses = outcomes.first().map(|o| o.losses.as_slice()).unwrap_or_default();
            let points = losses.iter().enumerate().map(|(i, l)| (i as f64, *l)).collect();
            Series::new(make.text.clone(), Role::Measured, points)
        };
        let caption = if self.makes.iter().all(|(_, o)| o.is_empty()) {
            "Nothing measured yet.".into()
        } else {
            let learned = self.learned(setup.guess);
            let names = if learned.is_empty() { "none".into() } else { learned.join("; ") };
            format!(
                "Makes of which every network comes below {} nats, {LEARNED} of what the classes' shares alone give, within {} steps: {names}.",
                readable(LEARNED * setup.guess),
                self.steps
            )
        };
        let lines = Lines {
            x: Axis::linear("optimiser step").within(0.0, self.steps as f64),
            y: Axis::linear("cross-entropy / nats").within(0.0, 2.0 * setup.guess),
            series: self.makes.iter().map(curve).collect(),
            guides: vec![("class shares".into(), setup.guess)],
        };
        let title = "Makes in training, network 0 of each".into();
        vec![Figure { id: "race".into(), title, caption, kind: Kind::Lines(lines) }]
    }

    fn findings(&self, setup: &Setup) -> Vec<Finding> {
        self.makes.iter().flat_map(|(make, outcomes)| findings(make, outcomes, setup, self.steps)).collect()
    }

    fn training_steps(&self) -> u64 {
        self.trained
    }
}

fn findings(make: &Make, outcomes: &[Outcome], setup: &Setup, steps: usize) -> Vec<Finding> {
    let name = |of: &str| format!("{}_{of}", make.name);
    let what = |of: &str| format!("{of} ({}, {} layers, {steps} steps)", make.text, make.config.depth);
    let over = |read: &dyn Fn(&Outcome) -> f64| outcomes.iter().map(read).collect::<Vec<_>>();
    let broken = outcomes.iter().filter(|o| o.broken).count();
    let note = if broken > 0 { format!("training broke off in {broken} of {}", outcomes.len()) } else { String::new() };
    let learned = outcomes.iter().filter(|o| o.last() < LEARNED * setup.guess).count();
    let share = learned as f64 / outcomes.len() as f64;
    let list = vec![
        Finding::arithmetic(name("loss"), &over(&Outcome::last), what("mean cross-entropy of the last batches"))
            .unit("nats"),
        Finding::share(name("accuracy"), &over(&|o| o.accuracy), what("share of up to 500 test samples right")),
        Finding::new(name("learned"), share, what("share of networks that learn"))
            .interval(binomial_interval(learned, outcomes.len())),
        Finding::geometric(
            name("largest_norm"),
            &over(&Outcome::largest_norm),
            what("largest global norm of the gradient in training, before clipping"),
        ),
        Finding::arithmetic(
            name("lead"),
            &over(&Outcome::lead),
            what("steps from the first gradient's norm above 1000 to the step that breaks off"),
        )
        .unit("steps"),
    ];
    list.into_iter().map(|f| if note.is_empty() { f } else { f.note(note.clone()) }).collect()
}
