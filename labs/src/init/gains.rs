//! Gains: what PyTorch recommends beside what keeps the signal exactly.

use crate::control::Choice;
use crate::figure::{Figure, Kind, Table, readable};
use crate::mean_field::{second_moment, slope_moment};
use crate::nn::Activation;
use crate::nn::activation::Shape;

/// `torch.nn.init.calculate_gain` (2.15) of `shape`; `None` where it has none.
pub fn torch_gain(shape: Shape) -> Option<f64> {
    match shape.activation {
        Activation::Identity | Activation::Sigmoid => Some(1.0),
        Activation::Tanh => Some(5.0 / 3.0),
        Activation::Relu => Some(2.0_f64.sqrt()),
        Activation::LeakyRelu => Some((2.0 / (1.0 + shape.parameter.powi(2))).sqrt()),
        Activation::Selu => Some(0.75),
        _ => None,
    }
}

/// 1/sqrt(E f(z)^2), z ~ N(0, 1): times sqrt(1/fan-in), the weights' standard deviation at which a
/// pre-activation of variance 1 stays one.
pub fn forward_gain(shape: Shape) -> f64 {
    second_moment(shape, 1.0).sqrt().recip()
}

/// 1/sqrt(E f'(z)^2): the same for the gradient.
pub fn backward_gain(shape: Shape) -> f64 {
    slope_moment(shape, 1.0).sqrt().recip()
}

/// The functions of the table, with the settings' own one where it is not among them.
fn shapes(own: Activation) -> Vec<Shape> {
    let mut list: Vec<Shape> = [
        Activation::Identity,
        Activation::Sigmoid,
        Activation::Tanh,
        Activation::Relu,
        Activation::LeakyRelu,
        Activation::Selu,
        Activation::Elu,
        Activation::Gelu,
        Activation::Silu,
    ]
    .map(Activation::shape)
    .to_vec();
    list.push(Shape { activation: Activation::LeakyRelu, parameter: 0.2 });
    if list.iter().all(|s| s.activation != own) {
        list.push(own.shape());
    }
    list
}

fn name(shape: Shape) -> String {
    match shape.activation.parameter() {
        Some(usual) if (usual - shape.parameter).abs() > 0.0 => {
            format!("{}:{}", shape.activation.name(), readable(shape.parameter))
        }
        _ => shape.activation.name().into(),
    }
}

/// The table `gains`.
pub fn figure(own: Activation) -> Figure {
    let number = |v: Option<f64>| v.map_or_else(|| "–".into(), |v| format!("{v:.4}"));
    let row = |shape: Shape| {
        let (forward, backward) = (forward_gain(shape), backward_gain(shape));
        // A pre-activation of variance 1 has this after one layer with PyTorch's gain.
        let after = torch_gain(shape).map(|g| (g / forward).powi(2));
        vec![name(shape), number(torch_gain(shape)), number(Some(forward)), number(Some(backward)), number(after)]
    };
    let columns = ["function", "PyTorch's gain", "1/sqrt(E f^2)", "1/sqrt(E f'^2)", "variance after one layer"];
    let tanh = Activation::Tanh.shape();
    let selu = Activation::Selu.shape();
    let caption = format!(
        "Gains on sqrt(1/fan_in). ReLU's sqrt 2 is exact; PyTorch's 5/3 for tanh and 3/4 for SELU are recommendations: what keeps a variance of 1 is {} and {}.",
        readable(forward_gain(tanh)),
        readable(forward_gain(selu))
    );
    let table = Table { columns: columns.map(String::from).to_vec(), rows: shapes(own).into_iter().map(row).collect() };
    Figure { id: "gains".into(), title: "Gains: recommended and exact".into(), caption, kind: Kind::Table(table) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recommended_gains_are_pytorchs() {
        let file: serde_json::Value = serde_json::from_str(include_str!("../../tests/reference/init.json")).unwrap();
        for (word, want) in file["gains"].as_object().unwrap() {
            let shape = match word.as_str() {
                "linear" => Activation::Identity.shape(),
                "leaky_relu 0.2" => Shape { activation: Activation::LeakyRelu, parameter: 0.2 },
                word => Activation::from_name(word).unwrap().shape(),
            };
            let gain = torch_gain(shape).unwrap();
            assert!((gain / want.as_f64().unwrap() - 1.0).abs() < 1e-15, "{word}: {gain} {want}");
        }
    }

    #[test]
    fn exact_gains_are_those_of_the_integrals() {
        // mpmath, 30 digits: 1/sqrt(E f^2) and 1/sqrt(E f'^2) for z ~ N(0, 1).
        for (f, forward, backward) in [
            (Activation::Relu, 2.0_f64.sqrt(), 2.0_f64.sqrt()),
            (Activation::LeakyRelu, 1.414_142_857, 1.414_142_857),
            (Activation::Tanh, 1.592_537_420, 1.467_413_592),
            (Activation::Sigmoid, 1.846_228_545, 4.722_646_086),
            (Activation::Gelu, 1.533_530_441, 1.481_114_413),
            (Activation::Silu, 1.676_532_470, 1.623_320_258),
            (Activation::Elu, 1.245_198_301, 1.223_428_558),
            (Activation::Selu, 1.0, 0.9660),
        ] {
            let tolerance = if f == Activation::Selu { 5e-5 } else { 1e-9 };
            let (a, b) = (forward_gain(f.shape()), backward_gain(f.shape()));
            assert!((a - forward).abs() < tolerance && (b - backward).abs() < tolerance, "{}: {a} {b}", f.name());
        }
    }
}
