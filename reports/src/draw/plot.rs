//! The rectangle between two axes.

use super::axis::{Span, Tick};
use super::header::EDGE;
use crate::scene::{Anchor, Dash, Point, Scene, Words};
use crate::text;
use crate::theme::{Paint, SMALL};

/// The height of a plot, whatever stands above and below it.
pub(crate) const HEIGHT: f64 = 280.0;

/// A rectangle in the picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Area {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
}

impl Area {
    pub(crate) fn width(&self) -> f64 {
        self.right - self.left
    }

    pub(crate) fn height(&self) -> f64 {
        self.bottom - self.top
    }

    /// The place at `across` (0 left, 1 right) and `up` (0 bottom, 1 top).
    pub(crate) fn at(&self, across: f64, up: f64) -> Point {
        (self.left + across * self.width(), self.bottom - up * self.height())
    }

    pub(crate) fn holds(&self, (x, y): Point) -> bool {
        const EPS: f64 = 1e-6;
        x >= self.left - EPS && x <= self.right + EPS && y >= self.top - EPS && y <= self.bottom + EPS
    }

    /// The nearest place inside.
    pub(crate) fn clamp(&self, (x, y): Point) -> Point {
        (x.clamp(self.left, self.right), y.clamp(self.top, self.bottom))
    }
}

/// The axes' spans and their place in the picture.
pub(crate) struct Frame {
    pub x: Span,
    pub y: Span,
    pub area: Area,
}

impl Frame {
    pub(crate) fn place(&self, (x, y): Point) -> Option<Point> {
        Some(self.area.at(self.x.place(x)?, self.y.place(y)?))
    }
}

/// Numbers for a vertical axis of the usual height, and the room that they take.
pub(crate) fn vertical_ticks(span: &Span) -> (Vec<Tick>, f64) {
    let ticks = span.ticks(6);
    let room = text::widest(ticks.iter().map(|t| t.label.as_str()), SMALL);
    (ticks, EDGE + room + 8.0)
}

/// Numbers for a horizontal axis: as many as do not touch, and never one alone, which tells no scale.
pub(crate) fn horizontal_ticks(span: &Span, width: f64) -> Vec<Tick> {
    let apart = |ticks: &[Tick]| {
        let half = |t: &Tick| text::width(&t.label, SMALL, false) / 2.0 + 5.0;
        ticks.windows(2).all(|p| (p[1].at - p[0].at) * width >= half(&p[0]) + half(&p[1]))
    };
    let counts = (1..=(width / 70.0).clamp(2.0, 10.0) as usize).rev();
    let round = counts.map(|n| span.ticks(n)).find(|ticks| apart(ticks)).unwrap_or_default();
    let mut inside = round.into_iter().filter(|t| (-1e-9..=1.0 + 1e-9).contains(&t.at));
    match (inside.next(), inside.next()) {
        (Some(first), Some(second)) => [first, second].into_iter().chain(inside).collect(),
        (middle, _) => {
            let [low, high] = span.ends();
            let all: Vec<Tick> = [Some(low.clone()), middle, Some(high.clone())].into_iter().flatten().collect();
            if apart(&all) { all } else { vec![low, high] }
        }
    }
}

/// The grid, numbers and line of the vertical axis.
pub(crate) fn draw_vertical(scene: &mut Scene, area: &Area, span: &Span, ticks: &[Tick]) {
    for at in span.fine() {
        let y = area.at(0.0, at).1;
        scene.line((area.left - 3.0, y), (area.left, y), Paint::Grid, 1.0);
    }
    for tick in ticks.iter().filter(|t| (-1e-9..=1.0 + 1e-9).contains(&t.at)) {
        let y = area.at(0.0, tick.at).1;
        scene.line((area.left, y), (area.right, y), Paint::Grid, 1.0);
        let at = (area.left - 6.0, y + SMALL * 0.36);
        scene.words(Words::new(at, tick.label.clone()).anchor(Anchor::End).paint(Paint::Muted));
    }
}

/// The numbers and marks of the horizontal axis, under `area`.
pub(crate) fn draw_horizontal(scene: &mut Scene, area: &Area, ticks: &[Tick]) {
    for tick in ticks.iter().filter(|t| (-1e-9..=1.0 + 1e-9).contains(&t.at)) {
        let x = area.at(tick.at, 0.0).0;
        scene.line((x, area.bottom), (x, area.bottom + 4.0), Paint::Muted, 1.0);
        let half = text::width(&tick.label, SMALL, false) / 2.0;
        // The first and the last number may stand at the very ends of the axis; they stay in the picture.
        let x = x.min(scene.width - half - 2.0).max(EDGE + half);
        let at = (x, area.bottom + 6.0 + SMALL);
        scene.words(Words::new(at, tick.label.clone()).anchor(Anchor::Middle).paint(Paint::Muted));
    }
}

/// The line under a plot.
pub(crate) fn draw_floor(scene: &mut Scene, area: &Area, up: f64) {
    scene.line(area.at(0.0, up), area.at(1.0, up), Paint::Muted, 1.0);
}

/// The name of the horizontal axis with its top at `y`; answers where the picture may end.
pub(crate) fn draw_name_below(scene: &mut Scene, area: &Area, name: &str, y: f64) -> f64 {
    if name.is_empty() {
        return y;
    }
    let mut y = y;
    for line in text::wrap(name, scene.width - 2.0 * EDGE, SMALL, false) {
        let half = text::width(&line, SMALL, false) / 2.0;
        let middle = f64::midpoint(area.left, area.right).min(scene.width - EDGE - half).max(EDGE + half);
        y += SMALL * 1.25;
        scene.words(Words::new((middle, y - 2.0), line).anchor(Anchor::Middle).paint(Paint::Muted));
    }
    y
}

/// A level line with its name at the right, outside the plot, at height `label_y`.
pub(crate) fn draw_guide(scene: &mut Scene, area: &Area, y: f64, label_y: f64, name: &str) {
    scene.path(vec![(area.left, y), (area.right, y)], Paint::Muted, 1.2, Dash::Fine);
    scene.words(Words::new((area.right + 6.0, label_y + SMALL * 0.36), name).paint(Paint::Muted));
}

/// Says in the middle of a plot that there is nothing to show.
pub(crate) fn draw_nothing(scene: &mut Scene, area: &Area) {
    draw_note(scene, area, "no data");
}

/// A few words in the middle of `area`, on paper of their own: grid lines end beside them.
pub(crate) fn draw_note(scene: &mut Scene, area: &Area, text: &str) {
    let (x, y) = area.at(0.5, 0.5);
    let width = text::width(text, SMALL, false) + 8.0;
    scene.block((x - width / 2.0, y - SMALL * 0.6), (width, SMALL * 1.2), Paint::Paper);
    scene.words(Words::new((x, y + SMALL * 0.36), text).anchor(Anchor::Middle).paint(Paint::Muted));
}
