//! White Gaussian input, on which mean-field theory is stated.

use super::{Dataset, STREAM, Split};
use crate::rng::stream;
use crate::{LabError, Result};

/// The dimension of `white` without a number.
pub(super) const DIM: usize = 256;
/// 1,500 samples of this dimension take 94 MiB.
const MAX_DIM: usize = 16_384;
const CLASSES: usize = 10;

/// The dimension in `white:DIM`.
pub(super) fn parse(spec: &str, dim: &str) -> Result<usize> {
    dim.parse().ok().filter(|d| (1..=MAX_DIM).contains(d)).ok_or_else(|| LabError::BadValue {
        name: "data".into(),
        value: spec.into(),
        expected: format!("white:DIM, with a whole number from 1 to {MAX_DIM}"),
    })
}

/// Inputs from N(0, 1), each with one of ten labels at random: nothing can be learnt from them but
/// by heart, and signals at initialisation meet the assumptions of mean-field theory (Poole et al.
/// 2016, arXiv:1606.05340).
pub(super) fn dataset(dim: usize, seed: u64) -> Dataset {
    let part = |n: usize, points: u64, labels: u64| {
        let mut draw = stream(seed, STREAM, points);
        let mut name = stream(seed, STREAM, labels);
        Split {
            features: (0..n * dim).map(|_| draw.normal() as f32).collect(),
            labels: (0..n).map(|_| name.below(CLASSES) as u32).collect(),
        }
    };
    let (train, test) = (part(super::generators::TRAIN, 0, 2), part(super::generators::TEST, 1, 3));
    Dataset { name: format!("white:{dim}"), dim, classes: CLASSES, image: None, train, test }
}
