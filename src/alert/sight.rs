//! What holds now that should not: pure looks at what is in force, what the controller shows and what ended lately.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::budgets;
use super::lately::{Lately, Minute, Said};
use super::register::Condition;
use crate::balance::gate::Cause;
use crate::balance::{Decision, Rail, Row};
use crate::config::{self, AlertKind, Sticky};
use crate::live::{Board, Membership, Route, Snapshot, Twin};
use crate::model::{Time, wilson};
use crate::store;

/// Requests of a minute below which a part of errors says nothing: at twenty, a tenth is two.
const ENOUGH_FOR_ERRORS: u64 = 20;
/// Requests of a minute below which shares say nothing, as for the sentences of the dashboard.
const ENOUGH_FOR_SHARES: u64 = 100;
/// Deviations of a normal distribution that hold 99.9 %: a look each second is many looks, and with those of the dashboard's
/// intervals (95 %) one in twenty would be chance.
const DEVIATIONS: f64 = 3.29;
/// A share that is off must be so for this long: it takes a minute for the shares of before a move to leave the minute that
/// is looked at.
const SHARE_OFF_FOR: Duration = Duration::from_secs(60);
/// The controller decides four times a second; without a decision for this long the configured shares come in force.
const STALE: Duration = Duration::from_secs(10);
/// The other replicas must be out of reach for this long: a restart of what they meet at is over by then.
const APART_FOR: Duration = Duration::from_secs(10);
/// How long an error rate, an ejection or a rail must be away to be over.
const OVER_AFTER: Duration = Duration::from_secs(15);

/// Ejections of an upstream by cause as last seen, and the cause of the last.
#[derive(Debug, Default)]
pub(super) struct Causes(BTreeMap<String, ([u64; Cause::ALL.len()], Option<Cause>)>);

/// What is looked at.
pub(super) struct Sight<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) board: &'a Board,
    pub(super) lately: &'a Lately,
    pub(super) store: Option<&'a store::BooksCondition>,
    pub(super) now: Time,
}

impl Sight<'_> {
    /// All conditions that hold. `is_raised` tells which of them hold on: an error rate is over at half of what raises it.
    pub(super) fn conditions(
        &self,
        causes: &mut Causes,
        is_raised: &dyn Fn(AlertKind, &str) -> bool,
    ) -> Vec<Condition> {
        let alerts = &self.snapshot.config.alerts;
        let mut all = budgets::conditions(&self.snapshot.budgets, self.now);
        for route in &self.snapshot.routes {
            let minute = self.lately.minute(&route.label);
            all.extend(errors(route, &minute, alerts, is_raised));
            all.extend(shares_off(route, &minute, alerts));
            let decision = self.board.decision(&route.label);
            all.extend(decision.iter().flat_map(|it| at_rails(it, alerts)));
        }
        all.extend(self.ejected(causes, alerts));
        for (provider, said) in self.lately.providers() {
            all.extend(refusals(provider, *said, self.now));
        }
        all.extend(self.controller());
        all.extend(self.replicas());
        all.extend(self.store.into_iter().flat_map(books));
        all.extend(self.snapshot.clients.missing().map(keys_missing));
        all.retain(|condition| alerts.kinds.contains(&condition.kind));
        all
    }

    /// Upstreams of routes that are out.
    fn ejected(&self, causes: &mut Causes, alerts: &config::Alerts) -> Vec<Condition> {
        let mut all = Vec::new();
        for (name, member) in self.snapshot.upstreams.iter() {
            let (counts, last) = causes.0.entry(name.clone()).or_default();
            for (cause, times) in member.upstream.ejections() {
                if times > counts[cause.index()] {
                    counts[cause.index()] = times;
                    *last = Some(cause);
                }
            }
            if member.upstream.gate().serving {
                continue;
            }
            let why = last.map_or_else(String::new, |cause| format!(" because {cause}"));
            let message = if self.is_guarded(name) {
                format!(
                    "{name} takes no traffic while others can{why}; probes will say when it is back"
                )
            } else {
                format!(
                    "{name} is to take no traffic{why}, and takes its configured share all the same: decisions are not \
                     obeyed there (`mode`, or the kill switch)"
                )
            };
            all.push(Condition {
                raise_after: alerts.ejected_for,
                over_after: OVER_AFTER,
                ..condition(AlertKind::Ejected, name, message)
            });
        }
        let known = |name: &String| self.snapshot.upstreams.contains_key(name);
        causes.0.retain(|name, _| known(name));
        all
    }

    /// Whether requests are kept from an upstream that is out, by any route that has it as a target; as lists and fallbacks
    /// are, where none has.
    fn is_guarded(&self, upstream: &str) -> bool {
        let has = |route: &&Arc<Route>| {
            let mut members = route.members.iter();
            members.any(|member| member.upstream.name().as_str() == upstream)
        };
        let mut routes = self.snapshot.routes.iter().filter(has).peekable();
        if routes.peek().is_none() {
            return self.snapshot.guards();
        }
        routes.any(|route| route.row().guarded)
    }

    /// The other replicas.
    fn replicas(&self) -> Vec<Condition> {
        let Some(post) = self.board.post() else {
            return Vec::new();
        };
        let twin = post.twin().map(|twin| Condition {
            raise_after: Twin::TOLD_AFTER,
            ..condition(
                AlertKind::Cluster,
                &format!("the name {}", post.replica()),
                twin.told(post.replica()),
            )
        });
        let membership = post.membership();
        let apart = match &*membership {
            Membership::Joined { .. } => None,
            Membership::Degraded { why, .. } => Some(apart(why)),
        };
        twin.into_iter().chain(apart).collect()
    }

    /// The files and the controller.
    fn controller(&self) -> Vec<Condition> {
        let mut all = Vec::new();
        if let Some(refusal) = self.board.refusal() {
            let first = refusal.problems.first().map(ToString::to_string);
            let message = format!(
                "the files were refused ({} wrong), the last good configuration goes on; the first: {}",
                refusal.problems.len(),
                first.unwrap_or_default()
            );
            all.push(condition(AlertKind::ConfigRefused, "the files", message));
        }
        let age = self.now.since(self.board.decided_at());
        if age >= STALE {
            let message = format!(
                "nothing has been decided for {} s; the last or the configured shares are in force, and the log says why",
                age.as_secs()
            );
            let stale = condition(AlertKind::ControllerStale, "the controller", message);
            all.push(stale);
        }
        all
    }
}

/// The others are out of reach.
fn apart(why: &str) -> Condition {
    let message = format!(
        "the other replicas are out of reach ({why}): this one decides on its own evidence and spends what it was granted \
         last; GET /api/v1/fleet has more"
    );
    Condition {
        raise_after: APART_FOR,
        ..condition(AlertKind::Cluster, "the other replicas", message)
    }
}

/// A condition that is told at once and over at once.
fn condition(kind: AlertKind, subject: &str, message: String) -> Condition {
    Condition {
        kind,
        about: subject.to_owned(),
        subject: subject.to_owned(),
        message,
        raise_after: Duration::ZERO,
        over_after: Duration::ZERO,
    }
}

/// Whether too many requests of a route fail.
fn errors(
    route: &Route,
    minute: &Minute,
    alerts: &config::Alerts,
    is_raised: &dyn Fn(AlertKind, &str) -> bool,
) -> Option<Condition> {
    let holds_on = is_raised(AlertKind::ErrorRate, &route.label);
    let most = f64::from(alerts.error_rate_ppm) / 1e6;
    let least = if holds_on { most / 2.0 } else { most };
    let enough = minute.requests >= ENOUGH_FOR_ERRORS || (holds_on && minute.requests > 0);
    let part = minute.failed as f64 / minute.requests.max(1) as f64;
    if !enough || part < least {
        return None;
    }
    let message = format!(
        "{} of {} requests of the last minute failed ({:.1} %, told from {:.1} %); GET /api/v1/requests?route={}&failed=true \
         has the latest",
        minute.failed,
        minute.requests,
        part * 100.0,
        most * 100.0,
        route.label
    );
    Some(Condition {
        over_after: OVER_AFTER,
        ..condition(AlertKind::ErrorRate, &route.label, message)
    })
}

/// Targets whose part of a route's requests is off by more than chance, and by enough to matter.
fn shares_off(route: &Route, minute: &Minute, alerts: &config::Alerts) -> Vec<Condition> {
    let drawn = route.config.sticky == Sticky::Off;
    if !drawn || minute.sent < ENOUGH_FOR_SHARES || route.granted.len() < 2 {
        return Vec::new();
    }
    let off = |(name, (got, granted)): (&Arc<str>, &(u64, f64))| {
        let all = minute.sent as f64;
        let (part, share) = (*got as f64 / all, granted / all);
        let [low, high] = wilson(*got, minute.sent, DEVIATIONS)?;
        let matters = (part - share).abs() >= f64::from(alerts.share_off_ppm) / 1e6;
        if !matters || (low..=high).contains(&share) {
            return None;
        }
        let message = format!(
            "it got {:.1} % of {} requests of the last minute, and {:.1} % were granted; failures, limits, budgets, or \
             requests that only some targets can serve move them",
            part * 100.0,
            minute.sent,
            share * 100.0
        );
        Some(Condition {
            raise_after: SHARE_OFF_FOR,
            over_after: OVER_AFTER,
            ..condition(
                AlertKind::ShareOff,
                &format!("{}/{name}", route.label),
                message,
            )
        })
    };
    minute.targets.iter().filter_map(off).collect()
}

/// Shares that a bound holds which somebody wrote down, or that refusals and queues taught.
fn at_rails(decision: &Decision, alerts: &config::Alerts) -> Vec<Condition> {
    let held = |rail: &&Rail| match rail {
        Rail::Floor
        | Rail::Ceiling
        | Rail::RateCap
        | Rail::Announced
        | Rail::InFlightLimit
        | Rail::MinQuality
        | Rail::MinQualityLifted => true,
        Rail::ColdStart
        | Rail::Exploration
        | Rail::Step
        | Rail::Kept
        | Rail::DeadBand
        | Rail::Ejected
        | Rail::Ramp
        | Rail::Blocked
        | Rail::Drained
        | Rail::Spills
        | Rail::Displaced
        | Rail::Pinned
        | Rail::Frozen
        | Rail::ModelSplit
        | Rail::HeldOutage
        | Rail::Shadow
        | Rail::Off => false,
    };
    let of_row = |row: &Row| -> Vec<Condition> {
        let rails = row.rails.iter().filter(held);
        rails
            .map(|rail| at_rail(decision, row, *rail, alerts))
            .collect()
    };
    decision.rows.iter().flat_map(of_row).collect()
}

fn at_rail(decision: &Decision, row: &Row, rail: Rail, alerts: &config::Alerts) -> Condition {
    let subject = format!("{}/{}", decision.route, row.name);
    let message = format!(
        "its share has been held by {} for {} s; `weighbridge explain {}` says by what",
        rail.label(),
        alerts.rail_for.as_secs(),
        decision.route
    );
    Condition {
        about: format!("{subject}/{}", rail.label()),
        raise_after: alerts.rail_for,
        over_after: OVER_AFTER,
        ..condition(AlertKind::AtRail, &subject, message)
    }
}

/// A provider that refused our credential or has no quota left, until it answers.
fn refusals(provider: &str, said: Said, now: Time) -> Vec<Condition> {
    let rejected = said.stands(said.rejected, now).then(|| {
        let message = "it refuses our credential; other credentials and targets are used, and probes will say when it is \
             taken again"
            .to_owned();
        condition(AlertKind::KeyRejected, provider, message)
    });
    let exhausted = said.stands(said.exhausted, now).then(|| {
        let message = "it says that a quota or a balance is used up; other credentials and targets are used, and probes \
             will say when it is back"
            .to_owned();
        condition(AlertKind::QuotaExhausted, provider, message)
    });
    rejected.into_iter().chain(exhausted).collect()
}

/// The books.
fn books(store: &store::BooksCondition) -> Vec<Condition> {
    let failing = store.failing.as_ref().map(|why| {
        let message =
            format!("they cannot be written ({why}); traffic goes on, and what was used waits");
        condition(AlertKind::StoreFailing, "the books", message)
    });
    let refused = store
        .refused
        .as_ref()
        .map(|what| condition(AlertKind::StoreFailing, "the books' file", what.clone()));
    failing.into_iter().chain(refused).collect()
}

/// Keys that the books should have.
fn keys_missing(why: &str) -> Condition {
    let message = format!(
        "client keys that were made here may be refused, and keys of the files that were revoked here may be accepted: {why}"
    );
    condition(AlertKind::StoreFailing, "client keys", message)
}

#[cfg(test)]
#[path = "sight_tests.rs"]
mod tests;
