use super::exercise::{Exercise, Inputs};
use super::exercises;
use crate::control::{Settings, Visitor};

/// The controls of the lab: which exercise, and the inputs of that one.
#[derive(Debug, Clone)]
pub struct TheorySettings {
    /// `None`: all of them, each with the notes' numbers.
    pub exercise: Option<&'static Exercise>,
    /// Of the exercise.
    pub inputs: Inputs,
}

impl std::fmt::Debug for Exercise {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl Default for TheorySettings {
    fn default() -> Self {
        Self { exercise: None, inputs: Inputs::defaults(&[]) }
    }
}

impl Settings for TheorySettings {
    fn visit(&mut self, v: &mut dyn Visitor) {
        let all: Vec<&'static Exercise> = exercises::all().collect();
        let names: Vec<&'static str> = std::iter::once("all").chain(all.iter().map(|e| e.name)).collect();
        let current = self.exercise.map_or("all", |e| e.name);
        if let Some(index) = v.word("exercise", current, &names, "which calculation; its inputs are controls too") {
            self.exercise = index.checked_sub(1).and_then(|i| all.get(i).copied());
            self.inputs = Inputs::defaults(self.exercise.map_or(&[], |e| e.inputs));
        }
        self.inputs.visit(v);
    }
}
