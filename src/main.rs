//! Starts the dashboard. STUB: replaced by the real command line.

mod tui;

use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    if !tui::is_terminal() {
        eprintln!("candelab: the dashboard needs a terminal");
        return ExitCode::from(2);
    }
    let mut options = tui::Options {
        lab: None,
        settings: Vec::new(),
        context: candelab_labs::Context { seed: 1, device: candle_core::Device::Cpu },
        device_name: "cpu".into(),
        threads: std::thread::available_parallelism().map_or(1, usize::from),
        mouse: false,
        colors: None,
        glyphs: tui::Glyphs::Braille,
        environment: tui::Environment::read(),
    };
    for argument in std::env::args().skip(1) {
        match argument.split_once('=') {
            Some(("--lab", id)) => options.lab = Some(id.into()),
            Some(("--seed", seed)) => options.context.seed = seed.parse().unwrap_or(1),
            Some(("--colors", name)) => options.colors = tui::ColorDepth::from_name(name),
            None if argument == "--mouse" => options.mouse = true,
            None if argument == "--ascii" => options.glyphs = tui::Glyphs::Ascii,
            _ => {}
        }
    }
    match tui::run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Not `eprintln!`: where the terminal is gone, that panics.
            let _ = writeln!(std::io::stderr(), "candelab: {error:#}");
            ExitCode::from(3)
        }
    }
}
