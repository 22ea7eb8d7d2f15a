//! Budgets of which a part is spent. Pure.

use std::time::Duration;

use super::register::Condition;
use crate::config::AlertKind;
use crate::limit::{AtLimit, Spending, Threshold};
use crate::live::{Allowance, Budgets};
use crate::model::{Time, minute_of};

/// A condition for each threshold of each window that has been reached, so that each is told once in its window.
pub(super) fn conditions(budgets: &Budgets, now: Time) -> Vec<Condition> {
    let mut conditions = Vec::new();
    for allowance in budgets.all() {
        for standing in allowance.standings(now) {
            let reached = allowance.budget.alert_at().iter();
            let reached =
                reached.filter(|threshold| threshold.is_reached(standing.spent, standing.limit));
            conditions.extend(reached.map(|threshold| condition(allowance, &standing, *threshold)));
        }
    }
    conditions
}

fn condition(allowance: &Allowance, standing: &Spending, threshold: Threshold) -> Condition {
    let (window, scope) = (standing.window.label(), &allowance.scope);
    let percent = threshold.percent();
    let message = format!(
        "{percent} % of this {window}'s budget of {scope} are spent: {} of {}; {}; it begins anew at {}",
        standing.spent,
        standing.limit,
        consequence(allowance.budget.at_limit(), standing.is_spent()),
        minute_of(standing.ends)
    );
    Condition {
        kind: AlertKind::Budget,
        about: format!(
            "{}/{}/{window}/{}/{percent}",
            scope.kind(),
            scope.subject(),
            standing.began.as_micros() / 1_000_000
        ),
        subject: format!("{} {}, {window}", scope.kind(), scope.subject()),
        message,
        raise_after: Duration::ZERO,
        over_after: Duration::ZERO,
    }
}

const fn consequence(at_limit: AtLimit, is_spent: bool) -> &'static str {
    match (at_limit, is_spent) {
        (AtLimit::Alert, false) => "nothing happens at the limit",
        (AtLimit::Alert, true) => "nothing is held back",
        (AtLimit::Avoid, false) => "at the limit requests go elsewhere",
        (AtLimit::Avoid, true) => "requests go elsewhere",
        (AtLimit::Refuse, false) => "at the limit requests are refused",
        (AtLimit::Refuse, true) => "requests are refused",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limit::{Budget, Window};
    use crate::live::Scope;
    use crate::model::{PicoUsd, ProviderName};

    #[test]
    fn each_threshold_is_a_condition_of_its_window() {
        let usd = |dollars: u128| PicoUsd::new(dollars * 1_000_000_000_000);
        let thresholds = Budget::ALERT_AT.into_iter().filter_map(Threshold::new);
        let limits = [None, Some(usd(10)), None];
        let budget = Budget::new(limits, thresholds.collect(), AtLimit::Avoid).unwrap();
        let scope = Scope::Provider(ProviderName::new("openai").unwrap());
        let allowance = Allowance::new(scope, budget);
        let now = Time::from_secs_f64(1_796_081_400.0);
        allowance.spend(now, usd(8));
        let standing = allowance.standings(now)[0];
        assert_eq!(standing.window, Window::Day);
        let reached = allowance.budget.alert_at().iter();
        let reached = reached.filter(|it| it.is_reached(standing.spent, standing.limit));
        let all: Vec<Condition> = reached
            .map(|it| condition(&allowance, &standing, *it))
            .collect();
        let abouts: Vec<&str> = all.iter().map(|it| it.about.as_str()).collect();
        assert_eq!(
            abouts,
            [
                "provider/openai/day/1795996800/50",
                "provider/openai/day/1795996800/80"
            ]
        );
        assert_eq!(
            all[1].message,
            "80 % of this day's budget of provider \"openai\" are spent: $8.000000 of $10.000000; \
             at the limit requests go elsewhere; it begins anew at 2026-12-01 00:00 UTC"
        );
    }
}
