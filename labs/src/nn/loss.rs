//! Losses.

use candle_core::{D, DType, Result, Tensor};

/// Mean cross-entropy in nats of logits `[batch, classes]` against labels `[batch]` (u32), from
/// log-softmax with the row's maximum subtracted: finite for any finite logits.
pub fn cross_entropy(logits: &Tensor, labels: &Tensor) -> Result<Tensor> {
    // The maximum is a constant of the identity log-softmax(x) = log-softmax(x - c), so it needs no
    // gradient; candle's own would be doubled at ties.
    let shifted = logits.broadcast_sub(&logits.detach().max_keepdim(D::Minus1)?)?;
    let log_total = shifted.exp()?.sum_keepdim(D::Minus1)?.log()?;
    let chosen = shifted.gather(&labels.unsqueeze(1)?, 1)?;
    (log_total - chosen)?.mean_all()
}

/// The share of rows whose largest logit is the label's: 0 to 1.
pub fn accuracy(logits: &Tensor, labels: &Tensor) -> Result<f64> {
    let right = logits.argmax(D::Minus1)?.to_dtype(DType::U32)?.eq(labels)?;
    right.to_dtype(DType::F64)?.mean_all()?.to_scalar()
}
