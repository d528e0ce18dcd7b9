//! `candelab verify`.

use super::journal::{self, Journal};
use super::progress::Overall;
use super::runner::{self, Job};
use crate::cli::Verify;
use crate::device;
use anyhow::{Context as _, Result};
use candelab_labs::claim::{self, Claim, Evidence, Outcome, PlannedRun};
use candelab_labs::{Experiment, LabError, Preset, Record};
use candelab_reports::write_record;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

/// Judges the claims that `options` select; whether every verdict is the expected one.
pub fn verify(options: &Verify, threads: usize) -> Result<bool> {
    let started = Instant::now();
    let claims = claims(options)?;
    let runs = claim::plan(&claims, preset(options), options.seeds)?;
    let device = device::parse(&options.compute.device)?;
    let mut journal = Journal::open(&journal_path(options)?, options.resume)?;
    let session = Session { options, claims: &claims, device: &device, threads };
    let pending: Vec<_> = runs.iter().map(|run| journal.find(&session.key(run)).is_none()).collect();
    let weights = session.weights(&runs, &pending)?;
    let mut overall = Overall::new(options.progress, weights.iter().sum());
    let mut outcomes = Vec::new();
    for (place, run) in runs.iter().enumerate() {
        let key = session.key(run);
        let known = journal.find(&key).map(<[Outcome]>::to_vec);
        let was_known = known.is_some();
        let judged = match known {
            Some(known) => known,
            None => session.judge(run, &mut overall, weights[place])?,
        };
        if !options.json {
            overall.print(&judged.iter().map(text).collect::<Vec<_>>())?;
        }
        if !was_known {
            journal.add(key, judged.clone())?;
        }
        outcomes.extend(judged);
    }
    overall.finish();
    conclude(options, &outcomes, started.elapsed().as_secs_f64())?;
    broken_file(options, &claims, &outcomes)?;
    Ok(outcomes.iter().all(|o| o.is_expected))
}

fn preset(options: &Verify) -> Preset {
    match (options.quick, options.full) {
        (true, _) => Preset::Quick,
        (_, true) => Preset::Full,
        _ => Preset::Standard,
    }
}

fn claims(options: &Verify) -> Result<Vec<Claim>> {
    let all = match &options.claims {
        None => claim::all()?,
        Some(path) => {
            let text =
                std::fs::read_to_string(path).map_err(|reason| LabError::Unreadable { path: path.clone(), reason })?;
            claim::parse(&path.display().to_string(), "", &text)?
        }
    };
    Ok(claim::select(all, &options.names)?)
}

fn journal_path(options: &Verify) -> Result<PathBuf> {
    let path = options.out.as_ref().map_or_else(journal::default_path, |out| out.join("verify.jsonl"));
    if let Some(folder) = path.parent() {
        runner::make_folder(folder)?;
    }
    Ok(path)
}

/// What every run of a verification is given.
struct Session<'a> {
    options: &'a Verify,
    claims: &'a [Claim],
    device: &'a candle_core::Device,
    threads: usize,
}

impl Session<'_> {
    fn job<'a>(&'a self, run: &'a PlannedRun) -> Job<'a> {
        Job {
            lab: run.lab,
            case: "",
            settings: &run.settings,
            compute: &self.options.compute,
            device: self.device,
            seeds: run.seeds,
            threads: self.threads,
        }
    }

    /// Everything on which a run's outcomes depend, so that no stale one is taken for it.
    fn key(&self, run: &PlannedRun) -> String {
        let controls: Vec<String> = run.controls.iter().map(|c| format!("{}={}", c.name, c.value)).collect();
        let claims: Vec<&Claim> = run.claims.iter().map(|i| &self.claims[*i]).collect();
        let mut hasher = DefaultHasher::new();
        serde_json::to_string(&claims).unwrap_or_default().hash(&mut hasher);
        let compute = &self.options.compute;
        format!(
            "{} {} {} {} seed={} seeds={} device={} threads={} out={} claims={:016x}",
            env!("CARGO_PKG_VERSION"),
            candelab_bench::COMMIT,
            run.lab.id(),
            controls.join(" "),
            compute.seed,
            run.seeds,
            compute.device,
            self.threads,
            self.options.out.is_some(),
            hasher.finish()
        )
    }

    /// The cost of each run that is still to be done. Starting them all shows what is wrong with data and
    /// settings before the first minute of computing.
    fn weights(&self, runs: &[PlannedRun], pending: &[bool]) -> Result<Vec<f64>> {
        let weight = |(run, pending): (&PlannedRun, &bool)| {
            if *pending { Ok(runner::start(&self.job(run))?.progress().total.max(1) as f64) } else { Ok(0.0) }
        };
        runs.iter().zip(pending).map(weight).collect()
    }

    fn judge(&self, run: &PlannedRun, overall: &mut Overall, weight: f64) -> Result<Vec<Outcome>> {
        let job = self.job(run);
        let mut experiment = runner::start(&job)?;
        overall.begin(&label(run));
        let finished = runner::finish(&job, &mut experiment, &mut |e| {
            e.take_messages();
            overall.update(&e.progress(), weight);
        });
        overall.end(weight);
        let record = match finished {
            Ok(record) => record,
            // One run that breaks must not take the others with it.
            Err(error) => return Ok(self.all_unjudged(run, &format!("the run failed: {error:#}"))),
        };
        let folder = folder(run);
        if let Some(out) = &self.options.out {
            write_record(&record, &out.join(&folder))?;
        }
        Ok(run.claims.iter().map(|i| self.outcome(&self.claims[*i], run, &record, &folder)).collect())
    }

    fn outcome(&self, claim: &Claim, run: &PlannedRun, record: &Record, folder: &str) -> Outcome {
        let command = self.command(claim);
        match claim.judge(&record.controls, &record.findings) {
            Ok(verdict) => {
                let evidence = self.options.out.as_ref().and_then(|_| evidence(claim, record, folder));
                Outcome::new(&verdict, run.seeds, command, evidence)
            }
            Err(problem) => Outcome::unjudged(claim, problem, run.seeds, command),
        }
    }

    fn all_unjudged(&self, run: &PlannedRun, problem: &str) -> Vec<Outcome> {
        let claims = run.claims.iter().map(|i| &self.claims[*i]);
        claims.map(|c| Outcome::unjudged(c, problem.into(), run.seeds, self.command(c))).collect()
    }

    /// The command line that judges this claim again.
    fn command(&self, claim: &Claim) -> String {
        let o = self.options;
        let mut words = vec![format!("candelab verify {}", claim.id)];
        if let Some(path) = &o.claims {
            words.push(format!("--claims {}", runner::quoted(&path.display().to_string())));
        }
        words.extend([(o.quick, "--quick"), (o.full, "--full")].iter().filter(|w| w.0).map(|w| w.1.to_string()));
        if o.seeds > 1 {
            words.push(format!("--seeds {}", o.seeds));
        }
        words.push(format!("--seed {} --threads {}", o.compute.seed, self.threads));
        if o.compute.device != "cpu" {
            words.push(format!("--device {}", o.compute.device));
        }
        words.join(" ")
    }
}

/// What is running, in a few words: the lab and what sets the run apart.
fn label(run: &PlannedRun) -> String {
    let what = run.settings.iter().find(|(name, _)| name == "part" || name == "exercise");
    what.map_or_else(|| run.lab.id().to_string(), |(_, value)| format!("{} {value}", run.lab.id()))
}

/// A folder for the run's record: the same settings always have the same one.
fn folder(run: &PlannedRun) -> String {
    let mut hasher = DefaultHasher::new();
    run.controls.iter().for_each(|c| (c.name, &c.value).hash(&mut hasher));
    run.seeds.hash(&mut hasher);
    format!("runs/{}-{:08x}", label(run).replace([' ', ','], "-"), hasher.finish() as u32)
}

fn evidence(claim: &Claim, record: &Record, folder: &str) -> Option<Evidence> {
    let named = record.figures.iter().find(|f| f.id == claim.figure);
    let figure = named.or_else(|| record.figures.first())?;
    Some(Evidence {
        folder: folder.into(),
        figure: figure.id.clone(),
        title: figure.title.clone(),
        caption: figure.caption.clone(),
    })
}

fn text(outcome: &Outcome) -> String {
    format!("{} {}", outcome.measured.judgement.name(), outcome.id)
}

fn conclude(options: &Verify, outcomes: &[Outcome], seconds: f64) -> Result<()> {
    let mut out = std::io::stdout().lock();
    if options.json {
        let body = serde_json::json!({ "schema": "candelab.verdicts/1", "verdicts": outcomes });
        writeln!(out, "{}", serde_json::to_string_pretty(&body)?)?;
    }
    Ok(())
}

/// A claim of the user's that its run has no finding for is a mistake in the file.
fn broken_file(options: &Verify, claims: &[Claim], outcomes: &[Outcome]) -> Result<()> {
    let Some(path) = &options.claims else { return Ok(()) };
    let broken = outcomes.iter().find(|o| o.measured.quantity.is_empty() && o.measured.note.contains("no finding"));
    let Some(outcome) = broken else { return Ok(()) };
    let place = claims.iter().find(|c| c.id == outcome.id).and_then(|c| c.place.rsplit(": ").next());
    Err(LabError::BadFile {
        path: path.clone(),
        place: place.unwrap_or("file").into(),
        problem: format!("claim '{}': {}", outcome.id, outcome.measured.note),
        expected: "a finding's name as `candelab run LAB` prints it".into(),
    })
    .context("some claims could not be judged")
}
