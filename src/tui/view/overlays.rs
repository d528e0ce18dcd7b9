//! The small overlays: palette, value editor, filter, question.

use super::{blank, frame, put};
use crate::tui::app::App;
use crate::tui::app::editor::Editor;
use crate::tui::app::layers::{options, palette_entries};
use crate::tui::layout::{first_row, inside};
use crate::tui::text::{fit, pad, pad_left, width, wrap};
use crate::tui::theme::Theme;
use candelab_labs::control::Domain;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Rect};

fn open(title: &str, (w, h): (u16, u16), area: Rect, buffer: &mut Buffer, theme: &Theme) -> Rect {
    let size = (Constraint::Length(w.min(area.width)), Constraint::Length(h.min(area.height)));
    let area = area.centered(size.0, size.1);
    blank(area, buffer);
    frame(title, true, area, buffer, theme);
    inside(area)
}

/// The text that is being typed, with a cursor of our own: the terminal's stays hidden.
fn typed(prompt: &str, editor: &Editor, area: Rect, buffer: &mut Buffer, theme: &Theme) {
    let start = put(buffer, area.x, area.y, prompt, area.right(), theme.key);
    let room = (area.right().saturating_sub(start) as usize).saturating_sub(1);
    let before = editor.before();
    // A long text is shifted so that the cursor stays in sight.
    let mut shown = before;
    while width(shown) > room {
        let mut rest = shown.chars();
        rest.next();
        shown = rest.as_str();
    }
    let x = put(buffer, start, area.y, shown, area.right(), theme.text);
    let mut rest = editor.text.chars().skip(before.chars().count());
    let under = rest.next().unwrap_or(' ').to_string();
    let x = put(buffer, x, area.y, &under, area.right(), theme.selected);
    let rest: String = rest.collect();
    put(buffer, x, area.y, &fit(&rest, area.right().saturating_sub(x) as usize), area.right(), theme.text);
}

/// Actions by name, each with its key.
pub fn palette(app: &App, editor: &Editor, row: usize, buffer: &mut Buffer, theme: &Theme) {
    let entries = palette_entries(app, &editor.text);
    let area = open("Palette: Enter does it, Esc closes", (78, 18), app.area, buffer, theme);
    typed("> ", editor, Rect { height: 1, ..area }, buffer, theme);
    let list = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    if entries.is_empty() {
        put(buffer, list.x, list.y, "no action has this name", list.right(), theme.dim);
    }
    let height = list.height as usize;
    let words = entries.iter().map(|e| width(&e.word)).max().unwrap_or(0).max(15);
    let first = first_row(row, entries.len(), height);
    for (i, entry) in entries.iter().enumerate().skip(first).take(height) {
        let y = list.y + (i - first) as u16;
        let key = entry.key.map(|k| k.label(theme.ascii())).unwrap_or_default();
        let room = list.width as usize;
        let text = format!("{} {}", pad(&entry.word, words), entry.help);
        let line = format!("{}{}", pad(&text, room - 11), pad_left(&key, 11));
        let style = if i == row { theme.selected } else { theme.text };
        put(buffer, list.x, y, &line, list.right(), style);
    }
}

/// The words of a control, the present one marked; letters narrow them down.
pub fn choose(app: &App, control: usize, editor: &Editor, row: usize, buffer: &mut Buffer, theme: &Theme) {
    let options = options(app, control, &editor.text);
    let Some(control) = app.controls.now.get(control) else { return };
    let Domain::Choice { options: all } = &control.domain else { return };
    let height = (all.len() as u16).saturating_add(6).min(20);
    let area = open(control.name, (58, height), app.area, buffer, theme);
    typed("> ", editor, Rect { height: 1, ..area }, buffer, theme);
    let list = Rect { y: area.y + 1, height: area.height.saturating_sub(3), ..area };
    if options.is_empty() {
        put(buffer, list.x, list.y, "no word has these letters", list.right(), theme.dim);
    }
    let height = list.height as usize;
    let first = first_row(row, options.len(), height);
    for (y, (i, option)) in (list.y..list.bottom()).zip(options.iter().enumerate().skip(first)) {
        let mark = if *option == control.value { "*" } else { " " };
        let style = if i == row { theme.selected } else { theme.text };
        put(buffer, list.x, y, &pad(&format!("{mark} {option}"), list.width as usize), list.right(), style);
    }
    let count = if options.len() == all.len() { String::new() } else { format!("{} of ", options.len()) };
    let lines =
        [control.help.to_owned(), format!("{count}{} words; letters narrow, Enter takes, Esc keeps", all.len())];
    for (y, line) in (area.bottom().saturating_sub(2)..area.bottom()).zip(&lines) {
        put(buffer, area.x, y, line, area.right(), theme.dim);
    }
}

/// A control's value as text, and why the last candidate was refused.
pub fn edit(app: &App, control: usize, editor: &Editor, error: Option<&str>, buffer: &mut Buffer, theme: &Theme) {
    let Some(control) = app.controls.now.get(control) else { return };
    let area = open(control.name, (58, 8), app.area, buffer, theme);
    typed("> ", editor, Rect { height: 1, ..area }, buffer, theme);
    let (text, style) = match error {
        Some(error) => (error.to_owned(), theme.error),
        None => (format!("{}: {}", control.help, control.domain.describe()), theme.dim),
    };
    let lines = wrap(&text, area.width as usize);
    for (y, line) in (area.y + 2..area.bottom().saturating_sub(1)).zip(&lines) {
        put(buffer, area.x, y, line, area.right(), style);
    }
    let last = area.bottom().saturating_sub(1);
    put(buffer, area.x, last, "Enter takes the value, Esc keeps the old one", area.right(), theme.dim);
}

/// The filter, in the place of the hints.
pub fn filter(editor: &Editor, area: Rect, buffer: &mut Buffer, theme: &Theme) {
    blank(area, buffer);
    let help = "Enter keeps the filter, Esc clears it ";
    let start = area.right().saturating_sub(width(help) as u16);
    put(buffer, start, area.y, help, area.right(), theme.dim);
    typed(" /", editor, Rect { width: start - area.x, ..area }, buffer, theme);
}

/// Whether to leave although a run is in progress.
pub fn confirm_quit(area: Rect, buffer: &mut Buffer, theme: &Theme) {
    let area = open("Quit?", (44, 5), area, buffer, theme);
    put(buffer, area.x + 1, area.y, "A run is in progress and will be lost.", area.right(), theme.text);
    put(buffer, area.x + 1, area.y + 2, "y quits, n or Esc stays", area.right(), theme.key);
}
