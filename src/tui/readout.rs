//! Reading values off a figure with an x axis: the positions that a cursor can take, and what lies there.

use super::app::figures::FigureView;
use super::axis::Mapping;
use candelab_labs::figure::{Axis, Histograms, Lines, Scale};

/// Every x of every series, ascending, each once.
pub fn xs(lines: &Lines) -> Vec<f64> {
    let mut xs: Vec<f64> = lines.series.iter().flat_map(|s| &s.points).map(|p| p.0).filter(|x| x.is_finite()).collect();
    xs.sort_by(f64::total_cmp);
    xs.dedup();
    xs
}

/// What a series has at one x.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// The value; `None` where the series has no point or a gap.
    pub value: Option<f64>,
    /// Its interval.
    pub band: Option<(f64, f64)>,
}

/// What each series has at exactly `x`, in the order of the series.
pub fn at(lines: &Lines, x: f64) -> Vec<Reading> {
    lines
        .series
        .iter()
        .map(|series| {
            // Exactly: `x` is one of the series' own.
            let index = series.points.iter().position(|p| p.0.total_cmp(&x).is_eq());
            let value = index.map(|i| series.points[i].1).filter(|y| y.is_finite());
            let band = index.and_then(|i| series.band.as_ref()?.get(i).copied());
            Reading { value, band }
        })
        .collect()
}

fn scale(axis: &Axis, log: Option<bool>) -> Scale {
    match log {
        None => axis.scale,
        Some(true) => Scale::Log10,
        Some(false) => Scale::Linear,
    }
}

/// The whole x axis.
pub fn x_mapping(lines: &Lines, view: &FigureView) -> Mapping {
    let scale = scale(&lines.x, view.log_x);
    let fixed = lines.x.bounds.and_then(|b| Mapping::between(scale, b));
    fixed.unwrap_or_else(|| Mapping::around(scale, xs(lines).into_iter()))
}

/// The whole x axis of distributions.
pub fn bins_mapping(histograms: &Histograms, view: &FigureView) -> Mapping {
    let scale = scale(&histograms.x, view.log_x);
    let fixed = histograms.x.bounds.and_then(|b| Mapping::between(scale, b));
    fixed.unwrap_or_else(|| Mapping::around(scale, histograms.edges.iter().copied()))
}

/// Where bin `index` lies on `x`; `None` where one of its borders has no place.
pub fn bin(histograms: &Histograms, index: usize, x: &Mapping) -> Option<(f64, f64)> {
    Some((x.position(*histograms.edges.get(index)?)?, x.position(*histograms.edges.get(index + 1)?)?))
}

/// The y axis for what is shown between the ends of `x`. A series that lies there entirely
/// outside the fixed bounds is not lost: bounds hold only for the axis as the figure made it.
pub fn y_mapping(lines: &Lines, view: &FigureView, x: &Mapping) -> Mapping {
    let scale = scale(&lines.y, view.log_y);
    let whole = view.zoom == (0.0, 1.0);
    let fixed = lines.y.bounds.filter(|_| whole).and_then(|b| Mapping::between(scale, b));
    fixed.unwrap_or_else(|| {
        let shown = lines.series.iter().flat_map(|series| {
            series.points.iter().enumerate().filter(|(_, p)| x.holds(p.0)).flat_map(|(i, p)| {
                let band = series.band.as_ref().and_then(|b| b.get(i)).copied().unwrap_or((p.1, p.1));
                [p.1, band.0, band.1]
            })
        });
        let guides = lines.guides.iter().map(|g| g.1).filter(|_| whole);
        Mapping::around(scale, shown.chain(guides)).rounded()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use candelab_labs::figure::{Role, Series};

    fn sample() -> Lines {
        let mut measured = Series::new("measured", Role::Measured, vec![(1.0, 0.1), (2.0, f64::NAN), (4.0, 0.4)]);
        measured.band = Some(vec![(0.05, 0.2), (0.0, 0.0), (0.3, 0.5)]);
        let theory = Series::new("theory", Role::Theory, vec![(1.0, 0.125), (3.0, 0.3)]);
        Lines {
            x: Axis::linear("x"),
            y: Axis::log10("y"),
            series: vec![measured, theory],
            guides: vec![("one".into(), 1.0)],
        }
    }

    #[test]
    fn the_cursor_visits_every_x_once() {
        assert_eq!(xs(&sample()), [1.0, 2.0, 3.0, 4.0]);
    }

    #[test]
    fn values_are_exact_and_gaps_have_none() {
        let readings = at(&sample(), 1.0);
        assert_eq!(readings[0], Reading { value: Some(0.1), band: Some((0.05, 0.2)) });
        assert_eq!(readings[1].value, Some(0.125));
        assert_eq!(at(&sample(), 2.0)[0].value, None);
        assert_eq!(at(&sample(), 3.0)[0], Reading { value: None, band: None });
    }

    #[test]
    fn a_zoomed_y_axis_follows_what_is_shown() {
        let lines = sample();
        let view = FigureView { zoom: (0.0, 0.4), log_y: Some(false), ..FigureView::default() };
        let x = x_mapping(&lines, &view).window(view.zoom.0, view.zoom.1);
        let y = y_mapping(&lines, &view, &x);
        assert!(y.holds(0.2) && !y.holds(0.4));
    }
}
