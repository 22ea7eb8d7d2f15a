//! One target of the route `chat`: what a test says of it, and the configuration that comes of that.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::balance::{Hold, Overruled, Share, Weight};
use crate::config::{self, Capabilities, Endpoint, Interface, Phases, Secret};
use crate::limit::{AtLimit, Budget};
use crate::model::{PicoUsd, Price, ProviderName, TargetName, Time, UpstreamName};

/// One target of the route `chat`.
#[derive(Clone, Debug)]
pub(in crate::proxy::tests) struct Spec {
    pub(in crate::proxy::tests) address: SocketAddr,
    pub(in crate::proxy::tests) weight: f64,
    pub(in crate::proxy::tests) tags: Vec<String>,
    pub(in crate::proxy::tests) interface: Interface,
    pub(in crate::proxy::tests) model: &'static str,
    /// Its credentials; one of its own if there are none.
    pub(in crate::proxy::tests) keys: Vec<&'static str>,
    /// How its credential is worked out, if it is; nobody does it here.
    pub(in crate::proxy::tests) login: Option<config::Login>,
    pub(in crate::proxy::tests) deadlines: Phases,
    pub(in crate::proxy::tests) capabilities: Capabilities,
    pub(in crate::proxy::tests) price: Price,
    /// Whether its provider has a budget, of which nothing is left, and requests are kept away.
    pub(in crate::proxy::tests) spent: bool,
    /// Until when an operator's order has it take nothing, if one does.
    pub(in crate::proxy::tests) drained: Option<Time>,
}

impl Spec {
    pub(in crate::proxy::tests) fn new(address: SocketAddr, weight: f64) -> Self {
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
    pub(in crate::proxy::tests) fn speaking(address: SocketAddr, interface: Interface) -> Self {
        Self {
            interface,
            ..Self::new(address, 1.0)
        }
    }
}

/// Target `t{index}` of provider `p{index}`, with a key of its own.
pub(super) fn target(index: usize, spec: &Spec) -> config::Target {
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

fn endpoint(address: SocketAddr) -> Endpoint {
    Endpoint {
        origin: format!("http://{address}"),
        path: "/v1".into(),
    }
}
