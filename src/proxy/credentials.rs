//! What a failure says about the credential that it was sent with, and what is left of it if another one works.

use crate::live::{Provider, Turn};
use crate::model::{Outcome, Time};

use super::failed::Failed;

/// Sets the credential aside if `failed` is its fault; another one for the same attempt, if one is free.
pub(super) fn another(
    provider: &Provider,
    key: &mut Turn,
    failed: &Failed,
    now: Time,
) -> Option<Turn> {
    note(provider, key, failed, now).then(|| provider.keys.other(*key, now))?
}

/// What `failed` says about the target: while a credential works or will work soon, that it is limited until then, so that
/// it is not put aside for one that was refused.
pub(super) fn judged(provider: &Provider, mut key: Turn, failed: Failed, now: Time) -> Failed {
    if !note(provider, &mut key, &failed, now) {
        return failed;
    }
    let Some(wait) = provider.keys.free_in(now) else {
        return failed;
    };
    let was_limited = failed.outcome == Outcome::RateLimited;
    Failed {
        outcome: Outcome::RateLimited,
        wait: Some(wait),
        // Another credential is refused or has no money: nothing that the client could do about.
        status: failed.status.filter(|_| was_limited),
        answer: failed.answer.filter(|_| was_limited),
        ..failed
    }
}

/// Sets the credential aside if `failed` is its fault, and there are others; tells whether it is.
fn note(provider: &Provider, key: &mut Turn, failed: &Failed, now: Time) -> bool {
    let keys = &provider.keys;
    if !keys.are_several() {
        return false;
    }
    match failed.outcome {
        Outcome::Auth => {
            if let Some(time) = keys.refused(key, now) {
                let status = failed.status.map_or(401, |status| status.as_u16());
                tracing::warn!(
                    "api_keys[{}] of provider \"{}\" was refused ({status}); it is set aside for {} s",
                    key.place,
                    provider.config.name,
                    time.as_secs(),
                );
            }
            true
        }
        Outcome::RateLimited | Outcome::QuotaExhausted => {
            keys.used_up(*key, now, failed.wait);
            true
        }
        Outcome::Ok
        | Outcome::NoSuchModel
        | Outcome::ClientFault
        | Outcome::MoveRefused
        | Outcome::ContextTooLong
        | Outcome::ContentFiltered
        | Outcome::Overloaded
        | Outcome::ServerError
        | Outcome::Timeout(_)
        | Outcome::Transport
        | Outcome::Malformed
        | Outcome::CutStream
        | Outcome::Cancelled
        | Outcome::Refused => false,
    }
}
