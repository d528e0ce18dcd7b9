//! The deepest network that still trains, make by make.

use super::setup::Setup;
use crate::cost::pass_cost;
use crate::figure::{Axis, Bars, Figure, Kind};
use crate::mean_field;
use crate::nn::{Activation as A, Init as I, MlpConfig, NormKind as N};
use crate::stats::mean;
use crate::trainer::Trainer;
use crate::work::Work;
use crate::{Finding, LabError, Result};

const LADDER: [usize; 9] = [2, 4, 8, 16, 24, 32, 48, 64, 100];
const MAX_WIDTH: usize = 64;
/// The loss of the last steps must be below this share of the loss of one who knows only how common
/// each class is.
const LEARNED: f64 = 0.8;
const LAST: usize = 10;
const FIRST_NETWORK: u64 = 1 << 32;
/// Schoenholz et al. 2017: networks train to about six depth scales.
const DEPTH_SCALES: f64 = 6.0;

struct Candidate {
    config: MlpConfig,
    /// Deepest depth up to which every rung of the ladder trained.
    deepest: usize,
    rung: usize,
    finished: bool,
    predicted: Option<f64>,
}

pub struct Trainable {
    candidates: Vec<Candidate>,
    ladder: Vec<usize>,
    current: Option<(Trainer, Vec<f64>)>,
    steps: usize,
    trained: u64,
}

fn makes(setup: &Setup) -> Vec<MlpConfig> {
    let base = MlpConfig { width: setup.settings.width.min(MAX_WIDTH), ..setup.network() };
    let make = |activation, init, norm, residual| MlpConfig {
        activation,
        init,
        norm,
        residual,
        gain: 1.0,
        bias_std: 0.0,
        ..base
    };
    let mut list = vec![base];
    list.extend([
        make(A::Relu, I::HeNormal, N::None, false),
        make(A::Relu, I::XavierNormal, N::None, false),
        make(A::Relu, I::XavierNormal, N::Batch, false),
        make(A::Relu, I::XavierNormal, N::Layer, false),
        make(A::Relu, I::XavierNormal, N::None, true),
        make(A::Tanh, I::XavierNormal, N::None, false),
        make(A::Tanh, I::Orthogonal, N::None, false),
        make(A::Sigmoid, I::XavierNormal, N::None, false),
        make(A::Sigmoid, I::XavierNormal, N::Batch, false),
        make(A::Selu, I::LecunNormal, N::None, false),
    ]);
    // The make under study may be one of the others too.
    if let Some(again) = list[1..].iter().position(|c| *c == base) {
        list.remove(again + 1);
    }
    list
}

/// Six depth scales, infinite at criticality; `None` where mean-field theory has no fixed point to speak of.
fn predicted(config: &MlpConfig) -> Option<f64> {
    if config.norm != N::None || config.residual {
        return None;
    }
    let weight = mean_field::weight_variance(config, config.width);
    let chi = mean_field::chi1(config.activation, weight, config.bias_std.powi(2));
    Some(DEPTH_SCALES * mean_field::depth_scale(chi))
}

impl Trainable {
    pub fn new(setup: &Setup) -> Self {
        let max = setup.settings.trainable_max;
        let mut ladder: Vec<usize> = LADDER.into_iter().filter(|d| *d <= max).collect();
        if ladder.last() != Some(&max) {
            ladder.push(max);
        }
        let candidate =
            |config| Candidate { config, deepest: 0, rung: 0, finished: false, predicted: predicted(&config) };
        let candidates = makes(setup).into_iter().map(candidate).collect();
        Self { candidates, ladder, current: None, steps: setup.settings.trainable_steps, trained: 0 }
    }

    fn next(&self) -> Option<usize> {
        self.candidates.iter().position(|c| !c.finished)
    }

    fn rung_cost(&self, make: &MlpConfig, rung: usize) -> f64 {
        pass_cost(&MlpConfig { depth: self.ladder[rung], ..*make }, 64) * self.steps as f64
    }

    /// Ends the training of the current rung.
    fn judge(&mut self, setup: &Setup, index: usize, losses: &[f64]) {
        let tail = &losses[losses.len().saturating_sub(LAST)..];
        let learned = losses.len() == self.steps && mean(tail) < LEARNED * setup.guess;
        let candidate = &mut self.candidates[index];
        if learned {
            candidate.deepest = self.ladder[candidate.rung];
            candidate.rung += 1;
        }
        candidate.finished = !learned || candidate.rung == self.ladder.len();
    }
}

impl Work<Setup> for Trainable {
    fn title(&self) -> &'static str {
        "deepest trainable network"
    }

    fn stage(&self) -> String {
        match self.next() {
            Some(i) => {
                let c = &self.candidates[i];
                format!("deepest trainable: {} at {} layers", c.config.describe(), self.ladder[c.rung])
            }
            None => "deepest trainable".into(),
        }
    }

    fn cost(&self) -> (f64, f64) {
        let (mut total, mut done) = (0.0, 0.0);
        for candidate in &self.candidates {
            let costs: Vec<f64> = (0..self.ladder.len()).map(|r| self.rung_cost(&candidate.config, r)).collect();
            total += costs.iter().sum::<f64>();
            let until = if candidate.finished { costs.len() } else { candidate.rung };
            done += costs[..until].iter().sum::<f64>();
        }
        if let (Some(i), Some((_, losses))) = (self.next(), &self.current) {
            let c = &self.candidates[i];
            done += self.rung_cost(&c.config, c.rung) * losses.len() as f64 / self.steps as f64;
        }
        (total, done)
    }

    fn step(&mut self, setup: &Setup) -> Result<bool> {
        let Some(index) = self.next() else { return Ok(false) };
        if self.current.is_none() {
            let candidate = &self.candidates[index];
            let config = MlpConfig { depth: self.ladder[candidate.rung], ..candidate.config };
            let number = FIRST_NETWORK + (index * 128 + candidate.rung) as u64;
            self.current = Some((setup.trainer(config, number)?, Vec::new()));
        }
        let Some((mut trainer, mut losses)) = self.current.take() else { return Ok(true) };
        let ended = match trainer.step(&setup.data) {
            Ok(step) => {
                losses.push(step.loss);
                self.trained += 1;
                losses.len() == self.steps
            }
            // A loss that leaves the finite numbers is an answer: this depth does not train.
            Err(LabError::NotFinite { .. }) => true,
            Err(e) => return Err(e),
        };
        if ended {
            self.judge(setup, index, &losses);
        } else {
            self.current = Some((trainer, losses));
        }
        Ok(self.next().is_some())
    }

    fn figures(&self, setup: &Setup) -> Vec<Figure> {
        let max = setup.settings.trainable_max;
        let known = |c: &Candidate| if c.finished || c.deepest > 0 { c.deepest as f64 } else { f64::NAN };
        let measured: Vec<f64> = self.candidates.iter().map(known).collect();
        let predicted = self.candidates.iter().map(|c| c.predicted.map_or(f64::NAN, |p| p.min(max as f64))).collect();
        let list = |want: &dyn Fn(&Candidate) -> bool| {
            let names: Vec<String> =
                self.candidates.iter().filter(|c| c.finished && want(c)).map(|c| c.config.describe()).collect();
            if names.is_empty() { "none".into() } else { names.join("; ") }
        };
        let caption = format!(
            "Makes that train at all depths tried, up to {max}: {}. Fail below {max}: {}. {} steps each, trained means a loss below {LEARNED} of what the classes' shares alone give. Bars of theory end at {max}.",
            list(&|c| c.deepest == max),
            list(&|c| c.deepest < max),
            self.steps
        );
        let bars = Bars {
            y: Axis::linear("hidden layers").within(0.0, max as f64),
            x_label: "make".into(),
            categories: self.candidates.iter().map(|c| c.config.describe()).collect(),
            groups: vec![("deepest that trains".into(), measured), ("six depth scales (mean field)".into(), predicted)],
        };
        vec![Figure {
            id: "trainable".into(),
            title: "Deepest trainable network".into(),
            caption,
            kind: Kind::Bars(bars),
        }]
    }

    fn findings(&self, setup: &Setup) -> Vec<Finding> {
        let finding = |name: &str, c: &Candidate| {
            let value = if c.finished { c.deepest as f64 } else { f64::NAN };
            let max = setup.settings.trainable_max;
            let mut notes = Vec::new();
            if c.deepest == max {
                notes.push("every depth tried trained");
            }
            if c.predicted.is_some_and(|p| p >= max as f64) {
                notes.push("theory sets no limit below the deepest one tried");
            }
            let predicted = c.predicted.filter(|p| *p < max as f64);
            let meaning = format!("deepest network of make '{}' that trains", c.config.describe());
            Finding::new(name, value, meaning).unit("layers").predicted(predicted).note(notes.join("; "))
        };
        let named = |name: &str, a, i, n, r| {
            let found = self.candidates.iter().find(|c| {
                let k = &c.config;
                (k.activation, k.init, k.norm, k.residual) == (a, i, n, r)
                    && (k.gain - 1.0).abs() == 0.0
                    && k.bias_std == 0.0
            });
            found.map(|c| finding(name, c))
        };
        let rest = [
            named("deepest_relu_he", A::Relu, I::HeNormal, N::None, false),
            named("deepest_relu_xavier", A::Relu, I::XavierNormal, N::None, false),
            named("deepest_tanh_xavier", A::Tanh, I::XavierNormal, N::None, false),
            named("deepest_sigmoid_xavier", A::Sigmoid, I::XavierNormal, N::None, false),
            named("deepest_sigmoid_xavier_batch", A::Sigmoid, I::XavierNormal, N::Batch, false),
        ];
        let mut list = vec![finding("deepest", &self.candidates[0])];
        list.extend(rest.into_iter().flatten());
        list
    }

    fn training_steps(&self) -> u64 {
        self.trained
    }
}
