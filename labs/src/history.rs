//! Histories of constant size: the smallest and largest value of each column, so that a spike
//! survives however long the run is.

/// A curve over a known number of steps in at most a fixed number of columns.
#[derive(Debug, Clone)]
pub struct History {
    columns: Vec<Option<Column>>,
    total: u64,
    newest: Option<f64>,
}

#[derive(Debug, Clone, Copy)]
struct Column {
    low: (f64, f64),
    high: (f64, f64),
}

impl History {
    /// A history of steps `0..total` in at most `columns` columns.
    #[must_use]
    pub fn new(total: u64, columns: usize) -> Self {
        let total = total.max(1);
        let n = (columns as u64).min(total).max(1) as usize;
        Self { columns: vec![None; n], total, newest: None }
    }

    /// Notes `value` at `step`; a value that is not finite or a step past the end is dropped.
    pub fn push(&mut self, step: u64, value: f64) {
        if !value.is_finite() || step >= self.total {
            return;
        }
        self.newest = Some(value);
        let index = (u128::from(step) * self.columns.len() as u128 / u128::from(self.total)) as usize;
        let point = (step as f64, value);
        let column = self.columns[index].get_or_insert(Column { low: point, high: point });
        if value < column.low.1 {
            column.low = point;
        }
        if value > column.high.1 {
            column.high = point;
        }
    }

    /// (step, value), ascending in step: at most two for each column.
    #[must_use]
    pub fn points(&self) -> Vec<(f64, f64)> {
        let mut points = Vec::with_capacity(2 * self.columns.len());
        for column in self.columns.iter().flatten() {
            let (a, b) =
                if column.low.0 <= column.high.0 { (column.low, column.high) } else { (column.high, column.low) };
            points.push(a);
            if b.0 > a.0 {
                points.push(b);
            }
        }
        points
    }

    /// The value pushed last.
    #[must_use]
    pub fn last(&self) -> Option<f64> {
        self.newest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spike_survives_and_the_size_does_not_grow() {
        let mut h = History::new(1_000_000, 100);
        for step in 0..1_000_000 {
            h.push(step, if step == 123_457 { 99.0 } else { 1.0 });
        }
        let points = h.points();
        assert!(points.len() <= 200);
        assert!(points.contains(&(123_457.0, 99.0)));
        assert_eq!(h.last(), Some(1.0));
        assert!(points.windows(2).all(|w| w[0].0 < w[1].0));
    }

    #[test]
    fn a_short_run_keeps_every_step() {
        let mut h = History::new(10, 100);
        (0..10).for_each(|i| h.push(i, i as f64));
        assert_eq!(h.points().len(), 10);
    }
}
