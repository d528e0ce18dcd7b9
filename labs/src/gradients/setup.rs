//! What every part of the experiment is given, and the one measurement that most of them share.

use super::GradientSettings;
use crate::data::{self, Dataset};
use crate::figure::{Axis, Figure, Series, readable};
use crate::nn::clip::norm;
use crate::nn::{Mlp, MlpConfig, Mode, loss};
use crate::rng::stream;
use crate::{Context, Finding, LabError, Result};
use candle_core::backprop::GradStore;
use candle_core::{DType, Device, Tensor};

/// Settings, data and the batch on which gradients are measured.
#[derive(Debug)]
pub struct Setup {
    pub settings: GradientSettings,
    pub seed: u64,
    pub device: Device,
    /// Scaled as the settings say.
    pub data: Dataset,
    /// [samples, dim], in the measuring type.
    pub x: Tensor,
    /// [samples], u32.
    pub y: Tensor,
    /// The loss of one who knows the share of each class and nothing else, nats: the entropy of the
    /// training labels.
    pub guess: f64,
    /// The accuracy of one who always names the commonest class of the training set.
    pub commonest: f64,
    /// Measured in f64 where the device has it, so that a hundred layers of 0.2 do not underflow.
    pub dtype: DType,
}

impl Setup {
    pub fn new(settings: GradientSettings, context: Context) -> Result<Self> {
        let data = data::load(&settings.data, context.seed)?.scaled(settings.scaling);
        let (guess, commonest) = prior(&data.train.labels, data.classes);
        check_size(&settings, data.dim)?;
        let dtype = if context.device.is_metal() { DType::F32 } else { DType::F64 };
        let mut order = stream(context.seed, "measure", 0).permutation(data.train.len());
        order.truncate(settings.samples);
        let (x, y) = data.train.gather(data.dim, &order, &context.device, dtype)?;
        Ok(Self { settings, seed: context.seed, device: context.device, data, x, y, guess, commonest, dtype })
    }

    pub fn network(&self) -> MlpConfig {
        self.settings.network(self.data.dim, self.data.classes)
    }

    /// Mean square of the measured batch's features: q^0 of mean-field theory.
    pub fn input_square(&self) -> Result<f64> {
        Ok(self.x.to_dtype(DType::F64)?.sqr()?.mean_all()?.to_scalar()?)
    }

    /// Network `index` of make `config`, its gradients on the first `samples` of the batch.
    pub fn measure(&self, config: MlpConfig, index: u64, samples: usize) -> Result<Measured> {
        let samples = samples.min(self.x.dim(0)?);
        let (x, y) = (self.x.narrow(0, 0, samples)?, self.y.narrow(0, 0, samples)?);
        let net = Mlp::new(config, self.seed, index, self.dtype, &self.device)?;
        let probes = net.probes(samples, self.dtype, &self.device)?;
        let trace = net.trace(&x, Mode::Batch, Some(&probes))?;
        let grads = loss::cross_entropy(&trace.logits, &y)?.backward()?;
        let inputs: Vec<Tensor> = probes.iter().map(|p| gradient(&grads, p)).collect::<Result<_>>()?;
        Ok(Measured { net, grads, inputs })
    }
}

/// Entropy of `labels` in nats, and the share of the commonest one.
fn prior(labels: &[u32], classes: usize) -> (f64, f64) {
    let mut counts = vec![0_usize; classes];
    for label in labels {
        counts[*label as usize] += 1;
    }
    let shares: Vec<f64> = counts.iter().map(|c| *c as f64 / labels.len() as f64).collect();
    let entropy = -shares.iter().filter(|p| **p > 0.0).map(|p| p * p.ln()).sum::<f64>();
    (entropy, shares.into_iter().fold(0.0, f64::max))
}

/// Activations of one measurement, above which it would take gigabytes and seconds.
const MOST_ACTIVATIONS: usize = 20_000_000;

fn check_size(settings: &GradientSettings, dim: usize) -> Result<()> {
    let layer = settings.width.max(dim);
    let most = MOST_ACTIVATIONS / (settings.depth.max(settings.sweep_max) * layer);
    if settings.samples <= most {
        return Ok(());
    }
    let expected = format!("at most {most} at this width and depth (samples x width x depth up to {MOST_ACTIVATIONS})");
    Err(LabError::BadValue { name: "samples".into(), value: settings.samples.to_string(), expected })
}

/// A network with the gradients of one batch.
pub struct Measured {
    pub net: Mlp,
    pub grads: GradStore,
    /// `dLoss/dh_l`, l = 0 (the batch) to depth (the head's input).
    pub inputs: Vec<Tensor>,
}

impl Measured {
    /// ||`dLoss/dh_l`|| for l = 0 to depth.
    pub fn input_norms(&self) -> Result<Vec<f64>> {
        Ok(self.inputs.iter().map(norm).collect::<candle_core::Result<_>>()?)
    }

    /// ||`dLoss/dW_l`|| for hidden layers 1 to depth and the head.
    pub fn weight_norms(&self) -> Result<Vec<f64>> {
        let hidden = self.net.hidden.iter().map(|h| &h.linear);
        let all = hidden.chain([&self.net.head]);
        all.map(|l| Ok(norm(&gradient(&self.grads, &l.weight)?)?)).collect()
    }
}

/// The gradient of `of`; zeros where the loss does not depend on it.
pub fn gradient(grads: &GradStore, of: &Tensor) -> Result<Tensor> {
    Ok(match grads.get(of) {
        Some(grad) => grad.clone(),
        None => of.zeros_like()?,
    })
}

/// A part of the experiment: a queue of work, figures and findings.
pub trait Work: Send {
    /// Its name for a log.
    fn title(&self) -> &'static str;
    /// What it is doing, in a few words.
    fn stage(&self) -> String;
    /// Its whole cost and what of it is done, in units of about a millisecond.
    fn cost(&self) -> (f64, f64);
    /// The next piece; false when nothing is left.
    fn step(&mut self, setup: &Setup) -> Result<bool>;
    /// What there is to see; the same ids at every call.
    fn figures(&self, setup: &Setup) -> Vec<Figure>;
    /// What is known.
    fn findings(&self, setup: &Setup) -> Vec<Finding>;
    /// What kept it from doing all of its work.
    fn trouble(&self) -> Option<String> {
        None
    }
    /// Remarks for the log since the last call.
    fn messages(&mut self) -> Vec<String> {
        Vec::new()
    }
    /// Optimiser steps done.
    fn training_steps(&self) -> u64 {
        0
    }
}

/// About how many milliseconds one measurement takes: f64, and a network drawn for it.
pub fn measure_cost(config: &MlpConfig, samples: usize) -> f64 {
    3.0 * pass_cost(config, samples)
}

/// About how many milliseconds one forward and backward pass in f32 takes.
pub fn pass_cost(config: &MlpConfig, samples: usize) -> f64 {
    let flop = 6.0 * (samples * config.width * config.width * config.depth) as f64;
    flop / 3e7 + config.depth as f64 * 0.05
}

/// A make in a few words: `relu he_normal +batch +residual`.
pub fn describe(config: &MlpConfig) -> String {
    use crate::control::Choice;
    use crate::nn::NormKind;
    let mut text = format!("{} {}", config.activation.name(), config.init.name());
    if (config.gain - 1.0).abs() > 0.0 {
        text += &format!(" x{}", readable(config.gain));
    }
    if config.bias_std > 0.0 {
        text += &format!(" b{}", readable(config.bias_std));
    }
    if config.norm != NormKind::None {
        text += &format!(" +{}", config.norm.name());
    }
    if config.residual {
        text += " +residual";
    }
    text
}

/// A logarithmic axis over `series` of at least two decades, so that noise does not look like a law.
pub fn log_axis(label: &str, series: &[Series]) -> Axis {
    let axis = Axis::log10(label);
    let bands = series.iter().filter_map(|s| s.band.as_ref()).flatten().flat_map(|b| [b.0, b.1]);
    let values = series.iter().flat_map(|s| s.points.iter().map(|p| p.1)).chain(bands);
    let logs: Vec<f64> = values.map(f64::log10).filter(|v| v.is_finite()).collect();
    let (low, high) = logs.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(*v), b.max(*v)));
    if logs.is_empty() || high - low >= 2.0 {
        return axis;
    }
    let middle = f64::midpoint(low, high);
    axis.within(10_f64.powf(middle - 1.0), 10_f64.powf(middle + 1.0))
}
