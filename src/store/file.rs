//! The file of the books: where it is, how it is opened, and how one that is of no use makes way.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::error::StoreError;
use super::schema;

/// The file's name in its folder.
const NAME: &str = "books.sqlite";
/// Who holds a lock on this one writes.
const LOCK: &str = "books.lock";
/// How long a statement waits for another connection.
const PATIENCE: Duration = Duration::from_secs(1);
/// `SQLite`'s page size, in bytes; the default of all its versions since 2016.
const PAGE: u64 = 4096;
/// More files than these are not moved aside: whoever has that many has a disk that breaks them.
const MOST_REFUSED: u32 = 99;

/// The books, open for writing.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) connection: Connection,
    path: PathBuf,
    inode: u64,
    /// Held until this is dropped; the system lets go of it when the process dies, however it dies.
    _lock: File,
}

/// Where the books of a folder are.
pub fn path(folder: &Path) -> PathBuf {
    folder.join(NAME)
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> StoreError + '_ {
    |source| StoreError::Folder {
        path: path.to_owned(),
        source,
    }
}

impl Open {
    /// Opens the books of `folder` for writing, makes what is missing, and brings them to this version's schema.
    /// They never take more than `most_bytes`: what does not fit is refused as on a full disk.
    pub(super) fn new(folder: &Path, most_bytes: u64) -> Result<Self, StoreError> {
        let mut builder = DirBuilder::new();
        // The books name users and hold hashes of keys.
        builder.recursive(true).mode(0o700);
        builder.create(folder).map_err(failed(folder))?;
        let lock = lock(folder)?;
        let path = path(folder);
        let mut private = OpenOptions::new();
        private.create(true).append(true).mode(0o600);
        let inode = private
            .open(&path)
            .and_then(|file| file.metadata())
            .map_err(failed(&path))?
            .ino();
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(&path, flags)?;
        connection.busy_timeout(PATIENCE)?;
        // Before the first table, or it has no effect.
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
        // In WAL mode this loses nothing when the process is killed, and keeps the file whole when the power fails.
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.pragma_update_and_check(None, "journal_size_limit", 4 << 20, |_| Ok(()))?;
        let pages = i64::try_from(most_bytes / PAGE).unwrap_or(i64::MAX);
        connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?;
        schema::migrate(&mut connection)?;
        Ok(Self {
            connection,
            path,
            inode,
            _lock: lock,
        })
    }

    /// Whether the file that is written is still the one with its name: a deleted one takes rows that nobody finds again.
    pub(super) fn is_there(&self) -> bool {
        fs::metadata(&self.path).is_ok_and(|metadata| metadata.ino() == self.inode)
    }
}

fn lock(folder: &Path) -> Result<File, StoreError> {
    let path = folder.join(LOCK);
    let mut options = OpenOptions::new();
    options.create(true).append(true).mode(0o600);
    let file = options.open(&path).map_err(failed(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Held {
            path: folder.to_owned(),
        }),
        Err(TryLockError::Error(source)) => Err(failed(&path)(source)),
    }
}

/// The books of `folder`, for reading only, whether a daemon writes to them or not.
pub(super) fn open_to_read(folder: &Path) -> Result<Connection, StoreError> {
    let path = path(folder);
    // SQLite's own words do not say which file.
    fs::metadata(&path).map_err(failed(&path))?;
    match readable(Connection::open_with_flags(&path, READING)) {
        // A file system that is read-only has no place for the shared memory that readers of a log want. If there is no
        // log, nothing is in it, and nobody can change the file meanwhile.
        Err(StoreError::Sqlite(error)) if is_refused(&error) && !beside(&path, "-wal").exists() => {
            let flags = READING | OpenFlags::SQLITE_OPEN_URI;
            readable(Connection::open_with_flags(unchanging(&path), flags))
        }
        result => result,
    }
}

const READING: OpenFlags = OpenFlags::SQLITE_OPEN_READ_ONLY.union(OpenFlags::SQLITE_OPEN_NO_MUTEX);

fn is_refused(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly)
    )
}

/// The address of a file that does not change.
fn unchanging(path: &Path) -> String {
    let mut address = "file:".to_owned();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'/' | b'-' | b'.' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {
                address.push(char::from(*byte));
            }
            other => address = format!("{address}%{other:02X}"),
        }
    }
    format!("{address}?immutable=1")
}

/// A connection to books that this version can read.
fn readable(opened: rusqlite::Result<Connection>) -> Result<Connection, StoreError> {
    let connection = opened?;
    connection.busy_timeout(PATIENCE)?;
    match schema::versions(&connection)? {
        Some((schema, writable_by)) if writable_by > schema::newest() => Err(StoreError::Newer {
            schema,
            ours: schema::newest(),
        }),
        Some(_) => Ok(connection),
        None => Err(StoreError::NotOurs),
    }
}

/// The file beside `path` whose name has this end.
fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

/// Moves the books of `folder` aside, with what belongs to them; gives where they are now.
pub(super) fn move_aside(folder: &Path) -> Result<PathBuf, StoreError> {
    let path = path(folder);
    let _lock = lock(folder)?;
    let free = (1..=MOST_REFUSED)
        .map(|n| folder.join(format!("{NAME}.refused-{n}")))
        .find(|aside| !aside.exists());
    let Some(aside) = free else {
        let full = format!("{MOST_REFUSED} refused files are here already; remove them");
        return Err(failed(folder)(io::Error::other(full)));
    };
    fs::rename(&path, &aside).map_err(failed(&path))?;
    for end in ["-wal", "-shm"] {
        let (from, to) = (beside(&path, end), beside(&aside, end));
        match fs::rename(&from, to) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(&from)(error)),
        }
    }
    Ok(aside)
}
