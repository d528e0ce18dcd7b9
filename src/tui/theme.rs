//! Colours and glyphs, decided once from what the terminal can do.

use super::color::{ColorDepth, Rgb, ink_on};
use candelab_labs::figure::Palette;
use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::border;

/// The glyphs that the terminal's font is trusted with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Glyphs {
    /// Braille dots, blocks, box drawing.
    #[default]
    Braille,
    /// Nothing outside ASCII.
    Ascii,
}

/// One step of a heat map's scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shade {
    /// The cell's colour.
    pub color: Color,
    /// The colour of text on it.
    pub ink: Color,
    /// What stands for it where there are no colours.
    pub glyph: char,
}

/// Everything that the views need to know about appearance.
#[derive(Debug, Clone)]
pub struct Theme {
    /// How many colours there are.
    pub depth: ColorDepth,
    /// Which glyphs there are.
    pub glyphs: Glyphs,
    /// Plain text.
    pub text: Style,
    /// Text of less weight: captions, units, help.
    pub dim: Style,
    /// Headings.
    pub title: Style,
    /// Borders of panes.
    pub border: Style,
    /// The border of the pane that has the keys.
    pub focus: Style,
    /// The selected row or tab.
    pub selected: Style,
    /// Keys in hints.
    pub key: Style,
    /// A value that differs from its default.
    pub changed: Style,
    /// Errors.
    pub error: Style,
    /// Good news.
    pub good: Style,
    series: Vec<Style>,
    sequential: Vec<Shade>,
    diverging: Vec<Shade>,
}

/// Distinguishable for colour-blind people, and on dark and light backgrounds (after Okabe and Ito).
const SERIES: [Rgb; 8] = [
    (86, 180, 233),
    (230, 159, 0),
    (0, 158, 115),
    (204, 121, 167),
    (213, 94, 0),
    (60, 120, 216),
    (150, 150, 150),
    (200, 180, 40),
];
const SEQUENTIAL_LEVELS: usize = 16;
/// Odd, so that the middle has a shade of its own.
const DIVERGING_LEVELS: usize = 15;
const RAMP: &[u8; 10] = b" .:-=+*#%@";

impl Theme {
    /// The theme for a terminal with these abilities.
    pub fn new(depth: ColorDepth, glyphs: Glyphs) -> Self {
        let plain = Style::new();
        let colored = |rgb: Rgb| if depth == ColorDepth::None { plain } else { plain.fg(depth.nearest(rgb)) };
        let bold = |style: Style| style.add_modifier(Modifier::BOLD);
        Self {
            depth,
            glyphs,
            text: plain,
            dim: colored((128, 128, 128)),
            title: bold(plain),
            border: colored((110, 110, 110)),
            focus: bold(colored((86, 180, 233))),
            selected: plain.add_modifier(Modifier::REVERSED),
            key: bold(colored((86, 180, 233))),
            changed: bold(colored((230, 159, 0))),
            error: bold(colored((220, 50, 47))),
            good: bold(colored((0, 158, 115))),
            series: SERIES.iter().map(|rgb| colored(*rgb)).collect(),
            sequential: shades(depth, SEQUENTIAL_LEVELS, sequential),
            diverging: shades(depth, DIVERGING_LEVELS, diverging),
        }
    }

    /// The style of the series at `index`.
    pub fn series(&self, index: usize) -> Style {
        self.series[index % self.series.len()]
    }

    /// The scale of a heat map, lowest first.
    pub fn shades(&self, palette: Palette) -> &[Shade] {
        match palette {
            Palette::Sequential => &self.sequential,
            Palette::Diverging { .. } => &self.diverging,
        }
    }

    /// Whether nothing outside ASCII may be drawn.
    pub fn ascii(&self) -> bool {
        self.glyphs == Glyphs::Ascii
    }

    /// The glyph `fancy`, or `plain` in ASCII.
    pub fn glyph<T>(&self, fancy: T, plain: T) -> T {
        if self.ascii() { plain } else { fancy }
    }

    /// The lines around panes.
    pub fn borders(&self) -> border::Set<'static> {
        const ASCII: border::Set<'static> = border::Set {
            top_left: "+",
            top_right: "+",
            bottom_left: "+",
            bottom_right: "+",
            vertical_left: "|",
            vertical_right: "|",
            horizontal_top: "-",
            horizontal_bottom: "-",
        };
        self.glyph(border::PLAIN, ASCII)
    }
}

fn shades(depth: ColorDepth, levels: usize, rgb: impl Fn(f64) -> Rgb) -> Vec<Shade> {
    let at = |i: usize| i as f64 / (levels - 1) as f64;
    (0..levels)
        .map(|i| {
            let color = rgb(at(i));
            let glyph = char::from(RAMP[(at(i) * (RAMP.len() - 1) as f64).round() as usize]);
            if depth == ColorDepth::Sixteen {
                let (color, ink) = few_colors(at(i), levels % 2 == 1);
                return Shade { color, ink, glyph };
            }
            Shade { color: depth.nearest(color), ink: depth.nearest(ink_on(color)), glyph }
        })
        .collect()
}

fn sequential(t: f64) -> Rgb {
    let c = colorous::VIRIDIS.eval_continuous(t);
    (c.r, c.g, c.b)
}

fn diverging(t: f64) -> Rgb {
    let c = colorous::RED_BLUE.eval_continuous(1.0 - t);
    (c.r, c.g, c.b)
}

/// With sixteen colours the nearest ones jump back and forth along a scale; these do not.
fn few_colors(t: f64, diverging: bool) -> (Color, Color) {
    let scale: &[(Color, Color)] = if diverging {
        &[
            (Color::Blue, Color::White),
            (Color::Cyan, Color::Black),
            (Color::White, Color::Black),
            (Color::Yellow, Color::Black),
            (Color::Red, Color::White),
        ]
    } else {
        &[
            (Color::Black, Color::White),
            (Color::Blue, Color::White),
            (Color::Cyan, Color::Black),
            (Color::Green, Color::Black),
            (Color::Yellow, Color::Black),
        ]
    };
    scale[((t * scale.len() as f64) as usize).min(scale.len() - 1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_colours_only_attributes_are_left() {
        let theme = Theme::new(ColorDepth::None, Glyphs::Braille);
        let styles = [theme.dim, theme.focus, theme.selected, theme.error, theme.series(3)];
        assert!(styles.iter().all(|s| s.fg.is_none() && s.bg.is_none()));
        assert!(theme.shades(Palette::Sequential).iter().all(|s| s.color == Color::Reset && s.ink == Color::Reset));
    }

    #[test]
    fn the_glyph_ramp_grows_with_the_value() {
        let theme = Theme::new(ColorDepth::None, Glyphs::Braille);
        let glyphs: String = theme.shades(Palette::Sequential).iter().map(|s| s.glyph).collect();
        assert!(glyphs.starts_with(' ') && glyphs.ends_with('@'), "{glyphs}");
    }

    #[test]
    fn the_middle_of_a_diverging_scale_is_neutral() {
        let theme = Theme::new(ColorDepth::True, Glyphs::Braille);
        let middle = theme.shades(Palette::Diverging { middle: 0.0 })[DIVERGING_LEVELS / 2];
        let Color::Rgb(r, g, b) = middle.color else { panic!("a colour of 24 bits") };
        assert!(r.abs_diff(g) < 12 && g.abs_diff(b) < 12, "{r} {g} {b}");
    }
}
