//! Cross-entropy against smoothed labels (Szegedy et al. 2016, section 7).

use candle_core::{D, Result, Tensor};

/// Mean cross-entropy in nats of logits `[batch, classes]` against targets that put 1 - `smoothing` on the label
/// of `[batch]` (u32) and spread `smoothing` evenly over all classes, the label's included, as PyTorch does:
/// log sum exp z - (1 - s) `z_y` - s mean z.
pub fn smoothed_cross_entropy(logits: &Tensor, labels: &Tensor, smoothing: f64) -> Result<Tensor> {
    if smoothing == 0.0 {
        return super::loss::cross_entropy(logits, labels);
    }
    let shifted = logits.broadcast_sub(&logits.detach().max_keepdim(D::Minus1)?)?;
    let log_total = shifted.exp()?.sum_keepdim(D::Minus1)?.log()?;
    let chosen = shifted.gather(&labels.unsqueeze(1)?, 1)?.affine(1.0 - smoothing, 0.0)?;
    let spread = shifted.mean_keepdim(D::Minus1)?.affine(smoothing, 0.0)?;
    ((log_total - chosen)? - spread)?.mean_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Var};

    fn value(x: &Tensor) -> f64 {
        x.to_scalar().unwrap()
    }

    /// The smallest loss is the targets' own entropy, reached where softmax is the target.
    #[test]
    fn the_minimum_is_the_entropy_of_the_targets() {
        let (s, classes) = (0.2_f64, 4.0);
        let (high, low) = (1.0 - s + s / classes, s / classes);
        let best = Var::new(&[[low.ln(), low.ln(), high.ln(), low.ln()]], &Device::Cpu).unwrap();
        let y = Tensor::new(&[2_u32], &Device::Cpu).unwrap();
        let loss = smoothed_cross_entropy(&best, &y, s).unwrap();
        let entropy = -high * high.ln() - 3.0 * low * low.ln();
        assert!((value(&loss) - entropy).abs() < 1e-15);
        let slope: Vec<Vec<f64>> = loss.backward().unwrap().get(&best).unwrap().to_vec2().unwrap();
        assert!(slope[0].iter().all(|g| g.abs() < 1e-15), "{slope:?}");
    }

    #[test]
    fn without_smoothing_it_is_the_cross_entropy_and_equal_logits_give_ln_of_the_classes() {
        let z = Tensor::new(&[[0.3, -2.0, 1.5], [1e4, 0.0, -1e4]], &Device::Cpu).unwrap();
        let y = Tensor::new(&[2_u32, 0], &Device::Cpu).unwrap();
        let plain = value(&crate::nn::loss::cross_entropy(&z, &y).unwrap());
        assert!((value(&smoothed_cross_entropy(&z, &y, 0.0).unwrap()) - plain).abs() < 1e-15);
        let flat = z.zeros_like().unwrap();
        assert!((value(&smoothed_cross_entropy(&flat, &y, 0.37).unwrap()) - 3.0_f64.ln()).abs() < 1e-14);
    }
}
