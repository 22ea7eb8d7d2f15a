//! The handle that everybody else uses.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;

use super::desk::{BooksCondition, Desk};
use super::error::StoreError;
use super::file::{open_to_read, path};
use super::foregone::{self, Foregone};
use super::read::{self, Resumed};
use super::rows::{AlertRow, KeyRow, Message, Moved, SteeringRow};
use super::usage::{self, Query, Usage};
use super::write::{Losses, Write};
use super::writer::{Place, Writer};
use crate::config::Store;
use crate::model::Time;

/// The books: written by a thread of their own, read on connections that cannot write. Cloned freely.
///
/// Writing never waits. Reading does, for milliseconds: async code reads within `spawn_blocking`.
/// Without a folder there are no books: what is written goes nowhere, and reading says so.
#[derive(Clone, Debug, Default)]
pub struct Books(Option<Kept>);

#[derive(Clone, Debug)]
struct Kept {
    desk: Arc<Desk>,
    folder: PathBuf,
}

impl Books {
    /// No books.
    pub fn none() -> Self {
        Self::default()
    }

    /// Opens the books in `folder`, or begins them, and says what a start goes on from. Whatever is wrong with the folder or
    /// the file is in the books' condition and in the log, and is tried again: it is no reason not to start.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn open(folder: &Path, keep: Store) -> io::Result<(Self, Resumed)> {
        let desk = Arc::new(Desk::default());
        let place = Place {
            folder: folder.to_owned(),
            keep,
        };
        let (opened, told) = place.open();
        if let Some(told) = told {
            tracing::error!(told, "the books are begun anew");
            desk.refused(told);
        }
        let (open, resumed) = match opened {
            Ok(open) => {
                let resumed = read::resumed(&open.connection);
                (Some(open), resumed)
            }
            Err(error) => {
                tracing::error!(
                    folder = %folder.display(), %error,
                    "the books cannot be written; traffic goes on, and what was used waits to be written"
                );
                desk.failing(error.to_string());
                // What another process writes, or a folder that cannot be written, can still be read.
                (None, open_to_read(folder).and_then(|it| read::resumed(&it)))
            }
        };
        let resumed = resumed.unwrap_or_else(|error| {
            tracing::warn!(%error, "nothing learned can be read");
            Resumed::default()
        });
        Writer::start(Arc::clone(&desk), place, open)?;
        let folder = folder.to_owned();
        Ok((Self(Some(Kept { desk, folder })), resumed))
    }

    /// The books in `folder`, to be read only.
    pub fn to_read(folder: &Path) -> Self {
        let desk = Arc::new(Desk::default());
        desk.close(Duration::ZERO);
        let folder = folder.to_owned();
        Self(Some(Kept { desk, folder }))
    }

    /// Whether there are any.
    pub const fn are_kept(&self) -> bool {
        self.0.is_some()
    }

    /// Has this written soon; false where it cannot be, which is counted.
    pub fn write(&self, write: Write) -> bool {
        self.0.as_ref().is_some_and(|kept| kept.desk.put(write))
    }

    /// So many requests came and went before they could be written.
    pub fn missed(&self, requests: u64) {
        if let Some(kept) = &self.0 {
            kept.desk.lost(Losses { requests, rows: 0 });
        }
    }

    /// How they fare; `None` where there are none.
    pub fn condition(&self) -> Option<BooksCondition> {
        self.0.as_ref().map(|kept| kept.desk.condition())
    }

    /// What was used.
    pub fn usage(&self, query: &Query) -> Result<Usage, StoreError> {
        usage::usage(&self.connection()?, query)
    }

    /// What the shares that were not in force would have brought, by route; only of `route` if one is named.
    pub fn foregone(
        &self,
        since: Time,
        until: Time,
        route: Option<&str>,
    ) -> Result<Vec<Foregone>, StoreError> {
        foregone::foregone(&self.connection()?, since, until, route)
    }

    /// Alerts, the newest first, at most `most`; only those that are not resolved if `open`.
    pub fn alerts(&self, open: bool, most: usize) -> Result<Vec<AlertRow>, StoreError> {
        read::alerts(&self.connection()?, open, most)
    }

    /// What webhooks have not taken, with the alert that it is about, the oldest first, at most `most`.
    pub fn untold(&self, most: usize) -> Result<Vec<(AlertRow, Message)>, StoreError> {
        read::untold(&self.connection()?, most)
    }

    /// Orders that hold.
    pub fn steering(&self) -> Result<Vec<SteeringRow>, StoreError> {
        read::steering(&self.connection()?)
    }

    /// Client keys that were made or revoked here.
    pub fn keys(&self) -> Result<Vec<KeyRow>, StoreError> {
        read::keys(&self.connection()?)
    }

    /// The last minute in which each client key was used, as far as usage goes back.
    pub fn last_used(&self) -> Result<Vec<(String, Time)>, StoreError> {
        read::last_used(&self.connection()?)
    }

    /// The last decisions that moved the shares of `route` up to `at`, the newest first, at most `most`.
    pub fn moved(&self, route: &str, at: Time, most: usize) -> Result<Vec<Moved>, StoreError> {
        read::moved(&self.connection()?, route, at, most)
    }

    /// What a start would go on from.
    pub fn resumed(&self) -> Result<Resumed, StoreError> {
        read::resumed(&self.connection()?)
    }

    /// Has all that waits written now; whether that was done within `patience`. For those who must know.
    pub fn flush(&self, patience: Duration) -> bool {
        self.0.as_ref().is_none_or(|kept| kept.desk.flush(patience))
    }

    /// Nothing more is written; whether all was within `patience`.
    pub fn close(&self, patience: Duration) -> bool {
        self.0.as_ref().is_none_or(|kept| kept.desk.close(patience))
    }

    fn connection(&self) -> Result<Connection, StoreError> {
        let kept = self.0.as_ref().ok_or(StoreError::NotKept)?;
        open_to_read(&kept.folder).map_err(|error| error.of(&path(&kept.folder)))
    }
}
