//! The `cb:` in front of a rival's name: a circuit breaker that keeps to Retry-After.
//!
//! Source: Nygard, "Release It!", 2007, and what its many implementations have in common (Hystrix, resilience4j, Polly).
//! No gateway ships Thompson sampling behind one; it stands for a good engineer's week.
//!
//! Three faults in a row open a target's circuit, for two seconds and then twice as long each time, up to thirty. After
//! that one request is sent there at once, ahead of all others, and decides: an answer closes the circuit, a fault opens
//! it again. A 429 says nothing about health: it blocks the target for as long as it asks, between 50 ms and two
//! minutes. Where everything is open, the rival chooses among all.
//!
//! Tuned: three faults and two seconds, from an earlier numerical prototype; common defaults (five faults, thirty seconds)
//! react later and stay away longer.

use super::choice::allowed_or_all;
use super::verdict::{Verdict, end};
use crate::balance::Weight;
use crate::model::{Event, TargetIndex, Time};
use crate::sim::policy::{Asked, Attempt, Picked, Policy, Score};

/// Faults in a row that open a circuit.
const IN_A_ROW: u32 = 3;
/// Seconds that it stays open at first, and at most.
const OPEN: f64 = 2.0;
const LONGEST_OPEN: f64 = 30.0;
/// Bounds of a Retry-After, and what a 429 without one asks for, in seconds.
const SHORTEST_BLOCK: f64 = 0.05;
const LONGEST_BLOCK: f64 = 120.0;
const USUAL_BLOCK: f64 = 1.0;

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Closed {
        faults: u32,
    },
    Open {
        until: Time,
        seconds: f64,
    },
    /// A request is out to see, with this number; `seconds` is how long the circuit was open last.
    Probing {
        attempt: u64,
        seconds: f64,
    },
}

#[derive(Clone, Copy, Debug)]
struct Circuit {
    state: State,
    blocked_until: Time,
}

impl Circuit {
    const NEW: Self = Self {
        state: State::Closed { faults: 0 },
        blocked_until: Time::ZERO,
    };

    fn wants_probe(&self, now: Time) -> bool {
        matches!(self.state, State::Open { until, .. } if until <= now) && self.blocked_until <= now
    }

    fn is_closed(&self, now: Time) -> bool {
        matches!(self.state, State::Closed { .. }) && self.blocked_until <= now
    }

    fn open(&mut self, seconds: f64, now: Time) {
        let until = now.after_secs(seconds);
        self.state = State::Open { until, seconds };
    }

    fn end(&mut self, attempt: u64, verdict: Verdict, now: Time) {
        match self.state {
            State::Closed { faults } => match verdict {
                Verdict::Answered => self.state = State::Closed { faults: 0 },
                Verdict::TimedOut | Verdict::Failed | Verdict::Misconfigured => {
                    self.state = State::Closed { faults: faults + 1 };
                    if faults + 1 >= IN_A_ROW {
                        self.open(OPEN, now);
                    }
                }
                Verdict::Throttled | Verdict::Nothing => {}
            },
            State::Probing {
                attempt: probe,
                seconds,
            } if probe == attempt => match verdict {
                Verdict::Answered => self.state = State::Closed { faults: 0 },
                Verdict::TimedOut | Verdict::Failed | Verdict::Misconfigured => {
                    self.open((seconds * 2.0).min(LONGEST_OPEN), now);
                }
                // It said nothing about health: the next request is the probe.
                Verdict::Throttled | Verdict::Nothing => {
                    let until = now;
                    self.state = State::Open { until, seconds };
                }
            },
            // What was sent before the circuit opened.
            State::Open { .. } | State::Probing { .. } => {}
        }
    }
}

/// Circuit breakers in front of `inner`.
pub(super) struct Breaker {
    inner: Box<dyn Policy>,
    circuits: Vec<Circuit>,
}

impl Breaker {
    pub(super) fn new(inner: Box<dyn Policy>, count: usize) -> Self {
        Self {
            inner,
            circuits: vec![Circuit::NEW; count],
        }
    }
}

impl Policy for Breaker {
    fn set_present(&mut self, target: usize, present: bool, now: Time) {
        self.inner.set_present(target, present, now);
    }

    fn reloaded(&mut self, weights: &[Weight], now: Time) {
        self.inner.reloaded(weights, now);
    }

    fn pick(&mut self, asked: &Asked<'_>) -> Option<Picked> {
        let mut probes = self.circuits.iter().enumerate().filter(|(i, circuit)| {
            asked.eligible.contains(TargetIndex::at(*i)) && circuit.wants_probe(asked.now)
        });
        if let Some((target, _)) = probes.next() {
            return Some(Picked {
                probe: true,
                ..Picked::of(target)
            });
        }
        let closed = |target: usize| self.circuits[target].is_closed(asked.now);
        let closed = allowed_or_all(asked.eligible, self.circuits.len(), closed);
        self.inner.pick(&Asked {
            eligible: &closed,
            ..*asked
        })
    }

    fn began(&mut self, attempt: &Attempt, now: Time) {
        let circuit = &mut self.circuits[attempt.target];
        if let State::Open { until, seconds } = circuit.state
            && until <= now
        {
            circuit.state = State::Probing {
                attempt: attempt.id,
                seconds,
            };
        }
        self.inner.began(attempt, now);
    }

    fn happened(&mut self, attempt: &Attempt, event: &Event, score: Option<&Score>, now: Time) {
        if let Some((finished, verdict)) = end(event) {
            let circuit = &mut self.circuits[attempt.target];
            circuit.end(attempt.id, verdict, now);
            if verdict == Verdict::Throttled {
                let wait = finished.wait.map_or(USUAL_BLOCK, |wait| wait.as_secs_f64());
                let until = now.after_secs(wait.clamp(SHORTEST_BLOCK, LONGEST_BLOCK));
                circuit.blocked_until = circuit.blocked_until.max(until);
            }
        }
        self.inner.happened(attempt, event, score, now);
    }

    fn tick(&mut self, now: Time) {
        self.inner.tick(now);
    }
}
