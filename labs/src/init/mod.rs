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
mod moments;
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
use crate::{Context, Experiment, LabError, Preset, Result, data};

const SPREAD_SCHEMES: &str = "normal_small,normal_large,uniform_fan_in,xavier_normal,he_normal,lsuv,xavier_uniform";
const SELU_SCHEMES: &str = "uniform_fan_in,xavier_uniform,lecun_normal,he_normal,xavier_normal";

/// Initialisation schemes, compared.
pub struct Inits;

impl Definition for Inits {
    type Settings = InitSettings;
    const ID: &'static str = "init";
    const TITLE: &'static str = "Initialisation schemes compared";
    const QUESTION: &'static str = "What do the first weights decide about signals, gradients, symmetry and training?";
    const CLAIMS: &'static [(&'static str, &'static str)] = &[("init.toml", include_str!("../../claims/init.toml"))];

    fn check(settings: &InitSettings) -> Result<()> {
        if !(0.0..=10.0).contains(&settings.gain()?) {
            let expected = "a number from 0 to 10, or a formula of one".into();
            return Err(LabError::BadValue { name: "gain".into(), value: settings.gain.clone(), expected });
        }
        settings.schemes()?;
        data::check(&settings.data)
    }

    fn experiment(settings: InitSettings, context: Context) -> Result<Box<dyn Experiment>> {
        experiment::experiment(settings, context)
    }

    fn runs(preset: Preset) -> Vec<Case> {
        let (main, nets) = match preset {
            Preset::Quick => (Case::new("", &[("steps", "200"), ("nets", "3"), ("xor_seeds", "30")]), "3"),
            Preset::Standard => (Case::new("", &[]), "5"),
            Preset::Full => {
                (Case::new("", &[("width", "256"), ("steps", "1000"), ("nets", "20"), ("xor_seeds", "400")]), "10")
            }
        };
        let quick = preset == Preset::Quick;
        let spread = |name, activation, schemes, depth, width| {
            let settings = [
                ("part", "spread"),
                ("activation", activation),
                ("schemes", schemes),
                ("depth", depth),
                ("width", width),
                ("nets", nets),
            ];
            Case::new(name, &settings)
        };
        vec![
            main,
            spread("tanh", "tanh", SPREAD_SCHEMES, "20", "128"),
            spread("sigmoid", "sigmoid", SPREAD_SCHEMES, "20", "128"),
            // Self-normalisation is a statement about wide and deep networks.
            spread("selu", "selu", SELU_SCHEMES, if quick { "20" } else { "50" }, if quick { "256" } else { "512" }),
            Case::new("tanh-plane", &[("part", "plane"), ("activation", "tanh"), ("nets", nets)]),
        ]
    }
}
