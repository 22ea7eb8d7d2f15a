//! A decision in sentences.
//!
//! The reader is tired, has an alert in the other window and does not know the formula. So: one line a target, what it
//! takes first, why second, in seconds, per cent and dollars; numbers with as many digits as somebody would say aloud. The
//! sentences are made from the [`Decision`] alone, so that the API, the command line and the journal say the same.
//!
//! The loss has no unit that means anything outside, so it never appears: what is named is the part of it in which the
//! target differs most from the best one.

use std::borrow::Cow;

use super::aims::aims;
use super::decision::{Decision, Rail, Row, Spent, Terms};
use super::words::{amount, dollars, number, percent, seconds};
use super::{Health, Share, Strategy};
use crate::model::Time;

mod goals;
mod orders;
mod scores;

use goals::{gains, gist, missed, misses};
use orders::{elsewhere, in_force, is_held, is_ordered, ordered};
use scores::{floored, rating, scored};

/// Part of the whole difference from which a term is worth naming.
const WORTH_NAMING: f64 = 0.2;
/// Part of the input in the cache from which it is worth naming.
const CACHED_WORTH_NAMING: f64 = 0.05;
/// Shares closer than this, in parts per million, are said to be the same.
const SAME_PPM: u32 = 5_000;

/// The decision in sentences: one line for the route, then one for each target, in the route's order.
pub fn explain(decision: &Decision) -> Vec<String> {
    let decision = &*if_obeyed(decision);
    let shares = what_they_follow(decision);
    let mut head = format!(
        "{}: {shares}; {} requests/s",
        decision.route,
        number(decision.demand)
    );
    if let Some(gist) = gist(decision) {
        head.push_str("; ");
        head.push_str(&gist);
    }
    let targets = decision.rows.iter();
    std::iter::once(head)
        .chain(targets.map(|row| sentence(decision, row)))
        .collect()
}

/// What the shares of the route follow, if anything.
fn what_they_follow(decision: &Decision) -> String {
    let aims = || aims(&decision.goal, &decision.objective);
    let are_all = |rail: Rail| decision.rows.iter().all(|row| row.rails.contains(&rail));
    match decision.strategy {
        _ if are_all(Rail::Off) => "configured shares, held while the controller is off".to_owned(),
        Strategy::Fixed if is_ordered(decision) => {
            "configured shares with operators' orders on top, held".to_owned()
        }
        Strategy::Fixed => "configured shares, held".to_owned(),
        Strategy::Adaptive if are_all(Rail::Frozen) => {
            "shares are frozen by operators' order".to_owned()
        }
        Strategy::Adaptive if are_all(Rail::Shadow) => {
            format!("configured shares, held in shadow; they would {}", aims())
        }
        Strategy::Adaptive if is_ordered(decision) => {
            format!("shares {}, with operators' orders on top", aims())
        }
        Strategy::Adaptive => format!("shares {}", aims()),
        Strategy::Trial(_) => "shares follow another core, on trial".to_owned(),
    }
}

/// One target of `decision` in a sentence.
pub fn explain_target(decision: &Decision, row: &Row) -> String {
    let decision = if_obeyed(decision);
    let same = decision.rows.iter().find(|it| it.name == row.name);
    sentence(&decision, same.unwrap_or(row))
}

/// The decision with the shares that would be in force if it were obeyed: what a route in shadow mode is explained by.
fn if_obeyed(decision: &Decision) -> Cow<'_, Decision> {
    if !decision.rows.iter().any(Row::is_only_shown) {
        return Cow::Borrowed(decision);
    }
    let mut decision = decision.clone();
    for row in decision.rows.iter_mut().filter(|row| row.is_only_shown()) {
        row.granted = row.if_obeyed.unwrap_or(row.proposed);
    }
    Cow::Owned(decision)
}

fn sentence(decision: &Decision, row: &Row) -> String {
    let is_out = !is_serving(row) || row.configured == Share::ZERO;
    if let (Some(spent), false) = (&row.spent, is_out) {
        let takes = if spent.refuses { "" } else { "takes nothing: " };
        return format!("{}: {takes}{}", row.name, anew(spent));
    }
    let mut parts = vec![standing(decision, row)];
    parts.extend(elsewhere(decision, row));
    parts.extend(cached(row));
    parts.extend(scored(decision, row));
    parts.extend(
        row.rails
            .iter()
            .filter_map(|rail| met(*rail, row, decision)),
    );
    parts.extend(row.spent.as_ref().map(anew));
    let mut budgets = decision.rows.iter().filter_map(|it| it.spent.as_ref());
    let takes_more = budgets.any(|spent| !spent.refuses);
    if row.spent.is_none() && row.granted > Share::ZERO && takes_more {
        parts.push("more than that while another's budget is spent".into());
    }
    format!("{}: {}", row.name, parts.join("; "))
}

/// That a budget is spent, until when, and whether requests are refused for it.
fn anew(spent: &Spent) -> String {
    let refused = if spent.refuses {
        "its requests are refused (429): "
    } else {
        ""
    };
    format!("{refused}{spent}")
}

/// What it takes, and the measured reason.
fn standing(decision: &Decision, row: &Row) -> String {
    match row.health {
        Health::Ejected { until, cause } => {
            let is = |rail: Rail| row.rails.contains(&rail);
            let takes = match (is(Rail::HeldOutage), is(Rail::Shadow) || is(Rail::Off)) {
                (_, true) => "would take nothing, ",
                // Somebody has to be asked; its rail says so.
                (true, false) => "",
                (false, false) => "takes nothing, ",
            };
            let probe = seconds(until.secs_since(decision.at));
            format!("ejected because {cause}: {takes}next probe in {probe}")
        }
        Health::Probing { cause, passed, out } => {
            let probe = if out {
                "a probe is out"
            } else {
                "the next request is its probe"
            };
            let passed = match passed {
                0 => String::new(),
                passed => format!(" ({passed} passed so far)"),
            };
            format!("ejected because {cause}: {probe}{passed}")
        }
        Health::Returning { part, on_probation } => {
            let word = if on_probation { "returning" } else { "new" };
            format!("{word}: {} of its share, {}", percent(part), takes(row))
        }
        Health::Serving if is_held(row) => takes(row),
        Health::Serving => {
            let why = || reasons(decision, row).or_else(|| kept_above(decision, row));
            match (spilled(decision, row), why()) {
                (Some(spilled), _) => spilled,
                (None, None) => takes(row),
                (None, Some(why)) => format!("{}: {why}", takes(row)),
            }
        }
    }
}

/// How much of its prompts is in its cache, where that is worth a word.
fn cached(row: &Row) -> Option<String> {
    let ratio = row
        .evidence
        .cached
        .filter(|ratio| *ratio >= CACHED_WORTH_NAMING)?;
    Some(format!("{} of its input is cached", percent(ratio)))
}

/// What a target of an upper tier takes; `None` if there is no tier below its.
fn spilled(decision: &Decision, row: &Row) -> Option<String> {
    let rows = decision.rows.iter();
    let lower = rows.filter(|other| other.configured > Share::ZERO && other.tier < row.tier);
    let below = lower.map(|other| other.tier).max()?;
    Some(if row.rails.contains(&Rail::Floor) {
        let granted = percent(row.granted.fraction());
        format!("{} {granted} while tier {below} has room", verb(row))
    } else if row.granted.ppm() > row.configured.ppm() {
        let granted = percent(row.granted.fraction());
        format!(
            "{} {granted}, which tier {below} has no room for",
            verb(row)
        )
    } else if row.is_only_shown() {
        format!("would wait for what tier {below} has no room for")
    } else {
        format!("waits for what tier {below} has no room for")
    })
}

/// Who of an upper tier has a part by its `min_share` that this one would have room for.
fn kept_above(decision: &Decision, row: &Row) -> Option<String> {
    if near(row.granted, row.configured) || row.rails.contains(&Rail::Spills) {
        return None;
    }
    let rows = decision.rows.iter();
    let held = rows.filter(|other| other.tier > row.tier && other.rails.contains(&Rail::Floor));
    let names: Vec<&str> = held.map(|other| other.name.as_str()).collect();
    (!names.is_empty()).then(|| format!("{} has its min_share", names.join(" and ")))
}

/// What it does with a share, or would do with one that is only shown.
fn verb(row: &Row) -> &'static str {
    if row.is_only_shown() {
        "would take"
    } else {
        "takes"
    }
}

fn takes(row: &Row) -> String {
    let configured = percent(row.filed().fraction());
    if row.is_only_shown() {
        // What it takes now stands at the end.
        return if near(row.granted, row.filed()) {
            format!("would keep its configured {configured}")
        } else {
            format!("would take {}", percent(row.granted.fraction()))
        };
    }
    if near(row.granted, row.filed()) {
        format!("takes its configured {configured}")
    } else {
        let granted = percent(row.granted.fraction());
        format!("takes {granted} instead of its configured {configured}")
    }
}

fn near(a: Share, b: Share) -> bool {
    a.ppm().abs_diff(b.ppm()) <= SAME_PPM.min(a.ppm().max(b.ppm()) / 50)
}

/// Why its share is not the configured one; `None` if it is, or if nothing measured says why.
fn reasons(decision: &Decision, row: &Row) -> Option<String> {
    // Who is left out has less because of that, and its rail says so.
    if near(row.proposed, row.configured) || row.configured == Share::ZERO || row.is_away() {
        return None;
    }
    if row.proposed > row.configured {
        // Where a rail holds it below, the rail is the reason.
        let has_more = row.granted > row.configured;
        return has_more.then(|| gains(decision, row));
    }
    let missed = missed(row);
    if !missed.is_empty() {
        return Some(missed.join(", and "));
    }
    let best = best(decision, row.tier)?;
    let worse = worse(row, best);
    let whole = worse.loss();
    let cost = (worse.cost, cost(row, best));
    let mut named = if row.was_never_measured() {
        // What is supposed of its errors and times is that of others.
        vec![cost]
    } else {
        vec![
            (worse.error, faults(row)),
            (worse.latency, slowness(row, best)),
            cost,
            (worse.quality, rating(row, best)),
        ]
    };
    named.sort_by(|a, b| b.0.total_cmp(&a.0));
    let told = named
        .into_iter()
        .filter(|(difference, _)| whole > 0.0 && *difference > WORTH_NAMING * whole);
    let told: Vec<String> = told.map(|(_, words)| words).collect();
    (!told.is_empty()).then(|| told.join(", and "))
}

/// The target that the others of a tier are compared with: the best by the objective of those that meet the levels, if any
/// do.
fn best(decision: &Decision, tier: u8) -> Option<&Row> {
    let takes_part = |row: &&Row| {
        let works = is_serving(row) && !row.is_away();
        row.tier == tier && row.configured > Share::ZERO && works
    };
    let least = |a: &&Row, b: &&Row| a.terms.loss().total_cmp(&b.terms.loss());
    let rows = || decision.rows.iter().filter(takes_part);
    let meeting = rows().filter(|row| misses(row).next().is_none());
    meeting.min_by(least).or_else(|| rows().min_by(least))
}

fn worse(row: &Row, than: &Row) -> Terms {
    Terms {
        latency: row.terms.latency - than.terms.latency,
        cost: row.terms.cost - than.terms.cost,
        error: row.terms.error - than.terms.error,
        quality: row.terms.quality - than.terms.quality,
    }
}

const fn is_serving(row: &Row) -> bool {
    matches!(row.health, Health::Serving | Health::Returning { .. })
}

fn faults(row: &Row) -> String {
    format!("{} of its requests fail", percent(row.evidence.faults))
}

fn slowness(row: &Row, best: &Row) -> String {
    let (own, other) = (row.evidence.slowness, best.evidence.slowness);
    let whole = if own < 1.0 && other > 0.0 {
        // Quicker than the mean is no reason to have less: the best is quicker still.
        let times = number(own / other);
        format!(
            "its answers take {times}× as long as those of {}",
            best.name
        )
    } else {
        format!("its answers take {}× the route's mean", number(own))
    };
    match (row.evidence.first_token, row.evidence.per_token) {
        (Some(first), Some(each)) => format!(
            "{whole} (first token {}, then {} a token)",
            seconds(first),
            seconds(each)
        ),
        (Some(first), None) => format!("{whole} (first token {})", seconds(first)),
        (None, _) => whole,
    }
}

fn cost(row: &Row, best: &Row) -> String {
    match (row.evidence.cost, best.evidence.cost) {
        (Some(own), Some(other)) => format!(
            "costs {} per thousand answers more than {}",
            amount(1e3 * (own - other)),
            best.name
        ),
        (Some(own), None) => format!("a typical answer costs {}", dollars(own)),
        (None, _) => "its price is not known".into(),
    }
}

/// What a rail did; `None` where the standing has said it.
fn met(rail: Rail, row: &Row, decision: &Decision) -> Option<String> {
    let granted = percent(row.granted.fraction());
    Some(match rail {
        Rail::Ejected | Rail::Ramp => return None,
        Rail::ColdStart => format!(
            "too few answers to judge it well ({} of {})",
            row.samples,
            Row::ENOUGH_SAMPLES
        ),
        Rail::Floor => format!("held up at {granted} by its min_share"),
        Rail::Exploration => {
            format!("kept at {granted} so that a change for the better is seen")
        }
        Rail::Ceiling => format!("held at {granted} by its max_share"),
        Rail::RateCap => format!("held at {granted}: it refused what was more"),
        Rail::Announced => format!("held at {granted}: its provider says that little is left"),
        Rail::InFlightLimit => format!("held at {granted}: with more its answers queue"),
        Rail::Step => format!(
            "on its way to {}, a step at a time",
            percent(row.proposed.fraction())
        ),
        Rail::Kept => {
            format!("stays at {granted}: moving would cost more prompt cache than it gains")
        }
        // What is held back is a point at most: only where nothing else explains a difference is it worth a word.
        Rail::DeadBand if row.rails.len() > 1 || near(row.granted, row.proposed) => return None,
        Rail::DeadBand => format!(
            "stays at {granted}: {} would be too small a change",
            percent(row.proposed.fraction())
        ),
        Rail::Blocked => format!(
            "asked to be left alone for {}",
            wait(row.blocked_until, decision.at)
        ),
        Rail::Drained => match &row.overruled {
            Some(order) => format!("drained {}", ordered(order, decision)),
            None => "drained: its configured weight is 0".into(),
        },
        Rail::Pinned | Rail::Frozen => {
            let word = if rail == Rail::Pinned {
                "pinned"
            } else {
                "frozen"
            };
            let order = row.overruled.as_ref();
            match order.map(|order| ordered(order, decision)) {
                Some(order) => format!("{word} at {granted} {order}"),
                None => format!("{word} at {granted}"),
            }
        }
        Rail::Spills => "what is more goes to the next tier".into(),
        Rail::Displaced if near(row.granted, row.proposed) => return None,
        Rail::Displaced if row.granted > row.proposed => {
            "more than its own, since others are held below theirs".into()
        }
        Rail::Displaced => "less than its own, since others are held above theirs".into(),
        Rail::ModelSplit => "the split between models stays as configured".into(),
        Rail::Shadow if !row.is_only_shown() || row.configured == Share::ZERO => return None,
        Rail::Shadow => format!("{} (shadow)", in_force(row)),
        Rail::Off => "nothing decides (mode = \"off\")".into(),
        Rail::MinQuality | Rail::MinQualityLifted => floored(rail, row, decision),
        Rail::HeldOutage => {
            "every target is ejected: requests still go out, so that a recovery is seen".into()
        }
    })
}

fn wait(until: Time, now: Time) -> String {
    seconds(until.secs_since(now))
}

#[cfg(test)]
#[path = "explain_tests.rs"]
pub(super) mod tests;
