//! `candelab list`.

use anyhow::Result;
use candelab_labs::claim::ledger::{self, Coverage};
use candelab_labs::{Lab, claim, registry};
use serde_json::{Value, json};
use std::io::Write;

pub fn list(as_json: bool) -> Result<()> {
    let mut out = std::io::stdout().lock();
    if as_json {
        let labs = registry().iter().map(|lab| describe(*lab)).collect::<Result<Vec<_>>>()?;
        writeln!(out, "{}", serde_json::to_string_pretty(&json!({ "schema": "candelab.list/1", "labs": labs }))?)?;
        return Ok(());
    }
    for lab in registry() {
        write_lab(&mut out, *lab)?;
    }
    Ok(())
}

/// Every sentence of the notes that was looked at, and the claims that test it or why none does.
pub fn coverage(as_json: bool) -> Result<()> {
    let rows = ledger::coverage(&claim::all()?)?;
    let mut out = std::io::stdout().lock();
    if as_json {
        let rows: Vec<Value> = rows.iter().map(row_as_json).collect();
        writeln!(out, "{}", serde_json::to_string_pretty(&json!({ "schema": "candelab.coverage/1", "rows": rows }))?)?;
        return Ok(());
    }
    let width = rows.iter().map(|c| c.row.source.len()).max().unwrap_or(0);
    for Coverage { row, claims } in &rows {
        let said = if claims.is_empty() { format!("not covered: {}", row.reason) } else { claims.join(", ") };
        writeln!(out, "{}  {:width$}  {:14}  {}\n       {said}", row.row, row.source, row.lab, row.topic)?;
    }
    let covered = rows.iter().filter(|c| !c.claims.is_empty()).count();
    writeln!(out, "\n{covered} of {} sentences are tested by claims; the others say why not", rows.len())?;
    Ok(())
}

fn row_as_json(coverage: &Coverage) -> Value {
    let Coverage { row, claims } = coverage;
    json!({ "row": row.row, "source": row.source, "lab": row.lab, "topic": row.topic, "claims": claims, "reason": row.reason })
}

fn describe(lab: &dyn Lab) -> Result<Value> {
    Ok(json!({
        "id": lab.id(),
        "title": lab.title(),
        "question": lab.question(),
        "controls": lab.controls(),
        "claims": lab.claims()?,
    }))
}

fn write_lab(out: &mut impl Write, lab: &dyn Lab) -> Result<()> {
    writeln!(out, "{}  {}\n  {}\n\n  controls", lab.id(), lab.title(), lab.question())?;
    let controls = lab.controls();
    let width = |f: &dyn Fn(&candelab_labs::Control) -> usize| controls.iter().map(f).max().unwrap_or(0);
    let (names, values) = (width(&|c| c.name.len()), width(&|c| c.value.len()));
    for c in &controls {
        writeln!(out, "    {:names$}  {:values$}  {} ({})", c.name, c.value, c.help, c.domain.describe())?;
    }
    writeln!(out, "\n  claims")?;
    for claim in lab.claims()? {
        writeln!(out, "    {}\n      {}\n      source: {}", claim.id, claim.en, claim.source)?;
    }
    Ok(())
}
