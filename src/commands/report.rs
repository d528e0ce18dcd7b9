//! `candelab report`.

use super::runner::{self, Job};
use crate::cli::Report;
use crate::device;
use anyhow::Result;
use candelab_labs::{Lab, Preset, find, registry};
use candelab_reports::{ReportInfo, write_report};
use std::io::Write;

pub fn report(options: &Report, threads: usize) -> Result<()> {
    let labs: Vec<&'static dyn Lab> = if options.labs.is_empty() {
        registry().to_vec()
    } else {
        options.labs.iter().map(|id| find(id)).collect::<Result<_, _>>()?
    };
    let device = device::parse(&options.compute.device)?;
    let preset = options.size.preset();
    let mut records = Vec::new();
    for lab in labs {
        for case in lab.cases(preset) {
            let job = Job {
                lab,
                case: &case.name,
                settings: &case.settings,
                compute: &options.compute,
                device: &device,
                seeds: 1,
                threads,
            };
            records.push(runner::run(&job, options.progress, Some(&options.out))?.0);
        }
    }
    let info =
        ReportInfo { title: "candelab report".into(), what: what(preset).into(), command: command(options, threads) };
    let page = write_report(&records, &options.out, &info)?;
    writeln!(std::io::stdout().lock(), "{}", page.display())?;
    Ok(())
}

fn what(preset: Preset) -> &'static str {
    match preset {
        Preset::Quick => "Every lab at small sizes: the shapes are right, the intervals wide.",
        Preset::Standard => "Every lab with the defaults of its controls.",
        Preset::Full => "Every lab at large sizes, with narrow intervals.",
    }
}

fn command(options: &Report, threads: usize) -> String {
    let mut words = vec!["candelab report".to_string()];
    words.extend(options.labs.iter().cloned());
    words.extend(options.size.option().map(String::from));
    words.push(format!("--seed {} --device {} --threads {threads}", options.compute.seed, options.compute.device));
    words.join(" ")
}
