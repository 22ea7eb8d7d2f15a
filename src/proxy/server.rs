//! The listener of the data plane: accepts under a bound, speaks HTTP/1.1 and HTTP/2 on one port, drains.
//!
//! Beyond the bound new connections wait in the kernel's queue instead of being refused: a short burst costs a little time,
//! a long one is bounded there too. An error of `accept` never ends the loop: what concerns one connection is skipped, what
//! concerns the process (no file descriptors left) is waited out.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::Proxy;
use super::door::{Door, Entry, shaken};
use super::guard::Guarded;
use super::handler::handle;

/// Most headers of a request.
const MAX_HEADERS: usize = 100;
/// Largest head of a request.
const MAX_HEAD: u32 = 64 * 1024;
/// Most requests at a time on one HTTP/2 connection.
const MAX_STREAMS: u32 = 100;
/// What an HTTP/2 client may send ahead: per request and per connection.
const WINDOWS: (u32, u32) = (256 * 1024, 1024 * 1024);
/// How often a silent HTTP/2 client is asked whether it is there, and how long it may take to say so.
const PING: Duration = Duration::from_secs(20);
/// First and longest pause after `accept` failed for the whole process.
const PAUSE: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));
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
    let open = Arc::new(Semaphore::new(
        server.max_connections.clamp(1, Semaphore::MAX_PERMITS),
    ));
    let builder = builder(server.head_timeout);
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let mut door = Door::default();
    let mut pause = PAUSE.0;
    tokio::pin!(shutdown);
    loop {
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            // A panic of a connection's task ends that connection only; the request's own is caught before it gets here.
            Some(_) = connections.join_next() => {}
            accepted = accept(&listener, &open, pause) => {
                let Some((stream, permit)) = accepted else {
                    pause = (pause * 2).min(PAUSE.1);
                    continue;
                };
                pause = PAUSE.0;
                let client = Client {
                    builder: builder.clone(),
                    proxy: Arc::clone(&proxy),
                    watcher: graceful.watcher(),
                    head_timeout: server.head_timeout,
                    _permit: permit,
                };
                match door.entry(proxy.published.read().config.server.tls.as_ref()) {
                    Entry::Plain => drop(connections.spawn(client.serve(stream))),
                    Entry::Tls(acceptor) => drop(connections.spawn(client.greet(acceptor, stream))),
                    Entry::Closed => {}
                }
            }
        }
    }
    drop(listener);
    drain(graceful, connections, &proxy, grace()).await
}

/// One connection, and what its task needs.
struct Client {
    builder: Builder<TokioExecutor>,
    proxy: Arc<Proxy>,
    watcher: Watcher,
    head_timeout: Duration,
    /// Its place among the connections; given back when the task ends.
    _permit: OwnedSemaphorePermit,
}

impl Client {
    /// Shakes hands, then serves what was agreed on: whoever chose HTTP/2 there and then speaks something else is not
    /// answered as an HTTP/1.1 client.
    async fn greet(mut self, acceptor: TlsAcceptor, stream: TcpStream) {
        match shaken(&acceptor, stream, self.head_timeout).await {
            Ok(stream) => {
                if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
                    self.builder = self.builder.http2_only();
                }
                self.serve(stream).await;
            }
            // There was no request yet, and whoever speaks no TLS could not read an answer.
            Err(error) => tracing::debug!(%error, "a client's TLS handshake failed"),
        }
    }

    /// Serves the requests of the connection until it ends or the process is told to stop.
    async fn serve<S: AsyncRead + AsyncWrite + Unpin + 'static>(self, stream: S) {
        let proxy = self.proxy;
        let service = service_fn(move |request| {
            let proxy = Arc::clone(&proxy);
            async move { Ok::<_, Infallible>(handle(proxy, request).await) }
        });
        let io = Guarded::new(stream, self.head_timeout);
        let connection = self.builder.serve_connection(io, service);
        // What ended the connection was told to its requests; there is nobody else to tell.
        drop(self.watcher.watch(connection).await);
    }
}

/// The next connection, once there is room for it; `None` after an error, when its pause is over.
async fn accept(
    listener: &TcpListener,
    open: &Arc<Semaphore>,
    pause: Duration,
) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let permit = Arc::clone(open).acquire_owned().await.ok()?;
    match listener
        .accept()
        .await
        .and_then(|(stream, _)| prepared(stream))
    {
        Ok(stream) => Some((stream, permit)),
        Err(error) => {
            if !concerns_one(&error) {
                sleep(pause).await;
            }
            None
        }
    }
}

/// Nagle's algorithm off: a chunk of a stream must not wait for the acknowledgement of the one before.
fn prepared(stream: TcpStream) -> io::Result<TcpStream> {
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Whether an error of `accept` is about the one connection that it would have returned.
fn concerns_one(error: &io::Error) -> bool {
    use io::ErrorKind::{
        ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted, InvalidInput,
    };
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted | InvalidInput
    )
}

fn builder(head_timeout: Duration) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(head_timeout)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD as usize)
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

/// Waits for open requests, then cuts what is left: streams with an error event, the rest with their connection.
async fn drain(
    graceful: GracefulShutdown,
    mut connections: JoinSet<()>,
    proxy: &Proxy,
    grace: Duration,
) -> DrainReport {
    if timeout(grace, graceful.shutdown()).await.is_ok() {
        return DrainReport::default();
    }
    let cut = proxy.open_requests();
    proxy.shears.cut();
    let last_words = async { while connections.join_next().await.is_some() {} };
    if timeout(LAST_WORDS, last_words).await.is_err() {
        connections.shutdown().await;
    }
    DrainReport { cut }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn accepted_connections_have_nagle_off() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let open = Arc::new(Semaphore::new(1));
        let client = TcpStream::connect(address).await.unwrap();
        let accepted = accept(&listener, &open, PAUSE.0).await;
        let (stream, _permit) = accepted.expect("a connection is waiting");
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
