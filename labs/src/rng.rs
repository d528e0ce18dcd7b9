//! Randomness from the host: one counter-based generator (`ChaCha8`) and named streams.
//!
//! candle's CPU generator cannot be seeded and its device generators differ from one another, so
//! every random number is drawn here and uploaded. Streams are independent: drawing more from
//! `data` changes nothing in `init`.

use candle_core::{Device, Result, Shape, Tensor};
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// A stream of random numbers.
#[derive(Debug, Clone)]
pub struct Stream(ChaCha8Rng);

/// The stream `name`, number `index`, of `seed`. Equal arguments give equal streams, and different
/// ones independent streams.
#[must_use]
pub fn stream(seed: u64, name: &str, index: u64) -> Stream {
    // FNV-1a: names must map to the same stream in every build, which std's hasher does not promise.
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    let mut key = [0_u8; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&hash.to_le_bytes());
    key[16..24].copy_from_slice(&index.to_le_bytes());
    Stream(ChaCha8Rng::from_seed(key))
}

impl Stream {
    /// A draw from N(0, 1).
    pub fn normal(&mut self) -> f64 {
        StandardNormal.sample(&mut self.0)
    }

    /// A draw from U[0, 1).
    pub fn uniform(&mut self) -> f64 {
        self.0.random()
    }

    /// A whole number below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        self.0.random_range(0..n)
    }

    /// `n` draws from N(0, 1).
    pub fn normals(&mut self, n: usize) -> Vec<f64> {
        (0..n).map(|_| self.normal()).collect()
    }

    /// A random order of 0..n.
    pub fn permutation(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        order.shuffle(&mut self.0);
        order
    }

    /// A tensor of draws from N(0, 1), f64.
    pub fn normal_tensor(&mut self, shape: impl Into<Shape>, device: &Device) -> Result<Tensor> {
        let shape = shape.into();
        Tensor::from_vec(self.normals(shape.elem_count()), shape, device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_repeat_and_do_not_touch_one_another() {
        let draw = |seed, name, index| stream(seed, name, index).normals(4);
        assert_eq!(draw(1, "init", 0), draw(1, "init", 0));
        assert_ne!(draw(1, "init", 0), draw(2, "init", 0));
        assert_ne!(draw(1, "init", 0), draw(1, "data", 0));
        assert_ne!(draw(1, "init", 0), draw(1, "init", 1));
    }

    #[test]
    fn normal_draws_have_the_moments_of_the_normal_distribution() {
        let n = 200_000;
        let z = stream(7, "noise", 0).normals(n);
        let moment = |k: i32| z.iter().map(|v| v.powi(k)).sum::<f64>() / n as f64;
        // Standard errors: 0.0022, 0.0032, 0.0087, 0.022.
        assert!(moment(1).abs() < 0.01);
        assert!((moment(2) - 1.0).abs() < 0.015);
        assert!(moment(3).abs() < 0.04);
        assert!((moment(4) - 3.0).abs() < 0.1);
    }
}
