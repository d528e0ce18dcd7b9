//! Where the sentences of a lab stand with the run in progress. The worker does this, since intervals
//! of hundreds of sentences take longer than a frame.

use candelab_labs::claim::{Claim, Standing};
use candelab_labs::{Control, Finding, Lab, Result};
use std::sync::Arc;
use std::time::Instant;

/// Judging may cost this part of the time while the run goes on.
const SHARE: u32 = 20;

/// The claims of a lab and the settings of a run of it.
pub struct Judging {
    claims: Vec<Claim>,
    controls: Vec<Control>,
    standings: Arc<Vec<Standing>>,
    due: Instant,
}

impl Judging {
    /// Of a run of `lab` with `values`; nothing is judged yet.
    pub fn new(lab: &dyn Lab, values: &[(String, String)]) -> Result<Self> {
        let (claims, controls) = (lab.claims()?, lab.configure(values)?);
        Ok(Self { claims, controls, standings: Arc::default(), due: Instant::now() })
    }

    /// What `findings` over `seeds` finished seeds say; while the run `goes_on`, what they said lately.
    pub fn judge(&mut self, findings: &[Finding], seeds: u64, goes_on: bool) -> Arc<Vec<Standing>> {
        let begun = Instant::now();
        if !goes_on || begun >= self.due {
            let standings = self.claims.iter().map(|c| c.stand(&self.controls, findings, seeds));
            self.standings = Arc::new(standings.collect());
            self.due = Instant::now() + begun.elapsed() * SHARE;
        }
        Arc::clone(&self.standings)
    }

    /// The same for a run whose settings were changed on the way: it is of neither setting.
    pub fn refuse(&self) -> Arc<Vec<Standing>> {
        let reason = "the settings were changed during the run: start again".to_owned();
        Arc::new(vec![Standing::Open(reason); self.claims.len()])
    }
}
