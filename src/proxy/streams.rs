//! A stream of HTTP/2 whose client takes nothing of its answer.
//!
//! Over HTTP/1.1 such a client fills its socket, which [`super::guard`] sees. Over HTTP/2 the socket goes on moving, for the
//! connection's other streams, and only this stream's window stays shut: hyper waits for it and polls neither the body nor
//! its deadlines, so the provider's connection and the place at the target would be held for ever. Here each stream is a
//! task of its own, and a task that has handed on a piece of its answer and has not been asked for the next one for too long
//! is dropped: the stream is reset, and everything that its body owns ends with it. The connection's other streams go on.

use std::cell::Cell;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Sleep, sleep};

/// What a task's body did last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Did {
    /// It was not asked in this turn.
    Nothing,
    /// It handed on a piece: whether the client takes it is the next question.
    Handed,
    /// It waits for more itself, or has come to its end.
    Waits,
}

thread_local! {
    /// Between a task's beginning and end of a turn: a body is polled by the thread that polls its task.
    static DID: Cell<Did> = const { Cell::new(Did::Nothing) };
}

/// A body was asked for its next piece and said this.
pub(super) fn asked<T, E>(polled: &Poll<Option<Result<T, E>>>) {
    DID.set(match polled {
        Poll::Ready(Some(_)) => Did::Handed,
        Poll::Ready(None) | Poll::Pending => Did::Waits,
    });
}

/// Runs the streams of HTTP/2 connections, each as long as its client takes something within this time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Streams {
    stall: Duration,
}

impl Streams {
    /// Streams whose clients may take nothing for `stall`.
    pub(super) const fn new(stall: Duration) -> Self {
        Self { stall }
    }
}

impl<F> hyper::rt::Executor<F> for Streams
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn execute(&self, stream: F) {
        let stream = Watched {
            stream: Box::pin(stream),
            stall: self.stall,
            stalled: None,
        };
        drop(tokio::spawn(stream));
    }
}

/// A stream's task under watch.
struct Watched<F> {
    stream: Pin<Box<F>>,
    stall: Duration,
    /// Runs while a piece waits to be taken.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<F: Future> Future for Watched<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        DID.set(Did::Nothing);
        if self.stream.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        match DID.get() {
            Did::Nothing => {}
            Did::Handed => self.stalled = Some(Box::pin(sleep(self.stall))),
            Did::Waits => self.stalled = None,
        }
        match &mut self.stalled {
            Some(stalled) => {
                ready!(stalled.as_mut().poll(cx));
                tracing::debug!("a stream was reset: its client took nothing for too long");
                Poll::Ready(())
            }
            None => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Said = Poll<Option<Result<(), ()>>>;

    /// What becomes within `turns` of ten seconds of a task whose body says these in turn, and nothing after that.
    async fn ends(says: &[Said], turns: u32) -> bool {
        let mut says = says.iter().copied();
        let mut wait = Box::pin(sleep(Duration::from_secs(10)));
        let stream = std::future::poll_fn(move |cx| {
            if let Some(said) = says.next() {
                asked(&said);
            }
            while wait.as_mut().poll(cx).is_ready() {
                wait = Box::pin(sleep(Duration::from_secs(10)));
            }
            Poll::<()>::Pending
        });
        let watched = Watched {
            stream: Box::pin(stream),
            stall: Duration::from_secs(25),
            stalled: None,
        };
        let time = Duration::from_secs(10) * turns + Duration::from_secs(9);
        tokio::time::timeout(time, watched).await.is_ok()
    }

    const HANDED: Said = Poll::Ready(Some(Ok(())));
    const WAITS: Said = Poll::Pending;

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_is_given_up_and_a_silent_provider_is_not() {
        assert!(ends(&[HANDED], 2).await, "nobody came for the next piece");
        assert!(!ends(&[WAITS], 100).await, "the provider is waited for");
        assert!(!ends(&[HANDED, WAITS], 100).await, "also after a piece");
        assert!(!ends(&[], 100).await, "and before the answer's head");
    }

    #[tokio::test(start_paused = true)]
    async fn each_piece_that_is_taken_gives_time_for_the_next() {
        assert!(!ends(&[HANDED; 10], 10).await, "slow, and it moves");
        assert!(ends(&[HANDED; 10], 13).await, "until it stops");
    }
}
