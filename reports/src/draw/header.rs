//! What stands above a picture: its title, and the legend in as many rows as it needs.

use crate::scene::{Dash, Point, Scene, Words};
use crate::text;
use crate::theme::{Paint, SMALL, TITLE};

/// The least distance of anything from a picture's edge.
pub(crate) const EDGE: f64 = 12.0;
const ROW: f64 = 18.0;

/// A series' form besides its colour.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Marker {
    Circle,
    Square,
    Up,
    Diamond,
    Down,
    Cross,
}

impl Marker {
    pub(crate) const ALL: [Self; 6] = [Self::Circle, Self::Square, Self::Up, Self::Diamond, Self::Down, Self::Cross];

    /// Draws itself about `at`; all of them cover about as much paper as a circle of that radius.
    pub(crate) fn draw(self, scene: &mut Scene, at: Point, radius: f64, paint: Paint) {
        let corners: &[Point] = match self {
            Self::Circle => return scene.dot(at, radius, paint),
            Self::Square => &[(-0.89, -0.89), (0.89, -0.89), (0.89, 0.89), (-0.89, 0.89)],
            Self::Up => &[(0.0, -1.3), (1.2, 0.8), (-1.2, 0.8)],
            Self::Diamond => &[(0.0, -1.3), (1.2, 0.0), (0.0, 1.3), (-1.2, 0.0)],
            Self::Down => &[(0.0, 1.3), (1.2, -0.8), (-1.2, -0.8)],
            Self::Cross => {
                let arm = radius;
                for (dx, dy) in [(arm, arm), (arm, -arm)] {
                    scene.line((at.0 - dx, at.1 - dy), (at.0 + dx, at.1 + dy), paint, radius * 0.65);
                }
                return;
            }
        };
        scene.area(corners.iter().map(|c| (at.0 + c.0 * radius, at.1 + c.1 * radius)).collect(), paint, 1.0);
    }
}

/// What a legend shows before a name.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Key {
    Line {
        paint: Paint,
        dash: Dash,
        width: f64,
        marker: Option<Marker>,
        band: bool,
    },
    Points {
        paint: Paint,
        marker: Marker,
    },
    Fill(Paint),
    Outline(Paint),
    /// Two points with rims.
    Rimmed([Paint; 2]),
    /// A filled area under a line.
    Area(Paint),
}

impl Key {
    fn width(self) -> f64 {
        match self {
            Self::Line { .. } => 26.0,
            Self::Points { .. } | Self::Fill(_) => 12.0,
            Self::Outline(_) | Self::Area(_) => 18.0,
            Self::Rimmed(_) => 22.0,
        }
    }
}

/// Puts the title into `scene`; answers where the next thing may begin.
pub(crate) fn title(scene: &mut Scene, title: Option<&str>) -> f64 {
    let Some(title) = title else { return EDGE };
    let mut y = EDGE;
    for line in text::wrap(title, scene.width - 2.0 * EDGE, TITLE, true) {
        y += TITLE * 1.2;
        scene.words(Words::new((EDGE, y - TITLE * 0.3), line).size(TITLE).bold());
    }
    y + 6.0
}

/// Puts a legend under `y`; answers where the next thing may begin.
pub(crate) fn legend(scene: &mut Scene, entries: &[(Key, String)], y: f64) -> f64 {
    if entries.is_empty() {
        return y;
    }
    let right = scene.width - EDGE;
    let (mut x, mut row) = (EDGE, y);
    for (key, name) in entries {
        let indent = key.width() + 6.0;
        let name = text::shorten(name, right - EDGE - indent, SMALL);
        let width = indent + text::width(&name, SMALL, false);
        if x > EDGE && x + width > right {
            (x, row) = (EDGE, row + ROW);
        }
        draw_key(scene, *key, (x, row + ROW / 2.0));
        scene.words(Words::new((x + indent, row + ROW / 2.0 + SMALL * 0.36), name));
        x += width + 18.0;
    }
    row + ROW + 4.0
}

fn draw_key(scene: &mut Scene, key: Key, (x, y): Point) {
    let width = key.width();
    let (end, middle) = (x + width, (x + width / 2.0, y));
    match key {
        Key::Line { paint, dash, width, marker, band } => {
            if band {
                let (top, bottom) = (y - 5.0, y + 5.0);
                scene.area(vec![(x, top), (end, top), (end, bottom), (x, bottom)], paint, super::lines::BAND);
            }
            scene.path(vec![(x, y), (end, y)], paint, width, dash);
            if let Some(marker) = marker {
                marker.draw(scene, middle, 3.0, paint);
            }
        }
        Key::Points { paint, marker } => marker.draw(scene, middle, 3.4, paint),
        Key::Fill(paint) => scene.block((x, y - 6.0), (12.0, 12.0), paint),
        Key::Outline(paint) => scene.outline((x + 1.0, y - 5.0), (16.0, 10.0), paint, 2.0),
        Key::Rimmed([first, second]) => {
            draw_rimmed(scene, (x + 5.5, y), 3.2, first);
            draw_rimmed(scene, (end - 5.5, y), 3.2, second);
        }
        Key::Area(paint) => {
            let [top, bottom] = [-4.0, 6.0].map(|dy| [(x, y + dy), (end, y + dy)]);
            scene.area(vec![top[0], top[1], bottom[1], bottom[0]], paint, super::histograms::FILL);
            scene.path(top.to_vec(), paint, super::histograms::RIM, Dash::Solid);
        }
    }
}

/// A point whose colour means a value: a rim of ink and one of paper set it off from any ground.
pub(crate) fn draw_rimmed(scene: &mut Scene, at: Point, radius: f64, paint: Paint) {
    scene.dot(at, radius + 2.0, Paint::Paper);
    scene.dot(at, radius + 1.1, Paint::Ink);
    scene.dot(at, radius, paint);
}

/// An axis' name, upright above its top end; answers where the next thing may begin.
pub(crate) fn axis_name(scene: &mut Scene, name: &str, y: f64, width: f64) -> f64 {
    if name.is_empty() {
        return y;
    }
    let mut y = y;
    for line in text::wrap(name, width, SMALL, false) {
        y += SMALL * 1.25;
        scene.words(Words::new((EDGE, y - 3.0), line).paint(Paint::Muted));
    }
    y + 4.0
}
