//! Label sets, and the bound on what may become a label.

use std::sync::Arc;

use prometheus_client::encoding::EncodeLabelSet;

use crate::live::{Served, Snapshot};
use crate::model::UpstreamName;

/// Stands for whatever no configuration names.
pub(super) const OTHER: &str = "other";
/// Stands for nobody: the request ended before it had a route, or before anybody was called.
pub(super) const NONE: &str = "none";

/// Where a request went.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Place {
    pub(super) route: Arc<str>,
    pub(super) target: Arc<str>,
    pub(super) provider: Arc<str>,
    pub(super) model: Arc<str>,
}

/// Where an attempt went: it may be on behalf of any target that uses the upstream.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Call {
    pub(super) route: Arc<str>,
    pub(super) provider: Arc<str>,
    pub(super) model: Arc<str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Answered {
    #[prometheus(flatten)]
    pub(super) place: Place,
    pub(super) code: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Failed {
    #[prometheus(flatten)]
    pub(super) place: Place,
    pub(super) kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Tried {
    #[prometheus(flatten)]
    pub(super) call: Call,
    pub(super) outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Spent {
    #[prometheus(flatten)]
    pub(super) call: Call,
    pub(super) direction: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Sticking {
    pub(super) route: Arc<str>,
    pub(super) outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct InState {
    #[prometheus(flatten)]
    pub(super) place: Place,
    pub(super) state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Serving {
    pub(super) provider: Arc<str>,
    pub(super) model: Arc<str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Read {
    pub(super) result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Decided {
    pub(super) route: Arc<str>,
    pub(super) result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Bound {
    #[prometheus(flatten)]
    pub(super) place: Place,
    pub(super) rail: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Sidelined {
    #[prometheus(flatten)]
    pub(super) serving: Serving,
    pub(super) cause: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct About {
    pub(super) about: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct OfKind {
    pub(super) kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Held {
    pub(super) from: &'static str,
    pub(super) state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Limited {
    pub(super) scope: &'static str,
    pub(super) subject: Arc<str>,
    pub(super) window: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Standing {
    pub(super) state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Replica {
    pub(super) replica: Arc<str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Build {
    pub(super) version: &'static str,
}

impl Place {
    /// The labels of a request of `route` that `served` answered or failed last.
    pub(super) fn new(route: &str, served: Option<&Served>) -> Self {
        let route = route_label(route);
        let (target, provider, model) = match served {
            Some(served) if served.name.is_none() && served.model() == OTHER => {
                (OTHER, served.provider(), OTHER)
            }
            Some(served) => (served.target(), served.provider(), served.model()),
            None => (NONE, NONE, NONE),
        };
        Self {
            route,
            target: target.into(),
            provider: provider.into(),
            model: model.into(),
        }
    }
}

impl Call {
    /// The labels of a call to `upstream` for `route`.
    pub(super) fn new(route: &str, upstream: &UpstreamName) -> Self {
        Self {
            route: route_label(route),
            provider: upstream.provider().as_str().into(),
            model: upstream.model().into(),
        }
    }
}

fn route_label(route: &str) -> Arc<str> {
    if route.is_empty() { NONE } else { route }.into()
}

/// Whom a request's labels may name: `served` itself if its route or the configuration names it, else its provider's
/// other models as one.
pub(super) fn bounded(served: Option<&Served>, snapshot: &Snapshot) -> Option<Served> {
    let served = served?;
    // A name within a route was written by the operator, in this configuration or the one before.
    let known = served.name.is_some() || is_listed(&served.upstream, snapshot);
    let upstream = if known {
        served.upstream.clone()
    } else {
        other_of(&served.upstream)
    };
    Some(Served {
        name: served.name.clone(),
        upstream,
    })
}

/// The same for an attempt.
pub(super) fn bounded_upstream(upstream: &UpstreamName, snapshot: &Snapshot) -> UpstreamName {
    if is_listed(upstream, snapshot) {
        upstream.clone()
    } else {
        other_of(upstream)
    }
}

/// Whether the configuration names this model: in a route, in a price, or in its provider's list.
fn is_listed(upstream: &UpstreamName, snapshot: &Snapshot) -> bool {
    if snapshot.upstreams.contains_key(upstream.as_str())
        || snapshot.config.prices.contains_key(upstream)
    {
        return true;
    }
    let provider = snapshot.providers.get(upstream.provider().as_str());
    provider.is_some_and(|provider| {
        let models = &provider.config.models;
        models.iter().any(|model| model == upstream.model())
    })
}

/// All of a provider's models that nobody lists.
fn other_of(upstream: &UpstreamName) -> UpstreamName {
    UpstreamName::new(&format!("{}/{OTHER}", upstream.provider()))
        .unwrap_or_else(|_| upstream.clone())
}
