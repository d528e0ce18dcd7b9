//! Random ReLU features of the lab's data, read out by minimum-norm least squares, through the threshold at which
//! they can learn every label (Belkin, Hsu, Ma and Mandal 2019, "Reconciling modern machine-learning practice and
//! the classical bias-variance trade-off").

use crate::data::Split;
use crate::figure::{Axis, Figure, Kind, Lines, Role, Series, readable};
use crate::regularization::setup::{Draw, Setup};
use crate::rng::stream;
use crate::stats::{mean, median};
use crate::{Finding, Result};
use nalgebra::{DMatrix, SymmetricEigen};

/// Training samples at most, so that the widest features are twenty times as many.
const MOST_SAMPLES: usize = 100;
/// Features per training sample.
const RATIOS: [f64; 14] = [0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 5.0, 20.0];
/// Shares of random labels.
const NOISES: [f64; 2] = [0.0, 0.2];
/// Eigenvalues below this share of the largest are taken for 0: the smallest that a Gram matrix in f64 has.
const CUTOFF: f64 = 1e-13;

/// Errors of one width over the draws, for each share of noise.
#[derive(Debug, Default, Clone)]
struct Width {
    train: [Vec<f64>; 2],
    test: [Vec<f64>; 2],
}

/// The widths that are fitted and those that are still to be.
pub struct Features {
    samples: usize,
    widths: Vec<Width>,
    nets: usize,
    done: usize,
}

impl Features {
    /// Queues all widths for each of `nets` draws of training samples.
    pub fn new(setup: &Setup) -> Self {
        let asked = setup.settings.train_samples;
        let samples = if asked == 0 { MOST_SAMPLES } else { asked.min(MOST_SAMPLES) };
        Self { samples, widths: vec![Width::default(); RATIOS.len()], nets: setup.settings.nets, done: 0 }
    }

    /// All pieces of work and those that are done.
    pub fn pieces(&self) -> (usize, usize) {
        (RATIOS.len() * self.nets, self.done)
    }

    fn count(&self, ratio: f64) -> usize {
        ((ratio * self.samples as f64).round() as usize).max(1)
    }

    /// The next width of the next draw; false when none is left.
    pub fn step(&mut self, setup: &Setup) -> Result<bool> {
        let (all, done) = self.pieces();
        if done >= all {
            return Ok(false);
        }
        let (width, index) = (done / self.nets, (done % self.nets) as u64);
        let count = self.count(RATIOS[width]);
        let inputs = setup.data.dim;
        let mut random = stream(setup.seed, "capacity_features", index);
        // Features of one draw are the first of one list: wider ones hold the narrower.
        let weights = DMatrix::from_vec(inputs, count, random.normals(inputs * count));
        let mut readout: Option<(DMatrix<f64>, Solver)> = None;
        for (k, noise) in NOISES.into_iter().enumerate() {
            let task = setup.task(Draw { samples: self.samples, label_noise: noise, index })?;
            let (train, test) = (&task.data.train, &task.data.test);
            // Draws that differ in their noise alone have the same samples, and so the same features.
            let (phi, solver) = readout.get_or_insert_with(|| {
                let phi = relu_features(train, &weights);
                let solver = Solver::new(&phi);
                (phi, solver)
            });
            let w = solver.solve(phi, &targets(train, setup.data.classes));
            self.widths[width].train[k].push(error(&(&*phi * &w), train));
            self.widths[width].test[k].push(error(&(relu_features(test, &weights) * &w), test));
        }
        self.done += 1;
        Ok(true)
    }

    /// Errors over the number of features.
    pub fn figure(&self) -> Figure {
        let curve = |of: &dyn Fn(&Width) -> &Vec<f64>| {
            let known = RATIOS.iter().zip(&self.widths).filter(|(_, w)| !of(w).is_empty());
            known.map(|(r, w)| (*r, median(of(w)))).collect::<Vec<_>>()
        };
        let mut series = Vec::new();
        for (k, noise) in NOISES.into_iter().enumerate() {
            let told = if noise > 0.0 { format!("{noise} of the labels random") } else { "true labels".into() };
            series.push(Series::new(format!("test, {told}"), Role::Measured, curve(&|w| &w.test[k])));
            series.push(Series::new(format!("train, {told}"), Role::Measured, curve(&|w| &w.train[k])));
        }
        let x = Axis::log10("random ReLU features / training samples").within(0.05, 20.0);
        let y = Axis::linear("share of samples wrong, median").within(0.0, 1.0);
        Figure {
            id: "capacity-features".into(),
            title: "Random features through the threshold".into(),
            caption: self.caption(),
            kind: Kind::Lines(Lines { x, y, series, guides: vec![] }),
        }
    }

    fn width(&self, ratio: f64) -> Option<&Width> {
        RATIOS.iter().position(|r| (r - ratio).abs() < 1e-9).map(|at| &self.widths[at])
    }

    /// The same once something is known of it.
    fn at(&self, ratio: f64) -> Option<&Width> {
        self.width(ratio).filter(|w| !w.test[1].is_empty())
    }

    fn caption(&self) -> String {
        let (Some(narrow), Some(peak), Some(wide)) = (self.at(0.4), self.at(1.0), self.at(20.0)) else {
            return super::NOTHING.into();
        };
        let of = |w: &Width| readable(mean(&w.test[1]));
        format!(
            "With a fifth of the labels random the test error is {} at 0.4 features a sample, {} at 1, where training reaches {} wrong, and {} at 20.",
            of(narrow),
            of(peak),
            readable(mean(&peak.train[1])),
            of(wide)
        )
    }

    /// Errors at a few widths.
    pub fn findings(&self) -> Vec<Finding> {
        let mut list = Vec::new();
        for (ratio, name) in [(0.05, "0_05"), (0.4, "0_4"), (1.0, "1"), (2.0, "2"), (20.0, "20")] {
            let Some(width) = self.width(ratio) else { continue };
            for (k, kind) in ["clean", "noisy"].into_iter().enumerate() {
                let told = ["true labels", "a fifth of the labels random"][k];
                let place = format!("{ratio} random ReLU features a training sample, {told}");
                let name = |what: &str| format!("features_{kind}_{what}_{name}");
                list.push(Finding::share(name("test"), &width.test[k], format!("test error at {place}")));
                list.push(Finding::share(name("train"), &width.train[k], format!("training error at {place}")));
            }
        }
        list
    }
}

/// `relu(x V) / sqrt(d)` for all samples, [samples, features].
fn relu_features(split: &Split, weights: &DMatrix<f64>) -> DMatrix<f64> {
    let dim = weights.nrows();
    let scale = (dim as f64).sqrt().recip();
    let x = DMatrix::from_row_iterator(split.len(), dim, split.features.iter().map(|v| f64::from(*v)));
    (x * weights).map(|z| scale * z.max(0.0))
}

/// One column a class, 1 for its samples and 0 else, less the mean of 1/classes, [samples, classes].
fn targets(split: &Split, classes: usize) -> DMatrix<f64> {
    let of = |i: usize, c: usize| f64::from(u8::from(split.labels[i] as usize == c)) - (classes as f64).recip();
    DMatrix::from_fn(split.len(), classes, of)
}

/// The share of samples whose largest output is not their label's.
fn error(outputs: &DMatrix<f64>, split: &Split) -> f64 {
    let wrong = |(row, label): (usize, &u32)| outputs.row(row).transpose().argmax().0 != *label as usize;
    split.labels.iter().enumerate().filter(|row| wrong(*row)).count() as f64 / split.len() as f64
}

/// Minimum-norm least squares through the smaller of the two Gram matrices.
struct Solver {
    /// The pseudo-inverse of phi^T phi or phi phi^T.
    inverse: DMatrix<f64>,
    /// Whether it is phi phi^T.
    wide: bool,
}

impl Solver {
    fn new(phi: &DMatrix<f64>) -> Self {
        let wide = phi.ncols() > phi.nrows();
        let gram = if wide { phi * phi.transpose() } else { phi.tr_mul(phi) };
        let eigen = SymmetricEigen::new(gram);
        let limit = CUTOFF * eigen.eigenvalues.max();
        let inverses = eigen.eigenvalues.map(|l| if l > limit { l.recip() } else { 0.0 });
        let vectors = &eigen.eigenvectors;
        Self { inverse: vectors * DMatrix::from_diagonal(&inverses) * vectors.transpose(), wide }
    }

    /// The coefficients `phi^+ y`, [features, classes].
    fn solve(&self, phi: &DMatrix<f64>, y: &DMatrix<f64>) -> DMatrix<f64> {
        if self.wide { phi.tr_mul(&(&self.inverse * y)) } else { &self.inverse * phi.tr_mul(y) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::regularization::ridgeless::minimum_norm;
    use crate::regularization::tests_fit::setup;

    #[test]
    fn the_solver_is_the_pseudo_inverse() {
        for (n, p) in [(12, 5), (5, 12), (8, 8)] {
            let mut random = stream(4, "solver", (n * p) as u64);
            let phi = DMatrix::from_vec(n, p, random.normals(n * p));
            let y = DMatrix::from_vec(n, 2, random.normals(2 * n));
            let ours = Solver::new(&phi).solve(&phi, &y);
            for c in 0..2 {
                let theirs = minimum_norm(&phi, &y.column(c).into_owned()).unwrap();
                assert!((ours.column(c) - &theirs).norm() < 1e-8 * theirs.norm(), "{n} {p}");
            }
        }
    }

    #[test]
    fn error_descends_twice() {
        let setup = setup(&[("train_samples", "60"), ("nets", "3")]).unwrap();
        let mut part = Features::new(&setup);
        assert_eq!(part.figure().caption, super::super::NOTHING);
        while part.step(&setup).unwrap() {}
        let list = part.findings();
        let of = |name: &str| list.iter().find(|f| f.name == name).unwrap().value;
        // Three features cannot tell ten classes apart, 60 learn all labels, whether right or wrong.
        assert!(of("features_clean_train_0_05") > 0.4 && of("features_clean_test_0_05") > 0.4);
        for name in ["features_clean_train_2", "features_noisy_train_2", "features_noisy_train_20"] {
            assert!(of(name) == 0.0, "{name}: {}", of(name));
        }
        assert!(of("features_noisy_test_1") > of("features_noisy_test_20") + 0.1);
        assert!(of("features_clean_test_20") < of("features_noisy_test_20"));
        assert_ne!(part.figure().caption, super::super::NOTHING);
    }
}
