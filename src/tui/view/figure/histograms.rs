//! Distributions one below another over one axis: blocks for what was measured, over them a line for
//! what was expected.

use super::canvas::{Canvas, Pen};
use super::{Detail, NOTHING_YET, axes};
use crate::tui::app::figures::FigureView;
use crate::tui::axis::Mapping;
use crate::tui::layout::{evenly, first_row};
use crate::tui::readout;
use crate::tui::text::{exact, fit, rounded, width};
use crate::tui::theme::Theme;
use crate::tui::view::put;
use candelab_labs::figure::{Histogram, Histograms};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

/// A cell filled by so many eighths.
const EIGHTHS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const EIGHTHS_ASCII: [char; 9] = [' ', '.', ':', '-', '=', '+', '*', '%', '#'];
/// Narrower plots do not give columns to the summaries.
const NARROWEST: u16 = 20;
/// The rows of what the cursor reads, where the pane is high enough for more than one.
const READOUT: u16 = 3;
/// Braille dots (added to U+2800) of the expected density in strips one row high, lowest first.
const MARKS: [u32; 4] = [0xC0, 0x24, 0x12, 0x09];
/// The dots of what is filled below them, by rows of dots.
const FILLED: [u32; 4] = [0x00, 0xC0, 0xE4, 0xF6];
/// Eighths of a cell by which it has to differ there from the measured one to be marked.
const DIFFERENCE: u16 = 2;

/// Where the parts lie.
struct Parts {
    header: Rect,
    /// The strips and, at both sides of them, names and summaries.
    plot: Rect,
    summaries: Rect,
    /// The row with the name of the x axis.
    name_row: u16,
    readout: Rect,
}

impl Parts {
    fn fit(histograms: &Histograms, reads: bool, area: Rect) -> Option<Self> {
        let widest = |texts: &mut dyn Iterator<Item = &String>| texts.map(|t| width(t)).max().unwrap_or(0) as u16;
        let names = widest(&mut histograms.rows.iter().map(|r| &r.name)).max(width(&histograms.row_label) as u16);
        let gutter = names.min(area.width / 3) + 1;
        let across = area.width.checked_sub(gutter + 1).filter(|w| *w > 4)?;
        let wanted = widest(&mut histograms.rows.iter().map(|r| &r.summary));
        let room = across.saturating_sub(NARROWEST.max(area.width * 2 / 5) + 1);
        let summary = wanted.min(if room >= wanted.min(12) { room } else { 0 });
        let plot_width = if summary > 0 { across - summary } else { across };
        let below = axes::below(&histograms.x.label, plot_width, area);
        let readout = if !reads {
            0
        } else if area.height >= 14 {
            READOUT
        } else {
            1
        };
        let height = area.height.checked_sub(1 + below + readout).filter(|h| *h > 0)?;
        let strip = strip_height(histograms.rows.len(), height);
        // The axis lies right below the last strip.
        let taken = height.min(histograms.rows.len().saturating_mul(strip as usize).min(u16::MAX as usize) as u16);
        let plot = Rect { x: area.x + gutter, y: area.y + 1, width: plot_width, height: taken };
        Some(Self {
            header: Rect { height: 1, ..area },
            plot,
            summaries: Rect { x: plot.right() + 1, width: summary, ..plot },
            name_row: plot.bottom() + below - 1,
            readout: Rect { y: plot.bottom() + below, height: readout, ..area },
        })
    }
}

fn strip_height(rows: usize, height: u16) -> u16 {
    (height as usize / rows.max(1)).max(1) as u16
}

/// The rows to show: all where they fit; else those around the cursor, or a choice from all of them.
fn shown(rows: usize, cursor: Option<usize>, height: u16) -> Vec<usize> {
    let height = height as usize;
    match cursor {
        Some(row) if rows > height => {
            let first = first_row(row.min(rows - 1), rows, height);
            (first..first + height).collect()
        }
        _ => evenly(rows, height),
    }
}

/// Draws `histograms` as `view` wants them.
pub fn draw(
    histograms: &Histograms,
    view: &FigureView,
    area: Rect,
    detail: Detail,
    buffer: &mut Buffer,
    theme: &Theme,
) {
    let bins = histograms.edges.len().saturating_sub(1);
    if bins == 0 || histograms.rows.is_empty() {
        put(buffer, area.x, area.y, NOTHING_YET, area.right(), theme.dim);
        return;
    }
    let x = readout::bins_mapping(histograms, view).window(view.zoom.0, view.zoom.1);
    // The figure may have fewer rows than when the cursor was set.
    let cursor = view.cursor.map(|(bin, row)| (bin.min(bins - 1), row.min(histograms.rows.len() - 1)));
    let parts = if detail == Detail::Full { Parts::fit(histograms, cursor.is_some(), area) } else { None };
    let Some(parts) = parts else {
        thumbnail(histograms, &x, area, buffer, theme);
        return;
    };
    let rows = shown(histograms.rows.len(), cursor.map(|c| c.1), parts.plot.height);
    draw_header(histograms, &rows, &parts, buffer, theme);
    draw_strips(histograms, &rows, &x, parts.plot, buffer, theme);
    draw_names(histograms, &rows, cursor.map(|c| c.1), &parts, area, buffer, theme);
    let name = axes::name(&histograms.x.label, view.log_x);
    axes::horizontal(&name, &x, area.x, parts.name_row, parts.plot, buffer, theme);
    if let Some(cursor) = cursor {
        draw_cursor(histograms, cursor, &rows, &x, &parts, buffer, theme);
    }
}

/// The strips alone, and below them what the x axis is.
fn thumbnail(histograms: &Histograms, x: &Mapping, area: Rect, buffer: &mut Buffer, theme: &Theme) {
    let below = u16::from(area.height > 3);
    let plot = Rect { height: area.height - below, ..area };
    let rows = shown(histograms.rows.len(), None, plot.height);
    draw_strips(histograms, &rows, x, plot, buffer, theme);
    if below > 0 {
        let (low, high) = x.ends();
        let text = format!("{} .. {}  {}", rounded(low), rounded(high), histograms.x.label);
        let y = plot.y + strip_height(rows.len(), plot.height) * rows.len() as u16;
        put(buffer, area.x, y, &text, area.right(), theme.dim);
    }
}

/// What rows and glyphs are, and whether there are more rows.
fn draw_header(histograms: &Histograms, rows: &[usize], parts: &Parts, buffer: &mut Buffer, theme: &Theme) {
    let (area, left) = (parts.header, parts.plot.x);
    put(buffer, area.x, area.y, &fit(&histograms.row_label, (left - area.x) as usize - 1), left, theme.dim);
    let all = histograms.rows.len();
    let hidden = match (rows.first(), rows.last()) {
        (Some(first), Some(last)) if last - first + 1 == rows.len() && rows.len() < all => {
            format!("   rows {}-{} of {all}", first + 1, last + 1)
        }
        _ if rows.len() < all => format!("   {} of {all} rows", rows.len()),
        _ => String::new(),
    };
    let flat = strip_height(rows.len(), parts.plot.height) == 1;
    let sample = if flat && theme.ascii() { "0-9" } else { theme.glyph("⠒⠒", "oo") };
    let is_expected = histograms.rows.iter().any(|r| r.expected.is_some());
    let long = if flat { " expected, where it differs" } else { " expected" };
    let room = (area.right() - left) as usize;
    let block = theme.glyph("█", "#");
    let texts = [
        (" density, each row to its own highest", long),
        (" density", long),
        (" density", " expected"),
        ("", " expected"),
        ("", ""),
    ];
    let wording = |(measured, expected): &(&str, &str)| {
        let expected = if is_expected { format!("   {sample}{expected}") } else { String::new() };
        [format!("{block}{measured}"), expected, hidden.clone()]
    };
    let fits = |t: &[String; 3]| t.iter().map(|t| width(t)).sum::<usize>() <= room;
    let texts = texts.iter().map(wording).find(fits).unwrap_or_else(|| [String::new(), String::new(), hidden.clone()]);
    let mut x = left;
    for (text, style) in texts.iter().zip([theme.series(0), theme.series(1), theme.text]) {
        x = put(buffer, x, area.y, text, area.right(), style);
    }
}

fn draw_strips(h: &Histograms, rows: &[usize], x: &Mapping, plot: Rect, buffer: &mut Buffer, theme: &Theme) {
    let height = strip_height(rows.len(), plot.height);
    for (i, row) in rows.iter().enumerate() {
        let strip = Rect { y: plot.y + i as u16 * height, height, ..plot };
        draw_strip(h, &h.rows[*row], x, strip, buffer, theme);
    }
}

fn draw_names(
    histograms: &Histograms,
    rows: &[usize],
    selected: Option<usize>,
    parts: &Parts,
    area: Rect,
    buffer: &mut Buffer,
    theme: &Theme,
) {
    let height = strip_height(rows.len(), parts.plot.height);
    let gutter = (parts.plot.x - area.x) as usize - 1;
    for (i, row) in rows.iter().enumerate() {
        // On the line on which the distribution stands.
        let y = parts.plot.y + (i as u16 + 1) * height - 1;
        let Histogram { name, summary, .. } = &histograms.rows[*row];
        let style = if selected == Some(*row) { theme.selected } else { theme.text };
        put(buffer, area.x, y, &fit(name, gutter), parts.plot.x, style);
        let beside = parts.summaries;
        put(buffer, beside.x, y, &fit(summary, beside.width as usize), beside.right(), theme.dim);
    }
}

/// The densities of `row` in each column of a plot `columns` wide.
fn profile(edges: &[f64], density: &[f64], x: &Mapping, columns: u16) -> Vec<f64> {
    let mut profile = vec![f64::NAN; columns as usize];
    let last = f64::from(columns);
    for (edge, value) in edges.windows(2).zip(density) {
        let (Some(from), Some(to)) = (x.position(edge[0]), x.position(edge[1])) else { continue };
        let (from, to) = (from * last, to * last);
        if to <= 0.0 || from >= last || !value.is_finite() {
            continue;
        }
        // A bin has the columns whose middle is in it, and the one with its own middle however narrow
        // it is: of several bins in a column the highest is seen, so that a spike survives.
        let middle = f64::midpoint(from, to).floor();
        let first = (from - 0.5).ceil().min(middle).max(0.0);
        let end = (to - 0.5).ceil().max(middle + 1.0).min(last);
        for column in &mut profile[first as usize..(end as usize).max(first as usize)] {
            *column = column.max(*value);
        }
    }
    profile
}

fn draw_strip(h: &Histograms, row: &Histogram, x: &Mapping, strip: Rect, buffer: &mut Buffer, theme: &Theme) {
    let measured = profile(&h.edges, &row.density, x, strip.width);
    let expected = row.expected.as_ref().map(|e| profile(&h.edges, e, x, strip.width)).unwrap_or_default();
    let peak = measured.iter().chain(&expected).copied().fold(0.0, f64::max);
    if peak <= 0.0 || !peak.is_finite() {
        let text = if measured.iter().any(|v| v.is_finite()) { "nothing in these bins" } else { "unknown" };
        put(buffer, strip.x, strip.bottom() - 1, text, strip.right(), theme.dim);
        return;
    }
    // A part of the uppermost cell is left free, so that a strip is told from the one above it.
    let most = f64::from(8 * strip.height - if strip.height > 1 { 4 } else { 1 });
    let level = |v: &f64| if *v > 0.0 { (v / peak * most).round().clamp(1.0, most) as u16 } else { 0 };
    let levels: Vec<u16> = measured.iter().map(level).collect();
    let glyphs = theme.glyph(EIGHTHS, EIGHTHS_ASCII);
    for (column, level) in levels.iter().enumerate() {
        for up in 0..level.div_ceil(8) {
            let at = (strip.x + column as u16, strip.bottom() - 1 - up);
            if let Some(cell) = buffer.cell_mut(at) {
                cell.set_char(glyphs[(level - 8 * up).min(8) as usize]).set_style(theme.series(0));
            }
        }
    }
    if strip.height == 1 {
        mark_expected(&expected, &levels, peak, strip, buffer, theme);
    } else if let Some(expected) = &row.expected {
        let line = line(h, expected, x, peak / most, strip, theme);
        draw_expected(&line, &levels, strip, buffer, theme);
    }
}

/// A strip one row high has no room for two densities: the expected one is marked where it differs.
fn mark_expected(expected: &[f64], levels: &[u16], peak: f64, strip: Rect, buffer: &mut Buffer, theme: &Theme) {
    for (column, (value, level)) in expected.iter().zip(levels).enumerate() {
        let part = (value / peak).clamp(0.0, 1.0);
        let wanted = (7.0 * part).round() as u16;
        if !value.is_finite() || level.abs_diff(wanted) < DIFFERENCE {
            continue;
        }
        // One row of ASCII has no heights, but digits that say them.
        let digit = char::from_digit((9.0 * part).round() as u32, 10).unwrap_or('0');
        // A mark above the bar must not hide it.
        let below = if wanted > *level && *level <= 4 { FILLED[level.div_ceil(2) as usize] } else { 0 };
        let dots = char::from_u32(0x2800 + (below | MARKS[((4.0 * part) as usize).min(3)])).unwrap_or(' ');
        over(theme.glyph(dots, digit), *level, (strip.x + column as u16, strip.y), buffer, theme);
    }
}

/// The expected density as a line; `eighth` is the density of an eighth of a cell.
fn line(h: &Histograms, expected: &[f64], x: &Mapping, eighth: f64, strip: Rect, theme: &Theme) -> Canvas {
    let mut canvas = Canvas::new(strip.width, strip.height, theme.ascii());
    let (across, down) = canvas.dots();
    let dot_height = eighth * f64::from(8 * strip.height) / down as f64;
    let pen = Pen { style: theme.series(1), dash: (1, 0), ascii: 'o' };
    let mut before = None;
    for (i, value) in expected.iter().enumerate() {
        let place = readout::bin(h, i, x).filter(|_| value.is_finite());
        let dot = place.map(|(from, to)| {
            let column = (f64::midpoint(from, to) * across as f64).floor().clamp(-1e4, 1e5) as i64;
            let up = (value / dot_height).floor().clamp(-1e4, 1e5) as i64;
            (column, down - 1 - up)
        });
        if let Some(to) = dot {
            canvas.line(before.unwrap_or(to), to, &pen, &mut 0);
        }
        before = dot;
    }
    canvas
}

fn draw_expected(line: &Canvas, levels: &[u16], strip: Rect, buffer: &mut Buffer, theme: &Theme) {
    for (column, row, glyph, _) in line.glyphs() {
        let level = levels[column as usize].saturating_sub(8 * (strip.height - 1 - row));
        over(glyph, level, (strip.x + column, strip.y + row), buffer, theme);
    }
}

/// Writes a glyph of the expected density into a cell of which `level` eighths are filled: into a
/// filled one it is cut.
fn over(glyph: char, level: u16, at: (u16, u16), buffer: &mut Buffer, theme: &Theme) {
    let cut = level > 4 && !theme.ascii();
    let style = if cut { theme.series(0).add_modifier(Modifier::REVERSED) } else { theme.series(1) };
    if let Some(cell) = buffer.cell_mut(at) {
        cell.set_char(glyph).set_style(Style::reset().patch(style));
    }
}

fn draw_cursor(
    histograms: &Histograms,
    cursor: (usize, usize),
    rows: &[usize],
    x: &Mapping,
    parts: &Parts,
    buffer: &mut Buffer,
    theme: &Theme,
) {
    let plot = parts.plot;
    let place = readout::bin(histograms, cursor.0, x).map(|(from, to)| f64::midpoint(from, to));
    if let Some(part) = place.filter(|p| (0.0..=1.0).contains(p)) {
        let column = axes::column(part, plot, theme);
        let height = strip_height(rows.len(), plot.height);
        if let Some(i) = rows.iter().position(|r| *r == cursor.1) {
            axes::upright(column, Rect { y: plot.y + i as u16 * height, height, ..plot }, buffer, theme);
        }
        axes::behind(column, plot, buffer, theme);
    }
    let area = parts.readout;
    let lines = reading(histograms, cursor, area.height > 1, area.width as usize);
    for (i, (y, line)) in (area.y..area.bottom()).zip(&lines).enumerate() {
        let style = if i == 0 { theme.title } else { theme.text };
        put(buffer, area.x, y, line, area.right(), style);
    }
}

/// What lies under the cursor: exactly, where `room` cells are enough, or in one line.
pub fn reading(histograms: &Histograms, (bin, row): (usize, usize), long: bool, room: usize) -> Vec<String> {
    let (Some(of), Some(edges)) = (histograms.rows.get(row), histograms.edges.get(bin..bin + 2)) else {
        return Vec::new();
    };
    let mut borders = [rounded(edges[0]), rounded(edges[1])];
    if borders[0] == borders[1] {
        borders = [exact(edges[0]), exact(edges[1])];
    }
    let [from, to] = borders;
    let density = of.density.get(bin).copied().unwrap_or(f64::NAN);
    let expected = of.expected.as_ref().map(|e| e.get(bin).copied().unwrap_or(f64::NAN));
    let say = |write: &dyn Fn(f64) -> String| {
        let value = |v: f64| if v.is_finite() { write(v) } else { "unknown".into() };
        let expected = expected.map(|e| format!(", expected {}", value(e))).unwrap_or_default();
        format!("{}{expected}", value(density))
    };
    if !long {
        return vec![format!("{} {from} to {to}: {}", of.name, say(&rounded))];
    }
    let (exactly, shortly) = (format!("density {}", say(&exact)), format!("density {}", say(&rounded)));
    vec![
        format!("{} {}  {}", histograms.row_label, of.name, of.summary),
        format!("{} {from} to {to}", histograms.x.label),
        if width(&exactly) <= room { exactly } else { shortly },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::{ColorDepth, Glyphs};
    use candelab_labs::figure::{Axis, Scale};

    fn linear(low: f64, high: f64) -> Mapping {
        Mapping::around(Scale::Linear, [low, high].into_iter())
    }

    #[test]
    fn columns_have_the_density_of_their_bin() {
        let edges = [0.0, 1.0, 2.0, 4.0];
        assert_eq!(profile(&edges, &[3.0, 1.0, 2.0], &linear(0.0, 4.0), 8), [3.0, 3.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0]);
        // Shown is a part; what lies outside is not squeezed into its ends.
        assert_eq!(profile(&edges, &[3.0, 1.0, 2.0], &linear(1.0, 2.0), 2), [1.0, 1.0]);
        let log = Mapping::around(Scale::Log10, [1.0, 100.0].into_iter());
        assert_eq!(profile(&[1.0, 10.0, 100.0], &[1.0, 2.0], &log, 4), [1.0, 1.0, 2.0, 2.0]);
    }

    #[test]
    fn a_spike_narrower_than_a_column_is_seen() {
        let edges: Vec<f64> = (0..=333).map(|i| 1.0 + 3.0 * f64::from(i)).collect();
        let mut density = vec![1.0; 333];
        // From 499 to 502: the most of it lies in the sixth column.
        density[166] = 9.0;
        let columns = profile(&edges, &density, &linear(0.0, 1000.0), 10);
        assert_eq!(columns.iter().map(|v| *v as u8).collect::<Vec<_>>(), [1, 1, 1, 1, 1, 9, 1, 1, 1, 1]);
    }

    fn drawn(densities: &[&[f64]], expected: Option<&[f64]>, height: u16, glyphs: Glyphs) -> Vec<String> {
        let bins = densities[0].len();
        let mut h = Histograms::new(Axis::linear("x"), "row", (0.0, bins as f64), bins);
        for (i, density) in densities.iter().enumerate() {
            let (density, expected) = (density.to_vec(), expected.map(<[f64]>::to_vec));
            h.rows.push(Histogram { name: i.to_string(), density, expected, summary: String::new() });
        }
        let area = Rect::new(0, 0, bins as u16, height);
        let mut buffer = Buffer::empty(area);
        let rows: Vec<usize> = (0..densities.len()).collect();
        let x = linear(0.0, bins as f64);
        draw_strips(&h, &rows, &x, area, &mut buffer, &Theme::new(ColorDepth::None, glyphs));
        crate::tui::tests::symbols(&buffer)
    }

    #[test]
    fn each_row_is_drawn_to_its_own_highest_density() {
        let rows: [&[f64]; 2] = [&[0.0, 1.0, 2.0, 1.0], &[0.0, 100.0, 200.0, 100.0]];
        assert_eq!(drawn(&rows, None, 2, Glyphs::Braille), [" ▄▇▄", " ▄▇▄"]);
        assert_eq!(drawn(&rows, None, 4, Glyphs::Braille), ["  ▄ ", " ▆█▆", "  ▄ ", " ▆█▆"]);
        assert_eq!(drawn(&rows, None, 2, Glyphs::Ascii), [" =%=", " =%="]);
    }

    #[test]
    fn where_little_is_seen_the_expected_density_is_marked_where_it_differs() {
        let rows: [&[f64]; 1] = [&[4.0, 4.0, 0.0, 0.0]];
        let expected = [4.0, 0.0, 0.1, 2.0];
        assert_eq!(drawn(&rows, Some(&expected), 1, Glyphs::Braille), ["▇⣀ ⠒"]);
        let above: [&[f64]; 1] = [&[4.0, 2.0, 0.5, 1.0]];
        assert_eq!(drawn(&above, Some(&[4.0; 4]), 1, Glyphs::Braille), ["▇⣭⣉⣉"]);
        assert_eq!(drawn(&rows, Some(&expected), 1, Glyphs::Ascii), ["%0 5"]);
    }

    #[test]
    fn a_row_without_densities_says_so() {
        let zeros = [0.0; 24];
        let unknown = [f64::NAN; 24];
        let rows: [&[f64]; 2] = [&zeros, &unknown];
        let seen = drawn(&rows, None, 2, Glyphs::Braille);
        assert_eq!((seen[0].trim(), seen[1].trim()), ("nothing in these bins", "unknown"));
    }

    #[test]
    fn rows_that_do_not_fit_are_chosen_and_the_cursor_has_its_own() {
        assert_eq!(shown(50, None, 6), [0, 10, 20, 29, 39, 49]);
        assert_eq!(shown(50, Some(30), 5), [28, 29, 30, 31, 32]);
        assert_eq!(shown(3, Some(9), 5), [0, 1, 2]);
    }
}
