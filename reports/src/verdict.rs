//! What is said of a judged sentence, on both pages and on the command line.

use crate::number::{bound, digits, error, precise, range};
use candelab_labs::Interval;
use candelab_labs::claim::{Correction, Judgement, Measured, Outcome, Verdict};
use serde::Serialize;

/// A verdict in words.
#[derive(Serialize, Clone)]
pub(crate) struct Row {
    en: String,
    zh: String,
    source: String,
    /// Rows of the ledger, with commas.
    rows: String,
    #[serde(flatten)]
    said: Said,
    right: Option<Right>,
    /// Whether the verdict is the one that the claim expects.
    pub(crate) is_expected: bool,
    /// What was expected instead; empty where the verdict is as expected.
    unexpected: String,
}

#[derive(Serialize, Clone)]
struct Right {
    en: String,
    zh: String,
    #[serde(flatten)]
    said: Said,
}

/// What a relation came to, in words.
#[derive(Serialize, Clone)]
struct Said {
    judgement: &'static str,
    /// The judgement for those who cannot tell its colour.
    sign: &'static str,
    quantity: String,
    meaning: String,
    /// Value, unit and what is known of it; empty where nothing was measured.
    measured: String,
    predicted: String,
    note: String,
}

/// The sign that stands beside a judgement's word.
pub(crate) fn sign(judgement: Judgement) -> &'static str {
    match judgement {
        Judgement::Supported => "✓",
        Judgement::Refuted => "✗",
        Judgement::Inconclusive => "?",
    }
}

impl From<&Verdict> for Row {
    fn from(verdict: &Verdict) -> Self {
        // Neither seeds nor command are said of a single verdict: its record says them.
        Self::from(&Outcome::new(verdict, 0, String::new(), None))
    }
}

impl From<&Outcome> for Row {
    fn from(outcome: &Outcome) -> Self {
        Self {
            en: outcome.en.clone(),
            zh: outcome.zh.clone(),
            source: outcome.source.clone(),
            rows: outcome.rows.join(", "),
            said: Said::from(&outcome.measured),
            right: outcome.right.as_ref().map(Right::from),
            is_expected: outcome.is_expected,
            unexpected: unexpected(outcome),
        }
    }
}

impl From<&Correction> for Right {
    fn from(right: &Correction) -> Self {
        Self { en: right.en.clone(), zh: right.zh.clone(), said: Said::from(&right.measured) }
    }
}

impl From<&Measured> for Said {
    fn from(m: &Measured) -> Self {
        Self {
            judgement: m.judgement.name(),
            sign: sign(m.judgement),
            quantity: m.quantity.clone(),
            meaning: m.meaning.clone(),
            measured: measured(m),
            predicted: predicted(m),
            note: m.note.clone(),
        }
    }
}

/// In what way the verdict is not the expected one; empty where it is.
fn unexpected(outcome: &Outcome) -> String {
    if outcome.is_expected {
        String::new()
    } else if outcome.measured.judgement != outcome.expect {
        format!("unexpected: {} was expected", outcome.expect.name())
    } else if outcome.right.as_ref().is_some_and(|r| r.measured.judgement != Judgement::Supported) {
        "unexpected: the correction was to be supported".into()
    } else {
        "unexpected: not judged".into()
    }
}

/// The digits at which the numbers of a judgement can be told apart.
fn places(m: &Measured) -> usize {
    // The ends of a computed number are said as its error.
    let ends = if m.n == Some(1) { [None, None] } else { [m.low, m.high] };
    let all = [m.value, ends[0], ends[1], m.predicted_low, m.predicted_high];
    digits(&all.into_iter().flatten().collect::<Vec<_>>())
}

fn value(m: &Measured) -> String {
    let unit = if m.unit.is_empty() { String::new() } else { format!(" {}", m.unit) };
    m.value.map_or_else(|| "no value".into(), |v| format!("{}{unit}", precise(v, places(m))))
}

fn end(m: &Measured, end: Option<f64>) -> String {
    end.map_or_else(|| "–".into(), |v| precise(v, places(m)))
}

/// The error of a computed number, where `m` is one.
fn computed(m: &Measured) -> Option<String> {
    let (value, low, high) = (m.value?, m.low?, m.high?);
    let i = Interval { low, high, n: m.n.filter(|n| *n == 1)? };
    // An error that reaches over the border decides the verdict, however small it is.
    let decides = m.judgement == Judgement::Inconclusive;
    Some(if decides { error(value, i) } else { bound(value, i) })
}

fn has_interval(m: &Measured) -> bool {
    m.low.is_some() || m.high.is_some()
}

fn measured(m: &Measured) -> String {
    let about = match computed(m) {
        _ if m.value.is_none() && !has_interval(m) => return if is_judged(m) { value(m) } else { String::new() },
        Some(error) => error,
        None if has_interval(m) => {
            let count = m.n.map_or(String::new(), |n| format!(", n = {n}"));
            format!("{} to {}{count}", end(m, m.low), end(m, m.high))
        }
        None => "no interval".into(),
    };
    format!("{} ({about})", value(m))
}

fn predicted(m: &Measured) -> String {
    if is_judged(m) { range(m.predicted_low, m.predicted_high, places(m)) } else { String::new() }
}

/// A run that failed has no quantity.
fn is_judged(m: &Measured) -> bool {
    !m.quantity.is_empty()
}

/// The verdict for a terminal: one line, and below it the correction with its own verdict, where the
/// sentence needs one. Without a line break at the end.
#[must_use]
pub fn outcome_line(outcome: &Outcome) -> String {
    let mut text = format!("{}  {}", judged_line(&outcome.measured, &outcome.id), outcome.source);
    let unexpected = unexpected(outcome);
    if !unexpected.is_empty() {
        text += &format!("  [{unexpected}]");
    }
    let mut text = one_line(&text);
    if let Some(right) = &outcome.right {
        text += &format!("\n    {}", one_line(&judged_line(&right.measured, &right.en)));
    }
    text
}

fn judged_line(m: &Measured, name: &str) -> String {
    let word = m.judgement.name();
    let about = match computed(m) {
        Some(error) => format!(" {error}"),
        None if has_interval(m) => {
            let count = m.n.map_or(String::new(), |n| format!(" n={n}"));
            format!(" [{}, {}]{count}", end(m, m.low), end(m, m.high))
        }
        None => String::new(),
    };
    let note = if m.note.is_empty() { String::new() } else { format!("  ({})", m.note) };
    let numbers = if is_judged(m) {
        format!("  {} = {}{about}  predicted {}", m.quantity, value(m), predicted(m))
    } else {
        String::new()
    };
    format!("{} {word:<12}  {name}{numbers}{note}", sign(m.judgement))
}

/// Without line breaks, which a problem's text may have, and without what a terminal would obey.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>().trim_end().into()
}
