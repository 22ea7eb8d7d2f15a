//! The listener of the data plane: accepts under a bound, speaks HTTP/1.1 and HTTP/2 on one port, drains.
//!
//! Beyond the bound new connections are turned away ([`super::away`]). An error of `accept` never ends the loop: what
//! concerns one connection is skipped, what concerns the process (no file descriptors left) is waited out.
//!
//! Told to stop, it takes leave before it closes anything: who has connected is served, each answer says that it is the
//! connection's last, and only then are connections closed that nobody used meanwhile. A connection that is closed in the
//! moment in which its client sends the next request costs that request.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::TokioTimer;
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::Proxy;
use super::ahead::Counted;
use super::away::Away;
use super::door::{Door, Entry, shaken};
use super::guard::Guarded;
use super::handler::handle;
#[cfg(doc)]
use super::intake;
use super::plain::{speaks_plainly, turn};
use super::port::{Sharing, close};
use super::streams::Streams;

/// Largest list of headers on HTTP/2, and most that waits to be sent on a stream of it.
const MAX_HEAD: u32 = 64 * 1024;
/// Most bytes that are read at a time on HTTP/1. A body of 100 KB that comes in one piece is never copied together; what a
/// head may have is [`intake::MAX_HEAD`]. hyper begins with 8 KB and comes to this only where as much keeps coming.
const MOST_AT_A_TIME: usize = 256 * 1024;
/// Most requests at a time on one HTTP/2 connection.
const MAX_STREAMS: u32 = 100;
/// What an HTTP/2 client may send ahead: per request and per connection.
const WINDOWS: (u32, u32) = (256 * 1024, 1024 * 1024);
/// How often a silent HTTP/2 client is asked whether it is there, and how long it may take to say so.
const PING: Duration = Duration::from_secs(20);
/// First and longest pause after `accept` failed for the whole process.
const PAUSE: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));
/// How long clients may take, once the process is told to stop, to use a connection once more and learn that it ends. SDKs
/// that are busy come back well within it; doubled, each restart takes a second longer where connections are idle.
const LEAVE: Duration = Duration::from_secs(1);
/// How long streams that were cut may take to say so to their clients.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What became of the requests that were open when the process was told to stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DrainReport {
    /// Requests that were not complete when the grace was over.
    pub cut: usize,
}

/// Serves `proxy` on `listener` until `shutdown` is ready; then waits for open requests, up to what `grace` says
/// at that moment.
///
/// The bounds of connections and heads are those of the configuration in force at the start.
pub async fn serve(
    listener: TcpListener,
    proxy: Arc<Proxy>,
    shutdown: impl Future<Output = ()>,
    grace: impl FnOnce() -> Duration,
) -> DrainReport {
    let server = proxy.published.read().config.server.clone();
    let most = server.max_connections.min(proxy.most_connections);
    let mut entrance = Entrance {
        open: Arc::new(Semaphore::new(most.clamp(1, Semaphore::MAX_PERMITS))),
        builder: builder(server.head_timeout, proxy.write_stall),
        graceful: GracefulShutdown::new(),
        connections: JoinSet::new(),
        door: Door::default(),
        away: Away::new(),
        head_timeout: server.head_timeout,
        proxy,
        was_told: Arc::default(),
    };
    let mut pause = PAUSE.0;
    tokio::pin!(shutdown);
    loop {
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            // A panic of a connection's task ends that connection only; the request's own is caught before it gets here.
            Some(_) = entrance.connections.join_next() => {}
            accepted = accept(&listener, pause) => {
                if let Some(stream) = accepted {
                    pause = PAUSE.0;
                    entrance.enter(stream);
                } else {
                    pause = (pause * 2).min(PAUSE.1);
                }
            }
        }
    }
    let (grace, since) = (grace(), entrance.proxy.clock.now());
    entrance.proxy.leaving.store(true, Ordering::Relaxed);
    close(listener, Sharing::of(&server), |stream| {
        entrance.enter(stream);
    })
    .await;
    let passed = entrance.proxy.clock.now().since(since);
    entrance.drain(grace.saturating_sub(passed)).await
}

/// Where connections come in, and those that are open.
struct Entrance {
    /// Places for connections.
    open: Arc<Semaphore>,
    builder: Builder<Streams>,
    graceful: GracefulShutdown,
    connections: JoinSet<()>,
    door: Door,
    away: Away,
    head_timeout: Duration,
    proxy: Arc<Proxy>,
    /// Whether the log has said that a client spoke no TLS.
    was_told: Arc<AtomicBool>,
}

impl Entrance {
    /// Gives `stream` a place and serves it, or turns it away.
    fn enter(&mut self, stream: TcpStream) {
        let snapshot = self.proxy.published.read();
        let tls = snapshot.config.server.tls.as_ref();
        let Ok(permit) = Arc::clone(&self.open).try_acquire_owned() else {
            let now = self.proxy.clock.now();
            if let Some(telling) = self.away.turn(stream, now, tls.is_some()) {
                self.connections.spawn(telling);
            }
            return;
        };
        let client = Client {
            builder: self.builder.clone(),
            proxy: Arc::clone(&self.proxy),
            watcher: self.graceful.watcher(),
            head_timeout: self.head_timeout,
            _permit: permit,
        };
        match self.door.entry(tls) {
            Entry::Plain => drop(self.connections.spawn(client.serve(stream))),
            Entry::Tls(acceptor) => {
                let was_told = Arc::clone(&self.was_told);
                let greeting = client.greet(acceptor, stream, was_told);
                drop(self.connections.spawn(greeting));
            }
            Entry::Closed => {}
        }
    }

    /// Waits for open requests, then cuts what is left: streams with an error event, the rest with their connection.
    async fn drain(mut self, grace: Duration) -> DrainReport {
        let leave = LEAVE.min(grace);
        if timeout(leave, ended(&mut self.connections)).await.is_ok() {
            return DrainReport::default();
        }
        let left = grace.saturating_sub(leave);
        if timeout(left, self.graceful.shutdown()).await.is_ok() {
            return DrainReport::default();
        }
        let cut = self.proxy.open_requests();
        self.proxy.shears.cut();
        let last_words = ended(&mut self.connections);
        if timeout(LAST_WORDS, last_words).await.is_err() {
            self.connections.shutdown().await;
        }
        DrainReport { cut }
    }
}

/// Waits until all `connections` have ended.
async fn ended(connections: &mut JoinSet<()>) {
    while connections.join_next().await.is_some() {}
}

/// One connection, and what its task needs.
struct Client {
    builder: Builder<Streams>,
    proxy: Arc<Proxy>,
    watcher: Watcher,
    head_timeout: Duration,
    /// Its place among the connections; given back when the task ends.
    _permit: OwnedSemaphorePermit,
}

impl Client {
    /// Shakes hands, then serves what was agreed on: whoever chose HTTP/2 there and then speaks something else is not
    /// answered as an HTTP/1.1 client.
    async fn greet(mut self, acceptor: TlsAcceptor, stream: TcpStream, was_told: Arc<AtomicBool>) {
        let (clock, begun) = (self.proxy.clock, self.proxy.clock.now());
        if speaks_plainly(&stream, self.head_timeout).await {
            return turn(stream, &was_told).await;
        }
        let left = self.head_timeout.saturating_sub(clock.now().since(begun));
        match shaken(&acceptor, stream, left).await {
            Ok(stream) => {
                if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
                    self.builder = self.builder.http2_only();
                }
                self.serve(stream).await;
            }
            // There was no request yet.
            Err(error) => tracing::debug!(%error, "a client's TLS handshake failed"),
        }
    }

    /// Serves the requests of the connection until it ends or the process is told to stop.
    async fn serve<S: AsyncRead + AsyncWrite + Unpin + 'static>(self, stream: S) {
        let proxy = self.proxy;
        let stall = proxy.write_stall;
        let service = service_fn(move |request| {
            let proxy = Arc::clone(&proxy);
            async move { Ok::<_, Infallible>(handle(proxy, request).await) }
        });
        let io = Guarded::new(stream, self.head_timeout, stall);
        let connection = self.builder.serve_connection(io, service);
        // What ended the connection was told to its requests; there is nobody else to tell.
        drop(Counted::new(self.watcher.watch(connection)).await);
    }
}

/// The next connection; `None` after an error, when its pause is over.
async fn accept(listener: &TcpListener, pause: Duration) -> Option<TcpStream> {
    match listener
        .accept()
        .await
        .and_then(|(stream, _)| prepared(stream))
    {
        Ok(stream) => Some(stream),
        Err(error) => {
            if !concerns_one(&error) {
                sleep(pause).await;
            }
            None
        }
    }
}

/// Nagle's algorithm off: a chunk of a stream must not wait for the acknowledgement of the one before.
pub(super) fn prepared(stream: TcpStream) -> io::Result<TcpStream> {
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Whether an error of `accept` is about the one connection that it would have returned.
pub(super) fn concerns_one(error: &io::Error) -> bool {
    use io::ErrorKind::{
        ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted, InvalidInput,
    };
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted | InvalidInput
    )
}

fn builder(head_timeout: Duration, write_stall: Duration) -> Builder<Streams> {
    let mut builder = Builder::new(Streams::new(write_stall));
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(head_timeout)
        .max_buf_size(MOST_AT_A_TIME)
        .keep_alive(true);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .initial_stream_window_size(WINDOWS.0)
        .initial_connection_window_size(WINDOWS.1)
        .max_header_list_size(MAX_HEAD)
        .max_send_buf_size(MAX_HEAD as usize)
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING);
    builder
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn accepted_connections_have_nagle_off() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let client = TcpStream::connect(address).await.unwrap();
        let accepted = accept(&listener, PAUSE.0).await;
        let stream = accepted.expect("a connection is waiting");
        assert!(stream.nodelay().unwrap(), "TCP_NODELAY must be set");
        drop(client);
    }

    #[test]
    fn running_out_of_descriptors_is_waited_out_and_a_reset_client_is_not() {
        let too_many_files = io::Error::from_raw_os_error(24);
        assert!(
            !concerns_one(&too_many_files),
            "EMFILE concerns the process"
        );
        let reset = io::Error::from(io::ErrorKind::ConnectionReset);
        assert!(concerns_one(&reset), "a reset concerns one connection");
    }
}
