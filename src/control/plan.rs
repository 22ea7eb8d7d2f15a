//! From the configuration to what the controller works for.

use crate::balance::{RouteSpec, TargetSpec};
use crate::config::{Config, Route, Sticky};

/// The routes of a configuration as the controller wants them, by name.
pub fn specs(config: &Config) -> Vec<RouteSpec> {
    config.routes.values().map(|route| spec(route)).collect()
}

fn spec(route: &Route) -> RouteSpec {
    RouteSpec {
        name: route.name.clone(),
        strategy: route.strategy,
        objective: route.objective,
        goal: route.goal.clone(),
        min_quality: route.min_quality,
        mix_models: route.mix_models,
        sticky: route.sticky != Sticky::Off,
        targets: route
            .targets
            .iter()
            .map(|target| TargetSpec {
                name: target.name.clone(),
                upstream: target.upstream.name.clone(),
                weight: target.weight,
                tier: target.tier,
                min_share: target.min_share,
                max_share: target.max_share,
                price: target.price,
                as_filed: target.as_filed,
                overruled: target.overruled.clone(),
            })
            .collect(),
    }
}
