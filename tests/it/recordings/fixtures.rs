//! Answers in the shapes of recordings, written by the project.
use super::recording::Recording;
pub(super) fn all() -> Vec<Recording> {
    Vec::new()
}
