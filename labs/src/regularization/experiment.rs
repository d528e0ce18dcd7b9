use super::curves::Curves;
use super::methods::Methods;
use super::setup::Setup;
use super::{Part, RegularizationSettings};
use crate::work::{Make, Sequence};
use crate::{Context, Experiment, Result};

const PARTS: [(Part, Make<Setup>); 2] =
    [(Part::Curves, |s| Ok(Box::new(Curves::new(s)?))), (Part::Methods, |s| Ok(Box::new(Methods::new(s)?)))];

/// Loads the data and queues the parts that `settings` select; nothing is trained yet.
pub fn experiment(settings: RegularizationSettings, context: Context) -> Result<Box<dyn Experiment>> {
    let selected = settings.part;
    let setup = Setup::new(settings, context)?;
    Ok(Box::new(Sequence::new(setup, &PARTS, |part| selected.is_none_or(|only| only == part))?))
}
