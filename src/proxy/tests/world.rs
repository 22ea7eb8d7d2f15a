//! A data plane with routes made by hand, a record of everything that ended, and a client that sees bytes.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::balance::Reference;
use crate::balance::gate::{GateOrder, GateState, Standing, Watch};
use crate::live::{Asked, Clock, Published, Recorder, RequestEnd, Upstream, Witness};
use crate::model::{Finished, Outcome, PicoUsd};
use crate::proxy::{Caller, Chance, DrainReport, Proxy, serve};

mod got;
mod plan;
mod snapshot;
mod target;

pub(super) use got::{Got, ask, post};
pub(super) use plan::{LONG, Plan};
pub(super) use snapshot::snapshot;
pub(super) use target::Spec;

/// Nothing in these tests takes this long.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// Everything that ended.
#[derive(Debug, Default)]
pub(super) struct Collected {
    attempts: Mutex<Vec<(String, Finished)>>,
    requests: Mutex<Vec<RequestEnd>>,
    /// Makes the next attempt's end panic.
    panics: AtomicBool,
}

impl Witness for Collected {
    fn attempt_ended(&self, _: &str, upstream: &Upstream, _: Asked, end: &Finished) {
        let mut attempts = self.attempts.lock().unwrap();
        attempts.push((upstream.name().to_string(), *end));
        drop(attempts);
        assert!(
            !self.panics.swap(false, Ordering::Relaxed),
            "as the test wants it"
        );
    }
}

impl Recorder for Collected {
    fn request_ended(&self, end: &Arc<RequestEnd>) {
        let end = RequestEnd::clone(end);
        self.requests.lock().unwrap().push(end);
    }
}

/// A running data plane.
#[derive(Debug)]
pub(super) struct World {
    pub(super) address: SocketAddr,
    pub(super) proxy: Arc<Proxy>,
    recorder: Arc<Collected>,
    pub(super) upstreams: Vec<Arc<Upstream>>,
    stop: Option<oneshot::Sender<()>>,
    pub(super) server: JoinHandle<DrainReport>,
}

impl Plan {
    /// Starts a data plane as planned.
    pub(super) async fn start(self) -> World {
        let snapshot = snapshot(self.config(), self.phase);
        let now = Clock::start().now();
        for allowance in snapshot.budgets.all() {
            allowance.spend(now, PicoUsd::new(2_000_000_000_000));
        }
        let upstreams = snapshot.routes[0]
            .members
            .iter()
            .map(|member| Arc::clone(&member.upstream));
        let upstreams = upstreams.collect();
        let recorder = Arc::new(Collected::default());
        let (published, _) = Published::first(snapshot);
        let mut proxy = Proxy::new(
            published,
            Clock::start(),
            Caller::plain(),
            recorder.clone(),
            Chance::seeded(7),
        );
        proxy.write_stall = self.write_stall;
        let proxy = Arc::new(proxy);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = serve(
            listener,
            Arc::clone(&proxy),
            async { drop(stopped.await) },
            move || self.grace,
        );
        World {
            address,
            proxy,
            recorder,
            upstreams,
            stop: Some(stop),
            server: tokio::spawn(serving),
        }
    }
}

impl World {
    /// Makes the code that hears of the next attempt's end panic.
    pub(super) fn panic_once(&self) {
        self.recorder.panics.store(true, Ordering::Relaxed);
    }

    /// Tells the server to stop.
    pub(super) fn stop(&mut self) {
        drop(self.stop.take());
    }

    /// Stops, and lets go of everything.
    pub(super) async fn ended(mut self) {
        self.stop();
        let server = timeout(PATIENCE, &mut self.server).await;
        server.expect("a server without requests ends").unwrap();
    }

    /// Waits until nothing is open, then: how the attempts ended, in order.
    pub(super) async fn attempts(&self) -> Vec<(String, Outcome)> {
        self.settled().await;
        let attempts = self.recorder.attempts.lock().unwrap();
        attempts
            .iter()
            .map(|(name, end)| (name.clone(), end.outcome))
            .collect()
    }

    /// The same with everything about them.
    pub(super) async fn ends(&self) -> Vec<Finished> {
        self.settled().await;
        let attempts = self.recorder.attempts.lock().unwrap();
        attempts.iter().map(|(_, end)| *end).collect()
    }

    /// Waits until nothing is open, then: how the requests ended, in order.
    pub(super) async fn requests(&self) -> Vec<RequestEnd> {
        self.settled().await;
        self.recorder.requests.lock().unwrap().clone()
    }

    async fn settled(&self) {
        let nothing_open = || {
            let in_flight: u32 = self
                .upstreams
                .iter()
                .map(|upstream| upstream.gate().in_flight)
                .sum();
            in_flight == 0 && self.proxy.open_requests() == 0
        };
        let settled = async {
            while !nothing_open() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(PATIENCE, settled)
            .await
            .expect("everything must end and nothing stay in flight");
    }

    /// What a tick would do for targets that are well: there is no controller here, and an ejected target would stay away.
    pub(super) fn let_back(&self) {
        let free = GateState::default();
        for upstream in &self.upstreams {
            upstream.collect(self.proxy.clock.now(), None);
            upstream.obey(&GateOrder {
                watch: Watch::default(),
                probe_wanted: false,
                limit: free.limit,
                pending_cap: free.pending_cap,
                standing: Standing::default(),
                reference: Reference::default(),
            });
        }
    }

    /// Posts `body` as a chat.
    pub(super) async fn chat(&self, body: &str) -> Got {
        self.send(&post(body)).await
    }

    /// Sends `request` as it is and reads to the end of the connection.
    pub(super) async fn send(&self, request: &[u8]) -> Got {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        // A server that refuses early may close before all was sent.
        drop(stream.write_all(request).await);
        Got::read(stream).await
    }
}
