//! The load: as many connections as asked for, each with one request at a time, for a given time.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{sleep, sleep_until};

use crate::Outcome;
use crate::configuration::AUTHORIZATION;

/// What is sent.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    pub(crate) address: SocketAddr,
    pub(crate) path: &'static str,
    pub(crate) body: Bytes,
    pub(crate) connections: usize,
    pub(crate) lasts: Lasts,
    /// A further header of each request.
    pub(crate) header: Option<(&'static str, String)>,
}

/// How long a connection goes on asking.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Lasts {
    /// No request begins after this time.
    For(Duration),
    /// So many requests.
    Requests(usize),
}

impl Lasts {
    fn is_over(self, began: Instant, asked: usize) -> bool {
        match self {
            Self::For(time) => began.elapsed() >= time,
            Self::Requests(most) => asked >= most,
        }
    }
}

/// What came back, in microseconds.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// From the request to the last byte of its answer, sorted.
    pub(crate) whole_us: Vec<f64>,
    /// From the request to the first content, or to the body of a unary answer, sorted.
    pub(crate) first_us: Vec<f64>,
    /// Between two pieces of a body that came one after the other, sorted.
    pub(crate) gaps_us: Vec<f64>,
    pub(crate) seconds: f64,
}

impl Seen {
    pub(crate) fn whole(&self, quantile: f64) -> f64 {
        at(&self.whole_us, quantile)
    }

    pub(crate) fn first(&self, quantile: f64) -> f64 {
        at(&self.first_us, quantile)
    }

    pub(crate) fn gap(&self, quantile: f64) -> f64 {
        at(&self.gaps_us, quantile)
    }

    fn add(&mut self, seen: Exchanged) {
        self.whole_us.push(seen.whole);
        self.first_us.push(seen.first);
        self.gaps_us.extend(seen.gaps);
    }

    fn sorted(mut self, began: Instant) -> Self {
        self.seconds = began.elapsed().as_secs_f64();
        for values in [&mut self.whole_us, &mut self.first_us, &mut self.gaps_us] {
            values.sort_by(f64::total_cmp);
        }
        self
    }
}

/// What came back of one request, in microseconds.
#[derive(Debug)]
struct Exchanged {
    whole: f64,
    first: f64,
    gaps: Vec<f64>,
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a place in a short list"
)]
fn at(sorted: &[f64], quantile: f64) -> f64 {
    let place = (sorted.len().saturating_sub(1) as f64 * quantile).round() as usize;
    sorted.get(place).copied().unwrap_or(f64::NAN)
}

/// Sends `load`. The first request of each connection is not counted: a connection is made once and used for long.
pub(crate) async fn run(load: &Load) -> Outcome<Seen> {
    let mut connections = Vec::new();
    for _ in 0..load.connections {
        connections.push(connect(load).await?);
    }
    let began = now();
    let mut tasks = JoinSet::new();
    for connection in connections {
        tasks.spawn(keep_asking(connection, load.clone(), began));
    }
    let mut all = Seen::default();
    while let Some(seen) = tasks.join_next().await {
        let seen = seen??;
        all.whole_us.extend(seen.whole_us);
        all.first_us.extend(seen.first_us);
        all.gaps_us.extend(seen.gaps_us);
    }
    Ok(all.sorted(began))
}

/// So many requests a second, whether those before were answered or not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    pub(crate) per_second: u32,
    pub(crate) lasts: Duration,
}

/// Sends `load`'s requests at `rate`, over as many connections as it has; each is measured from when it was due.
pub(crate) async fn at_a_rate(load: &Load, rate: Rate) -> Outcome<Seen> {
    let (free, mut next) = mpsc::unbounded_channel();
    for _ in 0..load.connections {
        drop(free.send(connect(load).await?));
    }
    let every = Duration::from_secs(1) / rate.per_second;
    let due = rate.lasts.as_nanos() / every.as_nanos().max(1);
    // From where the timer stands: it wakes at whole milliseconds.
    sleep(Duration::from_millis(1)).await;
    let began = now();
    let mut tasks = JoinSet::new();
    for i in 0..u32::try_from(due)? {
        let intended = began + every * i;
        sleep_until(intended.into()).await;
        let mut sender = next.recv().await.ok_or("no connection is left")?;
        let (load, free) = (load.clone(), free.clone());
        tasks.spawn(async move {
            sender.ready().await?;
            let seen = exchange(&mut sender, &load, intended).await?;
            drop(free.send(sender));
            Outcome::Ok(seen)
        });
    }
    let mut all = Seen::default();
    while let Some(seen) = tasks.join_next().await {
        all.add(seen??);
    }
    Ok(all.sorted(began))
}

async fn connect(load: &Load) -> Outcome<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(load.address).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

async fn keep_asking(
    mut sender: SendRequest<Full<Bytes>>,
    load: Load,
    began: Instant,
) -> Outcome<Seen> {
    let mut seen = Seen::default();
    while !load.lasts.is_over(began, seen.whole_us.len()) {
        sender.ready().await?;
        let asked = now();
        seen.add(exchange(&mut sender, &load, asked).await?);
    }
    Ok(seen)
}

/// One request and its whole answer, timed from when it was `asked`.
async fn exchange(
    sender: &mut SendRequest<Full<Bytes>>,
    load: &Load,
    asked: Instant,
) -> Outcome<Exchanged> {
    let mut request = Request::post(load.path);
    if let Some((name, value)) = &load.header {
        request = request.header(*name, value);
    }
    let request = request
        .header(header::HOST, "bench")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::AUTHORIZATION, AUTHORIZATION)
        .header(header::USER_AGENT, "bench")
        .body(Full::new(load.body.clone()))?;
    let response = sender.send_request(request).await?;
    let status = response.status();
    let mut body = response.into_body();
    let (mut first, mut size) = (None, 0);
    let (mut gaps, mut last) = (Vec::new(), None);
    while let Some(frame) = body.frame().await {
        let Ok(chunk) = frame?.into_data() else {
            continue;
        };
        size += chunk.len();
        let came = micros(asked);
        gaps.extend(last.replace(came).map(|last| came - last));
        // The first event of a stream holds the role alone.
        if first.is_none() && chunk.windows(11).any(|text| text == b"\"content\":\"") {
            first = Some(came);
        }
    }
    match first {
        Some(first) if status.is_success() => Ok(Exchanged {
            whole: micros(asked),
            first,
            gaps,
        }),
        _ => Err(format!("{status} with {size} bytes from {}", load.address).into()),
    }
}

fn micros(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e6
}

#[expect(clippy::disallowed_methods, reason = "a benchmark's own stopwatch")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
