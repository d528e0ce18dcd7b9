//! What dropout, alpha dropout, batch normalisation and a stochastic gate do to means and variances, through the
//! layers that networks use.

use crate::nn::activation::{SELU_ALPHA, SELU_SCALE};
use crate::nn::dropout::alpha_affine;
use crate::nn::{Activation, Dropout, DropoutKind, Init, Linear, Mode, Norm, NormKind};
use crate::regularization::setup::Setup;
use crate::rng::stream;
use crate::stats::mean;
use crate::{Finding, Result};
use candle_core::{DType, Device, Tensor};
use statrs::function::erf::erf;

const TRAIN: Mode = Mode::Train { momentum: 0.1 };
/// The share that is kept.
const KEEP: f64 = 0.5;
/// Samples of a mean over masks.
const DRAWS: usize = 20_000;
/// Layers of the deep SELU network, as in the notes.
const DEPTH: usize = 30;

fn moments(values: &Tensor) -> Result<(f64, f64)> {
    let center = values.mean_all()?.to_scalar::<f64>()?;
    let square = values.sqr()?.mean_all()?.to_scalar::<f64>()?;
    Ok((center, square - center * center))
}

/// Where the keep rate is put: in training, at test, or in both. Networks are linear, so that a mean over masks is
/// what a test should say.
pub fn scaling(setup: &Setup) -> Result<Vec<Finding>> {
    let mut ratios = [vec![], vec![], vec![], vec![]];
    for index in 0..setup.settings.nets as u64 {
        let masks = stream(setup.seed, "identity_masks", index);
        let dropout = Dropout::new(DropoutKind::Plain, 1.0 - KEEP, masks)?;
        let dropped = dropout.forward(&Tensor::full(1.5_f64, DRAWS, &Device::Cpu)?, TRAIN)?;
        let (inverted, variance) = moments(&dropped)?;
        // The inverted mask times k is the plain one.
        let plain = inverted * KEEP;
        let all = [1.5 / inverted, variance / 2.25, 1.5 * KEEP / plain, 1.5 * KEEP / inverted];
        ratios.iter_mut().zip(all).for_each(|(list, value)| list.push(value));
    }
    let [inverted, variance, plain, double] = ratios;
    let of = |name, values: &[f64], meaning: &str, predicted| {
        Finding::arithmetic(name, values, meaning).predicted(Some(predicted))
    };
    let over = "output at test over the mean output in training";
    Ok(vec![
        of("inverted_test_ratio", &inverted, &format!("dropout scaled by 1/k in training, k = 0.5: {over}"), 1.0),
        of(
            "inverted_variance",
            &variance,
            "variance of an input after dropout in units of its square: (1 - k)/k",
            (1.0 - KEEP) / KEEP,
        ),
        of("plain_test_ratio", &plain, &format!("dropout scaled by k at test: {over}"), 1.0),
        of("double_scaling_ratio", &double, &format!("scaled by 1/k in training and by k at test: {over}"), KEEP),
    ])
}

/// Alpha dropout's moments on N(0, 1), with its affine step and without.
pub fn alpha(setup: &Setup) -> Result<Vec<Finding>> {
    let limit = -SELU_SCALE * SELU_ALPHA;
    let (a, b) = alpha_affine(KEEP);
    let mut lists = [vec![], vec![], vec![], vec![]];
    for index in 0..setup.settings.nets as u64 {
        let mut random = stream(setup.seed, "identity_alpha", index);
        let x = random.normal_tensor(DRAWS, &Device::Cpu)?;
        let y = Dropout::new(DropoutKind::Alpha, 1.0 - KEEP, random)?.forward(&x, TRAIN)?;
        let (center, variance) = moments(&y)?;
        let (raw_center, raw_variance) = moments(&y.affine(1.0, -b)?.affine(a.recip(), 0.0)?)?;
        lists.iter_mut().zip([center, variance, raw_center, raw_variance]).for_each(|(l, v)| l.push(v));
    }
    let [center, variance, raw_center, raw_variance] = lists;
    let of = |name, values: &[f64], meaning: &str, predicted| {
        Finding::arithmetic(name, values, format!("alpha dropout of N(0, 1), half kept: {meaning}"))
            .predicted(Some(predicted))
    };
    let raw = (KEEP + KEEP * (1.0 - KEEP) * limit * limit, (1.0 - KEEP) * limit);
    Ok(vec![
        of("alpha_mean", &center, "mean", 0.0),
        of("alpha_variance", &variance, "variance", 1.0),
        of("alpha_raw_mean", &raw_center, "mean without the affine step", raw.1),
        of("alpha_raw_variance", &raw_variance, "variance without the affine step", raw.0),
    ])
}

/// The variance after each kind of dropout in the last layer of a deep SELU network.
pub fn selu(setup: &Setup) -> Result<Vec<Finding>> {
    let end = |kind, index| -> Result<f64> {
        let (width, device) = (128, Device::Cpu);
        let mut h = stream(setup.seed, "identity_selu", index).normal_tensor((32, width), &device)?;
        for l in 0..DEPTH as u64 {
            let number = (index << 16) + l;
            let mut random = stream(setup.seed, "identity_selu_weights", number);
            let linear = Linear::new((width, width), Init::LecunNormal, 1.0, 0.0, &mut random, DType::F64, &device)?;
            let dropout = Dropout::new(kind, 1.0 - KEEP, stream(setup.seed, "identity_selu_masks", number))?;
            h = dropout.forward(&Activation::Selu.forward(&linear.forward(&h)?)?.detach(), TRAIN)?;
        }
        Ok(moments(&h)?.1)
    };
    let all = |kind| (0..setup.settings.nets as u64).map(|i| end(kind, i)).collect::<Result<Vec<f64>>>();
    let meaning = |kind: &str| format!("variance of the last of {DEPTH} SELU layers with {kind}, half kept");
    Ok(vec![
        Finding::arithmetic("selu_alpha_variance", &all(DropoutKind::Alpha)?, meaning("alpha dropout"))
            .predicted(Some(1.0)),
        Finding::arithmetic("selu_dropout_variance", &all(DropoutKind::Plain)?, meaning("plain dropout")),
    ])
}

/// Batch normalisation of N(5, 3^2), and what division by the variance would leave.
pub fn normalisation(setup: &Setup) -> Result<Vec<Finding>> {
    let (rows, features, device) = (256, 8, Device::Cpu);
    let x = stream(setup.seed, "identity_norm", 0).normal_tensor((rows, features), &device)?.affine(3.0, 5.0)?;
    let y = Norm::new(NormKind::Batch, features, DType::F64, &device)?.forward(&x, TRAIN)?.detach();
    let columns =
        |t: &Tensor| -> Result<Vec<(f64, f64)>> { (0..features).map(|j| moments(&t.narrow(1, j, 1)?)).collect() };
    let (before, after) = (columns(&x)?, columns(&y)?);
    let deviation = mean(&after.iter().map(|m| m.1.sqrt()).collect::<Vec<_>>());
    let by_variance = mean(&before.iter().map(|m| m.1.sqrt() / m.1).collect::<Vec<_>>());
    let furthest = after.iter().map(|m| m.0.abs()).fold(0.0, f64::max);
    let exact =
        |name, value, meaning: &str, predicted| Finding::exact(name, value, 0.0, meaning).predicted(Some(predicted));
    Ok(vec![
        exact("batch_norm_mean", furthest, "largest mean of a feature of N(5, 9) after batch normalisation", 0.0),
        exact("batch_norm_deviation", deviation, "standard deviation of N(5, 9) after batch normalisation", 1.0),
        exact(
            "variance_divided_deviation",
            by_variance,
            "standard deviation of the same samples divided by their variance instead",
            1.0 / 3.0,
        ),
    ])
}

/// GELU as the mean of a gate that lets x through with probability Phi(x).
pub fn gate(setup: &Setup) -> Result<Vec<Finding>> {
    let grid: Vec<f64> = (-12..=12).map(|i| 0.25 * f64::from(i)).collect();
    let gelu: Vec<f64> =
        Activation::Gelu.forward(&Tensor::from_vec(grid.clone(), grid.len(), &Device::Cpu)?)?.to_vec1()?;
    let share = |x: f64| 0.5 * (1.0 + erf(x / std::f64::consts::SQRT_2));
    let draws = 4000;
    let slopes: Vec<f64> = (0..setup.settings.nets as u64)
        .map(|index| {
            let mut random = stream(setup.seed, "identity_gate", index);
            let opened = |x: f64, random: &mut crate::rng::Stream| {
                (0..draws).filter(|_| random.uniform() < share(x)).count() as f64 * x / f64::from(draws)
            };
            let means: Vec<f64> = grid.iter().map(|x| opened(*x, &mut random)).collect();
            let along: f64 = means.iter().zip(&gelu).map(|(a, b)| a * b).sum();
            along / gelu.iter().map(|g| g * g).sum::<f64>()
        })
        .collect();
    let meaning = "slope of the mean of x times a 0/1 gate open with probability Phi(x) over GELU(x), x from -3 to 3";
    Ok(vec![Finding::arithmetic("gelu_gate_slope", &slopes, meaning).predicted(Some(1.0))])
}
