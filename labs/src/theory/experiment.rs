use super::exercise::{Answer, Exercise, Inputs, Solution};
use super::{TheorySettings, exercises};
use crate::figure::{Figure, Kind, Table, readable};
use crate::{Experiment, Finding, Progress, Result, Status};
use candle_core::Tensor;

/// Exercises, solved one a step.
pub(super) struct Calculation {
    queue: Vec<(&'static Exercise, Inputs)>,
    solved: Vec<Solution>,
    seed: u64,
    /// One exercise with its inputs, rather than all with the notes' numbers.
    single: bool,
}

impl Calculation {
    pub fn new(settings: &TheorySettings, seed: u64) -> Self {
        let queue = match settings.exercise {
            Some(exercise) => vec![(exercise, settings.inputs.clone())],
            None => exercises::all().map(|e| (e, Inputs::defaults(e.inputs))).collect(),
        };
        Self { queue, solved: Vec::new(), seed, single: settings.exercise.is_some() }
    }

    /// What is solved, each exercise with its solution.
    fn done(&self) -> impl Iterator<Item = (&'static Exercise, &Inputs, &Solution)> {
        self.queue.iter().zip(&self.solved).map(|((exercise, inputs), solution)| (*exercise, inputs, solution))
    }

    fn table(&self) -> Figure {
        let columns = ["exercise", "answer", "computed", "unit", "the notes", "agree"];
        let mut rows = Vec::new();
        let (mut compared, mut agree) = (0, 0);
        for (exercise, inputs, solution) in self.done() {
            for answer in &solution.answers {
                let verdict = answer.agrees().filter(|_| inputs.are_defaults());
                compared += usize::from(verdict.is_some());
                agree += usize::from(verdict == Some(true));
                rows.push(row(exercise, answer, inputs.are_defaults(), verdict));
            }
        }
        let caption = match (self.done().next(), self.single) {
            (None, _) => "Nothing solved yet.".into(),
            (Some((exercise, ..)), true) => {
                let answer = rows.first().map(|r| format!(" {} is {}.", r[1], r[2])).unwrap_or_default();
                format!("{}{answer} Source: {}.", exercise.question, exercise.source)
            }
            (Some(_), false) => format!(
                "{} exercises solved; the notes print {compared} of these numbers, and {agree} of them are right.",
                self.solved.len()
            ),
        };
        let kind = Kind::Table(Table { columns: columns.map(String::from).to_vec(), rows });
        Figure { id: "answers".into(), title: "Computed beside printed".into(), caption, kind }
    }

    fn picture(&self, place: usize, exercise: &Exercise, title: &str) -> Figure {
        let empty = || ("Not solved yet.".to_string(), Kind::Table(Table { columns: vec![], rows: vec![] }));
        let (caption, kind) = self.solved.get(place).and_then(|s| s.picture.clone()).unwrap_or_else(empty);
        Figure { id: exercise.name.into(), title: title.into(), caption, kind }
    }
}

fn row(exercise: &Exercise, answer: &Answer, printed: bool, verdict: Option<bool>) -> Vec<String> {
    let f = &answer.finding;
    let agree = match verdict {
        Some(true) => "yes",
        Some(false) => "no",
        None => "",
    };
    let notes = if printed { answer.printed } else { "" };
    let name = f.name.replace('_', " ");
    vec![exercise.name.into(), name, readable(f.value), f.unit.clone(), notes.into(), agree.into()]
}

impl Experiment for Calculation {
    fn step(&mut self) -> Result<Status> {
        if let Some((exercise, inputs)) = self.queue.get(self.solved.len()) {
            let solution = (exercise.solve)(inputs, self.seed)?;
            self.solved.push(solution);
        }
        Ok(if self.solved.len() < self.queue.len() { Status::Running } else { Status::Finished })
    }

    fn progress(&self) -> Progress {
        Progress {
            done: self.solved.len() as u64,
            total: self.queue.len() as u64,
            stage: self.queue.get(self.solved.len()).map_or(String::new(), |(e, _)| format!("solving {}", e.name)),
            training_steps: 0,
        }
    }

    fn figures(&self) -> Vec<Figure> {
        let pictured = self.queue.iter().enumerate().filter_map(|(i, (e, _))| Some((i, *e, e.picture?)));
        let pictures = pictured.map(|(i, e, title)| self.picture(i, e, title));
        std::iter::once(self.table()).chain(pictures).collect()
    }

    fn findings(&self) -> Vec<Finding> {
        let named = |exercise: &Exercise, answer: &Answer| {
            let name = format!("{}_{}", exercise.name.replace('-', "_"), answer.finding.name);
            Finding { name, ..answer.finding.clone() }
        };
        self.done().flat_map(|(e, _, s)| s.answers.iter().map(move |a| named(e, a))).collect()
    }

    fn tensors(&self) -> Result<Vec<(String, Tensor)>> {
        Ok(Vec::new())
    }

    fn take_messages(&mut self) -> Vec<String> {
        Vec::new()
    }
}
