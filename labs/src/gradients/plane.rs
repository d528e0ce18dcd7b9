//! Order and chaos over (`sigma_w`, `sigma_b`): theory beside measurement.

use super::profile::factor;
use super::setup::Setup;
use crate::control::Choice;
use crate::cost::measure_cost;
use crate::figure::{Figure, Heatmap, Kind, Palette, readable};
use crate::mean_field;
use crate::nn::{Init, MlpConfig, NormKind};
use crate::stats::mean;
use crate::work::Work;
use crate::{Finding, Result};

const COLUMNS: usize = 16;
const ROWS: usize = 9;
const DEPTH: usize = 16;
const WIDTH: usize = 96;
const SAMPLES: usize = 16;
const FIRST_NETWORK: u64 = 1 << 28;

fn sigma_w(column: usize) -> f64 {
    0.5 + 0.2 * column as f64
}

fn sigma_b(row: usize) -> f64 {
    0.1 * row as f64
}

/// Cells (row, column) go row by row; the first row is drawn at the top.
pub struct Plane {
    theory: Vec<f64>,
    measured: Vec<f64>,
    cost: f64,
}

impl Plane {
    pub fn new(setup: &Setup) -> Self {
        let cost = measure_cost(&network(setup, 0), SAMPLES) + 2.0;
        Self { theory: Vec::new(), measured: Vec::new(), cost }
    }

    fn heatmap(setup: &Setup, values: &[f64], critical: bool) -> Heatmap {
        let mut values = values.to_vec();
        values.resize(ROWS * COLUMNS, f64::NAN);
        let marks = if critical { critical_cells(&values) } else { here(setup).into_iter().collect() };
        Heatmap {
            row_label: "sigma_b".into(),
            column_label: "sigma_w".into(),
            rows: (0..ROWS).map(|r| format!("{:.1}", sigma_b(r))).collect(),
            columns: (0..COLUMNS).map(|c| format!("{:.1}", sigma_w(c))).collect(),
            values,
            value_label: "log10 of the gradient's factor a layer".into(),
            palette: Palette::Diverging { middle: 0.0 },
            bounds: Some((-0.5, 0.5)),
            marks,
            mark_label: if critical { "nearest to chi_1 = 1" } else { "sigma_w and sigma_b under study" }.into(),
        }
    }
}

fn network(setup: &Setup, cell: usize) -> MlpConfig {
    let (row, column) = (cell / COLUMNS, cell % COLUMNS);
    MlpConfig {
        width: WIDTH,
        depth: DEPTH,
        norm: NormKind::None,
        residual: false,
        // Variance 1/fan-in times gain^2 is sigma_w^2/fan-in.
        init: Init::LecunNormal,
        gain: sigma_w(column),
        bias_std: sigma_b(row),
        ..setup.network()
    }
}

/// In each row the cell whose value is nearest to 0, where the row crosses it.
fn critical_cells(values: &[f64]) -> Vec<(usize, usize)> {
    let mut cells = Vec::new();
    for (r, row) in values.chunks(COLUMNS).enumerate() {
        let crosses = row.iter().any(|v| *v <= 1e-9) && row.iter().any(|v| *v >= -1e-9);
        let nearest =
            row.iter().enumerate().filter(|(_, v)| v.is_finite()).min_by(|a, b| a.1.abs().total_cmp(&b.1.abs()));
        if let Some((c, _)) = nearest.filter(|_| crosses) {
            cells.push((r, c));
        }
    }
    cells
}

/// The cell of the settings, where they lie on the plane.
fn here(setup: &Setup) -> Option<(usize, usize)> {
    let config = setup.network();
    if config.norm != NormKind::None || config.residual {
        return None;
    }
    let w = mean_field::weight_variance(&config, config.width).sqrt();
    let column = ((w - sigma_w(0)) / 0.2).round();
    let row = (config.bias_std / 0.1).round();
    let inside = (0.0..COLUMNS as f64).contains(&column) && (0.0..ROWS as f64).contains(&row);
    inside.then_some((row as usize, column as usize))
}

impl Work<Setup> for Plane {
    fn title(&self) -> &'static str {
        "order and chaos"
    }

    fn stage(&self) -> String {
        format!("order and chaos, cell {} of {}", self.measured.len() + 1, ROWS * COLUMNS)
    }

    fn cost(&self) -> (f64, f64) {
        (self.cost * (ROWS * COLUMNS) as f64, self.cost * self.measured.len() as f64)
    }

    fn step(&mut self, setup: &Setup) -> Result<bool> {
        let cell = self.measured.len();
        if cell < ROWS * COLUMNS {
            let config = network(setup, cell);
            let chi = mean_field::chi1(config.activation, config.gain.powi(2), config.bias_std.powi(2));
            self.theory.push(0.5 * chi.log10());
            let norms = setup.measure(config, FIRST_NETWORK + cell as u64, SAMPLES)?.input_norms()?;
            // The second half of the way back, where the variance has settled.
            self.measured.push(factor(&norms[DEPTH / 2..]).map_or(f64::NAN, f64::log10));
        }
        Ok(self.measured.len() < ROWS * COLUMNS)
    }

    fn figures(&self, setup: &Setup) -> Vec<Figure> {
        let figure = |id: &str, title: &str, values, critical, caption: String| Figure {
            id: id.into(),
            title: title.into(),
            caption,
            kind: Kind::Heatmap(Self::heatmap(setup, values, critical)),
        };
        let what = setup.settings.activation.name();
        let crossing = critical_cells(&self.theory).first().filter(|(row, _)| *row == 0).map(|(_, c)| sigma_w(*c));
        let theory_caption = match crossing {
            Some(w) => {
                format!("{what}: without biases the gradient keeps its size nearest to sigma_w = {}.", readable(w))
            }
            None => format!("{what}: no cell of the plane without biases keeps the gradient's size."),
        };
        let error = self.error();
        let measured_caption = format!(
            "Networks of {DEPTH} layers and width {WIDTH} differ from theory by {} in log10 on average.",
            readable(error)
        );
        let figures = vec![
            figure("plane-theory", "Mean field: log10 sqrt(chi_1)", &self.theory, true, theory_caption.clone()),
            figure("plane-measured", "Measured", &self.measured, false, measured_caption.clone()),
        ];
        vec![Figure {
            id: "plane".into(),
            title: "Order and chaos".into(),
            caption: format!("{theory_caption} {measured_caption}"),
            kind: Kind::Grid { figures },
        }]
    }

    fn findings(&self, _: &Setup) -> Vec<Finding> {
        vec![
            Finding::new("plane_error", self.error(), "mean difference of theory and measurement over the plane")
                .unit("log10"),
        ]
    }
}

impl Plane {
    fn error(&self) -> f64 {
        let pairs = self.theory.iter().zip(&self.measured);
        mean(&pairs.map(|(t, m)| (t - m).abs()).filter(|d| d.is_finite()).collect::<Vec<_>>())
    }
}
