//! Names of categories: whole, wherever they are.

use super::plot::Area;
use crate::scene::{Anchor, Scene, Words};
use crate::text;
use crate::theme::{Paint, SMALL};

const LINE: f64 = SMALL * 1.2;

/// Names under a plot, one for each of its equal slots.
pub(crate) struct Names {
    lines: Vec<Vec<String>>,
    size: f64,
    turned: bool,
    every: usize,
    /// The room that they take below the plot.
    pub height: f64,
}

impl Names {
    /// Upright in up to three lines where the slots are wide enough, else turned to run upwards.
    pub(crate) fn below(names: &[String], slot: f64) -> Self {
        for size in [SMALL, 11.0, 10.0] {
            let lines: Vec<_> = names.iter().map(|n| text::wrap(n, slot - 4.0, size, false)).collect();
            let most = lines.iter().map(Vec::len).max().unwrap_or(0);
            if most <= 3 && !names.iter().any(|n| text::breaks_a_word(n, slot - 4.0, size)) {
                return Self { lines, size, turned: false, every: 1, height: most as f64 * LINE + 6.0 };
            }
        }
        // Every k-th, where even turned ones would touch.
        let every = (LINE / slot).ceil().max(1.0) as usize;
        let lines: Vec<_> = names.iter().map(|n| vec![n.clone()]).collect();
        let height = text::widest(names.iter().map(String::as_str), SMALL) + 10.0;
        Self { lines, size: SMALL, turned: true, every, height }
    }

    pub(crate) fn draw(&self, scene: &mut Scene, area: &Area) {
        let slot = area.width() / self.lines.len().max(1) as f64;
        for (i, lines) in self.lines.iter().enumerate().step_by(self.every) {
            let x = area.left + (i as f64 + 0.5) * slot;
            for (k, line) in lines.iter().enumerate() {
                let words = if self.turned {
                    Words::new((x + SMALL * 0.36, area.bottom + 6.0), line).turned().anchor(Anchor::End)
                } else {
                    let y = area.bottom + 4.0 + SMALL + k as f64 * LINE;
                    Words::new((x, y), line).anchor(Anchor::Middle)
                };
                scene.words(words.size(self.size).paint(Paint::Muted));
            }
        }
    }
}

/// Names at the left of a plot's rows, or words at their right.
pub(crate) struct Side {
    lines: Vec<Vec<String>>,
    size: f64,
    anchor: Anchor,
    /// The room that they take beside the plot.
    pub width: f64,
    /// The least height of a row in which every name is whole.
    pub row: f64,
}

impl Side {
    /// In one line where that leaves most of the picture's `width` to the plot, else in several.
    pub(crate) fn beside(names: &[String], width: f64) -> Self {
        Self::within(names, width * 0.4, SMALL, Anchor::End)
    }

    /// Words at the right: in one line where smaller letters can do that, else in several.
    pub(crate) fn after(words: &[String], width: f64) -> Self {
        let limit = width * 0.34;
        let fits = |size: &f64| text::widest(words.iter().map(String::as_str), *size) <= limit;
        let size = [SMALL, 11.0, 10.0].into_iter().find(fits).unwrap_or(10.0);
        Self::within(words, limit, size, Anchor::Start)
    }

    fn within(names: &[String], limit: f64, size: f64, anchor: Anchor) -> Self {
        let lines: Vec<_> = names.iter().map(|n| text::wrap(n, limit, size, false)).collect();
        let width = text::widest(lines.iter().flatten().map(String::as_str), size);
        let most = lines.iter().map(Vec::len).max().unwrap_or(1);
        let row = if most > 1 { most as f64 * LINE + 2.0 } else { 0.0 };
        Self { lines, size, anchor, width, row }
    }

    pub(crate) fn draw(&self, scene: &mut Scene, area: &Area) {
        let row = area.height() / self.lines.len().max(1) as f64;
        let every = (LINE / row).ceil().max(1.0) as usize;
        for (i, lines) in self.lines.iter().enumerate().step_by(every) {
            let middle = area.top + (i as f64 + 0.5) * row;
            let first = middle - (lines.len() as f64 - 1.0) / 2.0 * LINE;
            for (k, line) in lines.iter().enumerate() {
                let x = if self.anchor == Anchor::End { area.left - 6.0 } else { area.right + 8.0 };
                let at = (x, first + k as f64 * LINE + self.size * 0.36);
                scene.words(Words::new(at, line).size(self.size).anchor(self.anchor).paint(Paint::Muted));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::Shape;

    #[test]
    fn names_are_never_cut() {
        let names = ["he_normal", "xavier_normal", "a very long name that no slot can hold at all"].map(String::from);
        for slot in [10.0, 40.0, 80.0, 300.0] {
            let placed = Names::below(&names, slot);
            let area = Area { left: 50.0, top: 0.0, right: 50.0 + 3.0 * slot, bottom: 100.0 };
            let mut scene = Scene::new(400.0);
            placed.draw(&mut scene, &area);
            for shape in &scene.shapes {
                let Shape::Words(w) = shape else { continue };
                let length = text::width(&w.text, w.size, false);
                let reach = if w.turned { length + 6.0 } else { w.at.1 - 100.0 };
                assert!(reach <= placed.height, "{slot}: {w:?} needs {reach} of {}", placed.height);
                assert!(w.turned || length <= slot, "{slot}: {w:?}");
            }
        }
    }
}
