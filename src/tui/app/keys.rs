//! Keys, and the movement that they mean in each pane.

use super::{App, Effect, Pane, controls};
use crate::tui::action::{Action, Key, of_key};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// Rows that a page key goes.
pub(super) const PAGE: usize = 10;

/// Where `action` takes a selection `at` of `n` rows.
pub(super) fn moved(at: usize, n: usize, action: Action) -> usize {
    let last = n.saturating_sub(1);
    match action {
        Action::Up => at.saturating_sub(1),
        Action::Down => (at + 1).min(last),
        Action::PageUp => at.saturating_sub(PAGE),
        Action::PageDown => (at + PAGE).min(last),
        Action::First => 0,
        Action::Last => last,
        _ => at.min(last),
    }
}

impl App {
    /// Takes a key: the layers first, from the top, then the table of actions.
    pub fn key(&mut self, event: &KeyEvent) {
        self.notice = None;
        if event.code == KeyCode::Char('c') && event.modifiers.contains(KeyModifiers::CONTROL) {
            self.effects.push(Effect::Quit);
            return;
        }
        if self.key_to_layer(event) {
            return;
        }
        if let Some(action) = of_key(Key::of(event), self) {
            self.act(action);
        }
    }

    /// Takes pasted text: into the line that is being typed, without its line ends; else nowhere,
    /// since each letter would be a command.
    pub fn paste(&mut self, text: &str) {
        if !self.is_typing() {
            return;
        }
        for c in text.chars().filter(|c| !c.is_control()) {
            self.key(&KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE));
        }
    }

    /// Movement within the focused pane.
    pub(super) fn go(&mut self, action: Action) {
        match self.focus {
            Pane::Labs => self.lab_row = moved(self.lab_row, self.labs.len(), action),
            Pane::Controls => self.go_in_controls(action),
            Pane::Figures => self.go_in_figure(action),
            Pane::Findings => self.finding_row = moved(self.finding_row, self.visible_findings().len(), action),
            Pane::Claims => self.claims.row = moved(self.claims.row, self.visible_claims().len(), action),
            Pane::Log => self.scroll_log(action),
        }
    }

    fn go_in_controls(&mut self, action: Action) {
        let visible = self.visible_controls();
        if !matches!(action, Action::Left | Action::Right) {
            self.controls.row = moved(self.controls.row, visible.len(), action);
            return;
        }
        let Some(index) = visible.get(self.controls.row).copied() else { return };
        match controls::neighbour(&self.controls.now[index], action == Action::Right) {
            Some(value) => self.set_control(index, &value),
            None => self.edit_control(),
        }
    }

    /// The log's rows are counted from its end.
    fn scroll_log(&mut self, action: Action) {
        let last = self.log.len().saturating_sub(1);
        self.log_scroll = last - moved(last - self.log_scroll.min(last), self.log.len(), action);
    }
}
