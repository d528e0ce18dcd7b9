use super::*;
use crate::{Finding, Lab, Status};
use candle_core::Device;

fn findings(settings: &[(&str, &str)], seed: u64) -> Vec<Finding> {
    let values: Vec<_> = settings.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
    let mut run = Gradients.start(&values, Context { seed, device: Device::Cpu }).unwrap();
    while run.step().unwrap() == Status::Running {}
    assert_eq!(run.progress().done, run.progress().total);
    run.findings()
}

fn named(findings: &[Finding], name: &str) -> Finding {
    findings.iter().find(|f| f.name == name).unwrap_or_else(|| panic!("{name}")).clone()
}

#[test]
fn factors_of_makes_are_those_of_theory() {
    let makes = "identity normal_small gain=10 width=128, relu he_normal residual width=128, relu normal_large batch width=128, relu he_normal bias=0.5";
    let settings =
        [("part", "makes"), ("data", "white:64"), ("depth", "12"), ("samples", "128"), ("nets", "4"), ("makes", makes)];
    let all = findings(&settings, 3);
    // sigma sqrt(n) of linear layers; 1 + chi = 2 of residual ones (Yang and Schoenholz 2017); pi/(pi - 1) of
    // batch-normalised ReLU layers (Yang et al. 2019, "A mean field theory of batch normalization"), all squared.
    for (name, want) in [
        ("identity_normal_small_gain10_width128", 0.1 * 128_f64.sqrt()),
        ("relu_he_normal_residual_width128", 2_f64.sqrt()),
        ("relu_normal_large_batch_width128", (std::f64::consts::PI / (std::f64::consts::PI - 1.0)).sqrt()),
    ] {
        let f = named(&all, &format!("{name}_factor"));
        assert!((f.value / want - 1.0).abs() < 0.05, "{f:?} {want}");
    }
    // P(z > -b) for z from N(0, 2): 0.6382, the normal distribution's table at 0.5 / sqrt 2.
    let active = named(&all, "relu_he_normal_bias0_5_active");
    assert!((active.predicted.unwrap() - 0.6382).abs() < 5e-5 && (active.value - 0.6382).abs() < 0.03, "{active:?}");
    let slopes = named(&all, "identity_normal_small_gain10_width128_slope_product");
    assert!((slopes.value - 1.0).abs() < 1e-12, "{slopes:?}");
}

#[test]
fn the_written_equations_are_the_gradient() {
    let run = |activation, init| {
        findings(&[("part", "backprop"), ("activation", activation), ("init", init), ("depth", "6"), ("nets", "2")], 5)
    };
    let tanh = run("tanh", "xavier_normal");
    for name in ["backprop_error", "branch_error"] {
        assert!(named(&tanh, name).value < 1e-12, "{name}");
    }
    for name in ["bare_output", "bare_recursion", "next_error"] {
        assert!(named(&tanh, &format!("backprop_{name}_error")).value > 0.05, "{name}");
    }
    // Where every slope is 1 nothing is lost by leaving it out.
    let linear = run("identity", "orthogonal");
    for name in ["backprop_bare_output_error", "backprop_bare_recursion_error"] {
        assert!(named(&linear, name).value < 1e-12, "{name}");
    }
    assert!(named(&linear, "backprop_target_change").value > 0.1);
    // With F = 0 what is added to the output is the identity, what is added to the input is lost.
    let zero = run("identity", "zero");
    assert!((named(&zero, "skip_output_ratio").value - 1.0).abs() < 1e-12);
    assert!(named(&zero, "skip_input_ratio").value.abs() < 1e-12);
}

#[test]
fn a_race_tells_those_that_learn_from_those_that_break() {
    let makes = "relu he_normal depth=2, relu zero depth=3, relu normal_small gain=100 depth=8";
    let settings = [
        ("part", "race"),
        ("width", "32"),
        ("steps", "60"),
        ("nets", "2"),
        ("optimizer", "sgd"),
        ("lr", "0.05"),
        ("makes", makes),
    ];
    let all = findings(&settings, 1);
    let value = |name: &str| named(&all, name).value;
    assert!((value("relu_he_normal_depth2_learned") - 1.0).abs() < 1e-12);
    // Nothing but the head's bias learns, so the loss stays that of knowing the shares, ln 10.
    assert!((value("relu_zero_depth3_loss") - 10_f64.ln()).abs() < 0.05, "{}", value("relu_zero_depth3_loss"));
    assert!(value("relu_zero_depth3_learned").abs() < 1e-12);
    // 0.01 * 100 * sqrt(32/2) = 4 a layer: it breaks off, and the norm has said so before.
    assert!(value("relu_normal_small_gain100_depth8_lead") >= 1.0);
    assert!(value("relu_normal_small_gain100_depth8_largest_norm") > 1000.0);
    assert!(named(&all, "relu_he_normal_depth2_lead").note.contains("no value"));
}

#[test]
fn an_orthogonal_linear_network_is_an_isometry_to_the_last_direction() {
    let all = findings(
        &[("part", "jacobian"), ("activation", "identity"), ("init", "orthogonal"), ("depth", "6"), ("width", "16")],
        0,
    );
    assert!((named(&all, "jacobian_smallest").value - 1.0).abs() < 1e-9);
}
