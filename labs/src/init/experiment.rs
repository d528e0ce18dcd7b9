use super::loss::FirstLoss;
use super::setup::Setup;
use super::spread::Spread;
use super::training::Training;
use super::weights::Weights;
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
    add(Part::Weights, &|s| Ok(Box::new(Weights::new(s)?)))?;
    add(Part::Spread, &|s| Ok(Box::new(Spread::new(s)?)))?;
    add(Part::Loss, &|s| Ok(Box::new(FirstLoss::new(s)?)))?;
    add(Part::Training, &|s| Ok(Box::new(Training::new(s)?)))?;
    Ok(Box::new(Sequence::new(setup, parts)))
}
