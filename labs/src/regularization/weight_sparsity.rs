//! How sparse weights are, by four measures of which only the first sees exact zeros.

use super::input::bad;
use crate::Result;

/// Measures of sparsity of a list of weights; all but the shares do not change with the weights' scale.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sparsity {
    /// Weights.
    pub count: usize,
    /// The share that is exactly 0.
    pub zeros: f64,
    /// The share with |w| below the threshold that was given.
    pub small: f64,
    /// Hoyer's measure, `(sqrt(n) - |w|_1/|w|_2) / (sqrt(n) - 1)`: 0 where all |w| are equal, 1 where one is not 0
    /// (Hoyer 2004, section 3.1). NaN of fewer than two weights or of zeros only.
    pub hoyer: f64,
    /// The Gini index of |w|, 0 where all are equal, `1 - 1/n` where one is not 0 (Hurley and Rickard 2009, table I).
    /// NaN of zeros only.
    pub gini: f64,
}

/// Measures `weights`; `threshold` is in units of a weight.
pub fn sparsity(weights: &[f64], threshold: f64) -> Result<Sparsity> {
    if weights.is_empty() {
        return Err(bad("weights", "none", "at least one weight"));
    }
    if let Some(w) = weights.iter().find(|w| !w.is_finite()) {
        return Err(bad("weight", w, "a finite number; lower the learning rate where training diverged"));
    }
    if threshold.is_nan() || threshold < 0.0 {
        return Err(bad("threshold", threshold, "a number of at least 0, for example 1e-3"));
    }
    let count = weights.len();
    let share = |n: usize| n as f64 / count as f64;
    Ok(Sparsity {
        count,
        zeros: share(weights.iter().filter(|w| **w == 0.0).count()),
        small: share(weights.iter().filter(|w| w.abs() < threshold).count()),
        hoyer: hoyer(weights),
        gini: gini(weights),
    })
}

fn hoyer(weights: &[f64]) -> f64 {
    // In units of the largest, so that squares neither overflow nor vanish.
    let scale = weights.iter().fold(0.0_f64, |m, w| m.max(w.abs()));
    let root = (weights.len() as f64).sqrt();
    let (one, two) = weights.iter().map(|w| (w / scale).abs()).fold((0.0, 0.0), |s, w| (s.0 + w, s.1 + w * w));
    (root - one / two.sqrt()) / (root - 1.0)
}

fn gini(weights: &[f64]) -> f64 {
    let mut sorted: Vec<f64> = weights.iter().map(|w| w.abs()).collect();
    sorted.sort_by(f64::total_cmp);
    let (n, total) = (sorted.len() as f64, sorted.iter().sum::<f64>());
    let ranked = sorted.iter().enumerate().map(|(k, w)| w / total * (n - k as f64 - 0.5) / n);
    1.0 - 2.0 * ranked.sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::stream;
    use std::f64::consts::{FRAC_2_PI, SQRT_2};

    fn close(got: f64, want: f64, error: f64) {
        assert!((got - want).abs() < error, "{got}, not {want}");
    }

    #[test]
    fn the_extremes_and_a_ramp() {
        let mut one = vec![0.0; 50];
        one[7] = -3e-200;
        let s = sparsity(&one, 0.0).unwrap();
        close(s.zeros, 0.98, 1e-15);
        close(s.small, 0.0, 1e-15);
        close(s.hoyer, 1.0, 1e-14);
        close(s.gini, 0.98, 1e-14);
        let s = sparsity(&[2.0, -2.0, 2.0, -2.0], 2.0).unwrap();
        close(s.hoyer, 0.0, 1e-15);
        close(s.gini, 0.0, 1e-15);
        close(s.small, 0.0, 1e-15);
        // Of 1 to n: (n - 1) / 3n; and sqrt(n) - sqrt(6 n (n+1)^2 / (4 (n+1)(2n+1))) over sqrt(n) - 1.
        let n = 9.0;
        let s = sparsity(&(1..=9).rev().map(f64::from).collect::<Vec<_>>(), 3.5).unwrap();
        close(s.gini, (n - 1.0) / (3.0 * n), 1e-14);
        close(s.hoyer, (3.0 - (1.5 * n * (n + 1.0) / (2.0 * n + 1.0)).sqrt()) / 2.0, 1e-14);
        close(s.small, 1.0 / 3.0, 1e-15);
    }

    #[test]
    fn normal_and_exponential_weights_have_their_distributions_index() {
        // The Gini index of |N(0, s)| is sqrt(2) - 1, of an exponential variable 1/2; |w|_1/|w|_2 tends to
        // sqrt(2n/pi) and sqrt(n/2).
        let n = 200_000;
        let mut random = stream(1, "sparsity", 0);
        let s = sparsity(&random.normals(n).iter().map(|z| 0.01 * z).collect::<Vec<_>>(), 1e-4).unwrap();
        close(s.gini, SQRT_2 - 1.0, 0.004);
        close(s.hoyer, 1.0 - FRAC_2_PI.sqrt(), 0.006);
        // P(|z| < 0.01) = 0.007979; standard error 0.0002.
        close(s.small, 0.007_979, 0.001);
        assert!(s.zeros == 0.0);
        let s = sparsity(&(0..n).map(|_| -(1.0 - random.uniform()).ln()).collect::<Vec<_>>(), 1e-4).unwrap();
        close(s.gini, 0.5, 0.004);
        close(s.hoyer, 1.0 - 0.5_f64.sqrt(), 0.006);
    }

    #[test]
    fn what_has_no_measure_says_so() {
        let s = sparsity(&[0.0, 0.0], 1e-3).unwrap();
        assert!(s.hoyer.is_nan() && s.gini.is_nan() && (s.zeros - 1.0).abs() < 1e-15);
        assert!(
            sparsity(&[], 1e-3).is_err() && sparsity(&[f64::NAN], 1e-3).is_err() && sparsity(&[1.0], -1.0).is_err()
        );
    }
}
