//! A verdict must be able to fail: each of these experiments is broken in one way (another constant, another
//! activation, a regulariser switched off), and the claim that its honest form settles has to come out otherwise.

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
    broken("output-error-without-slope", &[("activation", "identity")]),
    broken("recursion-without-slope", &[("activation", "identity")]),
    broken("selu-keeps-any-variance", &[("activation", "identity")]),
    broken("residual-gradient-at-least-one", &[("init", "zero")]),
    // Wrong constants.
    broken("conv-bias-counted", &[("bias", "false")]),
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
