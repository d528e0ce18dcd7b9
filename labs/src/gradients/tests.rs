use super::*;
use crate::Lab;
use crate::{Finding, Status};
use candle_core::Device;

fn finish(settings: &[(&str, &str)], seed: u64) -> Box<dyn Experiment> {
    let values: Vec<_> = settings.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
    let mut run = Gradients.start(&values, Context { seed, device: Device::Cpu }).unwrap();
    while run.step().unwrap() == Status::Running {}
    run
}

type Pairs = Vec<(String, String)>;

fn named(findings: &[Finding], name: &str) -> Finding {
    findings.iter().find(|f| f.name == name).unwrap().clone()
}

/// Networks of the kind that mean-field theory is about: wide, square, inputs N(0, 1).
fn theory_run(activation: &str, init: &str, nets: &str) -> Vec<Finding> {
    let settings = [
        ("part", "sweep"),
        ("data", "white:256"),
        ("width", "256"),
        ("activation", activation),
        ("init", init),
        ("samples", "16"),
        ("nets", nets),
    ];
    finish(&settings, 11).findings()
}

#[test]
fn factors_are_those_of_theory() {
    // 0.236052 = sqrt(chi_1) of sigmoid at q* = 0.26469 (Schoenholz et al. 2017); 1/sqrt 2 and 1: He
    // et al. 2015.
    for (activation, init, want) in [
        ("sigmoid", "xavier_normal", 0.236_052),
        ("relu", "xavier_normal", std::f64::consts::FRAC_1_SQRT_2),
        ("relu", "he_normal", 1.0),
    ] {
        let f = named(&theory_run(activation, init, "3"), "sweep_factor");
        let i = f.interval.unwrap();
        assert!((f.value / want - 1.0).abs() < 0.1, "{activation} {init}: {f:?}");
        assert!(i.low > 0.9 * want && i.high < 1.1 * want, "{activation} {init}: {f:?}");
    }
}

#[test]
fn tanh_with_xavier_decays_as_a_power_of_the_depth() {
    let findings = theory_run("tanh", "xavier_normal", "4");
    let ten = named(&findings, "ratio_at_10");
    let hundred = named(&findings, "ratio_at_100");
    assert!((ten.value / 0.26715 - 1.0).abs() < 0.1, "{ten:?}");
    assert!((hundred.value / 0.08446 - 1.0).abs() < 0.15, "{hundred:?}");
    let [power, exponential] = ["sweep_r2_power", "sweep_r2_exponential"].map(|n| named(&findings, n).value);
    assert!(power > exponential + 0.05, "{power} {exponential}");
    // Theory's own ratios over these depths, fitted the same way, give the predicted exponent.
    let exponent = named(&findings, "sweep_power");
    let predicted = exponent.predicted.unwrap();
    assert!((-0.5..-0.4).contains(&predicted) && (exponent.value - predicted).abs() < 0.08, "{exponent:?}");
}

#[test]
fn the_profile_agrees_with_theory_on_real_data() {
    // He and ReLU on the digits: chi = 1 at every layer, the first included, whatever its fan-in.
    let run = finish(&[("part", "profile"), ("width", "256"), ("depth", "10"), ("nets", "6"), ("samples", "128")], 4);
    let f = named(&run.findings(), "gradient_factor");
    assert!((f.predicted.unwrap() - 1.0).abs() < 1e-9 && (f.value - 1.0).abs() < 0.1, "{f:?}");
    let ratio = named(&run.findings(), "first_to_last");
    assert!((ratio.predicted.unwrap() - 1.0).abs() < 1e-9 && (ratio.value - 1.0).abs() < 0.3, "{ratio:?}");
}

#[test]
fn weight_gradients_of_relu_do_not_see_the_scale() {
    // With ReLU, scaling every layer's weights by g scales h_{l-1} by g^(l-1) and dLoss/dz_l by
    // g^(L-l): the ratio between two layers' weight gradients does not change, input gradients' does.
    let ratios = |gain: &str| {
        let run = finish(&[("part", "profile"), ("nets", "1"), ("depth", "6"), ("width", "32"), ("gain", gain)], 4);
        let get = |name| named(&run.findings(), name).value;
        (get("first_to_last_weights"), get("first_to_last"))
    };
    let (weights, inputs) = ratios("1");
    let (small_weights, small_inputs) = ratios("0.999");
    // A gain this near to 1 leaves the loss's own derivative as it is to first order.
    assert!((small_weights / weights - 1.0).abs() < 2e-3, "{weights} {small_weights}");
    assert!((small_inputs / inputs / 0.999_f64.powi(6) - 1.0).abs() < 1e-3, "{inputs} {small_inputs}");
}

#[test]
fn orthogonal_linear_networks_are_isometries() {
    // Saxe et al. 2014: a product of orthogonal matrices has all singular values 1.
    let settings =
        [("part", "jacobian"), ("activation", "identity"), ("init", "orthogonal"), ("depth", "30"), ("width", "48")];
    let findings = finish(&settings, 1).findings();
    assert!((named(&findings, "jacobian_condition").value - 1.0).abs() < 1e-9);
    assert!((named(&findings, "jacobian_rms").value - 1.0).abs() < 1e-9);
    assert!(named(&findings, "jacobian_spread").value < 1e-18);
}

#[test]
fn gaussian_spectra_spread_with_depth_as_predicted() {
    // Pennington et al. 2017: the variance of the normalised spectrum of L - 1 square Gaussian
    // layers is L - 1 for the identity and 2 (L - 1) for ReLU, at infinite width.
    for (activation, init, want) in [("identity", "lecun_normal", 5.0), ("relu", "he_normal", 10.0)] {
        let settings =
            [("part", "jacobian"), ("activation", activation), ("init", init), ("depth", "6"), ("width", "200")];
        let f = named(&finish(&settings, 2).findings(), "jacobian_spread");
        assert!((f.predicted.unwrap() / want - 1.0).abs() < 1e-6, "{f:?}");
        assert!((f.value / want - 1.0).abs() < 0.25, "{f:?}");
    }
}

#[test]
fn a_relu_jacobian_is_singular_and_says_so() {
    let run = finish(&[("part", "jacobian"), ("width", "32"), ("depth", "5")], 2);
    let f = named(&run.findings(), "jacobian_condition");
    assert!(f.value.is_infinite() && f.note.contains("singular in 3 of 3"), "{f:?}");
    let rank = named(&run.findings(), "jacobian_rank").value;
    assert!(rank > 0.1 && rank < 0.8, "{rank}");
}

#[test]
fn correlations_follow_the_arc_cosine_kernel() {
    let settings = [("part", "correlation"), ("data", "white:256"), ("width", "256"), ("depth", "11"), ("nets", "8")];
    let f = named(&finish(&settings, 5).findings(), "correlation_at_end");
    // Cho and Saul 2009, iterated ten times from cosine 0.
    assert!((f.predicted.unwrap() - 0.871_536).abs() < 1e-5, "{f:?}");
    assert!((f.value - 0.871_536).abs() < 0.06, "{f:?}");
}

#[test]
fn a_loss_that_explodes_ends_the_training_with_a_remark() {
    let settings = [("part", "training"), ("optimizer", "sgd"), ("lr", "10"), ("depth", "10"), ("steps", "200")];
    let mut run = finish(&settings, 0);
    assert!(run.take_messages().iter().any(|m| m.contains("not finite") && m.contains("lower lr")));
    assert!(named(&run.findings(), "training_loss").note.contains("not finite"));
    assert!(named(&run.findings(), "test_accuracy").note.contains("not finite"));
    assert!(run.progress().stage.contains("training stopped"));
}

#[test]
fn training_learns_the_digits() {
    let findings = finish(&[("part", "training"), ("depth", "4"), ("width", "64"), ("steps", "300")], 0).findings();
    let accuracy = named(&findings, "test_accuracy").value;
    assert!(accuracy > 0.9, "{accuracy}");
}

#[test]
fn clipping_holds_the_norm_at_its_limit() {
    let run = finish(&[("part", "training"), ("depth", "3"), ("width", "32"), ("steps", "40"), ("clip", "0.05")], 0);
    let figure = run.figures().into_iter().find(|f| f.id == "global-norm").unwrap();
    let crate::figure::Kind::Lines(lines) = figure.kind else { panic!("not lines") };
    let largest = |i: usize| lines.series[i].points.iter().map(|p| p.1).fold(0.0, f64::max);
    assert!(largest(0) > 0.1 && largest(1) <= 0.05 + 1e-12, "{} {}", largest(0), largest(1));
}

#[test]
fn sigmoid_trains_less_deep_than_relu_with_he() {
    let settings = [("part", "trainable"), ("trainable_max", "16"), ("trainable_steps", "60"), ("width", "32")];
    let findings = finish(&settings, 0).findings();
    let deepest = |name| named(&findings, name).value;
    assert!(deepest("deepest_sigmoid_xavier") <= 4.0 && deepest("deepest_relu_he") >= 16.0);
}

#[test]
fn the_plane_agrees_with_theory() {
    let run = finish(&[("part", "plane"), ("activation", "tanh")], 0);
    let error = named(&run.findings(), "plane_error").value;
    assert!(error < 0.03, "{error}");
}

#[test]
fn every_make_is_in_the_matrix() {
    let run = finish(&[("part", "matrix"), ("depth", "4"), ("width", "8")], 0);
    let figures = run.figures();
    let panels = figures[0].panels();
    assert_eq!(panels.len(), 8);
    for panel in panels {
        let crate::figure::Kind::Heatmap(map) = &panel.kind else { panic!("not a heat map") };
        assert_eq!((map.rows.len(), map.columns.len(), map.values.len()), (9, 9, 81));
        assert!(map.values.iter().all(|v| v.is_finite()), "{}", panel.id);
    }
}

#[test]
fn figures_keep_their_ids_and_panels_while_a_run_goes_on() {
    let values =
        [("steps", "3"), ("nets", "1"), ("depth", "3"), ("width", "8"), ("sweep_max", "3"), ("trainable_max", "2")];
    let values: Vec<_> = values.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
    let mut run = Gradients.start(&values, Context { seed: 0, device: Device::Cpu }).unwrap();
    let ids = |run: &dyn Experiment| {
        run.figures()
            .iter()
            .flat_map(|f| f.panels().iter().map(|p| p.id.clone()).collect::<Vec<_>>())
            .collect::<Vec<_>>()
    };
    let before = ids(run.as_ref());
    assert!(run.progress().done == 0 && run.progress().total > 0);
    while run.step().unwrap() == Status::Running {}
    assert_eq!(before, ids(run.as_ref()));
    let progress = run.progress();
    assert_eq!((progress.done, progress.stage.as_str()), (progress.total, ""));
}

#[test]
fn dead_units_are_those_that_no_sample_reaches() {
    use crate::nn::Mlp;
    use candle_core::{DType, Tensor};
    let config = GradientSettings { depth: 2, width: 8, ..GradientSettings::default() }.network(4, 2);
    let net = Mlp::new(config, 0, 0, DType::F64, &Device::Cpu).unwrap();
    // Three of eight units of the first layer are pushed below zero for good.
    let bias: Vec<f64> = (0..8).map(|i| if i < 3 { -1e3 } else { 1e3 }).collect();
    net.hidden[0].linear.bias.set(&Tensor::from_vec(bias, (1, 8), &Device::Cpu).unwrap()).unwrap();
    let x = crate::rng::stream(0, "x", 0).normal_tensor((700, 4), &Device::Cpu).unwrap();
    let dead = crate::activity::dead_shares(&net, &x).unwrap();
    assert!((dead[0] - 0.375).abs() < 1e-12, "{dead:?}");
}

#[test]
fn the_claims_are_well_formed_and_name_findings_that_exist() {
    let small = [("nets", "2"), ("sweep_max", "3"), ("width", "8"), ("depth", "3"), ("steps", "1"), ("samples", "8")];
    let mut runs: Vec<(Pairs, Vec<Finding>)> = Vec::new();
    for claim in Gradients.claims().unwrap() {
        let whole: Vec<_> = claim.settings.clone().into_iter().collect();
        let controls = Gradients.configure(&whole).unwrap();
        // The names follow from the part and the list of makes alone.
        let kept = whole.into_iter().filter(|(k, _)| small.iter().all(|(name, _)| k != name));
        let settings: Vec<_> = kept.chain(small.iter().map(|(k, v)| ((*k).into(), (*v).into()))).collect();
        if runs.iter().all(|(known, _)| *known != settings) {
            let pairs: Vec<_> = settings.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
            runs.push((settings.clone(), finish(&pairs, 0).findings()));
        }
        let findings = &runs.iter().find(|(known, _)| *known == settings).unwrap().1;
        for relation in [Some(&claim.relation), claim.right.as_ref().map(|r| &r.relation)].into_iter().flatten() {
            for name in relation.test(&controls).unwrap().findings {
                assert!(findings.iter().any(|f| f.name == name), "{}: {name}", claim.id);
            }
        }
    }
}

#[test]
fn a_frozen_batch_norm_gives_the_jacobian_of_the_batch_statistics() {
    use crate::nn::{Mlp, Mode};
    use candle_core::DType;
    // Frozen statistics that differed from the batch's, by n / (n - 1) a layer say, would show here.
    let settings = GradientSettings { depth: 12, width: 16, norm: crate::nn::NormKind::Batch, ..Default::default() };
    let net = Mlp::new(settings.network(6, 3), 1, 0, DType::F64, &Device::Cpu).unwrap();
    let x = crate::rng::stream(0, "x", 0).normal_tensor((5, 6), &Device::Cpu).unwrap();
    let trained = net.forward(&x, Mode::Calibrate).unwrap();
    let frozen = net.forward(&x, Mode::Eval).unwrap();
    let difference: f64 = (trained - frozen).unwrap().abs().unwrap().max_all().unwrap().to_scalar().unwrap();
    assert!(difference < 1e-10, "{difference}");
}

#[test]
fn gradients_that_vanish_altogether_are_said_to() {
    let settings = [("part", "profile"), ("gain", "0"), ("nets", "3"), ("depth", "4"), ("width", "8")];
    let run = finish(&settings, 0);
    let findings = run.findings();
    let ratio = named(&findings, "first_to_last");
    assert!(ratio.value == 0.0 && ratio.note.contains("zero in 3 of 3"), "{ratio:?}");
    let figures = run.figures();
    assert!(figures[0].caption.contains("no gradient is left"), "{}", figures[0].caption);
}

#[test]
fn measurements_too_large_for_memory_are_refused() {
    let values = [("width", "1024"), ("depth", "100"), ("samples", "1024")];
    let values: Vec<_> = values.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
    let error = Gradients.start(&values, Context { seed: 0, device: Device::Cpu }).err().unwrap();
    assert!(
        error.is_input() && error.to_string().starts_with("control 'samples' cannot be '1024': expected at most 195"),
        "{error}"
    );
}

#[test]
fn knowing_the_classes_shares_is_not_learning() {
    // One class in twenty: its prior alone has a loss of 0.199 nats, far below ln 2.
    let mut table = String::new();
    let mut random = crate::rng::stream(0, "table", 0);
    for i in 0..400 {
        table += &format!("{},{},{}\n", random.normal(), random.normal(), u8::from(i % 20 == 0));
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rare.csv");
    std::fs::write(&path, table).unwrap();
    let data = format!("csv:{}", path.display());
    let settings = [
        ("part", "trainable"),
        ("data", data.as_str()),
        ("width", "16"),
        ("trainable_max", "24"),
        ("trainable_steps", "30"),
    ];
    let findings = finish(&settings, 0).findings();
    assert!(named(&findings, "deepest_sigmoid_xavier").value < 4.0, "{findings:?}");
}

#[test]
fn cells_of_the_matrix_are_where_their_names_say() {
    // 20 plain layers of width 64: ReLU loses sqrt 2 a layer with Xavier and nothing with He, the
    // sigmoid 1 / 0.236; skips without normalisation make the gradient grow.
    let run = finish(&[("part", "matrix"), ("data", "white:64"), ("width", "64"), ("depth", "20")], 3);
    let figures = run.figures();
    let value = |panel: &str, activation: &str, init: &str| {
        let panel = figures[0].panels().into_iter().find(|p| p.id == panel).unwrap();
        let crate::figure::Kind::Heatmap(map) = &panel.kind else { panic!("not a heat map") };
        let row = map.rows.iter().position(|r| r == activation).unwrap();
        let column = map.columns.iter().position(|c| c == init).unwrap();
        map.values[row * map.columns.len() + column]
    };
    let near = |found: f64, want: f64, by: f64| assert!((found - want).abs() < by, "{found} is not {want}");
    near(value("matrix-none-plain", "relu", "he_normal"), 0.0, 0.6);
    near(value("matrix-none-plain", "relu", "xavier_normal"), -3.01, 0.6);
    near(value("matrix-none-plain", "sigmoid", "xavier_normal"), -12.54, 0.6);
    near(value("matrix-layer-plain", "relu", "xavier_normal"), 0.0, 0.6);
    assert!(value("matrix-none-residual", "relu", "he_normal") > 1.5);
}

#[test]
fn the_first_update_of_adam_is_the_learning_rate() {
    // Kingma and Ba 2015, section 2.1: the first step is lr times the gradient's sign. Xavier at width
    // 64 has a standard deviation of 1/8.
    let settings = [
        ("part", "training"),
        ("data", "white:64"),
        ("activation", "tanh"),
        ("init", "xavier_normal"),
        ("width", "64"),
        ("depth", "3"),
        ("steps", "1"),
        ("lr", "0.002"),
    ];
    let ratio = named(&finish(&settings, 0).findings(), "update_to_data").value;
    assert!((ratio / (0.002 * 8.0) - 1.0).abs() < 0.03, "{ratio}");
}

#[test]
fn six_depth_scales_are_predicted_where_theory_speaks() {
    let settings = [("part", "trainable"), ("trainable_max", "100"), ("width", "16")];
    let values: Vec<_> = settings.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
    let run = Gradients.start(&values, Context { seed: 0, device: Device::Cpu }).unwrap();
    let predicted = |name| named(&run.findings(), name).predicted;
    // 6 / |ln chi_1| with chi_1 = 1/2 and 0.05572071; critical makes have no limit.
    assert!((predicted("deepest_relu_xavier").unwrap() - 6.0 / 2.0_f64.ln()).abs() < 1e-6);
    assert!((predicted("deepest_sigmoid_xavier").unwrap() - 2.0780).abs() < 1e-3);
    let critical = named(&run.findings(), "deepest_relu_he");
    assert!(critical.predicted.is_none() && critical.note.contains("theory sets no limit"), "{critical:?}");
    assert_eq!(predicted("deepest_sigmoid_xavier_batch"), None);
}
