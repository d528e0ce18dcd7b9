use super::deep::Deep;
use super::loss::FirstLoss;
use super::moments::Moments;
use super::plane::Plane;
use super::setup::Setup;
use super::spread::Spread;
use super::symmetry::Symmetry;
use super::training::Training;
use super::weights::Weights;
use super::xor::Xor;
use super::{InitSettings, Part};
use crate::work::{Make, Sequence};
use crate::{Context, Experiment, Result};

const PARTS: [(Part, Make<Setup>); 9] = [
    (Part::Weights, |s| Ok(Box::new(Weights::new(s)?))),
    (Part::Spread, |s| Ok(Box::new(Spread::new(s)?))),
    (Part::Loss, |s| Ok(Box::new(FirstLoss::new(s)?))),
    (Part::Symmetry, |s| Ok(Box::new(Symmetry::new(s)))),
    (Part::Training, |s| Ok(Box::new(Training::new(s)?))),
    (Part::Deep, |s| Ok(Box::new(Deep::new(s)))),
    (Part::Xor, |s| Ok(Box::new(Xor::new(s)))),
    (Part::Plane, |s| Ok(Box::new(Plane::new(s)))),
    (Part::Moments, |_| Ok(Box::new(Moments::default()))),
];

/// Loads the data and queues the parts that `settings` select; nothing is computed yet.
pub fn experiment(settings: InitSettings, context: Context) -> Result<Box<dyn Experiment>> {
    let selected = settings.part;
    let setup = Setup::new(settings, context)?;
    Ok(Box::new(Sequence::new(setup, &PARTS, |part| selected.is_none_or(|only| only == part))?))
}
