//! What the arithmetic of `nn` does at kinks, extremes, in f32, in parallel and over many steps.

// Clippy allows these in tests only, and the helpers of an integration test count as none.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use candelab_labs::control::Choice;
use candelab_labs::nn::activation::{Scalar, Shape};
use candelab_labs::nn::loss::cross_entropy;
use candelab_labs::nn::optim::Rates;
use candelab_labs::nn::{Activation, Optimizer, OptimizerKind};
use candelab_labs::rng::stream;
use candle_core::{CpuStorage, CustomOp1, DType, Device, Layout, Result, Tensor, Var};
use std::sync::Arc;

type Apply = fn(Activation, &Tensor) -> Result<Tensor>;
/// The custom operation and the composition of candle's own.
const BOTH: [Apply; 2] = [Activation::forward, Activation::composition];

fn flat(x: &Tensor) -> Vec<f64> {
    x.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

/// f(x) and f'(x) of each of `xs`, computed in `dtype` by the tensor operation and its backward pass.
fn through(apply: Apply, f: Activation, xs: &[f64], dtype: DType) -> (Vec<f64>, Vec<f64>) {
    let x = Var::from_tensor(&Tensor::new(xs, &Device::Cpu).unwrap().to_dtype(dtype).unwrap()).unwrap();
    let y = apply(f, &x).unwrap();
    let grads = y.sum_all().unwrap().backward().unwrap();
    (flat(&y), flat(grads.get(&x).unwrap()))
}

#[test]
fn at_a_kink_the_derivative_is_the_one_from_the_left() {
    use Activation::{Elu, LeakyRelu, Relu, Selu};
    for (f, want) in [(Relu, 0.0), (LeakyRelu, 0.01), (Elu, 1.0), (Selu, 1.673_263_242_354_377 * 1.050_700_987_355_48)]
    {
        for (apply, dtype) in BOTH.into_iter().flat_map(|a| [(a, DType::F64), (a, DType::F32)]) {
            for zero in [0.0, -0.0] {
                let (value, slope) = through(apply, f, &[zero], dtype);
                assert!(value[0] == 0.0);
                // Rounded to f32 at worst.
                assert!((slope[0] - want).abs() < 1e-6, "{}'(0) = {}, not {want}", f.name(), slope[0]);
            }
        }
        assert!((f.derivative(0.0) - want).abs() < 1e-14);
    }
}

#[test]
fn nan_goes_in_and_nan_comes_out() {
    for &f in Activation::ALL {
        for (apply, dtype) in BOTH.into_iter().flat_map(|a| [(a, DType::F64), (a, DType::F32)]) {
            assert!(through(apply, f, &[f64::NAN], dtype).0[0].is_nan(), "{}(NaN) in {dtype:?}", f.name());
        }
        assert!(f.value(f64::NAN).is_nan());
    }
}

#[test]
fn far_out_values_and_derivatives_are_those_of_the_limits() {
    use Activation::{Elu, Gelu, Identity, LeakyRelu, Relu, Selu, Sigmoid, Silu, Tanh};
    let (scale, alpha) = (1.050_700_987_355_480_5, 1.673_263_242_354_377_2);
    for (f, below, above) in [
        (Identity, (-1000.0, 1.0), (1000.0, 1.0)),
        (Sigmoid, (0.0, 0.0), (1.0, 0.0)),
        (Tanh, (-1.0, 0.0), (1.0, 0.0)),
        (Relu, (0.0, 0.0), (1000.0, 1.0)),
        (LeakyRelu, (-10.0, 0.01), (1000.0, 1.0)),
        (Elu, (-1.0, 0.0), (1000.0, 1.0)),
        (Selu, (-scale * alpha, 0.0), (1000.0 * scale, scale)),
        (Gelu, (0.0, 0.0), (1000.0, 1.0)),
        (Silu, (0.0, 0.0), (1000.0, 1.0)),
    ] {
        for (apply, dtype) in BOTH.into_iter().flat_map(|a| [(a, DType::F64), (a, DType::F32)]) {
            let (values, slopes) = through(apply, f, &[-1000.0, 1000.0], dtype);
            for (got, want) in values.iter().chain(&slopes).zip([below.0, above.0, below.1, above.1]) {
                // f32's rounding of the constants.
                assert!((got - want).abs() <= 2e-7 * want.abs(), "{} in {dtype:?}: {got} {want}", f.name());
            }
        }
    }
}

/// Every function, with another parameter too where it has one.
fn shapes() -> Vec<Shape> {
    let usual = Activation::ALL.iter().map(|f| f.shape());
    let others = [0.3, 2.0].into_iter().flat_map(|parameter| {
        let with = Activation::ALL.iter().filter(|f| f.parameter().is_some());
        with.map(move |&activation| Shape { activation, parameter })
    });
    usual.chain(others).collect()
}

#[test]
fn extremes_are_finite_and_the_composition_agrees() {
    let through = |shape: Shape, composed: bool, x: f64, dtype: DType| {
        let x = Var::from_tensor(&Tensor::new(&[x], &Device::Cpu).unwrap().to_dtype(dtype).unwrap()).unwrap();
        let y = if composed { shape.composition(&x) } else { shape.forward(&x) }.unwrap();
        let grads = y.sum_all().unwrap().backward().unwrap();
        [flat(&y)[0], flat(grads.get(&x).unwrap())[0]]
    };
    for shape in shapes() {
        for x in [0.0, 50.0, 100.0, 700.0].into_iter().flat_map(|x: f64| [x, -x]) {
            // Values, derivatives: relative where they are large. Sines of f32 are of rounded arguments in
            // neither, as these are whole numbers.
            for (dtype, epsilon) in [(DType::F64, 1e-14), (DType::F32, 1e-6)] {
                let exact = [shape.value(x), shape.derivative(x)];
                let (a, b) = (through(shape, false, x, dtype), through(shape, true, x, dtype));
                for (exact, (a, b)) in exact.into_iter().zip(a.into_iter().zip(b)) {
                    let what =
                        format!("{} {} at {x} in {dtype:?}: {exact} {a} {b}", shape.activation.name(), shape.parameter);
                    assert!(exact.is_finite() && a.is_finite() && b.is_finite(), "{what}");
                    let scale = exact.abs().max(1.0);
                    assert!((a - exact).abs() <= epsilon * scale && (b - exact).abs() <= epsilon * scale, "{what}");
                }
            }
        }
    }
}

#[test]
fn cross_entropy_of_huge_logits_is_finite_and_right() {
    // Row 1: its label is 2e4 below the largest; row 2: the label is the largest; row 3: all equal.
    let want = (2e4 + 0.0 + 3.0_f64.ln()) / 3.0;
    for dtype in [DType::F64, DType::F32] {
        let rows = [[1e4, -1e4, 0.0], [1e4, -1e4, 0.0], [-1e4, -1e4, -1e4]];
        let x = Var::from_tensor(&Tensor::new(&rows, &Device::Cpu).unwrap().to_dtype(dtype).unwrap()).unwrap();
        let loss = cross_entropy(&x, &Tensor::new(&[1_u32, 0, 2], &Device::Cpu).unwrap()).unwrap();
        let epsilon = if dtype == DType::F64 { 1e-15 } else { 1e-7 };
        assert!((flat(&loss)[0] / want - 1.0).abs() < epsilon);
        // (softmax - one-hot) / rows.
        let third = 1.0 / 3.0;
        let slopes = [third, -third, 0.0, 0.0, 0.0, 0.0, third * third, third * third, -2.0 * third * third];
        for (got, want) in flat(loss.backward().unwrap().get(&x).unwrap()).iter().zip(slopes) {
            assert!((got - want).abs() < epsilon, "{got} {want}");
        }
    }
}

#[test]
fn cross_entropy_equals_its_closed_form() {
    let logits = [[0.3, -1.2, 2.0, 0.1], [1.5, 0.0, -0.4, 0.9]];
    let labels = [3_u32, 0];
    let x = Tensor::new(&logits, &Device::Cpu).unwrap();
    let got = flat(&cross_entropy(&x, &Tensor::new(&labels, &Device::Cpu).unwrap()).unwrap())[0];
    let row = |z: &[f64; 4], y: u32| z.iter().map(|v| v.exp()).sum::<f64>().ln() - z[y as usize];
    let want = f64::midpoint(row(&logits[0], labels[0]), row(&logits[1], labels[1]));
    // Four exponentials, a sum, a logarithm: a few ulp of about 2e-16.
    assert!((got - want).abs() < 2e-15, "{got} {want}");
}

/// Multiples of 1/64, exact in f32: the difference is then the arithmetic's alone.
fn grid(limit: i32) -> Vec<f64> {
    (-64 * limit..=64 * limit).map(|i| f64::from(i) / 64.0).collect()
}

/// The largest |a - b| / max(|b|, floor), and the index where it is.
fn furthest(a: &[f64], b: &[f64], floor: f64) -> (f64, usize) {
    let errors = a.iter().zip(b).map(|(a, b)| (a - b).abs() / b.abs().max(floor));
    errors.enumerate().map(|(i, e)| (e, i)).fold((0.0, 0), |m, e| if e.0 > m.0 { e } else { m })
}

#[test]
fn f32_differs_from_f64_by_rounding() {
    use Activation::{Elu, Gelu, Identity, LeakyRelu, Relu, Selu, Sigmoid, Silu, Tanh};
    // The bounds are some 1.5 times what was measured on [-20, 20]; half an ulp of f32 is 6e-8.
    // Values are right relative to themselves, but for GELU below 0, where 1 + erf cancels.
    // Derivatives that saturate are right relative to 1.
    for (f, (value, value_floor), (slope, slope_floor)) in [
        (Identity, (0.0, 0.0), (0.0, 0.0)),
        (Sigmoid, (2.5e-7, 0.0), (1.5e-7, 1.0)),
        (Tanh, (2e-7, 0.0), (1.8e-7, 1.0)),
        (Relu, (0.0, 0.0), (0.0, 0.0)),
        (LeakyRelu, (1.2e-7, 0.0), (5e-8, 0.0)),
        (Elu, (1e-7, 0.0), (1e-7, 0.0)),
        (Selu, (1.5e-7, 0.0), (1.8e-7, 0.0)),
        (Gelu, (1.5e-7, 1.0), (1.5e-7, 1.0)),
        (Silu, (3e-7, 0.0), (2.7e-7, 1.0)),
    ] {
        let xs = grid(20);
        let (narrow, narrow_slopes) = through(Activation::forward, f, &xs, DType::F32);
        let (wide, wide_slopes) = through(Activation::forward, f, &xs, DType::F64);
        // Zero is exact in both, and a floor keeps it from being divided by.
        let (error, i) = furthest(&narrow, &wide, f64::max(value_floor, 1e-300));
        assert!(error <= value, "{}({}): {error:e}", f.name(), xs[i]);
        let (error, i) = furthest(&narrow_slopes, &wide_slopes, f64::max(slope_floor, 1e-300));
        assert!(error <= slope, "{}'({}): {error:e}", f.name(), xs[i]);
    }
}

#[test]
fn f32_differs_from_f64_by_rounding_for_every_function_and_composition() {
    // Some 1.5 times what was measured, relative to 1 or the value. The kernels are right to 2 units of f32;
    // the compositions add a tail to 1 (softplus within Mish) or take it from 1 (tanh), and multiply by x.
    let xs = grid(20);
    for &f in Activation::ALL {
        let (wide, wide_slopes) = through(Activation::forward, f, &xs, DType::F64);
        for (apply, value, slope) in [(BOTH[0], 2e-7, 2.7e-7), (BOTH[1], 1.5e-6, 1e-6)] {
            let (narrow, narrow_slopes) = through(apply, f, &xs, DType::F32);
            let (error, i) = furthest(&narrow, &wide, 1.0);
            assert!(error <= value, "{}({}): {error:e}", f.name(), xs[i]);
            let (error, i) = furthest(&narrow_slopes, &wide_slopes, 1.0);
            assert!(error <= slope, "{}'({}): {error:e}", f.name(), xs[i]);
        }
    }
}

#[test]
fn the_operation_and_the_composition_agree() {
    for &f in Activation::ALL {
        let xs = grid(20);
        let [(a, da), (b, db)] = BOTH.map(|apply| through(apply, f, &xs, DType::F64));
        for (i, x) in xs.iter().enumerate() {
            // Their formulae differ (tanh for the sigmoid, exp - 1 for exp_m1): by a few ulp of 1.
            assert!((a[i] - b[i]).abs() <= 1e-12 * a[i].abs().max(1.0), "{}({x}): {} {}", f.name(), a[i], b[i]);
            assert!((da[i] - db[i]).abs() <= 1e-12, "{}'({x}): {} {}", f.name(), da[i], db[i]);
        }
    }
}

#[test]
fn many_elements_in_parallel_equal_few_in_series() {
    // Above 32,768 elements, and no multiple of the chunks of 8,192.
    let xs: Vec<f64> = stream(5, "parallel", 0).normals(70_001).iter().map(|z| 4.0 * z).collect();
    for &f in Activation::ALL {
        for dtype in [DType::F64, DType::F32] {
            let whole = through(Activation::forward, f, &xs, dtype);
            let parts = xs.chunks(1000).map(|part| through(Activation::forward, f, part, dtype));
            let (values, slopes): (Vec<_>, Vec<_>) = parts.unzip();
            assert!(whole.0 == values.concat() && whole.1 == slopes.concat(), "{} in {dtype:?}", f.name());
        }
    }
}

#[test]
fn strided_inputs_equal_contiguous_ones() {
    let x = stream(5, "strided", 0).normal_tensor((7, 5), &Device::Cpu).unwrap();
    for &f in Activation::ALL {
        for view in [x.t().unwrap(), x.narrow(0, 2, 3).unwrap(), x.narrow(1, 1, 3).unwrap()] {
            let want: Vec<f64> = flat(&view).into_iter().map(|v| f.value(v)).collect();
            assert_eq!(flat(&f.forward(&view).unwrap()), want, "{}", f.name());
        }
    }
}

/// Passes values and gradients through; as long as a graph holds it, its counter is above one.
struct Watched(Arc<()>);

impl CustomOp1 for Watched {
    fn name(&self) -> &'static str {
        "watched"
    }
    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, candle_core::Shape)> {
        Ok((storage.clone(), layout.shape().clone()))
    }
    fn bwd(&self, _: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let _ = &self.0;
        Ok(Some(grad.clone()))
    }
}

#[test]
fn optimisers_keep_no_graph() {
    for &kind in OptimizerKind::ALL {
        for (momentum, weight_decay) in [(0.0, 0.0), (0.9, 0.0), (0.9, 0.1)] {
            let counter = Arc::new(());
            let draw = |i| {
                let draws = stream(5, "graph", i).normal_tensor((3, 3), &Device::Cpu).unwrap();
                Var::from_tensor(&draws).unwrap()
            };
            let (first, second) = (draw(0), draw(1));
            let rates = Rates { lr: 0.1, momentum, weight_decay };
            let mut optimizer = Optimizer::new(kind, rates, vec![first.clone(), second.clone()]);
            for _ in 0..3 {
                let hidden = first.apply_op1(Watched(counter.clone())).unwrap();
                let loss = hidden.matmul(&second).unwrap().sqr().unwrap().sum_all().unwrap();
                optimizer.step(&loss.backward().unwrap()).unwrap();
            }
            // candle's gradient of `second` is a product with `hidden` and carries its graph: kept in a
            // moment, every step's graph would stay until the stack overflows when they are dropped.
            assert_eq!(Arc::strong_count(&counter), 1, "{} {momentum} {weight_decay}", kind.name());
        }
    }
}
