//! Progress on stderr: a bar on a terminal, a line now and then elsewhere.

use crate::cli;
use candelab_labs::Progress;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// Lines are this far apart where there is no terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// Shows how far a run has come.
pub enum Reporter {
    Silent,
    Bar(ProgressBar),
    Lines { label: String, last: Instant },
}

impl Reporter {
    /// What `options` and stderr allow; `label` says what is running.
    pub fn new(options: cli::Progress, label: &str) -> Self {
        if options.quiet {
            return Self::Silent;
        }
        if options.plain || !std::io::stderr().is_terminal() {
            return Self::Lines { label: label.into(), last: Instant::now() };
        }
        let style = ProgressStyle::with_template("{prefix} [{bar:24}] {percent:>3} %  {eta:>4} left  {wide_msg}");
        let bar = ProgressBar::new(1).with_prefix(label.to_string());
        Self::Bar(bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> ")))
    }

    pub fn update(&mut self, progress: &Progress) {
        match self {
            Self::Silent => {}
            Self::Bar(bar) => {
                bar.set_length(progress.total.max(1));
                bar.set_position(progress.done);
                if bar.message() != progress.stage {
                    bar.set_message(progress.stage.clone());
                }
            }
            Self::Lines { label, last } => {
                if last.elapsed() >= LINE_INTERVAL {
                    *last = Instant::now();
                    let percent = 100 * progress.done / progress.total.max(1);
                    say(&format!("{label}: {percent} %, {}", progress.stage));
                }
            }
        }
    }

    /// A remark of the experiment.
    pub fn remark(&self, text: &str) {
        match self {
            Self::Silent => {}
            Self::Bar(bar) => bar.println(text),
            Self::Lines { label, .. } => say(&format!("{label}: {text}")),
        }
    }

    pub fn finish(&self, seconds: f64) {
        match self {
            Self::Silent => {}
            Self::Bar(bar) => bar.finish_and_clear(),
            Self::Lines { label, .. } => say(&format!("{label}: done in {seconds:.1} s")),
        }
    }
}

/// A line on stderr. Nobody listening is no reason to stop: `eprintln!` would panic there.
pub fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
