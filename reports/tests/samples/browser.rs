//! The browser that the tests open pages in.

use std::path::Path;
use std::process::{Command, Output};

/// What a browser without a window says of a page; `None` where there is no browser. `hash` is the
/// address's part from `#` on.
pub fn chromium(profile: &Path, page: &Path, hash: &str, arguments: &[String]) -> Option<Output> {
    let output = Command::new("chromium")
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"])
        .args(["--disable-background-networking", "--disable-component-update", "--hide-scrollbars"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .args(arguments)
        .arg(format!("file://{}{hash}", page.display()))
        .output();
    match output {
        Ok(output) => Some(output),
        Err(reason) => {
            eprintln!("skipped: chromium cannot be started: {reason}");
            None
        }
    }
}
