//! Where a sentence stands with a run that may still be going on.

use super::{Claim, Verdict};
use crate::{Control, Finding};

/// The verdict of a run, or why there is none.
#[derive(Debug, Clone, PartialEq)]
pub enum Standing {
    /// The run's settings and seeds judge the sentence.
    Judged(Box<Verdict>),
    /// They do not: `needs part=xor`, `needs 5 seeds, 1 done`, or what is missing.
    Open(String),
}

impl Claim {
    /// What a run with `controls` says of the sentence, by its `findings` over `seeds` seeds that have
    /// finished. A sentence that one seed is enough for is judged by a run that is still going on too.
    #[must_use]
    pub fn stand(&self, controls: &[Control], findings: &[Finding], seeds: u64) -> Standing {
        let unmet = self.unmet(controls);
        if !unmet.is_empty() {
            return Standing::Open(format!("needs {}", unmet.join(", ")));
        }
        if self.seeds > 1 && seeds < self.seeds {
            return Standing::Open(format!("needs {} seeds, {seeds} done", self.seeds));
        }
        match self.judge(controls, findings) {
            Ok(verdict) => Standing::Judged(Box::new(verdict)),
            Err(_) if findings.is_empty() => Standing::Open("nothing is measured yet".into()),
            Err(problem) => Standing::Open(problem),
        }
    }
}
