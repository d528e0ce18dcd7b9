//! Weight decay that is decoupled from the gradient (Loshchilov and Hutter 2019, algorithm 2), for any
//! update rule.

use candle_core::{Result, Var};

/// w (1 - `lr` `decay`) for every one of `weights`, to be applied before an update whose gradient is of the
/// weights as they were. `decay` 0 leaves them as they are.
pub fn decoupled(weights: &[&Var], lr: f64, decay: f64) -> Result<()> {
    if decay == 0.0 {
        return Ok(());
    }
    weights.iter().try_for_each(|w| w.set(&w.as_detached_tensor().affine(1.0 - lr * decay, 0.0)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::optim::Rates;
    use crate::nn::{Optimizer, OptimizerKind};
    use candle_core::Device;

    /// Adam with this decay is the `AdamW` that is compared with PyTorch's in `tests/nn_torch.rs`.
    #[test]
    fn adam_with_it_is_adamw() {
        let start = [[0.5, -1.0, 2.0]];
        let (ours, theirs) = (Var::new(&start, &Device::Cpu).unwrap(), Var::new(&start, &Device::Cpu).unwrap());
        let rates = |weight_decay| Rates { lr: 0.1, momentum: 0.9, weight_decay };
        let mut adam = Optimizer::new(OptimizerKind::Adam, rates(0.0), vec![ours.clone()]);
        let mut adamw = Optimizer::new(OptimizerKind::AdamW, rates(0.3), vec![theirs.clone()]);
        for _ in 0..5 {
            let grads = ours.powf(3.0).unwrap().sum_all().unwrap().backward().unwrap();
            decoupled(&[&ours], 0.1, 0.3).unwrap();
            adam.step(&grads).unwrap();
            adamw.step(&theirs.powf(3.0).unwrap().sum_all().unwrap().backward().unwrap()).unwrap();
            let difference = (ours.as_tensor() - theirs.as_tensor()).unwrap().abs().unwrap().sum_all().unwrap();
            assert!(difference.to_scalar::<f64>().unwrap() < 1e-14);
        }
        let moved = ours.to_vec2::<f64>().unwrap()[0][0];
        assert!(moved < 0.4, "{moved}");
    }
}
