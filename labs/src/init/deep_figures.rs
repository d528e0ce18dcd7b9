//! Figures and findings of the deep networks.

use super::deep::{Deep, LEARNED, Make, Outcome, predicted_ratio};
use super::setup::Setup;
use crate::Finding;
use crate::figure::{Axis, Figure, Kind, Lines, Role, Series, Table, readable};
use crate::stats::{geometric, mean, t_interval};

/// Points of a loss curve: each is the mean of as many steps.
const COLUMNS: usize = 60;

pub fn figures(deep: &Deep, setup: &Setup) -> Vec<Figure> {
    vec![
        curves(deep, setup, ("deep-loss", "Deep ReLU networks under He and Xavier"), &["he", "xavier"]),
        curves(
            deep,
            setup,
            ("deep-pairings", "Other pairings, and Adam"),
            &["tanh_xavier", "tanh_orthogonal", "he_adam", "xavier_adam"],
        ),
        gradients(deep, setup),
        table(deep, setup),
    ]
}

/// Mean loss of the networks of `make` over windows of steps, with Student's interval as its band.
fn curve(make: &Make, steps: usize) -> Series {
    let window = steps.div_ceil(COLUMNS);
    let mut series = Series::new(make.describe(), Role::Measured, vec![]);
    let mut band = Vec::new();
    for start in (0..steps).step_by(window) {
        let part = |n: &Outcome| mean(n.losses.get(start..(start + window).min(n.losses.len())).unwrap_or_default());
        let losses: Vec<f64> = make.nets.iter().map(part).filter(|v| v.is_finite()).collect();
        let middle = mean(&losses);
        if middle.is_finite() {
            series.points.push((start as f64 + 0.5 * (window as f64 - 1.0), middle));
            band.push(t_interval(&losses).map_or((middle, middle), |i| (i.low.max(0.0), i.high)));
        }
    }
    series.band = Some(band);
    series
}

fn curves(deep: &Deep, setup: &Setup, (id, title): (&str, &str), keys: &[&str]) -> Figure {
    let makes: Vec<&Make> = keys.iter().filter_map(|k| deep.make(k)).collect();
    let told = |m: &&Make| {
        let (best, last) = (m.rate()?, mean(&m.last_losses()));
        let lr = readable(best);
        let trained = m.trained(setup.guess);
        (!m.nets.is_empty()).then(|| {
            format!("{} ends at {} nats (lr {lr}, {trained} of {} trained)", m.describe(), readable(last), m.nets.len())
        })
    };
    let ends: Vec<String> = makes.iter().filter_map(told).collect();
    let caption = if ends.is_empty() {
        "Nothing measured yet.".into()
    } else {
        format!(
            "{} hidden layers, {} steps: {}. Trained means below {LEARNED} of the {} nats that the classes' shares alone give.",
            setup.settings.deep_depth,
            deep.steps,
            ends.join("; "),
            readable(setup.guess)
        )
    };
    Figure {
        id: id.into(),
        title: title.into(),
        caption,
        kind: Kind::Lines(Lines {
            x: Axis::linear("optimiser step").within(0.0, deep.steps as f64),
            y: Axis::linear("training loss, nats"),
            series: makes.into_iter().map(|m| curve(m, deep.steps)).collect(),
            guides: vec![("classes' shares alone".into(), setup.guess)],
        }),
    }
}

fn ratios(make: &Make) -> Vec<f64> {
    make.nets.iter().map(|n| n.ratio).collect()
}

/// The gradient at the first layer before training, against theory.
fn gradients(deep: &Deep, setup: &Setup) -> Figure {
    let mut table =
        Table { columns: ["make", "measured", "95 % from", "to", "theory"].map(String::from).to_vec(), rows: vec![] };
    let mut told = Vec::new();
    for make in deep.makes.iter().filter(|m| !m.key.ends_with("adam") && !m.nets.is_empty()) {
        let (middle, interval) = geometric(&ratios(make));
        let end = |high: bool| interval.map_or(String::new(), |i| readable(if high { i.high } else { i.low }));
        let theory = predicted_ratio(setup, make).map_or(String::new(), readable);
        told.push(format!("{} {} (theory {theory})", make.describe(), readable(middle)));
        table.rows.push(vec![make.describe(), readable(middle), end(false), end(true), theory]);
    }
    let caption = if told.is_empty() {
        "Nothing measured yet.".into()
    } else {
        format!(
            "Gradient's norm at the input over that at the head's input before the first step: {}.",
            told.join(", ")
        )
    };
    Figure {
        id: "deep-gradient".into(),
        title: "What is left of the gradient".into(),
        caption,
        kind: Kind::Table(table),
    }
}

fn table(deep: &Deep, setup: &Setup) -> Figure {
    let columns = ["make", "pilots: lr and last loss", "lr taken", "last loss", "test accuracy", "trained"];
    let row = |m: &Make| {
        let pilots: Vec<String> =
            m.pilots.iter().map(|(lr, loss)| format!("{}: {}", readable(*lr), readable(*loss))).collect();
        let accuracy = mean(&m.nets.iter().map(|n| n.accuracy).collect::<Vec<_>>());
        vec![
            m.describe(),
            pilots.join(", "),
            m.rate().map_or(String::new(), readable),
            readable(mean(&m.last_losses())),
            readable(accuracy),
            format!("{} of {}", m.trained(setup.guess), m.nets.len()),
        ]
    };
    let known: Vec<&Make> = deep.makes.iter().filter(|m| !m.nets.is_empty()).collect();
    let all = |m: &&&Make| m.trained(setup.guess) == m.nets.len();
    let names: Vec<String> = known.iter().filter(all).map(|m| m.describe()).collect();
    let caption = if known.is_empty() {
        "Nothing measured yet.".into()
    } else {
        let names = if names.is_empty() { "none".into() } else { names.join("; ") };
        format!("Makes of which every network trained: {names}. Pilots choose the learning rate and do not count.")
    };
    Figure {
        id: "deep-table".into(),
        title: "Learning rates and outcomes".into(),
        caption,
        kind: Kind::Table(Table {
            columns: columns.map(String::from).to_vec(),
            rows: known.into_iter().map(row).collect(),
        }),
    }
}

pub fn findings(deep: &Deep, setup: &Setup) -> Vec<Finding> {
    let layers = setup.settings.deep_depth;
    let mut list: Vec<Finding> = deep.makes.iter().flat_map(|make| of_make(deep, setup, make)).collect();
    let losses = |key: &str| deep.make(key).map(Make::last_losses).unwrap_or_default();
    // Networks of one number have the same normal draws, scaled, and see the same batches.
    let differences = |a: &str, b: &str| -> Vec<f64> { losses(a).iter().zip(losses(b)).map(|(x, h)| x - h).collect() };
    let separation = |name: &str, a, b, how: &str| {
        let meaning = format!("last training loss of ReLU under Xavier less that under He, {layers} layers, {how}");
        Finding::arithmetic(name, &differences(a, b), meaning).unit("nats")
    };
    list.push(separation("deep_separation", "xavier", "he", "SGD"));
    list.push(separation("deep_separation_adam", "xavier_adam", "he_adam", "Adam"));
    list
}

fn of_make(deep: &Deep, setup: &Setup, make: &Make) -> Vec<Finding> {
    let what = format!("{}, {} layers, {} steps", make.describe(), setup.settings.deep_depth, deep.steps);
    let name = |of: &str| format!("deep_{}_{of}", make.key);
    let note = match make.rate() {
        Some(lr) if make.rates().is_empty() => format!("at lr {}, fixed", readable(lr)),
        Some(lr) => format!("at lr {}, the best of its pilots", readable(lr)),
        None => String::new(),
    };
    let noted = |f: Finding| {
        let note = [f.note.clone(), note.clone()].into_iter().filter(|n| !n.is_empty()).collect::<Vec<_>>().join("; ");
        f.note(note)
    };
    let accuracies: Vec<f64> = make.nets.iter().map(|n| n.accuracy).collect();
    let trained = crate::stats::binomial_interval(make.trained(setup.guess), make.nets.len());
    let share = make.trained(setup.guess) as f64 / make.nets.len() as f64;
    let mut list = vec![
        noted(
            Finding::arithmetic(name("loss"), &make.last_losses(), format!("last training loss ({what})")).unit("nats"),
        ),
        noted(Finding::share(name("accuracy"), &accuracies, format!("test accuracy ({what})"))),
        noted(Finding::new(name("trained"), share, format!("share of networks that train ({what})")).interval(trained)),
    ];
    if !make.key.ends_with("adam") {
        let meaning = format!("gradient's norm at the input over that at the head's input before training ({what})");
        list.push(
            Finding::geometric(name("gradient_ratio"), &ratios(make), meaning).predicted(predicted_ratio(setup, make)),
        );
    }
    list
}
