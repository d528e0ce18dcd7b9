//! Counting a network layer by layer: sizes, parameters and multiplications.

use super::convolution::conv_extent;
use super::support::refuse;
use crate::Result;

/// The longest list of layers, and the largest numbers in it.
const LAYERS: usize = 64;
const WIDEST: usize = 65_536;
const LARGEST_KERNEL: usize = 64;

/// What a layer does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Convolution,
    Pooling,
    Dense,
}

/// One layer of a network after it is counted.
#[derive(Debug, Clone)]
pub(super) struct Layer {
    /// `conv1` or `fc6`, numbered over the layers with weights; `pool1`, numbered over poolings.
    pub name: String,
    pub kind: Kind,
    /// Height and width of the output; 1 of a dense layer.
    pub extent: usize,
    /// Channels or units of the output.
    pub channels: usize,
    pub parameters: f64,
    /// Of one image.
    pub multiplications: f64,
}

/// What the layers of a network come to.
#[derive(Debug, Clone)]
pub(super) struct Network {
    pub layers: Vec<Layer>,
}

/// The numbers behind a layer's word: `conv96 k11 s4 p2 g2`.
struct Shape {
    kind: Kind,
    channels: usize,
    kernel: usize,
    stride: Option<usize>,
    padding: usize,
    groups: usize,
}

impl Shape {
    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
        let first = words.next()?;
        let (kind, digits) = match first {
            "pool" => (Kind::Pooling, "1"),
            word => match word.strip_prefix("conv") {
                Some(digits) => (Kind::Convolution, digits),
                None => (Kind::Dense, word.strip_prefix("fc")?),
            },
        };
        let within =
            |digits: &str, low: usize, high: usize| digits.parse::<usize>().ok().filter(|v| (low..=high).contains(v));
        let channels = within(digits, 1, WIDEST)?;
        let mut shape = Self { kind, channels, kernel: 1, stride: None, padding: 0, groups: 1 };
        for word in words {
            if kind == Kind::Dense {
                return None;
            }
            let (letter, digits) = word.split_at_checked(1)?;
            match letter {
                "k" => shape.kernel = within(digits, 1, LARGEST_KERNEL)?,
                "s" => shape.stride = Some(within(digits, 1, LARGEST_KERNEL)?),
                "p" => shape.padding = within(digits, 0, LARGEST_KERNEL)?,
                "g" => shape.groups = within(digits, 1, WIDEST)?,
                _ => return None,
            }
        }
        Some(shape)
    }
}

impl Network {
    /// Counts `layers`, such as `conv6 k5, pool k2, fc10`, on images of `channels` times `extent` squared.
    /// A pooling moves by its own size unless `s` says otherwise; every weight layer has biases.
    pub fn count(name: &str, layers: &str, channels: usize, extent: usize) -> Result<Self> {
        let mut counted: Vec<Layer> = Vec::new();
        let (mut channels, mut extent) = (channels, extent);
        for text in layers.split(',') {
            let form = "layers such as conv96 k11 s4 p2 g2, pool k3 s2, fc1000";
            let shape = Shape::parse(text).ok_or_else(|| refuse(name, text.trim(), form))?;
            if channels % shape.groups != 0 || shape.channels % shape.groups != 0 {
                return Err(refuse(name, text.trim(), format!("groups that divide {channels} and {}", shape.channels)));
            }
            let layer = shape.apply(&counted, channels, extent)?;
            (channels, extent) = (layer.channels, layer.extent);
            counted.push(layer);
            if counted.len() > LAYERS {
                return Err(refuse(name, "a longer list", format!("at most {LAYERS} layers")));
            }
        }
        Ok(Self { layers: counted })
    }

    pub fn parameters(&self) -> f64 {
        self.layers.iter().map(|l| l.parameters).sum()
    }

    pub fn multiplications(&self) -> f64 {
        self.layers.iter().map(|l| l.multiplications).sum()
    }

    pub fn of(&self, kind: Kind) -> impl Iterator<Item = &Layer> {
        self.layers.iter().filter(move |l| l.kind == kind)
    }

    /// Convolutions and dense layers.
    pub fn weight_layers(&self) -> usize {
        self.layers.iter().filter(|l| l.kind != Kind::Pooling).count()
    }
}

impl Shape {
    fn apply(&self, before: &[Layer], channels: usize, extent: usize) -> Result<Layer> {
        let number = 1 + before.iter().filter(|l| (l.kind == Kind::Pooling) == (self.kind == Kind::Pooling)).count();
        let stride = self.stride.unwrap_or(if self.kind == Kind::Pooling { self.kernel } else { 1 });
        let square = |n: usize| (n as f64).powi(2);
        let (word, out, width, fan_in) = match self.kind {
            Kind::Dense => ("fc", 1, self.channels, channels as f64 * square(extent)),
            kind => {
                let out = conv_extent(extent, self.kernel, stride, self.padding, 1)?;
                let taps = square(self.kernel) * (channels / self.groups) as f64;
                let pooled = kind == Kind::Pooling;
                let (word, width) = if pooled { ("pool", channels) } else { ("conv", self.channels) };
                (word, out, width, if pooled { 0.0 } else { taps })
            }
        };
        let bias = f64::from(u8::from(self.kind != Kind::Pooling));
        Ok(Layer {
            name: format!("{word}{number}"),
            kind: self.kind,
            extent: out,
            channels: width,
            parameters: (fan_in + bias) * width as f64,
            multiplications: fan_in * width as f64 * square(out),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_cannot_be_read_is_refused() {
        for layers in
            ["", "cnv3", "conv", "conv8 k0", "conv8 x3", "fc10 k3", "fc", "pool k9", "conv8 k3 g2", "conv99999999"]
        {
            assert!(Network::count("layers", layers, 3, 8).is_err(), "{layers:?}");
        }
    }

    #[test]
    fn groups_share_the_weights_out() {
        // torch 2.15: sum(p.numel() for p in nn.Conv2d(96, 256, 5, groups=2).parameters()) = 307456.
        let grouped = Network::count("layers", "conv256 k5 p2 g2", 96, 27).unwrap();
        assert!((grouped.parameters() - 307_456.0).abs() < 0.5);
        assert_eq!(grouped.layers[0].extent, 27);
    }
}
