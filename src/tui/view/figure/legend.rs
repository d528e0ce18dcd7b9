//! What each series of a line chart looks like, and the legend that says so.

use crate::tui::text::{fit, width};
use crate::tui::theme::Theme;
use crate::tui::view::put;
use candelab_labs::figure::{Lines, Role, Series};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// One letter for each series, so that no colour is needed to tell them apart.
const MARKERS: [char; 8] = ['o', 'x', '+', '*', '#', '%', '@', '&'];
/// Cells between two entries.
const APART: usize = 3;

/// How a series is told from the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look<'a> {
    /// Gives the colour and the letter.
    pub number: usize,
    /// Whether it has its letter on the curve.
    pub lettered: bool,
    /// The name that it has in the legend together with predictions of other series.
    pub shared: Option<&'a str>,
}

impl Look<'_> {
    /// The letter.
    pub fn letter(self) -> char {
        MARKERS[self.number % MARKERS.len()]
    }
}

fn is_predicted(series: &Series) -> bool {
    matches!(series.role, Role::Theory | Role::Fit)
}

/// The look of each series. What is measured is counted first and alone: the same ones look the same
/// in another panel, whether or not there are predictions in between. A prediction that shares its
/// entry looks like what it predicts; a single one has a colour that can be seen on the measured curve.
pub fn looks(lines: &Lines) -> Vec<Look<'_>> {
    let series = &lines.series;
    let measured = series.iter().filter(|s| !is_predicted(s)).count();
    let kinds: Vec<Option<(usize, &str)>> = (0..series.len()).map(|i| kind(series, i)).collect();
    let alike = |name: &str| kinds.iter().flatten().filter(|k| k.1 == name).count();
    let mut looks: Vec<Look> = Vec::new();
    let mut next = (0, measured);
    for (s, kind) in series.iter().zip(&kinds) {
        let shared = kind.filter(|k| alike(k.1) > 1);
        let counter = if is_predicted(s) { &mut next.1 } else { &mut next.0 };
        let number = shared.map_or(*counter, |(partner, _)| looks[partner].number);
        *counter += usize::from(shared.is_none());
        // A single theory or fit is known by its dashes.
        let lettered = !is_predicted(s) || series.iter().filter(|other| other.role == s.role).count() > 1;
        looks.push(Look { number, lettered, shared: shared.map(|k| k.1) });
    }
    looks
}

/// The measured series whose name the prediction at `i` begins with, and what its own name has after it.
fn kind(series: &[Series], i: usize) -> Option<(usize, &str)> {
    let begins = |j: &usize| {
        let name = &series[*j].name;
        !is_predicted(&series[*j]) && !name.is_empty() && series[i].name.starts_with(name.as_str())
    };
    let partner = (0..i).filter(begins).max_by_key(|j| series[*j].name.len()).filter(|_| is_predicted(&series[i]))?;
    let rest = series[i].name[series[partner].name.len()..].trim_start_matches([',', ':', ' ']);
    (!rest.is_empty()).then_some((partner, rest))
}

/// A piece of the curve of a series.
pub fn sample(role: Role, look: Look, theme: &Theme) -> String {
    let marker = if look.lettered { look.letter() } else { theme.glyph('⠄', ' ') };
    match role {
        Role::Measured => format!("{0}{marker}{0}", theme.glyph("⠤", "")),
        Role::Theory => format!("{0}{marker}{0}", theme.glyph("⠤", "-")),
        Role::Fit => format!("{0}{marker}{0}", theme.glyph("⠄", ":")),
        Role::Points => format!(" {marker} "),
    }
}

/// Texts with their styles.
pub type Row = Vec<(String, Style)>;

/// The legend in at most `most` rows of `room` cells; where that is too little, it ends with how many
/// are left out.
pub fn rows(lines: &Lines, room: usize, most: usize, theme: &Theme) -> Vec<Row> {
    let entries = entries(lines, theme);
    let first = |shown: usize| {
        let mut texts = entries[..shown].to_vec();
        if shown < entries.len() {
            texts.push((format!("+{} more", entries.len() - shown), theme.dim));
        }
        arrange(texts, room)
    };
    (0..=entries.len()).rev().map(first).find(|rows| rows.len() <= most).unwrap_or_default()
}

fn entries(lines: &Lines, theme: &Theme) -> Row {
    let looks = looks(lines);
    let mut entries = Row::new();
    for (i, (series, look)) in lines.series.iter().zip(&looks).enumerate() {
        match look.shared {
            None => {
                let text = format!("{} {}", sample(series.role, *look, theme), series.name);
                entries.push((text, theme.series(look.number)));
            }
            Some(name) if looks[..i].iter().all(|l| l.shared != Some(name)) => {
                let plain = Look { lettered: false, ..*look };
                entries.push((format!("{} {name}", sample(series.role, plain, theme)), theme.text));
            }
            Some(_) => {}
        }
    }
    entries
}

fn arrange(entries: Row, room: usize) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut used = 0;
    for (text, style) in entries {
        let text = fit(&text, room);
        let wide = width(&text);
        match rows.last_mut() {
            Some(row) if used + APART + wide <= room => {
                used += APART + wide;
                row.push((text, style));
            }
            _ => {
                used = wide;
                rows.push(vec![(text, style)]);
            }
        }
    }
    rows
}

/// Draws the rows of the legend.
pub fn draw(rows: &[Row], area: Rect, buffer: &mut Buffer) {
    for (y, row) in (area.y..area.bottom()).zip(rows) {
        let mut x = area.x;
        for (text, style) in row {
            x = put(buffer, x, y, text, area.right(), *style) + APART as u16;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::{ColorDepth, Glyphs};
    use candelab_labs::figure::Axis;

    fn lines(names: &[(&str, Role)]) -> Lines {
        let series = names.iter().map(|(name, role)| Series::new(*name, *role, vec![(0.0, 1.0)])).collect();
        Lines { x: Axis::linear("x"), y: Axis::linear("y"), series, guides: vec![] }
    }

    fn texts(lines: &Lines, room: usize, most: usize) -> Vec<Vec<String>> {
        let rows = rows(lines, room, most, &Theme::new(ColorDepth::None, Glyphs::Ascii));
        rows.into_iter().map(|row| row.into_iter().map(|e| e.0).collect()).collect()
    }

    #[test]
    fn predictions_of_several_series_share_an_entry_and_look_like_what_they_predict() {
        let (m, t) = (Role::Measured, Role::Theory);
        let both = lines(&[("he", m), ("he, mean field", t), ("xavier", m), ("xavier, mean field", t), ("ideal", t)]);
        assert_eq!(texts(&both, 80, 2), [["o he", "- - mean field", "x xavier", "-+- ideal"]]);
        let numbers = |lines: &Lines| looks(lines).iter().map(|l| l.number).collect::<Vec<_>>();
        assert_eq!(numbers(&both), [0, 0, 1, 1, 2]);
        assert_eq!(numbers(&lines(&[("he", m), ("xavier", m)])), [0, 1], "as in the panel with predictions");
        let one = lines(&[("he", m), ("he, mean field", t)]);
        assert_eq!(texts(&one, 80, 2), [["o he", "- - he, mean field"]]);
        assert_eq!(numbers(&one), [0, 1]);
    }

    #[test]
    fn a_legend_without_room_says_how_many_it_leaves_out() {
        let m = Role::Measured;
        let many = lines(&[("one", m), ("two", m), ("three", m), ("four", m)]);
        assert_eq!(texts(&many, 40, 1), [["o one", "x two", "+ three", "* four"]]);
        assert_eq!(texts(&many, 30, 1), [["o one", "x two", "+2 more"]]);
        assert_eq!(texts(&many, 8, 2), [["o one"], ["+3 more"]]);
        assert!(texts(&many, 8, 0).is_empty());
    }
}
