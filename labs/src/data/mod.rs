//! Data sets: embedded, generated, and the user's own.
//!
//! [`load`] is the one door: a specification such as `digits`, `moons` or `csv:iris.csv`, and a
//! seed. All sets are for classification, come whole into memory, and are in an order that mixes
//! the classes.

mod augment;
mod embedded;
mod generators;
mod idx;
mod scaling;
mod split;
mod subset;
mod table;
mod white;

pub use augment::Augmentation;
pub use generators::{GENERATORS, Generator};
pub use scaling::Scaling;

use crate::error::suggest;
use crate::rng::stream;
use crate::{LabError, Result};
use candle_core::{DType, Device, Tensor, bail};
use std::path::Path;

/// The stream of [`crate::rng::stream`] from which everything in this module is drawn. Its numbers:
/// 0 the training points, or the split of a set that has none; 1 the test points; 2 and 3 the
/// labels of `white`.
const STREAM: &str = "data";

/// Features and labels of one part of a data set.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Split {
    /// `len * dim` features, sample by sample.
    pub features: Vec<f32>,
    /// A class below `classes` for each sample.
    pub labels: Vec<u32>,
}

impl Split {
    /// Number of samples.
    #[must_use]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no sample.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The samples of `indices`, in that order: features `[n, dim]` of type `dtype` and labels
    /// `[n]` of type u32, both on `device`. `dim` is that of the [`Dataset`].
    ///
    /// An index outside the split, or a `dim` that is not that of the features, is an error.
    pub fn gather(
        &self,
        dim: usize,
        indices: &[usize],
        device: &Device,
        dtype: DType,
    ) -> candle_core::Result<(Tensor, Tensor)> {
        if self.features.len() != self.len() * dim {
            bail!("{} features are not {} samples of dimension {dim}", self.features.len(), self.len());
        }
        let mut features = Vec::with_capacity(indices.len() * dim);
        let mut labels = Vec::with_capacity(indices.len());
        for &i in indices {
            let Some(label) = self.labels.get(i) else {
                bail!("sample {i} of a split of {} samples", self.len());
            };
            features.extend_from_slice(&self.features[i * dim..(i + 1) * dim]);
            labels.push(*label);
        }
        let n = indices.len();
        let features = Tensor::from_vec(features, (n, dim), device)?.to_dtype(dtype)?;
        Ok((features, Tensor::from_vec(labels, n, device)?))
    }

    /// Copies the samples of `indices` out of `features` (`dim` a sample) and `labels`.
    fn pick(features: &[f32], labels: &[u32], dim: usize, indices: &[usize]) -> Self {
        Self {
            features: indices.iter().flat_map(|i| &features[i * dim..(i + 1) * dim]).copied().collect(),
            labels: indices.iter().map(|&i| labels[i]).collect(),
        }
    }
}

/// A classification data set.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    /// What it is called: the specification, or the last part of the user's path.
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

impl Dataset {
    /// Entropy of the training labels in nats: the loss of one who knows the share of each class and
    /// nothing else. And the share of the commonest class: the accuracy of one who always names it.
    #[must_use]
    pub fn prior(&self) -> (f64, f64) {
        let mut counts = vec![0_usize; self.classes];
        for label in &self.train.labels {
            counts[*label as usize] += 1;
        }
        let shares: Vec<f64> = counts.iter().map(|c| *c as f64 / self.train.len() as f64).collect();
        let entropy = -shares.iter().filter(|p| **p > 0.0).map(|p| p * p.ln()).sum::<f64>();
        (entropy, shares.into_iter().fold(0.0, f64::max))
    }

    /// The training part without about one fifth of each class, and that fifth: drawn from `seed`, clean and the same
    /// however many of the others are then trained on.
    #[must_use]
    pub fn validation_split(&self, seed: u64) -> (Split, Split) {
        let (rest, held) = split::stratified(&self.train.labels, self.classes, &mut stream(seed, "validation", 0));
        (self.train.select(self.dim, &rest), self.train.select(self.dim, &held))
    }

    /// Its name and sizes in a line.
    #[must_use]
    pub fn summary(&self) -> String {
        format!(
            "data '{}': {} training and {} test samples, {} features, {} classes",
            self.name,
            self.train.len(),
            self.test.len(),
            self.dim,
            self.classes
        )
    }
}

/// The form of a data specification, for a control's help.
pub const SPEC: &str = "digits | fashion | moons | spirals | circles | xor | gaussians | checkerboard | swissroll | white:DIM | csv:PATH | idx:DIR";

/// The specifications that need no path, for a control's suggestions.
pub const NAMES: [&str; 10] =
    ["digits", "fashion", "moons", "spirals", "circles", "xor", "gaussians", "checkerboard", "swissroll", "white:256"];

/// The data set that `spec` names (see [`SPEC`]); generators and splits follow from `seed`.
///
/// - `digits`: 1,438 train and 359 test images, 8x8, values in 0..=1 (17 levels). The source has no
///   split: one fifth of each class, drawn from `seed`, is held out.
/// - `fashion`: 5,000 train and 1,000 test images, 28x28, values in 0..=1 (16 levels); the same for
///   every seed.
/// - the names of [`GENERATORS`]: 1,000 train and 500 test points in the plane.
/// - `white:DIM`: 1,000 train and 500 test draws from N(0, 1) in `DIM` dimensions (256 if left out)
///   with one of 10 labels at random.
/// - `csv:PATH`: numbers separated by commas, the label in the last column, an optional header
///   line; one fifth of each class, drawn from `seed`, is held out.
/// - `idx:DIR`: the four files of MNIST and its kin, plain or gzipped; values in 0..=1.
///
/// # Errors
/// [`LabError::BadValue`] where `spec` names no data set, [`LabError::Unreadable`] and
/// [`LabError::BadFile`] for the user's files, [`LabError::Embedded`] where an asset is damaged.
pub fn load(spec: &str, seed: u64) -> Result<Dataset> {
    if let Some(generator) = GENERATORS.iter().find(|g| g.name == spec) {
        return Ok(generator.dataset(generators::TRAIN, generators::TEST, generator.noise, seed));
    }
    match spec.split_once(':') {
        None if spec == "digits" => embedded::digits(seed),
        None if spec == "fashion" => embedded::fashion(),
        None if spec == "white" => Ok(white::dataset(white::DIM, seed)),
        Some(("white", dim)) => Ok(white::dataset(white::parse(spec, dim)?, seed)),
        Some(("csv", path)) if !path.is_empty() => table::load(Path::new(path), seed),
        Some(("idx", path)) if !path.is_empty() => idx::load(Path::new(path)),
        _ => Err(unknown(spec)),
    }
}

/// Whether `spec` names a data set and its file or folder is there, without reading it.
///
/// # Errors
/// [`LabError::BadValue`] and [`LabError::Unreadable`], as [`load`] has them.
pub fn check(spec: &str) -> Result<()> {
    let there = |path: &str| match std::fs::metadata(path) {
        Ok(_) => Ok(()),
        Err(reason) => Err(LabError::Unreadable { path: path.into(), reason }),
    };
    match spec.split_once(':') {
        None if NAMES.contains(&spec) || spec == "white" => Ok(()),
        Some(("white", dim)) => white::parse(spec, dim).map(|_| ()),
        Some(("csv" | "idx", path)) if !path.is_empty() => there(path),
        _ => Err(unknown(spec)),
    }
}

/// The error for a specification that names no data set, with the nearest one.
fn unknown(spec: &str) -> LabError {
    let expected = match spec {
        "csv" | "csv:" => "csv:PATH, with the path of a file".to_owned(),
        "idx" | "idx:" => "idx:DIR, with the path of a folder".to_owned(),
        _ if has_extension(spec, "csv") => format!("{SPEC}; did you mean 'csv:{spec}'?"),
        _ if Path::new(spec).is_dir() => format!("{SPEC}; did you mean 'idx:{spec}'?"),
        _ => match suggest(spec, NAMES.into_iter()) {
            hint if hint.starts_with("did you mean") => format!("{SPEC}; {hint}"),
            _ => SPEC.to_owned(),
        },
    };
    LabError::BadValue { name: "data".into(), value: spec.into(), expected }
}

fn has_extension(spec: &str, extension: &str) -> bool {
    Path::new(spec).extension().is_some_and(|e| e.eq_ignore_ascii_case(extension))
}

/// What the user's file or folder is called; its whole path is nothing for a record.
fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

fn bad_file(
    path: &Path,
    place: impl Into<String>,
    problem: impl Into<String>,
    expected: impl Into<String>,
) -> LabError {
    LabError::BadFile { path: path.into(), place: place.into(), problem: problem.into(), expected: expected.into() }
}
