use crate::claim::Claim;
use crate::error::suggest;
use crate::{Context, Control, Experiment, LabError, Result};

/// How much of an experiment a report runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// A report within a minute or so on two cores.
    Quick,
    /// The defaults of the controls.
    Standard,
    /// Wider, deeper, more seeds.
    Full,
}

/// One run of a report: settings laid over the defaults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// What sets it apart from the lab's other runs, as a word; empty for the main one.
    pub name: String,
    /// (control, value).
    pub settings: Vec<(String, String)>,
}

impl Case {
    /// A run called `name` with `settings`.
    #[must_use]
    pub fn new(name: &str, settings: &[(&str, &str)]) -> Self {
        let settings = settings.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
        Self { name: name.into(), settings }
    }
}

/// One question about deep learning: its controls, its experiment, its claims.
pub trait Lab: Sync {
    /// The word on the command line.
    fn id(&self) -> &'static str;

    /// A title of a few words.
    fn title(&self) -> &'static str;

    /// The question, in a sentence.
    fn question(&self) -> &'static str;

    /// The controls with their defaults.
    fn controls(&self) -> Vec<Control>;

    /// Checks `values` (name, text) without starting anything, and answers the controls with them.
    fn configure(&self, values: &[(String, String)]) -> Result<Vec<Control>>;

    /// Starts the experiment with `values` laid over the defaults.
    fn start(&self, values: &[(String, String)], context: Context) -> Result<Box<dyn Experiment>>;

    /// The runs that a report of this preset is made of.
    fn cases(&self, preset: Preset) -> Vec<Case>;

    /// The sentences of the notes that this lab can judge.
    fn claims(&self) -> Result<Vec<Claim>>;
}

/// Every lab, in the order in which a list shows them.
#[must_use]
pub fn registry() -> &'static [&'static dyn Lab] {
    &[&crate::gradients::Gradients]
}

/// The lab called `id`.
pub fn find(id: &str) -> Result<&'static dyn Lab> {
    let labs = registry();
    labs.iter()
        .copied()
        .find(|lab| lab.id() == id)
        .ok_or_else(|| LabError::UnknownLab { name: id.into(), hint: suggest(id, labs.iter().map(|lab| lab.id())) })
}
