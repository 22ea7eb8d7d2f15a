//! Anthropic's Messages, as it is spoken to Anthropic.
//!
//! The problem: Anthropic refuses what other providers take: turns in another order, ids with other signs, empty texts, luck
//! beside thoughts. The choice: what can be put right without changing what was asked is put right; what the answer can do
//! without is left out and named; the rest is unfit, so that another target answers.
//!
//! Sources, read 2026-11-24: <https://platform.claude.com/docs/en/api/messages>,
//! <https://platform.claude.com/docs/en/build-with-claude/streaming>,
//! <https://platform.claude.com/docs/en/build-with-claude/extended-thinking>,
//! <https://platform.claude.com/docs/en/build-with-claude/structured-outputs>.

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

pub use target_answer::read_answer;
pub use target_fit::fit;
pub use target_options::MessagesOptions;
pub use target_request::write_request;
pub use target_stream::Reader;

#[cfg(test)]
mod tests;
