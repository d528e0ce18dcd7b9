//! Nanoseconds for each element, forward and backward.
//!
//! Every round times each function once at each size, in an order that moves on by one from round to
//! round; what counts is the ratio to ReLU of the same round, so that what slows the whole machine
//! cancels. Forward is the training module's; backward is the backward pass alone, from a graph built
//! beforehand, less the time to fill the tensor of ones that it starts from.

use super::setup::Setup;
use crate::figure::{Axis, Bars, Figure, Kind, Table, readable};
use crate::nn::{Activation, Mode, Nonlinearity, Unit};
use crate::stats::{median, median_interval};
use crate::work::Work;
use crate::{Finding, Interval, Mean, Result, rng};
use candle_core::{DType, Tensor, Var};
use std::time::{Duration, Instant};

/// Rounds that count; one before them warms up.
pub(super) const ROUNDS: usize = 15;
const WIDTH: usize = 64;
/// Elements of the small array: 64 KiB of f32.
const CACHED: usize = 1 << 14;
/// Repetitions of the small array's time in a round.
const REPETITIONS: usize = 20;
/// A sample above this many times its median is an outlier.
const OUTLIER: f64 = 2.0;
const STEP: Duration = Duration::from_millis(25);

const SIZES: [&str; 2] = ["cached", "large"];
const DIRECTIONS: [&str; 2] = ["forward", "backward"];

/// A function under the clock, with its nanoseconds by size, direction and round.
struct Subject {
    name: String,
    key: String,
    unit: Unit,
    pieces: usize,
    samples: [[Vec<f64>; 2]; 2],
}

/// The part: some 25 ms of samples a step.
pub struct Timing {
    /// The first is ReLU, to which all are compared.
    subjects: Vec<Subject>,
    /// Inputs by size, then by pieces for each unit.
    inputs: Vec<Vec<Var>>,
    elements: [usize; 2],
    done: usize,
}

impl Timing {
    pub fn new(setup: &Setup) -> Result<Self> {
        let relu = Nonlinearity::from(Activation::Relu);
        let others = setup.single().filter(|k| **k != relu);
        let subject = |(i, kind): (usize, &Nonlinearity)| -> Result<Subject> {
            let random = rng::stream(setup.seed, "activations.timing.rrelu", i as u64);
            let unit = Unit::new(kind, WIDTH, random, DType::F32, &setup.device)?;
            let (name, key, pieces) = (kind.name(), kind.key(), kind.pieces());
            Ok(Subject { name, key, unit, pieces, samples: Default::default() })
        };
        let subjects = std::iter::once(&relu).chain(others).enumerate().map(subject).collect::<Result<_>>()?;
        let large = setup.settings.elements.next_multiple_of(WIDTH);
        Ok(Self { subjects, inputs: Vec::new(), elements: [CACHED, large], done: 0 })
    }

    fn jobs(&self) -> usize {
        (ROUNDS + 1) * SIZES.len() * self.subjects.len()
    }

    /// Rounds that are complete for every function.
    fn rounds(&self) -> usize {
        let fewest = self.subjects.iter().flat_map(|s| s.samples.iter().flatten()).map(Vec::len).min();
        fewest.unwrap_or(0)
    }

    fn draw_inputs(&mut self, setup: &Setup) -> Result<()> {
        let most = self.subjects.iter().map(|s| s.pieces).max().unwrap_or(1);
        // One block of draws over and over: 2^28 draws would take seconds and time the same.
        let block = rng::stream(setup.seed, "activations.timing", 0).normals(CACHED);
        for elements in self.elements {
            let array = |pieces: usize| -> Result<Var> {
                let values: Vec<f32> = block.iter().cycle().take(elements * pieces).map(|v| *v as f32).collect();
                let x = Tensor::from_vec(values, (elements / WIDTH, WIDTH * pieces), &setup.device)?;
                Ok(Var::from_tensor(&x)?)
            };
            self.inputs.push((1..=most).map(array).collect::<Result<_>>()?);
        }
        Ok(())
    }

    /// The next sample: sizes in turn, functions in an order that moves on by one each round.
    fn sample(&mut self, setup: &Setup) -> Result<()> {
        let count = self.subjects.len();
        let (round, rest) = (self.done / (2 * count), self.done % (2 * count));
        let (size, position) = (rest / count, rest % count);
        let subject = &mut self.subjects[(position + round) % count];
        let input = &self.inputs[size][subject.pieces - 1];
        let repetitions = if size == 0 { REPETITIONS } else { 1 };
        let times = clock(&subject.unit, input, repetitions, setup)?;
        if round > 0 {
            for (direction, time) in times.into_iter().enumerate() {
                let elements = (self.elements[size] * repetitions) as f64;
                subject.samples[size][direction].push(time.as_secs_f64() * 1e9 / elements);
            }
        }
        self.done += 1;
        Ok(())
    }

    fn ratios(&self, subject: &Subject, size: usize, direction: usize) -> Vec<f64> {
        let relu = &self.subjects[0].samples[size][direction];
        subject.samples[size][direction].iter().zip(relu).map(|(a, b)| a / b).collect()
    }

    fn outliers(samples: &[f64]) -> usize {
        let usual = median(samples);
        samples.iter().filter(|v| **v > OUTLIER * usual).count()
    }

    fn table(&self) -> Figure {
        let mut rows = Vec::new();
        for subject in self.subjects.iter().filter(|_| self.rounds() > 0) {
            let mut row = vec![subject.name.clone()];
            for (size, direction) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                let ratio = self.ratios(subject, size, direction);
                let time = readable(median(&subject.samples[size][direction]));
                row.push(format!("{time} ns ({}x{})", readable(median(&ratio)), range(median_interval(&ratio))));
            }
            let outliers: usize = subject.samples.iter().flatten().map(|s| Self::outliers(s)).sum();
            row.push(outliers.to_string());
            rows.push(row);
        }
        let columns =
            ["function", "forward, cached", "backward, cached", "forward, large", "backward, large", "outliers"];
        let columns = columns.map(String::from).to_vec();
        let kind = Kind::Table(Table { columns, rows });
        let caption = if self.rounds() == 0 {
            "Nothing measured yet.".into()
        } else {
            format!(
                "Medians of {} interleaved rounds, f32, for each output element; in brackets the ratio to relu of the same round with its 95 % interval. Cached: {CACHED} elements; large: {}, fresh memory each time. Backward: the backward pass alone.",
                self.rounds(),
                self.elements[1]
            )
        };
        Figure { id: "timing".into(), title: "Time for each element".into(), caption, kind }
    }

    fn bars(&self, size: usize) -> Figure {
        let known = self.rounds() > 0;
        let shown: Vec<&Subject> = self.subjects.iter().filter(|_| known).collect();
        let of = |direction: usize| shown.iter().map(|s| median(&self.ratios(s, size, direction))).collect::<Vec<_>>();
        let groups = DIRECTIONS.iter().enumerate().map(|(i, name)| ((*name).to_string(), of(i))).collect();
        let slowest = |direction: usize| {
            let ratios = of(direction);
            let top = (0..ratios.len()).max_by(|a, b| ratios[*a].total_cmp(&ratios[*b]))?;
            Some(format!("{} ({} times relu)", shown[top].name, readable(ratios[top])))
        };
        let caption = match (slowest(0), slowest(1)) {
            (Some(forward), Some(backward)) => {
                format!("{} elements. Slowest forward: {forward}; backward: {backward}.", self.elements[size])
            }
            _ => "Nothing measured yet.".into(),
        };
        let bars = Bars {
            y: Axis::linear("time relative to relu"),
            x_label: "function".into(),
            categories: shown.iter().map(|s| s.name.clone()).collect(),
            groups,
        };
        Figure {
            id: format!("timing-{}", SIZES[size]),
            title: ["Time in cache, relative to ReLU", "Time out of cache, relative to ReLU"][size].into(),
            caption,
            kind: Kind::Bars(bars),
        }
    }
}

fn range(interval: Option<Interval>) -> String {
    interval.map_or(String::new(), |i| format!(", {} to {}", readable(i.low), readable(i.high)))
}

/// The time of the forward pass and of the backward pass, each over all repetitions.
fn clock(unit: &Unit, x: &Var, repetitions: usize, setup: &Setup) -> Result<[Duration; 2]> {
    let mode = Mode::Train { momentum: 0.1 };
    let (mut forward, mut backward, mut ones) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    for _ in 0..repetitions {
        let y = timed(&mut forward, setup, || unit.forward(x, mode))?;
        timed(&mut ones, setup, || y.ones_like()?.contiguous())?;
        timed(&mut backward, setup, || y.backward())?;
    }
    Ok([forward, backward.saturating_sub(ones)])
}

/// Adds the time of `work` to `total`; what it answers is freed later.
fn timed<T>(total: &mut Duration, setup: &Setup, work: impl FnOnce() -> candle_core::Result<T>) -> Result<T> {
    let start = Instant::now();
    let answer = work()?;
    setup.device.synchronize()?;
    *total += start.elapsed();
    Ok(answer)
}

impl Work<Setup> for Timing {
    fn title(&self) -> &'static str {
        "time for each element"
    }

    fn stage(&self) -> String {
        format!("timing, sample {} of {}", self.done + 1, self.jobs())
    }

    fn cost(&self) -> (f64, f64) {
        let each = 2.0 + self.elements[1] as f64 * 1e-5;
        (self.jobs() as f64 * each, self.done as f64 * each)
    }

    fn step(&mut self, setup: &Setup) -> Result<bool> {
        if self.inputs.is_empty() {
            self.draw_inputs(setup)?;
        }
        let start = Instant::now();
        while self.done < self.jobs() && start.elapsed() < STEP {
            self.sample(setup)?;
        }
        Ok(self.done < self.jobs())
    }

    fn figures(&self, _: &Setup) -> Vec<Figure> {
        vec![self.table(), self.bars(0), self.bars(1)]
    }

    fn findings(&self, _: &Setup) -> Vec<Finding> {
        let mut list = Vec::new();
        if self.rounds() == 0 {
            return list;
        }
        for (size, direction) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            let (where_, what) = (SIZES[size], DIRECTIONS[direction]);
            let relu = &self.subjects[0].samples[size][direction];
            let meaning = format!("Time of relu {what} for each of {} elements", self.elements[size]);
            let finding = Finding::new(format!("relu_{what}_ns_{where_}"), median(relu), meaning).unit("ns");
            list.push(finding.interval(median_interval(relu)).note(remark(Self::outliers(relu), relu.len())));
            for subject in &self.subjects[1..] {
                let ratios = self.ratios(subject, size, direction);
                let meaning =
                    format!("Time of {} {what} over that of relu, {} elements", subject.name, self.elements[size]);
                let name = format!("{}_{what}_ratio_{where_}", subject.key);
                let finding = Finding { mean: Mean::Geometric, ..Finding::new(name, median(&ratios), meaning) };
                let outliers = Self::outliers(&subject.samples[size][direction]);
                list.push(finding.interval(median_interval(&ratios)).note(remark(outliers, ratios.len())));
            }
        }
        list
    }
}

/// A warning where the machine was disturbed.
fn remark(outliers: usize, rounds: usize) -> String {
    if outliers == 0 { String::new() } else { format!("{outliers} of {rounds} rounds took over twice the median") }
}
