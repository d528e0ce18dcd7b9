//! Maps from logits to probabilities over the last dimension: softmax at a temperature, its logarithm
//! and sparsemax. Compositions, because candle's fused softmax has no gradient.

use candle_core::{D, Result, Tensor, bail};

/// Temperatures that are taken: beyond them, differences of logits over T leave f32's range.
pub const TEMPERATURES: (f64, f64) = (1e-6, 1e6);

/// (x - max x) / T of each row. Softmax depends on differences alone, so the maximum is a constant: it
/// needs no gradient, and candle's own would be doubled at ties.
fn shifted(x: &Tensor, temperature: f64) -> Result<Tensor> {
    let (low, high) = TEMPERATURES;
    if !(low..=high).contains(&temperature) {
        bail!("softmax at temperature {temperature}: expected {low:e} to {high:e}; 1 is the usual one");
    }
    x.broadcast_sub(&x.detach().max_keepdim(D::Minus1)?)? / temperature
}

/// e^(`x_i` / T) / sum `e^(x_j / T)`, [.., classes]: rows of probabilities, finite for any finite logits.
/// T towards 0 gives the argmax, T towards infinity 1 / classes.
pub fn softmax(x: &Tensor, temperature: f64) -> Result<Tensor> {
    let powers = shifted(x, temperature)?.exp()?;
    powers.broadcast_div(&powers.sum_keepdim(D::Minus1)?)
}

/// The logarithm of [`softmax`] in nats, finite where the probability itself underflows to 0.
pub fn log_softmax(x: &Tensor, temperature: f64) -> Result<Tensor> {
    let shifted = shifted(x, temperature)?;
    shifted.broadcast_sub(&shifted.exp()?.sum_keepdim(D::Minus1)?.log()?)
}

/// The point of the probability simplex next to `x`, [.., classes]: max(`x_i` - tau, 0), with tau such
/// that rows sum to 1 (Martins and Astudillo 2016, eq. 2 and algorithm 1). Its gradient is g minus the
/// mean of g over the support, on the support, and 0 off it (eq. 13).
pub fn sparsemax(x: &Tensor) -> Result<Tensor> {
    // tau does not depend on a constant added to the row, and without it f32 keeps its digits.
    let z = x.broadcast_sub(&x.detach().max_keepdim(D::Minus1)?)?;
    let support = support(&z.detach())?;
    let inside = (&z * &support)?;
    let size = support.sum_keepdim(D::Minus1)?;
    let tau = (inside.sum_keepdim(D::Minus1)? - 1.0)?.div(&size)?;
    inside.broadcast_sub(&tau)? * support
}

/// 1 where sparsemax is positive, else 0, for rows whose maximum is 0. Michelot's algorithm (1986): tau
/// of too large a set is too small, so leaving out what lies below it ends at the support, in at most as
/// many rounds as there are classes. Unlike a sort it runs on every device and width.
fn support(z: &Tensor) -> Result<Tensor> {
    // tau is at least max - 1, which one class alone would have.
    let mut support = z.gt(-1.0)?.to_dtype(z.dtype())?;
    loop {
        let size = support.sum_keepdim(D::Minus1)?;
        let tau = ((z * &support)?.sum_keepdim(D::Minus1)? - 1.0)?.div(&size)?;
        // The product: rounding must not let a class in again, or the rounds might not end.
        let next = (z.broadcast_gt(&tau)?.to_dtype(z.dtype())? * &support)?;
        let left_out = (&support - &next)?.max_all()?.to_dtype(candle_core::DType::F64)?.to_scalar::<f64>()?;
        support = next;
        if left_out <= 0.0 {
            return Ok(support);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::stream;
    use candle_core::{DType, Device, Var};

    const T: [f64; 5] = [1e-3, 0.3, 1.0, 7.0, 1e3];

    fn rows(list: &[&[f64]], dtype: DType) -> Tensor {
        let flat = list.concat();
        Tensor::from_vec(flat, (list.len(), list[0].len()), &Device::Cpu).unwrap().to_dtype(dtype).unwrap()
    }

    fn values(x: &Tensor) -> Vec<Vec<f64>> {
        x.to_dtype(DType::F64).unwrap().to_vec2().unwrap()
    }

    fn draws(shape: (usize, usize), scale: f64) -> Tensor {
        let index = shape.1 as u64;
        (stream(3, "softmax", index).normal_tensor(shape, &Device::Cpu).unwrap() * scale).unwrap()
    }

    fn close(a: f64, b: f64, by: f64) {
        assert!((a - b).abs() <= by, "{a} is not {b}");
    }

    /// Huge, far apart and tied.
    fn hard_rows(dtype: DType) -> Tensor {
        rows(&[&[1e4, -1e4, 0.0], &[-1e4, -1e4, -1e4], &[1e4, 9999.5, 1e4], &[0.0, -103.0, -105.0]], dtype)
    }

    #[test]
    fn rows_are_distributions_and_everything_is_finite() {
        for (dtype, epsilon) in [(DType::F64, 1e-15), (DType::F32, 2e-7)] {
            let x = Var::from_tensor(&hard_rows(dtype)).unwrap();
            let weight = rows(&[&[1.0, -2.0, 0.5] as &[f64]; 4], dtype);
            let mut all: Vec<_> = T.iter().map(|t| (softmax(&x, *t).unwrap(), true)).collect();
            all.extend(T.iter().map(|t| (log_softmax(&x, *t).unwrap(), false)));
            all.push((sparsemax(&x).unwrap(), true));
            for (y, sums_to_one) in all {
                for row in values(&y) {
                    assert!(row.iter().all(|p| p.is_finite()));
                    if sums_to_one {
                        assert!(row.iter().all(|p| *p >= 0.0));
                        close(row.iter().sum(), 1.0, 3.0 * epsilon);
                    }
                }
                let grads = (y * &weight).unwrap().sum_all().unwrap().backward().unwrap();
                assert!(values(grads.get(&x).unwrap()).concat().iter().all(|g| g.is_finite()));
            }
        }
    }

    #[test]
    fn log_softmax_keeps_what_softmax_loses() {
        // e^-105 is below f32's smallest number.
        let x = hard_rows(DType::F32);
        assert!(values(&softmax(&x, 1.0).unwrap())[3][2] == 0.0);
        close(values(&log_softmax(&x, 1.0).unwrap())[3][2], -105.0, 1e-5);
        close(values(&log_softmax(&x, 1e-3).unwrap())[0][1], -2e7, 2.0);
    }

    #[test]
    fn temperatures_set_the_entropy() {
        let x = rows(&[&[2.0, 1.0, 0.1]], DType::F64);
        // Computed from the definition.
        for (t, want) in
            [(0.1, 0.0005), (0.5, 0.4537), (1.0, 0.8467), (2.0, 1.0262), (5.0, 1.0866), (10.0, 1.0956), (100.0, 1.0986)]
        {
            let log = log_softmax(&x, t).unwrap();
            let entropy = -values(&(softmax(&x, t).unwrap() * log).unwrap())[0].iter().sum::<f64>();
            close(entropy, want, 5.1e-5);
        }
        for t in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let message = softmax(&x, t).unwrap_err().to_string();
            assert!(message.contains("temperature") && message.contains("expected"), "{message}");
        }
    }

    #[test]
    fn two_classes_at_a_temperature_are_a_sigmoid() {
        for (gap, t) in [(0.3, 1.0), (-4.0, 0.5), (30.0, 20.0)] {
            let p = values(&softmax(&rows(&[&[1.0 + gap, 1.0]], DType::F64), t).unwrap());
            close(p[0][0], 1.0 / (1.0 + f64::exp(-gap / t)), 1e-15);
        }
    }

    #[test]
    fn a_constant_changes_nothing() {
        let x = draws((6, 9), 2.0);
        for constant in [-1e4, 0.5, 3e5] {
            let moved = (&x + constant).unwrap();
            let both = [
                (softmax(&x, 0.7).unwrap(), softmax(&moved, 0.7).unwrap()),
                (log_softmax(&x, 0.7).unwrap(), log_softmax(&moved, 0.7).unwrap()),
                (sparsemax(&x).unwrap(), sparsemax(&moved).unwrap()),
            ];
            for (a, b) in both {
                // The sum rounds the logits themselves at 6e-11.
                for (a, b) in values(&a).concat().into_iter().zip(values(&b).concat()) {
                    close(a, b, 1e-9);
                }
            }
        }
    }

    /// The projection of `x` onto the simplex: sum max(x - tau, 0) = 1 has one root, found by halving.
    fn projected(x: &[f64]) -> Vec<f64> {
        let top = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let (mut low, mut high) = (top - 1.0, top);
        for _ in 0..200 {
            let tau = f64::midpoint(low, high);
            let total: f64 = x.iter().map(|v| (v - tau).max(0.0)).sum();
            if total > 1.0 { low = tau } else { high = tau }
        }
        x.iter().map(|v| (v - low).max(0.0)).collect()
    }

    #[test]
    fn sparsemax_is_the_projection_onto_the_simplex() {
        let mut supports = Vec::new();
        for classes in [1, 2, 3, 10, 100] {
            for scale in [0.01, 0.3, 1.0, 5.0] {
                let x = draws((20, classes), scale);
                for (x, p) in values(&x).into_iter().zip(values(&sparsemax(&x).unwrap())) {
                    for (p, want) in p.iter().zip(projected(&x)) {
                        close(*p, want, 1e-14);
                    }
                    supports.push(p.iter().filter(|p| **p > 0.0).count());
                }
            }
        }
        // The rows reach one class alone, all of ten, and most of a hundred.
        assert!(supports.contains(&1) && supports.contains(&10) && supports.iter().any(|s| *s > 50));
    }

    #[test]
    fn no_point_of_the_simplex_is_nearer() {
        let x = values(&draws((1, 6), 1.0)).remove(0);
        let p = values(&sparsemax(&rows(&[&x], DType::F64)).unwrap()).remove(0);
        let distance = |p: &[f64]| x.iter().zip(p).map(|(x, p)| (x - p).powi(2)).sum::<f64>();
        let mut random = stream(3, "simplex", 0);
        for _ in 0..2000 {
            let other: Vec<f64> = (0..6).map(|_| -random.uniform().ln()).collect();
            let total: f64 = other.iter().sum();
            // Near p too, not only far from it.
            let weight = random.uniform().powi(4);
            let mixed: Vec<f64> = p.iter().zip(&other).map(|(p, o)| p + weight * (o / total - p)).collect();
            assert!(distance(&mixed) >= distance(&p) - 1e-15);
        }
    }

    #[test]
    fn sparsemax_of_two_classes_is_the_hard_sigmoid_of_the_paper() {
        // Section 2.3: 1 above t = 1, 0 below t = -1, (t + 1) / 2 between.
        for t in [-5.0, -1.0, -0.999, -0.3, 0.0, 0.5, 1.0, 1.001, 40.0] {
            let p = values(&sparsemax(&rows(&[&[t, 0.0]], DType::F64)).unwrap()).remove(0);
            close(p[0], f64::midpoint(t, 1.0).clamp(0.0, 1.0), 1e-15);
            close(p[1], 1.0 - p[0], 1e-15);
        }
    }

    #[test]
    fn sparsemax_ends_where_rows_are_wide_or_tied() {
        let tied = Tensor::full(3.0_f32, (2, 1000), &Device::Cpu).unwrap();
        for p in values(&sparsemax(&tied).unwrap()).concat() {
            close(p, 1e-3, 1e-9);
        }
        // Each class a little below the last: the rounds leave out few at a time.
        let steps: Vec<f32> = (0..2000_u16).map(|i| -f32::from(i).sqrt() * 0.02).collect();
        let p = sparsemax(&Tensor::new(steps.as_slice(), &Device::Cpu).unwrap().unsqueeze(0).unwrap()).unwrap();
        let want = projected(&steps.iter().map(|v| f64::from(*v)).collect::<Vec<_>>());
        for (p, want) in values(&p).concat().into_iter().zip(want) {
            close(p, want, 1e-6);
        }
    }
}
