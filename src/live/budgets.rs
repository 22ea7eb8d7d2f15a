//! What was spent of the configured budgets, counted as attempts and requests end.
//!
//! Problem: a request asks whether something is left before each call, and must not wait for whoever counts. Choice: those
//! who count take a lock of a few instructions and leave the sums in atomics; those who ask read the atomics. How it fails:
//! a reader between two of them sees a window that has just begun without its first cost, once.
//!
//! What was spent is known by the name of what spent it and goes on over reloads, also when the budget changes.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::record::RequestEnd;
use super::upstream::Upstream;
use crate::config::Config;
use crate::limit::{Account, AtLimit, Budget, Spending, Window};
use crate::model::{Finished, PicoUsd, ProviderName, RouteName, TargetName, Time};

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

/// A budget and what was spent of it.
#[derive(Debug)]
pub struct Allowance {
    /// Whose.
    pub scope: Scope,
    /// What may be spent.
    pub budget: Budget,
    spent: Arc<Spent>,
}

/// What was spent. Owner of the sums; kept across reloads.
#[derive(Debug, Default)]
struct Spent {
    counting: Mutex<Account>,
    /// The account for those who ask: when each window ends, and what was spent in it in pico-dollars. A sum stops at 18
    /// million dollars, which is beyond every limit.
    shown: [(AtomicU64, AtomicU64); 3],
    /// Whether what the books have of before is in it.
    is_seeded: AtomicBool,
}

impl Spent {
    fn change(&self, change: impl FnOnce(&mut Account)) {
        let mut account = self.counting.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut account);
        for ((until, spent), (ends, sum)) in self.shown.iter().zip(account.tallies()) {
            let sum = u64::try_from(sum.pico()).unwrap_or(u64::MAX);
            // The end last: whoever sees the new window sees its sum.
            spent.store(sum, Ordering::Relaxed);
            until.store(ends.as_micros(), Ordering::Release);
        }
    }

    fn account(&self) -> Account {
        Account::of(self.shown.each_ref().map(|(until, spent)| {
            let until = Time::from_micros(until.load(Ordering::Acquire));
            let spent = PicoUsd::new(u128::from(spent.load(Ordering::Relaxed)));
            (until, spent)
        }))
    }
}

impl Allowance {
    /// A budget of which nothing has been spent.
    pub fn new(scope: Scope, budget: Budget) -> Self {
        Self {
            scope,
            budget,
            spent: Arc::default(),
        }
    }

    /// `cost` was spent.
    pub fn spend(&self, now: Time, cost: PicoUsd) {
        self.spent.change(|account| account.add(now, cost));
    }

    /// For whoever reads the books: at least this was spent in the `window` that `now` is in.
    pub fn seed(&self, window: Window, now: Time, spent: PicoUsd) {
        let change = |account: &mut Account| account.at_least(window, now, spent);
        self.spent.change(change);
    }

    /// Whether the books need not be asked any more; from now on they need not.
    pub fn take_seeding(&self) -> bool {
        self.spent.is_seeded.swap(true, Ordering::AcqRel)
    }

    /// How it stands in each of its windows.
    pub fn standings(&self, now: Time) -> Vec<Spending> {
        self.spent.account().standings(&self.budget, now).collect()
    }

    /// Its name in one of its windows, without what it is: `this hour's budget of provider "openai"`.
    pub fn in_window(&self, window: Window) -> String {
        format!("this {}'s budget of {}", window.label(), self.scope)
    }

    /// The window in which nothing is left, and when it ends, if requests are then to be treated as `at_limit` says.
    pub fn spent_until(&self, at_limit: AtLimit, now: Time) -> Option<(Window, Time)> {
        if self.budget.at_limit() != at_limit {
            return None;
        }
        self.spent.account().spent_until(&self.budget, now)
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
        let before: Known<'_> = before.all.iter().map(|it| (&it.scope, it)).collect();
        let before = &before;
        let mut budgets = Self::default();
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
            spent: known.map_or_else(Arc::default, |known| Arc::clone(&known.spent)),
            budget: budget?.clone(),
            scope,
        });
        self.all.push(Arc::clone(&allowance));
        Some(allowance)
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
