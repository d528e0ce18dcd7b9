//! Who is better than whom, over pairs of networks that share their random numbers.

use crate::stats::{PairedTest, holm, mean, paired_t_test};

/// Below it a corrected p-value counts as a difference.
pub const LEVEL: f64 = 0.05;

/// One function's place.
#[derive(Debug, Clone)]
pub struct Place {
    /// Which of the results that were ranked.
    pub index: usize,
    /// Against the first; `None` for the first itself and where there are no two pairs.
    pub test: Option<PairedTest>,
    /// Holm's p-value over all comparisons with the first; NaN where there is no test.
    pub p: f64,
}

impl Place {
    /// What the test says, in words.
    pub fn verdict(&self, first: bool) -> &'static str {
        match self.test {
            _ if first => "first",
            None => "no test",
            Some(_) if self.p >= LEVEL => "no difference shown",
            Some(test) if test.difference > 0.0 => "better where finite",
            Some(_) => "worse",
        }
    }
}

/// Ranks by mean of `results[i]`, its values of the repeats, the highest first; NaN: that repeat failed.
/// Whatever failed more often comes later, since the mean of those that are left flatters it. Empty where
/// nothing is known.
pub fn rank(results: &[Vec<f64>]) -> Vec<Place> {
    let finite = |i: &usize| results[*i].iter().copied().filter(|v| v.is_finite()).collect::<Vec<_>>();
    let failed = |i: &usize| results[*i].len() - finite(i).len();
    let mut order: Vec<usize> = (0..results.len()).filter(|i| !results[*i].is_empty()).collect();
    let average = |i: &usize| Some(mean(&finite(i))).filter(|m| m.is_finite()).unwrap_or(f64::NEG_INFINITY);
    order.sort_by(|a, b| failed(a).cmp(&failed(b)).then(average(b).total_cmp(&average(a))));
    let Some(first) = order.first().copied() else { return Vec::new() };
    let test = |i: &usize| {
        let pairs = results[*i].iter().zip(&results[first]).filter(|(a, b)| a.is_finite() && b.is_finite());
        let (a, b): (Vec<f64>, Vec<f64>) = pairs.unzip();
        if *i == first { None } else { paired_t_test(&a, &b) }
    };
    let tests: Vec<Option<PairedTest>> = order.iter().map(test).collect();
    let p = holm(&tests.iter().map(|t| t.map_or(f64::NAN, |t| t.p)).collect::<Vec<_>>());
    order.into_iter().zip(tests).zip(p).map(|((index, test), p)| Place { index, test, p }).collect()
}

/// How many of `places` but the first are not shown to be worse; NaN where nothing was tested.
pub fn ties(places: &[Place]) -> f64 {
    let tested: Vec<&Place> = places.iter().filter(|p| p.test.is_some()).collect();
    if tested.is_empty() {
        return f64::NAN;
    }
    tested.iter().filter(|p| p.verdict(false) == "no difference shown").count() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shift_is_told_from_noise_and_a_failure_comes_last() {
        let results = vec![
            vec![0.90, 0.91, 0.89, 0.92, 0.90],
            vec![0.85, 0.861, 0.842, 0.869, 0.851],
            vec![0.91, 0.90, 0.88, 0.92, 0.90],
            vec![0.99, f64::NAN, 0.99, 0.99, 0.99],
            vec![f64::NAN; 5],
        ];
        let places = rank(&results);
        assert_eq!(places.iter().map(|p| p.index).collect::<Vec<_>>(), [0, 2, 1, 3, 4]);
        let verdicts: Vec<_> = places.iter().enumerate().map(|(i, p)| p.verdict(i == 0)).collect();
        assert_eq!(verdicts, ["first", "no difference shown", "worse", "better where finite", "no test"]);
        // (0.01 - 0.01 - 0.01 + 0 + 0) over five.
        assert!((places[1].test.unwrap().difference + 0.002).abs() < 1e-12);
        assert!((ties(&places) - 1.0).abs() < 1e-12);
        assert!(rank(&[vec![], vec![]]).is_empty() && ties(&rank(&[vec![1.0], vec![2.0]])).is_nan());
    }
}
