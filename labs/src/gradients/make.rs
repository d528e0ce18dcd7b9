//! Makes of networks as a person writes them, so that any of them can be compared in one run.

use super::GradientSettings;
use crate::control::Choice;
use crate::nn::{Activation, Init, MlpConfig, NormKind};
use crate::{LabError, Result};

/// What the control asks for, in words.
pub const SPEC: &str = "a list such as `relu he_normal, tanh xavier_normal batch residual`: activation and initialiser, then any of batch, layer, rms, residual, depth=N, width=N, gain=X, bias=X";
/// Many networks are drawn and trained, so those that do not say their width are narrower than one alone may be.
const MAX_WIDTH: usize = 64;
/// More makes would not be readable in one figure.
const MOST: usize = 16;

/// One make: a network and the constant that its hidden biases start from.
#[derive(Debug, Clone, PartialEq)]
pub struct Make {
    /// Its words joined by `_`, which the findings' names begin with: `relu_he_normal_depth30`.
    pub name: String,
    /// As it is written.
    pub text: String,
    /// The network, but for its biases.
    pub config: MlpConfig,
    /// Every bias of the hidden layers at the start.
    pub bias: f64,
}

/// The makes of `settings`, for samples of `inputs` features in `classes` classes. What a make does not
/// say is the settings', the width up to 64, but for normalisation, skip connections, gain and biases: those it has to say.
pub fn parse(settings: &GradientSettings, inputs: usize, classes: usize) -> Result<Vec<Make>> {
    let network = settings.network(inputs, classes);
    let base = MlpConfig {
        width: network.width.min(MAX_WIDTH),
        norm: NormKind::None,
        residual: false,
        gain: 1.0,
        bias_std: 0.0,
        ..network
    };
    let texts = settings.makes.split(',').map(str::trim).filter(|t| !t.is_empty());
    let makes = texts.map(|text| one(text, base).ok_or_else(|| bad(text))).collect::<Result<Vec<_>>>()?;
    let twice = makes.iter().enumerate().find(|(i, m)| makes[..*i].iter().any(|other| other.name == m.name));
    match (makes.len(), twice) {
        (1..=MOST, None) => Ok(makes),
        (_, Some((_, make))) => Err(bad(&format!("{} (twice)", make.text))),
        _ => Err(bad(&settings.makes)),
    }
}

fn bad(value: &str) -> LabError {
    let expected = format!("1 to {MOST} different makes: {SPEC}");
    LabError::BadValue { name: "makes".into(), value: value.into(), expected }
}

fn one(text: &str, base: MlpConfig) -> Option<Make> {
    let mut words = text.split_whitespace();
    let activation = Activation::from_name(words.next()?)?;
    let init = Init::from_name(words.next()?)?;
    let (mut config, mut bias) = (MlpConfig { activation, init, ..base }, 0.0);
    for word in words {
        match word.split_once('=') {
            Some(("depth", n)) => config.depth = within(n.parse().ok()?, 1, 100)?,
            Some(("width", n)) => config.width = within(n.parse().ok()?, 2, 1024)?,
            Some(("gain", x)) => config.gain = within(x.parse().ok()?, 0.0, 100.0)?,
            Some(("bias", x)) => bias = within(x.parse().ok()?, -10.0, 10.0)?,
            None if word == "residual" => config.residual = true,
            None => config.norm = NormKind::from_name(word)?,
            Some(_) => return None,
        }
    }
    let joined = text.split_whitespace().collect::<Vec<_>>().join("_");
    let name = joined.replace('=', "").replace(['.', '-'], "_");
    Some(Make { name, text: text.into(), config, bias })
}

fn within<T: PartialOrd + Copy>(value: T, low: T, high: T) -> Option<T> {
    (low <= value && value <= high).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Make>> {
        parse(&GradientSettings { makes: text.into(), ..Default::default() }, 64, 10)
    }

    #[test]
    fn a_make_is_what_its_words_say() {
        let makes =
            read("tanh xavier_normal layer residual depth=7 width=24 gain=0.5, relu he_normal bias=-0.1").unwrap();
        let (first, second) = (&makes[0], &makes[1]);
        assert_eq!(first.name, "tanh_xavier_normal_layer_residual_depth7_width24_gain0_5");
        let c = first.config;
        assert_eq!((c.activation, c.init, c.norm), (Activation::Tanh, Init::XavierNormal, NormKind::Layer));
        assert_eq!((c.residual, c.depth, c.width, c.inputs, c.classes), (true, 7, 24, 64, 10));
        assert!((c.gain - 0.5).abs() < 1e-15 && (second.bias + 0.1).abs() < 1e-15);
        assert_eq!((second.config.depth, second.config.norm, second.config.residual), (20, NormKind::None, false));
    }

    #[test]
    fn what_is_no_make_is_refused_in_one_line() {
        for text in ["", "relu", "relu he", "relu he_normal depth=0", "relu he_normal big", "relu he_normal depth=x"] {
            let error = read(text).unwrap_err();
            assert!(error.is_input() && error.to_string().starts_with("control 'makes' cannot be"), "{error}");
        }
        assert!(read("relu he_normal, relu  he_normal").unwrap_err().to_string().contains("twice"));
    }
}
