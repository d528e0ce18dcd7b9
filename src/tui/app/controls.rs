//! The settings of the opened lab: as they are, as they were by default, and one step further.

use crate::tui::axis::nice_step;
use candelab_labs::control::Domain;
use candelab_labs::{Control, Lab, LabError, Result};

/// Whole numbers of a longer range than this are stepped 1, 2, 5, 10, 20…
const SHORT_RANGE: i64 = 200;

/// The controls of a lab.
pub struct Controls {
    lab: &'static dyn Lab,
    /// With the lab's own values; one for each of `now`, in its order.
    pub defaults: Vec<Control>,
    /// With the values that the next run will have.
    pub now: Vec<Control>,
    /// The selected row, among those that the filter lets through.
    pub row: usize,
}

impl Controls {
    /// The controls of `lab` with `values` laid over the defaults.
    pub fn new(lab: &'static dyn Lab, values: &[(String, String)]) -> Result<Self> {
        let now = lab.configure(values)?;
        Ok(Self { lab, defaults: defaults(lab, &now), now, row: 0 })
    }

    /// The settings that differ from the defaults.
    pub fn values(&self) -> Vec<(String, String)> {
        changed(&self.now, &self.defaults)
    }

    /// Whether the control at `index` differs from its default.
    pub fn is_changed(&self, index: usize) -> bool {
        self.defaults.get(index).is_some_and(|d| d.value != self.now[index].value)
    }

    /// Sets the control at `index`, if the lab takes the value; else everything stays. Controls that come
    /// and go with it: those that are gone lose their values, new ones have their defaults.
    pub fn set(&mut self, index: usize, value: &str) -> Result<()> {
        self.now = self.with(self.now[index].name, value)?;
        self.defaults = defaults(self.lab, &self.now);
        Ok(())
    }

    /// What the controls are when `name` is `value`.
    fn with(&self, name: &str, value: &str) -> Result<Vec<Control>> {
        let own = self.lab.controls();
        let is_own = |n: &str| n == name || own.iter().any(|c| c.name == n);
        let mut values = self.values();
        values.retain(|(n, _)| n != name);
        values.push((name.into(), value.into()));
        loop {
            let gone = match self.lab.configure(&values) {
                Ok(list) => match values.iter().find(|(n, _)| !is_own(n) && !self.has_alike(n, &list)) {
                    Some((other, _)) => other.clone(),
                    None => return Ok(list),
                },
                Err(LabError::UnknownControl { name: gone, .. })
                    if values.iter().any(|v| v.0 == gone && gone != name) =>
                {
                    gone
                }
                Err(refused) => {
                    // Perhaps only because of a value that belonged to a control of the same name.
                    values.retain(|(n, _)| is_own(n));
                    let list = self.lab.configure(&values).ok().filter(|list| !self.is_alike(list));
                    return list.ok_or(refused);
                }
            };
            values.retain(|(n, _)| *n != gone);
        }
    }

    /// Whether the control `name` of `list` is the one of that name here, and not another's.
    fn has_alike(&self, name: &str, list: &[Control]) -> bool {
        let old = self.now.iter().find(|c| c.name == name);
        list.iter().find(|c| c.name == name).zip(old).is_some_and(|(a, b)| (a.help, &a.domain) == (b.help, &b.domain))
    }

    fn is_alike(&self, list: &[Control]) -> bool {
        list.len() == self.now.len() && list.iter().all(|c| self.has_alike(c.name, list))
    }
}

/// Those of `now` whose value is not the default.
fn changed(now: &[Control], defaults: &[Control]) -> Vec<(String, String)> {
    let differs = |c: &&Control| defaults.iter().any(|d| d.name == c.name && d.value != c.value);
    now.iter().filter(differs).map(|c| (c.name.to_owned(), c.value.clone())).collect()
}

/// The default of each of `now`. A control that is there only with another's value has the one that it
/// appears with.
fn defaults(lab: &dyn Lab, now: &[Control]) -> Vec<Control> {
    let mut known = lab.controls();
    while now.iter().any(|c| !known.iter().any(|k| k.name == c.name)) {
        let Ok(list) = lab.configure(&changed(now, &known)) else { break };
        let before = known.len();
        let fresh: Vec<Control> = list.into_iter().filter(|c| !known.iter().any(|k| k.name == c.name)).collect();
        known.extend(fresh);
        if known.len() == before {
            break;
        }
    }
    now.iter().map(|c| known.iter().find(|k| k.name == c.name).unwrap_or(c).clone()).collect()
}

/// The value one step up or down from the control's own; `None` where there is none to step to.
pub fn neighbour(control: &Control, up: bool) -> Option<String> {
    match &control.domain {
        Domain::Int { min, max } => {
            let value: i64 = control.value.parse().ok()?;
            Some(next_int(value, *min, *max, up).to_string())
        }
        Domain::Float { min, max, log } => {
            let value: f64 = control.value.parse().ok()?;
            let next =
                if *log { next_of_125(value, up) } else { next_multiple(value, nice_step((max - min) / 20.0), up) };
            Some(format!("{:?}", next.clamp(*min, *max)))
        }
        Domain::Choice { options } => turn(options, &control.value, up),
        Domain::Flag => Some((control.value != "true").to_string()),
        Domain::Text { suggestions, .. } => turn(suggestions, &control.value, up),
    }
}

fn turn(options: &[&str], value: &str, up: bool) -> Option<String> {
    let n = options.len();
    let next = match options.iter().position(|o| *o == value) {
        Some(i) if up => (i + 1) % n,
        Some(i) => (i + n - 1) % n,
        None => 0,
    };
    options.get(next).map(ToString::to_string)
}

fn next_int(value: i64, min: i64, max: i64, up: bool) -> i64 {
    let next = if max.saturating_sub(min) <= SHORT_RANGE || value.abs() < 2 {
        if up { value + 1 } else { value - 1 }
    } else {
        next_of_125(value as f64, up).round() as i64
    };
    next.clamp(min, max)
}

/// The neighbour in …, 1, 2, 5, 10, 20, 50, …: readable, and nearly equal ratios.
fn next_of_125(value: f64, up: bool) -> f64 {
    if value <= 0.0 {
        return value;
    }
    let power = value.log10().floor() as i32;
    let candidates = (power - 1..=power + 1).flat_map(|p| [1, 2, 5].map(|m| format!("{m}e{p}")));
    let mut numbers = candidates.filter_map(|text| text.parse::<f64>().ok());
    let slack = 1e-9 * value;
    if up { numbers.find(|n| *n > value + slack) } else { numbers.rfind(|n| *n < value - slack) }.unwrap_or(value)
}

fn next_multiple(value: f64, step: f64, up: bool) -> f64 {
    let at = value / step;
    let next = if up { (at + 1e-9).floor() + 1.0 } else { (at - 1e-9).ceil() - 1.0 };
    // Through text, so that three steps of 0.1 are 0.3 and not 0.30000000000000004.
    let digits = (-step.log10().floor()).clamp(0.0, 12.0) as usize;
    format!("{:.digits$}", next * step).parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn control(domain: Domain, value: &str) -> Control {
        Control { name: "c", help: "", domain, value: value.into() }
    }

    fn steps(domain: &Domain, value: &str, up: bool, n: usize) -> Vec<String> {
        let mut c = control(domain.clone(), value);
        (0..n)
            .map(|_| {
                c.value = neighbour(&c, up).unwrap();
                c.value.clone()
            })
            .collect()
    }

    #[test]
    fn log_floats_step_through_readable_numbers() {
        let rate = Domain::Float { min: 1e-6, max: 10.0, log: true };
        assert_eq!(steps(&rate, "0.001", true, 4), ["0.002", "0.005", "0.01", "0.02"]);
        assert_eq!(steps(&rate, "0.001", false, 2), ["0.0005", "0.0002"]);
        assert_eq!(steps(&rate, "1e-6", false, 1), ["1e-6"]);
        assert_eq!(steps(&rate, "0.003", true, 1), ["0.005"]);
        assert_eq!(steps(&rate, "10.0", true, 1), ["10.0"]);
    }

    #[test]
    fn linear_floats_step_by_round_amounts() {
        let p = Domain::Float { min: 0.0, max: 1.0, log: false };
        assert_eq!(steps(&p, "0.1", true, 3), ["0.15", "0.2", "0.25"]);
        assert_eq!(steps(&p, "0.05", false, 2), ["0.0", "0.0"]);
    }

    #[test]
    fn integers_step_by_one_or_by_readable_numbers() {
        assert_eq!(steps(&Domain::Int { min: 2, max: 100 }, "99", true, 2), ["100", "100"]);
        assert_eq!(steps(&Domain::Int { min: 1, max: 100_000 }, "600", true, 2), ["1000", "2000"]);
        assert_eq!(steps(&Domain::Int { min: 0, max: 100_000 }, "2", false, 3), ["1", "0", "0"]);
    }

    #[test]
    fn words_cycle_and_flags_toggle() {
        let words = Domain::Choice { options: vec!["relu", "tanh"] };
        assert_eq!(steps(&words, "relu", false, 2), ["tanh", "relu"]);
        assert_eq!(steps(&Domain::Flag, "false", true, 2), ["true", "false"]);
        let text = Domain::Text { hint: "path", suggestions: vec![] };
        assert_eq!(neighbour(&control(text, "x"), true), None);
    }
}
