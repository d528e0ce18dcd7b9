//! A verdict must be able to fail: each of these experiments is broken in one way (another constant, another
//! activation, a regulariser switched off), and the claim that its honest form settles has to come out otherwise.

#![allow(clippy::unwrap_used, reason = "a helper that fails here has to fail the test")]

use candelab_labs::claim::{self, Claim, PlannedRun};
use candelab_labs::repeated::Repeated;
use candelab_labs::{Context, Experiment, Finding, Preset, Status};
use candle_core::Device;
use std::collections::BTreeMap;

/// A claim, and the settings with which its experiment is run instead of its own.
struct Broken {
    claim: &'static str,
    settings: &'static [(&'static str, &'static str)],
}

const fn broken(claim: &'static str, settings: &'static [(&'static str, &'static str)]) -> Broken {
    Broken { claim, settings }
}

const CASES: &[Broken] = &[
    // Swapped activations and initialisers: mean-field factors are those of the network that was claimed.
    broken("sigmoid-xavier-mean-field", &[("activation", "tanh")]),
    broken("relu-xavier-halves", &[("init", "he_normal")]),
    broken("relu-he-keeps", &[("init", "xavier_normal")]),
    broken("output-error-without-slope", &[("activation", "identity")]),
    broken("recursion-without-slope", &[("activation", "identity")]),
    broken("selu-keeps-any-variance", &[("activation", "identity")]),
    broken("residual-gradient-at-least-one", &[("init", "zero")]),
    // Swapped functions, and parameters that are not the claimed ones.
    broken("gelu-does-not-saturate", &[("function", "leaky_relu:0.01")]),
    broken("tanh-saturates-left", &[("function", "leaky_relu:0.1")]),
    broken("elu-slope-from-value", &[("first", "elu:1.4")]),
    broken("leaky-as-maximum", &[("first", "leaky_relu:0.02")]),
    broken("sigmoid-at-3", &[("function", "tanh")]),
    broken("sigmoid-slope-at-minus-10", &[("function", "silu")]),
    broken("tanh-slope-at-2", &[("function", "sigmoid")]),
    broken("relu-slope-at-minus-1000", &[("function", "leaky_relu:0.01")]),
    broken("relu-slope-one-at-0", &[("function", "silu")]),
    broken("gelu-slope-at-0", &[("function", "relu")]),
    broken("silu-at-minus-2", &[("function", "gelu")]),
    broken("silu-sharper-than-gelu", &[("first", "gelu"), ("second", "silu")]),
    broken("uat-constant-fails", &[("activation", "tanh")]),
    // Wrong constants in formulas, sizes and counts.
    broken("sigmoid-as-exp-ratio", &[("second", "exp(x)/(2+exp(x))")]),
    broken("tanh-as-exponentials", &[("second", "(exp(x)-exp(-x))/(exp(x)+2*exp(-x))")]),
    broken("conv-biases-left-out", &[("bias", "false")]),
    broken("padding-keeps-size", &[("padding", "0")]),
    broken("bias-eases-activation", &[("bias", "-3")]),
    broken("picture-layer-parameters", &[("layers", "1920000,512")]),
    broken("links-of-two-layers", &[("layers", "1000,101")]),
    broken("bottleneck-saves", &[("layers", "conv:256:1,conv:256:3:1:1,conv:256:1")]),
    broken("epoch-steps-ceil", &[("samples", "1")]),
    broken("cnn-with-512-units", &[("size", "32")]),
    broken("cnn-pool1-size", &[("size", "30")]),
    broken("chain-ten-tenths", &[("layers", "9")]),
    broken("softmax-example-p-2", &[("logits", "1,2,3")]),
    broken("softmax-stable-shifted-exp-2", &[("logits", "1000,1000,1002")]),
    // A regulariser switched off.
    broken("dropout-closes-the-gap", &[("dropout", "0")]),
    broken("dropout-generalises", &[("dropout", "0")]),
];

/// Findings of runs, by lab and settings.
#[derive(Default)]
struct Runs(BTreeMap<String, Vec<Finding>>);

impl Runs {
    fn findings(&mut self, run: &PlannedRun, changes: &[(&str, &str)]) -> &[Finding] {
        let mut settings = run.settings.clone();
        settings.retain(|(name, _)| changes.iter().all(|(other, _)| other != name));
        settings.extend(changes.iter().map(|(name, value)| ((*name).to_string(), (*value).to_string())));
        let key = format!("{} {settings:?} {}", run.lab.id(), run.seeds);
        self.0.entry(key).or_insert_with(|| {
            let context = Context { seed: 0, device: Device::Cpu };
            let mut experiment = Repeated::new(run.lab, settings, context, run.seeds).unwrap();
            while experiment.step().unwrap() == Status::Running {}
            experiment.findings()
        })
    }
}

fn find(id: &str) -> Claim {
    let claims = claim::all().unwrap();
    claims.into_iter().find(|c| c.id == id).unwrap_or_else(|| panic!("no claim '{id}'"))
}

#[test]
fn broken_experiments_change_the_verdict() {
    let mut runs = Runs::default();
    for Broken { claim, settings } in CASES {
        let claim = find(claim);
        let run = claim::plan(std::slice::from_ref(&claim), Preset::Quick, 1).unwrap().remove(0);
        let mut verdict = |changes: &[(&str, &str)]| {
            claim.judge(&run.controls, runs.findings(&run, changes)).unwrap_or_else(|e| panic!("{}: {e}", claim.id))
        };
        let honest = verdict(&[]);
        assert!(honest.is_expected(), "{}: {:?} {:?}", claim.id, honest.judged, honest.right);
        let spoilt = verdict(settings);
        assert!(!spoilt.is_expected(), "{} with {settings:?} is still {:?}", claim.id, spoilt.judged);
    }
}
