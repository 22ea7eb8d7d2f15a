//! `[routes.NAME]`: what clients put into `model`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::balance::{Goal, MAX_TARGETS};
use crate::model::RouteName;

use super::budget::{budget, notice_unpriced};
use super::deadlines::deadlines;
use super::field::Field;
use super::goal::{goal, objective};
use super::problem::nearest;
use super::section::Section;
use super::settings::{self, LOST_ORIGINS, MODES, STRATEGIES, set};
use super::sticky::sticky;
use super::target::{self, Entry};
use super::world::World;
use super::{Draw, Fallback, Mode, Objective, Route, Sticky, Strategy};

/// Keys of routes that later versions know.
const UNSUPPORTED: &[&str] = &[
    "cache",
    "capabilities",
    "expect",
    "hedge",
    "keys",
    "limits",
    "max_tokens",
    "models",
    "quota",
    "shadow",
    "tests",
];

/// What stands in labels and headers where there is no route: a route of that name could not be told apart.
const LABELS: &[&str] = &["inline", "direct", "none", "other"];

const DRAWS: &[(&str, Draw)] = &[("even", Draw::Even), ("random", Draw::Random)];

/// All routes that could be read, by name.
pub(super) fn routes(
    section: &Section<'_>,
    world: &mut World<'_>,
) -> BTreeMap<RouteName, Arc<Route>> {
    let mut routes = BTreeMap::new();
    for (name, field) in section.entries() {
        match RouteName::new(name) {
            Ok(name) if LABELS.contains(&name.as_str()) => field.problem(
                format!("{name} is what metrics and headers call requests without a route"),
                "give the route another name",
            ),
            Ok(name) => {
                if let Some(route) = route(name.clone(), &field, world) {
                    routes.insert(name, Arc::new(route));
                }
            }
            Err(error) => field.problem(error.to_string(), "a slash would make it provider/model"),
        }
    }
    routes
}

fn route(name: RouteName, field: &Field<'_>, world: &mut World<'_>) -> Option<Route> {
    let mut section = field.section()?;
    let mut route = Route {
        name,
        strategy: Strategy::default(),
        mode: world.mode,
        draw: Draw::default(),
        sticky: Sticky::default(),
        targets: Vec::new(),
        require: Vec::new(),
        forbid: Vec::new(),
        mix_models: true,
        retry: settings::retry(section.section("retry"), &world.retry),
        on_lost_origin: world.on_lost_origin,
        fallbacks: Vec::new(),
        context_fallbacks: Vec::new(),
        content_filter_fallbacks: Vec::new(),
        deadlines: deadlines(section.section("deadlines"), world.deadlines),
        objective: Objective::default(),
        goal: Goal::default(),
        min_quality: None,
        closed: false,
        budget: None,
    };
    let mix = section.field("mix_models");
    read_words(&mut section, &mut route);
    let kept = section.field("sticky");
    set(&mut route.sticky, kept.as_ref().and_then(sticky));
    let mixes = mix.as_ref().and_then(Field::boolean);
    set(&mut route.mix_models, mixes);
    for (key, list) in [
        ("fallbacks", &mut route.fallbacks),
        ("context_fallbacks", &mut route.context_fallbacks),
        (
            "content_filter_fallbacks",
            &mut route.content_filter_fallbacks,
        ),
    ] {
        if let Some(field) = section.field(key) {
            *list = fallbacks(&route.name, &field, world);
        }
    }
    let limited = section.field("budget");
    route.budget = limited.as_ref().and_then(budget);
    let targets = section.field("targets");
    section.finish(UNSUPPORTED);
    let entries = entries(field, targets.as_ref(), world)?;
    route.targets = entries.into_iter().map(|entry| entry.target).collect();
    eligible(field, &route);
    if let Some(limited) = limited {
        let unpriced = route.targets.iter().filter(|it| it.price.is_none());
        let unpriced: Vec<&str> = unpriced.map(|it| it.name.as_str()).collect();
        notice_unpriced(&limited, &unpriced);
    }
    if mix.is_none() {
        notice_mixed_models(field, &route);
    }
    if !route.mix_models {
        reachable(field, &route);
    }
    if let Some(kept) = kept {
        notice_nobody_else(&kept, &route);
    }
    Some(route)
}

/// Reads the keys of a route that stand alone.
fn read_words(section: &mut Section<'_>, route: &mut Route) {
    let _enabled = section.field("enabled").and_then(|field| field.boolean());
    let strategy = section.field("strategy");
    set(
        &mut route.strategy,
        strategy.and_then(|field| field.choice(STRATEGIES)),
    );
    let mode = section.field("mode");
    set(&mut route.mode, mode.and_then(|field| field.choice(MODES)));
    let draw = section.field("draw");
    set(&mut route.draw, draw.and_then(|field| field.choice(DRAWS)));
    let lost = section.field("on_lost_origin");
    set(
        &mut route.on_lost_origin,
        lost.and_then(|field| field.choice(LOST_ORIGINS)),
    );
    read_aims(section, route);
    let require = section.field("require");
    set(&mut route.require, require.map(|field| field.texts()));
    let forbid = section.field("forbid");
    set(&mut route.forbid, forbid.as_ref().map(Field::texts));
    if let Some(field) = forbid
        && let Some(tag) = route.require.iter().find(|tag| route.forbid.contains(tag))
    {
        field.conflict(format!("tag {tag:?} is required and forbidden at once"), "");
    }
}

/// Reads what the route is after.
fn read_aims(section: &mut Section<'_>, route: &mut Route) {
    let chosen = section.field("objective");
    set(&mut route.objective, chosen.as_ref().and_then(objective));
    let least = section.field("min_quality");
    route.min_quality = least.and_then(|field| field.fraction());
    let Some(field) = section.field("goal") else {
        return;
    };
    let Some((goal, then)) = goal(&field) else {
        return;
    };
    route.goal = goal;
    if let (Some(_), Some(chosen)) = (then, &chosen) {
        chosen.conflict(
            "expected either objective or the goal's then, found both",
            "both say what counts once the levels are met",
        );
    }
    set(&mut route.objective, then);
    if route.strategy == Strategy::Fixed {
        field.warn(
            "a goal moves no shares where strategy = \"fixed\" holds them",
            "remove one of them",
        );
    }
}

/// The targets, if each of them could be read and they go together.
fn entries<'a>(
    route: &Field<'a>,
    targets: Option<&Field<'a>>,
    world: &mut World<'_>,
) -> Option<Vec<Entry<'a>>> {
    let Some(targets) = targets else {
        route.missing(
            "targets",
            "write targets.NAME = { use = \"provider/model\", weight = 1 }",
        );
        return None;
    };
    let section = targets.section()?;
    let fields: Vec<_> = section.entries().collect();
    if fields.is_empty() {
        let why = "a route without targets would turn every request away";
        targets.conflict("expected at least one target, found none", why);
        return None;
    }
    if fields.len() > MAX_TARGETS {
        targets.conflict(
            format!(
                "expected at most {MAX_TARGETS} targets, found {}",
                fields.len()
            ),
            "",
        );
        return None;
    }
    let tiers: Vec<i64> = fields
        .iter()
        .map(|(_, field)| target::tier_of(field))
        .collect();
    let alone = |tier: &i64| tiers.iter().filter(|other| *other == tier).count() == 1;
    let entries: Vec<Option<Entry<'a>>> = fields
        .into_iter()
        .zip(&tiers)
        .map(|((name, field), tier)| target::target(name, field, alone(tier), world))
        .collect();
    let entries: Vec<Entry<'a>> = entries.into_iter().collect::<Option<_>>()?;
    target::together(targets, entries)
}

fn fallbacks(route: &RouteName, field: &Field<'_>, world: &mut World<'_>) -> Vec<Fallback> {
    let mut fallbacks = Vec::new();
    for item in field.items() {
        let Some(text) = item.str() else { continue };
        let fallback = if text.contains('/') {
            world
                .upstream(&item)
                .map(|upstream| Fallback::Upstream(upstream.name.clone()))
        } else {
            other_route(route, text, &item, world).map(Fallback::Route)
        };
        match fallback {
            Some(fallback) if fallbacks.contains(&fallback) => {
                item.problem(
                    format!("{} stands twice in the list", item.found()),
                    "remove one",
                );
            }
            Some(fallback) => fallbacks.push(fallback),
            None => {}
        }
    }
    fallbacks
}

fn other_route(
    route: &RouteName,
    text: &str,
    item: &Field<'_>,
    world: &World<'_>,
) -> Option<RouteName> {
    if text == route.as_str() {
        item.conflict("expected another route, found the route itself", "");
        return None;
    }
    if world.route_names.contains(text) || world.sink.is_full() {
        return RouteName::new(text).ok();
    }
    let hint = match world.removed("routes", text) {
        Some(place) => format!("it is switched off by `enabled = false` at {place}"),
        None => nearest(text, world.route_names.iter().copied())
            .map(|name| format!("did you mean \"{name}\"?"))
            .unwrap_or_default(),
    };
    item.conflict(format!("there is no route {}", item.found()), &hint);
    None
}

/// Whether the required and forbidden tags leave a target.
fn eligible(field: &Field<'_>, route: &Route) {
    let fits = |tags: &[String]| {
        route.require.iter().all(|tag| tags.contains(tag))
            && !route.forbid.iter().any(|tag| tags.contains(tag))
    };
    let left: Vec<_> = route
        .targets
        .iter()
        .filter(|target| fits(&target.tags))
        .collect();
    if left.iter().all(|target| target.weight.value() <= 0.0) {
        field.conflict(
            "`require` and `forbid` leave no target with weight above 0",
            "give the providers or targets the tags",
        );
    } else if left.len() < route.targets.len() {
        let out: Vec<&str> = route
            .targets
            .iter()
            .filter(|target| !fits(&target.tags))
            .map(|target| target.name.as_str())
            .collect();
        field.warn(
            format!("`require` and `forbid` leave out {}", out.join(", ")),
            "",
        );
    }
}

fn notice_nobody_else(kept: &Field<'_>, route: &Route) {
    let taking = route.targets.iter().filter(|t| t.weight.value() > 0.0);
    if route.sticky != Sticky::Off && taking.count() < 2 {
        kept.warn(
            "`sticky` changes nothing on a route with one target",
            "it matters where requests may go to several",
        );
    }
}

/// Whether each model has a target in the lowest tier: the split between models is held, and an upper tier has next to
/// nothing of it.
fn reachable(field: &Field<'_>, route: &Route) {
    let lowest = route.targets.iter().map(|target| target.tier).min();
    let model = |target: &super::Target| target.upstream.name.model().to_owned();
    let first = route.targets.iter().filter(|it| Some(it.tier) == lowest);
    let first: BTreeSet<String> = first.map(model).collect();
    let lost = route.targets.iter().find(|it| !first.contains(&model(it)));
    if let Some(lost) = lost {
        field.conflict(
            format!(
                "mix_models = false holds the split between models, and {} has no target in the lowest tier",
                model(lost)
            ),
            "tiers of different models need mix_models = true",
        );
    }
}

fn notice_mixed_models(field: &Field<'_>, route: &Route) {
    let models: BTreeSet<&str> = route
        .targets
        .iter()
        .map(|target| target.upstream.name.model())
        .collect();
    let moves = match (route.strategy, route.mode) {
        (Strategy::Adaptive | Strategy::Trial(_), Mode::Auto | Mode::Shadow) => true,
        (Strategy::Adaptive | Strategy::Trial(_), Mode::Off) | (Strategy::Fixed, _) => false,
    };
    if models.len() > 1 && moves {
        let models: Vec<&str> = models.into_iter().collect();
        field.warn(
            format!("adapts across different models: {}", models.join(", ")),
            "mix_models = false holds the split between models; mix_models = true says it is meant",
        );
    }
}
