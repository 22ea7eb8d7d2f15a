//! Curves as a table and as a picture.

use std::fmt::Write as _;

use plotters::prelude::*;

use crate::Outcome;

/// How one figure follows another.
#[derive(Clone, Debug)]
pub(crate) struct Curve {
    of: &'static str,
    figure: &'static str,
    points: Vec<(f64, f64)>,
}

impl Curve {
    /// Nothing yet of how `figure` follows what it is `of`.
    pub(crate) const fn new(of: &'static str, figure: &'static str) -> Self {
        Self {
            of,
            figure,
            points: Vec::new(),
        }
    }

    /// A point.
    pub(crate) fn add(&mut self, of: f64, figure: f64) {
        self.points.push((of, figure));
    }

    /// Markdown.
    pub(crate) fn table(&self) -> String {
        let mut text = format!("| {} |", self.of);
        for (of, _) in &self.points {
            write!(text, " {of} |").expect("a text takes what is written");
        }
        let rule = "---:|".repeat(self.points.len());
        write!(text, "\n|---|{rule}\n| {} |", self.figure).expect("a text takes what is written");
        for (_, figure) in &self.points {
            write!(text, " {figure:.0} |").expect("a text takes what is written");
        }
        text.push('\n');
        text
    }
}

/// Size of one panel; they stand side by side.
const PANEL: (u32, u32) = (300, 260);

/// All `curves` as SVG, both axes logarithmic: what grows in proportion is a line of slope one, what does not grow is level.
pub(crate) fn draw(curves: &[Curve]) -> Outcome<String> {
    let mut text = String::new();
    {
        let width = PANEL.0 * u32::try_from(curves.len())?;
        let whole = SVGBackend::with_string(&mut text, (width, PANEL.1)).into_drawing_area();
        whole.fill(&WHITE)?;
        for (panel, curve) in whole.split_evenly((1, curves.len())).iter().zip(curves) {
            let (first, last) = (curve.points.first(), curve.points.last());
            let (Some(first), Some(last)) = (first, last) else {
                continue;
            };
            let highest = curve.points.iter().map(|point| point.1).fold(1.0, f64::max);
            let lowest = curve
                .points
                .iter()
                .map(|point| point.1)
                .fold(highest, f64::min);
            let mut chart = ChartBuilder::on(panel)
                .margin(10)
                .x_label_area_size(34)
                .y_label_area_size(50)
                .build_cartesian_2d(
                    (first.0..last.0.max(first.0 * 2.0)).log_scale(),
                    (lowest / 2.0..highest * 2.0).log_scale(),
                )?;
            chart
                .configure_mesh()
                .disable_mesh()
                .x_desc(curve.of)
                .y_desc(curve.figure)
                .x_labels(5)
                .y_labels(5)
                .draw()?;
            let points = curve.points.iter().copied();
            chart.draw_series(
                LineSeries::new(points, RGBColor(0, 114, 178).stroke_width(2)).point_size(3),
            )?;
        }
        whole.present()?;
    }
    Ok(text)
}
