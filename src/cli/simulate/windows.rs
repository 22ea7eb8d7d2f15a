//! `simulate --windows SECONDS`: each policy's figures over time, beside the report in the JSON document.

use std::collections::BTreeMap;

use serde::Serialize;

use super::super::Failure;
use super::cells::{Question, spread};
use crate::sim::{Candidate, Moment, Report, Scenario, Timeline};

/// The report, and the same runs over time.
#[derive(Debug, Serialize)]
pub(super) struct Document<'a> {
    #[serde(flatten)]
    report: &'a Report,
    /// By scenario and policy.
    timelines: Vec<Line<'a>>,
}

#[derive(Debug, Serialize)]
struct Line<'a> {
    scenario: &'a str,
    policy: &'a str,
    /// Length of a window.
    seconds: f64,
    windows: Vec<Window<'a>>,
}

/// One window: means over the seeds that have the figure.
#[derive(Debug, Serialize)]
struct Window<'a> {
    from: f64,
    requests: f64,
    p50_s: Option<f64>,
    p95_s: Option<f64>,
    first_p50_s: Option<f64>,
    first_p95_s: Option<f64>,
    failed: Option<f64>,
    shares: BTreeMap<&'a str, Option<f64>>,
}

/// Runs all once more, and cuts their time into windows of `seconds`.
pub(super) fn document<'a>(
    report: &'a Report,
    question: &Question<'a>,
    seconds: f64,
) -> Result<Document<'a>, Failure> {
    let scenarios = question.groups.iter().flat_map(|group| &group.scenarios);
    let jobs: Vec<(&Scenario, &Candidate)> = scenarios
        .flat_map(|scenario| question.candidates.iter().map(move |who| (scenario, who)))
        .collect();
    let line = |(scenario, who): (&'a Scenario, &'a Candidate)| {
        let runs = question.seeds.clone().map(|seed| {
            let run = who.run(scenario, seed, question.failover);
            let run = run.map_err(|error| Failure::Told(format!("{}: {error}", scenario.name)))?;
            Ok(Timeline::with_windows(scenario, &run, seconds))
        });
        let runs: Vec<Timeline> = runs.collect::<Result<_, Failure>>()?;
        Ok(Line {
            scenario: &scenario.name,
            policy: who.name,
            seconds: runs.first().map_or(seconds, |run| run.window),
            windows: windows(scenario, &runs),
        })
    };
    let lines = spread(&jobs, line, None::<&mut std::io::Sink>);
    Ok(Document {
        report,
        timelines: lines.into_iter().collect::<Result<_, Failure>>()?,
    })
}

fn windows<'a>(scenario: &'a Scenario, runs: &[Timeline]) -> Vec<Window<'a>> {
    let count = runs.first().map_or(0, |run| run.moments.len());
    let window = |place: usize| {
        let moments: Vec<&Moment> = runs
            .iter()
            .filter_map(|run| run.moments.get(place))
            .collect();
        let mean =
            |of: &dyn Fn(&Moment) -> Option<f64>| mean(moments.iter().copied().filter_map(of));
        let shares = scenario.targets.keys().enumerate();
        Window {
            from: runs.first().map_or(0.0, |run| run.window) * place as f64,
            requests: mean(&|moment| Some(moment.requests as f64)).unwrap_or_default(),
            p50_s: mean(&|moment| moment.p50_s),
            p95_s: mean(&|moment| moment.p95_s),
            first_p50_s: mean(&|moment| moment.first_p50_s),
            first_p95_s: mean(&|moment| moment.first_p95_s),
            failed: mean(&|moment| moment.failed),
            shares: shares
                .map(|(i, name)| (name.as_str(), mean(&|moment| moment.shares.get(i).copied())))
                .collect(),
        }
    };
    (0..count).map(window).collect()
}

/// Rounded as in the report; `None` of nothing.
fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    (count > 0.0).then(|| (sum / count * 1e6).round() / 1e6)
}
