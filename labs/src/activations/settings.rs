use crate::Result;
use crate::control::{Choice, Settings, Visitor};
use crate::data::{self, Scaling};
use crate::nn::{Init, Nonlinearity, NormKind, OptimizerKind};
use crate::trainer::RecipeSettings;

/// Every function and gate, and those parameters of which something is said.
const CATALOGUE: &str = "identity,sigmoid,tanh,relu,leaky_relu,leaky_relu:0.1,leaky_relu:0.2,leaky_relu:0.3,prelu,rrelu,elu,elu:0.5,elu:1.5,elu:1.673,elu:2,selu,celu:0.5,celu:2,gelu,gelu_tanh,gelu_sigmoid,silu,swish:0.001,swish:2,swish:10,swish:100,mish,softplus,softsign,hard_sigmoid,hard_swish,relu6,relu_squared,sine,x_tanh_x,maxout,glu,reglu,geglu,swiglu";
/// The word for the whole catalogue.
const ALL: &str = "catalogue";

/// The parts of the experiment, in the order in which they run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// f and f' as curves.
    Curves,
    /// Exact properties beside measured ones.
    Properties,
    /// Errors of the approximations of GELU.
    Approximations,
    /// What 8 bits leave of each function.
    Quantisation,
    /// Dead and saturated units and distributions, layer by layer, over training.
    Layers,
    /// The same training for each, ranked with paired significance.
    Race,
    /// Decision boundaries on two features.
    Boundary,
    /// Units that are silenced at the start: which come back.
    Revival,
    /// Slopes at points, softmax, gates, XOR and the bias: numbers that need no training.
    Numbers,
    /// Curves fitted by small networks.
    Regression,
    /// Functions exchanged after training, and slopes that are learned.
    Swap,
    /// Depth, width and their course at equal parameters.
    Shapes,
    /// Nanoseconds for each element. Not among `all`: times differ from run to run.
    Timing,
}

impl Choice for Part {
    const ALL: &'static [Self] = &[
        Self::Curves,
        Self::Properties,
        Self::Approximations,
        Self::Quantisation,
        Self::Layers,
        Self::Race,
        Self::Boundary,
        Self::Revival,
        Self::Numbers,
        Self::Regression,
        Self::Swap,
        Self::Shapes,
        Self::Timing,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Curves => "curves",
            Self::Properties => "properties",
            Self::Approximations => "approximations",
            Self::Quantisation => "quantisation",
            Self::Layers => "layers",
            Self::Race => "race",
            Self::Boundary => "boundary",
            Self::Revival => "revival",
            Self::Numbers => "numbers",
            Self::Regression => "regression",
            Self::Swap => "swap",
            Self::Shapes => "shapes",
            Self::Timing => "timing",
        }
    }
}

/// The controls of the lab, typed.
#[derive(Debug, Clone, PartialEq)]
pub struct ActivationSettings {
    /// Which part runs; `None`: all but the timing, whose numbers differ from run to run.
    pub part: Option<Part>,
    /// The non-linearities under study, comma-separated.
    pub activations: String,
    /// A formula of x that joins them; empty: none.
    pub custom: String,
    /// Data set of race and layers.
    pub data: String,
    /// Scaling of its features.
    pub scaling: Scaling,
    /// Hidden layers.
    pub depth: usize,
    /// Units of a hidden layer.
    pub width: usize,
    /// Initialiser of the hidden weights.
    pub init: Init,
    /// Whether each function gets the gain that keeps the second moment instead of `init`'s scale.
    pub matched: bool,
    /// Normalisation of the pre-activations.
    pub norm: NormKind,
    /// How networks are trained.
    pub recipe: RecipeSettings,
    /// Optimiser steps.
    pub steps: usize,
    /// Networks of each function in the race, paired by their weights and batches.
    pub repeats: usize,
    /// Two-dimensional data of the decision boundaries.
    pub boundary_data: String,
    /// Optimiser steps of the decision boundaries.
    pub boundary_steps: usize,
    /// Bias of the silenced units at the start.
    pub silenced_bias: f64,
    /// Elements of the large array that is timed.
    pub elements: usize,
}

impl Default for ActivationSettings {
    fn default() -> Self {
        Self {
            part: None,
            activations: "relu,leaky_relu,elu,selu,gelu,silu,mish,tanh,sigmoid,softplus,softsign,sine".into(),
            custom: String::new(),
            data: "digits".into(),
            scaling: Scaling::Unit,
            depth: 4,
            width: 64,
            init: Init::HeNormal,
            matched: true,
            norm: NormKind::None,
            recipe: RecipeSettings::new(OptimizerKind::Adam, 1e-3),
            steps: 300,
            repeats: 6,
            boundary_data: "moons".into(),
            boundary_steps: 400,
            silenced_bias: -6.0,
            elements: 1 << 24,
        }
    }
}

impl Settings for ActivationSettings {
    fn visit(&mut self, v: &mut dyn Visitor) {
        v.choice_or_all("part", &mut self.part, "which part runs; all: each but timing");
        v.text(
            "activations",
            &mut self.activations,
            "a list such as relu,gelu,elu:1.5,swiglu,relu+gelu (+: layer by layer), or catalogue: all",
            &[
                "relu,leaky_relu,elu,selu,gelu,silu,mish,tanh,sigmoid,softplus,softsign,sine",
                "relu,leaky_relu,prelu,rrelu,elu,celu",
                "relu,gelu,silu,mish,swish",
                "relu,maxout,glu,reglu,geglu,swiglu",
                "sigmoid,tanh,relu",
            ],
            "non-linearities under study",
        );
        let formulas = ["", "x*sigmoid(1.5*x)", "x*tanh(x)", "max(x,sigmoid(x))", "x^2"];
        v.text("custom", &mut self.custom, crate::nn::expression::GRAMMAR, &formulas, "your own, as a formula of x");
        v.text("data", &mut self.data, data::SPEC, &data::NAMES, "data set of race and layers");
        v.choice("scaling", &mut self.scaling, "raw, standard, or each sample to root mean square 1");
        v.int("depth", &mut self.depth, 1..=50, "hidden layers");
        v.int("width", &mut self.width, 8..=1024, "units of a hidden layer");
        v.choice("init", &mut self.init, "how hidden weights are drawn where matched is off");
        v.flag("matched", &mut self.matched, "N(0, 1/(fan-in E f^2)): each function keeps the second moment");
        v.choice("norm", &mut self.norm, "normalisation of the pre-activations");
        self.recipe.visit(v);
        v.int("steps", &mut self.steps, 1..=100_000, "optimiser steps of race and layers");
        v.int("repeats", &mut self.repeats, 1..=50, "networks of each function in the race");
        let planes = ["moons", "spirals", "circles", "xor", "gaussians", "checkerboard"];
        v.text("boundary_data", &mut self.boundary_data, data::SPEC, &planes, "data of two features");
        v.int("boundary_steps", &mut self.boundary_steps, 1..=100_000, "optimiser steps of the boundaries");
        v.float("silenced_bias", &mut self.silenced_bias, -50.0..=0.0, "bias of the silenced units at the start");
        v.int("elements", &mut self.elements, 1 << 16..=1 << 28, "elements of the large array that is timed");
    }
}

impl ActivationSettings {
    /// The non-linearities under study: those of the list, and the formula where there is one.
    pub fn list(&self) -> Result<Vec<Nonlinearity>> {
        let mut text = if self.activations.trim() == ALL { CATALOGUE.into() } else { self.activations.clone() };
        if !self.custom.trim().is_empty() {
            text += ",custom";
        }
        Nonlinearity::parse_list("activations", &text, &self.custom)
    }
}
