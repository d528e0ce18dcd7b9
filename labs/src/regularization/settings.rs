use super::Regularizers;
use super::change::{Change, MOST_DROPOUT};
use super::network::{Architecture, Model};
use crate::control::{Choice, Settings, Visitor};
use crate::data::{self, Augmentation, Scaling};
use crate::nn::{Activation, L1Method, NormKind, OptimizerKind};
use crate::trainer::RecipeSettings;
use crate::{LabError, Result};

/// The parts of the experiment, in the order in which they run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Training, validation and test curves with the regularisers of the settings and without any.
    Curves,
    /// Each remedy alone, and a few together, against none.
    Methods,
}

impl Choice for Part {
    const ALL: &'static [Self] = &[Self::Curves, Self::Methods];

    fn name(self) -> &'static str {
        match self {
            Self::Curves => "curves",
            Self::Methods => "methods",
        }
    }
}

/// The controls of the lab, typed.
#[derive(Debug, Clone, PartialEq)]
pub struct RegularizationSettings {
    /// Which part runs; `None`: all of them.
    pub part: Option<Part>,
    /// Data set.
    pub data: String,
    /// Scaling of its features.
    pub scaling: Scaling,
    /// Training samples; 0: all.
    pub train_samples: usize,
    /// Share of the training labels that are replaced by random ones.
    pub label_noise: f64,
    /// Kind of network.
    pub model: Model,
    /// Units of each hidden layer of an MLP.
    pub widths: String,
    /// Channels of each block of a CNN.
    pub channels: String,
    /// Non-linearity of the hidden layers.
    pub activation: Activation,
    /// Dropout of the hidden layers: a number, or one for each layer.
    pub dropout: String,
    /// Dropout of the inputs.
    pub input_dropout: f64,
    /// Strength of the L1 penalty.
    pub l1: f64,
    /// How it reaches the weights.
    pub l1_method: L1Method,
    /// Strength of the L2 penalty.
    pub l2: f64,
    /// Longest vector of incoming weights; 0: any.
    pub max_norm: f64,
    /// Normalisation of the pre-activations.
    pub norm: NormKind,
    /// Evaluations without improvement before training stops; 0: never.
    pub patience: usize,
    /// Label smoothing.
    pub label_smoothing: f64,
    /// Largest shift of an image, pixels.
    pub shift: usize,
    /// Largest rotation of an image, degrees.
    pub rotation: f64,
    /// Standard deviation of the noise on the inputs.
    pub noise: f64,
    /// How networks are trained; the weight decay is decoupled.
    pub recipe: RecipeSettings,
    /// Optimiser steps.
    pub steps: usize,
    /// Steps from one evaluation to the next.
    pub evaluate_every: usize,
    /// Networks of each kind.
    pub nets: usize,
    /// Changes in the midst of a run.
    pub changes: String,
}

impl Default for RegularizationSettings {
    fn default() -> Self {
        Self {
            part: None,
            data: "digits".into(),
            scaling: Scaling::Standard,
            train_samples: 200,
            // A fifth of wrong labels: clean digits are so easy that hardly anything is left to gain.
            label_noise: 0.2,
            model: Model::Mlp,
            widths: "128,128".into(),
            channels: "8,16".into(),
            activation: Activation::Relu,
            dropout: "0.5".into(),
            input_dropout: 0.0,
            l1: 0.0,
            l1_method: L1Method::Proximal,
            l2: 0.0,
            max_norm: 0.0,
            norm: NormKind::None,
            patience: 0,
            label_smoothing: 0.0,
            shift: 0,
            rotation: 0.0,
            noise: 0.0,
            recipe: RecipeSettings { batch: 32, ..RecipeSettings::new(OptimizerKind::Adam, 0.002) },
            steps: 600,
            evaluate_every: 20,
            nets: 10,
            changes: String::new(),
        }
    }
}

impl Settings for RegularizationSettings {
    fn visit(&mut self, v: &mut dyn Visitor) {
        v.choice_or_all("part", &mut self.part, "which part of the experiment runs");
        v.text("data", &mut self.data, data::SPEC, &data::NAMES, "data set");
        v.choice("scaling", &mut self.scaling, "raw, standard, or each sample to root mean square 1");
        v.int("train_samples", &mut self.train_samples, 0..=100_000, "training samples, at least 20; 0: all");
        v.float("label_noise", &mut self.label_noise, 0.0..=1.0, "share of training labels replaced by random ones");
        v.choice("model", &mut self.model, "fully connected, or convolutional for images");
        v.text("widths", &mut self.widths, LIST, &["128,128", "64", "256,256,256"], "units of each hidden layer (mlp)");
        v.text("channels", &mut self.channels, LIST, &["8,16", "16,32"], "channels of each block (cnn)");
        v.choice("activation", &mut self.activation, "non-linearity of the hidden layers");
        let hint = "a number from 0 to 0.95, or one for each hidden layer such as 0.2,0.5";
        v.text("dropout", &mut self.dropout, hint, &["0", "0.2", "0.5", "0.2,0.5"], "share of hidden units dropped");
        v.float("input_dropout", &mut self.input_dropout, 0.0..=MOST_DROPOUT, "share of inputs dropped");
        v.float("l1", &mut self.l1, 0.0..=1.0, "strength of the sum of absolute weights");
        v.choice("l1_method", &mut self.l1_method, "soft threshold after each update, or a term of the loss");
        v.float("l2", &mut self.l2, 0.0..=1.0, "strength of half the sum of squared weights, in the loss");
        v.float("max_norm", &mut self.max_norm, 0.0..=100.0, "longest vector of a unit's incoming weights; 0: any");
        v.choice("norm", &mut self.norm, "normalisation of the pre-activations");
        v.int("patience", &mut self.patience, 0..=1000, "evaluations without improvement before it stops; 0: never");
        v.float("label_smoothing", &mut self.label_smoothing, 0.0..=0.9, "share of the target spread over the classes");
        v.int("shift", &mut self.shift, 0..=8, "largest random shift of an image, pixels");
        v.float("rotation", &mut self.rotation, 0.0..=180.0, "largest random rotation of an image, degrees");
        v.float("noise", &mut self.noise, 0.0..=5.0, "standard deviation of noise on the inputs");
        self.recipe.visit(v);
        v.int("steps", &mut self.steps, 1..=100_000, "optimiser steps");
        v.int("evaluate_every", &mut self.evaluate_every, 1..=1000, "steps from one evaluation to the next");
        v.int("nets", &mut self.nets, 1..=50, "networks of each kind, each on training samples of its own");
        let hint = "STEP:NAME=VALUE,... for example 300:dropout=0.5,400:lr=0.0005";
        v.text("changes", &mut self.changes, hint, &["", "300:dropout=0.5"], "what changes in the midst of a run");
    }
}

const LIST: &str = "whole numbers such as 128,128";
/// More layers than this are for another lab.
const MOST_LAYERS: usize = 10;
/// Fewer samples than this do not have two of each of ten classes.
const FEWEST_SAMPLES: usize = 20;

impl RegularizationSettings {
    /// The regularisers of the settings.
    pub fn regularizers(&self) -> Result<Regularizers> {
        let rates = self.dropout_rates()?;
        let (dropout, layer_dropout) = if rates.len() == 1 { (rates[0], vec![]) } else { (0.0, rates) };
        Ok(Regularizers {
            dropout,
            layer_dropout,
            input_dropout: self.input_dropout,
            l1: self.l1,
            l1_method: self.l1_method,
            l2: self.l2,
            weight_decay: self.recipe.weight_decay,
            max_norm: self.max_norm,
            norm: self.norm,
            patience: self.patience,
            label_smoothing: self.label_smoothing,
            augmentation: Augmentation { shift: self.shift, rotation: self.rotation, noise: self.noise },
        })
    }

    fn dropout_rates(&self) -> Result<Vec<f64>> {
        let layers = self.architecture()?.widths.len();
        let bad = |expected| LabError::BadValue { name: "dropout".into(), value: self.dropout.clone(), expected };
        let rates: Option<Vec<f64>> = self
            .dropout
            .split(',')
            .map(|text| text.trim().parse().ok().filter(|rate| (0.0..=MOST_DROPOUT).contains(rate)))
            .collect();
        match rates {
            Some(rates) if rates.len() == 1 || rates.len() == layers => Ok(rates),
            Some(_) => Err(bad(format!("one number, or {layers} of them, one for each hidden layer"))),
            None => Err(bad(format!("numbers from 0 to {MOST_DROPOUT}, for example 0.5 or 0.2,0.5"))),
        }
    }

    /// The network's shape.
    pub fn architecture(&self) -> Result<Architecture> {
        let widths = match self.model {
            Model::Mlp => whole_numbers("widths", &self.widths, 2048)?,
            Model::Cnn => whole_numbers("channels", &self.channels, 256)?,
        };
        Ok(Architecture { model: self.model, widths, activation: self.activation })
    }

    /// What changes in the midst of a run.
    pub fn changes(&self) -> Result<Vec<Change>> {
        Change::parse_list(&self.changes, self.steps as u64)
    }

    /// Whether there can be as many samples as are asked for, as far as is known without the data.
    pub fn check_samples(&self) -> Result<()> {
        if self.train_samples == 0 || self.train_samples >= FEWEST_SAMPLES {
            return Ok(());
        }
        let (name, value) = ("train_samples".into(), self.train_samples.to_string());
        Err(LabError::BadValue { name, value, expected: format!("at least {FEWEST_SAMPLES}, or 0 for all") })
    }
}

/// The list `text` of control `name`: 1 to [`MOST_LAYERS`] whole numbers from 1 to `most`.
fn whole_numbers(name: &str, text: &str, most: usize) -> Result<Vec<usize>> {
    let list: Option<Vec<usize>> =
        text.split(',').map(|n| n.trim().parse().ok().filter(|n| (1..=most).contains(n))).collect();
    list.filter(|list| list.len() <= MOST_LAYERS).ok_or_else(|| LabError::BadValue {
        name: name.into(),
        value: text.into(),
        expected: format!("1 to {MOST_LAYERS} whole numbers from 1 to {most}, for example 64,32"),
    })
}
