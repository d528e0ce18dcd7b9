//! Optimisers with PyTorch's update rules.

use crate::control::Choice;
use candle_core::backprop::GradStore;
use candle_core::{Result, Tensor, Var};

/// Which update rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptimizerKind {
    /// Gradient descent with heavy-ball momentum; weight decay is added to the gradient.
    Sgd,
    /// Adam (Kingma and Ba 2015); weight decay is added to the gradient.
    Adam,
    /// Adam with decoupled weight decay (Loshchilov and Hutter 2019).
    AdamW,
}

impl Choice for OptimizerKind {
    const ALL: &'static [Self] = &[Self::Sgd, Self::Adam, Self::AdamW];
    fn name(self) -> &'static str {
        match self {
            Self::Sgd => "sgd",
            Self::Adam => "adam",
            Self::AdamW => "adamw",
        }
    }
}

/// Hyper-parameters of an update rule.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    /// Learning rate.
    pub lr: f64,
    /// SGD's momentum; Adam's `beta_1`.
    pub momentum: f64,
    /// Weight decay.
    pub weight_decay: f64,
}

const BETA2: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/// An update rule and its state for a list of parameters.
#[derive(Debug)]
pub struct Optimizer {
    kind: OptimizerKind,
    /// May be changed between steps.
    pub rates: Rates,
    parameters: Vec<Var>,
    first: Vec<Option<Tensor>>,
    second: Vec<Option<Tensor>>,
    /// Of each parameter: one without a gradient makes no step.
    steps: Vec<i32>,
}

impl Optimizer {
    /// An optimiser of `parameters`, without history.
    #[must_use]
    pub fn new(kind: OptimizerKind, rates: Rates, parameters: Vec<Var>) -> Self {
        let n = parameters.len();
        Self { kind, rates, parameters, first: vec![None; n], second: vec![None; n], steps: vec![0; n] }
    }

    /// The parameters, in the order in which they were given.
    #[must_use]
    pub fn parameters(&self) -> &[Var] {
        &self.parameters
    }

    /// One update. A parameter without a gradient stays as it is.
    pub fn step(&mut self, grads: &GradStore) -> Result<()> {
        for i in 0..self.parameters.len() {
            let Some(grad) = grads.get(&self.parameters[i]) else { continue };
            // A gradient is a product with activations and carries their graph: in a moment it would
            // keep the graph of every step alive.
            let grad = &grad.detach();
            self.steps[i] += 1;
            let var = self.parameters[i].clone();
            let old = var.as_detached_tensor();
            let new = match self.kind {
                OptimizerKind::Sgd => self.sgd(i, &old, grad)?,
                OptimizerKind::Adam | OptimizerKind::AdamW => self.adam(i, &old, grad)?,
            };
            var.set(&new)?;
        }
        Ok(())
    }

    fn with_decay(&self, weight: &Tensor, grad: &Tensor) -> Result<Tensor> {
        match self.rates.weight_decay {
            0.0 => Ok(grad.clone()),
            decay => grad + weight.affine(decay, 0.0)?,
        }
    }

    fn sgd(&mut self, i: usize, weight: &Tensor, grad: &Tensor) -> Result<Tensor> {
        let Rates { lr, momentum, .. } = self.rates;
        let grad = self.with_decay(weight, grad)?;
        if momentum == 0.0 {
            // An earlier velocity stays, for when momentum is turned on again, as in PyTorch.
            return weight - grad.affine(lr, 0.0)?;
        }
        let velocity = match self.first[i].take() {
            Some(v) => (v.affine(momentum, 0.0)? + grad)?,
            None => grad,
        };
        let new = weight - velocity.affine(lr, 0.0)?;
        self.first[i] = Some(velocity);
        new
    }

    fn adam(&mut self, i: usize, weight: &Tensor, grad: &Tensor) -> Result<Tensor> {
        let Rates { lr, momentum: beta1, weight_decay } = self.rates;
        let coupled = self.kind == OptimizerKind::Adam;
        let grad = if coupled { self.with_decay(weight, grad)? } else { grad.clone() };
        let weight = if coupled { weight.clone() } else { weight.affine(1.0 - lr * weight_decay, 0.0)? };
        let blend = |old: Option<Tensor>, new: &Tensor, beta: f64| match old {
            Some(old) => old.affine(beta, 0.0)? + new.affine(1.0 - beta, 0.0)?,
            None => new.affine(1.0 - beta, 0.0),
        };
        let first = blend(self.first[i].take(), &grad, beta1)?;
        let second = blend(self.second[i].take(), &grad.sqr()?, BETA2)?;
        let (c1, c2) = (1.0 - beta1.powi(self.steps[i]), 1.0 - BETA2.powi(self.steps[i]));
        let denominator = (second.sqrt()?.affine(c2.sqrt().recip(), 0.0)? + EPSILON)?;
        let new = weight - first.div(&denominator)?.affine(lr / c1, 0.0)?;
        self.first[i] = Some(first);
        self.second[i] = Some(second);
        new
    }
}
