//! `candelab doctor`: what this machine and this terminal can do.

use crate::device;
use crate::tui::{ColorDepth, Environment};
use anyhow::Result;
use candelab_labs::registry;
use std::io::{IsTerminal, Write};

pub fn doctor(threads: usize) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "candelab {} ({})", env!("CARGO_PKG_VERSION"), candelab_bench::COMMIT)?;
    writeln!(out, "\nmachine")?;
    for (name, value) in candelab_bench::fingerprint() {
        writeln!(out, "  {name:24} {value}")?;
    }
    writeln!(out, "  {:24} {threads}", "computing threads")?;
    writeln!(out, "\ndevices")?;
    for name in ["cpu", "cuda", "metal"] {
        let state = device::parse(name).map_or_else(|e| format!("{e:#}"), |_| "ready".into());
        writeln!(out, "  {name:24} {state}")?;
    }
    writeln!(out, "\nterminal")?;
    for (name, value) in terminal() {
        writeln!(out, "  {name:24} {value}")?;
    }
    writeln!(out, "\nlabs")?;
    for lab in registry() {
        writeln!(out, "  {:24} {} controls, {} claims", lab.id(), lab.controls().len(), lab.claims()?.len())?;
    }
    Ok(())
}

fn terminal() -> Vec<(&'static str, String)> {
    let yes = |b: bool| if b { "a terminal" } else { "not a terminal" }.to_string();
    let variable = |name: &str| std::env::var(name).unwrap_or_else(|_| "not set".into());
    let mut list =
        vec![("stdin", yes(std::io::stdin().is_terminal())), ("stdout", yes(std::io::stdout().is_terminal()))];
    if let Ok((columns, rows)) = ratatui::crossterm::terminal::size() {
        list.push(("size", format!("{columns}x{rows}")));
    }
    let colors = ColorDepth::decide(None, &Environment::read()).describe();
    list.push(("colours in the dashboard", colors.into()));
    list.extend(["TERM", "COLORTERM", "NO_COLOR", "TMUX", "SSH_CONNECTION"].map(|name| (name, variable(name))));
    list
}
