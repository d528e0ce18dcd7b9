//! Which pane lies where. The same answer serves drawing and clicks.

use super::app::{App, Pane};
use ratatui::layout::{Constraint, Layout, Rect};

/// The smallest screen that can show anything useful.
pub const SMALLEST: (u16, u16) = (60, 18);

/// Where everything lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Screen {
    /// The line with the lab's name.
    pub header: Rect,
    /// The panes on the screen, in the order of the Tab key.
    pub panes: Vec<(Pane, Rect)>,
    /// The line that says how far the run has come.
    pub status: Rect,
    /// The line of keys.
    pub hints: Rect,
}

impl Screen {
    /// The area of `pane`, if it is on the screen.
    pub fn pane(&self, pane: Pane) -> Option<Rect> {
        self.panes.iter().find(|p| p.0 == pane).map(|p| p.1)
    }
}

/// The layout for the app's area; `None` where that is too small.
pub fn screen(app: &App) -> Option<Screen> {
    let area = app.area;
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        return None;
    }
    let rows = [Constraint::Length(1), Constraint::Fill(1), Constraint::Length(1), Constraint::Length(1)];
    let [header, body, status, hints] = Layout::vertical(rows).areas(area);
    let panes = if app.full_screen {
        vec![(app.focus, body)]
    } else if area.width >= 170 && area.height >= 36 {
        three_columns(body, app)
    } else if area.width >= 100 && area.height >= 32 {
        two_columns(body, app)
    } else {
        compact(body, app)
    };
    Some(Screen { header, panes, status, hints })
}

/// ```text
/// labs     | figures | findings
/// controls |         | log
/// ```
fn three_columns(body: Rect, app: &App) -> Vec<(Pane, Rect)> {
    let findings = (body.width * 7 / 20).min(72);
    let columns = [Constraint::Length(42), Constraint::Fill(1), Constraint::Length(findings)];
    let [left, middle, right] = Layout::horizontal(columns).areas(body);
    let [labs, controls] = left_column(left, app);
    let [findings, log] = Layout::vertical([Constraint::Fill(1), Constraint::Length(12)]).areas(right);
    in_order(app, [labs, controls, middle, findings, log])
}

/// ```text
/// labs     | figures
/// controls | findings | log
/// ```
fn two_columns(body: Rect, app: &App) -> Vec<(Pane, Rect)> {
    let left_width = if body.width >= 120 { 36 } else { 32 };
    let [left, right] = Layout::horizontal([Constraint::Length(left_width), Constraint::Fill(1)]).areas(body);
    let [labs, controls] = left_column(left, app);
    let below = if body.height >= 44 { 14 } else { 11 };
    let [figures, bottom] = Layout::vertical([Constraint::Fill(1), Constraint::Length(below)]).areas(right);
    let [findings, log] = Layout::horizontal([Constraint::Fill(5), Constraint::Fill(3)]).areas(bottom);
    in_order(app, [labs, controls, figures, findings, log])
}

/// ```text
/// controls (or labs) | figures (or findings, or log: what has the keys)
/// ```
/// Sentences need the width: they have all of it while they have the keys.
fn compact(body: Rect, app: &App) -> Vec<(Pane, Rect)> {
    if app.focus == Pane::Claims {
        return vec![(Pane::Claims, body)];
    }
    let left_width = if body.width >= 90 { 32 } else { 28 };
    let [left, right] = Layout::horizontal([Constraint::Length(left_width), Constraint::Fill(1)]).areas(body);
    let left_pane = if app.focus == Pane::Labs { Pane::Labs } else { Pane::Controls };
    let [_, _, figures, ..] = app.panes();
    let right_pane = if matches!(app.focus, Pane::Findings | Pane::Log) { app.focus } else { figures };
    vec![(left_pane, left), (right_pane, right)]
}

fn left_column(left: Rect, app: &App) -> [Rect; 2] {
    let labs = (app.labs.len() as u16 + 2).clamp(3, 10);
    Layout::vertical([Constraint::Length(labs), Constraint::Fill(1)]).areas(left)
}

fn in_order(app: &App, areas: [Rect; 5]) -> Vec<(Pane, Rect)> {
    app.panes().into_iter().zip(areas).collect()
}

/// What is inside a pane's border.
pub fn inside(pane: Rect) -> Rect {
    Rect { x: pane.x + 1, y: pane.y + 1, width: pane.width.saturating_sub(2), height: pane.height.saturating_sub(2) }
}

/// The first of `n` rows to show so that row `selected` is among `height` of them, near the
/// middle where there is room.
pub fn first_row(selected: usize, n: usize, height: usize) -> usize {
    selected.saturating_sub(height / 2).min(n.saturating_sub(height))
}

/// At most `most` of `n` indices, evenly spaced, the first and the last among them.
pub fn evenly(n: usize, most: usize) -> Vec<usize> {
    match most.min(n) {
        0 => Vec::new(),
        1 => vec![0],
        shown => (0..shown).map(|i| (i * (n - 1) + (shown - 1) / 2) / (shown - 1)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_chosen_evenly_has_both_ends() {
        assert_eq!(evenly(3, 5), [0, 1, 2]);
        assert_eq!(evenly(9, 3), [0, 4, 8]);
        assert_eq!((evenly(5, 1), evenly(0, 4)), (vec![0], vec![]));
        for (n, most) in [(100, 7), (8, 7), (1000, 999)] {
            let chosen = evenly(n, most);
            assert_eq!((chosen.len(), chosen[0], chosen[most - 1]), (most, 0, n - 1));
            assert!(chosen.windows(2).all(|w| w[0] < w[1]));
        }
    }

    #[test]
    fn the_selected_row_is_always_shown() {
        for n in 0..40 {
            for selected in 0..n {
                for height in 1..12 {
                    let first = first_row(selected, n, height);
                    assert!(first <= selected && selected < first + height);
                    assert!(first == 0 || first + height <= n);
                }
            }
        }
    }
}
