//! What can go wrong with the books, in words for an operator.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// Why the books cannot be opened, written or read.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No folder is configured.
    #[error("no books are kept: set server.state to a folder, and restart")]
    NotKept,
    /// The folder or a file in it.
    #[error("{}: {source}", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Another process writes here.
    #[error(
        "{}: another process keeps its books here; each daemon needs a folder of its own", path.display()
    )]
    Held {
        /// The folder.
        path: PathBuf,
    },
    /// Made by a later version.
    #[error("the file has schema {schema} of a later version, this one knows those up to {ours}")]
    Newer {
        /// The file's schema.
        schema: u32,
        /// Ours.
        ours: u32,
    },
    /// A database, but not of this program.
    #[error("the file is not one of weighbridge's books")]
    NotOurs,
    /// `SQLite` refused.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// A stored text that this version cannot read.
    #[error("what is stored as {what} cannot be read: {source}")]
    Unreadable {
        /// Which row.
        what: &'static str,
        /// Where it went wrong.
        source: serde_json::Error,
    },
    /// Any of these that does not say of which file it is, with the file.
    #[error("{}: {source}", path.display())]
    InFile {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<StoreError>,
    },
}

impl StoreError {
    /// The same with the file at `path`, unless it says where it is already.
    pub(super) fn of(self, path: &Path) -> Self {
        match self {
            Self::Newer { .. } | Self::NotOurs | Self::Sqlite(_) | Self::Unreadable { .. } => {
                Self::InFile {
                    path: path.to_owned(),
                    source: Box::new(self),
                }
            }
            Self::NotKept | Self::Folder { .. } | Self::Held { .. } | Self::InFile { .. } => self,
        }
    }

    /// Whether the file itself is of no use to this program, so that trying again cannot help.
    pub(super) fn is_about_the_file(&self) -> bool {
        match self {
            Self::Newer { .. } | Self::NotOurs => true,
            Self::Sqlite(error) => matches!(
                error.sqlite_error_code(),
                Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt)
            ),
            Self::InFile { source, .. } => source.is_about_the_file(),
            Self::NotKept | Self::Folder { .. } | Self::Held { .. } | Self::Unreadable { .. } => {
                false
            }
        }
    }
}
