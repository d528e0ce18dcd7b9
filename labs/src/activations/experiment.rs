use super::approximations::Approximations;
use super::curves::Curves;
use super::properties::Properties;
use super::quantisation::Quantisation;
use super::setup::Setup;
use super::timing::Timing;
use super::{ActivationSettings, Part};
use crate::work::{Sequence, Work};
use crate::{Context, Experiment, Result};

/// How a part is queued.
type Make = dyn Fn(&Setup) -> Result<Box<dyn Work<Setup>>>;

/// Loads the data and queues the parts that `settings` select; nothing is computed yet.
pub fn experiment(settings: ActivationSettings, context: Context) -> Result<Box<dyn Experiment>> {
    let selection = settings.part;
    let setup = Setup::new(settings, context)?;
    let mut parts: Vec<Box<dyn Work<Setup>>> = Vec::new();
    let mut add = |part, make: &Make| -> Result<()> {
        if selection.map_or(part != Part::Timing, |only| only == part) {
            parts.push(make(&setup)?);
        }
        Ok(())
    };
    add(Part::Curves, &|setup| Ok(Box::new(Curves::new(setup))))?;
    add(Part::Properties, &|setup| Ok(Box::new(Properties::new(setup))))?;
    add(Part::Approximations, &|_| Ok(Box::new(Approximations::default())))?;
    add(Part::Quantisation, &|setup| Ok(Box::new(Quantisation::new(setup))))?;
    add(Part::Timing, &|setup| Ok(Box::new(Timing::new(setup)?)))?;
    Ok(Box::new(Sequence::new(setup, parts)))
}
