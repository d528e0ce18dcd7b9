//! For tests: an exercise solved with some of its inputs changed, as a person does with `--set`.

use crate::Result;
use crate::control;
use crate::theory::{Solution, TheorySettings};

/// The exercise `name` solved, with `inputs` (name, text) laid over the defaults.
pub fn solved(name: &str, inputs: &[(&str, &str)], seed: u64) -> Result<Solution> {
    let named = ("exercise", name);
    let pairs = std::iter::once(&named).chain(inputs);
    let pairs: Vec<(String, String)> = pairs.map(|(a, b)| ((*a).to_string(), (*b).to_string())).collect();
    let settings: TheorySettings = control::apply("theory", &pairs)?;
    (settings.exercise.unwrap().solve)(&settings.inputs, seed)
}

/// One of its answers, seed 0.
pub fn value(name: &str, inputs: &[(&str, &str)], answer: &str) -> f64 {
    let solution = solved(name, inputs, 0).unwrap();
    let found = solution.answers.iter().find(|a| a.finding.name == answer);
    found.unwrap_or_else(|| panic!("{name} has no answer {answer}")).finding.value
}
