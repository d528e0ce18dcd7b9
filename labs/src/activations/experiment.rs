use super::boundary::Boundary;
use super::layers::Layers;
use super::race::Race;
use super::setup::Setup;
use super::{ActivationSettings, Part};
use crate::work::{Make, Sequence};
use crate::{Context, Experiment, Result};

const PARTS: [(Part, Make<Setup>); 3] = [
    (Part::Layers, |s| Ok(Box::new(Layers::new(s)))),
    (Part::Race, |s| Ok(Box::new(Race::new(s)))),
    (Part::Boundary, |s| Ok(Box::new(Boundary::new(s)?))),
];

/// Loads the data and queues the parts that `settings` select; nothing is computed yet.
pub fn experiment(settings: ActivationSettings, context: Context) -> Result<Box<dyn Experiment>> {
    let selected = settings.part;
    let setup = Setup::new(settings, context)?;
    Ok(Box::new(Sequence::new(setup, &PARTS, |part| selected.map_or(part != Part::Timing, |only| only == part))?))
}
