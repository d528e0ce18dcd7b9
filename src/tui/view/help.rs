//! The help overlay, made from the table of actions.

use super::{blank, frame, put};
use crate::tui::action::{ACTIONS, Group};
use crate::tui::layout::inside;
use crate::tui::text::pad;
use crate::tui::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Rect};

const WIDTH: u16 = 76;
const KEYS: usize = 18;

/// A line of the overlay: a heading, or keys and what they do.
enum Line {
    Heading(&'static str),
    Keys(String, &'static str),
    Blank,
}

fn lines(ascii: bool) -> Vec<Line> {
    let mut lines = Vec::new();
    for group in Group::ALL {
        if !lines.is_empty() {
            lines.push(Line::Blank);
        }
        lines.push(Line::Heading(group.title()));
        for entry in ACTIONS.iter().filter(|e| e.group == group && !e.help.is_empty()) {
            let keys: Vec<_> = entry.keys.iter().map(|k| k.label(ascii)).collect();
            lines.push(Line::Keys(keys.join(" "), entry.help));
        }
    }
    lines
}

/// How many lines there are.
pub fn length() -> usize {
    lines(true).len()
}

/// Draws the overlay with `scroll` lines scrolled off.
pub fn draw(scroll: usize, area: Rect, buffer: &mut Buffer, theme: &Theme) {
    let lines = lines(theme.ascii());
    let height = (lines.len() as u16 + 2).min(area.height.saturating_sub(2));
    let area = area.centered(Constraint::Length(WIDTH.min(area.width)), Constraint::Length(height));
    blank(area, buffer);
    let shown = height.saturating_sub(2) as usize;
    let scroll = scroll.min(lines.len().saturating_sub(shown));
    let rest = lines.len() - shown - scroll;
    let title = if rest > 0 { "Help: down for more, Esc closes" } else { "Help: Esc closes" };
    frame(title, true, area, buffer, theme);
    let area = inside(area);
    for (y, line) in (area.y..area.bottom()).zip(lines.iter().skip(scroll)) {
        match line {
            Line::Blank => {}
            Line::Heading(title) => _ = put(buffer, area.x + 1, y, title, area.right(), theme.title),
            Line::Keys(keys, help) => {
                let x = put(buffer, area.x + 2, y, &pad(keys, KEYS), area.right(), theme.key);
                put(buffer, x + 1, y, help, area.right(), theme.text);
            }
        }
    }
}
