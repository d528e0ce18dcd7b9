//! Initialisers of weight matrices.

use crate::control::Choice;
use crate::rng::Stream;
use candle_core::{DType, Device, Result, Tensor};
use nalgebra::DMatrix;

/// How a weight matrix [fan-out, fan-in] is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Init {
    /// 0
    Zero,
    /// Every weight 1/fan-in: each unit is the mean of its inputs
    Constant,
    /// N(0, 0.01^2)
    NormalSmall,
    /// N(0, 1)
    NormalLarge,
    /// U(-1/sqrt(fan-in), 1/sqrt(fan-in)): `torch.nn.Linear`'s default; variance 1/(3 fan-in)
    UniformFanIn,
    /// N(0, 1/fan-in) (`LeCun` et al. 1998)
    LecunNormal,
    /// U with variance 1/fan-in
    LecunUniform,
    /// U with variance 2/(fan-in + fan-out) (Glorot and Bengio 2010, eq. 16)
    XavierUniform,
    /// N(0, 2/(fan-in + fan-out)) (Glorot and Bengio 2010, eq. 12)
    XavierNormal,
    /// U with variance 2/fan-in
    HeUniform,
    /// N(0, 2/fan-in) (He et al. 2015, eq. 10)
    HeNormal,
    /// N(0, 2/fan-out) (He et al. 2015, eq. 14: keeps gradients)
    HeNormalFanOut,
    /// [`SPARSE_INPUTS`] weights of each unit from N(0, 1), the others 0 (Martens 2010)
    Sparse,
    /// Random orthonormal rows or columns (Saxe et al. 2014)
    Orthogonal,
}

impl Choice for Init {
    const ALL: &'static [Self] = &[
        Self::Zero,
        Self::Constant,
        Self::NormalSmall,
        Self::NormalLarge,
        Self::UniformFanIn,
        Self::LecunNormal,
        Self::LecunUniform,
        Self::XavierUniform,
        Self::XavierNormal,
        Self::HeUniform,
        Self::HeNormal,
        Self::HeNormalFanOut,
        Self::Sparse,
        Self::Orthogonal,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Zero => "zero",
            Self::Constant => "constant",
            Self::LecunUniform => "lecun_uniform",
            Self::HeNormalFanOut => "he_normal_fan_out",
            Self::Sparse => "sparse",
            Self::NormalSmall => "normal_small",
            Self::NormalLarge => "normal_large",
            Self::UniformFanIn => "uniform_fan_in",
            Self::LecunNormal => "lecun_normal",
            Self::XavierUniform => "xavier_uniform",
            Self::XavierNormal => "xavier_normal",
            Self::HeUniform => "he_uniform",
            Self::HeNormal => "he_normal",
            Self::Orthogonal => "orthogonal",
        }
    }
}

/// Incoming weights of a unit that are not 0 under [`Init::Sparse`] (Martens 2010, section 5).
pub const SPARSE_INPUTS: usize = 15;

impl Init {
    /// Those that a matrix over activations and normalisations compares.
    pub const COMMON: [Self; 9] = [
        Self::NormalSmall,
        Self::NormalLarge,
        Self::UniformFanIn,
        Self::LecunNormal,
        Self::XavierUniform,
        Self::XavierNormal,
        Self::HeUniform,
        Self::HeNormal,
        Self::Orthogonal,
    ];

    /// The mean square of one weight of a [`fan_out`, `fan_in`] matrix, before any gain: its variance
    /// but for [`Init::Constant`], which has none.
    #[must_use]
    pub fn variance(self, fan_in: usize, fan_out: usize) -> f64 {
        let (n_in, n_out) = (fan_in as f64, fan_out as f64);
        match self {
            Self::Zero => 0.0,
            Self::Constant => 1.0 / (n_in * n_in),
            Self::NormalSmall => 1e-4,
            Self::NormalLarge => 1.0,
            Self::UniformFanIn => 1.0 / (3.0 * n_in),
            Self::LecunNormal | Self::LecunUniform => 1.0 / n_in,
            Self::XavierUniform | Self::XavierNormal => 2.0 / (n_in + n_out),
            Self::HeUniform | Self::HeNormal => 2.0 / n_in,
            Self::HeNormalFanOut => 2.0 / n_out,
            Self::Sparse => n_in.min(SPARSE_INPUTS as f64) / n_in,
            // Unit rows (or columns) of the longer side share their length equally.
            Self::Orthogonal => 1.0 / n_in.max(n_out),
        }
    }

    /// A [`fan_out`, `fan_in`] matrix on `device`, its standard deviation multiplied by `gain`.
    pub fn draw(
        self,
        (fan_out, fan_in): (usize, usize),
        gain: f64,
        random: &mut Stream,
        dtype: DType,
        device: &Device,
    ) -> Result<Tensor> {
        let n = fan_in * fan_out;
        let std = gain * self.variance(fan_in, fan_out).sqrt();
        let values: Vec<f64> = match self {
            Self::UniformFanIn | Self::LecunUniform | Self::XavierUniform | Self::HeUniform => {
                let bound = std * 3.0_f64.sqrt();
                (0..n).map(|_| bound * (2.0 * random.uniform() - 1.0)).collect()
            }
            Self::Constant => vec![std; n],
            Self::Sparse => sparse(fan_out, fan_in, gain, random),
            Self::Orthogonal => orthogonal(fan_out, fan_in, gain, random),
            _ => (0..n).map(|_| std * random.normal()).collect(),
        };
        Tensor::from_vec(values, (fan_out, fan_in), device)?.to_dtype(dtype)
    }
}

/// Row-major [rows, columns] with [`SPARSE_INPUTS`] entries from N(0, gain^2) in each row.
fn sparse(rows: usize, columns: usize, gain: f64, random: &mut Stream) -> Vec<f64> {
    let mut values = vec![0.0; rows * columns];
    for row in values.chunks_mut(columns) {
        for column in random.permutation(columns).into_iter().take(SPARSE_INPUTS) {
            row[column] = gain * random.normal();
        }
    }
    values
}

/// Row-major [rows, columns] with orthonormal rows or columns, uniform over such matrices.
fn orthogonal(rows: usize, columns: usize, gain: f64, random: &mut Stream) -> Vec<f64> {
    let (long, short) = (rows.max(columns), rows.min(columns));
    let gaussian = DMatrix::from_vec(long, short, random.normals(long * short));
    let qr = gaussian.qr();
    let (mut q, r) = (qr.q(), qr.r());
    // Without R's signs Q would not be uniform (Haar), Mezzadri 2007.
    for (j, mut column) in q.column_iter_mut().enumerate() {
        column *= gain * r[(j, j)].signum();
    }
    // nalgebra is column-major, so the tall Q's memory is the row-major matrix of its transpose.
    if rows < columns { q.as_slice().to_vec() } else { q.transpose().as_slice().to_vec() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::stream;

    fn draw(init: Init, shape: (usize, usize), gain: f64) -> Vec<Vec<f64>> {
        let mut random = stream(3, "init", 0);
        init.draw(shape, gain, &mut random, DType::F64, &Device::Cpu).unwrap().to_vec2().unwrap()
    }

    #[test]
    fn weights_have_the_variance_of_their_definition() {
        for &init in Init::ALL {
            let w = draw(init, (200, 300), 1.5);
            let flat: Vec<f64> = w.concat();
            if init == Init::Zero {
                assert!(flat.iter().all(|v| *v == 0.0));
                continue;
            }
            let mean = crate::stats::mean(&flat);
            let var = flat.iter().map(|v| v * v).sum::<f64>() / flat.len() as f64;
            let want = 2.25 * init.variance(300, 200);
            // 60,000 draws: the variance's standard error is sqrt(2 / 60000) = 0.6 % for a normal.
            assert!((var / want - 1.0).abs() < 0.03, "{}: {var} {want}", init.name());
            assert!(init == Init::Constant || mean.abs() < 5.0 * (want / 6e4).sqrt(), "{}: mean {mean}", init.name());
        }
    }

    #[test]
    fn uniform_weights_stay_within_their_bound_and_reach_it() {
        // Glorot and Bengio 2010, eq. 16: sqrt(6) / sqrt(n_in + n_out).
        let bound = (6.0_f64 / 500.0).sqrt();
        let largest = draw(Init::XavierUniform, (200, 300), 1.0).concat().iter().fold(0.0_f64, |a, b| a.max(b.abs()));
        assert!(largest <= bound && largest > 0.999 * bound);
    }

    #[test]
    fn orthogonal_matrices_are_orthogonal() {
        for shape in [(20, 20), (12, 30), (30, 12)] {
            let w = draw(Init::Orthogonal, shape, 2.0);
            let short = shape.0.min(shape.1);
            let vector = |i: usize| -> Vec<f64> {
                if shape.0 <= shape.1 { w[i].clone() } else { w.iter().map(|row| row[i]).collect() }
            };
            for i in 0..short {
                for j in 0..short {
                    let dot: f64 = vector(i).iter().zip(vector(j)).map(|(a, b)| a * b).sum();
                    let want = if i == j { 4.0 } else { 0.0 };
                    assert!((dot - want).abs() < 1e-12, "{shape:?} {i} {j} {dot}");
                }
            }
        }
    }
}
