//! `candelab verify` and `candelab list --claims` from outside.
#![allow(clippy::unwrap_used, reason = "a helper that fails here has to fail the test")]

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// In a state folder of its own, so that no journal of another verification is met.
fn candelab(arguments: &[&str], state: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_candelab"));
    command.args(arguments).env("XDG_STATE_HOME", state).stdin(Stdio::null());
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Three sentences about two runs of the lab `theory`.
const MINE: &str = r#"
[[claim]]
id = "small"
lab = "theory"
en = "A 3x3 convolution of a 28x28 image leaves 26x26."
zh = "28x28 的图像经 3x3 卷积后为 26x26。"
source = "mine"
settings = { exercise = "conv-size" }
relation = { equal = "conv_size_output", formula = "input - kernel + 1", tolerance = 0 }

[[claim]]
id = "strided"
lab = "theory"
en = "With stride 2 it leaves 13x13."
zh = "步幅为 2 时为 13x13。"
source = "mine"
settings = { exercise = "conv-size", stride = "2" }
relation = { within = "conv_size_output", low = 13, high = 13 }

[[claim]]
id = "work"
lab = "theory"
en = "It has more parameters than outputs."
zh = "参数多于输出。"
source = "mine"
settings = { exercise = "conv-size" }
relation = { greater = "conv_size_parameters", than = "conv_size_output" }
"#;

struct Case {
    dir: tempfile::TempDir,
}

impl Case {
    fn new(claims: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("mine.toml"), claims).unwrap();
        Self { dir }
    }

    fn verify(&self, extra: &[&str]) -> Output {
        let file = self.dir.path().join("mine.toml");
        let mut arguments = vec!["verify", "--quick", "--quiet", "--claims", file.to_str().unwrap()];
        arguments.extend(extra);
        candelab(&arguments, self.dir.path())
    }

    fn refusal(&self, extra: &[&str]) -> String {
        let output = self.verify(extra);
        let message = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert_eq!(message.trim_end().lines().count(), 1, "{message}");
        message
    }
}

#[test]
fn expected_verdicts_leave_zero_and_others_one() {
    let output = Case::new(MINE).verify(&[]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}{}", text(&output.stderr));
    assert!(output.stderr.is_empty());
    for line in ["supported", "small", "conv_size_output", "mine", "3 claims in 2 runs", "0 not as expected"] {
        assert!(said.contains(line), "{line}: {said}");
    }
    let wrong = Case::new(&MINE.replace("low = 13, high = 13", "low = 14, high = 15")).verify(&[]);
    let said = text(&wrong.stdout);
    assert_eq!(wrong.status.code(), Some(1), "{said}");
    assert!(said.contains("refuted") && said.contains("1 not as expected"), "{said}");
}

#[test]
fn the_own_claim_about_a_wrong_sentence_is_refuted_and_corrected() {
    let dir = tempfile::tempdir().unwrap();
    let output = candelab(&["verify", "conv-biases-left-out", "--quick", "--quiet", "--json"], dir.path());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    let verdict = &json["verdicts"][0];
    assert_eq!(json["schema"], "candelab.verdicts/1");
    assert_eq!(verdict["measured"]["judgement"], "refuted");
    // 3 * 3 weights and a bias for each of 32 filters.
    assert_eq!(verdict["measured"]["value"], 320.0);
    assert_eq!(verdict["right"]["measured"]["judgement"], "supported");
    assert!(verdict["command"].as_str().unwrap().starts_with("candelab verify conv-biases-left-out --quick"));
}

#[test]
fn mistakes_in_a_file_are_named_with_their_line() {
    let misspelt = Case::new(&MINE.replace("within", "inside")).refusal(&[]);
    assert!(misspelt.contains("mine.toml: line 18: unknown field `inside`"), "{misspelt}");
    let control = Case::new(&MINE.replace("stride =", "strid =")).refusal(&[]);
    assert!(control.contains("mine.toml: line 11: claim 'strided': unknown control 'strid'"), "{control}");
    let value = Case::new(&MINE.replace("\"2\"", "\"two\"")).refusal(&[]);
    assert!(value.contains("line 11") && value.contains("a whole number from"), "{value}");
    let finding = Case::new(&MINE.replace("within = \"conv_size_output\"", "within = \"conv_size_outputs\""));
    let message = finding.refusal(&[]);
    assert!(message.contains("line 11") && message.contains("did you mean 'conv_size_output'?"), "{message}");
    let name = Case::new(MINE).refusal(&["smal"]);
    assert!(name.contains("unknown lab or claim 'smal'; did you mean 'small'?"), "{name}");
    let missing = Case::new(MINE).refusal(&["--claims-file"]);
    assert!(missing.contains("--claims"), "{missing}");
}

#[test]
fn a_page_is_written_and_an_interrupted_verification_goes_on() {
    let case = Case::new(MINE);
    let out = case.dir.path().join("out");
    let arguments = ["--out", out.to_str().unwrap()];
    let first = case.verify(&[&arguments[..], &["--json"]].concat());
    assert_eq!(first.status.code(), Some(0), "{}", text(&first.stderr));
    // Words of a command are kept from being broken.
    let page = std::fs::read_to_string(out.join("index.html")).unwrap();
    let page = page.replace("<span class=\"word\">", "").replace("</span> ", " ");
    assert!(page.contains("With stride 2 it leaves 13x13.") && page.contains("candelab verify strided --claims"));
    let folder = |v: &Value| v["evidence"]["folder"].as_str().unwrap().to_string();
    let json: Value = serde_json::from_slice(&first.stdout).unwrap();
    assert!(out.join("runs").join(folder(&json["verdicts"][1])).join("record.json").exists());
    // As if it had been interrupted in its second run. The word in the first run's entry shows that it is kept.
    let journal = out.join("verify.jsonl");
    let lines = std::fs::read_to_string(&journal).unwrap();
    assert_eq!(lines.lines().count(), 2);
    let kept = lines.lines().next().unwrap().replace("leaves 26x26", "leaves 26 by 26");
    std::fs::write(&journal, format!("{kept}\n{}", &lines.lines().nth(1).unwrap()[..40])).unwrap();
    let resumed = case.verify(&[&arguments[..], &["--json", "--resume"]].concat());
    assert_eq!(resumed.status.code(), Some(0), "{}", text(&resumed.stderr));
    let expected = text(&first.stdout).replace("leaves 26x26", "leaves 26 by 26");
    assert_eq!(text(&resumed.stdout), expected);
    let anew = case.verify(&[&arguments[..], &["--json"]].concat());
    assert_eq!(text(&anew.stdout), text(&first.stdout));
    // Other claims under the same settings are not the finished ones.
    std::fs::write(case.dir.path().join("mine.toml"), MINE.replace("input - kernel + 1", "input - kernel")).unwrap();
    let changed = case.verify(&[&arguments[..], &["--resume"]].concat());
    assert_eq!(changed.status.code(), Some(1), "{}", text(&changed.stdout));
}

#[test]
fn each_sentence_of_the_ledger_is_tested_or_says_why_not() {
    let dir = tempfile::tempdir().unwrap();
    let output = candelab(&["list", "--claims", "--json"], dir.path());
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    let rows = json["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 820);
    for row in rows {
        let tested = !row["claims"].as_array().unwrap().is_empty();
        let reason = row["reason"].as_str().unwrap();
        assert!(tested == reason.is_empty(), "{row}");
    }
    let plain = text(&candelab(&["list", "--claims"], dir.path()).stdout);
    assert!(plain.contains("A-170") && plain.contains("not covered: "), "{plain}");
}
