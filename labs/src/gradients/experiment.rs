use super::backprop::Backprop;
use super::correlation::Correlation;
use super::jacobian::Jacobian;
use super::makes::Makes;
use super::matrix::Matrix;
use super::plane::Plane;
use super::profile::Profile;
use super::race::Race;
use super::setup::Setup;
use super::sweep::Sweep;
use super::trainable::Trainable;
use super::training::Training;
use super::{GradientSettings, Part};
use crate::work::{Make, Sequence};
use crate::{Context, Experiment, Result};

const PARTS: [(Part, Make<Setup>); 11] = [
    (Part::Profile, |s| Ok(Box::new(Profile::new(s)?))),
    (Part::Correlation, |s| Ok(Box::new(Correlation::new(s)))),
    (Part::Jacobian, |s| Ok(Box::new(Jacobian::new(s)?))),
    (Part::Training, |s| Ok(Box::new(Training::new(s)?))),
    (Part::Sweep, |s| Ok(Box::new(Sweep::new(s)?))),
    (Part::Matrix, |s| Ok(Box::new(Matrix::new(s)))),
    (Part::Plane, |s| Ok(Box::new(Plane::new(s)))),
    (Part::Trainable, |s| Ok(Box::new(Trainable::new(s)))),
    (Part::Makes, |s| Ok(Box::new(Makes::new(s)?))),
    (Part::Race, |s| Ok(Box::new(Race::new(s)?))),
    (Part::Backprop, |s| Ok(Box::new(Backprop::new(s)))),
];

/// Loads the data and queues the parts that `settings` select; nothing is computed yet.
pub fn experiment(settings: GradientSettings, context: Context) -> Result<Box<dyn Experiment>> {
    let selected = settings.part;
    let setup = Setup::new(settings, context)?;
    Ok(Box::new(Sequence::new(setup, &PARTS, |part| selected.is_none_or(|only| only == part))?))
}
