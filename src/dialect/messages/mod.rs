//! Anthropic's Messages, as its clients speak it and as it is spoken to Anthropic.
//!
//! The problem at the front: a Messages stream is strict where others are loose. Its blocks come one after another under rising
//! numbers, a block is told whole before the next, and the counts of tokens stand in the last event but one. The choice:
//! the writer holds back what belongs to a later block until the open one ends, within a bound, and holds the reason of
//! the end until the provider says that the stream is complete.
//!
//! What has no place in a message is not lost: parts that only another dialect knows stand in `provider_parts` of a whole
//! answer and come as events `provider_part` in a stream, which clients must ignore if they do not know them. The
//! signature of a call (Gemini's) is written as a thought without words before the call, since clients return thoughts
//! unchanged and in their place.
//!
//! The problem at a target (files `target_…`): Anthropic refuses what other providers take: turns in another order, ids with
//! other signs, empty texts, luck beside thoughts. The choice: what can be put right without changing what was asked is put
//! right; what the answer can do without is left out and named; the rest is unfit, so that another target answers.
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
mod target_answer;
mod target_blocks;
mod target_dropped;
mod target_fit;
mod target_media;
mod target_open;
mod target_options;
mod target_request;
mod target_stream;
mod target_thinking;
mod target_tools;
mod target_turns;
mod thinking;
mod tools;
mod turns;
mod waiting;
mod words;
mod write_answer;
mod writer;

pub use error::write_error;
pub use request::read_request;
pub use target_answer::read_answer;
pub use target_fit::fit;
pub use target_options::MessagesOptions;
pub use target_request::write_request;
pub use target_stream::Reader;
pub use write_answer::write_answer;
pub use writer::Writer;

#[cfg(test)]
mod tests;
