//! Gradient clipping by global norm (Pascanu et al. 2013).

use candle_core::backprop::GradStore;
use candle_core::{DType, Result, Tensor, Var};

/// The Euclidean norm of all elements, in f64 and relative to the largest one: squares of small
/// gradients would underflow. NaN where an element is NaN.
pub fn norm(x: &Tensor) -> Result<f64> {
    let values: Vec<f64> = x.to_dtype(DType::F64)?.flatten_all()?.to_vec1()?;
    Ok(root_sum_square(&values))
}

/// The norm of all gradients of `parameters` together.
pub fn global_norm(parameters: &[Var], grads: &GradStore) -> Result<f64> {
    let norms = parameters.iter().filter_map(|p| grads.get(p)).map(norm).collect::<Result<Vec<_>>>()?;
    Ok(root_sum_square(&norms))
}

/// sqrt(sum of squares) relative to the largest, so that no square overflows or underflows; NaN where
/// a value is NaN.
#[must_use]
pub fn root_sum_square(values: &[f64]) -> f64 {
    let largest = values.iter().fold(0.0_f64, |a, v| if a.is_nan() || v.is_nan() { f64::NAN } else { a.max(v.abs()) });
    if largest == 0.0 || !largest.is_finite() {
        return largest;
    }
    largest * values.iter().map(|v| (v / largest).powi(2)).sum::<f64>().sqrt()
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
