//! Which answer a score is about: the answers of the last hours by the ids that clients know them by.
//!
//! Problem: a score comes seconds to hours after its answer, names nothing but a request's id, and may come from anybody
//! who has seen one. Choice: the last [`MOST`] answers, for at most a day, each with who gave it and which key had asked;
//! their scores go into their route's cells, from which the next tick takes them. A second score takes the place of the
//! first, since that is what somebody means who changes their mind, and what a client does that got no reply. How it fails:
//! at more than [`MOST`] answers between an answer and its score the score is refused in words; a restart forgets all ids.

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::map::Map;
use super::record::{RequestEnd, Served};
use super::snapshot::Snapshot;
use crate::balance::{Replaced, Scored};
use crate::model::Time;

/// Answers that can be rated: 3.3 MB when there were as many, and an hour and a half at ten a second. The table of ids holds
/// 114,688 before it grows, and tidies itself up in place as long as no more than half of that is in use: with a few more
/// answers it would double after some hours, which looks like a leak and is one for good.
const MOST: usize = 57_000;
/// Origins that a new answer's is looked for among: a comparison each, of which most end at the first pointer. Of a daemon
/// with more targets and keys than these, answers that do not find theirs take 144 bytes more.
const RECENT: usize = 16;
/// For how long, in seconds: scores of older answers are of another day's target.
const OLDEST: f64 = 86_400.0;

/// The answers that can be rated.
#[derive(Debug, Default)]
pub struct Ratings {
    answers: Mutex<Answers>,
    hasher: RandomState,
}

#[derive(Debug, Default)]
struct Answers {
    /// The number of the oldest.
    first: u64,
    all: VecDeque<Answer>,
    /// The number of the latest with this id, by the lower halves of the id's hash and of the number, which take half as
    /// much room: one answer of 75,000 shares its half with a later one and cannot be rated. Clients choose ids and know
    /// nothing of their hashes, so those need no second hash that withstands them.
    by_id: Map<u32, u32>,
    /// Those of the latest answers, newest first.
    origins: VecDeque<Arc<Origin>>,
}

#[derive(Debug)]
struct Answer {
    id: u64,
    at: Time,
    origin: Arc<Origin>,
    given: Option<Box<Given>>,
}

/// Who gave an answer to whom. Many answers have the same, so they share it.
#[derive(Debug, PartialEq)]
struct Origin {
    route: Arc<str>,
    served: Served,
    key: Option<Arc<str>>,
}

/// A score that was given.
#[derive(Clone, Debug, PartialEq)]
pub struct Given {
    /// How good the answer was, 0 to 1.
    pub score: f64,
    /// A word of the application's own.
    pub label: Option<Box<str>>,
    /// Halvings of the route's scores by then.
    halvings: f64,
}

/// What a client says of an answer.
#[derive(Clone, Copy, Debug)]
pub struct Rating<'a> {
    /// The request's id.
    pub id: &'a [u8],
    /// The client key that it comes with; `None` where none is asked for.
    pub key: Option<&'a str>,
    /// How good the answer was, 0 to 1.
    pub score: f64,
    /// A word of the application's own.
    pub label: Option<&'a str>,
}

/// What became of a score.
#[derive(Clone, Debug, PartialEq)]
pub struct Rated {
    /// The route's name, `inline` or `direct`.
    pub route: Arc<str>,
    /// Who had answered.
    pub served: Served,
    /// The score that it took the place of.
    pub before: Option<f64>,
    /// Whether a route's target has it: a list of the request's own has no memory, and a target that another model has
    /// taken over does not answer for the one before.
    pub counts: bool,
}

/// Why a score was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unrated {
    /// No answer is known by this id, or it was another key's.
    Unknown,
    /// More came at once than a tick takes.
    TooMany,
}

impl Ratings {
    /// How many answers can be rated, and for how many hours.
    pub const BOUNDS: (usize, f64) = (MOST, OLDEST / 3_600.0);

    /// A request is over: if anything of an answer reached the client, it can be rated.
    pub fn ended(&self, end: &RequestEnd) {
        let Some(served) = &end.served else { return };
        if !end.is_good() && end.first_content.is_none() {
            return;
        }
        let id = self.hasher.hash_one(end.id.as_bytes());
        let mut answers = self.answers();
        let origin = answers.origin(&end.route, served, end.key.as_ref());
        answers.push(Answer {
            id,
            at: end.at,
            origin,
            given: None,
        });
    }

    /// Takes a score at the time `now`.
    ///
    /// # Errors
    /// The answer is not known, or the route has no room for more scores until its next tick.
    pub fn rate(
        &self,
        snapshot: &Snapshot,
        rating: &Rating<'_>,
        now: Time,
    ) -> Result<Rated, Unrated> {
        let id = self.hasher.hash_one(rating.id);
        let mut answers = self.answers();
        let answer = answers.find(id, now).ok_or(Unrated::Unknown)?;
        if rating.key.is_some() && answer.origin.key.as_deref() != rating.key {
            return Err(Unrated::Unknown);
        }
        let before = answer.given.take();
        let halvings = match put(snapshot, answer, rating.score, before.as_deref()) {
            Ok(halvings) => halvings,
            Err(full) => {
                answer.given = before;
                return Err(full);
            }
        };
        answer.given = Some(Box::new(Given {
            score: rating.score,
            label: rating.label.map(Into::into),
            halvings: halvings.unwrap_or_default(),
        }));
        Ok(Rated {
            route: Arc::clone(&answer.origin.route),
            served: answer.origin.served.clone(),
            before: before.map(|before| before.score),
            counts: halvings.is_some(),
        })
    }

    /// What was said of the answer to the request with this id.
    pub fn given(&self, id: &[u8], now: Time) -> Option<Given> {
        let id = self.hasher.hash_one(id);
        let mut answers = self.answers();
        answers.find(id, now)?.given.as_deref().cloned()
    }

    fn answers(&self) -> MutexGuard<'_, Answers> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Puts a score into its route's cells, unless it is the one that is there; tells how old the route's scores are, or `None`
/// if it counts nowhere.
fn put(
    snapshot: &Snapshot,
    answer: &Answer,
    score: f64,
    before: Option<&Given>,
) -> Result<Option<f64>, Unrated> {
    let Some(route) = snapshot.route(&answer.origin.route) else {
        return Ok(None);
    };
    let mut targets = route.config.targets.iter();
    let served = &answer.origin.served;
    let target = targets.position(|target| {
        Some(&target.name) == served.name.as_ref() && target.upstream.name == served.upstream
    });
    let Some(target) = target.and_then(|target| u32::try_from(target).ok()) else {
        return Ok(None);
    };
    let halvings = route.cells.halvings();
    if let Some(same) = before.filter(|before| before.score.to_bits() == score.to_bits()) {
        return Ok(Some(same.halvings));
    }
    let scored = Scored {
        target,
        score,
        instead: before.map(|before| Replaced {
            score: before.score,
            weight: (before.halvings - halvings).exp2().min(1.0),
        }),
    };
    if route.cells.rated(scored) {
        Ok(Some(halvings))
    } else {
        Err(Unrated::TooMany)
    }
}

impl Answers {
    /// The origin with these parts.
    fn origin(&mut self, route: &Arc<str>, served: &Served, key: Option<&Arc<str>>) -> Arc<Origin> {
        let is_it = |known: &&Arc<Origin>| {
            known.served == *served && known.route == *route && known.key.as_ref() == key
        };
        if let Some(known) = self.origins.iter().find(is_it) {
            return Arc::clone(known);
        }
        let fresh = Arc::new(Origin {
            route: Arc::clone(route),
            served: served.clone(),
            key: key.cloned(),
        });
        self.origins.truncate(RECENT - 1);
        self.origins.push_front(Arc::clone(&fresh));
        fresh
    }

    fn push(&mut self, answer: Answer) {
        if self.all.len() == MOST
            && let Some(oldest) = self.all.pop_front()
        {
            // A later one may have the same id.
            if self.by_id.get(&half(oldest.id)) == Some(&half(self.first)) {
                self.by_id.remove(&half(oldest.id));
            }
            self.first += 1;
        }
        let number = self.first + self.all.len() as u64;
        self.by_id.insert(half(answer.id), half(number));
        self.all.push_back(answer);
    }

    fn find(&mut self, id: u64, now: Time) -> Option<&mut Answer> {
        let number = self.by_id.get(&half(id))?;
        let place = number.wrapping_sub(half(self.first));
        let answer = self.all.get_mut(usize::try_from(place).ok()?)?;
        (answer.id == id && now.secs_since(answer.at) <= OLDEST).then_some(answer)
    }
}

/// The lower half.
#[expect(clippy::cast_possible_truncation, reason = "it is what is wanted")]
const fn half(whole: u64) -> u32 {
    whole as u32
}

#[cfg(test)]
#[path = "ratings_tests.rs"]
mod tests;
