//! Data sets: embedded, generated, and the user's own.

use crate::Result;

/// Features and labels of one part of a data set.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Split {
    /// `len * dim` features, sample by sample.
    pub features: Vec<f32>,
    /// A class below `classes` for each sample.
    pub labels: Vec<u32>,
}

/// A classification data set.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    /// What it is called.
    pub name: String,
    /// Features of a sample.
    pub dim: usize,
    /// Number of classes.
    pub classes: usize,
    /// Rows and columns, where a sample is an image.
    pub image: Option<(usize, usize)>,
    /// What is trained on.
    pub train: Split,
    /// What is held out.
    pub test: Split,
}

/// The form of a data specification, for a control's help.
pub const SPEC: &str =
    "digits | fashion | moons | spirals | circles | xor | gaussians | checkerboard | swissroll | csv:PATH | idx:DIR";

/// The data set that `spec` names (see [`SPEC`]); generators and splits follow from `seed`.
pub fn load(spec: &str, seed: u64) -> Result<Dataset> {
    let _ = (spec, seed);
    todo!()
}
