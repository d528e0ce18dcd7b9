//! The controls: one row each, and what the selected one means.

use super::put;
use crate::tui::app::{App, Pane};
use crate::tui::layout::first_row;
use crate::tui::text::{fit, pad, width, wrap_most};
use crate::tui::theme::Theme;
use candelab_labs::Control;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Rows that the explanation may take.
const MOST_HELP: usize = 5;

/// The rows of the list that `area` shows, and how many lines the explanation takes below them.
pub fn rows(app: &App, area: Rect) -> (std::ops::Range<usize>, usize) {
    let visible = app.visible_controls();
    let Some(selected) = selected(app, &visible) else { return (0..0, 0) };
    let help = help_lines(&app.controls.now[visible[selected]], area).len();
    let height = area.height as usize - help;
    let first = first_row(selected, visible.len(), height);
    (first..(first + height).min(visible.len()), help)
}

fn selected(app: &App, visible: &[usize]) -> Option<usize> {
    Some(app.controls.row.min(visible.len().checked_sub(1)?))
}

/// Draws the controls that the filter lets through.
pub fn draw(app: &App, area: Rect, buffer: &mut Buffer, theme: &Theme) {
    let visible = app.visible_controls();
    let Some(selected) = selected(app, &visible) else {
        put(buffer, area.x, area.y, "no control has this name", area.right(), theme.dim);
        return;
    };
    let (rows, help_height) = rows(app, area);
    let names = app.controls.now.iter().map(|c| width(c.name)).max().unwrap_or(0);
    // The value has its place even where names are long.
    let names = names.min((area.width as usize).saturating_sub(10));
    for (y, row) in (area.y..).zip(rows) {
        draw_row(app, visible[row], row == selected, names, Rect { y, height: 1, ..area }, buffer, theme);
    }
    let help = help_lines(&app.controls.now[visible[selected]], area);
    let top = area.bottom() - help_height as u16;
    for (y, line) in (top..area.bottom()).zip(&help) {
        put(buffer, area.x, y, line, area.right(), theme.dim);
    }
}

fn draw_row(app: &App, index: usize, selected: bool, names: usize, area: Rect, buffer: &mut Buffer, theme: &Theme) {
    let control = &app.controls.now[index];
    let changed = app.controls.is_changed(index);
    let mark = if changed { "*" } else { " " };
    let focused = selected && app.focus == Pane::Controls;
    let all = area.width as usize;
    // A long value moves to the left as far as its own name lets it.
    let own = width(control.name).min(names);
    let start = (names + 2).min(all.saturating_sub(width(&control.value))).max(own + 2);
    let room = all.saturating_sub(start);
    let (left, right) = (theme.glyph("◂", "<"), theme.glyph("▸", ">"));
    let value = if focused && width(&control.value) + 4 <= room {
        format!("{left} {} {right}", control.value)
    } else {
        fit(&control.value, room)
    };
    let style = match (focused, changed) {
        (true, _) => theme.selected,
        (false, true) => theme.changed,
        (false, false) => theme.text,
    };
    let line = format!("{}{value}", pad(&format!("{mark}{}", fit(control.name, names)), start));
    put(buffer, area.x, area.y, &pad(&line, all), area.right(), style);
}

fn help_lines(control: &Control, area: Rect) -> Vec<String> {
    let width = area.width as usize;
    let most = MOST_HELP.min(area.height as usize / 3);
    let mut lines = wrap_most(control.help, width, most);
    let rest = most - lines.len();
    if rest > 0 {
        lines.extend(wrap_most(&control.domain.describe(), width, rest));
    }
    lines
}
