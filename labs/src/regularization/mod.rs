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
mod methods;
mod network;
mod regularizers;
mod reliability;
pub mod ridgeless;
mod settings;
mod setup;
mod sparsity;
#[cfg(test)]
mod tests_fit;
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
        ("regularization-exact.toml", include_str!("../../claims/regularization-exact.toml")),
    ];

    fn check(settings: &RegularizationSettings) -> Result<()> {
        settings.check_samples()?;
        settings.regularizers()?;
        settings.changes()?;
        data::check(&settings.data)
    }

    fn experiment(settings: RegularizationSettings, context: Context) -> Result<Box<dyn Experiment>> {
        experiment::experiment(settings, context)
    }

    fn runs(preset: Preset) -> Vec<Case> {
        vec![match preset {
            Preset::Quick => Case::new("", &[("steps", "300"), ("nets", "5")]),
            Preset::Standard => Case::new("", &[]),
            Preset::Full => Case::new("", &[("steps", "2000"), ("nets", "20")]),
        }]
    }
}
