//! The lab `init`: what the first weights decide.
//!
//! Each scheme is drawn and its weights are tested against the variance that it promises; one batch
//! goes forward and back through networks just drawn; the first loss is set beside ln C. Then training:
//! whether units that start alike ever part, loss curves of all schemes on the same data and seed,
//! thirty layers under He and Xavier, XOR over many seeds.

mod deep;
mod deep_figures;
mod experiment;
mod gains;
mod inits;
mod loss;
mod plane;
mod settings;
mod setup;
mod spread;
mod step_zero;
mod symmetry;
#[cfg(test)]
mod tests_dynamics;
#[cfg(test)]
mod tests_spread;
mod training;
mod variance;
mod weights;
mod xor;
mod xor_figures;

pub use settings::{InitSettings, Part};

use crate::lab::{Case, Definition};
use crate::{Context, Experiment, Preset, Result, data};

/// Initialisation schemes, compared.
pub struct Inits;

impl Definition for Inits {
    type Settings = InitSettings;
    const ID: &'static str = "init";
    const TITLE: &'static str = "Initialisation schemes compared";
    const QUESTION: &'static str = "What do the first weights decide about signals, gradients, symmetry and training?";
    const CLAIMS: &'static str = include_str!("../../claims/init.toml");

    fn check(settings: &InitSettings) -> Result<()> {
        settings.gain()?;
        settings.schemes()?;
        data::check(&settings.data)
    }

    fn experiment(settings: InitSettings, context: Context) -> Result<Box<dyn Experiment>> {
        experiment::experiment(settings, context)
    }

    fn runs(_: Preset) -> Vec<Case> {
        vec![Case::new("", &[])]
    }
}
