//! Sentences of lecture notes as data, and what the findings of a run say of them.
//!
//! A claim names the settings under which it is judged and a [`Relation`] over findings that holds if
//! the sentence is true. Adding a claim about existing findings needs no code.

pub mod ledger;
mod outcome;
mod plan;
mod relation;
mod standing;
mod statistic;
#[cfg(test)]
mod tests;
mod verdict;

pub use outcome::{Correction, Evidence, Measured, Outcome};
pub use plan::{PlannedRun, plan};
pub use relation::{Range, Relation};
pub use standing::Standing;
pub use statistic::Test;
pub use verdict::{Judged, Judgement, Verdict, judge_all};

use crate::control::{Domain, WHOLE};
use crate::error::suggest;
use crate::{Control, LabError, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A sentence from the notes and its prediction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// Stable name.
    pub id: String,
    /// The sentence in our own words, English.
    pub en: String,
    /// The same, Chinese.
    pub zh: String,
    /// Where it is said: a paper and its equation, or a file of the notes and its line.
    pub source: String,
    /// Which rows of the ledger of the notes' sentences it tests, such as `A-258`.
    #[serde(default)]
    pub rows: Vec<String>,
    /// The lab whose findings it is about; a lab's own file need not say it.
    #[serde(default)]
    pub lab: String,
    /// The settings under which the sentence is judged; a run with other values does not judge it.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
    /// Numeric settings that must be at least this large for the sentence to be judged: theory of wide
    /// and deep networks says nothing of narrow or shallow ones.
    #[serde(default)]
    pub minimum: BTreeMap<String, f64>,
    /// Controls that its sentence leaves at their defaults, where they are there at all: the lab says which.
    #[serde(skip)]
    pub pinned: BTreeMap<String, String>,
    /// What holds if the sentence is true.
    pub relation: Relation,
    /// How many seeds a verdict needs; 1 where one run has networks enough.
    #[serde(default = "one")]
    pub seeds: u64,
    /// The figure that shows it; the run's first when nothing is said.
    #[serde(default)]
    pub figure: String,
    /// The verdict that is expected.
    #[serde(default)]
    pub expect: Judgement,
    /// What is right, where the sentence is not.
    #[serde(default)]
    pub right: Option<Right>,
    /// Where it stands: `init.toml: line 12`.
    #[serde(skip_deserializing)]
    pub place: String,
}

/// The sentence that is right where the notes are not, judged by the same run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Right {
    /// English.
    pub en: String,
    /// Chinese.
    pub zh: String,
    /// What holds if it is true.
    pub relation: Relation,
}

fn one() -> u64 {
    1
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    claim: Vec<toml::Spanned<Claim>>,
}

const FORM: &str = "[[claim]] tables with id, en, zh, source, settings and relation, as CONTRIBUTING.md has them";

/// The claims of a TOML file; `name` is for the message when the file is wrong, `lab` the lab of those
/// that name none.
pub fn parse(name: &str, lab: &str, text: &str) -> Result<Vec<Claim>> {
    let line = |at: usize| format!("line {}", 1 + text.bytes().take(at).filter(|b| *b == b'\n').count());
    let bad =
        |place: String, problem: String| LabError::BadFile { path: name.into(), place, problem, expected: FORM.into() };
    let file: File =
        toml::from_str(text).map_err(|e| bad(line(e.span().map_or(0, |s| s.start)), e.message().into()))?;
    let mut claims = Vec::with_capacity(file.claim.len());
    for spanned in file.claim {
        let place = line(spanned.span().start);
        let mut claim = spanned.into_inner();
        if claim.lab.is_empty() {
            lab.clone_into(&mut claim.lab);
        }
        claim.check().map_err(|problem| bad(place.clone(), format!("claim '{}': {problem}", claim.id)))?;
        claim.place = format!("{name}: {place}");
        claims.push(claim);
    }
    Ok(claims)
}

/// The claims of every lab.
///
/// # Errors
/// [`LabError::BadFile`] where a file of claims is wrong.
pub fn all() -> Result<Vec<Claim>> {
    Ok(crate::registry().iter().map(|lab| lab.claims()).collect::<Result<Vec<_>>>()?.concat())
}

/// Those of `claims` that `names` name, by their ids or by their labs, in the order in which they stand;
/// all where there are no names.
///
/// # Errors
/// [`LabError::UnknownClaim`] with the nearest name.
pub fn select(claims: Vec<Claim>, names: &[String]) -> Result<Vec<Claim>> {
    let is = |claim: &Claim, name: &String| claim.id == *name || claim.lab == *name;
    if let Some(name) = names.iter().find(|name| !claims.iter().any(|c| is(c, name))) {
        let known = claims.iter().flat_map(|c| [c.id.as_str(), c.lab.as_str()]);
        let near = suggest(name, known);
        // Hundreds of names would help nobody.
        let hint = if near.starts_with("did") { near } else { "`candelab list` names them".into() };
        return Err(LabError::UnknownClaim { name: name.clone(), hint });
    }
    Ok(claims.into_iter().filter(|c| names.is_empty() || names.iter().any(|n| is(c, n))).collect())
}

impl Claim {
    fn check(&self) -> std::result::Result<(), String> {
        if self.id.is_empty() || self.en.is_empty() {
            return Err("id and en must not be empty".into());
        }
        if self.lab.is_empty() {
            return Err("which lab? add lab = \"...\" as `candelab list` names it".into());
        }
        if self.seeds == 0 {
            return Err("seeds = 0: expected at least 1".into());
        }
        match (self.expect, &self.right) {
            (Judgement::Refuted, None) => {
                Err("expected to be refuted, but [claim.right] does not say what is right".into())
            }
            _ => Ok(()),
        }
    }

    /// Whether a run with `controls` judges this sentence. A control that says `all` covers each part.
    #[must_use]
    pub fn applies(&self, controls: &[Control]) -> bool {
        self.unmet(controls).is_empty()
    }

    /// The settings that a run with `controls` lacks to judge this sentence: `part=xor`, `depth>=30`.
    #[must_use]
    pub fn unmet(&self, controls: &[Control]) -> Vec<String> {
        let find = |name: &str| controls.iter().find(|c| c.name == name);
        let whole = |c: &Control| c.value == WHOLE && matches!(c.domain, Domain::Choice { .. });
        // 1e7 is 10000000, however a file writes it.
        let number = |text: &str| text.trim().parse::<f64>().ok();
        let same = |c: &Control, want: &str| match c.domain {
            Domain::Int { .. } | Domain::Float { .. } => number(&c.value).is_some() && number(&c.value) == number(want),
            _ => c.value == want,
        };
        let exact = |name: &str, want: &str| find(name).is_some_and(|c| same(c, want) || whole(c));
        let large =
            |name: &str, least: f64| find(name).and_then(|c| c.value.parse::<f64>().ok()).is_some_and(|v| v >= least);
        let kept = |name: &str, want: &str| find(name).is_none_or(|c| same(c, want));
        let moved = self.pinned.iter().filter(|(n, want)| !kept(n, want)).map(|(n, want)| format!("{n}={want}"));
        let other = self.settings.iter().filter(|(n, want)| !exact(n, want)).map(|(n, want)| format!("{n}={want}"));
        let small =
            self.minimum.iter().filter(|(n, least)| !large(n, **least)).map(|(n, least)| format!("{n}>={least}"));
        other.chain(small).chain(moved).collect()
    }
}
