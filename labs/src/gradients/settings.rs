use super::make;
use crate::control::{Choice, Settings, Visitor};
use crate::data::{self, Scaling};
use crate::nn::{Activation, Init, MlpConfig, NormKind, OptimizerKind};
use crate::trainer::RecipeSettings;

/// The parts of the experiment, in the order in which they run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Gradient norms, dead units and clipping of networks just drawn.
    Profile,
    /// Two inputs growing alike with depth.
    Correlation,
    /// Singular values of the input-output Jacobian.
    Jacobian,
    /// Training, with update-to-data ratios.
    Training,
    /// The ratio of the first to the last layer over depths.
    Sweep,
    /// Activation x initialiser x normalisation x residual.
    Matrix,
    /// Order and chaos over (`sigma_w`, `sigma_b`).
    Plane,
    /// The deepest network that trains.
    Trainable,
    /// Makes side by side at step 0.
    Makes,
    /// Makes side by side in training.
    Race,
    /// The equations of backpropagation beside automatic differentiation.
    Backprop,
}

impl Choice for Part {
    const ALL: &'static [Self] = &[
        Self::Profile,
        Self::Correlation,
        Self::Jacobian,
        Self::Training,
        Self::Sweep,
        Self::Matrix,
        Self::Plane,
        Self::Trainable,
        Self::Makes,
        Self::Race,
        Self::Backprop,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Profile => "profile",
            Self::Correlation => "correlation",
            Self::Jacobian => "jacobian",
            Self::Training => "training",
            Self::Sweep => "sweep",
            Self::Matrix => "matrix",
            Self::Plane => "plane",
            Self::Trainable => "trainable",
            Self::Makes => "makes",
            Self::Race => "race",
            Self::Backprop => "backprop",
        }
    }
}

/// The controls of the lab, typed.
#[derive(Debug, Clone, PartialEq)]
pub struct GradientSettings {
    /// Which part runs; `None`: all of them.
    pub part: Option<Part>,
    /// Non-linearity of the hidden layers.
    pub activation: Activation,
    /// Initialiser of the hidden weights.
    pub init: Init,
    /// Factor on the initialiser's standard deviation.
    pub gain: f64,
    /// Standard deviation of the biases.
    pub bias_std: f64,
    /// Hidden layers.
    pub depth: usize,
    /// Units of a hidden layer.
    pub width: usize,
    /// Normalisation of the pre-activations.
    pub norm: NormKind,
    /// Skip connections.
    pub residual: bool,
    /// Data set.
    pub data: String,
    /// Scaling of its features.
    pub scaling: Scaling,
    /// Samples of the batch on which gradients are measured.
    pub samples: usize,
    /// Networks drawn for each measurement.
    pub nets: usize,
    /// Deepest network of the depth sweep.
    pub sweep_max: usize,
    /// How networks are trained.
    pub recipe: RecipeSettings,
    /// Optimiser steps.
    pub steps: usize,
    /// Limit of the gradient's global norm in training; 0: no clipping.
    pub clip: f64,
    /// Deepest network that the search for the trainable depth tries.
    pub trainable_max: usize,
    /// Optimiser steps of each of its trainings.
    pub trainable_steps: usize,
    /// The makes that are compared side by side, comma-separated.
    pub makes: String,
}

impl Default for GradientSettings {
    fn default() -> Self {
        Self {
            part: None,
            activation: Activation::Relu,
            init: Init::HeNormal,
            gain: 1.0,
            bias_std: 0.0,
            depth: 20,
            width: 128,
            norm: NormKind::None,
            residual: false,
            data: "digits".into(),
            scaling: Scaling::Unit,
            samples: 64,
            nets: 5,
            sweep_max: 100,
            recipe: RecipeSettings::new(OptimizerKind::Adam, 1e-3),
            steps: 600,
            clip: 0.0,
            trainable_max: 100,
            trainable_steps: 150,
            makes: "sigmoid xavier_normal, relu he_normal, relu he_normal residual layer".into(),
        }
    }
}

impl Settings for GradientSettings {
    fn visit(&mut self, v: &mut dyn Visitor) {
        v.choice_or_all("part", &mut self.part, "which part of the experiment runs");
        v.choice("activation", &mut self.activation, "non-linearity of the hidden layers");
        v.choice("init", &mut self.init, "how hidden weights are drawn");
        v.float("gain", &mut self.gain, 0.0..=10.0, "factor on the initialiser's standard deviation");
        v.float("bias_std", &mut self.bias_std, 0.0..=5.0, "standard deviation of the biases at the start");
        v.int("depth", &mut self.depth, 2..=100, "hidden layers");
        v.int("width", &mut self.width, 8..=1024, "units of a hidden layer");
        v.choice("norm", &mut self.norm, "normalisation of the pre-activations");
        v.flag("residual", &mut self.residual, "add each hidden layer's input to its output");
        v.text("data", &mut self.data, data::SPEC, &data::NAMES, "data set");
        v.choice("scaling", &mut self.scaling, "raw, standard, or each sample to root mean square 1");
        v.int("samples", &mut self.samples, 2..=1024, "samples on which gradients are measured");
        v.int("nets", &mut self.nets, 1..=50, "networks drawn for each measurement");
        v.int("sweep_max", &mut self.sweep_max, 3..=100, "deepest network of the depth sweep");
        self.recipe.visit(v);
        v.int("steps", &mut self.steps, 1..=100_000, "optimiser steps");
        v.float("clip", &mut self.clip, 0.0..=1000.0, "limit of the gradient's global norm, 0 for none");
        v.int("trainable_max", &mut self.trainable_max, 2..=100, "deepest network tried for trainability");
        v.int("trainable_steps", &mut self.trainable_steps, 20..=10_000, "optimiser steps of each such try");
        v.text(
            "makes",
            &mut self.makes,
            make::SPEC,
            &[
                "sigmoid xavier_normal, relu xavier_normal, relu he_normal",
                "relu he_normal, relu he_normal residual layer",
            ],
            "makes compared side by side",
        );
    }
}

impl GradientSettings {
    /// The network of these settings for samples of `inputs` features in `classes` classes.
    #[must_use]
    pub fn network(&self, inputs: usize, classes: usize) -> MlpConfig {
        MlpConfig {
            inputs,
            width: self.width,
            depth: self.depth,
            classes,
            activation: self.activation,
            norm: self.norm,
            residual: self.residual,
            init: self.init,
            gain: self.gain,
            bias_std: self.bias_std,
        }
    }
}
