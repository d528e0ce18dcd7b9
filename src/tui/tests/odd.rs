//! Distributions and fields that nobody means to make: none of them may bring the dashboard down.

use super::{app, press, sample};
use crate::tui::app::App;
use crate::tui::app::figures::FigureView;
use crate::tui::color::ColorDepth;
use crate::tui::snapshot::Snapshot;
use crate::tui::theme::{Glyphs, Theme};
use crate::tui::view::figure::{Detail, draw_one};
use candelab_labs::Figure;
use candelab_labs::figure::{Field, Histogram, Histograms, Kind, Scale};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::sync::Arc;

fn histograms(change: impl FnOnce(&mut Histograms)) -> Figure {
    let mut figure = sample::layers(4);
    if let Kind::Histograms(h) = &mut figure.kind {
        change(h);
    }
    figure
}

fn field(change: impl FnOnce(&mut Field)) -> Figure {
    let mut figure = sample::boundary(12);
    if let Kind::Field(f) = &mut figure.kind {
        change(f);
    }
    figure
}

fn fill(h: &mut Histograms, value: f64) {
    for row in &mut h.rows {
        row.density.fill(value);
        row.expected = None;
    }
}

fn odd_histograms() -> Vec<Figure> {
    vec![
        histograms(|h| h.rows.clear()),
        histograms(|h| h.edges.clear()),
        histograms(|h| h.edges.truncate(1)),
        histograms(|h| h.edges.truncate(2)),
        histograms(|h| h.edges.fill(1.0)),
        histograms(|h| h.edges.fill(f64::NAN)),
        histograms(|h| fill(h, f64::NAN)),
        histograms(|h| fill(h, f64::INFINITY)),
        histograms(|h| fill(h, 0.0)),
        histograms(|h| fill(h, -1.0)),
        histograms(|h| h.rows[0].density.clear()),
        histograms(|h| h.rows[0].expected = Some(vec![f64::NAN, f64::INFINITY, 1e300, -1e300])),
        histograms(|h| h.rows[0].expected = Some(Vec::new())),
        histograms(|h| h.x.scale = Scale::Log10),
        histograms(|h| h.x.bounds = Some((2.0, -2.0))),
        histograms(|h| h.x.bounds = Some((100.0, 200.0))),
        histograms(|h| h.rows[0].name = "梯度".repeat(100)),
        histograms(|h| h.rows[0].summary = "very ".repeat(100)),
        histograms(|h| {
            let row = Histogram { name: "x".into(), density: vec![1.0; 30], expected: None, summary: String::new() };
            h.rows = vec![row; 100_000];
        }),
    ]
}

fn odd_fields() -> Vec<Figure> {
    vec![
        field(|f| f.values.clear()),
        field(|f| f.values.fill(f64::NAN)),
        field(|f| f.values.fill(f64::INFINITY)),
        field(|f| f.values.fill(0.5)),
        field(|f| f.columns = 1),
        field(|f| f.columns = 0),
        field(|f| f.columns = 7),
        field(|f| f.columns = 1000),
        field(|f| f.values.truncate(12)),
        field(|f| f.values.truncate(1)),
        field(|f| f.bounds = (1.0, 1.0)),
        field(|f| f.bounds = (f64::NAN, f64::INFINITY)),
        field(|f| (f.x.bounds, f.y.bounds) = (None, Some((1.0, 1.0)))),
        field(|f| f.x.bounds = Some((f64::NAN, 1.0))),
        field(|f| f.contours.0 = vec![f64::NAN, f64::INFINITY, -1.0, 0.1, 0.5, 0.9]),
        field(|f| f.points = vec![(f64::NAN, 0.0, 1.0), (0.0, 0.0, f64::NAN), (1e9, 0.0, 0.0), (3.0, -2.0, 1.0)]),
        field(|f| f.points = vec![(0.0, 0.0, 1.0); 100_000]),
        sample::boundary(700),
    ]
}

#[test]
fn nothing_odd_panics_at_any_size() {
    for figure in odd_histograms().into_iter().chain(odd_fields()) {
        for (width, height) in [(0, 0), (1, 1), (3, 30), (30, 3), (40, 10), (97, 31)] {
            let area = Rect::new(2, 1, width, height);
            for (depth, glyphs) in [(ColorDepth::True, Glyphs::Braille), (ColorDepth::None, Glyphs::Ascii)] {
                let theme = Theme::new(depth, glyphs);
                for cursor in [None, Some((0, 0)), Some((usize::MAX, usize::MAX))] {
                    let view = FigureView { cursor, zoom: (0.25, 0.75), ..FigureView::default() };
                    for detail in [Detail::Full, Detail::Thumbnail] {
                        let mut buffer = Buffer::empty(Rect::new(0, 0, width + 4, height + 2));
                        draw_one(&figure, &view, area, detail, &mut buffer, &theme);
                        outside_is_blank(&buffer, area, &figure);
                    }
                }
            }
        }
    }
}

fn outside_is_blank(buffer: &Buffer, area: Rect, figure: &Figure) {
    for y in buffer.area.rows().map(|r| r.y) {
        for x in buffer.area.columns().map(|c| c.x) {
            let inside = area.contains((x, y).into());
            assert!(inside || buffer[(x, y)].symbol() == " ", "{} ({x}, {y}) in {area}: {buffer:?}", figure.id);
        }
    }
}

#[test]
fn every_key_is_safe_on_odd_figures() {
    let figures: Vec<Figure> = odd_histograms().into_iter().chain(odd_fields()).collect();
    for figure in figures {
        let mut app: App = app(80, 24);
        press(&mut app, " ");
        let snapshot = Snapshot { figures: vec![figure], ..sample::snapshot(1) };
        assert!(app.receive(Arc::new(snapshot)));
        press(&mut app, "\t\tc>>v<^GgYy+++>-=Yf\n\x1b\x1b");
        super::text(&app);
    }
}
