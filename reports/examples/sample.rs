//! Writes a report of made-up records and, in `verification`, a page of made-up verdicts, to be looked at:
//! `cargo run -p candelab-reports --example sample -- DIR`.

use candelab_reports::{write_report, write_verification};
use std::path::PathBuf;

#[path = "../tests/samples/mod.rs"]
mod samples;

fn main() -> Result<(), candelab_reports::ReportError> {
    let folder = std::env::args().nth(1).map_or_else(|| PathBuf::from("sample-report"), PathBuf::from);
    let page = write_report(
        &[samples::gradients(), samples::activations::record(), samples::shapes()],
        &folder,
        &samples::info(),
    )?;
    println!("{}", page.display());
    let runs = samples::verification::runs();
    let folder = folder.join("verification");
    let infos = samples::verification::write_runs(&runs, &folder)?;
    let outcomes = samples::verification::outcomes(&runs, 300);
    let page = write_verification(&outcomes, &infos, &folder, &samples::verification::verification_info())?;
    println!("{}", page.display());
    Ok(())
}
