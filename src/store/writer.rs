//! The thread that owns the connection: takes what waits, writes it in one transaction, and goes on trying when it cannot.
//!
//! A transaction at most every half a second: with the quarter of a second in which the bookkeeper hands over what ended,
//! a process that is killed has lost less than a second of usage. Whatever becomes of the disk, nobody waits for this thread.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use super::commit::commit;
use super::desk::Desk;
use super::error::StoreError;
use super::file::{Open, move_aside, path};
use super::sweep::sweep;
use super::write::{Losses, Pending};
use crate::config::Store;

/// Between two transactions. Halved, less is lost when the process is killed; doubled, more than a second's usage is.
const GAP: Duration = Duration::from_millis(500);
/// How long after a failure it is tried again.
const RETRY: Duration = Duration::from_secs(2);

/// Where the books are and how much they keep.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) folder: PathBuf,
    pub(super) keep: Store,
}

impl Place {
    /// Opens the books for writing; those that are of no use make way, which gives a sentence about it.
    pub(super) fn open(&self) -> (Result<Open, StoreError>, Option<String>) {
        // A little above what sweeps keep it below, so that they have room to work in.
        let most = self.keep.size.saturating_add(self.keep.size / 4);
        let open = || Open::new(&self.folder, most).map_err(|error| error.of(&path(&self.folder)));
        match open() {
            Err(error) if error.is_about_the_file() => match move_aside(&self.folder) {
                Ok(aside) => {
                    let told = format!("{error}; it is kept as {}", aside.display());
                    (open(), Some(told))
                }
                Err(not_moved) => (Err(not_moved), None),
            },
            result => (result, None),
        }
    }
}

/// The thread's state.
pub(super) struct Writer {
    desk: Arc<Desk>,
    place: Place,
    open: Option<Open>,
    pending: Pending,
    is_failing: bool,
}

impl Writer {
    /// Starts the thread. It ends when the desk is closed and what waited is written, or was tried once more.
    pub(super) fn start(
        desk: Arc<Desk>,
        place: Place,
        open: Option<Open>,
    ) -> io::Result<JoinHandle<()>> {
        let mut writer = Self {
            desk,
            place,
            is_failing: open.is_none(),
            open,
            pending: Pending::default(),
        };
        Builder::new()
            .name("books".to_owned())
            .spawn(move || writer.run())
    }

    fn run(&mut self) {
        loop {
            let taken = self.desk.take();
            for write in taken.writes {
                self.desk.lost(self.pending.add(write));
            }
            let mut written = self.write();
            if taken.is_last
                && let Err(error) = &written
            {
                // There is no later round: a broken file makes way now, a busy one has had its time.
                self.failed(error);
                written = self.write();
            }
            self.desk.went(&written);
            match written {
                Ok(()) => self.went(),
                Err(error) => self.failed(&error),
            }
            if taken.is_last {
                self.left();
                break;
            }
            self.desk.pause(if self.is_failing { RETRY } else { GAP });
        }
        self.open = None;
        self.desk.ended();
    }

    /// Writes all that waits; what goes wrong says where.
    fn write(&mut self) -> Result<(), StoreError> {
        let written = self.write_all();
        written.map_err(|error| error.of(&path(&self.place.folder)))
    }

    fn write_all(&mut self) -> Result<(), StoreError> {
        if self.pending.is_empty() && self.pending.sweep.is_none() && self.open.is_some() {
            return Ok(());
        }
        let mut open = self.opened()?;
        // First, since books that are full take nothing before something goes.
        if let Some(now) = self.pending.sweep.take() {
            sweep(&mut open.connection, &self.place.keep, now)?;
        }
        if !self.pending.is_empty() {
            commit(&mut open.connection, &self.pending)?;
            self.pending = Pending::default();
        }
        // After an error the next try opens the file anew: the folder may be another one by then.
        self.open = Some(open);
        Ok(())
    }

    fn opened(&mut self) -> Result<Open, StoreError> {
        match self.open.take() {
            Some(open) if open.is_there() => return Ok(open),
            Some(_) => {
                tracing::warn!(
                    folder = %self.place.folder.display(),
                    "the file of the books was taken away; another one is begun"
                );
                self.desk.renewed();
            }
            None => {}
        }
        let (result, told) = self.place.open();
        if let Some(told) = told {
            tracing::error!(told, "the books are begun anew");
            self.desk.refused(told);
            self.desk.renewed();
        }
        result
    }

    /// Says what was not written by the end.
    fn left(&self) {
        let Losses { requests, rows } = self.pending.left();
        if requests > 0 || rows > 0 {
            self.desk.lost(Losses { requests, rows });
            tracing::error!(
                folder = %self.place.folder.display(), requests, rows,
                "the daemon ends, and what these requests used was not written into the books"
            );
        }
    }

    fn went(&mut self) {
        if self.is_failing {
            tracing::info!(folder = %self.place.folder.display(), "the books are written again");
        }
        self.is_failing = false;
    }

    /// Said once until it goes again.
    fn failed(&mut self, error: &StoreError) {
        if error.is_about_the_file() {
            // Broken while it was open: opening it again would not show that.
            match move_aside(&self.place.folder) {
                Ok(aside) => {
                    let told = format!("{error}; it is kept as {}", aside.display());
                    tracing::error!(told, "the books are begun anew");
                    self.desk.refused(told);
                    self.desk.renewed();
                }
                Err(error) => tracing::error!(%error, "the books cannot be moved aside"),
            }
        }
        if !self.is_failing {
            tracing::error!(
                folder = %self.place.folder.display(), %error,
                "the books cannot be written; traffic goes on, and what was used waits to be written"
            );
        }
        self.is_failing = true;
    }
}
