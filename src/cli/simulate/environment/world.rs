//! A route as a world.

use std::time::Duration;

use super::super::super::Failure;
use super::EnvArgs;
use super::guess::{self, number};
use super::learned::{Learned, Mix};
use crate::config::{ProviderKind, Route, Sticky, Target};
use crate::law::Law;
use crate::sim::{
    Bounds, Conversations, Cost, Load, Prices, Scenario, SimTarget, TargetTerms, Terms,
};

/// Requests a second where nobody says: what most scenarios that come along have.
const RATE: f64 = 10.0;
/// Conversations of a sticky route where nobody says: some questions half a minute apart, each with the answer before it in
/// its prompt.
const CONVERSATIONS: Conversations = Conversations {
    turns: 6.0,
    gap: 30.0,
    growth: 400.0,
    lifetime: 300.0,
};

/// What a target is taken for.
#[derive(Debug)]
pub(super) struct Taken {
    /// Its name within the route.
    pub(super) name: String,
    /// `provider/model`.
    pub(super) upstream: String,
    /// Where its times and failures are known from.
    pub(super) from: Basis,
    /// How it behaves while nothing is wrong with it.
    pub(super) law: Law,
}

/// Where a target's times and failures are known from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Basis {
    /// It is a simulated provider: its law says so.
    Law,
    /// So many answers of the journal.
    Journal(u64),
    /// The table of what was published of its kind of provider.
    Kind,
    /// Nothing: a middling hosted model.
    Nothing,
}

/// The world of `route`, and what its targets are taken for.
pub(super) fn of(
    route: &Route,
    args: &EnvArgs,
    learned: Option<&Learned>,
) -> Result<(Scenario, Vec<Taken>), Failure> {
    let mut taken = Vec::new();
    let mut targets = std::collections::BTreeMap::new();
    for target in eligible(route) {
        let (law, from) = behaviour(target, learned);
        taken.push(Taken {
            name: target.name.to_string(),
            upstream: target.upstream.name.to_string(),
            from,
            law: law.clone(),
        });
        targets.insert(target.name.to_string(), simulated(target, law));
    }
    let mix = learned.and_then(|learned| learned.mix(route));
    let scenario = Scenario {
        shared: false,
        network: None,
        name: route.name.to_string(),
        seconds: args.seconds,
        replicas: 1,
        prices: Prices::PerToken,
        mix_models: route.mix_models,
        sticky: route.sticky != Sticky::Off,
        load: load(route, args, mix.as_ref()),
        reloads: Vec::new(),
        targets,
        fault: None,
        terms: Some(terms(route)),
    };
    let told = |error| Failure::Told(format!("route {}: {error}", route.name));
    scenario.check().map_err(told)?;
    Ok((scenario, taken))
}

/// The targets that the route's tags leave.
fn eligible(route: &Route) -> impl Iterator<Item = &Target> {
    let fits = |target: &&Target| {
        let has = |tag: &String| target.tags.contains(tag);
        route.require.iter().all(has) && !route.forbid.iter().any(has)
    };
    route.targets.iter().filter(fits)
}

/// How a target behaves, and where that is known from.
fn behaviour(target: &Target, learned: Option<&Learned>) -> (Law, Basis) {
    let provider = &target.upstream.provider;
    let (law, basis) = match &provider.kind {
        ProviderKind::Simulated { law, .. } => ((**law).clone(), Basis::Law),
        ProviderKind::Api { .. } => match guess::law(provider.catalogue()) {
            (law, true) => (law, Basis::Kind),
            (law, false) => (law, Basis::Nothing),
        },
    };
    let known = learned.and_then(|learned| learned.behaviour(&target.upstream.name, &law));
    match (known, basis) {
        (Some((law, answers)), Basis::Kind | Basis::Nothing) => (law, Basis::Journal(answers)),
        _ => (law, basis),
    }
}

fn simulated(target: &Target, law: Law) -> SimTarget {
    SimTarget {
        weight: target.weight,
        tier: target.tier,
        model: target.upstream.name.model().to_owned(),
        law,
        terms: TargetTerms {
            bounds: Bounds {
                least: target.min_share,
                most: target.max_share,
            },
            cost: target.price.map_or(Cost::Unknown, Cost::Listed),
        },
    }
}

/// What comes in: as the command line says, else as the journal shows, else as is usual.
fn load(route: &Route, args: &EnvArgs, mix: Option<&Mix>) -> Load {
    let rate = args.rate.or(mix.map(|mix| mix.rate)).unwrap_or(RATE);
    let mut load = Load::of(number(rate));
    if let Some(mix) = mix {
        load.tokens_in = number(mix.tokens_in);
        load.tokens_out = mix.tokens_out.clone();
        load.streamed = number(mix.streamed);
        load.client_fault = number(mix.client_fault);
    } else if let Some(law) = common_law(route) {
        load.tokens_out = law.tokens_out.clone();
    }
    if let Some(tokens) = args.tokens_in {
        load.tokens_in = number(tokens);
    }
    if let Some(tokens) = args.tokens_out {
        load.tokens_out.median = number(tokens);
        // The bounds are those of another median.
        load.tokens_out.max = load.tokens_out.max.max(crate::law::whole(4.0 * tokens));
        let least = crate::law::whole(tokens / 4.0).max(1);
        load.tokens_out.min = load.tokens_out.min.min(least);
    }
    load.timeout = route.deadlines.total.as_secs_f64();
    load.conversations = (route.sticky != Sticky::Off).then_some(CONVERSATIONS);
    load
}

/// The law of the route's first target if all are simulated: it says how long answers are.
fn common_law(route: &Route) -> Option<&Law> {
    let mut laws = route
        .targets
        .iter()
        .map(|target| match &target.upstream.provider.kind {
            ProviderKind::Simulated { law, .. } => Some(&**law),
            ProviderKind::Api { .. } => None,
        });
    let first = laws.next()??;
    laws.all(|law| law.is_some()).then_some(first)
}

fn terms(route: &Route) -> Terms {
    let deadlines = &route.deadlines;
    let least = |a: Duration, b: Duration| a.min(b).min(deadlines.attempt);
    Terms {
        objective: route.objective,
        goal: route.goal.clone(),
        first_due: least(deadlines.header_streamed, deadlines.first_token),
        unary_due: least(deadlines.header_unary, deadlines.attempt),
        further: usize::try_from(route.retry.count).unwrap_or(usize::MAX),
    }
}
