use super::curves::Curves;
use super::memorise::Memorise;
use super::methods::Methods;
use super::rates::Rates;
use super::resamples::Resamples;
use super::setup::Setup;
use super::sizes::Sizes;
use super::{Part, RegularizationSettings};
use crate::work::{Make, Sequence};
use crate::{Context, Experiment, Result};

const PARTS: [(Part, Make<Setup>); 6] = [
    (Part::Curves, |s| Ok(Box::new(Curves::new(s)?))),
    (Part::Methods, |s| Ok(Box::new(Methods::new(s)?))),
    (Part::Rates, |s| Ok(Box::new(Rates::new(s)?))),
    (Part::Sizes, |s| Ok(Box::new(Sizes::new(s)?))),
    (Part::Memorise, |s| Ok(Box::new(Memorise::new(s)))),
    (Part::Resamples, |s| Ok(Box::new(Resamples::new(s)))),
];

/// Loads the data and queues the parts that `settings` select; nothing is trained yet.
pub fn experiment(settings: RegularizationSettings, context: Context) -> Result<Box<dyn Experiment>> {
    let selected = settings.part;
    let setup = Setup::new(settings, context)?;
    Ok(Box::new(Sequence::new(setup, &PARTS, |part| selected.is_none_or(|only| only == part))?))
}
