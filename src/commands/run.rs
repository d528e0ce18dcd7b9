//! `candelab run`.

use super::progress::say;
use super::runner::{self, Job};
use crate::cli::Run;
use crate::device;
use anyhow::{Context as _, Result};
use candelab_labs::claim::Outcome;
use candelab_labs::figure::readable;
use candelab_labs::{Experiment, Finding, Record};
use candelab_reports::{outcome_line, write_record};
use std::collections::HashMap;
use std::io::Write;
use std::path::Path;

pub fn run(options: &Run, threads: usize) -> Result<()> {
    let lab = candelab_labs::find(&options.lab)?;
    // Everything that can be wrong is looked at before the first minute of computing.
    lab.configure(&options.settings)?;
    let device = device::parse(&options.compute.device)?;
    let job = Job {
        lab,
        case: "",
        settings: &options.settings,
        compute: &options.compute,
        device: &device,
        seeds: options.seeds,
        threads,
    };
    let (record, experiment) = runner::run(&job, options.progress, options.out.as_deref())?;
    if let Some(out) = &options.out {
        write_record(&record, out)?;
        if options.tensors {
            write_tensors(&experiment, out)?;
        }
        if !options.progress.quiet {
            say(&format!("wrote {}", out.join("record.json").display()));
        }
    }
    let mut stdout = std::io::stdout().lock();
    if options.json {
        writeln!(stdout, "{}", serde_json::to_string_pretty(&record)?)?;
    } else {
        write_summary(&mut stdout, &record)?;
    }
    Ok(())
}

fn write_tensors(experiment: &dyn Experiment, out: &Path) -> Result<()> {
    let tensors: HashMap<String, candle_core::Tensor> = experiment.tensors()?.into_iter().collect();
    // Under another name first, so that an interrupted write leaves no half file.
    let partial = out.join("tensors.safetensors.tmp");
    let target = out.join("tensors.safetensors");
    let written = candle_core::safetensors::save(&tensors, &partial)
        .context("the tensors cannot be written")
        .and_then(|()| std::fs::rename(&partial, &target).with_context(|| target.display().to_string()));
    if written.is_err() {
        let _ = std::fs::remove_file(&partial);
    }
    written
}

fn write_summary(out: &mut impl Write, record: &Record) -> std::io::Result<()> {
    writeln!(out, "{}: {}", record.lab, record.question)?;
    writeln!(out, "{}\n", record.provenance.command)?;
    let rows: Vec<[String; 4]> = record.findings.iter().map(row).collect();
    let width = |i: usize| rows.iter().map(|r| r[i].chars().count()).max().unwrap_or(0);
    let (name, value, predicted) = (width(0), width(1), width(2).max("predicted".len()));
    writeln!(out, "{:name$}  {:value$}  {:predicted$}  meaning", "finding", "value", "predicted")?;
    for r in &rows {
        writeln!(out, "{:name$}  {:value$}  {:predicted$}  {}", r[0], r[1], r[2], r[3])?;
    }
    for v in &record.verdicts {
        let outcome = Outcome::new(v, record.seeds, String::new(), None);
        writeln!(out, "\n{}\n  {}", outcome_line(&outcome), v.claim.en)?;
    }
    Ok(())
}

fn row(finding: &Finding) -> [String; 4] {
    let mut value = readable(finding.value);
    if let Some(i) = finding.interval {
        value += &format!(" {}", i.describe(finding.value, readable));
    }
    if !finding.unit.is_empty() {
        value += &format!(" {}", finding.unit);
    }
    let mut meaning = finding.meaning.clone();
    if !finding.note.is_empty() {
        meaning += &format!(" ({})", finding.note);
    }
    [finding.name.clone(), value, finding.predicted.map_or(String::new(), readable), meaning]
}
