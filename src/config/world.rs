//! What readers of one part need to know of the others: which providers, routes and prices there are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::{ProviderName, UpstreamName};

use super::field::Field;
use super::layer::Removed;
use super::mask::quote;
use super::problem::{Sink, at, nearest};
use super::provider;
use super::tree::Table;
use super::{Deadlines, ListPrice, Mode, OnLostOrigin, Provider, Retry, Upstream};

/// What readers of one part need to know of the others.
pub(super) struct World<'a> {
    pub(super) sink: &'a Sink,
    pub(super) mode: Mode,
    pub(super) deadlines: Deadlines,
    pub(super) retry: Retry,
    pub(super) on_lost_origin: OnLostOrigin,
    pub(super) providers: BTreeMap<ProviderName, Arc<Provider>>,
    /// Names of all providers and routes, also of those that could not be read.
    pub(super) provider_names: BTreeSet<&'a str>,
    pub(super) route_names: BTreeSet<&'a str>,
    pub(super) prices: BTreeMap<UpstreamName, ListPrice>,
    pub(super) upstreams: BTreeMap<UpstreamName, Arc<Upstream>>,
    pub(super) removed: Removed,
}

// === impl World ===

impl World<'_> {
    /// Where `enabled = false` took out `kind.name`, as `file:line`.
    pub(super) fn removed(&self, kind: &str, name: &str) -> Option<String> {
        let at = self.removed.get(&format!("{kind}.{name}"))?;
        Some(format!("{}:{}", at.file, at.line))
    }

    /// The provider `name`; if there is none, the problem is told at `field`. One that could not be read has had its own
    /// problem told.
    pub(super) fn provider(&self, field: &Field<'_>, name: &ProviderName) -> Option<Arc<Provider>> {
        if let Some(provider) = self.providers.get(name) {
            return Some(Arc::clone(provider));
        }
        if let Some(place) = self.removed("providers", name.as_str()) {
            field.conflict(
                format!("provider {} is switched off", quote(name.as_str())),
                &format!("by `enabled = false` at {place}"),
            );
        } else if !self.provider_names.contains(name.as_str()) && !self.sink.is_full() {
            let known = self.provider_names.iter().copied();
            self.sink
                .conflict(provider::unknown(field, name.as_str(), known));
        }
        None
    }

    /// The upstream that the text of `field` names, entered into the list of upstreams.
    pub(super) fn upstream(&mut self, field: &Field<'_>) -> Option<Arc<Upstream>> {
        let Ok(name) = UpstreamName::new(field.str()?) else {
            field.expected("\"provider/model\"", "");
            return None;
        };
        if let Some(upstream) = self.upstreams.get(&name) {
            return Some(Arc::clone(upstream));
        }
        let provider = self.provider(field, name.provider())?;
        if !provider.models.is_empty() && !provider.models.iter().any(|model| model == name.model())
        {
            let hint = nearest(name.model(), provider.models.iter().map(String::as_str))
                .map_or_else(
                    || "add it to the provider's `models`".to_owned(),
                    |model| format!("did you mean \"{model}\"?"),
                );
            let message = format!(
                "provider {} has no model {}",
                quote(provider.name.as_str()),
                quote(name.model())
            );
            field.conflict(message, &hint);
            return None;
        }
        let written = self.prices.get(&name).map(|price| price.net);
        let upstream = Arc::new(Upstream {
            name: name.clone(),
            price: written.or_else(|| provider.published(name.model())),
            provider,
        });
        self.upstreams.insert(name, Arc::clone(&upstream));
        Some(upstream)
    }

    /// An empty configuration is refused: applied, it would turn every request away.
    pub(super) fn demand_names(&self, root: &Table) {
        for (key, names) in [
            ("providers", &self.provider_names),
            ("routes", &self.route_names),
        ] {
            if !names.is_empty() {
                continue;
            }
            let node = root.get(key).or_else(|| root.values().next());
            if let Some(node) = node {
                let message = format!("expected at least one `[{key}.NAME]`, found none");
                self.sink.conflict(at(node.place(), key, message));
            }
        }
    }
}
