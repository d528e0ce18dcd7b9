//! The lab `regularization`: why a network that knows its samples by heart does not know the others, and what
//! helps.
//!
//! A [`fit::Fit`] is one network trained on a [`setup::Task`] under a set of [`Regularizers`]: dropout, L1, L2,
//! decoupled weight decay, max-norm, batch normalisation, label smoothing, augmentation, early stopping. The
//! parts of the lab train many of them, from the same weights and on the same batches, so that what differs is
//! the regulariser.

mod average;
pub mod bias_variance;
pub mod calibration;
mod capacity;
mod change;
mod cohort;
mod curves;
pub mod decay_equivalence;
pub mod dropout_linear;
pub mod ensemble;
mod experiment;
mod fit;
mod identities;
mod input;
mod mc_dropout;
mod memorise;
mod methods;
mod network;
mod pool;
mod rates;
mod regularizers;
mod reliability;
mod resamples;
pub mod ridgeless;
mod settings;
mod setup;
mod sizes;
mod sparsity;
#[cfg(test)]
mod tests_fit;
#[cfg(test)]
mod tests_fitting;
#[cfg(test)]
mod tests_parts;
mod units;
pub mod weight_sparsity;

pub use change::{Change, Knob};
pub use fit::{Fit, Score, Snapshot, Spec};
pub use network::{Architecture, Model, RegularizedNet};
pub use regularizers::Regularizers;
pub use settings::{Part, RegularizationSettings};
pub use setup::{Draw, Setup, Task};

use crate::lab::{Case, Definition};
use crate::{Context, Experiment, Preset, Result, data};

/// Overfitting against dropout and its kin.
pub struct Regularization;

impl Definition for Regularization {
    type Settings = RegularizationSettings;
    const ID: &'static str = "regularization";
    const TITLE: &'static str = "Overfitting and dropout";
    const QUESTION: &'static str = "Why does a network that knows its samples by heart fail on others, and what helps?";
    const CLAIMS: &'static [(&'static str, &'static str)] = &[
        ("regularization.toml", include_str!("../../claims/regularization.toml")),
        ("regularization-fitting.toml", include_str!("../../claims/regularization-fitting.toml")),
        ("regularization-exact.toml", include_str!("../../claims/regularization-exact.toml")),
    ];

    fn check(settings: &RegularizationSettings) -> Result<()> {
        settings.check_samples()?;
        settings.regularizers()?;
        settings.changes()?;
        settings.sweep()?;
        settings.sample_sizes()?;
        data::check(&settings.data)
    }

    fn experiment(settings: RegularizationSettings, context: Context) -> Result<Box<dyn Experiment>> {
        experiment::experiment(settings, context)
    }

    fn runs(preset: Preset) -> Vec<Case> {
        let quick = [
            ("steps", "300"),
            ("nets", "5"),
            ("rates", "0,0.2,0.5,0.8"),
            ("sizes", "20,60,200,all"),
            ("resamples", "10"),
        ];
        let (main, steps, nets) = match preset {
            Preset::Quick => (Case::new("", &quick), "300", "5"),
            Preset::Standard => (Case::new("", &[]), "600", "10"),
            Preset::Full => (Case::new("", &[("steps", "2000"), ("nets", "20")]), "2000", "20"),
        };
        // Clean digits are so easy that dropout has hardly anything to gain on them.
        let wrong_labels = [("part", "curves"), ("label_noise", "0.2"), ("steps", steps), ("nets", nets)];
        vec![main, Case::new("wrong-labels", &wrong_labels)]
    }
}
