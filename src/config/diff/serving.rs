//! What changed of who serves: providers, routes and their targets.

use std::collections::BTreeMap;
use std::time::Duration;

use super::words::{Priced, budget_text};
use super::{Lines, keyed};
use crate::balance::aims;
use crate::config::{
    Budget, Capabilities, Deadlines, Fallback, Phases, Provider, ProviderKind, Retry, Route, Target,
};
use crate::model::{RouteName, TargetName};

pub(super) fn provider(path: &str, old: &Provider, new: &Provider, lines: &mut Lines) {
    lines.field(path, "kind", &kind_name(&old.kind), &kind_name(&new.kind));
    match (&old.kind, &new.kind) {
        (
            ProviderKind::Api {
                base: old,
                interface: was,
            },
            ProviderKind::Api {
                base: new,
                interface: is,
            },
        ) => {
            // Said without the addresses: a gateway's path may hold a token.
            if old != new {
                lines.changes.push(format!("{path}: base_url changed"));
            }
            if was != is && was.kind() == is.kind() {
                lines.value(path, "interface", was, is);
            }
        }
        (
            ProviderKind::Simulated {
                law: old,
                speaks: was,
            },
            ProviderKind::Simulated {
                law: new,
                speaks: is,
            },
        ) => {
            lines.field(path, "speaks", &was.kind(), &is.kind());
            if old != new {
                lines.changes.push(format!("{path}: law changed"));
            }
        }
        (ProviderKind::Api { .. } | ProviderKind::Simulated { .. }, _) => {}
    }
    if old.api_keys != new.api_keys {
        let many = old.api_keys.len().max(new.api_keys.len()) > 1;
        let name = if many { "api_keys" } else { "api_key" };
        lines.changes.push(format!("{path}: {name} changed"));
    }
    if old.headers != new.headers {
        lines.changes.push(format!("{path}: headers changed"));
    }
    if old.login != new.login {
        lines.changes.push(format!("{path}: credentials changed"));
    }
    lines.value(path, "models", &old.models, &new.models);
    capabilities(path, &old.capabilities, &new.capabilities, lines);
    phases(path, &old.deadlines, &new.deadlines, lines);
    lines.value(path, "tags", &old.tags, &new.tags);
    lines.field(path, "discount", &old.discount, &new.discount);
    let group = |provider: &Provider| provider.quota_group.clone().unwrap_or_default();
    lines.field(path, "quota_group", &group(old), &group(new));
    budget(path, old.budget.as_ref(), new.budget.as_ref(), lines);
}

const fn kind_name(kind: &ProviderKind) -> &'static str {
    match kind {
        ProviderKind::Api { interface, .. } => interface.kind(),
        ProviderKind::Simulated { .. } => "simulated",
    }
}

pub(super) fn route(path: &str, old: &Route, new: &Route, lines: &mut Lines) {
    lines.word(path, "strategy", &old.strategy, &new.strategy);
    lines.word(path, "mode", &old.mode, &new.mode);
    lines.word(path, "draw", &old.draw, &new.draw);
    lines.field(path, "sticky", &old.sticky, &new.sticky);
    lines.value(path, "require", &old.require, &new.require);
    lines.value(path, "forbid", &old.forbid, &new.forbid);
    lines.value(path, "mix_models", &old.mix_models, &new.mix_models);
    retry(path, &old.retry, &new.retry, lines);
    lines.word(
        path,
        "on_lost_origin",
        &old.on_lost_origin,
        &new.on_lost_origin,
    );
    for (key, old, new) in [
        ("fallbacks", &old.fallbacks, &new.fallbacks),
        (
            "context_fallbacks",
            &old.context_fallbacks,
            &new.context_fallbacks,
        ),
        (
            "content_filter_fallbacks",
            &old.content_filter_fallbacks,
            &new.content_filter_fallbacks,
        ),
    ] {
        lines.field(path, key, &names(old), &names(new));
    }
    deadlines(path, old.deadlines, new.deadlines, lines);
    let aims = |route: &Route| aims(&route.goal, &route.objective);
    lines.field(path, "aims", &aims(old), &aims(new));
    let floor = |route: &Route| {
        let floor = route.min_quality.map(|floor| floor.to_string());
        floor.unwrap_or_else(|| "none".to_owned())
    };
    lines.field(path, "min_quality", &floor(old), &floor(new));
    budget(path, old.budget.as_ref(), new.budget.as_ref(), lines);
    let by_name = |route: &Route| -> BTreeMap<TargetName, Target> {
        let targets = route.targets.iter();
        targets
            .map(|target| (target.name.clone(), target.clone()))
            .collect()
    };
    let (before, after) = (by_name(old), by_name(new));
    keyed(&format!("{path}.targets"), &before, &after, lines, target);
    let order = |route: &Route| -> Vec<TargetName> {
        route
            .targets
            .iter()
            .map(|target| target.name.clone())
            .collect()
    };
    if before.keys().eq(after.keys()) && order(old) != order(new) {
        lines.changes.push(format!("{path}.targets: order changed"));
    }
}

pub(super) fn retry(path: &str, old: &Retry, new: &Retry, lines: &mut Lines) {
    lines.value(path, "retry.count", &old.count, &new.count);
    lines.value(path, "retry.on_codes", &old.on_codes, &new.on_codes);
}

pub(super) fn deadlines(path: &str, a: Deadlines, b: Deadlines, lines: &mut Lines) {
    for (name, old, new) in [
        ("connect", a.connect, b.connect),
        ("header_streamed", a.header_streamed, b.header_streamed),
        ("header_unary", a.header_unary, b.header_unary),
        ("first_token", a.first_token, b.first_token),
        ("between_tokens", a.between_tokens, b.between_tokens),
        ("attempt", a.attempt, b.attempt),
        ("total", a.total, b.total),
    ] {
        lines.value(path, &format!("deadlines.{name}"), &old, &new);
    }
}

fn capabilities(path: &str, a: &Capabilities, b: &Capabilities, lines: &mut Lines) {
    for (name, old, new) in [
        ("tools", a.tools, b.tools),
        ("images", a.images, b.images),
        ("json_schema", a.json_schema, b.json_schema),
    ] {
        lines.value(path, &format!("capabilities.{name}"), &old, &new);
    }
    for (name, old, new) in [
        ("context", a.context, b.context),
        ("max_output", a.max_output, b.max_output),
    ] {
        lines.value(path, &format!("capabilities.{name}"), &old, &new);
    }
}

/// The same for a provider or a target, where a phase may be left to wider settings.
fn phases(path: &str, a: &Phases, b: &Phases, lines: &mut Lines) {
    for (name, old, new) in [
        ("connect", a.connect, b.connect),
        ("header_streamed", a.header_streamed, b.header_streamed),
        ("header_unary", a.header_unary, b.header_unary),
        ("first_token", a.first_token, b.first_token),
        ("between_tokens", a.between_tokens, b.between_tokens),
        ("attempt", a.attempt, b.attempt),
    ] {
        let shown = |time: Option<Duration>| match time {
            Some(time) => format!("{time:?}"),
            None => "unset".to_owned(),
        };
        lines.field(path, &format!("deadlines.{name}"), &shown(old), &shown(new));
    }
}

fn names(fallbacks: &[Fallback]) -> String {
    let names: Vec<&str> = fallbacks
        .iter()
        .map(|fallback| match fallback {
            Fallback::Route(name) => RouteName::as_str(name),
            Fallback::Upstream(name) => name.as_str(),
        })
        .collect();
    format!("[{}]", names.join(", "))
}

fn target(path: &str, old: &Target, new: &Target, lines: &mut Lines) {
    lines.field(path, "use", &old.upstream.name, &new.upstream.name);
    lines.field(path, "weight", &old.weight.value(), &new.weight.value());
    lines.field(path, "tier", &old.tier, &new.tier);
    lines.field(path, "min_share", &old.min_share, &new.min_share);
    lines.field(path, "max_share", &old.max_share, &new.max_share);
    lines.value(path, "tags", &old.tags, &new.tags);
    capabilities(path, &old.capabilities, &new.capabilities, lines);
    phases(path, &old.deadlines, &new.deadlines, lines);
    let price = |target: &Target| target.price.as_ref().map(|price| Priced(price).to_string());
    lines.value(path, "price", &price(old), &price(new));
    budget(path, old.budget.as_ref(), new.budget.as_ref(), lines);
}

fn budget(path: &str, old: Option<&Budget>, new: Option<&Budget>, lines: &mut Lines) {
    lines.field(path, "budget", &budget_text(old), &budget_text(new));
}
