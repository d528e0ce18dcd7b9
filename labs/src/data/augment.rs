//! Augmentation: training samples as they might have been.

use crate::rng::Stream;

/// How far a sample is changed, each time that it is trained on. The default changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Augmentation {
    /// Images are shifted by whole pixels, evenly from `-shift` to `shift` in both directions.
    pub shift: usize,
    /// Images are turned about their centre by an angle in degrees, evenly from `-rotation` to `rotation`.
    pub rotation: f64,
    /// Standard deviation of normal noise that is added to each feature, in the unit of the scaled feature.
    pub noise: f64,
}

impl Augmentation {
    /// Whether it needs images.
    #[must_use]
    pub fn moves_pixels(&self) -> bool {
        self.shift > 0 || self.rotation > 0.0
    }

    /// Whether it changes anything.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.moves_pixels() || self.noise > 0.0
    }

    /// Changes one `sample`; `image` is its (rows, columns), where it is one. What comes in from beyond the border has
    /// the sample's own smallest value, which is its background under every scaling of bright pixels on dark ones.
    pub fn apply(&self, sample: &mut [f32], image: Option<(usize, usize)>, random: &mut Stream) {
        if let Some(size) = image
            && self.moves_pixels()
        {
            let mut whole = || random.below(2 * self.shift + 1) as f64 - self.shift as f64;
            let (down, right) = (whole(), whole());
            let degrees = self.rotation * (2.0 * random.uniform() - 1.0);
            let moved = transformed(sample, size, (down, right), degrees);
            sample.copy_from_slice(&moved);
        }
        if self.noise > 0.0 {
            for value in sample {
                *value += (self.noise * random.normal()) as f32;
            }
        }
    }
}

/// The image turned by `degrees` (from its row axis towards its column axis) about its centre, then shifted by
/// (rows down, columns right): bilinear between pixels, the smallest value beyond the border.
fn transformed(pixels: &[f32], (rows, columns): (usize, usize), (down, right): (f64, f64), degrees: f64) -> Vec<f32> {
    let fill = f64::from(pixels.iter().copied().fold(f32::INFINITY, f32::min));
    let at = |row: f64, column: f64| {
        let inside = row >= 0.0 && column >= 0.0 && row < rows as f64 && column < columns as f64;
        if inside { f64::from(pixels[row as usize * columns + column as usize]) } else { fill }
    };
    let (sin, cos) = degrees.to_radians().sin_cos();
    let (middle_row, middle_column) = (0.5 * (rows as f64 - 1.0), 0.5 * (columns as f64 - 1.0));
    let source = |i: usize| {
        let y = (i / columns) as f64 - middle_row - down;
        let x = (i % columns) as f64 - middle_column - right;
        (cos * y + sin * x + middle_row, cos * x - sin * y + middle_column)
    };
    let sampled = |i: usize| {
        let (row, column) = source(i);
        let (top, left) = (row.floor(), column.floor());
        let (a, b) = (row - top, column - left);
        let upper = (1.0 - b) * at(top, left) + b * at(top, left + 1.0);
        let lower = (1.0 - b) * at(top + 1.0, left) + b * at(top + 1.0, left + 1.0);
        ((1.0 - a) * upper + a * lower) as f32
    };
    (0..pixels.len()).map(sampled).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::stream;

    fn near(got: &[f32], want: &[f32]) {
        assert_eq!(got.len(), want.len());
        assert!(got.iter().zip(want).all(|(g, w)| (g - w).abs() < 1e-5), "{got:?} {want:?}");
    }

    const SQUARE: [f32; 9] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0];

    #[test]
    fn shifts_move_pixels_and_let_the_background_in() {
        near(&transformed(&SQUARE, (3, 3), (1.0, 0.0), 0.0), &[1.0, 1.0, 1.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        near(&transformed(&SQUARE, (3, 3), (0.0, -1.0), 0.0), &[2.0, 3.0, 1.0, 5.0, 6.0, 1.0, 8.0, 9.0, 1.0]);
        near(&transformed(&SQUARE, (3, 3), (0.0, 0.0), 0.0), &SQUARE);
    }

    #[test]
    fn a_quarter_turn_is_a_permutation_and_an_eighth_is_bilinear() {
        let turned = transformed(&SQUARE, (3, 3), (0.0, 0.0), 90.0);
        let mut sorted = turned.clone();
        sorted.sort_by(f32::total_cmp);
        near(&sorted, &SQUARE);
        assert_ne!(turned, SQUARE);
        near(&transformed(&turned, (3, 3), (0.0, 0.0), -90.0), &SQUARE);
        // On a plane z = 1 + 2 y + 3 x bilinear interpolation is exact: about the centre of a large image a turn
        // turns the slopes.
        let n = 41_usize;
        let plane = |y: f64, x: f64| 200.0 + 2.0 * y + 3.0 * x;
        let pixels: Vec<f32> = (0..n * n).map(|i| plane((i / n) as f64 - 20.0, (i % n) as f64 - 20.0) as f32).collect();
        let turned = transformed(&pixels, (n, n), (0.0, 0.0), 30.0);
        let (sin, cos) = 30_f64.to_radians().sin_cos();
        for (y, x) in [(0.0, 0.0), (3.0, -5.0), (-7.0, 4.0), (10.0, 10.0)] {
            let got = f64::from(turned[((y + 20.0) * n as f64 + x + 20.0) as usize]);
            let want = plane(cos * y + sin * x, cos * x - sin * y);
            assert!((got - want).abs() < 1e-4, "{got} {want}");
        }
    }

    #[test]
    fn draws_cover_their_ranges_and_nothing_changes_nothing() {
        let mut random = stream(5, "augment", 0);
        let mut sample = SQUARE;
        Augmentation::default().apply(&mut sample, Some((3, 3)), &mut random);
        near(&sample, &SQUARE);
        // One bright pixel in the middle of 5 x 5 lands in each of the nine places that a shift of 1 allows.
        let mut seen = [0_usize; 25];
        let shift = Augmentation { shift: 1, ..Augmentation::default() };
        for _ in 0..900 {
            let mut image = [0.0_f32; 25];
            image[12] = 1.0;
            shift.apply(&mut image, Some((5, 5)), &mut random);
            seen[image.iter().position(|v| *v > 0.5).unwrap()] += 1;
        }
        for place in [6, 7, 8, 11, 12, 13, 16, 17, 18] {
            // A binomial count: 100 of 900, standard deviation 9.4.
            assert!((53..147).contains(&seen[place]), "{seen:?}");
        }
        let mut noisy = vec![0.0_f32; 20_000];
        Augmentation { noise: 0.5, ..Augmentation::default() }.apply(&mut noisy, None, &mut random);
        let variance = noisy.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>() / 20_000.0;
        // The standard error of a variance is itself times sqrt(2 / n) = 1 %.
        assert!((variance / 0.25 - 1.0).abs() < 0.05, "{variance}");
    }
}
