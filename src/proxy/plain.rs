//! Clients that speak plain HTTP where TLS is spoken: told so, and closed.
//!
//! A failed handshake would be a cut connection, and nobody guesses from that that an `s` is missing. The first byte tells
//! both apart before the handshake takes it: a method's letter, or the type of a record. What is said has nothing of what the
//! client sent, and its request, which came in the clear with whatever key is in it, is not served.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;

use super::away::{tell, written};
use crate::wire::{Code, ErrorBody};

/// Whether `stream` begins as a request in the clear does, within `most`. A handshake begins with the byte 22.
/// Source: RFC 9112, section 3.1 (methods), and RFC 8446, section 5.1 (records).
pub(super) async fn speaks_plainly(stream: &TcpStream, most: Duration) -> bool {
    let mut first = [0];
    let peeked = timeout(most, stream.peek(&mut first)).await;
    matches!(peeked, Ok(Ok(1))) && first[0].is_ascii_uppercase()
}

/// Says that this port speaks HTTPS; in the log only the first time, as `was_told` remembers.
pub(super) async fn turn(stream: TcpStream, was_told: &AtomicBool) {
    if !was_told.swap(true, Ordering::Relaxed) {
        tracing::warn!(
            "a client spoke plain HTTP where server.tls has TLS spoken; it was told, and further ones will be without a line here"
        );
    }
    let message = "this port speaks HTTPS: write https:// in the base URL. The request was not read; \
        if a key was in it, it came in the clear";
    let error = ErrorBody::new(Code::InvalidRequestError, message);
    tell(stream, &written("400 Bad Request", "", &error)).await;
}
