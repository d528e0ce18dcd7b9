//! Settings that are declared once.
//!
//! A lab's typed settings accept a [`Visitor`]; reading, writing, listing and validating them all
//! are visits, so the dashboard's widgets, `--set name=value`, the record and the report's table
//! follow from the one declaration.

use crate::error::suggest;
use crate::{LabError, Result};
use serde::Serialize;
use std::ops::RangeInclusive;

/// A control as the outside sees it: its name, domain, present value and one-line help.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Control {
    /// The name used by `--set`.
    pub name: &'static str,
    /// One line for the person who turns it.
    pub help: &'static str,
    /// What values it takes.
    pub domain: Domain,
    /// The present value, in the form that `--set` takes.
    pub value: String,
}

/// The values that a control takes.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Domain {
    /// Whole numbers of a closed range.
    Int {
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
    },
    /// Real numbers of a closed range; `log` says that equal ratios are equal steps.
    Float {
        /// Smallest.
        min: f64,
        /// Largest.
        max: f64,
        /// Whether a dashboard should step it by factors.
        log: bool,
    },
    /// One of the listed words.
    Choice {
        /// The words, in the order in which a dashboard cycles through them.
        options: Vec<&'static str>,
    },
    /// `true` or `false`.
    Flag,
    /// Free text; `hint` says its form.
    Text {
        /// The form in words, for example `digits | csv:PATH`.
        hint: &'static str,
        /// Common values that a dashboard can cycle through.
        suggestions: Vec<&'static str>,
    },
}

impl Domain {
    /// The domain in words, as an error or a help page says it.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Int { min, max } => format!("a whole number from {min} to {max}"),
            Self::Float { min, max, .. } => format!("a number from {min} to {max}"),
            Self::Choice { options } => format!("one of {}", options.join(", ")),
            Self::Flag => "true or false".into(),
            Self::Text { hint, .. } => (*hint).into(),
        }
    }
}

/// An enumeration whose values have names that a person can type.
pub trait Choice: Copy + PartialEq + 'static {
    /// Every value, in the order in which a dashboard cycles through them.
    const ALL: &'static [Self];
    /// The word for this value.
    fn name(self) -> &'static str;
    /// The value of a word.
    #[must_use]
    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|v| v.name() == name)
    }
}

/// What wants to see each setting of a lab: a reader, a writer, a lister.
pub trait Visitor {
    /// A whole number.
    fn int(&mut self, name: &'static str, field: &mut usize, range: RangeInclusive<usize>, help: &'static str);
    /// A real number on a linear scale.
    fn float(&mut self, name: &'static str, field: &mut f64, range: RangeInclusive<f64>, help: &'static str);
    /// A real number whose equal ratios are equal steps, such as a learning rate.
    fn log_float(&mut self, name: &'static str, field: &mut f64, range: RangeInclusive<f64>, help: &'static str);
    /// A switch.
    fn flag(&mut self, name: &'static str, field: &mut bool, help: &'static str);
    /// Free text.
    fn text(
        &mut self,
        name: &'static str,
        field: &mut String,
        hint: &'static str,
        suggestions: &[&'static str],
        help: &'static str,
    );
    /// One of the words; a visitor that writes answers the index of the new word.
    fn word(
        &mut self,
        name: &'static str,
        current: &'static str,
        options: &[&'static str],
        help: &'static str,
    ) -> Option<usize>;
}

impl dyn Visitor + '_ {
    /// One value of an enumeration.
    pub fn choice<T: Choice>(&mut self, name: &'static str, field: &mut T, help: &'static str) {
        let options: Vec<_> = T::ALL.iter().map(|v| v.name()).collect();
        if let Some(index) = self.word(name, field.name(), &options, help)
            && let Some(value) = T::ALL.get(index)
        {
            *field = *value;
        }
    }

    /// One value of an enumeration, or `all` of them (`None`).
    pub fn choice_or_all<T: Choice>(&mut self, name: &'static str, field: &mut Option<T>, help: &'static str) {
        let options: Vec<_> = std::iter::once(WHOLE).chain(T::ALL.iter().map(|v| v.name())).collect();
        if let Some(index) = self.word(name, field.map_or(WHOLE, Choice::name), &options, help) {
            *field = index.checked_sub(1).and_then(|i| T::ALL.get(i).copied());
        }
    }
}

/// The word for every part of what a control chooses from.
pub(crate) const WHOLE: &str = "all";

/// The typed settings of a lab.
pub trait Settings: Default + Clone + Send {
    /// Shows every setting to `v`, in the order in which a person should meet them.
    fn visit(&mut self, v: &mut dyn Visitor);
}

/// The controls of `settings`, with their present values.
#[must_use]
pub fn list<S: Settings>(settings: &S) -> Vec<Control> {
    let mut lister = Lister(Vec::new());
    settings.clone().visit(&mut lister);
    lister.0
}

/// The settings of lab `lab` with `values` (name, text) laid over the defaults. Some controls are there
/// only when another has a certain value: the order of `values` does not matter for these.
pub fn apply<S: Settings>(lab: &str, values: &[(String, String)]) -> Result<S> {
    let mut settings = S::default();
    let mut pending: Vec<&(String, String)> = values.iter().collect();
    loop {
        let before = pending.len();
        let mut waiting = Vec::new();
        for pair in pending {
            match list(&settings).iter().find(|c| c.name == pair.0) {
                Some(control) => set(&mut settings, control, &pair.1)?,
                None => waiting.push(pair),
            }
        }
        let Some((name, _)) = waiting.first() else { return Ok(settings) };
        if waiting.len() == before {
            let hint = suggest(name, list(&settings).iter().map(|c| c.name));
            return Err(LabError::UnknownControl { lab: lab.into(), name: name.clone(), hint });
        }
        pending = waiting;
    }
}

fn set<S: Settings>(settings: &mut S, control: &Control, value: &str) -> Result<()> {
    let mut writer = Writer { name: control.name, value, ok: false };
    settings.visit(&mut writer);
    if writer.ok {
        return Ok(());
    }
    let expected = control.domain.describe();
    Err(LabError::BadValue { name: control.name.into(), value: value.into(), expected })
}

struct Lister(Vec<Control>);

impl Lister {
    fn push(&mut self, name: &'static str, help: &'static str, value: String, domain: Domain) {
        self.0.push(Control { name, help, domain, value });
    }
}

impl Visitor for Lister {
    fn int(&mut self, name: &'static str, field: &mut usize, range: RangeInclusive<usize>, help: &'static str) {
        let domain = Domain::Int { min: *range.start() as i64, max: *range.end() as i64 };
        self.push(name, help, field.to_string(), domain);
    }
    fn float(&mut self, name: &'static str, field: &mut f64, range: RangeInclusive<f64>, help: &'static str) {
        let domain = Domain::Float { min: *range.start(), max: *range.end(), log: false };
        self.push(name, help, field.to_string(), domain);
    }
    fn log_float(&mut self, name: &'static str, field: &mut f64, range: RangeInclusive<f64>, help: &'static str) {
        let domain = Domain::Float { min: *range.start(), max: *range.end(), log: true };
        self.push(name, help, field.to_string(), domain);
    }
    fn flag(&mut self, name: &'static str, field: &mut bool, help: &'static str) {
        self.push(name, help, field.to_string(), Domain::Flag);
    }
    fn text(
        &mut self,
        name: &'static str,
        field: &mut String,
        hint: &'static str,
        suggestions: &[&'static str],
        help: &'static str,
    ) {
        let domain = Domain::Text { hint, suggestions: suggestions.to_vec() };
        self.push(name, help, field.clone(), domain);
    }
    fn word(
        &mut self,
        name: &'static str,
        current: &'static str,
        options: &[&'static str],
        help: &'static str,
    ) -> Option<usize> {
        self.push(name, help, current.into(), Domain::Choice { options: options.to_vec() });
        None
    }
}

struct Writer<'a> {
    name: &'a str,
    value: &'a str,
    ok: bool,
}

impl Writer<'_> {
    fn put<T: std::str::FromStr + PartialOrd>(&mut self, name: &str, field: &mut T, range: &RangeInclusive<T>) {
        if name == self.name
            && let Ok(value) = self.value.trim().parse::<T>()
            && range.contains(&value)
        {
            *field = value;
            self.ok = true;
        }
    }
}

impl Visitor for Writer<'_> {
    fn int(&mut self, name: &'static str, field: &mut usize, range: RangeInclusive<usize>, _: &'static str) {
        self.put(name, field, &range);
    }
    fn float(&mut self, name: &'static str, field: &mut f64, range: RangeInclusive<f64>, _: &'static str) {
        self.put(name, field, &range);
    }
    fn log_float(&mut self, name: &'static str, field: &mut f64, range: RangeInclusive<f64>, _: &'static str) {
        self.put(name, field, &range);
    }
    fn flag(&mut self, name: &'static str, field: &mut bool, _: &'static str) {
        if name == self.name
            && let Ok(value) = self.value.trim().parse()
        {
            *field = value;
            self.ok = true;
        }
    }
    fn text(&mut self, name: &'static str, field: &mut String, _: &'static str, _: &[&'static str], _: &'static str) {
        if name == self.name {
            self.value.clone_into(field);
            self.ok = true;
        }
    }
    fn word(
        &mut self,
        name: &'static str,
        _: &'static str,
        options: &[&'static str],
        _: &'static str,
    ) -> Option<usize> {
        if name != self.name {
            return None;
        }
        let index = options.iter().position(|o| *o == self.value.trim());
        self.ok = index.is_some();
        index
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone)]
    struct Sample {
        depth: usize,
        rate: f64,
        clip: bool,
        data: String,
    }

    impl Default for Sample {
        fn default() -> Self {
            Self { depth: 10, rate: 0.1, clip: false, data: "digits".into() }
        }
    }

    impl Settings for Sample {
        fn visit(&mut self, v: &mut dyn Visitor) {
            v.int("depth", &mut self.depth, 1..=100, "hidden layers");
            v.log_float("rate", &mut self.rate, 1e-6..=10.0, "learning rate");
            v.flag("clip", &mut self.clip, "clip gradients");
            v.text("data", &mut self.data, "digits | csv:PATH", &["digits"], "data set");
        }
    }

    fn set(name: &str, value: &str) -> Result<Sample> {
        apply("sample", &[(name.into(), value.into())])
    }

    #[test]
    fn values_reach_their_field_and_no_other() {
        let s = set("depth", "100").unwrap();
        assert_eq!((s.depth, s.rate, s.clip, s.data.as_str()), (100, 0.1, false, "digits"));
        assert!(set("clip", "true").unwrap().clip);
        assert!((set("rate", "1e-6").unwrap().rate - 1e-6).abs() < 1e-20);
    }

    #[test]
    fn values_outside_the_domain_name_it() {
        for (name, value) in [("depth", "101"), ("depth", "ten"), ("rate", "NaN"), ("rate", "inf"), ("clip", "yes")] {
            let text = set(name, value).err().unwrap().to_string();
            assert!(text.contains(value) && text.contains("expected"), "{text}");
        }
    }

    #[test]
    fn a_near_miss_is_suggested() {
        let text = set("detph", "3").err().unwrap().to_string();
        assert_eq!(text, "unknown control 'detph' of lab 'sample'; did you mean 'depth'?");
    }
}
