//! What operators did at one replica and the others are to know: orders, keys, the kill switch.
//!
//! Problem: an order or a revocation is given to one replica, perhaps while the others are out of reach, and must hold
//! everywhere, whatever order messages come in and whoever forgets what. Choice: sets that only grow, joined by their
//! union, so that lost, doubled and reordered messages do nothing. An order holds or has ended, and ended wins; its id is
//! of one replica's process, so none comes twice. A key is known by its digest; each revocation of it is kept, and one is
//! lifted only by a restoring that names it, so none is lost where two act at once. What took a secret's place, and the
//! switch, are as the later of two says. Rejected: the last write wins for all, by which a restoring that had not seen a
//! second revocation lets a leaked key in.
//!
//! How it fails: where all replicas forget (no books, an empty engine), an order that ended while one of them was away holds
//! again there until its time is over; a revocation in any replica's books holds again everywhere.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arc_swap::ArcSwap;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::switch::ToldSwitch;
use crate::config::{Deed, Issue, Issued, Order, Replaced};

/// For how long after an order's time is over it is still told that it has ended, in seconds: longer than clocks differ.
const ENDED_FOR: u64 = 86_400;
/// Longest time that an order from elsewhere may hold, in seconds: a day more than an operator may wish for.
const LONGEST: u64 = 31 * 86_400;
/// Longest text of an order, in bytes.
const LONGEST_TEXT: usize = 2_000;
/// Most revocations and restorings of one key that are taken over from elsewhere.
const MOST_DEEDS: usize = 1_000;

/// An order, as replicas tell each other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToldOrder {
    /// It holds.
    Holds(Box<Order>),
    /// It has ended; when its time is over, in seconds since 1970.
    Ended(u64),
}

/// A key's secret, as replicas tell each other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToldKey {
    /// The name of its key.
    name: String,
    /// How it was made, as the books have it; without what was done to it since.
    kept: String,
    /// What took its place, and when that was said, in milliseconds since 1970.
    #[serde(default)]
    replaced: (u64, Option<Replaced>),
    /// All revocations of it.
    #[serde(default)]
    revoked: BTreeSet<Deed>,
    /// Those that were lifted.
    #[serde(default)]
    lifted: BTreeSet<Deed>,
    /// Whether it was forgotten: nobody was told it, or it was over long ago.
    #[serde(default)]
    gone: bool,
}

/// All of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Told {
    /// By id.
    pub orders: BTreeMap<String, Arc<ToldOrder>>,
    /// By digest.
    pub keys: BTreeMap<[u8; 32], Arc<ToldKey>>,
    /// The switch, if anybody has thrown it. Not kept here: it must work when whoever keeps this does not.
    pub switch: Option<ToldSwitch>,
}

// === impl ToldOrder ===

impl ToldOrder {
    fn joined(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Ended(a), Self::Ended(b)) => Self::Ended(*a.max(b)),
            (Self::Ended(_), Self::Holds(_)) => self.clone(),
            (Self::Holds(_), Self::Ended(_)) => other.clone(),
            // Of one id there is one order. Should somebody have written another, all take the same of both.
            (Self::Holds(a), Self::Holds(b)) => {
                let text = |order: &Order| serde_json::to_string(order).unwrap_or_default();
                if text(a) <= text(b) {
                    self.clone()
                } else {
                    other.clone()
                }
            }
        }
    }

    fn until(&self) -> u64 {
        match self {
            Self::Holds(order) => order.until,
            Self::Ended(until) => *until,
        }
    }

    /// Whether its time has been over for so long that nobody can give it again.
    pub fn is_forgotten(&self, now: u64) -> bool {
        self.until().saturating_add(ENDED_FOR) <= now
    }

    /// Whether it may be taken over from elsewhere: of the right id, and no longer than anything may be.
    pub fn is_sound(&self, id: &str, now: u64) -> bool {
        let is_near = self.until() <= now.saturating_add(LONGEST) && id.len() <= 100;
        let is_short = |text: &str| text.len() <= LONGEST_TEXT && !text.contains(char::is_control);
        is_near
            && match self {
                Self::Holds(order) => {
                    order.id == id && is_short(&order.by) && is_short(&order.reason)
                }
                Self::Ended(_) => true,
            }
    }
}

// === impl ToldKey ===

impl ToldKey {
    fn of(issue: &Issue) -> Self {
        let made = Issue {
            replaced: None,
            revoked: None,
            ..issue.clone()
        };
        let replaced_at = issue.replaced.as_ref().map(|it| it.deed.at);
        Self {
            name: issue.name.to_string(),
            kept: made.to_json().unwrap_or_default(),
            replaced: (
                replaced_at.unwrap_or(0).saturating_mul(1_000),
                issue.replaced.clone(),
            ),
            revoked: issue.revoked.iter().cloned().collect(),
            lifted: BTreeSet::new(),
            gone: false,
        }
    }

    fn joined(&self, other: &Self) -> Self {
        // Who knows how it was made says more than who knows only what was done to it.
        let says = |it: &Self| (it.kept.len(), it.kept.clone(), it.name.clone());
        let more = if says(self) >= says(other) {
            self
        } else {
            other
        };
        Self {
            name: more.name.clone(),
            kept: more.kept.clone(),
            replaced: self.replaced.clone().max(other.replaced.clone()),
            revoked: self.revoked.union(&other.revoked).cloned().collect(),
            lifted: self.lifted.union(&other.lifted).cloned().collect(),
            gone: self.gone || other.gone,
        }
    }

    /// Whether it may be taken over from elsewhere: names and reasons are lines, and it is told of no more than anybody did.
    pub fn is_sound(&self) -> bool {
        let is_line = |text: &str| text.len() <= LONGEST_TEXT && !text.contains(char::is_control);
        let mut deeds = self.revoked.iter().chain(&self.lifted);
        let are_few = self.revoked.len() + self.lifted.len() <= MOST_DEEDS;
        !self.name.is_empty()
            && is_line(&self.name)
            && are_few
            && deeds.all(|deed| is_line(&deed.by) && is_line(&deed.reason))
    }

    /// The name of its key.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How it is revoked, if it is.
    pub fn revocation(&self) -> Option<&Deed> {
        self.revoked.difference(&self.lifted).last()
    }

    /// What it comes to; `None` if there is nothing to know of it.
    ///
    /// # Errors
    /// This version cannot read it.
    pub fn issue(&self, digest: [u8; 32]) -> Result<Option<Issue>, String> {
        if self.gone {
            return Ok(None);
        }
        let mut issue = Issue::from_json(&self.name, digest, &self.kept)?;
        issue.replaced.clone_from(&self.replaced.1);
        issue.revoked = self.revocation().cloned();
        let is_news = issue.made.is_some() || issue.rotated.is_some();
        let is_news = is_news || issue.replaced.is_some() || issue.revoked.is_some();
        Ok(is_news.then_some(issue))
    }

    /// The same with what this replica did about it since: it is as `issue` says now.
    fn with(&self, issue: &Issue, now_ms: u64) -> Self {
        let mut next = self.joined(&Self {
            replaced: (0, None),
            revoked: BTreeSet::new(),
            ..Self::of(issue)
        });
        if next.replaced.1 != issue.replaced {
            next.replaced = (now_ms.max(next.replaced.0 + 1), issue.replaced.clone());
        }
        match &issue.revoked {
            Some(deed) if next.revocation().is_none() => {
                let mut deed = deed.clone();
                // A revocation that looks like one that was lifted is another one.
                while next.lifted.contains(&deed) {
                    deed.at += 1;
                }
                next.revoked.insert(deed);
            }
            Some(_) => {}
            None => next.lifted.extend(next.revoked.iter().cloned()),
        }
        next
    }

    /// The same after this replica has forgotten it.
    fn without(&self, issue: &Issue, now_ms: u64) -> Self {
        let mut next = self.clone();
        if issue.made.is_some() || issue.rotated.is_some() {
            next.gone = true;
        } else {
            // One of the files about which nothing is known any more.
            next.lifted.extend(next.revoked.iter().cloned());
            next.replaced = (now_ms.max(next.replaced.0 + 1), None);
        }
        next
    }
}

// === impl Told ===

impl Told {
    /// Most orders that are taken over from elsewhere: what anybody can write is bounded.
    pub const MOST_ORDERS: usize = 1_000;
    /// Most keys, those that were forgotten included.
    pub const MOST_KEYS: usize = 20_000;

    /// Takes in what another says.
    pub fn join(&mut self, other: &Self) {
        for (id, theirs) in &other.orders {
            join_one(
                &mut self.orders,
                id,
                theirs,
                ToldOrder::joined,
                Self::MOST_ORDERS,
            );
        }
        for (digest, theirs) in &other.keys {
            join_one(
                &mut self.keys,
                digest,
                theirs,
                ToldKey::joined,
                Self::MOST_KEYS,
            );
        }
        if let Some(theirs) = &other.switch
            && theirs.is_over(self.switch.as_ref())
        {
            self.switch = Some(theirs.clone());
        }
    }

    /// The orders that hold now, the earliest first; of those about the same the later one.
    pub fn holding(&self, now: u64) -> Vec<Order> {
        let orders = self.orders.values();
        let holds = orders.filter_map(|it| match &**it {
            ToldOrder::Holds(order) if order.until > now => Some(Order::clone(order)),
            ToldOrder::Holds(_) | ToldOrder::Ended(_) => None,
        });
        let mut list: Vec<Order> = holds.collect();
        list.sort_by(|a, b| (a.since, &a.id).cmp(&(b.since, &b.id)));
        let mut kept: Vec<Order> = Vec::new();
        for order in list {
            kept.retain(|other| !order.is_about(other));
            kept.push(order);
        }
        kept
    }

    /// These are the orders that this replica holds now: what is not among them has ended.
    pub fn note_orders(&mut self, holding: &[Order], now: u64) {
        for (id, order) in &mut self.orders {
            let ended = ToldOrder::Ended(order.until());
            let holds = matches!(**order, ToldOrder::Holds(_));
            if holds && !holding.iter().any(|it| it.id == *id) {
                *order = Arc::new(ended);
            }
        }
        for order in holding {
            let known = self.orders.entry(order.id.clone());
            known.or_insert_with(|| Arc::new(ToldOrder::Holds(Box::new(order.clone()))));
        }
        self.orders.retain(|_, order| !order.is_forgotten(now));
    }

    /// This is what this replica knows of keys now.
    pub fn note_keys(&mut self, issued: &Issued, now_ms: u64) {
        for (digest, issue) in &issued.all {
            let next = match self.keys.get(digest) {
                Some(known) => known.with(issue, now_ms),
                None => ToldKey::of(issue),
            };
            if self.keys.get(digest).is_none_or(|known| **known != next) {
                self.keys.insert(*digest, Arc::new(next));
            }
        }
        for (digest, known) in &mut self.keys {
            if issued.all.contains_key(digest) {
                continue;
            }
            // What cannot be read here is somebody else's to forget.
            if let Ok(Some(issue)) = known.issue(*digest) {
                *known = Arc::new(known.without(&issue, now_ms));
            }
        }
    }

    /// Whether `other` says all of this; what it says beside it changes nothing.
    fn is_in(&self, other: &Self) -> bool {
        let orders = self.orders.iter().all(|(id, mine)| {
            let theirs = other.orders.get(id);
            theirs.is_some_and(|theirs| theirs.joined(mine) == **theirs)
        });
        let keys = self.keys.iter().all(|(digest, mine)| {
            let theirs = other.keys.get(digest);
            theirs.is_some_and(|theirs| theirs.joined(mine) == **theirs)
        });
        let switch = self.switch.as_ref();
        orders && keys && switch.is_none_or(|mine| !mine.is_over(other.switch.as_ref()))
    }

    /// What is in here and not the same in `other`.
    pub fn beyond(&self, other: &Self) -> Self {
        let orders = self.orders.iter();
        let orders = orders.filter(|(id, order)| other.orders.get(*id) != Some(*order));
        let keys = self.keys.iter();
        let keys = keys.filter(|(digest, key)| other.keys.get(*digest) != Some(*key));
        let switch = self.switch.as_ref();
        Self {
            orders: orders.map(|(id, it)| (id.clone(), it.clone())).collect(),
            keys: keys.map(|(digest, it)| (*digest, it.clone())).collect(),
            switch: switch.filter(|_| self.switch != other.switch).cloned(),
        }
    }
}

/// Takes `theirs` into `all`; what is new only as long as there is room.
fn join_one<K: Ord + Clone, V: PartialEq>(
    all: &mut BTreeMap<K, Arc<V>>,
    key: &K,
    theirs: &Arc<V>,
    joined: impl Fn(&V, &V) -> V,
    most: usize,
) {
    let is_full = all.len() >= most;
    match all.get_mut(key) {
        Some(mine) if **mine == **theirs => {}
        Some(mine) => *mine = Arc::new(joined(mine, theirs)),
        None if is_full => {}
        None => drop(all.insert(key.clone(), Arc::clone(theirs))),
    }
}

/// Where those who change something and the one who tells it meet. Nothing waits.
#[derive(Debug)]
pub struct TellCell {
    told: ArcSwap<Told>,
    /// How far the others have been told, by the value that they were told.
    heard: watch::Sender<Arc<Told>>,
    /// What makes ids of this process unique among all: eight hexadecimal digits.
    mark: String,
}

impl TellCell {
    /// A cell of the process that is called by this `mark`.
    pub fn new(mark: String) -> Self {
        Self {
            told: ArcSwap::default(),
            heard: watch::Sender::new(Arc::default()),
            mark,
        }
    }

    /// What makes ids of this process unique among all.
    pub fn mark(&self) -> &str {
        &self.mark
    }

    /// All that is known here.
    pub fn told(&self) -> Arc<Told> {
        self.told.load_full()
    }

    /// Changes what is known here; whether that was a change.
    pub fn change(&self, change: impl Fn(&mut Told)) -> bool {
        let before = self.told.rcu(|told| {
            let mut next = Told::clone(told);
            change(&mut next);
            if next == **told {
                Arc::clone(told)
            } else {
                Arc::new(next)
            }
        });
        !Arc::ptr_eq(&before, &self.told.load())
    }

    /// For the exchange: the others can read all of `told` now.
    pub fn is_told(&self, told: Told) {
        self.heard.send_replace(Arc::new(told));
    }

    /// Returns once the others can read all of `told`. That may be never; the caller bounds the time.
    pub async fn until_told(&self, told: &Told) {
        let mut heard = self.heard.subscribe();
        drop(heard.wait_for(|heard| told.is_in(heard)).await);
    }
}

#[cfg(test)]
#[path = "told_tests.rs"]
mod tests;
