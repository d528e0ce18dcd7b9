//! Schemes for the first weights of a whole network: an initialiser for each matrix, or one that
//! looks at the data or at the blocks.

use super::mlp::Trace;
use super::residual::{ResidualMlp, Start, blocks_of, fixup_factor};
use super::{Init, Linear, Mlp, MlpConfig, Mode, init::SPARSE_INPUTS};
use crate::control::Choice;
use crate::error::suggest;
use crate::figure::readable;
use crate::trainer::Network;
use crate::{LabError, Result};
use candle_core::{DType, Device, Tensor, Var};

/// How the weights of a network start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Each matrix by itself.
    Each(Init),
    /// Orthogonal, then each layer scaled until its pre-activations on a batch have variance 1
    /// (layer-sequential unit-variance; Mishkin and Matas 2016, algorithm 1).
    Lsuv,
    /// Residual blocks that start as the identity because their branch is multiplied by 0.
    ZeroGamma,
    /// Residual blocks that start as the identity because their last layer is 0, under a head that is 0.
    Fixup,
}

/// How far from 1 a variance may stay, and how often a layer is scaled (Mishkin and Matas 2016).
pub const LSUV_TOLERANCE: f64 = 0.1;
/// See [`LSUV_TOLERANCE`].
pub const LSUV_MOST: usize = 5;

/// A network, plain or of residual blocks, that can be traced.
#[derive(Debug, Clone)]
pub enum Net {
    /// Layers one after the other.
    Plain(Mlp),
    /// Blocks of two layers.
    Blocks(ResidualMlp),
}

/// A network just drawn.
#[derive(Debug, Clone)]
pub struct Built {
    /// The network.
    pub net: Net,
    /// What LSUV did; `None` for the other schemes.
    pub lsuv: Option<LsuvReport>,
}

/// What LSUV did to each hidden layer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LsuvReport {
    /// Times that the layer's weights were scaled.
    pub iterations: Vec<usize>,
    /// The variance of its pre-activations on the batch afterwards; far from 1 where it has none to
    /// scale.
    pub variances: Vec<f64>,
}

impl Scheme {
    /// Every scheme.
    pub fn all() -> impl Iterator<Item = Self> + Clone {
        Init::ALL.iter().copied().map(Self::Each).chain([Self::Lsuv, Self::ZeroGamma, Self::Fixup])
    }

    /// Its word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Each(init) => init.name(),
            Self::Lsuv => "lsuv",
            Self::ZeroGamma => "zero_gamma",
            Self::Fixup => "fixup",
        }
    }

    /// Every word that [`Scheme::parse`] knows.
    pub fn names() -> impl Iterator<Item = &'static str> + Clone {
        Self::all().map(Self::name)
    }

    /// A scheme's word; `setting` is for the message.
    pub fn parse(setting: &str, text: &str) -> Result<Self> {
        let text = text.trim();
        Self::all().find(|s| s.name() == text).ok_or_else(|| {
            let expected = format!("an initialisation scheme; {}", suggest(text, Self::names()));
            LabError::BadValue { name: setting.into(), value: text.into(), expected }
        })
    }

    /// A list such as `zero, he_normal, lsuv`, each once.
    pub fn parse_list(setting: &str, text: &str) -> Result<Vec<Self>> {
        let mut list = Vec::new();
        for word in text.split(',').map(str::trim).filter(|w| !w.is_empty()) {
            let scheme = Self::parse(setting, word)?;
            if !list.contains(&scheme) {
                list.push(scheme);
            }
        }
        if list.is_empty() {
            let expected = "a list such as zero,xavier_normal,he_normal,lsuv,fixup".into();
            return Err(LabError::BadValue { name: setting.into(), value: text.into(), expected });
        }
        Ok(list)
    }

    /// The initialiser that its matrices are drawn with before anything else is done to them.
    #[must_use]
    pub fn base(self) -> Init {
        match self {
            Self::Each(init) => init,
            Self::Lsuv => Init::Orthogonal,
            Self::ZeroGamma | Self::Fixup => Init::HeNormal,
        }
    }

    /// What residual blocks start from; `None` for a scheme of plain networks.
    #[must_use]
    pub fn blocks(self) -> Option<Start> {
        match self {
            Self::ZeroGamma => Some(Start::ZeroGamma),
            Self::Fixup => Some(Start::Fixup),
            Self::Each(_) | Self::Lsuv => None,
        }
    }

    /// The standard deviation of a hidden weight of [`fan_out`, `fan_in`] as a formula with its
    /// numbers: `sqrt(2/fan_in) = sqrt(2/128) = 0.125`. `depth` is [`MlpConfig::depth`].
    #[must_use]
    pub fn formula(self, (fan_out, fan_in): (usize, usize), gain: f64, depth: usize) -> String {
        let std = gain * self.base().variance(fan_in, fan_out).sqrt();
        let with = |formula: &str, numbers: &str, value: f64| {
            if (gain - 1.0).abs() > 0.0 {
                format!("gain {formula} = {} {numbers} = {}", readable(gain), readable(value))
            } else if formula == numbers {
                formula.to_string()
            } else {
                format!("{formula} = {numbers} = {}", readable(value))
            }
        };
        match self {
            Self::Each(Init::Zero) => "0".into(),
            Self::Each(Init::Constant) => {
                format!("0; each weight {}", with("1/fan_in", &format!("1/{fan_in}"), std))
            }
            Self::Each(Init::NormalSmall) => with("0.01", "0.01", std),
            Self::Each(Init::NormalLarge) => with("1", "1", std),
            Self::Each(Init::UniformFanIn) => with("sqrt(1/(3 fan_in))", &format!("sqrt(1/(3 x {fan_in}))"), std),
            Self::Each(Init::LecunNormal | Init::LecunUniform) => {
                with("sqrt(1/fan_in)", &format!("sqrt(1/{fan_in})"), std)
            }
            Self::Each(Init::XavierNormal | Init::XavierUniform) => {
                with("sqrt(2/(fan_in + fan_out))", &format!("sqrt(2/({fan_in} + {fan_out}))"), std)
            }
            Self::Each(Init::HeNormal | Init::HeUniform) => with("sqrt(2/fan_in)", &format!("sqrt(2/{fan_in})"), std),
            Self::Each(Init::HeNormalFanOut) => with("sqrt(2/fan_out)", &format!("sqrt(2/{fan_out})"), std),
            Self::Each(Init::Sparse) => {
                let drawn = fan_in.min(SPARSE_INPUTS);
                with(&format!("sqrt({drawn}/fan_in)"), &format!("sqrt({drawn}/{fan_in})"), std)
            }
            Self::Each(Init::Orthogonal) => {
                with("sqrt(1/max(fan_in, fan_out))", &format!("sqrt(1/max({fan_in}, {fan_out}))"), std)
            }
            Self::Lsuv => "orthogonal, over the std of the layer's pre-activations on the batch".into(),
            Self::ZeroGamma => {
                format!("{}, branch times 0", with("sqrt(2/fan_in)", &format!("sqrt(2/{fan_in})"), std))
            }
            Self::Fixup => {
                let (blocks, value) = (blocks_of(depth), std * fixup_factor(blocks_of(depth)));
                let numbers = format!("sqrt(2/{fan_in})/sqrt({blocks})");
                format!("{}, second layers 0", with("sqrt(2/fan_in)/sqrt(blocks)", &numbers, value))
            }
        }
    }

    /// Network number `index` of `seed`, `config` with this scheme for its `init`. `x` [batch, inputs]
    /// is what LSUV looks at; the others do not.
    pub fn build(
        self,
        config: MlpConfig,
        x: &Tensor,
        seed: u64,
        index: u64,
        dtype: DType,
        device: &Device,
    ) -> Result<Built> {
        let config = MlpConfig { init: self.base(), ..config };
        if let Some(start) = self.blocks() {
            let net = ResidualMlp::new(config, start, seed, index, dtype, device)?;
            return Ok(Built { net: Net::Blocks(net), lsuv: None });
        }
        let net = Mlp::new(config, seed, index, dtype, device)?;
        let lsuv = if self == Self::Lsuv { Some(lsuv(&net, &x.to_dtype(dtype)?)?) } else { None };
        Ok(Built { net: Net::Plain(net), lsuv })
    }
}

/// Scales the weights of each hidden layer, from the first on, until the variance of W h + b over the
/// batch `x` and the units is 1 within [`LSUV_TOLERANCE`], at most [`LSUV_MOST`] times. The head stays:
/// it is the same for every initialiser.
pub fn lsuv(net: &Mlp, x: &Tensor) -> Result<LsuvReport> {
    let mut report = LsuvReport::default();
    let mut h = x.clone();
    for (l, layer) in net.hidden.iter().enumerate() {
        let variance = || -> Result<f64> {
            let z: Vec<f64> = layer.linear.forward(&h)?.detach().to_dtype(DType::F64)?.flatten_all()?.to_vec1()?;
            Ok(variance(&z))
        };
        let (mut now, mut scaled) = (variance()?, 0);
        while (now - 1.0).abs() >= LSUV_TOLERANCE && scaled < LSUV_MOST && now > 0.0 && now.is_finite() {
            let weight = &layer.linear.weight;
            weight.set(&weight.as_detached_tensor().affine(now.sqrt().recip(), 0.0)?)?;
            now = variance()?;
            scaled += 1;
        }
        report.iterations.push(scaled);
        report.variances.push(now);
        h = net.layer(l, &h, Mode::Batch)?.0.detach();
    }
    Ok(report)
}

fn variance(values: &[f64]) -> f64 {
    let mean = crate::stats::mean(values);
    values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64
}

impl Net {
    /// Its make.
    #[must_use]
    pub fn config(&self) -> &MlpConfig {
        match self {
            Self::Plain(net) => &net.config,
            Self::Blocks(net) => &net.config,
        }
    }

    /// [`Mlp::trace`] or [`ResidualMlp::trace`].
    pub fn trace(&self, x: &Tensor, mode: Mode, probes: Option<&[Var]>) -> candle_core::Result<Trace> {
        match self {
            Self::Plain(net) => net.trace(x, mode, probes),
            Self::Blocks(net) => net.trace(x, mode, probes),
        }
    }

    /// Zeros to be given to [`Net::trace`] for a batch of `rows` samples.
    pub fn probes(&self, rows: usize, dtype: DType, device: &Device) -> candle_core::Result<Vec<Var>> {
        match self {
            Self::Plain(net) => net.probes(rows, dtype, device),
            Self::Blocks(net) => net.probes(rows, dtype, device),
        }
    }

    /// The weight matrices before the head with their names, from the input on.
    #[must_use]
    pub fn hidden_weights(&self) -> Vec<(String, Var)> {
        let is_matrix = |name: &str| [".weight", ".first", ".second"].iter().any(|end| name.ends_with(end));
        self.parameters().into_iter().filter(|(name, _)| is_matrix(name) && name != "head.weight").collect()
    }

    /// The last, linear layer.
    #[must_use]
    pub fn head(&self) -> &Linear {
        match self {
            Self::Plain(net) => &net.head,
            Self::Blocks(net) => &net.head,
        }
    }
}

impl Network for Net {
    fn forward(&self, x: &Tensor, mode: Mode) -> candle_core::Result<Tensor> {
        match self {
            Self::Plain(net) => net.forward(x, mode),
            Self::Blocks(net) => net.forward(x, mode),
        }
    }

    fn parameters(&self) -> Vec<(String, Var)> {
        match self {
            Self::Plain(net) => net.parameters(),
            Self::Blocks(net) => net.parameters(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{Activation, NormKind};
    use crate::rng::stream;

    fn config(activation: Activation, depth: usize) -> MlpConfig {
        MlpConfig {
            inputs: 20,
            width: 64,
            depth,
            classes: 5,
            activation,
            norm: NormKind::None,
            residual: false,
            init: Init::Zero,
            gain: 1.0,
            bias_std: 0.0,
        }
    }

    fn batch() -> Tensor {
        stream(5, "x", 0).normal_tensor((32, 20), &Device::Cpu).unwrap()
    }

    fn build(scheme: Scheme, config: MlpConfig) -> Built {
        scheme.build(config, &batch(), 3, 0, DType::F64, &Device::Cpu).unwrap()
    }

    fn flat(t: &Tensor) -> Vec<f64> {
        t.flatten_all().unwrap().to_vec1().unwrap()
    }

    #[test]
    fn lists_are_read_and_errors_name_what_was_meant() {
        let list = Scheme::parse_list("schemes", " he_normal, lsuv,he_normal,fixup").unwrap();
        assert_eq!(list, [Scheme::Each(Init::HeNormal), Scheme::Lsuv, Scheme::Fixup]);
        for (text, want) in [("he_norml", "did you mean 'he_normal'?"), ("qqq", "zero_gamma"), (",", "a list such as")]
        {
            let message = Scheme::parse_list("schemes", text).unwrap_err().to_string();
            assert!(message.contains("'schemes'") && message.contains(want), "{message}");
        }
    }

    #[test]
    fn formulas_carry_their_numbers() {
        let of = |name: &str, gain| Scheme::parse("s", name).unwrap().formula((128, 512), gain, 8);
        assert_eq!(of("he_normal", 1.0), "sqrt(2/fan_in) = sqrt(2/512) = 0.0625");
        assert_eq!(of("he_normal_fan_out", 1.0), "sqrt(2/fan_out) = sqrt(2/128) = 0.125");
        assert_eq!(of("lecun_normal", 2.0), "gain sqrt(1/fan_in) = 2 sqrt(1/512) = 0.08839");
        assert_eq!(of("normal_small", 1.0), "0.01");
        // The same by hand: sqrt(2/512) / sqrt 4.
        assert!(of("fixup", 1.0).contains("sqrt(2/512)/sqrt(4) = 0.03125"));
        // No scheme without a formula, and the last number is the standard deviation.
        for scheme in Scheme::all() {
            assert!(!scheme.formula((64, 64), 1.5, 4).is_empty());
        }
    }

    #[test]
    fn lsuv_gives_every_layer_unit_variance_and_keeps_rows_orthogonal() {
        for activation in [Activation::Tanh, Activation::Relu, Activation::Sigmoid] {
            let built = build(Scheme::Lsuv, config(activation, 6));
            let report = built.lsuv.unwrap();
            assert!(report.iterations.iter().all(|n| *n <= LSUV_MOST), "{report:?}");
            let Net::Plain(net) = built.net else { panic!() };
            let trace = net.trace(&batch(), Mode::Batch, None).unwrap();
            for (z, said) in trace.pre_activations.iter().zip(&report.variances) {
                let measured = variance(&flat(z));
                assert!((measured - 1.0).abs() < LSUV_TOLERANCE && (measured - said).abs() < 1e-9, "{measured}");
            }
            // A multiple of an orthogonal matrix: W W^T = s I.
            let w = net.hidden[2].linear.weight.as_tensor();
            let gram = w.matmul(&w.t().unwrap()).unwrap().to_vec2::<f64>().unwrap();
            let s = gram[0][0];
            assert!((gram[5][5] / s - 1.0).abs() < 1e-9 && gram[3][4].abs() < 1e-9 * s);
        }
    }

    #[test]
    fn biases_make_lsuv_scale_more_than_once_and_it_gives_up() {
        // The biases' variance does not shrink with the weights: v = w + b becomes w / v + b.
        let c = MlpConfig { bias_std: 0.8, gain: 2.0, ..config(Activation::Relu, 4) };
        let report = build(Scheme::Lsuv, c).lsuv.unwrap();
        assert!(report.iterations.iter().any(|n| (2..=LSUV_MOST).contains(n)), "{report:?}");
        let report = build(Scheme::Lsuv, MlpConfig { bias_std: 3.0, ..c }).lsuv.unwrap();
        assert!(report.iterations.iter().all(|n| *n == LSUV_MOST), "{report:?}");
        assert!(report.variances.iter().all(|v| *v > 4.0), "{report:?}");
    }

    #[test]
    fn zero_gamma_and_fixup_start_as_the_stem_alone() {
        for scheme in [Scheme::ZeroGamma, Scheme::Fixup] {
            let Net::Blocks(net) = build(scheme, config(Activation::Relu, 8)).net else { panic!() };
            let trace = net.trace(&batch(), Mode::Batch, None).unwrap();
            assert_eq!((net.blocks.len(), trace.inputs.len(), trace.pre_activations.len()), (4, 6, 4));
            assert_eq!(flat(&trace.inputs[1]), flat(&trace.inputs[5]));
            let logits = flat(&trace.logits);
            assert_eq!(logits.iter().all(|v| *v == 0.0), scheme == Scheme::Fixup);
        }
    }

    #[test]
    fn fixup_scales_its_first_layers_by_the_blocks() {
        let plain = ResidualMlp::new(
            MlpConfig { init: Init::HeNormal, ..config(Activation::Relu, 8) },
            Start::Plain,
            3,
            0,
            DType::F64,
            &Device::Cpu,
        )
        .unwrap();
        let Net::Blocks(fixup) = build(Scheme::Fixup, config(Activation::Relu, 8)).net else { panic!() };
        for (p, f) in plain.blocks.iter().zip(&fixup.blocks) {
            let halves = flat(&p.first).iter().zip(flat(&f.first)).all(|(a, b)| (a / 2.0 - b).abs() < 1e-15);
            assert!(halves && flat(&f.second).iter().all(|v| *v == 0.0) && flat(&f.scale) == [1.0]);
        }
    }

    #[test]
    fn plain_blocks_triple_the_second_moment() {
        // Under He z has twice the stream's second moment and f(z) half of z's; W2 doubles it again: the
        // branch brings 2 E h^2, and four blocks 3^4 = 81. At width 512 one network scatters by percents.
        let c = MlpConfig { width: 512, init: Init::HeNormal, ..config(Activation::Relu, 8) };
        let net = ResidualMlp::new(c, Start::Plain, 3, 0, DType::F64, &Device::Cpu).unwrap();
        let trace = net.trace(&batch(), Mode::Batch, None).unwrap();
        let square = |t: &Tensor| flat(t).iter().map(|v| v * v).sum::<f64>();
        let growth = square(&trace.inputs[5]) / square(&trace.inputs[1]);
        assert!((growth / 81.0 - 1.0).abs() < 0.2, "{growth}");
    }
}
