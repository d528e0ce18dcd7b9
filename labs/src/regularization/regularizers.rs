//! A set of regularisers with their strengths.

use super::change::Knob;
use super::network::RegularizedNet;
use crate::data::Augmentation;
use crate::nn::{L1Method, NormKind, decay, max_norm, penalty, smoothing};
use crate::trainer::Rule;
use candle_core::{Result, Tensor};

/// What may keep a network from overfitting. Penalties, decay and max-norm are of weights alone: biases and
/// the scales of a normalisation are left free, and max-norm leaves the head free too.
#[derive(Debug, Clone, PartialEq)]
pub struct Regularizers {
    /// Share of the units of each hidden layer that are dropped (of a convolution: of the pooled values).
    pub dropout: f64,
    /// The same layer by layer; empty: `dropout` everywhere. The last is used for all further layers.
    pub layer_dropout: Vec<f64>,
    /// Share of the inputs that are dropped.
    pub input_dropout: f64,
    /// Strength of the sum of absolute weights.
    pub l1: f64,
    /// How L1 reaches the weights.
    pub l1_method: L1Method,
    /// Strength of half the sum of squared weights, as a term of the loss.
    pub l2: f64,
    /// Decay that is decoupled from the gradient, under every update rule.
    pub weight_decay: f64,
    /// Longest allowed vector of a hidden unit's incoming weights; 0: any.
    pub max_norm: f64,
    /// Normalisation of the pre-activations.
    pub norm: NormKind,
    /// Evaluations without a better validation loss after which training stops and the best weights come back; 0:
    /// never.
    pub patience: usize,
    /// Share of the target that is spread evenly over the classes.
    pub label_smoothing: f64,
    /// Changes of the training samples.
    pub augmentation: Augmentation,
}

impl Default for Regularizers {
    fn default() -> Self {
        Self::none()
    }
}

impl Regularizers {
    /// Nothing but the loss.
    #[must_use]
    pub fn none() -> Self {
        Self {
            dropout: 0.0,
            layer_dropout: Vec::new(),
            input_dropout: 0.0,
            l1: 0.0,
            l1_method: L1Method::Proximal,
            l2: 0.0,
            weight_decay: 0.0,
            max_norm: 0.0,
            norm: NormKind::None,
            patience: 0,
            label_smoothing: 0.0,
            augmentation: Augmentation::default(),
        }
    }

    /// The share that hidden layer `l` drops.
    #[must_use]
    pub fn dropout_of(&self, l: usize) -> f64 {
        self.layer_dropout.get(l).or(self.layer_dropout.last()).copied().unwrap_or(self.dropout)
    }

    /// Sets the strength that `knob` names; one dropout takes the place of those layer by layer. The
    /// learning rate is none of these.
    pub fn set(&mut self, knob: Knob, value: f64) {
        match knob {
            Knob::Dropout => {
                self.dropout = value;
                self.layer_dropout.clear();
            }
            Knob::InputDropout => self.input_dropout = value,
            Knob::L1 => self.l1 = value,
            Knob::L2 => self.l2 = value,
            Knob::WeightDecay => self.weight_decay = value,
            Knob::MaxNorm => self.max_norm = value,
            Knob::LabelSmoothing => self.label_smoothing = value,
            Knob::Lr => {}
        }
    }
}

impl Rule<RegularizedNet> for Regularizers {
    fn objective(&self, net: &RegularizedNet, logits: &Tensor, labels: &Tensor) -> Result<Tensor> {
        let mut loss = smoothing::smoothed_cross_entropy(logits, labels, self.label_smoothing)?;
        let weights = net.weights();
        if let Some(term) = penalty::l2(&weights, self.l2)? {
            loss = (loss + term)?;
        }
        if self.l1_method == L1Method::Subgradient
            && let Some(term) = penalty::l1(&weights, self.l1)?
        {
            loss = (loss + term)?;
        }
        Ok(loss)
    }

    fn before_update(&self, net: &RegularizedNet, lr: f64) -> Result<()> {
        decay::decoupled(&net.weights(), lr, self.weight_decay)
    }

    fn after_update(&self, net: &RegularizedNet, lr: f64) -> Result<()> {
        if self.l1_method == L1Method::Proximal {
            penalty::soft_threshold(&net.weights(), lr * self.l1)?;
        }
        max_norm::project(&net.hidden_weights(), self.max_norm)
    }
}
