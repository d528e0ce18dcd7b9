use serde::Serialize;

/// A 95 % confidence interval and how many independent observations it stands on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Independent observations (networks or seeds).
    pub n: usize,
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
            predicted: None,
            meaning: meaning.into(),
            note: String::new(),
        }
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

    /// The same with an interval.
    #[must_use]
    pub fn interval(mut self, interval: Option<Interval>) -> Self {
        self.interval = interval;
        self
    }

    /// The same with a remark.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }
}
