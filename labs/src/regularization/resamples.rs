//! Bias and variance over resampled training sets (Geman, Bienenstock and Doursat 1992; Domingos 2000), from a linear
//! classifier to the settings' network with dropout.
//!
//! Resample i is another draw of the training samples and, for a network, other weights at the start: the variance is that of both. Draws
//! of more than a few of what there is overlap, so that the variance is below that over new samples.

use super::bias_variance::{Squared, ZeroOne, squared, zero_one};
use super::fit::{Fit, Spec};
use super::network::Architecture;
use super::pool::{Job, Pool, dropout_alone, linear};
use super::setup::Setup;
use crate::figure::{Axis, Bars, Figure, Kind, readable};
use crate::nn::softmax::softmax;
use crate::work::Work;
use crate::{Finding, Result};

/// What is trained: names of findings, and how many times fewer units than the settings' network has (0: no hidden
/// layer).
const MODELS: [(&str, usize); 5] = [("softmax", 0), ("tiny", 32), ("narrow", 8), ("wide", 1), ("dropout", 1)];
const WIDE: usize = 3;
const DROPOUT: usize = 4;
/// Fewer training sets have no jackknife of a variance.
const FEWEST: usize = 3;

/// What is kept of a network: its answers on the test samples.
struct Answers {
    /// Sample by sample, class by class.
    probabilities: Vec<f64>,
    classes: Vec<usize>,
    error: f64,
}

/// What is known of a model.
struct Known {
    resamples: usize,
    squared: Squared,
    zero_one: ZeroOne,
    pseudo: Pseudo,
}

/// Tukey's pseudo-values of the unbiased parts, one for each training set: their mean is the part.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pseudo {
    pub bias: Vec<f64>,
    pub variance: Vec<f64>,
}

/// The part `resamples`.
pub struct Resamples {
    pool: Pool<Answers>,
    known: Vec<Option<Known>>,
    /// One 1 for each test sample, at its class.
    target: Vec<f64>,
    labels: Vec<usize>,
    classes: usize,
}

impl Resamples {
    /// `resamples` training sets for each model; set i of each is the same.
    pub fn new(setup: &Setup) -> Self {
        let mut jobs = Vec::new();
        for index in 0..setup.settings.resamples {
            for cell in 0..MODELS.len() {
                jobs.push(Job { cell, index, draw: setup.draw(index as u64), spec: spec(setup, cell) });
            }
        }
        let known = MODELS.iter().map(|_| None).collect();
        let classes = setup.data.classes;
        Self { pool: Pool::new(setup, jobs, keep), known, target: vec![], labels: vec![], classes }
    }

    /// Decomposes again where networks have been added.
    fn decompose(&mut self, setup: &Setup) -> Result<()> {
        if self.labels.is_empty() {
            let test = setup.task(setup.draw(0))?.test.y.to_vec1::<u32>()?;
            self.labels = test.into_iter().map(|label| label as usize).collect();
            let row = |label: &usize| (0..self.classes).map(|c| f64::from(u8::from(c == *label))).collect::<Vec<_>>();
            self.target = self.labels.iter().flat_map(row).collect();
        }
        for (cell, known) in self.known.iter_mut().enumerate() {
            let kept = self.pool.kept(cell);
            let before = known.as_ref().map_or(0, |known| known.resamples);
            if kept.len() == before || kept.len() < FEWEST {
                continue;
            }
            let probabilities: Vec<Vec<f64>> = kept.iter().map(|a| a.probabilities.clone()).collect();
            let predicted: Vec<Vec<usize>> = kept.iter().map(|a| a.classes.clone()).collect();
            let parts = squared(&probabilities, std::slice::from_ref(&self.target))?;
            *known = Some(Known {
                resamples: kept.len(),
                // A sum over the classes, as Brier's score is.
                squared: scaled(parts, self.classes as f64),
                zero_one: zero_one(&predicted, std::slice::from_ref(&self.labels))?,
                pseudo: pseudo(&probabilities, &self.target, self.labels.len()),
            });
        }
        Ok(())
    }

    fn caption(&self) -> String {
        let told: Vec<String> = MODELS
            .iter()
            .zip(&self.known)
            .filter_map(|((name, _), known)| {
                let parts = known.as_ref()?.squared;
                Some(format!("{name} {} + {}", readable(parts.bias_unbiased), readable(parts.variance_unbiased)))
            })
            .collect();
        let Some(resamples) = self.known.iter().flatten().map(|known| known.resamples).min() else {
            return "Nothing measured yet.".into();
        };
        format!(
            "Squared bias + variance of the class probabilities over {resamples} training sets: {}.",
            told.join("; ")
        )
    }

    fn zero_one_caption(&self) -> String {
        let (Some(wide), Some(dropout)) = (&self.known[WIDE], &self.known[DROPOUT]) else {
            return "Nothing measured yet.".into();
        };
        let told = |known: &Known| {
            let parts = &known.zero_one;
            format!(
                "{} wrong = {} by the main prediction + {} by variance",
                readable(parts.error),
                readable(parts.bias),
                readable(parts.net_variance)
            )
        };
        format!("Wide: {}; with dropout: {}.", told(wide), told(dropout))
    }

    fn bars(&self, (id, title, y): (&str, &str, &str), parts: &[Part], caption: String) -> Figure {
        let value = |of: fn(&Known) -> f64| self.known.iter().map(move |known| known.as_ref().map_or(f64::NAN, of));
        let kind = Kind::Bars(Bars {
            y: Axis::linear(y),
            x_label: "model".into(),
            categories: MODELS.iter().map(|(name, _)| (*name).into()).collect(),
            groups: parts.iter().map(|(name, of)| ((*name).into(), value(*of).collect())).collect(),
        });
        Figure { id: id.into(), title: title.into(), caption, kind }
    }
}

/// The legend's word of a bar, and its value.
type Part = (&'static str, fn(&Known) -> f64);

fn spec(setup: &Setup, cell: usize) -> Spec {
    let own = setup.regularizers.dropout;
    let rate = if cell == DROPOUT && own == 0.0 { 0.5 } else { own };
    let regularizers = dropout_alone(if cell == DROPOUT { rate } else { 0.0 });
    let spec = Spec { evaluate_every: setup.settings.steps as u64, ..setup.spec(regularizers) };
    let fewer = MODELS[cell].1;
    if fewer == 0 {
        return linear(spec);
    }
    let widths = spec.architecture.widths.iter().map(|width| (width / fewer).max(1)).collect();
    Spec { architecture: Architecture { widths, ..spec.architecture }, ..spec }
}

fn keep(_: &Setup, fit: &Fit) -> Result<Answers> {
    let test = &fit.task().test;
    let logits = fit.predict(&test.x)?;
    let rows = softmax(&logits, 1.0)?.to_vec2::<f32>()?;
    let probabilities = rows.iter().flatten().map(|p| f64::from(*p)).collect();
    let classes = logits.argmax(candle_core::D::Minus1)?.to_vec1::<u32>()?.into_iter().map(|c| c as usize).collect();
    Ok(Answers { probabilities, classes, error: 1.0 - fit.score(test)?.accuracy })
}

fn scaled(parts: Squared, by: f64) -> Squared {
    let Squared { error, bias, variance, noise, bias_unbiased, variance_unbiased } = parts;
    Squared {
        error: by * error,
        bias: by * bias,
        variance: by * variance,
        noise: by * noise,
        bias_unbiased: by * bias_unbiased,
        variance_unbiased: by * variance_unbiased,
    }
}

/// Pseudo-values `R t - (R - 1) t_i` (Tukey 1958) of unbiased squared bias and variance t, where `t_i` is t without resample
/// i: sums over the coordinates, divided by `samples`. Both are U-statistics, so the mean of the values is t itself.
/// `predictions` are `[resample][coordinate]`, at least three.
pub(super) fn pseudo(predictions: &[Vec<f64>], target: &[f64], samples: usize) -> Pseudo {
    let resamples = predictions.len() as f64;
    let sum = |of: fn(f64) -> f64| -> Vec<f64> {
        (0..target.len()).map(|j| predictions.iter().map(|row| of(row[j])).sum()).collect()
    };
    let (sums, squares) = (sum(|f| f), sum(|f| f * f));
    // Squared bias and variance of one coordinate from n, the sum and the sum of squares.
    let parts = |n: f64, sum: f64, square: f64, y: f64| {
        let variance = (square - sum * sum / n) / (n - 1.0);
        ((sum / n - y).powi(2) - variance / n, variance)
    };
    let total = |left_out: Option<&Vec<f64>>| {
        let n = if left_out.is_some() { resamples - 1.0 } else { resamples };
        let (mut bias, mut variance) = (0.0, 0.0);
        for (j, y) in target.iter().enumerate() {
            let f = left_out.map_or(0.0, |row| row[j]);
            let (b, v) = parts(n, sums[j] - f, squares[j] - f * f, *y);
            bias += b;
            variance += v;
        }
        (bias / samples as f64, variance / samples as f64)
    };
    let all = total(None);
    let value = |whole: f64, without: f64| resamples * whole - (resamples - 1.0) * without;
    let without: Vec<(f64, f64)> = predictions.iter().map(|row| total(Some(row))).collect();
    Pseudo {
        bias: without.iter().map(|t| value(all.0, t.0)).collect(),
        variance: without.iter().map(|t| value(all.1, t.1)).collect(),
    }
}

impl Work<Setup> for Resamples {
    fn title(&self) -> &'static str {
        "resamples"
    }

    fn stage(&self) -> String {
        self.pool.stage()
    }

    fn cost(&self) -> (f64, f64) {
        self.pool.cost()
    }

    fn step(&mut self, setup: &Setup) -> Result<bool> {
        let more = self.pool.step(setup)?;
        self.decompose(setup)?;
        Ok(more)
    }

    fn figures(&self, _: &Setup) -> Vec<Figure> {
        let squared: [Part; 3] = [
            ("squared bias", |known| known.squared.bias_unbiased),
            ("variance", |known| known.squared.variance_unbiased),
            ("error", |known| known.squared.error),
        ];
        let zero_one: [Part; 3] = [
            ("bias", |known| known.zero_one.bias),
            ("net variance", |known| known.zero_one.net_variance),
            ("error", |known| known.zero_one.error),
        ];
        let words = ("resamples", "Bias and variance", "squared error of the class probabilities");
        let counted = ("resamples-zero-one", "Bias and variance of the 0-1 loss", "share of test samples");
        vec![self.bars(words, &squared, self.caption()), self.bars(counted, &zero_one, self.zero_one_caption())]
    }

    fn findings(&self, _: &Setup) -> Vec<Finding> {
        let mut list = Vec::new();
        for (cell, (name, _)) in MODELS.iter().enumerate() {
            let nothing = Pseudo { bias: vec![], variance: vec![] };
            let known = self.known[cell].as_ref();
            let parts = known.map_or(&nothing, |known| &known.pseudo);
            let jackknife = "jackknife pseudo-values over training sets";
            let arithmetic = |what: &str, values: &[f64], told: &str| {
                Finding::arithmetic(format!("{name}_{what}"), values, format!("{name}: {told}; {jackknife}"))
            };
            list.push(arithmetic("bias", &parts.bias, "squared bias of the class probabilities, unbiased"));
            list.push(arithmetic("variance", &parts.variance, "variance of the class probabilities, unbiased"));
            let errors = self.pool.values(cell, |answers| answers.error);
            let meaning = format!("{name}: share of the test samples wrong");
            list.push(Finding::share(format!("{name}_wrong"), &errors, meaning));
            let counted = |of: fn(&ZeroOne) -> f64| known.map_or(f64::NAN, |known| of(&known.zero_one));
            let meaning = format!("{name}: share of test samples whose most frequent prediction is wrong");
            list.push(Finding::new(format!("{name}_main_wrong"), counted(|z| z.bias), meaning));
            let meaning = format!("{name}: what variance adds to that share in the mean error");
            list.push(Finding::new(format!("{name}_net_variance"), counted(|z| z.net_variance), meaning));
        }
        let off = self.known.iter().flatten().map(|known| {
            let (s, z) = (&known.squared, &known.zero_one);
            let squared = s.error - s.bias - s.variance - s.noise;
            squared.abs().max((z.error - z.bias - z.net_variance - z.net_noise).abs())
        });
        let largest = off.fold(f64::NAN, f64::max);
        let meaning = "largest difference of an error and the sum of its parts, squared and 0-1";
        list.push(Finding::exact("decomposition_residual", largest, 0.0, meaning).predicted(Some(0.0)));
        list
    }

    fn trouble(&self) -> Option<String> {
        self.pool.trouble()
    }

    fn messages(&mut self) -> Vec<String> {
        self.pool.messages()
    }

    fn training_steps(&self) -> u64 {
        self.pool.training_steps()
    }
}
