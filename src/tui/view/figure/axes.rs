//! The axes around a plot, for every kind of figure that has some.

use crate::tui::axis::{Mapping, Tick};
use crate::tui::text::{fit, pad_left, width};
use crate::tui::theme::Theme;
use crate::tui::view::put;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;

/// What an axis is called once a person has changed its scale.
pub fn name(label: &str, log: Option<bool>) -> String {
    match log {
        Some(true) => format!("{label} (log)"),
        Some(false) => format!("{label} (linear)"),
        None => label.to_owned(),
    }
}

/// Rows below a plot: line, labels, and one for the name of the axis where there is room, or where
/// it is too long to share a row with the labels.
pub fn below(label: &str, plot_width: u16, area: Rect) -> u16 {
    let long = 3 * width(label) > plot_width as usize;
    if area.height >= 20 || (long && area.height >= 10) { 3 } else { 2 }
}

/// The columns that `ticks` and the axis take at the left of a plot.
pub fn gutter(ticks: &[Tick]) -> u16 {
    ticks.iter().map(|t| width(&t.label)).max().unwrap_or(0) as u16 + 1
}

/// The y axis at the left of `plot`, with its name in the row above.
pub fn vertical(name: &str, ticks: &[Tick], gutter: u16, plot: Rect, buffer: &mut Buffer, theme: &Theme) {
    let left = plot.x - gutter;
    let (bar, corner, tick) = (theme.glyph("│", "|"), theme.glyph("└", "+"), theme.glyph("┤", "+"));
    put(buffer, left, plot.y - 1, name, plot.right(), theme.dim);
    for y in plot.y..plot.bottom() {
        put(buffer, plot.x - 1, y, bar, plot.right(), theme.border);
    }
    for t in ticks {
        let y = row(t.at, plot, theme);
        put(buffer, left, y, &pad_left(&t.label, gutter as usize - 1), plot.x - 1, theme.dim);
        put(buffer, plot.x - 1, y, tick, plot.right(), theme.border);
    }
    put(buffer, plot.x - 1, plot.bottom(), corner, plot.right(), theme.border);
}

/// The x axis below `plot`, with its name in row `name_row`; labels begin at column `left` or after.
pub fn horizontal(name: &str, x: &Mapping, left: u16, name_row: u16, plot: Rect, buffer: &mut Buffer, theme: &Theme) {
    let (line, tick) = (theme.glyph("─", "-"), theme.glyph("┬", "+"));
    for column in plot.x..plot.right() {
        put(buffer, column, plot.bottom(), line, plot.right(), theme.border);
    }
    let labels = plot.bottom() + 1;
    let shares = name_row == labels;
    let name_width = width(name).min(plot.width as usize / if shares { 2 } else { 1 }) as u16;
    let name_start = plot.right().saturating_sub(name_width);
    let end = if shares { name_start } else { plot.right() + 1 };
    let mut free = left;
    for t in x.ticks((plot.width as usize / 7).clamp(2, 12)) {
        let at = column(t.at, plot, theme);
        put(buffer, at, plot.bottom(), tick, plot.right(), theme.border);
        let w = width(&t.label) as u16;
        let start = at.saturating_sub(w / 2).max(left).min(plot.right() - w.min(plot.width));
        if start >= free && start + w < end {
            free = put(buffer, start, labels, &t.label, plot.right(), theme.dim) + 1;
        }
    }
    put(buffer, name_start, name_row, &fit(name, name_width as usize), plot.right(), theme.dim);
}

/// The column of the screen where `part` of the x axis lies.
pub fn column(part: f64, plot: Rect, theme: &Theme) -> u16 {
    plot.x + cell_of(part, plot.width, if theme.ascii() { 1 } else { 2 })
}

/// The row of the screen where `part` of the y axis lies.
pub fn row(part: f64, plot: Rect, theme: &Theme) -> u16 {
    plot.y + cell_of(1.0 - part, plot.height, if theme.ascii() { 1 } else { 4 })
}

/// The cell in which the dot at `part` of `cells` cells lies, so that labels stand where curves are.
fn cell_of(part: f64, cells: u16, dots: u16) -> u16 {
    let last = f64::from(cells * dots - 1);
    (part * last).round().clamp(0.0, last) as u16 / dots
}

/// The cursor's line through `plot`; what lies under it stays legible.
pub fn upright(column: u16, plot: Rect, buffer: &mut Buffer, theme: &Theme) {
    for y in plot.y..plot.bottom() {
        if let Some(cell) = buffer.cell_mut((column, y)).filter(|c| c.symbol() != " ") {
            // What is reversed already would not be seen to be under the cursor.
            cell.modifier.toggle(Modifier::REVERSED);
        }
    }
    behind(column, plot, buffer, theme);
}

/// The same where nothing is drawn.
pub fn behind(column: u16, plot: Rect, buffer: &mut Buffer, theme: &Theme) {
    for y in plot.y..plot.bottom() {
        if let Some(cell) = buffer.cell_mut((column, y)).filter(|c| c.symbol() == " ") {
            cell.set_symbol(theme.glyph("│", "|")).set_style(theme.key);
        }
    }
}
