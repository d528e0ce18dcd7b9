//! The program in a pseudo-terminal, with a terminal emulator that looks at what it draws. Every
//! wait is for a condition, with a limit that only a broken program reaches.

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, SlavePty, native_pty_system};
use std::io::{Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Nothing takes this long on a machine that is merely busy.
pub const LIMIT: Duration = Duration::from_secs(30);

struct Seen {
    parser: vt100::Parser,
    bytes: Vec<u8>,
}

type Shared = Arc<(Mutex<Seen>, Condvar)>;

/// A running program and its terminal.
pub struct Session {
    pub child: Box<dyn Child + Send + Sync>,
    pub started: Instant,
    master: Box<dyn MasterPty>,
    writer: Box<dyn Write + Send>,
    /// Kept, so that the terminal can still be asked when the program has gone.
    slave: Box<dyn SlavePty>,
    seen: Shared,
    stop: Arc<AtomicBool>,
    reader: JoinHandle<()>,
    termios: String,
}

fn size(cols: u16, rows: u16) -> PtySize {
    // The emulator panics below two by two.
    PtySize { rows: rows.max(2), cols: cols.max(2), pixel_width: 0, pixel_height: 0 }
}

impl Session {
    /// Starts the dashboard in a terminal of `cols` by `rows`.
    pub fn start(cols: u16, rows: u16, variables: &[(&str, &str)]) -> Self {
        Self::start_in(cols, rows, variables, true)
    }

    /// The same; a terminal that is not `controlling` is lost without a signal, as in a container.
    pub fn start_in(cols: u16, rows: u16, variables: &[(&str, &str)], controlling: bool) -> Self {
        let pair = native_pty_system().openpty(size(cols, rows)).unwrap();
        let termios = format!("{:?}", pair.master.get_termios());
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_candelab"));
        for name in ["NO_COLOR", "COLORTERM", "SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY", "COLUMNS", "LINES"] {
            command.env_remove(name);
        }
        command.set_controlling_tty(controlling);
        command.env("TERM", "xterm-256color");
        for (name, value) in variables {
            command.env(name, value);
        }
        let started = Instant::now();
        let child = pair.slave.spawn_command(command).unwrap();
        let parser = vt100::Parser::new(rows.max(2), cols.max(2), 0);
        let seen: Shared = Arc::new((Mutex::new(Seen { parser, bytes: Vec::new() }), Condvar::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let reader = read(pair.master.try_clone_reader().unwrap(), Arc::clone(&seen), Arc::clone(&stop));
        let writer = pair.master.take_writer().unwrap();
        Self { child, started, master: pair.master, writer, slave: pair.slave, seen, stop, reader, termios }
    }

    /// Types `keys`.
    pub fn press(&mut self, keys: &str) {
        self.writer.write_all(keys.as_bytes()).unwrap();
        self.writer.flush().unwrap();
    }

    /// Waits until the screen is as `condition` says.
    pub fn wait(&self, what: &str, condition: impl Fn(&vt100::Screen) -> bool) {
        let (seen, changed) = &*self.seen;
        let seen = seen.lock().unwrap();
        let (seen, timeout) = changed.wait_timeout_while(seen, LIMIT, |seen| !condition(seen.parser.screen())).unwrap();
        assert!(!timeout.timed_out(), "no {what} after {LIMIT:?}; the screen:\n{}", seen.parser.screen().contents());
    }

    /// Waits until `text` is on the screen.
    pub fn wait_for(&self, text: &str) {
        self.wait(&format!("'{text}'"), |screen| screen.contents().contains(text));
    }

    /// The number of bytes that have come.
    pub fn count(&self) -> usize {
        self.seen.0.lock().unwrap().bytes.len()
    }

    /// Gives the terminal another size.
    pub fn resize(&self, cols: u16, rows: u16) {
        let new = size(cols, rows);
        self.seen.0.lock().unwrap().parser.screen_mut().set_size(new.rows, new.cols);
        self.master.resize(new).unwrap();
    }

    /// Sends a signal to the program.
    pub fn signal(&self, signal: rustix::process::Signal) {
        let id = self.child.process_id().and_then(|id| rustix::process::Pid::from_raw(id as i32)).unwrap();
        rustix::process::kill_process(id, signal).unwrap();
    }

    /// Waits until the program has ended; answers its exit code and how long that took.
    pub fn ended(&mut self) -> (u32, Duration) {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status.exit_code(), begun.elapsed());
            }
            assert!(begun.elapsed() < LIMIT, "the program goes on");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Every mode that was switched on is off again, the cursor is back, and the line discipline
    /// is as it was.
    pub fn assert_restored(&mut self) {
        // What the program wrote last may still be on its way through the kernel, and the line
        // discipline follows the modes.
        let begun = Instant::now();
        let discipline = |session: &Self| format!("{:?}", session.master.get_termios());
        while (self.modes_left().is_some() || discipline(self) != self.termios) && begun.elapsed() < LIMIT {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(self.modes_left(), None);
        assert_eq!(discipline(self), self.termios);
    }

    /// A mode in a state that a shell does not expect.
    fn modes_left(&self) -> Option<String> {
        let seen = self.seen.0.lock().unwrap();
        let text = String::from_utf8_lossy(&seen.bytes).into_owned();
        let mut modes = std::collections::BTreeMap::new();
        for part in text.split("\x1b[?").skip(1) {
            let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
            modes.insert(digits.clone(), part.chars().nth(digits.len()));
        }
        let mut wrong = modes.iter().filter(|(mode, last)| {
            let on = **last == Some('h');
            if *mode == "25" { !on } else { on }
        });
        wrong.next().map(|(mode, last)| format!("?{mode}{last:?}"))
    }

    /// Reads no more of what the program writes, as a link that has stalled.
    pub fn stall(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Each is a frame, and the reader leaves at the next bytes: in the end the program cannot write.
        for _ in 0..200 {
            self.press("?");
            // One at a time: keys that come together are drawn once.
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until the line discipline is as it was before the start.
    pub fn assert_cooked(&self) {
        let begun = Instant::now();
        while format!("{:?}", self.master.get_termios()) != self.termios {
            assert!(begun.elapsed() < LIMIT, "the terminal stays raw");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Closes the terminal under the program, as a lost connection does.
    pub fn hang_up(self) -> Box<dyn Child + Send + Sync> {
        let Self { child, master, mut writer, slave, stop, reader, .. } = self;
        stop.store(true, Ordering::SeqCst);
        // Something has to be drawn, so that the reader wakes and lets its handle go.
        writer.write_all(b"\t\t").unwrap();
        reader.join().unwrap();
        drop((writer, slave, master));
        child
    }

    /// Everything on the screen, to be looked at.
    #[allow(dead_code)]
    pub fn contents(&self) -> String {
        self.seen.0.lock().unwrap().parser.screen().contents()
    }
}

fn read(mut reader: Box<dyn Read + Send>, seen: Shared, stop: Arc<AtomicBool>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut buffer = vec![0; 1 << 16];
        while let Ok(n) = reader.read(&mut buffer) {
            if n == 0 || stop.load(Ordering::SeqCst) {
                return;
            }
            let (seen, changed) = &*seen;
            let mut seen = seen.lock().unwrap();
            seen.bytes.extend_from_slice(&buffer[..n]);
            seen.parser.process(&buffer[..n]);
            changed.notify_all();
        }
    })
}
