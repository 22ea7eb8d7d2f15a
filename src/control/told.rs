//! Orders and keys that were given at other replicas, and how the others hear of those that are given here.
//!
//! What was told is a set that only grows ([`Told`]); the controller alone joins what was heard into it, together with what
//! follows from it for its own lists, so that no change of its own is taken for one that somebody else has just made.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::command::Handle;
use super::controller::Controller;
use super::switch;
use crate::config::{Issue, Order};
use crate::live::{TellCell, Told};
use crate::store::Write;

/// Most keys that the log names of those that one message brings: a newcomer hears of all.
const MOST_NAMED: usize = 20;

/// How the controller tells the others and hears from them.
#[derive(Debug)]
pub(super) struct Telling {
    cell: Arc<TellCell>,
    heard: mpsc::Receiver<Told>,
    /// Has the others told soon.
    wake: Wake,
}

/// A call that has the others told soon: whether it is about keys.
#[derive(Clone)]
pub struct Wake(pub Arc<dyn Fn(News) + Send + Sync>);

impl std::fmt::Debug for Wake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wake").finish_non_exhaustive()
    }
}

/// What the others are to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// Orders.
    Orders,
    /// Keys.
    Keys,
}

impl Telling {
    /// The next that was heard. Where nobody tells anything, never.
    pub(super) async fn next(telling: &mut Option<Self>) -> Told {
        if let Some(telling) = telling
            && let Some(told) = telling.heard.recv().await
        {
            return told;
        }
        std::future::pending().await
    }
}

impl Controller {
    /// Orders and keys are told to other replicas by way of this cell, and what they say is `heard`.
    #[must_use]
    pub fn telling(
        mut self,
        cell: Arc<TellCell>,
        heard: mpsc::Receiver<Told>,
        handle: &Handle,
        wake: Wake,
    ) -> Self {
        handle.tells(Arc::clone(&cell));
        self.telling = Some(Telling { cell, heard, wake });
        self.tell();
        self
    }

    /// What ids of orders of this process end with, so that no other replica has the same.
    pub(super) fn mark(&self) -> Option<&str> {
        self.telling.as_ref().map(|telling| telling.cell.mark())
    }

    /// Has the others told what the lists are now.
    pub(super) fn tell(&self) {
        let Some(Telling { cell, wake, .. }) = &self.telling else {
            return;
        };
        let now = self.clock.unix_seconds();
        let now_ms = self.clock.now().as_micros() / 1_000;
        if cell.change(|told| told.note_orders(&self.orders.list, now)) {
            (wake.0)(News::Orders);
        }
        if cell.change(|told| told.note_keys(&self.keys.issued, now_ms)) {
            (wake.0)(News::Keys);
        }
    }

    /// Begins with what was done elsewhere before this replica was there.
    pub fn begin_with(&mut self, told: &Told) {
        if let Some(switch) = &told.switch {
            self.publisher.read().switch.hear(switch);
        }
        self.hear(told);
    }

    /// Takes over what others did.
    pub(super) fn hear(&mut self, heard: &Told) {
        let Some(Telling { cell, .. }) = &self.telling else {
            return;
        };
        cell.change(|told| told.join(heard));
        let told = cell.told();
        self.hear_orders(&told);
        self.hear_keys(&told);
        if heard.switch.is_some()
            && let Some(thrown) = self.publisher.read().switch.thrown()
        {
            self.orders
                .books
                .write(Write::Steering(switch::row(&thrown)));
        }
        // Of two orders about the same only the later holds: the other one has ended.
        self.tell();
    }

    fn hear_orders(&mut self, told: &Told) {
        let holding = told.holding(self.clock.unix_seconds());
        let ids = |list: &[Order]| -> BTreeSet<String> {
            list.iter().map(|order| order.id.clone()).collect()
        };
        let (before, after) = (ids(&self.orders.list), ids(&holding));
        if before == after {
            return;
        }
        let old = std::mem::replace(&mut self.orders.list, holding);
        for order in old.iter().filter(|order| !after.contains(&order.id)) {
            let (id, sentence) = (order.id.as_str(), order.sentence());
            tracing::warn!(id, sentence, "an order was ended at another replica");
            self.orders.forget(order);
        }
        let list = self.orders.list.clone();
        for order in list.iter().filter(|order| !before.contains(&order.id)) {
            let (sentence, by, until) = (order.sentence(), &order.by, order.ends());
            tracing::warn!(
                id = order.id,
                sentence,
                by,
                reason = order.reason,
                until,
                "an order of another replica holds"
            );
            self.orders.write(order);
        }
        self.orders.last = list
            .iter()
            .map(super::steering::number)
            .max()
            .unwrap_or(0)
            .max(self.orders.last);
        if let Err(error) = self.put_in_force() {
            tracing::error!(%error, "the orders of other replicas are not in force yet");
        }
    }

    fn hear_keys(&mut self, told: &Told) {
        let mut changed: Vec<([u8; 32], Arc<Issue>)> = Vec::new();
        let mut forgotten: Vec<[u8; 32]> = Vec::new();
        let mut unreadable = 0;
        for (digest, key) in &told.keys {
            let known = self.keys.issued.all.get(digest);
            match key.issue(*digest) {
                Ok(Some(issue)) if known.is_none_or(|known| **known != issue) => {
                    changed.push((*digest, Arc::new(issue)));
                }
                Ok(None) if known.is_some() => forgotten.push(*digest),
                Ok(_) => {}
                Err(_) => {
                    unreadable += 1;
                    // That it is revoked can be read, and what is not revoked here would be told as restored.
                    let mut issue = self.keys.issued.known_as(digest, key.name());
                    if let (None, Some(deed)) = (&issue.revoked, key.revocation()) {
                        issue.revoked = Some(deed.clone());
                        changed.push((*digest, Arc::new(issue)));
                    }
                }
            }
        }
        if unreadable > 0 {
            tracing::error!(
                unreadable,
                "client keys of other replicas cannot be read by this version and are not accepted here"
            );
        }
        if changed.is_empty() && forgotten.is_empty() {
            return;
        }
        for (_, issue) in changed.iter().take(MOST_NAMED) {
            let (key, is_revoked) = (&*issue.name, issue.revoked.is_some());
            tracing::warn!(
                key,
                is_revoked,
                "a client key was changed at another replica"
            );
        }
        if let more @ 1.. = changed.len().saturating_sub(MOST_NAMED) {
            tracing::warn!(more, "more client keys were changed at other replicas");
        }
        if !changed.is_empty() {
            self.keys.put_all(changed);
        }
        for digest in forgotten {
            self.keys.forget(&digest);
        }
        self.put_keys_in_force();
        self.warn_of_covered();
    }
}
