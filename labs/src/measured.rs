//! One batch forward and back through a network: gradients at every layer's input and weights.

use crate::Result;
use crate::nn::clip::norm;
use crate::nn::{Mlp, Mode, loss};
use crate::stats::fit_line;
use candle_core::Tensor;
use candle_core::backprop::GradStore;

/// A network with the gradients of one batch.
pub struct Measured {
    /// The network.
    pub net: Mlp,
    /// The gradients of all of its parameters.
    pub grads: GradStore,
    /// `dLoss/dh_l`, l = 0 (the batch) to depth (the head's input).
    pub inputs: Vec<Tensor>,
}

impl Measured {
    /// The gradients of the mean cross-entropy of `net` on `x` [samples, features] with labels `y`
    /// `[samples]`, both of the network's type and device. The network stays as it is.
    pub fn new(net: Mlp, x: &Tensor, y: &Tensor) -> Result<Self> {
        let probes = net.probes(x.dim(0)?, x.dtype(), x.device())?;
        let trace = net.trace(x, Mode::Batch, Some(&probes))?;
        let grads = loss::cross_entropy(&trace.logits, y)?.backward()?;
        let inputs = probes.iter().map(|p| gradient(&grads, p)).collect::<Result<_>>()?;
        Ok(Self { net, grads, inputs })
    }

    /// ||`dLoss/dh_l`|| for l = 0 to depth.
    pub fn input_norms(&self) -> Result<Vec<f64>> {
        Ok(self.inputs.iter().map(norm).collect::<candle_core::Result<_>>()?)
    }

    /// ||`dLoss/dW_l`|| for hidden layers 1 to depth and the head.
    pub fn weight_norms(&self) -> Result<Vec<f64>> {
        let hidden = self.net.hidden.iter().map(|h| &h.linear);
        let all = hidden.chain([&self.net.head]);
        all.map(|l| Ok(norm(&gradient(&self.grads, &l.weight)?)?)).collect()
    }
}

/// The gradient of `of`; zeros where the loss does not depend on it.
pub fn gradient(grads: &GradStore, of: &Tensor) -> Result<Tensor> {
    Ok(match grads.get(of) {
        Some(grad) => grad.clone(),
        None => of.zeros_like()?,
    })
}

/// The factor by which `norms`, those at the inputs of layers 1 on, change from a layer to the one
/// before it: exp(-slope) of their logarithms without the first; `None` where fewer than two are positive.
#[must_use]
pub fn factor(norms: &[f64]) -> Option<f64> {
    let points: Vec<_> = norms.iter().enumerate().skip(1).map(|(l, n)| (l as f64, n.ln())).collect();
    Some((-fit_line(&points)?.slope).exp())
}
