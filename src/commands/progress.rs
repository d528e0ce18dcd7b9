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

/// How far several runs have come together; their lines go to stdout as they come.
pub struct Overall {
    reporter: Reporter,
    /// What is done of the whole, in the runs' units of cost.
    before: f64,
    total: f64,
    stage: String,
    started: Instant,
}

impl Overall {
    /// Runs of this `total` cost.
    pub fn new(options: cli::Progress, total: f64) -> Self {
        Self {
            reporter: Reporter::new(options, "verify"),
            before: 0.0,
            total,
            stage: String::new(),
            started: Instant::now(),
        }
    }

    /// The next run is called this.
    pub fn begin(&mut self, stage: &str) {
        stage.clone_into(&mut self.stage);
    }

    /// How far the present run, which costs `weight`, has come.
    pub fn update(&mut self, run: &Progress, weight: f64) {
        let done = self.before + weight * run.done as f64 / run.total.max(1) as f64;
        let mut stage = self.stage.clone();
        if !run.stage.is_empty() {
            stage += &format!(": {}", run.stage);
        }
        // A bar has its own estimate.
        if matches!(self.reporter, Reporter::Lines { .. }) && done > 0.0 {
            let left = self.started.elapsed().as_secs_f64() * (self.total - done) / done;
            stage += &format!(", about {left:.0} s left");
        }
        let progress = Progress { done: done as u64, total: self.total as u64, stage, training_steps: 0 };
        self.reporter.update(&progress);
    }

    /// The present run is over.
    pub fn end(&mut self, weight: f64) {
        self.before += weight;
    }

    /// Prints `lines` on stdout, above the bar where there is one.
    pub fn print(&self, lines: &[String]) -> std::io::Result<()> {
        let write = || {
            let mut out = std::io::stdout().lock();
            lines.iter().try_for_each(|line| writeln!(out, "{line}")).and_then(|()| out.flush())
        };
        match &self.reporter {
            Reporter::Bar(bar) => bar.suspend(write),
            _ => write(),
        }
    }

    pub fn finish(&self) {
        if let Reporter::Bar(bar) = &self.reporter {
            bar.finish_and_clear();
        }
    }
}

/// A line on stderr. Nobody listening is no reason to stop: `eprintln!` would panic there.
pub fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
