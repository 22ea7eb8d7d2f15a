//! How much a provider says is left of its limits, in every answer that says it.
//!
//! The problem: a 429 tells too late that a limit is near, and every request until then was sent for nothing. The choice:
//! read what the headers of each answer say is left, of requests and of tokens, whatever their names; where a provider
//! has several limits of one kind (a minute's and a day's, input and output), only the one that is nearest matters.
//!
//! | provider | headers |
//! |---|---|
//! | OpenAI, Azure OpenAI, Groq, xAI | `x-ratelimit-{limit,remaining,reset}-{requests,tokens}` (Azure and xAI without a useful reset) |
//! | OpenAI, metered tokens | `…-tokens_usage_based`: a limit of tokens beside the other |
//! | Mistral | `x-ratelimit-{limit,remaining}-{req-minute,tokens-minute}` |
//! | Cerebras | `x-ratelimit-{limit,remaining,reset}-{requests-day,tokens-minute}` |
//! | Together, `OpenRouter` | `x-ratelimit-{limit,remaining,reset}` of requests, `…-tokens` |
//! | Anthropic | `anthropic-ratelimit-{requests,tokens,input-tokens,output-tokens}-{limit,remaining,reset}`, resets as dates |
//!
//! Sources, 2026-11-24: recorded answers of these providers; for `OpenRouter`
//! <https://github.com/Gitlawb/openclaude/issues/936>; Cerebras as its clients read it.
//!
//! Where it goes: whoever holds an answer's headers reads this once, hands it on with the attempt's end, and the upstream's
//! meter keeps the last one with its moment; the tick's input carries it to the capacity estimator, which may cap the rate
//! by `remaining / resets_in` without waiting for a refusal. It may only tighten: what a provider says is left is shared
//! with everybody else who uses the same credential.

use std::time::Duration;

use http::HeaderMap;

use super::span::{http_date, until};

/// Most limits that are looked at; Anthropic has four. More is noise, or an attack.
const MAX_LIMITS: usize = 8;

/// What is left of one limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// The whole of it, in requests or tokens for each of its windows.
    pub limit: Option<u64>,
    /// What is left of it now.
    pub remaining: Option<u64>,
    /// How long until it is whole again, at most a day. Limits that fill steadily (OpenAI's) have room earlier.
    pub resets_in: Option<Duration>,
}

impl Room {
    /// The part that is left, from 0 to 1; `None` if it does not follow from what was said.
    pub fn left(self) -> Option<f64> {
        let (remaining, limit) = (self.remaining?, self.limit?);
        match (remaining, limit) {
            (0, _) => Some(0.0),
            (_, 0) => None,
            (remaining, limit) => Some((remaining as f64 / limit as f64).min(1.0)),
        }
    }

    /// Whether nothing is left.
    pub const fn is_empty(self) -> bool {
        matches!(self.remaining, Some(0))
    }

    /// Whether this one will be in the way before `other`: the empty before all, then by the part that is left, and of two
    /// empty ones the last to fill.
    fn is_nearer_than(self, other: Self) -> bool {
        let part = |room: Self| match room.remaining {
            None => 2.0,
            Some(0) => 0.0,
            Some(_) => room.left().unwrap_or(1.0),
        };
        match (self.is_empty(), other.is_empty()) {
            (true, true) => self.resets_in > other.resets_in,
            _ => part(self) < part(other),
        }
    }
}

/// What is left of a provider's limits, the nearest of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Headroom {
    /// Of requests.
    pub requests: Option<Room>,
    /// Of tokens.
    pub tokens: Option<Room>,
}

impl Headroom {
    /// Reads the headers of any answer; `now` in seconds since 1970, for those that say when and not for how long and have
    /// no `date` beside them. One pass over the headers, no allocation.
    pub fn read(headers: &HeaderMap, now: u64) -> Self {
        let mut found = [Limit::EMPTY; MAX_LIMITS];
        let mut count = 0;
        for (name, value) in headers {
            let Some(part) = Part::of(name.as_str()) else {
                continue;
            };
            let Some(text) = value.to_str().ok().map(str::trim) else {
                continue;
            };
            let known = found.iter().take(count);
            let known = known
                .enumerate()
                .find(|(_, limit)| limit.of == part.of)
                .map(|(at, _)| at);
            let at = known.unwrap_or(count);
            if let Some(limit) = found.get_mut(at) {
                count = count.max(at + 1);
                limit.of = part.of;
                match part.says {
                    Says::Limit => limit.whole = Some(text),
                    Says::Remaining => limit.remaining = Some(text),
                    Says::Reset => limit.reset = Some(text),
                }
            }
        }
        if count == 0 {
            return Self::default();
        }
        let now = clock(headers, now);
        let mut headroom = Self::default();
        for limit in found.iter().take(count) {
            headroom.note(limit.of.kind, limit.room(now));
        }
        headroom
    }

    fn note(&mut self, kind: Kind, room: Room) {
        if room == Room::default() {
            return;
        }
        let kept = match kind {
            Kind::Requests => &mut self.requests,
            Kind::Tokens => &mut self.tokens,
        };
        if kept.is_none_or(|kept| room.is_nearer_than(kept)) {
            *kept = Some(room);
        }
    }
}

/// The answer's own moment since 1970, by its `date`: the clock that its dates were written by. Else `now`.
pub(super) fn clock(headers: &HeaderMap, now: u64) -> Duration {
    let date = headers.get(http::header::DATE);
    let date = date.and_then(|date| http_date(date.to_str().ok()?.trim()));
    date.unwrap_or(Duration::from_secs(now))
}

/// What a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Requests,
    Tokens,
}

/// Which limit of a provider: its kind and what else tells it from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Of<'a> {
    kind: Kind,
    name: &'a str,
}

/// What a header says of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    Limit,
    Remaining,
    Reset,
}

impl Says {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "limit" => Self::Limit,
            "remaining" => Self::Remaining,
            "reset" => Self::Reset,
            _ => return None,
        })
    }
}

/// What a header's name says.
#[derive(Clone, Copy, Debug)]
struct Part<'a> {
    of: Of<'a>,
    says: Says,
}

impl<'a> Part<'a> {
    /// `None` for a header about something else.
    fn of(name: &'a str) -> Option<Self> {
        if let Some(rest) = name.strip_prefix("x-ratelimit-") {
            let (says, of) = rest.split_once('-').unwrap_or((rest, "requests"));
            let (says, of) = (Says::named(says)?, Of::named(of)?);
            return Some(Self { of, says });
        }
        let rest = name.strip_prefix("anthropic-ratelimit-")?;
        let (of, says) = rest.rsplit_once('-')?;
        let (says, of) = (Says::named(says)?, Of::named(of)?);
        Some(Self { of, says })
    }
}

impl<'a> Of<'a> {
    fn named(name: &'a str) -> Option<Self> {
        let is_tokens = name.starts_with("tokens") || name.ends_with("put-tokens");
        let kind = match name {
            _ if is_tokens => Kind::Tokens,
            _ if name.starts_with("req") => Kind::Requests,
            _ => return None,
        };
        Some(Self { kind, name })
    }
}

/// One limit as it is written.
#[derive(Clone, Copy, Debug)]
struct Limit<'a> {
    of: Of<'a>,
    whole: Option<&'a str>,
    remaining: Option<&'a str>,
    reset: Option<&'a str>,
}

impl Limit<'_> {
    const EMPTY: Self = Self {
        of: Of {
            kind: Kind::Requests,
            name: "",
        },
        whole: None,
        remaining: None,
        reset: None,
    };

    fn room(&self, now: Duration) -> Room {
        Room {
            limit: self.whole.and_then(count_of),
            remaining: self.remaining.and_then(count_of),
            resets_in: self.reset.and_then(|text| until(text, now)),
        }
    }
}

/// A count, also as a decimal number; what is below zero (Azure's −1) says nothing.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "float casts saturate, and the number is not negative"
)]
fn count_of(text: &str) -> Option<u64> {
    if let Ok(count) = text.parse() {
        return Some(count);
    }
    let number: f64 = text.parse().ok()?;
    (number >= 0.0).then_some(number as u64)
}

#[cfg(test)]
#[path = "headroom_tests.rs"]
mod tests;
