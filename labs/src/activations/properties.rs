//! Exact properties beside measured ones.

use super::moments::{self, Estimate};
use super::probe::{Found, Of, Probe};
use super::setup::Setup;
use crate::figure::{Figure, Kind, Table, readable};
use crate::nn::activation::properties::{Extreme, Kink, Place, Properties as Exact, Smoothness};
use crate::nn::{Function, Nonlinearity};
use crate::work::Work;
use crate::{Finding, Result};

/// Values closer than this, relative to 1 or to their size, are equal.
const VALUE_TOLERANCE: f64 = 1e-9;
/// f is flat at an extreme: where it lies is known to the root of what its height is known to.
const PLACE_TOLERANCE: f64 = 1e-6;
/// Integrals, and the slopes on both sides of a kink by difference quotients.
const MOMENT_TOLERANCE: f64 = 1e-10;
const KINK_TOLERANCE: f64 = 1e-6;
/// An integral whose two rules differ by more than this share is not given.
const UNSETTLED: f64 = 1e-6;
/// A Monte-Carlo mean farther than this from the integral, in standard errors, is no accident: one in
/// two million.
const FARTHEST: f64 = 5.0;

/// What a function showed of itself.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Shown {
    /// Infimum and supremum of f, then of f'.
    pub extremes: [Found; 4],
    pub kinks: Vec<Kink>,
    pub monotone: bool,
    pub odd: bool,
}

/// One row: a function or a gate, what is known and what was measured.
struct Row {
    name: String,
    key: String,
    exact: Option<Exact>,
    exact_moments: Option<Estimate>,
    shown: Option<Shown>,
    moments: Estimate,
    sampled: Estimate,
}

/// The part: one function or gate a step.
pub struct Properties {
    total: usize,
    rows: Vec<Row>,
    draws: Vec<f64>,
}

/// Quantities of [`Shown::extremes`], for names of rows and findings.
const EXTREMES: [(&str, Of, f64); 4] = [
    ("smallest value", Of::Value, -1.0),
    ("largest value", Of::Value, 1.0),
    ("smallest slope", Of::Slope, -1.0),
    ("largest slope", Of::Slope, 1.0),
];

fn show(probe: Probe) -> Result<Shown> {
    let xs = probe.scan();
    let (values, slopes) = (probe.values(&xs)?, probe.slopes(&xs)?);
    let find =
        |(_, of, sign): (&str, Of, f64)| probe.extreme(of, sign, &xs, if of == Of::Value { &values } else { &slopes });
    let [a, b, c, d] = EXTREMES.map(find);
    let rounding = |v: f64| 1e-12 * v.abs().max(1.0);
    let monotone = values.windows(2).all(|v| v[1] - v[0] >= -rounding(v[0]));
    let odd = values.iter().zip(values.iter().rev()).all(|(a, b)| (a + b).abs() <= rounding(*a));
    Ok(Shown { extremes: [a?, b?, c?, d?], kinks: probe.kinks(&xs, &values)?, monotone, odd })
}

pub(super) fn near(a: f64, b: f64, tolerance: f64) -> bool {
    if a.is_finite() && b.is_finite() {
        return (a - b).abs() <= tolerance * a.abs().max(b.abs()).max(1.0);
    }
    // Infinite ones have no difference, and no tolerance.
    a.total_cmp(&b).is_eq()
}

/// Whether an extreme was found where it is.
fn placed(exact: Extreme, found: Found) -> bool {
    match (exact.place, found.x) {
        (Place::At(x) | Place::Before(x) | Place::After(x), Some(at)) => near(x, at, PLACE_TOLERANCE),
        (Place::Both(x), Some(at)) => near(x.abs(), at.abs(), PLACE_TOLERANCE),
        (Place::At(_) | Place::Both(_) | Place::Before(_) | Place::After(_), None) => false,
        // All along a stretch, or only approached: rounding decides where that is first seen.
        (Place::Between(..) | Place::Nowhere, _) => true,
    }
}

fn same_kinks(exact: &[Kink], found: &[Kink]) -> bool {
    let same = |(a, b): (&Kink, &Kink)| {
        [(a.x, b.x), (a.left, b.left), (a.right, b.right)].iter().all(|(a, b)| near(*a, *b, KINK_TOLERANCE))
    };
    exact.len() == found.len() && exact.iter().zip(found).all(same)
}

/// What of `shown` is not as it should be.
pub(super) fn contradictions(exact: &Exact, shown: &Shown) -> Vec<&'static str> {
    let truth = [exact.low, exact.high, exact.low_slope, exact.high_slope];
    let mut list: Vec<&str> = Vec::new();
    for ((exact, found), (what, ..)) in truth.into_iter().zip(shown.extremes).zip(EXTREMES) {
        if !near(exact.value, found.value, VALUE_TOLERANCE) || !placed(exact, found) {
            list.push(what);
        }
    }
    let smooth = exact.smoothness != Smoothness::Continuous;
    let others = [
        ("kinks", same_kinks(&exact.kinks, &shown.kinks) && smooth == shown.kinks.is_empty()),
        ("monotone", exact.monotone == shown.monotone),
        ("odd", exact.odd == shown.odd),
    ];
    list.extend(others.into_iter().filter(|(_, holds)| !holds).map(|(what, _)| what));
    list
}

impl Row {
    fn new(kind: &Nonlinearity, draws: &[f64]) -> Result<Self> {
        let (name, key) = (kind.name(), kind.key());
        match kind {
            Nonlinearity::Function(function) => {
                let probe = Probe::new(function);
                let shown = show(probe)?;
                let exact = match function {
                    Function::Named(shape) => Some(shape.properties()),
                    Function::Custom(_) => None,
                };
                let moments = moments::of_function(probe, &shown.kinks)?;
                let sampled = moments::sample_function(probe, draws)?;
                let exact_moments = exact.as_ref().and_then(|e| e.moments).map(Estimate::from);
                Ok(Self { name, key, exact, exact_moments, shown: Some(shown), moments, sampled })
            }
            Nonlinearity::Layers(_) => Self::new(kind.layer(0), draws),
            Nonlinearity::Gate(gate) => {
                let (moments, sampled) = (moments::of_gate(*gate)?, moments::sample_gate(*gate, draws)?);
                let exact_moments = moments::gate_moments(*gate);
                Ok(Self { name, key, exact: None, exact_moments, shown: None, moments, sampled })
            }
        }
    }

    /// What of the measured is not as it should be.
    fn contradictions(&self) -> Vec<&'static str> {
        let mut list = match (&self.exact, &self.shown) {
            (Some(exact), Some(shown)) => contradictions(exact, shown),
            _ => Vec::new(),
        };
        if let Some(exact) = &self.exact_moments {
            let names = ["E f", "E f^2", "E f'^2"];
            let wrong = |i: &usize| {
                let (a, b) = (exact.value[*i], self.moments.value[*i]);
                !near(a, b, MOMENT_TOLERANCE) && !a.is_nan()
            };
            list.extend((0..3).filter(wrong).map(|i| names[i]));
        }
        if self.settled() && self.moments.distance(&self.sampled) > FARTHEST {
            list.push("Monte Carlo");
        }
        list
    }

    fn agrees(&self) -> String {
        let wrong = self.contradictions();
        match (self.exact.is_some() || self.exact_moments.is_some(), wrong.is_empty()) {
            (_, false) => format!("NO: {}", wrong.join(", ")),
            (true, true) => "yes".into(),
            (false, true) => "nothing to compare with".into(),
        }
    }

    fn findings(&self) -> Vec<Finding> {
        let (name, key) = (&self.name, &self.key);
        let mut list = Vec::new();
        if let Some(shown) = &self.shown {
            let exact = |of: fn(&Exact) -> Extreme| self.exact.as_ref().map(|e| of(e).value);
            let (low, steep) = (shown.extremes[0], shown.extremes[3]);
            let finding = |what: &str, found: Found, predicted: Option<f64>, meaning: String| {
                let finding = Finding::exact(format!("{key}_{what}"), found.value, found.error, meaning);
                let wrong = predicted.is_some_and(|truth| !near(truth, found.value, VALUE_TOLERANCE));
                match (wrong, found.value.is_finite()) {
                    (true, _) => finding.interval(None).predicted(predicted).note("not what is known to be exact"),
                    (_, true) => finding.predicted(predicted),
                    (_, false) => finding.note("no bound"),
                }
            };
            list.push(finding("min", low, exact(|e| e.low), format!("Infimum of {name}")));
            let meaning = format!("Supremum of the slope of {name}");
            list.push(finding("max_slope", steep, exact(|e| e.high_slope), meaning));
            let jump = |kinks: &[Kink]| kinks.iter().map(|k| (k.right - k.left).abs()).fold(0.0, f64::max);
            let meaning = format!("Largest jump of the slope of {name} at a kink; 0: none found");
            let truth = self.exact.as_ref().map(|e| jump(&e.kinks));
            let jump = Finding::exact(format!("{key}_slope_jump"), jump(&shown.kinks), KINK_TOLERANCE, meaning);
            list.push(jump.predicted(truth));
            let meaning = format!("Infimum of the slope of {name}");
            list.push(finding("min_slope", shown.extremes[2], exact(|e| e.low_slope), meaning));
        }
        list.extend(self.moment_findings());
        list
    }

    /// Whether E f^2 is a number that quadrature finds.
    fn settled(&self) -> bool {
        self.moments.error[1] <= UNSETTLED * self.moments.value[1].abs().max(1.0)
    }

    /// Means for N(0, 1); without a value where the integrals do not settle, as for 1/x.
    fn moment_findings(&self) -> Vec<Finding> {
        let (name, key) = (&self.name, &self.key);
        let mut list = Vec::new();
        if !self.settled() {
            let meaning = format!("Mean square of the output for inputs from N(0, 1), {name}");
            let finding = Finding::new(format!("{key}_mean_square"), f64::NAN, meaning);
            return vec![finding.note("the integral does not settle; the mean may not exist either")];
        }
        let truth = |i: usize| self.exact_moments.map(|e| e.value[i]);
        let moments = [
            ("mean", "Mean of the output for inputs from N(0, 1)"),
            ("mean_square", "Mean square of the output for inputs from N(0, 1)"),
            ("slope_square", "Mean square of the slope for inputs from N(0, 1)"),
        ];
        for (i, (what, meaning)) in moments.into_iter().enumerate().filter(|(i, _)| self.moments.value[*i].is_finite())
        {
            let (value, error) = (self.moments.value[i], self.moments.error[i]);
            let meaning = format!("{meaning}, {name}");
            list.push(Finding::exact(format!("{key}_{what}"), value, error, meaning).predicted(truth(i)));
        }
        let (gain, error) = self.moments.gain();
        let meaning = format!("Factor on weights N(0, 1/fan-in) that keeps the second moment, {name}");
        let predicted = self.exact_moments.map(|e| e.gain().0);
        list.push(Finding::exact(format!("{key}_gain"), gain, error, meaning).predicted(predicted));
        let (chi, error) = self.moments.chi();
        // A gate has no derivative of one variable.
        if !chi.is_nan() {
            let meaning = format!("E f'^2 / E f^2, {name}: factor of the gradient's square where the signal's is kept");
            let predicted = self.exact_moments.map(|e| e.chi().0);
            list.push(Finding::exact(format!("{key}_chi"), chi, error, meaning).predicted(predicted));
        }
        list
    }
}

fn yes(flag: bool) -> String {
    if flag { "yes" } else { "no" }.into()
}

fn kinks(list: &[Kink]) -> String {
    let one = |k: &Kink| format!("{} ({} | {})", readable(k.x), readable(k.left), readable(k.right));
    if list.is_empty() { "none".into() } else { list.iter().map(one).collect::<Vec<_>>().join(", ") }
}

/// An expectation to ten digits, of which two more are right.
fn digits(value: f64) -> String {
    if value.is_nan() { "–".into() } else { format!("{:.10}", if value.abs() < 5e-11 { 0.0 } else { value }) }
}

impl Properties {
    pub fn new(setup: &Setup) -> Self {
        Self { total: setup.single().count(), rows: Vec::new(), draws: Vec::new() }
    }

    fn table(id: &str, title: &str, caption: String, columns: &[&str], rows: Vec<Vec<String>>) -> Figure {
        let columns = columns.iter().map(|c| (*c).to_string()).collect();
        Figure { id: id.into(), title: title.into(), caption, kind: Kind::Table(Table { columns, rows }) }
    }

    fn caption(&self, text: impl Fn() -> String) -> String {
        if self.rows.is_empty() { "Nothing measured yet.".into() } else { text() }
    }

    fn shape_table(&self) -> Figure {
        let shown = self.rows.iter().filter_map(|row| Some((row, row.shown.as_ref()?)));
        let rows = shown.map(|(row, shown)| {
            let exact = row.exact.as_ref();
            vec![
                row.name.clone(),
                exact.map_or_else(|| row.name.clone(), |e| e.formula.clone()),
                exact.map_or("–", |e| e.smoothness.name()).into(),
                kinks(&shown.kinks),
                yes(shown.monotone),
                yes(shown.odd),
                row.agrees(),
            ]
        });
        let caption = self.caption(|| {
            let wrong = self.disagreements();
            let known = self.rows.iter().filter(|r| r.exact.is_some() || r.exact_moments.is_some()).count();
            format!(
                "Measured properties of {} that differ from the exact ones: {wrong}. Kinks: x (slope left | right), found by one-sided difference quotients on [-30, 30].",
                match known { 1 => "1 non-linearity".into(), n => format!("{n} non-linearities") },
            )
        });
        let columns = ["function", "f(x)", "smoothness", "kinks", "monotone", "odd", "measured as exact"];
        Self::table("properties", "Properties of the functions", caption, &columns, rows.collect())
    }

    fn extremes_table(&self) -> Figure {
        let mut rows = Vec::new();
        for (row, shown) in self.rows.iter().filter_map(|row| Some((row, row.shown.as_ref()?))) {
            let exact = row.exact.as_ref().map(|e| [e.low, e.high, e.low_slope, e.high_slope]);
            for (i, (what, ..)) in EXTREMES.into_iter().enumerate() {
                let found = shown.extremes[i];
                let truth = exact.map(|e| e[i]);
                let wrong = row.contradictions().contains(&what);
                rows.push(vec![
                    row.name.clone(),
                    what.into(),
                    truth.map_or_else(|| "–".into(), |e| extreme(e.value)),
                    truth.map_or_else(|| "–".into(), |e| e.place.to_string()),
                    extreme(found.value),
                    found.x.map_or_else(
                        || "not attained".into(),
                        |x| format!("x = {}", readable((x * 1e6).round() / 1e6)),
                    ),
                    if truth.is_some() { yes(!wrong) } else { "–".into() },
                ]);
            }
        }
        let caption = self.caption(|| {
            let steep = self.rows.iter().filter_map(|r| Some((r.shown.as_ref()?.extremes[3].value, &r.name)));
            let above: Vec<_> = steep.filter(|(v, _)| *v > 1.0 + 1e-9).map(|(_, name)| name.as_str()).collect();
            let above = if above.is_empty() { "none".into() } else { above.join(", ") };
            format!("Slopes exceed 1: {above}. Measured: a scan of [-30, 30], refined, with slopes by autograd; limits at 1e150.")
        });
        let columns = ["function", "what", "exact", "exact, where", "measured", "measured, where", "agrees"];
        Self::table("extremes", "Smallest and largest values and slopes", caption, &columns, rows)
    }

    fn moments_table(&self) -> Figure {
        let rows = self.rows.iter().map(|row| {
            let m = &row.moments;
            let off = row.exact_moments.map(|e| {
                let difference = |i: usize| (e.value[i] - m.value[i]).abs();
                (0..3).map(difference).filter(|d| !d.is_nan()).fold(0.0, f64::max)
            });
            let bound = m.error.iter().copied().filter(|e| !e.is_nan()).fold(0.0, f64::max);
            let mut cells = vec![row.name.clone()];
            cells.extend(m.value.map(digits));
            cells.extend([digits(m.gain().0), digits(m.chi().0)]);
            cells.push(off.map_or_else(|| "–".into(), |d| format!("{d:.0e}")));
            cells.extend([format!("{bound:.0e}"), format!("{:.1}", m.distance(&row.sampled))]);
            cells
        });
        let caption = self.caption(|| {
            let centred = |r: &&Row| r.moments.value[0].abs() < 1e-9;
            let names: Vec<_> = self.rows.iter().filter(centred).map(|r| r.name.as_str()).collect();
            let names = if names.is_empty() { "none".into() } else { names.join(", ") };
            format!(
                "For inputs from N(0, 1) the mean output is 0 for: {names}. Gain = 1/sqrt(E f^2); chi = E f'^2/E f^2, above 1: gradients grow where the second moment is kept. Monte Carlo: {} draws, farthest of the means in standard errors.",
                moments::DRAWS
            )
        });
        let columns =
            ["function", "E f", "E f^2", "E f'^2", "gain", "chi", "off exact by", "error bound", "Monte Carlo off"];
        Self::table("moments", "Means over a normal input", caption, &columns, rows.collect())
    }

    fn disagreements(&self) -> usize {
        self.rows.iter().map(|row| row.contradictions().len()).sum()
    }
}

/// An extreme to ten digits; infinite ones in words.
fn extreme(value: f64) -> String {
    if value.is_finite() { digits(value) } else { readable(value) }
}

impl Work<Setup> for Properties {
    fn title(&self) -> &'static str {
        "exact and measured properties"
    }

    fn stage(&self) -> String {
        format!("properties, function {} of {}", self.rows.len() + 1, self.total)
    }

    fn cost(&self) -> (f64, f64) {
        (60.0 * self.total as f64, 60.0 * self.rows.len() as f64)
    }

    fn step(&mut self, setup: &Setup) -> Result<bool> {
        if self.draws.is_empty() {
            self.draws = moments::draws(setup.seed);
            return Ok(true);
        }
        if let Some(kind) = setup.single().nth(self.rows.len()) {
            self.rows.push(Row::new(kind, &self.draws)?);
        }
        Ok(self.rows.len() < self.total)
    }

    fn figures(&self, _: &Setup) -> Vec<Figure> {
        vec![self.shape_table(), self.extremes_table(), self.moments_table()]
    }

    fn findings(&self, _: &Setup) -> Vec<Finding> {
        let mut list: Vec<Finding> = self.rows.iter().flat_map(Row::findings).collect();
        if !self.rows.is_empty() {
            let meaning = "Measured properties that differ from the exact ones, over all functions";
            list.push(Finding::exact("disagreements", self.disagreements() as f64, 0.0, meaning).predicted(Some(0.0)));
        }
        list
    }
}
