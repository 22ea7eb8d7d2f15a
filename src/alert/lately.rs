//! What ended in the last minute, by route and by provider, second by second. Pure.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::live::{RequestEnd, Route, Snapshot};
use crate::model::{Outcome, Time};

/// Seconds that are looked back.
const MINUTE: u64 = 60;
/// How long a refusal stands against a provider that answers elsewhere.
const STANDS: Duration = Duration::from_secs(60);
/// Longest time that a repeated one does: longer than a target that is out waits for its next probe.
const STANDS_MOST: Duration = Duration::from_secs(1_800);

/// One second of a route.
#[derive(Debug, Default)]
struct Second {
    at: u64,
    requests: u64,
    failed: u64,
    /// Requests that somebody was called for.
    sent: u64,
    /// First calls by target.
    got: BTreeMap<Arc<str>, u64>,
    /// First calls that the shares in force asked for, by target.
    granted: BTreeMap<Arc<str>, f64>,
}

impl Second {
    /// A request of `route` ended.
    fn saw(&mut self, end: &RequestEnd, route: &Route) {
        self.requests += 1;
        self.failed += u64::from(end.is_failed());
        let Some(first) = end.calls.first() else {
            return;
        };
        self.sent += 1;
        let Some(name) = &first.served.name else {
            return;
        };
        if let Some(got) = self.got.get_mut(name.as_str()) {
            *got += 1;
        } else if route.config.targets.iter().any(|it| it.name == *name) {
            self.got.insert(Arc::from(name.as_str()), 1);
        }
    }

    /// Adds what came since, and what the shares of `route` asked for.
    fn add(&mut self, news: &Self, route: &Route) {
        self.requests += news.requests;
        self.failed += news.failed;
        self.sent += news.sent;
        if news.sent == 0 {
            return;
        }
        let row = route.row();
        let shares = if row.guarded {
            row.granted
        } else {
            row.configured
        };
        for (target, share) in route.config.targets.iter().zip(shares.shares()) {
            let name: Arc<str> = Arc::from(target.name.as_str());
            let got = news.got.get(&*name).copied().unwrap_or_default();
            *self.got.entry(Arc::clone(&name)).or_default() += got;
            *self.granted.entry(name).or_default() += news.sent as f64 * share.fraction();
        }
    }
}

/// A route's last minute.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Minute {
    pub(super) requests: u64,
    /// Those that failed for no reason of their client's.
    pub(super) failed: u64,
    /// Those that somebody was called for.
    pub(super) sent: u64,
    /// By target: first calls, and how many the shares in force asked for.
    pub(super) targets: BTreeMap<Arc<str>, (u64, f64)>,
}

/// What a provider said last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    /// An answer came.
    good: Option<Time>,
    /// It refused our credential.
    pub(super) rejected: Option<Refusal>,
    /// A lasting quota was used up.
    pub(super) exhausted: Option<Refusal>,
}

/// A refusal, and for how long it stands although answers come: one of two keys, or one model of ten, may be refused again
/// and again at the pace of its probes, and is one matter all that time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    at: Time,
    stands: Duration,
}

impl Refusal {
    /// One more: it stands for twice the time since the one before, if that is of the same matter.
    fn after(before: Option<Self>, now: Time) -> Self {
        let gap = before.map(|before| now.since(before.at));
        let stands = match gap {
            Some(gap) if gap <= STANDS_MOST => (gap * 2).clamp(STANDS, STANDS_MOST),
            Some(_) | None => STANDS,
        };
        Self { at: now, stands }
    }
}

impl Said {
    /// Whether this refusal stands: nothing good came since, or too little time has gone by.
    pub(super) fn stands(self, refusal: Option<Refusal>, now: Time) -> bool {
        refusal.is_some_and(|refusal| {
            let is_fresh = now.since(refusal.at) < refusal.stands;
            is_fresh || self.good.is_none_or(|good| good < refusal.at)
        })
    }
}

/// What ended lately. Owner of its counts; one task writes and reads it.
#[derive(Debug, Default)]
pub(super) struct Lately {
    routes: HashMap<Arc<str>, VecDeque<Second>>,
    providers: BTreeMap<String, Said>,
}

impl Lately {
    /// Takes in what ended by `now`, and forgets what is older than a minute.
    pub(super) fn saw(&mut self, ends: &[Arc<RequestEnd>], snapshot: &Snapshot, now: Time) {
        let second = now.as_micros() / 1_000_000;
        self.count(ends, snapshot, second);
        for end in ends {
            for call in &end.calls {
                let provider = call.served.provider();
                if !snapshot.providers.contains_key(provider) {
                    continue;
                }
                let said = match self.providers.get_mut(provider) {
                    Some(said) => said,
                    None => self.providers.entry(provider.to_owned()).or_default(),
                };
                match call.outcome {
                    Outcome::Ok => said.good = Some(now),
                    Outcome::Auth => said.rejected = Some(Refusal::after(said.rejected, now)),
                    Outcome::QuotaExhausted => {
                        said.exhausted = Some(Refusal::after(said.exhausted, now));
                    }
                    Outcome::ClientFault
                    | Outcome::MoveRefused
                    | Outcome::ContextTooLong
                    | Outcome::ContentFiltered
                    | Outcome::RateLimited
                    | Outcome::Overloaded
                    | Outcome::ServerError
                    | Outcome::NoSuchModel
                    | Outcome::Timeout(_)
                    | Outcome::Transport
                    | Outcome::Malformed
                    | Outcome::CutStream
                    | Outcome::Cancelled
                    | Outcome::Refused => {}
                }
            }
        }
        for seconds in self.routes.values_mut() {
            while seconds.front().is_some_and(|it| it.at + MINUTE <= second) {
                seconds.pop_front();
            }
        }
        self.routes.retain(|_, seconds| !seconds.is_empty());
        let known = |name: &String| snapshot.providers.contains_key(name);
        self.providers.retain(|name, _| known(name));
    }

    /// Counts by route and target. What was asked for is the same for all of them, since there is one snapshot, so it is
    /// added once for all: a route may have a thousand targets.
    fn count(&mut self, ends: &[Arc<RequestEnd>], snapshot: &Snapshot, second: u64) {
        let routes = snapshot.routes.iter();
        let mut news: Vec<Second> = routes.map(|_| Second::default()).collect();
        for end in ends {
            let place = snapshot.route_index.get(&*end.route);
            if let Some(place) = place
                && let Some((route, news)) = snapshot.routes.get(*place).zip(news.get_mut(*place))
            {
                news.saw(end, route);
            }
        }
        for (route, news) in snapshot.routes.iter().zip(news) {
            if news.requests == 0 {
                continue;
            }
            let seconds = self.routes.entry(Arc::clone(&route.label)).or_default();
            if seconds.back().is_none_or(|it| it.at != second) {
                seconds.push_back(Second {
                    at: second,
                    ..Second::default()
                });
            }
            if let Some(counts) = seconds.back_mut() {
                counts.add(&news, route);
            }
        }
    }

    /// The last minute of a route; nothing of one that had no requests.
    pub(super) fn minute(&self, route: &str) -> Minute {
        let mut minute = Minute::default();
        for second in self.routes.get(route).into_iter().flatten() {
            minute.requests += second.requests;
            minute.failed += second.failed;
            minute.sent += second.sent;
            for (name, got) in &second.got {
                let granted = second.granted.get(name).copied().unwrap_or(0.0);
                let (all, asked) = minute.targets.entry(Arc::clone(name)).or_default();
                *all += got;
                *asked += granted;
            }
        }
        minute
    }

    /// What each provider said last, by name.
    pub(super) fn providers(&self) -> &BTreeMap<String, Said> {
        &self.providers
    }
}
