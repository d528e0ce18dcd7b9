//! Figures without data.

mod samples;

use candelab_reports::write_record;

#[test]
fn an_empty_figure_says_so() {
    let folder = tempfile::tempdir().unwrap();
    write_record(&samples::shapes(), folder.path()).unwrap();
    for id in ["empty", "unknown", "no-rows", "no-field"] {
        let svg = std::fs::read_to_string(folder.path().join(format!("{id}.svg"))).unwrap();
        assert!(svg.contains("no data"), "{id}");
    }
    let one = std::fs::read_to_string(folder.path().join("one.svg")).unwrap();
    assert!(one.contains("<circle") && !one.contains("no data"));
}
