//! The one channel that wakes the interface, and the thread that feeds it with input.

use ratatui::crossterm::event::{self, Event as Input, KeyEventKind, MouseEventKind};
use std::sync::mpsc::Sender;
use std::{io, thread};

/// What the interface is woken for.
#[derive(Debug)]
pub enum Event {
    /// A key, a click, a new size.
    Input(Input),
    /// A snapshot lies in the slot.
    Snapshot,
    /// A line for the log, from the run of this generation.
    Message(u64, String),
    /// Somebody else asked the process to stop for a while.
    Suspend,
    /// The process was stopped and goes on.
    Continued,
    /// No more input will come.
    InputLost(io::Error),
}

/// Starts the thread that reads the terminal. It blocks in `read`, so an idle terminal wakes
/// nobody; it ends with the process, since nothing can interrupt that read.
pub fn read_input(events: Sender<Event>) -> io::Result<()> {
    thread::Builder::new().name("input".into()).spawn(move || {
        loop {
            let event = match event::read() {
                Ok(input) if is_wanted(&input) => Event::Input(input),
                Ok(_) => continue,
                Err(error) => {
                    let _ = events.send(Event::InputLost(error));
                    return;
                }
            };
            if events.send(event).is_err() {
                return;
            }
        }
    })?;
    Ok(())
}

fn is_wanted(input: &Input) -> bool {
    match input {
        Input::Key(key) => key.kind != KeyEventKind::Release,
        Input::Mouse(mouse) => !matches!(mouse.kind, MouseEventKind::Moved | MouseEventKind::Drag(_)),
        Input::Resize(..) | Input::Paste(_) => true,
        _ => false,
    }
}
