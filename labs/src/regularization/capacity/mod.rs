//! More parameters than samples: what happens to the error before, at and beyond the number of parameters that
//! can learn every training label.

mod features;
mod linear;

use super::setup::Setup;
use crate::work::Work;
use crate::{Figure, Finding, Result};
use features::Features;
use linear::Linear;

const NOTHING: &str = "Nothing measured yet.";

/// The part `capacity`.
pub struct Capacity {
    linear: Linear,
    features: Features,
}

impl Capacity {
    /// Queues the linear designs, then the random features.
    pub fn new(setup: &Setup) -> Self {
        Self { linear: Linear::new(setup.settings.nets), features: Features::new(setup) }
    }
}

impl Work<Setup> for Capacity {
    fn title(&self) -> &'static str {
        "capacity"
    }

    fn stage(&self) -> String {
        match (self.linear.pieces(), self.features.pieces()) {
            ((all, done), _) if done < all => format!("linear designs, {done} of {all}"),
            (_, (all, done)) => format!("random features, {done} of {all}"),
        }
    }

    fn cost(&self) -> (f64, f64) {
        let (design, fit) = (15.0, 40.0);
        let ((designs, drawn), (fits, fitted)) = (self.linear.pieces(), self.features.pieces());
        (designs as f64 * design + fits as f64 * fit, drawn as f64 * design + fitted as f64 * fit)
    }

    fn step(&mut self, setup: &Setup) -> Result<bool> {
        Ok(self.linear.step(setup)? || self.features.step(setup)?)
    }

    fn figures(&self, _: &Setup) -> Vec<Figure> {
        vec![self.linear.figure(), self.features.figure()]
    }

    fn findings(&self, _: &Setup) -> Vec<Finding> {
        let mut list = self.linear.findings();
        list.extend(self.features.findings());
        list
    }
}
