//! What colours mean: a bar of them with numbers.

use super::axis::Span;
use super::color::Colors;
use super::header::{self, EDGE};
use super::heatmap::UNDER;
use super::plot::Area;
use crate::scene::{Anchor, Scene, Words};
use crate::text;
use crate::theme::{Paint, SMALL};
use candelab_labs::figure::Axis;

const BAR: f64 = 14.0;
/// Between a plot and its bar.
const GAP: f64 = 14.0;

/// The name of the vertical axis above a plot's left end and, where the plot has a bar, of what it
/// means above its right end; answers where the plot may begin, and where it ends at the right.
pub(crate) fn draw_names(scene: &mut Scene, axis: &str, value: &str, bar: Option<&Colors>, y: f64) -> (f64, f64) {
    let right = scene.width - EDGE;
    let Some(colors) = bar else { return (header::axis_name(scene, axis, y, right - EDGE), right) };
    let half = scene.width / 2.0 - EDGE - 6.0;
    let top = header::axis_name(scene, axis, y, half);
    // The bar's highest number reaches above its end.
    let top = top.max(draw_name(scene, value, y, half) + 6.0);
    (top, right - room(colors) - GAP)
}

/// The bar at the right of a plot, as high as the plot.
pub(crate) fn draw_beside(scene: &mut Scene, plot: &Area, colors: &Colors) {
    draw(scene, &Area { left: plot.right + GAP, right: plot.right + GAP + BAR, ..*plot }, colors);
}

/// What the colours mean, above their bar at the right; answers where the next thing may begin.
pub(crate) fn draw_name(scene: &mut Scene, name: &str, y: f64, width: f64) -> f64 {
    let mut y = y;
    for line in text::wrap(name, width, SMALL, false) {
        y += SMALL * 1.25;
        let at = (scene.width - EDGE, y - 3.0);
        scene.words(Words::new(at, line).anchor(Anchor::End).paint(Paint::Muted));
    }
    y + 4.0
}

fn span(colors: &Colors) -> Span {
    let axis = Axis::linear("").within(colors.low, colors.high);
    Span::of(&axis, []).unwrap_or(Span::unknown(&axis))
}

/// The width of a colour bar with its numbers.
pub(crate) fn room(colors: &Colors) -> f64 {
    let ticks = span(colors).ticks(6);
    BAR + 6.0 + text::widest(ticks.iter().map(|t| t.label.as_str()), SMALL)
}

/// The colours from low to high with their numbers at the right of `area`.
pub(crate) fn draw(scene: &mut Scene, area: &Area, colors: &Colors) {
    const STEPS: usize = 96;
    let height = area.height() / STEPS as f64;
    // From above: each reaches under the next.
    for i in (0..STEPS).rev() {
        let part = (i as f64 + 0.5) / STEPS as f64;
        let value = colors.low * (1.0 - part) + colors.high * part;
        let paint = colors.at(value).map_or(Paint::NoData, Paint::Fixed);
        let y = area.bottom - (i + 1) as f64 * height;
        scene.block((area.left, y), (BAR, (height + UNDER).min(area.bottom - y)), paint);
    }
    let count = (area.height() / 36.0).clamp(1.0, 6.0) as usize;
    for tick in span(colors).ticks(count) {
        let y = area.at(0.0, tick.at).1;
        scene.line((area.left + BAR, y), (area.left + BAR + 3.0, y), Paint::Muted, 1.0);
        scene.words(Words::new((area.left + BAR + 6.0, y + SMALL * 0.36), tick.label).paint(Paint::Muted));
    }
}
