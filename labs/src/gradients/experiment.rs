use super::correlation::Correlation;
use super::jacobian::Jacobian;
use super::matrix::Matrix;
use super::plane::Plane;
use super::profile::Profile;
use super::setup::{Setup, Work};
use super::sweep::Sweep;
use super::trainable::Trainable;
use super::training::Training;
use super::{GradientSettings, Part};
use crate::nn::Mlp;
use crate::{Context, Experiment, Figure, Finding, Progress, Result, Status};
use candle_core::Tensor;

/// The parts of the lab, one after the other.
pub struct GradientExperiment {
    setup: Setup,
    parts: Vec<Box<dyn Work>>,
    current: usize,
    steps: u64,
    messages: Vec<String>,
}

impl GradientExperiment {
    /// Loads the data and queues the parts that `settings` select; nothing is computed yet.
    pub fn new(settings: GradientSettings, context: Context) -> Result<Self> {
        let selection = settings.part;
        let setup = Setup::new(settings, context)?;
        let mut parts: Vec<Box<dyn Work>> = Vec::new();
        let mut add = |part, make: &dyn Fn(&Setup) -> Result<Box<dyn Work>>| -> Result<()> {
            if selection.has(part) {
                parts.push(make(&setup)?);
            }
            Ok(())
        };
        add(Part::Profile, &|s| Ok(Box::new(Profile::new(s)?)))?;
        add(Part::Correlation, &|s| Ok(Box::new(Correlation::new(s))))?;
        add(Part::Jacobian, &|s| Ok(Box::new(Jacobian::new(s)?)))?;
        add(Part::Training, &|s| Ok(Box::new(Training::new(s)?)))?;
        add(Part::Sweep, &|s| Ok(Box::new(Sweep::new(s)?)))?;
        add(Part::Matrix, &|s| Ok(Box::new(Matrix::new(s))))?;
        add(Part::Plane, &|s| Ok(Box::new(Plane::new(s))))?;
        add(Part::Trainable, &|s| Ok(Box::new(Trainable::new(s))))?;
        let data = &setup.data;
        let message = format!(
            "data '{}': {} training and {} test samples, {} features, {} classes",
            data.name,
            data.train.len(),
            data.test.len(),
            data.dim,
            data.classes
        );
        Ok(Self { setup, parts, current: 0, steps: 0, messages: vec![message] })
    }
}

impl GradientExperiment {
    /// What did not go as it should, for the time when all is done; mostly nothing.
    fn troubles(&self) -> String {
        self.parts.iter().filter_map(|p| p.trouble()).collect::<Vec<_>>().join("; ")
    }
}

impl Experiment for GradientExperiment {
    fn step(&mut self) -> Result<Status> {
        let Some(part) = self.parts.get_mut(self.current) else { return Ok(Status::Finished) };
        self.steps += 1;
        if !part.step(&self.setup)? {
            self.messages.extend(part.messages());
            let end = if part.trouble().is_some() { "ended early" } else { "finished" };
            self.messages.push(format!("{end}: {}", part.title()));
            self.current += 1;
        }
        Ok(if self.current < self.parts.len() { Status::Running } else { Status::Finished })
    }

    fn progress(&self) -> Progress {
        let (mut total, mut done) = (0.0, 0.0);
        for (i, part) in self.parts.iter().enumerate() {
            let (all, some) = part.cost();
            total += all;
            done += if i < self.current { all } else { some };
        }
        Progress {
            done: done as u64,
            total: total as u64,
            stage: self.parts.get(self.current).map_or_else(|| self.troubles(), |p| p.stage()),
            training_steps: self.parts.iter().map(|p| p.training_steps()).sum(),
        }
    }

    fn figures(&self) -> Vec<Figure> {
        self.parts.iter().flat_map(|p| p.figures(&self.setup)).collect()
    }

    fn findings(&self) -> Vec<Finding> {
        self.parts.iter().flat_map(|p| p.findings(&self.setup)).collect()
    }

    /// The batch, and weights and gradients of network 0 before training.
    fn tensors(&self) -> Result<Vec<(String, Tensor)>> {
        let setup = &self.setup;
        let measured = setup.measure(setup.network(), 0, setup.settings.samples)?;
        let mut list = vec![("batch.x".into(), setup.x.clone()), ("batch.y".into(), setup.y.clone())];
        for (name, var) in Mlp::parameters(&measured.net) {
            list.push((format!("grad.{name}"), super::setup::gradient(&measured.grads, &var)?));
            list.push((name, var.as_detached_tensor()));
        }
        for (l, grad) in measured.inputs.iter().enumerate() {
            list.push((format!("grad.input.{l}"), grad.clone()));
        }
        Ok(list)
    }

    fn take_messages(&mut self) -> Vec<String> {
        if let Some(part) = self.parts.get_mut(self.current) {
            self.messages.extend(part.messages());
        }
        std::mem::take(&mut self.messages)
    }
}
