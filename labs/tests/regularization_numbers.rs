//! Quantities of regularization against PyTorch's and numpy's numbers, from `reference/make_regularization.py`.

// Clippy allows these in tests only, and the helpers of an integration test count as none.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use candelab_labs::nn::loss::cross_entropy;
use candelab_labs::nn::optim::Rates;
use candelab_labs::regularization::calibration::{brier, flips, nll, reliability, softmax, temperature_scaling};
use candelab_labs::regularization::decay_equivalence::{Base, Decay, trajectory};
use candelab_labs::regularization::ensemble::{geometric_mean, kl, uncertainty};
use candelab_labs::regularization::ridgeless::{Design, Problem, minimum_norm, ridge};
use candelab_labs::regularization::weight_sparsity::sparsity;
use candle_core::{Device, Tensor};
use nalgebra::{DMatrix, DVector};
use serde_json::Value;

fn reference(part: &str) -> Value {
    let all: Value = serde_json::from_str(include_str!("reference/regularization.json")).unwrap();
    all[part].clone()
}

fn list<T: serde::de::DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).unwrap()
}

fn close(what: &str, got: f64, want: &Value, error: f64) {
    let want = want.as_f64().unwrap();
    assert!((got - want).abs() <= error * want.abs().max(1.0), "{what}: {got}, reference {want}");
}

fn all_close(what: &str, got: &[f64], want: &Value, error: f64) {
    let want: Vec<f64> = list(want);
    assert_eq!(got.len(), want.len(), "{what}");
    for (got, want) in got.iter().zip(&want) {
        assert!((got - want).abs() <= error * want.abs().max(1.0), "{what}: {got}, reference {want}");
    }
}

#[test]
fn calibration_is_guos() {
    let r = reference("calibration");
    let (logits, labels): (Vec<Vec<f64>>, Vec<usize>) = (list(&r["logits"]), list(&r["labels"]));
    let probabilities: Vec<Vec<f64>> = logits.iter().map(|z| softmax(z, 1.0)).collect();
    for bins in [5, 15] {
        let diagram = reliability(&probabilities, &labels, bins).unwrap();
        close("ece", diagram.ece(), &r[format!("ece_{bins}")], 1e-14);
        close("mce", diagram.mce(), &r[format!("mce_{bins}")], 1e-14);
        assert_eq!(diagram.bins.iter().map(|b| b.count).sum::<usize>(), labels.len());
    }
    close("brier", brier(&probabilities, &labels).unwrap(), &r["brier"], 1e-14);
    close("nll", nll(&logits, &labels, 1.0).unwrap(), &r["nll"], 1e-14);
    let fit = temperature_scaling(&logits, &labels).unwrap();
    // The reference stops where the loss no longer changes, which leaves the temperature half the digits; its
    // loss is compared to rounding.
    close("temperature", fit.value, &r["temperature"], 1e-7);
    close("nll at it", fit.nll, &r["nll_scaled"], 1e-14);
    let change = flips(&logits, fit.value).unwrap();
    assert_eq!((change.flips, change.new_ties), (0, 0));
}

#[test]
fn least_squares_are_numpys() {
    let problem = Problem { signal: 1.0, noise: 0.25 };
    for r in reference("regressions").as_array().unwrap() {
        let rows: Vec<Vec<f64>> = list(&r["x"]);
        let x = DMatrix::from_row_iterator(rows.len(), rows[0].len(), rows.concat());
        let (y, beta) = (DVector::from_vec(list(&r["y"])), DVector::from_vec(list(&r["beta"])));
        let lambda = r["lambda"].as_f64().unwrap();
        all_close("minimum norm", minimum_norm(&x, &y).unwrap().as_slice(), &r["minimum_norm"], 1e-11);
        all_close("ridge", ridge(&x, &y, lambda).unwrap().as_slice(), &r["ridge"], 1e-12);
        let design = Design::new(&x, &beta).unwrap();
        let (plain, shrunk) = (design.risk(problem), design.ridge_risk(problem, lambda).unwrap());
        close("bias", plain.bias, &r["bias"], 1e-13);
        close("variance", plain.variance, &r["variance"], 1e-11);
        close("bias of ridge", shrunk.bias, &r["ridge_bias"], 1e-13);
        close("variance of ridge", shrunk.variance, &r["ridge_variance"], 1e-13);
    }
}

#[test]
fn decay_goes_where_pytorch_goes() {
    let r = reference("decay");
    let device = Device::Cpu;
    let tensor = |name: &str| Tensor::new(list::<Vec<Vec<f64>>>(&r[name]), &device).unwrap();
    let number = |name: &str| r[name].as_f64().unwrap();
    let (x, start) = (tensor("x"), tensor("start"));
    let labels = Tensor::new(list::<Vec<u32>>(&r["labels"]), &device).unwrap();
    let steps = usize::try_from(r["steps"].as_u64().unwrap()).unwrap();
    for (name, base, momentum) in
        [("sgd", Base::Sgd, 0.0), ("momentum", Base::Sgd, number("momentum")), ("adam", Base::Adam, number("momentum"))]
    {
        for (suffix, decay) in [("loss", Decay::Loss), ("update", Decay::Update)] {
            let rates = Rates { lr: number("lr"), momentum, weight_decay: number("decay") };
            let loss = |w: &Tensor| cross_entropy(&x.matmul(w)?, &labels);
            let path = trajectory((base, decay), rates, &start, loss, steps).unwrap();
            all_close(name, &path[steps], &r[format!("{name}_{suffix}")], 1e-12);
        }
    }
}

#[test]
fn uncertainty_is_pytorchs() {
    let r = reference("uncertainty");
    let members: Vec<Vec<f64>> = list(&r["members"]);
    let u = uncertainty(&members).unwrap();
    close("predictive entropy", u.predictive_entropy, &r["predictive_entropy"], 1e-14);
    close("expected entropy", u.expected_entropy, &r["expected_entropy"], 1e-14);
    close("mutual information", u.mutual_information, &r["mutual_information"], 1e-14);
    close("variation ratio", u.variation_ratio, &r["variation_ratio"], 1e-14);
    close("divergence", kl(&members[0], &u.mean), &r["kl"], 1e-14);
    all_close("geometric mean", &geometric_mean(&members, &[1.0; 7]).unwrap(), &r["geometric"], 1e-14);
}

#[test]
fn sparsity_is_numpys() {
    let r = reference("sparsity");
    let s = sparsity(&list::<Vec<f64>>(&r["weights"]), 0.5).unwrap();
    close("hoyer", s.hoyer, &r["hoyer"], 1e-14);
    close("gini", s.gini, &r["gini"], 1e-14);
    close("zeros", s.zeros, &r["zeros"], 1e-15);
    close("small", s.small, &r["below_0.5"], 1e-15);
}
