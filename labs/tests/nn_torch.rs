//! `nn` against the numbers of `torch` in `reference/torch.json`, which `reference/make_torch.py` writes.

// Clippy allows these in tests only, and the helpers of an integration test count as none.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use candelab_labs::control::Choice;
use candelab_labs::nn::clip::{clip_global_norm, norm};
use candelab_labs::nn::loss::cross_entropy;
use candelab_labs::nn::norm::{BatchNorm, LayerNorm, RmsNorm};
use candelab_labs::nn::optim::Rates;
use candelab_labs::nn::softmax::{log_softmax, softmax};
use candelab_labs::nn::{
    Activation, Dropout, DropoutKind, Function, Gate, Init, Linear, Mlp, MlpConfig, Mode, Nonlinearity, NormKind,
    Optimizer, OptimizerKind, Unit,
};
use candelab_labs::rng::stream;
use candle_core::backprop::GradStore;
use candle_core::{DType, Device, Tensor, Var};
use serde_json::Value;

const TRAIN: Mode = Mode::Train { momentum: 0.1 };
/// One elementary function of f64, by two libraries: a few ulp (2e-16 of the value) each, in
/// products that are at most 8 times as large.
const ELEMENTARY: f64 = 1e-14;
/// Some tens of operations on numbers of order one, summed in another order.
const COMPOSED: f64 = 1e-12;
/// Five optimiser steps or three layers, each of which passes on the rounding of the one before.
const CHAINED: f64 = 1e-11;

fn reference() -> Value {
    serde_json::from_str(include_str!("reference/torch.json")).unwrap()
}

/// The numbers of a number, a list or a list of lists, in order.
fn numbers(v: &Value) -> Vec<f64> {
    match v {
        Value::Array(list) => list.iter().flat_map(numbers).collect(),
        number => vec![number.as_f64().unwrap()],
    }
}

/// A list of lists as a matrix; a plain list as one row.
fn matrix(v: &Value) -> Tensor {
    let list = v.as_array().unwrap();
    let rows = if list[0].is_array() { list.len() } else { 1 };
    let flat = numbers(v);
    let columns = flat.len() / rows;
    Tensor::from_vec(flat, (rows, columns), &Device::Cpu).unwrap()
}

fn var(v: &Value) -> Var {
    Var::from_tensor(&matrix(v)).unwrap()
}

fn labels(v: &Value) -> Tensor {
    Tensor::from_iter(numbers(v).into_iter().map(|y| y as u32), &Device::Cpu).unwrap()
}

fn flat(x: &Tensor) -> Vec<f64> {
    x.flatten_all().unwrap().to_vec1().unwrap()
}

/// Errors relative to the values, absolute below 1.
fn near(what: &str, got: &[f64], want: &Value, tolerance: f64) {
    let want = numbers(want);
    assert_eq!(got.len(), want.len(), "{what}");
    for (i, (g, w)) in got.iter().zip(want).enumerate() {
        assert!((g - w).abs() <= tolerance * w.abs().max(1.0), "{what}[{i}]: {g}, PyTorch {w}");
    }
}

fn grad(grads: &GradStore, of: &Var) -> Vec<f64> {
    flat(grads.get(of).unwrap())
}

#[test]
fn activations() {
    let all = &reference()["activations"];
    let x = var(&all["x"]);
    let mut seen = Vec::new();
    for (name, want) in all.as_object().unwrap().iter().filter(|(name, _)| *name != "x") {
        let kind = Nonlinearity::parse("reference", name).unwrap();
        let Some(Function::Named(f)) = kind.function() else { panic!("{name} is no function") };
        seen.push(f.activation);
        for y in [f.forward(&x).unwrap(), f.composition(&x).unwrap()] {
            near(name, &flat(&y), &want["value"], ELEMENTARY);
            let grads = y.sum_all().unwrap().backward().unwrap();
            near(&format!("{name}'"), &grad(&grads, &x), &want["derivative"], ELEMENTARY);
        }
    }
    for f in Activation::ALL {
        assert!(seen.contains(f), "{} is not in the reference", f.name());
    }
}

/// `y` and the gradients of sum(weight * y) with respect to `variables`.
fn near_weighted(what: &str, y: &Tensor, want: &Value, variables: &[(&str, &Var)], tolerance: f64) {
    near(what, &flat(y), &want["y"], tolerance);
    let grads = (y * matrix(&want["loss_weight"])).unwrap().sum_all().unwrap().backward().unwrap();
    for (name, var) in variables {
        near(&format!("{what}, {name}"), &grad(&grads, var), &want[format!("grad_{name}")], tolerance);
    }
}

#[test]
fn gates() {
    let all = &reference()["gates"];
    for &gate in Gate::ALL {
        let x = var(&all["x"]);
        near_weighted(gate.name(), &gate.forward(&x).unwrap(), &all[gate.name()], &[("x", &x)], COMPOSED);
    }
}

#[test]
fn learned_slopes_and_betas() {
    let all = &reference()["learned"];
    for (activation, unit) in [(Activation::Prelu, Unit::Prelu as fn(Var) -> Unit), (Activation::Swish, Unit::Swish)] {
        let (x, p) = (var(&all["x"]), var(&all["parameter"]));
        let y = unit(p.clone()).forward(&x, TRAIN).unwrap();
        near_weighted(activation.name(), &y, &all[activation.name()], &[("x", &x), ("parameter", &p)], COMPOSED);
    }
}

#[test]
fn softmax_and_its_logarithm_at_temperatures() {
    let all = &reference()["softmax"];
    for case in all["cases"].as_array().unwrap() {
        let t = case["temperature"].as_f64().unwrap();
        let x = var(&all["x"]);
        let what = |name: &str| format!("{name} at {t}");
        let y = softmax(&x, t).unwrap();
        near_weighted(&what("softmax"), &y, &case["softmax"], &[("x", &x)], COMPOSED);
        let y = log_softmax(&x, t).unwrap();
        near_weighted(&what("log_softmax"), &y, &case["log_softmax"], &[("x", &x)], COMPOSED);
    }
}

#[test]
fn alpha_dropout_keeps_and_drops_to_the_same_values() {
    let all = &reference()["alpha_dropout"];
    for case in all["cases"].as_array().unwrap() {
        let rate = case["rate"].as_f64().unwrap();
        let (kept, dropped) = (numbers(&case["kept"]), numbers(&case["dropped"])[0]);
        for (x, kept) in numbers(&all["x"]).into_iter().zip(kept) {
            let dropout = Dropout::new(DropoutKind::Alpha, rate, stream(1, "dropout", 0)).unwrap();
            let x = Tensor::full(x, 200, &Device::Cpu).unwrap();
            let y = flat(&dropout.forward(&x, TRAIN).unwrap());
            let is = |want: f64| y.iter().filter(|y| (**y - want).abs() < COMPOSED).count();
            assert!(is(kept) > 50 && is(dropped) > 0 && is(kept) + is(dropped) == 200, "{rate}: {y:?}");
        }
    }
}

#[test]
fn batch_norm() {
    let want = &reference()["batch_norm"];
    let fresh = BatchNorm::new(4, DType::F64, &Device::Cpu).unwrap();
    let norm = BatchNorm { scale: var(&want["scale"]), shift: var(&want["shift"]), ..fresh };
    for (i, step) in want["steps"].as_array().unwrap().iter().enumerate() {
        let mode = if step["mode"] == "train" { TRAIN } else { Mode::Eval };
        let x = var(&step["x"]);
        let y = norm.forward(&x, mode).unwrap();
        let grads = (&y * matrix(&want["loss_weight"])).unwrap().sum_all().unwrap().backward().unwrap();
        for (name, got) in [
            ("y", flat(&y)),
            ("running_mean", flat(&norm.running_mean)),
            ("running_var", flat(&norm.running_var)),
            ("grad_x", grad(&grads, &x)),
            ("grad_scale", grad(&grads, &norm.scale)),
            ("grad_shift", grad(&grads, &norm.shift)),
        ] {
            near(&format!("step {i}, {name}"), &got, &step[name], COMPOSED);
        }
    }
}

#[test]
fn layer_norm_and_rms_norm() {
    let all = reference();
    let want = &all["layer_norm"];
    let (x, norm) = (var(&want["x"]), LayerNorm { scale: var(&want["scale"]), shift: var(&want["shift"]) });
    let y = norm.forward(&x).unwrap();
    let grads = (&y * matrix(&want["loss_weight"])).unwrap().sum_all().unwrap().backward().unwrap();
    near("layer", &flat(&y), &want["y"], COMPOSED);
    near("layer, x", &grad(&grads, &x), &want["grad_x"], COMPOSED);
    near("layer, scale", &grad(&grads, &norm.scale), &want["grad_scale"], COMPOSED);
    near("layer, shift", &grad(&grads, &norm.shift), &want["grad_shift"], COMPOSED);

    let want = &all["rms_norm"];
    let (x, norm) = (var(&want["x"]), RmsNorm { scale: var(&want["scale"]) });
    let y = norm.forward(&x).unwrap();
    let grads = (&y * matrix(&want["loss_weight"])).unwrap().sum_all().unwrap().backward().unwrap();
    near("rms", &flat(&y), &want["y"], COMPOSED);
    near("rms, x", &grad(&grads, &x), &want["grad_x"], COMPOSED);
    near("rms, scale", &grad(&grads, &norm.scale), &want["grad_scale"], COMPOSED);
}

#[test]
fn cross_entropy_and_its_gradient() {
    let want = &reference()["cross_entropy"];
    let x = var(&want["logits"]);
    let loss = cross_entropy(&x, &labels(&want["labels"])).unwrap();
    near("loss", &flat(&loss), &want["loss"], ELEMENTARY);
    near("gradient", &grad(&loss.backward().unwrap(), &x), &want["gradient"], ELEMENTARY);
}

/// The layer of the optimisers' problem, at its start.
fn problem(want: &Value) -> Linear {
    let shape = (3, 2);
    let mut random = stream(0, "init", 0);
    let layer = Linear::new(shape, Init::LecunNormal, 1.0, 0.0, &mut random, DType::F64, &Device::Cpu).unwrap();
    layer.weight.set(&matrix(&want["weight"])).unwrap();
    layer.bias.set(&matrix(&want["bias"])).unwrap();
    layer
}

/// Of mean((tanh(x W^T + b) - t)^2).
fn gradients(layer: &Linear, want: &Value) -> GradStore {
    let y = Activation::Tanh.forward(&layer.forward(&matrix(&want["x"])).unwrap()).unwrap();
    (y - matrix(&want["target"])).unwrap().sqr().unwrap().mean_all().unwrap().backward().unwrap()
}

fn follow(want: &Value, trajectory: &Value) {
    let layer = problem(want);
    let kind = OptimizerKind::from_name(trajectory["kind"].as_str().unwrap()).unwrap();
    let steps = trajectory["steps"].as_array().unwrap();
    let rates = |step: &Value| {
        let number = |name: &str| step[name].as_f64().unwrap();
        Rates { lr: number("lr"), momentum: number("momentum"), weight_decay: number("weight_decay") }
    };
    let mut optimizer = Optimizer::new(kind, rates(&steps[0]), vec![layer.weight.clone(), layer.bias.clone()]);
    for (i, step) in steps.iter().enumerate() {
        optimizer.rates = rates(step);
        let mut grads = gradients(&layer, want);
        if step["bias_has_gradient"] == false {
            grads.remove(&layer.bias).unwrap();
        }
        optimizer.step(&grads).unwrap();
        let what = format!("{} {}, step {i}", kind.name(), trajectory["name"]);
        near(&what, &flat(&layer.weight), &step["weight"], CHAINED);
        near(&what, &flat(&layer.bias), &step["bias"], CHAINED);
    }
}

#[test]
fn optimisers_take_the_same_steps() {
    let want = &reference()["optimizers"];
    let trajectories = want["trajectories"].as_array().unwrap();
    for trajectory in trajectories {
        follow(want, trajectory);
    }
    for &kind in OptimizerKind::ALL {
        assert!(trajectories.iter().any(|t| t["kind"] == kind.name()));
    }
}

#[test]
fn clipping_by_the_global_norm() {
    let all = reference();
    for want in all["clip"].as_array().unwrap() {
        let layer = problem(&all["optimizers"]);
        let mut grads = gradients(&layer, &all["optimizers"]);
        let limit = want["limit"].as_f64().unwrap();
        let before = clip_global_norm(&[layer.weight.clone(), layer.bias.clone()], &mut grads, limit).unwrap();
        near("norm", &[before], &want["norm"], COMPOSED);
        // PyTorch divides by the norm plus 1e-6 where it clips, so its result misses the limit by as much.
        let correction = if before > limit { before / (before + 1e-6) } else { 1.0 };
        let scaled = |var| grad(&grads, var).iter().map(|g| g * correction).collect::<Vec<_>>();
        near("weight", &scaled(&layer.weight), &want["weight"], COMPOSED);
        near("bias", &scaled(&layer.bias), &want["bias"], COMPOSED);
        let after =
            norm(grads.get(&layer.weight).unwrap()).unwrap().hypot(norm(grads.get(&layer.bias).unwrap()).unwrap());
        assert!((after - before.min(limit)).abs() < COMPOSED);
    }
}

fn network(want: &Value, norm: NormKind, residual: bool) -> Mlp {
    let config = MlpConfig {
        inputs: 4,
        width: 5,
        depth: 3,
        classes: 3,
        activation: Activation::Tanh,
        norm,
        residual,
        init: Init::LecunNormal,
        gain: 1.0,
        bias_std: 0.0,
    };
    let mlp = Mlp::new(config, 0, 0, DType::F64, &Device::Cpu).unwrap();
    for (name, var) in mlp.parameters() {
        var.set(&matrix(&want["parameters"][name.as_str()])).unwrap();
    }
    mlp
}

fn compare_network(want: &Value, case: &Value) {
    let kind = NormKind::from_name(case["norm"].as_str().unwrap()).unwrap();
    let residual = case["residual"].as_bool().unwrap();
    let mlp = network(want, kind, residual);
    let x = matrix(&want["x"]);
    let probes = mlp.probes(x.dims()[0], DType::F64, &Device::Cpu).unwrap();
    let logits = mlp.trace(&x, TRAIN, Some(&probes)).unwrap().logits;
    let loss = cross_entropy(&logits, &labels(&want["labels"])).unwrap();
    let grads = loss.backward().unwrap();
    let what = |part: &str| format!("norm {}, residual {residual}: {part}", kind.name());
    near(&what("logits"), &flat(&logits), &case["logits"], CHAINED);
    near(&what("loss"), &flat(&loss), &case["loss"], CHAINED);
    // The norms are between 0.05 and 3, but for biases before a batch normalisation: those are 0.
    let norm_of = |var: &Var| norm(grads.get(var).unwrap()).unwrap();
    let norms = case["parameter_gradient_norms"].as_object().unwrap();
    assert_eq!(norms.len(), mlp.parameters().len(), "{}", what("parameters"));
    for (name, var) in mlp.parameters() {
        near(&what(&name), &[norm_of(&var)], &norms[&name], CHAINED);
    }
    let inputs: Vec<f64> = probes.iter().map(norm_of).collect();
    near(&what("inputs"), &inputs, &case["input_gradient_norms"], CHAINED);
}

#[test]
fn networks_with_each_norm() {
    let want = &reference()["mlp"];
    let cases = want["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 2 * NormKind::ALL.len());
    for case in cases {
        compare_network(want, case);
    }
}
