//! STUB: replaced by the real lab.
use crate::claim::Claim;
use crate::control::{self, Settings, Visitor};
use crate::figure::{Axis, Bars, Figure, Heatmap, Kind, Lines, Palette, Role, Series, Table};
use crate::*;
use candle_core::Tensor;

/// Stub.
pub struct Gradients;

#[derive(Clone)]
struct Stub {
    depth: usize,
    activation: Act,
    lr: f64,
    residual: bool,
    data: String,
}
#[derive(Clone, Copy, PartialEq)]
enum Act {
    Relu,
    Tanh,
}
impl control::Choice for Act {
    const ALL: &'static [Self] = &[Act::Relu, Act::Tanh];
    fn name(self) -> &'static str {
        match self {
            Act::Relu => "relu",
            Act::Tanh => "tanh",
        }
    }
}
impl Default for Stub {
    fn default() -> Self {
        Self { depth: 20, activation: Act::Relu, lr: 1e-3, residual: false, data: "digits".into() }
    }
}
impl Settings for Stub {
    fn visit(&mut self, v: &mut dyn Visitor) {
        v.int("depth", &mut self.depth, 2..=100, "hidden layers");
        v.choice("activation", &mut self.activation, "non-linearity of the hidden layers");
        v.log_float("lr", &mut self.lr, 1e-6..=10.0, "learning rate of the optimiser");
        v.flag("residual", &mut self.residual, "add the input of each hidden layer to its output");
        v.text("data", &mut self.data, "digits | csv:PATH", &["digits", "moons"], "data set");
    }
}
struct Run {
    s: Stub,
    t: u64,
    seed: u64,
}
impl Lab for Gradients {
    fn id(&self) -> &'static str {
        "gradients"
    }
    fn title(&self) -> &'static str {
        "Vanishing gradients across depths"
    }
    fn question(&self) -> &'static str {
        "How does the gradient's size change from the last layer to the first, and what decides it?"
    }
    fn controls(&self) -> Vec<Control> {
        control::list(&Stub::default())
    }
    fn configure(&self, v: &[(String, String)]) -> Result<Vec<Control>> {
        Ok(control::list(&control::apply::<Stub>(self.id(), v)?))
    }
    fn start(&self, v: &[(String, String)], c: Context) -> Result<Box<dyn Experiment>> {
        Ok(Box::new(Run { s: control::apply(self.id(), v)?, t: 0, seed: c.seed }))
    }
    fn preset(&self, p: Preset) -> Vec<(String, String)> {
        if p == Preset::Quick { vec![("depth".into(), "10".into())] } else { vec![] }
    }
    fn claims(&self) -> Result<Vec<Claim>> {
        Ok(vec![])
    }
}
impl Experiment for Run {
    fn step(&mut self) -> Result<Status> {
        std::thread::sleep(std::time::Duration::from_millis(10));
        self.t += 1;
        Ok(if self.t >= 600 {
            self.t = 600;
            Status::Finished
        } else {
            Status::Running
        })
    }
    fn progress(&self) -> Progress {
        Progress { done: self.t, total: 600, stage: "training".into(), training_steps: self.t }
    }
    fn figures(&self) -> Vec<Figure> {
        let n = self.s.depth;
        let pts = |f: &dyn Fn(f64) -> f64| (0..n).map(|i| (i as f64 + 1.0, f(i as f64))).collect::<Vec<_>>();
        let lines = |id: &str, y: Axis, series: Vec<Series>, guides| Figure {
            id: id.into(),
            title: "Gradient norm per layer".into(),
            caption: "The gradient shrinks by 0.25 per layer.".into(),
            kind: Kind::Lines(Lines { x: Axis::linear("layer").within(1.0, n as f64), y, series, guides }),
        };
        let measured = pts(&|i| 0.5_f64.powf(n as f64 - i) * (1.0 + 0.1 * (i * 1.7).sin()));
        let band = measured.iter().map(|p| (p.1 * 0.7, p.1 * 1.4)).collect();
        let mut m = Series::new("measured", Role::Measured, measured);
        m.band = Some(band);
        let loss = Series::new(
            "training",
            Role::Measured,
            (0..self.t)
                .map(|i| {
                    (i as f64, 2.3 * (-(i as f64) / 200.0).exp() + 0.1 * ((i * 37 + self.seed) as f64).sin().abs())
                })
                .collect(),
        );
        let mut l2 = lines("loss", Axis::linear("loss / nats"), vec![loss], vec![("ln 10".into(), 2.302)]);
        if let Kind::Lines(l) = &mut l2.kind {
            l.x = Axis::linear("step").within(0.0, 600.0);
        }
        l2.title = "Loss".into();
        let heat = |id: &str| Figure {
            id: id.into(),
            title: format!("Gradient ratio, {id}"),
            caption: "Only He keeps ReLU.".into(),
            kind: Kind::Heatmap(Heatmap {
                row_label: "activation".into(),
                column_label: "init".into(),
                rows: ["relu", "tanh", "sigmoid"].map(String::from).to_vec(),
                columns: ["he_normal", "xavier_normal", "lecun_normal", "orthogonal"].map(String::from).to_vec(),
                values: (0..12)
                    .map(|i| if i == 5 { f64::NAN } else { f64::from(i) - 8.0 + self.t as f64 / 300.0 })
                    .collect(),
                value_label: "log10 first/last".into(),
                palette: Palette::Diverging { middle: 0.0 },
                bounds: Some((-8.0, 8.0)),
                marks: vec![(0, 0)],
                mark_label: "this run".into(),
            }),
        };
        vec![
            lines(
                "norms",
                Axis::log10("norm of dL/dh"),
                vec![
                    m,
                    Series::new("mean field", Role::Theory, pts(&|i| 0.5_f64.powf(n as f64 - i))),
                    Series::new("fit", Role::Fit, pts(&|i| 0.48_f64.powf(n as f64 - i))),
                ],
                vec![],
            ),
            l2,
            heat("ratio"),
            Figure {
                id: "grid".into(),
                title: "Matrix".into(),
                caption: "Four panels.".into(),
                kind: Kind::Grid {
                    figures: vec![heat("plain"), heat("batch-norm"), heat("layer-norm"), heat("rms-norm")],
                },
            },
            Figure {
                id: "depths".into(),
                title: "Deepest trainable depth".into(),
                caption: "He trains 100 layers.".into(),
                kind: Kind::Bars(Bars {
                    y: Axis::linear("depth / layers"),
                    x_label: "configuration".into(),
                    categories: vec!["relu he".into(), "tanh xavier".into(), "sigmoid xavier".into()],
                    groups: vec![
                        ("measured".into(), vec![100.0, 75.0, 3.0]),
                        ("6 xi".into(), vec![f64::NAN, 60.0, 2.0]),
                    ],
                }),
            },
            Figure {
                id: "clipping".into(),
                title: "Clipping".into(),
                caption: "Clipping scales all layers alike.".into(),
                kind: Kind::Table(Table {
                    columns: vec!["layer".into(), "before".into(), "after".into()],
                    rows: (1..=n).map(|i| vec![i.to_string(), "1.5".into(), "1.0".into()]).collect(),
                }),
            },
        ]
    }
    fn findings(&self) -> Vec<Finding> {
        vec![
            Finding::new("gradient_factor_per_layer", 0.4812, "factor by which the gradient's norm changes a layer")
                .predicted(Some(0.5))
                .interval(Some(Interval { low: 0.47, high: 0.49, n: 5 })),
            Finding::new("loss", 2.3 * (-(self.t as f64) / 200.0).exp(), "training loss").unit("nats"),
            Finding::new("deepest", f64::NAN, "deepest trainable depth").unit("layers").note("not run"),
        ]
    }
    fn tensors(&self) -> Result<Vec<(String, Tensor)>> {
        Ok(vec![])
    }
    fn take_messages(&mut self) -> Vec<String> {
        if self.t == 1 { vec![format!("seed {}", self.seed)] } else { vec![] }
    }
}
