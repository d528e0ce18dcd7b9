//! Curves fitted by small networks: what a non-linearity can and cannot represent.

use super::setup::Setup;
use super::stack::{Fit, Make, Stack, r_squared};
use super::trained::grid;
use crate::figure::{Axis, Bars, Figure, Kind, Lines, Role, Series, readable};
use crate::nn::{Activation, Expression, Function};
use crate::work::Work;
use crate::{Finding, Result};
use candle_core::{Device, Tensor};
use std::f64::consts::PI;
use std::sync::Arc;

/// Samples: the middles of equal cells of the interval.
const SAMPLES: usize = 128;
const RATE: f64 = 0.02;
/// Optimiser steps of one piece of work.
const STRIDE: u64 = 20;
/// Milliseconds of a step, for the progress bar.
const COST: f64 = 0.3;

/// A curve and the network that is fitted to it.
#[derive(Clone, Copy)]
struct Scenario {
    /// The finding's name without `_r2`.
    name: &'static str,
    /// What is fitted by what.
    meaning: &'static str,
    target: fn(f64) -> f64,
    interval: (f64, f64),
    hidden: Activation,
    /// A square instead of `hidden`.
    square: bool,
    /// Factor on the first layer's weights at the start: a curve of many bends wants steep units.
    steepness: f64,
    /// Units of each hidden layer.
    widths: &'static [usize],
    /// The largest share of the variance that any such network explains, in closed form.
    best: Option<f64>,
}

const fn fit(
    name: &'static str,
    meaning: &'static str,
    (target, interval): (fn(f64) -> f64, (f64, f64)),
    hidden: Activation,
    widths: &'static [usize],
) -> Scenario {
    Scenario { name, meaning, target, interval, hidden, square: false, steepness: 1.0, widths, best: None }
}

const fn bounded(scenario: Scenario, best: f64) -> Scenario {
    Scenario { best: Some(best), ..scenario }
}

const fn squared(scenario: Scenario) -> Scenario {
    Scenario { square: true, ..scenario }
}

const fn steep(scenario: Scenario) -> Scenario {
    Scenario { steepness: 4.0, ..scenario }
}

type Curve = (fn(f64) -> f64, (f64, f64));
const WAVE: Curve = (|x| (3.0 * x).sin(), (-PI, PI));
const LINE: Curve = (|x| 2.0 * x + 1.0, (-1.0, 1.0));
const PARABOLA: Curve = (|x| x * x, (-1.0, 1.0));
const SINE: Curve = (f64::sin, (-PI, PI));
const WIDE: Curve = (|x| x, (-10.0, 10.0));
const NEGATIVE: Curve = (|x| -(-x).ln(), (-10.0, -1.0));

/// The best quadratic's share of sin 3x on [-pi, pi]: the square of its product with x,
/// (2 pi / 3)^2 / ((2 pi^3 / 3) pi).
const QUADRATIC: f64 = 2.0 / (3.0 * PI * PI);

const SCENARIOS: [Scenario; 11] = [
    bounded(
        squared(steep(fit("square_256_wave", "sin 3x by 256 squares", WAVE, Activation::Identity, &[256]))),
        QUADRATIC,
    ),
    steep(fit("tanh_4_wave", "sin 3x by 4 tanh", WAVE, Activation::Tanh, &[4])),
    steep(fit("tanh_128_wave", "sin 3x by 128 tanh", WAVE, Activation::Tanh, &[128])),
    bounded(fit("identity_line", "2x + 1 by 32 + 32 linear units", LINE, Activation::Identity, &[32, 32]), 1.0),
    bounded(fit("identity_parabola", "x^2 by 32 + 32 linear units", PARABOLA, Activation::Identity, &[32, 32]), 0.0),
    // The best line's share of sin x: (2 pi)^2 / ((2 pi^3 / 3) pi).
    bounded(
        fit("identity_sine", "sin x by 32 + 32 linear units", SINE, Activation::Identity, &[32, 32]),
        6.0 / (PI * PI),
    ),
    fit("tanh_parabola", "x^2 by 32 + 32 tanh", PARABOLA, Activation::Tanh, &[32, 32]),
    fit("relu_sine", "sin x by 32 + 32 ReLU", SINE, Activation::Relu, &[32, 32]),
    fit("relu_negative", "-ln(-x) on [-10, -1] by 64 ReLU", NEGATIVE, Activation::Relu, &[64]),
    fit("tanh_deep_wide", "x on [-10, 10] through 4 layers of 8 tanh", WIDE, Activation::Tanh, &[8, 8, 8, 8]),
    fit("relu_deep_wide", "x on [-10, 10] through 4 layers of 8 ReLU", WIDE, Activation::Relu, &[8, 8, 8, 8]),
];

impl Scenario {
    fn xs(&self) -> Vec<f64> {
        let (low, high) = self.interval;
        (0..SAMPLES).map(|i| low + (high - low) * (i as f64 + 0.5) / SAMPLES as f64).collect()
    }

    fn targets(&self) -> Vec<f64> {
        self.xs().into_iter().map(self.target).collect()
    }

    fn make(&self) -> Result<Make> {
        let hidden = if self.square {
            Function::Custom(Arc::new(Expression::parse("regression", "x^2")?))
        } else {
            self.hidden.into()
        };
        let widths = [1].into_iter().chain(self.widths.iter().copied()).chain([1]).collect();
        Ok(Make { widths, hidden, steepness: self.steepness, bias_std: 2.0 * self.steepness })
    }

    fn start(&self, setup: &Setup, index: u64, total: u64) -> Result<Fit> {
        let column = |values: &[f64]| -> Result<Tensor> {
            let values: Vec<f32> = values.iter().map(|v| *v as f32).collect();
            Ok(Tensor::from_vec(values, (SAMPLES, 1), &Device::Cpu)?.to_device(&setup.device)?)
        };
        let net = Stack::new(&self.make()?, setup.seed, index, &setup.device)?;
        Ok(Fit::new(net, column(&self.xs())?, column(&self.targets())?, RATE, total))
    }
}

/// What has become of one scenario.
#[derive(Default)]
struct Outcome {
    r2: Vec<f64>,
    /// Outputs of the first network.
    curve: Vec<f64>,
}

/// The part: networks of each scenario, one after the other.
pub struct Regression {
    outcomes: Vec<Outcome>,
    fit: Option<Fit>,
    total: u64,
    networks: usize,
    steps: u64,
}

impl Regression {
    pub fn new(setup: &Setup) -> Self {
        Self {
            outcomes: SCENARIOS.iter().map(|_| Outcome::default()).collect(),
            fit: None,
            total: 2 * setup.settings.steps as u64,
            networks: setup.settings.repeats.min(3),
            steps: 0,
        }
    }

    fn current(&self) -> Option<usize> {
        self.outcomes.iter().position(|o| o.r2.len() < self.networks)
    }

    fn curves(&self) -> Figure {
        let panel = |(s, o): (&Scenario, &Outcome)| {
            let points = |ys: &[f64]| s.xs().into_iter().zip(ys.iter().copied()).collect();
            let mut series = vec![Series::new("target", Role::Theory, points(&s.targets()))];
            if !o.curve.is_empty() {
                series.push(Series::new("network", Role::Measured, points(&o.curve)));
            }
            let caption = match o.r2.first() {
                Some(r2) => format!("{}: R^2 = {}.", s.meaning, readable(*r2)),
                None => "Nothing measured yet.".into(),
            };
            let lines = Lines { x: Axis::linear("x"), y: Axis::linear("y"), series, guides: vec![] };
            let id = format!("fit-{}", s.name.replace('_', "-"));
            Figure { id, title: s.meaning.into(), caption, kind: Kind::Lines(lines) }
        };
        let panels = SCENARIOS.iter().zip(&self.outcomes).map(panel).collect();
        grid("regression", "Curves fitted by small networks", self.caption(), panels)
    }

    fn caption(&self) -> String {
        let known = SCENARIOS.iter().zip(&self.outcomes).filter(|(_, o)| !o.r2.is_empty());
        let text = |(s, o): (&Scenario, &Outcome)| format!("{} {}", s.meaning, readable(crate::stats::mean(&o.r2)));
        match known.clone().count() {
            0 => "Nothing measured yet.".into(),
            n => format!("R^2 of {n} fits, among them: {}.", known.take(3).map(text).collect::<Vec<_>>().join("; ")),
        }
    }

    fn bars(&self) -> Figure {
        let measured = self.outcomes.iter().map(|o| crate::stats::mean(&o.r2)).collect();
        let best = SCENARIOS.iter().map(|s| s.best.unwrap_or(f64::NAN)).collect();
        let bars = Bars {
            y: Axis::linear("share of the variance explained, R^2").within(0.0, 1.0),
            x_label: "curve and network".into(),
            categories: SCENARIOS.iter().map(|s| s.meaning.into()).collect(),
            groups: vec![("measured".into(), measured), ("best possible, closed form".into(), best)],
        };
        let kind = Kind::Bars(bars);
        Figure { id: "regression-r2".into(), title: "How well curves are fitted".into(), caption: self.caption(), kind }
    }
}

impl Work<Setup> for Regression {
    fn title(&self) -> &'static str {
        "curves fitted"
    }

    fn stage(&self) -> String {
        self.current().map_or_else(String::new, |i| format!("fitting {}", SCENARIOS[i].meaning))
    }

    fn cost(&self) -> (f64, f64) {
        let all = SCENARIOS.len() as u64 * self.networks as u64 * self.total;
        (COST * all as f64, COST * self.steps as f64)
    }

    fn step(&mut self, setup: &Setup) -> Result<bool> {
        let Some(current) = self.current() else { return Ok(false) };
        let mut fit = match self.fit.take() {
            Some(fit) => fit,
            None => SCENARIOS[current].start(setup, self.outcomes[current].r2.len() as u64, self.total)?,
        };
        for _ in 0..STRIDE {
            if fit.open() {
                fit.step()?;
                self.steps += 1;
            }
        }
        if fit.open() {
            self.fit = Some(fit);
            return Ok(true);
        }
        let (outputs, outcome) = (fit.outputs()?, &mut self.outcomes[current]);
        outcome.r2.push(r_squared(&SCENARIOS[current].targets(), &outputs));
        if outcome.curve.is_empty() {
            outcome.curve = outputs;
        }
        Ok(self.current().is_some())
    }

    fn figures(&self, _: &Setup) -> Vec<Figure> {
        vec![self.bars(), self.curves()]
    }

    fn findings(&self, _: &Setup) -> Vec<Finding> {
        let finding = |(s, o): (&Scenario, &Outcome)| {
            let meaning = format!("share of the variance explained, {}", s.meaning);
            Finding::arithmetic(format!("{}_r2", s.name), &o.r2, meaning).predicted(s.best)
        };
        SCENARIOS.iter().zip(&self.outcomes).map(finding).collect()
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

    fn run(steps: usize) -> Vec<Finding> {
        let settings = ActivationSettings { steps, repeats: 1, ..ActivationSettings::default() };
        let setup = Setup::new(settings, Context { seed: 3, device: Device::Cpu }).unwrap();
        let mut part = Regression::new(&setup);
        let (figures, names) = (part.figures(&setup).len(), part.findings(&setup).len());
        while part.step(&setup).unwrap() {}
        assert_eq!((figures, names), (part.figures(&setup).len(), part.findings(&setup).len()));
        part.findings(&setup)
    }

    #[test]
    fn no_network_beats_its_closed_form_and_linear_ones_reach_it() {
        let findings = run(150);
        for finding in findings.iter().filter(|f| f.predicted.is_some()) {
            let best = finding.predicted.unwrap();
            // The samples' best differs from the integral's by the midpoint rule's error, about (3 pi/128)^2.
            assert!(finding.value <= best + 0.01, "{}: {} above {best}", finding.name, finding.value);
            if finding.name.starts_with("identity") {
                assert!(finding.value >= best - 0.01, "{}: {} below {best}", finding.name, finding.value);
            }
        }
        let value = |name: &str| findings.iter().find(|f| f.name == name).unwrap().value;
        assert!(value("tanh_parabola_r2") > 0.95 && value("relu_sine_r2") > 0.95);
    }

    #[test]
    fn the_best_shares_are_those_of_the_integrals() {
        // Least squares of 1, x, x^2 on the middles of 4000 cells: by hand for an odd curve, x alone counts.
        let share = |target: fn(f64) -> f64| {
            let xs: Vec<f64> = (0..4000).map(|i| PI * (2.0 * (f64::from(i) + 0.5) / 4000.0 - 1.0)).collect();
            let sum = |f: &dyn Fn(f64) -> f64| xs.iter().map(|x| f(*x)).sum::<f64>();
            sum(&|x| x * target(x)).powi(2) / (sum(&|x| x * x) * sum(&|x| target(x).powi(2)))
        };
        assert!((share(|x| (3.0 * x).sin()) - QUADRATIC).abs() < 1e-5 && (QUADRATIC - 0.0675).abs() < 5e-5);
        assert!((share(f64::sin) - 6.0 / (PI * PI)).abs() < 1e-5);
    }
}
