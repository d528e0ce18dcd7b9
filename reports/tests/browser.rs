//! The page as a browser sees it. Without Chromium on the path there is nothing to test with.

mod samples;

use candelab_reports::write_report;
use samples::browser::chromium;

#[test]
fn a_browser_shows_every_figure() {
    let folder = tempfile::tempdir().unwrap();
    let profile = tempfile::tempdir().unwrap();
    let records = [samples::gradients(), samples::activations::record(), samples::shapes()];
    let page = write_report(&records, folder.path(), &samples::info()).unwrap();
    let Some(output) = chromium(profile.path(), &page, "", &["--dump-dom".into()]) else { return };
    let dom = String::from_utf8(output.stdout).unwrap();
    for record in &records {
        for figure in &record.figures {
            assert!(dom.contains(&format!("<figure id=\"{}--{}\"", record.lab, figure.id)), "{}", figure.id);
        }
    }
    assert!(!dom.contains("<script"), "a control's value became an element");
    // One picture a column of colours: an empty or a black page has few.
    for scheme in [0, 1] {
        let shot = folder.path().join(format!("{scheme}.png"));
        let arguments = [
            format!("--screenshot={}", shot.display()),
            "--window-size=800,3000".into(),
            format!("--blink-settings=preferredColorScheme={scheme}"),
        ];
        chromium(profile.path(), &page, "", &arguments).unwrap();
        let size = std::fs::metadata(&shot).unwrap().len();
        assert!(size > 50_000, "{size} bytes for a page with pictures");
    }
    let shots = [0, 1].map(|i| std::fs::read(folder.path().join(format!("{i}.png"))).unwrap());
    assert_ne!(shots[0], shots[1], "dark and light look the same");
}
