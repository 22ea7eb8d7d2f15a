//! What levels have to do with it: which are missed, who gains by that, and the gist of a decision.

use super::super::decision::{Decision, Rail, Row, Terms};
use super::super::goal::{Attainment, Verdict};
use super::super::words::number;
use super::super::{Health, Share, Strategy};
use super::{best, is_serving, kept_above, met, near, reasons, worse};

/// A rate that nobody would call one, in requests per second.
const NO_RATE: f64 = 1e-3;

/// Levels that a target misses, as far as that is proven.
pub(super) fn misses(row: &Row) -> impl Iterator<Item = &Attainment> {
    let levels = row.levels.iter();
    levels.filter(|one| one.verdict() == Verdict::Missed)
}

/// Each missed level in words.
pub(super) fn missed(row: &Row) -> Vec<String> {
    let words = |one: &Attainment| {
        let (measure, limit) = (one.level.measure, one.level.at_most);
        match one.value {
            Some(value) => format!(
                "its {measure} is {}, over your {}",
                measure.words(value),
                measure.words(limit)
            ),
            None => format!(
                "so many of its requests fail that your {measure} of {} is missed",
                measure.words(limit)
            ),
        }
    };
    misses(row).map(words).collect()
}

/// Why a target takes more than its configured share.
pub(super) fn gains(decision: &Decision, row: &Row) -> String {
    let others = || {
        let rows = decision.rows.iter();
        rows.filter(|other| other.name != row.name && other.configured > Share::ZERO)
    };
    let missing: Vec<&str> = others()
        .filter(|other| is_serving(other) && misses(other).next().is_some())
        .map(|other| other.name.as_str())
        .collect();
    match (misses(row).next().is_some(), missing.is_empty()) {
        (true, _) => return "it is least over your levels".into(),
        (false, false) => {
            return format!(
                "it meets your levels, which {} {} not",
                missing.join(" and "),
                if missing.len() == 1 { "does" } else { "do" }
            );
        }
        (false, true) => {}
    }
    let is_best = best(decision, row.tier).is_some_and(|best| best.name == row.name);
    let virtue = virtue(row, others()).filter(|_| is_best);
    virtue.map_or_else(|| heir(others()), |virtue| format!("it is {virtue}"))
}

/// Why a target takes more that leads in nothing: what others lost has to go somewhere.
fn heir<'a>(others: impl Iterator<Item = &'a Row>) -> String {
    let losers = others
        .filter(|other| other.granted < other.configured && !near(other.granted, other.configured));
    let losers: Vec<&str> = losers.map(|other| other.name.as_str()).collect();
    match losers.as_slice() {
        [] => "the others are slower, dearer or fail more".into(),
        [only] => format!("it has its part of what {only} lost"),
        [a, b] => format!("it has its part of what {a} and {b} lost"),
        _ => format!("it has its part of what {} others lost", losers.len()),
    }
}

/// What most of its lead over the next ones is made of.
fn virtue<'a>(row: &Row, others: impl Iterator<Item = &'a Row>) -> Option<&'static str> {
    // What is supposed of the errors and times of a target without answers is no virtue of another, nor one of its own.
    let leads = others.map(|other| {
        let lead = worse(other, row);
        if row.was_never_measured() || other.was_never_measured() {
            return Terms {
                cost: lead.cost,
                ..Terms::default()
            };
        }
        lead
    });
    let sum = leads.fold([0.0; 4], |sum: [f64; 4], lead| {
        [
            sum[0] + lead.cost,
            sum[1] + lead.latency,
            sum[2] + lead.error,
            sum[3] + lead.quality,
        ]
    });
    let names = [
        "the cheapest",
        "the quickest",
        "the most reliable",
        "the best rated",
    ];
    let most = sum
        .into_iter()
        .zip(names)
        .max_by(|a, b| a.0.total_cmp(&b.0))?;
    (most.0 > 0.0).then_some(most.1)
}

/// The gist of a decision: whether the levels are met, and the largest move with its reason.
pub(super) fn gist(decision: &Decision) -> Option<String> {
    if decision.strategy == Strategy::Fixed {
        return None;
    }
    if let Some(full) = full_tier(decision) {
        return Some(full);
    }
    let judged = || {
        let rows = decision.rows.iter();
        rows.filter(|row| row.configured > Share::ZERO && is_serving(row) && !row.levels.is_empty())
    };
    let missing = judged().filter(|row| misses(row).next().is_some()).count();
    if missing > 0 && missing == judged().count() {
        let levels = levels(decision);
        return Some(format!(
            "no target meets {levels}: those that are least over it get most"
        ));
    }
    let known = |row: &Row| row.levels.iter().all(|one| one.verdict() == Verdict::Met);
    if missing == 0 && judged().count() > 0 && judged().all(known) {
        let met = format!("all targets meet {}", levels(decision));
        return Some(match held_leader(decision) {
            Some(virtue) => format!("{met}; {virtue} takes what its ceiling allows"),
            None => met,
        });
    }
    largest_move(decision)
}

/// The lowest tier that does not take all: `tier 1 is full at 40 requests a second; the rest spills`.
fn full_tier(decision: &Decision) -> Option<String> {
    let spills = |row: &&Row| row.rails.contains(&Rail::Spills);
    let tier = decision
        .rows
        .iter()
        .filter(spills)
        .map(|row| row.tier)
        .min()?;
    let rows = decision.rows.iter().filter(|row| row.tier == tier);
    let taken: f64 = rows.map(|row| row.granted.fraction()).sum();
    let is_shown = decision.rows.iter().any(Row::is_only_shown);
    let (takes, is) = if is_shown {
        ("would take", "would be")
    } else {
        ("takes", "is")
    };
    Some(if taken * decision.demand < NO_RATE {
        format!("tier {tier} {takes} nothing; all of it spills")
    } else {
        let rate = number(taken * decision.demand);
        format!("tier {tier} {is} full at {rate} requests a second; the rest spills")
    })
}

/// What the best target is, if it would take more than its ceiling.
fn held_leader(decision: &Decision) -> Option<&'static str> {
    let lowest = decision.rows.iter().map(|row| row.tier).min()?;
    let leader = best(decision, lowest).filter(|best| best.rails.contains(&Rail::Ceiling))?;
    let rows = decision.rows.iter();
    virtue(leader, rows.filter(|other| other.name != leader.name))
}

/// `your 1.5 s`, or `your levels` where there are several.
fn levels(decision: &Decision) -> String {
    match decision.goal.levels.as_slice() {
        [only] => format!("your {}", only.measure.words(only.at_most)),
        _ => "your levels".into(),
    }
}

/// The target that lost most of its configured share, with the reason: `moved 12 points off azure: …`.
fn largest_move(decision: &Decision) -> Option<String> {
    let lost = |row: &Row| row.configured.fraction() - row.granted.fraction();
    let most = decision
        .rows
        .iter()
        .max_by(|a, b| lost(a).total_cmp(&lost(b)))?;
    let points = (100.0 * lost(most)).round();
    let why = match most.health {
        Health::Ejected { cause, .. } | Health::Probing { cause, .. } => cause.to_string(),
        Health::Serving | Health::Returning { .. } => {
            // That little is known of it moves nothing.
            let holding = || most.rails.iter().filter(|rail| **rail != Rail::ColdStart);
            let held = || holding().find_map(|rail| met(*rail, most, decision));
            let reason = reasons(decision, most).or_else(|| kept_above(decision, most));
            reason.or_else(held)?
        }
    };
    let unit = if points > 1.0 { "points" } else { "point" };
    let moved = if most.is_only_shown() {
        "would move"
    } else {
        "moved"
    };
    (points >= 1.0).then(|| format!("{moved} {points} {unit} off {}: {why}", most.name))
}

#[cfg(test)]
#[path = "goals_tests.rs"]
mod tests;
