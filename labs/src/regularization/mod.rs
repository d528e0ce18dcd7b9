//! Overfitting and what is done against it: quantities with exact answers.

pub mod bias_variance;
pub mod calibration;
pub mod decay_equivalence;
pub mod dropout_linear;
pub mod ensemble;
mod input;
pub mod ridgeless;
pub mod weight_sparsity;
