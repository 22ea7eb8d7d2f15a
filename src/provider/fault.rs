//! From a provider's answer to what it means: status, headers and body to an [`Outcome`] and a wait.
//!
//! The status alone misleads: a 429 may mean "in 174 ms" or "when somebody pays", a 400 may be the prompt's length, a policy
//! or our key, a 404 the operator's typing error or a lost conversation. So whatever an error says of itself is gathered
//! first, from every place where providers put it, and then one table decides, whose rows each name their source. An error
//! inside a stream has no status; the same rows decide it by its code, its type or its words.
//!
//! What follows from an outcome is its class's (`model::Outcome::class`) and, where a target must not go on as before,
//! [`Fault::demand`]'s.

use std::time::Duration;

use http::HeaderMap;

use super::evidence::Evidence;
use super::fault_table::{Asks, row_for};
use super::{headroom, wait};
pub use crate::model::{Demand, LONGEST_WAIT, Why};

use crate::model::Outcome;
use crate::wire::{Reported, Seen};

/// What a provider's answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// How the attempt ended.
    pub outcome: Outcome,
    /// How long the provider asks to be left alone, at most a day; `None` if it does not say.
    pub wait: Option<Duration>,
}

impl Fault {
    /// What must happen at the target at once.
    pub fn demand(self) -> Demand {
        Demand::of(self.outcome, self.wait)
    }
}

/// Judges an answer by its `status`, `headers` and `body`; `now` is in seconds since 1970, for waits that are dates. Linear
/// in the body; one beyond 256 KiB is not read.
pub fn classify(status: u16, headers: &HeaderMap, body: &[u8], now: u64) -> Fault {
    let outcome = match status {
        200..=299 => Outcome::Ok,
        400..=599 => return refused(status, headers, body, now),
        _ => Outcome::Malformed,
    };
    Fault {
        outcome,
        wait: None,
    }
}

fn refused(status: u16, headers: &HeaderMap, body: &[u8], now: u64) -> Fault {
    let asked = wait::from_retry_after(headers, now);
    let mut evidence = Evidence::of_answer(status, headers, body, headroom::clock(headers, now));
    evidence.asks_to_wait = asked.is_some();
    let mut fault = judged(&evidence);
    let is_limited = matches!(
        fault.outcome,
        Outcome::RateLimited | Outcome::QuotaExhausted
    );
    if is_limited && fault.wait.is_none() {
        fault.wait = wait::from_limits(headers, now);
    }
    if may_wait(fault.outcome) && fault.wait != Some(Duration::ZERO) {
        fault.wait = asked.or(fault.wait);
    }
    fault
}

/// What the table says, and the wait as far as the body tells it.
fn judged(evidence: &Evidence) -> Fault {
    let row = row_for(evidence);
    let outcome = row.map_or(Outcome::Malformed, |row| row.means);
    let wait = match (outcome, row.map(|row| row.asks)) {
        (_, Some(Asks::Nothing)) => Some(Duration::ZERO),
        (Outcome::RateLimited | Outcome::QuotaExhausted | Outcome::Overloaded, _) => {
            let told = evidence.wait;
            told.or_else(|| wait::from_message(&evidence.words))
        }
        (outcome, _) if may_wait(outcome) => evidence.wait,
        _ => None,
    };
    Fault { outcome, wait }
}

/// Whether a wait makes sense after `outcome`: only what may pass by itself.
const fn may_wait(outcome: Outcome) -> bool {
    match outcome {
        Outcome::RateLimited
        | Outcome::QuotaExhausted
        | Outcome::Overloaded
        | Outcome::ServerError
        | Outcome::Timeout(_) => true,
        Outcome::Ok
        | Outcome::Auth
        | Outcome::NoSuchModel
        | Outcome::ClientFault
        | Outcome::MoveRefused
        | Outcome::ContextTooLong
        | Outcome::ContentFiltered
        | Outcome::Transport
        | Outcome::Malformed
        | Outcome::CutStream
        | Outcome::Cancelled
        | Outcome::Refused => false,
    }
}

/// Judges an error that came inside an answer of status 200: in a stream before its first content, or as a whole document.
/// It is judged by its code, as the status that it stands for, by its type, and by its words; one that says nothing is the
/// server's.
pub fn of_reported(reported: &Reported) -> Fault {
    judged(&Evidence::of_reported(reported))
}

/// As [`of_reported`], from the whole document, an event's data or an answer's body: what stands beside code, type and
/// message is read as well (Google's status, reasons, quotas and delay, what a gateway repeats of another server). `now` is
/// in seconds since 1970. `document` is known to report an error; of one that does not, it says that it is the server's.
pub fn of_document(document: &[u8], now: u64) -> Fault {
    judged(&Evidence::of_document(document, Duration::from_secs(now)))
}

/// How a stream went that ended here.
pub fn of_stream(seen: &Seen) -> Fault {
    let told = || seen.error.as_ref().map(of_reported);
    match seen.outcome() {
        Some(outcome) => Fault {
            outcome,
            wait: None,
        },
        None => told().unwrap_or(Fault {
            outcome: Outcome::Malformed,
            wait: None,
        }),
    }
}

#[cfg(test)]
#[path = "fault_tests.rs"]
mod tests;
