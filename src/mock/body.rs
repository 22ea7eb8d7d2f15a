//! Bodies of the mock's answers, the incomplete ones included.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::laws::{End, Flight};
use super::stream::Stream;

/// The body of an answer. It holds the request's [`Flight`], which ends with its last byte, or when hyper drops the
/// body because the client left.
#[derive(Debug)]
pub(super) enum Answering {
    /// All at once.
    Whole {
        bytes: Bytes,
        flight: Option<(Flight, End)>,
    },
    /// The beginning of a document whose declared length is longer; then silence or the connection's end.
    Part {
        bytes: Bytes,
        declared: u64,
        then: Then,
        flight: Option<Flight>,
    },
    /// Nothing, for ever.
    Silent {
        #[expect(dead_code, reason = "held until the client leaves")]
        flight: Flight,
    },
    /// Server-sent events.
    Stream(Box<Stream>),
}

/// What follows the beginning of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// Nothing, for ever.
    Silence,
    /// Once what was written is flushed, the connection's end.
    Flush,
    /// The connection's end.
    Close,
}

impl Answering {
    /// A document that belongs to no request of the law.
    pub(super) fn plain(bytes: impl Into<Bytes>) -> Self {
        Self::Whole {
            bytes: bytes.into(),
            flight: None,
        }
    }

    /// A document that ends a request. An empty one ends it here: hyper never asks a body of length 0 for anything.
    pub(super) fn ending(bytes: impl Into<Bytes>, flight: Flight, end: End) -> Self {
        let bytes = bytes.into();
        if bytes.is_empty() {
            flight.end(end);
            return Self::plain(bytes);
        }
        Self::Whole {
            bytes,
            flight: Some((flight, end)),
        }
    }
}

/// The error that makes hyper close a connection in mid-body.
pub(super) fn cut() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "cut, as the law says")
}

type Next = Poll<Option<Result<Frame<Bytes>, io::Error>>>;

/// The bytes as a frame, if there are any; then nothing is left of them.
fn frame(bytes: &mut Bytes) -> Option<Result<Frame<Bytes>, io::Error>> {
    (!bytes.is_empty()).then(|| Ok(Frame::data(std::mem::take(bytes))))
}

impl Body for Answering {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Next {
        match self.get_mut() {
            Self::Whole { bytes, flight } => {
                if let Some((flight, end)) = flight.take() {
                    flight.end(end);
                }
                Poll::Ready(frame(bytes))
            }
            Self::Part {
                bytes,
                then,
                flight,
                ..
            } => {
                if let Some(part) = frame(bytes) {
                    return Poll::Ready(Some(part));
                }
                part_is_out(then, flight, cx)
            }
            Self::Silent { .. } => Poll::Pending,
            Self::Stream(stream) => stream.poll(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole { bytes, flight } => bytes.is_empty() && flight.is_none(),
            Self::Part { .. } | Self::Silent { .. } | Self::Stream(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole { bytes, .. } => SizeHint::with_exact(bytes.len() as u64),
            Self::Part { declared, .. } => SizeHint::with_exact(*declared),
            Self::Silent { .. } | Self::Stream(_) => SizeHint::default(),
        }
    }
}

/// hyper drops what it has not flushed when a body fails, and flushes when a body is pending: so a cut is pending once.
fn part_is_out(then: &mut Then, flight: &mut Option<Flight>, cx: &Context<'_>) -> Next {
    match then {
        Then::Silence => Poll::Pending,
        Then::Flush => {
            *then = Then::Close;
            cx.waker().wake_by_ref();
            Poll::Pending
        }
        Then::Close => {
            if let Some(flight) = flight.take() {
                flight.end(End::Cut);
            }
            Poll::Ready(Some(Err(cut())))
        }
    }
}
