//! Clients' requests: whatever is read is said to every target as JSON, or refused.

use weighbridge::dialect::Front;
use weighbridge::dialect::any::Ask;

/// Letters of all targets, [`super::answers::target`]'s.
const TARGETS: &[u8] = b"cmbgk";

/// What the target claims: the first byte is the front, the rest the body.
///
/// # Panics
/// A claim does not hold.
pub fn run(data: &[u8]) {
    let Some((letter, body)) = data.split_first() else {
        return;
    };
    let front = match letter {
        b'p' => Front::Completions,
        b'e' => Front::Embeddings,
        b'r' => Front::Responses,
        b'm' => Front::Messages,
        _ => Front::Chat,
    };
    let Some(Ok(ask)) = Ask::read(front, body) else {
        return;
    };
    for letter in TARGETS {
        let target = super::answers::target(*letter);
        drop(ask.fit(&target));
        if let Ok(written) = ask.write(&target, "m") {
            let read = serde_json::from_slice::<serde::de::IgnoredAny>(&written.body);
            assert!(
                read.is_ok(),
                "{target:?}: expected JSON, found {}",
                String::from_utf8_lossy(&written.body)
            );
        }
    }
}
