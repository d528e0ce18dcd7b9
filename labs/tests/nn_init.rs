//! The initialisers against what PyTorch's draw from: `reference/init.json`, by `reference/make_init.py`.

// Clippy allows these in tests only, and the helpers of an integration test count as none.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use candelab_labs::control::Choice;
use candelab_labs::nn::Init;
use candelab_labs::rng::stream;
use candle_core::{DType, Device};
use serde_json::Value;

fn reference() -> Value {
    serde_json::from_str(include_str!("reference/init.json")).unwrap()
}

fn shape(row: &Value) -> (usize, usize) {
    let at = |i: usize| row["shape"][i].as_u64().unwrap() as usize;
    (at(0), at(1))
}

fn draw(init: Init, shape: (usize, usize), gain: f64) -> Vec<Vec<f64>> {
    let mut random = stream(21, "init", 0);
    init.draw(shape, gain, &mut random, DType::F64, &Device::Cpu).unwrap().to_vec2().unwrap()
}

fn mean_power(values: &[f64], power: i32) -> f64 {
    values.iter().map(|v| v.powi(power)).sum::<f64>() / values.len() as f64
}

#[test]
fn distributions_and_their_parameters_are_pytorchs() {
    for row in reference()["distributions"].as_array().unwrap() {
        let init = Init::from_name(row["scheme"].as_str().unwrap()).unwrap();
        let (fan_out, fan_in) = shape(row);
        let std = row["std"].as_f64().unwrap();
        assert!((init.variance(fan_in, fan_out).sqrt() / std - 1.0).abs() < 1e-14, "{row}");
        let w = draw(init, (fan_out, fan_in), 1.0).concat();
        // Standard error of a mean square of n draws: sqrt((kappa - 1)/n), at most sqrt(2/n); five of them.
        let slack = 5.0 * (2.0 / w.len() as f64).sqrt();
        assert!((mean_power(&w, 2) / std.powi(2) - 1.0).abs() < slack, "{row}");
        // Kurtosis 3 or 9/5 (standard errors sqrt(24/n) and less) tells the kinds apart.
        let kurtosis = mean_power(&w, 4) / mean_power(&w, 2).powi(2);
        let largest = w.iter().fold(0.0_f64, |a, v| a.max(v.abs()));
        if let Some(bound) = row["bound"].as_f64() {
            assert!((kurtosis - 1.8).abs() < 0.1 && largest <= bound && largest > 0.999 * bound, "{row} {kurtosis}");
        } else {
            assert!((kurtosis - 3.0).abs() < 5.0 * (24.0 / w.len() as f64).sqrt(), "{row} {kurtosis}");
        }
    }
}

#[test]
fn orthogonal_and_sparse_matrices_are_made_as_pytorchs() {
    for row in reference()["matrices"].as_array().unwrap() {
        let square = row["orthogonal_mean_square"].as_f64().unwrap();
        let (fan_out, fan_in) = shape(row);
        let w = draw(Init::Orthogonal, (fan_out, fan_in), 1.0).concat();
        assert!((mean_power(&w, 2) / square - 1.0).abs() < 1e-12, "{row}");
        let kept = row["sparse_inputs"][0].as_u64().unwrap() as usize;
        let sparse = draw(Init::Sparse, (fan_out, fan_in), 3.0);
        assert!(sparse.iter().all(|unit| unit.iter().filter(|v| **v != 0.0).count() == kept), "{row}");
        let drawn: Vec<f64> = sparse.concat().into_iter().filter(|v| *v != 0.0).collect();
        assert!((mean_power(&drawn, 2) / 9.0 - 1.0).abs() < 5.0 * (2.0 / drawn.len() as f64).sqrt(), "{row}");
        // Not always the same inputs: among 96 units or more each input should be met.
        let met = (0..fan_in).filter(|j| sparse.iter().any(|unit| unit[*j] != 0.0)).count();
        assert!(met > fan_in * 9 / 10, "{met} of {fan_in}");
    }
}

#[test]
fn constants_are_constant() {
    assert!(draw(Init::Zero, (8, 16), 1.0).concat().iter().all(|v| *v == 0.0));
    assert!(draw(Init::Constant, (8, 16), 2.0).concat().iter().all(|v| (v - 0.125).abs() < 1e-16));
    for (init, std) in [(Init::NormalSmall, 0.01), (Init::NormalLarge, 1.0)] {
        let w = draw(init, (200, 200), 1.0).concat();
        assert!((mean_power(&w, 2).sqrt() / std - 1.0).abs() < 0.02, "{}", init.name());
    }
}
