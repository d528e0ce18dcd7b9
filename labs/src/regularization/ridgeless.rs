//! Minimum-norm least squares through the interpolation threshold (Hastie, Montanari, Rosset and Tibshirani
//! 2019, "Surprises in High-Dimensional Ridgeless Least Squares Interpolation").
//!
//! The model: y = X beta + e with X `[n, p]` of independent N(0, 1) features, |beta|^2 = r^2 and e ~ N(0, s^2). The
//! excess risk of an estimate b is `E (x^T b - x^T beta)^2 = |b - beta|^2`. Its expectation over the noise,
//! given X, needs neither a test set nor noise: it is a sum over the singular values of X.

use super::input::bad;
use crate::Result;
use crate::rng::Stream;
use nalgebra::{DMatrix, DVector};

/// The signal and the noise of the linear model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Problem {
    /// r^2 = |beta|^2.
    pub signal: f64,
    /// s^2, the variance of the noise.
    pub noise: f64,
}

/// An excess risk in two parts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Risk {
    /// The squared distance of the mean estimate.
    pub bias: f64,
    /// The summed variance of the estimate's components.
    pub variance: f64,
}

impl Risk {
    /// Bias and variance together.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.bias + self.variance
    }
}

impl Problem {
    /// The limit of the minimum-norm risk as n and p grow with p/n -> `gamma` (section 3, isotropic features):
    /// below 1 the variance `s^2 gamma/(1 - gamma)`, above it `r^2 (1 - 1/gamma) + s^2/(gamma - 1)`; infinite at 1.
    #[must_use]
    pub fn limit(&self, gamma: f64) -> Risk {
        if gamma < 1.0 {
            return Risk { bias: 0.0, variance: self.noise * gamma / (1.0 - gamma) };
        }
        Risk { bias: self.signal * (1.0 - gamma.recip()), variance: self.noise / (gamma - 1.0) }
    }

    /// The mean of the minimum-norm risk over X at finite n and p, from the mean of an inverted Wishart matrix:
    /// the variance is `s^2 m/(|n - p| - 1)`, m the smaller of n and p, and infinite where |n - p| is below 2; the
    /// bias is `r^2 (1 - n/p)` above the threshold. The variance itself has a finite variance over X only
    /// where |n - p| is above 3, so nearer the threshold means of measured risks do not settle.
    #[must_use]
    pub fn mean(&self, n: usize, p: usize) -> Risk {
        let (apart, small) = (n.abs_diff(p) as f64, n.min(p) as f64);
        let variance = if apart < 2.0 { f64::INFINITY } else { self.noise * small / (apart - 1.0) };
        Risk {
            bias: self.signal * (1.0 - n as f64 / p as f64).max(0.0),
            variance: if self.noise == 0.0 { 0.0 } else { variance },
        }
    }

    /// The ridge penalty of least risk, `lambda = s^2 gamma/r^2` for the loss `|y - X b|^2/n + lambda |b|^2`: in the
    /// limit (Hastie et al., section on ridge regression), and for every single X on average over beta's direction, because the estimate is then the posterior
    /// mean under the prior N(0, r^2/p).
    #[must_use]
    pub fn tuned_penalty(&self, gamma: f64) -> f64 {
        self.noise * gamma / self.signal
    }

    /// The limit of the risk of ridge regression (isotropic features): bias `r^2 lambda^2 m'`, variance
    /// `s^2 gamma (m - lambda m')`, with `m(-lambda)` the Stieltjes transform of the Marchenko-Pastur law.
    pub fn ridge_limit(&self, gamma: f64, lambda: f64) -> Result<Risk> {
        penalty(lambda)?;
        // m solves gamma lambda m^2 + (1 - gamma + lambda) m - 1 = 0; written so that nothing cancels.
        let b = 1.0 - gamma + lambda;
        let root = (b * b + 4.0 * gamma * lambda).sqrt();
        let m = if b > 0.0 { 2.0 / (b + root) } else { (root - b) / (2.0 * gamma * lambda) };
        // Of that equation's derivative by lambda; m' is the derivative at -lambda.
        let slope = m * (gamma * m + 1.0) / root;
        let bias = self.signal * lambda * lambda * slope;
        Ok(Risk { bias, variance: self.noise * gamma * (m - lambda * slope) })
    }
}

/// One design matrix, decomposed.
#[derive(Debug, Clone)]
pub struct Design {
    /// Rows of X.
    pub samples: usize,
    /// Columns of X.
    pub features: usize,
    /// The squared singular values of X that are not 0.
    squares: Vec<f64>,
    /// The share of |beta|^2 along each of their right singular vectors.
    along: Vec<f64>,
}

impl Design {
    /// The design `x` `[n, p]` with the coefficients in the direction of `beta` `[p]`.
    pub fn new(x: &DMatrix<f64>, beta: &DVector<f64>) -> Result<Self> {
        check(x, beta.len(), "coefficients", x.ncols())?;
        let (squares, right) = decompose(x)?;
        let total = beta.norm_squared();
        let along = (right * beta).iter().map(|c| c * c / total).collect();
        Ok(Self { samples: x.nrows(), features: x.ncols(), squares, along })
    }

    /// The design `x` with risks that are averages over all directions of beta: less noise in the bias.
    pub fn averaged(x: &DMatrix<f64>) -> Result<Self> {
        check(x, x.ncols(), "coefficients", x.ncols())?;
        let squares = kept(x.singular_values().as_slice(), x.shape()).map(|s| s * s).collect::<Vec<_>>();
        let along = vec![1.0 / x.ncols() as f64; squares.len()];
        Ok(Self { samples: x.nrows(), features: x.ncols(), squares, along })
    }

    /// An averaged design of independent N(0, 1) features.
    pub fn gaussian(samples: usize, features: usize, random: &mut Stream) -> Result<Self> {
        Self::averaged(&gaussian(samples, features, random))
    }

    /// The risk of minimum-norm least squares given X, exact: bias `beta^T (I - X^+ X) beta`, variance `s^2 sum 1/sigma_i^2`
    /// (Hastie et al. 2019, section 2).
    #[must_use]
    pub fn risk(&self, problem: Problem) -> Risk {
        let variance = problem.noise * self.squares.iter().map(|s| s.recip()).sum::<f64>();
        // Rank p leaves nothing outside the row space; 1 - sum would leave rounding.
        let outside = if self.squares.len() == self.features { 0.0 } else { 1.0 - self.along.iter().sum::<f64>() };
        Risk { bias: problem.signal * outside.max(0.0), variance }
    }

    /// The risk of the minimiser of `|y - X b|^2/n + lambda |b|^2` given X, exact: each direction is shrunk by
    /// `l/(l + lambda)`, `l = sigma^2/n`.
    pub fn ridge_risk(&self, problem: Problem, lambda: f64) -> Result<Risk> {
        penalty(lambda)?;
        let n = self.samples as f64;
        let outside = (1.0 - self.along.iter().sum::<f64>()).max(0.0);
        let mut risk = Risk { bias: outside, variance: 0.0 };
        for (s, share) in self.squares.iter().zip(&self.along) {
            let l = s / n;
            risk.bias += share * (lambda / (l + lambda)).powi(2);
            risk.variance += l / (n * (l + lambda).powi(2));
        }
        Ok(Risk { bias: problem.signal * risk.bias, variance: problem.noise * risk.variance })
    }

    /// The penalty of least risk for this X, by golden section on its logarithm from 1e-8 to 1e8, and the risk there.
    pub fn best_penalty(&self, problem: Problem) -> Result<(f64, Risk)> {
        let total = |u: f64| Ok::<f64, crate::LabError>(self.ridge_risk(problem, u.exp())?.total());
        let ratio = f64::midpoint(5.0_f64.sqrt(), -1.0);
        let (mut low, mut high) = (1e-8_f64.ln(), 1e8_f64.ln());
        let (mut a, mut b) = (high - ratio * (high - low), low + ratio * (high - low));
        let (mut at_a, mut at_b) = (total(a)?, total(b)?);
        for _ in 0..100 {
            if at_a <= at_b {
                (high, b, at_b) = (b, a, at_a);
                a = high - ratio * (high - low);
                at_a = total(a)?;
            } else {
                (low, a, at_a) = (a, b, at_b);
                b = low + ratio * (high - low);
                at_b = total(b)?;
            }
        }
        let lambda = f64::midpoint(low, high).exp();
        Ok((lambda, self.ridge_risk(problem, lambda)?))
    }
}

/// X `[n, p]` of independent N(0, 1) draws.
#[must_use]
pub fn gaussian(samples: usize, features: usize, random: &mut Stream) -> DMatrix<f64> {
    DMatrix::from_vec(samples, features, random.normals(samples * features))
}

/// The minimum-norm least-squares coefficients `X^+ y`, `[p]`.
pub fn minimum_norm(x: &DMatrix<f64>, y: &DVector<f64>) -> Result<DVector<f64>> {
    check(x, y.len(), "targets", x.nrows())?;
    shrunk(x, y, f64::recip)
}

/// The ridge coefficients, the minimiser of `|y - X b|^2/n + lambda |b|^2`, `[p]`.
pub fn ridge(x: &DMatrix<f64>, y: &DVector<f64>, lambda: f64) -> Result<DVector<f64>> {
    check(x, y.len(), "targets", x.nrows())?;
    penalty(lambda)?;
    let n = x.nrows() as f64;
    shrunk(x, y, |s| s / (s * s + n * lambda))
}

/// One simulated regression.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Simulated {
    /// |b - beta|^2 of the minimum-norm estimate.
    pub risk: f64,
    /// The mean squared residual on the n samples.
    pub train: f64,
    /// |b|^2.
    pub norm: f64,
}

/// Draws X, beta (of the problem's length, in a random direction) and the noise, and fits by minimum norm.
pub fn simulate(problem: Problem, samples: usize, features: usize, random: &mut Stream) -> Result<Simulated> {
    let x = gaussian(samples, features, random);
    let beta = DVector::from_vec(random.normals(features)).normalize() * problem.signal.sqrt();
    let y = &x * &beta + DVector::from_vec(random.normals(samples)) * problem.noise.sqrt();
    let fit = minimum_norm(&x, &y)?;
    let train = (&y - &x * &fit).norm_squared() / samples as f64;
    Ok(Simulated { risk: (&fit - beta).norm_squared(), train, norm: fit.norm_squared() })
}

/// `V f(S) U^T y`.
fn shrunk(x: &DMatrix<f64>, y: &DVector<f64>, factor: impl Fn(f64) -> f64) -> Result<DVector<f64>> {
    let svd = x.clone().svd(true, true);
    let (Some(u), Some(right)) = (svd.u, svd.v_t) else { return Err(undecomposed()) };
    let mut c = u.tr_mul(y);
    let limit = cutoff(svd.singular_values.as_slice(), x.shape());
    for (c, s) in c.iter_mut().zip(&svd.singular_values) {
        *c *= if *s > limit { factor(*s) } else { 0.0 };
    }
    Ok(right.tr_mul(&c))
}

/// Squared singular values that are not 0, and their right singular vectors as rows.
fn decompose(x: &DMatrix<f64>) -> Result<(Vec<f64>, DMatrix<f64>)> {
    let svd = x.clone().svd(false, true);
    let values = svd.singular_values.as_slice();
    let Some(right) = svd.v_t else { return Err(undecomposed()) };
    let limit = cutoff(values, x.shape());
    let rows: Vec<usize> = (0..values.len()).filter(|i| values[*i] > limit).collect();
    Ok((rows.iter().map(|i| values[*i].powi(2)).collect(), right.select_rows(&rows)))
}

fn kept(values: &[f64], shape: (usize, usize)) -> impl Iterator<Item = f64> + '_ {
    let limit = cutoff(values, shape);
    values.iter().copied().filter(move |s| *s > limit)
}

/// Below this a singular value is rounding: the rule of `numpy.linalg.matrix_rank`.
fn cutoff(values: &[f64], (rows, columns): (usize, usize)) -> f64 {
    values.iter().copied().fold(0.0, f64::max) * rows.max(columns) as f64 * f64::EPSILON
}

fn undecomposed() -> crate::LabError {
    crate::LabError::NotFinite {
        what: "the singular value decomposition of the design".into(),
        hint: "look for features that are not finite".into(),
    }
}

fn check(x: &DMatrix<f64>, length: usize, name: &str, wanted: usize) -> Result<()> {
    if x.is_empty() {
        return Err(bad("design", format!("{} by {}", x.nrows(), x.ncols()), "at least one sample and one feature"));
    }
    if x.iter().any(|v| !v.is_finite()) {
        return Err(undecomposed());
    }
    if length != wanted {
        return Err(bad(name, length, &format!("{wanted} of them for a design of {} by {}", x.nrows(), x.ncols())));
    }
    Ok(())
}

fn penalty(lambda: f64) -> Result<()> {
    if lambda > 0.0 && lambda.is_finite() {
        return Ok(());
    }
    Err(bad("lambda", lambda, "a finite penalty above 0, for example 0.1"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::stream;
    use crate::stats::{mean, t_interval};

    const PROBLEM: Problem = Problem { signal: 1.0, noise: 0.25 };

    #[test]
    fn the_limit_is_the_papers() {
        // r^2 = 1, s^2 = 1/4. Above 1 the local minimum is at sqrt(SNR)/(sqrt(SNR) - 1) = 2 (section 3.2).
        let table = [
            (0.5, 0.25),
            (0.9, 2.25),
            (0.95, 4.75),
            (1.05, 5.0476),
            (1.1, 2.5909),
            (2.0, 0.75),
            (4.0, 0.8333),
            (10.0, 0.9278),
        ];
        for (gamma, want) in table {
            assert!((PROBLEM.limit(gamma).total() - want).abs() < 5.1e-5, "{gamma}: {:?}", PROBLEM.limit(gamma));
        }
        assert!(PROBLEM.limit(1.0).total().is_infinite());
        assert!([1.9, 2.1].iter().all(|g| PROBLEM.limit(*g).total() > 0.75 + 1e-4));
    }

    #[test]
    fn measured_risks_have_the_mean_of_the_inverted_wishart() {
        for (n, p) in [(60, 20), (60, 45), (60, 90), (40, 160)] {
            let mut random = stream(11, "ridgeless", (1000 * n + p) as u64);
            let risks: Vec<Risk> =
                (0..80).map(|_| Design::gaussian(n, p, &mut random).unwrap().risk(PROBLEM)).collect();
            let want = PROBLEM.mean(n, p);
            let variances: Vec<f64> = risks.iter().map(|r| r.variance).collect();
            let i = t_interval(&variances).unwrap();
            // Wider than 95 %, because four cases are looked at: 1.6 half-widths are 99.8 %.
            let half = 0.8 * (i.high - i.low);
            assert!((mean(&variances) - want.variance).abs() < half, "{n} {p}: {i:?}, {want:?}");
            assert!(half < 0.12 * want.variance, "{n} {p}: too wide to say anything");
            // Averaged over beta's direction the bias is the same for every X.
            assert!(risks.iter().all(|r| (r.bias - want.bias).abs() < 1e-12), "{n} {p}");
        }
        assert!(PROBLEM.mean(20, 21).variance.is_infinite());
        // The limit of the means.
        assert!((PROBLEM.mean(1_000_000, 500_000).total() - 0.25).abs() < 1e-5);
        assert!((PROBLEM.mean(1_000_000, 4_000_000).total() - PROBLEM.limit(4.0).total()).abs() < 1e-6);
    }

    #[test]
    fn the_risk_given_x_is_the_mean_over_noise() {
        for (n, p) in [(30, 12), (12, 30)] {
            let mut random = stream(4, "given_x", p as u64);
            let x = gaussian(n, p, &mut random);
            let beta = DVector::from_vec(random.normals(p)).normalize();
            let exact = Design::new(&x, &beta).unwrap();
            let lambda = 0.3;
            let mut risks = [Vec::new(), Vec::new()];
            for _ in 0..4000 {
                let y = &x * &beta + DVector::from_vec(random.normals(n)) * 0.5;
                risks[0].push((minimum_norm(&x, &y).unwrap() - &beta).norm_squared());
                risks[1].push((ridge(&x, &y, lambda).unwrap() - &beta).norm_squared());
            }
            let want = [exact.risk(PROBLEM).total(), exact.ridge_risk(PROBLEM, lambda).unwrap().total()];
            for (risks, want) in risks.iter().zip(want) {
                let i = t_interval(risks).unwrap();
                let half = 0.9 * (i.high - i.low);
                assert!((mean(risks) - want).abs() < half && half < 0.08 * want, "{n} {p}: {i:?}, exact {want}");
            }
        }
    }

    #[test]
    fn tuned_ridge_is_the_posterior_mean_and_has_its_limit() {
        for (n, p) in [(80, 40), (80, 80), (40, 120)] {
            let gamma = p as f64 / n as f64;
            let design = Design::gaussian(n, p, &mut stream(2, "tuned", p as u64)).unwrap();
            let (lambda, risk) = design.best_penalty(PROBLEM).unwrap();
            let want = PROBLEM.tuned_penalty(gamma);
            // A minimum is flat: lambda is found to the root of the machine's precision.
            assert!((lambda / want - 1.0).abs() < 1e-6, "{gamma}: {lambda}, {want}");
            assert!(risk.total() < design.risk(PROBLEM).total());
            // At the tuned penalty the limit is s^2 gamma m(-lambda), which the quadratic gives by hand.
            let b = 1.0 - gamma + want;
            let m = ((b * b + 4.0 * gamma * want).sqrt() - b) / (2.0 * gamma * want);
            let limit = PROBLEM.ridge_limit(gamma, want).unwrap();
            assert!((limit.total() - PROBLEM.noise * gamma * m).abs() < 1e-12, "{gamma}");
            // A single design of this size is within a few percent of it: no peak at gamma = 1.
            assert!((risk.total() / limit.total() - 1.0).abs() < 0.06, "{gamma}: {risk:?}, {limit:?}");
        }
    }

    #[test]
    fn a_vanishing_penalty_is_no_penalty() {
        for gamma in [0.5, 2.0] {
            let (ridge, none) = (PROBLEM.ridge_limit(gamma, 1e-9).unwrap(), PROBLEM.limit(gamma));
            assert!((ridge.bias - none.bias).abs() < 1e-6 && (ridge.variance - none.variance).abs() < 1e-6, "{gamma}");
        }
        let design = Design::gaussian(10, 25, &mut stream(1, "vanish", 0)).unwrap();
        let (ridge, none) = (design.ridge_risk(PROBLEM, 1e-10).unwrap(), design.risk(PROBLEM));
        assert!((ridge.total() - none.total()).abs() < 1e-8);
    }

    #[test]
    fn above_the_threshold_the_fit_interpolates() {
        let s = simulate(PROBLEM, 30, 90, &mut stream(6, "simulate", 0)).unwrap();
        assert!(s.train < 1e-24 && s.norm > 0.0 && s.risk > 0.0, "{s:?}");
        let s = simulate(Problem { noise: 0.0, ..PROBLEM }, 30, 10, &mut stream(6, "simulate", 1)).unwrap();
        assert!(s.risk < 1e-24 && (s.norm - 1.0).abs() < 1e-12, "{s:?}");
    }

    #[test]
    fn bad_input_is_refused() {
        let x = DMatrix::from_element(2, 3, 1.0);
        assert!(minimum_norm(&x, &DVector::zeros(3)).is_err());
        assert!(ridge(&x, &DVector::zeros(2), 0.0).is_err());
        assert!(Design::averaged(&DMatrix::from_element(2, 2, f64::NAN)).is_err());
        assert!(Design::averaged(&DMatrix::zeros(0, 3)).is_err());
        // Two equal rows have rank 1, not 2 with an infinite variance.
        assert!((Design::averaged(&x).unwrap().risk(PROBLEM).variance - 0.25 / 6.0).abs() < 1e-12);
    }
}
