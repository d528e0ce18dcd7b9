//! The lab `regularization`: why a network that knows its samples by heart does not know the others, and what
//! helps.
//!
//! A [`fit::Fit`] is one network trained on a [`setup::Task`] under a set of [`Regularizers`]: dropout, L1, L2,
//! decoupled weight decay, max-norm, batch normalisation, label smoothing, augmentation, early stopping. The
//! parts of the lab train many of them, from the same weights and on the same batches, so that what differs is
//! the regulariser.

mod average;
mod change;
mod curves;
mod experiment;
mod fit;
mod methods;
mod network;
mod regularizers;
mod settings;
mod setup;
#[cfg(test)]
mod tests_fit;
#[cfg(test)]
mod tests_parts;

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
    const CLAIMS: &'static str = include_str!("../../claims/regularization.toml");

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
        let (main, clean) = match preset {
            Preset::Quick => (Case::new("", &[("steps", "300"), ("nets", "5")]), ("300", "5")),
            Preset::Standard => (Case::new("", &[]), ("600", "10")),
            Preset::Full => (Case::new("", &[("steps", "2000"), ("nets", "20")]), ("2000", "20")),
        };
        let settings = [("part", "curves"), ("label_noise", "0"), ("steps", clean.0), ("nets", clean.1)];
        vec![main, Case::new("clean", &settings)]
    }
}
