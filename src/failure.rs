//! Errors as the command line says them: one line and an exit code.

use anyhow::Error;
use candelab_labs::LabError;
use std::io::{ErrorKind, Write};
use std::process::ExitCode;

/// A verdict is not the expected one.
pub const DISAGREED: u8 = 1;
/// The command line or a setting is wrong.
const USAGE: u8 = 2;
/// The run failed.
const FAILED: u8 = 3;

/// A mistake on the command line.
#[derive(Debug)]
struct Usage(String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// An error that is the caller's to mend: exit code 2.
pub fn usage(message: impl std::fmt::Display) -> Error {
    Error::new(Usage(message.to_string()))
}

/// Prints `error` on one line of stderr and answers its exit code.
pub fn exit(error: &Error) -> ExitCode {
    // Whoever reads our output has stopped: `candelab list | head` is no failure.
    let closed = error.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == ErrorKind::BrokenPipe);
    if closed {
        return ExitCode::SUCCESS;
    }
    let line = format!("{error:#}").split_whitespace().collect::<Vec<_>>().join(" ");
    // Not `eprintln!`: it panics where stderr went away with the terminal.
    let _ = writeln!(std::io::stderr(), "candelab: {line}");
    ExitCode::from(code(error))
}

/// Prints what clap says on one line (help and version as they are) and answers the exit code.
pub fn refuse(refusal: &clap::Error) -> ExitCode {
    if !refusal.use_stderr() {
        let _ = refusal.print();
        return ExitCode::SUCCESS;
    }
    let _ = writeln!(std::io::stderr(), "candelab: {}", one_line(&refusal.to_string()));
    ExitCode::from(USAGE)
}

/// clap's message without its usage block, on one line.
fn one_line(message: &str) -> String {
    let body = message.split("\nUsage:").next().unwrap_or(message).split("\nFor more information").next();
    let words: Vec<&str> = body.unwrap_or(message).split_whitespace().collect();
    let text = words.join(" ");
    format!("{}; see --help", text.strip_prefix("error: ").unwrap_or(&text))
}

fn code(error: &Error) -> u8 {
    let input = error.downcast_ref::<LabError>().is_some_and(LabError::is_input);
    if input || error.downcast_ref::<Usage>().is_some() { USAGE } else { FAILED }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claps_messages_fit_on_a_line() {
        let message =
            "error: unexpected argument '--sed' found\n\n  tip: a similar argument exists: '--seed'\n\nUsage: x\n";
        assert_eq!(
            one_line(message),
            "unexpected argument '--sed' found tip: a similar argument exists: '--seed'; see --help"
        );
    }

    #[test]
    fn the_callers_mistakes_and_failures_of_the_run_differ() {
        assert_eq!(code(&usage("x")), 2);
        assert_eq!(code(&LabError::UnknownLab { name: "x".into(), hint: String::new() }.into()), 2);
        assert_eq!(code(&LabError::NotFinite { what: "x".into(), hint: String::new() }.into()), 3);
        assert_eq!(code(&anyhow::anyhow!("x")), 3);
    }
}
