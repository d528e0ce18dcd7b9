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

use crate::claim::Claim;
use crate::lab::{Case, Definition};
use crate::{Context, Control, Experiment, Preset, Result, control};

const ID: &str = "theory";

/// Worked exercises and sentences that are pure calculation.
pub struct Theory;

impl Definition for Theory {
    type Settings = TheorySettings;
    const ID: &'static str = ID;
    const TITLE: &'static str = "Worked exercises, computed";
    const QUESTION: &'static str = "Which numbers and formulas of the notes come out when they are computed?";
    const CLAIMS: &'static [(&'static str, &'static str)] = &[
        ("theory-foundations.toml", include_str!("../../claims/theory-foundations.toml")),
        ("theory-networks.toml", include_str!("../../claims/theory-networks.toml")),
        ("theory-activations.toml", include_str!("../../claims/theory-activations.toml")),
        ("theory-regularization.toml", include_str!("../../claims/theory-regularization.toml")),
    ];

    fn check(settings: &TheorySettings) -> Result<()> {
        // Inputs that exclude one another show when they are used, and solving takes milliseconds.
        settings.exercise.map_or(Ok(()), |e| (e.solve)(&settings.inputs, 0).map(|_| ()))
    }

    fn experiment(settings: TheorySettings, context: Context) -> Result<Box<dyn Experiment>> {
        Ok(Box::new(experiment::Calculation::new(&settings, context.seed)))
    }

    /// A sentence is about the notes' numbers: inputs that it neither names nor uses are at their defaults.
    fn pin(claim: &mut Claim) {
        let chosen = claim.settings.get("exercise");
        let Some(exercise) = chosen.and_then(|name| exercises::all().find(|e| e.name == *name)) else { return };
        let rights = claim.right.iter().flat_map(|r| r.relation.variables());
        let used: Vec<String> = claim.relation.variables().into_iter().chain(rights).collect();
        let settings = TheorySettings { exercise: Some(exercise), inputs: Inputs::defaults(exercise.inputs) };
        let named = |name: &str| claim.settings.contains_key(name) || claim.minimum.contains_key(name);
        let free = |c: &Control| !named(c.name) && used.iter().all(|u| u != c.name);
        let inputs = control::list(&settings).into_iter().filter(free);
        claim.pinned = inputs.map(|c| (c.name.to_string(), c.value)).collect();
    }

    fn runs(_: Preset) -> Vec<Case> {
        vec![Case::new("", &[])]
    }
}

#[cfg(test)]
mod tests {
    use crate::Lab;

    #[test]
    fn a_sentence_is_judged_at_the_inputs_that_it_speaks_of() {
        let claim = super::Theory.claims().unwrap().into_iter().find(|c| c.id == "padding-keeps-size").unwrap();
        let unmet = |changes: &[(&str, &str)]| {
            let settings: Vec<_> = changes.iter().map(|(k, v)| ((*k).to_string(), (*v).to_string())).collect();
            claim.unmet(&super::Theory.configure(&settings).unwrap())
        };
        let conv = [("exercise", "conv-size"), ("padding", "1")];
        // The formula holds for any input, but not for any stride, of which the sentence says nothing.
        assert!(unmet(&conv).is_empty());
        assert!(unmet(&[&conv[..], &[("input", "50")]].concat()).is_empty());
        assert_eq!(unmet(&[&conv[..], &[("stride", "2")]].concat()), ["stride=1"]);
        assert_eq!(unmet(&[("exercise", "conv-size")]), ["padding=1"]);
    }
}
