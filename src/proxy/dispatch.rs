//! The attempt loop: who is called, and who next. The rules are [`limit::retry`]'s and [`balance::gate`]'s; this walks.
//!
//! A pool in distress (everybody ejected, or blocked for long) passes the request on to the fallbacks, if there are any;
//! only when they cannot take it either is somebody in distress called. A target that is blocked for a moment is waited for.
//!
//! [`limit::retry`]: crate::limit::retry
//! [`balance::gate`]: crate::balance::gate

use std::time::Duration;

use tokio::time::sleep;

use super::allowed::refused_at;
use super::call::Call;
use super::failed::Failed;
use super::last_word::{Why, last_word};
use super::pool::Pool;
use super::record::Ending;
use super::reply::Reply;
use super::resolve::Asked;
use crate::balance::Mask;
use crate::balance::gate::{Admitted, Reason};
use crate::limit::{Delivered, Grant, Jitter, Left, Next, Place, Tried, is_charged, next};
use crate::live::Stuck;
use crate::model::{Class, Outcome, TargetIndex, Time, UpstreamName};

/// Longest wait for a target that is blocked, when all are. Longer, and the client is told when to come back.
const PATIENCE: Duration = Duration::from_secs(10);
/// The same where others could go on, but with less of the conversation than its origin has.
const PATIENCE_WITH_ORIGIN: Duration = Duration::from_secs(2);

/// One request on its way through its pools.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    call: Call<'a>,
    asked: &'a Asked,
    ending: &'a mut Ending,
    /// Targets of the pool that have not been called.
    untried: Mask,
    /// The same of the fallback that is being walked.
    untried_there: (usize, Mask),
    history: Vec<Tried>,
    last: Option<Failed>,
    /// Whether the retry that comes next has been granted.
    is_paid: bool,
    /// Who said that our credential or our model is wrong there: no later place of this request leads there again.
    hopeless: Vec<UpstreamName>,
    /// Whether pools in distress are called, since nobody else is left.
    desperate: bool,
    /// Who goes on when nobody here can.
    reserve: Reserve,
    /// Calls that were made on this walk.
    sent: u32,
}

/// Who goes on when nobody of a walk can.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reserve {
    /// Nobody.
    Nobody,
    /// Another walk, for what is left of the plan: rather than wait here, go there.
    Another,
}

/// Who is called, and why.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pick {
    pub(super) target: TargetIndex,
    pub(super) reason: Reason,
    /// With which probability, where it is known and asked for.
    pub(super) propensity: Option<f64>,
}

impl Pick {
    const fn of(target: TargetIndex, reason: Reason) -> Self {
        Self {
            target,
            reason,
            propensity: None,
        }
    }
}

/// How a walk ends.
#[derive(Debug)]
pub(super) enum Walked {
    /// With what the client gets.
    Reply(Reply),
    /// Nobody here can; the reserve may go on.
    Spent,
}

/// What came of choosing a target.
enum Choice {
    /// This one, now.
    Call(Admitted),
    /// All are blocked, and the first for this long.
    Blocked(TargetIndex, Duration),
    /// Nobody of the pool works, and there are others to ask first.
    Distress(TargetIndex),
    /// Nobody is left.
    Nobody,
}

impl<'a> Walk<'a> {
    /// A request that has not been sent anywhere.
    pub(super) fn new(
        call: Call<'a>,
        asked: &'a Asked,
        ending: &'a mut Ending,
        reserve: Reserve,
    ) -> Self {
        Self {
            call,
            untried: asked.pool.eligible,
            untried_there: (usize::MAX, Mask::NONE),
            asked,
            ending,
            history: Vec::new(),
            last: None,
            is_paid: false,
            hopeless: Vec::new(),
            desperate: asked.counts.usual == 0 && reserve == Reserve::Nobody,
            reserve,
            sent: 0,
        }
    }

    /// There is no reserve after all.
    pub(super) fn alone(&mut self) {
        self.reserve = Reserve::Nobody;
        if self.sent == 0 {
            self.desperate = self.asked.counts.usual == 0;
            self.history.clear();
            self.untried = self.asked.pool.eligible;
        }
    }

    /// The last failure.
    pub(super) fn last(&self) -> Option<&Failed> {
        self.last.as_ref()
    }

    /// Calls one target after the other until one answers or the plan is spent.
    pub(super) async fn run(&mut self) -> Walked {
        loop {
            let jitter = Jitter(self.call.proxy.chance.number());
            let elapsed = self.ending.elapsed();
            let left = self.left();
            let next = next(&self.asked.plan, &self.history, left, elapsed, jitter);
            let answered = match next {
                Next::RetrySame { .. } | Next::GiveUp if self.can_hand_over() => {
                    return Walked::Spent;
                }
                _ if !self.is_granted(next) => {
                    self.ending.end.budget_spent = true;
                    return Walked::Reply(self.rejected(Why::Budget));
                }
                Next::TryNext => self.try_pool().await,
                Next::FallBack(index) => Box::pin(self.try_fallback(index)).await,
                Next::RetrySame { place, after } => {
                    self.ending.waiting(sleep(after)).await;
                    Box::pin(self.try_again(place)).await
                }
                Next::Return => return Walked::Reply(self.rejected(Why::Final)),
                Next::GiveUp if self.sent == 0 && !self.desperate => {
                    self.desperate = true;
                    self.history.clear();
                    self.untried = self.asked.pool.eligible;
                    None
                }
                Next::GiveUp => return Walked::Reply(self.rejected(Why::Spent)),
            };
            if let Some(reply) = answered {
                return Walked::Reply(reply);
            }
        }
    }

    /// Who has not been tried.
    fn left(&self) -> Left {
        let counts = self.asked.counts;
        Left {
            untried: self.has_untried(),
            fallbacks: counts.usual,
            context: counts.context,
            filter: counts.filter,
        }
    }

    /// Whether `next` may be made: what is tried again beyond the first move is charged to the process's budget. A move that
    /// comes to nothing leaves its grant to the next one. Calls of a walk before this one count as well.
    fn is_granted(&mut self, next: Next) -> bool {
        let is_move = match next {
            Next::TryNext | Next::FallBack(_) | Next::RetrySame { .. } => true,
            Next::GiveUp | Next::Return => false,
        };
        let is_charged = is_charged(&self.history) || self.ending.end.attempts >= 2;
        if is_move && is_charged && !self.is_paid {
            self.is_paid = self.call.proxy.charge() == Grant::Granted;
            return self.is_paid;
        }
        true
    }

    /// Whether somebody else is there, and the plan has something left for them.
    fn can_hand_over(&self) -> bool {
        let plan = &self.asked.plan;
        self.reserve == Reserve::Another
            && self.ending.end.attempts < plan.attempts_max
            && self.ending.elapsed() < plan.total
    }

    /// Whether a target of the pool with a share is untried.
    fn has_untried(&self) -> bool {
        let targets = (0..self.asked.pool.members().len()).map(TargetIndex::at);
        targets
            .into_iter()
            .any(|target| self.untried.contains(target) && self.asked.pool.takes(target))
    }

    async fn try_pool(&mut self) -> Option<Reply> {
        let pool = &self.asked.pool;
        let first = self.history.is_empty() && self.ending.end.attempts == 0;
        let admitted = if first {
            pool.first_pick(self.call.proxy, &self.untried)
        } else {
            pool.pick_again(self.call.proxy, &self.untried)
        };
        match self.choice(pool, admitted) {
            Choice::Call(admitted) => {
                if first {
                    pool.picked(admitted.target);
                }
                let place = Place::Target(admitted.target);
                let open = &self.untried;
                let is_told = self.call.proxy.journal.is_some() || self.ending.is_traced();
                let propensity =
                    (first && is_told).then(|| pool.propensity(self.call.proxy, open, admitted));
                let pick = Pick {
                    propensity: propensity.flatten(),
                    ..Pick::of(admitted.target, admitted.reason)
                };
                self.send(pool, pick, place).await
            }
            Choice::Blocked(target, wait) => {
                Box::pin(self.wait_or_refuse(pool, target, wait, Place::Target(target))).await
            }
            Choice::Distress(target) => {
                self.untried = Mask::NONE;
                self.refuse(
                    Place::Target(target),
                    "its targets are ejected or blocked",
                    None,
                )
            }
            Choice::Nobody => {
                self.untried = Mask::NONE;
                self.refuse(
                    Place::Target(TargetIndex::default()),
                    "nobody is left",
                    None,
                )
            }
        }
    }

    async fn try_fallback(&mut self, index: usize) -> Option<Reply> {
        let place = Place::Fallback(index);
        let Some(pool) = self.asked.fallbacks.get(index) else {
            return self.refuse(place, "there is no such fallback", None);
        };
        if self.untried_there.0 != index {
            self.untried_there = (index, pool.eligible);
        }
        let admitted = pool.pick_again(self.call.proxy, &self.untried_there.1);
        match self.choice(pool, admitted) {
            Choice::Call(admitted) => {
                let reason = match admitted.reason {
                    Reason::Probe => Reason::Drawn,
                    other => other,
                };
                self.send(pool, Pick::of(admitted.target, reason), place)
                    .await
            }
            Choice::Blocked(target, wait) => self.wait_or_refuse(pool, target, wait, place).await,
            Choice::Distress(_) => self.refuse(place, "its targets are ejected or blocked", None),
            Choice::Nobody => self.refuse(place, "nobody is left", None),
        }
    }

    /// A place that was tried before, after its wait.
    async fn try_again(&mut self, place: Place) -> Option<Reply> {
        match place {
            Place::Target(target) => {
                let pick = Pick::of(target, Reason::Drawn);
                self.send(&self.asked.pool, pick, place).await
            }
            Place::Fallback(index) => {
                if let Some(pool) = self.asked.fallbacks.get(index) {
                    self.untried_there = (index, pool.eligible);
                }
                self.try_fallback(index).await
            }
        }
    }

    fn choice(&self, pool: &Pool, admitted: Option<Admitted>) -> Choice {
        let Some(admitted) = admitted else {
            return Choice::Nobody;
        };
        let wait = || {
            let member = pool.members().get(admitted.target.get());
            let until = member.map_or(Time::ZERO, |member| member.upstream.gate().blocked_until);
            until.since(self.call.proxy.clock.now())
        };
        let at_home = self.reserve == Reserve::Another;
        match admitted.reason {
            Reason::Waiting if at_home && wait() <= PATIENCE_WITH_ORIGIN => {
                Choice::Blocked(admitted.target, wait())
            }
            Reason::Waiting | Reason::Panic if !self.desperate => Choice::Distress(admitted.target),
            Reason::Drawn | Reason::Kept | Reason::Probe | Reason::Redirected | Reason::Panic => {
                Choice::Call(admitted)
            }
            Reason::Waiting => Choice::Blocked(admitted.target, wait()),
        }
    }

    /// Waits for a target that is blocked for a moment; refuses if it is for longer.
    async fn wait_or_refuse(
        &mut self,
        pool: &Pool,
        target: TargetIndex,
        wait: Duration,
        place: Place,
    ) -> Option<Reply> {
        let left = self.call.request_due.since(self.call.proxy.clock.now());
        if wait <= PATIENCE && wait < left {
            self.ending.waiting(sleep(wait)).await;
            let pick = Pick::of(target, Reason::Waiting);
            return self.send(pool, pick, place).await;
        }
        self.untried = Mask::NONE;
        self.refuse(place, "all targets asked to be left alone", Some(wait))
    }

    /// Notes that nothing was sent to `place`.
    fn refuse(&mut self, place: Place, detail: &str, wait: Option<Duration>) -> Option<Reply> {
        let refused = Failed {
            wait,
            ..Failed::new(Outcome::Refused, detail)
        };
        self.note(place, &refused);
        if self.sent == 0 {
            self.last = Some(refused);
        }
        None
    }

    async fn send(&mut self, pool: &Pool, pick: Pick, place: Place) -> Option<Reply> {
        let target = pick.target;
        match place {
            Place::Target(_) => untry(&mut self.untried, pool, target),
            Place::Fallback(_) => untry(&mut self.untried_there.1, pool, target),
        }
        let Some(member) = pool.members().get(target.get()) else {
            return self.refuse(place, "the table names a target that does not exist", None);
        };
        let name = &member.config.name;
        if self.hopeless.contains(name) {
            return self.refuse(place, "it turned this request away before", None);
        }
        if let Some(refused) = refused_at(member, self.call.proxy.clock) {
            // What has been tried elsewhere fails by that; what has not is not sent elsewhere.
            if self.ending.end.attempts == 0 {
                return Some(Reply::Reject(refused));
            }
            return self.refuse(place, "what may be spent there is spent", None);
        }
        if self.sent == 0 {
            let of_route = pool.route().and_then(|route| route.budget.as_ref());
            self.ending.charged_to(of_route);
            self.ending.charged_to(member.provider.budget.as_ref());
            self.ending.charged_to(member.budget.as_ref());
        }
        self.is_paid = false;
        self.sent += 1;
        let home = self.asked.pool.home();
        self.ending.end.sticky = home.map(|home| match place {
            Place::Target(_) if target == home => Stuck::Kept,
            Place::Target(_) | Place::Fallback(_) => Stuck::Moved,
        });
        match self.call.attempt(pool, pick, self.ending).await {
            Ok(reply) => {
                self.call.snapshot.served(member);
                Some(reply)
            }
            Err(failed) => {
                if failed.outcome.class() == Class::OurFault {
                    self.hopeless.push(name.clone());
                }
                self.ending.tried(&failed);
                self.note(place, &failed);
                self.ending.end.outcome = failed.outcome;
                self.last = Some(failed);
                None
            }
        }
    }

    fn note(&mut self, place: Place, failed: &Failed) {
        self.history.push(Tried {
            place,
            outcome: failed.outcome,
            status: failed.status.map(|status| status.as_u16()),
            wait: failed.wait,
            ended: self.ending.elapsed(),
            delivered: Delivered::Nothing,
        });
    }

    /// The client's answer after the last failure.
    fn rejected(&mut self, why: Why) -> Reply {
        last_word(self.last.take(), self.asked.named_by, self.ending, why)
    }
}

/// Takes `target` out of those that are untried. The short form of "everybody" has members that the pool lacks.
fn untry(untried: &mut Mask, pool: &Pool, target: TargetIndex) {
    if untried.is_all() {
        *untried = (0..pool.members().len()).map(TargetIndex::at).collect();
    }
    untried.remove(target);
}
