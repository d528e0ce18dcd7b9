//! Rough costs of work in milliseconds, for a progress bar that moves evenly.

use crate::nn::MlpConfig;

/// About how many milliseconds one measurement takes: f64, and a network drawn for it.
#[must_use]
pub fn measure_cost(config: &MlpConfig, samples: usize) -> f64 {
    3.0 * pass_cost(config, samples)
}

/// About how many milliseconds one forward and backward pass in f32 takes.
#[must_use]
pub fn pass_cost(config: &MlpConfig, samples: usize) -> f64 {
    let flop = 6.0 * (samples * config.width * config.width * config.depth) as f64;
    flop / 3e7 + config.depth as f64 * 0.05
}
