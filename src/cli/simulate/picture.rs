//! `simulate --plot DIR`: a picture of each scenario and policy, as SVG.
//!
//! Three panels over the same time: whose share, how long answers took, how many requests failed. Where the scenario has
//! a fault, its time is marked in all three, with the target's name. Nothing is smoothed: each window is a step.

use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

use crate::sim::{Scenario, Timeline};

/// Size of a picture: three panels that are read side by side on a usual screen.
const SIZE: (u32, u32) = (1000, 720);
/// Height of the title, and width of the column that names the lines.
const TITLE: u32 = 46;
const NAMES: u32 = 190;
/// Targets that have a colour of their own; the least used of more are drawn together.
const COLOURED: usize = 8;
/// Colours that people with any colour vision can tell apart. Source: Okabe and Ito, "Color universal design", 2008.
const COLOURS: [RGBColor; COLOURED] = [
    RGBColor(0, 114, 178),
    RGBColor(230, 159, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(213, 94, 0),
    RGBColor(240, 228, 66),
    RGBColor(153, 153, 153),
];
const INK: RGBColor = RGBColor(60, 60, 60);
const FAULT: RGBColor = RGBColor(190, 30, 45);
const FONT: &str = "sans-serif";

type Error = DrawingAreaErrorKind<std::io::Error>;
type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Chart<'a, 'b> = ChartContext<'b, SVGBackend<'a>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// What a picture shows.
#[derive(Debug)]
pub(super) struct Picture<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) policy: &'a str,
    pub(super) seed: u64,
    pub(super) timeline: &'a Timeline,
}

/// One panel.
struct Panel<'a> {
    title: &'a str,
    /// From 0.
    highest: f64,
    /// What is written beside the axis.
    axis: &'a str,
    /// The lowest panel has the times.
    is_last: bool,
}

impl Picture<'_> {
    /// The picture as SVG.
    pub(super) fn svg(&self) -> Result<String, Error> {
        let mut text = String::new();
        {
            let whole = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
            whole.fill(&WHITE)?;
            let (head, body) = whole.split_vertically(TITLE);
            self.title(&head)?;
            let (shares, rest) = body.split_vertically(280);
            let (times, failures) = rest.split_vertically(200);
            self.shares(&shares)?;
            self.times(&times)?;
            self.failures(&failures)?;
            whole.present()?;
        }
        Ok(text)
    }

    fn title(&self, area: &Area<'_>) -> Result<(), Error> {
        let words = format!(
            "{}: {}, seed {}",
            self.scenario.name, self.policy, self.seed
        );
        area.draw(&Text::new(
            words,
            (14, 14),
            (FONT, 20).into_font().color(&INK),
        ))
    }

    /// Shares of attempts, stacked; the widest bands at the bottom.
    fn shares(&self, area: &Area<'_>) -> Result<(), Error> {
        let bands = self.bands();
        let (left, names) = split(area);
        let mut chart = self.chart(
            &left,
            &Panel {
                title: "Shares of attempts",
                highest: 100.0,
                axis: "%",
                is_last: false,
            },
        )?;
        let mut floor = vec![0.0; self.timeline.moments.len()];
        for (band, colour) in bands.iter().zip(COLOURS.iter()) {
            let top: Vec<f64> = floor.iter().zip(&band.shares).map(|(a, b)| a + b).collect();
            let mut outline = self.steps(top.iter().copied().map(Some));
            let below = self.steps(floor.iter().copied().map(Some));
            outline.extend(below.into_iter().rev());
            chart.draw_series([Polygon::new(outline, colour.mix(0.85).filled())])?;
            floor = top;
        }
        self.mark(&mut chart, 100.0)?;
        let bands = bands.iter().zip(COLOURS.iter());
        let bands = bands.map(|(band, colour)| (band.name.clone(), *colour, true));
        let fault = self.scenario.fault.as_ref();
        let fault = fault.map(|fault| (format!("fault of {}", fault.target), FAULT, false));
        legend(&names, bands.chain(fault))
    }

    fn times(&self, area: &Area<'_>) -> Result<(), Error> {
        let moments = &self.timeline.moments;
        let highest = moments.iter().filter_map(|moment| moment.p95_s);
        let (left, names) = split(area);
        let panel = Panel {
            title: "Time from arrival to end",
            highest: headroom(highest.fold(0.1, f64::max)),
            axis: "s",
            is_last: false,
        };
        let mut chart = self.chart(&left, &panel)?;
        self.mark(&mut chart, panel.highest)?;
        let lines = [
            ("95th percentile", COLOURS[5], true),
            ("median", COLOURS[0], false),
        ];
        for (_, colour, is_p95) in lines {
            let values = moments
                .iter()
                .map(|moment| if is_p95 { moment.p95_s } else { moment.p50_s });
            for line in runs(&self.steps(values)) {
                chart.draw_series(LineSeries::new(line, colour.stroke_width(2)))?;
            }
        }
        let named = lines.map(|(name, colour, _)| (name.to_owned(), colour, false));
        legend(&names, named.into_iter())
    }

    fn failures(&self, area: &Area<'_>) -> Result<(), Error> {
        let moments = &self.timeline.moments;
        let failed = || {
            moments
                .iter()
                .map(|moment| moment.failed.map(|part| part * 100.0))
        };
        let (left, names) = split(area);
        let panel = Panel {
            title: "Failed or past the deadline",
            highest: headroom(failed().flatten().fold(2.0, f64::max)).min(100.0),
            axis: "% of requests",
            is_last: true,
        };
        let mut chart = self.chart(&left, &panel)?;
        self.mark(&mut chart, panel.highest)?;
        let mut outline = self.steps(failed().map(|part| Some(part.unwrap_or(0.0))));
        let ends = (outline.first().copied(), outline.last().copied());
        if let (Some((first, _)), Some((last, _))) = ends {
            outline.extend([(last, 0.0), (first, 0.0)]);
        }
        chart.draw_series([Polygon::new(outline, FAULT.mix(0.75).filled())])?;
        let windows = format!("windows of {}", span(self.timeline.window));
        legend(
            &names,
            [("failed".to_owned(), FAULT, true), (windows, WHITE, false)].into_iter(),
        )
    }

    /// Axes, grid and words of a panel.
    fn chart<'a, 'b>(&self, area: &'b Area<'a>, panel: &Panel<'_>) -> Result<Chart<'a, 'b>, Error> {
        let times = 0.0..self.per(self.scenario.seconds);
        let mut chart = ChartBuilder::on(area)
            .caption(panel.title, (FONT, 15).into_font().color(&INK))
            .margin_right(12)
            .margin_left(6)
            .x_label_area_size(if panel.is_last { 44 } else { 22 })
            .y_label_area_size(58)
            .build_cartesian_2d(times, 0.0..panel.highest)?;
        let words = (FONT, 13).into_font().color(&INK);
        let unit = format!("time, {}", self.unit().0);
        let mut mesh = chart.configure_mesh();
        mesh.disable_x_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(RGBColor(225, 225, 225))
            .axis_style(INK)
            .x_labels(9)
            .y_labels(5)
            .x_label_formatter(&|time| number(*time))
            .y_label_formatter(&|value| number(*value))
            .label_style(words.clone())
            .axis_desc_style(words)
            .y_desc(panel.axis);
        if panel.is_last {
            mesh.x_desc(unit);
        }
        mesh.draw()?;
        Ok(chart)
    }

    /// The fault's time: shaded, and bounded by lines that show over bands, too.
    fn mark(&self, chart: &mut Chart<'_, '_>, highest: f64) -> Result<(), Error> {
        let Some(fault) = &self.scenario.fault else {
            return Ok(());
        };
        let (from, to) = (self.per(fault.from), self.per(fault.to));
        let shade = [(from, 0.0), (to, highest)];
        chart.draw_series([Rectangle::new(shade, FAULT.mix(0.10).filled())])?;
        for at in [from, to] {
            let line = [(at, 0.0), (at, highest)];
            chart.draw_series(DashedLineSeries::new(line, 5, 4, FAULT.stroke_width(2)))?;
        }
        Ok(())
    }

    /// A value a window as the corners of steps; windows without one are gaps.
    fn steps(&self, values: impl Iterator<Item = Option<f64>>) -> Vec<(f64, f64)> {
        let mut corners = Vec::new();
        for (i, value) in values.enumerate() {
            let from = self.timeline.window * i as f64;
            let to = (from + self.timeline.window).min(self.scenario.seconds);
            let value = value.unwrap_or(f64::NAN);
            corners.extend([(self.per(from), value), (self.per(to), value)]);
        }
        corners
    }

    /// What a time axis counts: its name, and how many seconds one is.
    fn unit(&self) -> (&'static str, f64) {
        match self.scenario.seconds {
            seconds if seconds <= 3600.0 => ("s", 1.0),
            seconds if seconds <= 6.0 * 3600.0 => ("min", 60.0),
            _ => ("h", 3600.0),
        }
    }

    fn per(&self, seconds: f64) -> f64 {
        seconds / self.unit().1
    }

    /// The targets' shares in percent; the least used of many together.
    fn bands(&self) -> Vec<Band> {
        let moments = &self.timeline.moments;
        let band = |(place, name): (usize, &String)| Band {
            name: name.clone(),
            shares: moments
                .iter()
                .map(|moment| moment.shares[place] * 100.0)
                .collect(),
        };
        let mut bands: Vec<Band> = self.scenario.targets.keys().enumerate().map(band).collect();
        if bands.len() <= COLOURED {
            return bands;
        }
        bands.sort_by(|a, b| b.used().total_cmp(&a.used()));
        let rest = bands.split_off(COLOURED - 1);
        let mut shares = vec![0.0; moments.len()];
        for band in &rest {
            for (sum, share) in shares.iter_mut().zip(&band.shares) {
                *sum += share;
            }
        }
        bands.push(Band {
            name: format!("{} others", rest.len()),
            shares,
        });
        bands
    }
}

/// A target's shares over time.
struct Band {
    name: String,
    shares: Vec<f64>,
}

impl Band {
    fn used(&self) -> f64 {
        self.shares.iter().sum()
    }
}

/// The panel itself, and the column that names its lines.
fn split<'a>(area: &Area<'a>) -> (Area<'a>, Area<'a>) {
    let (width, _) = area.dim_in_pixel();
    area.split_horizontally(width.saturating_sub(NAMES))
}

/// Names beside their colours: boxes for areas, strokes for lines.
fn legend(
    area: &Area<'_>,
    entries: impl Iterator<Item = (String, RGBColor, bool)>,
) -> Result<(), Error> {
    let words = (FONT, 14).into_font().color(&INK);
    for (row, (name, colour, is_area)) in (0_i32..).zip(entries) {
        let y = 34 + 22 * row;
        let half = if is_area { 6 } else { 1 };
        let sign = [(4, y + 7 - half), (22, y + 7 + half)];
        area.draw(&Rectangle::new(sign, colour.filled()))?;
        area.draw(&Text::new(name, (30, y), words.clone()))?;
    }
    Ok(())
}

/// The parts of a line between its gaps.
fn runs(line: &[(f64, f64)]) -> Vec<Vec<(f64, f64)>> {
    let parts = line.split(|(_, value)| value.is_nan());
    parts
        .filter(|part| !part.is_empty())
        .map(<[(f64, f64)]>::to_vec)
        .collect()
}

/// A little more than the highest value, so that a line does not run along the edge.
fn headroom(highest: f64) -> f64 {
    highest * 1.08
}

/// Seconds as a person says them: 45 s, 17 min.
fn span(seconds: f64) -> String {
    if seconds < 120.0 {
        format!("{} s", number(seconds))
    } else {
        format!("{} min", number((seconds / 60.0).round()))
    }
}

/// As few digits as tell neighbours apart.
fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_spans_are_said_shortly() {
        for (value, said) in [(0.0, "0"), (2.5, "2.5"), (30.0, "30"), (0.1, "0.1")] {
            assert_eq!(number(value), said);
        }
        assert_eq!((span(5.0), span(1000.0)), ("5 s".into(), "17 min".into()));
    }

    #[test]
    fn gaps_divide_a_line() {
        let line = vec![(0.0, 1.0), (1.0, 1.0), (1.0, f64::NAN), (2.0, 3.0)];
        let parts = runs(&line);
        assert_eq!(parts, [vec![(0.0, 1.0), (1.0, 1.0)], vec![(2.0, 3.0)]]);
    }
}
