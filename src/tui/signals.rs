//! Signals are handled on a thread of their own: when the terminal is gone, crossterm's reader may
//! spin without returning, and a flag for the event loop would never be read.

use super::event::Event;
use super::terminal::{self, Restorer};
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
use signal_hook::iterator::Signals;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;
use std::{io, process, thread};

/// A terminal that cannot be written to must not keep the process.
const RESTORE_LIMIT: Duration = Duration::from_millis(120);
/// How often somebody looks whether the terminal still exists: a hang-up is not signalled to every
/// process that a terminal can have (a container's, for example).
const WATCH_INTERVAL: Duration = Duration::from_secs(1);

/// Starts the threads that end the process in order when it is told to.
pub fn watch(events: Sender<Event>, restorer: Arc<Restorer>) -> io::Result<()> {
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGCONT])?;
    let watched = Arc::clone(&restorer);
    thread::Builder::new().name("signals".into()).spawn(move || {
        for signal in signals.forever() {
            match signal {
                SIGTSTP => _ = events.send(Event::Suspend),
                SIGCONT => _ = events.send(Event::Continued),
                _ => leave(&restorer, 128 + signal),
            }
        }
    })?;
    thread::Builder::new().name("watch".into()).stack_size(64 << 10).spawn(move || {
        loop {
            thread::sleep(WATCH_INTERVAL);
            if terminal::is_gone() {
                leave(&watched, 128 + SIGHUP);
            }
        }
    })?;
    Ok(())
}

/// Restores the terminal as far as it lets us, and ends the process.
fn leave(restorer: &Arc<Restorer>, code: i32) -> ! {
    restorer.cook();
    let (done, is_done) = std::sync::mpsc::channel();
    let restorer = Arc::clone(restorer);
    let restoring = thread::Builder::new().spawn(move || {
        restorer.close();
        let _ = done.send(());
    });
    if restoring.is_ok() {
        let _ = is_done.recv_timeout(RESTORE_LIMIT);
    }
    process::exit(code);
}
