use super::*;
use crate::{Finding, Status};
use candle_core::Device;

fn finish(settings: &[(&str, &str)], seed: u64) -> Box<dyn Experiment> {
    let values: Vec<_> = settings.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
    let mut run = Gradients.start(&values, Context { seed, device: Device::Cpu }).unwrap();
    while run.step().unwrap() == Status::Running {}
    run
}

fn named(findings: &[Finding], name: &str) -> Finding {
    findings.iter().find(|f| f.name == name).unwrap().clone()
}

/// Networks of the kind that mean-field theory is about: wide, square, inputs N(0, 1).
fn theory_run(activation: &str, init: &str, nets: &str) -> Vec<Finding> {
    let settings = [
        ("part", "sweep"),
        ("data", "white:256"),
        ("width", "256"),
        ("activation", activation),
        ("init", init),
        ("samples", "16"),
        ("nets", nets),
    ];
    finish(&settings, 11).findings()
}

#[test]
fn factors_are_those_of_theory() {
    // 0.236052 = sqrt(chi_1) of sigmoid at q* = 0.26469 (Schoenholz et al. 2017); 1/sqrt 2 and 1: He
    // et al. 2015.
    for (activation, init, want) in
        [("sigmoid", "xavier_normal", 0.236_052), ("relu", "xavier_normal", 0.707_107), ("relu", "he_normal", 1.0)]
    {
        let f = named(&theory_run(activation, init, "3"), "sweep_factor");
        let i = f.interval.unwrap();
        assert!((f.value / want - 1.0).abs() < 0.1, "{activation} {init}: {f:?}");
        assert!(i.low > 0.9 * want && i.high < 1.1 * want, "{activation} {init}: {f:?}");
    }
}

#[test]
fn tanh_with_xavier_decays_as_a_power_of_the_depth() {
    let findings = theory_run("tanh", "xavier_normal", "4");
    let ten = named(&findings, "ratio_at_10");
    let hundred = named(&findings, "ratio_at_100");
    assert!((ten.value / 0.26715 - 1.0).abs() < 0.1, "{ten:?}");
    assert!((hundred.value / 0.08446 - 1.0).abs() < 0.15, "{hundred:?}");
    let [power, exponential] = ["sweep_r2_power", "sweep_r2_exponential"].map(|n| named(&findings, n).value);
    assert!(power > exponential + 0.05, "{power} {exponential}");
    // Theory's own ratios over these depths, fitted the same way, give the predicted exponent.
    let exponent = named(&findings, "sweep_power");
    let predicted = exponent.predicted.unwrap();
    assert!((-0.5..-0.4).contains(&predicted) && (exponent.value - predicted).abs() < 0.08, "{exponent:?}");
}
