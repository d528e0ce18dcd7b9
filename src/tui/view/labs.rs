//! The list of labs.

use super::put;
use crate::tui::app::{App, Pane};
use crate::tui::layout::first_row;
use crate::tui::text::{pad, wrap};
use crate::tui::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// One row a lab; below them, where there is room, the question of the selected one.
pub fn draw(app: &App, area: Rect, buffer: &mut Buffer, theme: &Theme) {
    let height = area.height as usize;
    let first = first_row(app.lab_row, app.labs.len(), height);
    let mut y = area.y;
    for (i, lab) in app.labs.iter().enumerate().skip(first).take(height) {
        let mark = if i == app.lab { "* " } else { "  " };
        let selected = i == app.lab_row && app.focus == Pane::Labs;
        let style = if selected { theme.selected } else { theme.text };
        let text = format!("{mark}{}  {}", lab.id(), lab.title());
        put(buffer, area.x, y, &pad(&text, area.width as usize), area.right(), style);
        y += 1;
    }
    y += 1;
    let Some(lab) = app.labs.get(app.lab_row) else { return };
    for line in wrap(lab.question(), area.width as usize) {
        if y >= area.bottom() {
            break;
        }
        put(buffer, area.x, y, &line, area.right(), theme.dim);
        y += 1;
    }
}
