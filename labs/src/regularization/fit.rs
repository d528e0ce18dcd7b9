//! One network trained under a set of regularisers.

use super::Regularizers;
use super::change::{Change, Knob};
use super::network::{Architecture, RegularizedNet};
use super::setup::{Evaluated, Setup, Task};
use crate::nn::{Mode, loss};
use crate::rng::{Stream, stream};
use crate::trainer::{Network, Recipe, Trainer};
use crate::{LabError, Result};
use candle_core::{DType, Tensor};
use std::sync::Arc;

/// Everything that decides a training but its data and its number.
#[derive(Debug, Clone)]
pub struct Spec {
    /// The network's shape.
    pub architecture: Architecture,
    /// What keeps it from overfitting.
    pub regularizers: Regularizers,
    /// How it is trained; its weight decay is not used, since that of the regularisers is.
    pub recipe: Recipe,
    /// Optimiser steps.
    pub steps: u64,
    /// Steps from one evaluation to the next; the first is before the first step, one is after the last.
    pub evaluate_every: u64,
    /// What changes on the way.
    pub changes: Vec<Change>,
}

/// A network on some samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// Mean cross-entropy, nats: without penalties, smoothing and dropout.
    pub loss: f64,
    /// Share of the samples classified right.
    pub accuracy: f64,
}

/// A network after some steps, evaluated without dropout and with running statistics.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Snapshot {
    /// Optimiser steps done.
    pub step: u64,
    /// On the training samples, with the labels that it was given.
    pub train: Score,
    /// On the validation samples.
    pub validation: Score,
    /// On the test samples.
    pub test: Score,
}

impl Snapshot {
    /// Validation loss less training loss, nats.
    #[must_use]
    pub fn gap(&self) -> f64 {
        self.validation.loss - self.train.loss
    }
}

/// One network in training.
pub struct Fit {
    task: Arc<Task>,
    regularizers: Regularizers,
    trainer: Trainer<RegularizedNet>,
    steps: u64,
    evaluate_every: u64,
    done: u64,
    over: bool,
    history: Vec<Snapshot>,
    /// The evaluation with the lowest validation loss.
    best: Option<Snapshot>,
    /// What the network was then, where it may have to come back.
    kept: Vec<Tensor>,
    /// Evaluations since then.
    waited: usize,
    stopped: Option<u64>,
    restored: bool,
    changes: Vec<Change>,
    marks: Vec<Change>,
    augment: Stream,
    trouble: Option<String>,
}

impl Fit {
    /// Network number `index` of the settings on `task` under `regularizers`. Fits of one index start with the same
    /// weights and see the same batches and masks, as far as their shapes and sizes agree.
    pub fn new(setup: &Setup, task: &Arc<Task>, regularizers: &Regularizers, index: u64) -> Result<Self> {
        Self::with(setup, task, setup.spec(regularizers.clone()), index)
    }

    /// The same with everything in `spec`.
    pub fn with(setup: &Setup, task: &Arc<Task>, spec: Spec, index: u64) -> Result<Self> {
        let net = setup.network(&spec.architecture, &spec.regularizers, index)?;
        let mut recipe = spec.recipe;
        recipe.rates.weight_decay = 0.0;
        let augment = stream(recipe.seed, "augment", index);
        Ok(Self {
            task: Arc::clone(task),
            regularizers: spec.regularizers,
            trainer: Trainer::new(net, recipe, index),
            steps: spec.steps,
            evaluate_every: spec.evaluate_every.max(1),
            done: 0,
            over: false,
            history: Vec::new(),
            best: None,
            kept: Vec::new(),
            waited: 0,
            stopped: None,
            restored: false,
            changes: spec.changes,
            marks: Vec::new(),
            augment,
            trouble: None,
        })
    }

    /// One optimiser step, and an evaluation where one is due; false when training is over. A loss that is not finite
    /// ends it too: see [`Fit::trouble`].
    pub fn step(&mut self) -> Result<bool> {
        if self.over {
            return Ok(false);
        }
        if self.history.is_empty() {
            self.evaluate()?;
        }
        self.apply_changes()?;
        match self.update() {
            Ok(()) => {}
            Err(LabError::NotFinite { what, .. }) => {
                self.trouble = Some(format!("{what} is not finite at step {}", self.done + 1));
                self.over = true;
                return Ok(false);
            }
            Err(other) => return Err(other),
        }
        self.done += 1;
        if self.done.is_multiple_of(self.evaluate_every) || self.done >= self.steps {
            self.evaluate()?;
            let patience = self.regularizers.patience;
            if patience > 0 && self.waited >= patience {
                self.stopped = Some(self.done);
            }
        }
        if self.stopped.is_some() || self.done >= self.steps {
            self.finish()?;
        }
        Ok(!self.over)
    }

    /// Queues `change`: it takes place as soon as its number of steps is done, at once where they are.
    pub fn change(&mut self, change: Change) {
        self.changes.push(change);
    }

    fn apply_changes(&mut self) -> Result<()> {
        let done = self.done;
        let (due, later): (Vec<Change>, Vec<Change>) = self.changes.drain(..).partition(|c| c.step <= done);
        self.changes = later;
        for change in due {
            match change.knob {
                Knob::Lr => self.trainer.optimizer.rates.lr = change.value,
                knob => self.regularizers.set(knob, change.value),
            }
            self.trainer.net.set_dropout(&self.regularizers)?;
            self.marks.push(Change { step: done, ..change });
        }
        Ok(())
    }

    fn update(&mut self) -> Result<()> {
        let data = &self.task.data;
        let rows = self.trainer.next_rows(data.train.len());
        let mut batch = data.train.select(data.dim, &rows);
        if self.regularizers.augmentation.is_active() {
            for sample in batch.features.chunks_exact_mut(data.dim) {
                self.regularizers.augmentation.apply(sample, data.image, &mut self.augment);
            }
        }
        let all: Vec<usize> = (0..batch.len()).collect();
        let (x, y) = batch.gather(data.dim, &all, self.task.train.x.device(), DType::F32)?;
        self.trainer.update(&x, &y, &self.regularizers)?;
        Ok(())
    }

    fn evaluate(&mut self) -> Result<()> {
        let task = Arc::clone(&self.task);
        let now = Snapshot {
            step: self.done,
            train: self.score(&task.train)?,
            validation: self.score(&task.validation)?,
            test: self.score(&task.test)?,
        };
        self.history.push(now);
        if self.best.is_some_and(|best| now.validation.loss >= best.validation.loss) {
            self.waited += 1;
            return Ok(());
        }
        self.best = Some(now);
        self.waited = 0;
        if self.regularizers.patience > 0 {
            let state = self.trainer.net.state();
            self.kept = state.iter().map(|var| var.as_detached_tensor().copy()).collect::<candle_core::Result<_>>()?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<()> {
        self.over = true;
        if !self.kept.is_empty() {
            for (var, value) in self.trainer.net.state().iter().zip(&self.kept) {
                var.set(value)?;
            }
            self.restored = true;
        }
        Ok(())
    }

    /// The network as it is now on `samples`.
    pub fn score(&self, samples: &Evaluated) -> Result<Score> {
        let logits = self.predict(&samples.x)?;
        let loss = f64::from(loss::cross_entropy(&logits, &samples.y)?.to_scalar::<f32>()?);
        Ok(Score { loss, accuracy: loss::accuracy(&logits, &samples.y)? })
    }

    /// Logits [rows, classes] of `x` [rows, features], without dropout.
    pub fn predict(&self, x: &Tensor) -> Result<Tensor> {
        Ok(self.trainer.net.forward(x, Mode::Eval)?.detach())
    }

    /// The same with dropout masks drawn anew, running statistics used (Gal and Ghahramani 2016).
    pub fn predict_dropped(&self, x: &Tensor) -> Result<Tensor> {
        Ok(self.trainer.net.trace(x, Mode::Eval, true)?.1.detach())
    }

    /// The outputs of each hidden layer for `x`, [rows, outputs] each, without dropout.
    pub fn features(&self, x: &Tensor) -> Result<Vec<Tensor>> {
        Ok(self.trainer.net.trace(x, Mode::Eval, false)?.0.iter().map(Tensor::detach).collect())
    }

    /// The network.
    #[must_use]
    pub fn net(&self) -> &RegularizedNet {
        &self.trainer.net
    }

    /// What it is trained and evaluated on.
    #[must_use]
    pub fn task(&self) -> &Task {
        &self.task
    }

    /// The regularisers at present.
    #[must_use]
    pub fn regularizers(&self) -> &Regularizers {
        &self.regularizers
    }

    /// All evaluations, in the order of their steps.
    #[must_use]
    pub fn history(&self) -> &[Snapshot] {
        &self.history
    }

    /// The evaluation with the lowest validation loss so far.
    #[must_use]
    pub fn best(&self) -> Option<Snapshot> {
        self.best
    }

    /// What the network is now: the best where its weights came back, else the newest.
    #[must_use]
    pub fn last(&self) -> Option<Snapshot> {
        if self.restored { self.best } else { self.history.last().copied() }
    }

    /// The step at which early stopping ended the training, if it did.
    #[must_use]
    pub fn stopped(&self) -> Option<u64> {
        self.stopped
    }

    /// The changes that were made, with the steps at which they were.
    #[must_use]
    pub fn marks(&self) -> &[Change] {
        &self.marks
    }

    /// Optimiser steps done.
    #[must_use]
    pub fn done(&self) -> u64 {
        self.done
    }

    /// Whether training is over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// Why training ended before its time, if it did.
    #[must_use]
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }
}
