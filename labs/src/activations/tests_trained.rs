use super::*;
use crate::figure::Kind;
use crate::{Finding, Lab, Status};
use candle_core::Device;

fn start(settings: &[(&str, &str)], seed: u64) -> Box<dyn Experiment> {
    let values: Vec<_> = settings.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
    Activations.start(&values, Context { seed, device: Device::Cpu }).unwrap()
}

fn finish(settings: &[(&str, &str)], seed: u64) -> Box<dyn Experiment> {
    let mut run = start(settings, seed);
    let ids = |run: &dyn Experiment| {
        run.figures()
            .iter()
            .flat_map(|f| f.panels().into_iter().map(|p| p.id.clone()).collect::<Vec<_>>())
            .collect::<Vec<_>>()
    };
    let before = ids(&*run);
    let names: Vec<_> = run.findings().into_iter().map(|f| f.name).collect();
    let mut progress = run.progress().done;
    while run.step().unwrap() == Status::Running {
        let now = run.progress();
        assert!(progress <= now.done && now.done <= now.total, "{now:?}");
        progress = now.done;
    }
    assert_eq!(before, ids(&*run), "the ids of figures stay");
    assert_eq!(names, run.findings().into_iter().map(|f| f.name).collect::<Vec<_>>(), "the names of findings stay");
    run
}

fn named(findings: &[Finding], name: &str) -> Finding {
    findings.iter().find(|f| f.name == name).unwrap_or_else(|| panic!("no finding {name}")).clone()
}

fn value(run: &dyn Experiment, name: &str) -> f64 {
    named(&run.findings(), name).value
}

fn table(run: &dyn Experiment, id: &str) -> Vec<Vec<String>> {
    run.figures().iter().find(|f| f.id == id).unwrap().data_table().unwrap().rows
}

#[test]
fn the_race_tells_a_linear_network_from_a_hyperbolic_one() {
    let settings = [
        ("part", "race"),
        ("activations", "identity,tanh,relu"),
        ("data", "circles"),
        ("scaling", "standard"),
        ("depth", "2"),
        ("width", "16"),
        ("lr", "0.01"),
        ("steps", "150"),
        ("repeats", "4"),
    ];
    let run = finish(&settings, 1);
    // No line cuts a disc out of a ring of as many points: 2/3 is the limit of a line through the ring.
    assert!(value(&*run, "identity_accuracy") < 0.7);
    assert!(value(&*run, "tanh_accuracy") > 0.95);
    assert!(value(&*run, "identity_p_value") < 0.05);
    let difference = named(&run.findings(), "identity_minus_relu_accuracy");
    assert!(difference.interval.unwrap().high < -0.2 && difference.interval.unwrap().n == 4, "{difference:?}");
    let rows = table(&*run, "race-ranking");
    assert_eq!((rows[0][0].as_str(), rows[0][7].as_str()), ("1", "first"));
    assert_eq!((rows[2][1].as_str(), rows[2][7].as_str()), ("identity", "worse"));
    // (2 + 1) 16 + (16 + 1) 16 + (16 + 1) 2 parameters.
    assert_eq!(rows[2][2], "354");
    // A network that never gets there has no number of steps.
    let steps = named(&run.findings(), "identity_steps_to_half");
    assert!(steps.value.is_nan() && steps.note.contains("no finite value in 4 of 4"), "{steps:?}");
    assert!(value(&*run, "tanh_over_relu_steps_to_half") > 0.0);
}

#[test]
fn repeats_are_paired() {
    // The same function twice, once under its formula: the same weights, the same batches, no difference.
    let settings = [
        ("part", "race"),
        ("activations", "tanh"),
        ("custom", "tanh(x)"),
        ("depth", "2"),
        ("width", "16"),
        ("steps", "30"),
        ("repeats", "3"),
    ];
    let run = finish(&settings, 3);
    let [a, b] = ["tanh_loss", "custom_loss"].map(|n| value(&*run, n));
    assert!((a - b).abs() < 1e-4, "{a} {b}");
    assert!((value(&*run, "race_winner_ties") - 1.0).abs() < 1e-12);
    let spread = named(&run.findings(), "tanh_loss").interval.unwrap();
    assert!(spread.high - spread.low > 1e-3, "repeats differ: {spread:?}");
}

#[test]
fn a_network_that_explodes_is_marked_and_the_others_go_on() {
    let settings = [
        ("part", "race"),
        ("activations", "relu_squared,softsign"),
        ("matched", "false"),
        ("optimizer", "sgd"),
        ("lr", "3"),
        ("momentum", "0.9"),
        ("depth", "6"),
        ("width", "16"),
        ("steps", "60"),
        ("repeats", "2"),
    ];
    let mut run = finish(&settings, 0);
    assert!(run.take_messages().iter().any(|m| m.contains("relu_squared, repeat 1") && m.contains("not finite")));
    let lost = named(&run.findings(), "relu_squared_accuracy");
    assert!(lost.value.is_nan() && lost.note.contains("2 of 2"), "{lost:?}");
    assert!(value(&*run, "softsign_accuracy").is_finite());
    let rows = table(&*run, "race-ranking");
    assert!(rows[1][7].contains("not finite in 2 of 2"), "{rows:?}");
}

#[test]
fn the_same_seed_gives_the_same_figures() {
    let settings = [
        ("part", "race"),
        ("activations", "relu,rrelu,swiglu"),
        ("depth", "2"),
        ("width", "16"),
        ("steps", "20"),
        ("repeats", "2"),
    ];
    let [a, b] = [finish(&settings, 5), finish(&settings, 5)].map(|r| format!("{:?} {:?}", r.figures(), r.findings()));
    assert_eq!(a, b);
}

#[test]
fn half_of_a_relu_layer_is_silent_and_none_of_it_dead() {
    let settings = [
        ("part", "layers"),
        ("activations", "relu,tanh,prelu,swiglu"),
        ("data", "white:64"),
        ("depth", "3"),
        ("width", "64"),
        ("steps", "20"),
    ];
    let run = finish(&settings, 2);
    let at = |name: &str| value(&*run, name);
    assert!((at("relu_zero_before") - 0.5).abs() < 0.06, "{}", at("relu_zero_before"));
    assert!(at("relu_dead_before") < 0.02 && at("relu_dead") < 0.05);
    // Inputs have mean square 1 and the first layer no gain, so q_1 = 1, and q_(l+1) = gain^2 E tanh(sqrt(q_l) z)^2; of a wide
    // layer 2 Phi(-artanh(0.97) / sqrt(q_l)) of the pairs have |tanh| > 0.97.
    let gain2 = 1.593_f64.powi(2);
    let (mut q, mut saturated) = (1.0_f64, 0.0);
    for _ in 0..3 {
        saturated += libm::erfc(0.97_f64.atanh() / (2.0 * q).sqrt()) / 3.0;
        q = gain2 * crate::mean_field::second_moment(crate::nn::Activation::Tanh, q);
    }
    assert!((at("tanh_saturated_before") - saturated).abs() < 0.015, "{saturated} {}", at("tanh_saturated_before"));
    assert_eq!(named(&run.findings(), "relu_zero_before").predicted, Some(0.5));
    assert_eq!(named(&run.findings(), "tanh_zero_before").predicted, Some(0.0));
    assert!(at("tanh_zero_before") == 0.0 && at("prelu_saturated") == 0.0);
    let unbounded = named(&run.findings(), "swiglu_saturated");
    assert!(unbounded.value.is_nan() && unbounded.note.contains("no largest value"), "{unbounded:?}");
}

#[test]
fn an_identity_network_draws_a_straight_line_and_tanh_the_moons() {
    let settings = [("part", "boundary"), ("activations", "identity,tanh"), ("lr", "0.01"), ("boundary_steps", "200")];
    let run = finish(&settings, 0);
    assert!(value(&*run, "tanh_boundary_accuracy") > 0.95, "{}", value(&*run, "tanh_boundary_accuracy"));
    // Logistic regression: the log-odds are an affine function, so their second differences vanish.
    let bend = |panel: usize| {
        let grid = run.figures().remove(0);
        let Kind::Field(field) = &grid.panels()[panel].kind else { panic!() };
        let odds: Vec<f64> = field.values.iter().map(|p| (p / (1.0 - p)).ln()).collect();
        let rows = odds.chunks(field.columns).flat_map(|row| row.windows(3).map(|w| (w[0] - 2.0 * w[1] + w[2]).abs()));
        let down = (0..odds.len() - 2 * field.columns)
            .map(|i| (odds[i] - 2.0 * odds[i + field.columns] + odds[i + 2 * field.columns]).abs());
        rows.chain(down).filter(|b| b.is_finite()).fold(0.0, f64::max)
    };
    assert!(bend(0) < 1e-4 && bend(1) > 1e-1, "{} {}", bend(0), bend(1));
}

#[test]
fn a_line_has_its_limits() {
    // Every line leaves at least a quarter of XOR's square on the wrong side, and cuts no disc out of a ring.
    for (data, limit) in [("xor", 0.75), ("circles", 0.70)] {
        let settings = [
            ("part", "boundary"),
            ("activations", "identity,relu"),
            ("boundary_data", data),
            ("lr", "0.01"),
            ("boundary_steps", "200"),
        ];
        let run = finish(&settings, 2);
        // Three standard errors of a share of 500 points.
        let luck = if data == "xor" { 3.0 * (0.75 * 0.25 / 500.0_f64).sqrt() } else { 0.0 };
        assert!(value(&*run, "identity_boundary_accuracy") < limit + luck, "{data}");
        assert!(value(&*run, "relu_boundary_accuracy") > 0.9, "{data}");
    }
}

#[test]
fn more_than_two_classes_are_drawn_as_classes() {
    let settings = [
        ("part", "boundary"),
        ("activations", "elu:1.5"),
        ("boundary_data", "gaussians"),
        ("lr", "0.01"),
        ("boundary_steps", "100"),
    ];
    let run = finish(&settings, 2);
    assert!(value(&*run, "elu_1_5_boundary_accuracy") > 0.9);
    let grid = run.figures().remove(0);
    assert_eq!(grid.panels()[0].id, "boundary-elu-1-5");
    let Kind::Field(field) = &grid.panels()[0].kind else { panic!() };
    assert!(field.values.len() == 48 * 32 && field.bounds == (0.0, 7.0) && field.points.len() == 150);
    assert!(field.values.iter().all(|v| v.fract() == 0.0) && field.values.contains(&7.0));
}

#[test]
fn boundaries_want_two_features() {
    for spec in ["digits", "white:3", "mooons"] {
        let values = [("boundary_data".to_string(), spec.to_string())];
        let message = Activations.configure(&values).unwrap_err().to_string();
        assert!(message.contains("boundary_data") && message.contains("moons"), "{message}");
    }
    let file = tempfile::Builder::new().suffix(".csv").tempfile().unwrap();
    let lines: Vec<String> = (0..20).map(|i| format!("{i},{},{},{}", i * i % 7, i % 3, i % 2)).collect();
    std::fs::write(file.path(), lines.join("\n")).unwrap();
    let spec = format!("csv:{}", file.path().display());
    let values = [("part".to_string(), "boundary".to_string()), ("boundary_data".to_string(), spec)];
    let error = Activations.start(&values, Context { seed: 0, device: Device::Cpu }).err().unwrap().to_string();
    assert!(error.contains("data of two features"), "{error}");
}

#[test]
fn a_flat_side_is_for_ever_in_layer_one_alone() {
    let settings = [
        ("part", "revival"),
        ("activations", "relu,leaky_relu,silu,prelu"),
        ("depth", "3"),
        ("width", "32"),
        ("lr", "0.01"),
        ("steps", "300"),
    ];
    let run = finish(&settings, 1);
    let relu = named(&run.findings(), "relu_revived");
    assert!(relu.value == 0.0 && relu.predicted == Some(0.0), "{relu:?}");
    // The layer below moves the inputs of layer 2, so that nothing exact can be said there.
    let second = named(&run.findings(), "relu_revived_layer_2");
    assert!(second.value > 0.0 && second.predicted.is_none(), "{second:?}");
    // Where there is a slope there is a way back, though not for every unit in this time.
    let [leaky, silu] = ["leaky_relu_revived", "silu_revived"].map(|n| named(&run.findings(), n));
    assert!(leaky.value > 0.0 && leaky.predicted.is_none(), "{leaky:?}");
    assert!(silu.value > leaky.value, "{silu:?} {leaky:?}");
    assert!(value(&*run, "leaky_relu_revival_dead") == 0.0, "its slope is nowhere below 0.01");
    // A slope of 0.25 is more than a tenth: no bias silences PReLU.
    let prelu = named(&run.findings(), "prelu_revived");
    assert!(prelu.value.is_nan() && prelu.note.contains("none"), "{prelu:?}");
}

#[test]
fn gelu_far_out_is_as_good_as_dead() {
    // GELU'(x) = Phi(x) + x phi(x), torch 2.15 in f64: -9.574e-20 at -9.5, -3.547e-8 at -6, -9.697e-7 at -5.4.
    let settings = [
        ("part", "revival"),
        ("activations", "gelu"),
        ("depth", "2"),
        ("width", "16"),
        ("steps", "100"),
        ("silenced_bias", "-15"),
    ];
    let run = finish(&settings, 1);
    assert!(value(&*run, "gelu_silenced") > 0.99 && value(&*run, "gelu_revival_dead") > 0.99);
    assert!(value(&*run, "gelu_revived") == 0.0);
}

#[test]
fn mixtures_are_silenced_layer_by_layer() {
    for list in ["swiglu+relu", "relu+swiglu", "relu+sigmoid,sigmoid"] {
        let settings = [("part", "revival"), ("activations", list), ("depth", "2"), ("width", "16"), ("steps", "2")];
        let run = finish(&settings, 0);
        assert!(!run.findings().is_empty(), "{list}");
    }
    // A silenced sigmoid is judged by the sigmoid's own slope, whatever the layer before it.
    let settings =
        [("part", "revival"), ("activations", "relu+sigmoid,sigmoid"), ("depth", "2"), ("width", "32"), ("steps", "2")];
    let run = finish(&settings, 0);
    let silenced = value(&*run, "relu_sigmoid_silenced_layer_2");
    assert!(silenced < 1.0 || (value(&*run, "sigmoid_silenced_layer_2") - silenced).abs() < 0.2, "{silenced}");
}

#[test]
fn networks_that_would_take_gigabytes_are_refused() {
    let values: Vec<_> = [("width", "1024"), ("depth", "50")].map(|(k, v)| (k.into(), v.into())).into();
    let error = Activations.start(&values, Context { seed: 0, device: Device::Cpu }).err().unwrap();
    assert!(error.is_input() && error.to_string().contains("fewer functions"), "{error}");
}
