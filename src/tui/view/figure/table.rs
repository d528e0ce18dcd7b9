//! Tables with a head that stays while the rows scroll.

use crate::tui::app::figures::FigureView;
use crate::tui::layout::first_row;
use crate::tui::text::{pad, pad_left, width};
use crate::tui::theme::Theme;
use crate::tui::view::put;
use candelab_labs::figure::Table;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;

/// No column takes more than this, so that one long cell does not push the others out.
const WIDEST: usize = 40;

fn widths(table: &Table) -> Vec<usize> {
    let cell = |row: &Vec<String>, c: usize| row.get(c).map_or(0, |t| width(t));
    let longest = |c: usize| table.rows.iter().map(|row| cell(row, c)).max().unwrap_or(0);
    (0..table.columns.len()).map(|c| longest(c).max(width(&table.columns[c])).min(WIDEST)).collect()
}

/// Whether the columns from `first` on fit into `area`.
pub fn fits(table: &Table, first: usize, area: Rect) -> bool {
    widths(table).iter().skip(first).map(|w| w + 2).sum::<usize>() <= area.width as usize + 2
}

/// Numbers stand under each other when they end at the same place.
fn is_number(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '+') || text == "–"
}

/// Draws `table` from the column and with the row that `view` has selected.
pub fn draw(table: &Table, view: &FigureView, area: Rect, buffer: &mut Buffer, theme: &Theme) {
    if area.height < 2 {
        return;
    }
    let widths = widths(table);
    let first_column = view.column.min(table.columns.len().saturating_sub(1));
    let right: Vec<bool> = (0..table.columns.len())
        .map(|c| table.rows.first().and_then(|r| r.get(c)).is_some_and(|t| is_number(t)))
        .collect();
    let line = |cells: &[String]| {
        let mut text = String::new();
        for (c, cell) in cells.iter().enumerate().take(widths.len()).skip(first_column) {
            let padded = if right[c] { pad_left(cell, widths[c]) } else { pad(cell, widths[c]) };
            if c > first_column {
                text.push_str("  ");
            }
            text.push_str(&padded);
        }
        text
    };
    let head = theme.title.add_modifier(Modifier::UNDERLINED);
    put(buffer, area.x, area.y, &line(&table.columns), area.right(), head);
    let rows = area.height as usize - 2;
    let selected = view.row.min(table.rows.len().saturating_sub(1));
    let first = first_row(selected, table.rows.len(), rows);
    for (i, row) in table.rows.iter().enumerate().skip(first).take(rows) {
        let style = if i == selected { theme.selected } else { theme.text };
        put(
            buffer,
            area.x,
            area.y + 1 + (i - first) as u16,
            &pad(&line(row), area.width as usize),
            area.right(),
            style,
        );
    }
    let shown = rows.min(table.rows.len());
    if shown < table.rows.len() {
        let text = format!("rows {}-{} of {}", first + 1, first + shown, table.rows.len());
        put(buffer, area.x, area.bottom() - 1, &text, area.right(), theme.dim);
    }
}
