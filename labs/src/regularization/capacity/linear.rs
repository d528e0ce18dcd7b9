//! Linear regression through the interpolation threshold: exact risks of drawn designs against their limit.

use crate::figure::{Axis, Figure, Kind, Lines, Role, Series, readable};
use crate::regularization::ridgeless::{Design, Problem};
use crate::regularization::setup::Setup;
use crate::rng::stream;
use crate::stats::{mean, median};
use crate::{Finding, Result};

/// Rows of a design.
pub const ROWS: usize = 100;
/// Designs of each size for each network that the settings ask for.
const DESIGNS: usize = 2;
/// Columns: p/n from 0.1 to 10.
const COLUMNS: [usize; 17] = [10, 20, 30, 50, 70, 80, 90, 95, 105, 110, 120, 150, 200, 300, 400, 700, 1000];
/// Those with findings, and what these call them.
const NAMED: [(usize, &str); 6] = [(50, "0_5"), (90, "0_9"), (110, "1_1"), (200, "2"), (400, "4"), (1000, "10")];
/// Signal and noise as in the notes' table: r^2 = 1, s^2 = 0.25.
const PROBLEM: Problem = Problem { signal: 1.0, noise: 0.25 };

/// Risks of the designs of one size.
#[derive(Debug, Default, Clone)]
struct Size {
    least: Vec<f64>,
    tuned: Vec<f64>,
}

/// The designs that are drawn and those that are still to be.
pub struct Linear {
    sizes: Vec<Size>,
    designs: usize,
    done: usize,
}

impl Linear {
    /// Queues `DESIGNS` designs of each size for each network.
    pub fn new(nets: usize) -> Self {
        Self { sizes: vec![Size::default(); COLUMNS.len()], designs: DESIGNS * nets, done: 0 }
    }

    /// All pieces of work and those that are done.
    pub fn pieces(&self) -> (usize, usize) {
        (COLUMNS.len() * self.designs, self.done)
    }

    /// The next design; false when none is left.
    pub fn step(&mut self, setup: &Setup) -> Result<bool> {
        let (all, done) = self.pieces();
        if done >= all {
            return Ok(false);
        }
        let (size, index) = (done / self.designs, (done % self.designs) as u64);
        let columns = COLUMNS[size];
        let mut random = stream(setup.seed, "capacity_design", (index << 16) + columns as u64);
        let design = Design::gaussian(ROWS, columns, &mut random)?;
        let penalty = PROBLEM.tuned_penalty(columns as f64 / ROWS as f64);
        self.sizes[size].least.push(design.risk(PROBLEM).total());
        self.sizes[size].tuned.push(design.ridge_risk(PROBLEM, penalty)?.total());
        self.done += 1;
        Ok(true)
    }

    /// Risk over p/n.
    pub fn figure(&self) -> Figure {
        let known = || COLUMNS.iter().zip(&self.sizes).filter(|(_, s)| !s.least.is_empty());
        let gamma = |p: usize| p as f64 / ROWS as f64;
        let curve = |of: fn(&Size) -> &Vec<f64>| known().map(|(p, s)| (gamma(*p), median(of(s)))).collect::<Vec<_>>();
        let band = |of: fn(&Size) -> &Vec<f64>| known().map(|(_, s)| quartiles(of(s))).collect::<Vec<_>>();
        let grid: Vec<f64> = (0..=80).map(|i| 10_f64.powf(-1.0 + 0.025 * f64::from(i))).collect();
        let off = |g: &&f64| (**g - 1.0).abs() > 0.04;
        let limit = grid.iter().filter(off).map(|g| (*g, PROBLEM.limit(*g).total())).collect();
        let ridge = |g: f64| PROBLEM.ridge_limit(g, PROBLEM.tuned_penalty(g)).map(|r| (g, r.total())).ok();
        let series = vec![
            Series {
                band: Some(band(|s| &s.least)),
                ..Series::new("minimum norm, median", Role::Measured, curve(|s| &s.least))
            },
            Series {
                band: Some(band(|s| &s.tuned)),
                ..Series::new("tuned ridge, median", Role::Measured, curve(|s| &s.tuned))
            },
            Series::new("minimum norm, limit", Role::Theory, limit),
            Series::new("tuned ridge, limit", Role::Theory, grid.iter().filter_map(|g| ridge(*g)).collect()),
        ];
        let y = Axis::log10_over("excess risk", &series);
        let x = Axis::log10("features / samples").within(0.1, 10.0);
        Figure {
            id: "capacity-linear".into(),
            title: "Linear regression through the threshold".into(),
            caption: self.caption(),
            kind: Kind::Lines(Lines {
                x,
                y,
                series,
                guides: vec![("risk of the zero estimate".into(), PROBLEM.signal)],
            }),
        }
    }

    fn caption(&self) -> String {
        let of = |columns: usize, of: fn(&Size) -> &Vec<f64>| {
            let at = COLUMNS.iter().position(|p| *p == columns)?;
            Some(of(&self.sizes[at])).filter(|v| !v.is_empty()).map(|v| readable(mean(v)))
        };
        let told = (of(90, |s| &s.least), of(200, |s| &s.least), of(1000, |s| &s.least), of(90, |s| &s.tuned));
        let (Some(peak), Some(two), Some(ten), Some(tuned)) = told else { return super::NOTHING.into() };
        format!(
            "Mean risk {peak} at 0.9 features a sample, {two} at 2 and {ten} at 10; with the penalty tuned {tuned} at 0.9, no peak."
        )
    }

    /// Mean risks at the sizes of [`NAMED`].
    pub fn findings(&self) -> Vec<Finding> {
        let mut list = Vec::new();
        for (columns, name) in NAMED {
            let Some(at) = COLUMNS.iter().position(|p| *p == columns) else { continue };
            let size = &self.sizes[at];
            let gamma = columns as f64 / ROWS as f64;
            let (mean, limit) = (PROBLEM.mean(ROWS, columns).total(), PROBLEM.limit(gamma).total());
            let meaning = format!("excess risk of minimum-norm least squares at {gamma} features a sample, n = {ROWS}");
            let note = format!("the prediction is the mean at this n; the limit of large n is {}", readable(limit));
            list.push(
                Finding::arithmetic(format!("risk_gamma_{name}"), &size.least, meaning)
                    .predicted(Some(mean))
                    .note(note),
            );
            let meaning = format!("excess risk of ridge regression with its best penalty at {gamma} features a sample");
            let ridge = PROBLEM.ridge_limit(gamma, PROBLEM.tuned_penalty(gamma)).map(|r| r.total()).ok();
            list.push(Finding::arithmetic(format!("tuned_gamma_{name}"), &size.tuned, meaning).predicted(ridge));
        }
        list
    }
}

/// The middle half of `values`.
fn quartiles(values: &[f64]) -> (f64, f64) {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |q: f64| {
        let place = q * (sorted.len() - 1) as f64;
        let (low, part) = (place.floor() as usize, place.fract());
        sorted[low] + part * (sorted[(low + 1).min(sorted.len() - 1)] - sorted[low])
    };
    (at(0.25), at(0.75))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::regularization::tests_fit::setup;

    #[test]
    fn quartiles_of_five_numbers() {
        assert_eq!(quartiles(&[5.0, 1.0, 2.0, 4.0, 3.0]), (2.0, 4.0));
        assert_eq!(quartiles(&[1.0, 2.0]), (1.25, 1.75));
    }

    #[test]
    fn risks_are_those_of_the_closed_form() {
        let setup = setup(&[]).unwrap();
        let mut part = Linear::new(2);
        // Sizes up to p = 200 suffice, and are cheap.
        while part.done < 13 * part.designs {
            part.step(&setup).unwrap();
        }
        let list = part.findings();
        let of = |name: &str| list.iter().find(|f| f.name == name).unwrap();
        // By hand: 0.25 * 50/49, 0.25 * 90/9, 1 - 100/110 + 0.25 * 100/9, 1/2 + 0.25 * 100/99.
        for (name, want, error) in [
            ("risk_gamma_0_5", 0.255_102, 0.03),
            ("risk_gamma_0_9", 2.5, 1.5),
            ("risk_gamma_1_1", 2.868_687, 1.7),
            ("risk_gamma_2", 0.752_525, 0.05),
        ] {
            assert!((of(name).predicted.unwrap() - want).abs() < 1e-6, "{name}");
            assert!((of(name).value - want).abs() < error, "{name}: {}", of(name).value);
        }
        assert!(of("tuned_gamma_0_9").value < 0.5 && of("tuned_gamma_2").value > of("tuned_gamma_0_9").value);
    }
}
