//! The lines around the panes: header, status, hints.

use super::put;
use crate::tui::action::{ACTIONS, Action, Entry, find};
use crate::tui::app::App;
use crate::tui::snapshot::RunState;
use crate::tui::text::{duration, fit, rounded, width};
use crate::tui::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use std::fmt::Write;

/// The program, the lab, and on the right what the run stands on.
pub fn header(app: &App, area: Rect, buffer: &mut Buffer, theme: &Theme) {
    let threads = if app.threads == 1 { "1 thread".into() } else { format!("{} threads", app.threads) };
    // Of the run on the screen: the next one may be about to have others.
    let seeds = match &app.running {
        Some(run) if run.seeds > 1 => format!("seeds {} to {}", run.seed, run.seed.saturating_add(run.seeds - 1)),
        _ => format!("seed {}", app.context.seed),
    };
    let right = format!("{}  {threads}  {seeds} ", app.device_name);
    let right = fit(&right, area.width as usize / 2);
    let start = area.right().saturating_sub(width(&right) as u16);
    put(buffer, start, area.y, &right, area.right(), theme.dim);
    let x = put(buffer, area.x, area.y, " candelab ", start, theme.selected.patch(theme.title));
    let lab = app.lab();
    let x = put(buffer, x + 1, area.y, lab.id(), start, theme.title);
    put(buffer, x + 2, area.y, lab.title(), start.saturating_sub(1), theme.text);
}

/// What the run is doing, or what has just gone wrong.
pub fn status(app: &App, area: Rect, buffer: &mut Buffer, theme: &Theme) {
    let (mark, style) = state_mark(app.state(), theme);
    let x = put(buffer, area.x + 1, area.y, mark, area.right(), style);
    let x = put(buffer, x + 1, area.y, app.state().word(), area.right(), style);
    if let Some(notice) = &app.notice {
        let style = if notice.bad { theme.error } else { theme.text };
        put(buffer, x + 2, area.y, &notice.text, area.right(), style);
        return;
    }
    if let RunState::Failed(why) = app.state() {
        put(buffer, x + 2, area.y, why, area.right(), theme.error);
        return;
    }
    let progress = &app.snapshot.progress;
    if app.running.is_none() || progress.total == 0 {
        let (text, style) = if app.running.is_some() {
            (progress.stage.as_str(), theme.text)
        } else {
            (app.lab().question(), theme.dim)
        };
        put(buffer, x + 2, area.y, text, area.right(), style);
        return;
    }
    let part = (progress.done as f64 / progress.total as f64).clamp(0.0, 1.0);
    let bar = (area.width as usize / 6).clamp(8, 30);
    let x = progress_bar(part, bar, x + 2, area, buffer, theme);
    let text = status_text(app, part);
    put(buffer, x + 1, area.y, &text, area.right(), theme.text);
}

fn state_mark(state: &RunState, theme: &Theme) -> (&'static str, Style) {
    match state {
        RunState::Running => (theme.glyph("▸", ">"), theme.good),
        RunState::Paused => ("=", theme.changed),
        RunState::Finished => (theme.glyph("✓", "*"), theme.good),
        RunState::Failed(_) => ("!", theme.error),
        RunState::Idle | RunState::Stopped => ("-", theme.dim),
    }
}

fn status_text(app: &App, part: f64) -> String {
    let snapshot = &app.snapshot;
    let progress = &snapshot.progress;
    let mut text = format!("{:.0} %", (100.0 * part).floor());
    let elapsed = snapshot.elapsed.as_secs_f64();
    if snapshot.state == RunState::Running {
        if progress.done > 0 && part < 1.0 {
            let _ = write!(text, "  {} left", duration(elapsed * (1.0 - part) / part));
        }
        if snapshot.steps_per_s > 0.0 {
            let _ = write!(text, "  {} steps/s", rounded(three_digits(snapshot.steps_per_s)));
        }
    } else {
        let _ = write!(text, "  {}", duration(elapsed));
    }
    if !progress.stage.is_empty() {
        text.push_str("  ");
        text.push_str(&progress.stage);
    }
    text
}

/// A rate has no more meaning than that.
fn three_digits(value: f64) -> f64 {
    let unit = 10_f64.powf(value.abs().max(1e-9).log10().floor() - 2.0);
    (value / unit).round() * unit
}

fn progress_bar(part: f64, cells: usize, x: u16, area: Rect, buffer: &mut Buffer, theme: &Theme) -> u16 {
    let (full, empty) = (theme.glyph("█", "#"), theme.glyph("░", "."));
    let done = (part * cells as f64).floor() as usize;
    let x = put(buffer, x, area.y, &full.repeat(done), area.right(), theme.good);
    put(buffer, x, area.y, &empty.repeat(cells - done), area.right(), theme.dim)
}

/// The keys that are of use now, whole ones only; help is always the last.
pub fn hints(app: &App, area: Rect, buffer: &mut Buffer, theme: &Theme) {
    let tail = tail_hints(theme);
    let tail_width: usize = tail.iter().map(|(k, w)| width(k) + width(w) + 3).sum();
    let end = area.right().saturating_sub(tail_width as u16);
    let mut x = area.x + 1;
    for (keys, word) in hint_items(app, theme) {
        let needed = (width(&keys) + width(word) + 3) as u16;
        if x + needed > end {
            break;
        }
        x = put_hint(&keys, word, x, area.y, buffer, theme);
    }
    x = x.max(end);
    for (keys, word) in tail {
        x = put_hint(&keys, word, x, area.y, buffer, theme);
    }
}

fn put_hint(keys: &str, word: &str, x: u16, y: u16, buffer: &mut Buffer, theme: &Theme) -> u16 {
    let end = buffer.area.right();
    let x = put(buffer, x, y, keys, end, theme.key);
    put(buffer, x + 1, y, word, end, theme.dim) + 2
}

fn tail_hints(theme: &Theme) -> Vec<(String, &'static str)> {
    [Action::Help, Action::Quit]
        .into_iter()
        .filter_map(find)
        .filter_map(|e| Some((e.keys.first()?.label(theme.ascii()), e.word)))
        .collect()
}

fn hint_items(app: &App, theme: &Theme) -> Vec<(String, &'static str)> {
    let mut items: Vec<(String, &'static str)> = Vec::new();
    for entry in ACTIONS.iter().filter(|e| (e.when)(app)) {
        let (Some(word), Some(key)) = ((entry.hint)(app), first_key(entry, theme)) else { continue };
        match items.last_mut() {
            // Two keys for the two directions of one thing share its word.
            Some(last) if last.1 == word => {
                last.0.push_str(theme.glyph("", "/"));
                last.0.push_str(&key);
            }
            _ => items.push((key, word)),
        }
    }
    items
}

fn first_key(entry: &Entry, theme: &Theme) -> Option<String> {
    entry.keys.first().map(|k| k.label(theme.ascii()))
}
