//! What a data plane would see of a fate: the events of the attempt, each with its time.
//!
//! The fate is the world's, the events are all that a policy ever hears of it. A silence is seen only where a phase's time
//! runs out.

use std::time::Duration;

use super::world::Bill;
use crate::law::{Answer, Ending, ErrorKind, Fate, Hang};
use crate::model::{AnswerKind, Event, Finished, Outcome, Phase};

/// Silence of a stream that counts as a fault.
const GAP: Duration = Duration::from_secs(5);

/// The status of a provider that says it is overloaded, whether or not it says for how long.
const SITE_OVERLOADED: u16 = 529;

/// How long an attempt is waited for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// For the first content of a stream.
    pub(super) first: Duration,
    /// For the end.
    pub(super) whole: Duration,
}

/// What the data plane would see of this fate, by time.
pub(super) fn events(
    fate: &Fate,
    kind: AnswerKind,
    patience: Patience,
    bill: &Bill,
) -> Vec<(Duration, Event)> {
    let silence = match kind {
        AnswerKind::Streamed => patience.first,
        AnswerKind::Unary => patience.whole,
    };
    match fate {
        Fate::Hang(Hang::Header) => vec![silent(silence, None, Phase::Header)],
        Fate::Hang(Hang::Body) => vec![silent(silence, None, Phase::FirstToken)],
        Fate::Wrong { after, .. } if *after > silence => {
            vec![silent(silence, None, Phase::Header)]
        }
        Fate::Wrong { after, .. } => vec![failed(*after, Outcome::Malformed, None)],
        Fate::Error {
            kind,
            status,
            after,
            retry_after,
        } => {
            let outcome = outcome(*kind, *status, *retry_after);
            vec![failed(*after, outcome, *retry_after)]
        }
        Fate::Answer(answer) => match kind {
            AnswerKind::Unary => vec![unary(answer, patience, bill)],
            AnswerKind::Streamed => stream(answer, patience, bill),
        },
    }
}

/// What the daemon takes an error of this kind for.
fn outcome(kind: ErrorKind, status: Option<u16>, wait: Option<Duration>) -> Outcome {
    match kind {
        ErrorKind::RateLimit => Outcome::RateLimited,
        ErrorKind::Quota => Outcome::QuotaExhausted,
        ErrorKind::Overloaded if wait.is_some() || status == Some(SITE_OVERLOADED) => {
            Outcome::Overloaded
        }
        ErrorKind::Overloaded | ErrorKind::Server => Outcome::ServerError,
        ErrorKind::Auth => Outcome::Auth,
        ErrorKind::Model => Outcome::NoSuchModel,
        ErrorKind::Context => Outcome::ContextTooLong,
        ErrorKind::Content => Outcome::ContentFiltered,
        ErrorKind::Client => Outcome::ClientFault,
    }
}

/// What would be seen of an answer that comes as a whole.
fn unary(answer: &Answer, patience: Patience, bill: &Bill) -> (Duration, Event) {
    match answer.ending {
        Ending::Complete if answer.total <= patience.whole => complete(answer.total, None, bill),
        Ending::Cut { tokens } | Ending::ErrorEvent { tokens }
            if answer.token_at(tokens) <= patience.whole =>
        {
            failed(answer.token_at(tokens), Outcome::Malformed, None)
        }
        Ending::Complete
        | Ending::Stall { .. }
        | Ending::Cut { .. }
        | Ending::ErrorEvent { .. } => silent(patience.whole, None, Phase::Attempt),
    }
}

/// What would be seen of an answer that comes token by token.
fn stream(answer: &Answer, patience: Patience, bill: &Bill) -> Vec<(Duration, Event)> {
    if answer.first_token > patience.first {
        return vec![silent(patience.first, None, Phase::FirstToken)];
    }
    let whole = patience.whole;
    let first = Some(answer.first_token);
    let begin = (answer.first_token, Event::FirstContent(answer.first_token));
    match answer.ending {
        Ending::Complete if answer.total <= whole => {
            vec![begin, complete(answer.total, first, bill)]
        }
        Ending::Complete => vec![begin, silent(whole, first, Phase::Attempt)],
        Ending::Stall { tokens } => {
            let gap = answer.token_at(tokens).saturating_add(GAP);
            let end = silent(whole, first, Phase::BetweenTokens);
            if gap < whole {
                vec![begin, (gap, Event::Gap), end]
            } else {
                vec![begin, end]
            }
        }
        Ending::ErrorEvent { tokens: 0 } => {
            vec![failed(answer.first_token, Outcome::ServerError, None)]
        }
        Ending::Cut { tokens } | Ending::ErrorEvent { tokens } => {
            let after = answer.token_at(tokens);
            if after > whole {
                return vec![begin, silent(whole, first, Phase::Attempt)];
            }
            let end = Finished {
                first_content: first,
                ..ended(after, Outcome::CutStream)
            };
            vec![begin, (after, Event::Finished(end))]
        }
    }
}

/// The end of an attempt of which nothing else is known.
fn ended(after: Duration, outcome: Outcome) -> Finished {
    Finished {
        outcome,
        total: after,
        first_content: None,
        tokens: None,
        estimated: false,
        cost: None,
        wait: None,
    }
}

fn complete(after: Duration, first: Option<Duration>, bill: &Bill) -> (Duration, Event) {
    let end = Finished {
        first_content: first,
        tokens: Some(bill.tokens),
        cost: Some(bill.cost),
        ..ended(after, Outcome::Ok)
    };
    (after, Event::Finished(end))
}

fn failed(after: Duration, outcome: Outcome, wait: Option<Duration>) -> (Duration, Event) {
    let end = Finished {
        wait,
        ..ended(after, outcome)
    };
    (after, Event::Finished(end))
}

/// Given up after so long, in this phase.
fn silent(after: Duration, first: Option<Duration>, phase: Phase) -> (Duration, Event) {
    let end = Finished {
        first_content: first,
        ..ended(after, Outcome::Timeout(phase))
    };
    (after, Event::Finished(end))
}
