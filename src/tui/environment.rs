//! What the surroundings say about the terminal, read in one place and passed in.

use std::env;

/// The environment variables that the dashboard heeds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// `NO_COLOR` is set and not empty.
    pub no_color: bool,
    /// `COLORTERM`.
    pub colorterm: String,
    /// `TERM`.
    pub term: String,
    /// The session came over SSH, so that frames travel a link.
    pub ssh: bool,
    /// What a debug build is asked to break, so that tests see it survive.
    pub fault: Option<Fault>,
}

/// A failure on purpose; debug builds only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The first run's worker panics at its third step.
    Worker,
    /// The user interface panics when a run is started.
    Interface,
}

impl Environment {
    /// Reads the process's environment. Call once, at the start.
    pub fn read() -> Self {
        let text = |name: &str| env::var(name).unwrap_or_default();
        let set = |name: &str| env::var_os(name).is_some_and(|v| !v.is_empty());
        let fault = match text("CANDELAB_FAULT").as_str() {
            "worker" => Some(Fault::Worker),
            "interface" => Some(Fault::Interface),
            _ => None,
        };
        Self {
            no_color: set("NO_COLOR"),
            colorterm: text("COLORTERM"),
            term: text("TERM"),
            ssh: ["SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"].into_iter().any(set),
            fault: fault.filter(|_| cfg!(debug_assertions)),
        }
    }
}
