//! A client's connection that may not stand still.
//!
//! hyper bounds the time that a request's head takes, but not the time before it knows which version of HTTP is spoken, and
//! not the time that a client takes to read. Without these two bounds a few thousand silent sockets, or clients that
//! stopped reading long answers, would hold every connection and every place at the targets.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Sleep, sleep};

use super::ahead;

/// Bytes after which hyper knows the version: the length of HTTP/2's preface, and less than any HTTP/1 request here has.
const OPENING: usize = 24;

/// A client's connection under guard.
#[derive(Debug)]
pub(super) struct Guarded<S> {
    io: TokioIo<S>,
    read: usize,
    opening: Pin<Box<Sleep>>,
    stall: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<S> Guarded<S> {
    /// Guards `stream`, whose first bytes must come within `opening`, and whose client may take nothing of what is ready for
    /// `stall`.
    pub(super) fn new(stream: S, opening: Duration, stall: Duration) -> Self {
        Self {
            io: TokioIo::new(stream),
            read: 0,
            opening: Box::pin(sleep(opening)),
            stall,
            stalled: None,
        }
    }

    /// Passes the `progress` of a write on; fails if there was none for too long.
    fn wrote(
        &mut self,
        cx: &mut Context<'_>,
        progress: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if let Poll::Ready(result) = progress {
            self.stalled = None;
            if let Ok(length) = result {
                ahead::written(length, cx);
            }
            return Poll::Ready(result);
        }
        let stall = self.stall;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(stall)));
        std::task::ready!(stalled.as_mut().poll(cx));
        Poll::Ready(Err(late("the client took nothing for too long")))
    }
}

fn late(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, what)
}

impl<S: AsyncRead + Unpin> Read for Guarded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let room = buf.remaining();
        if self.read >= OPENING {
            return Pin::new(&mut self.io).poll_read(cx, buf);
        }
        // A cursor cannot be asked what was written to it, so the opening is read through a buffer of its own.
        let mut bytes = [0_u8; OPENING];
        let most = OPENING.min(room);
        let mut opening = hyper::rt::ReadBuf::new(bytes.get_mut(..most).unwrap_or_default());
        match Pin::new(&mut self.io).poll_read(cx, opening.unfilled()) {
            Poll::Ready(Ok(())) => {
                self.read += opening.filled().len();
                buf.put_slice(opening.filled());
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => {
                std::task::ready!(self.opening.as_mut().poll(cx));
                Poll::Ready(Err(late("the client sent no request")))
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> Write for Guarded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let progress = Pin::new(&mut self.io).poll_write(cx, buf);
        self.wrote(cx, progress)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let progress = Pin::new(&mut self.io).poll_write_vectored(cx, bufs);
        self.wrote(cx, progress)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::{TcpListener, TcpStream};

    #[tokio::test]
    async fn a_client_that_takes_nothing_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let stall = Duration::from_millis(50);
        let mut guarded = Guarded::new(stream, Duration::from_secs(60), stall);
        let chunk = vec![0; 64 * 1024];
        // Buffers take some megabytes; the loop ends only by the error.
        let error = loop {
            let write = std::future::poll_fn(|cx| Pin::new(&mut guarded).poll_write(cx, &chunk));
            if let Err(error) = write.await {
                break error;
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        drop(client);
    }
}
