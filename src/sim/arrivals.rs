//! The requests of a scenario: a function of the scenario and the seed alone, so that all policies meet the same ones.
//!
//! Arrivals are Poisson. Where the rate changes, candidates come at the highest rate and each is kept with the part of it
//! that the rate is at that moment (thinning). Source: Lewis, Shedler, "Simulation of nonhomogeneous Poisson processes by
//! thinning", Naval Research Logistics Quarterly 26, 1979.

use super::conversations::{Coming, Conversations, Turn, luck as turn_luck};
use super::scenario::Scenario;
use super::trace::Trace;
use crate::law::{Generator, whole};
use crate::model::{AnswerKind, Time};

/// The part of arrivals in the noise; targets have hashes of their names there.
const SALT: u64 = 2;

/// A request as it comes in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arrival {
    /// Its number, from 0 in the order of arrival over all replicas.
    pub request: u64,
    /// When it comes.
    pub at: Time,
    /// The replica that it comes to.
    pub replica: usize,
    /// Streamed or unary.
    pub kind: AnswerKind,
    /// Tokens of the prompt.
    pub tokens_in: u64,
    /// Tokens of the answer, if one comes.
    pub tokens_out: u64,
    /// The request is the client's mistake.
    pub client_fault: bool,
    /// The conversation that it belongs to, if it belongs to one.
    pub conversation: Option<u64>,
}

impl Arrival {
    /// A request of median lengths.
    pub(super) fn usual(scenario: &Scenario, at: Time) -> Self {
        let (load, seconds) = (&scenario.load, at.as_secs_f64());
        Self {
            request: 0,
            at,
            replica: 0,
            kind: AnswerKind::Streamed,
            tokens_in: whole(load.tokens_in.at(seconds)),
            tokens_out: load.tokens_out.tokens(0.0, seconds).max(1),
            client_fault: false,
            conversation: None,
        }
    }
}

/// The requests of a scenario, in the order of their time.
#[derive(Debug)]
pub struct Arrivals<'a> {
    scenario: &'a Scenario,
    seed: u64,
    /// The highest rate at any time, per second.
    highest: f64,
    candidates: u64,
    requests: u64,
    seconds: f64,
    /// When the next conversation begins, if that is known; turns that are to come; conversations so far.
    start: Option<f64>,
    coming: Coming,
    conversations: u64,
}

impl<'a> Arrivals<'a> {
    /// The requests of `scenario` under this seed.
    pub fn of(scenario: &'a Scenario, seed: u64) -> Self {
        let mut arrivals = Self {
            scenario,
            seed,
            highest: 0.0,
            candidates: 0,
            requests: 0,
            seconds: 0.0,
            start: None,
            coming: Coming::default(),
            conversations: 0,
        };
        arrivals.highest = scenario.load.rps.bounds().1 / arrivals.turns();
        arrivals
    }

    /// A request at that second, with the rest of its luck.
    fn request(&mut self, at: f64, luck: &mut Generator) -> Arrival {
        let load = &self.scenario.load;
        let request = self.requests;
        self.requests += 1;
        let replicas = f64::from(self.scenario.replicas);
        let replica = whole((luck.uniform() * replicas).floor());
        let streamed = luck.uniform() < load.streamed.at(at);
        Arrival {
            request,
            at: Time::from_secs_f64(at),
            replica: usize::try_from(replica).unwrap_or_default(),
            kind: if streamed {
                AnswerKind::Streamed
            } else {
                AnswerKind::Unary
            },
            client_fault: luck.uniform() < load.client_fault.at(at),
            tokens_in: whole(load.tokens_in.at(at)),
            tokens_out: load.tokens_out.tokens(luck.normal(), at).max(1),
            conversation: None,
        }
    }

    /// The next request of a trace: its time and tokens, and drawn what traces do not tell.
    fn recorded(&mut self, trace: &Trace) -> Option<Arrival> {
        let place = usize::try_from(self.requests).ok()?;
        let told = trace.requests().get(place)?;
        if told.seconds >= self.scenario.seconds {
            return None;
        }
        let mut luck = Generator::of(self.seed, self.requests, SALT);
        Some(Arrival {
            tokens_in: told.tokens_in,
            tokens_out: told.tokens_out,
            ..self.request(told.seconds, &mut luck)
        })
    }

    /// The second and the luck of the next candidate that is kept.
    fn candidate(&mut self) -> Option<(f64, Generator)> {
        if self.highest <= 0.0 {
            return None;
        }
        loop {
            let mut luck = Generator::of(self.seed, self.candidates, SALT);
            self.candidates += 1;
            // From (0, 1]: the logarithm of 0 would be infinite.
            self.seconds += -(1.0 - luck.uniform()).ln() / self.highest;
            if self.seconds >= self.scenario.seconds {
                return None;
            }
            let rate = self.scenario.load.rps.at(self.seconds) / self.turns();
            if luck.uniform() * self.highest < rate {
                return Some((self.seconds, luck));
            }
        }
    }

    /// Requests that each candidate stands for in the mean.
    fn turns(&self) -> f64 {
        let told = self.scenario.load.conversations;
        told.map_or(1.0, |told| told.turns)
    }

    /// The next request where all are turns of conversations: a new one's first or another one's next, what comes earlier.
    fn turn(&mut self, told: &Conversations) -> Option<Arrival> {
        let start = match self.start.take() {
            Some(start) => Some(start),
            None => self.candidate().map(|(at, _)| at),
        };
        let turn = match (start, self.coming.next_at()) {
            (Some(start), Some(next)) if next < start => {
                self.start = Some(start);
                self.coming.pop(told)?
            }
            (Some(start), _) => {
                self.conversations += 1;
                Turn {
                    at: start,
                    conversation: self.conversations,
                    number: 0,
                    more: 0.0,
                }
            }
            (None, _) => self.coming.pop(told)?,
        };
        if turn.at >= self.scenario.seconds {
            return None;
        }
        let mut luck = turn_luck(self.seed, &turn);
        self.coming.go_on(told, &turn, &mut luck);
        let arrival = self.request(turn.at, &mut luck);
        Some(Arrival {
            tokens_in: arrival.tokens_in.saturating_add(whole(turn.more)),
            conversation: Some(turn.conversation),
            ..arrival
        })
    }
}

impl Iterator for Arrivals<'_> {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        let load = &self.scenario.load;
        if let Some(trace) = &load.followed {
            return self.recorded(trace);
        }
        if let Some(told) = load.conversations {
            return self.turn(&told);
        }
        let (at, mut luck) = self.candidate()?;
        Some(self.request(at, &mut luck))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scenario(rps: &str) -> Scenario {
        let text = format!(
            "name = \"a\"\nseconds = 400\nreplicas = 4\n[load]\nrps = {rps}\nstreamed = 0.25\n[target.a]\nweight = 1"
        );
        Scenario::read(&text).unwrap()
    }

    #[test]
    fn as_many_come_as_the_rate_says_at_each_time() {
        let world = scenario("[[0, 5], [100, 40], [200, 0], [300, 20]]");
        let mut counts = [0.0_f64; 4];
        for arrival in Arrivals::of(&world, 3) {
            counts[usize::try_from(arrival.at.as_micros() / 100_000_000).unwrap()] += 1.0;
        }
        for (count, expected) in counts.into_iter().zip([500.0, 4000.0, 0.0, 2000.0_f64]) {
            let off = (count - expected).abs();
            assert!(off <= 4.0 * expected.sqrt(), "{count} came of {expected}");
        }
    }

    #[test]
    fn replicas_and_kinds_get_their_parts() {
        let all: Vec<Arrival> = Arrivals::of(&scenario("50"), 1).collect();
        let part = |of: &dyn Fn(&Arrival) -> bool| {
            all.iter().filter(|arrival| of(arrival)).count() as f64 / all.len() as f64
        };
        for replica in 0..4 {
            let part = part(&|arrival| arrival.replica == replica);
            assert!((part - 0.25).abs() < 0.015, "replica {replica} gets {part}");
        }
        let streamed = part(&|arrival| arrival.kind == AnswerKind::Streamed);
        assert!((streamed - 0.25).abs() < 0.015, "{streamed} are streamed");
        let other: Vec<Arrival> = Arrivals::of(&scenario("50"), 2).collect();
        assert_ne!(all, other, "another seed, other requests");
    }

    #[test]
    fn a_trace_is_followed_to_the_scenario_s_end() {
        let mut world = scenario("5");
        let rows = (0..500).map(|i| format!("{},{},{}\n", i, 100 + i, 1 + i));
        let text = format!("seconds,tokens_in,tokens_out\n{}", rows.collect::<String>());
        world.follow(Trace::read(&text).unwrap());
        let all: Vec<Arrival> = Arrivals::of(&world, 1).collect();
        assert_eq!(all.len(), 400, "400 s of a request a second");
        for (i, arrival) in (0_u64..).zip(&all) {
            let told = (
                arrival.at.as_micros(),
                arrival.tokens_in,
                arrival.tokens_out,
            );
            assert_eq!(told, (i * 1_000_000, 100 + i, 1 + i), "as recorded");
        }
        let unary = all.iter().filter(|a| a.kind == AnswerKind::Unary).count();
        assert!(
            (260..340).contains(&unary),
            "kinds are still drawn: {unary}"
        );
    }
}
