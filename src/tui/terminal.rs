//! The one place that knows every mode that is switched on, and switches it off again.

use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::style::force_color_output;
use ratatui::{Frame, Terminal};
use rustix::termios::{OptionalActions, QueueSelector, Termios, tcflush, tcgetattr, tcsetattr};
use std::cell::RefCell;
use std::fs::File;
use std::io::{self, IsTerminal, Write, stdin, stdout};
use std::os::fd::AsFd;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, ThreadId};

const ENTER: &[u8] = b"\x1b[?1049h\x1b[?25l\x1b[?2004h\x1b[2J";
/// Presses and the wheel, in the form without limits; no motion, which would flood a slow link.
const MOUSE_ON: &[u8] = b"\x1b[?1000h\x1b[?1006h";
const MOUSE_OFF: &[u8] = b"\x1b[?1006l\x1b[?1000l";
/// A frame cut short must not leave the terminal waiting for its end.
const LEAVE: &[u8] = b"\x1b[?2026l\x1b[0m\x1b[?2004l\x1b[?1049l\x1b[?25h";
const FRAME_BEGIN: &[u8] = b"\x1b[?2026h";
const FRAME_END: &[u8] = b"\x1b[?2026l";

/// Whether input and output are a terminal that a dashboard can use.
pub fn is_terminal() -> bool {
    stdin().is_terminal() && stdout().is_terminal()
}

/// Whether the terminal has vanished under the process.
pub fn is_gone() -> bool {
    tcgetattr(stdin()).is_err()
}

/// What is needed to give the terminal back, from whichever thread.
#[derive(Debug)]
pub struct Restorer {
    cooked: Termios,
    mouse: bool,
    /// The output and whether it is ours; who writes holds the lock.
    output: Mutex<Output>,
}

#[derive(Debug)]
struct Output {
    file: File,
    ours: bool,
    closed: bool,
}

impl Restorer {
    fn new(mouse: bool) -> io::Result<Self> {
        let file = File::from(stdout().as_fd().try_clone_to_owned()?);
        let output = Mutex::new(Output { file, ours: false, closed: false });
        Ok(Self { cooked: tcgetattr(stdin())?, mouse, output })
    }

    fn enter(&self) -> io::Result<()> {
        let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        if output.closed {
            return Ok(());
        }
        output.ours = true;
        let mut raw = self.cooked.clone();
        raw.make_raw();
        tcsetattr(stdin(), OptionalActions::Now, &raw)?;
        output.file.write_all(ENTER)?;
        if self.mouse { output.file.write_all(MOUSE_ON) } else { Ok(()) }
    }

    /// Gives the terminal back; errors are of no interest to anyone any more.
    pub fn leave(&self) {
        self.restore(&mut self.output.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Gives the line discipline back without waiting for whoever is writing, and drops what the
    /// terminal has not taken yet, so that a writer who is stuck gets on. The rest is for
    /// [`Restorer::close`].
    pub fn cook(&self) {
        let _ = tcsetattr(stdin(), OptionalActions::Now, &self.cooked);
        let _ = tcflush(stdout(), QueueSelector::OFlush);
    }

    /// Gives the terminal back for good: nothing is written after it.
    pub fn close(&self) {
        let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        self.restore(&mut output);
        output.closed = true;
    }

    fn restore(&self, output: &mut Output) {
        if !output.ours || output.closed {
            return;
        }
        output.ours = false;
        if self.mouse {
            let _ = output.file.write_all(MOUSE_OFF);
        }
        let _ = output.file.write_all(LEAVE);
        let _ = tcsetattr(stdin(), OptionalActions::Now, &self.cooked);
    }

    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        if output.ours && !output.closed { output.file.write_all(bytes) } else { Ok(()) }
    }
}

/// Collects a frame, so that it reaches the terminal in one piece: the backend flushes in the
/// middle of a frame, and that flush does nothing here.
#[derive(Clone, Default)]
struct Collector(Rc<RefCell<Vec<u8>>>);

impl Write for Collector {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The terminal while the dashboard has it. Dropping gives it back.
pub struct Tui {
    terminal: Terminal<CrosstermBackend<Collector>>,
    frame: Collector,
    restorer: Arc<Restorer>,
    panics: PanicLog,
}

impl Tui {
    /// Takes the terminal.
    pub fn enter(mouse: bool) -> io::Result<Self> {
        // The theme decides about colours; crossterm's own idea of NO_COLOR would turn each colour
        // command into one that also resets bold and reversed.
        force_color_output(true);
        let restorer = Arc::new(Restorer::new(mouse)?);
        let panics = PanicLog::default();
        panics.install(thread::current().id(), Arc::clone(&restorer));
        let frame = Collector::default();
        let terminal = Terminal::new(CrosstermBackend::new(frame.clone()))?;
        let tui = Self { terminal, frame, restorer, panics };
        tui.restorer.enter()?;
        Ok(tui)
    }

    /// For the threads that may have to give the terminal back.
    pub fn restorer(&self) -> Arc<Restorer> {
        Arc::clone(&self.restorer)
    }

    /// What panicked on other threads.
    pub fn panics(&self) -> PanicLog {
        self.panics.clone()
    }

    /// Draws a frame and writes what differs from the last one; a frame like the last one costs
    /// no byte.
    pub fn draw(&mut self, render: impl FnOnce(&mut Frame)) -> io::Result<()> {
        self.terminal.draw(render)?;
        let cells = std::mem::take(&mut *self.frame.0.borrow_mut());
        // Each run of changed cells begins with a cursor movement, `CSI row;column H`.
        if !cells.contains(&b'H') {
            return Ok(());
        }
        self.restorer.write(&[FRAME_BEGIN, cells.as_slice(), FRAME_END].concat())
    }

    /// Forgets what is on the screen, so that the next frame writes all of it.
    pub fn forget(&mut self) -> io::Result<()> {
        // Not `clear`: that asks the terminal where its cursor is, and waits for the answer.
        let area = self.terminal.size()?.into();
        self.terminal.resize(area)
    }

    /// Gives the terminal back for a while, stops the process group as a shell expects of Ctrl-Z,
    /// and takes the terminal again when somebody lets it go on.
    pub fn suspend(&mut self) -> io::Result<()> {
        self.restorer.leave();
        // Not TSTP: that is discarded where no shell waits, and would come back to our handler.
        rustix::process::kill_current_process_group(rustix::process::Signal::STOP)?;
        self.resume()
    }

    /// Takes the terminal after a stop, whoever stopped the process.
    pub fn resume(&mut self) -> io::Result<()> {
        self.restorer.enter()?;
        self.forget()
    }
}

impl Drop for Tui {
    fn drop(&mut self) {
        self.restorer.close();
        if !thread::panicking() {
            drop(std::panic::take_hook());
        }
    }
}

/// The last panic of a thread that is not the interface's: its text and place.
#[derive(Debug, Clone, Default)]
pub struct PanicLog(Arc<Mutex<Option<String>>>);

impl PanicLog {
    /// Takes the text of the last panic.
    pub fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// A panic of the interface gives the terminal back before it is reported; any other is noted,
    /// since the interface goes on drawing.
    fn install(&self, interface: ThreadId, restorer: Arc<Restorer>) {
        let before = std::panic::take_hook();
        let note = Arc::clone(&self.0);
        std::panic::set_hook(Box::new(move |panic| {
            if thread::current().id() == interface {
                restorer.close();
                before(panic);
            } else {
                let place = panic.location().map(|l| format!(" ({}:{})", l.file(), l.line())).unwrap_or_default();
                let payload = panic.payload();
                let text = payload.downcast_ref::<&str>().copied();
                let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
                let line = format!("panic: {}{place}", text.unwrap_or("no message"));
                *note.lock().unwrap_or_else(PoisonError::into_inner) = Some(line);
            }
        }));
    }
}
