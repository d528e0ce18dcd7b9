//! One network just drawn, forward and back on the measured batch; and what theory says of it.

use super::setup::Setup;
use crate::Result;
use crate::mean_field::{self, Layers};
use crate::nn::residual::{Start, blocks_of, fixup_factor};
use crate::nn::scheme::{Built, Net, Scheme};
use crate::nn::{Init, MlpConfig, Mode, loss};
use crate::trainer::Network;
use candle_core::backprop::GradStore;
use candle_core::{DType, Tensor};

/// A network at step 0.
pub struct StepZero {
    pub net: Net,
    /// `h_0` (the batch) to the head's input.
    pub activations: Vec<Tensor>,
    /// dLoss/dh of each of them.
    pub gradients: Vec<Tensor>,
    /// Of all parameters.
    pub grads: GradStore,
}

impl Setup {
    /// Network `index` of `scheme` in the measuring type.
    pub fn built(&self, scheme: Scheme, index: u64) -> Result<Built> {
        scheme.build(self.network(scheme.base()), &self.x, self.seed, index, self.dtype, &self.device)
    }

    /// The same, forward and back on the batch.
    pub fn step_zero(&self, scheme: Scheme, index: u64) -> Result<StepZero> {
        let net = self.built(scheme, index)?.net;
        let probes = net.probes(self.x.dim(0)?, self.dtype, &self.device)?;
        let trace = net.trace(&self.x, Mode::Batch, Some(&probes))?;
        let grads = loss::cross_entropy(&trace.logits, &self.y)?.backward()?;
        let gradients = probes.iter().map(|p| gradient(&grads, p)).collect::<Result<_>>()?;
        let activations = trace.inputs.iter().map(Tensor::detach).collect();
        Ok(StepZero { net, activations, gradients, grads })
    }

    /// Mean square of the batch's features: where mean-field theory starts.
    pub fn input_square(&self) -> Result<f64> {
        Ok(self.x.to_dtype(DType::F64)?.sqr()?.mean_all()?.to_scalar()?)
    }

    /// What mean-field theory says of each tensor of [`StepZero::activations`] but the first; `None`
    /// where the weights are not independent or a batch is normalised.
    pub fn theory(&self, scheme: Scheme) -> Result<Option<Layers>> {
        let (config, input) = (self.network(scheme.base()), self.input_square()?);
        if let Some(start) = scheme.blocks() {
            return Ok(Some(blocks_theory(&config, start, input)));
        }
        let bias = config.bias_std.powi(2);
        Ok(match scheme {
            Scheme::Each(Init::Constant) => None,
            // A layer is scaled until q = w h2 + b is 1; larger biases leave nothing for the weights.
            Scheme::Lsuv => mean_field::layers_with(&config, input, |_, h2| (1.0 - bias).max(0.0) / h2),
            _ => mean_field::layers(&config, input),
        })
    }
}

/// The stem keeps mean 0, and a branch's last layer has mean 0 whatever it is given: no cross terms.
pub fn blocks_theory(config: &MlpConfig, start: Start, input: f64) -> Layers {
    let stem = mean_field::weight_variance(config, config.inputs);
    let count = blocks_of(config.depth);
    let full = mean_field::weight_variance(config, config.width);
    let (first, second) = match start {
        Start::Plain => (full, full),
        Start::ZeroGamma => (full, 0.0),
        Start::Fixup => (full * fixup_factor(count).powi(2), 0.0),
    };
    let mut out = Layers { q: vec![stem * input], chi: vec![stem], outputs: vec![stem * input] };
    let mut h2 = stem * input;
    for _ in 0..count {
        let q = first * h2;
        h2 += second * mean_field::second_moment(config.activation, q);
        out.q.push(q);
        out.chi.push(1.0 + first * second * mean_field::slope_moment(config.activation, q));
        out.outputs.push(h2);
    }
    out
}

impl StepZero {
    /// Weights, and gradients of weights and of the layers' inputs, with `scheme` before each name.
    pub fn tensors(&self, scheme: Scheme) -> Result<Vec<(String, Tensor)>> {
        let name = scheme.name();
        let mut list = Vec::new();
        for (parameter, var) in self.net.parameters() {
            list.push((format!("{name}.grad.{parameter}"), gradient(&self.grads, &var)?));
            list.push((format!("{name}.{parameter}"), var.as_detached_tensor()));
        }
        for (l, grad) in self.gradients.iter().enumerate() {
            list.push((format!("{name}.grad.input.{l}"), grad.clone()));
        }
        Ok(list)
    }
}

fn gradient(grads: &GradStore, of: &Tensor) -> Result<Tensor> {
    Ok(match grads.get(of) {
        Some(grad) => grad.detach(),
        None => of.zeros_like()?,
    })
}

/// All elements in f64.
pub fn flat(t: &Tensor) -> Result<Vec<f64>> {
    Ok(t.detach().to_dtype(DType::F64)?.flatten_all()?.to_vec1()?)
}

/// sqrt(mean of squares), without underflow.
pub fn root_mean_square(values: &[f64]) -> f64 {
    crate::nn::clip::root_sum_square(values) / (values.len() as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{Activation, NormKind};

    #[test]
    fn theory_of_plain_blocks_is_he_and_the_identity() {
        // Two He layers around a ReLU give a branch of twice the stream's second moment, and twice its
        // gradient's: 1 + 2 a block (2 times 2 times E f'^2 = 1/2). See also `nn::scheme`'s test, 3^4 = 81.
        let config = MlpConfig {
            inputs: 20,
            width: 64,
            depth: 8,
            classes: 5,
            activation: Activation::Relu,
            norm: NormKind::None,
            residual: false,
            init: Init::HeNormal,
            gain: 1.0,
            bias_std: 0.0,
        };
        let plain = blocks_theory(&config, Start::Plain, 0.5);
        assert!((plain.outputs[4] / plain.outputs[0] - 81.0).abs() < 1e-9 && (plain.outputs[0] - 1.0).abs() < 1e-12);
        assert!(plain.chi[1..].iter().all(|chi| (chi - 3.0).abs() < 1e-9) && plain.chi.len() == 5);
        let fixup = blocks_theory(&config, Start::Fixup, 0.5);
        assert!(fixup.outputs.iter().all(|h2| (h2 - 1.0).abs() < 1e-12));
        // The first layers keep 2/L = 1/2 of the variance that they are given.
        assert!((fixup.q[1] - 0.5).abs() < 1e-12);
    }
}
