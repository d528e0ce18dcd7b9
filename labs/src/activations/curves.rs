//! f and f' as curves.

use super::setup::Setup;
use crate::figure::{Axis, Figure, Kind, Lines, Role, Series};
use crate::nn::Nonlinearity;
use crate::work::Work;
use crate::{Finding, Result};
use candle_core::{DType, Device, Tensor};

/// Ends of the drawn axis, which hold every kink of the named functions.
const REACH: f64 = 6.0;
const POINTS: usize = 241;
/// Heights beyond which a curve leaves the picture: a square or an exponential would flatten the rest.
const VALUE_BOUNDS: (f64, f64) = (-3.0, 6.0);
const SLOPE_BOUNDS: (f64, f64) = (-1.0, 2.0);

struct Curve {
    name: String,
    key: String,
    values: Vec<f64>,
    slopes: Vec<f64>,
}

/// The part: one curve a step.
#[derive(Default)]
pub struct Curves {
    total: usize,
    drawn: Vec<Curve>,
    /// Names of what has no curve of one variable.
    gates: Vec<String>,
}

impl Curves {
    pub fn new(setup: &Setup) -> Self {
        let gates = setup.list.iter().filter(|k| k.function().is_none()).map(Nonlinearity::name).collect();
        Self { total: setup.functions().count(), drawn: Vec::new(), gates }
    }

    fn panel(&self, slope: bool) -> Figure {
        let curves = self.drawn.iter().map(|c| (&c.name, if slope { &c.slopes } else { &c.values }));
        let series: Vec<Series> = curves
            .map(|(name, heights)| {
                Series::new(name.as_str(), Role::Measured, xs().into_iter().zip(heights.iter().copied()).collect())
            })
            .collect();
        let (id, title, label, most) = if slope {
            ("function-slopes", "Slopes", "f'(x)", SLOPE_BOUNDS)
        } else {
            ("function-values", "Functions", "f(x)", VALUE_BOUNDS)
        };
        let (low, high) = within(&series, most);
        let x = Axis::linear("x").within(-REACH, REACH);
        let lines = Lines { x, y: Axis::linear(label).within(low, high), series, guides: vec![] };
        Figure { id: id.into(), title: title.into(), caption: self.caption(slope), kind: Kind::Lines(lines) }
    }

    fn caption(&self, slope: bool) -> String {
        if self.drawn.is_empty() {
            return "Nothing computed yet.".into();
        }
        let steep = |c: &&Curve| c.slopes.iter().any(|s| *s > 1.0 + 1e-9);
        let falling = |c: &&Curve| c.slopes.iter().any(|s| *s < -1e-9);
        let names = |list: Vec<&Curve>| match list.iter().map(|c| c.name.as_str()).collect::<Vec<_>>() {
            none if none.is_empty() => "none".to_string(),
            some => some.join(", "),
        };
        let mut caption = if slope {
            format!("Slopes above 1: {}.", names(self.drawn.iter().filter(steep).collect()))
        } else {
            format!("Not monotone: {}.", names(self.drawn.iter().filter(falling).collect()))
        };
        if !self.gates.is_empty() {
            caption += &format!(" Gates have two inputs and no curve: {}.", self.gates.join(", "));
        }
        caption
    }
}

/// 0, the integers and all of their twentieths: every kink of the named functions.
fn xs() -> Vec<f64> {
    (0..POINTS).map(|i| (i as f64 - (POINTS / 2) as f64) * 2.0 * REACH / (POINTS - 1) as f64).collect()
}

/// The range of the series, but not beyond `most`.
fn within(series: &[Series], most: (f64, f64)) -> (f64, f64) {
    let heights = series.iter().flat_map(|s| s.points.iter().map(|p| p.1)).filter(|v| v.is_finite());
    let (low, high) = heights.fold((0.0_f64, 1.0_f64), |(a, b), v| (a.min(v), b.max(v)));
    let (low, high) = (low.max(most.0), high.min(most.1));
    let margin = 0.05 * (high - low);
    (low - margin, high + margin)
}

impl Work<Setup> for Curves {
    fn title(&self) -> &'static str {
        "functions and slopes"
    }

    fn stage(&self) -> String {
        format!("curve {} of {}", self.drawn.len() + 1, self.total)
    }

    fn cost(&self) -> (f64, f64) {
        (self.total as f64, self.drawn.len() as f64)
    }

    fn step(&mut self, setup: &Setup) -> Result<bool> {
        if let Some((function, key)) = setup.functions().nth(self.drawn.len()) {
            let x = Tensor::new(xs(), &Device::Cpu)?;
            let (values, slopes) = (function.forward(&x)?.to_vec1()?, function.derivative_of(&x)?.to_vec1()?);
            self.drawn.push(Curve { name: function.name(), key, values, slopes });
        }
        Ok(self.drawn.len() < self.total)
    }

    fn figures(&self, _: &Setup) -> Vec<Figure> {
        let panels = vec![self.panel(false), self.panel(true)];
        vec![Figure {
            id: "functions".into(),
            title: "Functions and their slopes".into(),
            caption: format!("{} functions of one variable and their derivatives.", self.drawn.len()),
            kind: Kind::Grid { figures: panels },
        }]
    }

    fn findings(&self, _: &Setup) -> Vec<Finding> {
        Vec::new()
    }

    fn tensors(&self, _: &Setup) -> Result<Vec<(String, Tensor)>> {
        let tensor = |values: &[f64]| Tensor::new(values, &Device::Cpu)?.to_dtype(DType::F64);
        let mut list = vec![("x".to_string(), tensor(&xs())?)];
        for curve in &self.drawn {
            list.push((format!("f.{}", curve.key), tensor(&curve.values)?));
            list.push((format!("f_prime.{}", curve.key), tensor(&curve.slopes)?));
        }
        Ok(list)
    }
}
