use super::capacity::Capacity;
use super::curves::Curves;
use super::identities::Identities;
use super::mc_dropout::Ensemble;
use super::methods::Methods;
use super::reliability::Calibration;
use super::setup::Setup;
use super::sparsity::WeightSparsity;
use super::{Part, RegularizationSettings};
use crate::work::{Make, Sequence};
use crate::{Context, Experiment, Result};

const PARTS: [(Part, Make<Setup>); 7] = [
    (Part::Curves, |s| Ok(Box::new(Curves::new(s)?))),
    (Part::Methods, |s| Ok(Box::new(Methods::new(s)?))),
    (Part::Capacity, |s| Ok(Box::new(Capacity::new(s)))),
    (Part::Calibration, |s| Ok(Box::new(Calibration::new(s)?))),
    (Part::Ensemble, |s| Ok(Box::new(Ensemble::new(s)?))),
    (Part::Sparsity, |s| Ok(Box::new(WeightSparsity::new(s)?))),
    (Part::Identities, |s| Ok(Box::new(Identities::new(s)))),
];

/// Loads the data and queues the parts that `settings` select; nothing is trained yet.
pub fn experiment(settings: RegularizationSettings, context: Context) -> Result<Box<dyn Experiment>> {
    let selected = settings.part;
    let setup = Setup::new(settings, context)?;
    Ok(Box::new(Sequence::new(setup, &PARTS, |part| selected.is_none_or(|only| only == part))?))
}
