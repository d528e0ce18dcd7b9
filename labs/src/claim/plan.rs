//! Which runs judge a list of claims: as few and as narrow as their settings allow.

use super::Claim;
use crate::control::{Domain, WHOLE};
use crate::lab::{self, Lab, Preset};
use crate::{Control, LabError, Result};

/// One run and the claims that it judges.
pub struct PlannedRun {
    /// The lab.
    pub lab: &'static dyn Lab,
    /// Settings laid over its defaults.
    pub settings: Vec<(String, String)>,
    /// The controls that these settings give.
    pub controls: Vec<Control>,
    /// How many seeds are run.
    pub seeds: u64,
    /// Places in the list that was planned for.
    pub claims: Vec<usize>,
}

/// The runs that judge `claims`: a report's run of that `preset` where one has the settings, else a run
/// of the claim's own; of either only the part that the claim names. Claims of equal settings share a
/// run, whose seeds are the most that one of them needs, and at least `seeds`.
///
/// # Errors
/// A lab, control or value that does not exist, with the claim's place in its file.
pub fn plan(claims: &[Claim], preset: Preset, seeds: u64) -> Result<Vec<PlannedRun>> {
    let mut runs: Vec<PlannedRun> = Vec::new();
    for (index, claim) in claims.iter().enumerate() {
        let in_claim = |e: LabError| LabError::BadFile {
            path: claim.place.split(": ").next().unwrap_or_default().into(),
            place: claim.place.split(": ").nth(1).unwrap_or_default().into(),
            problem: format!("claim '{}': {e}", claim.id),
            expected: "a lab and controls as `candelab list` names them".into(),
        };
        let lab = lab::find(&claim.lab).map_err(in_claim)?;
        let (settings, controls) = settings(claim, lab, preset).map_err(in_claim)?;
        let wanted = claim.seeds.max(seeds);
        match runs.iter_mut().find(|r| r.lab.id() == lab.id() && r.controls == controls) {
            Some(run) => {
                run.claims.push(index);
                run.seeds = run.seeds.max(wanted);
            }
            None => runs.push(PlannedRun { lab, settings, controls, seeds: wanted, claims: vec![index] }),
        }
    }
    Ok(runs)
}

type Configured = (Vec<(String, String)>, Vec<Control>);

fn settings(claim: &Claim, lab: &dyn Lab, preset: Preset) -> Result<Configured> {
    for case in lab.cases(preset) {
        let mut settings = case.settings;
        for (name, value) in narrowing(claim, lab, &settings)? {
            settings.retain(|(other, _)| *other != name);
            settings.push((name, value));
        }
        // A case that lacks a control of the claim is just not the one.
        if let Ok(controls) = lab.configure(&settings)
            && claim.applies(&controls)
        {
            return Ok((settings, controls));
        }
    }
    let mut own: Vec<_> = claim.settings.clone().into_iter().collect();
    let controls = lab.configure(&own)?;
    for (name, least) in &claim.minimum {
        let present = controls.iter().find(|c| c.name == name).and_then(|c| c.value.parse::<f64>().ok());
        if present.is_none_or(|v| v < *least) {
            own.push((name.clone(), least.to_string()));
        }
    }
    let controls = lab.configure(&own)?;
    Ok((own, controls))
}

/// The settings of the claim that choose one of the parts that a run with `settings` has all of.
fn narrowing(claim: &Claim, lab: &dyn Lab, settings: &[(String, String)]) -> Result<Vec<(String, String)>> {
    let controls = lab.configure(settings)?;
    let whole = |c: &&Control| c.value == WHOLE && matches!(c.domain, Domain::Choice { .. });
    let chosen = |c: &Control| Some((c.name.to_string(), claim.settings.get(c.name)?.clone()));
    Ok(controls.iter().filter(whole).filter_map(chosen).collect())
}
