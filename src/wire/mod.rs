//! Bytes to OpenAI-shaped facts, and back.
//!
//! The problem: a proxy that parses and prints again loses every field it has never heard of, and pays for it. The choice:
//! read only what routing and measuring need, keep the rest as the bytes that came, and change a request by cutting and
//! replacing byte ranges. Answers are observed while they pass, never rebuilt.
//!
//! What comes in is hostile until read: every reader here is linear in its input, bounded in what it keeps, and answers
//! broken input with an error that names the place. None can panic; none recurses with the input's depth.

pub mod answer;
pub mod envelope;
pub mod error;
pub mod eventstream;
pub mod extension;
mod list;
pub mod models;
pub mod multipart;
pub mod needs;
mod place;
mod raw;
mod refusal;
pub mod reported;
pub mod seal;
mod shape;
mod shown;
pub mod sse;
pub mod sticky;
pub mod stream;
mod tail;
mod typed;
pub mod usage;
mod usual;
mod watched;
mod whole_events;

pub use envelope::Envelope;
pub use error::{Code, ErrorBody, Kind};
pub use extension::{Extension, RetryAsk};
pub use list::{Entry, List, ListKind, MAX_ENTRIES};
pub use needs::Needs;
pub use place::Error;
pub use refusal::is_refused;
pub use reported::Reported;
pub use shown::shown;
pub use stream::{Seen, StreamReader};
pub use tail::Tail;
pub use usual::Usual;
pub use watched::Watched;
pub use whole_events::WholeEvents;
