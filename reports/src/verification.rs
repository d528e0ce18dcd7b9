//! The verdicts of many runs as one page.

use crate::error::{ReportError, Result};
use crate::evidence::{Pictures, Shown};
use crate::files::{self, safe_name, write_atomically};
use crate::theme;
use crate::verdict::{self, sign};
use candelab_labs::Record;
use candelab_labs::claim::{Judgement, Outcome};
use candelab_labs::figure::readable;
use minijinja::{Environment, Value, context};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The folder of the runs' folders.
pub(crate) const RUNS: &str = "runs";

/// What the page says besides its verdicts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct VerificationInfo {
    /// The page's title.
    pub title: String,
    /// What was verified, in a sentence or two.
    pub what: String,
    /// A command line that makes the whole verification again; may be empty.
    pub command: String,
    /// The preset's name, `quick` or `full`; may be empty.
    pub preset: String,
    /// Wall time of all runs, seconds; 0 where it is not known.
    pub seconds: f64,
}

/// A run that verdicts stand on; its files are those of [`write_record`](crate::write_record) in [`run_folder`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunInfo {
    /// Its folder below `runs/`, as [`Evidence`](candelab_labs::claim::Evidence) names it.
    pub folder: String,
    /// The lab's id.
    pub lab: String,
    /// The lab's title.
    pub title: String,
    /// How many seeds were run.
    pub seeds: u64,
    /// Wall time, seconds.
    pub seconds: f64,
    /// A command line that makes its record again.
    pub command: String,
    /// The machine's fingerprint: name of a property, its value.
    pub machine: BTreeMap<String, String>,
    /// Why there is no record, where the run failed; mostly empty.
    pub problem: String,
}

/// What a `record.json` says of its run.
#[derive(Deserialize)]
struct Stored {
    lab: String,
    title: String,
    seeds: u64,
    provenance: StoredProvenance,
}

#[derive(Deserialize)]
struct StoredProvenance {
    machine: BTreeMap<String, String>,
    seconds: f64,
    command: String,
}

impl RunInfo {
    /// The run of a record that is written to `folder`.
    #[must_use]
    pub fn of(folder: &str, record: &Record) -> Self {
        let p = &record.provenance;
        Self {
            folder: folder.into(),
            lab: record.lab.clone(),
            title: record.title.clone(),
            seeds: record.seeds,
            seconds: p.seconds,
            command: p.command.clone(),
            machine: p.machine.clone(),
            problem: String::new(),
        }
    }

    /// The run of the `record.json` that lies in `folder` of the verification in `dir`.
    ///
    /// # Errors
    /// If there is none, or it is of another form.
    pub fn read(dir: &Path, folder: &str) -> Result<Self> {
        let path = run_folder(dir, folder).join("record.json");
        let bytes = std::fs::read(&path).map_err(|reason| ReportError::read(&path, &reason))?;
        let Stored { lab, title, seeds, provenance } =
            serde_json::from_slice(&bytes).map_err(|reason| ReportError::read(&path, &reason))?;
        let StoredProvenance { machine, seconds, command } = provenance;
        Ok(Self { folder: folder.into(), lab, title, seeds, seconds, command, machine, problem: String::new() })
    }
}

/// Where the files of the run `folder` of the verification in `dir` lie.
#[must_use]
pub fn run_folder(dir: &Path, folder: &str) -> PathBuf {
    dir.join(RUNS).join(safe_name(folder))
}

/// Writes `dir/index.html`: `outcomes` with their numbers, commands and pictures. The pictures that they name
/// are taken from the files in [`run_folder`], so that a verification that was resumed, and holds no record
/// in memory, has them too. The page needs no script; with one, its verdicts can be filtered. Answers its path.
///
/// # Errors
/// If the page cannot be written.
pub fn write_verification(
    outcomes: &[Outcome],
    runs: &[RunInfo],
    dir: &Path,
    info: &VerificationInfo,
) -> Result<PathBuf> {
    files::make_folder(dir)?;
    let path = dir.join("index.html");
    let html = render(outcomes, runs, dir, info).map_err(|reason| ReportError::make(&path, &reason))?;
    write_atomically(&path, html.as_bytes())?;
    Ok(path)
}

#[derive(Serialize, Clone)]
struct Claim {
    anchor: String,
    id: String,
    lab: String,
    #[serde(flatten)]
    row: verdict::Row,
    command: String,
    seeds: u64,
    shown: Option<Shown>,
}

fn claim(outcome: &Outcome, pictures: &Pictures<'_>, anchor: String) -> Claim {
    Claim {
        anchor,
        id: outcome.id.clone(),
        lab: outcome.lab.clone(),
        row: outcome.into(),
        command: outcome.command.clone(),
        seeds: outcome.seeds,
        shown: outcome.evidence.as_ref().and_then(|e| pictures.show(e)),
    }
}

/// Claims and how many of them have which verdict.
#[derive(Serialize)]
struct Counts {
    all: usize,
    unexpected: usize,
    /// Judgement, its sign, its number.
    judgements: Vec<(&'static str, &'static str, usize)>,
}

impl Counts {
    fn of(outcomes: &[&Outcome]) -> Self {
        let count = |j: Judgement| outcomes.iter().filter(|o| o.measured.judgement == j).count();
        let all = [Judgement::Supported, Judgement::Refuted, Judgement::Inconclusive];
        Self {
            all: outcomes.len(),
            unexpected: outcomes.iter().filter(|o| !o.is_expected).count(),
            judgements: all.map(|j| (j.name(), sign(j), count(j))).to_vec(),
        }
    }
}

#[derive(Serialize)]
struct LabPart {
    id: String,
    anchor: String,
    title: String,
    counts: Counts,
    claims: Vec<Claim>,
}

/// The claims by lab, in the order in which labs come first; within a lab those with another verdict than
/// expected come first.
fn labs(outcomes: &[Outcome], claims: &[Claim], runs: &[RunInfo]) -> Vec<LabPart> {
    let mut seen = BTreeSet::new();
    let ids = outcomes.iter().map(|o| o.lab.as_str()).filter(|lab| seen.insert(*lab));
    let part = |lab: &str| {
        let own: Vec<&Outcome> = outcomes.iter().filter(|o| o.lab == lab).collect();
        let mut own_claims: Vec<Claim> = claims.iter().filter(|c| c.lab == lab).cloned().collect();
        own_claims.sort_by_key(|c| c.row.is_expected);
        let title = runs.iter().find(|r| r.lab == lab && !r.title.is_empty()).map_or(lab, |r| r.title.as_str());
        LabPart {
            id: lab.into(),
            anchor: format!("lab-{}", safe_name(lab)),
            title: title.into(),
            counts: Counts::of(&own),
            claims: own_claims,
        }
    };
    ids.map(part).collect()
}

/// A name for each claim's place on the page; numbered where two claims of a lab have one id.
fn anchors(outcomes: &[Outcome]) -> Vec<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut name = |o: &Outcome| {
        let name = format!("claim-{}--{}", safe_name(&o.lab), safe_name(&o.id));
        let count = seen.entry(name.clone()).or_default();
        *count += 1;
        if *count == 1 { name } else { format!("{name}--{count}") }
    };
    outcomes.iter().map(&mut name).collect()
}

#[derive(Serialize)]
struct RunRow {
    folder: String,
    lab: String,
    seeds: u64,
    time: String,
    claims: usize,
    /// The record's file, where there is one.
    json: Option<String>,
    command: String,
    problem: String,
}

fn run(info: &RunInfo, outcomes: &[Outcome], dir: &Path) -> RunRow {
    let json = run_folder(dir, &info.folder).join("record.json").is_file();
    let is_own = |o: &&Outcome| o.evidence.as_ref().is_some_and(|e| e.folder == info.folder);
    RunRow {
        folder: info.folder.clone(),
        lab: info.lab.clone(),
        seeds: info.seeds,
        time: duration(info.seconds),
        claims: outcomes.iter().filter(is_own).count(),
        json: json.then(|| format!("{RUNS}/{}/record.json", safe_name(&info.folder))),
        command: info.command.clone(),
        problem: info.problem.clone(),
    }
}

/// Seconds as a person says them.
fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match whole {
        _ if seconds.is_nan() || seconds <= 0.0 => String::new(),
        0..60 => format!("{} s", readable(seconds)),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
}

fn facts(outcomes: &[Outcome], runs: &[RunInfo], info: &VerificationInfo) -> Vec<(&'static str, String)> {
    let rows = [
        ("preset", info.preset.clone()),
        ("claims", outcomes.len().to_string()),
        ("runs", runs.len().to_string()),
        ("time", duration(info.seconds)),
    ];
    rows.into_iter().filter(|row| !row.1.is_empty()).collect()
}

fn render(
    outcomes: &[Outcome],
    runs: &[RunInfo],
    dir: &Path,
    info: &VerificationInfo,
) -> std::result::Result<String, minijinja::Error> {
    let mut environment = Environment::new();
    environment.add_template("verification.html", include_str!("../templates/verification.html"))?;
    environment.add_template("verdict.html", include_str!("../templates/verdict.html"))?;
    environment.add_template("evidence.html", include_str!("../templates/evidence.html"))?;
    environment.add_template("style.css", include_str!("../templates/style.css"))?;
    environment.add_template("filter.js", include_str!("../templates/filter.js"))?;
    let pictures = Pictures::read(outcomes, dir);
    let claims: Vec<Claim> =
        outcomes.iter().zip(anchors(outcomes)).map(|(o, anchor)| claim(o, &pictures, anchor)).collect();
    let unexpected: Vec<&Claim> = claims.iter().filter(|c| !c.row.is_expected).collect();
    let bodies: Vec<Value> = pictures.bodies().iter().map(|b| Value::from_safe_string(b.clone())).collect();
    let machines: BTreeSet<_> = runs.iter().map(|r| &r.machine).filter(|m| !m.is_empty()).collect();
    environment.get_template("verification.html")?.render(context! {
        title => info.title, what => info.what, command => info.command,
        facts => facts(outcomes, runs, info),
        counts => Counts::of(&outcomes.iter().collect::<Vec<_>>()),
        unexpected,
        labs => labs(outcomes, &claims, runs),
        runs => runs.iter().map(|r| run(r, outcomes, dir)).collect::<Vec<_>>(),
        machines, bodies,
        colors => theme::page_colors(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_said_in_the_units_of_its_size() {
        let said = [0.0, 0.25, 59.4, 59.9, 61.0, 3725.0, f64::NAN].map(duration);
        assert_eq!(said, ["", "0.25 s", "59.4 s", "1 min 0 s", "1 min 1 s", "1 h 2 min", ""]);
    }
}
