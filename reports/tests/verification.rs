//! The page of a verification, and the lines that the command prints.
#![allow(clippy::unwrap_used)]

mod samples;

use candelab_labs::claim::{Judgement, Measured, Outcome};
use candelab_reports::{RunInfo, outcome_line, run_folder, write_verification};
use samples::browser::chromium;
use samples::html::{plain, values};
use samples::verification::{measured, outcomes, runs, verification_info, write_runs};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

struct Page {
    folder: tempfile::TempDir,
    outcomes: Vec<Outcome>,
    infos: Vec<RunInfo>,
    path: PathBuf,
    html: String,
}

fn page(count: usize) -> Page {
    let folder = tempfile::tempdir().unwrap();
    let runs = runs();
    let infos = write_runs(&runs, folder.path()).unwrap();
    let outcomes = outcomes(&runs, count);
    let path = write_verification(&outcomes, &infos, folder.path(), &verification_info()).unwrap();
    let html = std::fs::read_to_string(&path).unwrap();
    Page { folder, outcomes, infos, path, html }
}

fn articles(html: &str) -> Vec<String> {
    html.split("<article ").skip(1).map(|a| plain(a.split("</article>").next().unwrap())).collect()
}

/// The text of elements, without the spans that keep words whole.
fn joined(html: &str) -> String {
    html.replace("<span class=\"word\">", "").replace("</span> ", " ").replace("</span>", "")
}

#[test]
fn every_verdict_is_there_with_all_that_it_stands_on() {
    let page = page(300);
    let articles = articles(&page.html);
    assert_eq!(articles.len(), 300);
    for outcome in &page.outcomes {
        let own = |a: &&String| a.contains(&format!("<p>{}</p>", outcome.en)) && a.contains(&outcome.source);
        let article = joined(articles.iter().find(own).unwrap());
        let m = &outcome.measured;
        for part in [&outcome.zh, &outcome.id, &outcome.command, &m.quantity, &m.meaning, &m.note] {
            assert!(article.contains(part), "{part}: {article}");
        }
        assert!(article.contains(&format!("<p lang=\"zh\">{}</p>", outcome.zh)));
        assert!(article.contains(m.judgement.name()) && article.contains(&outcome.rows.join(", ")));
        assert_eq!(article.contains("class=\"unexpected\""), !outcome.is_expected, "{article}");
        if let Some(right) = &outcome.right {
            let correction = article.split("Correction:").nth(1).unwrap();
            assert!(correction.contains(&right.en) && correction.contains(&right.zh));
            assert!(correction.contains(right.measured.judgement.name()), "{correction}");
        }
        if let Some(evidence) = &outcome.evidence {
            assert!(article.contains(&evidence.title) && article.contains(&format!("<p>{}</p>", evidence.caption)));
        }
    }
    // 0.5 + 8 with an error of 0.02 in a range of twice that.
    assert!(joined(&page.html).contains(" = 8.5 nats (± 0.02)") && page.html.contains("<dd>8.46 to 8.54</dd>"));
    assert!(joined(&page.html).contains(" = 9.5 nats (9.48 to 9.52, n = 12)"));
    assert!(page.html.contains("<dd>at most "), "one end of a range");
}

#[test]
fn the_counts_are_those_of_the_verdicts() {
    let page = page(300);
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for o in &page.outcomes {
        *counts.entry((&o.lab, o.measured.judgement.name())).or_default() += 1;
    }
    for (lab, title) in page.infos.iter().map(|r| (r.lab.as_str(), &r.title)) {
        let row = page.html.split("<table class=\"counts\">").nth(1).unwrap();
        let row = row.split("<tr>").find(|row| row.contains(title)).unwrap();
        let cells: Vec<usize> =
            row.split("<td class=\"num\">").skip(1).map(|c| c.split('<').next().unwrap().parse().unwrap()).collect();
        let of = |word| counts.get(&(lab, word)).copied().unwrap_or(0);
        let own = page.outcomes.iter().filter(|o| o.lab == lab);
        let unexpected = own.clone().filter(|o| !o.is_expected).count();
        assert_eq!(cells, [own.count(), unexpected, of("supported"), of("refuted"), of("inconclusive")], "{lab}");
    }
    let surprises = page.html.split("class=\"surprises\"").nth(1).unwrap().split("</ol>").next().unwrap();
    assert_eq!(surprises.matches("<li>").count(), page.outcomes.iter().filter(|o| !o.is_expected).count());
    for lab in page.html.split("<section class=\"lab\"").skip(1) {
        let order: Vec<bool> = articles(lab).iter().map(|a| a.contains("data-expected=\"yes\"")).collect();
        assert!(order.is_sorted() && !order[0], "what was not expected comes first");
    }
    let place = |text: &str| page.html.find(text).unwrap();
    assert!(place("not as expected</li>") < place("</b> supported</li>"), "what was not expected comes first");
}

#[test]
fn the_page_needs_no_other_file_to_be_read() {
    let page = page(300);
    for outside in ["http:", "https:", "<link", "@import", "url(", "xmlns", "javascript:", "fetch(", "import("] {
        assert!(!page.html.contains(outside), "{outside}");
    }
    // Large pictures alone stay files; what a claim says cannot become a script.
    assert!(values(&plain(&page.html), "src").iter().all(|src| src.starts_with("runs/")));
    assert_eq!(page.html.matches("<script").count(), 1);
    assert!(plain(&page.html).contains("</p><script>alert('x')</script> is text."));
    assert!(
        !page.html.contains("<img src=x>")
            && page
                .html
                .contains("<form class=\"filter\" role=\"search\" aria-label=\"Claims\" autocomplete=\"off\" hidden>")
    );
}

#[test]
fn every_link_and_every_picture_is_there_and_every_id_is_one() {
    let page = page(300);
    let html = plain(&page.html);
    let ids: BTreeSet<String> = values(&html, "id").into_iter().collect();
    assert_eq!(ids.len(), values(&html, "id").len());
    for link in values(&html, "href").into_iter().chain(values(&html, "src")) {
        match link.strip_prefix('#') {
            Some(id) => assert!(ids.contains(id), "{link}"),
            None => assert!(page.folder.path().join(&link).is_file(), "{link}"),
        }
    }
}

#[test]
fn a_picture_stands_in_the_page_once() {
    let page = page(300);
    let named: BTreeSet<PathBuf> = page
        .outcomes
        .iter()
        .filter_map(|o| o.evidence.as_ref())
        .map(|e| run_folder(page.folder.path(), &e.folder).join(format!("{}.svg", e.figure)))
        .filter(|path| path.is_file())
        .collect();
    let size = |path: &Path| std::fs::metadata(path).unwrap().len();
    let (small, large): (Vec<_>, Vec<_>) = named.iter().partition(|p| size(p) <= 128 * 1024);
    assert!(large.len() > 1 && small.len() > 12, "{large:?}");
    assert_eq!(page.html.matches("<g id=\"picture-").count(), small.len());
    let images = values(&plain(&page.html), "src").into_iter().map(|src| page.folder.path().join(src));
    assert_eq!(images.collect::<BTreeSet<_>>(), large.into_iter().cloned().collect());
    // The whole of a picture, as its file has it.
    let norms = std::fs::read_to_string(run_folder(page.folder.path(), "gradients--case-0").join("norms.svg")).unwrap();
    let body = norms.split_once("</style>\n").unwrap().1.split_once('\n').unwrap().1;
    assert!(body.len() > 10_000 && page.html.matches(body.strip_suffix("</svg>\n").unwrap()).count() == 1);
    assert!(page.html.contains("The first 30 of 100 rows") && page.html.contains("<summary>Table: Clipping"));
    assert!(page.html.contains("The figure's files are not there"), "a lost figure is said to be lost");
}

#[test]
fn a_resumed_verification_has_the_same_page() {
    let page = page(60);
    let read: Vec<RunInfo> = page.infos.iter().map(|r| RunInfo::read(page.folder.path(), &r.folder).unwrap()).collect();
    assert_eq!(read, page.infos);
    let stored = serde_json::to_string(&page.outcomes).unwrap();
    let outcomes: Vec<Outcome> = serde_json::from_str(&stored).unwrap();
    let path = write_verification(&outcomes, &read, page.folder.path(), &verification_info()).unwrap();
    assert_eq!(std::fs::read_to_string(path).unwrap(), page.html);
    let error = RunInfo::read(page.folder.path(), "no-such-run").unwrap_err().to_string();
    assert!(
        error.contains("no-such-run") && error.contains("delete its folder") && error.lines().count() == 1,
        "{error}"
    );
}

#[test]
fn a_file_that_is_no_picture_of_ours_stays_outside() {
    let page = page(60);
    let norms = run_folder(page.folder.path(), "gradients--case-0").join("norms.svg");
    std::fs::write(&norms, "<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>\n").unwrap();
    write_verification(&page.outcomes, &page.infos, page.folder.path(), &verification_info()).unwrap();
    let html = std::fs::read_to_string(&page.path).unwrap();
    assert!(!html.contains("<script>alert(1)"));
    assert!(plain(&html).contains("<img src=\"runs/gradients--case-0/norms.svg\""));
}

#[test]
fn without_claims_there_is_a_page_that_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = write_verification(&[], &[], folder.path(), &verification_info()).unwrap();
    let html = std::fs::read_to_string(path).unwrap();
    assert!(html.contains("No claim was judged.") && html.contains("There are no runs."));
    assert!(!html.contains("<script") && !html.contains("<form"));
}

#[test]
fn a_line_says_a_verdict() {
    let mut outcome = outcomes(&runs(), 50).remove(0);
    outcome.id = "tanh-slope-one".into();
    outcome.source = "notes 002:2346".into();
    outcome.measured = measured(Judgement::Supported, 1.0, 0.0, 1);
    outcome.measured.quantity = "tanh_max_slope".into();
    outcome.measured.unit = String::new();
    (outcome.measured.predicted_low, outcome.measured.predicted_high) = (Some(0.995), Some(1.005));
    let start = "✓ supported     tanh-slope-one  tanh_max_slope = 1 exact  predicted 0.995 to 1.005  notes 002:2346";
    assert_eq!(outcome_line(&outcome), start);
    let sampled =
        Measured { low: Some(-0.5), high: Some(1.5), n: Some(12), unit: "nats".into(), ..outcome.measured.clone() };
    outcome.measured = Measured { judgement: Judgement::Inconclusive, note: "one\nlost".into(), ..sampled };
    (outcome.is_expected, outcome.measured.predicted_high) = (false, None);
    assert_eq!(
        outcome_line(&outcome),
        "? inconclusive  tanh-slope-one  tanh_max_slope = 1 nats [−0.5, 1.5] n=12  predicted at least 0.995  (one lost)  \
         notes 002:2346  [unexpected: supported was expected]"
    );
}

#[test]
fn a_line_has_the_correction_below() {
    let outcomes = outcomes(&runs(), 50);
    let refuted = outcomes.iter().find(|o| o.right.is_some()).unwrap();
    let text = outcome_line(refuted);
    let (first, second) = text.split_once('\n').unwrap();
    assert!(first.starts_with("✗ refuted       ") && first.ends_with(&refuted.source), "{first}");
    let right = &refuted.right.as_ref().unwrap().en;
    assert!(second.starts_with(&format!("    ✓ supported     {right}  ")) && !second.contains('\n'), "{second}");
    assert_eq!(outcome_line(&outcomes[3]).lines().count(), 1);
    let failed = outcome_line(&outcomes[3]);
    assert!(
        failed.contains("? inconclusive") && failed.contains("(the run has no finding 'relu_depth'; did"),
        "{failed}"
    );
    assert!(!failed.contains("predicted"), "{failed}");
}

#[test]
fn what_decides_a_verdict_can_be_seen() {
    let mut outcome = outcomes(&runs(), 50).remove(0);
    let m = |judgement, value, low, high, n| Measured {
        value: Some(value),
        low: Some(low),
        high: Some(high),
        predicted_low: Some(0.25),
        predicted_high: None,
        unit: String::new(),
        ..measured(judgement, 0.0, 0.0, n)
    };
    outcome.measured = m(Judgement::Refuted, 0.249_98, 0.249_97, 0.249_99, 5);
    assert!(outcome_line(&outcome).contains(" = 0.24998 [0.24997, 0.24999] n=5  predicted at least 0.25"));
    // An error far below what is printed of the value, but across the border.
    outcome.measured = m(Judgement::Inconclusive, 0.25, 0.25 - 1e-9, 0.25 + 1e-9, 1);
    assert!(
        outcome_line(&outcome).contains(" = 0.25 ± 1.000×10⁻⁹  predicted at least 0.25"),
        "{}",
        outcome_line(&outcome)
    );
}

/// The places of the claims that are shown.
fn shown(dom: &str) -> BTreeSet<String> {
    let tags = dom.split("<article ").skip(1).map(|a| a.split('>').next().unwrap());
    tags.filter(|tag| !tag.contains("hidden")).map(|tag| values(&format!(" {tag}"), "id").remove(0)).collect()
}

#[test]
fn a_browser_filters_by_the_address() {
    let page = page(300);
    let profile = tempfile::tempdir().unwrap();
    let count = |fits: &dyn Fn(&Outcome) -> bool| page.outcomes.iter().filter(|o| fits(o)).count();
    let refuted = |o: &Outcome| o.measured.judgement == Judgement::Refuted;
    let cases = [
        ("#expected=no", count(&|o| !o.is_expected)),
        ("#lab=shapes&verdict=refuted", count(&|o| refuted(o) && o.lab == "shapes")),
        ("#text=SENTENCE-29+Refuted", count(&|o| refuted(o) && o.id.contains("sentence-29"))),
        // 深度不超过, which the corrections alone say.
        ("#text=%E6%B7%B1%E5%BA%A6%E4%B8%8D%E8%B6%85%E8%BF%87", count(&|o| o.right.is_some())),
        ("#text=no%20such%20words%20anywhere", 0),
        // A link to a claim shows it, whatever was filtered before.
        ("#claim-shapes--shapes-sentence-299", 300),
    ];
    for (hash, expected) in cases {
        let Some(output) = chromium(profile.path(), &page.path, hash, &["--dump-dom".into()]) else { return };
        let dom = String::from_utf8(output.stdout).unwrap();
        assert_eq!(shown(&dom).len(), expected, "{hash}");
        assert!(dom.contains(&format!(">{expected} of 300 claims</output>")), "{hash}");
    }
}

#[test]
fn a_browser_draws_the_pictures_and_prints() {
    let page = page(300);
    let profile = tempfile::tempdir().unwrap();
    let file = |name: &str| page.folder.path().join(name);
    // One claim with its picture open, and the same page without the pictures.
    let open = page.html.replacen("<details class=\"shown\">", "<details class=\"shown\" open>", 1);
    let (drawn, blank) = (file("drawn.html"), file("blank.html"));
    std::fs::write(&drawn, &open).unwrap();
    std::fs::write(&blank, open.replace("<g id=\"picture-", "<g id=\"no-")).unwrap();
    let shot = |page: &Path, name: &str, scheme: u8| {
        let arguments = [
            format!("--screenshot={}", file(name).display()),
            "--window-size=1000,2600".into(),
            format!("--blink-settings=preferredColorScheme={scheme}"),
        ];
        chromium(profile.path(), page, "", &arguments)?;
        std::fs::read(file(name)).ok()
    };
    let Some(light) = shot(&drawn, "light.png", 1) else { return };
    let (dark, without) = (shot(&drawn, "dark.png", 0).unwrap(), shot(&blank, "blank.png", 1).unwrap());
    assert_ne!(light, dark, "dark and light look the same");
    assert!(light.len() > without.len() + 5_000, "{} and {} bytes: no picture", light.len(), without.len());
    let paper = file("page.pdf");
    let print = ["--no-pdf-header-footer".into(), format!("--print-to-pdf={}", paper.display())];
    chromium(profile.path(), &page.path, "#lab=shapes", &print).unwrap();
    let pdf = std::fs::read(paper).unwrap();
    assert!(pdf.starts_with(b"%PDF") && pdf.len() > 50_000, "{} bytes", pdf.len());
}
