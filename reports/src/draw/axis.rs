//! From values to places on an axis, and the places that get a number.

use candelab_labs::figure::{Axis, Scale};

/// The part of an axis that is shown; `low < high`, in decades where the axis is logarithmic.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Span {
    low: f64,
    high: f64,
    log: bool,
}

/// A place on an axis, from 0 to 1, and its number.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tick {
    pub at: f64,
    pub label: String,
}

impl Span {
    /// What `axis` shows of `values`; `None` where there is nothing to show.
    pub(crate) fn of(axis: &Axis, values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let log = axis.scale == Scale::Log10;
        let inner = |v: f64| if log { v.log10() } else { v };
        if let Some((low, high)) = axis.bounds {
            let (low, high) = (inner(low), inner(high));
            if is_range(low, high) {
                return Some(Self { low, high, log });
            }
        }
        let known = values.into_iter().map(inner).filter(|v| v.is_finite());
        let ends = known.fold(None, |ends: Option<(f64, f64)>, v| {
            Some(ends.map_or((v, v), |(low, high)| (low.min(v), high.max(v))))
        });
        ends.map(|(low, high)| Self { low, high, log }.opened())
    }

    /// The span of an axis about which nothing is known.
    pub(crate) fn unknown(axis: &Axis) -> Self {
        match axis.scale {
            Scale::Linear => Self { low: 0.0, high: 1.0, log: false },
            Scale::Log10 => Self { low: -3.0, high: 0.0, log: true },
        }
    }

    /// Some width where all values are equal.
    fn opened(self) -> Self {
        let Self { low, high, log } = self;
        let wide = if log { high - low > 1e-9 } else { high / 2.0 - low / 2.0 > low.abs().max(high.abs()) * 1e-12 };
        if wide {
            return self;
        }
        let room = if log { 0.5 } else { (low.abs() / 2.0).max(f64::MIN_POSITIVE * 1e9) };
        let room = if low == 0.0 && !log { 0.5 } else { room };
        Self { low: (low - room).max(f64::MIN), high: (high + room).min(f64::MAX), log }
    }

    /// The same with air at both ends, and down to 0 where the values come near it.
    pub(crate) fn aired(self, axis: &Axis) -> Self {
        if axis.bounds.is_some() {
            return self;
        }
        let room = (self.high / 2.0 - self.low / 2.0) * 0.08;
        let near_zero = !self.log && self.low >= 0.0 && self.low < 0.35 * self.high;
        let low = if near_zero { 0.0 } else { (self.low - room).max(f64::MIN) };
        Self { low, high: (self.high + room).min(f64::MAX), log: self.log }
    }

    /// Where `value` is: 0 at the low end, 1 at the high end; `None` where it has no place.
    pub(crate) fn place(&self, value: f64) -> Option<f64> {
        let inner = if self.log { value.log10() } else { value };
        inner.is_finite().then(|| self.part(inner))
    }

    /// Where the axis crosses zero, or its low end on a logarithmic one.
    pub(crate) fn base(&self) -> f64 {
        if self.log { 0.0 } else { self.part(0.0).clamp(0.0, 1.0) }
    }

    /// In halves, since the difference of two finite numbers need not be finite. A place far outside is
    /// brought nearer: cutting a stroke at the plot's edge needs numbers that can be multiplied.
    fn part(&self, inner: f64) -> f64 {
        const FAR: f64 = 1e9;
        ((inner / 2.0 - self.low / 2.0) / (self.high / 2.0 - self.low / 2.0)).clamp(-FAR, FAR)
    }

    /// At most about `count` numbers for this axis.
    pub(crate) fn ticks(&self, count: usize) -> Vec<Tick> {
        let count = count.max(1);
        if !self.log {
            return self.linear_ticks(self.low, self.high, count);
        }
        let (first, last) = ((self.low - 1e-9).ceil() as i64, (self.high + 1e-9).floor() as i64);
        match last - first + 1 {
            decades if decades >= 2 => self.decade_ticks(first, last, count),
            _ => self.narrow_log_ticks(count),
        }
    }

    fn decade_ticks(&self, first: i64, last: i64, count: usize) -> Vec<Tick> {
        let steps = [1, 2, 3, 5, 10, 20, 30, 50, 100, 200];
        let room = |step: &&i64| (last - first) / **step < count as i64;
        let step = steps.iter().find(room).copied().unwrap_or(500);
        let plain = first >= -3 && last <= 4;
        let exponents = (first..=last).filter(|k| k.rem_euclid(step) == 0);
        exponents
            .map(|k| {
                let label = if plain { decimal(10_f64.powi(k as i32), (-k).max(0) as usize) } else { power(k) };
                Tick { at: self.part(k as f64), label }
            })
            .collect()
    }

    /// Within a decade or so: 1, 2, 5 times a power of ten, or round numbers where even these are too far apart.
    fn narrow_log_ticks(&self, count: usize) -> Vec<Tick> {
        let (low, high) = (10_f64.powf(self.low), 10_f64.powf(self.high));
        let first = self.low.floor() as i32;
        let fine: Vec<f64> = (first..=first + 2)
            .flat_map(|k| [1.0, 2.0, 3.0, 5.0, 7.0].map(|m| m * 10_f64.powi(k)))
            .filter(|v| *v >= low * (1.0 - 1e-9) && *v <= high * (1.0 + 1e-9))
            .collect();
        if fine.len() < 3 {
            return self.linear_ticks(low, high, count);
        }
        let every = fine.len().div_ceil(count);
        let ticks = fine.iter().step_by(every);
        ticks.filter_map(|v| Some(Tick { at: self.place(*v)?, label: number(*v, *v, *v) })).collect()
    }

    fn linear_ticks(&self, low: f64, high: f64, count: usize) -> Vec<Tick> {
        let step = round_step((high / 2.0 - low / 2.0) / count as f64 * 2.0);
        let first = (low / step - 1e-9).ceil();
        let values = (0..=count + 1).map(|i| (first + i as f64) * step);
        let inside: Vec<f64> = values.filter(|v| v.is_finite() && *v <= high + step * 1e-9).collect();
        let largest = inside.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
        let tick = |v: &f64| Some(Tick { at: self.place(*v)?, label: number(*v, step, largest) });
        inside.iter().filter_map(tick).collect()
    }

    /// The two ends with numbers of three digits or so, for an axis that has too few round ones.
    pub(crate) fn ends(&self) -> [Tick; 2] {
        let ends = if self.log { [self.low, self.high].map(|v| 10_f64.powf(v)) } else { [self.low, self.high] };
        let largest = ends[0].abs().max(ends[1].abs());
        let step = round_step((self.high / 2.0 - self.low / 2.0) / 50.0);
        let label = |v: f64| if self.log { short(v) } else { number(v, step, largest) };
        [Tick { at: 0.0, label: label(ends[0]) }, Tick { at: 1.0, label: label(ends[1]) }]
    }

    /// Places of the fine marks between the decades, where there is room for them.
    pub(crate) fn fine(&self) -> Vec<f64> {
        if !self.log || self.high - self.low > 7.0 {
            return Vec::new();
        }
        let decades = self.low.floor() as i32..=self.high.floor() as i32;
        let places = decades.flat_map(|k| (2..10).map(move |m| f64::from(k) + f64::from(m).log10()));
        places.map(|inner| self.part(inner)).filter(|at| (0.0..=1.0).contains(at)).collect()
    }
}

/// Whether two numbers are ends between which there are places: half their distance is not lost.
pub(crate) fn is_range(low: f64, high: f64) -> bool {
    low.is_finite() && high.is_finite() && high / 2.0 - low / 2.0 >= f64::MIN_POSITIVE
}

/// The round number (1, 2 or 5 times a power of ten) at or above `raw`.
fn round_step(raw: f64) -> f64 {
    if !(raw.is_finite() && raw >= f64::MIN_POSITIVE) {
        return f64::MIN_POSITIVE;
    }
    let ten = 10_f64.powi((raw.log10() + 1e-9).floor() as i32);
    let step = [1.0, 2.0, 5.0, 10.0].map(|m| m * ten);
    step.into_iter().find(|s| *s >= raw * (1.0 - 1e-9)).unwrap_or(ten * 10.0)
}

/// A tick's number: as many decimals as `step` needs, a power of ten where `largest` is far from 1.
fn number(value: f64, step: f64, largest: f64) -> String {
    if value == 0.0 || largest == 0.0 {
        return "0".into();
    }
    let exponent = (largest.log10() + 1e-9).floor() as i64;
    let of_step = (step.log10() + 1e-9).floor() as i64;
    if (-3..=5).contains(&exponent) {
        return decimal(value, (-of_step).clamp(0, 9) as usize);
    }
    // In two factors, since 10 to the exponent itself may be out of range.
    let half = (exponent / 2) as i32;
    let mantissa = value / 10_f64.powi(half) / 10_f64.powi(exponent as i32 - half);
    let mantissa = decimal(mantissa, (exponent - of_step).clamp(0, 9) as usize);
    if mantissa == "1" { power(exponent) } else { format!("{mantissa}×{}", power(exponent)) }
}

pub(crate) fn decimal(value: f64, decimals: usize) -> String {
    format!("{value:.decimals$}").replace('-', "−")
}

/// 10 to the `exponent`, with raised digits.
pub(crate) fn power(exponent: i64) -> String {
    let raised = |c: char| match c.to_digit(10) {
        Some(digit) => ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'][digit as usize],
        None => '⁻',
    };
    std::iter::once("10".to_string()).chain(exponent.to_string().chars().map(|c| raised(c).to_string())).collect()
}

/// A value for a cell or a bar: three significant digits.
pub(crate) fn short(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() {
        return "–".into();
    }
    if size == 0.0 {
        return "0".into();
    }
    let exponent = size.log10().floor() as i64;
    if !(-3..=5).contains(&exponent) {
        let half = (exponent / 2) as i32;
        let mantissa = value / 10_f64.powi(half) / 10_f64.powi(exponent as i32 - half);
        return format!("{}×{}", decimal(mantissa, 1), power(exponent));
    }
    let text = decimal(value, (2 - exponent).clamp(0, 5) as usize);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').into() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis, values: &[f64], count: usize) -> Vec<String> {
        let span = Span::of(axis, values.iter().copied()).unwrap();
        span.ticks(count).into_iter().map(|t| t.label).collect()
    }

    #[test]
    fn the_middle_of_a_log_axis_is_the_geometric_mean() {
        let span = Span::of(&Axis::log10("y"), [1e-60, 1.0]).unwrap();
        assert!((span.place(1e-30).unwrap() - 0.5).abs() < 1e-12);
        assert_eq!([span.place(0.0), span.place(-1.0), span.place(f64::NAN)], [None; 3]);
    }

    #[test]
    fn ticks_are_round_numbers() {
        assert_eq!(labels(&Axis::linear("x"), &[0.0, 1.0], 5), ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels(&Axis::linear("x"), &[1.0, 20.0], 5), ["5", "10", "15", "20"]);
        assert_eq!(labels(&Axis::linear("x"), &[-1.0, 1.0], 4), ["−1.0", "−0.5", "0", "0.5", "1.0"]);
        assert_eq!(labels(&Axis::linear("x"), &[0.0, 3e7], 3), ["0", "10⁷", "2×10⁷", "3×10⁷"]);
        assert_eq!(labels(&Axis::log10("x"), &[1e-8, 1.0], 5), ["10⁻⁸", "10⁻⁶", "10⁻⁴", "10⁻²", "10⁰"]);
        assert_eq!(labels(&Axis::log10("x"), &[0.01, 10.0], 5), ["0.01", "0.1", "1", "10"]);
        assert_eq!(labels(&Axis::log10("x"), &[2.0, 9.0], 5), ["2", "3", "5", "7"]);
    }

    #[test]
    fn the_ends_have_numbers_too() {
        let ends = |axis: &Axis, values: [f64; 2]| Span::of(axis, values).unwrap().ends().map(|t| t.label);
        assert_eq!(ends(&Axis::linear("x"), [-2.37, 3.09]), ["−2.4", "3.1"]);
        assert_eq!(ends(&Axis::log10("x"), [2.5, 4.0]), ["2.5", "4"]);
    }

    #[test]
    fn any_two_numbers_make_an_axis() {
        let odd = [0.0, -0.0, 1e-308, 5e-324, -1e300, f64::MAX, f64::MIN, 1.0, 1.0 + 1e-15, f64::NAN, f64::INFINITY];
        for axis in [Axis::linear("x"), Axis::log10("x")] {
            for (a, b) in odd.iter().flat_map(|a| odd.iter().map(move |b| (*a, *b))) {
                let Some(span) = Span::of(&axis, [a, b]).map(|s| s.aired(&axis)) else { continue };
                let ticks = span.ticks(6);
                assert!(ticks.len() <= 9, "{a} {b}: {ticks:?}");
                assert!(ticks.iter().all(|t| t.at.is_finite()), "{a} {b}: {ticks:?}");
                for value in [a, b].into_iter().filter(|v| v.is_finite()) {
                    if let Some(at) = span.place(value) {
                        assert!((-1e-9..=1.0 + 1e-9).contains(&at), "{a} {b}: {value} at {at} of {span:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_place_far_outside_can_still_be_cut_off() {
        let span = Span::of(&Axis::linear("x").within(0.0, 1.0), []).unwrap();
        assert_eq!([f64::MAX, f64::MIN, 12.5].map(|v| span.place(v)), [Some(1e9), Some(-1e9), Some(12.5)]);
    }

    #[test]
    fn values_are_short() {
        assert_eq!([0.12345, 1.0, 100.0, 12345.0, -2.5].map(short), ["0.123", "1", "100", "12345", "−2.5"]);
        assert_eq!(short(1.23e-12), "1.2×10⁻¹²");
    }
}
