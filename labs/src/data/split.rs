//! The split of a set that comes without one.

use crate::rng::Stream;

/// Indices of the training and of the test samples: about one fifth of each class is held out
/// (`n / 5` to the nearest whole number, but at least one and not all of them), so both parts have
/// the balance of the whole. Both orders mix the classes, so that a file sorted by class does no
/// harm to a lab that takes the first samples.
pub(super) fn stratified(labels: &[u32], classes: usize, draw: &mut Stream) -> (Vec<usize>, Vec<usize>) {
    let mut members = vec![Vec::new(); classes];
    for (i, label) in labels.iter().enumerate() {
        members[*label as usize].push(i);
    }
    let (mut train, mut test) = (Vec::new(), Vec::new());
    for class in members {
        let order: Vec<usize> = draw.permutation(class.len()).into_iter().map(|k| class[k]).collect();
        let held = ((class.len() + 2) / 5).max(1).min(class.len().saturating_sub(1));
        test.extend_from_slice(&order[..held]);
        train.extend_from_slice(&order[held..]);
    }
    let mut mix = |part: Vec<usize>| draw.permutation(part.len()).into_iter().map(|k| part[k]).collect();
    (mix(train), mix(test))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::stream;

    #[test]
    fn every_sample_lands_once_and_every_class_on_both_sides() {
        let labels: Vec<u32> = [0; 2].into_iter().chain([1; 7]).chain([2; 8]).chain([3; 50]).collect();
        let (train, test) = stratified(&labels, 4, &mut stream(3, "data", 0));
        let held = |class| test.iter().filter(|&&i| labels[i] == class).count();
        assert_eq!([0, 1, 2, 3].map(held), [1, 1, 2, 10]);
        let mut all = [train, test].concat();
        all.sort_unstable();
        assert_eq!(all, (0..labels.len()).collect::<Vec<_>>());
    }

    #[test]
    fn a_class_of_one_is_trained_on() {
        assert_eq!(stratified(&[0], 1, &mut stream(0, "data", 0)), (vec![0], vec![]));
    }
}
