mod target_answers;
mod target_gathered;
mod target_recordings;
mod target_requests;
mod target_streams;
mod target_thinking;
