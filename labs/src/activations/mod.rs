//! The lab `activations`: what a non-linearity is, and what it does to a network.
//!
//! First the functions alone: f and f', their exact properties beside measured ones, the errors of
//! their approximations, their life in 8 bits, their time. Then networks that differ in nothing else:
//! a race with paired significance, dead and saturated units, distributions layer by layer, decision
//! boundaries, and whether a unit that is silenced comes back.

mod approximations;
mod boundary;
mod curves;
mod experiment;
mod layers;
mod moments;
mod probe;
mod properties;
mod quantisation;
mod race;
mod ranking;
mod revival;
mod settings;
mod setup;
#[cfg(test)]
mod tests_static;
#[cfg(test)]
mod tests_trained;
mod timing;
mod trained;

pub use settings::{ActivationSettings, Part};

use crate::lab::{Case, Definition};
use crate::{Context, Experiment, Preset, Result, data};

/// Activation functions, compared.
pub struct Activations;

impl Definition for Activations {
    type Settings = ActivationSettings;
    const ID: &'static str = "activations";
    const TITLE: &'static str = "Activation functions compared";
    const QUESTION: &'static str =
        "What does a non-linearity do to values, to gradients, to training, and to the time that it takes?";
    const CLAIMS: &'static str = include_str!("../../claims/activations.toml");

    fn check(settings: &ActivationSettings) -> Result<()> {
        settings.list()?;
        data::check(&settings.data)?;
        boundary::check(&settings.boundary_data)
    }

    fn experiment(settings: ActivationSettings, context: Context) -> Result<Box<dyn Experiment>> {
        experiment::experiment(settings, context)
    }

    fn runs(_: Preset) -> Vec<Case> {
        vec![Case::new("", &[])]
    }
}
