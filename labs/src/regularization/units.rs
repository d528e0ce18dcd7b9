//! What a trained network's hidden units are to one another: what is left when some are gone, and how alike
//! they are.

use super::fit::Fit;
use super::setup::Setup;
use crate::Result;
use crate::nn::{Mode, loss};
use crate::rng::stream;
use crate::trainer::Network;
use candle_core::{DType, Tensor};

/// The share of test samples right when the share `gone` of each hidden layer's units is removed, the same units for
/// every sample, drawn for network number `index`. Units are taken out of a fully connected layer whole: weights and bias.
pub fn pruned_accuracy(setup: &Setup, fit: &Fit, index: u64, gone: f64) -> Result<f64> {
    let net = setup.network(&setup.architecture, fit.regularizers(), index)?;
    for (copy, trained) in net.state().iter().zip(fit.net().state()) {
        copy.set(&trained.as_detached_tensor())?;
    }
    for (l, weight) in net.hidden_weights().into_iter().enumerate() {
        let units = weight.dim(0)?;
        let mut random = stream(setup.seed, "pruned", (index << 16) + l as u64);
        let lost = (gone * units as f64).round() as usize;
        let mut kept = vec![1.0_f32; units];
        random.permutation(units).into_iter().take(lost).for_each(|u| kept[u] = 0.0);
        let kept = Tensor::from_vec(kept, units, weight.device())?;
        weight.set(&weight.as_detached_tensor().broadcast_mul(&kept.reshape((units, 1))?)?)?;
        let name = format!("hidden.{l}.bias");
        if let Some((_, bias)) = net.parameters().into_iter().find(|(n, _)| *n == name) {
            bias.set(&bias.as_detached_tensor().broadcast_mul(&kept)?)?;
        }
    }
    let test = &fit.task().test;
    Ok(loss::accuracy(&net.forward(&test.x, Mode::Eval)?, &test.y)?)
}

/// The mean size of the correlation of two units of the last hidden layer over the test samples; NaN where fewer than two
/// units vary.
pub fn mean_correlation(fit: &Fit) -> Result<f64> {
    let Some(last) = fit.features(&fit.task().test.x)?.pop() else { return Ok(f64::NAN) };
    let columns: Vec<Vec<f64>> = last.to_dtype(DType::F64)?.t()?.to_vec2()?;
    Ok(correlation_of(columns))
}

/// The mean |correlation| over all pairs of columns that vary.
fn correlation_of(columns: Vec<Vec<f64>>) -> f64 {
    let unit = |column: Vec<f64>| {
        let center = crate::stats::mean(&column);
        let centered: Vec<f64> = column.into_iter().map(|v| v - center).collect();
        let norm = centered.iter().map(|v| v * v).sum::<f64>().sqrt();
        (norm > 1e-12).then(|| centered.into_iter().map(|v| v / norm).collect::<Vec<_>>())
    };
    let units: Vec<Vec<f64>> = columns.into_iter().filter_map(unit).collect();
    let (mut sum, mut pairs) = (0.0, 0_usize);
    for (i, a) in units.iter().enumerate() {
        for b in &units[..i] {
            sum += a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>().abs();
            pairs += 1;
        }
    }
    sum / pairs as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::regularization::Regularizers;
    use crate::regularization::tests_fit::setup;

    #[test]
    fn pruning_takes_units_and_leaves_the_trained_network() {
        let setup = setup(&[("widths", "16"), ("train_samples", "100"), ("steps", "100")]).unwrap();
        let task = setup.task(setup.draw(0)).unwrap();
        let mut fit = Fit::new(&setup, &task, &Regularizers::none(), 0).unwrap();
        while fit.step().unwrap() {}
        let whole = fit.last().unwrap().test.accuracy;
        assert!((pruned_accuracy(&setup, &fit, 0, 0.0).unwrap() - whole).abs() < 1e-12);
        // Without any unit only the head's bias is left: one class for all samples.
        let none = pruned_accuracy(&setup, &fit, 0, 1.0).unwrap();
        assert!(none < 0.15 && whole > 0.6, "{none} {whole}");
        assert!((fit.score(&task.test).unwrap().accuracy - whole).abs() < 1e-12);
    }

    #[test]
    fn correlations_by_hand() {
        // 1 and -1 of them are certain; the third is orthogonal to both; a constant column does not count.
        let columns = vec![vec![1.0, 2.0, 3.0], vec![-2.0, -4.0, -6.0], vec![1.0, 0.0, 1.0], vec![5.0; 3]];
        assert!((correlation_of(columns) - 1.0 / 3.0).abs() < 1e-12);
    }
}
