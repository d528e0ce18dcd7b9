//! Curves in dots: eight to a cell in braille, one to a cell in ASCII.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// How a curve is drawn.
#[derive(Debug, Clone, Copy)]
pub struct Pen {
    /// Its colour.
    pub style: Style,
    /// Dots on and off along the curve; nothing off is a solid curve.
    pub dash: (u32, u32),
    /// What stands for it in ASCII.
    pub ascii: char,
}

/// A rectangle of cells on which dots are set before it is copied to the screen.
pub struct Canvas {
    width: usize,
    height: usize,
    ascii: bool,
    cells: Vec<Cell>,
}

#[derive(Clone, Default)]
struct Cell {
    dots: u8,
    /// Dots of bands and guides: seen only where no curve is.
    faint: u8,
    letter: Option<(char, Style)>,
    style: Style,
    faint_style: Style,
}

/// The bit of each dot, by row and column (Unicode's order of braille dots).
const BITS: [[u8; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];

impl Canvas {
    /// An empty canvas of `width` by `height` cells.
    pub fn new(width: u16, height: u16, ascii: bool) -> Self {
        let (width, height) = (width as usize, height as usize);
        Self { width, height, ascii, cells: vec![Cell::default(); width * height] }
    }

    /// Dots across and down.
    pub fn dots(&self) -> (i64, i64) {
        let (x, y) = if self.ascii { (1, 1) } else { (2, 4) };
        (self.width as i64 * x, self.height as i64 * y)
    }

    fn cell(&mut self, x: i64, y: i64) -> Option<(&mut Cell, u8)> {
        let (across, down) = self.dots();
        if !(0..across).contains(&x) || !(0..down).contains(&y) {
            return None;
        }
        let (x, y) = (x as usize, y as usize);
        if self.ascii {
            return self.cells.get_mut(y * self.width + x).map(|c| (c, 1));
        }
        self.cells.get_mut(y / 4 * self.width + x / 2).map(|c| (c, BITS[y % 4][x % 2]))
    }

    /// Sets the dot at (x, y); outside there is nothing to set. The newest curve has the colour.
    pub fn dot(&mut self, x: i64, y: i64, pen: &Pen) {
        let ascii = self.ascii;
        if let Some((cell, bit)) = self.cell(x, y) {
            cell.dots |= bit;
            cell.style = pen.style;
            if ascii {
                cell.letter = Some((pen.ascii, pen.style));
            }
        }
    }

    /// Sets a dot that any curve in its cell hides.
    pub fn faint(&mut self, x: i64, y: i64, style: Style) {
        if let Some((cell, bit)) = self.cell(x, y) {
            cell.faint |= bit;
            cell.faint_style = style;
        }
    }

    /// Writes `letter` into the cell of the dot (x, y).
    pub fn letter(&mut self, x: i64, y: i64, letter: char, style: Style) {
        if let Some((cell, _)) = self.cell(x, y) {
            cell.letter = Some((letter, style));
        }
    }

    /// A straight line of dots; `phase` counts them along a dashed curve of several lines.
    pub fn line(&mut self, from: (i64, i64), to: (i64, i64), pen: &Pen, phase: &mut u32) {
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let n = dx.abs().max(dy.abs());
        for i in 0..=n {
            let along = |d: i64| if n == 0 { 0 } else { (2 * d * i + d.signum() * n) / (2 * n) };
            let (on, off) = pen.dash;
            if off == 0 || *phase % (on + off) < on {
                self.dot(from.0 + along(dx), from.1 + along(dy), pen);
            }
            // The last dot is the first of the next line.
            *phase += u32::from(i < n);
        }
    }

    /// A light pattern between two heights of one column of dots.
    pub fn shade(&mut self, x: i64, top: i64, bottom: i64, style: Style) {
        for y in top.max(0)..=bottom.min(self.dots().1 - 1) {
            if self.ascii || (y + 2 * (x % 2)) % 4 == 0 {
                self.faint(x, y, style);
            }
        }
    }

    /// What was set, cell by cell: column, row, glyph and style.
    pub fn glyphs(&self) -> impl Iterator<Item = (u16, u16, char, Style)> + '_ {
        self.cells.iter().enumerate().filter_map(|(i, cell)| {
            let (glyph, style) = match cell {
                Cell { letter: Some(letter), .. } => *letter,
                Cell { dots: 0, faint: 0, .. } => return None,
                Cell { dots: 0, .. } if self.ascii => ('.', cell.faint_style),
                Cell { dots: 0, .. } => (braille(cell.faint), cell.faint_style),
                _ => (braille(cell.dots), cell.style),
            };
            Some(((i % self.width) as u16, (i / self.width) as u16, glyph, style))
        })
    }

    /// Copies what was set to the screen.
    pub fn render(&self, area: Rect, buffer: &mut Buffer) {
        for (x, y, glyph, style) in self.glyphs() {
            if let Some(target) = buffer.cell_mut((area.x + x, area.y + y)) {
                target.set_char(glyph).set_style(style);
            }
        }
    }
}

fn braille(bits: u8) -> char {
    char::from_u32(0x2800 + u32::from(bits)).unwrap_or(' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEN: Pen = Pen { style: Style::new(), dash: (1, 0), ascii: 'o' };

    fn text(canvas: &Canvas, width: u16, height: u16) -> Vec<String> {
        let area = Rect::new(0, 0, width, height);
        let mut buffer = Buffer::empty(area);
        canvas.render(area, &mut buffer);
        (0..height).map(|y| (0..width).map(|x| buffer[(x, y)].symbol().to_owned()).collect()).collect()
    }

    #[test]
    fn a_diagonal_in_braille_and_in_ascii() {
        let mut canvas = Canvas::new(2, 1, false);
        canvas.line((0, 0), (3, 3), &PEN, &mut 0);
        assert_eq!(text(&canvas, 2, 1), ["⠑⢄"]);
        let mut canvas = Canvas::new(3, 3, true);
        canvas.line((0, 2), (2, 0), &PEN, &mut 0);
        assert_eq!(text(&canvas, 3, 3), ["  o", " o ", "o  "]);
    }

    #[test]
    fn dots_outside_are_dropped() {
        let mut canvas = Canvas::new(1, 1, false);
        canvas.line((-50, -50), (50, -50), &PEN, &mut 0);
        canvas.dot(2, 0, &PEN);
        assert_eq!(text(&canvas, 1, 1), [" "]);
    }

    #[test]
    fn dashes_go_on_from_line_to_line() {
        let dashed = Pen { dash: (2, 2), ..PEN };
        let mut canvas = Canvas::new(8, 1, true);
        let mut phase = 0;
        canvas.line((0, 0), (3, 0), &dashed, &mut phase);
        canvas.line((3, 0), (7, 0), &dashed, &mut phase);
        assert_eq!(text(&canvas, 8, 1), ["oo  oo  "]);
    }

    #[test]
    fn a_curve_hides_the_band_under_it() {
        let mut canvas = Canvas::new(1, 1, false);
        canvas.shade(0, 0, 3, Style::new());
        canvas.dot(1, 3, &PEN);
        assert_eq!(text(&canvas, 1, 1), ["⢀"]);
    }
}
