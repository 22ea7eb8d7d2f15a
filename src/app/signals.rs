//! What the operating system asks for.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::notify;
use crate::control::{Handle, Why};

/// What is listened to from before the daemon says that it is ready: until then a signal has its usual effect, and all of
/// these end a process without draining.
#[derive(Debug)]
pub(super) struct Signals {
    pub(super) ends: Ends,
    pub(super) hangups: Signal,
}

impl Signals {
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {
            ends: Ends {
                terminate: signal(SignalKind::terminate())?,
                interrupt: signal(SignalKind::interrupt())?,
            },
            hangups: signal(SignalKind::hangup())?,
        })
    }
}

/// Signals that end the daemon.
#[derive(Debug)]
pub(super) struct Ends {
    terminate: Signal,
    interrupt: Signal,
}

impl Ends {
    /// The next one: SIGTERM or SIGINT.
    pub(super) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// Has the files read at every SIGHUP, and tells the service manager when that is done. Signals that come meanwhile are one
/// more.
pub(super) async fn reload_on_hangup(mut hangups: Signal, handle: Handle) -> io::Result<()> {
    while hangups.recv().await.is_some() {
        notify::reloading();
        let outcome = handle.reload(Why::Signal).await;
        notify::reloaded(&outcome);
    }
    Ok(())
}
