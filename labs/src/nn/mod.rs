//! Layers, initialisers, losses and optimisers, with gradients that are right.
//!
//! candle's fused normalisations return tensors without gradient, its reductions over the first
//! axis are slow and its ReLU has derivative 1 at 0; the layers here are compositions and custom
//! operations that are checked in f64 by central differences (`tests/nn_gradients.rs`).

pub mod activation;
pub mod clip;
pub mod conv;
pub mod decay;
pub mod dropout;
pub mod expression;
pub mod function;
pub mod init;
pub mod linear;
pub mod loss;
pub mod max_norm;
pub mod mlp;
pub mod norm;
pub mod optim;
pub mod penalty;
pub mod residual;
pub mod scheme;
pub mod smoothing;
pub mod softmax;
pub mod unit;

pub use activation::Activation;
pub use dropout::{Dropout, DropoutKind};
pub use expression::Expression;
pub use function::{Function, Gate, Nonlinearity};
pub use init::Init;
pub use linear::Linear;
pub use mlp::{Mlp, MlpConfig};
pub use norm::{Norm, NormKind};
pub use optim::{Optimizer, OptimizerKind};
pub use penalty::L1Method;
pub use residual::ResidualMlp;
pub use scheme::{Net, Scheme};
pub use unit::Unit;

/// Whether a layer learns its statistics from the batch or uses those that it has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Mode {
    /// Batch statistics are used, and enter the running ones with this weight (PyTorch's `momentum`).
    Train {
        /// Weight of the new statistics, 0 to 1.
        momentum: f64,
    },
    /// Batch statistics are used, and the running ones become exactly what was used (the biased
    /// variance): `Eval` of the same batch then gives the same output.
    Calibrate,
    /// Batch statistics are used; the running ones stay as they are.
    Batch,
    /// The running statistics are used.
    Eval,
}
