//! What a route is after, in words: for `check`, for what a reload changed, and for the head of an explanation.

use std::fmt;

use super::goal::{Goal, Level, Measure, Statistic};
use super::plan::Objective;
use super::words::{amount, percent, seconds};

/// What a route with this goal and objective is after, as what follows "shares".
///
/// # Examples
/// `keep the first token's p95 within 1.5 s and the error rate within 0.5 %, then follow cost (preset cost)`
pub fn aims(goal: &Goal, objective: &Objective) -> String {
    let after = follow(objective);
    if goal.levels.is_empty() {
        return after;
    }
    format!("keep the {goal}, then {after}")
}

fn follow(objective: &Objective) -> String {
    let latency = match objective.statistic {
        Statistic::Mean => String::new(),
        other => format!(", latency by its {}", other.label()),
    };
    if let Some(worth) = objective.second_is_worth {
        let money = format!(
            "follow money, a second being worth {}{latency}, and errors",
            amount(worth)
        );
        return and_quality(money, objective);
    }
    let mean = Objective {
        statistic: Statistic::Mean,
        ..*objective
    };
    let preset = Objective::PRESETS.iter().find(|(_, it)| *it == mean);
    match preset {
        Some(("latency", _)) => format!("follow latency and errors{latency}"),
        Some(("cost", _)) => format!("follow mainly cost, and latency and errors{latency}"),
        Some(("quality", _)) => {
            format!("follow mainly quality, and latency, cost and errors{latency}")
        }
        Some(_) => format!("follow latency, cost and errors{latency}"),
        None => {
            let words = format!(
                "follow latency × {}, cost × {} and errors × {}{latency}",
                objective.latency, objective.cost, objective.errors
            );
            and_quality(words, objective)
        }
    }
}

/// Adds the weight of scores, if they have one.
fn and_quality(words: String, objective: &Objective) -> String {
    match objective.quality {
        weight if weight > 0.0 => format!("{words}, and quality × {weight}"),
        _ => words,
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, level) in self.levels.iter().enumerate() {
            let before = match i {
                0 => "",
                _ if i + 1 == self.levels.len() => " and the ",
                _ => ", the ",
            };
            write!(f, "{before}{level}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Level {
    /// `first token's p95 within 1.5 s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} within {}",
            self.measure,
            self.measure.words(self.at_most)
        )
    }
}

impl Measure {
    /// A value of it, with its unit.
    pub(super) fn words(self, value: f64) -> String {
        match self {
            Self::Errors => percent(value),
            Self::Time(..) => seconds(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::goal::Timing;
    use super::*;

    #[track_caller]
    fn check(goal: &Goal, objective: Objective, expected: &str) {
        assert_eq!(aims(goal, &objective), expected);
    }

    fn preset(name: &str) -> Objective {
        let mut presets = Objective::PRESETS.iter();
        presets.find(|(it, _)| *it == name).unwrap().1
    }

    #[test]
    fn one_line_says_what_comes_first_and_what_comes_then() {
        let p95 = Level {
            measure: Measure::Time(Timing::FirstToken, Statistic::P95),
            at_most: 1.5,
        };
        let errors = Level {
            measure: Measure::Errors,
            at_most: 0.005,
        };
        let per_token = Level {
            measure: Measure::Time(Timing::PerToken, Statistic::Mean),
            at_most: 0.02,
        };
        check(
            &Goal {
                levels: vec![p95, errors],
            },
            preset("cost"),
            "keep the first token's p95 within 1.5 s and the error rate within 0.5 %, \
             then follow mainly cost, and latency and errors",
        );
        check(
            &Goal {
                levels: vec![p95, per_token, errors],
            },
            preset("balanced"),
            "keep the first token's p95 within 1.5 s, the mean time per token within 20 ms \
             and the error rate within 0.5 %, then follow latency, cost and errors",
        );
    }

    #[test]
    fn an_objective_alone_is_said_by_what_it_follows() {
        let own = Objective {
            latency: 2.0,
            ..Objective::default()
        };
        let money = Objective {
            second_is_worth: Some(0.002),
            ..Objective::default()
        };
        let slowest = Objective {
            statistic: Statistic::P95,
            ..preset("latency")
        };
        for (objective, expected) in [
            (preset("latency"), "follow latency and errors"),
            (own, "follow latency × 2, cost × 0.5 and errors × 5"),
            (
                money,
                "follow money, a second being worth $0.002, and errors",
            ),
            (slowest, "follow latency and errors, latency by its p95"),
        ] {
            check(&Goal::default(), objective, expected);
        }
    }
}
