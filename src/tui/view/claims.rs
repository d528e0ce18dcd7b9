//! The claims: a row each with the verdict of the run, and below all of the selected one.

use super::put;
use crate::tui::app::{App, Pane};
use crate::tui::layout::first_row;
use crate::tui::snapshot::RunState;
use crate::tui::text::{fit, pad, rounded, width, wrap};
use crate::tui::theme::Theme;
use candelab_labs::claim::{Claim, Judged, Judgement, Verdict};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use std::fmt::Write;
use std::ops::Range;

/// Rows that the list keeps, however long the selected sentence is.
const FEWEST_ROWS: usize = 5;

/// The pane's title: how many claims there are, and what became of them.
pub fn title(app: &App) -> String {
    let all = app.claims.list.len();
    if !app.filter(Pane::Claims).is_empty() {
        return format!("Claims {} of {all}", app.visible_claims().len());
    }
    let verdicts: Vec<Judgement> =
        (0..all).filter_map(|i| app.standing(i).ok()).map(|verdict| verdict.judged.judgement).collect();
    let kinds = [Judgement::Supported, Judgement::Refuted, Judgement::Inconclusive];
    let count = |kind: &Judgement| verdicts.iter().filter(|v| *v == kind).count();
    let parts: Vec<String> =
        kinds.iter().filter(|k| count(k) > 0).map(|k| format!("{} {}", count(k), k.name())).collect();
    if parts.is_empty() { format!("Claims {all}") } else { format!("Claims {all}: {}", parts.join(", ")) }
}

/// The rows of the list that `area` shows.
pub fn rows(app: &App, area: Rect) -> Range<usize> {
    let visible = app.visible_claims();
    let Some(last) = visible.len().checked_sub(1) else { return 0..0 };
    let below = below(app, area).len();
    let height = (area.height as usize).saturating_sub(below + usize::from(below > 0));
    let first = first_row(app.claims.row.min(last), visible.len(), height);
    first..(first + height).min(visible.len())
}

/// Draws the claims that the filter lets through.
pub fn draw(app: &App, area: Rect, buffer: &mut Buffer, theme: &Theme) {
    let visible = app.visible_claims();
    if visible.is_empty() {
        let (text, style) = match &app.claims.problem {
            Some(problem) => (problem.as_str(), theme.error),
            None if app.claims.list.is_empty() => ("this lab has no claims", theme.dim),
            None => ("no claim has this in its name, sentence, source or verdict", theme.dim),
        };
        put(buffer, area.x, area.y, text, area.right(), style);
        return;
    }
    let selected = app.claims.row.min(visible.len() - 1);
    let names = visible.iter().map(|i| width(&app.claims.list[*i].id)).max().unwrap_or(0);
    let names = names.min(area.width as usize * 2 / 5);
    for (y, row) in (area.y..).zip(rows(app, area)) {
        let focused = row == selected && app.focus == Pane::Claims;
        draw_row(app, visible[row], focused, names, Rect { y, height: 1, ..area }, buffer, theme);
    }
    let lines = below(app, area);
    let top = area.bottom() - lines.len() as u16;
    for (y, (text, part)) in (top..area.bottom()).zip(&lines) {
        put(buffer, area.x, y, text, area.right(), part.style(theme));
    }
}

fn draw_row(app: &App, index: usize, focused: bool, names: usize, area: Rect, buffer: &mut Buffer, theme: &Theme) {
    let standing = app.standing(index);
    let (text, style) = match standing {
        Ok(verdict) => (state(app, verdict), part_of(verdict).style(theme)),
        Err(reason) => (format!("- {reason}"), theme.dim),
    };
    let name = pad(&fit(&app.claims.list[index].id, names), names + 2);
    let room = (area.width as usize).saturating_sub(names + 2);
    let (name_style, style) = if focused { (theme.selected, theme.selected) } else { (theme.text, style) };
    let x = put(buffer, area.x, area.y, &name, area.right(), name_style);
    put(buffer, x, area.y, &pad(&text, room), area.right(), style);
}

/// The verdict in a row: sign, word, and the value; a sign of its own where it was not expected. What is
/// said so far surprises nobody.
fn state(app: &App, verdict: &Verdict) -> String {
    let judged = &verdict.judged;
    let surprise = if verdict.is_expected() || !is_final(app) { "" } else { " (!)" };
    let word = format!("{}{surprise}", judged.judgement.name());
    format!("{} {so_far}{word}  {}", sign(judged.judgement), measured(judged), so_far = so_far(app))
}

fn is_final(app: &App) -> bool {
    *app.state() == RunState::Finished
}

fn so_far(app: &App) -> &'static str {
    if is_final(app) { "" } else { "so far " }
}

fn sign(judgement: Judgement) -> &'static str {
    match judgement {
        Judgement::Supported => "+",
        Judgement::Refuted => "x",
        Judgement::Inconclusive => "?",
    }
}

/// The value with its unit and interval.
fn measured(judged: &Judged) -> String {
    let m = &judged.measured;
    let mut text = rounded(m.value);
    if m.value.is_finite() && !m.unit.is_empty() {
        let _ = write!(text, " {}", m.unit);
    }
    if let Some(interval) = m.interval {
        let _ = write!(text, " {}", interval.describe(m.value, rounded));
    }
    text
}

fn range(low: Option<f64>, high: Option<f64>) -> String {
    match (low, high) {
        // Four digits do not show the tolerance of a formula.
        (Some(low), Some(high)) if rounded(low) == rounded(high) => format!("about {}", rounded(low)),
        (Some(low), Some(high)) => format!("{} to {}", rounded(low), rounded(high)),
        (Some(low), None) => format!("at least {}", rounded(low)),
        (None, Some(high)) => format!("at most {}", rounded(high)),
        (None, None) => "any value".into(),
    }
}

/// What a line says, for its style.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    Sentence,
    Remark,
    Expected,
    Surprise,
    Undecided,
}

impl Part {
    fn style(self, theme: &Theme) -> Style {
        match self {
            Self::Sentence => theme.text,
            Self::Remark => theme.dim,
            Self::Expected => theme.good,
            Self::Surprise => theme.error,
            Self::Undecided => theme.changed,
        }
    }
}

fn part_of(verdict: &Verdict) -> Part {
    match verdict.judged.judgement {
        _ if verdict.is_expected() => Part::Expected,
        Judgement::Inconclusive => Part::Undecided,
        _ => Part::Surprise,
    }
}

/// The selected claim: its sentence in full, where it is said, and what the run says.
fn below(app: &App, area: Rect) -> Vec<(String, Part)> {
    let Some(index) = app.selected_claim() else { return Vec::new() };
    let claim = &app.claims.list[index];
    let mut texts = vec![(claim.en.clone(), Part::Sentence), (said(claim), Part::Remark)];
    match app.standing(index) {
        Ok(verdict) => texts.extend(judged(app, verdict)),
        Err(reason) => texts.extend(open(app, claim, reason)),
    }
    let cells = area.width as usize;
    let lines = texts.iter().flat_map(|(text, part)| wrap(text, cells).into_iter().map(move |line| (line, *part)));
    let mut lines: Vec<_> = lines.collect();
    let most = (area.height as usize).saturating_sub(FEWEST_ROWS + 1);
    if lines.len() > most {
        lines.truncate(most);
        if let Some((last, _)) = lines.last_mut() {
            *last = format!("{} ...", fit(last, cells.saturating_sub(4)));
        }
    }
    lines
}

fn said(claim: &Claim) -> String {
    let rows = if claim.rows.is_empty() { String::new() } else { format!(" ({})", claim.rows.join(", ")) };
    format!("said in {}{rows}; expected: {}", claim.source, claim.expect.name())
}

fn judged(app: &App, verdict: &Verdict) -> Vec<(String, Part)> {
    let line = |judged: &Judged, part| (outcome(app, judged), part);
    let mut texts = vec![line(&verdict.judged, part_of(verdict))];
    if is_final(app) && verdict.judged.judgement != verdict.claim.expect {
        let expected = verdict.claim.expect.name();
        texts.push((format!("(!) this is not the expected verdict, {expected}"), part_of(verdict)));
    }
    if let (Some(right), Some(judged)) = (&verdict.claim.right, &verdict.right) {
        texts.push((format!("right: {}", right.en), Part::Sentence));
        let part = match judged.judgement {
            Judgement::Supported => Part::Expected,
            Judgement::Refuted => Part::Surprise,
            Judgement::Inconclusive => Part::Undecided,
        };
        texts.push(line(judged, part));
    }
    texts
}

fn outcome(app: &App, judged: &Judged) -> String {
    let m = &judged.measured;
    let mut text = format!(
        "{} {}{}: {} = {}; true if {}",
        sign(judged.judgement),
        so_far(app),
        judged.judgement.name(),
        m.name,
        measured(judged),
        range(judged.low, judged.high)
    );
    if !m.meaning.is_empty() {
        let _ = write!(text, "; {}", m.meaning);
    }
    if !m.note.is_empty() {
        let _ = write!(text, " ({})", m.note);
    }
    text
}

/// A claim without a verdict: why, and what would be measured.
fn open(app: &App, claim: &Claim, reason: &str) -> Vec<(String, Part)> {
    let mut texts = vec![(format!("- {reason}; t runs it"), Part::Remark)];
    // A formula may need controls that are not there: then there is no range to show yet.
    if let Ok(test) = claim.relation.test(&app.controls.now) {
        texts.push((format!("{}: true if {}", test.quantity, range(test.range.low, test.range.high)), Part::Remark));
    }
    if let Some(right) = &claim.right {
        texts.push((format!("right: {}", right.en), Part::Sentence));
    }
    texts
}
