//! The books: what was used and what it cost, moved decisions, alerts, orders, client keys, and what the controller learned.
//!
//! Problem: they must survive the process at any moment, answer questions that nobody thought of ("by team and route, last
//! month"), and never hold up a request, whatever the disk does.
//! Choice: one `SQLite` file in write-ahead mode. One thread owns the connection that writes; it takes what waits in a
//! bounded queue in one transaction at most every half a second. Readers open connections of their own, which can read only.
//! Rejected: redb and other key-value stores in Rust alone: whole and quick, but each question of `usage` would be code of
//! ours, with indices of ours; and nobody could look into the file with a tool that they have.
//! How it fails: a file that is of no use (newer, broken, somebody else's) is moved aside and said; a disk that is full,
//! away or read-only keeps what was used waiting, merged and bounded, and what finds no room is counted as lost.

mod blocks;
mod books;
mod commit;
mod desk;
mod error;
mod file;
mod foregone;
mod read;
mod rows;
mod schema;
mod shown;
mod span;
mod sweep;
mod usage;
mod write;
mod writer;

pub use books::Books;
pub use desk::BooksCondition;
pub use error::StoreError;
pub use file::path;
pub use foregone::{Foregone, Instead, RESTS_ON};
pub use read::Resumed;
pub use rows::{
    AlertRow, KeyRow, Message, Moved, Proposal, ProposedShare, SteeringRow, Sums, UsageKey,
};
pub use span::{MOMENTS, moment};
pub use usage::{Dimension, MOST_ROWS, MOST_VALUES, Query, Usage, UsageRow};
pub use write::{Losses, Write};

#[cfg(test)]
mod tests;
