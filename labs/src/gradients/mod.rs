//! The lab `gradients`: what happens to a gradient on its way from the last layer to the first.
//!
//! Networks of a chosen make are drawn and one batch is sent forward and back. The norm of the
//! gradient at each layer's input is set beside mean-field theory, which says that its square
//! changes by `chi_1` a layer; then come the depths, the make-ups (activation, initialiser,
//! normalisation, skip connections), the Jacobian's singular values, training itself, and the
//! deepest network that still trains.

mod backprop;
mod correlation;
mod experiment;
mod jacobian;
mod make;
mod makes;
mod matrix;
mod plane;
mod profile;
mod race;
mod settings;
mod setup;
mod sweep;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_makes;
mod trainable;
mod training;

pub use settings::{GradientSettings, Part};

use crate::lab::{Case, Definition};
use crate::{Context, Experiment, Preset, Result, data};

/// Vanishing and exploding gradients across depths.
pub struct Gradients;

impl Definition for Gradients {
    type Settings = GradientSettings;
    const ID: &'static str = "gradients";
    const TITLE: &'static str = "Vanishing gradients across depths";
    const QUESTION: &'static str =
        "How does a gradient change on its way from the last layer to the first, and what decides it?";
    const CLAIMS: &'static [(&'static str, &'static str)] =
        &[("gradients.toml", include_str!("../../claims/gradients.toml"))];

    fn check(settings: &GradientSettings) -> Result<()> {
        make::parse(settings, 1, 2)?;
        data::check(&settings.data)
    }

    fn experiment(settings: GradientSettings, context: Context) -> Result<Box<dyn Experiment>> {
        experiment::experiment(settings, context)
    }

    fn runs(preset: Preset) -> Vec<Case> {
        let theory = |name, activation, init| {
            let width = if preset == Preset::Full { "512" } else { "256" };
            let settings = [
                ("part", "sweep"),
                ("data", "white:256"),
                ("width", width),
                ("activation", activation),
                ("init", init),
                ("samples", "32"),
                ("nets", if preset == Preset::Quick { "3" } else { "10" }),
            ];
            Case::new(name, &settings)
        };
        let main = match preset {
            Preset::Quick => Case::new(
                "",
                &[
                    ("steps", "200"),
                    ("nets", "3"),
                    ("trainable_max", "32"),
                    ("trainable_steps", "60"),
                    ("sweep_max", "50"),
                ],
            ),
            Preset::Standard => Case::new("", &[]),
            Preset::Full => Case::new("", &[("width", "256"), ("nets", "10"), ("steps", "2000")]),
        };
        vec![
            main,
            theory("sigmoid-xavier", "sigmoid", "xavier_normal"),
            theory("relu-xavier", "relu", "xavier_normal"),
            theory("relu-he", "relu", "he_normal"),
            theory("tanh-xavier", "tanh", "xavier_normal"),
        ]
    }
}
