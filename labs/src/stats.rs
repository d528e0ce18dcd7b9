//! Small statistics: means, intervals, straight lines.

use crate::Interval;
use statrs::distribution::{ContinuousCDF, StudentsT};

/// The arithmetic mean; NaN of nothing.
#[must_use]
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The sample standard deviation (n - 1); NaN below two values.
#[must_use]
pub fn std_dev(values: &[f64]) -> f64 {
    let m = mean(values);
    let ss: f64 = values.iter().map(|v| (v - m).powi(2)).sum();
    (ss / (values.len() as f64 - 1.0)).sqrt()
}

/// The middle value; NaN of nothing.
#[must_use]
pub fn median(values: &[f64]) -> f64 {
    let mut sorted: Vec<f64> = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => sorted[n / 2],
        n => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
    }
}

/// The interval of the median between two order statistics: at least 95 % whatever the distribution
/// (the sign test's); `None` below six values or where one is not finite.
#[must_use]
pub fn median_interval(values: &[f64]) -> Option<Interval> {
    let n = values.len();
    if n < 6 || values.iter().any(|v| !v.is_finite()) {
        return None;
    }
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    // The most values that may lie beyond each end: P(Binomial(n, 1/2) <= k) <= 2.5 %.
    let (mut term, mut sum, mut beyond) = (0.5_f64.powi(n as i32), 0.0, 0);
    for k in 0..n / 2 {
        sum += term;
        if sum > 0.025 {
            break;
        }
        beyond = k;
        term *= (n - k) as f64 / (k + 1) as f64;
    }
    Some(Interval { low: sorted[beyond], high: sorted[n - 1 - beyond], n })
}

/// Student's 95 % interval of the mean; `None` below two values or where one is not finite.
#[must_use]
pub fn t_interval(values: &[f64]) -> Option<Interval> {
    let n = values.len();
    if n < 2 || values.iter().any(|v| !v.is_finite()) {
        return None;
    }
    let t = StudentsT::new(0.0, 1.0, n as f64 - 1.0).ok()?.inverse_cdf(0.975);
    let half = t * std_dev(values) / (n as f64).sqrt();
    let m = mean(values);
    Some(Interval { low: m - half, high: m + half, n })
}

/// The same of shares, which cannot leave 0 to 1.
#[must_use]
pub fn share_interval(values: &[f64]) -> Option<Interval> {
    t_interval(values).map(|i| Interval { low: i.low.max(0.0), high: i.high.min(1.0), n: i.n })
}

/// Geometric mean of the positive, finite ones of `values` and its 95 % interval (Student's, on the
/// logarithms).
#[must_use]
pub fn geometric(values: &[f64]) -> (f64, Option<Interval>) {
    let logs: Vec<f64> = values.iter().filter(|v| v.is_finite() && **v > 0.0).map(|v| v.ln()).collect();
    let interval = t_interval(&logs).map(|i| Interval { low: i.low.exp(), high: i.high.exp(), n: i.n });
    (mean(&logs).exp(), interval)
}

/// A least-squares straight line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Line {
    /// Slope.
    pub slope: f64,
    /// Value at x = 0.
    pub intercept: f64,
    /// Share of the variance that the line explains.
    pub r2: f64,
}

/// The least-squares line through the finite ones of `points`; `None` below two distinct x.
#[must_use]
pub fn fit_line(points: &[(f64, f64)]) -> Option<Line> {
    let (xs, ys): (Vec<f64>, Vec<f64>) = points.iter().copied().filter(|(x, y)| x.is_finite() && y.is_finite()).unzip();
    let (mx, my) = (mean(&xs), mean(&ys));
    let sum = |f: &dyn Fn(f64, f64) -> f64| xs.iter().zip(&ys).map(|(x, y)| f(x - mx, y - my)).sum::<f64>();
    let (sxx, sxy, syy) = (sum(&|x, _| x * x), sum(&|x, y| x * y), sum(&|_, y| y * y));
    if xs.len() < 2 || sxx == 0.0 {
        return None;
    }
    let slope = sxy / sxx;
    let r2 = if syy == 0.0 { 1.0 } else { sxy * sxy / (sxx * syy) };
    Some(Line { slope, intercept: my - slope * mx, r2 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_students() {
        // Tabled quantile t(0.975, 4) = 2.776445.
        let i = t_interval(&[1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
        let half = 2.776_445 * (2.5_f64 / 5.0).sqrt();
        assert!((i.high - (3.0 + half)).abs() < 1e-5 && (i.low - (3.0 - half)).abs() < 1e-5);
        assert_eq!(i.n, 5);
        assert!(t_interval(&[1.0]).is_none());
    }

    #[test]
    fn the_line_is_anscombes() {
        // Anscombe (1973), data set I: y = 3.00 + 0.500 x, R^2 = 0.67.
        let x = [10.0, 8.0, 13.0, 9.0, 11.0, 14.0, 6.0, 4.0, 12.0, 7.0, 5.0];
        let y = [8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68];
        let points: Vec<_> = x.into_iter().zip(y).collect();
        let line = fit_line(&points).unwrap();
        assert!((line.slope - 0.5001).abs() < 1e-4 && (line.intercept - 3.0001).abs() < 1e-4);
        assert!((line.r2 - 0.6665).abs() < 1e-4);
        assert!(fit_line(&[(1.0, 2.0)]).is_none());
    }

    #[test]
    fn the_medians_interval_is_the_tabled_one() {
        // Conover (1999), table A3: ranks 1 and 6 of 6, 4 and 12 of 15, 6 and 15 of 20, 10 and 21 of 30.
        for (n, low, high) in [(6, 1.0, 6.0), (15, 4.0, 12.0), (20, 6.0, 15.0), (30, 10.0, 21.0)] {
            let values: Vec<f64> = (1..=n).rev().map(f64::from).collect();
            let i = median_interval(&values).unwrap();
            assert!((i.low - low).abs() < 1e-12 && (i.high - high).abs() < 1e-12, "{n}: {i:?}");
        }
        assert!(median_interval(&[1.0; 5]).is_none());
    }

    #[test]
    fn medians() {
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < 1e-15);
        assert!((median(&[4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-15);
        assert!(median(&[]).is_nan());
    }
}
