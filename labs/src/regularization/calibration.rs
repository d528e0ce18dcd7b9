//! Whether a classifier's confidence is its accuracy, and temperature scaling (Guo et al. 2017, "On
//! Calibration of Modern Neural Networks").
//!
//! Probabilities and logits are `[sample][class]`, labels `[sample]`. The confidence of a sample is its largest
//! probability and its prediction the first class that has it.

use super::input::{self, bad};
use crate::{Finding, Result};

/// Samples whose confidence lies in one interval `(low, high]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bin {
    /// Lower end, not in the bin (but 0 is in the first one).
    pub low: f64,
    /// Upper end, in the bin.
    pub high: f64,
    /// Samples.
    pub count: usize,
    /// Their mean confidence; NaN of none.
    pub confidence: f64,
    /// The share of them that is classified correctly; NaN of none.
    pub accuracy: f64,
}

impl Bin {
    /// |accuracy - confidence|; 0 of an empty bin.
    #[must_use]
    pub fn gap(&self) -> f64 {
        if self.count == 0 { 0.0 } else { (self.accuracy - self.confidence).abs() }
    }
}

/// A reliability diagram.
#[derive(Debug, Clone, PartialEq)]
pub struct Reliability {
    /// Bins of equal width, from 0 to 1.
    pub bins: Vec<Bin>,
    /// All samples.
    pub samples: usize,
}

impl Reliability {
    /// The expected calibration error, sum `|B_m|/n |acc(B_m) - conf(B_m)|` (Guo et al. 2017, eq. 3): 0 to 1.
    #[must_use]
    pub fn ece(&self) -> f64 {
        self.bins.iter().map(|b| b.count as f64 * b.gap()).sum::<f64>() / self.samples as f64
    }

    /// The maximum calibration error, the largest gap of a bin that is not empty (eq. 5).
    #[must_use]
    pub fn mce(&self) -> f64 {
        self.bins.iter().map(Bin::gap).fold(0.0, f64::max)
    }

    /// Mean confidence less accuracy over all samples: above 0 where the classifier is overconfident.
    #[must_use]
    pub fn overconfidence(&self) -> f64 {
        let full = self.bins.iter().filter(|b| b.count > 0);
        full.map(|b| b.count as f64 * (b.confidence - b.accuracy)).sum::<f64>() / self.samples as f64
    }
}

/// The reliability diagram with `bins` bins of equal width; Guo et al. use 15.
pub fn reliability(probabilities: &[Vec<f64>], labels: &[usize], bins: usize) -> Result<Reliability> {
    input::classes(probabilities, labels)?;
    if bins == 0 {
        return Err(bad("bins", bins, "at least 1 bin, for example 15"));
    }
    let edge = |m: usize| m as f64 / bins as f64;
    let mut sums = vec![(0_usize, 0.0, 0_usize); bins];
    for (p, label) in probabilities.iter().zip(labels) {
        let predicted = argmax(p);
        let confidence = p[predicted];
        // Compared with the edges themselves: a product confidence * bins can round across one.
        let m = (1..bins).find(|m| confidence <= edge(*m)).unwrap_or(bins) - 1;
        sums[m] = (sums[m].0 + 1, sums[m].1 + confidence, sums[m].2 + usize::from(predicted == *label));
    }
    let bin = |(m, (count, confidence, right)): (usize, &(usize, f64, usize))| Bin {
        low: edge(m),
        high: edge(m + 1),
        count: *count,
        confidence: confidence / *count as f64,
        accuracy: *right as f64 / *count as f64,
    };
    Ok(Reliability { bins: sums.iter().enumerate().map(bin).collect(), samples: labels.len() })
}

/// The Brier score, the mean of `sum_c (p_c - [c is the label])^2`: 0 to 2 (Brier 1950).
pub fn brier(probabilities: &[Vec<f64>], labels: &[usize]) -> Result<f64> {
    input::classes(probabilities, labels)?;
    let score = |p: &[f64], label: usize| {
        p.iter().enumerate().map(|(c, p)| (p - f64::from(u8::from(c == label))).powi(2)).sum::<f64>()
    };
    Ok(probabilities.iter().zip(labels).map(|(p, l)| score(p, *l)).sum::<f64>() / labels.len() as f64)
}

/// The mean negative log-likelihood in nats of `logits` over `temperature`; finite for finite logits.
pub fn nll(logits: &[Vec<f64>], labels: &[usize], temperature: f64) -> Result<f64> {
    input::classes(logits, labels)?;
    positive(temperature)?;
    Ok(logits.iter().zip(labels).map(|(z, l)| row(z, *l, temperature.recip()).loss).sum::<f64>() / labels.len() as f64)
}

/// The softmax of `logits / temperature`, `[class]`.
#[must_use]
pub fn softmax(logits: &[f64], temperature: f64) -> Vec<f64> {
    let highest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = logits.iter().map(|z| ((z - highest) / temperature).exp()).collect();
    let total: f64 = powers.iter().sum();
    powers.iter().map(|p| p / total).collect()
}

/// The first class with the largest value.
#[must_use]
pub fn argmax(values: &[f64]) -> usize {
    (1..values.len()).fold(0, |best, c| if values[c] > values[best] { c } else { best })
}

/// Temperatures that [`temperature_scaling`] searches.
pub const TEMPERATURES: [f64; 2] = [1e-3, 1e3];

/// The temperature of least negative log-likelihood.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Temperature {
    /// T; logits are divided by it.
    pub value: f64,
    /// Mean negative log-likelihood at T, nats.
    pub nll: f64,
    /// Whether the minimum is there. Otherwise T is an end of [`TEMPERATURES`]: the lower one where every
    /// sample is right (the loss falls as T goes to 0), the upper one where logits are worth less than none.
    pub inside: bool,
}

/// Temperature scaling (Guo et al. 2017, section 4.2): the T > 0 that minimises the negative log-likelihood of
/// `logits / T` on validation data, to rounding. The loss is convex in 1/T, so there is
/// one minimum; Newton's method on ln T, held within a bracket that shrinks.
pub fn temperature_scaling(logits: &[Vec<f64>], labels: &[usize]) -> Result<Temperature> {
    input::classes(logits, labels)?;
    // d loss / d(1/T) and its derivative, the mean variance of the logits under the softmax.
    let slope = |u: f64| {
        let sums = logits.iter().zip(labels).map(|(z, l)| row(z, *l, (-u).exp()));
        sums.fold((0.0, 0.0), |s, r| (s.0 + r.slope, s.1 + r.curvature))
    };
    let at = |value: f64, inside| Ok(Temperature { value, nll: nll(logits, labels, value)?, inside });
    let [mut low, mut high] = TEMPERATURES.map(f64::ln);
    if slope(low).0 <= 0.0 {
        return at(TEMPERATURES[0], false);
    }
    if slope(high).0 >= 0.0 {
        return at(TEMPERATURES[1], false);
    }
    let mut u = 0.0_f64;
    for _ in 0..200 {
        let (s, curvature) = slope(u);
        if s > 0.0 {
            low = u;
        } else {
            high = u;
        }
        let step = s / (curvature * (-u).exp());
        // Tested before the bracket is: its end is u itself, and a step too small to move u leaves it there.
        if step.abs() < 1e-13 {
            u += step;
            break;
        }
        let newton = u + step;
        u = if newton > low && newton < high { newton } else { f64::midpoint(low, high) };
    }
    at(u.exp(), true)
}

/// How predictions change when logits are divided by a temperature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flips {
    /// Samples whose class before is no longer among those with the largest logit. Division by T > 0 keeps
    /// the order, in rounded arithmetic too, so this is 0.
    pub flips: usize,
    /// Samples whose largest logit stood alone and is shared after the division, because rounding has made
    /// neighbours equal; which class is named then depends on the rule for ties, not on T.
    pub new_ties: usize,
}

/// Counts what dividing `logits` by `temperature` does to the predictions.
pub fn flips(logits: &[Vec<f64>], temperature: f64) -> Result<Flips> {
    positive(temperature)?;
    let mut count = Flips { flips: 0, new_ties: 0 };
    for z in logits.iter().filter(|z| !z.is_empty()) {
        let before = argmax(z);
        let scaled: Vec<f64> = z.iter().map(|v| v / temperature).collect();
        let alone = |v: &[f64], at: usize| v.iter().enumerate().all(|(c, v_c)| c == at || *v_c < v[at]);
        count.flips += usize::from(scaled.iter().any(|v| *v > scaled[before]));
        count.new_ties += usize::from(alone(z, before) && !alone(&scaled, before));
    }
    Ok(count)
}

/// The finding of [`Flips::flips`] over `samples`, a computed number.
#[must_use]
pub fn flips_finding(flips: Flips, samples: usize) -> Finding {
    let meaning = format!("predictions of {samples} samples that temperature scaling changes");
    let ties = match flips.new_ties {
        0 => String::new(),
        n => format!("{n} largest logits are shared after rounding"),
    };
    Finding::exact("temperature_flips", flips.flips as f64, 0.0, meaning).predicted(Some(0.0)).note(ties)
}

struct Row {
    loss: f64,
    /// d loss / d beta: E z - `z_label`.
    slope: f64,
    /// Its derivative: Var z.
    curvature: f64,
}

/// The loss of one sample at beta = 1/T. Logits are taken relative to the largest one, which changes nothing and keeps
/// every power at most 1.
fn row(logits: &[f64], label: usize, beta: f64) -> Row {
    let highest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let (mut total, mut first, mut second) = (0.0, 0.0, 0.0);
    for z in logits {
        let z = z - highest;
        let power = (beta * z).exp();
        total += power;
        // An infinitely small share times an infinite logit is 0.
        if power > 0.0 {
            first += power * z;
            second += power * z * z;
        }
    }
    let chosen = logits[label] - highest;
    let mean = first / total;
    Row { loss: total.ln() - beta * chosen, slope: mean - chosen, curvature: second / total - mean * mean }
}

fn positive(temperature: f64) -> Result<()> {
    if temperature > 0.0 && temperature.is_finite() {
        return Ok(());
    }
    Err(bad("temperature", temperature, "a finite number above 0, for example 1.5"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::stream;

    #[test]
    fn bins_hold_their_upper_edge() {
        // ((m-1)/M, m/M]: 0.2 of 5 bins is in the first, and 0.6 (three of five) in the third.
        let p = |c: f64| vec![c, 1.0 - c];
        let rows = [p(0.6), p(0.8), p(0.800_000_1), p(1.0), p(0.5)];
        let r = reliability(&rows, &[0, 1, 0, 0, 1], 5).unwrap();
        assert_eq!(r.bins.iter().map(|b| b.count).collect::<Vec<_>>(), [0, 0, 2, 1, 2]);
        let gaps = [0.0, 0.0, 0.05, 0.8, 0.099_999_95];
        for (bin, gap) in r.bins.iter().zip(gaps) {
            assert!((bin.gap() - gap).abs() < 1e-12, "{bin:?}");
        }
        assert!((r.ece() - (2.0 * 0.05 + 0.8 + 2.0 * 0.099_999_95) / 5.0).abs() < 1e-12);
        assert!((r.mce() - 0.8).abs() < 1e-12);
        assert!((r.overconfidence() - (0.1 + 0.8 - 2.0 * 0.099_999_95) / 5.0).abs() < 1e-12);
    }

    #[test]
    fn labels_drawn_from_the_probabilities_are_calibrated() {
        let mut random = stream(3, "calibration", 0);
        let n = 40_000;
        let logits: Vec<Vec<f64>> = (0..n).map(|_| random.normals(3)).collect();
        let labels: Vec<usize> = logits.iter().map(|z| sample(&softmax(z, 1.0), random.uniform())).collect();
        // Overconfident by a factor of 2.5, which is the temperature that undoes it; its standard error is
        // (n E Var z)^-1/2 relative, with E Var z about 0.5.
        let sharp: Vec<Vec<f64>> = logits.iter().map(|z| z.iter().map(|v| 2.5 * v).collect()).collect();
        let fit = temperature_scaling(&sharp, &labels).unwrap();
        assert!((fit.value - 2.5).abs() < 5.0 * 2.5 / (0.5 * f64::from(n)).sqrt() && fit.inside, "{fit:?}");
        let ece = |t: f64| {
            let p: Vec<Vec<f64>> = sharp.iter().map(|z| softmax(z, t)).collect();
            reliability(&p, &labels, 15).unwrap().ece()
        };
        // 15 bins of 2667 samples: each gap is within about 0.4/sqrt(2667) = 0.008 of 0.
        assert!(ece(2.5) < 0.016 && ece(1.0) > 0.1, "{} {}", ece(2.5), ece(1.0));
        assert_eq!(flips(&sharp, fit.value).unwrap(), Flips { flips: 0, new_ties: 0 });
    }

    fn sample(p: &[f64], u: f64) -> usize {
        let mut below = 0.0;
        p.iter()
            .position(|q| {
                below += q;
                u < below
            })
            .unwrap_or(p.len() - 1)
    }

    #[test]
    fn two_logits_have_a_closed_form() {
        // Three of four right at a margin of 2: the best probability is 3/4, so 2/T = ln 3.
        let logits = vec![vec![2.0, 0.0]; 4];
        let fit = temperature_scaling(&logits, &[0, 0, 0, 1]).unwrap();
        assert!((fit.value - 2.0 / 3.0_f64.ln()).abs() < 1e-12, "{fit:?}");
        let entropy = -(0.75 * 0.75_f64.ln() + 0.25 * 0.25_f64.ln());
        assert!((fit.nll - entropy).abs() < 1e-14);
        // p = 3/4: (1/16 + 1/16) three times, 9/8 once.
        let p: Vec<Vec<f64>> = logits.iter().map(|z| softmax(z, fit.value)).collect();
        assert!((brier(&p, &[0, 0, 0, 1]).unwrap() - 0.375).abs() < 1e-12);
    }

    #[test]
    fn where_there_is_no_minimum_it_says_so() {
        let logits = vec![vec![2.0, 0.0], vec![0.0, 1.0]];
        let right = temperature_scaling(&logits, &[0, 1]).unwrap();
        assert!(!right.inside && (right.value - TEMPERATURES[0]).abs() < 1e-15);
        let wrong = temperature_scaling(&logits, &[1, 0]).unwrap();
        assert!(!wrong.inside && (wrong.value - TEMPERATURES[1]).abs() < 1e-9);
        // Every prediction right at a loss of 0 in f64: nothing overflows.
        assert!(nll(&[vec![1e6, -1e6]], &[0], 1e-3).unwrap() == 0.0);
    }

    #[test]
    fn rounding_can_tie_but_not_turn() {
        // Neighbours in f64 whose quotients by 1.7 round to one number.
        let tied = flips(&[vec![1.75, 1.75 + f64::EPSILON], vec![0.0, 1.0]], 1.7).unwrap();
        assert_eq!(tied, Flips { flips: 0, new_ties: 1 });
        let mut random = stream(5, "flips", 0);
        let logits: Vec<Vec<f64>> = (0..5000).map(|_| random.normals(10)).collect();
        for t in [1e-3, 0.37, 1.7, 300.0] {
            assert_eq!(flips(&logits, t).unwrap(), Flips { flips: 0, new_ties: 0 }, "{t}");
        }
    }

    #[test]
    fn bad_input_is_refused() {
        assert!(reliability(&[vec![1.0]], &[0], 0).is_err());
        assert!(brier(&[vec![0.5, 0.5]], &[2]).is_err());
        assert!(nll(&[vec![0.5, 0.5]], &[0], 0.0).is_err());
        assert!(temperature_scaling(&[], &[]).is_err());
        assert!(flips(&[vec![0.0]], f64::NAN).is_err());
    }
}
