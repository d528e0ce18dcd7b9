//! Penalties on weights: L2, and L1 by its subgradient or by the proximal step.

use crate::control::Choice;
use candle_core::{Result, Tensor, Var};

/// How the L1 penalty reaches the weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum L1Method {
    /// A soft threshold after each update: weights become exactly 0 (Daubechies et al. 2004; ISTA).
    Proximal,
    /// A term of the loss whose slope is the sign of the weight, 0 at 0: weights hover about 0.
    Subgradient,
}

impl Choice for L1Method {
    const ALL: &'static [Self] = &[Self::Proximal, Self::Subgradient];

    fn name(self) -> &'static str {
        match self {
            Self::Proximal => "proximal",
            Self::Subgradient => "subgradient",
        }
    }
}

/// 0.5 `strength` (sum of squares of all `weights`) as a term of a loss; `None` of nothing or where
/// `strength` is 0.
pub fn l2(weights: &[&Var], strength: f64) -> Result<Option<Tensor>> {
    sum(weights, strength, |w| w.sqr()?.sum_all()?.affine(0.5 * strength, 0.0))
}

/// `strength` (sum of absolute values of all `weights`) as a term of a loss; its gradient at 0 is 0, where
/// candle's own for the absolute value is 1.
pub fn l1(weights: &[&Var], strength: f64) -> Result<Option<Tensor>> {
    sum(weights, strength, |w| (w.as_tensor() * sign(&w.as_detached_tensor())?)?.sum_all()?.affine(strength, 0.0))
}

fn sum(weights: &[&Var], strength: f64, term: impl Fn(&Var) -> Result<Tensor>) -> Result<Option<Tensor>> {
    let mut total: Option<Tensor> = None;
    if strength == 0.0 {
        return Ok(total);
    }
    for w in weights {
        let next = term(w)?;
        total = Some(match total {
            Some(before) => (before + next)?,
            None => next,
        });
    }
    Ok(total)
}

/// -1, 0 or 1, without gradient.
fn sign(x: &Tensor) -> Result<Tensor> {
    x.gt(0.0)?.to_dtype(x.dtype())? - x.lt(0.0)?.to_dtype(x.dtype())?
}

/// The proximal step of `threshold` (sum of absolute values), `threshold` = learning rate times strength:
/// sign(w) max(|w| - `threshold`, 0) for every weight (Parikh and Boyd 2014, section 6.5.2).
pub fn soft_threshold(weights: &[&Var], threshold: f64) -> Result<()> {
    if threshold == 0.0 {
        return Ok(());
    }
    for w in weights {
        let old = w.as_detached_tensor();
        let rest = (old.abs()? - threshold)?.clamp(0.0, f64::INFINITY)?;
        w.set(&(sign(&old)? * rest)?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    fn weights() -> Var {
        Var::new(&[[2.0, -0.5, 0.0], [-3.0, 0.25, 0.3]], &Device::Cpu).unwrap()
    }

    fn flat(x: &Tensor) -> Vec<f64> {
        x.flatten_all().unwrap().to_vec1().unwrap()
    }

    fn near(got: &[f64], want: &[f64]) {
        assert_eq!(got.len(), want.len());
        assert!(got.iter().zip(want).all(|(g, w)| (g - w).abs() < 1e-15), "{got:?} {want:?}");
    }

    #[test]
    fn the_penalties_have_their_value_and_slope() {
        let w = weights();
        let penalty = l2(&[&w, &w], 0.1).unwrap().unwrap();
        // 4 + 0.25 + 9 + 0.0625 + 0.09 = 13.4025; given twice, so the slope doubles too.
        near(&[penalty.to_scalar().unwrap()], &[0.1 * 13.4025]);
        near(flat(penalty.backward().unwrap().get(&w).unwrap()).as_slice(), &[0.4, -0.1, 0.0, -0.6, 0.05, 0.06]);
        let penalty = l1(&[&w], 0.1).unwrap().unwrap();
        near(&[penalty.to_scalar().unwrap()], &[0.605]);
        near(flat(penalty.backward().unwrap().get(&w).unwrap()).as_slice(), &[0.1, -0.1, 0.0, -0.1, 0.1, 0.1]);
        assert!(l1(&[&w], 0.0).unwrap().is_none() && l2(&[], 0.1).unwrap().is_none());
    }

    /// The proximal point minimises t |v| + (v - w)^2 / 2, which a fine search finds without the formula.
    #[test]
    fn the_threshold_is_the_minimum_it_stands_for() {
        let (w, t) = (weights(), 0.3);
        let before = flat(&w);
        soft_threshold(&[&w], t).unwrap();
        for (old, new) in before.iter().zip(flat(&w)) {
            let cost = |v: f64| t * v.abs() + 0.5 * (v - old).powi(2);
            let best = (-40_000..=40_000).map(|i| f64::from(i) * 1e-4).min_by(|a, b| cost(*a).total_cmp(&cost(*b)));
            assert!((new - best.unwrap()).abs() < 2e-4, "{old}: {new} {best:?}");
        }
        near(&flat(&w), &[1.7, -0.2, 0.0, -2.7, 0.0, 0.0]);
        assert_eq!(flat(&w).iter().filter(|v| **v == 0.0).count(), 3);
    }
}
