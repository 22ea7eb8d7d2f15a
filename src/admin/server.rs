//! The socket side: HTTP/1.1, few connections, short patience.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::Admin;
use super::handler::handle;

/// Connections at a time; further ones wait in the kernel's queue. A few scrapers and operators need a handful.
const MAX_CONNECTIONS: usize = 256;
/// For a client to send the head of a request; also how long an idle connection is kept.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// Largest head.
const MAX_HEAD: usize = 32 * 1024;
/// Pause after `accept` failed: out of file descriptors, most likely, and some must close first.
const PAUSE: Duration = Duration::from_millis(50);
/// What open requests get at the end.
const GRACE: Duration = Duration::from_secs(1);

/// Serves `admin` on `listener` until `shutdown` is ready; then open requests get a second.
pub async fn serve(listener: TcpListener, admin: Arc<Admin>, shutdown: impl Future<Output = ()>) {
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            // How a connection ended concerns only its client.
            Some(_) = connections.join_next() => {}
            accepted = accept(&listener, &room) => {
                let Some((stream, permit)) = accepted else { continue };
                let connection = connection(stream, Arc::clone(&admin), &graceful);
                connections.spawn(async move {
                    connection.await;
                    drop(permit);
                });
            }
        }
    }
    drop(listener);
    if timeout(GRACE, graceful.shutdown()).await.is_err() {
        connections.shutdown().await;
    }
}

/// The next connection, once there is room for it; `None` after an error.
async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let permit = Arc::clone(room).acquire_owned().await.ok()?;
    if let Ok((stream, _)) = listener.accept().await {
        return Some((stream, permit));
    }
    sleep(PAUSE).await;
    None
}

fn connection(
    stream: TcpStream,
    admin: Arc<Admin>,
    graceful: &GracefulShutdown,
) -> impl Future<Output = ()> + use<> {
    let service = service_fn(move |request| {
        let admin = Arc::clone(&admin);
        async move { Ok::<_, Infallible>(handle(&admin, request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), service);
    let connection = graceful.watch(connection);
    async move {
        // A client that leaves is no news.
        drop(connection.await);
    }
}
