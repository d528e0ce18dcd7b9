use super::boundary::Boundary;
use super::layers::Layers;
use super::race::Race;
use super::revival::Revival;
use super::setup::Setup;
use super::{ActivationSettings, Part};
use crate::work::{Sequence, Work};
use crate::{Context, Experiment, Result};

/// Loads the data and queues the parts that `settings` select; nothing is computed yet.
pub fn experiment(settings: ActivationSettings, context: Context) -> Result<Box<dyn Experiment>> {
    let selection = settings.part;
    let setup = Setup::new(settings, context)?;
    let mut parts: Vec<Box<dyn Work<Setup>>> = Vec::new();
    let mut add = |part, make: &dyn Fn(&Setup) -> Result<Box<dyn Work<Setup>>>| -> Result<()> {
        if selection.map_or(part != Part::Timing, |only| only == part) {
            parts.push(make(&setup)?);
        }
        Ok(())
    };
    add(Part::Layers, &|setup| Ok(Box::new(Layers::new(setup))))?;
    add(Part::Race, &|setup| Ok(Box::new(Race::new(setup))))?;
    add(Part::Boundary, &|setup| Ok(Box::new(Boundary::new(setup)?)))?;
    add(Part::Revival, &|setup| Ok(Box::new(Revival::new(setup))))?;
    Ok(Box::new(Sequence::new(setup, parts)))
}
