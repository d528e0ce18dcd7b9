//! What the parts share: mean curves of several fits, what a fit ended with, rough costs.

use super::Regularizers;
use super::fit::{Fit, Score, Snapshot, Spec};
use super::network::Model;
use super::setup::Setup;
use crate::stats::mean;
use crate::trainer::Network;
use candle_core::Tensor;

/// The mean of `of` over `fits` at each step at which all of them have been evaluated. One that was stopped early
/// goes on with the weights that came back; one that ended in trouble is left out from there on.
pub fn curve(fits: &[Fit], of: impl Fn(&Snapshot) -> f64) -> Vec<(f64, f64)> {
    let mut steps: Vec<u64> = fits.iter().flat_map(|f| f.history().iter().map(|s| s.step)).collect();
    steps.sort_unstable();
    steps.dedup();
    let at = |fit: &Fit, step: u64| match fit.history().binary_search_by_key(&step, |s| s.step) {
        Ok(i) => Some(fit.history()[i]),
        Err(_) if fit.stopped().is_some_and(|end| step > end) => fit.best(),
        Err(_) => None,
    };
    let mut points = Vec::with_capacity(steps.len());
    for step in steps {
        let running = || fits.iter().filter(|f| f.trouble().is_none() || f.done() >= step);
        let known: Vec<f64> = running().filter_map(|f| at(f, step)).map(|s| of(&s)).collect();
        if known.len() == running().count() && !known.is_empty() {
            points.push((step as f64, mean(&known)));
        }
    }
    points
}

/// What is worth a line of the log when `fit` has ended.
pub fn ending(fit: &Fit) -> Option<String> {
    if let Some(trouble) = fit.trouble() {
        return Some(trouble.into());
    }
    let best = fit.best()?.step;
    fit.stopped().map(|step| format!("stopped at step {step}, the weights of step {best} came back"))
}

/// The weights of `fit` and its training samples, named after `kind`.
pub fn tensors(fit: &Fit, kind: &str) -> Vec<(String, Tensor)> {
    let mut list: Vec<_> = fit
        .net()
        .parameters()
        .into_iter()
        .map(|(name, var)| (format!("{kind}.{name}"), var.as_detached_tensor()))
        .collect();
    list.push((format!("{kind}.train.x"), fit.task().train.x.clone()));
    list.push((format!("{kind}.train.y"), fit.task().train.y.clone()));
    list
}

/// About how many milliseconds one step of the settings' network takes, its share of an evaluation included.
pub fn step_cost(setup: &Setup) -> f64 {
    cost(setup, &setup.spec(Regularizers::none()))
}

/// The same of a training as `spec` has it.
pub fn cost(setup: &Setup, spec: &Spec) -> f64 {
    let shape = &spec.architecture;
    let (mut products, mut from) = (0_usize, setup.data.dim);
    let mut pixels = setup.data.image.map_or(1, |(rows, columns)| rows * columns);
    if shape.model == Model::Cnn {
        from = 1;
    }
    for width in &shape.widths {
        products += match shape.model {
            Model::Mlp => from * width,
            Model::Cnn => 9 * from * width * pixels,
        };
        (from, pixels) = (*width, pixels / 4);
    }
    // Three products for a training sample, one for one that is evaluated; some 3e7 a millisecond.
    let samples = setup.validation.len() + setup.data.test.len() + setup.data.train.len().min(1000);
    let passes = 3.0 * spec.recipe.batch as f64 + samples as f64 / spec.evaluate_every as f64;
    0.3 + 2.0 * products as f64 * passes / 3e7
}

/// What `fit` ended with; NaN where it has not begun.
pub fn end(fit: &Fit) -> Snapshot {
    let none = Score { loss: f64::NAN, accuracy: f64::NAN };
    fit.last().unwrap_or(Snapshot { step: fit.done(), train: none, validation: none, test: none })
}
