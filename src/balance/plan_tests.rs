use super::*;

fn upstream(i: usize) -> UpstreamName {
    UpstreamName::new(&format!("p/m{i:05}")).unwrap()
}

/// An adaptive route with these targets of equal weight, each the name and the upstream that it uses.
pub(crate) fn even_route(name: &str, targets: &[(&str, UpstreamName)]) -> RouteSpec {
    let target = |(name, upstream): &(&str, UpstreamName)| TargetSpec {
        name: TargetName::new(name).unwrap(),
        upstream: upstream.clone(),
        weight: Weight::new(1.0).unwrap(),
        tier: 1,
        min_share: Share::ZERO,
        max_share: Share::WHOLE,
        price: None,
        overruled: None,
        as_filed: None,
    };
    RouteSpec {
        name: RouteName::new(name).unwrap(),
        strategy: Strategy::Adaptive,
        objective: Objective::default(),
        goal: Goal::default(),
        min_quality: None,
        mix_models: true,
        sticky: false,
        targets: targets.iter().map(target).collect(),
    }
}

pub(in crate::balance) fn route(i: usize, members: &[usize]) -> RouteSpec {
    let names: Vec<String> = members.iter().map(|i| format!("t{i}")).collect();
    let uses = members.iter().map(|i| upstream(*i));
    let targets: Vec<_> = names.iter().map(String::as_str).zip(uses).collect();
    even_route(&format!("r{i}"), &targets)
}

#[test]
fn upstreams_that_routes_join_are_one_cohort_in_the_order_of_first_members() {
    let routes = [vec![5, 6], vec![1, 4], vec![6, 4], vec![0, 7], vec![3]];
    let routes = routes.iter().enumerate().map(|(i, own)| route(i, own));
    let plan = Plan::new(routes.collect(), (0..9).map(upstream));
    let expected: [&[usize]; 5] = [&[0, 7], &[1, 4, 5, 6], &[2], &[3], &[8]];
    assert_eq!(plan.cohorts, expected);
    assert_eq!(plan.cohort_of, [0, 1, 2, 3, 1, 1, 1, 0, 4]);
}

#[test]
fn a_chain_of_many_routes_is_one_cohort() {
    let chain = (0..3_000).rev().map(|i| route(i, &[i, i + 1]));
    let plan = Plan::new(chain.collect(), []);
    assert_eq!(plan.cohorts.len(), 1);
    assert_eq!(plan.cohorts[0].len(), 3_001);
}
