//! Dropout as an ensemble: weight scaling against the mean of all masks, and the uncertainty of a set of
//! predictions.
//!
//! Predictions are `[member][class]`, each a distribution; entropies are in nats.

use super::calibration::{argmax, softmax};
use super::dropout_linear::mask_probabilities;
use super::input::{self, bad};
use crate::Result;
use crate::rng::Stream;

/// A linear softmax classifier, `softmax(W x + b)`.
#[derive(Debug, Clone, PartialEq)]
pub struct SoftmaxModel {
    weights: Vec<Vec<f64>>,
    bias: Vec<f64>,
}

impl SoftmaxModel {
    /// `weights` W `[class][feature]` and `bias` b `[class]`.
    pub fn new(weights: Vec<Vec<f64>>, bias: Vec<f64>) -> Result<Self> {
        let features = input::width(&weights)?;
        if features == 0 || weights.len() != bias.len() {
            let expected = format!("one for each of the {} rows of weights, and at least one feature", weights.len());
            return Err(bad("biases", bias.len(), &expected));
        }
        Ok(Self { weights, bias })
    }

    /// The distribution `[class]` for an input whose features are multiplied by `factors` `[feature]`.
    fn predict(&self, x: &[f64], factors: impl Fn(usize) -> f64) -> Vec<f64> {
        let logit = |(w, b): (&Vec<f64>, &f64)| {
            b + w.iter().zip(x).enumerate().map(|(i, (w, x))| w * x * factors(i)).sum::<f64>()
        };
        softmax(&self.weights.iter().zip(&self.bias).map(logit).collect::<Vec<_>>(), 1.0)
    }

    /// The prediction with weight scaling: no mask, W times `keep` (Srivastava et al. 2014, section 4).
    pub fn weight_scaled(&self, x: &[f64], keep: f64) -> Result<Vec<f64>> {
        self.check(x)?;
        input::keep(keep)?;
        Ok(self.predict(x, |_| keep))
    }

    /// The predictions under all 2^d masks `[mask][class]` and the masks' probabilities, bit i of a mask's index being
    /// feature i kept.
    pub fn masked(&self, x: &[f64], keep: f64) -> Result<(Vec<Vec<f64>>, Vec<f64>)> {
        self.check(x)?;
        let probabilities = mask_probabilities(x.len(), keep)?;
        let bit = |mask: usize, i: usize| (mask >> i & 1) as f64;
        Ok(((0..probabilities.len()).map(|mask| self.predict(x, |i| bit(mask, i))).collect(), probabilities))
    }

    /// Predictions under `samples` masks drawn from `random`, `[sample][class]`.
    pub fn sampled(&self, x: &[f64], keep: f64, samples: usize, random: &mut Stream) -> Result<Vec<Vec<f64>>> {
        self.check(x)?;
        input::keep(keep)?;
        let mut one = || {
            let mask: Vec<f64> = x.iter().map(|_| f64::from(u8::from(random.uniform() < keep))).collect();
            self.predict(x, |i| mask[i])
        };
        Ok((0..samples).map(|_| one()).collect())
    }

    fn check(&self, x: &[f64]) -> Result<()> {
        match self.weights.first().map_or(0, Vec::len) {
            d if d == x.len() => Ok(()),
            d => Err(bad("features", x.len(), &format!("{d}, one for each column of the weights"))),
        }
    }
}

/// The weighted arithmetic mean of the distributions, `[class]`.
pub fn arithmetic_mean(predictions: &[Vec<f64>], weights: &[f64]) -> Result<Vec<f64>> {
    weighted(predictions, weights, |p| p)
}

/// The weighted geometric mean of the distributions, made to sum to 1. For a linear softmax classifier and all
/// masks with their probabilities it is the weight-scaled prediction exactly, because the mean logit is the
/// logit of the mean input (Goodfellow, Bengio and Courville 2016, section 7.12). For other networks it is an
/// approximation, and the arithmetic mean is another prediction even here.
pub fn geometric_mean(predictions: &[Vec<f64>], weights: &[f64]) -> Result<Vec<f64>> {
    // softmax of the mean log-probabilities; a class that any member excludes has the logit -inf.
    Ok(softmax(&weighted(predictions, weights, f64::ln)?, 1.0))
}

fn weighted(predictions: &[Vec<f64>], weights: &[f64], of: impl Fn(f64) -> f64) -> Result<Vec<f64>> {
    let classes = members(predictions)?;
    if weights.len() != predictions.len() || weights.iter().any(|w| w.is_nan() || *w < 0.0) {
        let expected = format!("one for each of the {} members, none below 0", predictions.len());
        return Err(bad("weights", weights.len(), &expected));
    }
    let total: f64 = weights.iter().sum();
    let held = |c: usize| predictions.iter().zip(weights).filter(|(_, w)| **w > 0.0).map(move |(p, w)| (p[c], w));
    Ok((0..classes).map(|c| held(c).map(|(p, w)| of(p) * w / total).sum()).collect())
}

/// `KL(p || q)` in nats; infinite where q excludes what p does not.
#[must_use]
pub fn kl(p: &[f64], q: &[f64]) -> f64 {
    p.iter().zip(q).filter(|(p, _)| **p > 0.0).map(|(p, q)| p * (p / q).ln()).sum()
}

/// The entropy of a distribution in nats: 0 to ln(classes).
#[must_use]
pub fn entropy(p: &[f64]) -> f64 {
    p.iter().filter(|p| **p > 0.0).map(|p| -p * p.ln()).sum()
}

/// What the members of an ensemble (masks, or networks) say of one sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Uncertainty {
    /// Their mean distribution, `[class]`.
    pub mean: Vec<f64>,
    /// The entropy of the mean, all of the uncertainty, nats.
    pub predictive_entropy: f64,
    /// The mean entropy of a member, the part that lies in the data, nats.
    pub expected_entropy: f64,
    /// The difference, the part that members disagree about (BALD, Houlsby et al. 2011, eq. 2): 0 where they agree, at most
    /// the entropy of the mean, nats.
    pub mutual_information: f64,
    /// The share of members whose class is not the most frequent one (Gal 2016, section 3.3.1).
    pub variation_ratio: f64,
}

/// The uncertainty of equally weighted members.
pub fn uncertainty(predictions: &[Vec<f64>]) -> Result<Uncertainty> {
    let classes = members(predictions)?;
    let n = predictions.len() as f64;
    let mean = arithmetic_mean(predictions, &vec![1.0; predictions.len()])?;
    let expected_entropy = predictions.iter().map(|p| entropy(p)).sum::<f64>() / n;
    // The mean divergence of a member from the mean: the difference of the entropies, without its cancellation.
    let mutual_information = (predictions.iter().map(|p| kl(p, &mean)).sum::<f64>() / n).max(0.0);
    let mut votes = vec![0_usize; classes];
    for p in predictions {
        votes[argmax(p)] += 1;
    }
    let most = votes.iter().max().copied().unwrap_or(0);
    Ok(Uncertainty {
        predictive_entropy: entropy(&mean),
        mean,
        expected_entropy,
        mutual_information,
        variation_ratio: 1.0 - most as f64 / n,
    })
}

fn members(predictions: &[Vec<f64>]) -> Result<usize> {
    match input::width(predictions)? {
        0 => Err(bad("predictions", "none", "at least one member and one class")),
        classes => Ok(classes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::stream;
    use std::f64::consts::LN_2;

    fn model(classes: usize, features: usize) -> (SoftmaxModel, Vec<f64>) {
        let mut random = stream(8, "ensemble", features as u64);
        let weights = (0..classes).map(|_| random.normals(features)).collect();
        (SoftmaxModel::new(weights, random.normals(classes)).unwrap(), random.normals(features))
    }

    fn furthest(a: &[f64], b: &[f64]) -> f64 {
        a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
    }

    #[test]
    fn weight_scaling_is_the_geometric_mean_of_all_masks() {
        for (classes, features, keep) in [(3, 4, 0.5), (5, 10, 0.5), (2, 12, 0.8), (4, 6, 1.0)] {
            let (m, x) = model(classes, features);
            let (masked, weights) = m.masked(&x, keep).unwrap();
            assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-13);
            let scaled = m.weight_scaled(&x, keep).unwrap();
            assert!(furthest(&geometric_mean(&masked, &weights).unwrap(), &scaled) < 1e-13, "{classes} {features}");
            // The arithmetic mean, which Monte-Carlo dropout estimates, is another prediction.
            let arithmetic = arithmetic_mean(&masked, &weights).unwrap();
            assert!((arithmetic.iter().sum::<f64>() - 1.0).abs() < 1e-13);
            assert_eq!(furthest(&arithmetic, &scaled) > 1e-3, keep < 1.0);
        }
    }

    #[test]
    fn sampled_masks_tend_to_the_arithmetic_mean() {
        let (m, x) = model(3, 8);
        let (masked, weights) = m.masked(&x, 0.5).unwrap();
        let want = arithmetic_mean(&masked, &weights).unwrap();
        let drawn = m.sampled(&x, 0.5, 20_000, &mut stream(1, "mc", 0)).unwrap();
        // A probability's deviation over masks is at most 1/2: five standard errors.
        assert!(furthest(&uncertainty(&drawn).unwrap().mean, &want) < 5.0 * 0.5 / 20_000_f64.sqrt());
    }

    #[test]
    fn disagreement_and_doubt_are_told_apart() {
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-15, "{a}, {b}");
        // Certain members that contradict one another: all of it is disagreement.
        let u = uncertainty(&[vec![1.0, 0.0], vec![0.0, 1.0]]).unwrap();
        near(u.predictive_entropy, LN_2);
        near(u.mutual_information, LN_2);
        near(u.expected_entropy, 0.0);
        near(u.variation_ratio, 0.5);
        // Members that all doubt: none of it is.
        let u = uncertainty(&vec![vec![0.25; 4]; 3]).unwrap();
        near(u.predictive_entropy, 4.0_f64.ln());
        near(u.mutual_information, 0.0);
        near(u.variation_ratio, 0.0);
        let mut random = stream(2, "uncertainty", 0);
        let some: Vec<Vec<f64>> = (0..9).map(|_| softmax(&random.normals(5), 1.0)).collect();
        let u = uncertainty(&some).unwrap();
        assert!((u.predictive_entropy - u.expected_entropy - u.mutual_information).abs() < 1e-14);
        assert!(u.mutual_information > 0.01);
    }

    #[test]
    fn means_and_divergences_by_hand() {
        // sqrt(0.9 * 0.4) : sqrt(0.1 * 0.6) = 0.6 : 0.2449.
        let g = geometric_mean(&[vec![0.9, 0.1], vec![0.4, 0.6]], &[1.0, 1.0]).unwrap();
        assert!((g[0] - 0.6 / (0.6 + 0.06_f64.sqrt())).abs() < 1e-15);
        let excluded = geometric_mean(&[vec![1.0, 0.0], vec![0.4, 0.6]], &[1.0, 1.0]).unwrap();
        assert!(furthest(&excluded, &[1.0, 0.0]) < 1e-15);
        assert!((kl(&[1.0, 0.0], &[0.5, 0.5]) - LN_2).abs() < 1e-15);
        assert!(kl(&[0.5, 0.5], &[1.0, 0.0]).is_infinite());
    }

    #[test]
    fn bad_input_is_refused() {
        let (m, _) = model(3, 4);
        assert!(m.weight_scaled(&[1.0], 0.5).is_err());
        assert!(m.masked(&[1.0; 4], 0.0).is_err());
        assert!(uncertainty(&[]).is_err());
        assert!(arithmetic_mean(&[vec![1.0]], &[1.0, 2.0]).is_err());
        assert!(SoftmaxModel::new(vec![vec![1.0]], vec![]).is_err());
    }
}
