//! What every part of the experiment is given, and what a network is trained on.

use super::change::Change;
use super::network::{Architecture, RegularizedNet};
use super::{RegularizationSettings, Regularizers, Spec};
use crate::data::{self, Dataset, Split};
use crate::rng::stream;
use crate::trainer::Recipe;
use crate::work::Study;
use crate::{Context, LabError, Result};
use candle_core::{DType, Device, Tensor};
use std::sync::Arc;

/// Samples of each part on which a network is evaluated, at most: the first ones.
const MOST_EVALUATED: usize = 1000;

/// Settings and data.
///
/// The set's own test part is kept for the end. Of its training part a fifth of each class is held out for
/// validation, the same for every network and every number of training samples, with clean labels; training
/// samples are drawn from the rest. Features are scaled by the statistics of the whole training part, the
/// validation samples included, and never by those of the test part.
#[derive(Debug)]
pub struct Setup {
    /// The controls.
    pub settings: RegularizationSettings,
    /// Every random number follows from it.
    pub seed: u64,
    /// Where networks live.
    pub device: Device,
    /// Scaled; the training part is what may be drawn from.
    pub data: Dataset,
    /// Held out of the training part.
    pub validation: Split,
    /// The settings' regularisers.
    pub regularizers: Regularizers,
    /// The settings' network.
    pub architecture: Architecture,
    /// The settings' changes.
    pub changes: Vec<Change>,
}

/// Which training samples are drawn, and what becomes of their labels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Draw {
    /// How many; 0: all.
    pub samples: usize,
    /// Share of the labels that are replaced by random ones, 0 to 1.
    pub label_noise: f64,
    /// Number of the draw: another number gives other samples and other wrong labels.
    pub index: u64,
}

/// Samples on the device, to be evaluated.
#[derive(Debug)]
pub struct Evaluated {
    /// [samples, features], f32.
    pub x: Tensor,
    /// `[samples]`, u32.
    pub y: Tensor,
}

/// What a network is trained on, and what it is evaluated on.
#[derive(Debug)]
pub struct Task {
    /// The training part is what is trained on, wrong labels included.
    pub data: Dataset,
    /// The first training samples, with the labels that they are trained on.
    pub train: Evaluated,
    /// The first validation samples.
    pub validation: Evaluated,
    /// The first test samples.
    pub test: Evaluated,
}

impl Setup {
    /// Loads and splits the data.
    pub fn new(settings: RegularizationSettings, context: Context) -> Result<Self> {
        settings.check_samples()?;
        let (regularizers, architecture) = (settings.regularizers()?, settings.architecture()?);
        let changes = settings.changes()?;
        let mut data = data::load(&settings.data, context.seed)?.scaled(settings.scaling);
        let (train, validation) = data.validation_split(context.seed);
        data.train = train;
        let (seed, device) = (context.seed, context.device);
        let setup = Self { settings, seed, device, data, validation, regularizers, architecture, changes };
        setup.check()?;
        Ok(setup)
    }

    /// What only the data can tell of the settings.
    fn check(&self) -> Result<()> {
        let (s, available) = (&self.settings, self.data.train.len());
        if s.train_samples > available {
            let (name, value) = ("train_samples".into(), s.train_samples.to_string());
            let expected = format!("at most {available}, what '{}' leaves to train on, or 0 for all", self.data.name);
            return Err(LabError::BadValue { name, value, expected });
        }
        if self.data.image.is_none() && self.regularizers.augmentation.moves_pixels() {
            let (name, value) =
                if s.shift > 0 { ("shift", s.shift.to_string()) } else { ("rotation", s.rotation.to_string()) };
            let expected = format!("0, since '{}' has no images; use noise", self.data.name);
            return Err(LabError::BadValue { name: name.into(), value, expected });
        }
        self.network(&self.architecture, &self.regularizers, 0).map(|_| ())
    }

    /// Network number `index`, f32, before its first step.
    pub fn network(&self, shape: &Architecture, with: &Regularizers, index: u64) -> Result<RegularizedNet> {
        let form = (self.data.dim, self.data.image, self.data.classes);
        RegularizedNet::new(shape, with, form, (self.seed, index), DType::F32, &self.device)
    }

    /// The draw of the settings for network number `index`.
    #[must_use]
    pub fn draw(&self, index: u64) -> Draw {
        Draw { samples: self.settings.train_samples, label_noise: self.settings.label_noise, index }
    }

    /// The training samples of `draw`; draws that differ in their size or noise alone share samples and wrong labels.
    pub fn task(&self, draw: Draw) -> Result<Arc<Task>> {
        let (all, classes, dim) = (&self.data.train, self.data.classes, self.data.dim);
        let mut order = all.balanced_order(classes, &mut stream(self.seed, "subset", draw.index));
        if draw.samples > 0 {
            order.truncate(draw.samples);
        }
        let chosen = all.select(dim, &order);
        let mut noise = stream(self.seed, "label noise", draw.index);
        let train = chosen.with_label_noise(classes, draw.label_noise, &mut noise);
        let data = Dataset { train, ..self.data.clone() };
        let part = |split: &Split| -> Result<Evaluated> {
            let rows: Vec<usize> = (0..split.len().min(MOST_EVALUATED)).collect();
            let (x, y) = split.gather(dim, &rows, &self.device, DType::F32)?;
            Ok(Evaluated { x, y })
        };
        let (train, validation, test) = (part(&data.train)?, part(&self.validation)?, part(&data.test)?);
        Ok(Arc::new(Task { data, train, validation, test }))
    }

    /// How networks are trained; the decay is the regularisers' business.
    #[must_use]
    pub fn recipe(&self) -> Recipe {
        self.settings.recipe.recipe(self.seed, &self.device)
    }

    /// The settings' network and training under `regularizers`, without changes.
    #[must_use]
    pub fn spec(&self, regularizers: Regularizers) -> Spec {
        Spec {
            architecture: self.architecture.clone(),
            regularizers,
            recipe: self.recipe(),
            steps: self.settings.steps as u64,
            evaluate_every: self.settings.evaluate_every as u64,
            changes: Vec::new(),
        }
    }
}

impl Study for Setup {
    fn opening(&self) -> String {
        let samples = match self.settings.train_samples {
            0 => self.data.train.len(),
            n => n,
        };
        format!("{}; {samples} trained on, {} for validation", self.data.summary(), self.validation.len())
    }
}
