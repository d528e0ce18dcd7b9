//! Sizes of letters and colours, for light and for dark paper.

use std::fmt::Write as _;

/// Letters of titles.
pub(crate) const TITLE: f64 = 15.0;
/// Letters of everything else.
pub(crate) const SMALL: f64 = 12.0;
/// The least that can be read in print.
pub(crate) const TINY: f64 = 9.0;

/// How many colours there are before they repeat.
pub(crate) const SERIES: usize = 7;

/// A colour by its part, so that light and dark paper can each have their own.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Paint {
    /// The ground.
    Paper,
    /// Text and axes.
    Ink,
    /// Secondary text.
    Muted,
    /// Grid lines.
    Grid,
    /// A cell without a value.
    NoData,
    /// The colour of the series with this number.
    Series(usize),
    /// A colour that means a value, the same on any paper.
    Fixed([u8; 3]),
}

/// Okabe and Ito's colours for all kinds of colour vision, the strongest on white first; on dark
/// paper their light blue and yellow take the place of those that would sink in.
const SERIES_LIGHT: [[u8; 3]; SERIES] =
    [[0, 114, 178], [213, 94, 0], [0, 158, 115], [204, 121, 167], [230, 159, 0], [86, 180, 233], [80, 88, 96]];
const SERIES_DARK: [[u8; 3]; SERIES] =
    [[86, 180, 233], [230, 110, 30], [0, 178, 130], [214, 140, 180], [230, 159, 0], [240, 228, 66], [190, 196, 202]];

const NAMED: [(Paint, &str, [u8; 3], [u8; 3]); 5] = [
    (Paint::Paper, "paper", [255, 255, 255], [22, 26, 31]),
    (Paint::Ink, "ink", [28, 32, 36], [230, 233, 236]),
    (Paint::Muted, "muted", [84, 92, 100], [166, 174, 182]),
    (Paint::Grid, "grid", [224, 228, 232], [54, 61, 69]),
    (Paint::NoData, "nodata", [214, 218, 222], [66, 74, 82]),
];

impl Paint {
    /// The colour on white paper.
    pub(crate) fn light(self) -> [u8; 3] {
        match self {
            Self::Fixed(rgb) => rgb,
            Self::Series(i) => SERIES_LIGHT[i % SERIES],
            _ => NAMED.iter().find(|row| row.0 == self).map_or([0; 3], |row| row.2),
        }
    }

    /// The name by which a style sheet can change it; none for a colour that means a value.
    pub(crate) fn name(self) -> Option<String> {
        match self {
            Self::Fixed(_) => None,
            Self::Series(i) => Some(format!("s{}", i % SERIES)),
            _ => NAMED.iter().find(|row| row.0 == self).map(|row| row.1.to_string()),
        }
    }
}

/// `#rrggbb`.
pub(crate) fn hex([r, g, b]: [u8; 3]) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

fn colours() -> Vec<(String, [u8; 3], [u8; 3])> {
    let named = NAMED.iter().map(|(_, name, light, dark)| ((*name).to_string(), *light, *dark));
    let series = (0..SERIES).map(|i| (format!("s{i}"), SERIES_LIGHT[i], SERIES_DARK[i]));
    named.chain(series).collect()
}

/// The colours as custom properties of a style sheet.
fn properties(dark: bool) -> String {
    colours().iter().fold(String::new(), |mut css, (name, light, night)| {
        let _ = write!(css, "--{name}:{};", hex(if dark { *night } else { *light }));
        css
    })
}

/// Rules that give the pictures' classes the custom properties.
fn rules() -> String {
    colours().iter().fold(String::new(), |mut css, (name, ..)| {
        let _ = write!(css, ".f-{name}{{fill:var(--{name})}}.k-{name}{{stroke:var(--{name})}}");
        css
    })
}

/// What `style.css` needs to know of colours.
pub(crate) fn page_colors() -> minijinja::Value {
    minijinja::context! { light => properties(false), dark => properties(true), rules => rules() }
}

/// Rules for a picture that stands alone and is looked at on a dark screen.
pub(crate) fn dark_rules() -> String {
    let rules = colours().iter().fold(String::new(), |mut css, (name, _, dark)| {
        let colour = hex(*dark);
        let _ = write!(css, ".f-{name}{{fill:{colour}}}.k-{name}{{stroke:{colour}}}");
        css
    });
    format!("@media (prefers-color-scheme:dark){{{rules}}}")
}
