//! The headless loop: experiment to record.

use super::progress::Reporter;
use crate::cli::{self, Compute};
use crate::failure::usage;
use anyhow::Result;
use candelab_labs::claim::judge_all;
use candelab_labs::record::{Provenance, SCHEMA};
use candelab_labs::repeated::Repeated;
use candelab_labs::{Context, Control, Experiment, Lab, Record, Status};
use candle_core::Device;
use std::path::Path;
use std::time::Instant;

/// What is to be run.
pub struct Job<'a> {
    pub lab: &'static dyn Lab,
    /// The case's name in a report; empty otherwise.
    pub case: &'a str,
    pub settings: &'a [(String, String)],
    pub compute: &'a Compute,
    pub device: &'a Device,
    pub seeds: u64,
    pub threads: usize,
}

/// Runs every seed of `job` with a progress report of its own, and makes `out`, where there is one,
/// before the first step; the experiment comes with the record.
pub fn run(job: &Job, progress: cli::Progress, out: Option<&Path>) -> Result<(Record, Repeated)> {
    let mut experiment = start(job)?;
    if let Some(out) = out {
        make_folder(out)?;
    }
    let label = if job.case.is_empty() { job.lab.id().to_string() } else { format!("{} {}", job.lab.id(), job.case) };
    let started = Instant::now();
    let mut reporter = Reporter::new(progress, &label);
    let record = finish(job, &mut experiment, &mut |e| {
        for message in e.take_messages() {
            reporter.remark(&message);
        }
        reporter.update(&e.progress());
    })?;
    reporter.finish(started.elapsed().as_secs_f64());
    Ok((record, experiment))
}

/// The experiment before its first step. Whatever is wrong with the settings or the data shows here.
pub fn start(job: &Job) -> Result<Repeated> {
    let first = job.compute.seed;
    if first.checked_add(job.seeds.saturating_sub(1)).is_none() {
        let seeds = job.seeds;
        return Err(usage(format!("--seed {first} with --seeds {seeds} goes past 2^64 - 1; take a smaller --seed")));
    }
    let context = Context { seed: first, device: job.device.clone() };
    Ok(Repeated::new(job.lab, job.settings.to_vec(), context, job.seeds)?)
}

/// Steps `experiment` to its end and calls `watch` after each step.
pub fn finish(job: &Job, experiment: &mut Repeated, watch: &mut dyn FnMut(&mut Repeated)) -> Result<Record> {
    let controls = job.lab.configure(job.settings)?;
    let claims = job.lab.claims()?;
    let started = Instant::now();
    loop {
        let status = experiment.step()?;
        watch(experiment);
        if status == Status::Finished {
            break;
        }
    }
    let findings = experiment.findings();
    Ok(Record {
        schema: SCHEMA,
        lab: job.lab.id().into(),
        case: job.case.into(),
        title: job.lab.title().into(),
        question: job.lab.question().into(),
        verdicts: judge_all(&claims, &controls, &findings),
        seed: job.compute.seed,
        seeds: job.seeds,
        figures: experiment.figures(),
        findings,
        provenance: provenance(job, &controls, started.elapsed().as_secs_f64()),
        controls,
    })
}

/// Makes the folder for results and tries to write into it; an error is the caller's to mend.
pub fn make_folder(path: &Path) -> Result<()> {
    let probe = path.join(".candelab-probe.tmp");
    let tried = std::fs::create_dir_all(path)
        .and_then(|()| std::fs::write(&probe, ""))
        .and_then(|()| std::fs::remove_file(&probe));
    tried.map_err(|e| {
        usage(format!("{}: {e}; expected a folder that can be written, choose another --out", path.display()))
    })
}

fn provenance(job: &Job, controls: &[Control], seconds: f64) -> Provenance {
    Provenance {
        version: env!("CARGO_PKG_VERSION").into(),
        commit: candelab_bench::COMMIT.into(),
        machine: candelab_bench::fingerprint(),
        threads: job.threads,
        device: job.compute.device.clone(),
        seconds,
        finished: now(),
        command: command(job, controls),
    }
}

/// The command line that makes the record again: only what differs from the defaults.
pub fn command(job: &Job, controls: &[Control]) -> String {
    let mut words = vec![format!("candelab run {}", job.lab.id())];
    for default in job.lab.controls() {
        if let Some(c) = controls.iter().find(|c| c.name == default.name && c.value != default.value) {
            words.push(format!("--set {}", quoted(&format!("{}={}", c.name, c.value))));
        }
    }
    words.push(format!("--seed {}", job.compute.seed));
    if job.seeds > 1 {
        words.push(format!("--seeds {}", job.seeds));
    }
    if job.compute.device != "cpu" {
        words.push(format!("--device {}", job.compute.device));
    }
    words.push(format!("--threads {}", job.threads));
    words.join(" ")
}

/// In single quotes where a POSIX shell would not take the word as it is.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "=._:/-+".contains(c);
    if word.chars().all(plain) { word.into() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

/// The present moment as RFC 3339 in UTC, to the second.
fn now() -> String {
    let seconds = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_secs());
    rfc3339(seconds)
}

fn rfc3339(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Civil date from days since 1970 (Hinnant, "chrono-compatible low-level date algorithms").
    let z = days + 719_468;
    let era = z / 146_097;
    let day_of_era = z % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_date_does() {
        // `date -u -d @N +%FT%TZ`
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_700_000_000, "2023-11-14T22:13:20Z"),
            (4_102_444_799, "2099-12-31T23:59:59Z"),
        ] {
            assert_eq!(rfc3339(seconds), text);
        }
    }

    #[test]
    fn odd_words_are_quoted_for_the_shell() {
        assert_eq!(quoted("data=digits"), "data=digits");
        assert_eq!(quoted("data=csv:my file.csv"), "'data=csv:my file.csv'");
        assert_eq!(quoted("a'b"), r"'a'\''b'");
    }
}
