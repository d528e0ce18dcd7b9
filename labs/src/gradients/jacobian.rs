//! Singular values of the input-output Jacobian (Pennington et al. 2017).

use super::setup::Setup;
use crate::cost::pass_cost;
use crate::figure::{Axis, Figure, Kind, Lines, Role, Series, readable};
use crate::mean_field;
use crate::nn::clip::root_sum_square;
use crate::nn::{Init, Mlp, Mode, NormKind};
use crate::stats::mean;
use crate::work::Work;
use crate::{Finding, Mean, Result};
use candle_core::{DType, Tensor, Var};
use nalgebra::DMatrix;

/// Networks for the spectrum: its decomposition is the slowest single piece of the lab.
const NETS: usize = 3;

pub struct Jacobian {
    nets: usize,
    cost: f64,
    /// Descending singular values of `dh_L/dh_1`, one list a network.
    hidden: Vec<Vec<f64>>,
    /// Descending singular values of dlogits/dx, one list a network.
    whole: Vec<Vec<f64>>,
    predicted_mean: Option<f64>,
    predicted_variance: Option<f64>,
}

impl Jacobian {
    pub fn new(setup: &Setup) -> Result<Self> {
        let config = setup.network();
        let nets = setup.settings.nets.min(NETS);
        let cost = pass_cost(&config, config.width) + (config.width as f64 / 25.0).powi(3) / 5.0;
        let theory = mean_field::layers(&config, setup.input_square()?);
        let predicted_mean = theory.as_ref().map(|t| t.chi[1..].iter().product());
        let plain = config.norm == NormKind::None && !config.residual;
        // Pennington et al. 2017, eq. 22: each layer adds mu_2/mu_1^2 - 1 - s_1 to the variance of the
        // normalised spectrum, with s_1 = -1 for Gaussian and 0 for orthogonal weights.
        let s1 = if config.init == Init::Orthogonal { 0.0 } else { -1.0 };
        let of_layer = |q: f64| {
            let f = config.activation;
            let slope = |k: i32| mean_field::slope_power(f, q, k);
            slope(4) / slope(2).powi(2) - 1.0 - s1
        };
        let predicted_variance = theory.filter(|_| plain).map(|t| t.q[1..].iter().map(|q| of_layer(*q)).sum());
        Ok(Self { nets, cost, hidden: vec![], whole: vec![], predicted_mean, predicted_variance })
    }
}

/// The singular values, descending, of the Jacobian of `map` at the row `x` [1, n].
fn singular_values(x: &Tensor, outputs: usize, map: impl Fn(&Tensor) -> Result<Tensor>) -> Result<Vec<f64>> {
    // The same input `outputs` times: the gradient of the sum of the outputs' diagonal is then the
    // Jacobian, row by row, in one backward pass.
    let rows = Var::from_tensor(&x.repeat((outputs, 1))?)?;
    let diagonal = (map(&rows)? * Tensor::eye(outputs, x.dtype(), x.device())?)?.sum_all()?;
    let grads = diagonal.backward()?;
    let jacobian = crate::measured::gradient(&grads, &rows)?.to_dtype(DType::F64)?;
    let (n, m) = jacobian.dims2()?;
    let values: Vec<f64> = jacobian.flatten_all()?.to_vec1()?;
    if values.iter().any(|v| !v.is_finite()) {
        return Ok(vec![f64::NAN; n.min(m)]);
    }
    let mut s: Vec<f64> = DMatrix::from_row_slice(n, m, &values).singular_values().iter().copied().collect();
    s.sort_by(|a, b| b.total_cmp(a));
    Ok(s)
}

/// Below this share of the largest one, a singular value is rounding.
fn noise_floor(values: &[f64]) -> f64 {
    values.first().map_or(0.0, |largest| largest * values.len() as f64 * f64::EPSILON)
}

/// Largest over smallest singular value; infinite where the matrix is singular.
fn condition(values: &[f64]) -> f64 {
    match (values.first(), values.last()) {
        (Some(first), Some(last)) if *last > noise_floor(values) => first / last,
        (Some(first), Some(_)) if first.is_finite() => f64::INFINITY,
        _ => f64::NAN,
    }
}

/// The share of directions that survive: numerical rank over size.
fn rank_share(values: &[f64]) -> f64 {
    let floor = noise_floor(values);
    values.iter().filter(|s| **s > floor).count() as f64 / values.len() as f64
}

/// Root of (1/n) tr J J^T, relative to the largest value: the square of a small one would underflow.
fn root_mean_square(values: &[f64]) -> f64 {
    root_sum_square(values) / (values.len() as f64).sqrt()
}

/// The variance of the squared singular values, divided by the square of their mean.
fn normalised_variance(values: &[f64]) -> f64 {
    let r = root_mean_square(values);
    if r == 0.0 {
        return f64::NAN;
    }
    mean(&values.iter().map(|s| ((s / r).powi(2) - 1.0).powi(2)).collect::<Vec<_>>())
}

impl Work<Setup> for Jacobian {
    fn title(&self) -> &'static str {
        "singular values of the Jacobian"
    }

    fn stage(&self) -> String {
        format!("singular values of the Jacobian, network {} of {}", self.hidden.len() + 1, self.nets)
    }

    fn cost(&self) -> (f64, f64) {
        (self.cost * self.nets as f64, self.cost * self.hidden.len() as f64)
    }

    fn step(&mut self, setup: &Setup) -> Result<bool> {
        let k = self.hidden.len();
        if k < self.nets {
            let config = setup.network();
            let net = Mlp::new(config, setup.seed, k as u64, setup.dtype, &setup.device)?;
            // Batch statistics are frozen: the Jacobian is that of one sample among its batch.
            net.forward(&setup.x, Mode::Calibrate)?;
            let x = setup.x.narrow(0, k % setup.x.dim(0)?, 1)?;
            let first = net.layer(0, &x, Mode::Eval)?.0.detach();
            let rest = |h: &Tensor| -> Result<Tensor> {
                let mut h = h.clone();
                for l in 1..config.depth {
                    h = net.layer(l, &h, Mode::Eval)?.0;
                }
                Ok(h)
            };
            self.hidden.push(singular_values(&first, config.width, rest)?);
            self.whole.push(singular_values(&x, config.classes, |x| Ok(net.forward(x, Mode::Eval)?))?);
        }
        Ok(self.hidden.len() < self.nets)
    }

    fn figures(&self, setup: &Setup) -> Vec<Figure> {
        let ranked = |lists: &[Vec<f64>]| -> Vec<(f64, f64)> {
            let values = lists.first().cloned().unwrap_or_default();
            let floor = noise_floor(&values);
            values.iter().enumerate().filter(|(_, s)| **s > floor).map(|(i, s)| (i as f64 + 1.0, *s)).collect()
        };
        let caption = match self.hidden.first() {
            Some(s) => {
                let what = setup.network().describe();
                let rank = (rank_share(s) * s.len() as f64).round();
                let number = condition(s);
                let condition = if number.is_finite() { readable(number) } else { "infinite".into() };
                format!(
                    "{what}: the Jacobian from the first to the last hidden layer has rank {rank} of {}, a largest singular value of {} and condition number {condition}.",
                    s.len(),
                    readable(s[0]),
                )
            }
            None => "Nothing measured yet.".into(),
        };
        let lines = Lines {
            x: Axis::linear("rank").within(1.0, setup.settings.width as f64),
            y: Axis::log10("singular value"),
            series: vec![
                Series::new("dh_L/dh_1", Role::Measured, ranked(&self.hidden)),
                Series::new("dlogits/dx", Role::Measured, ranked(&self.whole)),
            ],
            guides: vec![("isometry".into(), 1.0)],
        };
        vec![Figure {
            id: "jacobian".into(),
            title: "Singular values of the Jacobian".into(),
            caption,
            kind: Kind::Lines(lines),
        }]
    }

    fn findings(&self, _: &Setup) -> Vec<Finding> {
        let over = |f: fn(&[f64]) -> f64, lists: &[Vec<f64>]| lists.iter().map(|s| f(s)).collect::<Vec<_>>();
        let root = "root mean square of the singular values of dh_L/dh_1";
        let spread = "variance of the squared singular values over their squared mean";
        vec![
            conditions("jacobian_condition", &over(condition, &self.hidden), "dh_L/dh_1"),
            conditions("jacobian_condition_whole", &over(condition, &self.whole), "dlogits/dx"),
            Finding::geometric(
                "jacobian_smallest",
                &over(|s| s.last().copied().unwrap_or(f64::NAN), &self.hidden),
                "smallest singular value of dh_L/dh_1",
            ),
            Finding::share(
                "jacobian_rank",
                &over(rank_share, &self.hidden),
                "numerical rank of dh_L/dh_1 over its size",
            ),
            Finding::geometric("jacobian_rms", &over(root_mean_square, &self.hidden), root)
                .predicted(self.predicted_mean.map(f64::sqrt)),
            Finding::geometric("jacobian_spread", &over(normalised_variance, &self.hidden), spread)
                .predicted(self.predicted_variance)
                .note("theory is for infinite width; a finite width changes it by tens of percent"),
        ]
    }
}

/// Condition numbers differ by factors, so their mean is geometric; singular matrices have none.
fn conditions(name: &str, values: &[f64], of: &str) -> Finding {
    let meaning = format!("largest over smallest singular value of {of}");
    let singular = values.iter().filter(|v| v.is_infinite()).count();
    if singular == 0 {
        return Finding::geometric(name, values, meaning);
    }
    let note = format!("singular in {singular} of {} networks: there the condition number is infinite", values.len());
    Finding { mean: Mean::Geometric, ..Finding::new(name, f64::INFINITY, meaning).note(note) }
}
