//! What a run says of a sentence.

use super::relation::{Range, Relation};
use super::{Claim, Right};
use crate::{Control, Finding};
use serde::{Deserialize, Serialize};

/// What the numbers say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Judgement {
    /// The whole interval is where the sentence puts it.
    #[default]
    Supported,
    /// The whole interval is elsewhere.
    Refuted,
    /// The interval reaches over the border, or there is no interval.
    Inconclusive,
}

impl Judgement {
    /// As a word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Supported => "supported",
            Self::Refuted => "refuted",
            Self::Inconclusive => "inconclusive",
        }
    }
}

/// A relation with what was measured of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judged {
    /// The judgement.
    pub judgement: Judgement,
    /// The quantity (its name may be an expression such as `a - b`) with its interval.
    pub measured: Finding,
    /// Where the sentence puts it: lower end.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
}

/// A claim with its judgement and the numbers that it stands on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// The claim.
    pub claim: Claim,
    /// What the sentence came to.
    #[serde(flatten)]
    pub judged: Judged,
    /// What the corrected sentence came to, where there is one.
    pub right: Option<Judged>,
}

impl Verdict {
    /// Whether it is the verdict that the claim expects, and the corrected sentence is supported.
    #[must_use]
    pub fn is_expected(&self) -> bool {
        let corrected = self.right.as_ref().is_none_or(|r| r.judgement == Judgement::Supported);
        self.judged.judgement == self.claim.expect && corrected
    }
}

impl Claim {
    /// The verdict of `findings`.
    ///
    /// # Errors
    /// In words: a finding that the run does not have, with the names that come near, or a formula that cannot be read.
    pub fn judge(&self, controls: &[Control], findings: &[Finding]) -> Result<Verdict, String> {
        let judged = judge(&self.relation, controls, findings)?;
        let right = |r: &Right| judge(&r.relation, controls, findings);
        Ok(Verdict { claim: self.clone(), judged, right: self.right.as_ref().map(right).transpose()? })
    }
}

fn judge(relation: &Relation, controls: &[Control], findings: &[Finding]) -> Result<Judged, String> {
    let test = relation.test(controls)?;
    let find = |name: &String| {
        findings.iter().find(|f| f.name == *name).ok_or_else(|| {
            let hint = crate::error::suggest(name, findings.iter().map(|f| f.name.as_str()));
            // A lab has hundreds of findings; their list would help nobody.
            let near = if hint.starts_with("did") { format!("; {hint}") } else { String::new() };
            format!("the run has no finding '{name}'{near}")
        })
    };
    let parts = test.findings.iter().map(find).collect::<Result<Vec<_>, _>>()?;
    let (value, interval) = test.measure(&parts);
    let mut notes: Vec<&str> = parts.iter().map(|f| f.note.as_str()).filter(|n| !n.is_empty()).collect();
    notes.dedup();
    let same_unit = test.keeps_unit() && parts.iter().all(|f| f.unit == parts[0].unit);
    let measured = Finding::new(&test.quantity, value, if parts.len() == 1 { &parts[0].meaning } else { "" })
        .unit(if same_unit { parts[0].unit.as_str() } else { "" })
        .note(notes.join("; "))
        .predicted(parts[0].predicted.filter(|_| parts.len() == 1))
        .interval(interval);
    let judgement = interval.map_or(Judgement::Inconclusive, |i| place(test.range, i.low, i.high));
    Ok(Judged { judgement, measured, low: test.range.low, high: test.range.high })
}

/// Where an interval lies: in the range, elsewhere, or on both sides of its border.
fn place(range: Range, low: f64, high: f64) -> Judgement {
    let (min, max) = (range.low.unwrap_or(f64::NEG_INFINITY), range.high.unwrap_or(f64::INFINITY));
    if low >= min && high <= max {
        Judgement::Supported
    } else if high < min || low > max {
        Judgement::Refuted
    } else {
        Judgement::Inconclusive
    }
}

/// The verdicts of a run on those of `claims` that its settings judge and that it has findings for.
#[must_use]
pub fn judge_all(claims: &[Claim], controls: &[Control], findings: &[Finding]) -> Vec<Verdict> {
    claims.iter().filter(|c| c.applies(controls)).filter_map(|c| c.judge(controls, findings).ok()).collect()
}
