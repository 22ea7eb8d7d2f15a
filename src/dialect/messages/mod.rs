//! Anthropic's Messages, as its clients speak it.
//!
//! The problem: a Messages stream is strict where others are loose. Its blocks come one after another under rising
//! numbers, a block is told whole before the next, and the counts of tokens stand in the last event but one. The choice:
//! the writer holds back what belongs to a later block until the open one ends, within a bound, and holds the reason of
//! the end until the provider says that the stream is complete.
//!
//! What has no place in a message is not lost: parts that only another dialect knows stand in `provider_parts` of a whole
//! answer and come as events `provider_part` in a stream, which clients must ignore if they do not know them. The
//! signature of a call (Gemini's) is written as a thought without words before the call, since clients return thoughts
//! unchanged and in their place.
//!
//! Sources, read 2026-11-24: <https://platform.claude.com/docs/en/api/errors>,
//! <https://platform.claude.com/docs/en/api/versioning> (new kinds of events may come), and the types and
//! `lib/streaming/_messages.py` of <https://github.com/anthropics/anthropic-sdk-python>.

mod blocks;
mod error;
mod events;
mod media;
mod open;
mod output;
mod request;
mod thinking;
mod tools;
mod turns;
mod waiting;
mod words;
mod write_answer;
mod writer;

pub use error::write_error;
pub use request::read_request;
pub use write_answer::write_answer;
pub use writer::Writer;

#[cfg(test)]
mod front_tests;
