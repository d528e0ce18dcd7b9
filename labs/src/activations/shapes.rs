//! Depth, width and the course of the widths at about equal numbers of parameters.

use super::setup::Setup;
use super::stack::{Make, Stack};
use super::trained::stride;
use crate::data::Dataset;
use crate::figure::{Axis, Bars, Figure, Kind, readable};
use crate::nn::Activation;
use crate::trainer::Trainer;
use crate::work::Work;
use crate::{Finding, LabError, Result};

/// No shape has more weights and biases than this.
const PARAMETERS: usize = 12_000;
/// Milliseconds of a step, for the progress bar.
const COST: f64 = 0.6;

/// Names, and hidden layers' widths as multiples of one number.
const SHAPES: [(&str, &[usize]); 5] = [
    ("depth_1", &[1]),
    ("depth_3", &[1, 1, 1]),
    ("depth_8", &[1, 1, 1, 1, 1, 1, 1, 1]),
    ("expanding", &[1, 2, 4]),
    ("tapering", &[4, 2, 1]),
];

/// The largest network of that course within [`PARAMETERS`].
fn make(course: &[usize], data: &Dataset) -> Make {
    let with = |unit: usize| {
        let hidden = course.iter().map(|c| c * unit);
        let widths = [data.dim].into_iter().chain(hidden).chain([data.classes]).collect();
        Make { widths, hidden: Activation::Relu.into(), steepness: 1.0, bias_std: 0.0 }
    };
    let fits = |unit: &usize| with(*unit).parameters() <= PARAMETERS;
    with((1..PARAMETERS).take_while(fits).last().unwrap_or(1))
}

/// The part: for each repeat a network of each shape.
pub struct Shapes {
    /// Test accuracies, shape by shape.
    accuracies: Vec<Vec<f64>>,
    parameters: Vec<usize>,
    trainer: Option<Trainer<Stack>>,
    done: u64,
    total: u64,
    repeats: usize,
    steps: u64,
}

impl Shapes {
    pub fn new(setup: &Setup) -> Self {
        Self {
            accuracies: vec![Vec::new(); SHAPES.len()],
            parameters: SHAPES.iter().map(|s| make(s.1, &setup.data).parameters()).collect(),
            trainer: None,
            done: 0,
            total: setup.settings.steps as u64,
            repeats: setup.settings.repeats,
            steps: 0,
        }
    }

    /// The shape that has the fewest results, of those that lack some.
    fn turn(&self) -> Option<usize> {
        let open = |i: &usize| self.accuracies[*i].len() < self.repeats;
        (0..SHAPES.len()).filter(open).min_by_key(|i| self.accuracies[*i].len())
    }

    fn caption(&self) -> String {
        let known = || (0..SHAPES.len()).filter(|i| !self.accuracies[*i].is_empty());
        if known().next().is_none() {
            return "Nothing measured yet.".into();
        }
        let text = |i: usize| {
            let percent = readable(100.0 * crate::stats::mean(&self.accuracies[i]));
            format!("{} {percent} % ({} parameters)", SHAPES[i].0, self.parameters[i])
        };
        format!("Test accuracy after {} steps: {}.", self.total, known().map(text).collect::<Vec<_>>().join(", "))
    }
}

impl Work<Setup> for Shapes {
    fn title(&self) -> &'static str {
        "depth and width"
    }

    fn stage(&self) -> String {
        self.turn().map_or_else(String::new, |i| format!("training {}", SHAPES[i].0))
    }

    fn cost(&self) -> (f64, f64) {
        let each = COST * self.total as f64;
        let ended: usize = self.accuracies.iter().map(Vec::len).sum();
        let all = each * (SHAPES.len() * self.repeats) as f64;
        (all, (each * ended as f64 + COST * self.done as f64).min(all))
    }

    fn step(&mut self, setup: &Setup) -> Result<bool> {
        let Some(turn) = self.turn() else { return Ok(false) };
        let index = self.accuracies[turn].len() as u64;
        let mut trainer = if let Some(trainer) = self.trainer.take() {
            trainer
        } else {
            let net = Stack::new(&make(SHAPES[turn].1, &setup.data), setup.seed, index, &setup.device)?;
            Trainer::new(net, setup.settings.recipe.recipe(setup.seed, &setup.device), index)
        };
        let mut lost = false;
        for _ in 0..stride(COST) {
            if self.done < self.total && !lost {
                match trainer.step(&setup.data) {
                    Err(LabError::NotFinite { .. }) => lost = true,
                    Err(other) => return Err(other),
                    Ok(_) => {}
                }
                self.done += 1;
                self.steps += 1;
            }
        }
        if self.done < self.total && !lost {
            self.trainer = Some(trainer);
            return Ok(true);
        }
        let accuracy = if lost { f64::NAN } else { trainer.test(&setup.data, usize::MAX)?.1 };
        self.accuracies[turn].push(accuracy);
        self.done = 0;
        Ok(self.turn().is_some())
    }

    fn figures(&self, _: &Setup) -> Vec<Figure> {
        let bars = Bars {
            y: Axis::linear("test accuracy").within(0.0, 1.0),
            x_label: "hidden layers".into(),
            categories: SHAPES.iter().map(|s| s.0.replace('_', " ")).collect(),
            groups: vec![("accuracy".into(), self.accuracies.iter().map(|a| crate::stats::mean(a)).collect())],
        };
        let title = "Depth and width at equal parameters".into();
        vec![Figure { id: "shapes".into(), title, caption: self.caption(), kind: Kind::Bars(bars) }]
    }

    fn findings(&self, _: &Setup) -> Vec<Finding> {
        let finding = |(i, (name, _)): (usize, &(&str, &[usize]))| {
            let course = name.replace('_', " ");
            let meaning = format!("test accuracy of {} parameters in hidden layers: {course}", self.parameters[i]);
            Finding::share(format!("{name}_accuracy"), &self.accuracies[i], meaning)
        };
        SHAPES.iter().enumerate().map(finding).collect()
    }

    fn training_steps(&self) -> u64 {
        self.steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Context;
    use crate::activations::ActivationSettings;
    use crate::nn::Mode;
    use crate::trainer::Network;
    use candle_core::Device;

    #[test]
    fn shapes_have_about_equal_parameters_and_learn() {
        let settings = ActivationSettings { steps: 60, repeats: 1, ..ActivationSettings::default() };
        let setup = Setup::new(settings, Context { seed: 1, device: Device::Cpu }).unwrap();
        for (name, course) in SHAPES {
            let make = make(course, &setup.data);
            let net = Stack::new(&make, 1, 0, &Device::Cpu).unwrap();
            let counted: usize = net.parameters().iter().map(|(_, v)| v.elem_count()).sum();
            assert_eq!(counted, make.parameters());
            assert!((0.85..=1.0).contains(&(counted as f64 / PARAMETERS as f64)), "{name}: {counted}");
            let x = crate::rng::stream(1, "x", 0).normal_tensor((3, 64), &Device::Cpu).unwrap();
            let x = x.to_dtype(candle_core::DType::F32).unwrap();
            assert_eq!(net.forward(&x, Mode::Eval).unwrap().dims(), [3, 10]);
        }
        let mut part = Shapes::new(&setup);
        while part.step(&setup).unwrap() {}
        // A guess gets a tenth right.
        assert!(part.findings(&setup).iter().all(|f| f.value > 0.5), "{:?}", part.accuracies);
    }
}
