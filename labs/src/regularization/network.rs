//! The networks under study: fully connected, or a small convolutional one.

use super::Regularizers;
use crate::control::Choice;
use crate::nn::conv::{Image, max_pool, patches};
use crate::nn::mlp::Hidden;
use crate::nn::{Activation, Dropout, DropoutKind, Init, Linear, Mode, Norm, Unit};
use crate::rng::stream;
use crate::trainer::Network;
use crate::{LabError, Result};
use candle_core::{DType, Device, Tensor, Var};

/// Which kind of network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Model {
    /// Fully connected hidden layers.
    Mlp,
    /// Blocks of a 3 x 3 convolution, the non-linearity and 2 x 2 max pooling.
    Cnn,
}

impl Choice for Model {
    const ALL: &'static [Self] = &[Self::Mlp, Self::Cnn];

    fn name(self) -> &'static str {
        match self {
            Self::Mlp => "mlp",
            Self::Cnn => "cnn",
        }
    }
}

/// The shape of a network; the regularisers are not part of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Architecture {
    /// Which kind.
    pub model: Model,
    /// Units of each hidden layer, or channels of each block.
    pub widths: Vec<usize>,
    /// The non-linearity.
    pub activation: Activation,
}

/// One hidden layer or block: dropout(pool(f(norm(W x + b)))).
#[derive(Debug, Clone)]
struct Block {
    hidden: Hidden,
    /// What comes in, where this is a convolution.
    image: Option<Image>,
    dropout: Dropout,
}

/// A classifier with dropout before its first layer and after each hidden one.
#[derive(Debug, Clone)]
pub struct RegularizedNet {
    input: Dropout,
    blocks: Vec<Block>,
    head: Linear,
}

impl RegularizedNet {
    /// Network number `index` of `seed` for samples of `inputs` features (`image`: rows and columns) and `classes`
    /// classes. He's weights for the hidden layers, `LeCun`'s for the head, biases 0; they and the dropout masks come
    /// from streams of their own, so that networks which differ in their regularisers start alike.
    pub fn new(
        architecture: &Architecture,
        regularizers: &Regularizers,
        (inputs, image, classes): (usize, Option<(usize, usize)>, usize),
        (seed, index): (u64, u64),
        dtype: DType,
        device: &Device,
    ) -> Result<Self> {
        let linear = |l: usize, shape, init| {
            let mut random = stream(seed, "init", (index << 16) + l as u64);
            Linear::new(shape, init, 1.0, 0.0, &mut random, dtype, device)
        };
        let mask =
            |l: usize, rate| Dropout::new(DropoutKind::Plain, rate, stream(seed, "dropout", (index << 16) + l as u64));
        let mut picture = picture(architecture, image)?;
        let (mut features, mut blocks) = (inputs, Vec::new());
        for (l, width) in architecture.widths.iter().copied().enumerate() {
            let fan_in = picture.map_or(features, |p| 9 * p.channels);
            let units = stream(seed, "units", (index << 16) + l as u64);
            let hidden = Hidden {
                linear: linear(l, (fan_in, width), Init::HeNormal)?,
                norm: Norm::new(regularizers.norm, width, dtype, device)?,
                unit: Unit::new(&architecture.activation.into(), width, units, dtype, device)?,
            };
            blocks.push(Block { hidden, image: picture, dropout: mask(l + 1, regularizers.dropout_of(l))? });
            picture = picture.map(|p| Image { channels: width, ..p }.pooled());
            features = picture.map_or(width, Image::len);
            if features == 0 {
                return Err(too_small(architecture, image));
            }
        }
        let head = linear(0xffff, (features, classes), Init::LecunNormal)?;
        Ok(Self { input: mask(0, regularizers.input_dropout)?, blocks, head })
    }

    /// Gives every dropout the rate that `regularizers` says.
    pub fn set_dropout(&mut self, regularizers: &Regularizers) -> Result<()> {
        self.input.set_rate(regularizers.input_dropout)?;
        self.blocks.iter_mut().enumerate().try_for_each(|(l, b)| b.dropout.set_rate(regularizers.dropout_of(l)))
    }

    /// The weight matrices of the hidden layers, [units, fan-in].
    #[must_use]
    pub fn hidden_weights(&self) -> Vec<&Var> {
        self.blocks.iter().map(|b| &b.hidden.linear.weight).collect()
    }

    /// All weight matrices, the head's last.
    #[must_use]
    pub fn weights(&self) -> Vec<&Var> {
        self.blocks.iter().map(|b| &b.hidden.linear).chain([&self.head]).map(|l| &l.weight).collect()
    }

    /// Everything that a copy needs to answer the same: what is learned and the running statistics.
    #[must_use]
    pub fn state(&self) -> Vec<Var> {
        let mut state: Vec<Var> = self.parameters().into_iter().map(|(_, var)| var).collect();
        for block in &self.blocks {
            if let Norm::Batch(norm) = &block.hidden.norm {
                state.extend([norm.running_mean.clone(), norm.running_var.clone()]);
            }
        }
        state
    }

    /// The outputs of each hidden layer for `x` [batch, features], [batch, outputs] each, and the logits
    /// [batch, classes]. `mode` is the normalisations', `drop` says whether dropout drops: Monte Carlo dropout is
    /// `Mode::Eval` with `drop`.
    pub fn trace(&self, x: &Tensor, mode: Mode, drop: bool) -> candle_core::Result<(Vec<Tensor>, Tensor)> {
        let dropping = if drop { Mode::Train { momentum: 0.0 } } else { Mode::Eval };
        let mut h = self.input.forward(x, dropping)?;
        let mut outputs = Vec::with_capacity(self.blocks.len());
        for block in &self.blocks {
            h = block.dropout.forward(&block.forward(&h, mode)?, dropping)?;
            outputs.push(h.clone());
        }
        let logits = self.head.forward(&h)?;
        Ok((outputs, logits))
    }
}

impl Block {
    fn forward(&self, x: &Tensor, mode: Mode) -> candle_core::Result<Tensor> {
        let Hidden { linear, norm, unit } = &self.hidden;
        let layer = |x: &Tensor| unit.forward(&norm.forward(&linear.forward(x)?, mode)?, mode);
        match self.image {
            None => layer(x),
            Some(image) => {
                let filtered = Image { channels: linear.weight.dim(0)?, ..image };
                max_pool(&layer(&patches(x, image)?)?, x.dim(0)?, filtered)
            }
        }
    }
}

impl Network for RegularizedNet {
    fn forward(&self, x: &Tensor, mode: Mode) -> candle_core::Result<Tensor> {
        Ok(self.trace(x, mode, matches!(mode, Mode::Train { .. }))?.1)
    }

    fn parameters(&self) -> Vec<(String, Var)> {
        let mut list = Vec::new();
        for (l, Block { hidden, .. }) in self.blocks.iter().enumerate() {
            list.push((format!("hidden.{l}.weight"), hidden.linear.weight.clone()));
            list.push((format!("hidden.{l}.bias"), hidden.linear.bias.clone()));
            for (name, var) in hidden.norm.parameters().into_iter().chain(hidden.unit.parameters()) {
                list.push((format!("hidden.{l}.{name}"), var.clone()));
            }
        }
        list.push(("head.weight".into(), self.head.weight.clone()));
        list.push(("head.bias".into(), self.head.bias.clone()));
        list
    }
}

/// What a convolution starts from; none for an MLP.
fn picture(architecture: &Architecture, image: Option<(usize, usize)>) -> Result<Option<Image>> {
    match (architecture.model, image) {
        (Model::Mlp, _) => Ok(None),
        (Model::Cnn, Some((rows, columns))) => Ok(Some(Image { rows, columns, channels: 1 })),
        (Model::Cnn, None) => {
            let expected = "mlp for data that are no images; take digits, fashion or idx:DIR for cnn".into();
            Err(LabError::BadValue { name: "model".into(), value: "cnn".into(), expected })
        }
    }
}

fn too_small(architecture: &Architecture, image: Option<(usize, usize)>) -> LabError {
    let (rows, columns) = image.unwrap_or_default();
    let most = rows.min(columns).max(1).ilog2();
    let value = architecture.widths.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let expected = format!("at most {most} blocks for images of {rows} x {columns}, which each block halves");
    LabError::BadValue { name: "channels".into(), value, expected }
}
