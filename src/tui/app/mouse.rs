//! Clicks and the wheel, where the mouse was asked for.

use super::{App, Pane};
use crate::tui::action::Action;
use crate::tui::layout::{first_row, inside, screen};
use crate::tui::view::figure::tabs;
use crate::tui::view::{claims, controls, findings};
use ratatui::crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};

impl App {
    /// Takes a click or a turn of the wheel. Overlays are for keys.
    pub fn mouse(&mut self, event: MouseEvent) {
        if !self.layers.is_empty() {
            return;
        }
        let at = Position::new(event.column, event.row);
        let Some(screen) = screen(self) else { return };
        let Some((pane, area)) = screen.panes.iter().find(|(_, area)| area.contains(at)).copied() else { return };
        match event.kind {
            MouseEventKind::Down(MouseButton::Left) => {
                self.focus = pane;
                self.click(pane, inside(area), at);
            }
            MouseEventKind::ScrollUp => self.wheel(pane, Action::Up),
            MouseEventKind::ScrollDown => self.wheel(pane, Action::Down),
            _ => {}
        }
    }

    fn wheel(&mut self, pane: Pane, action: Action) {
        self.focus = pane;
        self.go(action);
    }

    fn click(&mut self, pane: Pane, area: Rect, at: Position) {
        if !area.contains(at) {
            return;
        }
        let row = (at.y - area.y) as usize;
        let height = area.height as usize;
        match pane {
            Pane::Labs => {
                let row = first_row(self.lab_row, self.labs.len(), height) + row;
                self.lab_row = row.min(self.labs.len() - 1);
            }
            Pane::Controls => {
                if let Some(row) = controls::rows(self, area).0.nth(row) {
                    self.controls.row = row;
                }
            }
            Pane::Findings => {
                if let Some(row) = row.checked_sub(1).and_then(|row| findings::rows(self, area).0.nth(row)) {
                    self.finding_row = row;
                }
            }
            Pane::Claims => {
                if let Some(row) = claims::rows(self, area).nth(row) {
                    self.claims.row = row;
                }
            }
            Pane::Figures => {
                if let Some((_, index)) = tabs(self, area).into_iter().find(|(tab, _)| tab.contains(at)) {
                    self.figure = index;
                }
            }
            Pane::Log => {}
        }
    }
}
