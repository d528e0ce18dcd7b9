//! A function over a plane: coloured cells, contour lines and points over them.

use super::canvas::{Canvas, Pen};
use super::contour::Grid;
use super::palette::{Range, UNKNOWN, halves};
use super::{Detail, NOTHING_YET, axes};
use crate::tui::app::figures::FigureView;
use crate::tui::axis::{Mapping, Tick};
use crate::tui::layout::evenly;
use crate::tui::text::{exact, rounded, width};
use crate::tui::theme::{Shade, Theme};
use crate::tui::view::put;
use candelab_labs::figure::{Axis, Field, Scale};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};

/// Points in the lower and in the upper half of the colours.
const POINTS: [&str; 2] = ["o", "x"];
/// Plots of fewer rows give up what is said below them.
const LOWEST: u16 = 4;
/// More points than one in so many cells of the figure would hide the function.
const CROWDED: usize = 12;

/// A field with the place on the screen where it is drawn.
struct Picture<'a> {
    field: &'a Field,
    range: Range<'a>,
    x: Mapping,
    y: Mapping,
    rows: usize,
    plot: Rect,
    /// The share of the points that is drawn.
    share: f64,
}

/// Where the parts around the plot lie.
struct Parts {
    plot: Rect,
    /// Those that the gutter is measured for: others may have longer labels.
    ticks: Vec<Tick>,
    gutter: u16,
    name_row: u16,
    bar: Rect,
    notes: Rect,
    readout: Rect,
}

fn mapping(axis: &Axis) -> Mapping {
    let (low, high) = axis.bounds.unwrap_or((0.0, 1.0));
    Mapping::between(Scale::Linear, (low, high))
        .unwrap_or_else(|| Mapping::around(Scale::Linear, [low, high].into_iter()))
}

/// Draws `field` as `view` wants it.
pub fn draw(field: &Field, view: &FigureView, area: Rect, detail: Detail, buffer: &mut Buffer, theme: &Theme) {
    let (x, y) = (mapping(&field.x), mapping(&field.y));
    let range = Range::new(field.palette, field.bounds, theme);
    let most = (area.width as usize * area.height as usize).div_ceil(CROWDED);
    let share = most as f64 / field.points.len().max(1) as f64;
    let mut picture = Picture { field, range, x, y, rows: field.rows(), plot: area, share };
    let cursor = view.cursor.filter(|_| picture.rows > 0);
    let cursor = cursor.map(|(column, row)| (column.min(field.columns - 1), row.min(picture.rows - 1)));
    let notes = notes(&picture, area, theme);
    let parts = if detail == Detail::Full { parts(&picture, cursor.is_some(), &notes, area) } else { None };
    let Some(parts) = parts else {
        picture.draw(None, buffer, theme);
        return;
    };
    picture.plot = parts.plot;
    picture.draw(cursor, buffer, theme);
    axes::vertical(&field.y.label, &parts.ticks, parts.gutter, parts.plot, buffer, theme);
    axes::horizontal(&field.x.label, &picture.x, area.x, parts.name_row, parts.plot, buffer, theme);
    if parts.bar.height > 0 {
        picture.range.draw_bar(&field.value_label, parts.bar, buffer, theme);
    }
    for (y, note) in (parts.notes.y..parts.notes.bottom()).zip(&notes) {
        put(buffer, area.x, y, note, area.right(), theme.dim);
    }
    if let Some(cursor) = cursor {
        for (y, line) in (parts.readout.y..parts.readout.bottom()).zip(reading(field, cursor, area.width as usize)) {
            put(buffer, area.x, y, &line, area.right(), theme.title);
        }
    }
}

/// From the top: name of the y axis, plot, labels of the x axis, colours, notes, readout.
fn parts(picture: &Picture, reads: bool, notes: &[String], area: Rect) -> Option<Parts> {
    let ticks = picture.y.ticks((area.height as usize / 3).clamp(2, 10));
    let gutter = axes::gutter(&ticks);
    let width = area.width.checked_sub(gutter + 1).filter(|w| *w > 4)?;
    let below = axes::below(&picture.field.x.label, width, area);
    let readout = if reads { 2 } else { 0 };
    let spare = area.height.checked_sub(1 + below + readout + LOWEST)?;
    let own_row = area.height >= 14 && !picture.range.label_fits(&picture.field.value_label, area);
    let bar = (1 + u16::from(own_row)).min(spare);
    let notes = (notes.len() as u16).min(spare - bar);
    let plot = Rect { x: area.x + gutter, y: area.y + 1, width, height: LOWEST + spare - bar - notes };
    let row = |y: u16, height: u16| Rect { y, height, ..area };
    let first = plot.bottom() + below;
    Some(Parts {
        plot,
        ticks,
        gutter,
        name_row: first - 1,
        bar: row(first, bar),
        notes: row(first + bar, notes),
        readout: row(first + bar + notes, readout),
    })
}

/// What lines, points and unknown cells are: in one line where that has room for it.
fn notes(picture: &Picture, area: Rect, theme: &Theme) -> Vec<String> {
    let field = picture.field;
    let mut notes = Vec::new();
    if !field.contours.0.is_empty() {
        notes.push(format!("{} {}", theme.glyph("⠤⠒", "/"), field.contours.1));
    }
    if !field.points.is_empty() {
        let [low, high] = POINTS;
        let some = if picture.share < 1.0 { "some " } else { "" };
        let middle = rounded(picture.middle());
        notes.push(format!("{low} {high} {some}{} ({high} from {middle} on)", field.point_label));
    }
    if field.values.iter().any(|v| !v.is_finite()) {
        notes.push(format!("{} unknown", theme.glyph(UNKNOWN, "?")));
    }
    let joined = notes.join("   ");
    if notes.len() > 1 && width(&joined) <= area.width as usize { vec![joined] } else { notes }
}

/// What lies under the cursor; the value exactly, where `room` cells are enough for it.
pub fn reading(field: &Field, (column, row): (usize, usize), room: usize) -> [String; 2] {
    let (x, y) = field.centre(field.rows(), row, column);
    let value = field.values.get(row * field.columns + column).copied().unwrap_or(f64::NAN);
    let say = |text: &str| format!("{}: {text}", field.value_label);
    let short = say(&if value.is_finite() { rounded(value) } else { "unknown".into() });
    let long = say(&exact(value));
    [
        format!("{} = {}, {} = {}", field.x.label, rounded(x), field.y.label, rounded(y)),
        if value.is_finite() && width(&long) <= room { long } else { short },
    ]
}

impl Picture<'_> {
    /// The value that has the middle of the colours.
    fn middle(&self) -> f64 {
        f64::midpoint(self.range.low, self.range.high)
    }

    fn draw(&self, cursor: Option<(usize, usize)>, buffer: &mut Buffer, theme: &Theme) {
        if self.plot.is_empty() {
            return;
        }
        if self.rows == 0 {
            let y = self.plot.y + self.plot.height / 2;
            let x = self.plot.x + self.plot.width.saturating_sub(width(NOTHING_YET) as u16) / 2;
            put(buffer, x, y, NOTHING_YET, self.plot.right(), theme.dim);
        } else {
            self.draw_cells(buffer, theme);
        }
        let center = cursor.map(|cursor| self.draw_crosshair(cursor, buffer, theme));
        self.draw_contours(buffer, theme);
        self.draw_points(buffer, theme);
        if let Some(cell) = center.and_then(|at| buffer.cell_mut(at)) {
            cell.modifier.toggle(Modifier::REVERSED);
        }
    }

    /// The shade of the field's cell nearest to row `row` of `rows` in column `column` of the plot.
    fn shade(&self, column: u16, row: u16, rows: u16) -> Option<Shade> {
        let nearest = |i: u16, of: u16, n: usize| ((f64::from(i) + 0.5) / f64::from(of) * n as f64) as usize;
        let (r, c) = (nearest(row, rows, self.rows), nearest(column, self.plot.width, self.field.columns));
        self.field.values.get(r * self.field.columns + c).and_then(|v| self.range.shade(*v))
    }

    fn draw_cells(&self, buffer: &mut Buffer, theme: &Theme) {
        let plot = self.plot;
        let halves = halves(theme);
        for row in 0..plot.height {
            for column in 0..plot.width {
                let Some(cell) = buffer.cell_mut((plot.x + column, plot.y + row)) else { continue };
                let upper =
                    self.shade(column, if halves { 2 * row } else { row }, plot.height * (1 + u16::from(halves)));
                let lower = if halves { self.shade(column, 2 * row + 1, 2 * plot.height) } else { upper };
                match (upper, lower) {
                    (Some(one), Some(_)) if one.color == Color::Reset => _ = cell.set_char(one.glyph),
                    // A blank costs fewer bytes than a block in two colours.
                    (Some(one), Some(other)) if one == other => _ = cell.set_symbol(" ").set_bg(one.color),
                    (Some(one), Some(other)) => _ = cell.set_symbol("▀").set_fg(one.color).set_bg(other.color),
                    (Some(one), None) => _ = cell.set_symbol("▀").set_fg(one.color),
                    (None, Some(other)) => _ = cell.set_symbol("▄").set_fg(other.color),
                    (None, None) => _ = cell.set_symbol(theme.glyph(UNKNOWN, "?")).set_style(theme.dim),
                }
            }
        }
    }

    /// Writes `glyph` over a cell of the plot, legible on its colour; `plain` is its style where there is none.
    fn over(&self, (column, row): (u16, u16), glyph: char, plain: Style, buffer: &mut Buffer) -> (u16, u16) {
        let at = (self.plot.x + column, self.plot.y + row);
        if let Some(cell) = buffer.cell_mut(at) {
            let style = match self.shade(column, row, self.plot.height) {
                Some(shade) if shade.color != Color::Reset => Style::new().fg(shade.ink).bg(shade.color),
                _ => plain,
            };
            cell.set_char(glyph).set_style(Style::reset().patch(style));
        }
        at
    }

    /// Answers the cell in which its lines meet.
    fn draw_crosshair(&self, (column, row): (usize, usize), buffer: &mut Buffer, theme: &Theme) -> (u16, u16) {
        let cell = |i: usize, n: usize, cells: u16| ((i as f64 + 0.5) / n as f64 * f64::from(cells)) as u16;
        let at = (cell(column, self.field.columns, self.plot.width), cell(row, self.rows, self.plot.height));
        for x in 0..self.plot.width {
            self.over((x, at.1), theme.glyph('─', '-'), theme.key, buffer);
        }
        for y in 0..self.plot.height {
            self.over((at.0, y), theme.glyph('│', '|'), theme.key, buffer);
        }
        self.over(at, theme.glyph('┼', '+'), theme.key, buffer)
    }

    fn draw_contours(&self, buffer: &mut Buffer, theme: &Theme) {
        let mut canvas = Canvas::new(self.plot.width, self.plot.height, theme.ascii());
        let (across, down) = canvas.dots();
        let bold = theme.text.add_modifier(Modifier::BOLD);
        let pen = Pen { style: bold, dash: (1, 0), ascii: '/' };
        // A finer grid than that of the dots shows no more.
        let (columns, rows) = (evenly(self.field.columns, across as usize), evenly(self.rows, down as usize));
        let grid = Grid { values: &self.field.values, width: self.field.columns, columns: &columns, rows: &rows };
        let dot = |(column, row): (f64, f64)| {
            let place = |i: f64, n: usize, dots: i64| ((i + 0.5) / n as f64 * dots as f64).floor() as i64;
            (place(column, self.field.columns, across), place(row, self.rows, down))
        };
        for level in &self.field.contours.0 {
            for (from, to) in grid.contour(*level) {
                canvas.line(dot(from), dot(to), &pen, &mut 0);
            }
        }
        for (column, row, glyph, style) in canvas.glyphs() {
            self.over((column, row), glyph, style, buffer);
        }
    }

    fn draw_points(&self, buffer: &mut Buffer, theme: &Theme) {
        for (i, (x, y, value)) in self.field.points.iter().enumerate() {
            // Multiples of the golden ratio: a choice that meets any order of the points evenly.
            if (i as f64 * 0.618_033_988_75).fract() >= self.share || !(self.x.holds(*x) && self.y.holds(*y)) {
                continue;
            }
            let (Some(across), Some(up)) = (self.x.position(*x), self.y.position(*y)) else { continue };
            let cell = |part: f64, n: u16| ((part.clamp(0.0, 1.0) * f64::from(n)) as u16).min(n - 1);
            let at = (self.plot.x + cell(across, self.plot.width), self.plot.y + cell(1.0 - up, self.plot.height));
            let style = match self.range.shade(*value) {
                Some(shade) if shade.color != Color::Reset => Style::new().fg(shade.color).bg(shade.ink),
                _ => theme.text.add_modifier(Modifier::REVERSED),
            };
            let glyph = if value.is_nan() { "?" } else { POINTS[usize::from(*value >= self.middle())] };
            if let Some(cell) = buffer.cell_mut(at) {
                cell.set_symbol(glyph).set_style(Style::reset().patch(style).add_modifier(Modifier::BOLD));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::{ColorDepth, Glyphs};
    use candelab_labs::figure::Palette;

    fn field(columns: usize, values: Vec<f64>) -> Field {
        Field {
            x: Axis::linear("x").within(0.0, 4.0),
            y: Axis::linear("y").within(0.0, 2.0),
            columns,
            values,
            value_label: "p".into(),
            palette: Palette::Sequential,
            bounds: (0.0, 1.0),
            contours: (vec![], "boundary".into()),
            points: vec![],
            point_label: "sample".into(),
        }
    }

    fn drawn(field: &Field, (width, height): (u16, u16), depth: ColorDepth, glyphs: Glyphs) -> Buffer {
        let area = Rect::new(0, 0, width, height);
        let mut buffer = Buffer::empty(area);
        let theme = Theme::new(depth, glyphs);
        draw(field, &FigureView::default(), area, Detail::Thumbnail, &mut buffer, &theme);
        buffer
    }

    #[test]
    fn the_first_row_is_at_the_top_and_a_cell_shows_two() {
        let f = field(2, vec![0.0, 0.0, 0.0, 1.0]);
        let theme = Theme::new(ColorDepth::True, Glyphs::Braille);
        let (low, high) = (theme.shades(f.palette)[0].color, theme.shades(f.palette)[15].color);
        let buffer = drawn(&f, (4, 1), ColorDepth::True, Glyphs::Braille);
        assert_eq!((buffer[(0, 0)].symbol(), buffer[(0, 0)].bg), (" ", low));
        let last = &buffer[(3, 0)];
        assert_eq!((last.symbol(), last.fg, last.bg), ("▀", low, high));
        let plain = drawn(&f, (4, 2), ColorDepth::None, Glyphs::Ascii);
        assert_eq!(crate::tui::tests::symbols(&plain), ["    ", "  @@"]);
    }

    #[test]
    fn a_contour_runs_where_the_function_has_its_level() {
        let mut f = field(8, (0..32).map(|i| f64::from(i % 8) / 7.0).collect());
        f.contours.0 = vec![0.5];
        let buffer = drawn(&f, (9, 4), ColorDepth::None, Glyphs::Ascii);
        for (y, line) in crate::tui::tests::symbols(&buffer).iter().enumerate() {
            assert_eq!(line.find('/'), Some(4), "row {y}: {line}");
        }
    }

    #[test]
    fn points_of_each_half_have_their_glyph_and_colours_that_set_them_off() {
        let mut f = field(4, vec![0.0; 8]);
        f.points = vec![(0.1, 1.9, 0.0), (3.9, 0.1, 1.0), (9.0, 0.0, 1.0)];
        let buffer = drawn(&f, (4, 6), ColorDepth::True, Glyphs::Braille);
        assert_eq!((buffer[(0, 0)].symbol(), buffer[(3, 5)].symbol()), ("o", "x"));
        assert_ne!(buffer[(0, 0)].bg, buffer[(1, 0)].bg, "a point of the ground's own colour has a rim");
        let plain = drawn(&f, (4, 6), ColorDepth::None, Glyphs::Braille);
        assert!(plain[(0, 0)].modifier.contains(Modifier::REVERSED));
    }

    #[test]
    fn of_too_many_points_both_classes_are_left() {
        let mut f = field(4, vec![0.5; 8]);
        f.points = (0..1000).map(|i| (f64::from(i % 97) / 25.0, f64::from(i % 53) / 27.0, f64::from(i % 2))).collect();
        let seen = crate::tui::tests::symbols(&drawn(&f, (40, 12), ColorDepth::None, Glyphs::Ascii)).concat();
        let (low, high) = (seen.matches('o').count(), seen.matches('x').count());
        assert!(low > 10 && high > 10 && low + high <= 45, "{low} {high}");
    }

    #[test]
    fn no_label_of_the_y_axis_is_cut() {
        let theme = Theme::new(ColorDepth::None, Glyphs::Ascii);
        for (height, top) in (8..40).flat_map(|h| [1.0, 2.0, 2.5, 3.0, 7.0].map(|top| (h, top))) {
            let mut f = field(2, vec![0.5; 4]);
            f.y = Axis::linear("y").within(-top, top);
            let area = Rect::new(0, 0, 40, height);
            let mut buffer = Buffer::empty(area);
            draw(&f, &FigureView::default(), area, Detail::Full, &mut buffer, &theme);
            let screen = crate::tui::tests::symbols(&buffer).join("\n");
            assert!(!screen.contains('~'), "{height} {top}\n{screen}");
        }
    }

    #[test]
    fn what_is_not_known_is_said() {
        let nothing = drawn(&field(4, vec![]), (30, 5), ColorDepth::True, Glyphs::Braille);
        assert!(crate::tui::tests::symbols(&nothing).concat().contains(NOTHING_YET));
        let unknown = drawn(&field(1, vec![f64::NAN, 1.0]), (1, 1), ColorDepth::True, Glyphs::Braille);
        assert_eq!(unknown[(0, 0)].symbol(), "▄");
        let mut f = field(2, vec![0.25, f64::NAN]);
        f.y = Axis::linear("y").within(0.0, 1.0);
        assert_eq!(reading(&f, (0, 0), 80), ["x = 1, y = 0.5", "p: 0.25"]);
        assert_eq!(reading(&f, (1, 0), 80)[1], "p: unknown");
    }
}
