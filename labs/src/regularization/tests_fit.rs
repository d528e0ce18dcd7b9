use super::*;
use crate::control;
use crate::nn::L1Method::{Proximal, Subgradient};
use crate::nn::NormKind;
use candle_core::Device;

pub fn setup(values: &[(&str, &str)]) -> Result<Setup> {
    let values: Vec<_> = values.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let settings = control::apply::<RegularizationSettings>("regularization", &values)?;
    Setup::new(settings, Context { seed: 7, device: Device::Cpu })
}

const SMALL: [(&str, &str); 4] = [("widths", "16"), ("train_samples", "60"), ("steps", "40"), ("evaluate_every", "10")];

fn small(more: &[(&str, &str)]) -> Setup {
    setup(&[&SMALL, more].concat()).unwrap()
}

fn run(setup: &Setup, regularizers: &Regularizers) -> Fit {
    let mut fit = Fit::new(setup, &setup.task(setup.draw(0)).unwrap(), regularizers, 0).unwrap();
    while fit.step().unwrap() {}
    fit
}

#[test]
fn no_sample_is_in_two_parts() {
    let setup = setup(&[("scaling", "raw")]).unwrap();
    let task = setup.task(Draw { samples: 0, label_noise: 0.0, index: 0 }).unwrap();
    assert_eq!(task.data.train.len() + setup.validation.len() + setup.data.test.len(), 1797);
    let dim = setup.data.dim;
    let whole = crate::data::load("digits", 7).unwrap();
    let key = |v: &[f32]| v.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    let count = |parts: &[&crate::data::Split]| {
        let mut keys: Vec<_> = parts.iter().flat_map(|p| p.features.chunks_exact(dim).map(key)).collect();
        keys.sort();
        keys
    };
    // Together they are the set itself, each sample once.
    let ours = count(&[&task.data.train, &setup.validation, &setup.data.test]);
    assert_eq!(ours, count(&[&whole.train, &whole.test]));
}

#[test]
fn the_same_fit_gives_the_same_numbers_and_another_index_others() {
    let setup = small(&[("dropout", "0.5"), ("noise", "0.1"), ("shift", "1")]);
    let fit = run(&setup, &setup.regularizers);
    assert_eq!(fit.history(), run(&setup, &setup.regularizers).history());
    let steps: Vec<u64> = fit.history().iter().map(|s| s.step).collect();
    assert_eq!(steps, [0, 10, 20, 30, 40]);
    let task = setup.task(setup.draw(0)).unwrap();
    let mut other = Fit::new(&setup, &task, &setup.regularizers, 1).unwrap();
    while other.step().unwrap() {}
    assert_ne!(fit.history(), other.history());
    assert!(fit.last().unwrap().train.loss < fit.history()[0].train.loss);
}

#[test]
fn early_stopping_brings_the_best_weights_back() {
    for norm in [NormKind::None, NormKind::Batch] {
        let setup = small(&[("steps", "2000"), ("lr", "0.02"), ("label_noise", "0.3")]);
        let fit = run(&setup, &Regularizers { patience: 3, norm, ..Regularizers::none() });
        let stop = fit.stopped().expect("a third of the labels is noise");
        let best = fit.best().unwrap();
        assert_eq!(stop, best.step + 30);
        assert!(fit.history().iter().all(|s| s.validation.loss >= best.validation.loss));
        assert_eq!(fit.history().last().unwrap().step, stop);
        // What the network answers now is what it answered then, running statistics included.
        assert_eq!(fit.score(&fit.task().validation).unwrap(), best.validation);
        assert_eq!(fit.last(), Some(best));
    }
}

#[test]
fn changes_take_place_at_their_step_and_not_before() {
    let setup = small(&[("dropout", "0"), ("changes", "20:dropout=0.5,30:lr=1e-6")]);
    let task = setup.task(setup.draw(0)).unwrap();
    let spec = Spec { changes: setup.changes.clone(), ..setup.spec(Regularizers::none()) };
    let mut changed = Fit::with(&setup, &task, spec, 0).unwrap();
    while changed.step().unwrap() {}
    let plain = run(&setup, &Regularizers::none());
    let (a, b) = (changed.history(), plain.history());
    assert_eq!(a[..3], b[..3]);
    assert_ne!(a[3], b[3]);
    // At a rate of 1e-6 ten steps of Adam move each weight by 1e-5 at most.
    assert!((a[4].train.loss - a[3].train.loss).abs() < 1e-3 && (b[4].train.loss - b[3].train.loss).abs() > 1e-3);
    assert_eq!(changed.marks(), setup.changes);
}

#[test]
fn max_norm_and_the_soft_threshold_hold_after_every_step() {
    let setup = small(&[]);
    let fit = run(&setup, &Regularizers { max_norm: 0.7, ..Regularizers::none() });
    for w in fit.net().hidden_weights() {
        let norms: Vec<f32> = w.sqr().unwrap().sum(1).unwrap().sqrt().unwrap().to_vec1().unwrap();
        assert!(norms.iter().all(|n| *n <= 0.7 + 1e-5) && norms.iter().any(|n| *n > 0.69), "{norms:?}");
    }
    let zeros = |regularizers| {
        let fit = run(&setup, &regularizers);
        let w: Vec<f32> = fit.net().hidden_weights()[0].flatten_all().unwrap().to_vec1().unwrap();
        w.iter().filter(|v| **v == 0.0).count()
    };
    // The threshold shrinks by 0.004 a step, Adam moves by 0.002: after 40 steps only weights that began beyond 0.08,
    // half a standard deviation, can be left. The term of the loss moves weights to and fro across 0.
    let l1 = |l1_method| Regularizers { l1: 2.0, l1_method, ..Regularizers::none() };
    let (proximal, subgradient) = (zeros(l1(Proximal)), zeros(l1(Subgradient)));
    assert!(proximal > 300 && subgradient == 0, "{proximal} {subgradient}");
}

#[test]
fn dropout_is_off_in_evaluation_and_on_where_asked() {
    let setup = small(&[("dropout", "0.5")]);
    let fit = run(&setup, &setup.regularizers);
    let x = &fit.task().test.x;
    let rows = |t: candle_core::Tensor| t.to_vec2::<f32>().unwrap();
    assert_eq!(rows(fit.predict(x).unwrap()), rows(fit.predict(x).unwrap()));
    assert_ne!(rows(fit.predict_dropped(x).unwrap()), rows(fit.predict_dropped(x).unwrap()));
    // Inverted dropout keeps the mean of the logits of a network with one hidden layer: 400 passes over one sample.
    let one = x.narrow(0, 0, 1).unwrap().broadcast_as((400, 64)).unwrap().contiguous().unwrap();
    let dropped = rows(fit.predict_dropped(&one).unwrap());
    let whole = rows(fit.predict(&one).unwrap());
    for class in 0..10 {
        let values: Vec<f64> = dropped.iter().map(|r| f64::from(r[class])).collect();
        let error = crate::stats::std_dev(&values) / 20.0;
        assert!((crate::stats::mean(&values) - f64::from(whole[0][class])).abs() < 5.0 * error + 1e-6);
    }
}

#[test]
fn what_cannot_be_is_told() {
    for (values, part) in [
        (vec![("train_samples", "5")], "at least 20, or 0 for all"),
        (vec![("train_samples", "1400")], "what 'digits' leaves to train on"),
        (vec![("widths", "64,,64")], "whole numbers from 1 to 2048"),
        (vec![("dropout", "0.5,1")], "numbers from 0 to 0.95"),
        (vec![("dropout", "0.5,0.5,0.5")], "one number, or 2 of them"),
        (vec![("data", "moons"), ("shift", "1")], "0, since 'moons' has no images"),
        (vec![("data", "moons"), ("model", "cnn")], "mlp for data that are no images"),
        (vec![("model", "cnn"), ("channels", "2,2,2,2")], "at most 3 blocks for images of 8 x 8"),
        (vec![("changes", "600:dropout=0.1")], "a step below 600"),
    ] {
        let message = setup(&values).err().unwrap().to_string();
        assert!(message.contains(part) && !message.contains('\n'), "{message}");
    }
}

#[test]
fn a_convolutional_network_learns() {
    let setup = small(&[("model", "cnn"), ("channels", "4,8"), ("train_samples", "100"), ("lr", "0.01")]);
    let fit = run(&setup, &Regularizers::none());
    let last = fit.last().unwrap();
    assert!(last.test.accuracy > 0.5, "{last:?}");
}
