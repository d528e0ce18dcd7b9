//! Notes what can only be known while building: compiler, profile, target, commit.

use std::process::Command;

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_string();
    (output.status.success() && !text.is_empty()).then_some(text)
}

fn main() {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    let set = |name: &str, value: Option<String>| {
        println!("cargo::rustc-env=CANDELAB_{name}={}", value.unwrap_or_else(|| "unknown".into()));
    };
    set("RUSTC", output(&rustc, &["--version"]));
    set("TARGET", std::env::var("TARGET").ok());
    set("PROFILE", std::env::var("PROFILE").ok());
    set("COMMIT", output("git", &["rev-parse", "--short=12", "HEAD"]));
    // A new commit must not leave the old one in the binary.
    for path in ["../.git/HEAD", "../.git/logs/HEAD"] {
        if std::path::Path::new(path).exists() {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    println!("cargo::rerun-if-changed=build.rs");
}
