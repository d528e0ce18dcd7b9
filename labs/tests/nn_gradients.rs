//! Every gradient of `nn` against central differences in f64.

// Clippy allows these in tests only, and the helpers of an integration test count as none.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use candelab_labs::control::Choice;
use candelab_labs::nn::loss::cross_entropy;
use candelab_labs::nn::norm::{BatchNorm, LayerNorm, RmsNorm};
use candelab_labs::nn::residual::{ResidualMlp, Start};
use candelab_labs::nn::softmax::{log_softmax, softmax, sparsemax};
use candelab_labs::nn::{
    Activation, Dropout, DropoutKind, Gate, Init, Linear, Mlp, MlpConfig, Mode, Nonlinearity, NormKind, Unit,
};
use candelab_labs::rng::stream;
use candle_core::{CpuStorage, CustomOp1, DType, Device, Layout, Result, Shape, Tensor, Var};

/// Near the cube root of f64's epsilon, where truncation (h^2) and rounding (epsilon / h) balance;
/// both are then about 1e-10 for losses of order one.
const STEP: f64 = 1e-5;
/// Errors are relative down to elements of this size and absolute below, where rounding rules.
const SMALL: f64 = 1e-2;
/// Four orders above the differences' own error, five below what a wrong factor would make.
const TOLERANCE: f64 = 1e-6;
const TRAIN: Mode = Mode::Train { momentum: 0.1 };

fn value(loss: &Tensor) -> f64 {
    loss.to_scalar().unwrap()
}

fn shift_element(var: &Var, values: &[f64], i: usize, by: f64) {
    let mut values = values.to_vec();
    values[i] += by;
    var.set(&Tensor::from_vec(values, var.shape(), var.device()).unwrap()).unwrap();
}

fn numeric_gradient(loss: &impl Fn() -> Tensor, var: &Var) -> Vec<f64> {
    let values: Vec<f64> = var.flatten_all().unwrap().copy().unwrap().to_vec1().unwrap();
    let slope = |i| {
        shift_element(var, &values, i, STEP);
        let above = value(&loss());
        shift_element(var, &values, i, -STEP);
        let below = value(&loss());
        shift_element(var, &values, i, 0.0);
        (above - below) / (2.0 * STEP)
    };
    (0..values.len()).map(slope).collect()
}

/// The largest relative error of the gradients of `loss` with respect to `vars`; infinite where
/// one is missing or not a number.
fn disagreement(loss: impl Fn() -> Tensor, vars: &[Var]) -> f64 {
    assert!(!vars.is_empty());
    let grads = loss().backward().unwrap();
    let mut worst = 0.0_f64;
    for var in vars {
        let Some(grad) = grads.get(var) else { return f64::INFINITY };
        assert_eq!(grad.dims(), var.dims());
        let exact: Vec<f64> = grad.flatten_all().unwrap().to_vec1().unwrap();
        for (a, n) in exact.iter().zip(numeric_gradient(&loss, var)) {
            let error = (a - n).abs() / a.abs().max(n.abs()).max(SMALL);
            worst = if error.is_nan() { f64::INFINITY } else { worst.max(error) };
        }
    }
    worst
}

fn check(loss: impl Fn() -> Tensor, vars: &[Var]) {
    let error = disagreement(loss, vars);
    assert!(error < TOLERANCE, "gradients differ by {error:e}");
}

/// Draws from N(0, 1) as a variable.
fn random(shape: (usize, usize), index: u64) -> Var {
    let draws = stream(11, "gradients", index).normal_tensor(shape, &Device::Cpu).unwrap();
    Var::from_tensor(&draws).unwrap()
}

/// A scalar in which every element of `y` has a weight of its own.
fn weighted(y: &Tensor) -> Tensor {
    let weights = stream(11, "weights", 0).normal_tensor(y.shape(), y.device()).unwrap();
    (y * weights).unwrap().sum_all().unwrap()
}

/// Both signs, saturation and the middle, every point at least 0.05 from the kink at 0.
fn off_kink() -> Var {
    let values: Vec<f64> = (0..60).map(|i| f64::from(i) * 0.2 - 5.95).collect();
    Var::from_vec(values, (6, 10), &Device::Cpu).unwrap()
}

struct Identity {
    /// What the backward pass multiplies by: right if 1.
    factor: f64,
}

impl CustomOp1 for Identity {
    fn name(&self) -> &'static str {
        "identity"
    }
    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        Ok((storage.clone(), layout.shape().clone()))
    }
    fn bwd(&self, _: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        Ok(Some(grad.affine(self.factor, 0.0)?))
    }
}

#[test]
fn the_checker_tells_a_wrong_gradient_from_a_right_one() {
    let x = random((3, 4), 0);
    let with = |factor| disagreement(|| weighted(&x.apply_op1(Identity { factor }).unwrap()), std::slice::from_ref(&x));
    assert!(with(1.0) < TOLERANCE);
    // The relative error of a factor 1 + e is e: the checker sees ten times its tolerance.
    assert!(with(1.0 + 1e-5) > TOLERANCE);
    assert!(with(-1.0) > 1.0);
}

#[test]
fn the_checker_tells_a_missing_or_undefined_gradient() {
    let x = random((3, 4), 0);
    let vars = std::slice::from_ref(&x);
    assert!(disagreement(|| weighted(&x.detach()).affine(0.0, 1.0).unwrap(), vars).is_infinite());
    let nan = || weighted(&x.apply_op1(Identity { factor: f64::NAN }).unwrap());
    assert!(disagreement(nan, vars).is_infinite());
}

#[test]
#[should_panic(expected = "gradients differ")]
fn the_checker_fails_a_wrong_gradient() {
    let x = random((3, 4), 0);
    check(|| weighted(&x.apply_op1(Identity { factor: 0.5 }).unwrap()), std::slice::from_ref(&x));
}

#[test]
fn the_checker_leaves_variables_as_they_were() {
    let x = random((3, 4), 0);
    let before = x.copy().unwrap().to_vec2::<f64>().unwrap();
    check(|| weighted(&x.sqr().unwrap()), std::slice::from_ref(&x));
    assert_eq!(x.to_vec2::<f64>().unwrap(), before);
}

#[test]
fn activations() {
    for &f in Activation::ALL {
        let x = off_kink();
        check(|| weighted(&f.forward(&x).unwrap()), std::slice::from_ref(&x));
        check(|| weighted(&f.composition(&x).unwrap()), std::slice::from_ref(&x));
    }
}

#[test]
fn activations_of_strided_inputs() {
    for &f in Activation::ALL {
        let x = off_kink();
        let part = || x.t().unwrap().narrow(0, 2, 5).unwrap();
        check(|| weighted(&f.forward(&part()).unwrap()), std::slice::from_ref(&x));
    }
}

#[test]
fn derivatives_are_those_of_the_values() {
    for &f in Activation::ALL {
        let x = off_kink();
        let exact: Vec<f64> = f.derivative_of(&x).unwrap().flatten_all().unwrap().to_vec1().unwrap();
        for (x, d) in x.flatten_all().unwrap().to_vec1::<f64>().unwrap().into_iter().zip(exact) {
            let slope = (f.value(x + STEP) - f.value(x - STEP)) / (2.0 * STEP);
            assert!((slope - d).abs() < TOLERANCE * d.abs().max(SMALL), "{}'({x}): {slope} {d}", f.name());
            assert_eq!(f.derivative(x).to_bits(), d.to_bits());
        }
    }
}

#[test]
fn linear() {
    let x = random((4, 3), 0);
    let layer = Linear::new((3, 5), Init::NormalLarge, 1.0, 1.0, &mut stream(1, "init", 0), DType::F64, &Device::Cpu);
    let layer = layer.unwrap();
    check(|| weighted(&layer.forward(&x).unwrap()), &[x.clone(), layer.weight.clone(), layer.bias.clone()]);
}

#[test]
fn batch_norm_of_a_batch() {
    let (x, scale, shift) = (random((6, 4), 0), random((1, 4), 1), random((1, 4), 2));
    let norm = BatchNorm { scale, shift, ..BatchNorm::new(4, DType::F64, &Device::Cpu).unwrap() };
    let loss = || weighted(&norm.forward(&x, TRAIN).unwrap());
    check(loss, &[x.clone(), norm.scale.clone(), norm.shift.clone()]);
    let grads = loss().backward().unwrap();
    assert!(grads.get(&norm.running_mean).is_none() && grads.get(&norm.running_var).is_none());
}

#[test]
fn batch_norm_of_running_statistics() {
    let (x, scale, shift) = (random((6, 4), 0), random((1, 4), 1), random((1, 4), 2));
    let norm = BatchNorm { scale, shift, ..BatchNorm::new(4, DType::F64, &Device::Cpu).unwrap() };
    // Statistics of their own, so that mean 0 and variance 1 hide nothing.
    norm.forward(&random((9, 4), 3).affine(3.0, 2.0).unwrap(), Mode::Train { momentum: 0.7 }).unwrap();
    let loss = || weighted(&norm.forward(&x, Mode::Eval).unwrap());
    check(loss, &[x.clone(), norm.scale.clone(), norm.shift.clone()]);
    let grads = loss().backward().unwrap();
    assert!(grads.get(&norm.running_mean).is_none() && grads.get(&norm.running_var).is_none());
}

#[test]
fn layer_norm_and_rms_norm() {
    let (x, scale, shift) = (random((4, 6), 0), random((1, 6), 1), random((1, 6), 2));
    let layer = LayerNorm { scale: scale.clone(), shift: shift.clone() };
    check(|| weighted(&layer.forward(&x).unwrap()), &[x.clone(), scale.clone(), shift]);
    let rms = RmsNorm { scale: scale.clone() };
    check(|| weighted(&rms.forward(&x).unwrap()), &[x.clone(), scale]);
}

fn labels(n: u32, classes: u32) -> Tensor {
    Tensor::from_iter((0..n).map(|i| (i * 7 + 1) % classes), &Device::Cpu).unwrap()
}

#[test]
fn cross_entropy_of_ordinary_tied_and_large_logits() {
    let y = labels(5, 4);
    let x = random((5, 4), 0);
    check(|| cross_entropy(&x, &y).unwrap(), std::slice::from_ref(&x));
    // Ties at the maximum, which is subtracted.
    let x = Var::ones((5, 4), DType::F64, &Device::Cpu).unwrap();
    check(|| cross_entropy(&x, &y).unwrap(), std::slice::from_ref(&x));
    let x = Var::from_tensor(&random((5, 4), 0).affine(30.0, 1000.0).unwrap()).unwrap();
    check(|| cross_entropy(&x, &y).unwrap(), std::slice::from_ref(&x));
}

/// Whether all elements are far from the kinks of all functions: a step of 1e-5 moves a pre-activation
/// by some 1e-4 at most, through three layers too.
fn is_off_kinks(z: &Tensor) -> bool {
    let z: Vec<f64> = z.flatten_all().unwrap().to_vec1().unwrap();
    z.iter().all(|z| [-3.0, 0.0, 3.0, 6.0].iter().all(|kink| (z - kink).abs() > 2e-3))
}

/// A network whose pre-activations are all far from kinks, with its probes and batch.
fn off_kink_network(activation: Activation, norm: NormKind, residual: bool) -> (Mlp, Vec<Var>, Var) {
    let (inputs, width, rows) = (3, 4, 5);
    let init = Init::HeNormal;
    let config =
        MlpConfig { inputs, width, depth: 3, classes: 3, activation, norm, residual, init, gain: 1.0, bias_std: 0.5 };
    let x = random((rows, inputs), 5);
    for seed in 0.. {
        let mlp = Mlp::new(config, seed, 0, DType::F64, &Device::Cpu).unwrap();
        for (i, layer) in mlp.hidden.iter().enumerate() {
            for (name, var) in layer.norm.parameters() {
                // Neither scale 1 nor shift 0, which would hide a wrong factor.
                let draws = random((1, width), 10 + i as u64).affine(0.3, if name == "scale" { 1.0 } else { 0.0 });
                var.set(&draws.unwrap()).unwrap();
            }
        }
        let probes = mlp.probes(rows, DType::F64, &Device::Cpu).unwrap();
        let trace = mlp.trace(&x, TRAIN, Some(&probes)).unwrap();
        if trace.pre_activations.iter().all(is_off_kinks) {
            return (mlp, probes, x);
        }
    }
    unreachable!()
}

fn check_network(activation: Activation, norm: NormKind, residual: bool) {
    let (mlp, probes, x) = off_kink_network(activation, norm, residual);
    let y = labels(5, 3);
    // In training it would draw other slopes for each of the differences' two sides.
    let mode = if activation == Activation::Rrelu { Mode::Batch } else { TRAIN };
    let loss = || cross_entropy(&mlp.trace(&x, mode, Some(&probes)).unwrap().logits, &y).unwrap();
    let mut vars: Vec<Var> = mlp.parameters().into_iter().map(|(_, var)| var).collect();
    vars.extend(probes.iter().cloned());
    vars.push(x.clone());
    let error = disagreement(loss, &vars);
    let what = (activation.name(), norm.name(), residual);
    assert!(error < TOLERANCE, "{what:?}: gradients differ by {error:e}");
    // The probes are zero and their gradients those of the layers' inputs: probe 0's is the batch's.
    let grads = loss().backward().unwrap();
    let both = [&probes[0], &x].map(|v| grads.get(v).unwrap().to_vec2::<f64>().unwrap());
    assert_eq!(both[0], both[1]);
}

#[test]
fn networks_with_each_norm() {
    for &norm in NormKind::ALL {
        check_network(Activation::Tanh, norm, false);
        check_network(Activation::Tanh, norm, true);
    }
}

#[test]
fn networks_with_each_activation() {
    for &activation in Activation::ALL {
        check_network(activation, NormKind::None, false);
        check_network(activation, NormKind::Batch, true);
    }
}

#[test]
fn a_network_in_evaluation() {
    let (mlp, probes, x) = off_kink_network(Activation::Silu, NormKind::Batch, true);
    let y = labels(5, 3);
    let loss = || cross_entropy(&mlp.trace(&x, Mode::Eval, Some(&probes)).unwrap().logits, &y).unwrap();
    let vars: Vec<Var> = mlp.parameters().into_iter().map(|(_, var)| var).chain(probes.clone()).collect();
    check(loss, &vars);
}

/// A randomised leaky ReLU that draws the same slopes each time it is made.
fn fresh_rrelu() -> Unit {
    Unit::new(&Activation::Rrelu.into(), 5, stream(11, "units", 0), DType::F64, &Device::Cpu).unwrap()
}

#[test]
fn units_with_respect_to_inputs_and_what_they_learn() {
    let x = off_kink();
    // Of both signs, and none the value at which learning starts.
    for unit in [Unit::Prelu(random((1, 10), 30)), Unit::Swish(random((1, 10), 31))] {
        let learned = unit.parameters()[0].1.clone();
        for mode in [TRAIN, Mode::Eval] {
            check(|| weighted(&unit.forward(&x, mode).unwrap()), &[x.clone(), learned.clone()]);
        }
    }
    for &gate in Gate::ALL {
        check(|| weighted(&Unit::Gated(gate).forward(&x, TRAIN).unwrap()), std::slice::from_ref(&x));
    }
    check(|| weighted(&fresh_rrelu().forward(&x, TRAIN).unwrap()), std::slice::from_ref(&x));
    check(|| weighted(&fresh_rrelu().forward(&x, Mode::Eval).unwrap()), std::slice::from_ref(&x));
}

#[test]
fn slopes_of_units_are_central_differences() {
    let (x, width) = (off_kink(), 10);
    let all = |z: &Tensor| z.flatten_all().unwrap().to_vec1::<f64>().unwrap();
    // Rows do not touch one another and nor do units: all are moved at once, one piece at a time.
    let difference = |unit: &Unit, piece: std::ops::Range<usize>| {
        let moved = |by: f64| {
            let shift: Vec<f64> = (0..width).map(|i| if piece.contains(&i) { by } else { 0.0 }).collect();
            let shift = Tensor::from_vec(shift, (1, width), &Device::Cpu).unwrap();
            all(&unit.forward(&x.broadcast_add(&shift).unwrap(), Mode::Eval).unwrap())
        };
        let pairs = moved(STEP).into_iter().zip(moved(-STEP));
        pairs.map(|(above, below)| ((above - below) / (2.0 * STEP)).abs()).collect::<Vec<_>>()
    };
    let kinds = Activation::ALL.iter().map(|&f| f.into()).chain(Gate::ALL.iter().map(|&g| Nonlinearity::Gate(g)));
    for kind in kinds {
        let unit = Unit::new(&kind, width, stream(11, "units", 0), DType::F64, &Device::Cpu).unwrap();
        for (_, var) in unit.parameters() {
            var.set(&random((1, width), 32)).unwrap();
        }
        let want: Vec<f64> = if kind.pieces() == 2 {
            let (a, b) = (difference(&unit, 0..width / 2), difference(&unit, width / 2..width));
            a.into_iter().zip(b).map(|(a, b)| a.max(b)).collect()
        } else {
            difference(&unit, 0..width)
        };
        let got = all(&unit.slopes(&x).unwrap());
        assert_eq!(got.len(), want.len());
        for (got, want) in got.into_iter().zip(want) {
            assert!((got - want).abs() < TOLERANCE * want.max(SMALL), "{}: {got} {want}", kind.name());
        }
    }
}

#[test]
fn softmax_log_softmax_and_sparsemax() {
    for t in [0.5, 1.0, 20.0] {
        let x = random((5, 4), 40);
        check(|| weighted(&softmax(&x, t).unwrap()), std::slice::from_ref(&x));
        check(|| weighted(&log_softmax(&x, t).unwrap()), std::slice::from_ref(&x));
    }
    // Ties at the maximum, which is subtracted.
    let x = Var::ones((2, 4), DType::F64, &Device::Cpu).unwrap();
    check(|| weighted(&softmax(&x, 1.0).unwrap()), std::slice::from_ref(&x));
    check(|| weighted(&log_softmax(&x, 1.0).unwrap()), std::slice::from_ref(&x));
    check(|| weighted(&sparsemax(&x).unwrap()), std::slice::from_ref(&x));
    // tau is 0.15, 0, 2 and -0.2: no logit is within a step of it, so that the support stays; it has two,
    // one, one and five classes.
    let rows = [
        [0.7, 0.6, 0.1, -0.4, -2.0],
        [1.0, -0.5, -0.1, -3.0, -0.2],
        [3.0, 0.0, 1.0, -1.0, 1.9],
        [0.1, 0.0, -0.1, 0.05, -0.05],
    ];
    let x = Var::new(&rows, &Device::Cpu).unwrap();
    let sizes = sparsemax(&x).unwrap().gt(0.0).unwrap().to_dtype(DType::F64).unwrap().sum(1).unwrap();
    assert_eq!(sizes.to_vec1::<f64>().unwrap(), [2.0, 1.0, 1.0, 5.0]);
    check(|| weighted(&sparsemax(&x).unwrap()), std::slice::from_ref(&x));
}

#[test]
fn dropout_of_a_fixed_mask() {
    let x = random((6, 5), 41);
    for &kind in DropoutKind::ALL {
        let layer = || Dropout::new(kind, 0.3, stream(11, "dropout", 0)).unwrap();
        check(|| weighted(&layer().forward(&x, TRAIN).unwrap()), std::slice::from_ref(&x));
    }
}

#[test]
fn a_network_of_mixed_units() {
    let config = MlpConfig {
        inputs: 3,
        width: 4,
        depth: 8,
        classes: 3,
        activation: Activation::Relu,
        norm: NormKind::Layer,
        residual: true,
        init: Init::HeNormal,
        gain: 1.0,
        bias_std: 0.5,
    };
    let race = "prelu,swish,maxout,swiglu,rrelu,elu:1.5,custom,geglu";
    let kinds = Nonlinearity::parse_list("race", race, "x*sigmoid(1.5*x)").unwrap();
    assert_eq!(kinds.len(), config.depth);
    let kind = Nonlinearity::Layers(kinds);
    let (x, y) = (random((5, 3), 5), labels(5, 3));
    let network = |seed| Mlp::with_units(config, &kind, seed, 0, DType::F64, &Device::Cpu).unwrap();
    let off_kinks = |mlp: &Mlp| {
        let trace = mlp.trace(&x, Mode::Batch, None).unwrap();
        // Where a maxout's pieces meet is its kink.
        let pieces = &trace.pre_activations[2];
        let gap = (pieces.narrow(1, 0, 4).unwrap() - pieces.narrow(1, 4, 4).unwrap()).unwrap();
        is_off_kinks(&gap) && trace.pre_activations.iter().all(is_off_kinks)
    };
    let mlp = (0..1000).map(network).find(off_kinks).unwrap();
    let names: Vec<String> = mlp.parameters().into_iter().map(|(name, _)| name).collect();
    for name in ["hidden.0.slope", "hidden.1.beta"] {
        assert_eq!(names.iter().filter(|n| *n == name).count(), 1, "{names:?}");
    }
    assert_eq!(names.iter().filter(|n| n.ends_with("slope") || n.ends_with("beta")).count(), 2);
    assert_eq!(mlp.hidden[2].linear.weight.dims(), [8, 4]);
    for (i, (_, var)) in
        mlp.parameters().iter().filter(|(n, _)| n.ends_with("slope") || n.ends_with("beta")).enumerate()
    {
        var.set(&random((1, 4), 50 + i as u64)).unwrap();
    }
    assert!(off_kinks(&mlp), "another seed is needed");
    let vars: Vec<Var> = mlp.parameters().into_iter().map(|(_, var)| var).chain([x.clone()]).collect();
    check(|| cross_entropy(&mlp.forward(&x, Mode::Batch).unwrap(), &y).unwrap(), &vars);
}

#[test]
fn probes_and_tracing_change_no_value() {
    let (mlp, probes, x) = off_kink_network(Activation::Gelu, NormKind::Layer, true);
    let plain = mlp.forward(&x, TRAIN).unwrap().to_vec2::<f64>().unwrap();
    for probes in [None, Some(probes.as_slice())] {
        assert_eq!(mlp.trace(&x, TRAIN, probes).unwrap().logits.to_vec2::<f64>().unwrap(), plain);
    }
}

#[test]
fn residual_blocks_and_their_scalars() {
    let (inputs, width, rows) = (4, 5, 6);
    let config = MlpConfig {
        inputs,
        width,
        depth: 4,
        classes: 3,
        // Smooth, so that no step crosses a kink; every scalar enters before or after it.
        activation: Activation::Tanh,
        norm: NormKind::None,
        residual: false,
        init: Init::HeNormal,
        gain: 1.0,
        bias_std: 0.0,
    };
    let x = random((rows, inputs), 5);
    let labels = Tensor::new(&[0_u32, 2, 1, 1, 0, 2], &Device::Cpu).unwrap();
    for start in [Start::Plain, Start::ZeroGamma, Start::Fixup] {
        let net = ResidualMlp::new(config, start, 3, 0, DType::F64, &Device::Cpu).unwrap();
        // As after some steps: where a factor is 0, a wrong gradient of the other would not be seen.
        for (i, block) in net.blocks.iter().enumerate() {
            for (k, var) in block.shifts.iter().chain([&block.scale]).enumerate() {
                var.set(&random((1, 1), 40 + 10 * i as u64 + k as u64)).unwrap();
            }
            block.second.set(&random((width, width), 80 + i as u64)).unwrap();
        }
        net.head.weight.set(&random((3, width), 90)).unwrap();
        let probes = net.probes(rows, DType::F64, &Device::Cpu).unwrap();
        let mut vars: Vec<Var> = net.parameters().into_iter().map(|(_, var)| var).collect();
        vars.extend(probes.iter().cloned());
        check(|| cross_entropy(&net.trace(&x, TRAIN, Some(&probes)).unwrap().logits, &labels).unwrap(), &vars);
    }
}
