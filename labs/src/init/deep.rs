//! Thirty layers under He and Xavier (He et al. 2015, section 2.2: the 30-layer model converges from He and
//! stalls from Xavier), here without convolutions.
//!
//! He and Xavier each take the learning rate at which a pilot network has the lowest loss after half of the
//! steps; their other networks are then trained at that rate, and only they count.

use super::setup::Setup;
use crate::control::Choice;
use crate::cost::pass_cost;
use crate::measured::Measured;
use crate::nn::optim::Rates;
use crate::nn::{Activation as A, Init, Mlp, MlpConfig, NormKind, OptimizerKind};
use crate::stats::mean;
use crate::trainer::{Recipe, Trainer};
use crate::work::Work;
use crate::{Figure, Finding, LabError, Result, mean_field};
use candle_core::DType;

const MAX_WIDTH: usize = 64;
/// Learning rates of the pilots.
const PILOT_RATES: [f64; 5] = [0.001, 0.003, 0.01, 0.03, 0.1];
/// The rates of makes that are there for comparison and have no pilots: of SGD, and Adam's usual one.
const FIXED_RATES: (f64, f64) = (0.01, 0.001);
const MOMENTUM: f64 = 0.9;
/// A network counts as trained when the mean loss of its last steps is below this share of the loss of one who
/// knows only how common each class is; as in the lab `gradients`, set before any run.
pub const LEARNED: f64 = 0.8;
/// Steps over which the last loss is averaged.
pub const LAST: usize = 10;
const FIRST_NETWORK: u64 = 1 << 33;
const SAMPLES: usize = 32;

/// One line of the comparison.
pub struct Make {
    /// The word in the findings' names.
    pub key: &'static str,
    pub activation: A,
    pub init: Init,
    pub optimizer: OptimizerKind,
    /// Learning rate and last loss of each pilot so far; infinite where it left the finite numbers.
    pub pilots: Vec<(f64, f64)>,
    /// The networks that count.
    pub nets: Vec<Outcome>,
}

/// A network trained to the end.
pub struct Outcome {
    /// Before each step, nats; shorter than the run where it left the finite numbers.
    pub losses: Vec<f64>,
    /// Mean of the last losses, infinite where it left the finite numbers.
    pub last: f64,
    /// Share of the test samples classified right.
    pub accuracy: f64,
    /// Gradient's norm at the network's input over that at the head's, before the first step.
    pub ratio: f64,
}

impl Make {
    /// What it is, in words.
    pub fn describe(&self) -> String {
        let optimizer = if self.optimizer == OptimizerKind::Sgd { String::new() } else { ", Adam".into() };
        format!("{} {}{optimizer}", self.activation.name(), self.init.name())
    }

    /// The rates that pilots try; none where the rate is fixed.
    pub fn rates(&self) -> &'static [f64] {
        if matches!(self.key, "he" | "xavier") { &PILOT_RATES } else { &[] }
    }

    /// The learning rate of the networks that count, once it is known.
    pub fn rate(&self) -> Option<f64> {
        if self.rates().is_empty() {
            return Some(if self.optimizer == OptimizerKind::Sgd { FIXED_RATES.0 } else { FIXED_RATES.1 });
        }
        let best = self.pilots.iter().min_by(|a, b| a.1.total_cmp(&b.1)).map(|p| p.0);
        best.filter(|_| self.pilots.len() == self.rates().len())
    }

    /// The last losses of the networks that count.
    pub fn last_losses(&self) -> Vec<f64> {
        self.nets.iter().map(|n| n.last).collect()
    }

    /// How many of its networks have trained.
    pub fn trained(&self, guess: f64) -> usize {
        self.nets.iter().filter(|n| n.last < LEARNED * guess).count()
    }
}

/// A network in training.
struct Run {
    trainer: Trainer,
    losses: Vec<f64>,
    ratio: f64,
}

/// The part of the experiment.
pub struct Deep {
    pub makes: Vec<Make>,
    pub steps: usize,
    pub nets: usize,
    run: Option<Run>,
    trained: u64,
    step_cost: f64,
}

fn makes() -> Vec<Make> {
    let make =
        |key, activation, init, optimizer| Make { key, activation, init, optimizer, pilots: vec![], nets: vec![] };
    let (sgd, adam) = (OptimizerKind::Sgd, OptimizerKind::Adam);
    vec![
        make("he", A::Relu, Init::HeNormal, sgd),
        make("xavier", A::Relu, Init::XavierNormal, sgd),
        // That it is the pairing which fails, not Xavier: tanh has slope 1 at 0.
        make("tanh_xavier", A::Tanh, Init::XavierNormal, sgd),
        make("tanh_orthogonal", A::Tanh, Init::Orthogonal, sgd),
        // Adam divides the gradient by its own size.
        make("he_adam", A::Relu, Init::HeNormal, adam),
        make("xavier_adam", A::Relu, Init::XavierNormal, adam),
    ]
}

/// The network of `make`; only activation and scheme differ.
pub fn network(setup: &Setup, make: &Make) -> MlpConfig {
    MlpConfig {
        activation: make.activation,
        depth: setup.settings.deep_depth,
        width: setup.settings.width.min(MAX_WIDTH),
        norm: NormKind::None,
        residual: false,
        gain: 1.0,
        bias_std: 0.0,
        ..setup.network(make.init)
    }
}

impl Deep {
    pub fn new(setup: &Setup) -> Self {
        let (makes, s) = (makes(), &setup.settings);
        let step_cost = pass_cost(&network(setup, &makes[0]), s.recipe.batch) * 1.5;
        Self { makes, steps: s.steps, nets: s.nets, run: None, trained: 0, step_cost }
    }

    fn whole(&self, make: &Make) -> usize {
        make.rates().len() + self.nets
    }

    /// Optimiser steps of the next network of a make.
    fn length(&self, index: usize) -> usize {
        if self.makes[index].rate().is_none() { self.steps.div_ceil(2) } else { self.steps }
    }

    /// The make whose turn it is.
    fn current(&self) -> Option<usize> {
        self.makes.iter().position(|m| m.pilots.len() + m.nets.len() < self.whole(m))
    }

    /// The make called `key`.
    pub fn make(&self, key: &str) -> Option<&Make> {
        self.makes.iter().find(|m| m.key == key)
    }

    fn finish(&mut self, setup: &Setup, index: usize, run: Run) -> Result<()> {
        let whole = run.losses.len() == self.length(index);
        let last = if whole { mean(&run.losses[run.losses.len().saturating_sub(LAST)..]) } else { f64::INFINITY };
        let make = &mut self.makes[index];
        if make.rate().is_none() {
            let lr = make.rates()[make.pilots.len()];
            make.pilots.push((lr, last));
            return Ok(());
        }
        let accuracy = run.trainer.test(&setup.data, 500)?.1;
        make.nets.push(Outcome { losses: run.losses, last, accuracy, ratio: run.ratio });
        Ok(())
    }
}

fn begin(setup: &Setup, make: &Make) -> Result<Run> {
    let (lr, number) = match make.rate() {
        Some(best) => (best, 1 + make.nets.len() as u64),
        // The pilots of all rates and makes are the same network but for its scale.
        None => (make.rates()[make.pilots.len()], 0),
    };
    let (config, index) = (network(setup, make), FIRST_NETWORK + number);
    let ratio = if make.rate().is_some() { ratio(setup, config, index)? } else { f64::NAN };
    let recipe = Recipe {
        optimizer: make.optimizer,
        rates: Rates { lr, momentum: MOMENTUM, weight_decay: 0.0 },
        ..setup.recipe()
    };
    let net = Mlp::new(config, setup.seed, index, DType::F32, &setup.device)?;
    Ok(Run { trainer: Trainer::new(net, recipe, index), losses: vec![], ratio })
}

/// The gradient's norm at the input over that at the head's input.
fn ratio(setup: &Setup, config: MlpConfig, index: u64) -> Result<f64> {
    let samples = SAMPLES.min(setup.x.dim(0)?);
    let (x, y) = (setup.x.narrow(0, 0, samples)?, setup.y.narrow(0, 0, samples)?);
    let net = Mlp::new(config, setup.seed, index, setup.dtype, &setup.device)?;
    let norms = Measured::new(net, &x, &y)?.input_norms()?;
    Ok(norms[0] / norms[config.depth])
}

/// The same by mean-field theory: 2^(-L/2) for ReLU with Xavier where the layers are square.
pub fn predicted_ratio(setup: &Setup, make: &Make) -> Option<f64> {
    let square: f64 = setup.x.to_dtype(DType::F64).ok()?.sqr().ok()?.mean_all().ok()?.to_scalar().ok()?;
    let layers = mean_field::layers(&network(setup, make), square)?;
    Some(layers.chi.iter().map(|chi| chi.sqrt()).product())
}

impl Work<Setup> for Deep {
    fn title(&self) -> &'static str {
        "deep networks"
    }

    fn stage(&self) -> String {
        let Some(make) = self.current().map(|i| &self.makes[i]) else { return "deep networks".into() };
        match make.rate() {
            None => {
                format!("deep: {}, learning rate {} of {}", make.describe(), make.pilots.len() + 1, make.rates().len())
            }
            Some(_) => format!("deep: {}, network {} of {}", make.describe(), make.nets.len() + 1, self.nets),
        }
    }

    fn cost(&self) -> (f64, f64) {
        let steps = |pilots: usize, nets: usize| (pilots * self.steps.div_ceil(2) + nets * self.steps) as f64;
        let whole: f64 = self.makes.iter().map(|m| steps(m.rates().len(), self.nets)).sum();
        let done: f64 = self.makes.iter().map(|m| steps(m.pilots.len(), m.nets.len())).sum();
        let within = self.run.as_ref().map_or(0.0, |r| r.losses.len() as f64);
        (whole * self.step_cost, (done + within) * self.step_cost)
    }

    fn step(&mut self, setup: &Setup) -> Result<bool> {
        let Some(index) = self.current() else { return Ok(false) };
        let mut run = match self.run.take() {
            Some(run) => run,
            None => begin(setup, &self.makes[index])?,
        };
        let ended = match run.trainer.step(&setup.data) {
            Ok(step) => {
                run.losses.push(step.loss);
                self.trained += 1;
                run.losses.len() == self.length(index)
            }
            // A loss that leaves the finite numbers is an answer: this does not train.
            Err(LabError::NotFinite { .. }) => true,
            Err(e) => return Err(e),
        };
        if ended {
            self.finish(setup, index, run)?;
        } else {
            self.run = Some(run);
        }
        Ok(self.current().is_some())
    }

    fn figures(&self, setup: &Setup) -> Vec<Figure> {
        super::deep_figures::figures(self, setup)
    }

    fn findings(&self, setup: &Setup) -> Vec<Finding> {
        super::deep_figures::findings(self, setup)
    }

    fn training_steps(&self) -> u64 {
        self.trained
    }
}
