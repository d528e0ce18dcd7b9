//! The embedded data sets against their sources. The numbers are those that
//! `labs/assets/data/make.py` prints, and for the digits those that scikit-learn and UCI publish.

// A test stops where something is missing, also in its helpers.
#![allow(clippy::unwrap_used, clippy::format_collect)]

use candelab_labs::data::{Dataset, Split, load};
use sha2::{Digest, Sha256};

/// Pixels of a sample as whole levels of 0..=top.
fn levels(part: &Split, dim: usize, i: usize, top: u8) -> Vec<u8> {
    let level = |v: &f32| {
        let level = v * f32::from(top);
        assert!((level - level.round()).abs() < 1e-5 && (0.0..=f32::from(top)).contains(&level), "{v}");
        level.round() as u8
    };
    part.features[i * dim..(i + 1) * dim].iter().map(level).collect()
}

fn sum(part: &Split, dim: usize, top: u8) -> u64 {
    (0..part.len()).flat_map(|i| levels(part, dim, i, top)).map(u64::from).sum()
}

fn balance(part: &Split, classes: usize) -> Vec<usize> {
    (0..classes as u32).map(|c| part.labels.iter().filter(|l| **l == c).count()).collect()
}

fn shape(set: &Dataset) -> (usize, usize, Option<(usize, usize)>, usize, usize) {
    (set.dim, set.classes, set.image, set.train.len(), set.test.len())
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

#[test]
fn assets_are_those_of_the_recipe() {
    let digits = sha256(include_bytes!("../assets/data/digits.zlib"));
    assert_eq!(digits, "920532620c9dd4e2a7a456b531fb1a2fbbd9fa102d6ca2409ef33902daee3d7d");
    let fashion = sha256(include_bytes!("../assets/data/fashion.zlib"));
    assert_eq!(fashion, "d799bd40066ef9268b3604dd7194d336bb590ae1c0d0573440cde5febdf4e349");
    let readme = include_str!("../assets/data/README.md");
    assert!(readme.contains(&digits) && readme.contains(&fashion));
}

#[test]
fn digits_have_the_published_counts_and_the_sum_of_the_source() {
    let set = load("digits", 0).unwrap();
    assert_eq!(shape(&set), (64, 10, Some((8, 8)), 1438, 359));
    let both: Vec<usize> =
        balance(&set.train, 10).iter().zip(balance(&set.test, 10)).map(|(train, test)| train + test).collect();
    assert_eq!(both, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
    // A fifth of each, to the nearest whole number.
    assert_eq!(balance(&set.test, 10), [36, 36, 35, 37, 36, 36, 36, 36, 35, 36]);
    assert_eq!(sum(&set.train, 64, 16) + sum(&set.test, 64, 16), 561_718);
}

#[test]
fn the_first_digit_is_the_one_in_the_documentation_of_scikit_learn() {
    #[rustfmt::skip]
    let first = [
        0, 0, 5, 13, 9, 1, 0, 0,
        0, 0, 13, 15, 10, 15, 5, 0,
        0, 3, 15, 2, 0, 11, 8, 0,
        0, 4, 12, 0, 0, 8, 8, 0,
        0, 5, 8, 0, 0, 9, 8, 0,
        0, 4, 11, 0, 1, 12, 7, 0,
        0, 2, 14, 5, 10, 12, 0, 0,
        0, 0, 6, 13, 10, 0, 0, 0,
    ];
    let set = load("digits", 5).unwrap();
    let found: Vec<u32> = [&set.train, &set.test]
        .into_iter()
        .flat_map(|part| (0..part.len()).map(move |i| (part, i)))
        .filter(|(part, i)| levels(part, 64, *i, 16) == first)
        .map(|(part, i)| part.labels[i])
        .collect();
    assert_eq!(found, [0], "once, as a zero");
}

#[test]
fn the_split_of_the_digits_follows_the_seed_and_loses_no_image() {
    let (a, b) = (load("digits", 1).unwrap(), load("digits", 2).unwrap());
    assert_eq!(a, load("digits", 1).unwrap());
    assert_ne!(a.test, b.test);
    let all = |set: &Dataset| {
        let mut images: Vec<(Vec<u8>, u32)> = [&set.train, &set.test]
            .into_iter()
            .flat_map(|part| (0..part.len()).map(move |i| (levels(part, 64, i, 16), part.labels[i])))
            .collect();
        images.sort();
        images
    };
    assert_eq!(all(&a), all(&b));
    // The source has no image twice, so this also says that train and test share none.
    let mut distinct = all(&a);
    distinct.dedup();
    assert_eq!(distinct.len(), 1797);
}

#[test]
fn fashion_is_balanced_and_has_the_sums_of_the_recipe() {
    let set = load("fashion", 0).unwrap();
    assert_eq!(shape(&set), (784, 10, Some((28, 28)), 5000, 1000));
    assert_eq!(balance(&set.train, 10), [500; 10]);
    assert_eq!(balance(&set.test, 10), [100; 10]);
    assert_eq!((sum(&set.train, 784, 15), sum(&set.test, 784, 15)), (16_884_274, 3_349_392));
    assert_eq!(set, load("fashion", 9).unwrap(), "the split is that of the source, whatever the seed");
}

/// Label, sum of pixels and row 14 of image `i`.
fn probe(part: &Split, i: usize) -> (u32, u64, Vec<u8>) {
    let image = levels(part, 784, i, 15);
    (part.labels[i], image.iter().map(|v| u64::from(*v)).sum(), image[14 * 28..15 * 28].to_vec())
}

#[test]
fn fashion_images_are_those_of_the_source() {
    let set = load("fashion", 0).unwrap();
    let boot = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 14, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 15, 5, 0];
    assert_eq!(probe(&set.train, 0), (9, 4466, boot.to_vec()));
    let shirt = [0, 0, 0, 0, 0, 0, 0, 1, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 13, 5, 0, 0, 0, 0, 0, 0];
    assert_eq!(probe(&set.train, 1), (0, 4968, shirt.to_vec()));
    let last = [0, 0, 0, 0, 0, 0, 0, 0, 8, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 2, 0, 0, 0, 0, 0, 0];
    assert_eq!(probe(&set.train, 4999), (0, 3126, last.to_vec()));
    let boot = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 8, 6, 6, 6, 10, 8, 8, 9, 9, 10, 8, 9, 10, 7, 0];
    assert_eq!(probe(&set.test, 0), (9, 1960, boot.to_vec()));
    let pullover =
        [0, 0, 0, 0, 10, 15, 14, 13, 5, 15, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 7, 15, 14, 15, 3, 0, 0, 0];
    assert_eq!(probe(&set.test, 1), (2, 5956, pullover.to_vec()));
    let sandal = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 6, 3, 5, 11, 4, 0, 0, 1, 0];
    assert_eq!(probe(&set.test, 999), (5, 1314, sandal.to_vec()));
}
