//! What 8 bits leave of each function.
//!
//! Symmetric quantisation of a whole tensor: x = s q with codes q from -128 to 127, one s for all,
//! rounding half to even. Inputs from N(0, 1) are clipped at 4, so s = 4/127. The output is quantised
//! with the same scale, or with its own, max |f| / 127 over the codes' inputs.

use super::setup::Setup;
use crate::figure::{Axis, Bars, Figure, Kind, Lines, Role, Series, Table, readable};
use crate::nn::Function;
use crate::nn::activation::Scalar;
use crate::work::Work;
use crate::{Finding, Result};

/// Inputs are clipped here: 6 of 100 000 draws from N(0, 1) lie beyond.
pub(super) const CLIP: f64 = 4.0;
const LARGEST: f64 = 127.0;
const LOWEST_CODE: i32 = -128;
const HIGHEST_CODE: i32 = 127;
/// Functions whose staircase is drawn.
const SHOWN: usize = 4;
/// A code's output is exact if it is within this share of a step of a whole number of steps: f has
/// rounding of its own.
const WHOLE: f64 = 1e-9;

/// What quantisation made of one function.
#[derive(Debug, Clone, PartialEq)]
struct Row {
    name: String,
    key: String,
    same: Loss,
    own: Loss,
    /// The output's own scale.
    scale: f64,
}

/// What one output scale costs.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Loss {
    /// Different output codes of the 127 negative input codes -127 to -1.
    codes: usize,
    /// Negative input codes for which f is not 0 but its code is.
    zeroed: usize,
    /// Root mean square error over the negative input codes, relative to that of f there.
    error: f64,
    /// Signal to quantisation noise for N(0, 1) inputs, dB; infinite where nothing is lost.
    sqnr: f64,
    /// Input codes of 256 whose output is a whole number of steps within the range.
    exact: usize,
}

fn input_scale() -> f64 {
    CLIP / LARGEST
}

/// The output code of `value`.
fn code(value: f64, scale: f64) -> f64 {
    (value / scale).round_ties_even().clamp(f64::from(LOWEST_CODE), f64::from(HIGHEST_CODE))
}

/// The scale that gives the largest |f| over the input codes -127 to 127 the code 127.
fn own_scale(f: &impl Scalar) -> f64 {
    let sizes = (-HIGHEST_CODE..=HIGHEST_CODE).map(|q| f.value(f64::from(q) * input_scale()).abs());
    let most = sizes.filter(|v| v.is_finite()).fold(0.0, f64::max);
    if most > 0.0 { most / LARGEST } else { input_scale() }
}

fn loss(f: &impl Scalar, scale: f64) -> Loss {
    let at = |q: i32| {
        let value = f.value(f64::from(q) * input_scale());
        (value, code(value, scale))
    };
    let negative: Vec<(f64, f64)> = (-HIGHEST_CODE..0).map(at).collect();
    let mut codes: Vec<i32> = negative.iter().map(|(_, c)| *c as i32).collect();
    codes.sort_unstable();
    codes.dedup();
    let power = |list: &[(f64, f64)]| list.iter().map(|(v, _)| v * v).sum::<f64>();
    let noise = |list: &[(f64, f64)]| list.iter().map(|(v, c)| (c * scale - v).powi(2)).sum::<f64>();
    let (lost, signal) = (noise(&negative), power(&negative));
    let error = if lost == 0.0 { 0.0 } else { (lost / signal).sqrt() };
    // The density of N(0, 1) weighs the codes.
    let weighed = (LOWEST_CODE..=HIGHEST_CODE).map(|q| {
        let (value, code) = at(q);
        let weight = (-0.5 * (f64::from(q) * input_scale()).powi(2)).exp();
        (weight * value * value, weight * (code * scale - value).powi(2))
    });
    let (signal, lost) = weighed.fold((0.0, 0.0), |(a, b), (v, n)| (a + v, b + n));
    let whole = |q: &i32| {
        let (value, code) = at(*q);
        (value / scale - code).abs() <= WHOLE
    };
    let exact = (LOWEST_CODE..=HIGHEST_CODE).filter(whole).count();
    let sqnr = if exact == 256 { f64::INFINITY } else { 10.0 * (signal / lost).log10() };
    let zeroed = negative.iter().filter(|(v, c)| *v != 0.0 && *c == 0.0).count();
    Loss { codes: codes.len(), zeroed, error, sqnr, exact }
}

/// The part: one function a step.
pub struct Quantisation {
    total: usize,
    rows: Vec<Row>,
    steps: Vec<(Series, Series)>,
}

impl Quantisation {
    pub fn new(setup: &Setup) -> Self {
        Self { total: setup.functions().count(), rows: Vec::new(), steps: Vec::new() }
    }

    fn table(&self) -> Figure {
        let rows = self.rows.iter().map(|r| {
            vec![
                r.name.clone(),
                r.same.codes.to_string(),
                r.same.zeroed.to_string(),
                format!("{} %", readable(100.0 * r.same.error)),
                format!("{} of 256", r.same.exact),
                decibels(r.same.sqnr),
                readable(r.scale),
                r.own.codes.to_string(),
                r.own.zeroed.to_string(),
                decibels(r.own.sqnr),
            ]
        });
        let columns = [
            "function",
            "codes of negatives",
            "negatives to 0",
            "error of negatives",
            "exact codes",
            "SQNR",
            "own scale",
            "codes, own scale",
            "to 0, own scale",
            "SQNR, own scale",
        ];
        let columns = columns.map(String::from).to_vec();
        let kind = Kind::Table(Table { columns, rows: rows.collect() });
        Figure { id: "quantisation".into(), title: "Activations in 8 bits".into(), caption: self.caption(), kind }
    }

    fn caption(&self) -> String {
        let most = self.rows.iter().max_by_key(|r| r.same.zeroed);
        let Some(most) = most else { return "Nothing computed yet.".into() };
        let exact: Vec<_> = self.rows.iter().filter(|r| r.same.exact == 256).map(|r| r.name.as_str()).collect();
        let exact = if exact.is_empty() { "no function".into() } else { exact.join(", ") };
        format!(
            "INT8, inputs in [-4, 4]: exact for all 256 codes with the input's scale: {exact}. Most is lost below zero by {}: {} of 127 negative codes become 0.",
            most.name, most.same.zeroed
        )
    }

    fn bars(&self) -> Figure {
        let finite = |v: f64| if v.is_finite() { v } else { f64::NAN };
        let bars = Bars {
            y: Axis::linear("signal to quantisation noise, dB"),
            x_label: "function".into(),
            categories: self.rows.iter().map(|r| r.name.clone()).collect(),
            groups: vec![
                ("input's scale".into(), self.rows.iter().map(|r| finite(r.same.sqnr)).collect()),
                ("own scale".into(), self.rows.iter().map(|r| finite(r.own.sqnr)).collect()),
            ],
        };
        let gain = |r: &&Row| r.own.sqnr - r.same.sqnr;
        let most = self.rows.iter().filter(|r| gain(r).is_finite()).max_by(|a, b| gain(a).total_cmp(&gain(b)));
        let caption = match most {
            Some(r) => format!(
                "A scale of its own for the output brings {} most: {} dB more. No bar: nothing is lost, or the function is not finite for some codes.",
                r.name,
                readable(gain(&r))
            ),
            None if self.rows.is_empty() => "Nothing computed yet.".into(),
            None => "Nothing is lost.".into(),
        };
        Figure {
            id: "quantisation-noise".into(),
            title: "Signal and noise in 8 bits".into(),
            caption,
            kind: Kind::Bars(bars),
        }
    }

    fn staircase(&self) -> Figure {
        let series: Vec<Series> = self.steps.iter().flat_map(|(codes, f)| [codes.clone(), f.clone()]).collect();
        let caption = match self.rows.first() {
            Some(first) => format!(
                "Below zero in 8 bits, with one scale for input and output. {}: {} output codes for 127 input codes.",
                first.name, first.same.codes
            ),
            None => "Nothing computed yet.".into(),
        };
        let x = Axis::linear("x").within(-CLIP, 0.0);
        let lines = Lines { x, y: Axis::linear("f(x)"), series, guides: vec![] };
        Figure { id: "quantisation-steps".into(), title: "Stairs below zero".into(), caption, kind: Kind::Lines(lines) }
    }
}

fn decibels(value: f64) -> String {
    if value.is_finite() { format!("{value:.1} dB") } else { readable(value) }
}

/// f and its quantised form over the negative codes.
fn stairs(f: &Function) -> (Series, Series) {
    let scale = input_scale();
    let xs = (-HIGHEST_CODE..=0).map(|q| f64::from(q) * scale);
    let exact = xs.clone().map(|x| (x, f.value(x))).collect();
    // Both ends of each code's interval: a stair.
    let stair = xs.flat_map(|x| {
        let y = code(f.value(x), scale) * scale;
        [(x - 0.5 * scale, y), (x + 0.5 * scale, y)]
    });
    let name = f.name();
    let quantised = Series::new(name.as_str(), Role::Measured, stair.collect());
    (quantised, Series::new(format!("{name}, exact"), Role::Theory, exact))
}

impl Work<Setup> for Quantisation {
    fn title(&self) -> &'static str {
        "8-bit quantisation"
    }

    fn stage(&self) -> String {
        format!("8 bits, function {} of {}", self.rows.len() + 1, self.total)
    }

    fn cost(&self) -> (f64, f64) {
        (self.total as f64, self.rows.len() as f64)
    }

    fn step(&mut self, setup: &Setup) -> Result<bool> {
        if let Some((f, key)) = setup.functions().nth(self.rows.len()) {
            let scale = own_scale(f);
            let (same, own) = (loss(f, input_scale()), loss(f, scale));
            self.rows.push(Row { name: f.name(), key, same, own, scale });
            if self.steps.len() < SHOWN {
                self.steps.push(stairs(f));
            }
        }
        Ok(self.rows.len() < self.total)
    }

    fn figures(&self, _: &Setup) -> Vec<Figure> {
        vec![self.table(), self.bars(), self.staircase()]
    }

    fn findings(&self, _: &Setup) -> Vec<Finding> {
        let of = |r: &Row| {
            let make = |what: &str, value: f64, meaning: String| {
                // Counts and sums of 256 terms.
                Finding::exact(format!("{}_int8_{what}", r.key), value, 1e-12 * value.abs(), meaning).note(
                    match value {
                        v if v.is_nan() => "not finite for some codes",
                        f64::INFINITY => "nothing is lost",
                        _ => "",
                    },
                )
            };
            let name = &r.name;
            [
                make(
                    "negative_codes",
                    r.same.codes as f64,
                    format!("Output codes of the 127 negative input codes, {name}"),
                ),
                make(
                    "zeroed",
                    r.same.zeroed as f64,
                    format!("Negative input codes that become 0 though {name} is not 0"),
                ),
                make(
                    "negative_error",
                    r.same.error,
                    format!("Relative root mean square error over negative codes, {name}"),
                ),
                make(
                    "exact_codes",
                    r.same.exact as f64,
                    format!("Input codes of 256 for which {name} is exact in 8 bits"),
                ),
                make("sqnr", r.own.sqnr, format!("Signal to quantisation noise, N(0, 1), own output scale, {name}"))
                    .unit("dB"),
            ]
        };
        self.rows.iter().flat_map(of).collect()
    }
}
