//! How alike two inputs become with depth.

use super::setup::Setup;
use crate::cost::measure_cost;
use crate::figure::{Axis, Figure, Kind, Lines, Role, Series, readable};
use crate::mean_field;
use crate::nn::{Mlp, Mode};
use crate::rng::stream;
use crate::stats::{mean, t_interval};
use crate::work::Work;
use crate::{Finding, Interval, Result};
use candle_core::{DType, Tensor};

/// Cosines between the two inputs at the start.
const STARTS: [f64; 3] = [0.0, 0.5, 0.9];
/// Pairs of inputs for each of them.
const PAIRS: usize = 16;

pub struct Correlation {
    nets: usize,
    cost: f64,
    /// One entry a network: for each start, the mean cosine at hidden layers 1 to L.
    measured: Vec<Vec<Vec<f64>>>,
    theory: Vec<Option<Vec<f64>>>,
}

impl Correlation {
    pub fn new(setup: &Setup) -> Self {
        let config = setup.network();
        let theory = STARTS.iter().map(|c| mean_field::correlations(&config, *c)).collect();
        let cost = measure_cost(&config, 2 * PAIRS * STARTS.len()) / 3.0;
        Self { nets: setup.settings.nets, cost, measured: Vec::new(), theory }
    }

    /// The measured curve of start number `i` with its interval over networks.
    fn curve(&self, i: usize) -> Series {
        let numbered = |(l, c): (usize, &f64)| (l as f64 + 1.0, *c);
        let points: Vec<_> = self.mean(i).iter().enumerate().map(numbered).collect();
        let mut series = Series::new(format!("from {:.1}", STARTS[i]), Role::Measured, points);
        let interval = |(l, point): (usize, &(f64, f64))| {
            let column: Vec<f64> = self.measured.iter().map(|m| m[i][l]).filter(|c| c.is_finite()).collect();
            t_interval(&column).map_or((point.1, point.1), |b| (b.low, b.high))
        };
        series.band = Some(series.points.iter().enumerate().map(interval).collect());
        series
    }

    /// The mean over networks of the cosine at each layer for start number `i`.
    fn mean(&self, i: usize) -> Vec<f64> {
        let depth = self.measured.first().map_or(0, |m| m[i].len());
        let at = |l: usize| self.measured.iter().map(|m| m[i][l]).filter(|c| c.is_finite()).collect::<Vec<_>>();
        (0..depth).map(|l| mean(&at(l))).collect()
    }
}

/// Rows 2k and 2k + 1 have root mean square 1 and cosine `cosine`.
fn pairs(setup: &Setup, cosine: f64, number: u64) -> Vec<f64> {
    let d = setup.data.dim;
    let mut random = stream(setup.seed, "pairs", number);
    let mut rows = Vec::with_capacity(2 * PAIRS * d);
    for _ in 0..PAIRS {
        let scaled = |v: Vec<f64>| {
            let rms = (v.iter().map(|x| x * x).sum::<f64>() / d as f64).sqrt();
            v.into_iter().map(|x| x / rms).collect::<Vec<_>>()
        };
        let a = scaled(random.normals(d));
        let b = random.normals(d);
        let dot = a.iter().zip(&b).map(|(x, y)| x * y).sum::<f64>() / d as f64;
        let across = scaled(b.iter().zip(&a).map(|(y, x)| y - dot * x).collect());
        let sine = (1.0 - cosine * cosine).sqrt();
        let other: Vec<f64> = a.iter().zip(&across).map(|(x, y)| cosine * x + sine * y).collect();
        rows.extend(a);
        rows.extend(other);
    }
    rows
}

/// The mean over pairs of the cosine between rows 2k and 2k + 1 of z.
fn mean_cosine(z: &Tensor) -> Result<f64> {
    let rows: Vec<Vec<f64>> = z.detach().to_dtype(DType::F64)?.to_vec2()?;
    let cosine = |a: &[f64], b: &[f64]| {
        let dot = |u: &[f64], v: &[f64]| u.iter().zip(v).map(|(x, y)| x * y).sum::<f64>();
        dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
    };
    Ok(mean(&rows.chunks_exact(2).map(|p| cosine(&p[0], &p[1])).collect::<Vec<_>>()))
}

impl Work<Setup> for Correlation {
    fn title(&self) -> &'static str {
        "correlation of two inputs"
    }

    fn stage(&self) -> String {
        format!("correlation of two inputs, network {} of {}", self.measured.len() + 1, self.nets)
    }

    fn cost(&self) -> (f64, f64) {
        (self.cost * self.nets as f64, self.cost * self.measured.len() as f64)
    }

    fn step(&mut self, setup: &Setup) -> Result<bool> {
        let k = self.measured.len();
        if k < self.nets {
            let net = Mlp::new(setup.network(), setup.seed, k as u64, setup.dtype, &setup.device)?;
            let of_start = |(i, start): (usize, &f64)| -> Result<Vec<f64>> {
                let rows = pairs(setup, *start, (k * STARTS.len() + i) as u64);
                let x = Tensor::from_vec(rows, (2 * PAIRS, setup.data.dim), &setup.device)?.to_dtype(setup.dtype)?;
                let trace = net.trace(&x, Mode::Batch, None)?;
                trace.pre_activations.iter().map(mean_cosine).collect()
            };
            self.measured.push(STARTS.iter().enumerate().map(of_start).collect::<Result<_>>()?);
        }
        Ok(self.measured.len() < self.nets)
    }

    fn figures(&self, setup: &Setup) -> Vec<Figure> {
        let depth = setup.settings.depth;
        let numbered = |v: &[f64]| v.iter().enumerate().map(|(l, c)| (l as f64 + 1.0, *c)).collect::<Vec<_>>();
        let mut series = Vec::new();
        for (i, start) in STARTS.iter().enumerate() {
            series.push(self.curve(i));
            if let Some(theory) = &self.theory[i] {
                series.push(Series::new(format!("from {start:.1}, mean field"), Role::Theory, numbered(theory)));
            }
        }
        let caption = match self.mean(0).last() {
            Some(last) => format!(
                "{}: inputs at right angles have cosine {} at layer {depth}.",
                setup.network().describe(),
                readable(*last)
            ),
            None => "Nothing measured yet.".into(),
        };
        let lines = Lines {
            x: Axis::linear("hidden layer").within(1.0, depth as f64),
            y: Axis::linear("cosine of two pre-activations").within(-0.2, 1.0),
            series,
            guides: vec![],
        };
        vec![Figure {
            id: "correlation".into(),
            title: "Two inputs growing alike".into(),
            caption,
            kind: Kind::Lines(lines),
        }]
    }

    fn findings(&self, setup: &Setup) -> Vec<Finding> {
        let last: Vec<f64> = self.measured.iter().filter_map(|m| m[0].last().copied()).collect();
        let meaning = "cosine at the last hidden layer of two inputs that start at right angles";
        let finding = Finding::arithmetic("correlation_at_end", &last, meaning);
        if setup.data.dim < 2 {
            return vec![finding.note("one feature has no right angles")];
        }
        // A cosine cannot pass 1, and so cannot its interval.
        let interval = finding.interval.map(|i| Interval { low: i.low.max(-1.0), high: i.high.min(1.0), ..i });
        let finding = finding.interval(interval);
        let predicted = self.theory[0].as_ref().and_then(|t| t.last().copied());
        vec![finding.predicted(predicted)]
    }
}
