//! What applications say of answers, in words.

use super::super::Share;
use super::super::decision::{Decision, Rail, Row};
use super::super::words::{number, percent};
use super::reasons;

/// What applications say of it, on a route whose objective asks for that.
pub(super) fn scored(decision: &Decision, row: &Row) -> Option<String> {
    if decision.objective.quality <= 0.0 || row.is_away() {
        return None;
    }
    // Where it is a reason, the reason has said it.
    let is_told = reasons(decision, row).is_some_and(|why| why.contains("are rated"));
    (!is_told).then(|| rated(row).unwrap_or_else(|| "no scores of its answers yet".into()))
}

/// What applications said of it, beside the best.
pub(super) fn rating(row: &Row, best: &Row) -> String {
    let Some(own) = rated(row) else {
        return "its answers are rated lower".into();
    };
    match best.evidence.quality {
        Some(other) => format!("{own}, those of {} {:.2}", best.name, other.mean),
        None => own,
    }
}

/// `its answers are rated 0.62 (± 0.04, by 57 scores)`.
fn rated(row: &Row) -> Option<String> {
    let quality = row.evidence.quality?;
    Some(format!(
        "its answers are rated {:.2} (± {:.2}, by {} scores)",
        quality.mean,
        quality.deviation,
        number(quality.scores)
    ))
}

/// What the route's `min_quality` makes of it.
pub(super) fn floored(rail: Rail, row: &Row, decision: &Decision) -> String {
    let rated = rated(row).unwrap_or_else(|| "its answers are rated".into());
    let floor = decision.min_quality.unwrap_or_default();
    let below = format!("{rated}, below your min_quality of {floor}");
    match rail {
        Rail::MinQualityLifted => format!("{below}, but nobody else is left"),
        _ if row.granted == Share::ZERO => format!("left out: {below}"),
        _ => format!("tried with {}: {below}", percent(row.granted.fraction())),
    }
}

#[cfg(test)]
#[path = "scores_tests.rs"]
mod tests;
