//! A decision in plain sentences: for each target what it gets, what was measured, and what stood in between.

use crate::balance::gate::Cause;
use crate::balance::{Decision, Health, Rail, Row, Strategy};
use crate::config::Mode;
use crate::live::Route;
use crate::model::Time;

/// The decision about `route` as it stands at `now`; the first sentence is about the route, the others about a target
/// each.
pub(super) fn sentences(route: &Route, decision: Option<&Decision>, now: Time) -> Vec<String> {
    let Some(decision) = decision else {
        let label = &route.label;
        let line = format!("{label}: nothing was decided yet, the configured shares are in force.");
        return vec![line];
    };
    let first = headline(route, decision, now);
    let rows = decision.rows.iter().map(|row| sentence(row, now));
    std::iter::once(first).chain(rows).collect()
}

fn headline(route: &Route, decision: &Decision, now: Time) -> String {
    let how = match decision.strategy {
        Strategy::Fixed => "the configured shares hold",
        Strategy::Adaptive => "shares follow what is measured",
    };
    let obeyed = match route.config.mode {
        Mode::Auto => "",
        Mode::Shadow => "; mode shadow: decisions are shown and not obeyed",
        Mode::Off => "; mode off: nothing decides and nothing ejects",
    };
    format!(
        "{}: {how}{obeyed}; {:.1} requests/s, decided {:.1} s ago.",
        route.label,
        decision.demand,
        now.secs_since(decision.at)
    )
}

fn sentence(row: &Row, now: Time) -> String {
    let share = if row.granted == row.configured {
        "as configured".to_owned()
    } else {
        format!("configured {}", row.configured)
    };
    let mut clauses = vec![format!("{} gets {} ({share})", row.name, row.granted)];
    let measured = measured(row);
    if !measured.is_empty() {
        clauses.push(measured.join(", "));
    }
    if row.proposed != row.granted {
        clauses.push(format!("{} would suit it", row.proposed));
    }
    let reasons = row.rails.iter().map(|rail| reason(*rail, row, now));
    clauses.extend(reasons);
    format!("{}.", clauses.join("; "))
}

/// What was measured, and what it amounts to.
fn measured(row: &Row) -> Vec<String> {
    let evidence = &row.evidence;
    let mut parts = Vec::new();
    if let Some(seconds) = evidence.first_token {
        parts.push(format!("first token {:.0} ms", seconds * 1e3));
    }
    if let Some(seconds) = evidence.per_token {
        parts.push(format!("{:.1} ms a token", seconds * 1e3));
    }
    if row.samples > 0 {
        parts.push(format!("{:.1} % faults", evidence.faults * 100.0));
    }
    if let Some(usd) = evidence.cost {
        parts.push(format!("${usd:.6} an answer"));
    }
    if row.samples > 0 {
        let terms = &row.terms;
        parts.push(format!(
            "loss {:.2} (latency {:.2}, cost {:.2}, errors {:.2})",
            terms.loss(),
            terms.latency,
            terms.cost,
            terms.error
        ));
        parts.push(if evidence.gap > 0.0 {
            format!("{:.2} worse than the best beyond chance", evidence.gap)
        } else {
            "no worse than the best beyond chance".to_owned()
        });
    }
    parts
}

/// Why the share is not the proposed one, or why little may be read into it.
fn reason(rail: Rail, row: &Row, now: Time) -> String {
    match rail {
        Rail::ColdStart => format!(
            "cold start, {} of {} answers",
            row.samples.min(Row::ENOUGH_SAMPLES),
            Row::ENOUGH_SAMPLES
        ),
        Rail::Floor => "held up by its min_share".to_owned(),
        Rail::Exploration => "kept at a few requests, so that its recovery is seen".to_owned(),
        Rail::Ceiling => "held down by its max_share".to_owned(),
        Rail::RateCap => "held at the rate that its refusals taught".to_owned(),
        Rail::Step => "moving as fast as one tick allows".to_owned(),
        Rail::DeadBand => "too small a change to publish".to_owned(),
        Rail::Ejected => ejected(row, now),
        Rail::Ramp => "coming back step by step".to_owned(),
        Rail::Blocked => format!(
            "it asked to be left alone for another {:.1} s",
            row.blocked_until.secs_since(now)
        ),
        Rail::Drained => "drained: its weight is 0".to_owned(),
        Rail::Displaced if row.granted > row.proposed => "takes what others may not".to_owned(),
        Rail::Displaced => "gives what others must have".to_owned(),
        Rail::ModelSplit => "the split between models is held (mix_models = false)".to_owned(),
        Rail::HeldOutage => {
            "all targets are ejected: the configured shares are in force".to_owned()
        }
        Rail::Shadow => "mode shadow: not obeyed".to_owned(),
        Rail::Off => "mode off".to_owned(),
    }
}

fn ejected(row: &Row, now: Time) -> String {
    match row.health {
        Health::Ejected { until, cause } => format!(
            "ejected for {}, the next probe in {:.1} s",
            why(cause),
            until.secs_since(now)
        ),
        Health::Probing { cause, .. } => {
            format!("ejected for {}, being probed", why(cause))
        }
        Health::Serving | Health::Returning { .. } => "ejected a moment ago".to_owned(),
    }
}

fn why(cause: Cause) -> &'static str {
    match cause {
        Cause::Faults => "failing",
        Cause::Overdue => "requests that hang",
        Cause::Stalls => "answers that stop in the middle",
        Cause::OurFault => "refusing our credential or our model name",
    }
}
