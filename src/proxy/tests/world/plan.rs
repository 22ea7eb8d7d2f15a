//! What may be changed about a world before it starts, and the configuration that comes of that.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::PATIENCE;
use super::target::{Spec, target};
use crate::config::{self, Config, Deadlines, Mode, Retry, Server, Strategy};
use crate::limit::DEFAULT_CODES;
use crate::model::RouteName;

/// What may be changed about the world before it starts.
#[derive(Debug)]
pub(in crate::proxy::tests) struct Plan {
    pub(in crate::proxy::tests) targets: Vec<Spec>,
    pub(in crate::proxy::tests) deadlines: Deadlines,
    pub(in crate::proxy::tests) retries: u32,
    pub(in crate::proxy::tests) require: Vec<String>,
    pub(in crate::proxy::tests) fallbacks: Vec<config::Fallback>,
    pub(in crate::proxy::tests) context_fallbacks: Vec<config::Fallback>,
    pub(in crate::proxy::tests) content_filter_fallbacks: Vec<config::Fallback>,
    pub(in crate::proxy::tests) on_lost_origin: config::OnLostOrigin,
    pub(in crate::proxy::tests) max_body: u64,
    pub(in crate::proxy::tests) max_answer: u64,
    pub(in crate::proxy::tests) max_connections: usize,
    pub(in crate::proxy::tests) max_requests: usize,
    pub(in crate::proxy::tests) max_buffered: u64,
    pub(in crate::proxy::tests) body_timeout: Duration,
    pub(in crate::proxy::tests) head_timeout: Duration,
    pub(in crate::proxy::tests) write_stall: Duration,
    pub(in crate::proxy::tests) lists: bool,
    pub(in crate::proxy::tests) sticky: config::Sticky,
    pub(in crate::proxy::tests) otlp: Option<config::Otlp>,
    pub(in crate::proxy::tests) mode: Mode,
    pub(in crate::proxy::tests) grace: Duration,
    /// Where the sequence of draws begins.
    pub(in crate::proxy::tests) phase: u32,
}

/// Deadlines that no test waits for.
pub(in crate::proxy::tests) const LONG: Deadlines = Deadlines {
    connect: PATIENCE,
    header_streamed: PATIENCE,
    header_unary: PATIENCE,
    first_token: PATIENCE,
    between_tokens: PATIENCE,
    attempt: PATIENCE,
    total: PATIENCE,
};

impl Plan {
    pub(in crate::proxy::tests) fn new(targets: Vec<Spec>) -> Self {
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

    pub(in crate::proxy::tests) fn config(&self) -> Config {
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
}
