//! The exercises, one file a topic.

mod activation_moments;
mod activation_points;
mod activation_shape;
mod approximation;
mod architectures;
mod attribution;
mod autograd;
mod benchmarks;
mod boolean;
mod convolution;
mod dense;
mod depth;
mod functions;
mod generalization;
mod gradient_chain;
mod gradient_size;
mod images;
mod layer_count;
mod layers;
mod linear_layers;
mod matrices;
mod networks;
mod neuron;
mod neurons;
mod noising;
mod normalizing;
mod perceptron;
mod rectifiers;
mod regularizing;
mod representation;
mod resolution;
mod scaling;
mod single_unit;
mod softmax_numbers;
#[cfg(test)]
mod solving;
mod support;
mod symbolic;
mod training_loop;

use super::Exercise;

/// Every exercise, in the order in which a list shows them.
pub fn all() -> impl Iterator<Item = &'static Exercise> {
    [
        convolution::EXERCISES,
        images::EXERCISES,
        layers::EXERCISES,
        architectures::EXERCISES,
        dense::EXERCISES,
        neuron::EXERCISES,
        boolean::EXERCISES,
        approximation::EXERCISES,
        perceptron::EXERCISES,
        gradient_size::EXERCISES,
        matrices::EXERCISES,
        autograd::EXERCISES,
        symbolic::EXERCISES,
        training_loop::EXERCISES,
        activation_points::EXERCISES,
        activation_shape::EXERCISES,
        activation_moments::EXERCISES,
        gradient_chain::EXERCISES,
        linear_layers::EXERCISES,
        rectifiers::EXERCISES,
        single_unit::EXERCISES,
        softmax_numbers::EXERCISES,
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
        regularizing::EXERCISES,
        normalizing::EXERCISES,
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
