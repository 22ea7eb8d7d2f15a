//! What was spent of the configured budgets, counted as attempts and requests end.
//!
//! What was spent is known by the name of what spent it and goes on over reloads, also when the budget changes.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::allowance::Allowance;
use super::record::RequestEnd;
use super::sharing::Sharing;
use super::spent::Spent;
use super::upstream::Upstream;
use crate::config::Config;
use crate::limit::Budget;
use crate::model::{Finished, ProviderName, RouteName, TargetName, Time};

/// Whose budget it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// What is spent at a provider, for whatever.
    Provider(ProviderName),
    /// What is spent at a target for its route's requests.
    Target(RouteName, TargetName),
    /// What is spent for a route's requests, wherever they go.
    Route(RouteName),
    /// What is spent for requests with a client key.
    Key(Arc<str>),
}

impl Scope {
    /// Its kind, as a label.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Provider(_) => "provider",
            Self::Target(..) => "target",
            Self::Route(_) => "route",
            Self::Key(_) => "key",
        }
    }

    /// Its name among those of its kind.
    pub fn subject(&self) -> String {
        match self {
            Self::Provider(name) => name.to_string(),
            Self::Target(route, target) => format!("{route}/{target}"),
            Self::Route(name) => name.to_string(),
            Self::Key(name) => name.to_string(),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.kind(), self.subject())
    }
}

/// The budgets of a configuration.
#[derive(Debug, Default)]
pub struct Budgets {
    /// In the order of the configuration.
    all: Vec<Arc<Allowance>>,
    providers: HashMap<String, Arc<Allowance>>,
    routes: HashMap<String, OfRoute>,
    keys: HashMap<Arc<str>, Arc<Allowance>>,
    sharing: Arc<Sharing>,
}

/// Budgets of before, by what they are of.
type Known<'a> = HashMap<&'a Scope, &'a Arc<Allowance>>;

#[derive(Debug, Default)]
struct OfRoute {
    own: Option<Arc<Allowance>>,
    targets: HashMap<String, Arc<Allowance>>,
}

impl Budgets {
    /// The budgets of `config`; what was spent `before` is taken over by name.
    pub fn new(config: &Config, before: &Self) -> Self {
        let sharing = Arc::clone(&before.sharing);
        let before: Known<'_> = before.all.iter().map(|it| (&it.scope, it)).collect();
        let before = &before;
        let mut budgets = Self {
            sharing,
            ..Self::default()
        };
        for provider in config.providers.values() {
            let scope = Scope::Provider(provider.name.clone());
            if let Some(allowance) = budgets.add(scope, provider.budget.as_ref(), before) {
                let name = provider.name.to_string();
                budgets.providers.insert(name, allowance);
            }
        }
        for route in config.routes.values() {
            let scope = Scope::Route(route.name.clone());
            let own = budgets.add(scope, route.budget.as_ref(), before);
            let mut targets = HashMap::new();
            for target in &route.targets {
                let scope = Scope::Target(route.name.clone(), target.name.clone());
                if let Some(allowance) = budgets.add(scope, target.budget.as_ref(), before) {
                    targets.insert(target.name.to_string(), allowance);
                }
            }
            if own.is_some() || !targets.is_empty() {
                let of_route = OfRoute { own, targets };
                budgets.routes.insert(route.name.to_string(), of_route);
            }
        }
        for key in config.clients() {
            let scope = Scope::Key(Arc::clone(&key.name));
            if let Some(allowance) = budgets.add(scope, key.budget.as_ref(), before) {
                budgets.keys.insert(Arc::clone(&key.name), allowance);
            }
        }
        budgets
    }

    fn add(
        &mut self,
        scope: Scope,
        budget: Option<&Budget>,
        before: &Known<'_>,
    ) -> Option<Arc<Allowance>> {
        let known = before.get(&scope);
        let allowance = Arc::new(Allowance {
            spent: known.map_or_else(
                || Arc::new(Spent::shared(Arc::clone(&self.sharing))),
                |known| Arc::clone(&known.spent),
            ),
            budget: budget?.clone(),
            scope,
        });
        self.all.push(Arc::clone(&allowance));
        Some(allowance)
    }

    /// What they know of other replicas.
    pub fn sharing(&self) -> &Arc<Sharing> {
        &self.sharing
    }

    /// All of them.
    pub fn all(&self) -> &[Arc<Allowance>] {
        &self.all
    }

    /// A provider's.
    pub fn provider(&self, name: &str) -> Option<&Arc<Allowance>> {
        self.providers.get(name)
    }

    /// A route's own.
    pub fn route(&self, name: &str) -> Option<&Arc<Allowance>> {
        self.routes.get(name)?.own.as_ref()
    }

    /// That of a route's target.
    pub fn target(&self, route: &str, target: &str) -> Option<&Arc<Allowance>> {
        self.routes.get(route)?.targets.get(target)
    }

    /// A client key's.
    pub fn key(&self, name: &str) -> Option<&Arc<Allowance>> {
        self.keys.get(name)
    }

    /// Counts a call that ended.
    pub fn attempt_ended(&self, upstream: &Upstream, end: &Finished, now: Time) {
        let Some(cost) = end.cost.filter(|_| !self.providers.is_empty()) else {
            return;
        };
        if let Some(allowance) = self.provider(upstream.name().provider().as_str()) {
            allowance.spend(now, cost);
        }
    }

    /// Counts a request that ended.
    pub fn request_ended(&self, end: &RequestEnd, now: Time) {
        if let (Some(name), Some(cost)) = (&end.key, end.cost())
            && let Some(own) = self.key(name)
        {
            own.spend(now, cost);
        }
        let Some(of_route) = self.routes.get(&*end.route) else {
            return;
        };
        if let (Some(own), Some(cost)) = (&of_route.own, end.cost()) {
            own.spend(now, cost);
        }
        for call in &end.calls {
            if let (Some(target), Some(cost)) =
                (of_route.targets.get(call.served.target()), call.cost)
            {
                target.spend(now, cost);
            }
        }
    }
}

#[cfg(test)]
#[path = "budgets_tests.rs"]
mod tests;
