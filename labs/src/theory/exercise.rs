//! What a worked exercise is: its inputs, the code that solves it, and what the notes print.

use crate::control::Visitor;
use crate::figure::Kind;
use crate::{Finding, LabError, Result};
use std::ops::RangeInclusive;

/// A calculation that can be done again with other numbers.
pub struct Exercise {
    /// The word for `--set exercise=`: lowercase words joined by `-`.
    pub name: &'static str,
    /// The question, in a sentence.
    pub question: &'static str,
    /// Where the notes set it or say its result: `notes FILE:LINE`; or a paper.
    pub source: &'static str,
    /// Which of the ledger's worked exercises it is (`E1` to `E35`); mostly none.
    pub worked: &'static [&'static str],
    /// What can be changed; the defaults are the notes' numbers.
    pub inputs: &'static [Input],
    /// The title of its picture, where it draws one.
    pub picture: Option<&'static str>,
    /// Solves it. Random numbers follow from the seed.
    pub solve: fn(&Inputs, u64) -> Result<Solution>,
}

/// A number, a word or a switch that an exercise asks for.
#[derive(Debug)]
pub struct Input {
    /// The name for `--set`.
    pub name: &'static str,
    /// One line of help, with the unit.
    pub help: &'static str,
    /// Its kind and default.
    pub form: Form,
}

/// The kinds of input with their defaults.
#[derive(Debug)]
pub enum Form {
    /// A whole number of a range.
    Int(usize, RangeInclusive<usize>),
    /// A number of a range.
    Real(f64, RangeInclusive<f64>),
    /// `true` or `false`.
    Flag(bool),
    /// One of some words; the first is the default.
    Word(&'static [&'static str]),
    /// Free text, such as a list of numbers: default and hint.
    Text(&'static str, &'static str),
}

impl Input {
    /// A whole number.
    #[must_use]
    pub const fn int(name: &'static str, default: usize, range: RangeInclusive<usize>, help: &'static str) -> Self {
        Self { name, help, form: Form::Int(default, range) }
    }

    /// A number.
    #[must_use]
    pub const fn real(name: &'static str, default: f64, range: RangeInclusive<f64>, help: &'static str) -> Self {
        Self { name, help, form: Form::Real(default, range) }
    }

    /// A switch.
    #[must_use]
    pub const fn flag(name: &'static str, default: bool, help: &'static str) -> Self {
        Self { name, help, form: Form::Flag(default) }
    }

    /// One of `words`, the first when nothing is said.
    #[must_use]
    pub const fn word(name: &'static str, words: &'static [&'static str], help: &'static str) -> Self {
        Self { name, help, form: Form::Word(words) }
    }

    /// Free text; `hint` says its form, such as `numbers with commas between`.
    #[must_use]
    pub const fn text(name: &'static str, default: &'static str, hint: &'static str, help: &'static str) -> Self {
        Self { name, help, form: Form::Text(default, hint) }
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Value {
    Int(usize),
    Real(f64),
    Flag(bool),
    Word(&'static str),
    Text(String),
}

/// The inputs of one exercise with their present values.
#[derive(Debug, Clone)]
pub struct Inputs {
    declared: &'static [Input],
    values: Vec<Value>,
}

impl Inputs {
    /// Every input at its default.
    #[must_use]
    pub fn defaults(declared: &'static [Input]) -> Self {
        let value = |input: &Input| match &input.form {
            Form::Int(default, _) => Value::Int(*default),
            Form::Real(default, _) => Value::Real(*default),
            Form::Flag(default) => Value::Flag(*default),
            Form::Word(words) => Value::Word(words.first().copied().unwrap_or_default()),
            Form::Text(default, _) => Value::Text((*default).into()),
        };
        Self { declared, values: declared.iter().map(value).collect() }
    }

    /// Whether nothing was changed, so that the notes' printed answers are about these numbers.
    #[must_use]
    pub fn are_defaults(&self) -> bool {
        self.values == Self::defaults(self.declared).values
    }

    pub(super) fn visit(&mut self, v: &mut dyn Visitor) {
        for (input, value) in self.declared.iter().zip(&mut self.values) {
            match (value, &input.form) {
                (Value::Int(field), Form::Int(_, range)) => v.int(input.name, field, range.clone(), input.help),
                (Value::Real(field), Form::Real(_, range)) => v.float(input.name, field, range.clone(), input.help),
                (Value::Flag(field), Form::Flag(_)) => v.flag(input.name, field, input.help),
                (Value::Word(field), Form::Word(words)) => {
                    if let Some(word) = v.word(input.name, field, words, input.help).and_then(|i| words.get(i)) {
                        *field = word;
                    }
                }
                (Value::Text(field), Form::Text(_, hint)) => v.text(input.name, field, hint, &[], input.help),
                _ => {}
            }
        }
    }

    fn find<T>(&self, name: &str, of: impl Fn(&Value) -> Option<T>) -> Result<T> {
        let place = self.declared.iter().position(|input| input.name == name);
        place.and_then(|i| self.values.get(i)).and_then(of).ok_or_else(|| LabError::UnknownControl {
            lab: super::ID.into(),
            name: name.into(),
            hint: "the exercise declares no such input of this kind".into(),
        })
    }

    /// A whole number.
    pub fn int(&self, name: &str) -> Result<usize> {
        self.find(name, |v| if let Value::Int(x) = v { Some(*x) } else { None })
    }

    /// A number.
    pub fn real(&self, name: &str) -> Result<f64> {
        self.find(name, |v| if let Value::Real(x) = v { Some(*x) } else { None })
    }

    /// A switch.
    pub fn flag(&self, name: &str) -> Result<bool> {
        self.find(name, |v| if let Value::Flag(x) = v { Some(*x) } else { None })
    }

    /// A word or free text.
    pub fn text(&self, name: &str) -> Result<String> {
        self.find(name, |v| match v {
            Value::Word(x) => Some((*x).to_string()),
            Value::Text(x) => Some(x.clone()),
            _ => None,
        })
    }

    /// Numbers with commas between; at least one and each finite.
    pub fn numbers(&self, name: &str) -> Result<Vec<f64>> {
        let text = self.text(name)?;
        let parsed: Option<Vec<f64>> =
            text.split(',').map(|part| part.trim().parse().ok().filter(|v: &f64| v.is_finite())).collect();
        parsed.ok_or_else(|| LabError::BadValue {
            name: name.into(),
            value: text,
            expected: "numbers with commas between, such as 1,2.5,-3".into(),
        })
    }
}

/// What an exercise comes to.
#[derive(Debug, Clone, Default)]
pub struct Solution {
    /// The numbers asked for.
    pub answers: Vec<Answer>,
    /// Caption and data of its picture, where the exercise declares one.
    pub picture: Option<(String, Kind)>,
}

/// One number of a solution and what the notes print for it.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its name, without the exercise's, and its value: [`Finding::exact`] where it is computed.
    pub finding: Finding,
    /// The notes' answer as they print it; empty where they print none. Only a number is compared.
    pub printed: &'static str,
}

impl Answer {
    /// A number that is computed without error (counts, sizes: whole numbers) or else to rounding.
    pub fn exact(name: &str, value: f64, meaning: impl Into<String>) -> Self {
        let error = if value.fract() == 0.0 { 0.0 } else { value.abs() * 1e-12 };
        Self { finding: Finding::exact(name, value, error, meaning), printed: "" }
    }

    /// Any finding: one that is sampled and has an interval, or computed to a known error.
    #[must_use]
    pub fn of(finding: Finding) -> Self {
        Self { finding, printed: "" }
    }

    /// The same with its unit.
    #[must_use]
    pub fn unit(self, unit: &str) -> Self {
        Self { finding: self.finding.unit(unit), ..self }
    }

    /// The same with what the notes print for the default inputs.
    #[must_use]
    pub fn printed(self, printed: &'static str) -> Self {
        Self { printed, ..self }
    }

    /// Whether the value is the printed number to the digits that are printed; `None` where no number is.
    #[must_use]
    pub fn agrees(&self) -> Option<bool> {
        let printed: f64 = self.printed.replace(',', "").parse().ok()?;
        let half = 0.500_001 * last_place(self.printed);
        Some((self.finding.value - printed).abs() <= half)
    }
}

/// The value of one unit in the last printed place: 0.01 of `1.25`, 1e-11 of `9.5e-10`, 1 of `67`.
fn last_place(printed: &str) -> f64 {
    let (mantissa, exponent) = printed.split_once(['e', 'E']).unwrap_or((printed, "0"));
    let decimals = mantissa.split_once('.').map_or(0, |(_, after)| after.len() as i32);
    10_f64.powi(exponent.parse::<i32>().unwrap_or(0) - decimals)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_printed_number_is_compared_to_its_last_digit() {
        let agrees = |value, printed| Answer::exact("x", value, "").printed(printed).agrees();
        assert_eq!(agrees(0.731_058_6, "0.731"), Some(true));
        assert_eq!(agrees(0.731_6, "0.731"), Some(false));
        assert_eq!(agrees(9.54e-7, "9.5e-7"), Some(true));
        assert_eq!(agrees(9.54e-7, "1e-6"), Some(true));
        assert_eq!(agrees(1.6e-6, "1e-6"), Some(false));
        assert_eq!(agrees(62_378_344.0, "62,378,344"), Some(true));
        assert_eq!(agrees(67.0, "67"), Some(true));
        assert_eq!(agrees(67.0, "about 60"), None);
        assert_eq!(agrees(67.0, ""), None);
    }
}
