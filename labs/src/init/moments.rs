//! Mean and variance of f(x) for x ~ N(mu, sigma^2): the map that a self-normalising function is to pull
//! to (0, 1) (Klambauer et al. 2017, eq. 3, here for one unit without weights).

use super::setup::Setup;
use crate::control::Choice;
use crate::figure::{Figure, Kind, Table, readable};
use crate::mean_field::{first_moment, second_moment};
use crate::nn::Activation;
use crate::nn::activation::Scalar;
use crate::work::Work;
use crate::{Finding, Result};

/// (word in the findings' names, mu, sigma^2).
const INPUTS: [(&str, f64, f64); 6] = [
    ("mean_0_variance_1", 0.0, 1.0),
    ("mean_0_variance_4", 0.0, 4.0),
    ("mean_0_variance_quarter", 0.0, 0.25),
    ("mean_half_variance_1", 0.5, 1.0),
    ("mean_1_variance_1", 1.0, 1.0),
    ("mean_minus_1_variance_1", -1.0, 1.0),
];
/// That of the integrals (`mean_field`), with room for the difference of two of them.
const ERROR: f64 = 1e-7;

/// f(x + mean), whose kinks are shifted too.
struct Shifted {
    f: Activation,
    mean: f64,
    kinks: Vec<f64>,
}

impl Shifted {
    fn new(f: Activation, mean: f64) -> Self {
        Self { f, mean, kinks: [0.0].iter().chain(f.kinks()).map(|kink| kink - mean).collect() }
    }
}

impl Scalar for Shifted {
    fn value(&self, x: f64) -> f64 {
        self.f.value(x + self.mean)
    }
    fn derivative(&self, x: f64) -> f64 {
        self.f.derivative(x + self.mean)
    }
    fn kinks(&self) -> &[f64] {
        &self.kinks
    }
}

/// Mean and variance of f(x), x ~ N(`mean`, `variance`).
fn moments(f: Activation, mean: f64, variance: f64) -> (f64, f64) {
    let shifted = Shifted::new(f, mean);
    let first = first_moment(&shifted, variance);
    (first, second_moment(&shifted, variance) - first * first)
}

/// The part of the experiment.
#[derive(Default)]
pub struct Moments {
    /// Mean and variance for each of [`INPUTS`].
    values: Vec<(f64, f64)>,
}

impl Work<Setup> for Moments {
    fn title(&self) -> &'static str {
        "mean and variance through the function"
    }

    fn stage(&self) -> String {
        "mean and variance through the function".into()
    }

    fn cost(&self) -> (f64, f64) {
        (INPUTS.len() as f64, self.values.len() as f64)
    }

    fn step(&mut self, setup: &Setup) -> Result<bool> {
        if let Some((_, mean, variance)) = INPUTS.get(self.values.len()) {
            self.values.push(moments(setup.settings.activation, *mean, *variance));
        }
        Ok(self.values.len() < INPUTS.len())
    }

    fn figures(&self, setup: &Setup) -> Vec<Figure> {
        let name = setup.settings.activation.name();
        let caption = match self.values.as_slice() {
            [(mean, variance), (wide_mean, wide_variance), ..] => format!(
                "{name} of N(0, 1) has mean {} and variance {}; of N(0, 4), mean {} and variance {}.",
                readable(*mean),
                readable(*variance),
                readable(*wide_mean),
                readable(*wide_variance)
            ),
            _ => "Nothing computed yet.".into(),
        };
        let row = |((_, mean, variance), out): (&(&str, f64, f64), &(f64, f64))| {
            [*mean, *variance, out.0, out.1].map(readable).to_vec()
        };
        let table = Table {
            columns: ["mean of x", "variance of x", "mean of f(x)", "variance of f(x)"].map(String::from).to_vec(),
            rows: INPUTS.iter().zip(&self.values).map(row).collect(),
        };
        let title = format!("What {name} makes of a Gaussian");
        vec![Figure { id: "moments".into(), title, caption, kind: Kind::Table(table) }]
    }

    fn findings(&self, setup: &Setup) -> Vec<Finding> {
        let name = setup.settings.activation.name();
        let both = |((word, mean, variance), out): (&(&str, f64, f64), (f64, f64))| {
            let of = format!("of {name}(x), x from N({}, {}), by quadrature", readable(*mean), readable(*variance));
            [
                Finding::exact(format!("{word}_mean_out"), out.0, ERROR, format!("mean {of}")),
                Finding::exact(format!("{word}_variance_out"), out.1, ERROR * (1.0 + out.1), format!("variance {of}")),
            ]
        };
        let known = self.values.iter().copied().chain(std::iter::repeat((f64::NAN, f64::NAN)));
        INPUTS.iter().zip(known).flat_map(both).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::Activation;
    use statrs::distribution::{Continuous, ContinuousCDF, Normal};

    #[test]
    fn moments_of_relu_are_those_of_the_rectified_gaussian() {
        // E relu(x) = mu P(mu/s) + s p(mu/s); E relu(x)^2 = (mu^2 + s^2) P(mu/s) + mu s p(mu/s).
        let unit = Normal::new(0.0, 1.0).unwrap();
        for (_, mu, variance) in INPUTS {
            let s = variance.sqrt();
            let (above, density) = (unit.cdf(mu / s), unit.pdf(mu / s));
            let first = mu * above + s * density;
            let second = (mu * mu + variance) * above + mu * s * density;
            let (mean, spread) = moments(Activation::Relu, mu, variance);
            assert!((mean - first).abs() < 1e-9 && (spread - (second - first * first)).abs() < 1e-8, "{mu} {variance}");
        }
    }

    #[test]
    fn moments_of_selu_are_those_of_a_sum_over_a_fine_grid() {
        // torch, f64, 400001 points over 12 standard deviations; (0, 1) is the fixed point of Klambauer et al. 2017.
        let want = [
            (0.0, 1.0),
            (0.254_828_4, 2.941_101_9),
            (-0.054_800_5, 0.327_682_7),
            (0.510_008_1, 1.104_972_0),
            (1.038_563_0, 1.134_061_9),
            (-0.858_457_4, 0.562_403_5),
        ];
        for ((_, mu, variance), (mean, spread)) in INPUTS.iter().zip(want) {
            let got = moments(Activation::Selu, *mu, *variance);
            assert!((got.0 - mean).abs() < 2e-6 && (got.1 - spread).abs() < 2e-6, "{mu} {variance}: {got:?}");
        }
    }
}
