//! A function over a plane: its values as colours, its level lines, and points.

use super::axis::Span;
use super::color::Colors;
use super::header::{self, EDGE, Key};
use super::plot::{self, Area, Frame};
use super::{colorbar, contour, heatmap};
use crate::scene::{Dash, Point, Scene};
use crate::theme::Paint;
use candelab_labs::figure::Field;

pub(crate) fn draw(scene: &mut Scene, field: &Field, title: Option<&str>, color_bar: bool) {
    let known = field.rows() > 0 && field.values.iter().any(|v| v.is_finite());
    let colors = Colors::of(field.palette, Some(field.bounds), &field.values);
    let colors = colors.filter(|_| known || !field.points.is_empty());
    let bar = colors.filter(|_| color_bar);
    let y = header::title(scene, title);
    let y = header::legend(scene, &entries(field, known, colors), y);
    let (top, right) = colorbar::draw_names(scene, &field.y.label, &field.value_label, bar.as_ref(), y);
    let frame = draw_frame(scene, field, top + 2.0, right);
    draw_cells(scene, field, &frame.area, colors);
    draw_contours(scene, field, &frame.area);
    scene.outline(frame.area.at(0.0, 1.0), (frame.area.width(), frame.area.height()), Paint::Muted, 1.0);
    let shown = draw_points(scene, field, &frame, colors);
    if !known && shown == 0 {
        plot::draw_nothing(scene, &frame.area);
    }
    if let Some(colors) = bar {
        colorbar::draw_beside(scene, &frame.area, &colors);
    }
}

fn entries(field: &Field, known: bool, colors: Option<Colors>) -> Vec<(Key, String)> {
    let mut entries = Vec::new();
    let (levels, meaning) = &field.contours;
    if known && !levels.is_empty() && !meaning.is_empty() {
        let key = Key::Line { paint: Paint::Ink, dash: Dash::Solid, width: LINE, marker: None, band: false };
        entries.push((key, meaning.clone()));
    }
    if let Some(colors) = colors.filter(|_| !field.points.is_empty() && !field.point_label.is_empty()) {
        // One of a low and one of a high value: a single colour would seem to be the colour of them all.
        let ends = [colors.low, colors.high].map(|v| paint(Some(colors), v));
        entries.push((Key::Rimmed(ends), field.point_label.clone()));
    }
    entries
}

fn paint(colors: Option<Colors>, value: f64) -> Paint {
    colors.and_then(|c| c.at(value)).map_or(Paint::NoData, Paint::Fixed)
}

/// Axes, numbers and names; a plot a little wider than it is high.
fn draw_frame(scene: &mut Scene, field: &Field, top: f64, right: f64) -> Frame {
    let span = |axis| Span::of(axis, []).unwrap_or(Span::unknown(axis));
    let (x, y) = (span(&field.x), span(&field.y));
    let (ticks, left) = plot::vertical_ticks(&y);
    let bottom = top + ((right - left) * 0.86).clamp(160.0, 460.0);
    let area = Area { left, top, right, bottom };
    plot::draw_vertical(scene, &area, &y, &ticks);
    for tick in ticks.iter().filter(|t| (-1e-9..=1.0 + 1e-9).contains(&t.at)) {
        let y = area.at(0.0, tick.at).1;
        scene.line((area.left - 4.0, y), (area.left, y), Paint::Muted, 1.0);
    }
    plot::draw_horizontal(scene, &area, &plot::horizontal_ticks(&x, area.width()));
    let end = plot::draw_name_below(scene, &area, &field.x.label, area.bottom + 24.0);
    scene.height = end + EDGE;
    Frame { x, y, area }
}

fn draw_cells(scene: &mut Scene, field: &Field, area: &Area, colors: Option<Colors>) {
    let rows = field.rows();
    let cell = (area.width() / field.columns.max(1) as f64, area.height() / rows.max(1) as f64);
    for (row, values) in field.values.chunks_exact(field.columns.max(1)).take(rows).enumerate() {
        heatmap::draw_row(scene, values, colors, (area, area.top + row as f64 * cell.1), cell);
    }
}

const LINE: f64 = 2.0;

/// Each line in ink with paper at both sides, so that it can be seen on any colour.
fn draw_contours(scene: &mut Scene, field: &Field, area: &Area) {
    let (rows, columns) = (field.rows().max(1) as f64, field.columns.max(1) as f64);
    let place = |p: &Point| area.at(p.0 / columns, 1.0 - p.1 / rows);
    let levels = field.contours.0.iter();
    let lines = levels.flat_map(|level| contour::lines(&field.values, field.columns, *level));
    let lines: Vec<Vec<Point>> = lines.map(|line| line.iter().map(place).collect()).collect();
    for (paint, width) in [(Paint::Paper, LINE + 2.4), (Paint::Ink, LINE)] {
        for line in &lines {
            scene.path(line.clone(), paint, width, Dash::Solid);
        }
    }
}

/// Answers how many points lie in the plane.
fn draw_points(scene: &mut Scene, field: &Field, frame: &Frame, colors: Option<Colors>) -> usize {
    let places = field.points.iter().filter_map(|(x, y, value)| Some((frame.place((*x, *y))?, *value)));
    let inside: Vec<_> = places.filter(|(at, _)| frame.area.holds(*at)).collect();
    let radius = if inside.len() > 300 { 2.2 } else { 3.2 };
    for (at, value) in &inside {
        header::draw_rimmed(scene, *at, radius, paint(colors, *value));
    }
    inside.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::{Format, grid};
    use crate::scene::{Shape, Words};
    use candelab_labs::Figure;
    use candelab_labs::figure::{Axis, Kind, Palette};

    /// x + y over (0, 4) by (0, 2), largest y first.
    fn plane(rows: usize, columns: usize) -> Field {
        let mut field = Field {
            x: Axis::linear("across").within(0.0, 4.0),
            y: Axis::linear("upward").within(0.0, 2.0),
            columns,
            values: vec![],
            value_label: "sum".into(),
            palette: Palette::Sequential,
            bounds: (0.0, 6.0),
            contours: (vec![2.5], "sum is 2.5".into()),
            points: vec![(1.0, 0.5, 6.0), (3.0, 9.0, 0.0), (f64::NAN, 1.0, 1.0)],
            point_label: "sample".into(),
        };
        let centre = |i: usize| field.centre(rows, i / columns, i % columns);
        field.values = (0..rows * columns).map(|i| centre(i).0 + centre(i).1).collect();
        field
    }

    fn drawn(field: &Field) -> Scene {
        let mut scene = Scene::new(640.0);
        draw(&mut scene, field, None, true);
        scene
    }

    /// The frame about the values.
    fn area(scene: &Scene) -> Area {
        let frame = scene.shapes.iter().find_map(|s| match s {
            Shape::Outline { at, width, height, .. } => {
                Some(Area { left: at.0, top: at.1, right: at.0 + width, bottom: at.1 + height })
            }
            _ => None,
        });
        frame.unwrap()
    }

    fn words(scene: &Scene) -> Vec<&Words> {
        scene.shapes.iter().filter_map(|s| if let Shape::Words(w) = s { Some(w) } else { None }).collect()
    }

    /// Contour lines in the field's own coordinates; a legend's key is outside the frame.
    fn lines(scene: &Scene) -> Vec<Vec<Point>> {
        let area = area(scene);
        let inside = |s: &Shape| match s {
            Shape::Path { points, paint: Paint::Ink, .. } if points.iter().all(|p| area.holds(*p)) => {
                let back =
                    |p: &Point| (4.0 * (p.0 - area.left) / area.width(), 2.0 * (area.bottom - p.1) / area.height());
                Some(points.iter().map(back).collect())
            }
            _ => None,
        };
        scene.shapes.iter().filter_map(inside).collect()
    }

    #[test]
    fn a_plane_has_a_straight_line_at_its_level() {
        let lines = lines(&drawn(&plane(20, 31)));
        assert_eq!(lines.len(), 1);
        let line = &lines[0];
        assert!(line.len() > 25 && line.iter().all(|p| (p.0 + p.1 - 2.5).abs() < 1e-9), "{line:?}");
        assert!(line.windows(2).all(|p| (p[0].0 < p[1].0) == (line[0].0 < 1.0)), "it turns back: {line:?}");
        // Through the whole plane: from the upper border to the lower one.
        let heights = line.iter().map(|p| p.1);
        let ends = heights.fold((f64::INFINITY, 0.0_f64), |(low, high), y| (low.min(y), high.max(y)));
        assert!(ends.0.abs() < 1e-9 && (ends.1 - 2.0).abs() < 1e-9, "{ends:?}");
    }

    #[test]
    fn cells_have_their_values_colours_and_cover_the_frame() {
        let mut field = plane(2, 3);
        field.values = vec![6.0, 6.0, 0.0, f64::NAN, 3.0, 0.0];
        field.contours.0.clear();
        let scene = drawn(&field);
        let area = area(&scene);
        let blocks = scene.shapes.iter().filter_map(|s| match s {
            Shape::Block { at, width, height, paint } if at.0 < area.right - 1e-6 => {
                Some((*at, (at.0 + width, at.1 + height), *paint))
            }
            _ => None,
        });
        let blocks: Vec<_> = blocks.collect();
        let colour = |t| {
            let c = colorous::VIRIDIS.eval_continuous(t);
            Paint::Fixed([c.r, c.g, c.b])
        };
        let paints: Vec<Paint> = blocks.iter().map(|b| b.2).collect();
        assert_eq!(paints, [colour(1.0), colour(0.0), Paint::NoData, colour(0.5), colour(0.0)]);
        // Two cells of one colour are one block, from the upper left corner of the frame.
        assert_eq!(blocks[0].0, (area.left, area.top));
        // Each reaches under its right and lower neighbours, so that no seam shows in print, and none over the frame.
        let close = |a: Point, b: Point| (a.0 - b.0).hypot(a.1 - b.1) < 1e-9;
        let inner = area.at(2.0 / 3.0, 0.5);
        assert!(close(blocks[0].1, (inner.0 + heatmap::UNDER, inner.1 + heatmap::UNDER)), "{blocks:?}");
        assert!(close(blocks[1].1, (area.right, inner.1 + heatmap::UNDER)), "{blocks:?}");
        assert!(close(blocks[4].1, (area.right, area.bottom)), "{blocks:?}");
    }

    #[test]
    fn points_lie_at_their_place_in_their_colour() {
        let scene = drawn(&plane(4, 4));
        let area = area(&scene);
        let inside = |s: &Shape| match s {
            Shape::Dot { at, paint, .. } if area.holds(*at) => Some((*at, *paint)),
            _ => None,
        };
        let dots: Vec<_> = scene.shapes.iter().filter_map(inside).collect();
        // One of three is in the plane: rim, rim, colour.
        assert_eq!(dots.len(), 3);
        let at = area.at(0.25, 0.25);
        assert!(dots.iter().all(|d| (d.0.0 - at.0).hypot(d.0.1 - at.1) < 1e-9), "{dots:?}");
        let high = colorous::VIRIDIS.eval_continuous(1.0);
        assert_eq!(dots[2].1, Paint::Fixed([high.r, high.g, high.b]));
        let said: Vec<&str> = words(&scene).iter().map(|w| w.text.as_str()).collect();
        for text in ["across", "upward", "sum", "sample", "sum is 2.5", "4", "2.0", "6"] {
            assert!(said.contains(&text), "{text}: {said:?}");
        }
    }

    #[test]
    fn what_is_not_known_yet_is_an_empty_frame() {
        let empty = Field { values: vec![], points: vec![], ..plane(0, 5) };
        let scene = drawn(&empty);
        assert!(words(&scene).iter().any(|w| w.text == "no data") && area(&scene).height() > 100.0);
        assert!(!scene.shapes.iter().any(|s| matches!(s, Shape::Block { paint, .. } if *paint != Paint::Paper)));
        // Samples can be there before the first value is.
        let scene = drawn(&Field { values: vec![], ..plane(0, 5) });
        assert!(!words(&scene).iter().any(|w| w.text == "no data" || w.text == "sum is 2.5"));
        let unknown = drawn(&Field { values: vec![f64::NAN; 6], points: vec![], ..plane(2, 3) });
        assert!(words(&unknown).iter().any(|w| w.text == "no data") && lines(&unknown).is_empty());
    }

    #[test]
    fn a_constant_field_has_no_line_even_at_its_level() {
        let scene = drawn(&Field { values: vec![2.5; 12], ..plane(3, 4) });
        assert!(lines(&scene).is_empty());
        let one = drawn(&Field { columns: 1, values: vec![4.0, 3.0, 1.0], ..plane(3, 1) });
        assert_eq!(lines(&one).len(), 1, "one column is cut across");
        assert!(lines(&one)[0].iter().all(|p| (p.1 - (1.0 / 3.0 + 0.5)).abs() < 1e-9), "{:?}", lines(&one));
    }

    #[test]
    fn a_grid_of_one_scale_has_one_bar() {
        let figure = |bounds| Figure {
            id: String::new(),
            title: String::new(),
            caption: String::new(),
            kind: Kind::Field(Field { bounds, ..plane(3, 3) }),
        };
        let bars = |figures: &[Figure]| {
            let mut scene = Scene::new(Format::FILE.width);
            grid::draw(&mut scene, figures, None);
            words(&scene).iter().filter(|w| w.text == "sum").count()
        };
        assert_eq!(bars(&[figure((0.0, 6.0)), figure((0.0, 6.0)), figure((0.0, 6.0))]), 1);
        assert_eq!(bars(&[figure((0.0, 6.0)), figure((0.0, 5.0))]), 2);
        assert_eq!(bars(&[figure((0.0, f64::NAN)), figure((0.0, f64::NAN))]), 2);
    }
}
