use super::tests_fit::setup;
use super::*;
use crate::figure::Kind;
use crate::{Experiment, Finding, Lab, Status};
use candle_core::Device;

const SMALL: [(&str, &str); 6] = [
    ("widths", "16"),
    ("train_samples", "40"),
    ("steps", "30"),
    ("evaluate_every", "10"),
    ("nets", "3"),
    ("part", "curves"),
];

fn start(more: &[(&str, &str)]) -> Box<dyn Experiment> {
    let values: Vec<_> = SMALL.iter().chain(more).map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    Regularization.start(&values, Context { seed: 7, device: Device::Cpu }).unwrap()
}

fn finish(experiment: &mut dyn Experiment) {
    while experiment.step().unwrap() == Status::Running {}
}

fn finding(experiment: &dyn Experiment, name: &str) -> Finding {
    let list = experiment.findings();
    list.into_iter().find(|f| f.name == name).unwrap_or_else(|| panic!("{name}"))
}

/// Names and number of points of the series of the first figure.
fn series(experiment: &dyn Experiment) -> Vec<(String, Vec<(f64, f64)>)> {
    match &experiment.figures()[0].kind {
        Kind::Lines(lines) => lines.series.iter().map(|s| (s.name.clone(), s.points.clone())).collect(),
        _ => panic!("curves are lines"),
    }
}

#[test]
fn figures_and_findings_keep_their_names() {
    let mut run = start(&[("part", "all")]);
    let names = |run: &dyn Experiment| {
        let figures: Vec<String> = run.figures().into_iter().map(|f| f.id).collect();
        (figures, run.findings().into_iter().map(|f| f.name).collect::<Vec<_>>())
    };
    let before = names(run.as_ref());
    assert!(run.figures().iter().all(|f| f.caption == "Nothing measured yet."));
    finish(run.as_mut());
    assert_eq!(before, names(run.as_ref()));
    let figures = [
        "curves-loss",
        "curves-accuracy",
        "methods-error",
        "methods-table",
        "rates",
        "rates-gap",
        "sizes",
        "sizes-gap",
        "capacity-linear",
        "capacity-features",
        "memorise",
        "memorise-remedies",
        "calibration-reliability",
        "calibration-ece",
        "calibration-table",
        "ensemble-masks",
        "ensemble-uncertainty",
        "ensemble-strangers",
        "sparsity-histograms",
        "sparsity-zeros",
        "sparsity-table",
        "resamples",
        "resamples-zero-one",
        "identities-table",
        "identities-growth",
    ];
    assert_eq!(before.0, figures);
    let unique: std::collections::BTreeSet<&String> = before.1.iter().collect();
    assert_eq!(unique.len(), before.1.len(), "two findings of one name");
    assert!(run.figures().iter().all(|f| f.caption != "Nothing measured yet."));
    assert_eq!(run.progress().done, run.progress().total);
}

#[test]
fn without_regularisers_both_kinds_are_the_same_network() {
    let mut run = start(&[("dropout", "0")]);
    finish(run.as_mut());
    for name in ["accuracy_gain", "loss_difference", "gap_difference"] {
        assert!(finding(run.as_ref(), name).value.abs() < 1e-15, "{name}");
    }
    let curves = series(run.as_ref());
    assert_eq!(curves.len(), 6);
    for (ours, plain) in curves[..3].iter().zip(&curves[3..]) {
        assert_eq!((&ours.1, format!("plain: {}", ours.0)), (&plain.1, plain.0.clone()));
        assert_eq!(ours.1.len(), 4);
    }
}

#[test]
fn a_change_by_hand_is_the_change_of_the_settings() {
    let mut by_hand = start(&[("dropout", "0")]);
    // Six networks, all of them in each piece: ten pieces are ten steps.
    for _ in 0..10 {
        by_hand.step().unwrap();
    }
    assert!(by_hand.change("dropout", "0.5").unwrap());
    assert!(!by_hand.change("widths", "32").unwrap() && !by_hand.change("dropout", "0.1,0.2").unwrap());
    let message = by_hand.change("dropout", "1.5").unwrap_err().to_string();
    assert!(message.contains("from 0 to 0.95"), "{message}");
    finish(by_hand.as_mut());
    let mut declared = start(&[("dropout", "0"), ("changes", "10:dropout=0.5")]);
    finish(declared.as_mut());
    assert_eq!(by_hand.figures(), declared.figures());
    let values = |run: &dyn Experiment| run.findings().iter().map(|f| f.value.to_bits()).collect::<Vec<_>>();
    assert_eq!(values(by_hand.as_ref()), values(declared.as_ref()));
    let told = by_hand.take_messages();
    assert!(told.iter().any(|m| m.contains("10:dropout=0.5")), "{told:?}");
    let mark = series(by_hand.as_ref()).into_iter().find(|s| s.0 == "dropout -> 0.5").unwrap();
    assert_eq!((mark.1.len(), mark.1[0].0 as u64), (1, 10));
    assert!(!by_hand.change("dropout", "0.1").unwrap());
}

#[test]
fn a_learning_rate_changes_for_both_kinds() {
    let mut run = start(&[("dropout", "0"), ("changes", "10:lr=0.05")]);
    finish(run.as_mut());
    assert!(finding(run.as_ref(), "loss_difference").value.abs() < 1e-15);
    let mut still = start(&[("dropout", "0")]);
    finish(still.as_mut());
    assert!((finding(run.as_ref(), "test_loss").value - finding(still.as_ref(), "test_loss").value).abs() > 1e-3);
}

/// The findings are what the fits give that anyone can make by hand, averaged and paired.
#[test]
fn remedies_are_the_fits_they_name() {
    let settings = [&SMALL[..5], &[("part", "methods"), ("dropout", "0.3")]].concat();
    let mut run = start(&settings);
    finish(run.as_mut());
    let setup = setup(&settings).unwrap();
    let errors = |regularizers: Regularizers| {
        let of = |i| {
            let mut fit = Fit::new(&setup, &setup.task(setup.draw(i)).unwrap(), &regularizers, i).unwrap();
            while fit.step().unwrap() {}
            1.0 - fit.last().unwrap().test.accuracy
        };
        (0..3).map(of).collect::<Vec<f64>>()
    };
    let (none, dropout) = (errors(Regularizers::none()), errors(Regularizers { dropout: 0.3, ..Regularizers::none() }));
    let mean = |v: &[f64]| v.iter().sum::<f64>() / 3.0;
    assert!((finding(run.as_ref(), "none_error").value - mean(&none)).abs() < 1e-15);
    assert!((finding(run.as_ref(), "dropout_error").value - mean(&dropout)).abs() < 1e-15);
    let gain = finding(run.as_ref(), "dropout_gain");
    assert!((gain.value - (mean(&none) - mean(&dropout))).abs() < 1e-15);
    assert_eq!(gain.interval.unwrap().n, 3);
}

#[test]
fn data_that_are_no_images_are_not_shifted() {
    let mut run = start(&[("part", "methods"), ("data", "moons"), ("nets", "2")]);
    finish(run.as_mut());
    let names: Vec<String> = run.findings().into_iter().map(|f| f.name).collect();
    assert!(names.contains(&"noise_gain".into()) && !names.contains(&"shift_gain".into()));
}
