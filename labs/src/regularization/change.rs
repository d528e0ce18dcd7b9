//! Changes of a regulariser's strength in the midst of a run.

use crate::control::Choice;
use crate::error::suggest;
use crate::figure::readable;
use crate::{LabError, Result};

/// What can be changed while a network is trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Knob {
    /// Dropout of every hidden layer.
    Dropout,
    /// Dropout of the inputs.
    InputDropout,
    /// L1 penalty.
    L1,
    /// L2 penalty.
    L2,
    /// Decoupled weight decay.
    WeightDecay,
    /// Max-norm.
    MaxNorm,
    /// Label smoothing.
    LabelSmoothing,
    /// Learning rate: no regulariser, and so it changes for every network.
    Lr,
}

impl Choice for Knob {
    const ALL: &'static [Self] = &[
        Self::Dropout,
        Self::InputDropout,
        Self::L1,
        Self::L2,
        Self::WeightDecay,
        Self::MaxNorm,
        Self::LabelSmoothing,
        Self::Lr,
    ];

    /// The name of the control.
    fn name(self) -> &'static str {
        match self {
            Self::Dropout => "dropout",
            Self::InputDropout => "input_dropout",
            Self::L1 => "l1",
            Self::L2 => "l2",
            Self::WeightDecay => "weight_decay",
            Self::MaxNorm => "max_norm",
            Self::LabelSmoothing => "label_smoothing",
            Self::Lr => "lr",
        }
    }
}

impl Knob {
    /// Smallest and largest value, those of the control.
    #[must_use]
    pub fn range(self) -> (f64, f64) {
        match self {
            Self::Dropout | Self::InputDropout => (0.0, MOST_DROPOUT),
            Self::L1 | Self::L2 | Self::WeightDecay => (0.0, 1.0),
            Self::MaxNorm => (0.0, 100.0),
            Self::LabelSmoothing => (0.0, 0.9),
            Self::Lr => (1e-6, 10.0),
        }
    }

    /// `text` as a value of this control.
    pub fn value(self, text: &str) -> Result<f64> {
        let (low, high) = self.range();
        match text.trim().parse::<f64>() {
            Ok(value) if (low..=high).contains(&value) => Ok(value),
            _ => {
                let expected = format!("a number from {low} to {high}");
                Err(LabError::BadValue { name: self.name().into(), value: text.trim().into(), expected })
            }
        }
    }
}

/// The largest share that may be dropped.
pub const MOST_DROPOUT: f64 = 0.95;

/// One change: before optimiser step `step` (0: the first) `knob` becomes `value`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// Steps done before it.
    pub step: u64,
    /// What changes.
    pub knob: Knob,
    /// To what.
    pub value: f64,
}

impl Change {
    /// As a legend names it: `dropout -> 0.5`.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{} -> {}", self.knob.name(), readable(self.value))
    }

    /// As the control `changes` has it: `500:dropout=0.5`.
    #[must_use]
    pub fn describe(&self) -> String {
        format!("{}:{}={}", self.step, self.knob.name(), self.value)
    }

    /// The changes of `text`, such as `500:dropout=0.5,800:lr=0.01`, in the order of their steps, which are below
    /// `steps`; none of an empty text.
    pub fn parse_list(text: &str, steps: u64) -> Result<Vec<Self>> {
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        let mut changes = entries.map(|entry| Self::parse(entry, steps)).collect::<Result<Vec<_>>>()?;
        changes.sort_by_key(|change| change.step);
        Ok(changes)
    }

    fn parse(entry: &str, steps: u64) -> Result<Self> {
        let bad = |expected: String| LabError::BadValue { name: "changes".into(), value: entry.into(), expected };
        let form = || bad("STEP:NAME=VALUE, for example 500:dropout=0.5".into());
        let (step, rest) = entry.split_once(':').ok_or_else(form)?;
        let (name, value) = rest.split_once('=').ok_or_else(form)?;
        let step: u64 = step.trim().parse().map_err(|_| form())?;
        if step >= steps {
            return Err(bad(format!("a step below {steps}, the number of steps; raise steps or change earlier")));
        }
        let name = name.trim();
        let knob = Knob::from_name(name)
            .ok_or_else(|| bad(format!("a control that can change; {}", suggest(name, names()))))?;
        match knob.value(value) {
            Ok(value) => Ok(Self { step, knob, value }),
            Err(LabError::BadValue { name, expected, .. }) => Err(bad(format!("{name} as {expected}"))),
            Err(other) => Err(other),
        }
    }
}

fn names() -> impl Iterator<Item = &'static str> + Clone {
    Knob::ALL.iter().map(|knob| knob.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_in_the_order_of_its_steps() {
        let text = " 800:lr=0.01, 500:dropout=0.5 ,900:weight_decay=0";
        let changes = Change::parse_list(text, 1000).unwrap();
        let told: Vec<String> = changes.iter().map(Change::describe).collect();
        assert_eq!(told, ["500:dropout=0.5", "800:lr=0.01", "900:weight_decay=0"]);
        assert_eq!(changes[0].label(), "dropout -> 0.5");
        assert!(Change::parse_list("", 10).unwrap().is_empty());
    }

    #[test]
    fn what_cannot_be_is_named_with_what_can() {
        for (text, part) in [
            ("dropout=0.5", "STEP:NAME=VALUE"),
            ("5:dropout", "STEP:NAME=VALUE"),
            ("-5:dropout=0.5", "STEP:NAME=VALUE"),
            ("10:dropout=0.5", "a step below 10"),
            ("5:droput=0.5", "did you mean 'dropout'?"),
            ("5:dropout=1", "dropout as a number from 0 to 0.95"),
            ("5:lr=NaN", "lr as a number"),
        ] {
            let message = Change::parse_list(text, 10).unwrap_err().to_string();
            assert!(message.contains(part) && message.contains(text) && !message.contains('\n'), "{message}");
        }
    }
}
