//! What a page says of a record, in words.

use crate::number::{interval, signed};
use crate::verdict;
use candelab_labs::figure::{Table, readable};
use candelab_labs::{Finding, Record};
use serde::Serialize;

/// More rows than this are for a program, which reads the CSV.
/// Rows of a table that is the figure itself.
pub(crate) const MOST_ROWS: usize = 400;
/// Rows of the data behind a picture; a hundred long ones would make a page of many megabytes.
pub(crate) const MOST_BEHIND: usize = 100;

/// A table of data on the page.
#[derive(Serialize, Clone)]
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

pub(crate) fn verdicts(record: &Record) -> Vec<verdict::Row> {
    record.verdicts.iter().map(Into::into).collect()
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
}
