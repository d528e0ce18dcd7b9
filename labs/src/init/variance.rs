//! Tests of a sample's variance against the one that it should have.

use crate::Interval;
use crate::stats::{mean, std_dev};
use statrs::distribution::{Beta, ChiSquared, ContinuousCDF, Normal};

/// Kurtosis of a uniform distribution.
const UNIFORM_KURTOSIS: f64 = 1.8;

/// The distribution that a sample is from, but for its variance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Law {
    Normal,
    Uniform,
}

/// The two-sided p that `values` have variance `target`. For a normal sample (n - 1) s^2 / sigma^2 is
/// chi-square with n - 1 degrees of freedom; for a uniform one s^2 is nearly normal with variance
/// sigma^4 (kappa / n - (n - 3) / (n (n - 1))). `None` where that cannot be asked.
pub fn variance_p(law: Law, values: &[f64], target: f64) -> Option<f64> {
    let n = values.len() as f64;
    let ratio = std_dev(values).powi(2) / target;
    if n < 3.0 || !ratio.is_finite() {
        return None;
    }
    let below = match law {
        Law::Normal => ChiSquared::new(n - 1.0).ok()?.cdf((n - 1.0) * ratio),
        Law::Uniform => {
            let spread = (UNIFORM_KURTOSIS / n - (n - 3.0) / (n * (n - 1.0))).sqrt();
            Normal::new(1.0, spread).ok()?.cdf(ratio)
        }
    };
    Some(2.0 * below.min(1.0 - below).max(0.0))
}

/// Fisher's combination of independent p: -2 sum ln p is chi-square with 2 k degrees of freedom.
/// `None` of nothing.
pub fn fisher(ps: &[f64]) -> Option<f64> {
    let freedom = 2.0 * ps.len() as f64;
    // A p of 0 is one below the smallest number.
    let statistic: f64 = ps.iter().map(|p| -2.0 * p.max(f64::MIN_POSITIVE).ln()).sum();
    Some(1.0 - ChiSquared::new(freedom).ok()?.cdf(statistic))
}

/// The exact 95 % interval of a share from `hits` among `n` (Clopper and Pearson 1934).
pub fn binomial_interval(hits: usize, n: usize) -> Option<Interval> {
    let (k, rest) = (hits as f64, (n - hits) as f64);
    let quantile = |a: f64, b: f64, p: f64| Some(Beta::new(a, b).ok()?.inverse_cdf(p));
    let low = if hits == 0 { 0.0 } else { quantile(k, rest + 1.0, 0.025)? };
    let high = if hits == n { 1.0 } else { quantile(k + 1.0, rest, 0.975)? };
    (n > 0).then_some(Interval { low, high, n })
}

/// sqrt(mean of squares) over `target`: 1 where weights about 0 have the spread that they should.
pub fn spread_ratio(values: &[f64], target: f64) -> f64 {
    (mean(&values.iter().map(|v| v * v).collect::<Vec<_>>()) / target).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::stream;

    /// So many that a p off by 4 % somewhere is seen.
    const SEEDS: u64 = 2000;

    fn sample(law: Law, n: usize, seed: u64, scale: f64) -> Vec<f64> {
        let mut random = stream(seed, "variance", 0);
        let mut one = || match law {
            Law::Normal => random.normal(),
            Law::Uniform => 12.0_f64.sqrt() * (random.uniform() - 0.5),
        };
        (0..n).map(|_| scale * one()).collect()
    }

    fn ps(law: Law, n: usize, target: f64) -> Vec<f64> {
        (0..SEEDS).map(|seed| variance_p(law, &sample(law, n, seed, 1.0), target).unwrap()).collect()
    }

    /// The largest distance of the empirical from the uniform distribution function, times sqrt n.
    fn kolmogorov(mut ps: Vec<f64>) -> f64 {
        ps.sort_by(f64::total_cmp);
        let n = ps.len() as f64;
        let gap = |(i, p): (usize, &f64)| (p - i as f64 / n).max((i + 1) as f64 / n - p);
        ps.iter().enumerate().map(gap).fold(0.0, f64::max) * n.sqrt()
    }

    #[test]
    fn a_right_variance_gives_uniform_p_and_a_wrong_one_does_not() {
        for law in [Law::Normal, Law::Uniform] {
            for n in [60, 4000] {
                // Kolmogorov's limit distribution: 1.63 is passed with probability 0.01.
                let d = kolmogorov(ps(law, n, 1.0));
                assert!(d < 1.63, "{law:?} {n}: {d}");
            }
            // 10 % in the variance is 4.5 (normal) and 7 (uniform) standard errors at n = 4000.
            for target in [0.9, 1.1] {
                let found = ps(law, 4000, target).iter().filter(|p| **p < 0.01).count();
                assert!(found > 1800, "{law:?} {target}: {found} of {SEEDS}");
            }
        }
    }

    #[test]
    fn the_wrong_law_is_noticed() {
        // Uniform draws scatter less than the chi-square test expects: p crowd near 1.
        let p: Vec<f64> =
            (0..400).map(|s| variance_p(Law::Normal, &sample(Law::Uniform, 2000, s, 1.0), 1.0).unwrap()).collect();
        assert!(kolmogorov(p) > 3.0);
    }

    #[test]
    fn chi_square_is_the_tables() {
        // 0.975 quantile of chi-square with 10 degrees of freedom: 20.4832. Eleven values of that s^2.
        let mut values = vec![1.0; 11];
        values[..5].fill(-1.0);
        let ss: f64 = values.iter().map(|v| (v - mean(&values)).powi(2)).sum();
        let p = variance_p(Law::Normal, &values, ss / 20.4832).unwrap();
        assert!((p - 0.05).abs() < 1e-5, "{p}");
        // As torch 2.15 has it, where a series could fail for its many terms:
        // python -c "import torch; t = torch.tensor; print(torch.special.gammainc(t(n / 2.), t(x / 2.)).item())"
        // in float64, for n degrees of freedom at x.
        for (n, x, want) in [
            (59.0, 70.0, 0.845_253_931_942),
            (3999.0, 3900.0, 0.133_760_143_822),
            (16_383.0, 16_600.0, 0.884_391_560_168),
            (399_999.0, 400_500.0, 0.712_481_007_308),
        ] {
            let cdf = ChiSquared::new(n).unwrap().cdf(x);
            assert!((cdf - want).abs() < 1e-9, "{n} {x}: {cdf}");
        }
        assert!(variance_p(Law::Normal, &[], 1.0).is_none() && variance_p(Law::Normal, &values, 0.0).is_none());
    }

    #[test]
    fn combinations_and_intervals() {
        // One p is its own combination; two: P (1 - ln P) for the product P.
        assert!((fisher(&[0.3]).unwrap() - 0.3).abs() < 1e-12);
        let product = 0.02_f64;
        assert!((fisher(&[0.1, 0.2]).unwrap() - product * (1.0 - product.ln())).abs() < 1e-12);
        assert!(fisher(&[0.0, 0.5]).unwrap() < 1e-300_f64.max(1e-12) && fisher(&[]).is_none());
        // Clopper and Pearson: 0 of 10 gives 1 - 0.025^(1/10); 10 of 10 its mirror image.
        let none = binomial_interval(0, 10).unwrap();
        assert!(none.low == 0.0 && (none.high - 0.308_497).abs() < 1e-5, "{none:?}");
        let all = binomial_interval(10, 10).unwrap();
        assert!((all.low - 0.691_503).abs() < 1e-5 && (all.high - 1.0).abs() < 1e-12, "{all:?}");
        assert!(binomial_interval(0, 0).is_none());
    }
}
