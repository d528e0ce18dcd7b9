//! What the dashboard is showing and what a key does to it. No terminal and no thread is known
//! here: what has to happen outside is handed back as [`Effect`]s.

pub mod controls;
pub mod editor;
pub mod figures;
mod keys;
pub mod layers;
mod mouse;

use super::Options;
use super::action::Action;
use super::environment::Fault;
use super::snapshot::{RunState, Snapshot};
use super::worker::{Command, Start};
use candelab_labs::{Context, Lab, LabError};
use controls::Controls;
use figures::FigureView;
use layers::Layer;
use ratatui::layout::Rect;
use std::collections::HashMap;
use std::sync::Arc;

/// Lines that the log keeps.
const LOG_LIMIT: usize = 1000;

/// The parts of the screen that can have the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pane {
    /// The list of labs.
    Labs,
    /// The settings of the opened lab.
    Controls,
    /// Tabs of figures and the selected one.
    Figures,
    /// Measured quantities.
    Findings,
    /// Messages.
    Log,
}

impl Pane {
    /// In the order of the Tab key.
    pub const ALL: [Self; 5] = [Self::Labs, Self::Controls, Self::Figures, Self::Findings, Self::Log];

    /// The title.
    pub fn title(self) -> &'static str {
        match self {
            Self::Labs => "Labs",
            Self::Controls => "Controls",
            Self::Figures => "Figures",
            Self::Findings => "Findings",
            Self::Log => "Log",
        }
    }
}

/// What has to happen outside.
pub enum Effect {
    /// The worker has to be told.
    Tell(Command),
    /// The dashboard ends.
    Quit,
    /// The terminal goes back to the shell for a while.
    Suspend,
    /// The whole screen has to be written again.
    Redraw,
}

/// A remark in the status line, until the next key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What it says.
    pub text: String,
    /// Whether something went wrong.
    pub bad: bool,
}

/// The state of the dashboard.
pub struct App {
    /// Every lab.
    pub labs: &'static [&'static dyn Lab],
    /// The opened lab.
    pub lab: usize,
    /// The selected row of the list of labs.
    pub lab_row: usize,
    /// The settings of the opened lab.
    pub controls: Controls,
    /// The pane that has the keys.
    pub focus: Pane,
    /// Whether that pane has the whole screen.
    pub full_screen: bool,
    /// Overlays, the topmost last.
    pub layers: Vec<Layer>,
    /// The newest snapshot.
    pub snapshot: Arc<Snapshot>,
    /// The settings of the run on the screen.
    pub running: Option<Vec<(String, String)>>,
    /// The selected figure.
    pub figure: usize,
    /// The selected finding, among those that the filter lets through.
    pub finding_row: usize,
    /// Messages, the newest last.
    pub log: Vec<String>,
    /// Lines that the log is scrolled up.
    pub log_scroll: usize,
    /// What the status line has to say.
    pub notice: Option<Notice>,
    /// The screen's size, for clicks.
    pub area: Rect,
    /// Seed and device of the next run.
    pub context: Context,
    /// The device in words.
    pub device_name: String,
    /// Threads of the worker's pool.
    pub threads: usize,
    generation: u64,
    views: HashMap<String, FigureView>,
    filters: HashMap<Pane, String>,
    kept: HashMap<&'static str, Vec<(String, String)>>,
    fault: Option<Fault>,
    effects: Vec<Effect>,
}

fn unknown_lab(labs: &[&dyn Lab], id: &str) -> LabError {
    let names: Vec<_> = labs.iter().map(|l| l.id()).collect();
    LabError::UnknownLab { name: id.into(), hint: format!("expected one of: {}", names.join(", ")) }
}

impl App {
    /// The dashboard before the first key. Fails where the options name a lab that is not among
    /// `labs` or a setting that it does not take.
    pub fn new(labs: &'static [&'static dyn Lab], options: &Options) -> candelab_labs::Result<Self> {
        let lab = match &options.lab {
            Some(id) => labs.iter().position(|l| l.id() == id).ok_or_else(|| unknown_lab(labs, id))?,
            None => 0,
        };
        Ok(Self {
            labs,
            lab,
            lab_row: lab,
            controls: Controls::new(labs[lab], &options.settings)?,
            focus: Pane::Controls,
            full_screen: false,
            layers: Vec::new(),
            snapshot: Arc::default(),
            running: None,
            figure: 0,
            finding_row: 0,
            log: Vec::new(),
            log_scroll: 0,
            notice: None,
            area: Rect::default(),
            context: options.context.clone(),
            device_name: options.device_name.clone(),
            threads: options.threads,
            generation: 0,
            views: HashMap::new(),
            filters: HashMap::new(),
            kept: HashMap::new(),
            fault: options.environment.fault,
            effects: Vec::new(),
        })
    }

    /// The opened lab.
    pub fn lab(&self) -> &'static dyn Lab {
        self.labs[self.lab]
    }

    /// What the run is doing.
    pub fn state(&self) -> &RunState {
        &self.snapshot.state
    }

    /// Whether the run on the screen has other settings than the controls show.
    pub fn needs_restart(&self) -> bool {
        self.running.as_ref().is_some_and(|running| *running != self.controls.values())
    }

    /// Takes what has to happen outside.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// A snapshot has come; one of an older run is dropped. Answers whether anything changed.
    pub fn receive(&mut self, snapshot: Arc<Snapshot>) -> bool {
        if snapshot.generation != self.generation {
            return false;
        }
        if let RunState::Failed(text) = &snapshot.state {
            self.notice = Some(Notice { text: text.clone(), bad: true });
        }
        // Another run may have other figures: the selected one keeps its name, not its number.
        let selected = self.selected_figure().map(|f| f.id.clone());
        self.snapshot = snapshot;
        let same = selected.and_then(|id| self.figures().iter().position(|f| f.id == id));
        self.figure = same.unwrap_or(self.figure.min(self.figures().len().saturating_sub(1)));
        true
    }

    /// A line for the log from the run of `generation`.
    pub fn note(&mut self, generation: u64, line: &str) {
        self.log.push(format!("#{generation} {line}"));
        if self.log.len() > LOG_LIMIT {
            self.log.remove(0);
        }
    }

    /// What the filter of `pane` says; empty when there is none.
    pub fn filter(&self, pane: Pane) -> &str {
        self.filters.get(&pane).map_or("", String::as_str)
    }

    fn set_filter(&mut self, pane: Pane, text: &str) {
        self.filters.insert(pane, text.into());
        match pane {
            Pane::Controls => self.controls.row = 0,
            Pane::Findings => self.finding_row = 0,
            Pane::Figures => {
                let visible = self.visible_figures();
                if let Some(first) = visible.first().filter(|_| !visible.contains(&self.figure)) {
                    self.figure = *first;
                }
            }
            Pane::Labs | Pane::Log => {}
        }
    }

    /// The controls that the filter lets through, by index.
    pub fn visible_controls(&self) -> Vec<usize> {
        self.filtered(Pane::Controls, self.controls.now.iter().map(|c| c.name))
    }

    /// The findings that the filter lets through, by index.
    pub fn visible_findings(&self) -> Vec<usize> {
        self.filtered(Pane::Findings, self.snapshot.findings.iter().map(|f| f.name.as_str()))
    }

    /// The figures that the filter lets through, by index.
    pub fn visible_figures(&self) -> Vec<usize> {
        self.filtered(Pane::Figures, self.figures().iter().map(|f| f.id.as_str()))
    }

    fn filtered<'a>(&self, pane: Pane, names: impl Iterator<Item = &'a str>) -> Vec<usize> {
        let filter = self.filter(pane);
        names.enumerate().filter(|(_, n)| super::text::matches(n, filter)).map(|(i, _)| i).collect()
    }

    fn start(&mut self, paused: bool) {
        assert!(self.fault != Some(Fault::Interface), "a fault on purpose");
        self.generation += 1;
        let values = self.controls.values();
        let settings: Vec<_> = values.iter().map(|(name, value)| format!(" {name}={value}")).collect();
        self.note(self.generation, &format!("{} seed {}{}", self.lab().id(), self.context.seed, settings.concat()));
        self.running = Some(values.clone());
        // The pictures of the run before stay until the first of the new one come.
        let mut snapshot = Snapshot::clone(&self.snapshot);
        snapshot.generation = self.generation;
        snapshot.state = if paused { RunState::Paused } else { RunState::Running };
        snapshot.progress = candelab_labs::Progress { stage: "starting".into(), ..Default::default() };
        snapshot.steps_per_s = 0.0;
        self.snapshot = Arc::new(snapshot);
        let start =
            Start { lab: self.lab(), values, context: self.context.clone(), generation: self.generation, paused };
        self.effects.push(Effect::Tell(Command::Start(start)));
    }

    fn start_or_pause(&mut self) {
        match self.state() {
            RunState::Running => self.effects.push(Effect::Tell(Command::Pause)),
            RunState::Paused => self.effects.push(Effect::Tell(Command::Resume)),
            _ => self.start(false),
        }
    }

    fn step(&mut self) {
        if !self.state().in_progress() {
            self.start(true);
        }
        self.effects.push(Effect::Tell(Command::Step));
    }

    /// Opens the lab at `index`; the settings of each lab are kept while others are looked at.
    fn open_lab(&mut self, index: usize) {
        if index == self.lab {
            self.focus = Pane::Controls;
            return;
        }
        let lab = self.labs[index];
        let kept = self.kept.get(lab.id()).cloned().unwrap_or_default();
        match Controls::new(lab, &kept) {
            Ok(controls) => {
                self.kept.insert(self.lab().id(), self.controls.values());
                self.effects.push(Effect::Tell(Command::Stop));
                self.generation += 1;
                self.controls = controls;
                self.lab = index;
                self.snapshot = Arc::new(Snapshot { generation: self.generation, ..Snapshot::default() });
                self.running = None;
                self.figure = 0;
                self.finding_row = 0;
                self.views.clear();
                self.filters.clear();
                self.focus = Pane::Controls;
            }
            Err(error) => self.complain(&error.to_string()),
        }
    }

    fn complain(&mut self, text: &str) {
        self.notice = Some(Notice { text: text.into(), bad: true });
    }

    /// Does what `action` asks for.
    pub fn act(&mut self, action: Action) {
        match action {
            Action::StartPause => self.start_or_pause(),
            Action::Step => self.step(),
            Action::Restart => self.start(false),
            Action::Stop => self.effects.push(Effect::Tell(Command::Stop)),
            Action::NewSeed => {
                self.context.seed = self.context.seed.wrapping_add(1);
                self.start(false);
            }
            Action::NextPane => self.turn_focus(1),
            Action::PreviousPane => self.turn_focus(Pane::ALL.len() - 1),
            Action::FullScreen => self.full_screen = !self.full_screen,
            Action::OpenLab(index) if index < self.labs.len() => self.open_lab(index),
            Action::Palette => self.layers.push(Layer::palette()),
            Action::Help => self.layers.push(Layer::Help { scroll: 0 }),
            Action::Filter => self.layers.push(Layer::filter(self.focus, self.filter(self.focus))),
            Action::Apply => self.apply(),
            Action::Back => self.back(),
            Action::Default => self.reset_control(),
            Action::Quit if self.state().in_progress() => self.layers.push(Layer::ConfirmQuit),
            Action::Quit | Action::QuitNow => self.effects.push(Effect::Quit),
            Action::Suspend => self.effects.push(Effect::Suspend),
            Action::Redraw => self.effects.push(Effect::Redraw),
            Action::Up
            | Action::Down
            | Action::Left
            | Action::Right
            | Action::First
            | Action::Last
            | Action::PageUp
            | Action::PageDown => self.go(action),
            _ => self.act_on_figure(action),
        }
    }

    fn turn_focus(&mut self, by: usize) {
        let at = Pane::ALL.iter().position(|p| *p == self.focus).unwrap_or(0);
        self.focus = Pane::ALL[(at + by) % Pane::ALL.len()];
    }

    fn apply(&mut self) {
        match self.focus {
            Pane::Labs => self.open_lab(self.lab_row),
            Pane::Controls => self.edit_control(),
            Pane::Figures => self.open_panel(),
            Pane::Findings | Pane::Log => {}
        }
    }

    fn edit_control(&mut self) {
        if let Some(index) = self.visible_controls().get(self.controls.row) {
            self.layers.push(Layer::edit(*index, &self.controls.now[*index].value));
        }
    }

    fn reset_control(&mut self) {
        if let Some(index) = self.visible_controls().get(self.controls.row) {
            let value = self.controls.defaults[*index].value.clone();
            self.set_control(*index, &value);
        }
    }

    fn set_control(&mut self, index: usize, value: &str) {
        if let Err(error) = self.controls.set(index, value) {
            self.complain(&error.to_string());
        }
    }

    /// Esc without a layer: undoes one thing at a time, and never quits.
    fn back(&mut self) {
        let filtered = !self.filter(self.focus).is_empty();
        let in_figures = self.focus == Pane::Figures;
        if in_figures && self.close_in_figure() {
        } else if filtered {
            self.set_filter(self.focus, "");
        } else {
            self.full_screen = false;
        }
    }
}
