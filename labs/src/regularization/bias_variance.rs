//! Bias, variance and noise of predictors that were trained on resamples of the data.
//!
//! Predictions are `[resample][sample]` and targets `[draw][sample]`: the same test samples, their labels drawn once
//! or several times. The error is the mean over all pairs of a resample and a draw, so each decomposition
//! holds exactly and not only in expectation.

use super::input::{self, bad};
use crate::Result;

/// The decomposition of the mean squared error (Geman, Bienenstock and Doursat 1992), means over the samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Squared {
    /// The mean of `(y - f)^2` over resamples, draws and samples, summed directly.
    pub error: f64,
    /// The squared distance of the mean prediction to the mean target.
    pub bias: f64,
    /// The mean squared distance of a prediction to the mean prediction.
    pub variance: f64,
    /// The mean squared distance of a target to the mean target; 0 of one draw.
    pub noise: f64,
    /// The bias without what finitely many resamples and draws add to it, `variance/(R - 1)` and `noise/(D - 1)`: unbiased where
    /// resamples and draws are independent, and may be negative. Of one draw nothing is taken away for the noise, which is then part of the bias.
    /// NaN below two resamples.
    pub bias_unbiased: f64,
    /// The variance with R - 1 in the denominator; NaN below two resamples.
    pub variance_unbiased: f64,
}

/// Decomposes the squared error.
pub fn squared(predictions: &[Vec<f64>], targets: &[Vec<f64>]) -> Result<Squared> {
    let samples = same_samples(predictions, targets)?;
    let (resamples, draws) = (predictions.len() as f64, targets.len() as f64);
    let [mut error, mut bias, mut variance, mut noise] = [0.0; 4];
    for i in 0..samples {
        let main = predictions.iter().map(|f| f[i]).sum::<f64>() / resamples;
        let truth = targets.iter().map(|y| y[i]).sum::<f64>() / draws;
        bias += (main - truth).powi(2);
        variance += predictions.iter().map(|f| (f[i] - main).powi(2)).sum::<f64>() / resamples;
        noise += targets.iter().map(|y| (y[i] - truth).powi(2)).sum::<f64>() / draws;
        let pairs = predictions.iter().flat_map(|f| targets.iter().map(move |y| (y[i] - f[i]).powi(2)));
        error += pairs.sum::<f64>() / (resamples * draws);
    }
    let n = samples as f64;
    let [error, bias, variance, noise] = [error, bias, variance, noise].map(|v| v / n);
    let of_noise = if draws > 1.0 { noise / (draws - 1.0) } else { 0.0 };
    let (bias_unbiased, variance_unbiased) = if resamples > 1.0 {
        (bias - variance / (resamples - 1.0) - of_noise, variance * resamples / (resamples - 1.0))
    } else {
        (f64::NAN, f64::NAN)
    };
    Ok(Squared { error, bias, variance, noise, bias_unbiased, variance_unbiased })
}

/// The decomposition of the 0-1 loss (Domingos 2000, "A Unified Bias-Variance Decomposition", theorems 2 and 3), means
/// over the samples: `error = net_noise + bias + net_variance`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ZeroOne {
    /// The share of wrong predictions over resamples, draws and samples, counted directly.
    pub error: f64,
    /// The share of samples whose main prediction is not the optimal one.
    pub bias: f64,
    /// The share of predictions that are not the main one.
    pub variance: f64,
    /// That share in samples with an unbiased main prediction, where it adds to the error.
    pub variance_unbiased: f64,
    /// That share in biased samples, where it takes from the error if there are two classes.
    pub variance_biased: f64,
    /// `c_2` times the variance: `variance_unbiased` less the share of predictions in biased samples that are optimal.
    pub net_variance: f64,
    /// The share of labels that are not the optimal prediction.
    pub noise: f64,
    /// `c_1` times the noise, what the noise adds to the error.
    pub net_noise: f64,
}

/// Decomposes the 0-1 loss. The main prediction of a sample is the most frequent one over the resamples, the optimal one
/// the most frequent label over the draws; of equally frequent ones the smaller class.
pub fn zero_one(predictions: &[Vec<usize>], labels: &[Vec<usize>]) -> Result<ZeroOne> {
    let samples = same_samples(predictions, labels)?;
    let classes = predictions.iter().chain(labels).flatten().max().map_or(0, |c| c + 1);
    let mut sum = [0.0; 8];
    for i in 0..samples {
        let predicted = shares(predictions, i, classes);
        let drawn = shares(labels, i, classes);
        let one = of_sample(&predicted, &drawn);
        let wrong = predictions.iter().map(|f| labels.iter().filter(|y| y[i] != f[i]).count()).sum::<usize>();
        let error = wrong as f64 / (predictions.len() * labels.len()) as f64;
        for (s, v) in sum.iter_mut().zip([error].into_iter().chain(one)) {
            *s += v / samples as f64;
        }
    }
    let [error, bias, variance_unbiased, variance_biased, net_variance, noise, net_noise, _] = sum;
    let variance = variance_unbiased + variance_biased;
    Ok(ZeroOne { error, bias, variance, variance_unbiased, variance_biased, net_variance, noise, net_noise })
}

/// Bias, unbiased and biased variance, net variance, noise and net noise of one sample, from the shares of its
/// predictions and of its labels by class.
fn of_sample(predicted: &[f64], drawn: &[f64]) -> [f64; 6] {
    let mode = |shares: &[f64]| (1..shares.len()).fold(0, |best, c| if shares[c] > shares[best] { c } else { best });
    let (main, optimal) = (mode(predicted), mode(drawn));
    let (variance, noise) = (1.0 - predicted[main], 1.0 - drawn[optimal]);
    let biased = main != optimal;
    // c_2 V: V where unbiased, else -P(f = y* | f != main) V = -P(f = y*).
    let net_variance = if biased { -predicted[optimal] } else { variance };
    // c_1 N with c_1 = P(f = y*) - P(f = y | y != y*), labels and predictions being independent.
    let others = (0..drawn.len()).filter(|c| *c != optimal);
    let met: f64 = others.map(|c| drawn[c] * predicted[c]).sum();
    let net_noise = predicted[optimal] * noise - met;
    let split = if biased { [0.0, variance] } else { [variance, 0.0] };
    [f64::from(u8::from(biased)), split[0], split[1], net_variance, noise, net_noise]
}

/// The share of each class in column `i`.
fn shares(rows: &[Vec<usize>], i: usize, classes: usize) -> Vec<f64> {
    let mut counts = vec![0.0; classes];
    for row in rows {
        counts[row[i]] += 1.0 / rows.len() as f64;
    }
    counts
}

/// The number of samples, which predictions and targets share.
fn same_samples<A, B>(predictions: &[Vec<A>], targets: &[Vec<B>]) -> Result<usize> {
    let (n, m) = (input::width(predictions)?, input::width(targets)?);
    if n == 0 || n != m {
        return Err(bad("targets", m, &format!("as many samples as are predicted, which is {n}, and at least 1")));
    }
    Ok(n)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::stream;
    use crate::stats::{mean, t_interval};

    #[test]
    fn the_squared_identity_is_exact() {
        let mut random = stream(1, "bias_variance", 0);
        let predictions: Vec<_> = (0..7).map(|_| random.normals(30)).collect();
        let targets: Vec<_> = (0..5).map(|_| random.normals(30)).collect();
        let d = squared(&predictions, &targets).unwrap();
        assert!((d.bias + d.variance + d.noise - d.error).abs() < 1e-14, "{d:?}");
        // By hand: predictions 1 and 3 of a target 5.
        let d = squared(&[vec![1.0], vec![3.0]], &[vec![5.0]]).unwrap();
        let want =
            Squared { error: 10.0, bias: 9.0, variance: 1.0, noise: 0.0, bias_unbiased: 8.0, variance_unbiased: 2.0 };
        assert_eq!(d, want);
    }

    #[test]
    fn unbiased_parts_have_the_means_of_what_was_drawn() {
        // f ~ N(0.5, 4), y ~ N(0, 1): bias^2 = 0.25, variance 4, whatever the number of resamples.
        let draw = |i| {
            let mut random = stream(2, "bias_variance", i);
            let f: Vec<Vec<f64>> =
                (0..3).map(|_| random.normals(200).iter().map(|z| 0.5 + 2.0 * z).collect()).collect();
            let y: Vec<Vec<f64>> = (0..4).map(|_| random.normals(200)).collect();
            squared(&f, &y).unwrap()
        };
        let all: Vec<Squared> = (0..60).map(draw).collect();
        let near = |part: fn(&Squared) -> f64, want: f64| {
            let values: Vec<f64> = all.iter().map(part).collect();
            let i = t_interval(&values).unwrap();
            assert!((mean(&values) - want).abs() < 0.8 * (i.high - i.low), "{i:?}, {want}");
        };
        near(|d| d.bias_unbiased, 0.25);
        near(|d| d.variance_unbiased, 4.0);
        near(|d| d.noise, 0.75);
        // Without the correction: 0.25 + 4/3 + 1/4.
        near(|d| d.bias, 0.25 + 4.0 / 3.0 + 0.25);
    }

    #[test]
    fn the_zero_one_identity_is_exact() {
        for classes in [2, 3, 10] {
            let mut random = stream(3, "zero_one", classes as u64);
            // Even and odd samples are biased differently, so that every term is at work.
            let mut table = |rows: usize| -> Vec<Vec<usize>> {
                (0..rows).map(|_| (0..40).map(|_| random.below(classes) * random.below(2)).collect()).collect()
            };
            let d = zero_one(&table(9), &table(5)).unwrap();
            assert!((d.net_noise + d.bias + d.net_variance - d.error).abs() < 1e-14, "{classes}: {d:?}");
            assert!(d.bias > 0.0 && d.noise > 0.0 && d.variance_biased > 0.0 && d.variance_unbiased > 0.0);
            if classes == 2 {
                // Theorem 2: variance counts fully, with the sign of the bias.
                assert!((d.net_variance - (d.variance_unbiased - d.variance_biased)).abs() < 1e-14);
            }
        }
    }

    #[test]
    fn variance_lowers_the_error_of_a_biased_sample() {
        // Three resamples; sample 0 unbiased (one of three wrong), sample 1 biased (one of three right).
        let d = zero_one(&[vec![0, 1], vec![0, 1], vec![1, 0]], &[vec![0, 0]]).unwrap();
        let near = |got: f64, want: f64| assert!((got - want).abs() < 1e-15, "{d:?}");
        near(d.error, 0.5);
        near(d.bias, 0.5);
        near(d.variance_unbiased, 1.0 / 6.0);
        near(d.variance_biased, 1.0 / 6.0);
        near(d.net_variance, 0.0);
        near(d.noise, 0.0);
    }

    #[test]
    fn bad_input_is_refused() {
        assert!(squared(&[vec![1.0]], &[]).is_err());
        assert!(squared(&[vec![1.0], vec![]], &[vec![1.0]]).is_err());
        assert!(zero_one(&[], &[]).is_err());
        assert!(zero_one(&[vec![1, 2]], &[vec![1]]).is_err());
    }
}
