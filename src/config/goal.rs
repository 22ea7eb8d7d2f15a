//! `goal` and `objective` of a route: what is good enough, and what counts after that.

use std::time::Duration;

use crate::balance::{Goal, Level, Measure, Statistic, Timing};

use super::Objective;
use super::field::Field;
use super::quantity;
use super::section::Section;
use super::settings::{MILLISECOND, set};

/// Keys of times, and what they bound.
const TIMES: &[(&str, Timing, Statistic)] = &[
    ("first_token_mean", Timing::FirstToken, Statistic::Mean),
    ("first_token_p50", Timing::FirstToken, Statistic::P50),
    ("first_token_p90", Timing::FirstToken, Statistic::P90),
    ("first_token_p95", Timing::FirstToken, Statistic::P95),
    ("first_token_p99", Timing::FirstToken, Statistic::P99),
    ("per_token_mean", Timing::PerToken, Statistic::Mean),
    ("per_token_p50", Timing::PerToken, Statistic::P50),
    ("per_token_p90", Timing::PerToken, Statistic::P90),
    ("per_token_p95", Timing::PerToken, Statistic::P95),
    ("per_token_p99", Timing::PerToken, Statistic::P99),
    ("total_mean", Timing::Total, Statistic::Mean),
    ("total_p50", Timing::Total, Statistic::P50),
    ("total_p90", Timing::Total, Statistic::P90),
    ("total_p95", Timing::Total, Statistic::P95),
    ("total_p99", Timing::Total, Statistic::P99),
];

/// Longest time that a level may allow: the histograms of times end a little above it.
const LONGEST: Duration = Duration::from_secs(900);
/// Shortest and longest time of a token.
const TOKEN: (Duration, Duration) = (Duration::from_micros(20), Duration::from_secs(60));
/// Most that a second may be worth, in dollars.
const DEAREST_SECOND: f64 = 1_000.0;

/// A goal, and the objective that it says to follow once it is met.
pub(super) fn goal(field: &Field<'_>) -> Option<(Goal, Option<Objective>)> {
    let mut section = field.section()?;
    let mut goal = Goal::default();
    for (key, timing, statistic) in TIMES {
        let range = match timing {
            Timing::PerToken => TOKEN.0..=TOKEN.1,
            Timing::FirstToken | Timing::Total => MILLISECOND..=LONGEST,
        };
        let at_most = section.field(key).and_then(|field| field.duration(range));
        goal.levels.extend(at_most.map(|most| Level {
            measure: Measure::Time(*timing, *statistic),
            at_most: most.as_secs_f64(),
        }));
    }
    let errors = section.field("errors").and_then(|field| errors(&field));
    goal.levels.extend(errors.map(|at_most| Level {
        measure: Measure::Errors,
        at_most,
    }));
    let then = section.field("then");
    let worth = section.field("second_is_worth");
    let says_levels = section
        .entries()
        .any(|(key, _)| key != "then" && key != "second_is_worth");
    section.finish(&["quality"]);
    if !says_levels {
        field.problem(
            "expected a level such as first_token_p95 or errors, found none",
            "`objective` alone says what counts where nothing has to be met",
        );
        return None;
    }
    warn_of_levels_that_say_nothing(field, &goal);
    Some((goal, objective_after(then.as_ref(), worth.as_ref())))
}

fn errors(field: &Field<'_>) -> Option<f64> {
    let part = field.fraction()?;
    if part > 0.0 && part < 1.0 {
        return Some(part);
    }
    field.expected(
        "a fraction above 0 and below 1",
        "0.005 is 0.5 %: no target never fails",
    );
    None
}

fn objective_after(then: Option<&Field<'_>>, worth: Option<&Field<'_>>) -> Option<Objective> {
    if let (Some(then), Some(_)) = (then, worth) {
        then.conflict(
            "expected either then or second_is_worth, found both",
            "a price of time says how much latency and cost count",
        );
    }
    match (then, worth) {
        (Some(then), _) => then.choice(Objective::PRESETS),
        (None, Some(worth)) => Some(Objective {
            second_is_worth: Some(dollars(worth)?),
            ..Objective::default()
        }),
        (None, None) => None,
    }
}

/// A percentile of the same times that is higher and may be no longer covers the lower one.
fn warn_of_levels_that_say_nothing(field: &Field<'_>, goal: &Goal) {
    let percentiles = || {
        goal.levels.iter().filter_map(|level| match level.measure {
            Measure::Time(timing, statistic) => Some((timing, statistic.above()?, level)),
            Measure::Errors => None,
        })
    };
    for (timing, above, level) in percentiles() {
        let covering = percentiles().find(|(other, more, by)| {
            *other == timing && *more < above && by.at_most <= level.at_most
        });
        if let Some((_, _, by)) = covering {
            field.warn(
                format!("{level} says nothing beside {by}"),
                "remove it, or ask for less",
            );
        }
    }
}

/// A preset or a table over the preset `balanced`.
pub(super) fn objective(field: &Field<'_>) -> Option<Objective> {
    if field.node.is_text() {
        return field.choice(Objective::PRESETS);
    }
    let mut section = field.section()?;
    let mut objective = Objective::default();
    let statistic = section.field("statistic");
    set(
        &mut objective.statistic,
        statistic.and_then(|field| field.choice(&Statistic::ALL)),
    );
    let worth = section.field("second_is_worth");
    objective.second_is_worth = worth.as_ref().and_then(dollars);
    let weighed = weights(&mut section, &mut objective);
    section.finish(&[]);
    if let (Some(worth), Some(key)) = (worth, weighed) {
        worth.conflict(
            format!("expected either second_is_worth or {key}, found both"),
            "a price of time says how much latency and cost count",
        );
    } else if objective.second_is_worth.is_none()
        && objective.latency + objective.cost + objective.errors + objective.quality <= 0.0
    {
        field.problem(
            "expected one of latency, cost, errors and quality above 0, found only zeros",
            "strategy = \"fixed\" holds the shares",
        );
        return None;
    }
    Some(objective)
}

/// Reads the weights; tells one that a price of time would make void.
fn weights(section: &mut Section<'_>, objective: &mut Objective) -> Option<&'static str> {
    let mut void = None;
    for (key, weight) in [
        ("latency", &mut objective.latency),
        ("cost", &mut objective.cost),
        ("errors", &mut objective.errors),
        ("quality", &mut objective.quality),
    ] {
        let Some(field) = section.field(key) else {
            continue;
        };
        if matches!(key, "latency" | "cost") {
            void = Some(key);
        }
        match field.number() {
            Some(number) if (0.0..=1000.0).contains(&number) => *weight = number,
            Some(_) => field.expected("a number from 0 to 1000", ""),
            None => {}
        }
    }
    void
}

fn dollars(field: &Field<'_>) -> Option<f64> {
    let pico = field.quantity("$0.002", quantity::dollars)?;
    let dollars = pico as f64 / 1e12;
    if dollars > 0.0 && dollars <= DEAREST_SECOND {
        return Some(dollars);
    }
    field.expected(
        "an amount above $0 and at most $1000",
        "an hour of $7.20 is a second of $0.002",
    );
    None
}
