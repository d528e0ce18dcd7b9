//! Text measured in terminal cells, never in bytes or characters.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The number of cells that `text` takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// `text` in at most `cells` cells; of a longer one the beginning and the end, which names that begin
/// alike need to be told apart.
pub fn fit_middle(text: &str, cells: usize) -> String {
    if width(text) <= cells || cells < 4 {
        return fit(text, cells);
    }
    let mut tail = text;
    while width(tail) > cells / 2 {
        let mut rest = tail.chars();
        rest.next();
        tail = rest.as_str();
    }
    fit(text, cells - width(tail)) + tail
}

/// `text` in at most `cells` cells; what was cut off is marked by `~`, which is one cell wide
/// everywhere (an ellipsis is two in some terminals).
pub fn fit(text: &str, cells: usize) -> String {
    if width(text) <= cells {
        return text.to_owned();
    }
    let mut fitted = String::new();
    let mut used = 0;
    for c in text.chars() {
        let w = c.width().unwrap_or(0);
        if used + w + 1 > cells {
            break;
        }
        used += w;
        fitted.push(c);
    }
    if cells > 0 {
        fitted.push('~');
    }
    fitted
}

/// `text` cut or filled with blanks to exactly `cells` cells.
pub fn pad(text: &str, cells: usize) -> String {
    let mut padded = fit(text, cells);
    padded.extend(std::iter::repeat_n(' ', cells.saturating_sub(width(&padded))));
    padded
}

/// `text` cut or filled with blanks on the left to exactly `cells` cells.
pub fn pad_left(text: &str, cells: usize) -> String {
    let fitted = fit(text, cells);
    format!("{}{fitted}", " ".repeat(cells.saturating_sub(width(&fitted))))
}

/// `text` broken between words into lines of at most `cells` cells; a longer word is cut.
pub fn wrap(text: &str, cells: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let needed = width(&line) + usize::from(!line.is_empty()) + width(word);
        if needed > cells && !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&fit(word, cells));
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// The same in at most `most` lines; where there is more, the last one says so.
pub fn wrap_most(text: &str, cells: usize, most: usize) -> Vec<String> {
    let mut lines = wrap(text, cells);
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            while width(last) + 4 > cells {
                let Some(at) = last.rfind(' ') else { break };
                last.truncate(at);
            }
            last.push_str(" ...");
        }
    }
    lines
}

/// A number in at most seven cells, with three significant digits: for cells of a heat map.
pub fn short(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() {
        return "-".into();
    }
    if size == 0.0 {
        return "0".into();
    }
    if !(1e-2..1e4).contains(&size) {
        return format!("{value:.1e}");
    }
    let digits = (2 - size.log10().floor() as i32).max(0) as usize;
    let text = format!("{value:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').into() } else { text }
}

/// A number with four significant digits, or `-` where there is none.
pub fn rounded(value: f64) -> String {
    if value.is_nan() { "-".into() } else { candelab_labs::figure::readable(value) }
}

/// A number in the shortest text that reads back as the same number, for a person: no `.0`.
pub fn exact(value: f64) -> String {
    let text = candelab_labs::figure::number(value);
    text.strip_suffix(".0").map_or_else(|| text.clone(), str::to_owned)
}

/// Seconds as a person says them: `7 s`, `3:05`, `2 h 10 min`.
pub fn duration(seconds: f64) -> String {
    let s = seconds.round().max(0.0) as u64;
    match s {
        0..60 => format!("{s} s"),
        60..3600 => format!("{}:{:02}", s / 60, s % 60),
        _ => format!("{} h {:02} min", s / 3600, s % 3600 / 60),
    }
}

/// Whether the letters of `needle` occur in `hay` in this order, whatever their case.
pub fn matches(hay: &str, needle: &str) -> bool {
    let mut letters = hay.chars().flat_map(char::to_lowercase);
    needle.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).all(|n| letters.any(|h| h == n))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_begin_alike_stay_apart() {
        let [batch, layer] = ["+batch", "+layer"].map(|end| fit_middle(&format!("relu xavier_normal {end}"), 20));
        assert!(batch != layer && batch.starts_with("relu xa") && batch.ends_with("+batch"), "{batch}");
        assert_eq!((width(&batch), fit_middle("short", 20).as_str()), (20, "short"));
    }

    #[test]
    fn wide_characters_count_as_two_cells() {
        assert_eq!(fit("梯度消失", 5), "梯度~");
        assert_eq!(pad("梯度", 5), "梯度 ");
        assert_eq!(width(&fit("gradient_factor", 8)), 8);
    }

    #[test]
    fn wrapping_keeps_every_word_and_the_width() {
        let lines = wrap("the gradient shrinks by a quarter per layer", 12);
        assert!(lines.iter().all(|l| width(l) <= 12));
        assert_eq!(lines.join(" "), "the gradient shrinks by a quarter per layer");
        assert_eq!(wrap_most("the gradient shrinks by a quarter", 12, 2), ["the gradient", "shrinks ..."]);
    }

    #[test]
    fn short_numbers_and_durations() {
        assert_eq!(short(-3.251), "-3.25");
        assert_eq!(short(0.000_123), "1.2e-4");
        assert_eq!(short(100.0), "100");
        assert_eq!(duration(185.2), "3:05");
        assert_eq!(duration(7800.0), "2 h 10 min");
    }

    #[test]
    fn letters_match_in_order() {
        assert!(matches("gradient_factor", "GrFac"));
        assert!(!matches("loss", "ol"));
    }
}
