//! Makes side by side at step 0: what is left of the gradient, of the slopes, of the activity.

use super::make::{self, Make};
use super::setup::Setup;
use crate::cost::measure_cost;
use crate::figure::{Axis, Bars, Figure, Kind, readable};
use crate::mean_field;
use crate::measured::{Measured, factor};
use crate::nn::{Mlp, Mode, NormKind};
use crate::stats::geometric;
use crate::work::Work;
use crate::{Finding, Result};
use candle_core::{DType, Tensor};
use statrs::distribution::{ContinuousCDF, Normal};

/// Keeps these networks apart from the other parts' of the same seed; all makes share their numbers, so
/// that networks of one number differ in what their makes differ in.
const FIRST_NETWORK: u64 = 1 << 36;

/// What is known of one make, one value for each network.
struct Row {
    make: Make,
    ratios: Vec<f64>,
    factors: Vec<f64>,
    weight_ratios: Vec<f64>,
    slopes: Vec<f64>,
    active: Vec<f64>,
    predicted_ratio: Option<f64>,
    predicted_active: Option<f64>,
}

pub struct Makes {
    rows: Vec<Row>,
    nets: usize,
    done: usize,
    costs: Vec<f64>,
}

impl Makes {
    pub fn new(setup: &Setup) -> Result<Self> {
        let square = setup.input_square()?;
        let makes = make::parse(&setup.settings, setup.data.dim, setup.data.classes)?;
        let costs = makes.iter().map(|m| measure_cost(&m.config, setup.settings.samples)).collect();
        let rows = makes.into_iter().map(|make| Row::new(make, square)).collect();
        Ok(Self { rows, nets: setup.settings.nets, done: 0, costs })
    }
}

impl Row {
    fn new(make: Make, square: f64) -> Self {
        let theory = mean_field::layers(&make.config, square).filter(|_| make.bias == 0.0);
        let spread = (mean_field::weight_variance(&make.config, make.config.inputs) * square).sqrt();
        let plain = make.config.norm == NormKind::None && spread > 0.0;
        let above = Normal::new(0.0, 1.0).ok().filter(|_| plain).map(|n| n.cdf(make.bias / spread));
        Self {
            predicted_ratio: theory.map(|t| t.chi.iter().map(|c| c.sqrt()).product()),
            predicted_active: above,
            ratios: Vec::new(),
            factors: Vec::new(),
            weight_ratios: Vec::new(),
            slopes: Vec::new(),
            active: Vec::new(),
            make,
        }
    }

    fn measure(&mut self, setup: &Setup, index: u64) -> Result<()> {
        let config = self.make.config;
        let net = Mlp::new(config, setup.seed, FIRST_NETWORK + index, setup.dtype, &setup.device)?;
        for layer in &net.hidden {
            layer.linear.bias.set(&layer.linear.bias.affine(0.0, self.make.bias)?)?;
        }
        let trace = net.trace(&setup.x, Mode::Batch, None)?;
        let (mut product, mut share) = (1.0, f64::NAN);
        for (l, (z, hidden)) in trace.pre_activations.iter().zip(&net.hidden).enumerate() {
            product *= largest(&hidden.unit.slopes(z)?)?;
            if l == 0 {
                share = z.gt(0.0)?.to_dtype(DType::F64)?.mean_all()?.to_scalar()?;
            }
        }
        let measured = Measured::new(net, &setup.x, &setup.y)?;
        let (inputs, weights) = (measured.input_norms()?, measured.weight_norms()?);
        self.ratios.push(inputs[0] / inputs[config.depth]);
        self.factors.push(factor(&inputs).unwrap_or(f64::NAN));
        self.weight_ratios.push(weights[0] / weights[config.depth - 1]);
        self.slopes.push(product);
        self.active.push(share);
        Ok(())
    }

    fn findings(&self) -> Vec<Finding> {
        let name = |of: &str| format!("{}_{of}", self.make.name);
        let what = |of: &str| format!("{of} ({}, {} layers)", self.make.text, self.make.config.depth);
        vec![
            Finding::geometric(name("ratio"), &self.ratios, what("norm of dLoss/dh_0 over that of dLoss/dh_L"))
                .predicted(self.predicted_ratio),
            Finding::geometric(
                name("factor"),
                &self.factors,
                what("factor of the input gradient's norm from a layer to the one before it"),
            ),
            Finding::geometric(
                name("weights_ratio"),
                &self.weight_ratios,
                what("norm of dLoss/dW_1 over that of dLoss/dW_L"),
            ),
            Finding::geometric(
                name("slope_product"),
                &self.slopes,
                what("product over the layers of the largest |f'(z)|"),
            ),
            Finding::share(name("active"), &self.active, what("share of the first layer's pre-activations above 0"))
                .predicted(self.predicted_active),
        ]
    }
}

fn largest(values: &Tensor) -> Result<f64> {
    Ok(values.to_dtype(DType::F64)?.max_all()?.to_scalar()?)
}

impl Work<Setup> for Makes {
    fn title(&self) -> &'static str {
        "makes at step 0"
    }

    fn stage(&self) -> String {
        match self.rows.get(self.done % self.rows.len()) {
            Some(row) => format!("makes at step 0, {}", row.make.text),
            None => "makes at step 0".into(),
        }
    }

    fn cost(&self) -> (f64, f64) {
        let done = self.done / self.rows.len();
        let whole: f64 = self.costs.iter().sum();
        let begun: f64 = self.costs[..self.done % self.rows.len()].iter().sum();
        (whole * self.nets as f64, whole * done as f64 + begun)
    }

    fn step(&mut self, setup: &Setup) -> Result<bool> {
        let total = self.rows.len() * self.nets;
        if self.done < total {
            let (which, index) = (self.done % self.rows.len(), self.done / self.rows.len());
            self.rows[which].measure(setup, index as u64)?;
            self.done += 1;
        }
        Ok(self.done < total)
    }

    fn figures(&self, _: &Setup) -> Vec<Figure> {
        let known: Vec<(&str, f64)> = self
            .rows
            .iter()
            .map(|r| (r.make.text.as_str(), geometric(&r.ratios).0))
            .filter(|(_, ratio)| ratio.is_finite())
            .collect();
        let least = known.iter().min_by(|a, b| a.1.total_cmp(&b.1));
        let most = known.iter().max_by(|a, b| a.1.total_cmp(&b.1));
        let caption = match least.zip(most) {
            Some((least, most)) => format!(
                "From the last to the first layer the gradient changes by {} ({}) to {} ({}).",
                readable(least.1),
                least.0,
                readable(most.1),
                most.0
            ),
            None => "Nothing measured yet.".into(),
        };
        let bars = Bars {
            y: Axis::linear("log10 of dLoss/dh_0 over dLoss/dh_L"),
            x_label: "make".into(),
            categories: self.rows.iter().map(|r| r.make.text.clone()).collect(),
            groups: vec![
                ("measured".into(), self.rows.iter().map(|r| geometric(&r.ratios).0.log10()).collect()),
                (
                    "mean field".into(),
                    self.rows.iter().map(|r| r.predicted_ratio.map_or(f64::NAN, f64::log10)).collect(),
                ),
            ],
        };
        let title = "Makes side by side: first to last layer".into();
        vec![Figure { id: "makes".into(), title, caption, kind: Kind::Bars(bars) }]
    }

    fn findings(&self, _: &Setup) -> Vec<Finding> {
        self.rows.iter().flat_map(Row::findings).collect()
    }
}
