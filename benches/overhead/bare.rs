//! The yardstick: what a proxy costs that does nothing but be one.
//!
//! hyper in front, hyper-util's pooled client behind, as in the product; the body is buffered and its envelope read, since
//! no balancer can do with less. No deadlines, no retries, no measurements, no header lists, no limits. Another one passes
//! the body on as it comes, unread: that is less than any balancer, and what proxies like nginx are measured against.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::uri::{Authority, Scheme};
use http::{Request, Response, StatusCode, Uri, header};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};
use weighbridge::wire::Envelope;

use crate::{Outcome, process};

type Answer = Response<BoxBody<Bytes, hyper::Error>>;

struct Bare {
    reading: Client<HttpConnector, Full<Bytes>>,
    passing: Client<HttpConnector, Incoming>,
    authority: Authority,
    /// Whether the body is buffered and read.
    reads: bool,
}

fn client<B: Body<Data: Send> + Send>() -> Client<HttpConnector, B> {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let mut client = Client::builder(TokioExecutor::new());
    client.pool_timer(TokioTimer::new());
    client.build(connector)
}

/// Serves until the parent is gone; `reads` what it passes on, or not.
pub(crate) async fn serve(upstream: SocketAddr, reads: bool) -> Outcome<()> {
    let bare = Arc::new(Bare {
        reading: client(),
        passing: client(),
        authority: upstream.to_string().parse()?,
        reads,
    });
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    process::announce("bare", listener.local_addr()?)?;
    let mut orphaned = std::pin::pin!(process::orphaned());
    loop {
        let (stream, _) = tokio::select! {
            accepted = listener.accept() => accepted?,
            () = &mut orphaned => return Ok(()),
        };
        tokio::spawn(connection(stream, Arc::clone(&bare)));
    }
}

async fn connection(stream: TcpStream, bare: Arc<Bare>) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let service = service_fn(move |request| {
        let bare = Arc::clone(&bare);
        async move { Ok::<_, Infallible>(pass(&bare, request).await) }
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new());
    // A client that hangs up is how every connection here ends.
    drop(
        builder
            .serve_connection(TokioIo::new(stream), service)
            .await,
    );
}

async fn pass(bare: &Bare, request: Request<Incoming>) -> Answer {
    forward(bare, request).await.unwrap_or_else(|error| {
        let text = Full::from(error.to_string()).map_err(|never| match never {});
        let mut response = Response::new(text.boxed());
        *response.status_mut() = StatusCode::BAD_GATEWAY;
        response
    })
}

async fn forward(bare: &Bare, request: Request<Incoming>) -> Outcome<Answer> {
    let (mut head, body) = request.into_parts();
    let mut uri = head.uri.into_parts();
    uri.scheme = Some(Scheme::HTTP);
    uri.authority = Some(bare.authority.clone());
    head.uri = Uri::from_parts(uri)?;
    head.headers.remove(header::HOST);
    if !bare.reads {
        let request = Request::from_parts(head, body);
        return Ok(bare.passing.request(request).await?.map(BodyExt::boxed));
    }
    let body = body.collect().await?.to_bytes();
    let envelope = Envelope::read(&body)?;
    std::hint::black_box(envelope.model.as_str());
    let request = Request::from_parts(head, Full::new(body));
    Ok(bare.reading.request(request).await?.map(BodyExt::boxed))
}
