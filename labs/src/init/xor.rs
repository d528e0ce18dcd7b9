//! XOR: whether a small network solves it, over many seeds of each scheme.
//!
//! The points are (-1, -1), (-1, 1), (1, -1) and (1, 1); the class is whether the signs differ. No
//! straight line has more than three of them right, so a network solves XOR with a hidden layer that does
//! something. All networks of an activation and width are one batched computation.

use super::inits::inits;
use super::setup::Setup;
use crate::Result;
use crate::control::Choice;
use crate::figure::Figure;
use crate::nn::optim::Rates;
use crate::nn::{Activation, Init, Optimizer, OptimizerKind, loss};
use crate::rng::stream;
use crate::work::Work;
use crate::{Finding, stats};
use candle_core::{DType, Device, Tensor, Var};

/// Hidden units; the findings are about the middle one.
pub const WIDTHS: [usize; 3] = [2, 4, 8];
/// The width of the findings.
pub const MAIN_WIDTH: usize = 4;
/// Full-batch steps of each network.
pub const STEPS: usize = 500;
/// Fixed, as a rate for a data set of thousands says nothing about four points.
pub const RATES: Rates = Rates { lr: 0.1, momentum: 0.9, weight_decay: 0.0 };
/// Optimiser steps in one piece of work.
const PIECE: usize = 8;
/// About how many milliseconds a step takes: its overhead, and one network in it.
const STEP_COST: (f64, f64) = (0.15, 0.002);

/// Two-`width`-two networks, all at once.
struct Networks {
    /// [networks, width, 2] and [networks, 1, width].
    hidden: (Var, Var),
    /// [networks, 2, width] and [networks, 1, 2].
    out: (Var, Var),
    activation: Activation,
    /// The points, [4, 2]; ones, [4, 1]; labels, [networks * 4].
    x: Tensor,
    ones: Tensor,
    labels: Tensor,
}

impl Networks {
    /// `seeds` networks of each of `schemes`, the head drawn by the scheme too; biases start at 0.
    fn new(setup: &Setup, schemes: &[Init], activation: Activation, width: usize) -> Result<Self> {
        let (device, dtype, seeds) = (&setup.device, setup.dtype, setup.settings.xor_seeds);
        let (mut hidden, mut out) = (Vec::new(), Vec::new());
        for init in schemes {
            for seed in 0..seeds as u64 {
                // Networks of one seed differ in the scheme alone.
                let mut random = stream(setup.seed, "xor", seed);
                hidden.push(init.draw((width, 2), setup.gain, &mut random, DType::F64, &Device::Cpu)?);
                out.push(init.draw((2, width), setup.gain, &mut random, DType::F64, &Device::Cpu)?);
            }
        }
        let n = hidden.len();
        let stacked = |list: &[Tensor]| -> Result<Var> {
            Ok(Var::from_tensor(&Tensor::stack(list, 0)?.to_dtype(dtype)?.to_device(device)?)?)
        };
        let points: [[f64; 2]; 4] = [[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]];
        let x = Tensor::new(&points, device)?.to_dtype(dtype)?;
        Ok(Self {
            hidden: (stacked(&hidden)?, Var::zeros((n, 1, width), dtype, device)?),
            out: (stacked(&out)?, Var::zeros((n, 1, 2), dtype, device)?),
            activation,
            x,
            ones: Tensor::ones((4, 1), dtype, device)?,
            labels: Tensor::new([0_u32, 1, 1, 0].repeat(n), device)?,
        })
    }

    /// [networks * 4, 2]. The first layers of all networks are one matrix product, as are all biases: so
    /// small a product costs more to start than to do.
    fn logits(&self) -> Result<Tensor> {
        let (n, width, _) = self.hidden.0.dims3()?;
        let spread = |bias: &Var| self.ones.matmul(&bias.reshape((1, ()))?);
        let z = (self.x.matmul(&self.hidden.0.reshape((n * width, 2))?.t()?)? + spread(&self.hidden.1)?)?;
        let by_network = |t: Tensor, outputs| t.reshape((4, n, outputs))?.transpose(0, 1)?.contiguous();
        let h = by_network(self.activation.forward(&z)?, width)?;
        let out = h.matmul(&self.out.0.t()?.contiguous()?)?;
        Ok((out + by_network(spread(&self.out.1)?, 2)?)?.reshape(((), 2))?)
    }

    fn parameters(&self) -> Vec<Var> {
        let (hidden, out) = (&self.hidden, &self.out);
        [&hidden.0, &hidden.1, &out.0, &out.1].into_iter().cloned().collect()
    }
}

/// Which networks have all four points right: the label's logit is the larger one. A tie is not right.
fn right(logits: &Tensor) -> Result<Vec<bool>> {
    let rows: Vec<Vec<f64>> = logits.detach().to_dtype(DType::F64)?.to_vec2()?;
    let all = |points: &[Vec<f64>]| {
        points.iter().zip([false, true, true, false]).all(|(l, one)| if one { l[1] > l[0] } else { l[0] > l[1] })
    };
    Ok(rows.chunks(4).map(all).collect())
}

/// What became of the networks of one activation and width.
pub struct Group {
    pub activation: Activation,
    pub width: usize,
    /// For each network, scheme after scheme: the step since which it has been right; `None`: wrong now.
    since: Vec<Option<usize>>,
    pub ended: bool,
}

impl Group {
    /// The networks of scheme number `scheme` that have solved XOR, the step since which for each.
    fn solves(&self, scheme: usize, seed: usize, seeds: usize) -> bool {
        self.since.get(scheme * seeds + seed).is_some_and(Option::is_some)
    }

    pub fn solved(&self, scheme: usize, seeds: usize) -> Vec<usize> {
        self.since.iter().skip(scheme * seeds).take(seeds).flatten().copied().collect()
    }
}

struct Run {
    networks: Networks,
    optimizer: Optimizer,
    done: usize,
}

/// The part of the experiment.
pub struct Xor {
    pub schemes: Vec<Init>,
    pub seeds: usize,
    pub groups: Vec<Group>,
    current: usize,
    run: Option<Run>,
}

/// The activations compared: a linear network, the usual ones, and that of the settings.
pub fn activations(chosen: Activation) -> Vec<Activation> {
    let mut list = vec![Activation::Identity, Activation::Sigmoid, Activation::Tanh, Activation::Relu];
    if !list.contains(&chosen) {
        list.push(chosen);
    }
    list
}

/// Whether f never falls: seen on a grid finer than any dip of the functions here.
fn monotone(f: Activation) -> bool {
    let values: Vec<f64> = (-800..=800).map(|i| f.value(f64::from(i) / 100.0)).collect();
    f != Activation::Rrelu && values.windows(2).all(|v| v[1] >= v[0])
}

impl Xor {
    pub fn new(setup: &Setup) -> Self {
        let groups = activations(setup.settings.activation)
            .into_iter()
            .flat_map(|activation| WIDTHS.map(|width| Group { activation, width, since: vec![], ended: false }));
        let (schemes, seeds) = (inits(&setup.settings), setup.settings.xor_seeds);
        Self { schemes, seeds, groups: groups.collect(), current: 0, run: None }
    }

    fn step_cost(&self) -> f64 {
        STEP_COST.0 + STEP_COST.1 * (self.schemes.len() * self.seeds) as f64
    }

    /// The group of `activation` and `width`, once it has ended.
    pub fn group(&self, activation: Activation, width: usize) -> Option<&Group> {
        self.groups.iter().find(|g| (g.activation, g.width) == (activation, width) && g.ended)
    }

    /// The share of networks of `scheme` in `group` that solve XOR.
    pub fn share(&self, group: Option<&Group>, scheme: usize) -> f64 {
        group.map_or(f64::NAN, |g| g.solved(scheme, self.seeds).len() as f64 / self.seeds as f64)
    }

    fn begin(&mut self, setup: &Setup) -> Result<Run> {
        let group = &mut self.groups[self.current];
        let networks = Networks::new(setup, &self.schemes, group.activation, group.width)?;
        group.since = vec![None; self.schemes.len() * self.seeds];
        let optimizer = Optimizer::new(OptimizerKind::Sgd, RATES, networks.parameters());
        Ok(Run { networks, optimizer, done: 0 })
    }
}

fn share(name: String, (solved, trials): (usize, usize), what: &str, predicted: Option<f64>) -> Finding {
    let value = if trials == 0 { f64::NAN } else { solved as f64 / trials as f64 };
    let meaning = format!("share of {what} that have all four points of XOR right after {STEPS} steps");
    Finding::new(name, value, meaning).interval(stats::binomial_interval(solved, trials)).predicted(predicted)
}

impl Work<Setup> for Xor {
    fn title(&self) -> &'static str {
        "XOR"
    }

    fn stage(&self) -> String {
        match self.groups.get(self.current) {
            Some(g) => format!("XOR: {}, {} hidden units", g.activation.name(), g.width),
            None => "XOR".into(),
        }
    }

    fn cost(&self) -> (f64, f64) {
        let cost = self.step_cost();
        let done = self.current * STEPS + self.run.as_ref().map_or(0, |r| r.done);
        (cost * (self.groups.len() * STEPS) as f64, cost * done as f64)
    }

    fn step(&mut self, setup: &Setup) -> Result<bool> {
        if self.current >= self.groups.len() || self.schemes.is_empty() {
            return Ok(false);
        }
        let mut run = match self.run.take() {
            Some(run) => run,
            None => self.begin(setup)?,
        };
        let group = &mut self.groups[self.current];
        for _ in 0..PIECE {
            let logits = run.networks.logits()?;
            for (since, right) in group.since.iter_mut().zip(right(&logits)?) {
                *since = right.then(|| since.unwrap_or(run.done));
            }
            if run.done == STEPS {
                group.ended = true;
                self.current += 1;
                return Ok(self.current < self.groups.len());
            }
            // The sum over networks of each one's mean: no network sees another.
            let objective = (loss::cross_entropy(&logits, &run.networks.labels)? * group.since.len() as f64)?;
            run.optimizer.step(&objective.backward()?)?;
            run.done += 1;
        }
        self.run = Some(run);
        Ok(true)
    }

    fn figures(&self, setup: &Setup) -> Vec<Figure> {
        super::xor_figures::figures(self, setup.settings.activation)
    }

    fn findings(&self, setup: &Setup) -> Vec<Finding> {
        let chosen = setup.settings.activation;
        let main = self.group(chosen, MAIN_WIDTH);
        let trials = |group: Option<&Group>| group.map_or(0, |_| self.seeds);
        let count = |group: Option<&Group>, scheme| group.map_or(0, |g| g.solved(scheme, self.seeds).len());
        let mut list = Vec::new();
        for (i, init) in self.schemes.iter().enumerate() {
            let what = format!("2-{MAIN_WIDTH}-2 {} networks from {}", chosen.name(), init.name());
            // Units that start alike stay one unit, and one monotone unit draws one line.
            let alike = matches!(init, Init::Zero | Init::Constant);
            let predicted = (alike && monotone(chosen)).then_some(0.0);
            // Networks that draw nothing are one network, however many seeds there are.
            let n = if alike { trials(main).min(1) } else { trials(main) };
            let counts = (if alike { count(main, i).min(1) } else { count(main, i) }, n);
            let finding = share(format!("xor_{}_solved", init.name()), counts, &what, predicted);
            list.push(if alike && n > 0 {
                Finding::exact(&finding.name, finding.value, 0.0, &finding.meaning).predicted(predicted)
            } else {
                finding
            });
        }
        let linear = self.group(Activation::Identity, MAIN_WIDTH);
        // Schemes share the random numbers of a seed, so seeds are what is counted.
        let solved =
            |seed: &usize| (0..self.schemes.len()).any(|i| linear.is_some_and(|g| g.solves(i, *seed, self.seeds)));
        let any = (0..self.seeds).filter(solved).count();
        let what = "seeds with a linear network of any scheme";
        list.push(share("xor_linear_solved".into(), (any, trials(linear)), what, Some(0.0)));
        list
    }

    fn training_steps(&self) -> u64 {
        (self.current * STEPS + self.run.as_ref().map_or(0, |r| r.done)) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Context;
    use crate::init::InitSettings;
    use crate::nn::{Mlp, MlpConfig, Mode, NormKind};

    #[test]
    fn a_network_among_many_is_trained_as_it_would_be_alone() {
        let settings = InitSettings { xor_seeds: 3, ..InitSettings::default() };
        let setup = Setup::new(settings, Context { seed: 5, device: Device::Cpu }).unwrap();
        let many = Networks::new(&setup, &[Init::Zero, Init::HeNormal], Activation::Tanh, 4).unwrap();
        let config = MlpConfig {
            inputs: 2,
            width: 4,
            depth: 1,
            classes: 2,
            activation: Activation::Tanh,
            norm: NormKind::None,
            residual: false,
            init: Init::HeNormal,
            gain: 1.0,
            bias_std: 0.0,
        };
        let alone = Mlp::new(config, 0, 0, DType::F64, &Device::Cpu).unwrap();
        // The second network of the second scheme.
        alone.hidden[0].linear.weight.set(&many.hidden.0.get(4).unwrap().copy().unwrap()).unwrap();
        alone.head.weight.set(&many.out.0.get(4).unwrap().copy().unwrap()).unwrap();
        let x = many.x.clone();
        let y = Tensor::new(&[0_u32, 1, 1, 0], &Device::Cpu).unwrap();
        let own: Vec<Var> = alone.parameters().into_iter().map(|(_, v)| v).collect();
        let mut optimizers =
            [many.parameters(), own].map(|parameters| Optimizer::new(OptimizerKind::Sgd, RATES, parameters));
        for _ in 0..50 {
            let together = (loss::cross_entropy(&many.logits().unwrap(), &many.labels).unwrap() * 6.0).unwrap();
            optimizers[0].step(&together.backward().unwrap()).unwrap();
            let single = loss::cross_entropy(&alone.forward(&x, Mode::Eval).unwrap(), &y).unwrap();
            optimizers[1].step(&single.backward().unwrap()).unwrap();
        }
        let flat = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f64>().unwrap();
        let pairs = [
            (many.hidden.0.get(4).unwrap(), alone.hidden[0].linear.weight.as_tensor()),
            (many.hidden.1.get(4).unwrap(), alone.hidden[0].linear.bias.as_tensor()),
            (many.out.0.get(4).unwrap(), alone.head.weight.as_tensor()),
        ];
        for (a, b) in pairs {
            for (a, b) in flat(&a).into_iter().zip(flat(b)) {
                assert!((a - b).abs() < 1e-10, "{a} {b}");
            }
        }
    }

    #[test]
    fn a_tie_is_not_right() {
        let logits = |rows: [[f64; 2]; 4]| right(&Tensor::new(&rows, &Device::Cpu).unwrap()).unwrap();
        assert_eq!(logits([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0], [1.0, 0.0]]), [true]);
        assert_eq!(logits([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0], [1.0, 1.0]]), [false]);
        assert_eq!(logits([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 0.0]]), [false]);
    }

    #[test]
    fn functions_that_fall_somewhere_are_not_monotone() {
        let monotone_ones = [Activation::Sigmoid, Activation::Relu, Activation::Elu, Activation::Softplus];
        assert!(monotone_ones.into_iter().all(monotone));
        let others = [Activation::Gelu, Activation::Silu, Activation::Mish, Activation::Sine, Activation::HardSwish];
        assert!(!others.into_iter().any(monotone));
    }
}
