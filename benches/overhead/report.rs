//! The figures of all rounds as a table for people and a line of JSON for programs.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::{EVENTS, SCENARIOS, Way};

/// One measurement of one scenario on one way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    /// The proxy's CPU per request.
    pub(crate) cpu_us: f64,
    /// Time of a whole answer: median and 99th percentile.
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    /// Time to the first content, median.
    pub(crate) first_us: f64,
    pub(crate) per_second: f64,
}

/// All measurements.
#[derive(Debug, Default)]
pub(crate) struct Samples(BTreeMap<(&'static str, &'static str), Vec<Sample>>);

/// A figure of a sample, and of which scenario.
struct Figure {
    scenario: &'static str,
    name: &'static str,
    /// Whether the direct way's value is taken off, which leaves what the proxy adds.
    added: bool,
    of: fn(&Sample) -> f64,
}

const FIGURES: [Figure; 10] = [
    figure("unary 2 KB x16", "CPU us/request", false, |sample| {
        sample.cpu_us
    }),
    figure("unary 2 KB x16", "requests/s", false, |sample| {
        sample.per_second
    }),
    figure("unary 2 KB x1", "added p50 us", true, |sample| {
        sample.p50_us
    }),
    figure("unary 2 KB x1", "added p99 us", true, |sample| {
        sample.p99_us
    }),
    figure("unary 2 KB x1", "CPU us/request", false, |sample| {
        sample.cpu_us
    }),
    figure("unary 100 KB x4", "CPU us/request", false, |sample| {
        sample.cpu_us
    }),
    figure("unary 100 KB x4", "p50 us", false, |sample| sample.p50_us),
    figure("stream 100 events x32", "CPU us/stream", false, |sample| {
        sample.cpu_us
    }),
    figure("stream 100 events x32", "CPU us/event", false, |sample| {
        sample.cpu_us / f64::from(EVENTS)
    }),
    figure("stream at once x1", "added us to first", true, |sample| {
        sample.first_us
    }),
];

const fn figure(
    scenario: &'static str,
    name: &'static str,
    added: bool,
    of: fn(&Sample) -> f64,
) -> Figure {
    Figure {
        scenario,
        name,
        added,
        of,
    }
}

/// Median and best of the rounds.
#[derive(Clone, Copy, Debug)]
struct Summary {
    median: f64,
    best: f64,
}

impl Samples {
    pub(crate) fn add(&mut self, scenario: &'static str, way: Way, sample: Sample) {
        self.0
            .entry((scenario, way.name()))
            .or_default()
            .push(sample);
    }

    fn summary(&self, figure: &Figure, way: Way) -> Option<Summary> {
        let samples = self.0.get(&(figure.scenario, way.name()))?;
        let mut values: Vec<f64> = samples.iter().map(figure.of).collect();
        values.sort_by(f64::total_cmp);
        let is_rate = figure.name.ends_with("/s");
        let best = if is_rate {
            values.last()
        } else {
            values.first()
        };
        let summary = Summary {
            median: *values.get(values.len() / 2)?,
            best: *best?,
        };
        if !figure.added || way == Way::Direct {
            return Some(summary);
        }
        let direct = self.summary(figure, Way::Direct)?;
        Some(Summary {
            median: summary.median - direct.median,
            best: summary.best - direct.best,
        })
    }

    /// Each figure as `median (best)`, with Weighbridge's ratio to the bare proxy.
    pub(crate) fn table(&self, rounds: usize) -> String {
        let mut text = format!(
            "rounds: {rounds}; median (best round); \"added\" is over the direct way, which shows its own\n\
             {:<22} {:<18} {:>20} {:>20} {:>20} {:>8} {:>8}\n",
            "scenario", "figure", "direct", "bare hyper", "weighbridge", "median/", "best/"
        );
        for figure in &FIGURES {
            let cell = |way| match self.summary(figure, way) {
                Some(it) if it.median.abs() > 0.0 => format!("{:.1} ({:.1})", it.median, it.best),
                Some(_) | None => "-".to_owned(),
            };
            let (median, best) = self.ratios(figure);
            writeln!(
                text,
                "{:<22} {:<18} {:>20} {:>20} {:>20} {median:>8.2} {best:>8.2}",
                figure.scenario,
                figure.name,
                cell(Way::Direct),
                cell(Way::Bare),
                cell(Way::Weighbridge),
            )
            .expect("a text takes what is written");
        }
        text
    }

    fn ratios(&self, figure: &Figure) -> (f64, f64) {
        let ours = self.summary(figure, Way::Weighbridge);
        match ours.zip(self.summary(figure, Way::Bare)) {
            Some((ours, bare)) => (ours.median / bare.median, ours.best / bare.best),
            None => (f64::NAN, f64::NAN),
        }
    }

    /// The same as one line.
    pub(crate) fn json(&self, rounds: usize) -> String {
        let figures = FIGURES.iter().map(|figure| {
            let of = |way| {
                let summary = self.summary(figure, way);
                summary.map_or(Value::Null, |it| json!({"median": tenths(it.median), "best": tenths(it.best)}))
            };
            json!({
                "scenario": figure.scenario, "figure": figure.name,
                "direct": of(Way::Direct), "bare": of(Way::Bare), "weighbridge": of(Way::Weighbridge),
                "ratio_of_medians": hundredths(self.ratios(figure).0), "ratio_of_bests": hundredths(self.ratios(figure).1),
            })
        });
        let figures: Vec<Value> = figures.collect();
        let scenarios: Vec<&str> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
        json!({"bench": "overhead", "rounds": rounds, "scenarios": scenarios, "figures": figures})
            .to_string()
    }
}

impl Way {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Bare => "bare",
            Self::Weighbridge => "weighbridge",
        }
    }
}

/// Microseconds are not known to more than that.
fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

fn hundredths(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
