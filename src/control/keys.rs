//! Client keys that are made and revoked while the daemon runs: the controller owns the list, since it alone publishes.
//!
//! A key takes no part in who gets the traffic, so nothing of the controller's own changes with one: the next snapshot has
//! other keys and budgets and is otherwise the last one. Keys are in the books before anybody is told one; a revocation
//! holds before it is written, and says so where it cannot be.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::command::Handle;
use super::controller::Controller;
use super::key_ring::{Fresh, KeyAsk, KeyError, Revoked};
use crate::config::{Config, Deed, Families, Issue, Issued, KeyWish, Made, Refused, deed};
use crate::live::{Budgets, Clients, Published, Snapshot, digest_of_client, new_key};
use crate::store::Books;

/// Most keys at once that are made here. Each is a few hundred bytes, looked up by hash.
const MOST_KEYS: usize = 10_000;
/// Between two tries to read books that could not be read at the start.
const RETRY: Duration = Duration::from_secs(5);

impl Controller {
    /// Goes on with the keys that the books have.
    pub(super) fn resume_keys(&mut self, books: &Books) {
        self.keys.books = books.clone();
        let condition = books.condition().unwrap_or_default();
        self.keys.renewed = condition.renewed;
        match books.keys() {
            Ok(rows) => self.keys.take(rows),
            Err(error) => {
                tracing::error!(%error, "client keys of the books cannot be read; those that were made here are refused");
                let issued = Arc::make_mut(&mut self.keys.issued);
                issued.missing = Some(format!("the books cannot be read: {error}"));
                issued.unread = true;
            }
        }
        if let Some(refused) = condition.refused {
            let issued = Arc::make_mut(&mut self.keys.issued);
            issued.missing.get_or_insert(refused);
        }
        if *self.keys.issued != Issued::default() {
            self.put_keys_in_force();
        }
        self.warn_of_covered();
    }

    /// Does what is asked about keys.
    pub(super) fn do_keys(&mut self, asked: KeyAsk) {
        let now = self.clock.unix_seconds();
        match asked {
            // Nobody would be told the key.
            KeyAsk::Make { reply, .. } if reply.is_closed() => {}
            KeyAsk::Make { wish, reply } => drop(reply.send(self.make_key(&wish, now))),
            KeyAsk::Rotate { reply, .. } if reply.is_closed() => {}
            KeyAsk::Rotate {
                name,
                rotation,
                reply,
            } => drop(reply.send(self.rotate_key(&name, &rotation, now))),
            KeyAsk::Forget { digest, reply } => {
                self.keys.take_back(&digest);
                self.put_keys_in_force();
                drop(reply.send(Ok(())));
            }
            KeyAsk::Revoke {
                name,
                by,
                reason,
                reply,
            } => {
                let reason = reason.as_deref().unwrap_or("none given");
                let deed = deed(by.as_deref(), reason, now).map_err(KeyError::from);
                drop(reply.send(deed.and_then(|deed| self.revoke_key(&name, &deed))));
            }
            KeyAsk::Restore {
                name,
                by,
                reason,
                reply,
            } => {
                let deed = deed(by.as_deref(), &reason, now).map_err(KeyError::from);
                drop(reply.send(deed.and_then(|deed| self.restore_key(&name, &deed))));
            }
            KeyAsk::Found { rows, reply } => {
                self.keys.take(rows);
                self.put_keys_in_force();
                tracing::info!("client keys of the books are known again");
                drop(reply.send(Ok(())));
            }
        }
    }

    pub(super) fn make_key(&mut self, wish: &KeyWish, now: u64) -> Result<Fresh, KeyError> {
        self.can_keep_keys()?;
        if !self.publisher.read().clients.asks() {
            let message = "the files ask for no key, so that whoever comes without one gets in: set \
                server.require_key = true first";
            return Err(Refused::conflict(message).into());
        }
        let (name, rights, deed) = wish.checked(&self.files, now)?;
        if self.files.keys.contains_key(&*name) || self.keys.issued.named(&name).is_some() {
            let message =
                format!("a key is called {name:?} already; revoke it, or choose another name");
            return Err(Refused::conflict(message).into());
        }
        if self.keys.issued.accepted().count() >= MOST_KEYS {
            let message = format!("{MOST_KEYS} keys are made already; revoke some first");
            return Err(Refused::conflict(message).into());
        }
        let (secret, digest) = new_key().ok_or(KeyError::NoLuck)?;
        let key = rights.key(&name, digest);
        let key =
            Arc::new(key.ok_or_else(|| Refused::wrong("budget: expected one that can be kept"))?);
        tracing::warn!(key = %name, by = deed.by, reason = deed.reason, "a client key was made");
        let issue = Arc::new(Issue {
            name,
            made: Some(Made { key, rights, deed }),
            rotated: None,
            replaced: None,
            revoked: None,
        });
        self.keys.put(digest, Arc::clone(&issue));
        self.put_keys_in_force();
        Ok(Fresh {
            secret,
            digest,
            issue,
        })
    }

    /// Whether a secret that is made now is known after a restart.
    pub(super) fn can_keep_keys(&self) -> Result<(), KeyError> {
        if !self.keys.books.are_kept() {
            return Err(KeyError::NotKept);
        }
        if self.keys.issued.unread {
            let why = self.keys.issued.missing.clone().unwrap_or_default();
            return Err(KeyError::Unread(why));
        }
        Ok(())
    }

    /// Revokes all that have this name: whoever asks for it knows the name and is in a hurry.
    pub(super) fn revoke_key(&mut self, name: &str, deed: &Deed) -> Result<Revoked, KeyError> {
        let of_files = self.files.keys.get(name).map(|key| digest_of_client(key));
        let made = self.keys.issued.named(name).map(|(digest, _)| *digest);
        let in_files = of_files.is_some();
        let families = Families::of(&self.keys.issued);
        let all = of_files.into_iter().chain(made);
        let all = all.flat_map(|digest| families.whole(&digest));
        let fresh: Vec<[u8; 32]> = all
            .filter(|digest| !self.keys.issued.is_revoked(digest))
            .collect();
        if fresh.is_empty() {
            // Whoever asks twice is told the same.
            let before = self
                .revoked(name)
                .and_then(|(_, issue)| issue.revoked.clone());
            let deed = before.ok_or_else(|| self.unknown_key(name))?;
            return Ok(Revoked { deed, in_files });
        }
        for digest in fresh {
            let mut issue = self.keys.issued.known_as(&digest, name);
            issue.revoked = Some(deed.clone());
            self.keys.put(digest, Arc::new(issue));
        }
        self.keys.thin(deed.at);
        self.put_keys_in_force();
        let (by, reason) = (deed.by.as_str(), deed.reason.as_str());
        tracing::warn!(key = name, by, reason, in_files, "a client key was revoked");
        let deed = deed.clone();
        Ok(Revoked { deed, in_files })
    }

    pub(super) fn restore_key(&mut self, name: &str, deed: &Deed) -> Result<Deed, KeyError> {
        let Some((digest, issue)) = self.revoked(name) else {
            let is_known =
                self.files.keys.contains_key(name) || self.keys.issued.named(name).is_some();
            return Err(if is_known {
                Refused::conflict(format!("{name:?} is not revoked")).into()
            } else {
                self.unknown_key(name)
            });
        };
        let revoked = issue.revoked.clone().ok_or(KeyError::Stopping)?;
        let of_files = self.files.keys.get(name).map(|key| digest_of_client(key));
        let families = Families::of(&self.keys.issued);
        let all = families.whole(&digest);
        let is_of_files = of_files.is_some_and(|of_files| all.contains(&of_files));
        let is_taken = of_files.is_some() || self.keys.issued.named(name).is_some();
        if is_taken && !is_of_files {
            let message = format!("another key is called {name:?} by now; revoke that one first");
            return Err(Refused::conflict(message).into());
        }
        for secret in all {
            // What was revoked on its own, before, stays so.
            if self.keys.issued.revocation(&secret) == Some(&revoked) {
                self.accept_again(&secret);
            }
        }
        self.put_keys_in_force();
        let (by, reason) = (deed.by.as_str(), deed.reason.as_str());
        tracing::warn!(
            key = name,
            by,
            reason,
            "a revoked client key is accepted again"
        );
        Ok(revoked)
    }

    fn accept_again(&mut self, secret: &[u8; 32]) {
        let Some(known) = self.keys.issued.all.get(secret) else {
            return;
        };
        if known.made.is_none() && known.rotated.is_none() && known.replaced.is_none() {
            self.keys.forget(secret);
        } else {
            let issue = Issue {
                revoked: None,
                ..Issue::clone(known)
            };
            self.keys.put(*secret, Arc::new(issue));
        }
    }

    /// The revoked key of this name: the files', if that one is, else the one of those made here that was revoked last.
    pub(super) fn revoked(&self, name: &str) -> Option<([u8; 32], Arc<Issue>)> {
        let issued = &self.keys.issued;
        let families = Families::of(issued);
        let of_files = self.files.keys.get(name);
        let of_files = of_files.map(|key| families.current(&digest_of_client(key)));
        if let Some(digest) = of_files.filter(|digest| issued.is_revoked(digest)) {
            return Some((digest, Arc::clone(issued.all.get(&digest)?)));
        }
        let (digest, issue) = issued.last_revoked(name)?;
        Some((*digest, Arc::clone(issue)))
    }

    pub(super) fn unknown_key(&self, name: &str) -> KeyError {
        let made = self.keys.issued.accepted().map(|key| &*key.name);
        let files = self.files.keys.keys().map(String::as_str);
        let known: Vec<&str> = files.chain(made).collect();
        Refused::unknown("key", name, known.into_iter()).into()
    }

    /// What is in force, with other keys.
    pub(super) fn put_keys_in_force(&mut self) {
        let old = self.publisher.read();
        let config = Config {
            issued: Arc::clone(&self.keys.issued),
            ..(*old.config).clone()
        };
        let budgets = Budgets::new(&config, &old.budgets);
        let clients = Clients::new(&config, &budgets, &old.clients);
        self.publisher.publish(Snapshot {
            config: Arc::new(config),
            budgets: Arc::new(budgets),
            clients: Arc::new(clients),
            ..(*old).clone()
        });
    }

    /// Says which keys that were made here the files have taken the name of.
    pub(super) fn warn_of_covered(&self) {
        let families = Families::of(&self.keys.issued);
        for key in self.keys.issued.accepted() {
            let files = self.files.keys.get(&*key.name);
            let current = files.map(|other| families.current(&digest_of_client(other)));
            if current.is_some_and(|current| current != digest_of_client(key)) {
                tracing::warn!(
                    key = %key.name,
                    "the files have a key of this name, so the one that was made here is not accepted"
                );
            }
        }
    }

    /// Books that were begun anew while the daemon ran get keys and orders again.
    pub(super) fn rewrite(&mut self) {
        let renewed = self.keys.books.condition().map_or(0, |it| it.renewed);
        if renewed == self.keys.renewed {
            return;
        }
        self.keys.renewed = renewed;
        for (digest, issue) in &self.keys.issued.all {
            self.keys.write(digest, issue);
        }
        self.rewrite_orders();
    }
}

/// Reads the keys of books that could not be read at the start, as soon as they can be, until `stop` turns true.
pub async fn find_keys(
    published: Published,
    books: Books,
    handle: Handle,
    mut stop: watch::Receiver<bool>,
) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(RETRY) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        if !published.read().config.issued.unread {
            continue;
        }
        let books = books.clone();
        let read = tokio::task::spawn_blocking(move || books.keys()).await;
        if let Ok(Ok(rows)) = read
            && let Err(error) = handle.found_keys(rows).await
        {
            tracing::warn!(%error, "client keys were read and not taken over");
        }
    }
}
