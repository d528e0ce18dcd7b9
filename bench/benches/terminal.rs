//! How the dashboard feels: the program in a pseudo-terminal, measured from outside.
//!
//! `cargo bench --bench terminal` prints, for each size of the terminal:
//!
//! - the time from starting the process to the end of its first frame,
//! - the bytes that an idle dashboard writes,
//! - the bytes a second that a training lab writes, for its first two figures,
//! - the time from writing a key to the end of the first frame that shows its effect, while the
//!   lab trains: `?` opens and closes the help, `]` goes to the next figure.
//!
//! Times are taken when bytes arrive at the master side of the pseudo-terminal: the terminal
//! emulator's own drawing and a network are not in them.
#![allow(missing_docs, reason = "a program")]
#![allow(clippy::unwrap_used, reason = "a measurement that fails should say where")]

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use std::io::{Read, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

const SIZES: [(u16, u16); 2] = [(80, 24), (120, 40)];
const LAUNCHES: usize = 15;
const KEYS: usize = 300;
const IDLE: Duration = Duration::from_secs(5);
const TRAINING: Duration = Duration::from_secs(5);
const LIMIT: Duration = Duration::from_secs(60);
const FRAME_END: &[u8] = b"\x1b[?2026l";

struct Session {
    child: Box<dyn Child + Send + Sync>,
    writer: Box<dyn Write + Send>,
    chunks: Receiver<(Instant, Vec<u8>)>,
    parser: vt100::Parser,
    /// Bytes that came after the last whole frame.
    rest: Vec<u8>,
    bytes: usize,
    started: Instant,
    _master: Box<dyn MasterPty>,
}

impl Session {
    fn start((cols, rows): (u16, u16)) -> Self {
        let size = PtySize { rows, cols, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_candelab"));
        for name in ["NO_COLOR", "SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"] {
            command.env_remove(name);
        }
        command.env("TERM", "xterm-256color");
        command.env("COLORTERM", "truecolor");
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (sender, chunks) = channel();
        std::thread::spawn(move || {
            let mut buffer = vec![0; 1 << 16];
            while let Ok(n @ 1..) = reader.read(&mut buffer) {
                if sender.send((Instant::now(), buffer[..n].to_vec())).is_err() {
                    return;
                }
            }
        });
        let started = Instant::now();
        let child = pair.slave.spawn_command(command).unwrap();
        let writer = pair.master.take_writer().unwrap();
        let parser = vt100::Parser::new(rows, cols, 0);
        Self { child, writer, chunks, parser, rest: Vec::new(), bytes: 0, started, _master: pair.master }
    }

    fn press(&mut self, key: &str) -> Instant {
        // Before the write: the program may answer before this thread is scheduled again.
        let now = Instant::now();
        self.writer.write_all(key.as_bytes()).unwrap();
        self.writer.flush().unwrap();
        now
    }

    /// Takes what comes until a whole frame has come after which `done`, or until `limit`;
    /// answers when the frame's last byte came.
    fn frame(&mut self, limit: Duration, done: impl Fn(&vt100::Screen) -> bool) -> Option<Instant> {
        let end = Instant::now() + limit;
        loop {
            match self.chunks.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok((stamp, chunk)) => {
                    self.bytes += chunk.len();
                    self.rest.extend(chunk);
                    while let Some(at) = self.rest.windows(FRAME_END.len()).position(|w| w == FRAME_END) {
                        let frame: Vec<u8> = self.rest.drain(..at + FRAME_END.len()).collect();
                        self.parser.process(&frame);
                        if done(self.parser.screen()) {
                            return Some(stamp);
                        }
                    }
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return None,
            }
        }
    }

    fn wait_for(&mut self, text: &str) -> Instant {
        let found = self.frame(LIMIT, |s| s.contents().contains(text));
        found.unwrap_or_else(|| panic!("no '{text}':\n{}", self.parser.screen().contents()))
    }

    /// Sees to it that the lab is training.
    fn train(&mut self) {
        if !self.parser.screen().contents().contains("running") {
            self.press("r");
            self.wait_for("running");
        }
    }

    /// Bytes that come in `time` without a key.
    fn bytes_in(&mut self, time: Duration) -> usize {
        let before = self.bytes;
        self.frame(time, |_| false);
        self.bytes - before
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.writer.write_all(b"\x03");
        let _ = self.child.wait();
    }
}

/// Smallest, median, 95th and 99th percentile and largest, in milliseconds.
fn summary(mut times: Vec<Duration>) -> [f64; 5] {
    times.sort();
    let at = |q: f64| times[((times.len() - 1) as f64 * q).round() as usize].as_secs_f64() * 1e3;
    [at(0.0), at(0.5), at(0.95), at(0.99), at(1.0)]
}

fn row(what: &str, times: Vec<Duration>) {
    let n = times.len();
    let [min, p50, p95, p99, max] = summary(times);
    println!("  {what:<34} {n:>4} {min:>8.2} {p50:>8.2} {p95:>8.2} {p99:>8.2} {max:>8.2}");
}

/// Times between keys that fall anywhere between two frames of the training lab.
struct Phases(u64);

impl Phases {
    fn next(&mut self) -> Duration {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Duration::from_millis(10 + (self.0 >> 33) % 100)
    }
}

fn measure(size: (u16, u16)) {
    println!("\n{} x {}", size.0, size.1);
    println!("  {:<34} {:>4} {:>8} {:>8} {:>8} {:>8} {:>8}", "milliseconds", "n", "min", "p50", "p95", "p99", "max");
    let first_frames = (0..LAUNCHES).map(|_| {
        let mut session = Session::start(size);
        let end = session.frame(LIMIT, |_| true).unwrap();
        end - session.started
    });
    row("start to first frame", first_frames.collect());

    let mut session = Session::start(size);
    session.wait_for("q quit");
    let idle = session.bytes_in(IDLE);
    session.train();
    session.wait_for("Figure 1/");
    let mut phases = Phases(1);
    let mut opened = Vec::new();
    for i in 0..KEYS {
        let open = i % 2 == 0;
        if open {
            // Not under the help: that takes the keys, and covers the status line.
            session.train();
        }
        session.frame(phases.next(), |_| false);
        let pressed = session.press("?");
        let seen = session.frame(LIMIT, |s| s.contents().contains("Esc closes") == open).unwrap();
        opened.push(seen.saturating_duration_since(pressed));
    }
    row("key to frame: help on or off", opened);
    let mut turned = Vec::new();
    for _ in 0..KEYS {
        session.train();
        session.frame(phases.next(), |_| false);
        let before = figure(session.parser.screen());
        let pressed = session.press("]");
        let seen = session.frame(LIMIT, |s| figure(s) != before).unwrap();
        turned.push(seen.saturating_duration_since(pressed));
    }
    row("key to frame: next figure", turned);
    println!("  idle, bytes in {} s: {idle}", IDLE.as_secs());
    for key in ["1", "2"] {
        session.press(key);
        session.press("r");
        session.frame(Duration::from_millis(300), |_| false);
        let bytes = session.bytes_in(TRAINING) as f64 / TRAINING.as_secs_f64();
        println!("  training with figure {key}, bytes a second: {bytes:.0}");
    }
}

/// `Figure 3/12`, as the title of the pane says it.
fn figure(screen: &vt100::Screen) -> String {
    let contents = screen.contents();
    let title = contents.split("Figure ").nth(1).unwrap_or_default();
    title.split_whitespace().next().unwrap_or_default().to_owned()
}

fn main() {
    if !std::env::args().any(|a| a == "--bench") {
        println!("measured by `cargo bench --bench terminal`");
        return;
    }
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let profile = if cfg!(debug_assertions) { "debug" } else { "release" };
    println!("candelab's dashboard in a pseudo-terminal; {cores} cores, {profile} build, 24-bit colours");
    if let Ok(load) = std::fs::read_to_string("/proc/loadavg") {
        println!("load average at the start: {}", load.trim());
    }
    println!(
        "key to frame: from writing the key to the end of the first frame that shows its effect, while a lab trains"
    );
    SIZES.into_iter().for_each(measure);
}
