//! What can go wrong with the books, in words for an operator.

use std::io;
use std::path::PathBuf;

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
}

impl StoreError {
    /// Whether the file itself is of no use to this program, so that trying again cannot help.
    pub(super) fn is_about_the_file(&self) -> bool {
        match self {
            Self::Newer { .. } | Self::NotOurs => true,
            Self::Sqlite(error) => matches!(
                error.sqlite_error_code(),
                Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt)
            ),
            Self::NotKept | Self::Folder { .. } | Self::Held { .. } | Self::Unreadable { .. } => {
                false
            }
        }
    }
}
