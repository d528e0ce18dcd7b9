//! Everything that a finished experiment leaves.

use crate::claim::Verdict;
use crate::{Control, Figure, Finding};
use serde::Serialize;
use std::collections::BTreeMap;

/// The version of the record's form; readers refuse a newer one.
pub const SCHEMA: &str = "candelab.record/1";

/// A finished run: complete by itself, and equal byte for byte for equal settings, seed, machine
/// and thread count, its `provenance` aside.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Record {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// The lab's id.
    pub lab: String,
    /// What sets this run apart from the lab's others in a report; empty for the main one.
    pub case: String,
    /// The lab's title.
    pub title: String,
    /// The lab's question.
    pub question: String,
    /// Every control with the value that it had.
    pub controls: Vec<Control>,
    /// The first seed.
    pub seed: u64,
    /// How many seeds were run: `seed`, `seed + 1`, ...
    pub seeds: u64,
    /// Measured quantities; over more than one seed: mean and interval over the seeds.
    pub findings: Vec<Finding>,
    /// Figures of the first seed.
    pub figures: Vec<Figure>,
    /// What the findings say of the notes' sentences that these settings can judge.
    pub verdicts: Vec<Verdict>,
    /// Where, when, how long and with what: the only part that may differ between equal runs.
    pub provenance: Provenance,
}

/// Where, how long and with what a record was made.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Provenance {
    /// candelab's version.
    pub version: String,
    /// The commit it was built from, where known.
    pub commit: String,
    /// The machine's fingerprint: name of a property, its value.
    pub machine: BTreeMap<String, String>,
    /// Threads that computed.
    pub threads: usize,
    /// `cpu`, `cuda:0`, `metal`.
    pub device: String,
    /// Wall time of the experiment, seconds.
    pub seconds: f64,
    /// When it finished, RFC 3339, UTC.
    pub finished: String,
    /// A command line that makes this record again.
    pub command: String,
}

/// `findings` of several seeds as one list: mean and 95 % t-interval over the seeds, by name. The
/// order is that of the first seed; a finding that is not in all of them keeps the seeds it has.
#[must_use]
pub fn over_seeds(findings: &[Vec<Finding>]) -> Vec<Finding> {
    let Some(first) = findings.first() else { return Vec::new() };
    if findings.len() == 1 {
        return first.clone();
    }
    let merge = |f: &Finding| {
        let values: Vec<f64> = findings
            .iter()
            .filter_map(|list| list.iter().find(|g| g.name == f.name))
            .map(|g| g.value)
            .filter(|v| v.is_finite())
            .collect();
        let mut merged = f.clone();
        merged.value = crate::stats::mean(&values);
        merged.interval = crate::stats::t_interval(&values);
        merged
    };
    first.iter().map(merge).collect()
}
