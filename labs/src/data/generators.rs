//! Point sets in the plane whose classes a straight line does not separate.

use super::{Dataset, STREAM, Split};
use crate::rng::{Stream, stream};
use std::f64::consts::PI;

/// Training points of a generated set that [`super::load`] makes.
pub(super) const TRAIN: usize = 1_000;
/// Test points.
pub(super) const TEST: usize = 500;

/// A family of point sets in the plane.
#[derive(Debug, Clone, Copy)]
pub struct Generator {
    /// The name by which [`super::load`] knows it.
    pub name: &'static str,
    /// Number of classes.
    pub classes: usize,
    /// The noise that [`super::load`] takes: standard deviation of the Gaussian that is added to
    /// each coordinate, in the units of the coordinates.
    pub noise: f64,
    point: fn(Place, &mut Stream) -> [f64; 2],
}

/// Point `index` of the `of` points of class `class`.
#[derive(Debug, Clone, Copy)]
struct Place {
    class: usize,
    index: usize,
    of: usize,
}

/// Every generator. Without noise:
///
/// - `moons`: two interleaving half circles of radius 1, evenly spaced as in scikit-learn's
///   `make_moons`: class 0 is (cos t, sin t), class 1 is (1 - cos t, 1/2 - sin t), t from 0 to pi.
/// - `spirals`: two arms of an Archimedean spiral, 1.35 turns from radius 0.1 to 1:
///   radius r at angle 3 pi r, class 1 turned by pi; r^2 is uniform, for an even density.
/// - `circles`: two concentric circles, evenly spaced as in scikit-learn's `make_circles` with
///   `factor=0.5`: class 0 at radius 1, class 1 at radius 0.5.
/// - `xor`: uniform in the square from -1 to 1; class 1 where the signs of the coordinates differ.
/// - `gaussians`: eight centres on the unit circle, class k at angle k pi / 4; the noise is the
///   standard deviation of each.
/// - `checkerboard`: uniform in the square from -1 to 1, cut into 4 x 4 cells; class 0 where column
///   and row are both even or both odd.
/// - `swissroll`: the roll of scikit-learn's `make_swiss_roll` without its depth, (t cos t,
///   t sin t) with t uniform from 3 pi / 2 to 9 pi / 2; the class is the third of the range that t
///   lies in, half a turn each.
///
/// Classes are of equal size (to one, the later class having more, as in scikit-learn).
pub const GENERATORS: [Generator; 7] = [
    Generator { name: "moons", classes: 2, noise: 0.1, point: moon },
    Generator { name: "spirals", classes: 2, noise: 0.03, point: spiral },
    Generator { name: "circles", classes: 2, noise: 0.1, point: circle },
    Generator { name: "xor", classes: 2, noise: 0.05, point: quadrant },
    Generator { name: "gaussians", classes: 8, noise: 0.15, point: centre },
    Generator { name: "checkerboard", classes: 2, noise: 0.02, point: cell },
    Generator { name: "swissroll", classes: 3, noise: 0.3, point: roll },
];

impl Generator {
    /// `train` and `test` points with `noise` in place of the usual one. Points and noise are drawn
    /// apart, so sets that differ only in `noise` have the same points under it.
    #[must_use]
    pub fn dataset(&self, train: usize, test: usize, noise: f64, seed: u64) -> Dataset {
        let part = |n: usize, number: u64| self.part(n, noise, &mut stream(seed, STREAM, number));
        Dataset {
            name: self.name.into(),
            dim: 2,
            classes: self.classes,
            image: None,
            train: part(train, 0),
            test: part(test, 1),
        }
    }

    fn part(&self, n: usize, noise: f64, draw: &mut Stream) -> Split {
        let mut points = Vec::with_capacity(n);
        for class in 0..self.classes {
            let first = |class: usize| n * class / self.classes;
            let of = first(class + 1) - first(class);
            for index in 0..of {
                let [x, y] = (self.point)(Place { class, index, of }, draw);
                points.push(([x + noise * draw.normal(), y + noise * draw.normal()], class as u32));
            }
        }
        let mixed: Vec<_> = draw.permutation(n).into_iter().map(|i| points[i]).collect();
        Split {
            features: mixed.iter().flat_map(|(p, _)| p.map(|v| v as f32)).collect(),
            labels: mixed.iter().map(|(_, class)| *class).collect(),
        }
    }
}

fn moon(at: Place, _: &mut Stream) -> [f64; 2] {
    // Both ends belong to the half circle, as in numpy's linspace.
    let (sin, cos) = (PI * at.index as f64 / (at.of.max(2) - 1) as f64).sin_cos();
    if at.class == 0 { [cos, sin] } else { [1.0 - cos, 0.5 - sin] }
}

fn spiral(at: Place, draw: &mut Stream) -> [f64; 2] {
    let r = (0.01 + 0.99 * draw.uniform()).sqrt();
    let (sin, cos) = (3.0 * PI * r + PI * at.class as f64).sin_cos();
    [r * cos, r * sin]
}

fn circle(at: Place, _: &mut Stream) -> [f64; 2] {
    let r = if at.class == 0 { 1.0 } else { 0.5 };
    let (sin, cos) = (2.0 * PI * at.index as f64 / at.of as f64).sin_cos();
    [r * cos, r * sin]
}

fn quadrant(at: Place, draw: &mut Stream) -> [f64; 2] {
    let x = if at.index.is_multiple_of(2) { 1.0 } else { -1.0 };
    let y = if at.class == 0 { x } else { -x };
    // 1 - u is in (0, 1]: on an axis the sign would say nothing.
    [x * (1.0 - draw.uniform()), y * (1.0 - draw.uniform())]
}

fn centre(at: Place, _: &mut Stream) -> [f64; 2] {
    let (sin, cos) = (PI / 4.0 * at.class as f64).sin_cos();
    [cos, sin]
}

fn cell(at: Place, draw: &mut Stream) -> [f64; 2] {
    // The eight cells of a colour in turn, so that they are equally full.
    let column = at.index % 4;
    let row = 2 * (at.index / 4 % 2) + (column + at.class) % 2;
    [column, row].map(|k| -1.0 + 0.5 * (k as f64 + draw.uniform()))
}

fn roll(at: Place, draw: &mut Stream) -> [f64; 2] {
    let t = 1.5 * PI + PI * (at.class as f64 + draw.uniform());
    let (sin, cos) = t.sin_cos();
    [t * cos, t * sin]
}
