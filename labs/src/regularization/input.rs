//! One-line refusals of input that the formulas of this folder have no answer for.

use crate::{LabError, Result};
use std::fmt::Display;

/// The error that `name` cannot be `value`.
pub fn bad(name: &str, value: impl Display, expected: &str) -> LabError {
    LabError::BadValue { name: name.into(), value: value.to_string(), expected: expected.into() }
}

/// That the probability `keep` of a kept element is above 0 and at most 1.
pub fn keep(keep: f64) -> Result<()> {
    if keep > 0.0 && keep <= 1.0 {
        return Ok(());
    }
    Err(bad("keep", keep, "the share of elements that is kept, above 0 to 1, for example 0.5"))
}

/// That `rows` is not empty, that there are as many `labels`, that all rows are of one length, and that each
/// label is below it.
pub fn classes(rows: &[Vec<f64>], labels: &[usize]) -> Result<()> {
    if rows.is_empty() || rows.len() != labels.len() {
        return Err(bad("labels", labels.len(), &format!("one label for each of the {} rows, and a row", rows.len())));
    }
    let classes = width(rows)?;
    match labels.iter().find(|l| **l >= classes) {
        Some(label) => Err(bad("label", label, &format!("a class from 0 to {}", classes.saturating_sub(1)))),
        None => Ok(()),
    }
}

/// The common length of `rows`, 0 of none.
pub fn width<T>(rows: &[Vec<T>]) -> Result<usize> {
    let width = rows.first().map_or(0, Vec::len);
    match rows.iter().find(|r| r.len() != width) {
        Some(row) => Err(bad("row length", row.len(), &format!("{width} in every row, as in the first"))),
        None => Ok(width),
    }
}
