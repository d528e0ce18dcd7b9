//! Each generator against its closed form, and the discipline of seeds.

// A test stops where something is missing, also in its helpers.
#![allow(clippy::unwrap_used)]

use candelab_labs::data::{Dataset, GENERATORS, Generator, Split, load};
use candelab_labs::rng::stream;
use std::f64::consts::PI;

fn generator(name: &str) -> &'static Generator {
    GENERATORS.iter().find(|g| g.name == name).unwrap()
}

fn clean(name: &str, n: usize) -> Vec<(f64, f64, u32)> {
    points(&generator(name).dataset(n, 1, 0.0, 3).train)
}

fn points(part: &Split) -> Vec<(f64, f64, u32)> {
    let pairs = part.features.chunks_exact(2).zip(&part.labels);
    pairs.map(|(p, label)| (f64::from(p[0]), f64::from(p[1]), *label)).collect()
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() < 2e-6 * b.abs().max(1.0)
}

/// Steps between neighbours in order of angle.
fn gaps(mut angles: Vec<f64>) -> Vec<f64> {
    angles.sort_by(f64::total_cmp);
    angles.windows(2).map(|w| w[1] - w[0]).collect()
}

#[test]
fn every_generator_has_the_promised_counts_balance_and_order() {
    for g in &GENERATORS {
        let set = load(g.name, 1).unwrap();
        assert_eq!((set.name.as_str(), set.dim, set.classes, set.image), (g.name, 2, g.classes, None));
        for (part, n) in [(&set.train, 1000), (&set.test, 500)] {
            assert_eq!((part.len(), part.features.len()), (n, 2 * n));
            for class in 0..g.classes as u32 {
                let count = part.labels.iter().filter(|l| **l == class).count();
                assert!(count == n / g.classes || count == n.div_ceil(g.classes), "{} {class}: {count}", g.name);
            }
            // Sorted by class, two neighbours would differ only classes - 1 times.
            let changes = part.labels.windows(2).filter(|w| w[0] != w[1]).count();
            assert!(changes > n / 3, "{}: {changes}", g.name);
        }
    }
}

#[test]
fn moons_are_the_half_circles_of_make_moons() {
    let moons = clean("moons", 101);
    for (x, y, class) in &moons {
        let (cos, sin) = if *class == 0 { (*x, *y) } else { (1.0 - x, 0.5 - y) };
        assert!(near(cos.hypot(sin), 1.0) && sin > -1e-6, "{x} {y} {class}");
    }
    // linspace: both ends, and equal steps. Of an odd number the inner moon has one more.
    for (class, n) in [(0, 50), (1, 51)] {
        let own = moons.iter().filter(|p| p.2 == class);
        let angles: Vec<f64> = own.map(|(x, _, _)| (if class == 0 { *x } else { 1.0 - x }).acos()).collect();
        assert_eq!(angles.len(), n);
        let steps = gaps(angles.clone());
        // The arc cosine is steep at the ends, hence the wide tolerance.
        assert!(steps.iter().all(|s| (s - PI / (n - 1) as f64).abs() < 1e-3), "{steps:?}");
        let (low, high) = angles.iter().fold((9.0_f64, 0.0_f64), |(l, h), a| (l.min(*a), h.max(*a)));
        assert!(low < 1e-3 && high > PI - 1e-3);
    }
}

#[test]
fn circles_have_two_radii_and_equal_steps() {
    let circles = clean("circles", 120);
    for class in [0, 1] {
        let own: Vec<_> = circles.iter().filter(|p| p.2 == class).collect();
        let radius = if class == 0 { 1.0 } else { 0.5 };
        assert!(own.iter().all(|(x, y, _)| near(x.hypot(*y), radius)));
        let steps = gaps(own.iter().map(|(x, y, _)| y.atan2(*x)).collect());
        assert!(steps.len() == 59 && steps.iter().all(|s| (s - 2.0 * PI / 60.0).abs() < 1e-5), "{steps:?}");
    }
}

#[test]
fn spirals_are_two_arms_half_a_turn_apart() {
    let spirals = clean("spirals", 2000);
    let mut squares = Vec::new();
    for (x, y, class) in spirals {
        let r = x.hypot(y);
        assert!((0.1 - 1e-6..=1.0 + 1e-6).contains(&r));
        // Turned back by its own angle each point of arm 0 lies on the positive axis, of arm 1 on
        // the negative one.
        let (sin, cos) = (3.0 * PI * r).sin_cos();
        let side = if class == 0 { 1.0 } else { -1.0 };
        assert!((x * cos + y * sin - side * r).abs() < 1e-5 && (y * cos - x * sin).abs() < 1e-5, "{x} {y}");
        squares.push((r * r - 0.01) / 0.99);
    }
    // Uniform: mean 1/2 and variance 1/12, at five standard errors.
    let mean = squares.iter().sum::<f64>() / 2000.0;
    let variance = squares.iter().map(|s| (s - mean).powi(2)).sum::<f64>() / 2000.0;
    assert!((mean - 0.5).abs() < 0.033 && (variance - 1.0 / 12.0).abs() < 0.0085, "{mean} {variance}");
}

#[test]
fn xor_and_checkerboard_follow_the_signs_and_the_cells() {
    let mut quadrants = [0; 4];
    for (x, y, class) in clean("xor", 1000) {
        assert!(x.abs() <= 1.0 && y.abs() <= 1.0);
        assert_eq!(u32::from((x > 0.0) != (y > 0.0)), class, "{x} {y}");
        quadrants[2 * usize::from(x > 0.0) + usize::from(y > 0.0)] += 1;
    }
    assert_eq!(quadrants, [250; 4]);
    let mut cells = [0; 16];
    for (x, y, class) in clean("checkerboard", 1600) {
        let [column, row] = [x, y].map(|v| ((v + 1.0) / 0.5).floor().clamp(0.0, 3.0) as usize);
        assert_eq!(((column + row) % 2) as u32, class, "{x} {y}");
        cells[4 * row + column] += 1;
    }
    assert_eq!(cells, [100; 16]);
}

#[test]
fn gaussians_sit_on_eight_places_of_the_unit_circle() {
    for (x, y, class) in clean("gaussians", 80) {
        let angle = PI / 4.0 * f64::from(class);
        assert!(near(x, angle.cos()) && near(y, angle.sin()), "{x} {y} {class}");
    }
}

#[test]
fn the_swiss_roll_is_cut_into_thirds_of_its_angle() {
    let mut range = [(f64::MAX, f64::MIN); 3];
    for (x, y, class) in clean("swissroll", 3000) {
        // The radius is the angle, so the point must lie at that angle.
        let t = x.hypot(y);
        assert!(near(x, t * t.cos()) || (x - t * t.cos()).abs() < 1e-4, "{x} {y}");
        assert!((y - t * t.sin()).abs() < 1e-4);
        let (low, high) = &mut range[class as usize];
        (*low, *high) = (low.min(t), high.max(t));
    }
    for (class, (low, high)) in range.into_iter().enumerate() {
        let start = PI * (1.5 + class as f64);
        assert!(low >= start - 1e-5 && low < start + 0.05, "{class}: {low}");
        assert!(high <= start + PI + 1e-5 && high > start + PI - 0.05, "{class}: {high}");
    }
}

/// Mean and standard deviation of the difference that noise makes, over all coordinates.
fn added_noise(g: &Generator, noise: f64) -> (f64, f64) {
    let [with, without] = [noise, 0.0].map(|noise| g.dataset(4000, 1, noise, 8).train.features);
    let diffs: Vec<f64> = with.iter().zip(&without).map(|(a, b)| f64::from(a - b)).collect();
    let n = diffs.len() as f64;
    let mean = diffs.iter().sum::<f64>() / n;
    (mean, (diffs.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / n).sqrt())
}

#[test]
fn noise_is_gaussian_of_the_stated_deviation_on_unmoved_points() {
    for g in &GENERATORS {
        for noise in [g.noise, 0.5] {
            let (mean, deviation) = added_noise(g, noise);
            // Standard errors over 8,000 draws: 1.1 % of the deviation, and 0.8 %.
            assert!(mean.abs() < 0.06 * noise, "{}: {mean}", g.name);
            assert!((deviation / noise - 1.0).abs() < 0.04, "{}: {deviation}", g.name);
        }
    }
}

/// Share of test points whose nearest training point has their label.
fn nearest_neighbour(set: &Dataset) -> f64 {
    let (train, test) = (points(&set.train), points(&set.test));
    let right = test.iter().filter(|(x, y, class)| {
        let distance = |p: &&(f64, f64, u32)| (p.0 - x).hypot(p.1 - y);
        train.iter().min_by(|a, b| distance(a).total_cmp(&distance(b))).unwrap().2 == *class
    });
    right.count() as f64 / test.len() as f64
}

#[test]
fn classes_can_be_told_apart_at_the_usual_noise() {
    for g in &GENERATORS {
        let accuracy = nearest_neighbour(&load(g.name, 4).unwrap());
        let least = if matches!(g.name, "xor" | "checkerboard" | "circles") { 0.85 } else { 0.95 };
        assert!(accuracy > least, "{}: {accuracy}", g.name);
    }
}

#[test]
fn sets_repeat_by_seed_and_parts_differ() {
    for spec in GENERATORS.iter().map(|g| g.name).chain(["white:8"]) {
        let set = load(spec, 6).unwrap();
        assert_eq!(set, load(spec, 6).unwrap(), "{spec}");
        assert_ne!(set.train.features, load(spec, 7).unwrap().train.features, "{spec}");
        assert_ne!(set.train.features[..1000], set.test.features[..1000], "{spec}");
    }
}

#[test]
fn a_set_does_not_depend_on_what_else_is_drawn_or_on_the_size_of_the_other_part() {
    let g = generator("spirals");
    let set = g.dataset(50, 20, 0.1, 2);
    for name in ["init", "data", "noise"] {
        stream(2, name, 0).normals(10_000);
    }
    load("white:100", 2).unwrap();
    assert_eq!(set, g.dataset(50, 20, 0.1, 2));
    assert_eq!(set.train, g.dataset(50, 99, 0.1, 2).train);
    assert_eq!(set.test, g.dataset(7, 20, 0.1, 2).test);
    // With the same number, another stream would give the same draws if streams were not apart.
    let z: Vec<f32> = stream(2, "init", 0).normals(100).into_iter().map(|v| v as f32).collect();
    assert_ne!(z, load("white:100", 2).unwrap().train.features[..100]);
}

#[test]
fn the_points_of_a_seed_stay_what_they_are() {
    // Records name a set by specification and seed, so these numbers may not change.
    for (name, x, y, class) in GOLDEN {
        let (px, py, label) = points(&load(name, 1).unwrap().train)[0];
        assert!((px - x).abs() < 1e-5 && (py - y).abs() < 1e-5 && label == class, "{name}: {px:?}, {py:?}, {label}");
    }
}

const GOLDEN: [(&str, f64, f64, u32); 7] = [
    ("moons", 0.860_217_7, 0.612_431_9, 0),
    ("spirals", -0.603_037_2, 0.202_887_8, 1),
    ("circles", 0.269_646_2, 0.953_672_9, 0),
    ("xor", 0.338_109_2, 0.785_350_9, 0),
    ("gaussians", 1.141_934_6, -0.046_337_2, 0),
    ("checkerboard", -0.618_866_9, -0.898_343_3, 0),
    ("swissroll", 11.155_529, -4.689_699_2, 2),
];

#[test]
fn white_has_the_moments_of_the_normal_distribution_and_labels_that_say_nothing() {
    let set = load("white:64", 5).unwrap();
    assert_eq!((set.dim, set.classes, set.train.len(), set.test.len()), (64, 10, 1000, 500));
    assert_ne!(set.train.labels[..500], set.test.labels);
    let n = set.train.features.len() as f64;
    let moment = |k: i32| set.train.features.iter().map(|v| f64::from(*v).powi(k)).sum::<f64>() / n;
    // Standard errors over 64,000 draws: 0.004, 0.0056, 0.0153, 0.0387.
    assert!(moment(1).abs() < 0.02 && (moment(2) - 1.0).abs() < 0.028, "{} {}", moment(1), moment(2));
    assert!(moment(3).abs() < 0.08 && (moment(4) - 3.0).abs() < 0.2, "{} {}", moment(3), moment(4));
    for class in 0..10 {
        let of_class = |p: &Split| p.labels.iter().filter(|l| **l == class).count();
        // 100 expected with standard deviation 9.5; 50 with 6.7.
        assert!((55..=145).contains(&of_class(&set.train)) && (20..=80).contains(&of_class(&set.test)));
    }
    // Labels independent of inputs: class means of the first feature are within five standard errors of 0.
    for class in 0..10 {
        let own = set.train.labels.iter().enumerate().filter(|(_, l)| **l == class);
        let first: Vec<f64> = own.map(|(i, _)| f64::from(set.train.features[64 * i])).collect();
        assert!((first.iter().sum::<f64>() / first.len() as f64).abs() < 0.6);
    }
}

#[test]
fn white_takes_its_dimension_from_the_specification() {
    assert_eq!(load("white", 0).unwrap(), load("white:256", 0).unwrap());
    assert_eq!(load("white:1", 0).unwrap().train.features.len(), 1000);
    for spec in ["white:0", "white:", "white:x", "white:-1", "white:16385"] {
        let text = load(spec, 0).unwrap_err().to_string();
        let expected = "white:DIM, with a whole number from 1 to 16384";
        assert_eq!(text, format!("control 'data' cannot be '{spec}': expected {expected}"));
    }
}

#[test]
fn unknown_specifications_are_answered_with_the_nearest() {
    let message = |spec: &str| load(spec, 0).unwrap_err().to_string();
    assert!(message("digts").ends_with("idx:DIR; did you mean 'digits'?"));
    assert!(message("my/iris.csv").ends_with("idx:DIR; did you mean 'csv:my/iris.csv'?"));
    assert!(message("qqq").ends_with("csv:PATH | idx:DIR"));
    assert_eq!(message("csv:"), "control 'data' cannot be 'csv:': expected csv:PATH, with the path of a file");
    assert_eq!(message("idx"), "control 'data' cannot be 'idx': expected idx:DIR, with the path of a folder");
}
