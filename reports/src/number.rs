//! Numbers, intervals and ranges as print has them.

use candelab_labs::Interval;
use candelab_labs::figure::readable;

/// A number with a true minus, and a power of ten instead of an `e`.
pub(crate) fn signed(value: f64) -> String {
    if value.is_finite() { typeset(&readable(value)) } else { readable(value) }
}

/// The same to `digits` significant digits, trailing zeros left out.
pub(crate) fn precise(value: f64, digits: usize) -> String {
    let size = value.abs();
    if digits <= FEWEST || size == 0.0 || !value.is_finite() {
        return signed(value);
    }
    if !(1e-3..1e5).contains(&size) {
        return typeset(&format!("{value:.*e}", digits - 1));
    }
    let decimals = digits as f64 - 1.0 - size.log10().floor();
    let text = format!("{value:.*}", decimals.max(0.0) as usize);
    typeset(if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text })
}

/// The significant digits of [`readable`].
const FEWEST: usize = 4;
/// A double has 15 to 17 decimal digits; beyond these it is rounding that differs.
const MOST: usize = 14;

/// How many digits it takes until different numbers look different: a value of 0.24996 that is refuted
/// because it should be at least 0.25 must not be printed as 0.25.
pub(crate) fn digits(values: &[f64]) -> usize {
    let same = |a: f64, b: f64| (a - b).abs() <= 10_f64.powi(1 - MOST as i32) * a.abs().max(b.abs());
    let apart = |digits: usize| {
        let pairs = values.iter().enumerate().flat_map(|(i, a)| values[..i].iter().map(move |b| (*a, *b)));
        pairs.into_iter().all(|(a, b)| same(a, b) || precise(a, digits) != precise(b, digits))
    };
    (FEWEST..MOST).find(|d| apart(*d)).unwrap_or(MOST)
}

fn typeset(text: &str) -> String {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, ""));
    let power = exponent.parse().map(|e: i64| format!("×{}", crate::draw::axis::power(e))).unwrap_or_default();
    mantissa.replace('-', "−") + &power
}

/// What is known of a value: the ends between which a sampled one lies, or how far off a computed one may be.
pub(crate) fn interval(value: f64, i: Interval) -> String {
    if i.n == 1 { bound(value, i) } else { format!("{} to {} (n = {})", signed(i.low), signed(i.high), i.n) }
}

/// A single observation has no interval of chance; these ends are a computed number's error bounds.
pub(crate) fn bound(value: f64, i: Interval) -> String {
    let size = if value == 0.0 { 1.0 } else { value.abs() };
    if (i.high - i.low).abs() < size * EXACT { "exact".into() } else { error(value, i) }
}

/// The error of a computed number, however small.
pub(crate) fn error(value: f64, i: Interval) -> String {
    let half = (i.high - i.low) / 2.0;
    if half == 0.0 {
        "exact".into()
    } else if (f64::midpoint(i.low, i.high) - value).abs() <= half * 1e-3 {
        format!("± {}", signed(half))
    } else {
        // Not about the value, so a single number would not tell both ends.
        format!("{} to {}", signed(i.low), signed(i.high))
    }
}

/// The part of a value that its bounds may span and not change any digit on the page.
const EXACT: f64 = 1e-6;

/// Ends of a range that are this near, relative to their size, are one number.
const SAME: f64 = 1e-6;

/// A range with one end or both, to so many digits.
pub(crate) fn range(low: Option<f64>, high: Option<f64>, digits: usize) -> String {
    let finite = |end: Option<f64>| end.filter(|v| v.is_finite());
    match (finite(low), finite(high)) {
        // A formula with a tolerance for rounding: one number.
        (Some(low), Some(high)) if high - low <= SAME * low.abs().max(high.abs()) => {
            precise(f64::midpoint(low, high), digits)
        }
        (Some(low), Some(high)) => format!("{} to {}", precise(low, digits), precise(high, digits)),
        (Some(low), None) => format!("at least {}", precise(low, digits)),
        (None, Some(high)) => format!("at most {}", precise(high, digits)),
        (None, None) => "any value".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_a_true_minus() {
        assert_eq!([signed(-0.5), signed(2.9e-13)], ["−0.5", "2.900×10⁻¹³"]);
        assert_eq!(
            [precise(-0.249_996, 5), precise(2.9e-13, 6), precise(1e7, 5)],
            ["−0.25", "2.90000×10⁻¹³", "1.0000×10⁷"]
        );
        assert_eq!([precise(99_999.9, 6), precise(0.0, 9), precise(f64::NAN, 9)], ["99999.9", "0", "–"]);
    }

    #[test]
    fn different_numbers_look_different() {
        assert_eq!(digits(&[0.25, 0.5, 0.25]), 4);
        let pair = [0.249_996, 0.25];
        assert_eq!(pair.map(|v| precise(v, digits(&pair))), ["0.249996", "0.25"]);
        let range = [0.999_999_999, 1.0, 1.000_000_001];
        assert_eq!(range.map(|v| precise(v, digits(&range))), ["0.999999999", "1", "1.000000001"]);
        // What is only rounding need not be told apart.
        assert_eq!(digits(&[0.1 + 0.2, 0.3]), 4);
        assert_eq!(digits(&[]), 4);
    }

    #[test]
    fn only_samples_have_a_confidence_interval() {
        let said = |value, low, high, n| interval(value, Interval { low, high, n });
        assert_eq!(said(0.5, -1.0, 2.0, 5), "−1 to 2 (n = 5)");
        assert_eq!(said(0.3, 0.3, 0.3 + 1e-12, 1), "exact");
        assert_eq!(said(0.0, -1e-9, 1e-9, 1), "exact");
        assert_eq!(said(0.5, 0.25, 0.75, 1), "± 0.25");
        // A tiny value with a tiny error is not known at all.
        assert_eq!(said(2e-9, 1e-9, 3e-9, 1), "± 1.000×10⁻⁹");
        assert_eq!(said(0.5, 0.25, 2.0, 1), "0.25 to 2");
    }

    #[test]
    fn a_range_says_which_ends_it_has() {
        assert_eq!(range(Some(-1.0), Some(2.0), 4), "−1 to 2");
        assert_eq!(range(Some(0.5), None, 4), "at least 0.5");
        assert_eq!(range(Some(f64::NEG_INFINITY), Some(0.5), 4), "at most 0.5");
        assert_eq!(range(Some(2.0), Some(2.0), 4), "2");
        assert_eq!(range(None, None, 4), "any value");
    }
}
