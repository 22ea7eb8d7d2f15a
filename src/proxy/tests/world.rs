//! A data plane with routes made by hand, a record of everything that ended, and a client that sees bytes.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::balance::gate::{GateOrder, GateState, Standing, Watch};
use crate::balance::{Hold, Overruled, Reference, Share, Weight, WeightTable};
use crate::config::{
    self, Capabilities, Config, Deadlines, Endpoint, Interface, Mode, Phases, Retry, Secret,
    Server, Strategy,
};
use crate::limit::{AtLimit, Budget, DEFAULT_CODES};
use crate::live::{
    Asked, Budgets, Clock, Map, Member, Provider, Published, Recorder, RequestEnd, Route,
    RouteCells, Snapshot, Strangers, Upstream, Witness,
};
use crate::model::{
    Finished, Outcome, PicoUsd, Price, ProviderName, RouteName, TargetName, Time, UpstreamName,
};
use crate::proxy::{Caller, Chance, DrainReport, Proxy, serve};

mod got;

pub(super) use got::{Got, ask, post};

/// Nothing in these tests takes this long.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// One target of the route `chat`.
#[derive(Clone, Debug)]
pub(super) struct Spec {
    pub(super) address: SocketAddr,
    pub(super) weight: f64,
    pub(super) tags: Vec<String>,
    pub(super) interface: Interface,
    pub(super) model: &'static str,
    /// Its credentials; one of its own if there are none.
    pub(super) keys: Vec<&'static str>,
    /// How its credential is worked out, if it is; nobody does it here.
    pub(super) login: Option<config::Login>,
    pub(super) deadlines: Phases,
    pub(super) capabilities: Capabilities,
    pub(super) price: Price,
    /// Whether its provider has a budget, of which nothing is left, and requests are kept away.
    pub(super) spent: bool,
    /// Until when an operator's order has it take nothing, if one does.
    pub(super) drained: Option<Time>,
}

impl Spec {
    pub(super) fn new(address: SocketAddr, weight: f64) -> Self {
        Self {
            address,
            weight,
            tags: Vec::new(),
            interface: Interface::OPENAI,
            model: "m",
            keys: Vec::new(),
            login: None,
            deadlines: Phases::default(),
            capabilities: Capabilities::default(),
            price: Price::flat(1, 10),
            spent: false,
            drained: None,
        }
    }

    /// A target with another interface.
    pub(super) fn speaking(address: SocketAddr, interface: Interface) -> Self {
        Self {
            interface,
            ..Self::new(address, 1.0)
        }
    }
}

/// What may be changed about the world before it starts.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) targets: Vec<Spec>,
    pub(super) deadlines: Deadlines,
    pub(super) retries: u32,
    pub(super) require: Vec<String>,
    pub(super) fallbacks: Vec<config::Fallback>,
    pub(super) context_fallbacks: Vec<config::Fallback>,
    pub(super) content_filter_fallbacks: Vec<config::Fallback>,
    pub(super) on_lost_origin: config::OnLostOrigin,
    pub(super) max_body: u64,
    pub(super) max_answer: u64,
    pub(super) max_connections: usize,
    pub(super) max_requests: usize,
    pub(super) max_buffered: u64,
    pub(super) body_timeout: Duration,
    pub(super) head_timeout: Duration,
    pub(super) write_stall: Duration,
    pub(super) lists: bool,
    pub(super) sticky: config::Sticky,
    pub(super) otlp: Option<config::Otlp>,
    pub(super) mode: Mode,
    pub(super) grace: Duration,
    /// Where the sequence of draws begins.
    pub(super) phase: u32,
}

/// Deadlines that no test waits for.
pub(super) const LONG: Deadlines = Deadlines {
    connect: PATIENCE,
    header_streamed: PATIENCE,
    header_unary: PATIENCE,
    first_token: PATIENCE,
    between_tokens: PATIENCE,
    attempt: PATIENCE,
    total: PATIENCE,
};

impl Plan {
    pub(super) fn new(targets: Vec<Spec>) -> Self {
        Self {
            targets,
            deadlines: LONG,
            retries: 2,
            require: Vec::new(),
            fallbacks: Vec::new(),
            context_fallbacks: Vec::new(),
            content_filter_fallbacks: Vec::new(),
            on_lost_origin: config::OnLostOrigin::Strip,
            max_body: 1 << 20,
            max_answer: 1 << 20,
            max_connections: 64,
            max_requests: 64,
            max_buffered: 64 << 20,
            body_timeout: PATIENCE,
            head_timeout: PATIENCE,
            write_stall: PATIENCE,
            lists: true,
            sticky: config::Sticky::Off,
            otlp: None,
            mode: Mode::Auto,
            grace: PATIENCE,
            phase: 0,
        }
    }

    pub(super) fn config(&self) -> Config {
        let (mut providers, mut upstreams, mut targets) =
            (BTreeMap::new(), BTreeMap::new(), Vec::new());
        for (index, spec) in self.targets.iter().enumerate() {
            let target = target(index, spec);
            let upstream = Arc::clone(&target.upstream);
            providers.insert(
                upstream.provider.name.clone(),
                Arc::clone(&upstream.provider),
            );
            upstreams.insert(upstream.name.clone(), upstream);
            targets.push(target);
        }
        let route = self.route(targets);
        Config {
            mode: self.mode,
            server: self.server(),
            admin: config::Admin {
                listen: ([127, 0, 0, 1], 0).into(),
                allow_remote: false,
                token: None,
            },
            controller: config::Controller {
                tick: Duration::from_millis(250),
                journal: None,
            },
            store: config::Store::default(),
            alerts: config::Alerts::default(),
            otlp: self.otlp.clone(),
            cluster: None,
            keys: BTreeMap::new(),
            issued: Arc::default(),
            requests: config::Requests {
                lists: self.lists,
                strategy: Strategy::Fixed,
            },
            defaults: config::Defaults {
                deadlines: self.deadlines,
                retry: Retry::default(),
                on_lost_origin: self.on_lost_origin,
            },
            providers,
            upstreams,
            routes: BTreeMap::from([(route.name.clone(), Arc::new(route))]),
            prices: BTreeMap::new(),
            digest: 0,
        }
    }

    fn route(&self, targets: Vec<config::Target>) -> config::Route {
        config::Route {
            name: RouteName::new("chat").unwrap(),
            strategy: Strategy::Adaptive,
            mode: self.mode,
            draw: config::Draw::Even,
            sticky: self.sticky.clone(),
            targets,
            require: self.require.clone(),
            forbid: Vec::new(),
            mix_models: true,
            min_quality: None,
            retry: Retry {
                count: self.retries,
                on_codes: DEFAULT_CODES.to_vec(),
            },
            on_lost_origin: self.on_lost_origin,
            fallbacks: self.fallbacks.clone(),
            context_fallbacks: self.context_fallbacks.clone(),
            content_filter_fallbacks: self.content_filter_fallbacks.clone(),
            deadlines: self.deadlines,
            objective: config::Objective::default(),
            goal: config::Goal::default(),
            closed: false,
            budget: None,
        }
    }

    fn server(&self) -> Server {
        Server {
            listen: ([127, 0, 0, 1], 0).into(),
            tls: None,
            allow_unauthenticated: false,
            require_key: None,
            max_body: self.max_body,
            max_answer: self.max_answer,
            drain_grace: self.grace,
            head_timeout: self.head_timeout,
            body_timeout: self.body_timeout,
            max_connections: self.max_connections,
            max_requests: self.max_requests,
            max_buffered: self.max_buffered,
            reuse_port: false,
            state: None,
            forward_headers: Vec::new(),
        }
    }

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

fn endpoint(address: SocketAddr) -> Endpoint {
    Endpoint {
        origin: format!("http://{address}"),
        path: "/v1".into(),
    }
}

pub(super) fn snapshot(config: Config, phase: u32) -> Snapshot {
    let budgets = Budgets::new(&config, &Budgets::default());
    let providers: Map<String, Arc<Provider>> = config
        .providers
        .iter()
        .map(|(name, provider)| {
            let config::ProviderKind::Api { base, .. } = &provider.kind else {
                panic!("these tests have no simulated providers");
            };
            let mut live = Provider::new(Arc::clone(provider), base.clone(), None).unwrap();
            live.budget = budgets.provider(name.as_str()).cloned();
            (name.to_string(), Arc::new(live))
        })
        .collect();
    let members: Map<String, Member> = config
        .upstreams
        .iter()
        .map(|(name, upstream)| {
            let member = Member::new(
                Arc::new(Upstream::new(name.clone())),
                Arc::clone(upstream),
                Arc::clone(&providers[name.provider().as_str()]),
            );
            (name.to_string(), member)
        })
        .collect();
    let routes: Vec<Arc<Route>> = config
        .routes
        .values()
        .map(|route| {
            let weights: Vec<Weight> = route.targets.iter().map(|target| target.weight).collect();
            let table = WeightTable::from_weights(&weights).unwrap();
            let of = |target: &config::Target| {
                let member = members[target.upstream.name.as_str()].clone();
                member.of_target(target)
            };
            Arc::new(Route {
                config: Arc::clone(route),
                label: Arc::from(route.name.as_str()),
                members: route.targets.iter().map(of).collect(),
                configured: table.clone(),
                granted: table,
                table_version: 1,
                seeds: Route::seeds(route),
                budget: None,
                cells: Arc::new(RouteCells::new(route.targets.len(), phase)),
                switch: Arc::default(),
            })
        })
        .collect();
    let route_index = routes
        .iter()
        .enumerate()
        .map(|(at, route)| (route.label.to_string(), at));
    Snapshot {
        generation: 3,
        route_index: Arc::new(route_index.collect()),
        config: Arc::new(config),
        providers: Arc::new(providers),
        routes,
        upstreams: Arc::new(members),
        strangers: Arc::new(Strangers::default()),
        switch: Arc::default(),
        budgets: Arc::new(budgets),
        clients: Arc::default(),
        ratings: Arc::default(),
    }
}

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

/// Target `t{index}` of provider `p{index}`, with a key of its own.
fn target(index: usize, spec: &Spec) -> config::Target {
    let provider = Arc::new(config::Provider {
        name: ProviderName::new(&format!("p{index}")).unwrap(),
        kind: config::ProviderKind::Api {
            interface: spec.interface.clone(),
            base: endpoint(spec.address),
        },
        login: spec.login.clone(),
        api_keys: match spec.keys.as_slice() {
            [] => vec![Secret::new(format!("sk-key-of-p{index}"))],
            keys => keys
                .iter()
                .map(|key| Secret::new((*key).to_owned()))
                .collect(),
        },
        capabilities: Capabilities::default(),
        deadlines: Phases::default(),
        headers: Vec::new(),
        models: Vec::new(),
        tags: spec.tags.clone(),
        discount: 0.0,
        quota_group: None,
        budget: spec.spent.then(a_dollar),
    });
    let upstream = Arc::new(config::Upstream {
        name: UpstreamName::new(&format!("p{index}/{}", spec.model)).unwrap(),
        provider,
        price: Some(spec.price),
    });
    let weight = Weight::new(spec.weight).unwrap();
    config::Target {
        name: TargetName::new(&format!("t{index}")).unwrap(),
        price: upstream.price,
        tags: spec.tags.clone(),
        capabilities: spec.capabilities,
        deadlines: spec.deadlines,
        upstream,
        weight: spec.drained.map_or(weight, |_| Weight::ZERO),
        budget: None,
        tier: 1,
        min_share: Share::ZERO,
        max_share: Share::WHOLE,
        overruled: spec.drained.map(|until| Overruled {
            hold: Hold::Drained,
            by: "ada".to_owned(),
            reason: "a test".to_owned(),
            until,
        }),
        as_filed: None,
    }
}

fn a_dollar() -> Budget {
    let limits = [None, None, Some(PicoUsd::new(1_000_000_000_000))];
    Budget::new(limits, Vec::new(), AtLimit::Avoid).unwrap()
}
