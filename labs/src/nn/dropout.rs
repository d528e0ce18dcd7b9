//! Dropout: plain (Srivastava et al. 2014, scaled in training) and alpha dropout (Klambauer et al. 2017).

use super::Mode;
use super::activation::{SELU_ALPHA, SELU_SCALE};
use crate::rng::Stream;
use crate::{LabError, control::Choice};
use candle_core::{Result, Tensor};
use std::sync::{Arc, Mutex, PoisonError};

/// What a dropped element becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DropoutKind {
    /// 0, and the others are divided by the share that is kept: the mean stays.
    Plain,
    /// SELU's lower limit, then an affine map: mean 0 and variance 1 stay.
    Alpha,
}

impl Choice for DropoutKind {
    const ALL: &'static [Self] = &[Self::Plain, Self::Alpha];

    fn name(self) -> &'static str {
        match self {
            Self::Plain => "dropout",
            Self::Alpha => "alpha_dropout",
        }
    }
}

/// Drops each element with probability `rate` in training, and is the identity otherwise.
#[derive(Debug, Clone)]
pub struct Dropout {
    kind: DropoutKind,
    rate: f64,
    random: Arc<Mutex<Stream>>,
}

/// a and b of y = a (d x + alpha' (1 - d)) + b, alpha' = -lambda alpha, with which alpha dropout keeps mean 0
/// and variance 1 (Klambauer et al. 2017, section 3); `keep` is the probability of d = 1.
#[must_use]
pub fn alpha_affine(keep: f64) -> (f64, f64) {
    let limit = -SELU_SCALE * SELU_ALPHA;
    let a = (keep + limit * limit * keep * (1.0 - keep)).sqrt().recip();
    (a, -a * (1.0 - keep) * limit)
}

impl Dropout {
    /// `rate` is the share that is dropped, 0 to below 1; masks are drawn from `random`.
    pub fn new(kind: DropoutKind, rate: f64, random: Stream) -> crate::Result<Self> {
        let mut dropout = Self { kind, rate: 0.0, random: Arc::new(Mutex::new(random)) };
        dropout.set_rate(rate)?;
        Ok(dropout)
    }

    /// Another share to drop, 0 to below 1, from the next call on.
    pub fn set_rate(&mut self, rate: f64) -> crate::Result<()> {
        if !(0.0..1.0).contains(&rate) {
            let expected = "the share of elements to drop, 0 to below 1, for example 0.1".into();
            return Err(LabError::BadValue { name: self.kind.name().into(), value: rate.to_string(), expected });
        }
        self.rate = rate;
        Ok(())
    }

    /// x of any shape; the gradient is the factor that each element was given.
    pub fn forward(&self, x: &Tensor, mode: Mode) -> Result<Tensor> {
        if self.rate <= 0.0 || !matches!(mode, Mode::Train { .. }) {
            return Ok(x.clone());
        }
        let keep = 1.0 - self.rate;
        let mask = self.mask(x)?;
        match self.kind {
            DropoutKind::Plain => x * mask.affine(1.0 / keep, 0.0)?,
            DropoutKind::Alpha => {
                let (a, b) = alpha_affine(keep);
                // b for a kept element, a alpha' + b for a dropped one.
                let rest = -SELU_SCALE * SELU_ALPHA * a;
                (x * mask.affine(a, 0.0)?)? + mask.affine(-rest, rest + b)?
            }
        }
    }

    /// 1 for what is kept, else 0.
    fn mask(&self, x: &Tensor) -> Result<Tensor> {
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = (0..x.elem_count()).map(|_| f64::from(random.uniform() >= self.rate));
        Tensor::from_vec(kept.collect::<Vec<_>>(), x.shape(), x.device())?.to_dtype(x.dtype())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::stream;
    use candle_core::{DType, Device, Var};

    const TRAIN: Mode = Mode::Train { momentum: 0.1 };

    fn layer(kind: DropoutKind, rate: f64) -> Dropout {
        Dropout::new(kind, rate, stream(2, "dropout", 0)).unwrap()
    }

    fn flat(x: &Tensor) -> Vec<f64> {
        x.flatten_all().unwrap().to_vec1().unwrap()
    }

    /// Mean and variance of `values`.
    fn moments(values: &[f64]) -> (f64, f64) {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        (mean, values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0))
    }

    #[test]
    fn the_affine_map_is_the_published_one() {
        // To the four digits that rounding leaves.
        for (keep, a, b) in [(0.5, 0.8864, 0.7792), (0.9, 0.9213, 0.1620), (0.95, 0.9548, 0.0839), (1.0, 1.0, 0.0)] {
            let got = alpha_affine(keep);
            assert!((got.0 - a).abs() < 5.1e-5 && (got.1 - b).abs() < 5.1e-5, "{keep}: {got:?}");
        }
    }

    #[test]
    fn alpha_dropout_keeps_mean_and_variance() {
        let n = 200_000;
        let x = stream(4, "normal", 0).normal_tensor(n, &Device::Cpu).unwrap();
        for rate in [0.05, 0.1, 0.5] {
            let y = flat(&layer(DropoutKind::Alpha, rate).forward(&x, TRAIN).unwrap());
            let (mean, variance) = moments(&y);
            // The standard errors follow from the second and fourth moments of y itself.
            let fourth = y.iter().map(|v| v.powi(4)).sum::<f64>() / n as f64;
            let errors = [1.0 / (n as f64).sqrt(), ((fourth - 1.0) / n as f64).sqrt()];
            assert!(mean.abs() < 5.0 * errors[0], "{rate}: mean {mean}");
            assert!((variance - 1.0).abs() < 5.0 * errors[1], "{rate}: variance {variance}");
        }
    }

    #[test]
    fn plain_dropout_keeps_the_mean_and_widens() {
        let n = 200_000;
        let x = (stream(4, "normal", 1).normal_tensor(n, &Device::Cpu).unwrap() + 0.5).unwrap();
        let y = flat(&layer(DropoutKind::Plain, 0.2).forward(&x, TRAIN).unwrap());
        let (mean, variance) = moments(&y);
        // E y^2 = E x^2 / keep = 1.25 / 0.8, so Var y = 1.3125.
        assert!((mean - 0.5).abs() < 5.0 * (1.3125 / n as f64).sqrt(), "{mean}");
        assert!((variance - 1.3125).abs() < 0.03, "{variance}");
        let dropped = y.iter().filter(|v| **v == 0.0).count() as f64 / n as f64;
        assert!((dropped - 0.2).abs() < 5.0 * (0.16 / n as f64).sqrt(), "{dropped}");
    }

    #[test]
    fn the_gradient_is_the_mask() {
        for (kind, kept) in [(DropoutKind::Plain, 1.0 / 0.7), (DropoutKind::Alpha, alpha_affine(0.7).0)] {
            let x = Var::from_tensor(&stream(4, "normal", 2).normal_tensor((20, 10), &Device::Cpu).unwrap()).unwrap();
            let y = layer(kind, 0.3).forward(&x, TRAIN).unwrap();
            let slopes = flat(y.sum_all().unwrap().backward().unwrap().get(&x).unwrap());
            let (a, b) = alpha_affine(0.7);
            let lost = if kind == DropoutKind::Plain { 0.0 } else { b - a * 1.758_099_340_8 };
            let shift = if kind == DropoutKind::Plain { 0.0 } else { b };
            let mut dropped = 0;
            for ((x, y), slope) in flat(&x).into_iter().zip(flat(&y)).zip(slopes) {
                if slope == 0.0 {
                    dropped += 1;
                    assert!((y - lost).abs() < 1e-9, "{y} {lost}");
                } else {
                    assert!((slope - kept).abs() < 1e-15 && (y - kept * x - shift).abs() < 1e-14);
                }
            }
            // 60 of 200 on average, standard deviation 6.5.
            assert!((30..90).contains(&dropped), "{dropped}");
        }
    }

    #[test]
    fn only_training_drops_and_masks_differ_from_call_to_call() {
        let x = stream(4, "normal", 3).normal_tensor((8, 8), &Device::Cpu).unwrap();
        for &kind in DropoutKind::ALL {
            let dropout = layer(kind, 0.5);
            for mode in [Mode::Eval, Mode::Batch, Mode::Calibrate] {
                assert_eq!(flat(&dropout.forward(&x, mode).unwrap()), flat(&x));
            }
            let first = flat(&dropout.forward(&x, TRAIN).unwrap());
            assert_ne!(first, flat(&dropout.forward(&x, TRAIN).unwrap()));
            assert_eq!(first, flat(&layer(kind, 0.5).forward(&x, TRAIN).unwrap()));
            assert_eq!(flat(&layer(kind, 0.0).forward(&x, TRAIN).unwrap()), flat(&x));
            let narrow = dropout.forward(&x.to_dtype(DType::F32).unwrap(), TRAIN).unwrap();
            assert_eq!(narrow.dtype(), DType::F32);
        }
    }

    #[test]
    fn a_rate_that_is_none_is_named() {
        for rate in [1.0, -0.1, f64::NAN] {
            let message = Dropout::new(DropoutKind::Alpha, rate, stream(2, "dropout", 0)).unwrap_err().to_string();
            assert!(message.contains("alpha_dropout") && message.contains("0 to below 1"), "{message}");
        }
    }
}
