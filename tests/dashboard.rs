//! The dashboard from outside: the program in a pseudo-terminal.
#![allow(clippy::unwrap_used, reason = "these are tests")]

mod support;

use rustix::process::Signal;
use std::time::{Duration, Instant};
use support::{LIMIT, Session};

/// An ended process may take this long; what is aimed at is a tenth of it.
const END_LIMIT: Duration = Duration::from_secs(2);

fn start() -> Session {
    let session = Session::start(100, 30, &[]);
    session.wait_for("Controls");
    session
}

fn started_run() -> Session {
    let mut session = start();
    session.press(" ");
    session.wait_for("running");
    session
}

#[test]
fn the_first_frame_comes_soon_and_an_idle_dashboard_writes_nothing() {
    let session = start();
    println!("first frame after {:?}", session.started.elapsed());
    session.wait_for("q quit");
    let before = session.count();
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(session.count(), before);
}

#[test]
fn a_run_can_be_started_watched_changed_and_left() {
    let mut session = started_run();
    session.wait_for("Figure 1/");
    session.press("\x1b[C");
    session.wait_for("Controls: r restarts");
    session.press(" ");
    session.wait_for("paused");
    session.press("r");
    session.wait("a restart", |s| !s.contents().contains("r restarts") && s.contents().contains("running"));
    session.press("q");
    session.wait_for("A run is in progress");
    session.press("y");
    let (code, time) = session.ended();
    println!("ended {time:?} after the key");
    assert_eq!(code, 0);
    session.assert_restored();
}

#[test]
fn a_claim_can_be_looked_at_run_and_judged() {
    let mut session = start();
    session.press("v");
    session.wait_for("not run yet");
    session.press("t");
    // Other claims of the lab are of other settings: the run says so as soon as it is judged.
    session.wait_for("needs activation=relu");
    session.press("\r");
    session.wait_for("Figure 1/");
    session.press("\x03");
    assert_eq!(session.ended().0, 0);
    session.assert_restored();
}

#[test]
fn an_idle_dashboard_leaves_at_once() {
    let mut session = start();
    session.press("q");
    assert_eq!(session.ended().0, 0);
    session.assert_restored();
}

#[test]
fn a_smaller_terminal_gets_a_notice_and_a_larger_one_everything_again() {
    let mut session = started_run();
    session.wait_for("Figure 1/");
    session.resize(40, 10);
    session.wait_for("have 40x10, need 60x18");
    session.resize(120, 40);
    session.wait_for("Figure 1/");
    session.wait_for("Findings");
    session.press("\x03");
    assert_eq!(session.ended().0, 0);
    session.assert_restored();
}

#[test]
fn signals_end_it_in_order() {
    for (signal, number) in [(Signal::HUP, 1), (Signal::TERM, 15), (Signal::INT, 2)] {
        let mut session = started_run();
        session.signal(signal);
        let (code, time) = session.ended();
        println!("ended {time:?} after {signal:?}");
        assert_eq!(code, 128 + number);
        assert!(time < END_LIMIT, "{time:?}");
        session.assert_restored();
    }
}

/// With a signal, and without one: then crossterm's reader spins until somebody notices.
#[test]
fn a_lost_terminal_ends_the_process() {
    for controlling in [true, false] {
        for keys in ["", " "] {
            let mut session = Session::start_in(100, 30, &[], controlling);
            session.wait_for("Controls");
            session.press(keys);
            let begun = Instant::now();
            let mut child = session.hang_up();
            let code = loop {
                if let Some(status) = child.try_wait().unwrap() {
                    break status.exit_code();
                }
                assert!(begun.elapsed() < LIMIT, "it runs on without a terminal");
                std::thread::sleep(Duration::from_millis(2));
            };
            println!("ended {:?} after the terminal was lost (signal: {controlling}), with {code}", begun.elapsed());
            assert_ne!(code, 0);
        }
    }
}

#[test]
fn a_stalled_link_gets_its_terminal_back_at_the_end() {
    let mut session = start();
    session.stall();
    session.signal(Signal::TERM);
    let (code, time) = session.ended();
    eprintln!("stalled: ended after {time:?}");
    assert_eq!(code, 128 + 15);
    session.assert_cooked();
}

#[test]
fn control_z_hands_the_terminal_back_and_takes_it_again() {
    let mut session = start();
    session.press("\x1a");
    session.wait("a restored screen", |s| !s.alternate_screen());
    session.assert_restored();
    // It may not have stopped yet, and a signal to go on before that is lost: so until it is seen.
    let begun = Instant::now();
    while !session.contents().contains("Controls") {
        assert!(begun.elapsed() < LIMIT, "it does not come back");
        session.signal(Signal::CONT);
        std::thread::sleep(Duration::from_millis(50));
    }
    session.press("?");
    session.wait_for("Help");
    session.press("\x03");
    assert_eq!(session.ended().0, 0);
    session.assert_restored();
}

#[cfg(debug_assertions)]
#[test]
fn a_panic_of_the_worker_is_a_message_and_the_dashboard_goes_on() {
    let mut session = Session::start(120, 40, &[("CANDELAB_FAULT", "worker")]);
    session.wait_for("Controls");
    session.press(" ");
    session.wait_for("a fault on purpose");
    session.wait_for("failed");
    session.press("?");
    session.wait_for("Esc closes");
    session.press("\x1b");
    session.wait("the help gone", |s| !s.contents().contains("Esc closes"));
    session.press(" ");
    session.wait_for("running");
    session.press("\x03");
    assert_eq!(session.ended().0, 0);
    session.assert_restored();
}

#[cfg(debug_assertions)]
#[test]
fn a_panic_of_the_interface_gives_the_terminal_back_first() {
    let mut session = Session::start(100, 30, &[("CANDELAB_FAULT", "interface")]);
    session.wait_for("Controls");
    session.press(" ");
    assert_eq!(session.ended().0, 101);
    session.assert_restored();
    session.wait("the message on the ordinary screen", |s| {
        !s.alternate_screen() && s.contents().contains("a fault on purpose")
    });
}
