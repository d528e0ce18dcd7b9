//! The findings: a row each, as many columns as fit, and what the selected one means.

use super::put;
use crate::tui::app::{App, Pane};
use crate::tui::layout::first_row;
use crate::tui::text::{pad, pad_left, rounded, width, wrap_most};
use crate::tui::theme::Theme;
use candelab_labs::Finding;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::fmt::Write;

const HEADS: [&str; 4] = ["finding", "value", "predicted", "95 % interval"];
/// Below this a name says too little.
const SHORTEST_NAME: usize = 14;

/// The rows of the list that `area` shows below the head, and the lines of explanation below them.
pub fn rows(app: &App, area: Rect) -> (std::ops::Range<usize>, usize) {
    let visible = app.visible_findings();
    let Some(last) = visible.len().checked_sub(1) else { return (0..0, 0) };
    let selected = app.finding_row.min(last);
    let below = meaning(&app.snapshot.findings[visible[selected]], area).len();
    let height = (area.height as usize).saturating_sub(1 + below);
    let first = first_row(selected, visible.len(), height);
    (first..(first + height).min(visible.len()), below)
}

/// Draws the findings that the filter lets through.
pub fn draw(app: &App, area: Rect, buffer: &mut Buffer, theme: &Theme) {
    let visible = app.visible_findings();
    if visible.is_empty() {
        let text = if app.snapshot.findings.is_empty() { "nothing is known yet" } else { "no finding has this name" };
        put(buffer, area.x, area.y, text, area.right(), theme.dim);
        return;
    }
    let findings = &app.snapshot.findings;
    let selected = app.finding_row.min(visible.len() - 1);
    let cells: Vec<[String; 4]> = visible.iter().map(|i| cells(&findings[*i])).collect();
    let widths = widths(&cells, area.width as usize);
    line(&HEADS.map(String::from), &widths, area.x, area.y, area, theme.dim, buffer);
    let (rows, below) = rows(app, area);
    for (y, row) in (area.y + 1..).zip(rows) {
        let focused = row == selected && app.focus == Pane::Findings;
        let style = if focused { theme.selected } else { theme.text };
        line(&cells[row], &widths, area.x, y, area, style, buffer);
    }
    let top = area.bottom() - below as u16;
    for (y, text) in (top..area.bottom()).zip(&meaning(&findings[visible[selected]], area)) {
        put(buffer, area.x, y, text, area.right(), theme.dim);
    }
}

fn cells(finding: &Finding) -> [String; 4] {
    let mut value = rounded(finding.value);
    if finding.value.is_finite() && !finding.unit.is_empty() {
        value = format!("{value} {}", finding.unit);
    }
    let predicted = finding.predicted.map(rounded).unwrap_or_default();
    let interval = match finding.interval {
        Some(i) if i.n == 1 => i.describe(finding.value, rounded),
        Some(i) => format!("{} .. {}, n={}", rounded(i.low), rounded(i.high), i.n),
        None => String::new(),
    };
    [finding.name.clone(), value, predicted, interval]
}

/// The widths of the columns that fit; the last ones go first.
fn widths(cells: &[[String; 4]], room: usize) -> Vec<usize> {
    let natural = |column: usize| {
        let longest = cells.iter().map(|c| width(&c[column])).max().unwrap_or(0);
        if longest == 0 { 0 } else { longest.max(width(HEADS[column])) }
    };
    let name = natural(0);
    let mut widths = vec![name, natural(1)];
    for column in 2..4 {
        let used: usize = widths[1..].iter().map(|w| w + 2).sum();
        let wanted = natural(column);
        if wanted > 0 && name.min(SHORTEST_NAME * 2) + used + wanted + 2 <= room {
            widths.push(wanted);
        } else {
            widths.push(0);
        }
    }
    let used: usize = widths[1..].iter().filter(|w| **w > 0).map(|w| w + 2).sum();
    widths[0] = name.min(room.saturating_sub(used)).max(SHORTEST_NAME.min(room));
    widths
}

fn line(
    cells: &[String; 4],
    widths: &[usize],
    x: u16,
    y: u16,
    area: Rect,
    style: ratatui::style::Style,
    buffer: &mut Buffer,
) {
    let mut text = pad(&cells[0], widths[0]);
    for (cell, w) in cells.iter().zip(widths).skip(1).filter(|(_, w)| **w > 0) {
        text.push_str("  ");
        text.push_str(&pad_left(cell, *w));
    }
    put(buffer, x, y, &pad(&text, area.width as usize), area.right(), style);
}

/// What the finding is, and every number of it, since columns may have been left out.
fn meaning(finding: &Finding, area: Rect) -> Vec<String> {
    let mut text = finding.meaning.clone();
    if !finding.note.is_empty() {
        let _ = write!(text, " ({})", finding.note);
    }
    let [_, value, predicted, interval] = cells(finding);
    let _ = write!(text, ": {value}");
    if !interval.is_empty() {
        // The bound of a computed number is no interval of chance.
        let kind = if finding.interval.is_some_and(|i| i.n == 1) { "" } else { "95 % " };
        let _ = write!(text, ", {kind}{interval}");
    }
    if !predicted.is_empty() {
        let _ = write!(text, ", predicted {predicted}");
    }
    wrap_most(&text, area.width as usize, area.height as usize / 3)
}
