//! A verdict as it is printed, written and read again: flat, with its numbers and its reproducing command.

use super::{Claim, Judged, Judgement, Verdict};
use serde::{Deserialize, Serialize};

/// What a relation came to. Numbers that are missing are not there or not finite.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// The judgement.
    pub judgement: Judgement,
    /// What was measured: a finding's name or an expression such as `a - b`.
    pub quantity: String,
    /// What that is, in words; may be empty.
    pub meaning: String,
    /// Its value.
    pub value: Option<f64>,
    /// The interval's lower end.
    pub low: Option<f64>,
    /// The interval's upper end.
    pub high: Option<f64>,
    /// Independent observations; 1 for a computed number, whose interval is the bound of its error.
    pub n: Option<usize>,
    /// Unit; may be empty.
    pub unit: String,
    /// Why there is no value or no interval, or what limits it; mostly empty.
    pub note: String,
    /// Where the sentence puts it: lower end.
    pub predicted_low: Option<f64>,
    /// Upper end.
    pub predicted_high: Option<f64>,
}

/// The corrected sentence and what it came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Correction {
    /// English.
    pub en: String,
    /// Chinese.
    pub zh: String,
    /// What it came to.
    pub measured: Measured,
}

/// The picture that shows it, among the files of a verification.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The run's folder below `runs/` of the verification's.
    pub folder: String,
    /// The figure's id.
    pub figure: String,
    /// Its title.
    pub title: String,
    /// Its caption.
    pub caption: String,
}

/// A judged claim.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The claim's id.
    pub id: String,
    /// Its lab.
    pub lab: String,
    /// The sentence, English.
    pub en: String,
    /// The sentence, Chinese.
    pub zh: String,
    /// Where it is said.
    pub source: String,
    /// Rows of the ledger.
    pub rows: Vec<String>,
    /// The verdict that was expected.
    pub expect: Judgement,
    /// Whether the verdict is that, and the corrected sentence is supported.
    pub is_expected: bool,
    /// What the sentence came to.
    pub measured: Measured,
    /// What is right, where the sentence is not.
    pub right: Option<Correction>,
    /// Seeds of the run.
    pub seeds: u64,
    /// A command line that runs it again.
    pub command: String,
    /// The picture; `None` where no files are written.
    pub evidence: Option<Evidence>,
}

impl From<&Judged> for Measured {
    fn from(judged: &Judged) -> Self {
        let m = &judged.measured;
        let finite = |v: f64| Some(v).filter(|v| v.is_finite());
        Self {
            judgement: judged.judgement,
            quantity: m.name.clone(),
            meaning: m.meaning.clone(),
            value: finite(m.value),
            low: m.interval.and_then(|i| finite(i.low)),
            high: m.interval.and_then(|i| finite(i.high)),
            n: m.interval.map(|i| i.n),
            unit: m.unit.clone(),
            note: m.note.clone(),
            predicted_low: judged.low.and_then(finite),
            predicted_high: judged.high.and_then(finite),
        }
    }
}

impl Outcome {
    /// What `verdict` says, from a run over `seeds` seeds that `command` repeats.
    #[must_use]
    pub fn new(verdict: &Verdict, seeds: u64, command: String, evidence: Option<Evidence>) -> Self {
        let Verdict { claim, judged, right } = verdict;
        let right = claim.right.as_ref().zip(right.as_ref()).map(|(r, judged)| Correction {
            en: r.en.clone(),
            zh: r.zh.clone(),
            measured: judged.into(),
        });
        Self::of(claim, judged.into(), right, verdict.is_expected(), seeds, command, evidence)
    }

    /// A claim that its run could not judge, because of `problem`.
    #[must_use]
    pub fn unjudged(claim: &Claim, problem: String, seeds: u64, command: String) -> Self {
        let measured = Measured {
            judgement: Judgement::Inconclusive,
            quantity: String::new(),
            meaning: String::new(),
            value: None,
            low: None,
            high: None,
            n: None,
            unit: String::new(),
            note: problem,
            predicted_low: None,
            predicted_high: None,
        };
        Self::of(claim, measured, None, false, seeds, command, None)
    }

    fn of(
        claim: &Claim,
        measured: Measured,
        right: Option<Correction>,
        is_expected: bool,
        seeds: u64,
        command: String,
        evidence: Option<Evidence>,
    ) -> Self {
        Self {
            id: claim.id.clone(),
            lab: claim.lab.clone(),
            en: claim.en.clone(),
            zh: claim.zh.clone(),
            source: claim.source.clone(),
            rows: claim.rows.clone(),
            expect: claim.expect,
            is_expected,
            measured,
            right,
            seeds,
            command,
            evidence,
        }
    }
}
