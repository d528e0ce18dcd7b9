//! Colours on the ladder from none to 24 bits. Every colour is mapped once, when the theme is made.

use super::environment::Environment;
use ratatui::style::Color;

/// How many colours the terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ColorDepth {
    /// None: glyphs, bold, underlined and reversed say everything.
    None,
    /// The sixteen named ones.
    Sixteen,
    /// The palette of 256.
    Indexed,
    /// 24 bits.
    True,
}

impl ColorDepth {
    /// What it is called for a person.
    pub fn describe(self) -> &'static str {
        match self {
            Self::None => "none (--colors none)",
            Self::Sixteen => "16 (--colors 16)",
            Self::Indexed => "256 (--colors 256)",
            Self::True => "24 bits (--colors true)",
        }
    }

    /// The depth that a word of the command line means.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "none" | "0" => Some(Self::None),
            "16" => Some(Self::Sixteen),
            "256" => Some(Self::Indexed),
            "true" | "truecolor" | "24bit" => Some(Self::True),
            _ => None,
        }
    }

    /// A flag before `NO_COLOR`, that before `COLORTERM`, that before `TERM`.
    pub fn decide(flag: Option<Self>, environment: &Environment) -> Self {
        const TRUE_TERMS: [&str; 5] = ["kitty", "alacritty", "ghostty", "wezterm", "direct"];
        let term = environment.term.as_str();
        if let Some(depth) = flag {
            depth
        } else if environment.no_color || matches!(term, "dumb" | "" | "vt100" | "vt220") {
            Self::None
        } else if matches!(environment.colorterm.as_str(), "truecolor" | "24bit")
            || TRUE_TERMS.iter().any(|t| term.contains(t))
        {
            Self::True
        } else if term.contains("256") || term == "foot" {
            Self::Indexed
        } else {
            Self::Sixteen
        }
    }

    /// The nearest colour that this depth has.
    pub fn nearest(self, (r, g, b): Rgb) -> Color {
        match self {
            Self::None => Color::Reset,
            Self::Sixteen => nearest_of_sixteen((r, g, b)),
            Self::Indexed => Color::Indexed(nearest_of_256((r, g, b))),
            Self::True => Color::Rgb(r, g, b),
        }
    }
}

/// Red, green, blue.
pub type Rgb = (u8, u8, u8);

const SIXTEEN: [(Color, Rgb); 16] = [
    (Color::Black, (0, 0, 0)),
    (Color::Red, (205, 0, 0)),
    (Color::Green, (0, 205, 0)),
    (Color::Yellow, (205, 205, 0)),
    (Color::Blue, (0, 0, 238)),
    (Color::Magenta, (205, 0, 205)),
    (Color::Cyan, (0, 205, 205)),
    (Color::Gray, (229, 229, 229)),
    (Color::DarkGray, (127, 127, 127)),
    (Color::LightRed, (255, 0, 0)),
    (Color::LightGreen, (0, 255, 0)),
    (Color::LightYellow, (255, 255, 0)),
    (Color::LightBlue, (92, 92, 255)),
    (Color::LightMagenta, (255, 0, 255)),
    (Color::LightCyan, (0, 255, 255)),
    (Color::White, (255, 255, 255)),
];

fn distance(a: Rgb, b: Rgb) -> i32 {
    let d = |x: u8, y: u8| (i32::from(x) - i32::from(y)).pow(2);
    // The eye's weights, roughly: green most, blue least.
    3 * d(a.0, b.0) + 6 * d(a.1, b.1) + d(a.2, b.2)
}

fn nearest_of_sixteen(rgb: Rgb) -> Color {
    SIXTEEN.iter().min_by_key(|(_, other)| distance(rgb, *other)).map_or(Color::Reset, |(color, _)| *color)
}

fn nearest_of_256(rgb: Rgb) -> u8 {
    let level = |i: u8| if i == 0 { 0 } else { 55 + 40 * i };
    let index = |v: u8| (0..6_u8).min_by_key(|i| (i32::from(level(*i)) - i32::from(v)).abs()).unwrap_or(0);
    let (r, g, b) = (index(rgb.0), index(rgb.1), index(rgb.2));
    let cube = (16 + 36 * r + 6 * g + b, (level(r), level(g), level(b)));
    let mean = (u16::from(rgb.0) + u16::from(rgb.1) + u16::from(rgb.2)) / 3;
    let step = (mean.saturating_sub(3) / 10).min(23) as u8;
    let gray = (232 + step, (8 + 10 * step, 8 + 10 * step, 8 + 10 * step));
    if distance(rgb, gray.1) < distance(rgb, cube.1) { gray.0 } else { cube.0 }
}

/// Black or white, whichever reads better on `background`.
pub fn ink_on((r, g, b): Rgb) -> Rgb {
    let luminance = 299 * u32::from(r) + 587 * u32::from(g) + 114 * u32::from(b);
    if luminance > 128_000 { (0, 0, 0) } else { (255, 255, 255) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(no_color: bool, colorterm: &str, term: &str) -> Environment {
        Environment { no_color, colorterm: colorterm.into(), term: term.into(), ..Environment::default() }
    }

    #[test]
    fn the_ladder_is_decided_flag_first() {
        let decide = ColorDepth::decide;
        assert_eq!(decide(Some(ColorDepth::Sixteen), &env(true, "truecolor", "xterm")), ColorDepth::Sixteen);
        assert_eq!(decide(None, &env(true, "truecolor", "xterm")), ColorDepth::None);
        assert_eq!(decide(None, &env(false, "truecolor", "xterm-256color")), ColorDepth::True);
        assert_eq!(decide(None, &env(false, "", "tmux-256color")), ColorDepth::Indexed);
        assert_eq!(decide(None, &env(false, "", "xterm")), ColorDepth::Sixteen);
        assert_eq!(decide(None, &env(false, "", "dumb")), ColorDepth::None);
    }

    #[test]
    fn colours_are_mapped_to_their_nearest() {
        assert_eq!(ColorDepth::Indexed.nearest((255, 0, 0)), Color::Indexed(196));
        assert_eq!(ColorDepth::Indexed.nearest((128, 128, 128)), Color::Indexed(244));
        assert_eq!(ColorDepth::Sixteen.nearest((250, 5, 5)), Color::LightRed);
        assert_eq!(ColorDepth::None.nearest((1, 2, 3)), Color::Reset);
    }
}
