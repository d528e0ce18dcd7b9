//! The lab's sentences: which is selected, what the run says of it, and how to run it.

use super::controls::Controls;
use super::{App, Effect, Notice, Pane};
use crate::tui::snapshot::RunState;
use crate::tui::worker::Command;
use candelab_labs::Preset;
use candelab_labs::claim::{Claim, Standing, Verdict, plan};

/// The view of the claims.
#[derive(Default)]
pub struct Claims {
    /// Whether it has the place of the figures.
    pub open: bool,
    /// The lab's claims, read when the view is opened.
    pub list: Vec<Claim>,
    /// Why they cannot be read.
    pub problem: Option<String>,
    /// The selected row, among those that the filter lets through.
    pub row: usize,
}

impl App {
    /// The verdict of the run on the claim at `index`, or why there is none.
    pub fn standing(&self, index: usize) -> Result<&Verdict, &str> {
        match (self.snapshot.standings.get(index), self.state()) {
            (Some(Standing::Judged(verdict)), state)
                if state.in_progress() && verdict.judged.measured.value.is_nan() =>
            {
                Err("not measured yet")
            }
            (Some(Standing::Judged(verdict)), _) => Ok(verdict),
            (Some(Standing::Open(reason)), _) => Err(reason),
            (None, _) if self.running.is_none() => Err("not run yet"),
            (None, RunState::Failed(_)) => Err("the run failed"),
            (None, _) => Err("not judged yet"),
        }
    }

    /// The claims that the filter lets through, by index: those that have each of its words in their
    /// name, sentence, source, rows or verdict. Letters in order, as elsewhere, are in most sentences.
    pub fn visible_claims(&self) -> Vec<usize> {
        let filter = self.filter(Pane::Claims).to_lowercase();
        let text = |i: usize| {
            let Claim { id, en, source, rows, .. } = &self.claims.list[i];
            let verdict = self.standing(i).map_or("", |v| v.judged.judgement.name());
            format!("{id} {en} {source} {} {verdict}", rows.join(" ")).to_lowercase()
        };
        let has = |i: &usize| filter.is_empty() || filter.split_whitespace().all(|word| text(*i).contains(word));
        (0..self.claims.list.len()).filter(has).collect()
    }

    /// The selected claim, by index.
    pub fn selected_claim(&self) -> Option<usize> {
        let visible = self.visible_claims();
        visible.get(self.claims.row.min(visible.len().saturating_sub(1))).copied()
    }

    /// Opens the view, goes to it, or closes it where the keys are there already.
    pub(super) fn turn_claims(&mut self) {
        if self.claims.open && self.focus == Pane::Claims {
            self.close_claims();
            return;
        }
        if !self.claims.open {
            self.claims.open = true;
            self.load_claims();
        }
        self.focus = Pane::Claims;
    }

    /// Reads the claims of the opened lab, where they are looked at.
    pub(super) fn load_claims(&mut self) {
        if !self.claims.open {
            return;
        }
        let (list, problem) = match self.lab().claims() {
            Ok(list) => (list, None),
            Err(error) => (Vec::new(), Some(error.to_string())),
        };
        self.claims = Claims { open: true, list, problem, row: 0 };
        self.effects.push(Effect::Tell(Command::Judge(true)));
    }

    /// Puts the figures in their place again.
    pub(super) fn close_claims(&mut self) {
        if !self.claims.open {
            return;
        }
        self.claims.open = false;
        if self.focus == Pane::Claims {
            self.focus = Pane::Figures;
        }
        self.effects.push(Effect::Tell(Command::Judge(false)));
    }

    /// Goes to the figure of this run that shows what the selected claim says.
    pub(super) fn open_evidence(&mut self) {
        let Some(index) = self.selected_claim() else { return };
        let id = self.claims.list[index].figure.clone();
        let found = self.figures().iter().position(|f| id.is_empty() || f.id == id);
        let Some(figure) = found else {
            let what = if id.is_empty() { "no figure yet".into() } else { format!("no figure '{id}'") };
            self.complain(&format!("this run has {what}; t runs the claim"));
            return;
        };
        let reason = self.standing(index).err().map(|r| format!("no evidence: {r}"));
        self.notice = reason.map(|text| Notice { text, bad: false });
        self.close_claims();
        self.set_filter(Pane::Figures, "");
        self.figure = figure;
        self.focus = Pane::Figures;
    }

    /// Starts the run that judges the selected claim: the controls take its settings.
    pub(super) fn run_claim(&mut self) {
        let Some(claim) = self.selected_claim().map(|i| self.claims.list[i].clone()) else { return };
        let planned = match plan(std::slice::from_ref(&claim), Preset::Quick, 1) {
            Ok(planned) => planned,
            Err(error) => return self.complain(&error.to_string()),
        };
        let Some(run) = planned.first() else { return };
        if run.lab.id() != self.lab().id() {
            return self.complain(&format!("the lab '{}' judges this claim: open it", run.lab.id()));
        }
        match Controls::new(self.lab(), &run.settings) {
            Ok(mut controls) => {
                controls.row = self.controls.row.min(controls.now.len().saturating_sub(1));
                self.controls = controls;
                self.start(false, run.seeds);
            }
            Err(error) => self.complain(&error.to_string()),
        }
    }
}
