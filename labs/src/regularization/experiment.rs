use super::capacity::Capacity;
use super::curves::Curves;
use super::identities::Identities;
use super::mc_dropout::Ensemble;
use super::memorise::Memorise;
use super::methods::Methods;
use super::rates::Rates;
use super::reliability::Calibration;
use super::resamples::Resamples;
use super::setup::Setup;
use super::sizes::Sizes;
use super::sparsity::WeightSparsity;
use super::{Part, RegularizationSettings};
use crate::work::{Make, Sequence};
use crate::{Context, Experiment, Result};

const PARTS: [(Part, Make<Setup>); 11] = [
    (Part::Curves, |s| Ok(Box::new(Curves::new(s)?))),
    (Part::Methods, |s| Ok(Box::new(Methods::new(s)?))),
    (Part::Rates, |s| Ok(Box::new(Rates::new(s)?))),
    (Part::Sizes, |s| Ok(Box::new(Sizes::new(s)?))),
    (Part::Capacity, |s| Ok(Box::new(Capacity::new(s)))),
    (Part::Memorise, |s| Ok(Box::new(Memorise::new(s)))),
    (Part::Calibration, |s| Ok(Box::new(Calibration::new(s)?))),
    (Part::Ensemble, |s| Ok(Box::new(Ensemble::new(s)?))),
    (Part::Sparsity, |s| Ok(Box::new(WeightSparsity::new(s)?))),
    (Part::Resamples, |s| Ok(Box::new(Resamples::new(s)))),
    (Part::Identities, |s| Ok(Box::new(Identities::new(s)))),
];

/// Loads the data and queues the parts that `settings` select; nothing is trained yet.
pub fn experiment(settings: RegularizationSettings, context: Context) -> Result<Box<dyn Experiment>> {
    let selected = settings.part;
    let setup = Setup::new(settings, context)?;
    Ok(Box::new(Sequence::new(setup, &PARTS, |part| selected.is_none_or(|only| only == part))?))
}
