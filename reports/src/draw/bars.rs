//! Values of categories.

use super::axis::{Span, Tick, short};
use super::header::{self, EDGE, Key};
use super::labels::Names;
use super::plot::{self, Area};
use crate::scene::{Anchor, Point, Scene, Words};
use crate::text;
use crate::theme::{Paint, SMALL, TINY};
use candelab_labs::figure::{Bars, Scale};

pub(crate) fn draw(scene: &mut Scene, bars: &Bars, title: Option<&str>) {
    let y = header::title(scene, title);
    let legible = bars.groups.iter().enumerate().filter(|(_, g)| !g.0.is_empty());
    let entries: Vec<_> = legible.map(|(i, g)| (Key::Fill(Paint::Series(i)), g.0.clone())).collect();
    let y = header::legend(scene, &entries, y);
    let top = header::axis_name(scene, &bars.y.label, y, scene.width - 2.0 * EDGE) + 14.0;
    // A bar's length is its value only where the axis begins at zero.
    let zero = (bars.y.scale == Scale::Linear).then_some(0.0);
    let values = || bars.groups.iter().flat_map(|g| g.1.iter().copied().take(bars.categories.len()));
    let known = values().any(f64::is_finite);
    let span = if known { Span::of(&bars.y, values().chain(zero)) } else { None };
    let span = span.map_or(Span::unknown(&bars.y), |s| s.aired(&bars.y));
    let (ticks, left) = plot::vertical_ticks(&span);
    let area = Area { left, top, right: scene.width - EDGE, bottom: top + plot::HEIGHT };
    let names = Names::below(&bars.categories, area.width() / bars.categories.len().max(1) as f64);
    draw_ground(scene, &area, &span, &ticks);
    names.draw(scene, &area);
    let end = plot::draw_name_below(scene, &area, &bars.x_label, area.bottom + names.height + 4.0);
    scene.height = end + EDGE;
    if known {
        draw_bars(scene, bars, &area, &span);
        plot::draw_floor(scene, &area, span.base());
    } else {
        plot::draw_nothing(scene, &area);
    }
}

fn draw_ground(scene: &mut Scene, area: &Area, span: &Span, ticks: &[Tick]) {
    plot::draw_vertical(scene, area, span, ticks);
    plot::draw_floor(scene, area, 0.0);
}

fn draw_bars(scene: &mut Scene, bars: &Bars, area: &Area, span: &Span) {
    let slot = area.width() / bars.categories.len().max(1) as f64;
    let wide = (slot * 0.8 / bars.groups.len().max(1) as f64).min(56.0);
    let values = bars.groups.iter().flat_map(|g| g.1.iter().map(|v| short(*v)));
    let texts: Vec<String> = values.collect();
    let fits = |size: &f64| text::widest(texts.iter().map(String::as_str), *size) <= wide + 4.0;
    let size = [SMALL, TINY].into_iter().find(fits);
    for category in 0..bars.categories.len() {
        let middle = area.left + (category as f64 + 0.5) * slot;
        let first = middle - wide * bars.groups.len() as f64 / 2.0;
        for (group, (_, values)) in bars.groups.iter().enumerate() {
            let value = values.get(category).copied().unwrap_or(f64::NAN);
            let left = first + group as f64 * wide;
            match span.place(value) {
                Some(up) => draw_bar(scene, area, (left, wide), (span.base(), up), (value, group, size)),
                None => draw_absent(scene, (left + wide / 2.0, area.at(0.0, span.base()).1), wide),
            }
        }
    }
}

fn draw_bar(
    scene: &mut Scene,
    area: &Area,
    (left, wide): (f64, f64),
    (base, up): (f64, f64),
    (value, group, size): (f64, usize, Option<f64>),
) {
    let (floor, end) = (area.at(0.0, base).1, area.at(0.0, up.clamp(0.0, 1.0)).1);
    let gap = (wide * 0.08).min(2.0);
    let at = (left + gap, floor.min(end));
    scene.block(at, (wide - 2.0 * gap, (floor - end).abs()), Paint::Series(group));
    let Some(size) = size else { return };
    let y = if end <= floor { end - 4.0 } else { end + size };
    let words = Words::new((left + wide / 2.0, y), short(value)).size(size).anchor(Anchor::Middle);
    scene.words(words);
}

/// No bar could also mean zero, so its place says that there is no value.
fn draw_absent(scene: &mut Scene, (x, floor): Point, wide: f64) {
    let words = Words::new((x, floor - 4.0), "n/a").size(TINY).paint(Paint::Muted);
    let turned = text::width("n/a", TINY, false) > wide;
    let words = if turned { words.turned() } else { words.anchor(Anchor::Middle) };
    scene.words(words);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::Shape;
    use candelab_labs::figure::Axis;

    #[test]
    fn lengths_follow_values_from_zero() {
        let bars = Bars {
            y: Axis::linear("y"),
            x_label: "x".into(),
            categories: ["a", "b", "c"].map(String::from).to_vec(),
            groups: vec![("g".into(), vec![10.0, -5.0, f64::NAN])],
        };
        let mut scene = Scene::new(640.0);
        draw(&mut scene, &bars, None);
        let block = |s: &Shape| match s {
            Shape::Block { height, paint: Paint::Series(0), .. } => Some(*height),
            _ => None,
        };
        // The first block is the legend's.
        let heights: Vec<f64> = scene.shapes.iter().filter_map(block).skip(1).collect();
        assert_eq!(heights.len(), 2);
        assert!((heights[0] - 2.0 * heights[1]).abs() < 1e-9, "{heights:?}");
        let said = |t: &str| scene.shapes.iter().any(|s| matches!(s, Shape::Words(w) if w.text == t));
        assert!(said("n/a") && said("−5") && said("10"));
    }
}
