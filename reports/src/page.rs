//! What a page says of a record, in words.

use candelab_labs::Record;
use candelab_labs::claim::{Claim, Judgement};
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
        interval: f.interval.map(interval).unwrap_or_default(),
        predicted: f.predicted.map(signed).unwrap_or_default(),
        unit: f.unit.clone(),
        note: f.note.clone(),
    }
}

fn interval(i: Interval) -> String {
    format!("{} to {} (n = {})", signed(i.low), signed(i.high), i.n)
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
        let (judgement, sign) = match v.judgement {
            Judgement::Supported => ("supported", "✓"),
            Judgement::Refuted => ("refuted", "✗"),
            Judgement::Inconclusive => ("inconclusive", "?"),
        };
        let unit = if v.finding.unit.is_empty() { String::new() } else { format!(" {}", v.finding.unit) };
        let measured = match v.finding.interval {
            Some(i) => format!("{} to {}{unit} (n = {})", signed(i.low), signed(i.high), i.n),
            None => format!("{}{unit} (no interval)", signed(v.finding.value)),
        };
        VerdictRow {
            sentence: v.claim.en.clone(),
            judgement,
            sign,
            measured: format!("{} = {measured}", v.finding.name),
            predicted: range(&v.claim),
            source: v.claim.source.clone(),
            correction: v.claim.correction.clone(),
        }
    };
    record.verdicts.iter().map(row).collect()
}

fn range(claim: &Claim) -> String {
    let finite = |end: Option<f64>| end.filter(|v| v.is_finite());
    match (finite(claim.at_least), finite(claim.at_most)) {
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
        let i = Interval { low: -1.0, high: 2.0, n: 5 };
        assert_eq!(interval(i), "−1 to 2 (n = 5)");
    }
}
