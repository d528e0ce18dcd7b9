//! Max-norm: the weights that come into a unit are kept within a ball (Srivastava et al. 2014, section 5.1).

use super::linear::spread_columns;
use candle_core::{D, Result, Var};

/// Brings each row of each of `weights`, [units, fan-in], that is longer than `limit` back to that length;
/// 0: none.
pub fn project(weights: &[&Var], limit: f64) -> Result<()> {
    if limit <= 0.0 {
        return Ok(());
    }
    for w in weights {
        let old = w.as_detached_tensor();
        let norms = old.sqr()?.sum_keepdim(D::Minus1)?.sqrt()?;
        // limit / max(norm, limit): exactly 1 for the rows within.
        let factors = (norms.clamp(limit, f64::INFINITY)?.recip()? * limit)?;
        w.set(&(&old * spread_columns(&factors, old.dim(1)?)?)?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn long_rows_are_shortened_and_others_stay() {
        // 3-4-5 and 5-12-13; a row on the border, one within, one of zeros.
        let rows = [[3.0, 4.0], [-5.0, 12.0], [0.0, 2.0], [0.5, -0.25], [0.0, 0.0]];
        let w = Var::new(&rows, &Device::Cpu).unwrap();
        project(&[&w], 2.0).unwrap();
        let got: Vec<Vec<f64>> = w.to_vec2().unwrap();
        let want = [[1.2, 1.6], [-10.0 / 13.0, 24.0 / 13.0], [0.0, 2.0], [0.5, -0.25], [0.0, 0.0]];
        for (g, w) in got.iter().flatten().zip(want.iter().flatten()) {
            assert!((g - w).abs() < 1e-15, "{got:?}");
        }
        let before: Vec<Vec<f64>> = w.to_vec2().unwrap();
        project(&[&w], 0.0).unwrap();
        assert_eq!(before, w.to_vec2::<f64>().unwrap());
    }
}
