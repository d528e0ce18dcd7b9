//! Axes: where values lie, and which of them get a label.

use candelab_labs::figure::Scale;

/// A scale with its ends: answers where between them a value lies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mapping {
    scale: Scale,
    /// Ends in the scale's own measure: the value, or its decimal logarithm.
    low: f64,
    high: f64,
}

/// A labelled position: 0 at the low end, 1 at the high end.
#[derive(Debug, Clone, PartialEq)]
pub struct Tick {
    /// Where it is.
    pub at: f64,
    /// What it says.
    pub label: String,
}

impl Mapping {
    /// The smallest mapping that holds `values`; an empty or flat one is widened.
    pub fn around(scale: Scale, values: impl Iterator<Item = f64>) -> Self {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for v in values.filter_map(|v| measure(scale, v)) {
            low = low.min(v);
            high = high.max(v);
        }
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        if high - low < 1e-12 * low.abs().max(1e-300) || high <= low {
            let half = if scale == Scale::Log10 { 0.5 } else { 0.5 * low.abs().max(1.0) };
            (low, high) = (low - half, high + half);
        }
        Self { scale, low, high }
    }

    /// The mapping with fixed ends, if they have a place on the scale.
    pub fn between(scale: Scale, (low, high): (f64, f64)) -> Option<Self> {
        let (low, high) = (measure(scale, low)?, measure(scale, high)?);
        (high > low).then_some(Self { scale, low, high })
    }

    /// The same with ends moved outward to round values, so that a growing curve does not move
    /// the whole picture at every step.
    pub fn rounded(mut self) -> Self {
        let span = self.high - self.low;
        let step = match self.scale {
            Scale::Linear => nice_step(span / 5.0),
            Scale::Log10 if span > 2.0 => 1.0,
            Scale::Log10 => 0.25,
        };
        self.low = (self.low / step + 1e-9).floor() * step;
        self.high = (self.high / step - 1e-9).ceil() * step;
        self
    }

    /// The values at the ends.
    pub fn ends(&self) -> (f64, f64) {
        let value = |v: f64| if self.scale == Scale::Log10 { 10_f64.powf(v) } else { v };
        (value(self.low), value(self.high))
    }

    /// The part from `from` to `to`, both between 0 and 1.
    pub fn window(self, from: f64, to: f64) -> Self {
        let span = self.high - self.low;
        Self { scale: self.scale, low: self.low + from * span, high: self.low + to * span }
    }

    /// Where `value` lies: 0 at the low end, 1 at the high end, outside beyond them; `None` where
    /// the scale has no place for it.
    pub fn position(&self, value: f64) -> Option<f64> {
        Some((measure(self.scale, value)? - self.low) / (self.high - self.low))
    }

    /// Whether `value` lies between the ends.
    pub fn holds(&self, value: f64) -> bool {
        self.position(value).is_some_and(|p| (-1e-9..=1.0 + 1e-9).contains(&p))
    }

    /// At most `most` labelled positions (at least two are tried for).
    pub fn ticks(&self, most: usize) -> Vec<Tick> {
        match self.scale {
            Scale::Linear => self.linear_ticks(most.max(2), |v| v),
            Scale::Log10 if self.high - self.low < 1.0 => self.linear_ticks(most.max(2), |v| 10_f64.powf(v)),
            Scale::Log10 => self.decades(most.max(2)),
        }
    }

    /// Ticks at equal differences; `value` turns the scale's measure into the value.
    fn linear_ticks(&self, most: usize, value: impl Fn(f64) -> f64) -> Vec<Tick> {
        let (low, high) = (value(self.low), value(self.high));
        let mut step = nice_step((high - low) / most as f64);
        let slack = 1e-9 * (high - low);
        let count = |step: f64| (((high + slack) / step).floor() - ((low - slack) / step).ceil()) as i64 + 1;
        while count(step) > most as i64 {
            step = nice_step(step * 1.5);
        }
        let first = ((low - slack) / step).ceil() as i64;
        let mut values: Vec<f64> = (0..count(step).max(0)).map(|i| (first + i) as f64 * step).collect();
        if values.len() < 2 && high > low {
            // One number is no scale: the ends are.
            values = vec![low, high];
            step = nice_step((high - low) / 10.0);
        }
        values.into_iter().filter_map(|v| Some(Tick { at: self.position(v)?, label: label(v, step) })).collect()
    }

    fn decades(&self, most: usize) -> Vec<Tick> {
        let first = (self.low - 1e-9).ceil() as i64;
        let last = (self.high + 1e-9).floor() as i64;
        let step = ((last - first) / most as i64 + 1).max(1);
        let shown = || (first..=last).filter(|d| d.rem_euclid(step) == 0);
        // One form for the whole axis: 0.01 next to 1e-4 reads badly.
        let plain = shown().all(|d| (-2..=3).contains(&d));
        shown().map(|d| Tick { at: (d as f64 - self.low) / (self.high - self.low), label: decade(d, plain) }).collect()
    }
}

fn measure(scale: Scale, value: f64) -> Option<f64> {
    match scale {
        Scale::Linear => value.is_finite().then_some(value),
        Scale::Log10 => (value.is_finite() && value > 0.0).then(|| value.log10()),
    }
}

/// The smallest of 1, 2, 5 times a power of ten that is not below `least`.
pub fn nice_step(least: f64) -> f64 {
    let power = 10_f64.powf(least.abs().max(1e-300).log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|s| *s >= least * (1.0 - 1e-9)).unwrap_or(10.0 * power)
}

fn label(value: f64, step: f64) -> String {
    let size = value.abs();
    if value == 0.0 || size < step * 1e-6 {
        return "0".into();
    }
    if !(1e-3..1e6).contains(&size) {
        let text = format!("{value:.3e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        return format!("{}e{exponent}", mantissa.trim_end_matches('0').trim_end_matches('.'));
    }
    let digits = (-step.log10().floor()).clamp(0.0, 9.0) as usize;
    format!("{value:.digits$}")
}

fn decade(exponent: i64, plain: bool) -> String {
    match exponent {
        0 => "1".into(),
        _ if plain => format!("{}", 10_f64.powi(exponent as i32)),
        _ => format!("1e{exponent}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(mapping: Mapping, most: usize) -> Vec<String> {
        mapping.ticks(most).into_iter().map(|t| t.label).collect()
    }

    #[test]
    fn linear_ticks_are_round_and_inside() {
        let m = Mapping::between(Scale::Linear, (0.0, 600.0)).unwrap();
        assert_eq!(labels(m, 7), ["0", "100", "200", "300", "400", "500", "600"]);
        assert_eq!(labels(m, 3), ["0", "500"]);
        let m = Mapping::between(Scale::Linear, (-0.13, 0.29)).unwrap();
        assert_eq!(labels(m, 5), ["-0.1", "0.0", "0.1", "0.2"].map(|l| if l == "0.0" { "0" } else { l }));
    }

    #[test]
    fn small_and_large_values_keep_what_tells_them_apart() {
        let m = Mapping::between(Scale::Linear, (1e-4, 1.6e-4)).unwrap();
        assert_eq!(labels(m, 4), ["1e-4", "1.2e-4", "1.4e-4", "1.6e-4"]);
        let m = Mapping::between(Scale::Linear, (1_000_000.0, 1_150_000.0)).unwrap();
        assert_eq!(labels(m, 4), ["1e6", "1.05e6", "1.1e6", "1.15e6"]);
    }

    #[test]
    fn decades_are_thinned_out_to_fit() {
        let m = Mapping::between(Scale::Log10, (1e-9, 10.0)).unwrap();
        assert_eq!(labels(m, 4), ["1e-9", "1e-6", "1e-3", "1"]);
        assert!(m.ticks(30).len() == 11);
        let m = Mapping::between(Scale::Log10, (0.01, 1000.0)).unwrap();
        assert_eq!(labels(m, 9), ["0.01", "0.1", "1", "10", "100", "1000"]);
    }

    #[test]
    fn a_range_below_a_decade_gets_plain_numbers() {
        let m = Mapping::between(Scale::Log10, (2.0, 9.0)).unwrap();
        assert_eq!(labels(m, 4), ["2", "4", "6", "8"]);
        assert!(m.ticks(4).windows(2).all(|w| w[0].at < w[1].at));
    }

    #[test]
    fn values_without_a_place_have_none() {
        let m = Mapping::between(Scale::Log10, (1.0, 100.0)).unwrap();
        assert_eq!(m.position(10.0), Some(0.5));
        assert_eq!(m.position(0.0), None);
        assert_eq!(m.position(f64::NAN), None);
        assert!(Mapping::between(Scale::Log10, (0.0, 1.0)).is_none());
    }

    #[test]
    fn flat_and_empty_data_still_have_a_range() {
        for data in [vec![], vec![3.0, 3.0], vec![f64::NAN], vec![0.0]] {
            for scale in [Scale::Linear, Scale::Log10] {
                let m = Mapping::around(scale, data.iter().copied());
                assert!(m.high > m.low);
                assert!(!m.rounded().ticks(5).is_empty());
            }
        }
    }

    #[test]
    fn ends_are_rounded_outward() {
        let m = Mapping::around(Scale::Linear, [0.13, 2.28].into_iter()).rounded();
        assert_eq!((m.low, m.high), (0.0, 2.5));
    }

    #[test]
    fn a_window_is_a_part_of_the_scale() {
        let m = Mapping::between(Scale::Linear, (0.0, 100.0)).unwrap().window(0.25, 0.5);
        assert_eq!(m.position(25.0), Some(0.0));
        assert!(m.holds(50.0) && !m.holds(51.0));
    }
}
