//! The exercises, one file a topic.

mod attribution;
mod benchmarks;
mod convolution;
mod depth;
mod generalization;
mod layer_count;
mod networks;
mod neurons;
mod noising;
mod representation;
mod resolution;
mod scaling;
mod support;

use super::Exercise;

/// Every exercise, in the order in which a list shows them.
pub fn all() -> impl Iterator<Item = &'static Exercise> {
    [
        convolution::EXERCISES,
        networks::EXERCISES,
        resolution::EXERCISES,
        depth::EXERCISES,
        representation::EXERCISES,
        neurons::EXERCISES,
        generalization::EXERCISES,
        scaling::EXERCISES,
        benchmarks::EXERCISES,
        noising::EXERCISES,
        attribution::EXERCISES,
    ]
    .into_iter()
    .flatten()
}

#[cfg(test)]
mod tests {
    use super::super::Inputs;
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_exercise_is_solved_with_the_notes_numbers() {
        let mut names = BTreeSet::new();
        for exercise in all() {
            assert!(names.insert(exercise.name), "two exercises are called {}", exercise.name);
            let solution = (exercise.solve)(&Inputs::defaults(exercise.inputs), 0).unwrap();
            assert!(!solution.answers.is_empty(), "{}", exercise.name);
            assert_eq!(solution.picture.is_some(), exercise.picture.is_some(), "{}", exercise.name);
            let answers: BTreeSet<_> = solution.answers.iter().map(|a| a.finding.name.clone()).collect();
            assert_eq!(answers.len(), solution.answers.len(), "{}: two answers share a name", exercise.name);
        }
    }
}
