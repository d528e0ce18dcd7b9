//! Lines of equal value on a grid, by marching squares.

use crate::scene::Point;
use std::collections::BTreeMap;

/// Values at the centres of cells, row by row from the top, with one more node on each border, so that
/// lines reach it.
struct Nodes<'a> {
    rows: usize,
    columns: usize,
    values: &'a [f64],
}

/// The side of a square that begins at node (row, column), and whether it runs down or to the right.
type Side = (usize, usize, bool);

impl Nodes<'_> {
    fn value(&self, row: usize, column: usize) -> f64 {
        let centre = |r: usize, c: usize| self.values.get(r * self.columns + c).copied().unwrap_or(f64::NAN);
        reaching(row, self.rows, |r| reaching(column, self.columns, |c| centre(r, c)))
    }

    /// Where a node is, in cells from the upper left corner.
    fn place(&self, row: usize, column: usize) -> Point {
        let along = |i: usize, cells: usize| (i as f64 - 0.5).clamp(0.0, cells as f64);
        (along(column, self.columns), along(row, self.rows))
    }

    /// Where `level` lies between the ends of a side.
    fn crossing(&self, (row, column, down): Side, level: f64) -> Point {
        let (next_row, next_column) = if down { (row + 1, column) } else { (row, column + 1) };
        let (from, to) = (self.value(row, column), self.value(next_row, next_column));
        // In halves, since the difference of two finite numbers need not be finite.
        let part = (level / 2.0 - from / 2.0) / (to / 2.0 - from / 2.0);
        let part = if part.is_finite() { part.clamp(0.0, 1.0) } else { 0.5 };
        let (a, b) = (self.place(row, column), self.place(next_row, next_column));
        (a.0 + part * (b.0 - a.0), a.1 + part * (b.1 - a.1))
    }

    /// The strokes of the line within the square whose upper left node is (row, column).
    fn strokes(&self, row: usize, column: usize, level: f64) -> Vec<(Side, Side)> {
        let corners = [(0, 0), (0, 1), (1, 1), (1, 0)].map(|(r, c)| self.value(row + r, column + c));
        if corners.iter().any(|v| !v.is_finite()) {
            return Vec::new();
        }
        let above = corners.map(|v| v >= level);
        // The side after each corner, clockwise.
        let sides = [(row, column, false), (row, column + 1, true), (row + 1, column, false), (row, column, true)];
        let cut: Vec<usize> = (0..4).filter(|i| above[*i] != above[(i + 1) % 4]).collect();
        match cut[..] {
            [a, b] => vec![(sides[a], sides[b])],
            // A saddle: the two corners that are on the middle's side are joined through it.
            [_, _, _, _] => {
                let middle = corners.iter().map(|v| v / 4.0).sum::<f64>() >= level;
                let pairs = if middle == above[0] { [(0, 1), (2, 3)] } else { [(3, 0), (1, 2)] };
                pairs.map(|(a, b)| (sides[a], sides[b])).to_vec()
            }
            _ => Vec::new(),
        }
    }
}

/// The value at node `i` of `cells` centres and two borders: half a cell beyond the last centre it goes
/// on as straight as from the centre before.
fn reaching(i: usize, cells: usize, centre: impl Fn(usize) -> f64) -> f64 {
    let near = centre(i.clamp(1, cells) - 1);
    let before = match i {
        0 => centre(1.min(cells - 1)),
        _ if i > cells => centre(cells.saturating_sub(2)),
        _ => return near,
    };
    let value = near + (near / 2.0 - before / 2.0);
    if value.is_finite() { value } else { near }
}

/// The lines on which `values`, `columns` in a row, are `level`; places in cells from the upper left
/// corner. What is not finite is unknown, and no line goes near it.
pub(crate) fn lines(values: &[f64], columns: usize, level: f64) -> Vec<Vec<Point>> {
    let nodes = Nodes { rows: values.len().checked_div(columns).unwrap_or(0), columns, values };
    if nodes.rows == 0 || !level.is_finite() {
        return Vec::new();
    }
    let squares = (0..=nodes.rows).flat_map(|r| (0..=columns).map(move |c| (r, c)));
    let strokes: Vec<_> = squares.flat_map(|(r, c)| nodes.strokes(r, c, level)).collect();
    let lines = joined(&strokes).into_iter().map(|line| {
        let mut points: Vec<Point> = line.into_iter().map(|side| nodes.crossing(side, level)).collect();
        // Where a node has the level itself, several sides are crossed in one place.
        points.dedup();
        points
    });
    lines.filter(|line| line.len() > 1).collect()
}

/// Strokes that meet on a side become one line; a ring ends where it begins.
fn joined(strokes: &[(Side, Side)]) -> Vec<Vec<Side>> {
    let mut at: BTreeMap<Side, Vec<usize>> = BTreeMap::new();
    for (i, (a, b)) in strokes.iter().enumerate() {
        at.entry(*a).or_default().push(i);
        at.entry(*b).or_default().push(i);
    }
    // From the open ends first: what is left then are rings, which can begin anywhere.
    let ends = at.iter().filter(|(_, strokes)| strokes.len() == 1).map(|(side, _)| *side);
    let starts = ends.chain(strokes.iter().map(|s| s.0));
    let mut free = vec![true; strokes.len()];
    let mut lines = Vec::new();
    for start in starts {
        let (mut line, mut last) = (vec![start], start);
        while let Some(i) = at.get(&last).and_then(|here| here.iter().find(|i| free[**i])) {
            free[*i] = false;
            let (a, b) = strokes[*i];
            last = if a == last { b } else { a };
            line.push(last);
        }
        if line.len() > 1 {
            lines.push(line);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(rows: usize, columns: usize, f: impl Fn(f64, f64) -> f64) -> Vec<f64> {
        let centre = |i: usize| i as f64 + 0.5;
        (0..rows * columns).map(|i| f(centre(i % columns), centre(i / columns))).collect()
    }

    #[test]
    fn a_plane_is_cut_in_one_straight_line() {
        let (rows, columns, level) = (9, 13, 7.3);
        let lines = lines(&grid(rows, columns, |x, y| x + 2.0 * y), columns, level);
        assert_eq!(lines.len(), 1);
        assert!(lines[0].len() > 8 && lines[0].iter().all(|p| (p.0 + 2.0 * p.1 - level).abs() < 1e-12), "{lines:?}");
        // From border to border, though the outermost centres are half a cell away.
        let ends = [lines[0][0], lines[0][lines[0].len() - 1]];
        assert!(ends.iter().any(|p| p.1.abs() < 1e-12) && ends.iter().any(|p| p.0.abs() < 1e-12), "{ends:?}");
    }

    #[test]
    fn a_circle_is_one_ring_of_its_radius() {
        let values = grid(40, 40, |x, y| (x - 20.0).hypot(y - 20.0));
        let lines = lines(&values, 40, 12.0);
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].first(), lines[0].last());
        // A chord across one cell leaves the circle by at most 1/8 of its squared length over the radius.
        let off = lines[0].iter().map(|p| ((p.0 - 20.0).hypot(p.1 - 20.0) - 12.0).abs()).fold(0.0, f64::max);
        assert!(off < 2.0 / 8.0 / 12.0, "{off}");
        let turn = |p: &[Point]| (p[0].0 - 20.0) * (p[1].1 - 20.0) - (p[1].0 - 20.0) * (p[0].1 - 20.0);
        let area = (lines[0].windows(2).map(turn).sum::<f64>() / 2.0).abs();
        assert!((area / (std::f64::consts::PI * 144.0) - 1.0).abs() < 0.005, "{area}");
    }

    #[test]
    fn a_saddle_is_joined_through_its_middle() {
        let high = lines(&[9.0, 0.0, 0.0, 9.0], 2, 4.0);
        let low = lines(&[9.0, 0.0, 0.0, 9.0], 2, 5.0);
        // The mean is 4.5: at 4 the high corners are one region, at 5 the low ones.
        let corner = |lines: &[Vec<Point>], x: f64, y: f64| {
            let beside = |p: &Point| (p.0 - x).abs() + (p.1 - y).abs() < 1.6;
            lines.iter().any(|line| line.iter().all(beside))
        };
        assert_eq!((high.len(), low.len()), (2, 2));
        assert!(corner(&high, 2.0, 0.0) && corner(&high, 0.0, 2.0) && !corner(&high, 0.0, 0.0), "{high:?}");
        assert!(corner(&low, 0.0, 0.0) && corner(&low, 2.0, 2.0) && !corner(&low, 2.0, 0.0), "{low:?}");
    }

    #[test]
    fn a_level_that_is_a_value_goes_through_its_centre() {
        let lines = lines(&grid(3, 5, |x, _| x), 5, 2.5);
        assert_eq!(lines.len(), 1);
        assert!(lines[0].iter().all(|p| (p.0 - 2.5).abs() < 1e-15), "{lines:?}");
        assert_eq!((lines[0][0].1, lines[0][lines[0].len() - 1].1), (0.0, 3.0));
    }

    #[test]
    fn nothing_is_cut_where_nothing_changes_or_nothing_is_known() {
        assert!(lines(&[2.0; 12], 4, 2.0).is_empty());
        assert!(lines(&[f64::NAN; 12], 4, 2.0).is_empty());
        assert!(lines(&[], 4, 2.0).is_empty() && lines(&[1.0], 0, 2.0).is_empty());
        assert!(lines(&[0.0, 1.0], 2, f64::NAN).is_empty());
        // One unknown centre takes the four squares about it away.
        let mut values = grid(5, 5, |x, _| x);
        values[2 * 5 + 2] = f64::NAN;
        let parted = lines(&values, 5, 2.25);
        assert_eq!(parted.len(), 2, "{parted:?}");
        assert!(parted.iter().flatten().all(|p| p.1 <= 1.5 || p.1 >= 3.5));
        assert_eq!(lines(&[0.0, 1.0, 2.0], 1, 1.5), [vec![(0.0, 2.0), (0.5, 2.0), (1.0, 2.0)]]);
    }
}
