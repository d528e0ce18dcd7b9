//! The one table of actions. Keys, the hint bar, the help overlay and the palette all read it, so
//! none of them can drift from the others.

use super::app::{App, Pane};
use super::snapshot::RunState;
use candelab_labs::figure::Kind;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// What a person can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Action {
    StartPause,
    Step,
    Restart,
    Stop,
    NewSeed,
    Up,
    Down,
    Left,
    Right,
    First,
    Last,
    PageUp,
    PageDown,
    NextPane,
    PreviousPane,
    Apply,
    Back,
    Default,
    NextFigure,
    PreviousFigure,
    Figure(usize),
    OpenLab(usize),
    ZoomIn,
    ZoomOut,
    ZoomReset,
    LogY,
    LogX,
    Claims,
    RunClaim,
    FullScreen,
    Cursor,
    Filter,
    Palette,
    Help,
    Quit,
    QuitNow,
    Suspend,
    Redraw,
}

/// Headings of the help overlay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Starting, pausing, stopping.
    Run,
    /// Going about.
    Move,
    /// Looking at figures.
    Figures,
    /// Everything else.
    General,
}

impl Group {
    /// Every group, in the order of the help overlay.
    pub const ALL: [Self; 4] = [Self::Run, Self::Move, Self::Figures, Self::General];

    /// The heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Run => "Run",
            Self::Move => "Move",
            Self::Figures => "Figures",
            Self::General => "General",
        }
    }
}

/// A key with its modifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key(pub KeyCode, pub KeyModifiers);

impl Key {
    /// The key of an event; Shift is dropped where the character already says it.
    pub fn of(event: &KeyEvent) -> Self {
        match event.code {
            KeyCode::Char(_) | KeyCode::BackTab => Self(event.code, event.modifiers - KeyModifiers::SHIFT),
            code => Self(code, event.modifiers),
        }
    }

    /// As help and hints print it.
    pub fn label(self, ascii: bool) -> String {
        let arrow = |fancy: &str, plain: &str| if ascii { plain.to_owned() } else { fancy.to_owned() };
        let name = match self.0 {
            KeyCode::Char(' ') => "space".into(),
            KeyCode::Char(c) => c.to_string(),
            KeyCode::Up => arrow("↑", "up"),
            KeyCode::Down => arrow("↓", "down"),
            KeyCode::Left => arrow("←", "left"),
            KeyCode::Right => arrow("→", "right"),
            KeyCode::Enter => "Enter".into(),
            KeyCode::Esc => "Esc".into(),
            KeyCode::Tab => "Tab".into(),
            KeyCode::BackTab => "Shift-Tab".into(),
            KeyCode::Home => "Home".into(),
            KeyCode::End => "End".into(),
            KeyCode::PageUp => "PgUp".into(),
            KeyCode::PageDown => "PgDn".into(),
            KeyCode::Backspace => "Backspace".into(),
            KeyCode::Delete => "Del".into(),
            other => format!("{other:?}"),
        };
        if self.1.contains(KeyModifiers::CONTROL) { format!("Ctrl-{name}") } else { name }
    }
}

/// One line of the table.
pub struct Entry {
    /// What happens.
    pub action: Action,
    /// The word in the palette.
    pub word: &'static str,
    /// The keys; the first is the one that hints show.
    pub keys: &'static [Key],
    /// One line for the help overlay.
    pub help: &'static str,
    /// Where the help overlay lists it.
    pub group: Group,
    /// The word in the hint bar now; `None` hides it there.
    pub hint: fn(&App) -> Option<&'static str>,
    /// Whether it can be done now.
    pub when: fn(&App) -> bool,
}

const fn c(c: char) -> Key {
    Key(KeyCode::Char(c), KeyModifiers::NONE)
}

const fn k(code: KeyCode) -> Key {
    Key(code, KeyModifiers::NONE)
}

const fn ctrl(c: char) -> Key {
    Key(KeyCode::Char(c), KeyModifiers::CONTROL)
}

const fn entry(
    action: Action,
    word: &'static str,
    keys: &'static [Key],
    help: &'static str,
    group: Group,
    when: fn(&App) -> bool,
    hint: fn(&App) -> Option<&'static str>,
) -> Entry {
    Entry { action, word, keys, help, group, hint, when }
}

fn always(_: &App) -> bool {
    true
}

fn hidden(_: &App) -> Option<&'static str> {
    None
}

fn has_run(app: &App) -> bool {
    app.state().in_progress()
}

fn has_figures(app: &App) -> bool {
    !app.figures().is_empty()
}

fn zooms(app: &App) -> bool {
    matches!(app.panel().map(|f| &f.kind), Some(Kind::Lines(_) | Kind::Histograms(_)))
}

fn has_scale_y(app: &App) -> bool {
    app.y_scale().is_some()
}

fn has_scale_x(app: &App) -> bool {
    app.x_scale().is_some()
}

fn has_values(app: &App) -> bool {
    matches!(
        app.panel().map(|f| &f.kind),
        Some(Kind::Lines(_) | Kind::Heatmap(_) | Kind::Histograms(_) | Kind::Field(_))
    )
}

fn is_zoomed(app: &App) -> bool {
    zooms(app) && app.view().is_some_and(|v| v.zoom != (0.0, 1.0))
}

fn filters(app: &App) -> bool {
    matches!(app.focus, Pane::Controls | Pane::Findings | Pane::Figures | Pane::Claims)
}

fn sideways(app: &App) -> Option<&'static str> {
    match app.focus {
        Pane::Controls => Some("change"),
        Pane::Figures => Some(app.sideways()),
        _ => None,
    }
}

/// Keys that work from every pane are hinted at where they belong.
fn in_figures(app: &App, word: Option<&'static str>) -> Option<&'static str> {
    word.filter(|_| app.focus == Pane::Figures)
}

fn cursor_word(app: &App) -> Option<&'static str> {
    let on = app.view().is_some_and(|v| v.cursor.is_some());
    in_figures(app, has_values(app).then_some(if on { "no cursor" } else { "cursor" }))
}

fn edits(app: &App) -> Option<&'static str> {
    match app.focus {
        Pane::Controls => Some("edit"),
        Pane::Labs => Some("open"),
        Pane::Figures if app.in_grid() => Some("open panel"),
        Pane::Claims => Some("evidence"),
        _ => None,
    }
}

fn in_claims(app: &App) -> bool {
    app.focus == Pane::Claims
}

/// The claims have the width already; there the keys of their own need the room.
fn full_screen_word(app: &App) -> Option<&'static str> {
    if app.full_screen { Some("all panes") } else { Some("full screen").filter(|_| !in_claims(app)) }
}

fn start_word(app: &App) -> &'static str {
    match app.state() {
        RunState::Running => "pause",
        RunState::Paused => "go on",
        _ => "start",
    }
}

use Action as A;
use Group::{Figures, General, Move, Run};

/// Every action, the most useful hints first.
#[rustfmt::skip]
pub static ACTIONS: &[Entry] = &[
    entry(A::StartPause, "start or pause", &[c(' '), c('s')], "start the lab; pause; go on", Run, always, |a| Some(start_word(a))),
    entry(A::Left, "left", &[k(KeyCode::Left), c('h')], "lower the value; previous figure, panel or point", Move, always, sideways),
    entry(A::Right, "right", &[k(KeyCode::Right), c('l')], "raise the value; next figure, panel or point", Move, always, sideways),
    entry(A::Apply, "edit or open", &[k(KeyCode::Enter)], "type or choose; open a lab, panel or evidence", Move, always, edits),
    entry(A::RunClaim, "run claim", &[c('t')], "run what tests the selected claim", Run, in_claims, |a| in_claims(a).then_some("run claim")),
    entry(A::NextPane, "next pane", &[k(KeyCode::Tab)], "focus the next pane", Move, always, |_| Some("pane")),
    entry(A::Restart, "restart", &[c('r')], "start again with the present values", Run, always, |a| a.needs_restart().then_some("restart")),
    entry(A::Cursor, "cursor", &[c('c')], "read exact values with a cursor (arrows move it)", Figures, has_values, cursor_word),
    entry(A::ZoomIn, "zoom in", &[c('+')], "show the middle half of the x axis", Figures, zooms, |a| in_figures(a, Some("zoom"))),
    entry(A::ZoomOut, "zoom out", &[c('-')], "show twice as much of the x axis", Figures, is_zoomed, hidden),
    entry(A::ZoomReset, "zoom reset", &[c('='), c('0')], "show the whole x axis", Figures, is_zoomed, |a| in_figures(a, Some("whole"))),
    entry(A::LogY, "log y axis", &[c('y')], "logarithmic or linear y axis", Figures, has_scale_y, |a| in_figures(a, Some("log y"))),
    entry(A::LogX, "log x axis", &[c('Y')], "logarithmic or linear x axis", Figures, has_scale_x, hidden),
    entry(A::FullScreen, "full screen", &[c('f')], "show the focused pane alone, or all panes", Figures, always, full_screen_word),
    entry(A::PreviousPane, "previous pane", &[k(KeyCode::BackTab)], "focus the previous pane", Move, always, hidden),
    entry(A::NextFigure, "next figure", &[c(']')], "next figure, from any pane", Figures, has_figures, |a| (has_figures(a) && a.focus != Pane::Figures).then_some("figure")),
    entry(A::PreviousFigure, "previous figure", &[c('[')], "previous figure, from any pane", Figures, has_figures, hidden),
    entry(A::Step, "single step", &[c('.')], "do one step and pause", Run, always, |a| (*a.state() == RunState::Paused).then_some("step")),
    entry(A::Stop, "stop", &[c('x')], "give the run up and keep what it found", Run, has_run, |a| has_run(a).then_some("stop")),
    entry(A::Claims, "claims", &[c('v')], "the lab's claims and what this run says of them", Figures, always, |a| Some(if in_claims(a) { "figures" } else { "claims" })),
    entry(A::NewSeed, "new seed", &[c('n')], "start again with the next seed", Run, always, hidden),
    entry(A::Default, "default value", &[c('d'), k(KeyCode::Backspace)], "set the selected control to its default", Run, |a| a.focus == Pane::Controls, hidden),
    entry(A::Filter, "filter", &[c('/')], "filter controls, findings, figures or claims", General, filters, |a| filters(a).then_some("filter")),
    entry(A::Up, "up", &[k(KeyCode::Up), c('k')], "up", Move, always, hidden),
    entry(A::Down, "down", &[k(KeyCode::Down), c('j')], "down", Move, always, hidden),
    entry(A::PageUp, "page up", &[k(KeyCode::PageUp), ctrl('u')], "a page up", Move, always, hidden),
    entry(A::PageDown, "page down", &[k(KeyCode::PageDown), ctrl('d')], "a page down", Move, always, hidden),
    entry(A::First, "first", &[c('g'), k(KeyCode::Home)], "to the first one", Move, always, hidden),
    entry(A::Last, "last", &[c('G'), k(KeyCode::End)], "to the last one", Move, always, hidden),
    entry(A::Figure(0), "figure 1", &[c('1')], "figure 1, and so on to 9", Figures, has_figures, hidden),
    entry(A::Figure(1), "figure 2", &[c('2')], "", Figures, has_figures, hidden),
    entry(A::Figure(2), "figure 3", &[c('3')], "", Figures, has_figures, hidden),
    entry(A::Figure(3), "figure 4", &[c('4')], "", Figures, has_figures, hidden),
    entry(A::Figure(4), "figure 5", &[c('5')], "", Figures, has_figures, hidden),
    entry(A::Figure(5), "figure 6", &[c('6')], "", Figures, has_figures, hidden),
    entry(A::Figure(6), "figure 7", &[c('7')], "", Figures, has_figures, hidden),
    entry(A::Figure(7), "figure 8", &[c('8')], "", Figures, has_figures, hidden),
    entry(A::Figure(8), "figure 9", &[c('9')], "", Figures, has_figures, hidden),
    entry(A::Palette, "palette", &[c(':'), ctrl('p')], "find an action by its name", General, always, |_| Some("palette")),
    entry(A::Help, "help", &[c('?')], "this help", General, always, hidden),
    entry(A::Back, "back", &[k(KeyCode::Esc)], "close the top layer, else the cursor or filter", General, always, hidden),
    entry(A::Redraw, "redraw", &[ctrl('l')], "draw the whole screen again", General, always, hidden),
    entry(A::Suspend, "suspend", &[ctrl('z')], "hand the terminal back to the shell (fg returns)", General, always, hidden),
    entry(A::Quit, "quit", &[c('q')], "leave; asks while a run is in progress", General, always, hidden),
    entry(A::QuitNow, "quit at once", &[ctrl('c')], "leave without asking", General, always, hidden),
];

/// The entry of `action`.
pub fn find(action: Action) -> Option<&'static Entry> {
    ACTIONS.iter().find(|e| e.action == action)
}

/// What `key` asks for, if it can be done now.
pub fn of_key(key: Key, app: &App) -> Option<Action> {
    ACTIONS.iter().find(|e| e.keys.contains(&key)).filter(|e| (e.when)(app)).map(|e| e.action)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_word_or_action_is_used_twice() {
        for (i, a) in ACTIONS.iter().enumerate() {
            for b in &ACTIONS[i + 1..] {
                assert_ne!(a.action, b.action);
                assert_ne!(a.word, b.word);
                for key in a.keys {
                    assert!(!b.keys.contains(key), "{} is both '{}' and '{}'", key.label(true), a.word, b.word);
                }
            }
        }
    }

    #[test]
    fn every_action_has_a_key_and_a_word() {
        assert!(ACTIONS.iter().all(|e| !e.keys.is_empty() && !e.word.is_empty()));
    }

    #[test]
    fn no_help_is_too_long_for_a_screen_of_80() {
        for entry in ACTIONS {
            assert!(entry.help.len() <= 48 && entry.word.len() <= 15, "{}", entry.word);
        }
    }

    #[test]
    fn shift_is_part_of_the_character() {
        let event = KeyEvent::new(KeyCode::Char('G'), KeyModifiers::SHIFT);
        assert_eq!(Key::of(&event), c('G'));
    }
}
