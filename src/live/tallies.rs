//! What the controller has decided since the start, counted: how often shares moved, and which rails held whom.
//!
//! A gauge of the last decision would show a scraper one tick of sixty; from counters it can tell for which part of the
//! time a share was at a rail.

use std::collections::BTreeMap;

use crate::balance::{Decision, Rail};
use crate::model::{RouteName, TargetName};

/// Counts of decisions by route. Bounded by the configuration: routes and targets that a decision no longer names are
/// forgotten.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tallies {
    routes: BTreeMap<RouteName, Decided>,
}

/// Decisions about one route.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decided {
    /// Those that moved shares.
    pub moved: u64,
    /// Those that left them.
    pub held: u64,
    /// For each target, in how many of them a rail bound it.
    pub rails: BTreeMap<TargetName, BTreeMap<Rail, u64>>,
}

impl Tallies {
    /// Counts what one tick decided about all routes.
    pub(super) fn count<'a>(&mut self, decisions: impl Iterator<Item = &'a Decision> + Clone) {
        let is_there = |name: &RouteName| decisions.clone().any(|it| it.route == *name);
        self.routes.retain(|name, _| is_there(name));
        for decision in decisions {
            let known = self.routes.entry(decision.route.clone());
            known.or_default().count(decision);
        }
    }

    /// Routes by name, with what was decided about them.
    pub fn routes(&self) -> impl Iterator<Item = (&RouteName, &Decided)> {
        self.routes.iter()
    }
}

impl Decided {
    fn count(&mut self, decision: &Decision) {
        if decision.moved {
            self.moved += 1;
        } else {
            self.held += 1;
        }
        let rows = &decision.rows;
        self.rails
            .retain(|name, _| rows.iter().any(|row| row.name == *name));
        for row in rows {
            let rails = self.rails.entry(row.name.clone()).or_default();
            for rail in &row.rails {
                *rails.entry(*rail).or_default() += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A decision about `route`, with targets and the rails that bind them.
    fn decision(route: &str, moved: bool, targets: &[(&str, &[Rail])]) -> Decision {
        let share = 1_000_000 / targets.len();
        let row = |(name, rails): &(&str, &[Rail])| {
            serde_json::json!({
                "name": name, "use": format!("p/{name}"), "configured": share, "proposed": share,
                "granted": share, "samples": 0, "confidence": 0.0, "health": "serving",
                "blocked_until": 0, "terms": {"latency": 1.0, "cost": 0.0, "error": 0.0},
                "evidence": crate::balance::Evidence::default(), "rails": rails,
            })
        };
        let rows: Vec<serde_json::Value> = targets.iter().map(row).collect();
        let shares: Vec<usize> = targets.iter().map(|_| share).collect();
        serde_json::from_value(serde_json::json!({
            "route": route, "at": 0, "strategy": "adaptive", "demand": 0.0, "table": shares,
            "moved": moved, "rows": rows,
        }))
        .unwrap()
    }

    #[test]
    fn decisions_are_counted_by_whether_they_moved_and_by_rail() {
        let mut tallies = Tallies::default();
        let step: &[Rail] = &[Rail::Step, Rail::ColdStart];
        let ticks = [
            decision("chat", true, &[("a", step), ("b", &[])]),
            decision("chat", false, &[("a", &[Rail::ColdStart]), ("b", &[])]),
        ];
        for tick in &ticks {
            tallies.count(std::iter::once(tick));
        }
        let (name, chat) = tallies.routes().next().unwrap();
        assert_eq!((name.as_str(), chat.moved, chat.held), ("chat", 1, 1));
        let of_a = &chat.rails[&TargetName::new("a").unwrap()];
        assert_eq!((of_a[&Rail::Step], of_a[&Rail::ColdStart]), (1, 2));
        assert!(
            chat.rails[&TargetName::new("b").unwrap()].is_empty(),
            "nothing binds the other"
        );
    }

    #[test]
    fn what_is_configured_no_more_is_forgotten() {
        let mut tallies = Tallies::default();
        let before = [
            decision("chat", true, &[("a", &[]), ("b", &[])]),
            decision("gone", true, &[("a", &[])]),
        ];
        tallies.count(before.iter());
        let after = [decision("chat", true, &[("a", &[]), ("c", &[])])];
        tallies.count(after.iter());
        let routes: Vec<&str> = tallies.routes().map(|(name, _)| name.as_str()).collect();
        assert_eq!(routes, ["chat"]);
        let (_, chat) = tallies.routes().next().unwrap();
        let targets: Vec<&str> = chat.rails.keys().map(TargetName::as_str).collect();
        assert_eq!((targets, chat.moved), (vec!["a", "c"], 2));
    }
}
