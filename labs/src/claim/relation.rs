//! What a sentence says of findings, as data.

use super::statistic::{Statistic, Test};
use crate::control::Control;
use crate::nn::expression::{Decimal, with_leading_minus};
use crate::stats::fit_line;
use exmex::{Express, FlatEx, FloatOpsFactory};
use serde::{Deserialize, Serialize};

/// A relation that holds or does not, written as a table of a claims file:
///
/// | form | it holds when |
/// |---|---|
/// | `{ within = "f", low = 1, high = 2 }` | 1 <= f <= 2; either end may be missing |
/// | `{ less = "f", than = "g", effect = 0.1 }` | f + 0.1 <= g |
/// | `{ greater = "f", than = "g", effect = 0.1 }` | f >= g + 0.1 |
/// | `{ difference = "f", minus = "g", low = -1, high = 1 }` | -1 <= f - g <= 1 |
/// | `{ ratio = "f", over = "g", low = 1.9, high = 2.1 }` | 1.9 <= f / g <= 2.1 |
/// | `{ slope = ["f", "g", "h"], at = [1, 2, 4], log_x = true, log_y = true, low = 1.9, high = 2.1 }` | the least-squares line through them has such a slope |
/// | `{ monotone = ["f", "g", "h"], direction = "rising", effect = 0.01 }` | each step is at least 0.01 |
/// | `{ equal = "f", formula = "0.25^depth", tolerance = 1e-6 }` | f is the formula to that relative error |
///
/// `effect` is the smallest effect that matters; 0 when left out. A formula may name other findings and
/// numeric controls. What is compared is the mean over the observations, of each finding's own kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Fields", into = "Fields")]
pub enum Relation {
    /// A finding lies in a range.
    Within {
        /// The finding.
        of: String,
        /// Where: both ends inclusive.
        range: Range,
    },
    /// The difference of two findings lies in a range.
    Difference {
        /// The finding.
        of: String,
        /// What is taken from it.
        minus: String,
        /// Where.
        range: Range,
    },
    /// The ratio of two findings lies in a range.
    Ratio {
        /// The numerator.
        of: String,
        /// The denominator.
        over: String,
        /// Where.
        range: Range,
    },
    /// The slope of a straight line through findings lies in a range.
    Slope {
        /// The findings.
        of: Vec<String>,
        /// Where on the x axis each stands.
        at: Vec<f64>,
        /// Whether x is taken as its natural logarithm.
        log_x: bool,
        /// Whether y is taken as its natural logarithm.
        log_y: bool,
        /// Where.
        range: Range,
    },
    /// Findings rise, or fall, each by at least `effect`.
    Monotone {
        /// The findings in order.
        of: Vec<String>,
        /// Whether they rise.
        rising: bool,
        /// The smallest step that counts.
        effect: f64,
    },
    /// A finding equals a formula.
    Equal {
        /// The finding.
        of: String,
        /// Numbers, functions, other findings, numeric controls.
        formula: String,
        /// Largest relative error; absolute where the formula is 0.
        tolerance: f64,
    },
}

/// A range, both ends inclusive; either may be missing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    /// Lower end.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
}

/// The tables as they stand in a file: one key says the form, the others belong to it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    #[serde(skip_serializing_if = "Option::is_none")]
    within: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    less: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    greater: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    than: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    difference: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    minus: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ratio: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    over: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    slope: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Vec<f64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log_x: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log_y: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    monotone: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    direction: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    effect: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    equal: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    formula: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tolerance: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    low: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    high: Option<f64>,
}

const FORMS: &str = "one of within, less, greater, difference, ratio, slope, monotone, equal";

impl TryFrom<Fields> for Relation {
    type Error = String;

    fn try_from(mut fields: Fields) -> Result<Self, String> {
        let relation = take(&mut fields)?;
        // What was not taken does not belong to this form.
        if fields == Fields::default() {
            relation.check()?;
            Ok(relation)
        } else {
            let left = toml::to_string(&fields).unwrap_or_default();
            Err(format!("a relation with keys that do not belong together: {}", left.trim().replace('\n', ", ")))
        }
    }
}

fn take(f: &mut Fields) -> Result<Relation, String> {
    if let Some(of) = f.within.take() {
        return Ok(Relation::Within { of, range: range(f)? });
    }
    if let Some(of) = f.difference.take() {
        return Ok(Relation::Difference { of, minus: need(f.minus.take(), "minus")?, range: range(f)? });
    }
    // `less` and `greater` are differences with one end.
    for (less, key) in [(true, f.less.take()), (false, f.greater.take())] {
        let Some(name) = key else { continue };
        let than = need(f.than.take(), "than")?;
        let range = Range { low: Some(f.effect.take().unwrap_or(0.0)), high: None };
        let (of, minus) = if less { (than, name) } else { (name, than) };
        return Ok(Relation::Difference { of, minus, range });
    }
    if let Some(of) = f.ratio.take() {
        return Ok(Relation::Ratio { of, over: need(f.over.take(), "over")?, range: range(f)? });
    }
    if let Some(of) = f.slope.take() {
        let at = need(f.at.take(), "at")?;
        let (log_x, log_y) = (f.log_x.take().unwrap_or(false), f.log_y.take().unwrap_or(false));
        return Ok(Relation::Slope { of, at, log_x, log_y, range: range(f)? });
    }
    if let Some(of) = f.monotone.take() {
        let rising = match need(f.direction.take(), "direction")?.as_str() {
            "rising" => true,
            "falling" => false,
            other => return Err(format!("direction '{other}': expected rising or falling")),
        };
        return Ok(Relation::Monotone { of, rising, effect: f.effect.take().unwrap_or(0.0) });
    }
    if let Some(of) = f.equal.take() {
        let formula = need(f.formula.take(), "formula")?;
        return Ok(Relation::Equal { of, formula, tolerance: need(f.tolerance.take(), "tolerance")? });
    }
    Err(format!("a relation without a form: expected {FORMS}"))
}

fn need<T>(value: Option<T>, key: &str) -> Result<T, String> {
    value.ok_or_else(|| format!("a relation without '{key}'"))
}

fn range(f: &mut Fields) -> Result<Range, String> {
    match (f.low.take(), f.high.take()) {
        (None, None) => Err("a relation without low and high: at least one is needed".into()),
        (low, high) => Ok(Range { low, high }),
    }
}

impl From<Relation> for Fields {
    fn from(relation: Relation) -> Self {
        let empty = Self::default();
        match relation {
            Relation::Within { of, range } => Self { within: Some(of), low: range.low, high: range.high, ..empty },
            Relation::Difference { of, minus, range } => {
                Self { difference: Some(of), minus: Some(minus), low: range.low, high: range.high, ..empty }
            }
            Relation::Ratio { of, over, range } => {
                Self { ratio: Some(of), over: Some(over), low: range.low, high: range.high, ..empty }
            }
            Relation::Slope { of, at, log_x, log_y, range } => Self {
                slope: Some(of),
                at: Some(at),
                log_x: Some(log_x),
                log_y: Some(log_y),
                low: range.low,
                high: range.high,
                ..empty
            },
            Relation::Monotone { of, rising, effect } => Self {
                monotone: Some(of),
                direction: Some(if rising { "rising" } else { "falling" }.into()),
                effect: Some(effect),
                ..empty
            },
            Relation::Equal { of, formula, tolerance } => {
                Self { equal: Some(of), formula: Some(formula), tolerance: Some(tolerance), ..empty }
            }
        }
    }
}

impl Relation {
    /// What is wrong with the numbers, whatever the findings.
    fn check(&self) -> Result<(), String> {
        match self {
            Self::Within { range, .. } | Self::Difference { range, .. } | Self::Ratio { range, .. } => range.check(),
            Self::Slope { of, at, range, .. } => {
                if of.len() < 2 || of.len() != at.len() {
                    return Err("slope and at: expected two lists of the same length, two or more".into());
                }
                range.check()
            }
            Self::Monotone { of, effect, .. } => {
                if of.len() < 2 {
                    return Err("monotone: expected two findings or more".into());
                }
                if effect.is_finite() { Ok(()) } else { Err("effect: expected a finite number".into()) }
            }
            Self::Equal { formula: text, tolerance, .. } => {
                formula(text)?;
                if *tolerance >= 0.0 { Ok(()) } else { Err("tolerance: expected a number from 0".into()) }
            }
        }
    }

    /// The names in its formula, where it has one: controls or findings.
    #[must_use]
    pub fn variables(&self) -> Vec<String> {
        match self {
            Self::Equal { formula: text, .. } => formula(text).map(|f| f.var_names().to_vec()).unwrap_or_default(),
            _ => Vec::new(),
        }
    }

    /// The relation as a test of a quantity, for a run with `controls`.
    ///
    /// # Errors
    /// A formula that cannot be read, in words.
    pub fn test(&self, controls: &[Control]) -> Result<Test, String> {
        Ok(match self.clone() {
            Self::Within { of, range } => Test::new(of.clone(), vec![of], Statistic::Value, range),
            Self::Difference { of, minus, range } => {
                Test::new(format!("{of} - {minus}"), vec![of, minus], Statistic::Difference, range)
            }
            Self::Ratio { of, over, range } => {
                Test::new(format!("{of} / {over}"), vec![of, over], Statistic::Ratio, range)
            }
            Self::Slope { of, at, log_x, log_y, range } => {
                let axis = |log, name: &str| if log { format!("ln {name}") } else { name.into() };
                let ends = format!("{} .. {}", of[0], of[of.len() - 1]);
                let quantity = format!("slope of {} over {}", axis(log_y, &ends), axis(log_x, "x"));
                let at = at.into_iter().map(|x: f64| if log_x { x.ln() } else { x }).collect();
                Test::new(quantity, of, Statistic::Slope { at, log_y }, range)
            }
            Self::Monotone { of, rising, effect } => {
                let quantity = format!("smallest {} of {}", if rising { "rise" } else { "fall" }, of.join(", "));
                let range = Range { low: Some(effect), high: None };
                Test::new(quantity, of, Statistic::SmallestStep { sign: if rising { 1.0 } else { -1.0 } }, range)
            }
            Self::Equal { of, formula: text, tolerance } => equality(of, &text, tolerance, controls)?,
        })
    }
}

impl Range {
    fn check(self) -> Result<(), String> {
        match (self.low, self.high) {
            (Some(low), Some(high)) if low > high => Err(format!("low = {low} lies above high = {high}")),
            _ => Ok(()),
        }
    }

    /// The range around `centre` with this relative tolerance; absolute where the centre is 0.
    fn around(centre: f64, tolerance: f64) -> Self {
        let half = tolerance * if centre == 0.0 { 1.0 } else { centre.abs() };
        Self { low: Some(centre - half), high: Some(centre + half) }
    }
}

/// A formula of findings and controls.
pub(super) type Formula = FlatEx<f64, FloatOpsFactory<f64>, Decimal>;

fn formula(text: &str) -> Result<Formula, String> {
    let bad = |e: &dyn std::fmt::Display| format!("formula '{text}' cannot be read: {e}");
    Formula::parse(&with_leading_minus(text).map_err(|e| bad(&e))?).map_err(|e| bad(&e))
}

/// Names in the formula are numeric controls, or else findings.
fn equality(of: String, text: &str, tolerance: f64, controls: &[Control]) -> Result<Test, String> {
    let expression = formula(text)?;
    let names = expression.var_names().to_vec();
    let control = |name: &String| controls.iter().find(|c| c.name == name).and_then(|c| c.value.parse::<f64>().ok());
    let known: Vec<Option<f64>> = names.iter().map(control).collect();
    let free: Vec<String> = names.iter().zip(&known).filter(|(_, v)| v.is_none()).map(|(n, _)| n.clone()).collect();
    if free.is_empty() {
        let values: Vec<f64> = known.into_iter().flatten().collect();
        let value = expression.eval(&values).map_err(|e| format!("formula '{text}': {e}"))?;
        return Ok(Test::new(of.clone(), vec![of], Statistic::Value, Range::around(value, tolerance)));
    }
    let quantity = format!("{of} / ({text})");
    let findings = std::iter::once(of).chain(free).collect();
    let statistic = Statistic::OverFormula { expression: Box::new(expression), known };
    Ok(Test::new(quantity, findings, statistic, Range::around(1.0, tolerance)))
}

/// The slope of the line through `values` at `at`; NaN where there is none.
pub(super) fn slope(values: &[f64], at: &[f64], log_y: bool) -> f64 {
    let points: Vec<_> = at.iter().zip(values).map(|(x, y)| (*x, if log_y { y.ln() } else { *y })).collect();
    // `fit_line` leaves out what is not finite; a slope through the rest would be another quantity.
    if points.iter().any(|p| !p.1.is_finite()) { f64::NAN } else { fit_line(&points).map_or(f64::NAN, |l| l.slope) }
}
