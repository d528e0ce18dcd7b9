//! Line charts: axes, legend, bands, guides, curves, the cursor and what it reads.

use super::Detail;
use super::axes;
use super::canvas::{Canvas, Pen};
use super::legend::{self, Look};
use crate::tui::app::figures::FigureView;
use crate::tui::axis::Mapping;
use crate::tui::readout;
use crate::tui::text::{exact, fit, pad, rounded, width};
use crate::tui::theme::Theme;
use crate::tui::view::put;
use candelab_labs::figure::{Lines, Role, Series};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Cells between two letters on a curve with many points.
const MARKER_SPACING: i64 = 14;

/// Where the parts of a chart lie.
struct Parts {
    legend: Rect,
    plot: Rect,
    readout: Rect,
    /// The row with the name of the x axis; the labels' row where there is no other.
    name_row: u16,
}

/// Draws `lines` as `view` wants them.
pub fn draw(lines: &Lines, view: &FigureView, area: Rect, detail: Detail, buffer: &mut Buffer, theme: &Theme) {
    let whole = readout::x_mapping(lines, view);
    let x = whole.window(view.zoom.0, view.zoom.1);
    let y = readout::y_mapping(lines, view, &x);
    if detail == Detail::Thumbnail {
        thumbnail(lines, &x, &y, area, buffer, theme);
        return;
    }
    let legend = legend::rows(lines, area.width as usize, area.height as usize / 4, theme);
    let ticks = y.ticks((area.height as usize / 3).clamp(2, 10));
    let gutter = axes::gutter(&ticks);
    let Some(parts) = parts(lines, view, legend.len() as u16, gutter, area) else { return };
    legend::draw(&legend, parts.legend, buffer);
    axes::vertical(&axes::name(&lines.y.label, view.log_y), &ticks, gutter, parts.plot, buffer, theme);
    let name = axes::name(&lines.x.label, view.log_x);
    axes::horizontal(&name, &x, area.x, parts.name_row, parts.plot, buffer, theme);
    plot(lines, &x, &y, parts.plot, detail, buffer, theme);
    draw_cursor(lines, view, &x, &parts, buffer, theme);
}

/// The curves alone, and below them what the height means.
fn thumbnail(lines: &Lines, x: &Mapping, y: &Mapping, area: Rect, buffer: &mut Buffer, theme: &Theme) {
    let below = u16::from(area.height > 3);
    let curves = Rect { height: area.height - below, ..area };
    plot(lines, x, y, curves, Detail::Thumbnail, buffer, theme);
    if below > 0 {
        let (low, high) = y.ends();
        let text = format!("{} .. {}  {}", rounded(low), rounded(high), lines.y.label);
        put(buffer, area.x, curves.bottom(), &text, area.right(), theme.dim);
    }
}

/// From the top: legend, name of the y axis, plot, labels of the x axis, readout.
fn parts(lines: &Lines, view: &FigureView, legend_height: u16, gutter: u16, area: Rect) -> Option<Parts> {
    let mut readout_height = 0;
    if view.cursor.is_some() {
        readout_height = (lines.series.len() as u16 + 1).min(area.height / 3);
    }
    let plot_width = area.width.checked_sub(gutter + 1).filter(|w| *w > 4)?;
    let below = axes::below(&lines.x.label, plot_width, area);
    let fixed = legend_height + 1 + below + readout_height;
    let height = area.height.checked_sub(fixed).filter(|h| *h > 1)?;
    let legend = Rect { height: legend_height, ..area };
    let plot = Rect { x: area.x + gutter, y: area.y + legend_height + 1, width: plot_width, height };
    let readout = Rect { y: plot.bottom() + below, height: readout_height, ..area };
    Some(Parts { legend, plot, readout, name_row: plot.bottom() + below - 1 })
}

/// Dots of a canvas: answers where values lie, possibly outside.
struct Place<'a> {
    x: &'a Mapping,
    y: &'a Mapping,
    across: i64,
    down: i64,
}

impl Place<'_> {
    fn x(&self, value: f64) -> Option<i64> {
        Some((self.x.position(value)? * (self.across - 1) as f64).round().clamp(-1e4, 1e5) as i64)
    }

    fn y(&self, value: f64) -> Option<i64> {
        Some(((1.0 - self.y.position(value)?) * (self.down - 1) as f64).round().clamp(-1e5, 1e5) as i64)
    }
}

fn plot(lines: &Lines, x: &Mapping, y: &Mapping, area: Rect, detail: Detail, buffer: &mut Buffer, theme: &Theme) {
    let mut canvas = Canvas::new(area.width, area.height, theme.ascii());
    let (across, down) = canvas.dots();
    let place = Place { x, y, across, down };
    let looks = legend::looks(lines);
    for (series, look) in lines.series.iter().zip(&looks) {
        draw_band(series, *look, &place, &mut canvas, theme);
    }
    for (_, height) in &lines.guides {
        if let Some(y) = place.y(*height) {
            (0..across).filter(|x| x % 4 < 2 || theme.ascii()).for_each(|x| canvas.faint(x, y, theme.dim));
        }
    }
    // Theory lies over the measured curve, which may cover it entirely.
    let order = |role: Role| matches!(role, Role::Theory | Role::Fit);
    for pass in [false, true] {
        for (i, series) in lines.series.iter().enumerate().filter(|(_, s)| order(s.role) == pass) {
            let look = Look { lettered: detail == Detail::Full && looks[i].lettered, ..looks[i] };
            draw_series(series, i, look, &place, &mut canvas, theme);
        }
    }
    canvas.render(area, buffer);
    if detail == Detail::Full {
        draw_guide_labels(lines, y, area, buffer, theme);
    }
}

fn draw_guide_labels(lines: &Lines, y: &Mapping, area: Rect, buffer: &mut Buffer, theme: &Theme) {
    for (name, height) in lines.guides.iter().filter(|g| y.holds(g.1)) {
        let Some(position) = y.position(*height) else { continue };
        let row = axes::row(position, area, theme);
        let text = fit(name, area.width as usize / 2);
        put(buffer, area.right().saturating_sub(width(&text) as u16), row, &text, area.right(), theme.dim);
    }
}

fn draw_band(series: &Series, look: Look, place: &Place, canvas: &mut Canvas, theme: &Theme) {
    let Some(band) = &series.band else { return };
    let ends: Vec<Option<(i64, i64, i64)>> = series
        .points
        .iter()
        .zip(band)
        .map(|(p, b)| {
            // A low end that a logarithmic axis has no place for is the bottom.
            let low = place.y(b.0).or_else(|| b.0.is_finite().then_some(place.down));
            Some((place.x(p.0)?, place.y(b.1)?, low?))
        })
        .collect();
    for pair in ends.windows(2) {
        let (Some(a), Some(b)) = (pair[0], pair[1]) else { continue };
        for x in a.0.max(0)..=b.0.min(place.across) {
            let t = if b.0 > a.0 { (x - a.0) as f64 / (b.0 - a.0) as f64 } else { 0.0 };
            let between = |p: i64, q: i64| (p as f64 + t * (q - p) as f64).round() as i64;
            canvas.shade(x, between(a.1, b.1), between(a.2, b.2), theme.series(look.number));
        }
    }
}

fn draw_series(series: &Series, index: usize, look: Look, place: &Place, canvas: &mut Canvas, theme: &Theme) {
    let (dash, ascii) = match series.role {
        Role::Measured | Role::Points => ((1, 0), look.letter()),
        Role::Theory => ((4, 3), '-'),
        Role::Fit => ((1, 2), ':'),
    };
    let pen = Pen { style: theme.series(look.number), dash, ascii };
    let segments = segments(&series.points, place);
    if series.role != Role::Points {
        let mut phase = 0;
        for segment in &segments {
            if let [only] = segment.as_slice() {
                canvas.dot(only.0, only.1, &pen);
            }
            for pair in segment.windows(2) {
                canvas.line(pair[0], pair[1], &pen, &mut phase);
            }
        }
    }
    if look.lettered {
        draw_markers(series, index, &segments, place, look, canvas, theme);
    }
}

/// A letter at each point where points are few; else now and then along the curve, at other
/// places for each series.
fn draw_markers(
    series: &Series,
    index: usize,
    segments: &[Vec<(i64, i64)>],
    place: &Place,
    look: Look,
    canvas: &mut Canvas,
    theme: &Theme,
) {
    let few = match series.role {
        Role::Measured => (series.points.len() as i64) * 6 <= place.across,
        Role::Points => true,
        Role::Theory | Role::Fit => false,
    };
    let spacing = if few { 0 } else { 2 * MARKER_SPACING };
    let mut next = if few { i64::MIN } else { spacing * (1 + index as i64 % 4) / 4 };
    for (x, y) in segments.iter().flatten() {
        if *x >= next {
            canvas.letter(*x, *y, look.letter(), theme.series(look.number));
            next = if few { i64::MIN } else { x + spacing };
        }
    }
}

/// The points in dots, cut at gaps, and not more of them than can be told apart.
fn segments(points: &[(f64, f64)], place: &Place) -> Vec<Vec<(i64, i64)>> {
    let mut segments = vec![Vec::new()];
    for (x, y) in points {
        match (place.x(*x), place.y(*y)) {
            (Some(x), Some(y)) => {
                if let Some(segment) = segments.last_mut() {
                    segment.push((x, y));
                }
            }
            _ => segments.push(Vec::new()),
        }
    }
    segments.retain(|s| !s.is_empty());
    segments.iter().map(|s| reduce(s)).collect()
}

/// At most four points a column: the first, the smallest, the largest and the last, so that a
/// spike survives however many points there are.
fn reduce(points: &[(i64, i64)]) -> Vec<(i64, i64)> {
    let mut reduced: Vec<(i64, i64)> = Vec::new();
    for column in points.chunk_by(|a, b| a.0 == b.0) {
        if column.len() <= 4 {
            reduced.extend(column);
            continue;
        }
        let least = (1..column.len() - 1).min_by_key(|i| column[*i].1).unwrap_or(0);
        let most = (1..column.len() - 1).max_by_key(|i| column[*i].1).unwrap_or(0);
        let inner = [column[least.min(most)], column[least.max(most)]];
        reduced.extend([column[0], inner[0], inner[1], column[column.len() - 1]]);
    }
    reduced
}

fn draw_cursor(lines: &Lines, view: &FigureView, x: &Mapping, parts: &Parts, buffer: &mut Buffer, theme: &Theme) {
    let Some((index, row)) = view.cursor else { return };
    let xs = readout::xs(lines);
    let Some(at) = xs.get(index.min(xs.len().saturating_sub(1))) else { return };
    let plot = parts.plot;
    if let Some(position) = x.position(*at).filter(|_| x.holds(*at)) {
        let column = axes::column(position, plot, theme);
        axes::upright(column, plot, buffer, theme);
    }
    let area = parts.readout;
    let head = format!("{} = {}", lines.x.label, exact(*at));
    put(buffer, area.x, area.y, &head, area.right(), theme.title);
    let readings = readout::at(lines, *at);
    let shown = area.height.saturating_sub(1) as usize;
    let first = crate::tui::layout::first_row(row, readings.len(), shown);
    let looks = legend::looks(lines);
    let names = lines.series.iter().map(|s| width(&s.name)).max().unwrap_or(0).min(area.width as usize / 2);
    for (i, reading) in readings.iter().enumerate().skip(first).take(shown) {
        let y = area.y + 1 + (i - first) as u16;
        let value = reading.value.map_or_else(|| "no point here".into(), exact);
        let band = reading.band.map(|b| format!("  {} .. {}", rounded(b.0), rounded(b.1))).unwrap_or_default();
        let name = pad(&lines.series[i].name, names);
        let text = format!("{} {name}  {value}{band}", legend::sample(lines.series[i].role, looks[i], theme));
        put(buffer, area.x, y, &text, area.right(), theme.series(looks[i].number));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spike_survives_the_reduction() {
        let points: Vec<(i64, i64)> = (0..10_000).map(|i| (i / 100, if i == 5_050 { 99 } else { i % 2 })).collect();
        let reduced = reduce(&points);
        assert!(reduced.len() <= 400);
        assert!(reduced.contains(&(50, 99)));
        assert!(reduced.windows(2).all(|w| w[0].0 <= w[1].0));
    }

    #[test]
    fn gaps_cut_a_curve() {
        let x = Mapping::around(candelab_labs::figure::Scale::Linear, [0.0, 4.0].into_iter());
        let y = Mapping::around(candelab_labs::figure::Scale::Log10, [1.0, 10.0].into_iter());
        let place = Place { x: &x, y: &y, across: 5, down: 5 };
        let points = [(0.0, 1.0), (1.0, 2.0), (2.0, f64::NAN), (3.0, 0.0), (4.0, 10.0)];
        let cut = segments(&points, &place);
        assert_eq!(cut.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1]);
        assert_eq!(cut[1], [(4, 0)]);
    }
}
