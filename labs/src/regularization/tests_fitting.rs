//! The parts that train many networks, against closed forms and against single networks.

use super::bias_variance::squared;
use super::fit::Fit;
use super::pool::{dropout_alone, label, means};
use super::rates::Rates;
use super::resamples::{Resamples, pseudo};
use super::sizes::{Sizes, counting_bound};
use super::tests_fit::setup;
use super::*;
use crate::Finding;
use crate::rng::stream;
use crate::stats::{mean, t_interval};
use crate::work::Work;

const SMALL: [(&str, &str); 6] = [
    ("widths", "16"),
    ("train_samples", "60"),
    ("steps", "20"),
    ("nets", "2"),
    ("resamples", "3"),
    ("rates", "0,0.5,0.9"),
];

fn small(more: &[(&str, &str)]) -> Setup {
    setup(&[&SMALL, more].concat()).unwrap()
}

fn run(part: &mut dyn Work<Setup>, setup: &Setup) -> Vec<Finding> {
    let ids = |part: &dyn Work<Setup>| part.figures(setup).into_iter().map(|f| f.id).collect::<Vec<_>>();
    let names = |part: &dyn Work<Setup>| part.findings(setup).into_iter().map(|f| f.name).collect::<Vec<_>>();
    let before = (ids(part), names(part));
    assert!(part.figures(setup).iter().all(|f| f.caption == "Nothing measured yet."));
    while part.step(setup).unwrap() {}
    assert_eq!(before, (ids(part), names(part)));
    assert!(part.figures(setup).iter().all(|f| f.caption != "Nothing measured yet."));
    let (total, done) = part.cost();
    assert!((total - done).abs() < 1e-6 * total && part.trouble().is_none());
    part.findings(setup)
}

fn find<'a>(findings: &'a [Finding], name: &str) -> &'a Finding {
    findings.iter().find(|f| f.name == name).unwrap_or_else(|| panic!("{name}"))
}

fn near(got: &[f64], want: &[f64]) {
    assert_eq!(got.len(), want.len(), "{got:?} {want:?}");
    assert!(got.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-9), "{got:?} {want:?}");
}

fn alone(setup: &Setup, draw: Draw, spec: Spec, index: u64) -> Fit {
    let mut fit = Fit::with(setup, &setup.task(draw).unwrap(), spec, index).unwrap();
    while fit.step().unwrap() {}
    fit
}

#[test]
fn every_rate_is_that_of_a_network_alone() {
    let setup = small(&[]);
    let findings = run(&mut Rates::new(&setup).unwrap(), &setup);
    for rate in [0.0, 0.5, 0.9] {
        let (mut wide, mut gap) = (vec![], vec![]);
        for index in 0..2 {
            let narrow = Architecture { widths: vec![2], ..setup.architecture.clone() };
            let spec = setup.spec(dropout_alone(rate));
            let fit = alone(&setup, setup.draw(index), spec.clone(), index).last().unwrap();
            wide.push(1.0 - fit.test.accuracy);
            let fit = alone(&setup, setup.draw(index), Spec { architecture: narrow, ..spec }, index).last().unwrap();
            gap.push(fit.train.accuracy - fit.test.accuracy);
        }
        near(&find(&findings, &format!("dropout_{}_error", label(rate))).samples, &wide);
        near(&find(&findings, &format!("narrow_dropout_{}_gap", label(rate))).samples, &gap);
    }
    // Each network's rate is one of the sweep, and the error chosen with it one of its own.
    let rates = &find(&findings, "best_rate").samples;
    let chosen = &find(&findings, "chosen_error").samples;
    for (i, rate) in rates.iter().enumerate() {
        let own = &find(&findings, &format!("dropout_{}_error", label(*rate))).samples;
        assert!((own[i] - chosen[i]).abs() < 1e-12);
    }
}

#[test]
fn every_size_is_that_of_a_network_alone_and_slopes_are_their_own() {
    let setup = small(&[("sizes", "20,80,all")]);
    let findings = run(&mut Sizes::new(&setup).unwrap(), &setup);
    let draw = |index| Draw { samples: 80, ..setup.draw(index) };
    let spec = setup.spec(dropout_alone(0.5));
    let want = [0, 1].map(|i| 1.0 - alone(&setup, draw(i), spec.clone(), i).last().unwrap().test.accuracy);
    near(&find(&findings, "dropout_error_80").samples, &want);
    // ln 20, ln 80 and ln n by hand: least squares of three points.
    let n: f64 = setup.data.train.len() as f64;
    let x = [20.0_f64.ln(), 80.0_f64.ln(), n.ln()];
    let errors = ["20", "80", "all"].map(|size| find(&findings, &format!("plain_error_{size}")).samples[0].ln());
    let middle = x.iter().sum::<f64>() / 3.0;
    let slope = x.iter().zip(errors).map(|(x, y)| (x - middle) * y).sum::<f64>()
        / x.iter().map(|x| (x - middle).powi(2)).sum::<f64>();
    assert!((find(&findings, "plain_slope").samples[0] - slope).abs() < 1e-9);
    // 64 -> 16 -> 10: 64 * 16 + 16 + 16 * 10 + 10 parameters.
    assert!((find(&findings, "samples_per_parameter").value - n / 1210.0).abs() < 1e-12);
}

/// A linear classifier is the softmax regression that has no hidden layer: 64 * 10 + 10 numbers.
#[test]
fn the_linear_classifier_has_no_hidden_layer() {
    let setup = small(&[("sizes", "20,40")]);
    let shape = Architecture { widths: vec![], ..setup.architecture.clone() };
    let mut spec = Spec { architecture: shape.clone(), ..setup.spec(Regularizers::none()) };
    spec.recipe.rates.lr = 0.02;
    let findings = run(&mut Sizes::new(&setup).unwrap(), &setup);
    let draw = |index| Draw { samples: 40, ..setup.draw(index) };
    let want = [0, 1].map(|i| 1.0 - alone(&setup, draw(i), spec.clone(), i).last().unwrap().test.accuracy);
    near(&find(&findings, "softmax_error_40").samples, &want);
    let net = setup.network(&shape, &Regularizers::none(), 0).unwrap();
    let parameters = crate::trainer::Network::parameters(&net);
    assert_eq!(parameters.iter().map(|(_, var)| var.elem_count()).sum::<usize>(), 650);
}

#[test]
fn sizes_that_the_data_have_not_are_told() {
    let setup = small(&[("sizes", "20,40,5000,all")]);
    let mut part = Sizes::new(&setup).unwrap();
    let messages = part.messages();
    assert!(messages.iter().any(|m| m.contains("5000 is left out")), "{messages:?}");
    for (name, value) in
        [("sizes", "20"), ("sizes", "40,20"), ("sizes", "all,20"), ("rates", "0.5,0.2"), ("rates", "0,1")]
    {
        let values = [(name.to_owned(), value.to_owned())];
        let settings = crate::control::apply::<RegularizationSettings>("regularization", &values).unwrap();
        let message = Regularization::check(&settings).unwrap_err().to_string();
        assert!(message.contains("rising") && !message.contains('\n'), "{message}");
    }
}

/// One parameter of 32 bits and 100 samples: sqrt((32 ln 2 + ln 40) / 200).
#[test]
fn the_bound_that_counts_networks() {
    assert!((counting_bound(1, 100) - 0.359_649_755).abs() < 1e-6, "{}", counting_bound(1, 100));
}

/// Against the decomposition of the sets that are left, one by one.
#[test]
fn pseudo_values_are_the_jackknifes() {
    let mut random = stream(5, "pseudo", 0);
    let predictions: Vec<Vec<f64>> = (0..6).map(|_| random.normals(8)).collect();
    let target = random.normals(8);
    // Eight coordinates of four samples: the decomposition is a mean over coordinates, here twice that.
    let of = |rows: &[Vec<f64>]| squared(rows, std::slice::from_ref(&target)).unwrap();
    let values = pseudo(&predictions, &target, 4);
    let whole = of(&predictions);
    for i in 0..6 {
        let mut others = predictions.clone();
        others.remove(i);
        let part = of(&others);
        let want = 2.0 * (6.0 * whole.variance_unbiased - 5.0 * part.variance_unbiased);
        assert!((values.variance[i] - want).abs() < 1e-9);
        let want = 2.0 * (6.0 * whole.bias_unbiased - 5.0 * part.bias_unbiased);
        assert!((values.bias[i] - want).abs() < 1e-9);
    }
    assert!((mean(&values.variance) - 2.0 * whole.variance_unbiased).abs() < 1e-9);
    assert!((mean(&values.bias) - 2.0 * whole.bias_unbiased).abs() < 1e-9);
}

/// f ~ N(y + 0.5, 4): squared bias 0.25, variance 4. Intervals of pseudo-values hold them in 95 % of cases.
#[test]
fn intervals_of_pseudo_values_hold_the_truth() {
    let (mut bias, mut variance) = (0, 0);
    for case in 0..200 {
        let mut random = stream(6, "pseudo", case);
        let target = vec![1.0; 40];
        let draw = |random: &mut crate::rng::Stream| random.normals(40).iter().map(|z| 1.5 + 2.0 * z).collect();
        let predictions: Vec<Vec<f64>> = (0..12).map(|_| draw(&mut random)).collect();
        let values = pseudo(&predictions, &target, 40);
        let holds = |values: &[f64], truth: f64| {
            let i = t_interval(values).unwrap();
            u32::from(i.low <= truth && truth <= i.high)
        };
        bias += holds(&values.bias, 0.25);
        variance += holds(&values.variance, 4.0);
    }

    assert!((180..=199).contains(&bias) && (180..=199).contains(&variance), "{bias} {variance}");
}

#[test]
fn parts_of_the_error_add_up_to_that_of_the_networks() {
    let setup = small(&[("steps", "60")]);
    let findings = run(&mut Resamples::new(&setup), &setup);
    assert!(find(&findings, "decomposition_residual").value < 1e-12);
    // The squared error of one network at a time, from its own probabilities.
    let mut errors = Vec::new();
    for i in 0..3 {
        let fit = alone(&setup, setup.draw(i), setup.spec(Regularizers::none()), i);
        let test = &fit.task().test;
        let logits = fit.predict(&test.x).unwrap().to_vec2::<f32>().unwrap();
        let labels = test.y.to_vec1::<u32>().unwrap();
        let brier = |(row, label): (&Vec<f32>, &u32)| -> f64 {
            let powers: Vec<f64> = row.iter().map(|v| f64::from(*v).exp()).collect();
            let total: f64 = powers.iter().sum();
            let hit = |c: usize| f64::from(u8::from(c == *label as usize));
            powers.iter().enumerate().map(|(c, p)| (p / total - hit(c)).powi(2)).sum()
        };
        errors.push(mean(&logits.iter().zip(&labels).map(brier).collect::<Vec<_>>()));
    }
    let sum = find(&findings, "wide_bias").value + find(&findings, "wide_variance").value;
    assert!((sum - mean(&errors)).abs() < 1e-5, "{sum} {errors:?}");
}

#[test]
fn means_leave_out_what_is_not_finite() {
    let measured = [(1.0, vec![1.0, 3.0]), (2.0, vec![f64::NAN]), (3.0, vec![f64::NAN, 5.0])];
    let series = means("", &measured, t_interval);
    assert_eq!(series.points, [(1.0, 2.0), (3.0, 5.0)]);
    let band = series.band.unwrap();
    assert!(band[0].0 < 2.0 && band[0].1 > 2.0 && band[1] == (5.0, 5.0));
}
