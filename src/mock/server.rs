//! The socket side: accepting, serving, and ending all of it.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use super::handler;
use super::laws::Laws;

/// Binds `listen` (port 0 for any) and serves `laws` there until `shutdown` is ready.
///
/// Returns the bound address, and the handle of the server's task: it is over once all connections are.
///
/// # Errors
/// The address can't be bound.
pub async fn run(
    listen: SocketAddr,
    laws: Laws,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<(SocketAddr, JoinHandle<()>)> {
    let listener = TcpListener::bind(listen).await?;
    let address = listener.local_addr()?;
    Ok((address, tokio::spawn(serve(listener, laws, shutdown))))
}

/// Serves `laws` until `shutdown` is ready. Connections that are open then are closed at once, and all tasks have
/// ended when this returns; dropping it ends them too.
///
/// HTTP/1.1 and HTTP/2 with prior knowledge share the port.
pub async fn serve(listener: TcpListener, laws: Laws, shutdown: impl Future<Output = ()>) {
    let tasks = Ending(Tasks(Arc::new(Mutex::new(Some(JoinSet::new())))));
    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => tasks
                .0
                .spawn(connection(stream, laws.clone(), tasks.0.clone())),
            // Out of file descriptors, most likely: some must close before another attempt makes sense.
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
    drop(listener);
    if let Some(mut running) = tasks.0.take() {
        running.shutdown().await;
    }
}

async fn connection(stream: TcpStream, laws: Laws, tasks: Tasks) {
    // Without it a token may wait 40 ms for the client's delayed acknowledgement. It only fails on a dead socket.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let service = service_fn(move |request| {
        let laws = laws.clone();
        async move { Ok::<_, Infallible>(handler::handle(&laws, request).await) }
    });
    let mut builder = Builder::new(tasks);
    // A pooled connection may stay idle as long as the client likes: closing it would race with its next request.
    builder.http1().header_read_timeout(None);
    let served = builder
        .serve_connection(TokioIo::new(stream), service)
        .await;
    // A client that leaves, and a cut that the law wanted, end here: both are counted with their request.
    drop(served);
}

/// All tasks of one server, those that HTTP/2 makes for its streams included; `None` once it is over.
#[derive(Clone, Debug)]
struct Tasks(Arc<Mutex<Option<JoinSet<()>>>>);

impl Tasks {
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = tasks.as_mut() {
            // What is over is forgotten here, so the set is as large as what runs.
            while running.try_join_next().is_some() {}
            running.spawn(task);
        }
    }

    fn take(&self) -> Option<JoinSet<()>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl<F> hyper::rt::Executor<F> for Tasks
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, task: F) {
        self.spawn(task);
    }
}

/// Ends the tasks when it goes: they hold the set that holds them, so they would else outlive a dropped server.
struct Ending(Tasks);

impl Drop for Ending {
    fn drop(&mut self) {
        drop(self.0.take());
    }
}
