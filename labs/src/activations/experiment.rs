use super::approximations::Approximations;
use super::boundary::Boundary;
use super::curves::Curves;
use super::layers::Layers;
use super::numbers::Numbers;
use super::properties::Properties;
use super::quantisation::Quantisation;
use super::race::Race;
use super::regression::Regression;
use super::revival::Revival;
use super::setup::Setup;
use super::shapes::Shapes;
use super::swap::Swap;
use super::timing::Timing;
use super::{ActivationSettings, Part};
use crate::work::{Make, Sequence};
use crate::{Context, Experiment, Result};

const PARTS: [(Part, Make<Setup>); 13] = [
    (Part::Curves, |s| Ok(Box::new(Curves::new(s)))),
    (Part::Properties, |s| Ok(Box::new(Properties::new(s)))),
    (Part::Approximations, |_| Ok(Box::new(Approximations::default()))),
    (Part::Quantisation, |s| Ok(Box::new(Quantisation::new(s)))),
    (Part::Layers, |s| Ok(Box::new(Layers::new(s)))),
    (Part::Race, |s| Ok(Box::new(Race::new(s)))),
    (Part::Boundary, |s| Ok(Box::new(Boundary::new(s)?))),
    (Part::Revival, |s| Ok(Box::new(Revival::new(s)))),
    (Part::Numbers, |_| Ok(Box::new(Numbers::default()))),
    (Part::Regression, |s| Ok(Box::new(Regression::new(s)))),
    (Part::Swap, |s| Ok(Box::new(Swap::new(s)))),
    (Part::Shapes, |s| Ok(Box::new(Shapes::new(s)))),
    (Part::Timing, |s| Ok(Box::new(Timing::new(s)?))),
];

/// Loads the data and queues the parts that `settings` select; nothing is computed yet.
pub fn experiment(settings: ActivationSettings, context: Context) -> Result<Box<dyn Experiment>> {
    let selected = settings.part;
    let setup = Setup::new(settings, context)?;
    Ok(Box::new(Sequence::new(setup, &PARTS, |part| selected.map_or(part != Part::Timing, |only| only == part))?))
}
