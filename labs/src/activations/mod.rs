//! The lab `activations`: what a non-linearity is, and what it does to a network.
//!
//! First the functions alone: f and f', their exact properties beside measured ones, the errors of
//! their approximations, their life in 8 bits, their time. Then networks that differ in nothing else:
//! a race with paired significance, dead and saturated units, distributions layer by layer, decision
//! boundaries, and whether a unit that is silenced comes back. Last, small questions: numbers with a
//! closed form, curves that can be fitted or not, functions exchanged after training, depth and width.

pub(crate) mod approximations;
mod boundary;
mod curves;
mod exact;
mod experiment;
mod layers;
mod moments;
mod numbers;
mod plane;
pub(crate) mod probe;
mod properties;
mod quantisation;
mod race;
mod ranking;
mod regression;
mod revival;
mod settings;
mod setup;
mod shapes;
mod stack;
mod swap;
#[cfg(test)]
mod tests_static;
#[cfg(test)]
mod tests_trained;
mod timing;
mod trained;

pub use settings::{ActivationSettings, Part};

use crate::lab::{Case, Definition};
use crate::{Context, Experiment, Preset, Result, data};

const INT8: &str = "relu,leaky_relu,leaky_relu:0.1,leaky_relu:0.2,leaky_relu:0.25,gelu,silu,mish,tanh,sigmoid";
const TIMED: &str = "relu,leaky_relu,elu,gelu,gelu_tanh,silu,mish,tanh,sigmoid,softplus,hard_swish,swiglu";

/// Activation functions, compared.
pub struct Activations;

impl Definition for Activations {
    type Settings = ActivationSettings;
    const ID: &'static str = "activations";
    const TITLE: &'static str = "Activation functions compared";
    const QUESTION: &'static str =
        "What does a non-linearity do to values, to gradients, to training, and to the time that it takes?";
    const CLAIMS: &'static [(&'static str, &'static str)] =
        &[("activations.toml", include_str!("../../claims/activations.toml"))];

    fn check(settings: &ActivationSettings) -> Result<()> {
        settings.list()?;
        data::check(&settings.data)?;
        boundary::check(&settings.boundary_data)
    }

    fn experiment(settings: ActivationSettings, context: Context) -> Result<Box<dyn Experiment>> {
        experiment::experiment(settings, context)
    }

    fn runs(preset: Preset) -> Vec<Case> {
        let (main, elements, boundary_steps) = match preset {
            Preset::Quick => {
                (Case::new("", &[("steps", "200"), ("repeats", "5"), ("boundary_steps", "200")]), "1048576", "300")
            }
            Preset::Standard => (Case::new("", &[]), "16777216", "600"),
            Preset::Full => {
                let settings = [
                    ("depth", "8"),
                    ("width", "128"),
                    ("steps", "1000"),
                    ("repeats", "20"),
                    ("boundary_steps", "1000"),
                ];
                (Case::new("", &settings), "67108864", "1000")
            }
        };
        let boundary = |data| {
            let settings = [
                ("part", "boundary"),
                ("boundary_data", data),
                ("activations", "identity,relu,tanh,gelu,sigmoid,sine"),
                ("boundary_steps", boundary_steps),
                ("lr", "0.003"),
            ];
            Case::new(data, &settings)
        };
        vec![
            main,
            Case::new("catalogue", &[("part", "properties"), ("activations", "catalogue")]),
            Case::new("int8", &[("part", "quantisation"), ("activations", INT8)]),
            boundary("circles"),
            boundary("xor"),
            Case::new("timing", &[("part", "timing"), ("activations", TIMED), ("elements", elements)]),
        ]
    }
}
