//! What the operating system asks for.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::notify;
use crate::control::{self, Handle, Why};
use crate::live::{Clock, Published, Thrown};
use crate::store::Books;

/// What is listened to from before the daemon says that it is ready: until then a signal has its usual effect, and all of
/// these end a process without draining.
#[derive(Debug)]
pub(super) struct Signals {
    pub(super) ends: Ends,
    pub(super) others: Others,
}

impl Signals {
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {
            ends: Ends {
                terminate: signal(SignalKind::terminate())?,
                interrupt: signal(SignalKind::interrupt())?,
            },
            others: Others {
                hangups: signal(SignalKind::hangup())?,
                first: signal(SignalKind::user_defined1())?,
                second: signal(SignalKind::user_defined2())?,
            },
        })
    }
}

/// Signals that have something done.
#[derive(Debug)]
pub(super) struct Others {
    hangups: Signal,
    first: Signal,
    second: Signal,
}

impl Others {
    /// Does what signals ask for: the files are read at SIGHUP, the kill switch goes off at SIGUSR1 and back at SIGUSR2.
    /// Each by itself: a reload that waits holds up no switch.
    pub(super) async fn heed(self, handle: Handle, lever: Lever) {
        let reloads = reload_on_hangup(self.hangups, handle);
        tokio::join!(reloads, lever.thrown_by(self.first, self.second));
    }
}

/// What the kill switch is thrown by. It asks nobody.
#[derive(Debug)]
pub(super) struct Lever {
    published: Published,
    books: Books,
    clock: Clock,
}

impl Lever {
    pub(super) fn of(published: &Published, books: &Books, clock: Clock) -> Self {
        Self {
            published: published.clone(),
            books: books.clone(),
            clock,
        }
    }

    async fn thrown_by(self, mut off: Signal, mut on: Signal) {
        loop {
            let (off, by) = tokio::select! {
                Some(()) = off.recv() => (true, "SIGUSR1"),
                Some(()) = on.recv() => (false, "SIGUSR2"),
                else => return,
            };
            let thrown = Thrown {
                off,
                by: by.to_owned(),
                reason: "a signal".to_owned(),
                since: self.clock.unix_seconds(),
            };
            control::throw(&self.published, &self.books, &thrown);
        }
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
async fn reload_on_hangup(mut hangups: Signal, handle: Handle) {
    while hangups.recv().await.is_some() {
        notify::reloading();
        let outcome = handle.reload(Why::Signal).await;
        notify::reloaded(&outcome);
    }
}
