//! `candelab report --quick` from outside, and its page in a browser.
#![allow(clippy::unwrap_used, reason = "a helper that fails here has to fail the test")]

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Stdio};

/// The page's DOM in headless Chromium; `None` where it is not installed.
fn dom(page: &Path) -> Option<String> {
    let profile = tempfile::tempdir().unwrap();
    let output = Command::new("chromium")
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .args(["--dump-dom", &format!("file://{}", page.display())])
        .stdin(Stdio::null())
        .output()
        .ok()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

fn captions(record: &Value) -> impl Iterator<Item = &str> {
    record["figures"].as_array().unwrap().iter().map(|f| f["caption"].as_str().unwrap())
}

/// What a browser makes of the text: entities resolved, then written again the browser's way.
fn as_in_dom(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[test]
fn the_quick_report_holds_every_figure_and_opens_in_a_browser() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("report");
    let output = Command::new(env!("CARGO_BIN_EXE_candelab"))
        .args(["report", "--quick", "--quiet", "--out", out.to_str().unwrap()])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let page = out.join("index.html");
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), page.to_str().unwrap());
    let Some(dom) = dom(&page).map(|d| d.replace("<span class=\"word\">", "").replace("</span> ", " ")) else {
        eprintln!("chromium is not installed: the page was not opened in a browser");
        return;
    };
    for entry in std::fs::read_dir(&out).unwrap().map(Result::unwrap).filter(|e| e.path().is_dir()) {
        let record: Value = serde_json::from_slice(&std::fs::read(entry.path().join("record.json")).unwrap()).unwrap();
        assert!(record["figures"].as_array().unwrap().iter().all(|f| !f["title"].as_str().unwrap().is_empty()));
        for caption in captions(&record) {
            assert!(dom.contains(&as_in_dom(caption)), "{}: {caption}", entry.path().display());
            assert!(!caption.contains("yet") && !caption.contains('–'), "a figure without a result: {caption}");
        }
        assert!(dom.contains(&as_in_dom(record["provenance"]["command"].as_str().unwrap())));
    }
    assert!(dom.matches("<svg").count() >= 20 && dom.contains("role=\"img\""));
}
