use super::correlation::Correlation;
use super::jacobian::Jacobian;
use super::matrix::Matrix;
use super::plane::Plane;
use super::profile::Profile;
use super::setup::Setup;
use super::sweep::Sweep;
use super::trainable::Trainable;
use super::training::Training;
use super::{GradientSettings, Part};
use crate::work::{Sequence, Work};
use crate::{Context, Experiment, Result};

/// Loads the data and queues the parts that `settings` select; nothing is computed yet.
pub fn experiment(settings: GradientSettings, context: Context) -> Result<Box<dyn Experiment>> {
    let selection = settings.part;
    let setup = Setup::new(settings, context)?;
    let mut parts: Vec<Box<dyn Work<Setup>>> = Vec::new();
    let mut add = |part, make: &dyn Fn(&Setup) -> Result<Box<dyn Work<Setup>>>| -> Result<()> {
        if selection.is_none_or(|only| only == part) {
            parts.push(make(&setup)?);
        }
        Ok(())
    };
    add(Part::Profile, &|s| Ok(Box::new(Profile::new(s)?)))?;
    add(Part::Correlation, &|s| Ok(Box::new(Correlation::new(s))))?;
    add(Part::Jacobian, &|s| Ok(Box::new(Jacobian::new(s)?)))?;
    add(Part::Training, &|s| Ok(Box::new(Training::new(s)?)))?;
    add(Part::Sweep, &|s| Ok(Box::new(Sweep::new(s)?)))?;
    add(Part::Matrix, &|s| Ok(Box::new(Matrix::new(s))))?;
    add(Part::Plane, &|s| Ok(Box::new(Plane::new(s))))?;
    add(Part::Trainable, &|s| Ok(Box::new(Trainable::new(s))))?;
    Ok(Box::new(Sequence::new(setup, parts)))
}
