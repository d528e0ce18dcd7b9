//! What is exact in regularisation: dropout as a penalty, decay and L2, early stopping and ridge, exact zeros, and
//! the growth of a signal under dropout.

mod moments;
mod penalties;

use super::dropout_linear::{Stack, critical_weight_variance};
use super::setup::Setup;
use crate::figure::{Axis, Figure, Kind, Lines, Role, Series, Table, readable};
use crate::stats::{geometric, mean};
use crate::work::Work;
use crate::{Finding, Result};

/// A check and the names of what it finds, which are told before it is done too.
struct Check {
    run: fn(&Setup) -> Result<Vec<Finding>>,
    names: &'static [&'static str],
}

const CHECKS: [Check; 10] = [
    Check {
        run: penalties::dropout_as_penalty,
        names: &["dropout_penalty_error", "dropout_ridge_error", "dropout_one_lambda_gap"],
    },
    Check { run: penalties::decay, names: &["decay_gap_sgd", "decay_gap_momentum", "decay_gap_adam"] },
    Check {
        run: penalties::stopping,
        names: &[
            "early_stopping_correlation",
            "early_stopping_gap",
            "early_stopping_distance",
            "early_stopping_risk_ratio",
        ],
    },
    Check {
        run: penalties::zeros,
        names: &["lasso_solution_zeros", "lasso_proximal_zeros", "lasso_subgradient_zeros", "lasso_l2_zeros"],
    },
    Check { run: penalties::objective, names: &["l2_half_slope", "l2_full_slope", "objective_sum_error"] },
    Check {
        run: moments::scaling,
        names: &["inverted_test_ratio", "inverted_variance", "plain_test_ratio", "double_scaling_ratio"],
    },
    Check { run: moments::alpha, names: &["alpha_mean", "alpha_variance", "alpha_raw_mean", "alpha_raw_variance"] },
    Check { run: moments::selu, names: &["selu_alpha_variance", "selu_dropout_variance"] },
    Check {
        run: moments::normalisation,
        names: &["batch_norm_mean", "batch_norm_deviation", "variance_divided_deviation"],
    },
    Check { run: moments::gate, names: &["gelu_gate_slope"] },
];

/// Units of a layer, hidden layers and inputs of the networks whose signal is followed.
const WIDTH: usize = 256;
const DEPTH: usize = 10;
const SAMPLES: usize = 16;

/// One kind of network whose signal is followed.
struct Growth {
    name: &'static str,
    title: &'static str,
    stack: Stack,
    /// Mean squares of the input and each layer, of each network.
    squares: Vec<Vec<f64>>,
}

/// The part `identities`.
pub struct Identities {
    growths: Vec<Growth>,
    checked: Vec<Vec<Finding>>,
    nets: usize,
}

impl Identities {
    /// Queues the checks and the networks.
    pub fn new(setup: &Setup) -> Self {
        let growth = |name, title, keep, weight_variance| Growth {
            name,
            title,
            stack: Stack { width: WIDTH, depth: DEPTH, keep, weight_variance },
            squares: Vec::new(),
        };
        let growths = vec![
            growth("growth_dropout_0", "He, no dropout", 1.0, 2.0),
            growth("growth_dropout_0_2", "He, dropout 0.2", 0.8, 2.0),
            growth("growth_dropout_0_5", "He, dropout 0.5", 0.5, 2.0),
            growth("growth_critical_0_5", "variance 2k, dropout 0.5", 0.5, critical_weight_variance(0.5)),
        ];
        Self { growths, checked: Vec::new(), nets: setup.settings.nets }
    }

    fn measured(&self) -> usize {
        self.growths.iter().map(|g| g.squares.len()).sum()
    }

    fn growth_figure(&self) -> Figure {
        let mut series = Vec::new();
        for g in &self.growths {
            series.extend(g.curve());
            let theory = (0..=DEPTH).map(|l| (l as f64, g.stack.growth().powi(l as i32))).collect();
            series.push(Series::new(format!("{}: theory", g.title), Role::Theory, theory));
        }
        let y = Axis::log10_over("mean square of activations", &series);
        let x = Axis::linear("hidden layer").within(0.0, DEPTH as f64);
        Figure {
            id: "identities-growth".into(),
            title: "He's initialisation and dropout".into(),
            caption: self.growth_caption(),
            kind: Kind::Lines(Lines { x, y, series, guides: vec![] }),
        }
    }

    fn growth_caption(&self) -> String {
        let known: Vec<(&Growth, f64)> = self.growths.iter().filter_map(|g| Some((g, g.mean()?))).collect();
        if known.len() < self.growths.len() {
            return NOTHING.into();
        }
        let told: Vec<String> = known
            .iter()
            .map(|(g, factor)| format!("{} ({}: {})", readable(*factor), g.title, readable(g.stack.growth())))
            .collect();
        format!("Factor on the mean square per layer, measured (theory): {}.", told.join(", "))
    }

    fn table(&self) -> Figure {
        let list: Vec<&Finding> = self.checked.iter().flatten().collect();
        let row = |f: &&Finding| {
            let predicted = f.predicted.map_or_else(|| "–".into(), readable);
            let range = f.interval.map_or_else(|| "–".into(), |i| i.describe(f.value, readable));
            vec![f.meaning.clone(), readable(f.value), predicted, range]
        };
        let rows: Vec<Vec<String>> = list.iter().map(row).collect();
        let of = |name: &str| list.iter().find(|f| f.name == name).map(|f| readable(f.value));
        let caption = match (of("dropout_penalty_error"), of("decay_gap_sgd"), of("decay_gap_adam")) {
            (Some(dropout), Some(sgd), Some(adam)) => format!(
                "Dropout is L2 in linear regression to {dropout}; L2 and decay agree to {sgd} under SGD and differ by {adam} under Adam."
            ),
            _ => NOTHING.into(),
        };
        let columns = ["quantity", "measured", "theory", "95 % interval or bound"].map(String::from).to_vec();
        let (id, title) = ("identities-table".into(), "What is the same, and what is not".into());
        Figure { id, title, caption, kind: Kind::Table(Table { columns, rows }) }
    }
}

const NOTHING: &str = "Nothing measured yet.";

impl Growth {
    /// The geometric mean over networks of each layer's mean square.
    fn curve(&self) -> Option<Series> {
        if self.squares.is_empty() {
            return None;
        }
        let layer = |l: usize| self.squares.iter().map(|s| s[l]).collect::<Vec<f64>>();
        let points = (0..=DEPTH).map(|l| (l as f64, geometric(&layer(l)).0)).collect();
        Some(Series::new(self.title, Role::Measured, points))
    }

    /// The factor per layer of each network.
    fn factors(&self) -> Vec<f64> {
        self.squares.iter().map(|s| (s[DEPTH] / s[0]).powf((DEPTH as f64).recip())).collect()
    }

    fn mean(&self) -> Option<f64> {
        let factors = self.factors();
        (!factors.is_empty()).then(|| mean(&factors))
    }

    fn finding(&self) -> Finding {
        let meaning = format!("{}: factor on the activations' mean square per hidden ReLU layer", self.title);
        let note = format!("the theory is of the mean over weights; {WIDTH} units scatter about it");
        Finding::geometric(self.name, &self.factors(), meaning).predicted(Some(self.stack.growth())).note(note)
    }
}

impl Work<Setup> for Identities {
    fn title(&self) -> &'static str {
        "identities"
    }

    fn stage(&self) -> String {
        match self.checked.len() {
            done if done < CHECKS.len() => format!("checking identities, {done} of {}", CHECKS.len()),
            _ => format!("following signals, {} of {}", self.measured(), self.nets * self.growths.len()),
        }
    }

    fn cost(&self) -> (f64, f64) {
        let (check, stack) = (30.0, 40.0);
        let total = CHECKS.len() as f64 * check + (self.nets * self.growths.len()) as f64 * stack;
        (total, self.checked.len() as f64 * check + self.measured() as f64 * stack)
    }

    fn step(&mut self, setup: &Setup) -> Result<bool> {
        if let Some(check) = CHECKS.get(self.checked.len()) {
            self.checked.push((check.run)(setup)?);
            return Ok(true);
        }
        let nets = self.nets;
        if let Some(growth) = self.growths.iter_mut().find(|g| g.squares.len() < nets) {
            let index = growth.squares.len() as u64;
            growth.squares.push(growth.stack.mean_squares(SAMPLES, setup.seed, index)?);
        }
        Ok(self.measured() < nets * self.growths.len())
    }

    fn figures(&self, _: &Setup) -> Vec<Figure> {
        vec![self.table(), self.growth_figure()]
    }

    fn findings(&self, _: &Setup) -> Vec<Finding> {
        let waiting = CHECKS.iter().skip(self.checked.len()).flat_map(|check| check.names);
        let unknown = waiting.map(|name| Finding::new(*name, f64::NAN, "not computed yet"));
        let growths = self.growths.iter().map(Growth::finding);
        self.checked.iter().flatten().cloned().chain(unknown).chain(growths).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::regularization::tests_fit::setup;

    fn findings(values: &[(&str, &str)]) -> Vec<Finding> {
        let setup = setup(values).unwrap();
        let mut part = Identities::new(&setup);
        let before: Vec<String> = part.figures(&setup).into_iter().map(|f| f.id).collect();
        while part.step(&setup).unwrap() {}
        let figures = part.figures(&setup);
        assert_eq!(before, figures.iter().map(|f| f.id.clone()).collect::<Vec<_>>());
        assert!(figures.iter().all(|f| f.caption != NOTHING));
        part.findings(&setup)
    }

    #[test]
    fn identities_hold_and_what_is_none_does_not() {
        let list = findings(&[("nets", "3")]);
        let of = |name: &str| list.iter().find(|f| f.name == name).unwrap().value;
        for name in ["dropout_penalty_error", "dropout_ridge_error", "decay_gap_sgd", "objective_sum_error"] {
            assert!(of(name) < 1e-10, "{name}: {}", of(name));
        }
        for name in ["dropout_one_lambda_gap", "decay_gap_momentum", "decay_gap_adam"] {
            assert!(of(name) > 0.01, "{name}: {}", of(name));
        }
        assert!(of("lasso_subgradient_zeros") == 0.0 && of("lasso_l2_zeros") == 0.0);
        assert!(
            (of("lasso_proximal_zeros") - of("lasso_solution_zeros")).abs() < 0.5 && of("lasso_solution_zeros") > 500.0
        );
        // The maximum of 1/(1 + x) - exp(-x) is 0.2037; (1 - lr l)^t is below exp(-x) by at most 2 exp(-2) lr l.
        assert!(of("early_stopping_gap") < 0.2037 + 0.01 && of("early_stopping_gap") > 0.1);
        assert!(of("early_stopping_correlation") > 0.9, "{}", of("early_stopping_correlation"));
        assert!((of("l2_half_slope") - 1.0).abs() < 1e-12 && (of("l2_full_slope") - 2.0).abs() < 1e-12);
    }

    #[test]
    fn moments_are_those_of_the_formulas() {
        let list = findings(&[("nets", "3")]);
        let near = |name: &str, want: f64, error: f64| {
            let got = list.iter().find(|f| f.name == name).unwrap();
            assert!((got.value - want).abs() < error, "{name}: {} not {want}", got.value);
            assert!(got.predicted.is_none_or(|p| (p - want).abs() < 1e-3), "{name} predicts {:?}", got.predicted);
        };
        // Five standard errors of 60 000 draws.
        for (name, want) in [("alpha_mean", 0.0), ("alpha_variance", 1.0), ("inverted_test_ratio", 1.0)] {
            near(name, want, 0.03);
        }
        // Computed by hand from alpha' = -1.758099: 0.5 alpha', 0.5 + 0.25 alpha'^2.
        near("alpha_raw_mean", -0.879_05, 0.03);
        near("alpha_raw_variance", 1.272_73, 0.03);
        near("double_scaling_ratio", 0.5, 0.02);
        near("inverted_variance", 1.0, 0.02);
        near("batch_norm_deviation", 1.0, 1e-4);
        near("variance_divided_deviation", 1.0 / 3.0, 0.02);
        near("gelu_gate_slope", 1.0, 0.01);
        near("growth_dropout_0", 1.0, 0.1);
        near("growth_dropout_0_2", 1.25, 0.12);
        near("growth_dropout_0_5", 2.0, 0.2);
        near("growth_critical_0_5", 1.0, 0.1);
    }
}
