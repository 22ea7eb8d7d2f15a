//! How far an answer may be ahead of the client that takes it.
//!
//! Problem: hyper asks the body of an HTTP/1 answer for more as long as less waits to be written than it may read at a time,
//! which is a quarter of a megabyte, so that each client that stopped reading a quick stream would hold that much. Choice:
//! what was handed on and not yet written is counted, and a body that is [`MOST`] ahead has nothing more until the client
//! has taken some. The count belongs to the connection; while the connection is polled it lies where the body and the socket,
//! which know nothing of each other, both find it. Streams of HTTP/2 are tasks of their own, where nothing is counted:
//! their windows bound them.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;

/// Bytes from which on a body waits. Halved, large answers take more turns of their task; doubled, as much more is held for
/// each client that takes nothing.
const MOST: usize = 32 * 1024;

thread_local! {
    /// Of the connection that is being polled; `None` outside of any.
    static AHEAD: Cell<Option<usize>> = const { Cell::new(None) };
}

/// Whether the answer of the connection that is being polled is too far ahead.
pub(super) fn is_too_far() -> bool {
    AHEAD.get().is_some_and(|ahead| ahead >= MOST)
}

/// A body handed something on.
pub(super) fn handed(bytes: &Bytes) {
    AHEAD.set(AHEAD.get().map(|ahead| ahead.saturating_add(bytes.len())));
}

/// The socket took so many bytes. Heads and framing are among them, so the count may fall too far and never too little: a
/// body that waits always has something that is still to be written.
pub(super) fn written(length: usize, cx: &Context<'_>) {
    let Some(ahead) = AHEAD.get() else {
        return;
    };
    let left = ahead.saturating_sub(length);
    AHEAD.set(Some(left));
    if ahead >= MOST && left < MOST {
        // hyper asks the body before it writes, so the body that waits must be asked in another turn.
        cx.waker().wake_by_ref();
    }
}

/// A connection whose answers are counted.
#[derive(Debug)]
pub(super) struct Counted<F> {
    connection: Pin<Box<F>>,
    ahead: usize,
}

impl<F> Counted<F> {
    /// Nothing was handed on yet over `connection`.
    pub(super) fn new(connection: F) -> Self {
        Self {
            connection: Box::pin(connection),
            ahead: 0,
        }
    }
}

impl<F: Future> Future for Counted<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        AHEAD.set(Some(self.ahead));
        let polled = self.connection.as_mut().poll(cx);
        self.ahead = AHEAD.take().unwrap_or_default();
        polled
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::task::{Wake, Waker};

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicU32);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn each_connection_counts_for_itself_and_is_woken_when_its_client_takes_something() {
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let mut cx = Context::from_waker(&waker);
        let mut turn = 0;
        let mut full = Counted::new(poll_fn(|cx| {
            turn += 1;
            match turn {
                1 => {
                    assert!(!is_too_far());
                    handed(&Bytes::from(vec![0; MOST]));
                    assert!(is_too_far());
                    Poll::Pending
                }
                2 => {
                    assert!(is_too_far(), "as it was left");
                    written(1, cx);
                    assert!(!is_too_far());
                    Poll::Pending
                }
                _ => Poll::Ready(()),
            }
        }));
        assert!(Pin::new(&mut full).poll(&mut cx).is_pending());
        assert!(
            !is_too_far(),
            "outside of any connection nothing is counted"
        );
        handed(&Bytes::from(vec![0; 2 * MOST]));
        let mut other = Counted::new(poll_fn(|_| {
            assert!(!is_too_far(), "another's");
            Poll::Ready(())
        }));
        assert!(Pin::new(&mut other).poll(&mut cx).is_ready());
        assert_eq!(woken.0.load(Ordering::Relaxed), 0);
        assert!(Pin::new(&mut full).poll(&mut cx).is_pending());
        assert_eq!(woken.0.load(Ordering::Relaxed), 1);
        assert!(Pin::new(&mut full).poll(&mut cx).is_ready());
    }
}
