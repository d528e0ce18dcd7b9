//! Gradient clipping by global norm (Pascanu et al. 2013).

use candle_core::backprop::GradStore;
use candle_core::{DType, Result, Tensor, Var};

/// The Euclidean norm of all elements, accumulated in f64: the square of a small f32 gradient
/// would underflow to zero.
pub fn norm(x: &Tensor) -> Result<f64> {
    let total: f64 = x.to_dtype(DType::F64)?.sqr()?.sum_all()?.to_scalar()?;
    Ok(total.sqrt())
}

/// The norm of all gradients of `parameters` together.
pub fn global_norm(parameters: &[Var], grads: &GradStore) -> Result<f64> {
    let mut total = 0.0;
    for grad in parameters.iter().filter_map(|p| grads.get(p)) {
        total += norm(grad)?.powi(2);
    }
    Ok(total.sqrt())
}

/// Scales all gradients by one factor so that their global norm is at most `limit`. Answers the
/// norm before; a norm that is not finite leaves the gradients as they are.
pub fn clip_global_norm(parameters: &[Var], grads: &mut GradStore, limit: f64) -> Result<f64> {
    let before = global_norm(parameters, grads)?;
    if before > limit && before.is_finite() {
        for p in parameters {
            if let Some(grad) = grads.get(p) {
                let scaled = grad.affine(limit / before, 0.0)?;
                grads.insert(p, scaled);
            }
        }
    }
    Ok(before)
}
