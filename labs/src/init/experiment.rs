use super::deep::Deep;
use super::plane::Plane;
use super::setup::Setup;
use super::symmetry::Symmetry;
use super::xor::Xor;
use super::{InitSettings, Part};
use crate::work::{Sequence, Work};
use crate::{Context, Experiment, Result};

/// Loads the data and queues the parts that `settings` select; nothing is computed yet.
pub fn experiment(settings: InitSettings, context: Context) -> Result<Box<dyn Experiment>> {
    let selection = settings.part;
    let setup = Setup::new(settings, context)?;
    let mut parts: Vec<Box<dyn Work<Setup>>> = Vec::new();
    let mut add = |part, make: &dyn Fn(&Setup) -> Result<Box<dyn Work<Setup>>>| -> Result<()> {
        if selection.is_none_or(|only| only == part) {
            parts.push(make(&setup)?);
        }
        Ok(())
    };
    add(Part::Symmetry, &|s| Ok(Box::new(Symmetry::new(s))))?;
    add(Part::Deep, &|s| Ok(Box::new(Deep::new(s))))?;
    add(Part::Xor, &|s| Ok(Box::new(Xor::new(s))))?;
    add(Part::Plane, &|s| Ok(Box::new(Plane::new(s))))?;
    Ok(Box::new(Sequence::new(setup, parts)))
}
