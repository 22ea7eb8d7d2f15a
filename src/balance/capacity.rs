//! How much an upstream can take: a rate learned from its refusals, and how many answers it should owe at most.

use serde::{Deserialize, Serialize};

use super::input::{Headroom, Room, UpstreamInput};
use super::possible::{
    MOST_COUNT, MOST_RATE, MOST_SECONDS, MOST_TOKENS, Odd, by, number, numbers, past,
};
use super::upstream::Around;
use crate::model::{AnswerKind, Class, Time};

/// A refusal sets the rate to this part of what it accepted.
const CUT: f64 = 0.95;
/// Growth of the rate while it is used or after quiet seconds, per second; from then on it doubles every so many seconds, so
/// often: then the limit is another.
const GROWTH: f64 = 0.002;
const QUIET: f64 = 30.0;
const DOUBLES_EVERY: f64 = 10.0;
const MOST_DOUBLINGS: f64 = 4.0;
/// Requests that what was known of a rate counts for against what a refusal shows. Halved, one more or less in a short time
/// is taken for a rate; doubled, a quota that was halved is met twice as often.
const KNOWN: f64 = 2.0;
/// Seconds for which a target may take nothing by its nature: limits are mostly told per minute.
const WINDOW: f64 = 60.0;
/// Seconds without a refusal after which its bucket or window has been full in between. With a window's length a quota that
/// is used to the full is taken for larger each minute; doubled, a rise after some quiet minutes is met with too little.
const FULL_AFTER: f64 = 2.0 * WINDOW;
/// Part of what is sent that may be refused before less is sent than the learned rate; over so many requests, and not
/// remembered for longer than so many seconds. Halved, a quota that is used to the full is used to two thirds.
const TOLERATED: f64 = 0.1;
const LATELY: (f64, f64) = (30.0, 10.0);
/// Below one request per second that could come, all this takes as many requests instead of seconds, down to this pace.
const SLOWEST: f64 = 0.01;
/// Part of the rate that is left out right after a refusal, and the time constant with which it comes back, in seconds.
const EASE: f64 = 0.3;
const EASE_FOR: f64 = 10.0;
/// Part of the cap that counts as used.
const USED: f64 = 0.7;
/// Refusals within so many seconds are of one kind: the requests that were out already meet the same empty bucket.
const EPISODE: f64 = 2.0;
/// Least rate at the usual pace, in requests per second: one in 50 s shows when there is room again.
const LEAST_RATE: f64 = 0.02;
/// Time constant of the rate of dispatches, in seconds.
const DISPATCH_MEMORY: f64 = 1.5;
/// Age of a target from which its pending requests are capped: before it nothing is known of its times.
const CAP_FROM: f64 = 4.0;
/// Part of a limit below which what is left of it lowers the rate, whatever the rate is.
const LOW: f64 = 0.1;
/// Part of a limit that is still asked for until its reset where nothing is left of it: limits that fill steadily have
/// room before, and only an answer shows it. It never blocks; a refusal does.
const TRICKLE: f64 = 0.1;
/// Seconds until a reset that is not told, and the most that are believed.
const RESET: (f64, f64) = (60.0, 600.0);
/// Weight of a tick's tokens for each request.
const TOKENS_GAIN: f64 = 0.2;
/// Unary answers from which their time is known well enough for a cap.
const KNOWN_UNARY: f64 = 3.0;

/// What is learned about capacity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Capacity {
    /// Requests per second that it accepts; `None` while no limit is known.
    cap: Option<f64>,
    /// Requests per second that the rest of its provider's limits allows, and until when.
    #[serde(default)]
    announced: Option<(f64, Time)>,
    /// Tokens of a request and its answer.
    #[serde(default)]
    tokens_each: Option<f64>,
    /// Requests that it took since its last refusals began, and for how many seconds.
    taken: f64,
    taken_for: f64,
    refused_at: Option<Time>,
    /// Of what was sent lately, what was refused, decayed.
    #[serde(default)]
    lately: Lately,
    dispatched: [f64; 2],
    unary_seconds: f64,
    unary_seen: f64,
    born: Option<Time>,
    pending_cap: [u32; 2],
}

/// What was sent lately, and what of it was refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Lately {
    sent: f64,
    refused: f64,
}

impl Lately {
    fn count(&mut self, sent: u32, refused: u32, elapsed: f64) {
        self.sent += f64::from(sent);
        self.refused += f64::from(refused);
        let keep = (1.0 - 1.0 / LATELY.0).powf(f64::from(sent)) * (-elapsed / LATELY.1).exp();
        self.sent *= keep;
        self.refused *= keep;
    }

    /// Part of a learned rate that is used. A limit that allows no burst refuses half of what comes at random at its own
    /// rate, so where much is refused the rate is no measure of what goes well.
    fn prudence(&self) -> f64 {
        let part = self.refused / (self.sent + 1.0);
        (TOLERATED / part.max(TOLERATED)).powi(2)
    }
}

impl Default for Capacity {
    fn default() -> Self {
        Self {
            cap: None,
            announced: None,
            tokens_each: None,
            taken: 0.0,
            taken_for: 0.0,
            refused_at: None,
            lately: Lately::default(),
            dispatched: [0.0; 2],
            unary_seconds: 3.0,
            unary_seen: 0.0,
            born: None,
            pending_cap: [u32::MAX; 2],
        }
    }
}

impl Capacity {
    /// One tick.
    pub(super) fn observe(
        &mut self,
        input: &UpstreamInput,
        around: &Around<'_>,
        seconds_to_first: f64,
    ) {
        let elapsed = around.elapsed.max(1e-3);
        self.learn_rate(input, around, elapsed);
        self.hear_headroom(input, around);
        let gain = (elapsed / DISPATCH_MEMORY).min(1.0);
        for (rate, sent) in self.dispatched.iter_mut().zip(input.batch.dispatched) {
            *rate += gain * (f64::from(sent) / elapsed - *rate);
            if sent > 0 && self.born.is_none() {
                self.born = Some(around.now);
            }
        }
        for total in &input.batch.unary_totals {
            self.unary_seen = (self.unary_seen + 1.0).min(30.0);
            let gain = 1.0 / self.unary_seen.max(KNOWN_UNARY);
            self.unary_seconds += gain * (f64::from(*total) - self.unary_seconds);
        }
        self.pending_cap = self.caps(around, seconds_to_first);
    }

    /// What was learned was of `1 / factor` times as much traffic.
    pub(super) fn rescale(&mut self, factor: f64) {
        self.cap = self.cap.map(|rate| rate * factor);
        self.announced = self.announced.map(|(rate, until)| (rate * factor, until));
    }

    /// A bucket or a window is empty at each refusal, so what it took from one refusal to the next, over the time between
    /// them, is its rate exactly, whatever its size and however long it was blocked in between. What was dispatched counts,
    /// not what was answered: an answer tells seconds later what was taken.
    ///
    /// After a long time without refusals it was full in between, and what it took is less than what it can: a quiet night
    /// says nothing about the morning. Then it takes at least what was sent to it lately; the next refusal says how much less.
    fn learn_rate(&mut self, input: &UpstreamInput, around: &Around<'_>, elapsed: f64) {
        let sent: u32 = input.batch.dispatched.iter().sum();
        let refused = input.batch.count(Class::Throttle);
        let pace = around.rates.demand.clamp(SLOWEST, 1.0);
        self.lately.count(sent, refused, elapsed * pace);
        self.taken += f64::from(sent) - f64::from(refused);
        self.taken_for += elapsed;
        if refused > 0 {
            let was_full = self.quiet_for(around.now) * pace > FULL_AFTER;
            self.refused_at = Some(around.now);
            if self.cap.is_none() || self.taken_for >= EPISODE {
                let seconds = self.taken_for.max(elapsed);
                // Few requests say the rate less exactly: one more or less is chance.
                let taken = self.taken.max(0.0);
                let weight = taken / (taken + KNOWN);
                let rate = taken / seconds;
                let rate = if was_full {
                    rate.max(around.rates.expected)
                } else {
                    rate
                };
                let known = self.cap.unwrap_or(rate);
                let rate = weight * rate + (1.0 - weight) * known;
                // That it took none for longer than windows last is news as well (a gamma prior of that many requests), but
                // only where requests are rare: else many were taken in the windows before.
                let idle = (1.0 - pace) * (1.0 - weight) * (seconds - WINDOW).max(0.0);
                let rate = rate * KNOWN / (KNOWN + rate * idle);
                self.cap = Some((CUT * rate).max(LEAST_RATE * pace));
                (self.taken, self.taken_for) = (0.0, 0.0);
            }
            return;
        }
        let Some(cap) = self.cap else { return };
        // Seconds at the usual pace: where a request comes every few minutes, thirty seconds of quiet are no news.
        let elapsed = elapsed * pace;
        let quiet = self.quiet_for(around.now) * pace;
        let doublings = ((quiet - QUIET) / DOUBLES_EVERY).clamp(0.0, MOST_DOUBLINGS);
        let used = around.rates.expected > USED * self.eased(cap, around.now);
        let grown = if quiet > QUIET || used {
            cap * (GROWTH * doublings.exp2() * elapsed).exp()
        } else {
            cap
        };
        let grown = grown + 0.002 * elapsed;
        self.cap = (grown <= 1.5 * around.rates.demand + pace).then_some(grown);
    }

    /// Seconds since the last refusal.
    fn quiet_for(&self, now: Time) -> f64 {
        self.refused_at
            .map_or(f64::INFINITY, |at| now.secs_since(at))
    }

    /// The learned rate, and less of it right after a refusal: an empty bucket refuses every second request at its own
    /// rate, so it gets time to fill.
    fn eased(&self, rate: f64, now: Time) -> f64 {
        rate * self.lately.prudence() * (1.0 - EASE * (-self.quiet_for(now) / EASE_FOR).exp())
    }

    /// Takes in what the provider says is left. It may only tighten, and only until the reset: the limit is shared with
    /// whoever else uses the credential, so the next answer may say something else.
    fn hear_headroom(&mut self, input: &UpstreamInput, around: &Around<'_>) {
        let batch = &input.batch;
        if batch.counted > 0 {
            let tokens = batch.tokens_in.saturating_add(batch.tokens_out) as f64;
            let each = (tokens / f64::from(batch.counted)).max(1.0);
            let known = self.tokens_each.unwrap_or(each);
            self.tokens_each = Some(known + TOKENS_GAIN * (each - known));
        }
        if let Some(headroom) = &input.headroom {
            self.announced = self.allowed(headroom, around);
        }
        self.announced = self.announced.filter(|(_, until)| *until > around.now);
    }

    /// The lower of the two rates that `headroom` allows, if one is near.
    fn allowed(&self, headroom: &Headroom, around: &Around<'_>) -> Option<(f64, Time)> {
        let near = |room: Room, each: f64| {
            let span = room.resets_in.unwrap_or(RESET.0).clamp(1e-3, RESET.1);
            let limit = room.limit.unwrap_or(room.remaining).max(room.remaining);
            let needed = around.rates.expected * span * each;
            let is_near = room.remaining < LOW * limit || room.remaining < needed;
            let rate = (room.remaining + TRICKLE * limit) / each / span;
            is_near.then(|| (rate.max(0.02), headroom.at.after_secs(span)))
        };
        let requests = headroom.requests.and_then(|room| near(room, 1.0));
        let tokens = headroom.tokens.zip(self.tokens_each);
        let tokens = tokens.and_then(|(room, each)| near(room, each));
        [requests, tokens]
            .into_iter()
            .flatten()
            .min_by(|a, b| a.0.total_cmp(&b.0))
    }

    /// Requests per second that it can take; `None` while no limit is known.
    pub(super) fn cap(&self, now: Time) -> Option<f64> {
        let announced = self.announced.filter(|(_, until)| *until > now);
        let learned = self.cap.map(|rate| self.eased(rate, now));
        match (learned, announced) {
            (Some(learned), Some((rate, _))) => Some(learned.min(rate)),
            (learned, announced) => learned.or(announced.map(|(rate, _)| rate)),
        }
    }

    /// Whether what the provider says is left, rather than its refusals, makes the rate of [`Capacity::cap`].
    pub(super) fn is_announced(&self, now: Time) -> bool {
        let cap = self.cap(now);
        let announced = self.announced.filter(|(_, until)| *until > now);
        announced.is_some_and(|(rate, _)| cap.is_some_and(|cap| rate <= cap))
    }

    /// Little's law with room for chance: 4 + N + 4√N, where N is the rate times the time to content.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at least 4, and a float cast saturates"
    )]
    fn caps(&self, around: &Around<'_>, seconds_to_first: f64) -> [u32; 2] {
        let young = self
            .born
            .is_none_or(|born| around.now.secs_since(born) < CAP_FROM);
        if young {
            return [u32::MAX; 2];
        }
        let sum: f64 = self.dispatched.iter().sum();
        let unary_part = if sum > 1e-6 {
            self.dispatched[1] / sum
        } else {
            0.0
        };
        let streamed = self.dispatched[0].max(around.rates.expected * (1.0 - unary_part));
        let unary = self.dispatched[1].max(around.rates.expected * unary_part);
        let cap = |n: f64| (4.0 + n + 4.0 * n.sqrt()).ceil() as u32;
        let known = self.unary_seen >= KNOWN_UNARY;
        [
            cap(streamed * seconds_to_first),
            if known {
                cap(unary * self.unary_seconds)
            } else {
                u32::MAX
            },
        ]
    }

    /// Requests of one kind sent per second.
    pub(super) const fn dispatch_rate(&self, kind: AnswerKind) -> f64 {
        self.dispatched[kind.index()]
    }

    /// Most requests without content: streamed, unary.
    pub(super) const fn pending_cap(&self) -> [u32; 2] {
        self.pending_cap
    }
}

impl Capacity {
    /// Whether a run can have written it.
    pub(super) fn possible(&self, stored: Time) -> Result<(), Odd> {
        // What was taken, in a millisecond at least.
        if let Some(cap) = self.cap {
            number("cap", cap, (CUT * LEAST_RATE * SLOWEST, MOST_COUNT / 1e-3))?;
        }
        if let Some((rate, until)) = self.announced {
            // What a provider says is left may be any number.
            number("announced", rate, (LEAST_RATE, f64::MAX))?;
            by("announced until", until, stored, RESET.1)?;
        }
        if let Some(each) = self.tokens_each {
            number("tokens_each", each, (1.0, 2.0 * MOST_TOKENS))?;
        }
        number("taken", self.taken, (-MOST_COUNT, MOST_COUNT))?;
        number("taken_for", self.taken_for, (0.0, MOST_SECONDS))?;
        past("refused_at", self.refused_at, stored)?;
        let Lately { sent, refused } = &self.lately;
        numbers("lately", [sent, refused], (0.0, MOST_COUNT))?;
        numbers("dispatched", &self.dispatched, (0.0, MOST_RATE))?;
        // Totals come as numbers of 32 bits.
        let seconds = (0.0, f64::from(f32::MAX));
        number("unary_seconds", self.unary_seconds, seconds)?;
        number("unary_seen", self.unary_seen, (0.0, 30.0))?;
        past("born", self.born, stored)
    }
}

#[cfg(test)]
#[path = "capacity_tests.rs"]
mod tests;
