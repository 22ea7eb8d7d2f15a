//! How open streams learn that the process will not wait for them any longer.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use tokio::sync::watch;
use tokio::task::coop::unconstrained;

/// The one who says so.
#[derive(Debug)]
pub(super) struct Shears {
    told: watch::Sender<bool>,
    /// The same for those who have been waiting: they need not ask anew who wakes them.
    is_over: Arc<AtomicBool>,
}

/// Ready once it was said.
pub(super) struct Cut {
    told: Pin<Box<dyn Future<Output = ()> + Send + Sync>>,
    is_over: Arc<AtomicBool>,
    /// Who will be woken.
    waits: Option<Waker>,
}

impl Shears {
    /// Nothing is cut yet.
    pub(super) fn new() -> Self {
        Self {
            told: watch::Sender::new(false),
            is_over: Arc::default(),
        }
    }

    /// Ends all open streams.
    pub(super) fn cut(&self) {
        // Before those who wait are woken: they look here.
        self.is_over.store(true, Ordering::Release);
        self.told.send_replace(true);
    }

    /// For one stream.
    pub(super) fn handle(&self) -> Cut {
        let mut told = self.told.subscribe();
        Cut {
            // Not bounded by what a task may do in one go: then it would ask for another turn instead of standing in line.
            told: Box::pin(unconstrained(async move {
                // The sender lives as long as the process; if it is gone, waiting is over too.
                drop(told.wait_for(|cut| *cut).await);
            })),
            is_over: Arc::clone(&self.is_over),
            waits: None,
        }
    }
}

impl Cut {
    /// Ready once the process stops waiting; not to be polled after that.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.is_over.load(Ordering::Acquire) {
            return Poll::Ready(());
        }
        // A stream asks after each of its events, and is in line already.
        let is_in_line = |waker: &Waker| waker.will_wake(cx.waker());
        if self.waits.as_ref().is_some_and(is_in_line) {
            return Poll::Pending;
        }
        self.waits = Some(cx.waker().clone());
        self.told.as_mut().poll(cx)
    }
}

impl fmt::Debug for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cut")
    }
}
