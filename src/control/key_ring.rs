//! The list of client keys that were made and revoked while the daemon runs, and what can be asked about them.

use std::fmt;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::command::Silent;
use crate::config::{
    Deed, Issue, Issued, KeyWish, Refused, Replaced, Rotation, Secret, digest_of, digest_text,
};
use crate::model::Time;
use crate::store::{Books, KeyRow, Write};

/// Most secrets that were made here, are revoked or over and still told of: the latest.
const MOST_REVOKED: usize = 1_000;

/// What the controller is asked about keys.
#[derive(Debug)]
pub(super) enum KeyAsk {
    /// To make one.
    Make {
        wish: Box<KeyWish>,
        reply: oneshot::Sender<Result<Fresh, KeyError>>,
    },
    /// To give one a new secret.
    Rotate {
        name: String,
        rotation: Rotation,
        reply: oneshot::Sender<Result<Fresh, KeyError>>,
    },
    /// To forget one that could not be written down.
    Forget {
        digest: [u8; 32],
        reply: oneshot::Sender<Result<(), KeyError>>,
    },
    /// To refuse one from now on.
    Revoke {
        name: String,
        by: Option<String>,
        reason: Option<String>,
        reply: oneshot::Sender<Result<Revoked, KeyError>>,
    },
    /// To accept one again.
    Restore {
        name: String,
        by: Option<String>,
        reason: String,
        reply: oneshot::Sender<Result<Deed, KeyError>>,
    },
    /// To take over what books have that could not be read before.
    Found {
        rows: Vec<KeyRow>,
        reply: oneshot::Sender<Result<(), KeyError>>,
    },
}

/// A key that was just made.
#[derive(Clone, PartialEq)]
pub struct Fresh {
    /// The key itself: told once, and kept nowhere.
    pub secret: Secret,
    /// What it is told by.
    pub digest: [u8; 32],
    /// What it may, and who made it.
    pub issue: Arc<Issue>,
}

impl fmt::Debug for Fresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut printed = f.debug_struct("Fresh");
        printed
            .field("name", &self.issue.name)
            .finish_non_exhaustive()
    }
}

/// A key that is revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revoked {
    /// How.
    pub deed: Deed,
    /// Whether the files have it.
    pub in_files: bool,
}

/// Why nothing was done about a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It cannot be.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// There are no books.
    #[error(
        "a key that is made here is kept in the books, and there are none: set server.state to a folder and restart, or \
         write the key into the files (`weighbridge keys new NAME` prints what to write)"
    )]
    NotKept,
    /// The books cannot be read.
    #[error("keys that were made here before cannot be read now, so none is made: {0}")]
    Unread(String),
    /// The machine gives no random bytes.
    #[error("this machine gives no random bytes")]
    NoLuck,
    /// The controller does not answer.
    #[error("the controller does not answer, so nothing is changed; try again")]
    Stuck,
    /// The daemon is shutting down.
    #[error("the daemon is shutting down")]
    Stopping,
}

impl From<Silent> for KeyError {
    fn from(silent: Silent) -> Self {
        match silent {
            Silent::Stuck => Self::Stuck,
            Silent::Stopping => Self::Stopping,
        }
    }
}

/// The list, and where it is kept.
#[derive(Debug, Default)]
pub(super) struct KeyRing {
    pub(super) issued: Arc<Issued>,
    pub(super) books: Books,
    /// How often the books had been begun anew when all of it was written last.
    pub(super) renewed: u64,
}

impl KeyRing {
    pub(super) fn write(&self, digest: &[u8; 32], issue: &Issue) {
        if let Some(row) = row(digest, issue) {
            self.books.write(Write::Key(row));
        }
    }

    pub(super) fn put(&mut self, digest: [u8; 32], issue: Arc<Issue>) {
        self.write(&digest, &issue);
        Arc::make_mut(&mut self.issued).all.insert(digest, issue);
    }

    /// All of them or none: no `kill -9` comes in between.
    pub(super) fn put_all(&mut self, changed: Vec<([u8; 32], Arc<Issue>)>) {
        let rows = changed.iter();
        let rows = rows.filter_map(|(digest, issue)| row(digest, issue));
        self.books.write(Write::Keys(rows.collect()));
        Arc::make_mut(&mut self.issued).all.extend(changed);
    }

    pub(super) fn forget(&mut self, digest: &[u8; 32]) {
        self.books.write(Write::KeyForgotten(digest_text(digest)));
        Arc::make_mut(&mut self.issued).all.remove(digest);
    }

    /// The secret that nobody was told goes, and the one whose place it took has it again, or has in its place what had
    /// taken this one's: a second rotation may come before the first one is given up.
    pub(super) fn take_back(&mut self, digest: &[u8; 32]) {
        let after = self.issued.all.get(digest);
        let after = after.and_then(|issue| issue.replaced.clone());
        if let Some((before, mut issue)) = self.before(digest) {
            issue.replaced = after;
            let is_news = issue.rotated.is_some() || issue.replaced.is_some();
            if is_news || issue.made.is_some() || issue.revoked.is_some() {
                self.put(before, Arc::new(issue));
            } else {
                self.forget(&before);
            }
        }
        self.forget(digest);
    }

    /// Forgets a secret that is over; those before it in its chain are still before those after it.
    pub(super) fn let_go(&mut self, digest: &[u8; 32]) {
        let after = self.issued.all.get(digest);
        let after = after.and_then(|issue| Some(issue.replaced.as_ref()?.by));
        if let (Some(by), Some((before, mut issue))) = (after, self.before(digest)) {
            issue.replaced = issue.replaced.map(|replaced| Replaced { by, ..replaced });
            self.put(before, Arc::new(issue));
        }
        self.forget(digest);
    }

    /// The secret that this one took the place of.
    fn before(&self, digest: &[u8; 32]) -> Option<([u8; 32], Issue)> {
        let mut all = self.issued.all.iter();
        let is_it = |issue: &Issue| Some(issue.replaced.as_ref()?.by == *digest);
        let (before, issue) = all.find(|(_, issue)| is_it(issue) == Some(true))?;
        Some((*before, Issue::clone(issue)))
    }

    /// Takes over what the books have; what cannot be read is not accepted.
    pub(super) fn take(&mut self, rows: Vec<KeyRow>) {
        let mut unreadable = 0;
        let issued = Arc::make_mut(&mut self.issued);
        issued.unread = false;
        for row in rows {
            let read = digest_of(&row.hash).ok_or_else(|| "its hash is none".to_owned());
            let read = read.and_then(|digest| {
                let issue = Issue::from_json(&row.name, digest, &row.json)?;
                Ok((digest, Arc::new(issue)))
            });
            match read {
                // What was done meanwhile is newer.
                Ok((digest, issue)) => drop(issued.all.entry(digest).or_insert(issue)),
                Err(error) => {
                    unreadable += 1;
                    tracing::error!(
                        key = row.name,
                        error,
                        "a client key in the books cannot be read and is not accepted"
                    );
                }
            }
        }
        issued.missing = (unreadable > 0).then(|| {
            format!("{unreadable} of the books' client keys cannot be read by this version and are not accepted")
        });
    }

    /// Lets go of what was revoked or replaced longest ago, where that is too much.
    pub(super) fn thin(&mut self, now: u64) {
        let revoked = self.issued.all.iter().filter_map(|(digest, issue)| {
            issue.made.as_ref()?;
            let revoked = issue.revoked.as_ref().map(|deed| deed.at);
            let ended = || Some(issue.replaced.as_ref()?.until).filter(|until| *until <= now);
            Some((revoked.or_else(ended)?, *digest))
        });
        let mut revoked: Vec<(u64, [u8; 32])> = revoked.collect();
        revoked.sort_unstable();
        let over = revoked.len().saturating_sub(MOST_REVOKED);
        for (_, digest) in revoked.into_iter().take(over) {
            self.let_go(&digest);
        }
    }
}

/// A secret as the books have it.
fn row(digest: &[u8; 32], issue: &Issue) -> Option<KeyRow> {
    match issue.to_json() {
        Ok(json) => {
            let revoked = issue.revoked.as_ref();
            Some(KeyRow {
                hash: digest_text(digest),
                name: issue.name.to_string(),
                json,
                revoked_at: revoked.map(|deed| Time::from_secs_f64(deed.at as f64)),
            })
        }
        Err(error) => {
            tracing::error!(%error, "a client key cannot be written down");
            None
        }
    }
}
