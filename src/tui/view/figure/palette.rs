//! How values become colours, and the bar that says how.

use crate::tui::color::ColorDepth;
use crate::tui::text::{rounded, width};
use crate::tui::theme::{Shade, Theme};
use crate::tui::view::put;
use candelab_labs::figure::Palette;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};

/// What stands where nothing is known.
pub const UNKNOWN: &str = "·";

/// Whether a cell can show two values, one above the other.
pub fn halves(theme: &Theme) -> bool {
    !theme.ascii() && theme.depth != ColorDepth::None
}

/// A palette over a range of values.
pub struct Range<'a> {
    /// The value of the first shade.
    pub low: f64,
    /// The value of the last shade.
    pub high: f64,
    /// The shades, lowest first.
    pub shades: &'a [Shade],
}

impl<'a> Range<'a> {
    /// The palette from `low` to `high`; a diverging one reaches as far to both sides of its middle.
    pub fn new(palette: Palette, (mut low, mut high): (f64, f64), theme: &'a Theme) -> Self {
        if let Palette::Diverging { middle } = palette {
            let half = (high - middle).abs().max((middle - low).abs());
            (low, high) = (middle - half, middle + half);
        }
        Self { low, high, shades: theme.shades(palette) }
    }

    /// The shade of `value`: few enough levels that a small change costs no byte.
    pub fn shade(&self, value: f64) -> Option<Shade> {
        if !value.is_finite() {
            return None;
        }
        let last = self.shades.len() - 1;
        let part = if self.high > self.low { (value - self.low) / (self.high - self.low) } else { 0.5 };
        self.shades.get((part * last as f64).round().clamp(0.0, last as f64) as usize).copied()
    }

    /// Whether `label` fits behind the colours; else it has a row of its own.
    pub fn label_fits(&self, label: &str, area: Rect) -> bool {
        let ends = width(&rounded(self.low)) + width(&rounded(self.high)) + 4;
        ends + self.shades.len() + width(label) <= area.width as usize
    }

    /// The shades between their ends, and what a value is.
    pub fn draw_bar(&self, label: &str, area: Rect, buffer: &mut Buffer, theme: &Theme) {
        let mut x = put(buffer, area.x, area.y, &format!("{} ", rounded(self.low)), area.right(), theme.dim);
        for shade in self.shades {
            let colorless = shade.color == Color::Reset;
            let (glyph, style) =
                if colorless { (shade.glyph, Style::new()) } else { (' ', Style::new().bg(shade.color)) };
            x = put(buffer, x, area.y, &glyph.to_string(), area.right(), style);
        }
        x = put(buffer, x, area.y, &format!(" {}  ", rounded(self.high)), area.right(), theme.dim);
        if self.label_fits(label, area) || area.height < 2 {
            put(buffer, x, area.y, label, area.right(), theme.text);
        } else {
            put(buffer, area.x, area.y + 1, label, area.right(), theme.text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::theme::Glyphs;

    #[test]
    fn the_neutral_value_has_the_middle_shade() {
        let theme = Theme::new(ColorDepth::True, Glyphs::Braille);
        let range = Range::new(Palette::Diverging { middle: 0.0 }, (-1.0, 4.0), &theme);
        assert_eq!((range.low, range.high), (-4.0, 4.0));
        assert_eq!(range.shade(0.0), Some(range.shades[7]));
        assert_eq!(range.shade(f64::NAN), None);
    }
}
