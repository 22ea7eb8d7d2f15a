//! The rows of a decision: what is said about each target.

use super::super::WeightTable;
use super::super::decision::{Rail, Row};
use super::super::plan::{Route, Target};
use super::super::signal::Signal;
use super::{Outcome, Scene};

pub(super) fn rows(
    route: &Route,
    scene: &Scene<'_>,
    signals: &[Signal],
    mut outcome: Outcome,
    table: &WeightTable,
) -> Vec<Row> {
    let proposed = WeightTable::nearest(&outcome.proposed, &route.anchors);
    let row = |(i, target): (usize, &Target)| {
        let upstream = &scene.upstreams[target.upstream];
        let mut rails = std::mem::take(&mut outcome.rails[i]);
        let (proposed, granted) = (proposed.shares()[i], table.shares()[i]);
        if target.anchor <= 0.0 {
            rails.insert(Rail::Drained);
        }
        if let Some(order) = &target.spec.overruled {
            // Its bounds are the order's.
            rails.retain(|rail| !matches!(rail, Rail::Floor | Rail::Ceiling));
            rails.insert(order.hold.rail());
        }
        if upstream.samples < Row::ENOUGH_SAMPLES {
            rails.insert(Rail::ColdStart);
        }
        let explained = rails.iter().any(|rail| *rail != Rail::ColdStart);
        if granted != proposed && !explained {
            rails.insert(Rail::Displaced);
        }
        let mut evidence = signals[i].evidence;
        evidence.gap = outcome.gaps[i];
        Row {
            name: target.spec.name.clone(),
            upstream: target.spec.upstream.clone(),
            tier: target.spec.tier,
            configured: route.configured.shares()[i],
            proposed,
            granted,
            if_obeyed: None,
            samples: upstream.samples,
            confidence: scene.estimates[target.upstream].confidence(scene.cohort, scene.pool),
            health: upstream.health.state,
            blocked_until: upstream.blocked_until,
            terms: signals[i].terms,
            evidence,
            levels: signals[i].attainments.clone(),
            rails,
            overruled: target.spec.overruled.clone(),
            as_filed: target.spec.as_filed,
            spent: None,
        }
    };
    route.targets.iter().enumerate().map(row).collect()
}
