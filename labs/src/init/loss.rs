//! The first loss beside ln C: what a network pays for being sure before it has seen anything.

use super::setup::Setup;
use super::step_zero::flat;
use crate::cost::measure_cost;
use crate::figure::{Axis, Bars, Figure, Kind, Table, readable};
use crate::mean_field::gaussian_mean;
use crate::nn::{Init, Mode, Scheme, loss};
use crate::stats::{mean, t_interval};
use crate::trainer::Network;
use crate::work::Work;
use crate::{Finding, Result};
use candle_core::DType;
use libm::erf;
use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// Up to this standard deviation of the logits the expected loss is integrated; above it, the first two
/// terms of its series in 1/s differ from it by less than the integral's own error.
const INTEGRATED: f64 = 8.0;

struct Row {
    scheme: Scheme,
    predicted: Option<f64>,
    losses: Vec<f64>,
    /// Mean square of the logits, for each network.
    squares: Vec<f64>,
}

pub struct FirstLoss {
    rows: Vec<Row>,
    classes: usize,
    done: usize,
    total: usize,
    cost: f64,
}

/// The mean cross-entropy, in nats, of logits that are independent draws from N(0, v) and know nothing of
/// the label: E ln sum exp z. For small v it is ln C + v (1 - 1/C) / 2, near ln C + v/2.
pub fn expected_loss(classes: usize, v: f64) -> f64 {
    let c = classes as f64;
    let s = v.sqrt();
    if v <= 0.0 {
        return c.ln();
    }
    if s > INTEGRATED {
        // The largest logit, and ln(1 + e^-gap) where the second comes near it.
        let cdf = |z: f64| 0.5 * (1.0 + erf(z * FRAC_1_SQRT_2));
        let pdf = |z: f64| (-0.5 * z * z).exp() / (2.0 * PI).sqrt();
        let largest = c * gaussian_mean(|z| z * cdf(z).powf(c - 1.0));
        let gap = c * (c - 1.0) * gaussian_mean(|z| pdf(z) * cdf(z).powf(c - 2.0));
        return s * largest + PI * PI / 12.0 * gap / s;
    }
    // ln S is the integral of (exp(-t) - exp(-t S)) / t over t > 0; here over u = ln t, where both terms
    // fall from 1 to 0 smoothly, so that the trapezoidal rule converges faster than any power.
    let step = 0.1;
    let (low, high) = (-12.0 * s - 40.0, 12.0 * s + 5.0);
    let at = |u: f64| {
        let t = u.exp();
        (-t).exp() - gaussian_mean(|z| (-t * (s * z).exp()).exp()).powf(c)
    };
    let points = ((high - low) / step).ceil() as usize;
    step * (0..=points).map(|i| at(low + step * i as f64)).sum::<f64>()
}

impl FirstLoss {
    pub fn new(setup: &Setup) -> Result<Self> {
        let classes = setup.data.classes;
        let mut rows = Vec::new();
        for scheme in setup.settings.schemes()? {
            // The head has variance 1/width (LeCun), so a logit's variance is the mean square of its input;
            // Fixup's head is 0.
            let head = if scheme == Scheme::Fixup { 0.0 } else { 1.0 };
            let square = setup.theory(scheme)?.and_then(|t| t.outputs.last().copied());
            let predicted = square.map(|h2| expected_loss(classes, head * h2)).filter(|l| l.is_finite());
            rows.push(Row { scheme, predicted, losses: vec![], squares: vec![] });
        }
        let cost = measure_cost(&setup.network(Init::HeNormal), setup.settings.samples) / 3.0;
        Ok(Self { total: rows.len() * setup.settings.nets, rows, classes, done: 0, cost })
    }

    fn measure(&mut self, setup: &Setup) -> Result<()> {
        let (row, index) = (self.done % self.rows.len(), self.done / self.rows.len());
        let row = &mut self.rows[row];
        let net = setup.built(row.scheme, index as u64)?.net;
        let logits = net.forward(&setup.x, Mode::Batch)?.detach();
        row.losses.push(loss::cross_entropy(&logits, &setup.y)?.to_dtype(DType::F64)?.to_scalar()?);
        row.squares.push(mean(&flat(&logits)?.iter().map(|z| z * z).collect::<Vec<_>>()));
        Ok(())
    }

    fn chance(&self) -> f64 {
        (self.classes as f64).ln()
    }

    fn caption(&self, setup: &Setup) -> String {
        let known = self.rows.iter().filter(|r| !r.losses.is_empty()).map(|r| (r.scheme.name(), mean(&r.losses)));
        let mut known: Vec<_> = known.collect();
        known.sort_by(|a, b| a.1.total_cmp(&b.1));
        let (Some(least), Some(most)) = (known.first(), known.last()) else { return "Nothing measured yet.".into() };
        format!(
            "First loss from {} nats ({}) to {} ({}); ln {} = {}, the labels' entropy {}. While small, the logits' variance v adds about v/2.",
            readable(least.1),
            least.0,
            readable(most.1),
            most.0,
            self.classes,
            readable(self.chance()),
            readable(setup.guess)
        )
    }

    fn bars(&self, setup: &Setup) -> Figure {
        let value = |values: &[f64]| if values.is_empty() { f64::NAN } else { mean(values) };
        let groups = vec![
            ("measured".into(), self.rows.iter().map(|r| value(&r.losses)).collect()),
            ("mean field".into(), self.rows.iter().map(|r| r.predicted.unwrap_or(f64::NAN)).collect()),
            (format!("ln {}", self.classes), vec![self.chance(); self.rows.len()]),
        ];
        let bars = Bars {
            y: Axis::log10("first loss / nats"),
            x_label: "scheme".into(),
            categories: self.rows.iter().map(|r| r.scheme.name().into()).collect(),
            groups,
        };
        let (id, title) = ("first-loss".into(), "First loss".into());
        Figure { id, title, caption: self.caption(setup), kind: Kind::Bars(bars) }
    }

    fn table(&self, setup: &Setup) -> Figure {
        let excess = format!("over ln {}", self.classes);
        let head = ["scheme", "first loss", "95 % interval", &excess, "v/2 (1 - 1/C)", "mean field"];
        let rows = self.rows.iter().map(|r| {
            let text = |v: Option<f64>| v.map_or_else(|| "–".into(), readable);
            let measured = (!r.losses.is_empty()).then(|| mean(&r.losses));
            let interval = t_interval(&r.losses);
            let half = (!r.squares.is_empty()).then(|| 0.5 * mean(&r.squares) * (1.0 - 1.0 / self.classes as f64));
            vec![
                r.scheme.name().into(),
                text(measured),
                interval.map_or_else(|| "–".into(), |i| format!("{} to {}", readable(i.low), readable(i.high))),
                text(measured.map(|m| m - self.chance())),
                text(half),
                text(r.predicted),
            ]
        });
        let table = Table { columns: head.map(String::from).to_vec(), rows: rows.collect() };
        let caption = if self.done == 0 {
            "Nothing measured yet.".into()
        } else {
            format!(
                "{} v: mean square of the logits; while v is small its half is what the first loss lies over ln {}.",
                self.caption(setup),
                self.classes
            )
        };
        let (id, title) = ("first-loss-table".into(), "First loss beside ln C".into());
        Figure { id, title, caption, kind: Kind::Table(table) }
    }
}

impl Work<Setup> for FirstLoss {
    fn title(&self) -> &'static str {
        "first loss"
    }

    fn stage(&self) -> String {
        format!("first loss, network {} of {}", (self.done + 1).min(self.total), self.total)
    }

    fn cost(&self) -> (f64, f64) {
        (self.cost * self.total as f64, self.cost * self.done as f64)
    }

    fn step(&mut self, setup: &Setup) -> Result<bool> {
        if self.done < self.total {
            self.measure(setup)?;
            self.done += 1;
        }
        Ok(self.done < self.total)
    }

    fn figures(&self, setup: &Setup) -> Vec<Figure> {
        vec![self.bars(setup), self.table(setup)]
    }

    fn findings(&self, _: &Setup) -> Vec<Finding> {
        let row = |r: &Row| {
            let name = r.scheme.name();
            let first = format!("{name}: cross-entropy of the batch before training");
            let square = format!("{name}: mean square of the logits before training");
            [
                Finding::geometric(format!("{name}_first_loss"), &r.losses, first).unit("nats").predicted(r.predicted),
                Finding::arithmetic(format!("{name}_logit_square"), &r.squares, square),
            ]
        };
        self.rows.iter().flat_map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::stream;

    /// Mean and standard error of ln sum exp z by drawing it.
    fn drawn(classes: usize, v: f64, n: usize) -> (f64, f64) {
        let mut random = stream(9, "logits", classes as u64);
        let one = |_| {
            let z: Vec<f64> = random.normals(classes).iter().map(|z| z * v.sqrt()).collect();
            let top = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            top + z.iter().map(|z| (z - top).exp()).sum::<f64>().ln()
        };
        let values: Vec<f64> = (0..n).map(one).collect();
        (mean(&values), crate::stats::std_dev(&values) / (n as f64).sqrt())
    }

    #[test]
    fn the_expected_loss_is_that_of_random_logits() {
        for classes in [2, 10] {
            for v in [0.01, 0.5, 4.0, 30.0, 100.0, 1e4] {
                let (want, error) = drawn(classes, v, 40_000);
                let value = expected_loss(classes, v);
                assert!((value - want).abs() < 4.0 * error, "C {classes}, v {v}: {value}, drawn {want} +- {error}");
            }
        }
    }

    #[test]
    fn small_logits_add_half_their_variance() {
        for classes in [2_usize, 10, 100] {
            let c = classes as f64;
            let excess = expected_loss(classes, 1e-3) - c.ln();
            assert!((excess / (0.5e-3 * (1.0 - 1.0 / c)) - 1.0).abs() < 2e-3, "{classes}: {excess}");
        }
        assert!((expected_loss(10, 0.0) - 10.0_f64.ln()).abs() < 1e-12);
        assert!((expected_loss(27, 1e-12) - 3.295_836_866).abs() < 1e-8);
    }

    #[test]
    fn large_logits_cost_the_largest_of_them() {
        // Expected maximum of ten standard normals: 1.538753 (Harter 1961, table of order statistics).
        assert!((expected_loss(10, 1e12) / 1e6 - 1.538_753).abs() < 1e-6);
        // The two branches meet.
        let (below, above) = (expected_loss(10, 63.99), expected_loss(10, 64.01));
        assert!((above / below - 1.0).abs() < 1e-3, "{below} {above}");
    }
}
