//! The targets of one mock server: their laws, what they remember, and what became of their requests.
//!
//! One lock a target guards law, memory and counts together. It is held for the computation of a fate (well under a
//! microsecond), never across an `.await`; so counts always add up, and a law is replaced between two requests.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use serde::{Deserialize, Serialize};

use crate::law::{Ask, Draws, Fate, Law, LawError, State, Ticket, fate, salt};
use crate::live::Clock;
use crate::model::Time;

/// Most targets of one server, so that a client in a loop can't fill the memory.
const MAX_TARGETS: usize = 1024;

/// All targets of a mock server; copies share them. The target without a name is called `""`.
#[derive(Clone, Debug)]
pub struct Laws(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: Clock,
    unnamed: Arc<Target>,
    named: RwLock<BTreeMap<String, Arc<Target>>>,
}

/// Why a set of laws is refused.
#[derive(Debug, thiserror::Error)]
pub enum LawsError {
    /// The text is not a law, or not a set of them.
    #[error(transparent)]
    Law(#[from] LawError),
    /// A name that can't be the first part of a path.
    #[error(
        "expected a target's name of 1 to 200 letters, digits and -_.@:+ not beginning with _, found {0:?}"
    )]
    Name(String),
    /// More targets than a server hosts.
    #[error("expected at most {MAX_TARGETS} targets")]
    TooMany,
}

/// What became of the requests of a target: `requests` is the sum of all the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// Requests that came.
    pub requests: u64,
    /// Of these, not over yet: waiting, being answered or hanging.
    pub in_flight: u64,
    /// Answered to the last byte.
    pub answered: u64,
    /// Answered with the error that the law wanted.
    pub errors: u64,
    /// Refused because the request itself was wrong.
    pub refused: u64,
    /// Answers whose connection was closed in the middle, as the law wanted.
    pub cut: u64,
    /// Answers that were not the protocol's, as the law wanted.
    pub wrong: u64,
    /// Left by the client before their end; also those that a shutdown ended.
    pub cancelled: u64,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Answered,
    Error,
    Cut,
    Wrong,
    Cancelled,
}

/// A file for the mock server that has more than one law.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    law: Law,
    target: BTreeMap<String, Law>,
}

impl Laws {
    /// One target without a name, whose law begins now.
    pub fn new(law: Law, clock: Clock) -> Self {
        Self(Arc::new(Inner {
            clock,
            unnamed: Arc::new(Target::new("", law, clock.now())),
            named: RwLock::default(),
        }))
    }

    /// Reads a file: one law (TOML or JSON), or in TOML a table `[law]` for the target without a name and
    /// `[target.NAME]` for each of the others.
    pub fn read(text: &str, clock: Clock) -> Result<Self, LawsError> {
        let several = text
            .parse::<toml::Table>()
            .is_ok_and(|table| table.contains_key("law") || table.contains_key("target"));
        if !several {
            return Ok(Self::new(Law::read(text)?, clock));
        }
        let file: File = toml::from_str(text).map_err(LawError::from)?;
        let laws = Self::new(file.law, clock);
        for (name, law) in file.target {
            laws.put(&name, law)?;
        }
        Ok(laws)
    }

    /// Puts a law in force from now on, at its time 0, with full limits and nobody in line. Requests under way keep
    /// the fate they have; counts go on. A target that is not there yet is made.
    pub fn put(&self, target: &str, law: Law) -> Result<(), LawsError> {
        let now = self.0.clock.now();
        if let Some(target) = self.target(target) {
            target.put(law, now);
            return Ok(());
        }
        if !is_name(target) {
            return Err(LawsError::Name(target.to_owned()));
        }
        let mut named = self.0.named.write().unwrap_or_else(PoisonError::into_inner);
        if named.len() >= MAX_TARGETS {
            return Err(LawsError::TooMany);
        }
        named.insert(target.to_owned(), Arc::new(Target::new(target, law, now)));
        Ok(())
    }

    /// Forgets a named target; says whether it was there. Its requests under way run to their end.
    pub fn remove(&self, target: &str) -> bool {
        let mut named = self.0.named.write().unwrap_or_else(PoisonError::into_inner);
        named.remove(target).is_some()
    }

    /// The law in force at a target.
    pub fn law(&self, target: &str) -> Option<Arc<Law>> {
        Some(Arc::clone(&self.target(target)?.stage().law))
    }

    /// What became of a target's requests.
    pub fn stats(&self, target: &str) -> Option<Stats> {
        Some(self.target(target)?.stage().stats)
    }

    /// Names of the targets that have one, sorted.
    pub fn names(&self) -> Vec<String> {
        let named = self.0.named.read().unwrap_or_else(PoisonError::into_inner);
        named.keys().cloned().collect()
    }

    pub(super) fn clock(&self) -> Clock {
        self.0.clock
    }

    pub(super) fn target(&self, name: &str) -> Option<Arc<Target>> {
        if name.is_empty() {
            return Some(Arc::clone(&self.0.unnamed));
        }
        let named = self.0.named.read().unwrap_or_else(PoisonError::into_inner);
        named.get(name).cloned()
    }
}

fn is_name(text: &str) -> bool {
    (1..=200).contains(&text.len())
        && !text.starts_with('_')
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.@:+".contains(c))
}

// === one target ===

/// One target: a law and all that goes with it.
#[derive(Debug)]
pub(super) struct Target {
    name: String,
    stage: Mutex<Stage>,
}

#[derive(Debug)]
struct Stage {
    law: Arc<Law>,
    /// When the law began, by the server's clock.
    began: Time,
    /// Laws so far: a place in the queue of an earlier one means nothing to this one.
    laws: u64,
    /// Requests without a number of their own since the law began.
    counted: u64,
    state: State,
    stats: Stats,
}

impl Target {
    fn new(name: &str, law: Law, now: Time) -> Self {
        Self {
            name: name.to_owned(),
            stage: Mutex::new(Stage {
                law: Arc::new(law),
                began: now,
                laws: 0,
                counted: 0,
                state: State::default(),
                stats: Stats::default(),
            }),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// A panic while the lock was held would be a bug of the law; the counts are numbers and stay usable.
    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, law: Law, now: Time) {
        let mut stage = self.stage();
        stage.law = Arc::new(law);
        stage.began = now;
        stage.laws += 1;
        stage.counted = 0;
        stage.state = State::default();
    }

    /// Counts a request that the law never sees.
    pub(super) fn refuse(&self) {
        let mut stage = self.stage();
        stage.stats.requests += 1;
        stage.stats.refused += 1;
    }

    /// Decides what a request that arrived `now` experiences.
    pub(super) fn begin(
        self: &Arc<Self>,
        number: Option<u64>,
        ask: &Ask,
        clock: Clock,
        now: Time,
    ) -> Begun {
        let mut stage = self.stage();
        let stage = &mut *stage;
        let number = number.unwrap_or_else(|| {
            stage.counted += 1;
            stage.counted - 1
        });
        let twin = if stage.law.twin.is_empty() {
            &self.name
        } else {
            &stage.law.twin
        };
        let draws = Draws::of(stage.law.seed, number, salt(twin));
        let law_time = Time::ZERO.after(now.since(stage.began));
        let fate = fate(&stage.law, &mut stage.state, ask, &draws, law_time);
        stage.stats.requests += 1;
        stage.stats.in_flight += 1;
        let ticket = match &fate {
            Fate::Answer(answer) => answer.ticket,
            Fate::Error { .. } | Fate::Hang(_) | Fate::Wrong { .. } => None,
        };
        Begun {
            number,
            fate,
            flight: Flight {
                target: Arc::clone(self),
                clock,
                laws: stage.laws,
                ticket,
                over: false,
            },
        }
    }
}

/// A request whose fate is decided.
#[derive(Debug)]
pub(super) struct Begun {
    pub(super) number: u64,
    pub(super) fate: Fate,
    pub(super) flight: Flight,
}

/// A request under way. Dropped without an end, it was left by the client, and its place in line is free.
#[derive(Debug)]
pub(super) struct Flight {
    target: Arc<Target>,
    clock: Clock,
    laws: u64,
    ticket: Option<Ticket>,
    over: bool,
}

impl Flight {
    /// It is over.
    pub(super) fn end(mut self, end: End) {
        self.close(end);
    }

    fn close(&mut self, end: End) {
        if std::mem::replace(&mut self.over, true) {
            return;
        }
        let mut stage = self.target.stage();
        let stats = &mut stage.stats;
        stats.in_flight -= 1;
        match end {
            End::Answered => stats.answered += 1,
            End::Error => stats.errors += 1,
            End::Cut => stats.cut += 1,
            End::Wrong => stats.wrong += 1,
            End::Cancelled => stats.cancelled += 1,
        }
        if let (End::Cancelled, Some(ticket), true) = (end, self.ticket, stage.laws == self.laws) {
            let law_time = Time::ZERO.after(self.clock.now().since(stage.began));
            stage.state.queue.leave(ticket, law_time);
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.close(End::Cancelled);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_holds_one_law_or_several() {
        let clock = Clock::start();
        let one = Laws::read("ttft_ms = 7", clock).unwrap();
        assert_eq!(one.law("").unwrap().ttft_ms.bounds(), (7.0, 7.0));
        let text = "[law]\nttft_ms = 8\n[target.slow]\nttft_ms = 900\n[target.eu-1]\n";
        let several = Laws::read(text, clock).unwrap();
        assert_eq!(several.names(), ["eu-1", "slow"]);
        assert_eq!(
            several.law("slow").unwrap().ttft_ms.bounds().0.to_string(),
            "900"
        );
        assert!(several.law("fast").is_none(), "nobody wrote that one");
        for (text, words) in [
            ("[target.a]\nttft = 1", "unknown field `ttft`"),
            ("[target.\"a/b\"]", "a/b"),
            ("[target._law]", "not beginning with _"),
            ("[targets.a]", "unknown field `targets`"),
        ] {
            let problem = Laws::read(text, clock).unwrap_err().to_string();
            assert!(problem.contains(words), "{text}: {problem}");
        }
    }

    #[test]
    fn targets_are_bounded() {
        let laws = Laws::new(Law::instant(), Clock::start());
        for number in 0..MAX_TARGETS {
            laws.put(&format!("t{number}"), Law::instant()).unwrap();
        }
        assert!(matches!(
            laws.put("more", Law::instant()),
            Err(LawsError::TooMany)
        ));
        assert!(
            laws.put("t5", Law::default()).is_ok(),
            "those that exist may change"
        );
        assert!(laws.remove("t5"), "or go");
        assert!(laws.put("more", Law::instant()).is_ok(), "which makes room");
    }
}
