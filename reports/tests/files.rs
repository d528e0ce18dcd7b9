//! What is in the files of a record and of a report.
#![allow(clippy::unwrap_used)]

mod samples;

use candelab_labs::figure::{Kind, Palette};
use candelab_reports::{ReportInfo, write_atomically, write_record, write_report};
use samples::html::{plain, values};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn files(folder: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path);
        }
    }
    found
}

fn text(path: impl AsRef<Path>) -> String {
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn every_file_that_is_there_is_named_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let written = write_record(&samples::gradients(), folder.path()).unwrap();
    assert_eq!(files(folder.path()), written.iter().cloned().collect());
    let has = |name: &str| written.contains(&folder.path().join(name));
    for name in ["record.json", "norms.csv", "norms.svg", "norms.png", "matrix.svg", "matrix.png", "clipping.csv"] {
        assert!(has(name), "{name}");
    }
    assert!(has("matrix--batch-norm-residual.csv") && !has("matrix.csv") && !has("clipping.png"));
}

#[test]
fn csv_reads_back_to_the_same_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let record = samples::gradients();
    write_record(&record, folder.path()).unwrap();
    let Kind::Lines(lines) = &record.figures[0].kind else { panic!("norms are lines") };
    let mut reader = csv::Reader::from_path(folder.path().join("norms.csv")).unwrap();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let number = |cell: &str| cell.parse::<f64>().unwrap();
    let mut row = rows.iter();
    for series in &lines.series {
        for (i, (x, y)) in series.points.iter().enumerate() {
            let row = row.next().unwrap();
            assert_eq!(&row[0], series.name);
            // Bit for bit: the text of a number in a CSV file is exact.
            assert_eq!((number(&row[1]).to_bits(), number(&row[2]).to_bits()), (x.to_bits(), y.to_bits()));
            if let Some(band) = &series.band {
                assert_eq!((number(&row[3]), number(&row[4])), band[i]);
            }
        }
    }
    assert_eq!(&row.next().unwrap()[0], lines.guides[0].0.as_str());
    assert!(row.next().is_none());
}

#[test]
fn the_record_is_json_and_equal_when_written_twice() {
    let [first, second] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let record = samples::gradients();
    write_record(&record, first.path()).unwrap();
    write_record(&record, second.path()).unwrap();
    for path in files(first.path()) {
        let twin = second.path().join(path.file_name().unwrap());
        assert_eq!(std::fs::read(&path).unwrap(), std::fs::read(twin).unwrap(), "{}", path.display());
    }
    let json: serde_json::Value = serde_json::from_str(&text(first.path().join("record.json"))).unwrap();
    assert_eq!(json["schema"], "candelab.record/1");
    assert_eq!(json["seeds"], 5);
    let deepest = json["findings"].as_array().unwrap().iter().find(|f| f["name"] == "deepest").unwrap();
    assert!(deepest["value"].is_null(), "a value that is not finite is null: {deepest}");
}

#[test]
fn pictures_are_what_their_names_say() {
    let folder = tempfile::tempdir().unwrap();
    write_record(&samples::gradients(), folder.path()).unwrap();
    let png = std::fs::read(folder.path().join("norms.png")).unwrap();
    assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
    assert_eq!(u32::from_be_bytes([png[16], png[17], png[18], png[19]]), 1600);
    let svg = text(folder.path().join("norms.svg"));
    assert!(svg.starts_with("<svg xmlns=") && svg.ends_with("</svg>\n"));
    assert!(svg.contains("<desc>With sigmoid the gradient shrinks by 0.236 a layer"));
    assert!(svg.contains("stroke-dasharray=\"7 4\"") && svg.contains("stroke-dasharray=\"2 3\""));
}

#[test]
fn heat_maps_end_in_the_palettes_colours() {
    let folder = tempfile::tempdir().unwrap();
    let mut record = samples::gradients();
    record.figures.truncate(1);
    let map = candelab_labs::figure::Heatmap {
        rows: vec!["a".into()],
        columns: vec!["b".into(), "c".into()],
        values: vec![-3.0, 4.0],
        palette: Palette::Sequential,
        ..samples::blank()
    };
    record.figures[0].kind = Kind::Heatmap(map);
    write_record(&record, folder.path()).unwrap();
    let svg = text(folder.path().join("norms.svg"));
    for end in [0.0, 1.0] {
        let color = colorous::VIRIDIS.eval_continuous(end);
        assert!(svg.contains(&format!("fill=\"#{color:x}\"")), "{color:x}");
    }
}

#[test]
fn distributions_and_fields_are_pictures_and_data() {
    let folder = tempfile::tempdir().unwrap();
    let record = samples::activations::record();
    write_record(&record, folder.path()).unwrap();
    let rows = |name: &str| csv::Reader::from_path(folder.path().join(name)).unwrap().records().count();
    // 8 rows of 60 bins; 60 by 60 cells and 120 points; 40 by 40 cells in each figure of the grid.
    assert_eq!([rows("activations.csv"), rows("boundary.csv"), rows("boundaries--gelu.csv")], [480, 3720, 1720]);
    for figure in &record.figures {
        let svg = text(folder.path().join(format!("{}.svg", figure.id)));
        assert!(svg.contains(&format!("<desc>{}</desc>", figure.caption)), "{}", figure.id);
        assert!(folder.path().join(format!("{}.png", figure.id)).is_file());
    }
    let svg = |id: &str| text(folder.path().join(format!("{id}.svg")));
    for word in ["measured", "expected", "hidden layer", "mean 0, std 0.626", "activation of tanh"] {
        assert!(svg("activations").contains(&format!(">{word}</text>")), "{word}");
    }
    assert!(svg("gradients-by-layer").contains(">layer (24 of 50, evenly spaced; 26 left out)</text>"));
    for word in ["decision boundary", "training data", "x₁", "x₂", "probability of class 1"] {
        assert!(svg("boundary").contains(&format!(">{word}</text>")), "{word}");
    }
    assert_eq!(svg("boundaries").matches(">probability of class 1</text>").count(), 1, "one bar for all");
}

#[test]
fn the_page_holds_everything_and_needs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let records = [samples::gradients(), samples::activations::record(), samples::shapes()];
    let page = write_report(&records, folder.path(), &samples::info()).unwrap();
    let html = text(&page);
    for outside in ["http://", "https://", "src=", "<script", "<link", "@import", "url(", "xmlns", "javascript:"] {
        assert!(!html.contains(outside), "{outside}");
    }
    assert!(html.contains("<html lang=\"en\">") && html.contains("prefers-color-scheme:dark"));
    let said = plain(&html);
    for record in &records {
        assert!(
            said.contains(&record.question)
                && said
                    .replace("<span class=\"word\">", "")
                    .replace("</span> ", " ")
                    .contains(&record.provenance.command)
        );
        for figure in &record.figures {
            assert!(said.contains(&format!("<figcaption>{}", figure.caption)), "{}", figure.id);
        }
        for control in &record.controls {
            assert!(said.contains(control.help) && said.contains(&control.value));
        }
        for verdict in &record.verdicts {
            assert!(said.contains(&verdict.claim.en));
            assert!(verdict.claim.right.as_ref().is_none_or(|r| said.contains(&r.en)));
        }
    }
    // 6 + 7 + 9 figures, three of them grids of 8, 4 and 6, one a table.
    assert_eq!(html.matches("role=\"img\"").count(), 21 - 3 + 8 + 4 + 6);
    assert!(said.contains("The first 100 of 1201 rows"), "the table of the loss is cut");
}

#[test]
fn every_link_leads_somewhere_and_every_id_is_one() {
    let folder = tempfile::tempdir().unwrap();
    // Two records of one lab: neither may take the other's place.
    let records = [samples::gradients(), samples::gradients()];
    let html = plain(&text(write_report(&records, folder.path(), &samples::info()).unwrap()));
    let ids: BTreeSet<String> = values(&html, "id").into_iter().collect();
    assert_eq!(ids.len(), values(&html, "id").len());
    for link in values(&html, "href") {
        match link.strip_prefix('#') {
            Some(id) => assert!(ids.contains(id), "{link}"),
            None => assert!(folder.path().join(&link).is_file(), "{link}"),
        }
    }
}

#[test]
fn nothing_is_left_of_a_write_that_failed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "mine").unwrap();
    let error = write_record(&samples::gradients(), &file.join("sub")).unwrap_err().to_string();
    assert!(error.contains("file") && error.contains("--out DIR"), "{error}");
    let error = write_report(&[], &file, &ReportInfo::default()).unwrap_err().to_string();
    assert!(error.contains("a file is in the way"), "{error}");
    assert_eq!((files(folder.path()).len(), text(&file).as_str()), (1, "mine"));
    // A folder where a picture should go: what was written before is whole, nothing else is there.
    let blocked = folder.path().join("blocked");
    std::fs::create_dir_all(blocked.join("norms.png").join("x")).unwrap();
    let error = write_record(&samples::gradients(), &blocked).unwrap_err().to_string();
    assert!(error.contains("norms.png"), "{error}");
    let names: Vec<_> = files(&blocked).iter().map(|p| p.file_name().unwrap().to_owned()).collect();
    assert_eq!(names, ["norms.csv", "norms.svg"]);
}

#[test]
#[cfg(unix)]
fn a_folder_that_may_not_be_written_is_named() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o555)).unwrap();
    if std::fs::write(folder.path().join("probe"), "").is_ok() {
        return eprintln!("skipped: this user may write anywhere");
    }
    let error = write_atomically(&folder.path().join("x.bin"), b"x").unwrap_err().to_string();
    assert!(error.contains("x.bin") && error.contains("choose a folder that you may write"), "{error}");
    assert!(files(folder.path()).is_empty());
}

#[test]
fn every_figure_comes_with_the_command_that_makes_it() {
    let folder = tempfile::tempdir().unwrap();
    let record = samples::gradients();
    let page = write_report(std::slice::from_ref(&record), folder.path(), &samples::info()).unwrap();
    let html = text(&page);
    let figures: Vec<&str> = html.split("<figure ").skip(1).map(|f| f.split("</figure>").next().unwrap()).collect();
    assert_eq!(figures.len(), record.figures.len());
    for figure in figures {
        let said = plain(figure).replace("<span class=\"word\">", "").replace("</span> ", " ");
        assert!(said.contains(&record.provenance.command), "{figure}");
    }
}

#[test]
fn a_verdict_says_what_became_of_its_correction() {
    let folder = tempfile::tempdir().unwrap();
    let html = plain(&text(write_report(&[samples::gradients()], folder.path(), &samples::info()).unwrap()));
    let article = |sentence: &str| {
        let all = html.split("<article ").skip(1).map(|a| a.split("</article>").next().unwrap());
        all.filter(|a| a.contains(sentence)).collect::<Vec<_>>()[0]
    };
    let half = article("halves with each tanh layer");
    assert!(half.contains("</span> supported") && !half.contains("unexpected"), "{half}");
    assert!(half.contains("</code> = 0.4812 <span class=\"word\">(0.47 to 0.49, n = 5)</span>"), "{half}");
    // 0.231 to 0.241 is not all of 0.23 to 0.24.
    let quarter = article("shrinks to a quarter");
    let (sentence, correction) = quarter.split_once("Correction:").unwrap();
    assert!(
        sentence.contains("</span> refuted") && sentence.contains("unexpected: the correction was to be supported")
    );
    assert!(correction.contains("</span> inconclusive") && correction.contains("0.23 to 0.24</dd>"), "{correction}");
    let deep = article("Sixty layers");
    assert!(deep.contains("unexpected: supported was expected") && deep.contains("= no value"), "{deep}");
}
