//! The first snapshot of a configuration, without a control plane.

use std::sync::Arc;

use crate::balance::{Weight, WeightTable};
use crate::config::{self, Config};
use crate::live::{
    Budgets, Map, Member, Provider, Route, RouteCells, Snapshot, Strangers, Upstream,
};

/// All of `config` with its shares as they are configured; draws begin at `phase`.
pub(in crate::proxy::tests) fn snapshot(config: Config, phase: u32) -> Snapshot {
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
