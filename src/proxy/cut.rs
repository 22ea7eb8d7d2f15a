//! How open streams learn that the process will not wait for them any longer.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::sync::watch;

/// The one who says so.
#[derive(Debug)]
pub(super) struct Shears(watch::Sender<bool>);

/// Ready once it was said.
pub(super) struct Cut(Pin<Box<dyn Future<Output = ()> + Send + Sync>>);

impl Shears {
    /// Nothing is cut yet.
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    /// Ends all open streams.
    pub(super) fn cut(&self) {
        self.0.send_replace(true);
    }

    /// For one stream.
    pub(super) fn handle(&self) -> Cut {
        let mut told = self.0.subscribe();
        Cut(Box::pin(async move {
            // The sender lives as long as the process; if it is gone, waiting is over too.
            drop(told.wait_for(|cut| *cut).await);
        }))
    }
}

impl Cut {
    /// Ready once the process stops waiting; not to be polled after that.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(cx)
    }
}

impl fmt::Debug for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cut")
    }
}
