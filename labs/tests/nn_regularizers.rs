//! Regularisers and the small convolutional network against the numbers of `torch` in
//! `reference/regularizers.json`, which `reference/make_regularizers.py` writes, and against central differences.

// Clippy allows these in tests only, and the helpers of an integration test count as none.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use candelab_labs::nn::conv::{Image, max_pool, patches};
use candelab_labs::nn::optim::Rates;
use candelab_labs::nn::smoothing::smoothed_cross_entropy;
use candelab_labs::nn::{Activation, L1Method, Mode, NormKind, Optimizer, OptimizerKind};
use candelab_labs::regularization::{Architecture, Model, RegularizedNet, Regularizers};
use candelab_labs::rng::stream;
use candelab_labs::trainer::{Network, Rule};
use candle_core::{DType, Device, Tensor, Var};
use serde_json::Value;

/// A few optimiser steps, or three layers, each of which passes on the rounding of the one before.
const CHAINED: f64 = 1e-11;
/// Near the cube root of f64's epsilon, where truncation and rounding of a central difference balance.
const STEP: f64 = 1e-5;
/// Of an element's relative error, absolute below 1e-2: far above the differences' own 1e-8.
const TOLERANCE: f64 = 1e-6;
const TRAIN: Mode = Mode::Train { momentum: 0.1 };

fn reference() -> Value {
    serde_json::from_str(include_str!("reference/regularizers.json")).unwrap()
}

fn numbers(v: &Value) -> Vec<f64> {
    match v {
        Value::Array(list) => list.iter().flat_map(numbers).collect(),
        number => vec![number.as_f64().unwrap()],
    }
}

fn matrix(v: &Value) -> Tensor {
    let rows = v.as_array().unwrap().len();
    let flat = numbers(v);
    let columns = flat.len() / rows;
    Tensor::from_vec(flat, (rows, columns), &Device::Cpu).unwrap()
}

fn labels(v: &Value) -> Tensor {
    Tensor::from_iter(numbers(v).into_iter().map(|y| y as u32), &Device::Cpu).unwrap()
}

fn flat(x: &Tensor) -> Vec<f64> {
    x.flatten_all().unwrap().to_vec1().unwrap()
}

fn near(what: &str, got: &[f64], want: &Value) {
    let want = numbers(want);
    assert_eq!(got.len(), want.len(), "{what}");
    for (i, (g, w)) in got.iter().zip(want).enumerate() {
        assert!((g - w).abs() <= CHAINED * w.abs().max(1.0), "{what}[{i}]: {g}, PyTorch {w}");
    }
}

type Form = (usize, Option<(usize, usize)>, usize);

/// A network of the weights in `parameters`.
fn network(model: Model, widths: &[usize], activation: Activation, form: Form, parameters: &Value) -> RegularizedNet {
    let shape = Architecture { model, widths: widths.to_vec(), activation };
    let net = RegularizedNet::new(&shape, &Regularizers::none(), form, (0, 0), DType::F64, &Device::Cpu).unwrap();
    for (name, var) in net.parameters() {
        var.set(&matrix(&parameters[&name])).unwrap();
    }
    net
}

#[test]
fn every_regulariser_takes_pytorchs_steps() {
    let all = reference();
    let (x, y) = (matrix(&all["mlp"]["x"]), labels(&all["mlp"]["labels"]));
    let cases = all["trajectories"].as_array().unwrap();
    assert_eq!(cases.len(), 10);
    for case in cases {
        let name = format!("{}, {}", case["name"], case["optimizer"]);
        let number = |key: &str| case[key].as_f64().unwrap();
        let net = network(Model::Mlp, &[4], Activation::Tanh, (3, None, 3), &all["mlp"]["parameters"]);
        let rule = Regularizers {
            l1: number("l1"),
            l1_method: if case["proximal"] == true { L1Method::Proximal } else { L1Method::Subgradient },
            l2: number("l2"),
            weight_decay: number("weight_decay"),
            max_norm: number("max_norm"),
            label_smoothing: number("label_smoothing"),
            ..Regularizers::none()
        };
        let lr = number("lr");
        let kind = if case["optimizer"] == "sgd" { OptimizerKind::Sgd } else { OptimizerKind::Adam };
        let rates = Rates { lr, momentum: 0.9, weight_decay: 0.0 };
        let mut optimizer = Optimizer::new(kind, rates, net.parameters().into_iter().map(|(_, v)| v).collect());
        let mut losses = Vec::new();
        for _ in 0..case["losses"].as_array().unwrap().len() {
            let objective = rule.objective(&net, &net.forward(&x, TRAIN).unwrap(), &y).unwrap();
            losses.push(objective.to_scalar::<f64>().unwrap());
            let grads = objective.backward().unwrap();
            rule.before_update(&net, lr).unwrap();
            optimizer.step(&grads).unwrap();
            rule.after_update(&net, lr).unwrap();
        }
        near(&format!("{name}: loss"), &losses, &case["losses"]);
        for (parameter, var) in net.parameters() {
            near(&format!("{name}: {parameter}"), &flat(&var), &case["parameters"][&parameter]);
        }
    }
}

#[test]
fn smoothed_labels() {
    let all = &reference()["smoothing"];
    let x = Var::from_tensor(&matrix(&all["logits"])).unwrap();
    let loss = smoothed_cross_entropy(&x, &labels(&all["labels"]), all["smoothing"].as_f64().unwrap()).unwrap();
    near("loss", &[loss.to_scalar().unwrap()], &all["loss"]);
    near("gradient", &flat(loss.backward().unwrap().get(&x).unwrap()), &all["gradient"]);
}

/// Images of 8 x 9 with flat parts: ties in the pooling, and a column that pooling leaves out.
#[test]
fn the_convolutional_network() {
    let all = &reference()["cnn"];
    let net = network(Model::Cnn, &[2, 3], Activation::Relu, (72, Some((8, 9)), 3), &all["parameters"]);
    let logits = net.forward(&matrix(&all["x"]), Mode::Eval).unwrap();
    near("logits", &flat(&logits), &all["logits"]);
    let loss = Regularizers::none().objective(&net, &logits, &labels(&all["labels"])).unwrap();
    near("loss", &[loss.to_scalar().unwrap()], &all["loss"]);
    let grads = loss.backward().unwrap();
    for (name, var) in net.parameters() {
        near(&name, &flat(grads.get(&var).unwrap()), &all["gradients"][&name]);
    }
}

/// The largest error of the gradients of `loss` against central differences.
fn disagreement(loss: impl Fn() -> Tensor, vars: &[Var]) -> f64 {
    let grads = loss().backward().unwrap();
    let value = || loss().to_scalar::<f64>().unwrap();
    let mut worst = 0.0_f64;
    for var in vars {
        let values = flat(&var.as_detached_tensor().copy().unwrap());
        let exact = flat(grads.get(var).unwrap());
        let put = |i: usize, by: f64| {
            let mut moved = values.clone();
            moved[i] += by;
            var.set(&Tensor::from_vec(moved, var.shape(), &Device::Cpu).unwrap()).unwrap();
        };
        for (i, a) in exact.iter().enumerate() {
            put(i, STEP);
            let above = value();
            put(i, -STEP);
            let n = (above - value()) / (2.0 * STEP);
            put(i, 0.0);
            let error = (a - n).abs() / a.abs().max(n.abs()).max(1e-2);
            worst = if error.is_nan() { f64::INFINITY } else { worst.max(error) };
        }
    }
    worst
}

fn random(shape: (usize, usize), index: u64) -> Var {
    Var::from_tensor(&stream(11, "conv", index).normal_tensor(shape, &Device::Cpu).unwrap()).unwrap()
}

fn weighted(y: &Tensor) -> Tensor {
    let weights = stream(11, "weights", 0).normal_tensor(y.shape(), y.device()).unwrap();
    (y * weights).unwrap().sum_all().unwrap()
}

#[test]
fn patches_and_pooling_have_the_gradients_of_central_differences() {
    let image = Image { rows: 5, columns: 4, channels: 2 };
    let x = random((3, image.len()), 0);
    let vars = std::slice::from_ref(&x);
    assert!(disagreement(|| weighted(&patches(&x, image).unwrap()), vars) < TOLERANCE);
    assert!(disagreement(|| weighted(&max_pool(&x, 3, image).unwrap()), vars) < TOLERANCE);
}

#[test]
fn a_convolutional_network_has_the_gradients_of_central_differences() {
    let shape = Architecture { model: Model::Cnn, widths: vec![2, 3], activation: Activation::Tanh };
    let y = Tensor::new(&[0_u32, 2, 1, 1], &Device::Cpu).unwrap();
    for norm in [NormKind::None, NormKind::Batch] {
        let rule = Regularizers { norm, l2: 0.1, label_smoothing: 0.1, ..Regularizers::none() };
        let net = RegularizedNet::new(&shape, &rule, (48, Some((6, 8)), 3), (1, 0), DType::F64, &Device::Cpu).unwrap();
        let x = random((4, 48), 1);
        let mut vars: Vec<Var> = net.parameters().into_iter().map(|(_, var)| var).collect();
        vars.push(x.clone());
        let loss = || rule.objective(&net, &net.forward(&x, Mode::Batch).unwrap(), &y).unwrap();
        let error = disagreement(loss, &vars);
        assert!(error < TOLERANCE, "{}: {error:e}", norm as u8);
    }
}
