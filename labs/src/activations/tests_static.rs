use super::Activations;
use crate::control::Choice;
use crate::figure::Kind;
use crate::nn::Activation;
use crate::{Context, Experiment, Finding, Lab, Status, record};
use candle_core::Device;
use std::collections::BTreeMap;

fn finish(settings: &[(&str, &str)]) -> Box<dyn Experiment> {
    let values: Vec<_> = settings.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
    let mut run = Activations.start(&values, Context { seed: 3, device: Device::Cpu }).unwrap();
    while run.step().unwrap() == Status::Running {}
    run
}

fn named(findings: &[Finding], name: &str) -> Finding {
    findings.iter().find(|f| f.name == name).unwrap_or_else(|| panic!("{name} is missing")).clone()
}

fn close(a: f64, b: f64, tolerance: f64, what: &str) {
    assert!((a - b).abs() <= tolerance * b.abs().max(1.0), "{what}: {a} is not {b}");
}

#[derive(serde::Deserialize)]
struct Reference {
    critical: BTreeMap<String, [String; 2]>,
    moments: BTreeMap<String, [String; 3]>,
}

/// What mpmath computed (`labs/tests/reference/make_activations.py`).
fn reference() -> Reference {
    serde_json::from_str(include_str!("../../tests/reference/activations.json")).unwrap()
}

fn numbers<const N: usize>(texts: &[String; N]) -> [f64; N] {
    texts.each_ref().map(|t| t.parse().unwrap())
}

/// Every named function with its usual parameter, and some with others.
fn everything() -> String {
    let usual: Vec<_> = Activation::ALL.iter().map(|a| a.name()).collect();
    usual.join(",") + ",leaky_relu:0.2,leaky_relu:-0.3,leaky_relu:2,elu:1.5,elu:-1,celu:0.5,celu:2,swish:2,swish:-1"
}

#[test]
fn every_function_is_what_it_is_said_to_be() {
    let findings = finish(&[("part", "properties"), ("activations", &everything())]).findings();
    let wrong = named(&findings, "disagreements");
    let figures = finish(&[("part", "properties"), ("activations", &everything())]).figures();
    let Kind::Table(table) = &figures[0].kind else { panic!() };
    let bad: Vec<_> = table.rows.iter().filter(|r| r.last().is_some_and(|c| c != "yes")).collect();
    assert!(wrong.value == 0.0 && bad.is_empty(), "{bad:#?}");
    assert_eq!(table.rows.len(), 33);
}

#[test]
fn an_infinite_measurement_agrees_with_nothing_finite() {
    use super::properties::near;
    let inf = f64::INFINITY;
    assert!(near(inf, inf, 1e-9) && !near(0.0, -inf, 1e-9) && !near(-inf, inf, 1e-9) && !near(1.0, f64::NAN, 1e-9));
    // The slope of softsign falls to 0 as 1/x^2: it nears a limit and does not go on for ever.
    let run = finish(&[("part", "properties"), ("activations", "softsign")]);
    let Kind::Table(table) = &run.figures()[1].kind else { panic!() };
    let slope = table.rows.iter().find(|r| r[1] == "smallest slope").unwrap();
    assert!(slope[4].parse::<f64>().unwrap().abs() < 1e-12 && slope[6] == "yes", "{slope:?}");
}

#[test]
fn moments_are_mpmaths() {
    let reference = reference();
    let list: Vec<_> = reference.moments.keys().map(String::as_str).collect();
    let findings = finish(&[("part", "properties"), ("activations", &list.join(","))]).findings();
    for (name, texts) in &reference.moments {
        let key = name.replace([':', '.'], "_");
        let want = numbers(texts);
        for (what, want) in ["mean", "mean_square", "slope_square"].iter().zip(want) {
            let f = named(&findings, &format!("{key}_{what}"));
            // mpmath's slopes are difference quotients: near a kink they cost its integral 2e-13.
            close(f.value, want, 1e-12, &f.name);
            if let Some(predicted) = f.predicted {
                close(predicted, want, 1e-12, &f.name);
            }
            let i = f.interval.unwrap();
            assert!(i.low <= want + 2e-13 && i.high >= want - 2e-13 && i.high - i.low < 1e-10, "{f:?}");
        }
        assert!(named(&findings, &format!("{key}_mean")).predicted.is_some() || name == "swish:2", "{name}");
    }
}

#[test]
fn extremes_without_a_closed_form_are_mpmaths() {
    let reference = reference();
    let digits = |name: &str| numbers(&reference.critical[name]);
    for (f, low, steep, shallow) in [
        (Activation::Gelu, "gelu_min", "gelu_steepest", None),
        (Activation::GeluTanh, "gelu_tanh_min", "gelu_tanh_steepest", None),
        (Activation::Silu, "silu_min", "silu_steepest", None),
        (Activation::Mish, "mish_min", "mish_steepest", Some("mish_shallowest")),
    ] {
        let p = f.shape().properties();
        let pairs = [(p.low, Some(low)), (p.high_slope, Some(steep)), (p.low_slope, shallow)];
        for (extreme, name) in pairs.into_iter().filter_map(|(e, n)| Some((e, n?))) {
            let [x, value] = digits(name);
            close(extreme.value, value, 1e-15, name);
            let crate::nn::activation::properties::Place::At(at) = extreme.place else { panic!("{name}") };
            close(at, x, 1e-15, name);
        }
    }
    let findings = finish(&[("part", "properties"), ("activations", "gelu,silu,mish,hard_swish,x_tanh_x")]).findings();
    for (name, want) in
        [("gelu_min", -0.169_971_207_5), ("gelu_max_slope", 1.128_904_145_2), ("silu_max_slope", 1.099_839_320_1)]
    {
        close(named(&findings, name).value, want, 1e-9, name);
    }
    close(named(&findings, "hard_swish_max_slope").value, 1.5, 1e-9, "left of 3");
    close(named(&findings, "x_tanh_x_max_slope").value, digits("x_tanh_x_steepest")[0], 1e-9, "x tanh x = 1");
}

#[test]
fn a_formula_is_measured_without_being_known() {
    // max(x, sigmoid x): its kink is where they cross; the reference tables' moments, to their digits.
    let settings = [("part", "properties"), ("activations", "relu"), ("custom", "max(x,sigmoid(x))")];
    let run = finish(&settings);
    let findings = run.findings();
    close(named(&findings, "custom_mean").value, 0.6253, 1e-4, "mean");
    close(named(&findings, "custom_slope_square").value, 0.2917, 1e-4, "slopes");
    let Kind::Table(table) = &run.figures()[0].kind else { panic!() };
    // sigmoid(c) = c, where its slope is c (1 - c).
    let mut c = 0.5_f64;
    for _ in 0..100 {
        c = 1.0 / (1.0 + (-c).exp());
    }
    let readable = crate::figure::readable;
    assert_eq!(table.rows[1][3], format!("{} ({} | 1)", readable(c), readable(c * (1.0 - c))));
    // The kink splits the panels, so that the integral is exact.
    let i = named(&findings, "custom_mean").interval.unwrap();
    assert!(i.high - i.low < 1e-10, "{i:?}");
}

#[test]
fn what_has_no_bound_and_no_moments_says_so() {
    let settings = [("part", "properties"), ("activations", "leaky_relu"), ("custom", "exp(x^2)")];
    let findings = finish(&settings).findings();
    let low = named(&findings, "leaky_relu_min");
    assert!(low.value == f64::NEG_INFINITY && low.interval.is_none() && low.note == "no bound");
    // E e^(z^2) does not exist: no narrow interval may say that it does.
    let square = named(&findings, "custom_mean_square");
    assert!(square.interval.is_none() && square.value.is_nan(), "{square:?}");
    assert!(!findings.iter().any(|f| f.name == "custom_mean"));
}

#[test]
fn gates_have_the_moments_of_their_pieces() {
    let settings = [("part", "properties"), ("activations", "maxout,glu,reglu,geglu,swiglu")];
    let findings = finish(&settings).findings();
    close(named(&findings, "maxout_mean").value, 0.564_189_583_547_756_3, 1e-11, "1/sqrt pi");
    let reference = reference();
    for (gate, inner) in [("glu", "sigmoid"), ("reglu", "relu"), ("geglu", "gelu"), ("swiglu", "silu")] {
        let square = numbers(&reference.moments[inner])[1];
        close(named(&findings, &format!("{gate}_mean_square")).value, square, 1e-11, gate);
        close(named(&findings, &format!("{gate}_mean")).value, 0.0, 1e-12, gate);
    }
    assert!(named(&findings, "disagreements").value == 0.0);
}

#[test]
fn computed_findings_are_the_same_for_every_seed() {
    let settings = [("part", "properties"), ("activations", "gelu")];
    let findings = finish(&settings).findings();
    let merged = record::over_seeds(&[findings.clone(), findings.clone()]);
    assert_eq!(merged, findings);
}

#[test]
fn curves_hold_zero_and_every_kink() {
    let run = finish(&[("part", "curves"), ("activations", "relu6,hard_swish,swiglu,elu:1.5")]);
    let tensors = run.tensors().unwrap();
    let get = |name: &str| -> Vec<f64> {
        tensors.iter().find(|t| t.0 == name).unwrap_or_else(|| panic!("{name}")).1.to_vec1().unwrap()
    };
    let x = get("x");
    for kink in [-3.0, 0.0, 3.0, 6.0] {
        assert!(x.contains(&kink), "{kink}");
    }
    let at = |name: &str, x0: f64| get(name)[x.iter().position(|x| (x - x0).abs() < 1e-12).unwrap()];
    close(at("f.hard_swish", -1.5), -0.375, 1e-15, "hard_swish(-1.5)");
    close(at("f_prime.relu6", 3.0), 1.0, 1e-15, "relu6'(3)");
    close(at("f.elu_1_5", -1.0), 1.5 * (-1.0_f64).exp_m1(), 1e-15, "elu:1.5");
    let figures = run.figures();
    assert!(figures[1].panels().iter().all(|p| p.caption.contains("swiglu")));
    assert!(!tensors.iter().any(|t| t.0.contains("swiglu")));
}

#[derive(serde::Deserialize)]
struct Torch {
    largest: BTreeMap<String, BTreeMap<String, f64>>,
    best: BTreeMap<String, BTreeMap<String, f64>>,
    tail: BTreeMap<String, f64>,
    int8: BTreeMap<String, BTreeMap<String, f64>>,
}

/// What PyTorch computed (`labs/tests/reference/make_quantised.py`).
fn torch() -> Torch {
    serde_json::from_str(include_str!("../../tests/reference/quantised.json")).unwrap()
}

#[test]
fn approximations_err_as_pytorchs_do() {
    let findings = finish(&[("part", "approximations")]).findings();
    let get = |name: String| named(&findings, &name).value;
    let torch = torch();
    for (name, worst) in &torch.largest {
        // Its grid is 1e-5 wide; hard_swish has its largest error where the slope jumps, and misses none.
        close(get(format!("{name}_error")), worst["size"], 1e-10, name);
        close(get(format!("{name}_error_at")), worst["x"], 2e-5, name);
    }
    for (name, best) in &torch.best {
        close(get(name.clone()), best["k"], 1e-6, name);
        close(get(format!("{name}_error")), best["size"], 1e-9, name);
    }
    for (x, relative) in &torch.tail {
        close(get(format!("gelu_tanh_relative_error_at_minus_{x}")), *relative, 1e-8, x);
    }
    // Camilli 1994: the logistic with 1.702 is off the normal distribution function by at most .0095.
    assert!((get("cdf_best_k".into()) - 1.702).abs() < 5e-4);
    assert!((get("cdf_best_k_error".into()) - 0.0095).abs() < 5e-5);
}

#[test]
fn eight_bits_leave_what_pytorchs_quantiser_leaves() {
    let torch = torch();
    let list: Vec<_> = torch.int8.keys().map(String::as_str).chain(["relu", "identity"]).collect();
    let findings = finish(&[("part", "quantisation"), ("activations", &list.join(","))]).findings();
    let get = |key: &str, what: &str| named(&findings, &format!("{key}_int8_{what}")).value;
    for (name, want) in &torch.int8 {
        let key = name.replace([':', '.'], "_");
        close(get(&key, "negative_codes"), want["codes"], 1e-12, name);
        close(get(&key, "zeroed"), want["zeroed"], 1e-12, name);
        // Its quantiser computes in f32.
        close(get(&key, "negative_error"), want["error"], 1e-5, name);
        close(get(&key, "sqnr"), want["sqnr"], 1e-4, name);
    }
    for key in ["relu", "identity"] {
        close(get(key, "exact_codes"), 256.0, 1e-12, key);
        close(get(key, "negative_error"), 0.0, 1e-12, key);
        assert!(get(key, "sqnr").is_infinite(), "{key}");
    }
    // tanh(0) = 0 is its only whole number of steps.
    close(get("tanh", "exact_codes"), 1.0, 1e-12, "tanh");
}

#[test]
fn times_have_ratios_to_relu_with_intervals_and_are_not_among_all() {
    let settings = [("part", "timing"), ("activations", "relu,mish,rrelu,prelu,swiglu"), ("elements", "65536")];
    let run = finish(&settings);
    let findings = run.findings();
    assert_eq!(findings.len(), 4 * 5);
    for f in &findings {
        let i = f.interval.unwrap();
        assert!(f.value > 0.0 && i.low <= f.value && f.value <= i.high && i.n == super::timing::ROUNDS, "{f:?}");
    }
    // Mish takes an exponential and a division where ReLU takes a comparison.
    assert!(named(&findings, "mish_forward_ratio_cached").value > 1.5, "{findings:#?}");
    let all = Activations.start(&[], Context { seed: 1, device: Device::Cpu }).unwrap();
    assert!(!all.figures().iter().any(|f| f.id.starts_with("timing")));
}

#[test]
fn figures_keep_their_ids_and_begin_empty() {
    for part in ["curves", "properties", "approximations", "quantisation", "timing"] {
        let settings = [("part".to_string(), part.to_string()), ("elements".into(), "65536".into())];
        let mut run = Activations.start(&settings, Context { seed: 1, device: Device::Cpu }).unwrap();
        let ids = |run: &dyn Experiment| run.figures().iter().map(|f| f.id.clone()).collect::<Vec<_>>();
        let before = ids(run.as_ref());
        assert!(run.findings().is_empty(), "{part}");
        while run.step().unwrap() == Status::Running {
            assert_eq!(ids(run.as_ref()), before);
        }
        for figure in run.figures().iter().flat_map(|f| f.panels()) {
            let rows = figure.data_table().unwrap().rows.len();
            assert!(rows > 1 && !figure.caption.contains("yet"), "{part} {}: {}", figure.id, figure.caption);
        }
        assert_eq!(ids(run.as_ref()), before);
    }
}

#[test]
fn slopes_are_checked_by_central_differences_away_from_every_kink() {
    let run = finish(&[("part", "curves"), ("activations", &everything()), ("custom", "max(x,0.3)")]);
    // The curvature of softsign jumps at 0; the others' error is of the order of h^2 and rounding.
    assert!(named(&run.findings(), "slope_error").value < 1e-6);
}

#[test]
fn poles_have_no_bound_and_wide_functions_their_true_extremes() {
    let run = finish(&[("part", "properties"), ("activations", "swish:0.001,elu:0.5"), ("custom", "1/x")]);
    let findings = run.findings();
    assert!(named(&findings, "disagreements").value < 0.5);
    assert!(named(&findings, "custom_min").interval.is_none() && named(&findings, "custom_min").value.is_infinite());
    assert!(named(&findings, "custom_mean_square").interval.is_none());
    assert!(!findings.iter().any(|f| f.name == "custom_mean"), "E 1/z does not exist");
    // x sigmoid(b x) is least at -1.2785 / b with value -0.27846 / b.
    close(named(&findings, "swish_0_001_min").value, -278.464_542_8, 1e-6, "least");
    close(named(&findings, "elu_0_5_slope_jump").value, 0.5, 1e-5, "slope 0.5 left of 0, 1 right of it");
}
