//! Writes a report of made-up records, to be looked at: `cargo run -p candelab-reports --example sample -- DIR`.

use candelab_reports::write_report;
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
    Ok(())
}
