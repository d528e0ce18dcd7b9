//! Where a formula has kinks and steps.

use super::{Binary, Node, Unary};

/// As far from 0 as kinks are looked for, and how many points there are to a unit.
const REACH: i32 = 30;
const POINTS: i32 = 64;

/// Where `relu`, `abs` and `step` change sides within the formula and where `max` and `min` change from one
/// argument to the other, between -30 and 30, in order. Two changes closer than 1/64 are overlooked.
pub(super) fn of(root: &Node) -> Vec<f64> {
    let mut list = Vec::new();
    visit(root, &mut list);
    list.sort_by(f64::total_cmp);
    list.dedup();
    list
}

fn visit(node: &Node, list: &mut Vec<f64>) {
    match node {
        Node::Number(_) | Node::X => {}
        Node::Unary(f, a) => {
            visit(a, list);
            if matches!(f, Unary::Relu | Unary::Abs | Unary::Step) {
                list.extend(roots(&|x| a.of(x)));
            }
        }
        Node::Binary(f, a, b) => {
            visit(a, list);
            visit(b, list);
            if matches!(f, Binary::Max | Binary::Min) {
                list.extend(roots(&|x| a.of(x) - b.of(x)));
            }
        }
    }
}

/// Where g changes its sign; an interval of zeros counts with its ends.
fn roots(g: &impl Fn(f64) -> f64) -> Vec<f64> {
    let at = |i: i32| f64::from(i) / f64::from(POINTS);
    let mut list = Vec::new();
    let (mut x, mut y) = (at(-REACH * POINTS), g(at(-REACH * POINTS)));
    for i in 1 - REACH * POINTS..=REACH * POINTS {
        let (next, g_next) = (at(i), g(at(i)));
        let one_is_zero = (y.abs() > 0.0) != (g_next.abs() > 0.0);
        if one_is_zero && !(y.is_nan() || g_next.is_nan()) {
            list.push(if y.abs() > 0.0 { next } else { x });
        } else if y * g_next < 0.0 {
            list.push(bisect(g, x, next));
        }
        (x, y) = (next, g_next);
    }
    list.dedup();
    list
}

fn bisect(g: &impl Fn(f64) -> f64, mut low: f64, mut high: f64) -> f64 {
    let rises = g(high) > 0.0;
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if (g(middle) > 0.0) == rises { high = middle } else { low = middle }
    }
    f64::midpoint(low, high)
}

#[cfg(test)]
mod tests {
    use crate::nn::Expression;
    use crate::nn::activation::Scalar;

    #[test]
    fn kinks_are_where_the_branches_meet() {
        let sigmoid_meets_x = 0.659_046_068_407_406_7;
        for (text, want) in [
            ("x*sigmoid(x)", vec![]),
            ("relu(x)", vec![0.0]),
            ("relu(x-0.3)+abs(x+2)", vec![-2.0, 0.3]),
            ("min(max(x+3,0),6)", vec![-3.0, 3.0]),
            ("max(x,sigmoid(x))", vec![sigmoid_meets_x]),
            ("step(x^2-2)+x", vec![-std::f64::consts::SQRT_2, std::f64::consts::SQRT_2]),
            ("relu(1/(x-0.1))", vec![0.1]),
        ] {
            let f = Expression::parse("custom", text).unwrap();
            assert_eq!(f.kinks().len(), want.len(), "{text}: {:?}", f.kinks());
            for (got, want) in f.kinks().iter().zip(want) {
                assert!((got - want).abs() < 1e-14, "{text}: {got} {want}");
            }
        }
    }
}
