//! What a verification has finished, so that it can go on where it was interrupted.

use anyhow::{Context as _, Result};
use candelab_labs::claim::Outcome;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// One finished run: what it was, and what it said.
#[derive(Serialize, Deserialize)]
struct Entry {
    /// Everything that the outcomes depend on.
    key: String,
    outcomes: Vec<Outcome>,
}

/// A file with one line for each finished run. A line is written at once, so that an interruption
/// loses no more than the run in progress.
pub struct Journal {
    file: File,
    finished: Vec<Entry>,
}

impl Journal {
    /// Opens the journal at `path`; what is in it counts only if `resume` says so.
    pub fn open(path: &Path, resume: bool) -> Result<Self> {
        let text = if resume { std::fs::read_to_string(path).unwrap_or_default() } else { String::new() };
        // The last line may be half of one.
        let finished: Vec<Entry> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let partial = path.with_extension("jsonl.tmp");
        let kept: Vec<String> = finished.iter().map(serde_json::to_string).collect::<std::result::Result<_, _>>()?;
        let body: String = kept.into_iter().map(|line| line + "\n").collect();
        let at = || format!("{} cannot be written", path.display());
        std::fs::write(&partial, body).and_then(|()| std::fs::rename(&partial, path)).with_context(at)?;
        Ok(Self { file: OpenOptions::new().append(true).open(path).with_context(at)?, finished })
    }

    /// The outcomes of the run with this key, if it has finished.
    pub fn find(&self, key: &str) -> Option<&[Outcome]> {
        self.finished.iter().find(|e| e.key == key).map(|e| e.outcomes.as_slice())
    }

    /// Adds a finished run.
    pub fn add(&mut self, key: String, outcomes: Vec<Outcome>) -> Result<()> {
        let entry = Entry { key, outcomes };
        let line = serde_json::to_string(&entry)? + "\n";
        self.file
            .write_all(line.as_bytes())
            .and_then(|()| self.file.flush())
            .context("the journal cannot be written")?;
        self.finished.push(entry);
        Ok(())
    }
}

/// Where the journal of a verification without `--out` lies: the user's folder for such state.
pub fn default_path() -> PathBuf {
    let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|p| p.is_absolute());
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state"));
    state.or_else(home).unwrap_or_else(std::env::temp_dir).join("candelab").join("verify.jsonl")
}

#[cfg(test)]
mod tests {
    use super::*;
    use candelab_labs::claim;

    fn outcome(id: &str) -> Outcome {
        let mut claim = claim::all().unwrap().remove(0);
        id.clone_into(&mut claim.id);
        Outcome::unjudged(&claim, "no run".into(), 1, "x".into())
    }

    #[test]
    fn what_was_finished_is_found_again_and_half_a_line_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("verify.jsonl");
        let mut journal = Journal::open(&path, false).unwrap();
        journal.add("a".into(), vec![outcome("one"), outcome("two")]).unwrap();
        journal.add("b".into(), vec![outcome("three")]).unwrap();
        drop(journal);
        let whole = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() - 20]).unwrap();
        let mut journal = Journal::open(&path, true).unwrap();
        assert_eq!(journal.find("a").map(<[Outcome]>::len), Some(2));
        assert!(journal.find("b").is_none());
        journal.add("b".into(), vec![outcome("three")]).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), whole);
        assert!(Journal::open(&path, false).unwrap().find("a").is_none());
    }
}
