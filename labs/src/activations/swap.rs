//! Networks whose function is exchanged after training, slopes that `PReLU` learns, and how often a
//! pre-activation of ReLU is exactly 0.

use super::setup::Setup;
use super::trained::{Runner, grid, stride};
use crate::cost::pass_cost;
use crate::figure::{Axis, Bars, Figure, Kind, readable};
use crate::nn::{Activation, Function, Mlp, Mode, Nonlinearity, Unit};
use crate::trainer::Trainer;
use crate::work::Work;
use crate::{Finding, LabError, Result};
use candle_core::{DType, Tensor};

/// What stands in for GELU after training, with the name in findings.
const STANDINS: [(Activation, &str); 3] =
    [(Activation::GeluTanh, "gelu_tanh"), (Activation::GeluSigmoid, "gelu_sigmoid"), (Activation::Relu, "relu")];
/// What is trained, in this order.
const TRAINED: [Activation; 3] = [Activation::Gelu, Activation::Prelu, Activation::Relu];
/// How often exact zeros are counted during training.
const COUNTS: u64 = 10;

/// What was measured of one repeat.
#[derive(Default, Clone)]
struct Seen {
    /// Test accuracy with each stand-in less that with GELU.
    swapped: Vec<f64>,
    /// The same with ReLU after one more epoch.
    tuned: f64,
    /// Mean slope of each hidden layer of the `PReLU` network.
    slopes: Vec<f64>,
    /// Mean distance of its slopes from their start.
    moved: f64,
    /// Pre-activations that were exactly 0, and all that were counted.
    zeros: (f64, f64),
}

/// The part: for each repeat a network of GELU, of `PReLU` and of ReLU.
pub struct Swap {
    ended: Vec<Seen>,
    seen: Seen,
    /// Which of [`TRAINED`] is in training.
    kind: usize,
    runner: Option<Runner>,
    total: u64,
    repeats: usize,
    depth: usize,
    cost: f64,
    steps: u64,
}

impl Swap {
    pub fn new(setup: &Setup) -> Self {
        Self {
            ended: Vec::new(),
            seen: Seen::default(),
            kind: 0,
            runner: None,
            total: setup.settings.steps as u64,
            repeats: setup.settings.repeats,
            depth: setup.settings.depth,
            cost: 1.5 * pass_cost(&setup.network(&setup.data), setup.settings.recipe.batch),
            steps: 0,
        }
    }

    fn index(&self) -> u64 {
        self.ended.len() as u64
    }

    /// Trains the present network a little; measures it where it is through.
    fn advance(&mut self, setup: &Setup, mut runner: Runner) -> Result<()> {
        let every = (self.total / COUNTS).max(1);
        let counts = TRAINED[self.kind] == Activation::Relu;
        if counts && runner.done.is_multiple_of(every) {
            let (zeros, all) = zeros(&runner.trainer.net, setup)?;
            self.seen.zeros = (self.seen.zeros.0 + zeros, self.seen.zeros.1 + all);
        }
        let before = runner.done;
        let next = (before / every + 1) * every;
        runner.advance(&setup.data, self.total.min(next).min(before + stride(self.cost)), |_, _| ())?;
        self.steps += runner.done - before;
        if !runner.ended(self.total) {
            self.runner = Some(runner);
            return Ok(());
        }
        match TRAINED[self.kind] {
            Activation::Gelu => self.swap(setup, &runner)?,
            Activation::Prelu => self.slopes(&runner.trainer.net)?,
            _ => {}
        }
        self.kind += 1;
        if self.kind == TRAINED.len() {
            self.kind = 0;
            self.ended.push(std::mem::take(&mut self.seen));
        }
        Ok(())
    }

    fn swap(&mut self, setup: &Setup, runner: &Runner) -> Result<()> {
        if runner.stopped.is_some() {
            self.seen.swapped = vec![f64::NAN; STANDINS.len()];
            self.seen.tuned = f64::NAN;
            return Ok(());
        }
        let own = runner.trainer.test(&setup.data, usize::MAX)?.1;
        for (standin, _) in STANDINS {
            let other = setup.train(with_function(&runner.trainer.net, standin), self.index());
            self.seen.swapped.push(other.test(&setup.data, usize::MAX)?.1 - own);
        }
        // Last, since it moves the weights that the networks share.
        let mut tuned = setup.train(with_function(&runner.trainer.net, Activation::Relu), self.index() + 1000);
        self.seen.tuned = epoch(&mut tuned, setup)? - own;
        Ok(())
    }

    fn slopes(&mut self, net: &Mlp) -> Result<()> {
        let mut moved = Vec::new();
        for layer in &net.hidden {
            if let Unit::Prelu(slope) = &layer.unit {
                let values: Vec<f64> = slope.flatten_all()?.to_dtype(DType::F64)?.to_vec1()?;
                self.seen.slopes.push(crate::stats::mean(&values));
                moved.extend(values.into_iter().map(|v| (v - crate::nn::activation::PRELU_SLOPE).abs()));
            }
        }
        self.seen.moved = crate::stats::mean(&moved);
        Ok(())
    }

    fn of(&self, value: impl Fn(&Seen) -> f64) -> Vec<f64> {
        self.ended.iter().map(value).collect()
    }

    fn slope(&self, layer: usize) -> Vec<f64> {
        self.of(|s| s.slopes.get(layer).copied().unwrap_or(f64::NAN))
    }

    fn accuracy_changes(&self) -> Vec<(String, Vec<f64>)> {
        let swapped = |i: usize| self.of(|s| s.swapped.get(i).copied().unwrap_or(f64::NAN));
        let mut list: Vec<_> =
            STANDINS.iter().enumerate().map(|(i, (_, name))| ((*name).to_string(), swapped(i))).collect();
        list.push(("relu_tuned".into(), self.of(|s| s.tuned)));
        list
    }

    fn caption(&self) -> String {
        if self.ended.is_empty() {
            return "Nothing measured yet.".into();
        }
        let points = |(name, values): (String, Vec<f64>)| format!("{name} {:+.2}", 100.0 * crate::stats::mean(&values));
        let changes: Vec<String> = self.accuracy_changes().into_iter().map(points).collect();
        let slopes: Vec<String> = (0..self.depth).map(|l| readable(crate::stats::mean(&self.slope(l)))).collect();
        format!(
            "Networks trained with GELU and run with another function change their test accuracy by (points): {}. PReLU's slopes, 0.25 at the start, are on average by layer: {}.",
            changes.join(", "),
            slopes.join(", ")
        )
    }

    fn bars(&self, id: &str, title: &str, y: &str, x: &str, values: Vec<(String, f64)>) -> Figure {
        let (categories, values) = values.into_iter().unzip();
        let bars = Bars {
            y: Axis::linear(y),
            x_label: x.into(),
            categories,
            groups: vec![(format!("mean of {} networks", self.ended.len()), values)],
        };
        Figure { id: id.into(), title: title.into(), caption: String::new(), kind: Kind::Bars(bars) }
    }
}

/// The same weights with `function` in every hidden layer.
fn with_function(net: &Mlp, function: Activation) -> Mlp {
    let mut other = net.clone();
    for layer in &mut other.hidden {
        layer.unit = Unit::Fixed(Function::from(function));
    }
    other
}

/// Test accuracy after one pass over the training set; NaN where training breaks off.
fn epoch(trainer: &mut Trainer, setup: &Setup) -> Result<f64> {
    for _ in 0..setup.data.train.len().div_ceil(setup.settings.recipe.batch) {
        match trainer.step(&setup.data) {
            Err(LabError::NotFinite { .. }) => return Ok(f64::NAN),
            Err(other) => return Err(other),
            Ok(_) => {}
        }
    }
    Ok(trainer.test(&setup.data, usize::MAX)?.1)
}

/// Hidden pre-activations on the training set that are exactly 0, and all of them.
fn zeros(net: &Mlp, setup: &Setup) -> Result<(f64, f64)> {
    let rows: Vec<usize> = (0..setup.data.train.len().min(500)).collect();
    let x: Tensor = setup.data.train.gather(setup.data.dim, &rows, &setup.device, DType::F32)?.0;
    let (mut zeros, mut all) = (0.0, 0.0);
    for z in net.trace(&x, Mode::Eval, None)?.pre_activations {
        zeros += f64::from(z.detach().eq(0.0)?.to_dtype(DType::F32)?.sum_all()?.to_scalar::<f32>()?);
        all += z.elem_count() as f64;
    }
    Ok((zeros, all))
}

impl Work<Setup> for Swap {
    fn title(&self) -> &'static str {
        "functions exchanged and learned"
    }

    fn stage(&self) -> String {
        format!("functions exchanged, repeat {} of {}", self.ended.len() + 1, self.repeats)
    }

    fn cost(&self) -> (f64, f64) {
        let all = self.total * (TRAINED.len() * self.repeats) as u64;
        let done = (self.ended.len() * TRAINED.len() + self.kind) as u64 * self.total;
        let now = self.runner.as_ref().map_or(0, |r| r.done);
        (self.cost * all as f64, self.cost * (done + now) as f64)
    }

    fn step(&mut self, setup: &Setup) -> Result<bool> {
        if self.ended.len() == self.repeats {
            return Ok(false);
        }
        let runner = if let Some(runner) = self.runner.take() {
            runner
        } else {
            let kind: Nonlinearity = TRAINED[self.kind].into();
            Runner::new(&kind, setup.trainer(&kind, &setup.data, self.index())?)
        };
        self.advance(setup, runner)?;
        Ok(self.ended.len() < self.repeats)
    }

    fn figures(&self, _: &Setup) -> Vec<Figure> {
        let changes = self.accuracy_changes().into_iter().map(|(n, v)| (n, 100.0 * crate::stats::mean(&v))).collect();
        let slopes = (0..self.depth).map(|l| ((l + 1).to_string(), crate::stats::mean(&self.slope(l)))).collect();
        let panels = vec![
            self.bars("swap-accuracy", "GELU exchanged", "change of test accuracy / points", "run with", changes),
            self.bars("swap-slopes", "Slopes that PReLU learns", "mean slope below zero", "hidden layer", slopes),
        ];
        vec![grid("swap", "Functions exchanged and learned", self.caption(), panels)]
    }

    fn findings(&self, _: &Setup) -> Vec<Finding> {
        let mut list: Vec<Finding> = Vec::new();
        for (name, values) in self.accuracy_changes() {
            let meaning =
                format!("test accuracy of networks trained with GELU and run with {name} less that with GELU");
            list.push(Finding::arithmetic(format!("gelu_as_{name}_accuracy_change"), &values, meaning));
        }
        for layer in 0..self.depth {
            let meaning = format!("mean slope below zero that PReLU has learned in hidden layer {}", layer + 1);
            list.push(Finding::arithmetic(format!("prelu_slope_layer_{}", layer + 1), &self.slope(layer), meaning));
        }
        let meaning = "mean distance of PReLU's slopes from 0.25, where they start";
        list.push(Finding::arithmetic("prelu_slope_moved", &self.of(|s| s.moved), meaning));
        let meaning = "share of ReLU's hidden pre-activations that are exactly 0 during training";
        list.push(Finding::share("relu_exact_zero_share", &self.of(|s| s.zeros.0 / s.zeros.1), meaning));
        list
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
    use candle_core::Device;

    fn part(steps: usize) -> Vec<Finding> {
        let settings = ActivationSettings { steps, repeats: 2, depth: 2, width: 16, ..ActivationSettings::default() };
        let setup = Setup::new(settings, Context { seed: 2, device: Device::Cpu }).unwrap();
        let mut part = Swap::new(&setup);
        let names: Vec<_> = part.findings(&setup).into_iter().map(|f| f.name).collect();
        while part.step(&setup).unwrap() {}
        let findings = part.findings(&setup);
        assert_eq!(names, findings.iter().map(|f| f.name.clone()).collect::<Vec<_>>());
        findings
    }

    #[test]
    fn what_is_exchanged_is_the_function_alone() {
        let settings = ActivationSettings { depth: 2, width: 16, ..ActivationSettings::default() };
        let setup = Setup::new(settings, Context { seed: 2, device: Device::Cpu }).unwrap();
        let net = setup.build(&Activation::Gelu.into(), &setup.data, 0, DType::F64).unwrap();
        let x = crate::rng::stream(2, "x", 0).normal_tensor((20, 64), &Device::Cpu).unwrap();
        let out = |net: &Mlp| net.forward(&x, Mode::Eval).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap();
        let distance = |f| {
            let other = with_function(&net, f);
            out(&net).iter().zip(out(&other)).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
        };
        // GELU's tanh form is off by at most 4.7e-4, ReLU by 0.17: and so, through two layers, the logits.
        assert!(distance(Activation::Gelu) == 0.0);
        assert!((1e-6..1e-2).contains(&distance(Activation::GeluTanh)));
        assert!(distance(Activation::Relu) > 0.05);
    }

    #[test]
    fn slopes_start_at_a_quarter_and_are_learned() {
        let value = |list: &[Finding], name: &str| list.iter().find(|f| f.name == name).unwrap().value;
        let (early, late) = (part(1), part(60));
        // Adam's first step is the learning rate, 0.001, for every slope that has a gradient.
        assert!(value(&early, "prelu_slope_moved") <= 0.00101 && value(&early, "prelu_slope_moved") > 0.0005);
        assert!(value(&late, "prelu_slope_moved") > 0.005);
        assert!(value(&late, "relu_exact_zero_share") < 1e-3);
    }
}
