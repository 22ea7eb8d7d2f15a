//! What a data plane would see of a fate: the events of the attempt, each with its time.
//!
//! The fate is the world's, the events are all that the controller ever hears of it. A silence is seen only where a phase's
//! time runs out.

use std::time::Duration;

use crate::law::{Answer, Ending, ErrorKind, Fate, Hang};
use crate::model::{AnswerKind, Event, Finished, Outcome, Phase, Tokens};

/// Silence of a stream that counts as a fault.
const GAP: Duration = Duration::from_secs(5);

/// What the data plane would see of this fate, by time.
pub(super) fn events(
    fate: &Fate,
    kind: AnswerKind,
    timeout: Duration,
    tokens: Tokens,
    client_fault: bool,
) -> Vec<(Duration, Event)> {
    match fate {
        Fate::Hang(Hang::Header) => vec![silent(timeout, None, Phase::Header)],
        Fate::Hang(Hang::Body) => vec![silent(timeout, None, Phase::FirstToken)],
        Fate::Wrong { after, .. } => vec![failed(*after, Outcome::Malformed, None)],
        Fate::Error {
            kind,
            after,
            retry_after,
            ..
        } => {
            let outcome = match (kind, client_fault) {
                (ErrorKind::RateLimit, _) => Outcome::RateLimited,
                (_, true) => Outcome::ClientFault,
                (_, false) => Outcome::ServerError,
            };
            vec![failed(*after, outcome, *retry_after)]
        }
        Fate::Answer(answer) => match kind {
            AnswerKind::Unary => vec![unary(answer, timeout, tokens)],
            AnswerKind::Streamed => stream(answer, timeout, tokens),
        },
    }
}

/// What would be seen of an answer that comes as a whole.
fn unary(answer: &Answer, timeout: Duration, tokens: Tokens) -> (Duration, Event) {
    match answer.ending {
        Ending::Complete if answer.total <= timeout => complete(answer.total, None, tokens),
        _ => silent(timeout, None, Phase::Attempt),
    }
}

/// What would be seen of an answer that comes token by token.
fn stream(answer: &Answer, timeout: Duration, tokens: Tokens) -> Vec<(Duration, Event)> {
    if answer.first_token > timeout {
        return vec![silent(timeout, None, Phase::FirstToken)];
    }
    let first = Some(answer.first_token);
    let begin = (answer.first_token, Event::FirstContent(answer.first_token));
    match answer.ending {
        Ending::Complete if answer.total <= timeout => {
            vec![begin, complete(answer.total, first, tokens)]
        }
        Ending::Complete => vec![begin, silent(timeout, first, Phase::Attempt)],
        Ending::Stall { .. } => {
            let gap = (answer.first_token + GAP).min(timeout);
            let end = silent(timeout, first, Phase::BetweenTokens);
            vec![begin, (gap, Event::Gap), end]
        }
        Ending::Cut { tokens } | Ending::ErrorEvent { tokens } => {
            let end = Finished {
                first_content: first,
                ..ended(answer.token_at(tokens), Outcome::CutStream)
            };
            vec![begin, (end.total, Event::Finished(end))]
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

fn complete(after: Duration, first: Option<Duration>, tokens: Tokens) -> (Duration, Event) {
    let end = Finished {
        first_content: first,
        tokens: Some(tokens),
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

/// Given up after `timeout`, in this phase.
fn silent(timeout: Duration, first: Option<Duration>, phase: Phase) -> (Duration, Event) {
    let end = Finished {
        first_content: first,
        ..ended(timeout, Outcome::Timeout(phase))
    };
    (timeout, Event::Finished(end))
}
