//! Where the schemes lie between order and chaos, and what tanh's gain 5/3 does there.

use super::inits::inits;
use super::setup::Setup;
use crate::control::Choice;
use crate::cost::measure_cost;
use crate::figure::{Figure, Kind, Table, readable};
use crate::mean_field::{self, FixedPoint, chi1, depth_scale, fixed_point};
use crate::measured::{Measured, factor};
use crate::nn::{Activation, Init, Mlp, MlpConfig, NormKind};
use crate::order_chaos::{OrderChaos, SAMPLES, critical, place};
use crate::work::Work;
use crate::{Finding, Result};

/// What quadrature and bisection of mean-field numbers may be wrong by; the tests hold them to less.
const MEAN_FIELD_ERROR: f64 = 1e-8;
const FIRST_NETWORK: u64 = 1 << 28;
const FIRST_TANH: u64 = 1 << 29;
/// The gain that PyTorch and others give tanh (`torch.nn.init.calculate_gain`).
const TANH_GAIN: f64 = 5.0 / 3.0;
const TANH_DEPTH: usize = 32;
const TANH_WIDTH: usize = 160;
/// Between these is close enough to criticality for a gradient to lose or gain less than 40 % in 30 layers.
const NEAR_CRITICAL: (f64, f64) = (0.98, 1.02);

/// A scheme on the plane.
struct Place {
    name: &'static str,
    sigma_w: f64,
    sigma_b: f64,
    chi: f64,
    fixed: FixedPoint,
}

impl Place {
    fn new(setup: &Setup, init: Init) -> Option<Self> {
        let config = plain(setup, init);
        let (sigma_w, sigma_b) = place(&config)?;
        let (f, weight, bias) = (config.activation, sigma_w.powi(2), sigma_b.powi(2));
        let (chi, fixed) = (chi1(f, weight, bias), fixed_point(f, weight, bias, 1.0));
        Some(Self { name: init.name(), sigma_w, sigma_b, chi, fixed })
    }

    fn row(&self) -> Vec<String> {
        let q = match self.fixed {
            // Where it only creeps, as ReLU's does with He and biases, rounding ends the walk far out.
            FixedPoint::At(q) if q < 1e9 => readable(q),
            FixedPoint::Vanishes => "falls to 0".into(),
            FixedPoint::At(_) | FixedPoint::Diverges => "grows without bound".into(),
        };
        let (low, high) = NEAR_CRITICAL;
        let side = match self.chi {
            chi if chi < low => "gradients shrink",
            chi if chi > high => "gradients grow",
            _ => "critical",
        };
        let factor = readable(self.chi.sqrt());
        let numbers = [readable(self.sigma_w), readable(self.sigma_b), q, readable(self.chi), factor];
        let scale = depth_scale(self.chi);
        let scale = if scale > 1e6 { "no limit".into() } else { readable(scale) };
        [vec![self.name.to_string()], numbers.to_vec(), vec![scale, side.into()]].concat()
    }
}

/// The settings' network without normalisation and skip connections, of which the plane says nothing.
fn plain(setup: &Setup, init: Init) -> MlpConfig {
    MlpConfig { norm: NormKind::None, residual: false, ..setup.network(init) }
}

/// The plane, the schemes on it, and networks of tanh at gain 5/3.
pub struct Plane {
    cells: OrderChaos,
    places: Vec<Place>,
    /// Factor of the gradient's norm a layer in each tanh network at gain 5/3.
    tanh: Vec<f64>,
    nets: usize,
    tanh_cost: f64,
    /// NaN where it is not known or there is none.
    critical: f64,
}

fn tanh_network(setup: &Setup) -> MlpConfig {
    MlpConfig {
        activation: Activation::Tanh,
        gain: TANH_GAIN,
        bias_std: 0.0,
        depth: TANH_DEPTH,
        width: TANH_WIDTH,
        ..plain(setup, Init::LecunNormal)
    }
}

impl Plane {
    pub fn new(setup: &Setup) -> Self {
        let base = plain(setup, Init::LecunNormal);
        // A matrix without variance, zero or constant, is not on the plane.
        let drawn = inits(&setup.settings).into_iter().filter(|i| !matches!(i, Init::Zero | Init::Constant));
        Self {
            cells: OrderChaos::new(base),
            places: drawn.filter_map(|init| Place::new(setup, init)).collect(),
            tanh: vec![],
            nets: setup.settings.nets,
            tanh_cost: measure_cost(&tanh_network(setup), SAMPLES),
            critical: f64::NAN,
        }
    }

    fn table(&self, setup: &Setup) -> Figure {
        let columns =
            ["scheme", "sigma_w", "sigma_b", "variance q*", "chi_1", "gradient a layer", "depth scale", "place"];
        let near: Vec<&str> = self
            .places
            .iter()
            .filter(|p| (NEAR_CRITICAL.0..=NEAR_CRITICAL.1).contains(&p.chi))
            .map(|p| p.name)
            .collect();
        let near = if near.is_empty() { "none".into() } else { near.join(", ") };
        Figure {
            id: "plane-schemes".into(),
            title: "The schemes on the plane".into(),
            caption: format!(
                "With {} and width {}, chi_1 is within 2 % of 1 for: {near}. Mean-field theory.",
                setup.settings.activation.name(),
                setup.settings.width
            ),
            kind: Kind::Table(Table {
                columns: columns.map(String::from).to_vec(),
                rows: self.places.iter().map(Place::row).collect(),
            }),
        }
    }

    fn tanh_findings(&self) -> Vec<Finding> {
        let chi = chi1(Activation::Tanh, TANH_GAIN.powi(2), 0.0);
        let keeping = mean_field::second_moment(Activation::Tanh, 1.0).sqrt().recip();
        vec![
            Finding::exact(
                "tanh_gain_chi1",
                chi,
                MEAN_FIELD_ERROR,
                "chi_1 of tanh at gain 5/3 without biases, the factor of the squared gradient a layer; 1 is critical",
            )
            .note("mean-field theory, no network"),
            Finding::exact(
                "tanh_keeping_gain",
                keeping,
                MEAN_FIELD_ERROR,
                "gain at which tanh keeps a variance of 1: 1 / sqrt(E tanh(z)^2)",
            )
            .note("integral over N(0, 1), no network"),
            Finding::geometric(
                "tanh_gain_factor",
                &self.tanh,
                format!("factor of the gradient's norm a layer in networks of {TANH_DEPTH} tanh layers at gain 5/3"),
            )
            .predicted(Some(chi.sqrt())),
        ]
    }
}

impl Work<Setup> for Plane {
    fn title(&self) -> &'static str {
        "order and chaos"
    }

    fn stage(&self) -> String {
        let (all, done) = self.cells.cost();
        if done < all { self.cells.stage() } else { format!("tanh at gain 5/3, network {}", self.tanh.len() + 1) }
    }

    fn cost(&self) -> (f64, f64) {
        let (all, done) = self.cells.cost();
        (all + self.tanh_cost * self.nets as f64, done + self.tanh_cost * self.tanh.len() as f64)
    }

    fn step(&mut self, setup: &Setup) -> Result<bool> {
        let samples = SAMPLES.min(setup.x.dim(0)?);
        let (x, y) = (setup.x.narrow(0, 0, samples)?, setup.y.narrow(0, 0, samples)?);
        let norms = |config, index| -> Result<Vec<f64>> {
            Measured::new(Mlp::new(config, setup.seed, index, setup.dtype, &setup.device)?, &x, &y)?.input_norms()
        };
        let (all, done) = self.cells.cost();
        if done == 0.0 {
            let base = plain(setup, Init::LecunNormal);
            self.critical = critical(base.activation, base.bias_std, (0.0, 3.6)).unwrap_or(f64::NAN);
        }
        if done < all {
            self.cells.step(|config, index| norms(config, FIRST_NETWORK + index))?;
        } else if self.tanh.len() < self.nets {
            let norms = norms(tanh_network(setup), FIRST_TANH + self.tanh.len() as u64)?;
            // The second half of the way back, where the variance has settled.
            self.tanh.push(factor(&norms[TANH_DEPTH / 2..]).unwrap_or(f64::NAN));
        }
        Ok(self.tanh.len() < self.nets)
    }

    fn figures(&self, setup: &Setup) -> Vec<Figure> {
        let places: Vec<_> = self.places.iter().map(|p| (p.sigma_w, p.sigma_b)).collect();
        vec![self.cells.figure(&places, "schemes"), self.table(setup)]
    }

    fn findings(&self, setup: &Setup) -> Vec<Finding> {
        let what = setup.settings.activation.name();
        let critical = Finding::exact(
            "critical_sigma_w",
            self.critical,
            MEAN_FIELD_ERROR,
            format!("sigma_w at which chi_1 of {what} passes 1 with the biases of the settings (mean field)"),
        );
        let none = self.critical.is_nan() && self.cells.cost().1 > 0.0;
        let critical =
            critical.note(if none { "chi_1 does not pass 1 smoothly between sigma_w = 0 and 3.6" } else { "" });
        let place = |p: &Place| {
            let meaning = format!("chi_1 of {what} under {}: squared gradient's factor a layer (mean field)", p.name);
            Finding::exact(format!("{}_chi1", p.name), p.chi, MEAN_FIELD_ERROR * p.chi, meaning)
        };
        let mut list = vec![self.cells.finding(), critical];
        list.extend(self.tanh_findings());
        list.extend(self.places.iter().map(place));
        list
    }
}
