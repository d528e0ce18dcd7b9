//! Fewer samples, and wrong labels.

use super::Split;
use crate::rng::Stream;

impl Split {
    /// An order of all samples, drawn from `random`, of which every beginning has the balance of the whole:
    /// after n samples each of the `classes` has been taken n times its share, to within one or two. Smaller subsets
    /// are parts of larger ones.
    #[must_use]
    pub fn balanced_order(&self, classes: usize, random: &mut Stream) -> Vec<usize> {
        let mut members = vec![Vec::new(); classes];
        for i in random.permutation(self.len()) {
            members[self.labels[i] as usize].push(i);
        }
        let place = |(k, i): (usize, usize), n: usize| ((k as f64 + 0.5) / n as f64, i);
        let mut places: Vec<(f64, usize)> = members
            .iter()
            .flat_map(|class| class.iter().copied().enumerate().map(|member| place(member, class.len())))
            .collect();
        places.sort_by(|a, b| a.0.total_cmp(&b.0));
        places.into_iter().map(|(_, i)| i).collect()
    }

    /// The samples of `indices`, in that order; `dim` features each.
    #[must_use]
    pub fn select(&self, dim: usize, indices: &[usize]) -> Self {
        Self::pick(&self.features, &self.labels, dim, indices)
    }

    /// The same samples, of which `share` (0 to 1, to the nearest whole sample) have a label drawn evenly from all
    /// `classes` (Zhang et al. 2017): one in `classes` of them keeps its own. What a smaller share draws, a larger
    /// one draws too.
    #[must_use]
    pub fn with_label_noise(&self, classes: usize, share: f64, random: &mut Stream) -> Self {
        let mut noisy = self.clone();
        let drawn: Vec<(usize, u32)> =
            random.permutation(self.len()).into_iter().map(|i| (i, random.below(classes) as u32)).collect();
        let count = (share * self.len() as f64).round() as usize;
        for (i, label) in drawn.into_iter().take(count) {
            noisy.labels[i] = label;
        }
        noisy
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data;
    use crate::rng::stream;

    fn split(counts: &[usize]) -> Split {
        let labels: Vec<u32> = counts.iter().enumerate().flat_map(|(c, n)| vec![c as u32; *n]).collect();
        Split { features: (0..labels.len()).map(|i| i as f32).collect(), labels }
    }

    #[test]
    fn every_beginning_has_the_balance_of_the_whole() {
        let counts = [100, 50, 10];
        let all = split(&counts);
        let order = all.balanced_order(3, &mut stream(1, "subset", 0));
        for n in 0..=160 {
            let part = all.select(1, &order[..n]);
            for (class, count) in counts.iter().enumerate() {
                let got = part.labels.iter().filter(|l| **l as usize == class).count() as f64;
                let share = (n * count) as f64 / 160.0;
                assert!((got - share).abs() < 1.5, "{n}, class {class}: {got}, {share}");
            }
        }
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..160).collect::<Vec<_>>());
        assert_ne!(order, all.balanced_order(3, &mut stream(2, "subset", 0)));
        // Features stay with their labels.
        let part = all.select(1, &order[..7]);
        assert!(order[..7].iter().zip(&part.features).all(|(i, f)| (*i as f32 - f).abs() < 0.5));
    }

    #[test]
    fn noise_changes_the_share_that_it_says() {
        let digits = data::load("digits", 0).unwrap().train;
        let noisy = |share| digits.with_label_noise(10, share, &mut stream(3, "labels", 0));
        assert_eq!(noisy(0.0), digits);
        let changed = |a: &Split, b: &Split| a.labels.iter().zip(&b.labels).filter(|(x, y)| x != y).count();
        for share in [0.2, 0.5, 1.0] {
            // A binomial share: nine of ten labels drawn are others.
            let drawn = (share * digits.len() as f64).round();
            let got = changed(&digits, &noisy(share)) as f64;
            assert!((got - 0.9 * drawn).abs() < 5.0 * (0.09 * drawn).sqrt(), "{share}: {got} of {drawn}");
        }
        assert_eq!(noisy(0.5).features, digits.features);
        let (some, more) = (noisy(0.2), noisy(0.5));
        let kept = (0..digits.len()).filter(|i| some.labels[*i] != digits.labels[*i]);
        assert!(kept.into_iter().all(|i| some.labels[i] == more.labels[i]));
    }
}
