use crate::LabError;
use crate::Result;
use crate::control::{Choice, Settings, Visitor};
use crate::data::{self, Scaling};
use crate::nn::{Activation, NormKind, OptimizerKind, Scheme, expression};
use crate::trainer::RecipeSettings;

/// The parts of the experiment, in the order in which they run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Weights just drawn against the density and the variance that they should have.
    Weights,
    /// Activations and gradients layer by layer at step 0.
    Spread,
    /// The first loss against ln C.
    Loss,
    /// Rank of the first layer and identical units over training.
    Symmetry,
    /// Loss curves on the same data and seed.
    Training,
    /// Thirty layers under He and Xavier.
    Deep,
    /// XOR solved or not over many seeds.
    Xor,
    /// Order and chaos over (`sigma_w`, `sigma_b`).
    Plane,
    /// Mean and variance of the function's outputs for Gaussian inputs.
    Moments,
}

impl Choice for Part {
    const ALL: &'static [Self] = &[
        Self::Weights,
        Self::Spread,
        Self::Loss,
        Self::Symmetry,
        Self::Training,
        Self::Deep,
        Self::Xor,
        Self::Plane,
        Self::Moments,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Weights => "weights",
            Self::Spread => "spread",
            Self::Loss => "loss",
            Self::Symmetry => "symmetry",
            Self::Training => "training",
            Self::Deep => "deep",
            Self::Xor => "xor",
            Self::Plane => "plane",
            Self::Moments => "moments",
        }
    }
}

/// The controls of the lab, typed.
#[derive(Debug, Clone, PartialEq)]
pub struct InitSettings {
    /// Which part runs; `None`: all of them.
    pub part: Option<Part>,
    /// The schemes under study, comma-separated.
    pub schemes: String,
    /// Non-linearity of the hidden layers.
    pub activation: Activation,
    /// Factor on the initialiser's standard deviation: a number or a formula such as `5/3`.
    pub gain: String,
    /// Standard deviation of the biases at the start.
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
    /// Samples of the batch on which step 0 is measured.
    pub samples: usize,
    /// Networks drawn for each measurement.
    pub nets: usize,
    /// How networks are trained.
    pub recipe: RecipeSettings,
    /// Optimiser steps.
    pub steps: usize,
    /// Hidden layers of the deep experiment.
    pub deep_depth: usize,
    /// Seeds of the XOR experiment for each scheme.
    pub xor_seeds: usize,
}

impl Default for InitSettings {
    fn default() -> Self {
        Self {
            part: None,
            // The first with a spread are also those whose layers are shown one by one.
            schemes: "zero,constant,normal_small,normal_large,xavier_normal,he_normal,lecun_normal,uniform_fan_in,xavier_uniform,he_uniform,orthogonal,lsuv,sparse".into(),
            activation: Activation::Relu,
            gain: "1".into(),
            bias_std: 0.0,
            depth: 10,
            width: 128,
            norm: NormKind::None,
            residual: false,
            data: "digits".into(),
            scaling: Scaling::Unit,
            samples: 64,
            nets: 5,
            recipe: RecipeSettings::new(OptimizerKind::Sgd, 0.05),
            steps: 300,
            deep_depth: 30,
            xor_seeds: 40,
        }
    }
}

impl Settings for InitSettings {
    fn visit(&mut self, v: &mut dyn Visitor) {
        v.choice_or_all("part", &mut self.part, "which part of the experiment runs");
        v.text(
            "schemes",
            &mut self.schemes,
            "a list such as zero,xavier_normal,he_normal,orthogonal,lsuv",
            &["xavier_normal,he_normal", "zero,constant,normal_small,normal_large,he_normal"],
            "initialisation schemes under study",
        );
        v.choice("activation", &mut self.activation, "non-linearity of the hidden layers");
        v.text(
            "gain",
            &mut self.gain,
            "a number or a formula such as 5/3 or sqrt(2/(1+0.01^2))",
            &["1", "sqrt(2)", "5/3"],
            "factor on the initialiser's standard deviation",
        );
        v.float("bias_std", &mut self.bias_std, 0.0..=5.0, "standard deviation of the biases at the start");
        v.int("depth", &mut self.depth, 2..=100, "hidden layers");
        v.int("width", &mut self.width, 8..=1024, "units of a hidden layer");
        v.choice("norm", &mut self.norm, "normalisation of the pre-activations");
        v.flag("residual", &mut self.residual, "add each hidden layer's input to its output");
        v.text("data", &mut self.data, data::SPEC, &data::NAMES, "data set");
        v.choice("scaling", &mut self.scaling, "raw, standard, or each sample to root mean square 1");
        v.int("samples", &mut self.samples, 2..=1024, "samples on which step 0 is measured");
        v.int("nets", &mut self.nets, 1..=50, "networks drawn for each measurement");
        self.recipe.visit(v);
        v.int("steps", &mut self.steps, 1..=100_000, "optimiser steps");
        v.int("deep_depth", &mut self.deep_depth, 2..=100, "hidden layers of the deep experiment");
        v.int("xor_seeds", &mut self.xor_seeds, 1..=1000, "networks for each scheme on XOR");
    }
}

impl InitSettings {
    /// The gain as a number.
    pub fn gain(&self) -> Result<f64> {
        expression::number("gain", &self.gain)
    }

    /// The schemes under study.
    pub fn schemes(&self) -> Result<Vec<Scheme>> {
        let list = Scheme::parse_list("schemes", &self.schemes)?;
        if self.norm != NormKind::None
            && let Some(scheme) = list.iter().find(|s| s.blocks().is_some())
        {
            let expected = format!("none with scheme '{}', whose blocks are made to do without", scheme.name());
            return Err(LabError::BadValue { name: "norm".into(), value: self.norm.name().into(), expected });
        }
        Ok(list)
    }
}
