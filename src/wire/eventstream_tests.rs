use proptest::prelude::*;

use super::*;

fn event(name: &str, payload: &str) -> Vec<u8> {
    let headers = [
        (":event-type", name),
        (":content-type", "application/json"),
        (":message-type", "event"),
    ];
    write(&headers, payload.as_bytes())
}

fn all(bytes: &[u8], size: usize) -> (Vec<Message>, Option<Broken>) {
    let (mut splitter, mut out) = (Splitter::new(), Vec::new());
    for chunk in bytes.chunks(size.max(1)) {
        if let Err(broken) = splitter.push(chunk, |message| out.push(message)) {
            return (out, Some(broken));
        }
    }
    (out, None)
}

#[test]
fn an_empty_message_has_the_bytes_of_the_format() {
    // The format's own smallest message: 16 bytes, no headers, no payload.
    let bytes = [
        0, 0, 0, 16, 0, 0, 0, 0, 0x05, 0xc2, 0x48, 0xeb, 0x7d, 0x98, 0xc8, 0xff,
    ];
    assert_eq!(write(&[], b""), bytes);
    assert_eq!(all(&bytes, 16), (vec![Message::default()], None));
}

#[test]
fn messages_come_out_as_they_went_in_under_any_chunking() {
    let mut bytes = event("messageStart", "{}");
    bytes.extend(event("contentBlockDelta", r#"{"delta":{"text":"hé"}}"#));
    let whole = all(&bytes, bytes.len());
    assert_eq!(whole.0.len(), 2);
    assert_eq!(
        (whole.0[1].kind.as_str(), whole.0[1].name.as_str()),
        ("event", "contentBlockDelta")
    );
    for size in 1..bytes.len() {
        assert_eq!(all(&bytes, size), whole, "chunks of {size}");
    }
}

#[test]
fn every_changed_byte_is_noticed() {
    let bytes = event("messageStop", r#"{"stopReason":"end_turn"}"#);
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 0x10;
        let (messages, broken) = all(&changed, 7);
        assert!(messages.is_empty() && broken.is_some(), "byte {at}");
    }
}

#[test]
fn after_a_break_nothing_is_read() {
    let mut splitter = Splitter::new();
    let mut bytes = event("a", "{}");
    bytes[9] ^= 1;
    assert!(splitter.push(&bytes, |_| panic!("no message")).is_err());
    assert!(
        splitter
            .push(&event("a", "{}"), |_| panic!("no message"))
            .is_ok()
    );
}

#[test]
fn lengths_beyond_the_bound_are_refused_before_anything_is_kept() {
    let mut bytes = Vec::new();
    bytes.extend_from_slice(&u32::MAX.to_be_bytes());
    bytes.extend_from_slice(&0_u32.to_be_bytes());
    bytes.extend_from_slice(&crc32fast::hash(&bytes).to_be_bytes());
    let (_, broken) = all(&bytes, 64);
    assert!(matches!(broken, Some(Broken::Lengths { .. })), "{broken:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300), size in 1..50_usize) {
        let (messages, _) = all(&bytes, size);
        prop_assert!(messages.len() < 20);
    }

    #[test]
    fn any_headers_are_read_or_refused(head in proptest::collection::vec(any::<u8>(), 0..60)) {
        // Headers of random bytes under right sums.
        let total = u32::try_from(PRELUDE + head.len() + SUM).unwrap();
        let mut bytes = total.to_be_bytes().to_vec();
        bytes.extend_from_slice(&u32::try_from(head.len()).unwrap().to_be_bytes());
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_be_bytes());
        bytes.extend_from_slice(&head);
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_be_bytes());
        let (messages, broken) = all(&bytes, 16);
        prop_assert!(messages.len() == 1 || broken.is_some());
    }
}
