//! One exchange with a provider up to the response's header.
//!
//! HTTP/1.1 only: over HTTP/2 all requests to a host would share one connection, and one client that stops reading could
//! starve or cut the others. The request is our own, built from bytes that were read whole; nothing of the client's framing
//! reaches the provider, and no redirect is followed, so a credential never travels to another host.
//!
//! A server may close an idle connection in the moment we use it. If the connection had served before and nothing of an
//! answer came, the request is sent once more, on another connection if there is one: the peer hung up on the connection,
//! not on the request. A *fresh* connection that is closed is a failure of the target. The price is that a server which
//! closes a used connection *after* it took a request gets it twice; for a completion that costs tokens, never
//! correctness, and the next target would have got it anyway.

use std::error::Error as StdError;
use std::io;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, Uri, header};
use http_body_util::Full;
use tokio::time::timeout_at;

use super::dial::Dialer;
use super::idle::{Idle, Place};
use super::link::{Answer, Link};
use super::unreached;
use crate::live::Clock;
use crate::model::{Outcome, Phase, Time};

/// How often a request is sent again because an idle connection was closed under it.
const MOST_RESENDS: u32 = 3;

/// Calls providers; cheap to clone, clones share their connections.
#[derive(Clone, Debug)]
pub struct Caller {
    dialer: Dialer,
    idle: Arc<Idle>,
}

/// A deadline, and what has passed with it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Due {
    /// When.
    pub(super) at: Time,
    /// What is over then.
    pub(super) phase: Phase,
}

impl Due {
    /// The deadline of `phase` at `at`.
    pub(super) const fn new(at: Time, phase: Phase) -> Self {
        Self { at, phase }
    }

    /// The earlier of two; of equal ones `self`.
    pub(super) fn or(self, other: Self) -> Self {
        if other.at < self.at { other } else { self }
    }

    /// Awaits `work` until then. Whatever is large is handed over pinned, so that it is not copied on its way in.
    pub(super) async fn bound<T>(
        self,
        clock: Clock,
        work: impl Future<Output = T>,
    ) -> Result<T, Unanswered> {
        let instant = clock.instant_of(self.at);
        let late = |_| Unanswered::timeout(self.phase);
        timeout_at(instant, work).await.map_err(late)
    }
}

/// Until when each step may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Until the connection stands.
    pub(super) connect: Due,
    /// Until the response's header.
    pub(super) header: Due,
}

/// Why there is no response.
#[derive(Clone, Debug)]
pub(super) struct Unanswered {
    /// What it counts as.
    pub(super) outcome: Outcome,
    /// For people: what happened. It names no address.
    pub(super) detail: String,
}

impl Default for Caller {
    fn default() -> Self {
        Self::new()
    }
}

impl Caller {
    /// A caller that trusts the certificates that the system trusts.
    pub fn new() -> Self {
        Self::of(Dialer::new())
    }

    /// A caller for plain HTTP: it trusts no certificate, so TLS fails.
    pub fn plain() -> Self {
        Self::of(Dialer::without_roots())
    }

    fn of(dialer: Dialer) -> Self {
        Self {
            dialer,
            idle: Arc::default(),
        }
    }

    /// Sends the request that `build` makes and waits for the response's header.
    pub(super) async fn send(
        &self,
        build: impl Fn() -> Request<Full<Bytes>>,
        clock: Clock,
        limits: Limits,
    ) -> Result<Response<Answer>, Unanswered> {
        let mut resends = 0;
        loop {
            let mut request = build();
            let link = self.link(&mut request, clock, limits).await?;
            let reused = link.used;
            let exchanging = pin!(link.exchange(request));
            let error = match limits.header.bound(clock, exchanging).await? {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            if reused && resends < MOST_RESENDS && closed_unanswered(&error) {
                resends += 1;
                continue;
            }
            return Err(Unanswered::broken(&error));
        }
    }

    /// A connection for `request`, which is told how to name its host on it.
    async fn link(
        &self,
        request: &mut Request<Full<Bytes>>,
        clock: Clock,
        limits: Limits,
    ) -> Result<Box<Link>, Unanswered> {
        let uri = std::mem::take(request.uri_mut());
        let place = self
            .idle
            .place(&uri)
            .map_err(|error| not_connected(&error))?;
        request
            .headers_mut()
            .entry(header::HOST)
            .or_insert_with(|| place.host.clone());
        if let Some(path) = uri.path_and_query() {
            *request.uri_mut() = Uri::from(path.clone());
        }
        if let Some(link) = place.take(clock.now()) {
            return Ok(link);
        }
        self.idle.watched(clock);
        let until = limits.connect.or(limits.header);
        // On the heap: handshakes are rare, and take more room than all the rest of a request.
        let connecting = Box::pin(self.connect(uri, place, clock));
        until.bound(clock, connecting).await?
    }

    /// A fresh connection.
    async fn connect(
        &self,
        uri: Uri,
        place: Arc<Place>,
        clock: Clock,
    ) -> Result<Box<Link>, Unanswered> {
        let line = self.dialer.dial(uri).await;
        let line = line.map_err(|error| not_connected(&*error))?;
        let link = Link::over(line, place, clock).await;
        link.map_err(|error| not_connected(&error))
    }
}

fn not_connected(error: &(dyn StdError + 'static)) -> Unanswered {
    let is_ours = io_cause(error).is_some_and(is_ours);
    Unanswered {
        outcome: if is_ours {
            Outcome::Refused
        } else {
            Outcome::Transport
        },
        detail: format!("connecting failed: {}", unreached::why(error)),
    }
}

/// Whether this machine had nothing left to connect with: no descriptor, no memory. No target is to blame for it.
///
/// Having no port left is not among them: the same error is what a name with an address of a family that this machine has
/// not comes to, after its other address refused, and that target is down.
fn is_ours(error: &io::Error) -> bool {
    /// Of the whole system, and of this process; the standard library has no names for them.
    const NO_DESCRIPTOR: [i32; 2] = [23, 24];
    error.kind() == io::ErrorKind::OutOfMemory
        || error
            .raw_os_error()
            .is_some_and(|code| NO_DESCRIPTOR.contains(&code))
}

impl Unanswered {
    /// A deadline passed.
    pub(super) fn timeout(phase: Phase) -> Self {
        let detail = match phase {
            Phase::Connect => "the connection did not stand in time",
            Phase::Header => "no response header came in time",
            Phase::FirstToken => "no content came in time",
            Phase::BetweenTokens => "the stream went silent",
            Phase::Attempt => "the answer took longer than one attempt may",
            Phase::Request => "the request's whole time was up",
        };
        Self {
            outcome: Outcome::Timeout(phase),
            detail: detail.to_owned(),
        }
    }

    fn broken(error: &hyper::Error) -> Self {
        let innermost = innermost(error);
        if error.is_parse() {
            return Self {
                outcome: Outcome::Malformed,
                detail: format!("the response is not HTTP: {innermost}"),
            };
        }
        Self {
            outcome: Outcome::Transport,
            detail: format!("the connection broke before a response: {innermost}"),
        }
    }
}

/// Whether the peer closed the connection and sent nothing.
fn closed_unanswered(error: &hyper::Error) -> bool {
    error.is_incomplete_message()
        || error.is_canceled()
        || error.is_closed()
        || io_cause(error).is_some_and(|cause| {
            use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
            matches!(
                cause.kind(),
                ConnectionReset | BrokenPipe | ConnectionAborted
            )
        })
}

pub(super) fn io_cause<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a io::Error> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

/// The last cause: what the operating system or the parser said.
pub(super) fn innermost(error: &(dyn StdError + 'static)) -> String {
    causes(error)
        .last()
        .map(ToString::to_string)
        .unwrap_or_default()
}

fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let cause = next?;
        next = cause.source();
        Some(cause)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn that_this_machine_has_nothing_left_is_no_targets_fault() {
        for (code, outcome) in [
            (24, Outcome::Refused),
            (23, Outcome::Refused),
            (12, Outcome::Refused),
            (99, Outcome::Transport),
            (111, Outcome::Transport),
            (104, Outcome::Transport),
            (113, Outcome::Transport),
        ] {
            let error = io::Error::from_raw_os_error(code);
            assert_eq!(not_connected(&error).outcome, outcome, "{error}");
        }
    }
}
