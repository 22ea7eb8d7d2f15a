//! Anthropic's Messages, as it is spoken to Anthropic.
//!
//! The problem: Anthropic refuses what other providers take: turns in another order, ids with other signs, empty texts, luck
//! beside thoughts. The choice: what can be put right without changing what was asked is put right; what the answer can do
//! without is left out and named; the rest is unfit, so that another target answers.
//!
//! Sources: Anthropic's service description of 2024-11 (ids, names, `user_id`, `input_schema`), recorded answers of 2024 to
//! 2026, and for what came later excerpts, seen 2026-11-24, of
//! <https://platform.claude.com/docs/en/build-with-claude/effort>,
//! <https://platform.claude.com/docs/es/build-with-claude/extended-thinking>,
//! <https://docs.aws.amazon.com/bedrock/latest/userguide/claude-messages-adaptive-thinking.html>; errors are quoted from
//! public reports, named where they are.

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
