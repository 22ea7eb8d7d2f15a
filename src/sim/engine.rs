//! The event loop over virtual time: requests come, somebody chooses, targets do what their laws say.
//!
//! Time jumps from event to event. Requests are made by [`Arrivals`] one after the other, an attempt's whole fate is known
//! when it is sent, and of its events only the next one waits in the queue, so the queue is as long as requests are in
//! flight. Events of the same microsecond happen in a fixed order: what was under way, then the tick, then arrivals.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use super::arrivals::{Arrival, Arrivals};
use super::decides::{Decides, Heard, Replicas};
use super::fleet::Fleet;
use super::loss;
use super::oracle::{Oracle, Sight};
use super::ours::Ours;
use super::policy::{Asked, Attempt, Policy, Score};
use super::record::{End, Run, Served, Tried};
use super::scenario::Scenario;
use super::seen::{Patience, events};
use super::world::{Bill, World};
use crate::balance::Mask;
use crate::law::{Fate, Ticket};
use crate::model::{AnswerKind, Event, Finished, Outcome, TargetIndex, Time};

/// Time between two ticks.
pub(super) const TICK: Duration = Duration::from_millis(250);
/// With failover: further targets that a request may try.
const FURTHER: usize = 2;
/// With failover: when a stream's first content is due, at the latest.
const FIRST_DUE: Duration = Duration::from_secs(8);
/// With failover: the part of the client's patience that one unary attempt may use up. More, and a second attempt has no
/// time left to succeed; less, and long answers are cut off that would have come.
const UNARY_PART: f64 = 0.6;

/// Whether a request that failed before its first content goes to another target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failover {
    /// Its caller gets the failure: the bare choice is judged.
    Off,
    /// Up to two further targets, as in the daemon; the same for every policy.
    On,
}

/// Runs a scenario with a policy for each replica. The same arguments give the same run.
pub fn run<P: Policy>(
    scenario: &Scenario,
    seed: u64,
    failover: Failover,
    replicas: &mut [P],
) -> Run {
    Engine::new(scenario, seed, failover, Replicas(replicas)).run()
}

/// Runs a scenario with several replicas of Weighbridge that tick at moments of their own, and tell each other what they
/// measure if they were made to ([`Ours::sharing`]).
pub fn run_fleet(scenario: &Scenario, seed: u64, failover: Failover, replicas: &mut [Ours]) -> Run {
    Engine::new(scenario, seed, failover, Fleet::new(replicas)).run()
}

/// Runs a scenario with somebody who knows all laws, queues and quotas, though not the luck of single requests.
///
/// Where queues form, being greedy today costs others tomorrow, so there the better of two ways counts.
pub fn run_oracle(scenario: &Scenario, seed: u64, failover: Failover) -> Run {
    let of =
        |sight| Engine::new(scenario, seed, failover, Oracle::new(scenario, seed, sight)).run();
    let greedy = of(Sight::Greedy);
    let queues = |target: &super::SimTarget| target.law.servers.bounds().1 > 0.0;
    if !scenario.targets.values().any(queues) {
        return greedy;
    }
    let considerate = of(Sight::NoQueues);
    if considerate.loss() < greedy.loss() {
        considerate
    } else {
        greedy
    }
}

/// An attempt under way.
#[derive(Debug)]
struct Flight {
    arrival: Arrival,
    attempt: Attempt,
    /// Targets that were tried for the request, this one last.
    tried: Vec<usize>,
    bill: Bill,
    /// What is still to happen, the next at the end.
    ahead: Vec<(Duration, Event)>,
    ticket: Option<Ticket>,
    /// When content reached the client, if it did.
    content: Option<Time>,
}

struct Engine<'a, D> {
    scenario: &'a Scenario,
    failover: Failover,
    decides: D,
    world: World<'a>,
    arrivals: std::iter::Peekable<Arrivals<'a>>,
    present: Vec<bool>,
    configured: Mask,
    reloads: usize,
    flights: Vec<Option<Flight>>,
    free: Vec<usize>,
    /// When something happens to which flight; the number keeps those of the same moment in order.
    due: BinaryHeap<Reverse<(Time, u64, usize)>>,
    number: u64,
    attempts: u64,
    run: Run,
}

/// What comes next.
enum Next {
    Flight(usize),
    Tick,
    Arrival,
}

impl<'a, D: Decides> Engine<'a, D> {
    fn new(scenario: &'a Scenario, seed: u64, failover: Failover, decides: D) -> Self {
        Self {
            scenario,
            failover,
            decides,
            world: World::new(scenario, seed),
            arrivals: Arrivals::of(scenario, seed).peekable(),
            present: vec![false; scenario.targets.len()],
            configured: Mask::NONE,
            reloads: 0,
            flights: Vec::new(),
            free: Vec::new(),
            due: BinaryHeap::new(),
            number: 0,
            attempts: 0,
            run: Run::default(),
        }
    }

    fn run(mut self) -> Run {
        let end = Time::from_secs_f64(self.scenario.seconds);
        for target in 0..self.present.len() {
            self.set_present(target, self.is_present(target, Time::ZERO), Time::ZERO);
        }
        let mut tick = self.decides.next_tick(Time::ZERO);
        while let Some((now, next)) = self.next(tick, end) {
            match next {
                Next::Flight(place) => {
                    self.due.pop();
                    self.happen(now, place);
                }
                Next::Tick => {
                    self.change(now);
                    self.decides.tick(now);
                    tick = self.decides.next_tick(now);
                }
                Next::Arrival => {
                    if let Some(arrival) = self.arrivals.next() {
                        self.place(now, arrival, Vec::new());
                    }
                }
            }
        }
        self.run
    }

    /// What comes next and when; ticks end with the scenario, what is under way then still ends.
    fn next(&mut self, tick: Time, end: Time) -> Option<(Time, Next)> {
        let flight = self
            .due
            .peek()
            .map(|Reverse((at, _, place))| (*at, Next::Flight(*place)));
        let tick = (tick <= end).then_some((tick, Next::Tick));
        let arrival = self
            .arrivals
            .peek()
            .map(|arrival| (arrival.at, Next::Arrival));
        [flight, tick, arrival]
            .into_iter()
            .flatten()
            .min_by_key(|(at, _)| *at)
    }

    fn is_present(&self, target: usize, now: Time) -> bool {
        self.world.targets[target]
            .told
            .is_present(now.as_secs_f64())
    }

    /// The configuration changes as the scenario says.
    fn change(&mut self, now: Time) {
        for target in 0..self.present.len() {
            let present = self.is_present(target, now);
            if present != self.present[target] {
                self.set_present(target, present, now);
            }
        }
        let seconds = now.as_secs_f64();
        let due = self
            .scenario
            .reloads
            .iter()
            .filter(|reload| reload.at <= seconds)
            .count();
        if due > self.reloads {
            self.reloads = due;
            self.decides.reloaded(&self.scenario.weights(seconds), now);
        }
    }

    fn set_present(&mut self, target: usize, present: bool, now: Time) {
        self.present[target] = present;
        if present {
            self.configured.insert(TargetIndex::at(target));
        } else {
            self.configured.remove(TargetIndex::at(target));
        }
        self.decides.set_present(target, present, now);
    }

    /// Sends a request, for the first time or again, to wherever it is wanted.
    fn place(&mut self, now: Time, arrival: Arrival, mut tried: Vec<usize>) {
        let mut eligible = self.configured;
        for target in &tried {
            eligible.remove(TargetIndex::at(*target));
        }
        let asked = Asked {
            now,
            request: arrival.request,
            kind: arrival.kind,
            eligible: &eligible,
            attempts: u32::try_from(tried.len()).unwrap_or(u32::MAX),
            conversation: arrival.conversation,
        };
        let chosen = self.decides.choose(&self.world, &arrival, &asked);
        let Some(picked) = chosen.filter(|picked| picked.target < self.present.len()) else {
            return self.serve(now, &arrival, None, End::Failed);
        };
        tried.push(picked.target);
        let patience = self.patience(now, &arrival);
        let bill = self.world.bill(picked.target, &arrival, now);
        let fate = match self.scenario.severed(arrival.replica, picked.target, now) {
            Some(fate) => fate,
            None => self
                .world
                .send(picked.target, &arrival, patience.whole, now),
        };
        let mut ahead = events(&fate, arrival.kind, patience, &bill);
        ahead.reverse();
        let attempt = Attempt {
            id: self.attempts,
            request: arrival.request,
            target: picked.target,
            kind: arrival.kind,
            probe: picked.probe,
            started: now,
            tokens_out: arrival.tokens_out,
            price: bill.price,
        };
        self.attempts += 1;
        self.run.tried.push(Tried {
            at: now,
            target: picked.target,
        });
        self.decides.began(arrival.replica, &attempt, now);
        let ticket = match &fate {
            Fate::Answer(answer) => answer.ticket,
            Fate::Error { .. } | Fate::Hang(_) | Fate::Wrong { .. } => None,
        };
        self.fly(Flight {
            arrival,
            attempt,
            tried,
            bill,
            ahead,
            ticket,
            content: None,
        });
    }

    /// How long an attempt that begins now is waited for.
    fn patience(&self, now: Time, arrival: &Arrival) -> Patience {
        let all = Duration::from_secs_f64(self.scenario.load.timeout);
        let left = all.saturating_sub(now.since(arrival.at));
        if let Some(terms) = &self.scenario.terms {
            let (first, whole) = match arrival.kind {
                AnswerKind::Streamed => (left.min(terms.first_due), left),
                AnswerKind::Unary => (left.min(terms.unary_due), left.min(terms.unary_due)),
            };
            return Patience { first, whole };
        }
        match (self.failover, arrival.kind) {
            (Failover::Off, _) => Patience {
                first: left,
                whole: left,
            },
            (Failover::On, AnswerKind::Streamed) => Patience {
                first: left.min(FIRST_DUE),
                whole: left,
            },
            (Failover::On, AnswerKind::Unary) => {
                let most = left.min(all.mul_f64(UNARY_PART));
                Patience {
                    first: most,
                    whole: most,
                }
            }
        }
    }

    fn fly(&mut self, flight: Flight) {
        let place = self.free.pop().unwrap_or_else(|| {
            self.flights.push(None);
            self.flights.len() - 1
        });
        self.wait(place, &flight);
        self.flights[place] = Some(flight);
    }

    /// Queues the next event of a flight.
    fn wait(&mut self, place: usize, flight: &Flight) {
        if let Some((after, _)) = flight.ahead.last() {
            self.number += 1;
            let at = flight.attempt.started.after(*after);
            self.due.push(Reverse((at, self.number, place)));
        }
    }

    fn happen(&mut self, now: Time, place: usize) {
        let Some(mut flight) = self.flights[place].take() else {
            return;
        };
        let Some((_, event)) = flight.ahead.pop() else {
            return;
        };
        let score = match &event {
            Event::Finished(end) => Some(score(end, &flight)),
            Event::Dispatched(_) | Event::FirstContent(_) | Event::Gap => None,
        };
        let heard = Heard {
            event: &event,
            score: score.as_ref(),
        };
        let replica = flight.arrival.replica;
        self.decides.happened(replica, &flight.attempt, &heard, now);
        if let Event::Finished(end) = &event {
            self.free.push(place);
            self.finish(now, flight, end);
        } else {
            if matches!(event, Event::FirstContent(_)) {
                flight.content = Some(now);
            }
            self.wait(place, &flight);
            self.flights[place] = Some(flight);
        }
    }

    /// An attempt is over: the request goes on, or its caller has its answer.
    fn finish(&mut self, now: Time, flight: Flight, end: &Finished) {
        if let (Outcome::Timeout(_), Some(ticket)) = (end.outcome, flight.ticket) {
            self.world.leave(flight.attempt.target, ticket, now);
        }
        if self.moves_on(now, &flight, end) {
            return self.place(now, flight.arrival, flight.tried);
        }
        let how = match end.outcome {
            _ if is_clients_own(end, &flight.arrival) => End::ClientFault,
            Outcome::Ok => End::Answered,
            Outcome::Timeout(_) => End::TimedOut,
            _ => End::Failed,
        };
        self.serve(now, &flight.arrival, Some(&flight), how);
    }

    /// Whether another target is asked after this end.
    fn moves_on(&self, now: Time, flight: &Flight, end: &Finished) -> bool {
        let failed = end.outcome != Outcome::Ok && !is_clients_own(end, &flight.arrival);
        let untried =
            || (0..self.present.len()).any(|i| self.present[i] && !flight.tried.contains(&i));
        self.failover == Failover::On
            && failed
            && flight.content.is_none()
            && flight.tried.len()
                <= self
                    .scenario
                    .terms
                    .as_ref()
                    .map_or(FURTHER, |it| it.further)
            && !self.patience(now, &flight.arrival).whole.is_zero()
            && untried()
    }

    /// Notes what a request's caller got.
    fn serve(&mut self, now: Time, arrival: &Arrival, last: Option<&Flight>, end: End) {
        let took = now.since(arrival.at);
        let slowness = loss::slowness(took, arrival.tokens_out);
        let answered = last.filter(|_| end == End::Answered);
        let answered = answered.map(|flight| &flight.bill);
        let content = last.and_then(|flight| flight.content);
        let loss = match (end, answered) {
            (End::ClientFault, _) => 0.0,
            (_, Some(bill)) => loss::of_answer(slowness, bill.price),
            (_, None) => loss::of_failure(slowness),
        };
        let cached = answered.map_or(0, |bill| bill.tokens.cached_input);
        self.run.served.push(Served {
            at: arrival.at,
            took: took.as_secs_f64(),
            first: content.map(|content| content.since(arrival.at).as_secs_f64()),
            end,
            loss,
            price: answered.map_or(0.0, |bill| bill.price),
            dollars: answered.map_or(0.0, |bill| bill.cost.usd()),
            tokens_in: short(arrival.tokens_in),
            cached_in: short(cached),
            tokens_out: short(arrival.tokens_out),
        });
    }
}

/// An attempt's score, as if it were the whole request.
fn score(end: &Finished, flight: &Flight) -> Score {
    let slowness = loss::slowness(end.total, flight.attempt.tokens_out);
    if end.outcome == Outcome::Ok {
        return Score {
            loss: loss::of_answer(slowness, flight.bill.price),
            slowness: Some(slowness),
        };
    }
    let loss = if is_clients_own(end, &flight.arrival) {
        0.0
    } else {
        loss::of_failure(slowness)
    };
    Score {
        loss,
        slowness: None,
    }
}

/// A request that is wrong and was told so; one that failed otherwise counts like any other.
fn is_clients_own(end: &Finished, arrival: &Arrival) -> bool {
    arrival.client_fault && end.outcome == Outcome::ClientFault
}

fn short(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
#[path = "engine_tests.rs"]
mod tests;
