//! Bars, lying, so that categories have room for their names.

use super::Detail;
use crate::tui::app::figures::FigureView;
use crate::tui::axis::Mapping;
use crate::tui::layout::first_row;
use crate::tui::text::{fit_middle, pad, rounded, width};
use crate::tui::theme::Theme;
use crate::tui::view::put;
use candelab_labs::figure::{Bars, Scale};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// What fills the bars of each group, so that no colour is needed to tell them apart.
const FILLS: [(char, char); 4] = [('█', '#'), ('▒', '='), ('░', '-'), ('▓', '+')];

/// Draws `bars` as `view` wants them.
pub fn draw(bars: &Bars, view: &FigureView, area: Rect, detail: Detail, buffer: &mut Buffer, theme: &Theme) {
    if area.height < 2 || area.width < 8 {
        return;
    }
    let groups = bars.groups.len().max(1);
    let mut body = area;
    if detail == Detail::Full {
        let below = legend(bars, area, buffer, theme);
        body = Rect { y: below, height: area.bottom().saturating_sub(below), ..area };
    }
    let axis = axis(bars);
    let names = bars.categories.iter().map(|c| width(c)).max().unwrap_or(0).min(area.width as usize / 2);
    let values: Vec<String> = bars.groups.iter().flat_map(|g| &g.1).map(|v| rounded(*v)).collect();
    let value_width = values.iter().map(|v| width(v)).max().unwrap_or(0).max(4);
    let room = (area.width as usize).saturating_sub(names + value_width + 3);
    let gap = usize::from(groups > 1 && bars.categories.len() * (groups + 1) <= body.height as usize);
    let per_category = groups + gap;
    let shown = (body.height as usize / per_category).max(1);
    let first = first_row(view.row, bars.categories.len(), shown);
    for (i, category) in bars.categories.iter().enumerate().skip(first).take(shown) {
        let top = body.y + ((i - first) * per_category) as u16;
        put(buffer, body.x, top, &fit_middle(category, names), body.right(), theme.text);
        for (g, (_, values)) in bars.groups.iter().enumerate() {
            let y = top + g as u16;
            if y < body.bottom() {
                let value = values.get(i).copied().unwrap_or(f64::NAN);
                let bar = Rect { x: body.x + names as u16 + 1, y, width: room as u16, height: 1 };
                one(value, &axis, g, bar, buffer, theme);
            }
        }
    }
}

/// What the bars measure and what each group is; answers the first row below.
fn legend(bars: &Bars, area: Rect, buffer: &mut Buffer, theme: &Theme) -> u16 {
    let mut y = area.y;
    let mut x = put(buffer, area.x, y, &bars.y.label, area.right(), theme.dim) + 3;
    for (g, (name, _)) in bars.groups.iter().enumerate() {
        let text = format!("{} {name}", fill(g, theme).to_string().repeat(2));
        if x + width(&text) as u16 > area.right() && y + 2 < area.bottom() {
            (x, y) = (area.x, y + 1);
        }
        if x < area.right() {
            x = put(buffer, x, y, &text, area.right(), theme.series(g)) + 3;
        }
    }
    y + 1
}

fn fill(group: usize, theme: &Theme) -> char {
    let (fancy, plain) = FILLS[group % FILLS.len()];
    theme.glyph(fancy, plain)
}

/// Bars stand on zero, which a linear axis therefore includes.
fn axis(bars: &Bars) -> Mapping {
    let scale = bars.y.scale;
    if let Some(fixed) = bars.y.bounds.and_then(|b| Mapping::between(scale, b)) {
        return fixed;
    }
    let zero = (scale == Scale::Linear).then_some(0.0);
    let values = bars.groups.iter().flat_map(|g| g.1.iter().copied());
    let axis = Mapping::around(scale, values.chain(zero));
    if scale == Scale::Log10 { axis.rounded() } else { axis }
}

fn one(value: f64, axis: &Mapping, group: usize, area: Rect, buffer: &mut Buffer, theme: &Theme) {
    let end = buffer.area.right();
    let Some(position) = axis.position(value) else {
        put(buffer, area.x, area.y, "no value", end, theme.dim);
        return;
    };
    let zero = axis.position(0.0).unwrap_or(0.0).clamp(0.0, 1.0);
    let cells = |part: f64| part.clamp(0.0, 1.0) * f64::from(area.width);
    let (from, to) = (cells(zero.min(position)), cells(zero.max(position)));
    let style = theme.series(group);
    let start = area.x + from.round() as u16;
    let whole = (to - from.round()).max(0.0);
    let mut text = fill(group, theme).to_string().repeat(whole.floor() as usize);
    if group.is_multiple_of(FILLS.len()) && !theme.ascii() {
        // The solid bar ends to an eighth of a cell.
        let eighths = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
        text.push_str(eighths[(whole.fract() * 8.0) as usize]);
    }
    let x = put(buffer, start, area.y, &text, end, style);
    let label = rounded(value);
    let x = x.max(area.x + cells(zero).round() as u16);
    put(buffer, x + 1, area.y, &pad(&label, width(&label)), end, theme.text);
}
