//! Everything that a finished experiment leaves.

use crate::claim::Verdict;
use crate::{Control, Figure, Finding, Interval, Mean};
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

/// `findings` of several seeds as one list, by name and in the first seed's order: the mean over the
/// seeds (arithmetic or geometric, as the finding says) with its 95 % interval. Notes of single
/// seeds stay, with the number of seeds that they hold for.
#[must_use]
pub fn over_seeds(findings: &[Vec<Finding>]) -> Vec<Finding> {
    let Some(first) = findings.first() else { return Vec::new() };
    if findings.len() == 1 {
        return first.clone();
    }
    first.iter().map(|f| merge(f, findings)).collect()
}

fn merge(first: &Finding, seeds: &[Vec<Finding>]) -> Finding {
    let same: Vec<&Finding> = seeds.iter().filter_map(|list| list.iter().find(|f| f.name == first.name)).collect();
    let values: Vec<f64> = same.iter().map(|f| f.value).collect();
    let mut merged = match first.mean {
        Mean::Geometric => Finding::geometric(&first.name, &values, &first.meaning),
        Mean::Arithmetic => Finding::arithmetic(&first.name, &values, &first.meaning),
        Mean::Share => Finding::share(&first.name, &values, &first.meaning),
        Mean::Median => Finding::new(&first.name, crate::stats::median(&values), &first.meaning)
            .not_averaged()
            .note("median of the seeds"),
        Mean::Exact => hull(first, &same),
    };
    let mut notes: BTreeMap<&str, usize> = BTreeMap::new();
    for finding in same.iter().filter(|f| !f.note.is_empty()) {
        *notes.entry(&finding.note).or_default() += 1;
    }
    for (note, count) in notes {
        let of = if count == seeds.len() { String::new() } else { format!(" ({count} of {} seeds)", seeds.len()) };
        merged.note += if merged.note.is_empty() { "" } else { "; " };
        merged.note += &format!("{note}{of}");
    }
    merged.predicted(first.predicted).unit(&first.unit)
}

/// A computed quantity: the first seed's value, in an interval that holds every seed's.
fn hull(first: &Finding, same: &[&Finding]) -> Finding {
    let ends = |f: &&Finding| f.interval.map_or((f.value, f.value), |i| (i.low, i.high));
    let (low, high) =
        same.iter().map(ends).fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), (low, high)| (a.min(low), b.max(high)));
    let interval = first.interval.filter(|_| low.is_finite() && high.is_finite());
    Finding { note: String::new(), ..first.clone() }.interval(interval.map(|i| Interval { low, high, ..i }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seeds(values: &[f64], make: impl Fn(f64) -> Finding) -> Finding {
        over_seeds(&values.iter().map(|v| vec![make(*v)]).collect::<Vec<_>>()).remove(0)
    }

    #[test]
    fn ratios_are_averaged_by_factors() {
        let f = seeds(&[1e-7, 1e-3], |v| Finding::geometric("ratio", &[v], ""));
        assert!((f.value / 1e-5 - 1.0).abs() < 1e-9, "{f:?}");
        assert!(f.interval.is_some_and(|i| i.low > 0.0 && i.n == 2), "{f:?}");
    }

    #[test]
    fn what_has_no_value_is_counted() {
        let f = seeds(&[1.0, f64::INFINITY, 3.0], |v| Finding::new("x", v, ""));
        assert!((f.value - 2.0).abs() < 1e-12 && f.note == "no value in 1 of 3", "{f:?}");
        let f = seeds(&[0.0, 0.0], |v| Finding::geometric("x", &[v], ""));
        assert!(f.value == 0.0 && f.note.contains("zero in 2 of 2"), "{f:?}");
    }

    #[test]
    fn what_is_computed_keeps_its_bound() {
        let f = seeds(&[0.25, 0.25], |v| Finding::exact("x", v, 1e-9, ""));
        let i = f.interval.unwrap();
        assert!((f.value - 0.25).abs() < 1e-15 && i.n == 1 && (i.high - i.low - 2e-9).abs() < 1e-15, "{f:?}");
        // A quantity that is not what it says it is, the same for every seed, shows as a wide interval.
        let f = seeds(&[0.25, 0.75], |v| Finding::exact("x", v, 1e-9, ""));
        assert!(f.interval.is_some_and(|i| i.low < 0.25 && i.high > 0.75), "{f:?}");
        let f = seeds(&[f64::NEG_INFINITY; 2], |v| Finding::exact("x", v, 0.0, ""));
        assert!(f.value == f64::NEG_INFINITY && f.interval.is_none(), "{f:?}");
    }

    #[test]
    fn notes_say_for_how_many_seeds_they_hold() {
        let note = |v: f64| Finding::new("x", v, "").note(if v > 1.0 { "large" } else { "" });
        assert_eq!(seeds(&[1.0, 2.0, 3.0], note).note, "large (2 of 3 seeds)");
        assert_eq!(seeds(&[2.0, 3.0], note).note, "large");
    }
}
