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

/// The columns from the left with their widths when `scrolled` of them are scrolled off. The first
/// one stays: it says what a row is about.
fn columns(table: &Table, scrolled: usize, area: Rect) -> Vec<(usize, usize)> {
    let mut columns: Vec<(usize, usize)> = widths(table).into_iter().enumerate().collect();
    if let Some(first) = columns.first_mut().filter(|_| scrolled > 0) {
        // Else there might be no room for what is scrolled to.
        first.1 = first.1.min(area.width as usize / 2);
    }
    columns.drain(1.min(columns.len())..(1 + scrolled.min(most_scrolled(table))).min(columns.len()));
    columns
}

/// How many columns can be scrolled off: the last one stays in sight.
pub fn most_scrolled(table: &Table) -> usize {
    table.columns.len().saturating_sub(2)
}

/// Whether the columns fit into `area` when `scrolled` of them are scrolled off.
pub fn fits(table: &Table, scrolled: usize, area: Rect) -> bool {
    columns(table, scrolled, area).iter().map(|c| c.1 + 2).sum::<usize>() <= area.width as usize + 2
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
    let columns = columns(table, view.column, area);
    let right: Vec<bool> = (0..table.columns.len())
        .map(|c| table.rows.first().and_then(|r| r.get(c)).is_some_and(|t| is_number(t)))
        .collect();
    let line = |cells: &[String]| {
        let mut text = String::new();
        for (c, width) in &columns {
            let cell = cells.get(*c).map_or("", String::as_str);
            if *c > 0 {
                text.push_str("  ");
            }
            text.push_str(&if right[*c] { pad_left(cell, *width) } else { pad(cell, *width) });
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::{ColorDepth, Glyphs};

    fn table() -> Table {
        let columns = ["scheme", "depth", "width", "ratio"].map(String::from).to_vec();
        Table { columns, rows: vec![["xavier", "20", "64", "0.5"].map(String::from).to_vec()] }
    }

    fn drawn(column: usize, area: Rect) -> Vec<String> {
        let mut buffer = Buffer::empty(area);
        let view = FigureView { column, ..FigureView::default() };
        draw(&table(), &view, area, &mut buffer, &Theme::new(ColorDepth::None, Glyphs::Ascii));
        crate::tui::tests::symbols(&buffer).iter().map(|l| l.trim_end().to_owned()).collect()
    }

    #[test]
    fn the_first_column_stays_while_the_others_scroll() {
        let area = Rect::new(0, 0, 20, 3);
        assert_eq!(drawn(0, area)[..2], ["scheme  depth  widt~", "xavier     20     6~"]);
        assert_eq!(drawn(1, area)[..2], ["scheme  width  ratio", "xavier     64    0.5"]);
        assert_eq!(drawn(9, area)[..2], ["scheme  ratio", "xavier    0.5"]);
        assert!(!fits(&table(), 0, area) && fits(&table(), 1, area));
    }

    #[test]
    fn a_table_of_few_columns_has_none_to_scroll() {
        for n in 0..3 {
            let few = Table { columns: vec!["a".into(); n], rows: vec![vec!["1".into(); n]] };
            assert_eq!(most_scrolled(&few), 0);
            assert!(fits(&few, 5, Rect::new(0, 0, 9, 3)));
        }
    }
}
