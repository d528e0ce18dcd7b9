//! Curves within a plot: cut at gaps and at the plot's edges, and no finer than can be seen.

use super::plot::Area;
use crate::scene::Point;

/// The unbroken runs of `points`.
pub(crate) fn runs(points: &[Option<Point>]) -> Vec<Vec<Point>> {
    let runs = points.split(Option::is_none).map(|run| run.iter().flatten().copied().collect::<Vec<_>>());
    runs.filter(|run| !run.is_empty()).collect()
}

/// The pieces of a line that lie inside `area`.
pub(crate) fn clip(line: &[Point], area: &Area) -> Vec<Vec<Point>> {
    let mut pieces: Vec<Vec<Point>> = Vec::new();
    for pair in line.windows(2) {
        let Some((from, to)) = clip_stroke(pair[0], pair[1], area) else { continue };
        match pieces.last_mut() {
            Some(piece) if piece.last() == Some(&from) => piece.push(to),
            _ => pieces.push(vec![from, to]),
        }
    }
    pieces
}

/// The part of a stroke inside `area` (Liang and Barsky, 1984).
fn clip_stroke(a: Point, b: Point, area: &Area) -> Option<(Point, Point)> {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let sides = [(-dx, a.0 - area.left), (dx, area.right - a.0), (-dy, a.1 - area.top), (dy, area.bottom - a.1)];
    let (mut from, mut to) = (0.0_f64, 1.0_f64);
    for (speed, distance) in sides {
        if speed == 0.0 {
            if distance < 0.0 {
                return None;
            }
        } else if speed < 0.0 {
            from = from.max(distance / speed);
        } else {
            to = to.min(distance / speed);
        }
    }
    let at = |t: f64| if t == 0.0 { a } else { (a.0 + t * dx, a.1 + t * dy) };
    let end = if to >= 1.0 { b } else { at(to) };
    (from <= to).then(|| (at(from), end))
}

/// A line with many points to a unit of the picture, with the first, lowest, highest and last of
/// each unit: it looks the same, spikes and all.
pub(crate) fn thin(line: Vec<Point>) -> Vec<Point> {
    const FEW: usize = 2000;
    if line.len() <= FEW {
        return line;
    }
    let mut kept = Vec::new();
    for unit in line.chunk_by(|a, b| a.0.floor() as i64 == b.0.floor() as i64) {
        let by_height = |a: &&(usize, &Point), b: &&(usize, &Point)| a.1.1.total_cmp(&b.1.1);
        let numbered: Vec<_> = unit.iter().enumerate().collect();
        let ends = [numbered.iter().min_by(by_height), numbered.iter().max_by(by_height)];
        let mut keep: Vec<usize> = ends.into_iter().flatten().map(|p| p.0).collect();
        keep.extend([0, unit.len() - 1]);
        keep.sort_unstable();
        keep.dedup();
        kept.extend(keep.into_iter().map(|i| unit[i]));
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    const AREA: Area = Area { left: 0.0, top: 0.0, right: 10.0, bottom: 10.0 };

    #[test]
    fn a_line_is_cut_at_the_edges() {
        let line = [(-5.0, 5.0), (5.0, 5.0), (5.0, 25.0), (6.0, 25.0), (6.0, 5.0)];
        let pieces = clip(&line, &AREA);
        assert_eq!(pieces, [vec![(0.0, 5.0), (5.0, 5.0), (5.0, 10.0)], vec![(6.0, 10.0), (6.0, 5.0)]]);
        assert!(clip(&[(11.0, 0.0), (11.0, 10.0)], &AREA).is_empty());
    }

    #[test]
    fn a_gap_parts_a_line() {
        let p = Some((1.0, 1.0));
        assert_eq!(runs(&[None, p, p, None, None, p]).iter().map(Vec::len).collect::<Vec<_>>(), [2, 1]);
    }

    #[test]
    fn a_spike_survives_thinning() {
        let height = |i: u32| if i == 54_321 { 99.0 } else { f64::from(i % 7) };
        let line: Vec<Point> = (0..100_000).map(|i| (f64::from(i) / 200.0, height(i))).collect();
        let thinned = thin(line);
        assert!(thinned.len() <= 4 * 501, "{}", thinned.len());
        assert!(thinned.iter().any(|p| p.1 > 98.0));
        assert!(thinned.windows(2).all(|p| p[0].0 <= p[1].0));
    }
}
