//! What the controller gives the books: the shares in force, what it remembers, and which decisions moved shares.

use std::collections::HashMap;
use std::time::Duration;

use crate::balance::{Decision, Learned, LearnedShares, Memory, Plan};
use crate::config::Mode;
use crate::live::Clock;
use crate::model::{RouteName, TargetName, Time};
use crate::store::{Books, Moved, Proposal, ProposedShare, Resumed, Write};

/// How often shares are stored, if they changed. They are what a start after a kill begins with.
const SHARES_EVERY: Duration = Duration::from_secs(1);
/// How often the memory is: some hundred kilobytes of text for fifty upstreams. Halved, twice as much is written; doubled, a
/// start after a kill knows nothing of the last twenty seconds.
const MEMORY_EVERY: Duration = Duration::from_secs(10);
/// A route's decisions are kept at most this often, and of those in between the last. The journal has them all.
const MOVED_EVERY: Duration = Duration::from_secs(1);

/// The shares that a route's controller came to are kept when one of them is this far from those kept last, at most once a
/// minute, and at least once an hour, so that a reader knows that somebody still decided. Usage is kept by the minute, so more
/// often would tell nothing; the hour is what `store::foregone` goes by.
const PROPOSED_APART: f64 = 0.005;
const PROPOSED_EVERY: Duration = Duration::from_secs(60);
const PROPOSED_ANYHOW: Duration = Duration::from_secs(3_600);

/// The controller's hand at the books.
#[derive(Debug)]
pub(super) struct Keepsake {
    books: Books,
    shares: Option<LearnedShares>,
    shares_at: Time,
    memory_at: Time,
    /// What was kept of each route's decisions.
    moves: HashMap<RouteName, Moves<Box<Moved>>>,
    /// What was kept last of what each route's controller came to.
    proposed: HashMap<RouteName, Proposal>,
}

/// What was kept of one route's decisions.
#[derive(Debug)]
struct Moves<T> {
    /// When one was kept last.
    at: Option<Time>,
    /// The targets that a spent budget kept requests away from in the last one that was worth keeping.
    spent: Vec<TargetName>,
    /// One that is worth keeping and came too soon after the last.
    waiting: Option<T>,
}

impl<T> Default for Moves<T> {
    fn default() -> Self {
        Self {
            at: None,
            spent: Vec::new(),
            waiting: None,
        }
    }
}

impl<T> Moves<T> {
    /// What is to be kept now, if this one is worth it or one waits.
    fn due(&mut self, worth: Option<T>, now: Time) -> Option<T> {
        self.waiting = worth.or_else(|| self.waiting.take());
        if self.at.is_some_and(|last| now.since(last) < MOVED_EVERY) {
            return None;
        }
        let due = self.waiting.take()?;
        self.at = Some(now);
        Some(due)
    }
}

impl Keepsake {
    pub(super) fn new(books: Books, now: Time) -> Self {
        Self {
            books,
            shares: None,
            shares_at: Time::ZERO,
            // What a start goes on from is stored already.
            memory_at: now,
            moves: HashMap::new(),
            proposed: HashMap::new(),
        }
    }

    /// After a tick.
    pub(super) fn ticked(&mut self, plan: &Plan, memory: &Memory, now: Time) {
        if now.since(self.shares_at) >= SHARES_EVERY {
            self.shares(plan, memory, now);
        }
        if now.since(self.memory_at) >= MEMORY_EVERY {
            self.memory_at = now;
            let learned = Learned::of(plan, memory, now);
            self.books.write(Write::Learned(Box::new(learned)));
        }
    }

    /// Before the end.
    pub(super) fn last(&mut self, plan: &Plan, memory: &Memory, now: Time) {
        self.shares_at = Time::ZERO;
        self.memory_at = Time::ZERO;
        self.ticked(plan, memory, now);
    }

    fn shares(&mut self, plan: &Plan, memory: &Memory, now: Time) {
        self.shares_at = now;
        let shares = LearnedShares::of(plan, memory, now);
        let known = self.shares.as_ref().map(|known| &known.routes);
        if known != Some(&shares.routes) {
            self.books.write(Write::Shares(shares.clone()));
            self.shares = Some(shares);
        }
    }

    /// What was decided about a route: kept if its shares were moved by it, and if a budget was spent or begins anew, so that
    /// requests go elsewhere than the shares say or are refused.
    pub(super) fn decided(
        &mut self,
        decision: &Decision,
        moved: bool,
        at: Time,
        versions: (u64, u64),
    ) {
        let rows = decision.rows.iter().filter(|row| row.spent.is_some());
        let spent: Vec<TargetName> = rows.map(|row| row.name.clone()).collect();
        let moves = self.moves.entry(decision.route.clone()).or_default();
        let is_worth = moved || moves.spent != spent;
        let (config_generation, table_version) = versions;
        let worth = is_worth.then(|| {
            Box::new(Moved {
                at,
                route: decision.route.to_string(),
                table_version,
                config_generation,
                decision: decision.clone(),
            })
        });
        moves.spent = spent;
        if let Some(due) = moves.due(worth, at) {
            self.books.write(Write::Moved(due));
        }
    }

    /// A route's controller came to these shares, which are obeyed or only shown; in `off` it has none.
    pub(super) fn proposed(&mut self, decision: &Decision, mode: Mode, at: Time) {
        let obeyed = mode == Mode::Auto;
        let last = self.proposed.get(&decision.route);
        if last.is_some_and(|last| at.since(last.at) < PROPOSED_EVERY && last.obeyed == obeyed) {
            return;
        }
        let shares = decision.rows.iter().zip(decision.table.shares());
        let shares = shares.filter(|_| mode != Mode::Off);
        let shares = shares.map(|(row, share)| ProposedShare {
            target: row.name.to_string(),
            configured: row.configured.fraction(),
            share: share.fraction(),
        });
        let proposal = Proposal {
            at,
            route: decision.route.to_string(),
            obeyed,
            shares: shares.collect(),
        };
        if last.is_some_and(|last| says_the_same(last, &proposal)) {
            return;
        }
        self.proposed
            .insert(decision.route.clone(), proposal.clone());
        self.books.write(Write::Proposed(proposal));
    }

    /// Routes that the configuration has no more.
    pub(super) fn forget(&mut self, plan: &Plan) {
        let names: Vec<&RouteName> = plan.routes().map(|route| &route.name).collect();
        self.moves.retain(|name, _| names.contains(&name));
        self.proposed.retain(|name, _| names.contains(&name));
    }
}

/// Whether `last` is young enough and near enough to `next` to stand for it.
fn says_the_same(last: &Proposal, next: &Proposal) -> bool {
    let near = |(a, b): (&ProposedShare, &ProposedShare)| {
        let apart = (a.share - b.share)
            .abs()
            .max((a.configured - b.configured).abs());
        a.target == b.target && apart < PROPOSED_APART
    };
    next.at.since(last.at) < PROPOSED_ANYHOW
        && last.obeyed == next.obeyed
        && last.shares.len() == next.shares.len()
        && last.shares.iter().zip(&next.shares).all(near)
}

/// The memory that a start goes on with, and a word about it.
pub(super) fn resume(resumed: Resumed, plan: &Plan, clock: Clock) -> Option<Memory> {
    let now = clock.now();
    if let Some(why) = &resumed.unreadable {
        tracing::warn!(why, "not all that was learned can be read");
    }
    let shares = resumed.shares.as_ref();
    let (learned_at, shares_at) = (
        resumed.learned.as_ref().map(|learned| learned.at),
        shares.map(|shares| shares.at),
    );
    let mended = resumed
        .learned
        .and_then(|learned| learned.resumed(shares, plan, now));
    let memory = mended.map(|mended| {
        for what in &mended.dropped {
            tracing::warn!(
                what,
                "a part of what was learned cannot be, and is begun anew"
            );
        }
        mended.memory
    });
    let seconds = |at: Option<Time>| at.map(|at| now.since(at).as_secs());
    match (&memory, shares) {
        (Some(_), _) => tracing::info!(
            learned_seconds_ago = seconds(learned_at),
            shares_seconds_ago = seconds(shares_at),
            "goes on from the learned shares"
        ),
        (None, Some(_)) => tracing::warn!(
            shares_seconds_ago = seconds(shares_at),
            "goes on from the learned shares alone; what else was learned is of no use here"
        ),
        (None, None) => {}
    }
    memory.or_else(|| shares.map(|shares| shares.resumed(plan)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proposal(second: u64, obeyed: bool, a: f64) -> Proposal {
        let share = |target: &str, share: f64| ProposedShare {
            target: target.to_owned(),
            configured: 0.5,
            share,
        };
        Proposal {
            at: Time::from_micros(second * 1_000_000),
            route: "chat".to_owned(),
            obeyed,
            shares: vec![share("a", a), share("b", 1.0 - a)],
        }
    }

    #[test]
    fn of_decisions_that_come_too_soon_the_last_is_kept_when_its_time_has_come() {
        let at = |millis: u64| Time::from_micros(millis * 1_000);
        let mut moves = Moves::default();
        let mut kept = |worth: Option<u64>, millis: u64| moves.due(worth, at(millis));
        assert_eq!(kept(Some(1), 0), Some(1));
        assert_eq!(kept(Some(2), 250), None);
        assert_eq!(kept(Some(3), 500), None);
        assert_eq!(kept(None, 750), None);
        assert_eq!(kept(None, 1_000), Some(3), "the end of the move");
        assert_eq!(kept(None, 9_000), None, "once");
    }

    #[test]
    fn shares_are_kept_when_they_moved_or_an_hour_has_gone_by() {
        let last = proposal(0, false, 0.5);
        assert!(says_the_same(&last, &proposal(3_000, false, 0.504)));
        assert!(!says_the_same(&last, &proposal(61, false, 0.506)), "moved");
        assert!(
            !says_the_same(&last, &proposal(3_600, false, 0.5)),
            "an hour"
        );
        assert!(
            !says_the_same(&last, &proposal(1, true, 0.5)),
            "obeyed from now on"
        );
        let mut more = proposal(61, false, 0.5);
        more.shares.truncate(1);
        assert!(!says_the_same(&last, &more), "other targets");
    }
}
