//! The replicas that decide as one.

use std::collections::BTreeMap;

use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Admin;
use super::reply::{self, Reply};
use super::report::{ClusterState, percent};
use crate::fleet::{Heard, LIVE, Report};
use crate::live::{Membership, Post};
use crate::model::{Time, minute_of};

/// The replicas that decide as one, as one of them sees them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FleetReport {
    /// `alone` (there is no `[cluster]`), `joined`, or `degraded`: out of reach of the others, which it goes on without.
    pub state: String,
    /// Since when, in seconds since 1970; `None` of one that is alone.
    pub since: Option<f64>,
    /// Why it is out of reach.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What tells the keys of this installation from another's in the same engine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Another process that calls itself as this replica does; left out where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_name: Option<SameName>,
    /// Exchanges since the start that went well.
    pub exchanges: u64,
    /// Exchanges since the start that failed.
    pub exchange_failures: u64,
    /// This replica first, then the others that were heard of in the last ten minutes, by name; nobody where it is alone.
    pub replicas: Vec<ReplicaReport>,
}

/// Another process that calls itself as this replica does, and does not drain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SameName {
    /// When its process began, in seconds since 1970, by its clock.
    pub started_at: f64,
    /// Since when it has been heard, in seconds since 1970.
    pub since: f64,
    /// What is wrong and what to do, in words.
    pub message: String,
}

/// One replica.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is the answer to a question of its own"
)]
pub struct ReplicaReport {
    /// Its name.
    pub name: String,
    /// Whether it is the one that answers.
    pub is_self: bool,
    /// Whether it was heard of in the last five seconds and has not left. One that is not counts no more.
    pub live: bool,
    /// Why it counts no more; left out where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gone: Option<Gone>,
    /// Its version.
    pub version: String,
    /// When its process began, in seconds since 1970.
    pub started_at: f64,
    /// Seconds since its newest report was heard here; 0 of the one that answers.
    pub last_seen_seconds_ago: f64,
    /// How old what is known of it is, in seconds: from when it was measured there.
    pub lag_seconds: f64,
    /// Whether its files make the same routes as those of the one that answers. Operators' orders are no part of that.
    pub same_configuration: bool,
    /// Whether the same operators' orders hold there.
    #[serde(default = "yes")]
    pub same_orders: bool,
    /// Requests in flight there, to all targets.
    pub in_flight: u32,
    /// Ends of its calls since this replica heard of it that counted as evidence here.
    pub evidence: u64,
    /// The part of its calls that was believed, 0 to 1; what the others contradict counts for itself alone. `None` where
    /// there were none.
    pub believed: Option<f64>,
    /// Targets that it has ejected, `provider/model`.
    pub ejected: Vec<String>,
    /// The shares in force there by route and target, as fractions.
    pub shares: BTreeMap<String, BTreeMap<String, f64>>,
}

/// Of whoever does not say.
const fn yes() -> bool {
    true
}

/// Why a replica counts no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Gone {
    /// It said that it leaves: its process has ended in an orderly way.
    Left,
    /// It was not heard of for five seconds.
    Silent,
}

/// `GET /api/v1/fleet`.
pub(super) fn fleet(admin: &Admin) -> Reply {
    reply::json(StatusCode::OK, &report(admin))
}

/// Whether this replica decides with the others, in short.
pub(super) fn state(admin: &Admin) -> Option<ClusterState> {
    let post = admin.board.post()?;
    let membership = post.membership();
    Some(ClusterState {
        state: membership.label().to_owned(),
        since: membership.since().as_secs_f64(),
        why: match &*membership {
            Membership::Joined { .. } => None,
            Membership::Degraded { why, .. } => Some(why.clone()),
        },
        replicas: post.size(admin.clock.now()),
        same_name: same_name(post),
    })
}

/// That this replica decides by itself, since when, why, and with which part of what; `None` where it does not.
pub(super) fn apart(admin: &Admin) -> Option<String> {
    let post = admin.board.post()?;
    match &*post.membership() {
        Membership::Joined { .. } => None,
        Membership::Degraded { since, why } => Some(told(*since, why, post.parts())),
    }
}

fn told(since: Time, why: &str, parts: Option<u32>) -> String {
    let part = match parts {
        None => "what they said in the last seconds still counts".to_owned(),
        Some(1) => "nobody else was there, so all the room that is known is its own".to_owned(),
        Some(parts) => format!(
            "of the room that the fleet was found to have it takes {}, as one of the {parts} that were there last",
            percent(1.0 / f64::from(parts))
        ),
    };
    format!(
        "this replica is out of reach of the others and decides by its own measurements since {}: {part}, and it spends what it \
         was granted last of budgets; why: {why}",
        minute_of(since)
    )
}

/// What is seen of the others.
pub(super) fn report(admin: &Admin) -> FleetReport {
    let Some(post) = admin.board.post() else {
        return FleetReport {
            state: "alone".to_owned(),
            since: None,
            why: None,
            namespace: None,
            same_name: None,
            exchanges: 0,
            exchange_failures: 0,
            replicas: Vec::new(),
        };
    };
    let membership = post.membership();
    let (exchanges, exchange_failures) = post.rounds();
    FleetReport {
        state: membership.label().to_owned(),
        since: Some(membership.since().as_secs_f64()),
        why: match &*membership {
            Membership::Joined { .. } => None,
            Membership::Degraded { why, .. } => Some(why.clone()),
        },
        namespace: Some(post.namespace().to_owned()),
        same_name: same_name(post),
        exchanges,
        exchange_failures,
        replicas: replicas(post, admin.clock.now()),
    }
}

fn same_name(post: &Post) -> Option<SameName> {
    let twin = post.twin()?;
    Some(SameName {
        started_at: twin.began.as_secs_f64(),
        since: twin.since.as_secs_f64(),
        message: twin.told(post.replica()),
    })
}

fn replicas(post: &Post, now: Time) -> Vec<ReplicaReport> {
    let (mine, theirs, beliefs) = (post.mine(), post.theirs(), post.beliefs());
    let works = mine.as_ref().map(|report| Works::of(report));
    let own = mine.iter().map(|report| ReplicaReport {
        is_self: true,
        live: true,
        last_seen_seconds_ago: 0.0,
        ..replica(report, now, works)
    });
    let others = theirs.replicas();
    let others = others.filter(|heard| heard.report.replica != *post.replica());
    let others = others.map(|heard| {
        let Heard { report, at } = heard;
        let away = now.secs_since(*at);
        let gone = if theirs.has_left(heard) {
            Some(Gone::Left)
        } else {
            (away >= LIVE).then_some(Gone::Silent)
        };
        let counted = beliefs.iter().find(|(name, _)| *name == report.replica);
        let counted = counted.map(|(_, counted)| *counted).unwrap_or_default();
        let all = counted.taken.saturating_add(counted.left_out);
        ReplicaReport {
            live: gone.is_none(),
            gone,
            last_seen_seconds_ago: away,
            evidence: counted.taken,
            believed: (all > 0).then(|| counted.taken as f64 / all as f64),
            ..replica(report, now, works)
        }
    });
    own.chain(others).collect()
}

/// A version as it may stand in a table on a terminal: what another process wrote may be anything.
fn printed(version: &str) -> String {
    let fits = version.chars().filter(char::is_ascii_graphic);
    fits.take(64).collect()
}

/// What a replica works by: digests of its files' routes and of the orders that hold there.
#[derive(Clone, Copy)]
struct Works {
    plan: u64,
    orders: u64,
}

impl Works {
    const fn of(report: &Report) -> Self {
        Self {
            plan: report.plan,
            orders: report.orders,
        }
    }
}

/// What a report says of its replica.
fn replica(report: &Report, now: Time, own: Option<Works>) -> ReplicaReport {
    let upstreams = report.upstreams.iter();
    let ejected = upstreams
        .clone()
        .filter(|(_, it)| it.condition.out.is_some());
    let in_flight = upstreams.fold(0_u32, |sum, (_, it)| {
        sum.saturating_add(it.condition.in_flight)
    });
    let shares = report.routes.iter().map(|(route, sums)| {
        let shares = sums.shares.iter();
        let shares = shares.map(|(target, ppm)| (target.to_string(), f64::from(*ppm) / 1e6));
        (route.to_string(), shares.collect())
    });
    ReplicaReport {
        name: report.replica.to_string(),
        is_self: false,
        live: false,
        gone: None,
        version: printed(&report.version),
        started_at: Time::from_micros(report.epoch).as_secs_f64(),
        last_seen_seconds_ago: 0.0,
        lag_seconds: now.secs_since(report.at),
        same_configuration: own.is_some_and(|own| own.plan == report.plan),
        same_orders: own.is_some_and(|own| own.orders == report.orders),
        in_flight,
        evidence: 0,
        believed: None,
        ejected: ejected.map(|(name, _)| name.to_string()).collect(),
        shares: shares.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_decides_alone_says_since_when_and_with_which_part_of_the_room() {
        let since = Time::from_secs_f64(1_796_081_400.0);
        let said = |parts| told(since, "it did not answer", parts);
        assert_eq!(
            said(Some(3)),
            "this replica is out of reach of the others and decides by its own measurements since 2026-11-30 23:30 UTC: of the \
             room that the fleet was found to have it takes 33.3 %, as one of the 3 that were there last, and it spends what it \
             was granted last of budgets; why: it did not answer"
        );
        assert!(said(Some(1)).contains(": nobody else was there, so all the room"));
        assert!(said(None).contains(": what they said in the last seconds still counts, and"));
    }

    #[test]
    fn a_version_that_somebody_made_up_does_nothing_to_a_terminal() {
        assert_eq!(printed("0.1.0"), "0.1.0");
        assert_eq!(printed("\u{1b}[2J1\r\n2 \u{202e}3"), "[2J123");
        assert_eq!(printed(&"9".repeat(1_000)).len(), 64);
    }
}
