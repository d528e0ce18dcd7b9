//! Contour lines of a function on a grid: marching squares with linear interpolation.

/// A point between the grid's nodes: (column, row).
pub type Point = (f64, f64);

/// The function's values at the nodes that are looked at.
pub struct Grid<'a> {
    /// All values, row by row.
    pub values: &'a [f64],
    /// Nodes in a row of `values`.
    pub width: usize,
    /// The columns that are looked at, ascending.
    pub columns: &'a [usize],
    /// The rows that are looked at, ascending.
    pub rows: &'a [usize],
}

impl Grid<'_> {
    /// Straight pieces of the line on which the function has the value `level`. A square with a
    /// corner where nothing is known has none.
    pub fn contour(&self, level: f64) -> Vec<(Point, Point)> {
        let mut pieces = Vec::new();
        for rows in self.rows.windows(2) {
            for columns in self.columns.windows(2) {
                self.square((columns[0], columns[1]), (rows[0], rows[1]), level, &mut pieces);
            }
        }
        pieces
    }

    fn at(&self, (column, row): (usize, usize)) -> f64 {
        self.values.get(row * self.width + column).copied().unwrap_or(f64::NAN)
    }

    fn square(
        &self,
        (left, right): (usize, usize),
        (top, bottom): (usize, usize),
        level: f64,
        to: &mut Vec<(Point, Point)>,
    ) {
        // Clockwise from the upper left corner; the first is also the last.
        let corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)];
        let values = corners.map(|c| self.at(c));
        if values.iter().any(|v| !v.is_finite()) {
            return;
        }
        let mut crossings = [(0.0, 0.0); 4];
        let mut n = 0;
        for side in 0..4 {
            let (a, b) = (values[side], values[side + 1]);
            if (a < level) != (b < level) {
                let ((x0, y0), (x1, y1)) = (corners[side], corners[side + 1]);
                let along = |from: usize, to: usize| from as f64 + (to as f64 - from as f64) * (level - a) / (b - a);
                crossings[n] = (along(x0, x1), along(y0, y1));
                n += 1;
            }
        }
        let [a, b, c, d] = crossings;
        match n {
            2 => to.push((a, b)),
            // A saddle: the mean says which two corners are connected across the middle.
            4 if (values[..4].iter().sum::<f64>() / 4.0 < level) == (values[0] < level) => to.extend([(a, b), (c, d)]),
            4 => to.extend([(d, a), (b, c)]),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid<T>(n: usize, f: impl Fn(f64, f64) -> f64, look: impl Fn(&Grid) -> T) -> T {
        let values: Vec<f64> = (0..n * n).map(|i| f((i % n) as f64, (i / n) as f64)).collect();
        let all: Vec<usize> = (0..n).collect();
        look(&Grid { values: &values, width: n, columns: &all, rows: &all })
    }

    #[test]
    fn a_circle_is_as_long_as_a_circle() {
        let pieces = grid(41, |x, y| (x - 20.0).hypot(y - 20.0), |g| g.contour(15.0));
        let length: f64 = pieces.iter().map(|(a, b)| (a.0 - b.0).hypot(a.1 - b.1)).sum();
        assert!((length / (2.0 * std::f64::consts::PI * 15.0) - 1.0).abs() < 0.01, "{length}");
        assert!(pieces.iter().all(|(a, _)| ((a.0 - 20.0).hypot(a.1 - 20.0) - 15.0).abs() < 0.02));
    }

    #[test]
    fn a_saddle_keeps_its_branches_apart() {
        // Of x y = c the branches lie in the quadrants where x and y have the sign that c asks for.
        for level in [0.04, -0.04] {
            let pieces = grid(2, |x, y| (x - 0.5) * (y - 0.5), |g| g.contour(level));
            assert_eq!(pieces.len(), 2);
            for (a, b) in pieces {
                let middle = (f64::midpoint(a.0, b.0) - 0.5, f64::midpoint(a.1, b.1) - 0.5);
                assert!(middle.0 * middle.1 * level > 0.0, "{level} {a:?} {b:?}");
            }
        }
    }

    #[test]
    fn where_nothing_is_known_there_is_no_line() {
        let hole = |x: f64, _: f64| if x > 2.5 { f64::NAN } else { x };
        assert_eq!(grid(5, hole, |g| g.contour(2.5).len()), 0);
        assert_eq!(grid(5, hole, |g| g.contour(1.5).len()), 4);
        assert!(grid(5, |_, _| 1.0, |g| g.contour(f64::NAN)).is_empty());
        assert!(grid(1, |_, _| 1.0, |g| g.contour(1.0)).is_empty());
    }
}
