//! What follows an attempt.
//!
//! The problem: a failed attempt may be the target's fault, the operator's, the client's or nobody's, and each calls for
//! something else; tried too often, failover doubles the load of a fleet that is already ill. The choice: one pure function
//! from the plan and the whole history to the next move, so that the loop around it has no rules of its own.
//!
//! The order of moves is: an untried target of the request, the fallbacks in their order, and only when nobody is left back
//! to one that was tried, after its wait. Going back first (as some gateways do) was rejected: while another target can
//! serve, the client need not wait.
//!
//! | outcome | code | what follows |
//! |---|---|---|
//! | ok, client's fault, context too long, content filtered, cancelled | – | `Return` |
//! | anything after content reached the client | – | `Return` |
//! | refused here, before sending | – | next place; not counted as an attempt |
//! | a moved conversation was refused | – | next place: another one may take it |
//! | auth, no such model at the target | – | next place, whatever the codes: an operator's mistake must not reach clients while another target can serve; never the same place again |
//! | rate limited | 429 | by code |
//! | quota exhausted | 429, or its own | by code; never the same place again |
//! | overloaded | its own, else 503 | by code |
//! | server error | its own, else 500 | by code |
//! | timeout of the attempt, here or there | 408, or its own | by code |
//! | timeout of the request | 408 | `GiveUp` |
//! | transport, malformed, stream cut before content | 502 | by code |
//!
//! A route may say where a request goes that is too long for a target or that its content policy refuses: then those two
//! outcomes are answered by that detour, which is a part of the fallbacks, and the request never comes back from it.
//!
//! *By code*: a code in `on_codes` goes to the next place. A code only in `fallback_on_codes` goes to the fallbacks at
//! once. A code in neither is returned.

use std::ops::Range;
use std::time::Duration;

use crate::model::{Outcome, Phase, TargetIndex};

/// Statuses after which another attempt is made if nobody says otherwise: timeouts, limits and failures that are known to
/// pass. 529 is Anthropic's "overloaded"
/// (source: <https://learn.microsoft.com/en-us/microsoft-cloud/dev/dev-proxy/concepts/anthropic-529-overloaded-error>,
/// 2026-11-22).
pub const DEFAULT_CODES: [u16; 7] = [408, 429, 500, 502, 503, 504, 529];

/// First wait before the same place is tried again; it doubles with every try. Half of it and an outage of a second is
/// hammered; twice of it and a blip costs the client a second.
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// Longest wait of our own choice. A provider's `Retry-After` may be longer.
const LONGEST_WAIT: Duration = Duration::from_secs(8);

/// Longest wait that a provider may ask of a request. Beyond it the client is told at once, with the wait: it can do
/// something else meanwhile, and a connection held open for minutes looks like a hang.
const LONGEST_ASKED: Duration = Duration::from_secs(20);

/// What a request may try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Attempts in all, at least 1: one more than the retries.
    pub attempts_max: u32,
    /// Codes after which another attempt is made.
    pub on_codes: Vec<u16>,
    /// Codes after which the fallbacks are tried, also where `on_codes` lacks them.
    pub fallback_on_codes: Vec<u16>,
    /// Time for the whole request, attempts and waits together.
    pub total: Duration,
}

impl Plan {
    /// A plan with `retries` attempts after the first, and the default codes.
    pub fn new(retries: u32, total: Duration) -> Self {
        Self {
            attempts_max: retries.saturating_add(1),
            on_codes: DEFAULT_CODES.to_vec(),
            fallback_on_codes: DEFAULT_CODES.to_vec(),
            total,
        }
    }
}

/// Where an attempt went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// A target of the route or of the request's list.
    Target(TargetIndex),
    /// A fallback, by its position.
    Fallback(usize),
}

/// Whether any content of an attempt has reached the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// Not a byte.
    Nothing,
    /// Some: no other target can go on with it.
    Content,
}

/// One attempt that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tried {
    /// Where it went.
    pub place: Place,
    /// How it ended.
    pub outcome: Outcome,
    /// The status that came, if one came.
    pub status: Option<u16>,
    /// How long the target asked to be left alone, counted from `ended`.
    pub wait: Option<Duration>,
    /// When it ended, counted from the start of the request.
    pub ended: Duration,
    /// Whether the client has any of it.
    pub delivered: Delivered,
}

/// Who has not been tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    /// Whether an eligible target with a weight above 0 is untried.
    pub untried: bool,
    /// Fallbacks in all, tried ones included.
    pub fallbacks: usize,
    /// Places behind the fallbacks where requests go that are too long, tried ones included.
    pub context: usize,
    /// Places behind those where requests go that a content policy refused, tried ones included.
    pub filter: usize,
}

impl Left {
    /// The fallbacks that `outcome` leads to, if it leads to others than the usual ones.
    fn detour(self, outcome: Outcome) -> Option<Range<usize>> {
        let context = self.fallbacks..self.fallbacks.saturating_add(self.context);
        let filter = context.end..context.end.saturating_add(self.filter);
        let range = match outcome {
            Outcome::ContextTooLong => context,
            Outcome::ContentFiltered => filter,
            _ => return None,
        };
        (!range.is_empty()).then_some(range)
    }

    /// The fallbacks that are open after `history`: the usual ones, or those of the last detour.
    fn open(self, history: &[Tried]) -> (bool, Range<usize>) {
        let mut detours = history
            .iter()
            .filter_map(|tried| self.detour(tried.outcome));
        match detours.next_back() {
            Some(detour) => (false, detour),
            None => (true, 0..self.fallbacks),
        }
    }
}

/// A random number for the jitter, uniform over all `u32`, made by the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Jitter(pub u32);

/// The next move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// An untried target, drawn by share.
    TryNext,
    /// The fallback at this position.
    FallBack(usize),
    /// The same place again, after a wait.
    RetrySame {
        /// Where.
        place: Place,
        /// How long from now; it ends before the plan's total.
        after: Duration,
    },
    /// Another attempt would be right, but attempts, places or time are spent: the client gets the last error, and should
    /// be told not to retry at once.
    GiveUp,
    /// The last answer is the client's, whatever it is.
    Return,
}

/// The move after `history`, at `elapsed` since the start of the request. An empty history asks for the first move.
pub fn next(plan: &Plan, history: &[Tried], left: Left, elapsed: Duration, jitter: Jitter) -> Next {
    let Some(last) = history.last() else {
        return forward(true, history, left).unwrap_or(Next::GiveUp);
    };
    if last.delivered == Delivered::Nothing && left.detour(last.outcome).is_some() {
        // The detour is no second try of what failed: it is not counted, and it ends with its list.
        let in_time = elapsed < plan.total;
        let there = forward(false, history, left).filter(|_| in_time);
        return there.unwrap_or(Next::Return);
    }
    let Some(verdict) = verdict(plan, last) else {
        return Next::Return;
    };
    let sent = history.iter().filter(|tried| was_sent(tried)).count();
    let spent = u32::try_from(sent).unwrap_or(u32::MAX) >= plan.attempts_max;
    if spent || elapsed >= plan.total || last.outcome == Outcome::Timeout(Phase::Request) {
        return Next::GiveUp;
    }
    forward(verdict == Verdict::Anywhere, history, left)
        .or_else(|| back(plan, history, left, elapsed, jitter))
        .unwrap_or(Next::GiveUp)
}

/// Where an outcome allows to go.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// To the next target, or to the fallbacks.
    Anywhere,
    /// To the fallbacks only.
    Fallbacks,
}

/// Where `tried` allows to go; `None` if it is final.
fn verdict(plan: &Plan, tried: &Tried) -> Option<Verdict> {
    if tried.delivered == Delivered::Content {
        return None;
    }
    let codes = match reason(tried) {
        Reason::Final => return None,
        Reason::NotTheClients => return Some(Verdict::Anywhere),
        Reason::Codes(codes) => codes,
    };
    let named = |listed: &[u16]| codes.iter().flatten().any(|code| listed.contains(code));
    if named(&plan.on_codes) {
        Some(Verdict::Anywhere)
    } else if named(&plan.fallback_on_codes) {
        Some(Verdict::Fallbacks)
    } else {
        None
    }
}

/// Why one might try again.
enum Reason {
    /// One would not.
    Final,
    /// It has nothing to do with the request.
    NotTheClients,
    /// If one of these codes is listed.
    Codes([Option<u16>; 2]),
}

fn reason(tried: &Tried) -> Reason {
    let own_or = |code: u16| Reason::Codes([Some(tried.status.unwrap_or(code)), None]);
    match tried.outcome {
        Outcome::Ok
        | Outcome::ClientFault
        | Outcome::ContextTooLong
        | Outcome::ContentFiltered
        | Outcome::Cancelled => Reason::Final,
        Outcome::Auth | Outcome::NoSuchModel | Outcome::MoveRefused | Outcome::Refused => {
            Reason::NotTheClients
        }
        Outcome::RateLimited => Reason::Codes([Some(429), None]),
        Outcome::QuotaExhausted => Reason::Codes([Some(429), tried.status]),
        Outcome::Overloaded => own_or(503),
        Outcome::ServerError => own_or(500),
        // A provider may say that its own time ran out with another code, as 504.
        Outcome::Timeout(_) => Reason::Codes([Some(408), tried.status]),
        Outcome::Transport | Outcome::Malformed | Outcome::CutStream => {
            Reason::Codes([Some(502), None])
        }
    }
}

const fn was_sent(tried: &Tried) -> bool {
    !matches!(tried.outcome, Outcome::Refused)
}

/// An untried place.
fn forward(targets: bool, history: &[Tried], left: Left) -> Option<Next> {
    let (at_home, open) = left.open(history);
    if targets && at_home && left.untried {
        return Some(Next::TryNext);
    }
    let tried = history.iter().filter_map(|tried| match tried.place {
        Place::Fallback(index) => open.contains(&index).then_some(index),
        Place::Target(_) => None,
    });
    let index = tried
        .max()
        .map_or(open.start, |index| index.saturating_add(1));
    open.contains(&index).then_some(Next::FallBack(index))
}

/// The tried place that may be tried again soonest, if that is within the plan's total.
fn back(
    plan: &Plan,
    history: &[Tried],
    left: Left,
    elapsed: Duration,
    jitter: Jitter,
) -> Option<Next> {
    let (at_home, open) = left.open(history);
    let is_open = |place: Place| match place {
        Place::Target(_) => at_home,
        Place::Fallback(index) => open.contains(&index),
    };
    let is_last_there = |at: usize, tried: &Tried| {
        let mut later = history.iter().skip(at + 1);
        later.all(|other| other.place != tried.place)
    };
    let again = history
        .iter()
        .enumerate()
        .filter(|(_, tried)| is_open(tried.place))
        .filter(|(at, tried)| is_last_there(*at, tried) && may_repeat(plan, tried));
    let waits = again.map(|(_, tried)| {
        let tries = history.iter().filter(|other| other.place == tried.place);
        let wait = tried
            .wait
            .unwrap_or_else(|| own_wait(tries.count(), jitter));
        let after = tried.ended.saturating_add(wait).saturating_sub(elapsed);
        (after, tried.place)
    });
    let (after, place) = waits.min_by_key(|(after, _)| *after)?;
    let fits = after <= LONGEST_ASKED && elapsed.saturating_add(after) < plan.total;
    fits.then_some(Next::RetrySame { place, after })
}

/// Whether the place of `tried` may serve if it is asked again.
fn may_repeat(plan: &Plan, tried: &Tried) -> bool {
    let may_pass = match tried.outcome {
        Outcome::RateLimited
        | Outcome::Overloaded
        | Outcome::ServerError
        | Outcome::Timeout(_)
        | Outcome::Transport
        | Outcome::Malformed
        | Outcome::CutStream => true,
        Outcome::Ok
        | Outcome::QuotaExhausted
        | Outcome::Auth
        | Outcome::NoSuchModel
        | Outcome::ClientFault
        | Outcome::MoveRefused
        | Outcome::ContextTooLong
        | Outcome::ContentFiltered
        | Outcome::Cancelled
        | Outcome::Refused => false,
    };
    may_pass && verdict(plan, tried) == Some(Verdict::Anywhere)
}

/// The wait after the `tries`-th try of one place: uniform between nothing and 0.5 s · 2^(tries − 1), at most 8 s. Full
/// jitter spreads the clients that failed together
/// (source: <https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>).
fn own_wait(tries: usize, jitter: Jitter) -> Duration {
    let doublings = u32::try_from(tries.saturating_sub(1)).unwrap_or(u32::MAX);
    let factor = 2u32.checked_pow(doublings).unwrap_or(u32::MAX);
    let most = FIRST_WAIT.saturating_mul(factor).min(LONGEST_WAIT);
    most.mul_f64(f64::from(jitter.0) / f64::from(u32::MAX))
}

#[cfg(test)]
#[path = "retry_tests.rs"]
mod tests;
