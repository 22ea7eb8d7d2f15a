//! A connection to a provider that is driven by whoever uses it.
//!
//! Problem: a connection of hyper's is usually a task of its own. Then a request passes two channels, and two tasks on two
//! workers wake each other: a third of what a proxied request costs. Choice: the connection travels with the request that
//! it carries and with its answer, and is polled where they are polled, by the same task. Between two requests it rests in
//! [`super::idle`] and nobody polls it. How it fails: what happens to a resting connection is noticed when it is looked at,
//! not when it happens; a peer that hung up in that moment is [`super::upstream`]'s matter, as it always was.
//!
//! The connection rings a [`Bell`] when it has something to do, so that the task is not woken by what it does itself, and
//! does not poll a connection in which nothing has happened.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, Connection, SendRequest};
use tokio::task::coop::unconstrained;

use super::bell::Bell;
use super::dial::Line;
use super::idle::Place;
use crate::live::Clock;

/// Largest head of a response, and most that is read at a time of its body: what is held of an answer whose client does not
/// take it. hyper begins with 8 KB and comes to this only where as much keeps coming.
const MAX_HEAD: usize = 64 * 1024;
/// How often a connection is polled in one go before the task lets others run: it may ask to be polled again because its
/// share of the task's turn is used up.
const TURNS: u32 = 4;

/// A connection.
#[derive(Debug)]
pub(super) struct Link {
    sender: SendRequest<Full<Bytes>>,
    /// `None` once it is closed.
    connection: Option<Connection<Line, Full<Bytes>>>,
    /// Whether it has carried a request before.
    pub(super) used: bool,
    place: Arc<Place>,
    clock: Clock,
    bell: Arc<Bell>,
    /// Rings it.
    ring: Waker,
    /// Whether it was asked last in vain, and somebody waits for the bell.
    is_waited_for: bool,
}

/// The body of a provider's answer. It holds the connection that it comes from: read to its end, the connection rests until
/// it is used again; dropped before that, it is closed.
#[derive(Debug)]
pub(super) struct Answer {
    body: Incoming,
    link: Option<Box<Link>>,
}

// === impl Link ===

impl Link {
    /// HTTP/1.1 over `line`, which leads to `place`.
    pub(super) async fn over(
        line: Line,
        place: Arc<Place>,
        clock: Clock,
    ) -> hyper::Result<Box<Self>> {
        let (sender, connection) = Builder::new()
            .max_buf_size(MAX_HEAD)
            .handshake(line)
            .await?;
        let bell = Bell::new();
        Ok(Box::new(Self {
            ring: Waker::from(Arc::clone(&bell)),
            bell,
            sender,
            connection: Some(connection),
            used: false,
            is_waited_for: false,
            place,
            clock,
        }))
    }

    /// Sends `request` and waits for the response's header.
    pub(super) async fn exchange(
        mut self: Box<Self>,
        request: Request<Full<Bytes>>,
    ) -> hyper::Result<Response<Answer>> {
        let response = self.sender.send_request(request);
        self.used = true;
        // Not bounded by what a task may do in one go: out of turn it would ask a waker that wakes nobody for another.
        let mut response = std::pin::pin!(unconstrained(response));
        let link = &mut *self;
        let response =
            std::future::poll_fn(|cx| link.drive(cx, |cx| response.as_mut().poll(cx))).await?;
        Ok(response.map(|body| Answer::new(body, self)))
    }

    /// Asks for what comes over the connection; drives the connection until it comes.
    fn drive<T>(
        &mut self,
        cx: &mut Context<'_>,
        mut ask: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        // Only the connection brings what is asked for, so it is its bell that tells.
        if std::mem::take(&mut self.is_waited_for) && self.bell.is_waited_for_by(cx.waker()) {
            self.is_waited_for = true;
            return Poll::Pending;
        }
        let mut quiet = Context::from_waker(Waker::noop());
        self.bell.drive();
        for _ in 0..TURNS {
            if let Poll::Ready(came) = ask(&mut quiet) {
                self.bell.leave();
                return Poll::Ready(came);
            }
            if self.bell.has_rung() {
                self.poll();
            } else if self.connection.is_none() {
                self.bell.leave();
                return ask(cx);
            } else if self.bell.wait(cx.waker()) {
                self.is_waited_for = true;
                return Poll::Pending;
            } else {
                self.bell.drive();
            }
        }
        self.bell.leave();
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Lets the connection do what it can.
    fn poll(&mut self) {
        let mut cx = Context::from_waker(&self.ring);
        if let Some(connection) = &mut self.connection
            && Pin::new(connection).poll(&mut cx).is_ready()
        {
            // How it ended is told where the answer is asked for.
            self.connection = None;
        }
    }

    /// Whether it can carry a request, as far as can be told.
    pub(super) fn is_open(&mut self) -> bool {
        if self.bell.has_rung() || !self.sender.is_ready() {
            self.poll();
        }
        self.connection.is_some() && self.sender.is_ready()
    }

    /// Its answer has come to its end.
    fn rest(mut self: Box<Self>) {
        self.bell.forget();
        if self.is_open() {
            let (place, now) = (Arc::clone(&self.place), self.clock.now());
            place.keep(self, now);
        }
    }
}

// === impl Answer ===

impl Answer {
    fn new(body: Incoming, link: Box<Link>) -> Self {
        let mut answer = Self {
            body,
            link: Some(link),
        };
        if answer.body.is_end_stream() {
            answer.over();
        }
        answer
    }

    fn over(&mut self) {
        if let Some(link) = self.link.take() {
            link.rest();
        }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        let body = &mut this.body;
        let polled = match &mut this.link {
            Some(link) => link.drive(cx, |cx| Pin::new(&mut *body).poll_frame(cx)),
            None => Pin::new(body).poll_frame(cx),
        };
        if matches!(polled, Poll::Ready(None)) {
            this.over();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
