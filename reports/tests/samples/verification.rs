//! Verdicts made up for the tests and the example: what a verification of many claims leaves.

use super::{activations, gradients, shapes};
use candelab_labs::claim::{Correction, Evidence, Judgement, Measured, Outcome};
use candelab_labs::{Figure, Record};
use candelab_reports::{Result, RunInfo, VerificationInfo, run_folder, write_record};
use std::path::Path;

pub fn verification_info() -> VerificationInfo {
    VerificationInfo {
        title: "Sentences of the notes, measured".into(),
        what: "Three hundred verdicts made up to look at the page: every kind, and what should rarely happen.".into(),
        command: "candelab verify --quick --out verification".into(),
        preset: "quick".into(),
        seconds: 3725.0,
    }
}

/// The folder and the record of each run.
pub fn runs() -> Vec<(String, Record)> {
    let records = [gradients(), activations::record(), shapes()];
    records.into_iter().enumerate().map(|(i, r)| (format!("{}--case-{i}", r.lab), r)).collect()
}

/// Writes the runs' files into `dir`, as a verification does before its page.
pub fn write_runs(runs: &[(String, Record)], dir: &Path) -> Result<Vec<RunInfo>> {
    let write = |(folder, record): &(String, Record)| {
        write_record(record, &run_folder(dir, folder))?;
        Ok(RunInfo::of(folder, record))
    };
    runs.iter().map(write).collect()
}

pub fn measured(judgement: Judgement, value: f64, half: f64, n: usize) -> Measured {
    let (low, high) = match judgement {
        Judgement::Supported => (value - 2.0 * half, value + 2.0 * half),
        Judgement::Refuted => (value + 3.0 * half, value + 9.0 * half),
        Judgement::Inconclusive => (value, value + 9.0 * half),
    };
    Measured {
        judgement,
        quantity: "relu_he_depth_100 - tanh_xavier_depth_100".into(),
        meaning: "gradient of the first layer over the last layer's, less the same of tanh".into(),
        value: Some(value),
        low: Some(value - half),
        high: Some(value + half),
        n: Some(n),
        unit: "nats".into(),
        note: String::new(),
        predicted_low: Some(low),
        predicted_high: Some(high),
    }
}

fn evidence(folder: &str, figure: &Figure) -> Evidence {
    Evidence {
        folder: folder.into(),
        figure: figure.id.clone(),
        title: figure.title.clone(),
        caption: figure.caption.clone(),
    }
}

fn outcome(i: usize, judgement: Judgement, lab: &str, command: &str, evidence: Evidence) -> Outcome {
    let right = (judgement == Judgement::Refuted).then(|| Correction {
        en: format!("Sentence {i} holds at depths of at most {}.", i + 2),
        zh: format!("句子 {i} 只在深度不超过 {} 时成立。", i + 2),
        measured: measured(Judgement::Supported, 0.125 * i as f64, 0.01, 1),
    });
    Outcome {
        id: format!("{lab}-sentence-{i}"),
        lab: lab.into(),
        en: format!(
            "With He's initialisation the gradient of ReLU keeps its size over {i} layers, and tanh's does not."
        ),
        zh: format!("使用 He 初始化时，ReLU 的梯度在 {i} 层内保持不变，而 tanh 的梯度会衰减。"),
        source: format!("notes 002:{}; ch. 3, l. {}", 1000 + i, 7000 + i),
        rows: vec![format!("A-{i:03}"), format!("B-{i:03}")],
        expect: judgement,
        is_expected: true,
        measured: measured(judgement, 0.5 + i as f64, 0.02, if i.is_multiple_of(4) { 1 } else { 12 }),
        right,
        seeds: 5,
        command: command.into(),
        evidence: Some(evidence),
    }
}

/// The odd ones: a failed run, nothing but a value, a refuted correction, signs of HTML, a lost picture.
fn make_odd(outcomes: &mut [Outcome]) {
    let failed = &mut outcomes[3];
    failed.measured = Measured {
        judgement: Judgement::Inconclusive,
        quantity: String::new(),
        meaning: String::new(),
        value: None,
        low: None,
        high: None,
        n: None,
        unit: String::new(),
        note: "the run has no finding 'relu_depth';\ndid you mean 'relu_he_depth'?".into(),
        predicted_low: None,
        predicted_high: None,
    };
    (failed.is_expected, failed.evidence, failed.right) = (false, None, None);
    failed.expect = Judgement::Supported;
    let value = &mut outcomes[7];
    value.measured = Measured { low: None, high: None, n: None, unit: String::new(), ..value.measured.clone() };
    value.measured.judgement = Judgement::Inconclusive;
    value.is_expected = false;
    let missing = &mut outcomes[11];
    missing.measured = Measured { value: None, low: None, high: None, n: None, ..missing.measured.clone() };
    missing.measured.note = "no value in 3 of 5".into();
    missing.measured.predicted_low = None;
    for corrected in outcomes.iter_mut().rev().filter(|o| o.right.is_some()).take(1) {
        corrected.right.iter_mut().for_each(|r| r.measured.judgement = Judgement::Refuted);
        corrected.is_expected = false;
    }
    let signs = &mut outcomes[20];
    signs.en = "If a < b & \"c\" > d, </p><script>alert('x')</script> is text.".into();
    signs.id = "<b>&\"bold\"".into();
    signs.source = "{{ title }} <i>ch. 3</i>".into();
    signs.command = "candelab run init --set 'data=csv:<img src=x>.csv'".into();
    signs.evidence.iter_mut().for_each(|e| e.caption = "\"quoted\" <caption>".into());
    outcomes[25].evidence.iter_mut().for_each(|e| e.figure = "../lost".into());
    let twin = (outcomes[27].id.clone(), outcomes[27].lab.clone());
    (outcomes[26].id, outcomes[26].lab) = twin;
}

/// As many as asked for, at least 50, of all figures of `runs` in turn.
pub fn outcomes(runs: &[(String, Record)], count: usize) -> Vec<Outcome> {
    let kinds = [Judgement::Supported, Judgement::Refuted, Judgement::Supported, Judgement::Inconclusive];
    let make = |i: usize| {
        let (folder, record) = &runs[i % runs.len()];
        let figure = &record.figures[i / runs.len() % record.figures.len()];
        outcome(i, kinds[i / 2 % 4], &record.lab, &record.provenance.command, evidence(folder, figure))
    };
    let mut outcomes: Vec<Outcome> = (0..count).map(make).collect();
    make_odd(&mut outcomes);
    outcomes
}
