//! Distributions, one below another over one axis.

use super::axis::Span;
use super::curve;
use super::header::{self, EDGE, Key};
use super::labels::Side;
use super::plot::{self, Area};
use crate::scene::{Dash, Point, Scene};
use crate::text;
use crate::theme::{Paint, SMALL};
use candelab_labs::figure::{Histogram, Histograms};

/// How much of an area's colour covers what is under it.
pub(crate) const FILL: f64 = 0.45;
/// The line on an area's upper side.
pub(crate) const RIM: f64 = 1.3;
const MEASURED: Paint = Paint::Series(0);
const EXPECTED: Paint = Paint::Series(1);
/// More strips than this are too thin to show a shape, or make a picture that is too long.
const MOST: usize = 24;
/// The part of a row that its highest density fills.
const FILLED: f64 = 0.86;

/// What part of the axis a bin covers; `None` where it has no place on it.
type Bin = Option<(f64, f64)>;

pub(crate) fn draw(scene: &mut Scene, histograms: &Histograms, title: Option<&str>) {
    let shown: Vec<&Histogram> = shown(histograms.rows.len()).into_iter().map(|i| &histograms.rows[i]).collect();
    let y = header::title(scene, title);
    let y = header::legend(scene, &entries(&shown), y);
    let top = header::axis_name(scene, &row_name(histograms, shown.len()), y, scene.width - 2.0 * EDGE);
    let names = Side::beside(&shown.iter().map(|r| r.name.clone()).collect::<Vec<_>>(), scene.width);
    let words = Side::after(&shown.iter().map(|r| r.summary.clone()).collect::<Vec<_>>(), scene.width);
    let row = row_height(shown.len()).max(names.row).max(words.row);
    let found = Span::of(&histograms.x, histograms.edges.iter().copied());
    let span = found.unwrap_or(Span::unknown(&histograms.x));
    // The axis' first number may stand below the plot's very corner.
    let widest = text::widest(span.ticks(4).iter().map(|t| t.label.as_str()), SMALL);
    let area = Area {
        left: EDGE + (names.width + 8.0).max(widest / 2.0),
        top,
        right: scene.width - EDGE - if words.width > 0.0 { words.width + 8.0 } else { 0.0 },
        bottom: top + row * shown.len().max(1) as f64,
    };
    draw_ground(scene, histograms, &area, &span);
    names.draw(scene, &area);
    words.draw(scene, &area);
    let bins = bins(&span, &histograms.edges);
    if found.is_none() || shown.is_empty() || bins.iter().all(Option::is_none) {
        return plot::draw_nothing(scene, &area);
    }
    for (i, histogram) in shown.into_iter().enumerate() {
        let bottom = area.top + (i + 1) as f64 * row;
        draw_strip(scene, histogram, &bins, &Area { top: bottom - row * FILLED, bottom, ..area });
    }
}

/// Which of `count` rows are drawn: all of them, or evenly spaced ones with the first and the last.
fn shown(count: usize) -> Vec<usize> {
    if count <= MOST {
        return (0..count).collect();
    }
    (0..MOST).map(|i| (i as f64 * (count - 1) as f64 / (MOST - 1) as f64).round() as usize).collect()
}

/// What the rows are, and how many of them are left out.
fn row_name(histograms: &Histograms, shown: usize) -> String {
    let (name, count) = (&histograms.row_label, histograms.rows.len());
    match count - shown {
        0 => name.clone(),
        left_out => format!("{name} ({shown} of {count}, evenly spaced; {left_out} left out)").trim_start().into(),
    }
}

/// One distribution gets a plot of its own, many share a picture.
fn row_height(rows: usize) -> f64 {
    match rows {
        0 => plot::HEIGHT / 2.0,
        _ => (320.0 / rows as f64).clamp(20.0, 160.0),
    }
}

fn entries(rows: &[&Histogram]) -> Vec<(Key, String)> {
    if rows.iter().all(|r| r.expected.is_none()) {
        return Vec::new();
    }
    let line = Key::Line { paint: EXPECTED, dash: Dash::Dashed, width: 1.8, marker: None, band: false };
    vec![(Key::Area(MEASURED), "measured".into()), (line, "expected".into())]
}

/// The axis below, and what makes places in different strips comparable.
fn draw_ground(scene: &mut Scene, histograms: &Histograms, area: &Area, span: &Span) {
    let ticks = plot::horizontal_ticks(span, area.width());
    for tick in ticks.iter().filter(|t| (-1e-9..=1.0 + 1e-9).contains(&t.at)) {
        scene.line(area.at(tick.at, 0.0), area.at(tick.at, 1.0), Paint::Grid, 1.0);
    }
    plot::draw_horizontal(scene, area, &ticks);
    plot::draw_floor(scene, area, 0.0);
    let end = plot::draw_name_below(scene, area, &histograms.x.label, area.bottom + 24.0);
    scene.height = end + EDGE;
}

fn bins(span: &Span, edges: &[f64]) -> Vec<Bin> {
    let bin = |e: &[f64]| {
        let (from, to) = (span.place(e[0])?.clamp(0.0, 1.0), span.place(e[1])?.clamp(0.0, 1.0));
        (from < to).then_some((from, to))
    };
    edges.windows(2).map(bin).collect()
}

/// The density at a strip's upper end. What is measured reaches it, unless more is expected; so that an
/// expected spike leaves something to be seen, what is measured takes at least half of the strip.
fn ceiling(row: &Histogram) -> f64 {
    let highest = |d: &[f64]| d.iter().copied().filter(|v| v.is_finite()).fold(0.0, f64::max);
    let (measured, expected) = (highest(&row.density), row.expected.as_deref().map_or(0.0, highest));
    if measured > 0.0 { measured.max(expected.min(measured * 2.0)) } else { expected }
}

fn draw_strip(scene: &mut Scene, row: &Histogram, bins: &[Bin], strip: &Area) {
    scene.line(strip.at(0.0, 0.0), strip.at(1.0, 0.0), Paint::Grid, 1.0);
    let ceiling = ceiling(row);
    let up = |v: f64| (v.is_finite() && ceiling > 0.0).then(|| (v / ceiling).clamp(0.0, 1e3));
    draw_measured(scene, row.density.iter().map(|v| up(*v)), bins, strip);
    if let Some(expected) = &row.expected {
        draw_expected(scene, expected.iter().map(|v| up(*v)), bins, strip);
    }
    // An empty strip could also be one that is too flat to be seen.
    let seen = row.density.iter().zip(bins).filter(|(v, bin)| v.is_finite() && bin.is_some());
    match seen.map(|(v, _)| *v).reduce(f64::max) {
        None => plot::draw_note(scene, strip, "no data"),
        Some(highest) if highest <= 0.0 => plot::draw_note(scene, strip, "nothing within these bounds"),
        Some(_) => {}
    }
}

/// Steps: each bin is a block as high as its density, and what is measured nowhere leaves no line.
fn draw_measured(scene: &mut Scene, ups: impl Iterator<Item = Option<f64>>, bins: &[Bin], strip: &Area) {
    let steps: Vec<_> = ups.zip(bins).map(|(up, bin)| Some((up.filter(|up| *up > 0.0)?, (*bin)?))).collect();
    for run in steps.split(Option::is_none).filter(|run| !run.is_empty()) {
        let tops = run.iter().flatten().flat_map(|(up, (from, to))| [strip.at(*from, *up), strip.at(*to, *up)]);
        let mut outline = curve::thin(tops.collect());
        let (Some(first), Some(last)) = (outline.first().copied(), outline.last().copied()) else { continue };
        outline.insert(0, (first.0, strip.bottom));
        outline.push((last.0, strip.bottom));
        scene.area(outline.clone(), MEASURED, FILL);
        scene.path(outline, MEASURED, RIM, Dash::Solid);
    }
}

/// A line through the middles of the bins, or across a lonely one.
fn draw_expected(scene: &mut Scene, ups: impl Iterator<Item = Option<f64>>, bins: &[Bin], strip: &Area) {
    let steps: Vec<_> = ups.zip(bins).map(|(up, bin)| Some((up?, (*bin)?))).collect();
    for run in steps.split(Option::is_none) {
        let line: Vec<Point> = match run {
            [Some((up, (from, to)))] => vec![strip.at(*from, *up), strip.at(*to, *up)],
            _ => run.iter().flatten().map(|(up, (from, to))| strip.at(f64::midpoint(*from, *to), *up)).collect(),
        };
        for piece in curve::clip(&curve::thin(line), strip) {
            scene.path(piece, EXPECTED, 1.8, Dash::Dashed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::Shape;
    use candelab_labs::figure::Axis;

    fn row(density: &[f64], expected: Option<&[f64]>) -> Histogram {
        let expected = expected.map(<[f64]>::to_vec);
        Histogram { name: "name".into(), density: density.to_vec(), expected, summary: String::new() }
    }

    fn histograms(x: Axis, edges: &[f64], rows: Vec<Histogram>) -> Histograms {
        Histograms { x, row_label: "layer".into(), edges: edges.to_vec(), rows }
    }

    fn drawn(histograms: &Histograms) -> Scene {
        let mut scene = Scene::new(640.0);
        draw(&mut scene, histograms, None);
        scene
    }

    fn said(scene: &Scene, text: &str) -> usize {
        scene.shapes.iter().filter(|s| matches!(s, Shape::Words(w) if w.text == text)).count()
    }

    /// The filled areas; a legend's key is filled too, and is the first.
    fn areas(scene: &Scene) -> Vec<&Vec<Point>> {
        scene
            .shapes
            .iter()
            .filter_map(|s| if let Shape::Area { points, .. } = s { Some(points) } else { None })
            .collect()
    }

    fn size(points: &[Point]) -> f64 {
        let next = points.iter().cycle().skip(1);
        points.iter().zip(next).map(|(a, b)| a.0 * b.1 - b.0 * a.1).sum::<f64>().abs() / 2.0
    }

    /// The dashed lines after the legend's.
    fn dashed(scene: &Scene) -> Vec<&Vec<Point>> {
        let paths = scene.shapes.iter().filter_map(|s| match s {
            Shape::Path { points, dash: Dash::Dashed, .. } => Some(points),
            _ => None,
        });
        paths.skip(1).collect()
    }

    #[test]
    fn an_area_is_the_share_of_the_observations() {
        let edges = [0.0, 1.0, 3.0, 4.0, 8.0];
        let densities = [[0.1, 0.2, 0.3, 0.05], [0.4, 0.1, 0.2, 0.05]];
        let rows = densities.iter().map(|d| row(d, None)).collect();
        let scene = drawn(&histograms(Axis::linear("x").within(0.0, 10.0), &edges, rows));
        let areas = areas(&scene);
        assert_eq!(areas.len(), 2);
        let left = areas[0].iter().map(|p| p.0).fold(f64::INFINITY, f64::min);
        let right = areas[0].iter().map(|p| p.0).fold(0.0, f64::max);
        // 8 of the axis' 10 units have bins; two rows are 160 high each.
        let (unit, strip) = ((right - left) / 8.0, 160.0 * FILLED);
        for (area, density) in areas.iter().zip(densities) {
            let highest = density.into_iter().fold(0.0, f64::max);
            let share: f64 = density.iter().zip(edges.windows(2)).map(|(d, e)| d * (e[1] - e[0])).sum();
            assert!((size(area) - share / highest * strip * unit).abs() < 1e-6, "{} {share}", size(area));
        }
        assert!(dashed(&scene).is_empty() && said(&scene, "measured") == 0, "no legend for a single thing");
    }

    #[test]
    fn on_a_log_axis_equal_ratios_are_equally_wide() {
        let rows = vec![row(&[0.0, 1.0, 0.0], None), row(&[0.0, 0.0, 1.0], None)];
        let scene = drawn(&histograms(Axis::log10("x"), &[1e-4, 1e-3, 1e-2, 1e-1], rows));
        let ends: Vec<f64> = areas(&scene).iter().map(|a| a[a.len() - 1].0 - a[0].0).collect();
        assert!((ends[0] - ends[1]).abs() < 1e-9 && ends[0] > 50.0, "{ends:?}");
        assert_eq!((said(&scene, "10⁻³"), said(&scene, "10⁻²")), (1, 1));
    }

    /// Round numbers of this axis would be 0 alone, since longer ones touch each other.
    #[test]
    fn an_axis_has_two_numbers_at_least() {
        for bounds in [(-0.00151, 0.00149), (-1.3e-7, 0.9e-7), (0.31, 0.69)] {
            let axis = Axis::linear("x").within(bounds.0, bounds.1);
            for width in [30.0, 60.0, 90.0, 140.0, 300.0] {
                let ticks = plot::horizontal_ticks(&Span::of(&axis, []).unwrap(), width);
                assert!(ticks.len() >= 2, "{bounds:?} {width}: {ticks:?}");
            }
        }
    }

    #[test]
    fn the_expected_density_is_to_the_measured_ones_scale() {
        let edges = [0.0, 1.0, 2.0, 3.0];
        let measured = [0.2, 0.4, 0.2];
        let line = |expected: &[f64]| {
            let scene = drawn(&histograms(Axis::linear("x"), &edges, vec![row(&measured, Some(expected))]));
            assert_eq!((said(&scene, "measured"), said(&scene, "expected")), (1, 1));
            let tops = areas(&scene)[1].iter().map(|p| p.1);
            let (bottom, top) = (tops.clone().fold(0.0, f64::max), tops.fold(f64::INFINITY, f64::min));
            let line = dashed(&scene)[0].clone();
            // Heights in units of the highest measured density.
            line.iter().map(|p| (bottom - p.1) / (bottom - top)).collect::<Vec<_>>()
        };
        let close = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-9) && a.len() == b.len();
        assert!(close(&line(&[0.1, 0.2, 0.3]), &[0.25, 0.5, 0.75]));
        assert!(close(&line(&[0.1, 0.6, 0.3]), &[0.25, 1.5, 0.75]), "more is expected than was measured");
        // A spike is cut at the strip's end: twice what is measured.
        let spike = line(&[0.0, 1e9, 0.0]);
        assert!(spike.iter().all(|up| *up <= 2.0 + 1e-9), "{spike:?}");
    }

    #[test]
    fn many_rows_are_thinned_evenly_and_say_so() {
        assert_eq!(shown(24), (0..24).collect::<Vec<_>>());
        let some = shown(100);
        assert_eq!((some.len(), some[0], some[23]), (MOST, 0, 99));
        assert!(some.windows(2).all(|p| (4..=5).contains(&(p[1] - p[0]))), "{some:?}");
        assert!(shown(25).windows(2).all(|p| p[0] < p[1]));
        let rows = (0..100).map(|i| Histogram { name: format!("layer {i}"), ..row(&[1.0], None) });
        let scene = drawn(&histograms(Axis::linear("x"), &[0.0, 1.0], rows.collect()));
        assert_eq!(said(&scene, "layer (24 of 100, evenly spaced; 76 left out)"), 1);
        assert_eq!((said(&scene, "layer 0"), said(&scene, "layer 99"), areas(&scene).len()), (1, 1, MOST));
    }

    #[test]
    fn what_cannot_be_drawn_is_said() {
        let text = |rows: Vec<Histogram>, edges: &[f64]| drawn(&histograms(Axis::linear("x"), edges, rows));
        assert_eq!(said(&text(vec![], &[0.0, 1.0]), "no data"), 1);
        assert_eq!(said(&text(vec![row(&[], None)], &[]), "no data"), 1);
        assert_eq!(said(&text(vec![row(&[f64::NAN; 2], None)], &[0.0, 1.0, 2.0]), "no data"), 1);
        let zero = text(vec![row(&[0.0; 2], Some(&[0.5, 0.5]))], &[0.0, 1.0, 2.0]);
        assert_eq!(said(&zero, "nothing within these bounds"), 1);
        assert_eq!((areas(&zero).len(), dashed(&zero).len()), (1, 1), "the legend's key and what is expected");
        let one = text(vec![row(&[2.0], Some(&[1.0]))], &[0.0, 0.5]);
        let line = dashed(&one)[0];
        assert!(line.len() == 2 && line[1].0 - line[0].0 > 400.0, "across the one bin: {line:?}");
    }
}
