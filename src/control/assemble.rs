//! From a configuration and what is running to the next snapshot.
//!
//! The whole snapshot is built first and swapped last, so there is no way back to need. Gates, meters and counters of what
//! is still there are taken over by name; start-up is the same path with nothing to take over.

use std::io;
use std::sync::Arc;

use crate::balance::WeightTable;
use crate::config::{self, Config, Endpoint, ProviderKind};
use crate::law::Law;
use crate::live::{
    Budgets, Clients, Map, Member, Provider, RateGroup, Route, RouteCells, Snapshot, Strangers,
    Upstream,
};
use crate::model::ProviderName;

/// Starts and stops the servers behind `kind = "simulated"`.
pub trait Simulate: Send + std::fmt::Debug {
    /// The address of this simulated provider; starts it, or gives a running one its new law.
    fn endpoint(&mut self, provider: &ProviderName, law: &Law) -> io::Result<Endpoint>;
    /// Stops those that are not in `config`.
    fn keep_only(&mut self, config: &Config);
}

/// The first snapshot of a process.
pub fn first_snapshot(
    config: Config,
    phase: u32,
    simulate: &mut dyn Simulate,
) -> io::Result<Snapshot> {
    let nothing = Snapshot {
        generation: 0,
        config: Arc::new(config.clone()),
        providers: Arc::default(),
        routes: Vec::new(),
        route_index: Arc::default(),
        upstreams: Arc::default(),
        strangers: Arc::new(Strangers::default()),
        switch: Arc::default(),
        budgets: Arc::default(),
        clients: Arc::default(),
        ratings: Arc::default(),
    };
    next_snapshot(&nothing, config, phase, simulate)
}

/// The snapshot that follows `old` under another configuration: configured shares everywhere, the next generation.
pub(super) fn next_snapshot(
    old: &Snapshot,
    config: Config,
    phase: u32,
    simulate: &mut dyn Simulate,
) -> io::Result<Snapshot> {
    let mut providers = Map::default();
    let mut groups = groups(old);
    let budgets = Budgets::new(&config, &old.budgets);
    let clients = Clients::new(&config, &budgets, &old.clients);
    for (name, provider) in &config.providers {
        let base = match &provider.kind {
            ProviderKind::Api { base, .. } => base.clone(),
            ProviderKind::Simulated { law, .. } => simulate.endpoint(name, law)?,
        };
        let before = old.providers.get(name.as_str()).map(AsRef::as_ref);
        let group = provider.quota_group.clone();
        let mut provider =
            Provider::new(Arc::clone(provider), base, before).map_err(io::Error::other)?;
        provider.budget = budgets.provider(name.as_str()).cloned();
        provider.group = group.map(|name| Arc::clone(groups.entry(name).or_default()));
        providers.insert(name.as_str().to_owned(), Arc::new(provider));
    }
    let member = |upstream: &Arc<config::Upstream>| member(old, &providers, upstream);
    let upstreams: Map<String, Member> = config
        .upstreams
        .values()
        .filter_map(|upstream| Some((upstream.name.as_str().to_owned(), member(upstream)?)))
        .collect();
    let routes: Vec<Arc<Route>> = config
        .routes
        .values()
        .filter_map(|route| self::route(old, route, &upstreams, &budgets, phase))
        .map(Arc::new)
        .collect();
    let names = routes.iter().enumerate();
    let route_index = names
        .map(|(i, route)| (route.label.to_string(), i))
        .collect();
    Ok(Snapshot {
        generation: old.generation + 1,
        config: Arc::new(config),
        providers: Arc::new(providers),
        routes,
        route_index: Arc::new(route_index),
        upstreams: Arc::new(upstreams),
        strangers: Arc::clone(&old.strangers),
        switch: Arc::clone(&old.switch),
        ratings: Arc::clone(&old.ratings),
        clients: Arc::new(clients),
        budgets: Arc::new(budgets),
    })
}

/// The quota groups of `old` by name: a limit that was reached before a reload is reached after it.
fn groups(old: &Snapshot) -> Map<String, Arc<RateGroup>> {
    let known = old.providers.values().filter_map(|provider| {
        let name = provider.config.quota_group.clone()?;
        Some((name, Arc::clone(provider.group.as_ref()?)))
    });
    known.collect()
}

/// An upstream with its gate and meter: those it had, those it had as a stranger, or new ones.
fn member(
    old: &Snapshot,
    providers: &Map<String, Arc<Provider>>,
    config: &Arc<config::Upstream>,
) -> Option<Member> {
    let provider = Arc::clone(providers.get(config.name.provider().as_str())?);
    let known = old
        .upstreams
        .get(config.name.as_str())
        .map(|member| Arc::clone(&member.upstream));
    let upstream = known
        .or_else(|| old.strangers.known(config.name.as_str()))
        .unwrap_or_else(|| Arc::new(Upstream::new(config.name.clone())));
    upstream.join(provider.group.as_ref());
    Some(Member::new(upstream, Arc::clone(config), provider))
}

/// A route under its configured shares; `None` only for what the compiler refuses.
fn route(
    old: &Snapshot,
    config: &Arc<config::Route>,
    upstreams: &Map<String, Member>,
    budgets: &Budgets,
    phase: u32,
) -> Option<Route> {
    let targets = config.targets.iter();
    let weights: Vec<_> = targets.map(|target| (target.weight, target.tier)).collect();
    let configured = WeightTable::from_tiers(&weights).ok()?;
    let members: Option<Arc<[Member]>> = config
        .targets
        .iter()
        .map(|target| {
            let member = upstreams.get(target.upstream.name.as_str())?;
            let budget = budgets.target(config.name.as_str(), target.name.as_str());
            Some(Member {
                budget: budget.cloned(),
                ..member.clone().of_target(target)
            })
        })
        .collect();
    let before = old.route(config.name.as_str());
    let same = before.filter(|route| same_targets(&route.config, config));
    let cells = same.map(|route| Arc::clone(&route.cells));
    Some(Route {
        config: Arc::clone(config),
        label: config.name.as_str().into(),
        members: members?,
        granted: configured.clone(),
        configured,
        table_version: before.map_or(1, |route| route.table_version + 1),
        seeds: Route::seeds(config),
        switch: Arc::clone(&old.switch),
        budget: budgets.route(config.name.as_str()).cloned(),
        cells: cells.unwrap_or_else(|| Arc::new(RouteCells::new(config.targets.len(), phase))),
    })
}

/// Whether counters by position still mean the same.
fn same_targets(a: &config::Route, b: &config::Route) -> bool {
    let names = |route: &config::Route| -> Vec<_> {
        route
            .targets
            .iter()
            .map(|target| target.name.clone())
            .collect()
    };
    names(a) == names(b)
}
