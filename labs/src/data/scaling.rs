//! Scaling of inputs, with statistics of the training part only.

use super::{Dataset, Split};
use crate::control::Choice;

/// How inputs are scaled before a network sees them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scaling {
    /// As loaded: images in 0..=1, other data in their own units.
    Raw,
    /// Less the training mean, over the training standard deviation: one mean and one deviation for
    /// all pixels of images, one of each a feature for other data. What is constant in the training
    /// part becomes 0.
    #[default]
    Standard,
    /// [`Scaling::Standard`], then each sample brought to root-mean-square 1, which is the q = 1 that
    /// mean-field theory takes for the input. A sample of zeros stays.
    Unit,
}

impl Choice for Scaling {
    const ALL: &'static [Self] = &[Self::Raw, Self::Standard, Self::Unit];

    fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Standard => "standard",
            Self::Unit => "unit",
        }
    }
}

impl Dataset {
    /// The set with its features scaled; the test part is scaled by the statistics of the training
    /// part.
    #[must_use]
    pub fn scaled(&self, scaling: Scaling) -> Self {
        let mut set = self.clone();
        if scaling == Scaling::Raw {
            return set;
        }
        // Pixels share one unit and many are constant, so they share one scale.
        let groups = if self.image.is_some() { 1 } else { self.dim };
        let scales: Vec<Scale> = (0..groups).map(|g| Scale::of(&self.train, g, groups)).collect();
        for part in [&mut set.train, &mut set.test] {
            for (i, value) in part.features.iter_mut().enumerate() {
                *value = scales[i % groups].apply(*value);
            }
            if scaling == Scaling::Unit {
                part.features.chunks_exact_mut(self.dim).for_each(to_unit);
            }
        }
        set
    }
}

/// Mean and standard deviation (of the population) of a feature.
struct Scale {
    mean: f64,
    /// Zero where the feature is constant.
    deviation: f64,
}

impl Scale {
    /// Of the values whose place in `part` is `group` modulo `groups`.
    fn of(part: &Split, group: usize, groups: usize) -> Self {
        let values = || part.features.iter().skip(group).step_by(groups).map(|v| f64::from(*v));
        let n = values().count().max(1) as f64;
        let mean = values().sum::<f64>() / n;
        // Equal f32 have an exact mean in f64 (below 2^29 of them), so a constant feature gets exactly 0.
        let variance = values().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
        Self { mean, deviation: variance.sqrt() }
    }

    fn apply(&self, value: f32) -> f32 {
        if self.deviation > 0.0 { ((f64::from(value) - self.mean) / self.deviation) as f32 } else { 0.0 }
    }
}

fn to_unit(sample: &mut [f32]) {
    let square = sample.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>() / sample.len() as f64;
    if square > 0.0 {
        let rms = square.sqrt();
        for value in sample {
            *value = (f64::from(*value) / rms) as f32;
        }
    }
}
