//! Convolution as a matrix product over patches, and max pooling: compositions whose gradients are right.
//!
//! Images are [batch, rows * columns * channels], the channels of a pixel beside one another, so that a
//! convolution is [`patches`] and a [`super::Linear`] layer, and each row of its weights is one filter.

use candle_core::{Result, Tensor};

/// Rows, columns and channels of a batch of images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Image {
    /// Height in pixels.
    pub rows: usize,
    /// Width in pixels.
    pub columns: usize,
    /// Numbers of a pixel.
    pub channels: usize,
}

impl Image {
    /// Numbers of an image.
    #[must_use]
    pub fn len(self) -> usize {
        self.rows * self.columns * self.channels
    }

    /// Whether it has no pixel.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// What [`max_pool`] makes of it: half as high and as wide, an odd last row or column left out.
    #[must_use]
    pub fn pooled(self) -> Self {
        Self { rows: self.rows / 2, columns: self.columns / 2, ..self }
    }
}

/// The 3 x 3 surroundings of every pixel, zeros beyond the border (stride 1, padding 1): images
/// [batch, `image`] to [batch * rows * columns, 9 * channels], the nine pixels row by row, the channels of
/// each together.
pub fn patches(x: &Tensor, image: Image) -> Result<Tensor> {
    let Image { rows, columns, channels } = image;
    let batch = x.dim(0)?;
    let padded = x.reshape((batch, rows, columns, channels))?.pad_with_zeros(1, 1, 1)?.pad_with_zeros(2, 1, 1)?;
    let mut shifted = Vec::with_capacity(9);
    for row in 0..3 {
        for column in 0..3 {
            shifted.push(padded.narrow(1, row, rows)?.narrow(2, column, columns)?);
        }
    }
    Tensor::cat(&shifted, 3)?.reshape((batch * rows * columns, 9 * channels))
}

/// The largest value of each 2 x 2 square of a channel of `batch` images, pixels in order, to [batch, `image.pooled()`]. At ties the
/// first of the four has the gradient, as in PyTorch; candle's own maximum would give it to each of them.
pub fn max_pool(x: &Tensor, batch: usize, image: Image) -> Result<Tensor> {
    let small = image.pooled();
    let pairs = x
        .reshape((batch, image.rows, image.columns, image.channels))?
        .narrow(1, 0, 2 * small.rows)?
        .narrow(2, 0, 2 * small.columns)?
        .reshape((batch * 2 * small.rows * small.columns, 2, image.channels))?;
    // Left and right before upper and lower, so that the first in reading order wins.
    let across = larger(&pairs.narrow(1, 0, 1)?, &pairs.narrow(1, 1, 1)?)?;
    let lines = across.reshape((batch * small.rows, 2, small.columns * image.channels))?;
    let best = larger(&lines.narrow(1, 0, 1)?, &lines.narrow(1, 1, 1)?)?;
    best.reshape((batch, small.len()))
}

/// The larger of two, the first at a tie.
fn larger(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let first = a.ge(b)?.to_dtype(a.dtype())?;
    (a * &first)? + (b * first.affine(-1.0, 1.0)?)?
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Var};

    const IMAGE: Image = Image { rows: 2, columns: 2, channels: 1 };

    fn flat(x: &Tensor) -> Vec<f64> {
        x.flatten_all().unwrap().to_vec1().unwrap()
    }

    #[test]
    fn the_first_of_equal_pixels_has_the_whole_gradient() {
        for (square, largest) in [
            ([1.0, 1.0, 1.0, 1.0], 0),
            ([0.0, 2.0, 2.0, 1.0], 1),
            ([0.0, 1.0, 3.0, 3.0], 2),
            ([0.0, 0.0, -1.0, 5.0], 3),
        ] {
            let x = Var::new(&[square], &Device::Cpu).unwrap();
            let y = max_pool(&x, 1, IMAGE).unwrap();
            assert_eq!(flat(&y), [square[largest]]);
            let mut want = [0.0; 4];
            want[largest] = 1.0;
            assert_eq!(flat(y.sum_all().unwrap().backward().unwrap().get(&x).unwrap()), want);
        }
    }

    /// Channels stay apart, and an odd last row and column are left out.
    #[test]
    fn pooling_is_of_squares_within_a_channel() {
        let image = Image { rows: 3, columns: 5, channels: 2 };
        // Channel 0 counts 0 to 14, channel 1 the same negative.
        let pixels: Vec<f64> = (0..15).flat_map(|i| [f64::from(i), -f64::from(i)]).collect();
        let x = Tensor::from_vec(pixels, (1, 30), &Device::Cpu).unwrap();
        // Squares {0, 1, 5, 6} and {2, 3, 7, 8}.
        assert_eq!(flat(&max_pool(&x, 1, image).unwrap()), [6.0, 0.0, 8.0, -2.0]);
        assert_eq!(image.pooled().len(), 4);
    }
}
