//! What the other controller would have met of an upstream, under its own shares.
//!
//! Most of what a tick is told is true whatever the shares were: how long an answer took, whether it failed. How many
//! requests were in flight, and how many answers there were to learn from, is not: both follow from the shares.
//!
//! - A controller that would have sent three times as much to a target, and is told a third of what it would have had in
//!   flight there, learns a bound on requests in flight from that third, and from then on keeps the target behind it: a
//!   mistake that it would never make in a world of its own. So what was in flight is scaled by what the other would have
//!   sent lately, over what was sent.
//! - A controller that leaves a target has little to learn from there, and comes back late if it was bad luck that drove it
//!   away; one that goes on being told everything comes back at once. So it is told of as many answers as it would have had:
//!   a part of all, and one more for each extra request that it asks for. Batches are told whole or not at all, and what is
//!   too much is held against the next ones. More than there was cannot be told.
//! - A target that it alone has ejected was sent no probe then. The next answer from there is taken for that of one.
//!
//! How it fails: where more requests would have made a target slower, this does not know it; `whatif` refuses there. What
//! waits for its first content is told as it was, since a request's silence cannot be halved.

use crate::balance::gate::{Cause, GateOrder, ProbeResult};
use crate::balance::{Batch, News, UpstreamInput};
use crate::model::Class;

/// Seconds over which "lately" reaches: about as long as an answer takes. Doubled, the count follows a move of shares late,
/// and a target that was just left seems full; halved, it is as uneven as arrivals are.
const LATELY: f64 = 5.0;
/// With fewer requests than this lately, there is no ratio to speak of.
const FEWEST: f64 = 0.5;
/// From so many answers that the other is owed a batch is told: an answer is half at its first content, half at its end.
const LEAST_OWED: f64 = 0.5;
/// Most answers that it may be owed, as many extra requests as a controller saves up, and most that may be held against it.
const MOST_OWED: f64 = 6.0;
const MOST_ADVANCED: f64 = 60.0;

/// What was sent to an upstream lately, and what the other would have sent.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Crowd {
    then: f64,
    other: f64,
    /// Answers that the other is owed; below zero where it was told of too many.
    owed: f64,
    /// Whether the other had an extra request on offer since the last tick, and whether it had ejected the upstream.
    wanted: bool,
    ejected: bool,
    /// Whether the recorded controller had ejected it.
    ejected_then: bool,
}

impl Crowd {
    /// `elapsed` seconds in which so many requests were sent, and the other would have sent so many.
    pub(super) fn pass(&mut self, elapsed: f64, then: f64, other: f64) {
        let kept = (-elapsed / LATELY).exp();
        self.then = self.then * kept + then;
        self.other = self.other * kept + other;
    }

    /// What the gate goes by until the next tick: then, and by the other.
    pub(super) fn order(&mut self, then: &GateOrder, other: &GateOrder) {
        self.wanted = other.probe_wanted;
        self.ejected = !other.watch.serving;
        self.ejected_then = !then.watch.serving;
    }

    /// What the other would have been told where `told` was.
    pub(super) fn told(&mut self, mut told: UpstreamInput) -> UpstreamInput {
        let ratio = self.ratio();
        let scaled = (f64::from(told.in_flight) * ratio).round();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a cast from f64 saturates, and neither factor is negative"
        )]
        let scaled = scaled as u32;
        told.in_flight = scaled;
        if self.ejected && !self.ejected_then && self.wanted {
            told.news = probed(&told);
        }
        if !self.is_told(&told.batch, ratio) {
            told.batch = Batch::default();
        }
        told
    }

    /// Whether the other is told of this batch, where it would have sent `ratio` requests for each one.
    fn is_told(&mut self, batch: &Batch, ratio: f64) -> bool {
        let ends: u32 = batch.classes.iter().sum();
        let answers = 0.5 * (f64::from(ends) + batch.first_token.n + batch.unary.n);
        if ratio >= 1.0 {
            self.owed = 0.0;
            return true;
        }
        self.owed += answers * ratio + f64::from(u8::from(std::mem::take(&mut self.wanted)));
        self.owed = self.owed.clamp(-MOST_ADVANCED, MOST_OWED);
        let told = answers > 0.0 && self.owed >= LEAST_OWED;
        if told {
            self.owed -= answers;
        }
        told
    }

    fn ratio(&self) -> f64 {
        if self.then < FEWEST {
            1.0
        } else {
            self.other / self.then
        }
    }
}

/// The news with the first answer of the batch as that of a probe.
fn probed(told: &UpstreamInput) -> News {
    let first = told.batch.recent.first();
    let probe = first.map(|recent| match recent.class {
        Class::Ok => ProbeResult::Passed,
        Class::Fault => ProbeResult::Failed(Cause::Faults),
        Class::OurFault => ProbeResult::Failed(Cause::OurFault),
        Class::Throttle | Class::ClientFault | Class::Cancelled => ProbeResult::Void,
    });
    News {
        probe_sent: probe.is_some(),
        probe,
        ..told.news
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::Recent;
    use crate::model::Time;

    /// An upstream with four requests in flight, of which one ended well.
    fn input() -> UpstreamInput {
        let mut batch = Batch::default();
        batch.classes[Class::Ok.index()] = 1;
        batch.first_token.add(1.0);
        batch.recent.push(Recent {
            at: Time::ZERO,
            class: Class::Ok,
            first_token: Some(0.5),
        });
        UpstreamInput {
            in_flight: 4,
            batch,
            ..UpstreamInput::default()
        }
    }

    /// A hundred ticks in which the other sends `other` for each request that was sent, and asks for an extra one each
    /// `every` ticks: what it is told of the last four in flight, and of how many batches.
    fn told(other: f64, every: usize) -> (u32, usize) {
        let mut crowd = Crowd::default();
        let (mut in_flight, mut batches) = (0, 0);
        for tick in 0..100 {
            crowd.pass(0.25, 1.0, other);
            crowd.wanted = tick % every == 0;
            let told = crowd.told(input());
            batches += usize::from(!told.batch.recent.is_empty());
            in_flight = told.in_flight;
        }
        (in_flight, batches)
    }

    #[test]
    fn three_times_the_share_is_three_times_in_flight_and_all_answers() {
        assert_eq!(told(3.0, 1_000), (12, 100));
    }

    #[test]
    fn half_the_share_is_half_in_flight_and_every_second_answer() {
        let (in_flight, batches) = told(0.5, 1_000);
        assert_eq!(in_flight, 2);
        assert!((50..=51).contains(&batches), "{batches} of a hundred");
    }

    #[test]
    fn who_left_a_target_is_told_what_its_extra_requests_bring() {
        assert_eq!(told(0.0, 1_000).1, 1, "it asked once, at the beginning");
        assert_eq!(told(0.0, 10).1, 10);
    }

    #[test]
    fn who_alone_ejected_a_target_takes_an_answer_for_that_of_a_probe() {
        let mut crowd = Crowd {
            wanted: true,
            ejected: true,
            ..Crowd::default()
        };
        let told = crowd.told(input());
        assert_eq!(told.news.probe, Some(ProbeResult::Passed));
        crowd.ejected_then = true;
        crowd.wanted = true;
        let told = crowd.told(input());
        assert_eq!(told.news, News::default(), "then there were probes");
    }

    #[test]
    fn where_nothing_was_sent_nothing_is_scaled() {
        let mut crowd = Crowd::default();
        crowd.pass(0.25, 0.0, 3.0);
        assert_eq!(crowd.told(input()).in_flight, 4);
    }
}
