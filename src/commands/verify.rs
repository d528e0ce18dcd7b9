//! `candelab verify`.

use super::journal::{self, Journal};
use super::progress::Overall;
use super::runner::{self, Job};
use crate::cli::Verify;
use crate::device;
use anyhow::{Context as _, Result};
use candelab_labs::claim::{self, Claim, Evidence, Judgement, Outcome, PlannedRun};
use candelab_labs::{Experiment, LabError, Preset, Record};
use candelab_reports::{RunInfo, VerificationInfo, outcome_line, run_folder, write_record, write_verification};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Judges the claims that `options` select; whether every verdict is the expected one.
pub fn verify(options: &Verify, threads: usize) -> Result<bool> {
    let started = Instant::now();
    let claims = claims(options)?;
    let runs = claim::plan(&claims, options.size.preset(), options.seeds)?;
    let device = device::parse(&options.compute.device)?;
    let mut journal = Journal::open(&journal_path(options)?, options.resume)?;
    let session = Session { options, claims: &claims, device: &device, threads };
    let pending: Vec<_> = runs.iter().map(|run| journal.find(&session.key(run)).is_none()).collect();
    let weights = session.weights(&runs, &pending)?;
    let mut overall = Overall::new(options.progress, weights.iter().sum());
    let mut done = Vec::new();
    for (run, weight) in runs.iter().zip(weights) {
        let judged = match session.recall(run, &journal) {
            Some(known) => known,
            None => session.judge(run, &mut overall, weight)?,
        };
        if !options.json {
            overall.print(&judged.outcomes.iter().map(outcome_line).collect::<Vec<_>>())?;
        }
        // A run that failed is tried again by the next --resume.
        if judged.fresh && judged.info.problem.is_empty() {
            journal.add(session.key(run), judged.outcomes.clone())?;
        }
        done.push(judged);
    }
    overall.finish();
    let (outcomes, infos): (Vec<_>, Vec<_>) = done.into_iter().map(|d| (d.outcomes, d.info)).unzip();
    let outcomes = outcomes.concat();
    session.conclude(&outcomes, &infos, started.elapsed().as_secs_f64())?;
    broken_file(options, &claims, &outcomes)?;
    Ok(outcomes.iter().all(|o| o.is_expected))
}

/// A run's claims, judged.
struct Judged {
    outcomes: Vec<Outcome>,
    info: RunInfo,
    /// Just run, not taken from the journal.
    fresh: bool,
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

    /// What the journal has of this run, and its record where one was written.
    fn recall(&self, run: &PlannedRun, journal: &Journal) -> Option<Judged> {
        let outcomes = journal.find(&self.key(run))?.to_vec();
        let info = match &self.options.out {
            Some(out) => RunInfo::read(out, &folder(run)).ok()?,
            None => self.info(run, ""),
        };
        Some(Judged { outcomes, info, fresh: false })
    }

    fn judge(&self, run: &PlannedRun, overall: &mut Overall, weight: f64) -> Result<Judged> {
        let job = self.job(run);
        let mut experiment = runner::start(&job)?;
        overall.begin(&label(run));
        let finished = runner::finish(&job, &mut experiment, &mut |e| {
            e.take_messages();
            overall.update(&e.progress(), weight);
        });
        overall.end(weight);
        let claims = run.claims.iter().map(|i| &self.claims[*i]);
        let record = match finished {
            Ok(record) => record,
            // One run that breaks must not take the others with it.
            Err(error) => {
                let problem = format!("the run failed: {error:#}");
                let unjudged = |c| Outcome::unjudged(c, problem.clone(), run.seeds, self.command(c));
                let info = self.info(run, &problem);
                return Ok(Judged { outcomes: claims.map(unjudged).collect(), info, fresh: true });
            }
        };
        let folder = folder(run);
        if let Some(out) = &self.options.out {
            write_record(&record, &run_folder(out, &folder))?;
        }
        let outcomes = claims.map(|c| self.outcome(c, run, &record, &folder)).collect();
        Ok(Judged { outcomes, info: RunInfo::of(&folder, &record), fresh: true })
    }

    /// A run without a record.
    fn info(&self, run: &PlannedRun, problem: &str) -> RunInfo {
        RunInfo {
            folder: folder(run),
            lab: run.lab.id().into(),
            title: run.lab.title().into(),
            seeds: run.seeds,
            seconds: 0.0,
            command: runner::command(&self.job(run), &run.controls),
            machine: candelab_bench::fingerprint(),
            problem: problem.into(),
        }
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

    fn conclude(&self, outcomes: &[Outcome], runs: &[RunInfo], seconds: f64) -> Result<()> {
        let options = self.options;
        let page = options.out.as_ref().map(|out| self.write_page(outcomes, runs, out, seconds)).transpose()?;
        let mut stdout = std::io::stdout().lock();
        if options.json {
            let body = serde_json::json!({ "schema": "candelab.verdicts/1", "verdicts": outcomes });
            writeln!(stdout, "{}", serde_json::to_string_pretty(&body)?)?;
            return Ok(());
        }
        let count = |judgement| outcomes.iter().filter(|o| o.measured.judgement == judgement).count();
        writeln!(
            stdout,
            "\n{} claims in {} runs and {seconds:.0} s: {} supported, {} refuted, {} inconclusive; {} not as expected",
            outcomes.len(),
            runs.len(),
            count(Judgement::Supported),
            count(Judgement::Refuted),
            count(Judgement::Inconclusive),
            outcomes.iter().filter(|o| !o.is_expected).count()
        )?;
        if let Some(page) = page {
            writeln!(stdout, "{}", page.display())?;
        }
        Ok(())
    }

    fn write_page(&self, outcomes: &[Outcome], runs: &[RunInfo], out: &Path, seconds: f64) -> Result<PathBuf> {
        let (preset, what) = match self.options.size.preset() {
            Preset::Quick => ("quick", "small sizes"),
            Preset::Standard => ("standard", "the labs' defaults"),
            Preset::Full => ("full", "large sizes"),
        };
        let info = VerificationInfo {
            title: "candelab verify".into(),
            what: format!("What lecture notes say, judged by experiments on this machine ({what})."),
            command: self.words(&self.options.names.join(" ")) + " --out DIR",
            preset: preset.into(),
            seconds,
        };
        Ok(write_verification(outcomes, runs, out, &info)?)
    }

    /// The command line that judges this claim again.
    fn command(&self, claim: &Claim) -> String {
        self.words(&claim.id)
    }

    /// The command line of a verification of `names` with these options.
    fn words(&self, names: &str) -> String {
        let o = self.options;
        let mut words = vec!["candelab verify".to_string()];
        words.extend((!names.is_empty()).then(|| names.to_string()));
        if let Some(path) = &o.claims {
            words.push(format!("--claims {}", runner::quoted(&path.display().to_string())));
        }
        words.extend(o.size.option().map(String::from));
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
    format!("{}-{:08x}", label(run).replace([' ', ','], "-"), hasher.finish() as u32)
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
