//! Sentences of lecture notes as data, and what the findings of a run say of them.
//!
//! A claim names a finding, the settings under which it is judged, and the range in which the
//! sentence, if true, puts the finding. Adding a claim about an existing finding needs no code.

use crate::{Control, Finding, LabError, Result};
use serde::{Deserialize, Serialize};

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
    /// The settings under which the sentence is judged; a run with other values does not judge it.
    pub settings: std::collections::BTreeMap<String, String>,
    /// Numeric settings that must be at least this large for the sentence to be judged: theory of wide
    /// and deep networks says nothing of narrow or shallow ones.
    #[serde(default)]
    pub minimum: std::collections::BTreeMap<String, f64>,
    /// The finding that it is about.
    pub finding: String,
    /// Where the sentence puts the finding: both ends inclusive, either may be missing.
    pub at_least: Option<f64>,
    /// The upper end.
    pub at_most: Option<f64>,
    /// What is right, where the sentence is not.
    #[serde(default)]
    pub correction: String,
}

/// What the numbers say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Judgement {
    /// The whole interval is where the sentence puts it.
    Supported,
    /// The whole interval is elsewhere.
    Refuted,
    /// The interval reaches over the border, or there is no interval.
    Inconclusive,
}

/// A claim with its judgement and the numbers that it stands on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// The claim.
    pub claim: Claim,
    /// The judgement.
    pub judgement: Judgement,
    /// The finding with its interval.
    pub finding: Finding,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    claim: Vec<Claim>,
}

/// The claims of a TOML file; `name` is for the message when the file is wrong.
pub fn parse(name: &str, text: &str) -> Result<Vec<Claim>> {
    let bad = |place: String, problem: String| LabError::BadFile {
        path: name.into(),
        place,
        problem,
        expected: "[[claim]] tables with id, en, zh, source, settings, finding and at_least or at_most".into(),
    };
    let file: File = toml::from_str(text).map_err(|e| {
        let line = e.span().map_or(1, |s| 1 + text.bytes().take(s.start).filter(|b| *b == b'\n').count());
        bad(format!("line {line}"), e.message().into())
    })?;
    match file.claim.iter().find(|c| c.at_least.is_none() && c.at_most.is_none()) {
        Some(c) => Err(bad(format!("claim '{}'", c.id), "neither at_least nor at_most".into())),
        None => Ok(file.claim),
    }
}

impl Claim {
    /// Whether a run with `controls` judges this sentence.
    #[must_use]
    pub fn applies(&self, controls: &[Control]) -> bool {
        let value = |name: &str| controls.iter().find(|c| c.name == name).map(|c| c.value.as_str());
        let exact = self.settings.iter().all(|(name, want)| value(name) == Some(want));
        let large =
            |name: &str, least: f64| value(name).and_then(|v| v.parse::<f64>().ok()).is_some_and(|v| v >= least);
        exact && self.minimum.iter().all(|(name, least)| large(name, *least))
    }

    /// The verdict of `findings`; `None` where the finding is missing.
    #[must_use]
    pub fn judge(&self, findings: &[Finding]) -> Option<Verdict> {
        let finding = findings.iter().find(|f| f.name == self.finding)?.clone();
        let judgement = match finding.interval {
            Some(i) if i.low.is_finite() && i.high.is_finite() => self.place(i.low, i.high),
            _ => Judgement::Inconclusive,
        };
        Some(Verdict { claim: self.clone(), judgement, finding })
    }

    fn place(&self, low: f64, high: f64) -> Judgement {
        let (min, max) = (self.at_least.unwrap_or(f64::NEG_INFINITY), self.at_most.unwrap_or(f64::INFINITY));
        if low >= min && high <= max {
            Judgement::Supported
        } else if high < min || low > max {
            Judgement::Refuted
        } else {
            Judgement::Inconclusive
        }
    }
}

/// The verdicts of a run on those of `claims` that its settings judge.
#[must_use]
pub fn judge_all(claims: &[Claim], controls: &[Control], findings: &[Finding]) -> Vec<Verdict> {
    claims.iter().filter(|c| c.applies(controls)).filter_map(|c| c.judge(findings)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Interval;

    const TEXT: &str = r#"
[[claim]]
id = "a"
en = "The factor is a quarter."
zh = "因子是四分之一。"
source = "notes 1"
settings = { activation = "sigmoid" }
finding = "factor"
at_least = 0.24
at_most = 0.26
"#;

    fn verdict(low: f64, high: f64) -> Judgement {
        let claim = parse("x", TEXT).unwrap().remove(0);
        let finding = Finding::new("factor", f64::midpoint(low, high), "").interval(Some(Interval { low, high, n: 5 }));
        claim.judge(&[finding]).unwrap().judgement
    }

    #[test]
    fn a_verdict_needs_the_whole_interval() {
        assert_eq!(verdict(0.245, 0.255), Judgement::Supported);
        assert_eq!(verdict(0.23, 0.239), Judgement::Refuted);
        assert_eq!(verdict(0.27, 0.28), Judgement::Refuted);
        assert_eq!(verdict(0.235, 0.245), Judgement::Inconclusive);
        assert_eq!(verdict(0.1, 0.9), Judgement::Inconclusive);
    }

    #[test]
    fn runs_that_are_too_small_judge_nothing() {
        let text = TEXT.replace("finding =", "minimum = { width = 256 }\nfinding =");
        let claim = parse("x", &text).unwrap().remove(0);
        let control =
            |name, value: &str| Control { name, help: "", domain: crate::control::Domain::Flag, value: value.into() };
        let applies = |width| claim.applies(&[control("activation", "sigmoid"), control("width", width)]);
        assert!(applies("256") && applies("1024") && !applies("128"));
        assert!(!claim.applies(&[control("activation", "relu"), control("width", "256")]));
        assert!(!claim.applies(&[control("activation", "sigmoid")]));
    }

    #[test]
    fn a_bad_file_is_named_with_its_line() {
        let text = TEXT.replace("finding", "fnding");
        let message = parse("mine.toml", &text).unwrap_err().to_string();
        assert!(message.starts_with("mine.toml: line 8: unknown field `fnding`"), "{message}");
        let text = TEXT.replace("at_least = 0.24\nat_most = 0.26\n", "");
        assert!(parse("mine.toml", &text).unwrap_err().to_string().contains("claim 'a'"));
    }
}
