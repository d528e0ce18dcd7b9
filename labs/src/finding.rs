use serde::Serialize;

/// A 95 % confidence interval and how many independent observations it stands on; of a computed
/// quantity ([`Mean::Exact`]) the bound of its error, with `n` = 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Independent observations (networks or seeds).
    pub n: usize,
}

impl Interval {
    /// The ends and the number of observations as a person reads them, numbers written by `number`; of a
    /// computed quantity `exact` or `± bound`, which is no interval of chance.
    #[must_use]
    pub fn describe(&self, value: f64, number: impl Fn(f64) -> String) -> String {
        let half = 0.5 * (self.high - self.low);
        match self.n {
            1 if half <= 1e-6 * value.abs() || (value == 0.0 && half <= 1e-6) => "exact".into(),
            1 => format!("± {}", number(half)),
            n => format!("[{}, {}] n={n}", number(self.low), number(self.high)),
        }
    }
}

/// How observations of a quantity are averaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mean {
    /// The sum over the number.
    #[default]
    Arithmetic,
    /// Of logarithms: for ratios, which differ by factors.
    Geometric,
    /// The sum over the number, and an interval within 0 to 1.
    Share,
    /// The middle value, without an interval: for what must not be averaged, as p values.
    Median,
    /// None: a computed quantity is the same for every seed, and its interval is its error's bound.
    Exact,
}

/// A named measured quantity.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// Stable name within the lab: lowercase words joined by `_`.
    pub name: String,
    /// The measured value; not finite where the quantity does not exist (say why in `note`).
    pub value: f64,
    /// Its unit; empty for a ratio or a count.
    pub unit: String,
    /// Its confidence interval, where there is more than one observation.
    pub interval: Option<Interval>,
    /// Whether the interval is not that of `samples`' mean: exact limits of a count, bounds of a computed value.
    #[serde(skip)]
    pub own_interval: bool,
    /// The independent observations (networks, or seeds) whose mean is the value; those of one index
    /// belong together across findings. Empty where there are none to show.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub samples: Vec<f64>,
    /// How several seeds' values become one.
    pub mean: Mean,
    /// What theory says it should be, where theory says something.
    pub predicted: Option<f64>,
    /// One line: what it is, in words.
    pub meaning: String,
    /// Why there is no value, or what limits it; mostly empty.
    pub note: String,
}

impl Finding {
    /// A finding with a value and its meaning, and nothing else yet.
    pub fn new(name: impl Into<String>, value: f64, meaning: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            value,
            unit: String::new(),
            interval: None,
            own_interval: false,
            samples: Vec::new(),
            mean: Mean::Arithmetic,
            predicted: None,
            meaning: meaning.into(),
            note: String::new(),
        }
    }

    /// The geometric mean of `values`, which differ by factors. Values that are zero or not finite have
    /// no logarithm: they are left out and counted in the note; where all are zero, so is the finding.
    pub fn geometric(name: impl Into<String>, values: &[f64], meaning: impl Into<String>) -> Self {
        let zero = values.iter().filter(|v| **v == 0.0).count();
        let lost = values.iter().filter(|v| !v.is_finite()).count();
        let (mean, interval) = crate::stats::geometric(values);
        let value = if zero > 0 && zero == values.len() { 0.0 } else { mean };
        let mut note = Vec::new();
        if values.len() == 1 {
            return Self { mean: Mean::Geometric, ..Self::new(name, values[0], meaning) };
        }
        if zero > 0 {
            note.push(format!("zero in {zero} of {}", values.len()));
        }
        if lost > 0 {
            note.push(format!("no finite value in {lost} of {}", values.len()));
        }
        if zero + lost > 0 && zero + lost < values.len() {
            note.push("the mean is of the others".into());
        }
        let finding = Self { mean: Mean::Geometric, ..Self::new(name, value, meaning) };
        // The mean of survivors says nothing of those that were lost.
        let interval = interval.filter(|_| zero + lost == 0);
        Self { interval, samples: values.to_vec(), ..finding }.note(note.join("; "))
    }

    /// The arithmetic mean of `values` and its interval; one that is not finite is counted in the note
    /// and left out.
    pub fn arithmetic(name: impl Into<String>, values: &[f64], meaning: impl Into<String>) -> Self {
        let finite: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
        let lost = values.len() - finite.len();
        let note = if lost > 0 { format!("no value in {lost} of {}", values.len()) } else { String::new() };
        let finding = Self::new(name, crate::stats::mean(&finite), meaning);
        let interval = crate::stats::t_interval(&finite).filter(|_| lost == 0);
        Self { interval, samples: values.to_vec(), ..finding }.note(note)
    }

    /// The arithmetic mean of `shares`, which lie in 0 to 1 and so does their interval.
    pub fn share(name: impl Into<String>, shares: &[f64], meaning: impl Into<String>) -> Self {
        let interval = crate::stats::share_interval(shares);
        Self { mean: Mean::Share, interval, ..Self::arithmetic(name, shares, meaning) }
    }

    /// A quantity that is computed, not sampled: `value` is right to `error`, and the interval says so,
    /// so that a sentence about it can be judged. One that is not finite has no interval.
    pub fn exact(name: impl Into<String>, value: f64, error: f64, meaning: impl Into<String>) -> Self {
        let bounded = value.is_finite() && error.is_finite();
        let interval = bounded.then(|| Interval { low: value - error.abs(), high: value + error.abs(), n: 1 });
        Self { mean: Mean::Exact, ..Self::new(name, value, meaning) }.interval(interval)
    }

    /// A quantity of one run that has no mean over several, as a p value: over seeds the median is given.
    #[must_use]
    pub fn not_averaged(mut self) -> Self {
        self.mean = Mean::Median;
        self
    }

    /// The same with a unit.
    #[must_use]
    pub fn unit(mut self, unit: impl Into<String>) -> Self {
        self.unit = unit.into();
        self
    }

    /// The same with what theory predicts.
    #[must_use]
    pub fn predicted(mut self, value: Option<f64>) -> Self {
        self.predicted = value.filter(|v| v.is_finite());
        self
    }

    /// The same with an interval that is its own, not that of the samples' mean.
    #[must_use]
    pub fn interval(mut self, interval: Option<Interval>) -> Self {
        self.interval = interval;
        self.own_interval = true;
        self
    }

    /// The same with a remark.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::readable;

    #[test]
    fn bounds_of_computed_numbers_are_not_called_intervals() {
        let text = |value, low, high, n| Interval { low, high, n }.describe(value, readable);
        assert_eq!(text(0.25, 0.25, 0.25, 1), "exact");
        assert_eq!(text(0.0, -1e-12, 1e-12, 1), "exact");
        assert_eq!(text(2e-9, 1e-9, 3e-9, 1), "± 1.000e-9");
        assert_eq!(text(1.0, 0.5, 1.5, 5), "[0.5, 1.5] n=5");
    }
}
