//! The log: newest at the bottom.

use super::put;
use crate::tui::app::App;
use crate::tui::text::wrap;
use crate::tui::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Draws the end of the log, or the part that it is scrolled to.
pub fn draw(app: &App, area: Rect, buffer: &mut Buffer, theme: &Theme) {
    if app.log.is_empty() {
        put(buffer, area.x, area.y, "no messages yet", area.right(), theme.dim);
        return;
    }
    let height = area.height as usize;
    let mut lines: Vec<String> = Vec::new();
    // From the end backwards, until the pane is full.
    for entry in app.log.iter().rev().skip(app.log_scroll) {
        let wrapped = wrap(entry, area.width as usize);
        lines.extend(wrapped.into_iter().rev());
        if lines.len() >= height {
            break;
        }
    }
    lines.truncate(height);
    for (y, line) in (area.y..).zip(lines.iter().rev()) {
        put(buffer, area.x, y, line, area.right(), theme.text);
    }
}
