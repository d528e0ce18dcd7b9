//! What a page says of a record, in words.

use candelab_labs::Record;
use candelab_labs::claim::{Judged, Judgement};
use candelab_labs::figure::{Table, readable};
use candelab_labs::{Finding, Interval};
use serde::Serialize;

/// More rows than this are for a program, which reads the CSV.
/// Rows of a table that is the figure itself.
pub(crate) const MOST_ROWS: usize = 400;
/// Rows of the data behind a picture; a hundred long ones would make a page of many megabytes.
pub(crate) const MOST_BEHIND: usize = 100;

/// A table of data on the page.
#[derive(Serialize)]
pub(crate) struct Data {
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
    /// Which columns hold numbers and line up at the right.
    numeric: Vec<bool>,
    total: usize,
    /// Whether all rows are here.
    whole: bool,
}

/// The first rows of a table, numbers as a person reads them.
pub(crate) fn data(table: Table, most: usize) -> Data {
    let total = table.rows.len();
    let is_number = |cell: &String| cell.is_empty() || cell.parse::<f64>().is_ok();
    let column = |i: usize| table.rows.iter().filter_map(move |row| row.get(i));
    let filled = |i: usize| column(i).any(|cell| !cell.is_empty());
    let numeric = (0..table.columns.len()).map(|i| filled(i) && column(i).all(is_number)).collect();
    let mut rows = table.rows;
    rows.truncate(most);
    Data { columns: table.columns, rows, numeric, total, whole: total <= most }
}

#[derive(Serialize)]
pub(crate) struct ControlRow {
    name: &'static str,
    value: String,
    help: &'static str,
    domain: String,
}

pub(crate) fn controls(record: &Record) -> Vec<ControlRow> {
    let row = |c: &candelab_labs::Control| ControlRow {
        name: c.name,
        value: c.value.clone(),
        help: c.help,
        domain: c.domain.describe(),
    };
    record.controls.iter().map(row).collect()
}

#[derive(Serialize)]
pub(crate) struct FindingRow {
    name: String,
    meaning: String,
    value: String,
    interval: String,
    predicted: String,
    unit: String,
    note: String,
}

pub(crate) fn findings(record: &Record) -> Vec<FindingRow> {
    record.findings.iter().map(finding).collect()
}

fn finding(f: &Finding) -> FindingRow {
    FindingRow {
        name: f.name.clone(),
        meaning: f.meaning.clone(),
        value: signed(f.value),
        interval: f.interval.map(|i| interval(f.value, i)).unwrap_or_default(),
        predicted: f.predicted.map(signed).unwrap_or_default(),
        unit: f.unit.clone(),
        note: f.note.clone(),
    }
}

/// What is known of a value: the ends between which a sampled one lies, or how far off a computed one may be.
fn interval(value: f64, i: Interval) -> String {
    if i.n == 1 { bound(value, i) } else { format!("{} to {} (n = {})", signed(i.low), signed(i.high), i.n) }
}

/// A single observation has no interval of chance; these ends are a computed number's error bounds.
fn bound(value: f64, i: Interval) -> String {
    let (width, half) = (i.high - i.low, (i.high - i.low) / 2.0);
    let size = if value == 0.0 { 1.0 } else { value.abs() };
    if width.abs() < size * EXACT {
        "exact".into()
    } else if (f64::midpoint(i.low, i.high) - value).abs() <= half * 1e-3 {
        format!("± {}", signed(half))
    } else {
        // Not about the value, so a single number would not tell both ends.
        format!("{} to {}", signed(i.low), signed(i.high))
    }
}

/// The part of a value that its bounds may span and not change any digit on the page.
const EXACT: f64 = 1e-6;

fn measured(f: &Finding) -> String {
    let unit = if f.unit.is_empty() { String::new() } else { format!(" {}", f.unit) };
    match f.interval {
        Some(i) if i.n == 1 => format!("{}{unit} ({})", signed(f.value), bound(f.value, i)),
        Some(i) => format!("{} to {}{unit} (n = {})", signed(i.low), signed(i.high), i.n),
        None => format!("{}{unit} (no interval)", signed(f.value)),
    }
}

/// A number as print has it: a true minus, and a power of ten instead of an `e`.
fn signed(value: f64) -> String {
    let text = readable(value);
    if !value.is_finite() {
        return text;
    }
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, ""));
    let power = exponent.parse().map(|e: i64| format!("×{}", crate::draw::axis::power(e))).unwrap_or_default();
    mantissa.replace('-', "−") + &power
}

#[derive(Serialize)]
pub(crate) struct VerdictRow {
    sentence: String,
    judgement: &'static str,
    sign: &'static str,
    measured: String,
    predicted: String,
    source: String,
    correction: String,
}

pub(crate) fn verdicts(record: &Record) -> Vec<VerdictRow> {
    let row = |v: &candelab_labs::claim::Verdict| {
        let (judgement, sign) = match v.judged.judgement {
            Judgement::Supported => ("supported", "✓"),
            Judgement::Refuted => ("refuted", "✗"),
            Judgement::Inconclusive => ("inconclusive", "?"),
        };
        VerdictRow {
            sentence: v.claim.en.clone(),
            judgement,
            sign,
            measured: format!("{} = {}", v.judged.measured.name, measured(&v.judged.measured)),
            predicted: range(&v.judged),
            source: v.claim.source.clone(),
            correction: v.claim.right.as_ref().map_or(String::new(), |r| r.en.clone()),
        }
    };
    record.verdicts.iter().map(row).collect()
}

fn range(judged: &Judged) -> String {
    let finite = |end: Option<f64>| end.filter(|v| v.is_finite());
    match (finite(judged.low), finite(judged.high)) {
        (Some(low), Some(high)) => format!("{} to {}", signed(low), signed(high)),
        (Some(low), None) => format!("at least {}", signed(low)),
        (None, Some(high)) => format!("at most {}", signed(high)),
        (None, None) => "any value".into(),
    }
}

/// How the record was made: a word and its value.
pub(crate) fn run(record: &Record) -> Vec<(&'static str, String)> {
    let p = &record.provenance;
    let last = record.seed.saturating_add(record.seeds.saturating_sub(1));
    let seeds = match record.seeds {
        0 | 1 => record.seed.to_string(),
        _ => format!("{} to {last}; the figures show seed {}", record.seed, record.seed),
    };
    let commit = if p.commit.is_empty() { String::new() } else { format!(" ({})", p.commit) };
    let rows = [
        ("seeds", seeds),
        ("device", p.device.clone()),
        ("threads", if p.threads == 0 { String::new() } else { p.threads.to_string() }),
        ("time", if p.seconds > 0.0 { format!("{} s", readable(p.seconds)) } else { String::new() }),
        ("finished", p.finished.clone()),
        ("candelab", format!("{}{commit}", p.version)),
    ];
    rows.into_iter().filter(|row| !row.1.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_tables_are_cut_and_say_so() {
        let table = |n: usize| Table {
            columns: vec!["name".into(), "value".into(), "none".into()],
            rows: (0..n)
                .map(|i| vec!["x".into(), if i == 3 { String::new() } else { "1e-5".into() }, String::new()])
                .collect(),
        };
        let long = data(table(1000), MOST_ROWS);
        assert_eq!((long.rows.len(), long.total, long.whole), (400, 1000, false));
        assert_eq!(long.numeric, [false, true, false]);
        assert!(data(table(400), MOST_ROWS).whole);
    }

    #[test]
    fn numbers_have_a_true_minus() {
        assert_eq!([signed(-0.5), signed(2.9e-13)], ["−0.5", "2.900×10⁻¹³"]);
    }

    #[test]
    fn only_samples_have_a_confidence_interval() {
        let said = |value, low, high, n| interval(value, Interval { low, high, n });
        assert_eq!(said(0.5, -1.0, 2.0, 5), "−1 to 2 (n = 5)");
        assert_eq!(said(0.3, 0.3, 0.3 + 1e-12, 1), "exact");
        assert_eq!(said(0.0, -1e-9, 1e-9, 1), "exact");
        assert_eq!(said(0.5, 0.25, 0.75, 1), "± 0.25");
        // A tiny value with a tiny error is not known at all.
        assert_eq!(said(2e-9, 1e-9, 3e-9, 1), "± 1.000×10⁻⁹");
        assert_eq!(said(0.5, 0.25, 2.0, 1), "0.25 to 2");
        let finding = |error| measured(&Finding::exact("area", 2.0, error, "").unit("m"));
        assert_eq!([finding(0.0), finding(0.5)], ["2 m (exact)", "2 m (± 0.5)"]);
    }
}
