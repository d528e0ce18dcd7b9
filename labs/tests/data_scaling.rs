//! Scaling and batches.

// A test stops where something is missing, also in its helpers.
#![allow(clippy::unwrap_used)]

use candelab_labs::control::Choice;
use candelab_labs::data::{Dataset, Scaling, Split, load};
use candle_core::{DType, Device};

fn set(image: Option<(usize, usize)>, train: &[f32], test: &[f32]) -> Dataset {
    let part = |f: &[f32]| Split { features: f.to_vec(), labels: vec![0; f.len() / 2] };
    Dataset { name: "t".into(), dim: 2, classes: 2, image, train: part(train), test: part(test) }
}

fn close(found: &[f32], expected: &[f32]) {
    let near = found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6);
    assert!(near && found.len() == expected.len(), "{found:?} is not {expected:?}");
}

/// Mean and mean square of every `step`th value from `first` on.
fn moments(values: &[f32], first: usize, step: usize) -> (f64, f64) {
    let picked: Vec<f64> = values.iter().skip(first).step_by(step).map(|v| f64::from(*v)).collect();
    let n = picked.len() as f64;
    (picked.iter().sum::<f64>() / n, picked.iter().map(|v| v * v).sum::<f64>() / n)
}

#[test]
fn names_are_those_of_the_control() {
    assert_eq!(Scaling::ALL.iter().map(|s| s.name()).collect::<Vec<_>>(), ["raw", "standard", "unit"]);
    assert_eq!(Scaling::from_name("unit"), Some(Scaling::Unit));
}

#[test]
fn raw_changes_nothing() {
    let digits = load("digits", 1).unwrap();
    assert_eq!(digits.scaled(Scaling::Raw), digits);
}

#[test]
fn tables_are_standardised_by_feature_with_the_training_statistics() {
    // Means 2 and 30, deviations 1 and 10.
    let s = set(None, &[1.0, 20.0, 3.0, 40.0], &[2.0, 50.0]).scaled(Scaling::Standard);
    close(&s.train.features, &[-1.0, -1.0, 1.0, 1.0]);
    close(&s.test.features, &[0.0, 2.0]);
}

#[test]
fn images_are_standardised_by_one_scale() {
    // Of 1, 20, 3, 40 the mean is 16 and the variance 246.5.
    let s = set(Some((1, 2)), &[1.0, 20.0, 3.0, 40.0], &[16.0, 0.0]).scaled(Scaling::Standard);
    let d = 246.5_f32.sqrt();
    close(&s.train.features, &[-15.0 / d, 4.0 / d, -13.0 / d, 24.0 / d]);
    close(&s.test.features, &[0.0, -16.0 / d]);
}

#[test]
fn what_is_constant_in_training_becomes_zero() {
    // A deviation that is not exactly 0 would blow rounding up.
    let train: Vec<f32> = (0..7).flat_map(|i| [0.1, i as f32]).collect();
    let s = set(None, &train, &[5.0, 3.0]).scaled(Scaling::Standard);
    assert!(s.train.features.iter().step_by(2).all(|v| *v == 0.0), "{:?}", s.train.features);
    close(&s.test.features, &[0.0, 0.0]);
    let s = set(Some((2, 1)), &[0.1; 14], &[0.1, 0.3]).scaled(Scaling::Unit);
    assert!(s.train.features.iter().chain(&s.test.features).all(|v| *v == 0.0));
}

#[test]
fn unit_gives_each_sample_the_mean_square_one() {
    let s = set(None, &[1.0, 20.0, 3.0, 40.0], &[2.0, 50.0, 2.0, 30.0, 5.0, 70.0]).scaled(Scaling::Unit);
    let r = 2.0_f32.sqrt();
    // (0, 2), (0, 0) and (3, 4) after standardising.
    close(&s.test.features, &[0.0, r, 0.0, 0.0, 0.6 * r, 0.8 * r]);
    for spec in ["digits", "fashion", "white:100", "spirals"] {
        let set = load(spec, 1).unwrap().scaled(Scaling::Unit);
        for sample in set.train.features.chunks_exact(set.dim).chain(set.test.features.chunks_exact(set.dim)) {
            let (_, square) = moments(sample, 0, 1);
            assert!((square - 1.0).abs() < 1e-5, "{spec}: {square}");
        }
    }
}

#[test]
fn standardised_sets_have_mean_zero_and_variance_one_in_training_only() {
    let digits = load("digits", 1).unwrap().scaled(Scaling::Standard);
    let (mean, square) = moments(&digits.train.features, 0, 1);
    assert!(mean.abs() < 1e-6 && (square - 1.0).abs() < 1e-5, "{mean} {square}");
    let (mean, square) = moments(&digits.test.features, 0, 1);
    assert!(mean.abs() > 1e-6 || (square - 1.0).abs() > 1e-5, "the test part has its own moments");
    let moons = load("moons", 1).unwrap().scaled(Scaling::Standard);
    for feature in 0..2 {
        let (mean, square) = moments(&moons.train.features, feature, 2);
        assert!(mean.abs() < 1e-6 && (square - 1.0).abs() < 1e-5, "{mean} {square}");
    }
}

#[test]
fn batches_hold_the_samples_that_were_asked_for() {
    let part = Split { features: vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0], labels: vec![7, 8, 9] };
    assert_eq!((part.len(), part.is_empty(), Split::default().is_empty()), (3, false, true));
    let (x, y) = part.gather(2, &[2, 0, 2], &Device::Cpu, DType::F64).unwrap();
    assert_eq!((x.dims(), x.dtype(), y.dims(), y.dtype()), ([3, 2].as_slice(), DType::F64, [3].as_slice(), DType::U32));
    assert_eq!(x.to_vec2::<f64>().unwrap(), [[5.0, 6.0], [1.0, 2.0], [5.0, 6.0]]);
    assert_eq!(y.to_vec1::<u32>().unwrap(), [9, 7, 9]);
    let (x, y) = part.gather(2, &[], &Device::Cpu, DType::F32).unwrap();
    assert_eq!((x.dims(), y.dims()), ([0, 2].as_slice(), [0].as_slice()));
}

#[test]
fn batches_outside_the_split_are_errors() {
    let part = Split { features: vec![1.0, 2.0, 3.0, 4.0], labels: vec![0, 1] };
    let text = |dim, indices: &[usize]| {
        let error = part.gather(dim, indices, &Device::Cpu, DType::F32).unwrap_err();
        error.to_string().lines().next().unwrap_or_default().to_owned()
    };
    assert_eq!(text(2, &[0, 2]), "sample 2 of a split of 2 samples");
    assert_eq!(text(3, &[0]), "4 features are not 2 samples of dimension 3");
}
