//! Curves and points over two axes.

use super::axis::Span;
use super::curve;
use super::header::{self, EDGE, Key, Marker};
use super::plot::{self, Area, Frame};
use crate::scene::{Dash, Point, Scene};
use crate::text;
use crate::theme::{Paint, SERIES, SMALL};
use candelab_labs::figure::{Lines, Role, Series};

/// How much of a band's colour covers what is under it.
pub(crate) const BAND: f64 = 0.18;
const FEW_POINTS: usize = 40;

/// How a series is drawn.
#[derive(Debug, Clone, Copy)]
struct Look {
    paint: Paint,
    marker: Marker,
    dash: Dash,
    width: f64,
    spots: Spots,
}

/// Which points of a series have a marker.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Spots {
    None,
    /// About [`SPARSE`] of them, begun at this share of their distance.
    Sparse(f64),
    All,
}

/// Markers along a dense curve that shares its colour with another one.
const SPARSE: usize = 7;

pub(crate) fn draw(scene: &mut Scene, lines: &Lines, title: Option<&str>) {
    let looks = looks(&lines.series);
    let y = header::title(scene, title);
    let entries = entries(&lines.series, &looks);
    let y = header::legend(scene, &entries, y);
    let top = header::axis_name(scene, &lines.y.label, y, scene.width - 2.0 * EDGE);
    let frame = draw_frame(scene, lines, top + 6.0);
    for (series, look) in lines.series.iter().zip(&looks) {
        draw_band(scene, &frame, series, *look);
    }
    draw_guides(scene, &frame, &lines.guides);
    // What is predicted lies over what is measured: where they agree, both can be seen.
    let predicted = |s: &Series| matches!(s.role, Role::Theory | Role::Fit);
    for last in [false, true] {
        for (series, look) in lines.series.iter().zip(&looks).filter(|(s, _)| predicted(s) == last) {
            draw_series(scene, &frame, series, *look);
        }
    }
}

/// A prediction takes the colour of the measured series whose name it begins with, so that a
/// pair can be seen as a pair; every other series has its own.
fn looks(series: &[Series]) -> Vec<Look> {
    let mut looks: Vec<Look> = Vec::new();
    let mut used = 0;
    let measured = series.iter().filter(|s| s.role == Role::Measured).count();
    for (i, s) in series.iter().enumerate() {
        let partner = partner(series, i);
        let number = used;
        let (paint, marker) = if let Some(j) = partner {
            (looks[j].paint, looks[j].marker)
        } else {
            used += 1;
            (Paint::Series(number), Marker::ALL[number % Marker::ALL.len()])
        };
        let (dash, width) = match s.role {
            Role::Measured | Role::Points => (Dash::Solid, 1.8),
            Role::Theory => (Dash::Dashed, 1.8),
            Role::Fit => (Dash::Dotted, 2.0),
        };
        let few = s.points.iter().filter(|p| p.1.is_finite()).count() <= FEW_POINTS;
        let spots = match s.role {
            Role::Points => Spots::All,
            Role::Measured if few => Spots::All,
            // Apart from one another, so that markers do not hide each other where curves meet.
            Role::Measured if measured > SERIES => Spots::Sparse(used as f64 / measured as f64),
            _ => Spots::None,
        };
        looks.push(Look { paint, marker, dash, width, spots });
    }
    looks
}

/// The legend. Predictions of several series that are called after them, `relu, mean field`, have one
/// entry together: their colours say whose they are.
fn entries(series: &[Series], looks: &[Look]) -> Vec<(Key, String)> {
    let kind = |i: usize| {
        let partner = partner(series, i)?;
        let rest = series[i].name[series[partner].name.len()..].trim_start_matches([',', ':', ' ']);
        (!rest.is_empty()).then_some(rest)
    };
    let kinds: Vec<Option<&str>> = (0..series.len()).map(kind).collect();
    let several = |kind: &str| kinds.iter().filter(|k| **k == Some(kind)).count() > 1;
    let mut entries = Vec::new();
    for (i, (s, look)) in series.iter().zip(looks).enumerate() {
        match kinds[i].filter(|kind| several(kind)) {
            None => entries.push((key(s, *look), s.name.clone())),
            Some(kind) if !kinds[..i].contains(&Some(kind)) => {
                entries.push((key(s, Look { paint: Paint::Ink, ..*look }), kind.into()));
            }
            Some(_) => {}
        }
    }
    entries
}

/// The measured series whose name the prediction at `i` begins with.
fn partner(series: &[Series], i: usize) -> Option<usize> {
    let predicted = matches!(series[i].role, Role::Theory | Role::Fit);
    let begins = |j: &usize| !series[*j].name.is_empty() && series[i].name.starts_with(&series[*j].name);
    if predicted { (0..i).filter(begins).max_by_key(|j| series[*j].name.len()) } else { None }
}

fn key(series: &Series, Look { paint, marker, dash, width, spots }: Look) -> Key {
    if series.role == Role::Points {
        return Key::Points { paint, marker };
    }
    Key::Line { paint, dash, width, marker: (spots != Spots::None).then_some(marker), band: series.band.is_some() }
}

fn draw_frame(scene: &mut Scene, lines: &Lines, top: f64) -> Frame {
    let points = || lines.series.iter().flat_map(|s| s.points.iter().copied());
    let bands = lines.series.iter().filter_map(|s| s.band.as_ref()).flatten().flat_map(|b| [b.0, b.1]);
    let guides = lines.guides.iter().map(|g| g.1);
    let found = (
        Span::of(&lines.x, points().filter(|p| p.1.is_finite()).map(|p| p.0)),
        Span::of(&lines.y, points().map(|p| p.1).chain(bands).chain(guides)),
    );
    let x = found.0.unwrap_or(Span::unknown(&lines.x));
    let y = found.1.map_or(Span::unknown(&lines.y), |s| s.aired(&lines.y));
    let (ticks, left) = plot::vertical_ticks(&y);
    let names = text::widest(lines.guides.iter().map(|g| g.0.as_str()), SMALL).min(scene.width * 0.3);
    let right = scene.width - EDGE - if names > 0.0 { names + 6.0 } else { 6.0 };
    let area = Area { left, top, right, bottom: top + plot::HEIGHT };
    plot::draw_vertical(scene, &area, &y, &ticks);
    plot::draw_floor(scene, &area, 0.0);
    plot::draw_horizontal(scene, &area, &plot::horizontal_ticks(&x, area.width()));
    let end = plot::draw_name_below(scene, &area, &lines.x.label, area.bottom + 6.0 + SMALL + 6.0);
    scene.height = end + EDGE;
    let frame = Frame { x, y, area };
    if !points().any(|p| frame.place(p).is_some()) {
        plot::draw_nothing(scene, &area);
    }
    frame
}

fn draw_guides(scene: &mut Scene, frame: &Frame, guides: &[(String, f64)]) {
    const APART: f64 = SMALL * 1.25;
    let inside = guides.iter().filter_map(|(name, height)| {
        let y = frame.area.at(0.0, frame.y.place(*height)?).1;
        frame.area.holds((frame.area.left, y)).then_some((name, y))
    });
    let mut inside: Vec<_> = inside.collect();
    inside.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut free = f64::NEG_INFINITY;
    for (name, y) in inside {
        let label_y = y.max(free);
        free = label_y + APART;
        let name = text::shorten(name, scene.width - frame.area.right - 8.0, SMALL);
        plot::draw_guide(scene, &frame.area, y, label_y, &name);
    }
}

fn draw_band(scene: &mut Scene, frame: &Frame, series: &Series, look: Look) {
    let Some(band) = &series.band else { return };
    // A lower end at or below zero has no place on a logarithmic axis, but the band reaches the floor there.
    let floor = |v: f64| if v.is_finite() && v <= 0.0 { Some(0.0) } else { frame.y.place(v) };
    let ends = series.points.iter().zip(band).map(|((x, _), (low, high))| {
        let x = frame.x.place(*x).filter(|x| (-1e-9..=1.0 + 1e-9).contains(x))?;
        let low = frame.y.place(*low).or(floor(*low))?;
        Some((frame.area.at(x, low), frame.area.at(x, frame.y.place(*high)?)))
    });
    let ends: Vec<_> = ends.collect();
    for run in ends.split(Option::is_none).filter(|run| run.len() > 1) {
        let lower = run.iter().flatten().map(|e| e.0);
        let upper = run.iter().flatten().rev().map(|e| e.1);
        let outline = lower.chain(upper).map(|p| frame.area.clamp(p)).collect();
        scene.area(outline, look.paint, BAND);
    }
}

fn draw_series(scene: &mut Scene, frame: &Frame, series: &Series, look: Look) {
    let places: Vec<_> = series.points.iter().map(|p| frame.place(*p)).collect();
    if series.role != Role::Points {
        for run in curve::runs(&places) {
            let lonely = run.len() == 1 && look.spots != Spots::All && frame.area.holds(run[0]);
            if lonely {
                scene.dot(run[0], look.width, look.paint);
            }
            for piece in curve::clip(&curve::thin(run), &frame.area) {
                scene.path(piece, look.paint, look.width, look.dash);
            }
        }
    }
    draw_spots(scene, frame, places.into_iter().flatten().collect(), look);
}

fn draw_spots(scene: &mut Scene, frame: &Frame, places: Vec<Point>, look: Look) {
    let step = (places.len() as f64 / SPARSE as f64).max(1.0);
    let (radius, first, every) = match look.spots {
        Spots::None => return,
        Spots::Sparse(start) => (3.0, (start * step) as usize, step as usize),
        Spots::All if places.len() > 200 => (1.8, 0, 1),
        Spots::All => (3.0, 0, 1),
    };
    for place in places.into_iter().skip(first).step_by(every).filter(|p| frame.area.holds(*p)) {
        look.marker.draw(scene, place, radius, look.paint);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::Shape;
    use candelab_labs::figure::Axis;

    fn lines(y: Axis, series: Vec<Series>) -> Lines {
        Lines { x: Axis::linear("x").within(0.0, 2.0), y, series, guides: vec![] }
    }

    fn paths(scene: &Scene, paint: Paint) -> Vec<Vec<Point>> {
        let mine = |s: &Shape| match s {
            Shape::Path { points, paint: p, .. } if *p == paint => Some(points.clone()),
            _ => None,
        };
        scene.shapes.iter().filter_map(mine).collect()
    }

    #[test]
    fn a_point_halfway_on_a_log_axis_is_halfway_up() {
        let points = vec![(0.0, 1e-60), (1.0, 1e-30), (2.0, 1.0)];
        let axis = Axis::log10("y").within(1e-60, 1.0);
        let mut scene = Scene::new(640.0);
        draw(&mut scene, &lines(axis, vec![Series::new("s", Role::Measured, points)]), None);
        let line = paths(&scene, Paint::Series(0)).pop().unwrap();
        assert!((line[0].1 - line[2].1 - plot::HEIGHT).abs() < 1e-9);
        assert!((line[1].1 - f64::midpoint(line[0].1, line[2].1)).abs() < 1e-9, "{line:?}");
        assert!((line[1].0 - f64::midpoint(line[0].0, line[2].0)).abs() < 1e-9, "{line:?}");
    }

    #[test]
    fn what_has_no_place_is_a_gap() {
        let points = (0..7).map(|i| (f64::from(i) / 3.0, if i == 3 { 0.0 } else { 1.0 + f64::from(i) })).collect();
        let mut scene = Scene::new(640.0);
        draw(&mut scene, &lines(Axis::log10("y"), vec![Series::new("s", Role::Theory, points)]), None);
        let drawn: Vec<usize> = paths(&scene, Paint::Series(0)).iter().map(Vec::len).collect();
        assert_eq!(drawn, [2, 3, 3], "the legend's key and the two pieces");
    }

    #[test]
    fn a_prediction_has_its_measurements_colour() {
        let series = |name: &str, role| Series::new(name, role, vec![]);
        let all = [
            series("relu", Role::Measured),
            series("tanh", Role::Measured),
            series("relu, theory", Role::Theory),
            series("tanh, fit", Role::Fit),
            series("mean field", Role::Theory),
        ];
        let paints: Vec<Paint> = looks(&all).iter().map(|l| l.paint).collect();
        assert_eq!(paints, [0, 1, 0, 1, 2].map(Paint::Series));
    }

    #[test]
    fn predictions_of_several_series_share_an_entry() {
        let named = |name: &str, role| Series::new(name, role, vec![(0.0, 1.0), (1.0, 2.0)]);
        let both = |name: &str| [named(name, Role::Measured), named(&format!("{name}, mean field"), Role::Theory)];
        let names = |series: &[Series]| entries(series, &looks(series)).into_iter().map(|e| e.1).collect::<Vec<_>>();
        assert_eq!(names(&[both("he"), both("xavier")].concat()), ["he", "mean field", "xavier"]);
        assert_eq!(names(&both("he")), ["he", "he, mean field"]);
    }

    #[test]
    fn many_dense_curves_are_told_apart_by_markers() {
        let curve = |i: usize| {
            let points = (0..200).map(|k| (f64::from(k) / 100.0, i as f64)).collect();
            Series::new(format!("s{i}"), Role::Measured, points)
        };
        let few: Vec<Series> = (0..SERIES).map(curve).collect();
        assert!(looks(&few).iter().all(|l| l.spots == Spots::None));
        let many: Vec<Series> = (0..=SERIES).map(curve).collect();
        let looks = looks(&many);
        let kind = |i: usize| (looks[i].paint, looks[i].marker);
        assert!(looks.iter().all(|l| matches!(l.spots, Spots::Sparse(_))));
        assert!((1..looks.len()).all(|i| kind(i) != kind(0)));
    }
}
