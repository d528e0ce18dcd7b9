//! The lab `theory`: worked exercises and sentences that are pure calculation.
//!
//! Each exercise is solved by code that takes its numbers as controls, and the notes' printed answer
//! stands beside the computed one. Adding an exercise is adding one [`Exercise`] to a file of
//! `exercises/`.

mod exercise;
mod exercises;
mod experiment;
mod settings;

pub use exercise::{Answer, Exercise, Form, Input, Inputs, Solution};
pub use exercises::all;
pub use settings::TheorySettings;

use crate::lab::{Case, Definition};
use crate::{Context, Experiment, Preset, Result};

const ID: &str = "theory";

/// Worked exercises and sentences that are pure calculation.
pub struct Theory;

impl Definition for Theory {
    type Settings = TheorySettings;
    const ID: &'static str = ID;
    const TITLE: &'static str = "Worked exercises, computed";
    const QUESTION: &'static str = "Which numbers and formulas of the notes come out when they are computed?";
    const CLAIMS: &'static [(&'static str, &'static str)] = &[
        ("theory.toml", include_str!("../../claims/theory.toml")),
        ("theory-a1.toml", include_str!("../../claims/theory-a1.toml")),
        ("theory-a2.toml", include_str!("../../claims/theory-a2.toml")),
        ("theory-b.toml", include_str!("../../claims/theory-b.toml")),
    ];

    fn check(settings: &TheorySettings) -> Result<()> {
        // Inputs that exclude one another show when they are used, and solving takes milliseconds.
        settings.exercise.map_or(Ok(()), |e| (e.solve)(&settings.inputs, 0).map(|_| ()))
    }

    fn experiment(settings: TheorySettings, context: Context) -> Result<Box<dyn Experiment>> {
        Ok(Box::new(experiment::Calculation::new(&settings, context.seed)))
    }

    fn runs(_: Preset) -> Vec<Case> {
        vec![Case::new("", &[])]
    }
}
