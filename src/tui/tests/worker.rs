use crate::tui::event::Event;
use crate::tui::snapshot::{RunState, Snapshot};
use crate::tui::worker::{Command, Start, Worker};
use candelab_labs::claim::Claim;
use candelab_labs::{
    Case, Context, Control, Experiment, Figure, Finding, Lab, LabError, Preset, Progress, Result, Status,
};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(30);

/// Counts; what it does at the end is its first setting.
struct Counter;

struct Counting {
    done: u64,
    end: String,
}

impl Lab for Counter {
    fn id(&self) -> &'static str {
        "counter"
    }
    fn title(&self) -> &'static str {
        "Counter"
    }
    fn question(&self) -> &'static str {
        "How far?"
    }
    fn controls(&self) -> Vec<Control> {
        Vec::new()
    }
    fn configure(&self, _: &[(String, String)]) -> Result<Vec<Control>> {
        Ok(Vec::new())
    }
    fn start(&self, values: &[(String, String)], _: Context) -> Result<Box<dyn Experiment>> {
        let end = values[0].1.clone();
        if end == "unfit" {
            return Err(LabError::NotFinite { what: "nothing".into(), hint: "all is well".into() });
        }
        Ok(Box::new(Counting { done: 0, end }))
    }
    fn cases(&self, _: Preset) -> Vec<Case> {
        Vec::new()
    }
    fn claims(&self) -> Result<Vec<Claim>> {
        Ok(Vec::new())
    }
}

impl Experiment for Counting {
    fn step(&mut self) -> Result<Status> {
        self.done += 1;
        match (self.done, self.end.as_str()) {
            (..20, _) => Ok(Status::Running),
            (_, "finish") => Ok(Status::Finished),
            (_, "panic") => panic!("it cannot count further"),
            (_, "fail") => Err(LabError::NotFinite { what: "the count".into(), hint: "count less".into() }),
            _ => {
                std::thread::sleep(Duration::from_millis(1));
                Ok(Status::Running)
            }
        }
    }
    fn progress(&self) -> Progress {
        Progress { done: self.done, total: 20, ..Progress::default() }
    }
    fn figures(&self) -> Vec<Figure> {
        Vec::new()
    }
    fn findings(&self) -> Vec<Finding> {
        vec![Finding::new("count", self.done as f64, "steps done")]
    }
    fn tensors(&self) -> Result<Vec<(String, candle_core::Tensor)>> {
        Ok(Vec::new())
    }
    fn take_messages(&mut self) -> Vec<String> {
        if self.done == 1 { vec!["one".into()] } else { Vec::new() }
    }
}

fn worker() -> (Worker, Receiver<Event>) {
    let (sender, events) = channel();
    (Worker::spawn(sender, None, Box::new(|| Some("a noted panic".into()))).unwrap(), events)
}

fn start(worker: &Worker, generation: u64, end: &str, paused: bool) {
    let context = Context { seed: 1, device: candle_core::Device::Cpu };
    let values = vec![("end".into(), end.into())];
    worker.tell(Command::Start(Start { lab: &Counter, values, context, generation, paused }));
}

/// The first snapshot for which `wanted` holds; messages go to `log`.
fn until(
    worker: &Worker,
    events: &Receiver<Event>,
    log: &mut Vec<String>,
    wanted: impl Fn(&Snapshot) -> bool,
) -> Arc<Snapshot> {
    loop {
        match events.recv_timeout(LIMIT).unwrap() {
            Event::Message(generation, line) => log.push(format!("{generation} {line}")),
            _ => {
                if let Some(snapshot) = worker.slot.take().filter(|s| wanted(s)) {
                    return snapshot;
                }
            }
        }
    }
}

#[test]
fn a_run_ends_with_its_last_snapshot() {
    let (worker, events) = worker();
    let mut log = Vec::new();
    start(&worker, 3, "finish", false);
    let last = until(&worker, &events, &mut log, |s| s.state == RunState::Finished);
    assert_eq!((last.generation, last.progress.done, last.findings[0].value as u64), (3, 20, 20));
    // The newest snapshot overtakes messages that still wait in the channel.
    log.extend(events.try_iter().filter_map(|e| match e {
        Event::Message(generation, line) => Some(format!("{generation} {line}")),
        _ => None,
    }));
    assert_eq!(log, ["3 one"]);
}

#[test]
fn a_step_is_one_step_and_a_pause_holds() {
    let (worker, events) = worker();
    start(&worker, 1, "never", true);
    worker.tell(Command::Step);
    worker.tell(Command::Step);
    let two = until(&worker, &events, &mut Vec::new(), |s| s.progress.done == 2);
    assert_eq!(two.state, RunState::Paused);
    while events.recv_timeout(Duration::from_millis(300)).is_ok() {
        assert!(worker.slot.take().is_none_or(|s| s.progress.done == 2), "nothing goes on in a pause");
    }
    worker.tell(Command::Resume);
    until(&worker, &events, &mut Vec::new(), |s| s.progress.done > 20);
    worker.tell(Command::Stop);
    until(&worker, &events, &mut Vec::new(), |s| s.state == RunState::Stopped);
}

#[test]
fn a_restart_ends_what_came_before() {
    let (worker, events) = worker();
    start(&worker, 1, "never", false);
    start(&worker, 2, "finish", false);
    let last = until(&worker, &events, &mut Vec::new(), |s| s.state == RunState::Finished);
    assert_eq!(last.generation, 2);
}

#[test]
fn failures_say_why_and_the_worker_lives_on() {
    let (worker, events) = worker();
    let failed = |s: &Snapshot| matches!(s.state, RunState::Failed(_));
    for (generation, end, why) in
        [(1, "panic", "a noted panic"), (2, "fail", "the count is not finite"), (3, "unfit", "nothing is not finite")]
    {
        start(&worker, generation, end, false);
        let snapshot = until(&worker, &events, &mut Vec::new(), |s| s.generation == generation && failed(s));
        let RunState::Failed(text) = &snapshot.state else { unreachable!() };
        assert!(text.contains(why), "{text}");
    }
    start(&worker, 4, "finish", false);
    until(&worker, &events, &mut Vec::new(), |s| s.state == RunState::Finished);
}
