//! The ledger: every sentence of the notes that was looked at, whether a claim tests it or not.

use super::Claim;
use crate::{LabError, Result};
use serde::Deserialize;

/// A row of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Row {
    /// Its name, such as `A-258`.
    pub row: String,
    /// File and line of the notes.
    pub source: String,
    /// The lab that it belongs to; `none` where nothing can be measured.
    pub lab: String,
    /// What it is about, in a few words.
    pub topic: String,
    /// Why no claim tests it; empty where one does.
    pub reason: String,
}

/// A row and the claims that test it.
#[derive(Debug, Clone, PartialEq)]
pub struct Coverage {
    /// The row.
    pub row: Row,
    /// Their ids.
    pub claims: Vec<String>,
}

/// Every row with those of `claims` that test it, in the ledger's order.
///
/// # Errors
/// [`LabError::Embedded`] where the ledger cannot be read.
pub fn coverage(claims: &[Claim]) -> Result<Vec<Coverage>> {
    let mut reader = csv::Reader::from_reader(include_str!("../../claims/ledger.csv").as_bytes());
    let damaged = |e: csv::Error| LabError::Embedded { name: "ledger.csv", problem: e.to_string() };
    let rows = reader.deserialize().collect::<std::result::Result<Vec<Row>, _>>().map_err(damaged)?;
    let testing = |row: &Row| claims.iter().filter(|c| c.rows.contains(&row.row)).map(|c| c.id.clone()).collect();
    Ok(rows.into_iter().map(|row| Coverage { claims: testing(&row), row }).collect())
}
