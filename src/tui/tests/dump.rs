//! A buffer as text with its styles. The `Display` of a test backend shows symbols alone, and a
//! heat map without its colours is empty.

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use std::fmt::Write;
use std::path::PathBuf;

/// The symbols, a line a row.
pub fn symbols(buffer: &Buffer) -> Vec<String> {
    let area = buffer.area;
    (area.y..area.bottom())
        .map(|y| {
            let mut line = String::new();
            let mut x = area.x;
            while x < area.right() {
                let symbol = buffer[(x, y)].symbol();
                line.push_str(symbol);
                x += (crate::tui::text::width(symbol) as u16).max(1);
            }
            line
        })
        .collect()
}

fn color(color: Color) -> String {
    match color {
        Color::Rgb(r, g, b) => format!("#{r:02x}{g:02x}{b:02x}"),
        Color::Indexed(i) => i.to_string(),
        other => format!("{other:?}").to_lowercase(),
    }
}

fn style(cell: &Cell) -> String {
    let mut parts = Vec::new();
    if cell.fg != Color::Reset {
        parts.push(format!("fg {}", color(cell.fg)));
    }
    if cell.bg != Color::Reset {
        parts.push(format!("bg {}", color(cell.bg)));
    }
    if cell.modifier != Modifier::empty() {
        parts.push(format!("{:?}", cell.modifier).to_lowercase());
    }
    parts.join(", ")
}

/// The symbols, then the styles: a letter for each style in the place of the cells that have it,
/// `.` for the plain one, and what the letters mean.
pub fn styled(buffer: &Buffer) -> String {
    const LETTERS: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!$%&*+=?@";
    let mut out = symbols(buffer).iter().fold(String::new(), |out, line| out + line + "|\n");
    let mut styles: Vec<String> = Vec::new();
    let area = buffer.area;
    for y in area.y..area.bottom() {
        for x in area.x..area.right() {
            let style = style(&buffer[(x, y)]);
            if style.is_empty() {
                out.push('.');
                continue;
            }
            let known = styles.iter().position(|s| *s == style);
            let index = known.unwrap_or_else(|| {
                styles.push(style);
                styles.len() - 1
            });
            out.push(LETTERS.chars().nth(index).unwrap_or('^'));
        }
        out.push('\n');
    }
    for (letter, style) in LETTERS.chars().zip(&styles) {
        let _ = writeln!(out, "{letter} {style}");
    }
    out
}

/// Compares `buffer` with the file `name`, or writes it where the environment asks for that.
pub fn compare(name: &str, buffer: &Buffer) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/tui/tests/screens").join(format!("{name}.txt"));
    let seen = styled(buffer);
    if std::env::var_os("CANDELAB_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &seen).unwrap();
    }
    let known = std::fs::read_to_string(&path).unwrap_or_default();
    if seen != known {
        let pairs = seen.lines().zip(known.lines().chain(std::iter::repeat("")));
        let first = pairs.enumerate().find(|(_, (a, b))| a != b);
        panic!("screen '{name}' differs, first in line (now, before): {first:?}\n{seen}");
    }
}
