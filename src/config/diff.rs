//! What one configuration has that another has not, in words for a log line.

use std::collections::BTreeMap;
use std::fmt::{Debug, Display};
use std::sync::Arc;
use std::time::Duration;

use crate::balance::aims;
use crate::limit::Window;
use crate::model::{Price, RouteName, TargetName};

use super::{
    Budget, Capabilities, Config, Deadlines, Fallback, Otlp, Phases, Provider, ProviderKind, Retry,
    Route, Server, Shown, Store, Target, Tls,
};

/// What changed from one configuration to the next. Keys and addresses are not repeated; what names and tags hold is for
/// [`Diff::scrubbed`] to mask.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Diff {
    /// One line for each change, for example `routes.chat.targets.fast: weight 50 -> 70`.
    pub changes: Vec<String>,
    /// Those of them that only take effect after a restart, by key.
    pub needs_restart: Vec<&'static str>,
}

impl Diff {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The same without any credential that one of the two configurations knows, wherever it was put.
    #[must_use]
    pub fn scrubbed(self, old: Option<&Shown>, new: &Shown) -> Self {
        let scrub = |line| match old {
            Some(old) => new.scrub(old.scrub(line)),
            None => new.scrub(line),
        };
        Self {
            changes: self.changes.into_iter().map(scrub).collect(),
            ..self
        }
    }
}

/// What changed from `old` to `new`.
pub fn diff(old: &Config, new: &Config) -> Diff {
    let mut lines = Lines::default();
    settings(old, new, &mut lines);
    keyed(
        "providers",
        &old.providers,
        &new.providers,
        &mut lines,
        |path, old, new, lines| {
            provider(path, old, new, lines);
        },
    );
    keyed(
        "routes",
        &old.routes,
        &new.routes,
        &mut lines,
        |path, old, new, lines| {
            route(path, old, new, lines);
        },
    );
    keyed(
        "prices",
        &old.prices,
        &new.prices,
        &mut lines,
        |path, old, new, lines| {
            lines.field(path, "price", &Priced(&old.net), &Priced(&new.net));
        },
    );
    Diff {
        changes: lines.changes,
        needs_restart: lines.restart,
    }
}

#[derive(Default)]
struct Lines {
    changes: Vec<String>,
    restart: Vec<&'static str>,
}

impl Lines {
    /// A line if the two differ as printed.
    fn field(&mut self, path: &str, name: &str, old: &dyn Display, new: &dyn Display) {
        let (old, new) = (old.to_string(), new.to_string());
        if old != new {
            self.changes.push(format!("{path}: {name} {old} -> {new}"));
        }
    }

    /// The same by `Debug`, for what has no other print.
    fn value<T: Debug>(&mut self, path: &str, name: &str, old: &T, new: &T) {
        self.field(path, name, &format!("{old:?}"), &format!("{new:?}"));
    }

    /// The same for what only a restart changes.
    fn fixed<T: Debug>(&mut self, key: &'static str, old: &T, new: &T) {
        let before = self.changes.len();
        let (path, name) = key.split_once('.').unwrap_or(("", key));
        self.value(path, name, old, new);
        if self.changes.len() > before {
            self.restart.push(key);
        }
    }
}

fn settings(old: &Config, new: &Config, lines: &mut Lines) {
    server(&old.server, &new.server, lines);
    deadlines(
        "defaults",
        old.defaults.deadlines,
        new.defaults.deadlines,
        lines,
    );
    retry("defaults", &old.defaults.retry, &new.defaults.retry, lines);
    lines.fixed("admin.listen", &old.admin.listen, &new.admin.listen);
    lines.value(
        "admin",
        "allow_remote",
        &old.admin.allow_remote,
        &new.admin.allow_remote,
    );
    lines.value("config", "mode", &old.mode, &new.mode);
    lines.value(
        "controller",
        "tick",
        &old.controller.tick,
        &new.controller.tick,
    );
    let place = |config: &Config| {
        let journal = config.controller.journal.as_ref();
        journal.map(|journal| journal.dir.clone())
    };
    let size = |config: &Config| {
        let journal = config.controller.journal.as_ref();
        journal.map(|journal| journal.size)
    };
    if old.keys != new.keys {
        let names = |config: &Config| config.keys.keys().cloned().collect::<Vec<_>>().join(", ");
        let (before, after) = (names(old), names(new));
        if before == after {
            lines.changes.push("keys: changed".to_owned());
        } else {
            lines.field("config", "keys", &before, &after);
        }
    }
    if old.alerts != new.alerts {
        lines.changes.push("alerts: changed".to_owned());
    }
    lines.fixed("controller.journal", &place(old), &place(new));
    lines.fixed("controller.journal_size", &size(old), &size(new));
    store(&old.store, &new.store, lines);
    otlp(old.otlp.as_ref(), new.otlp.as_ref(), lines);
    lines.value(
        "requests",
        "lists",
        &old.requests.lists,
        &new.requests.lists,
    );
    lines.value(
        "requests",
        "strategy",
        &old.requests.strategy,
        &new.requests.strategy,
    );
}

fn store(a: &Store, b: &Store, lines: &mut Lines) {
    lines.fixed("store.usage", &a.usage, &b.usage);
    lines.fixed("store.minutes", &a.minutes, &b.minutes);
    lines.fixed("store.decisions", &a.decisions, &b.decisions);
    lines.fixed("store.alerts", &a.alerts, &b.alerts);
    lines.fixed("store.size", &a.size, &b.size);
}

/// Said without what is in it: an address's path may hold a token.
fn otlp(old: Option<&Otlp>, new: Option<&Otlp>, lines: &mut Lines) {
    let what = match (old, new) {
        (None, Some(_)) => "added",
        (Some(_), None) => "removed",
        (Some(old), Some(new)) if old != new => "changed",
        (Some(_), Some(_)) | (None, None) => return,
    };
    lines.changes.push(format!("telemetry.otlp: {what}"));
}

/// Said without what is in it: of a key nothing is shown.
fn tls(old: Option<&Arc<Tls>>, new: Option<&Arc<Tls>>, lines: &mut Lines) {
    let what = match (old, new) {
        (None, Some(_)) => "added",
        (Some(_), None) => "removed",
        (Some(old), Some(new)) if old.certificate != new.certificate => "another certificate",
        (Some(old), Some(new)) if old != new => "another key",
        (Some(_), Some(_)) | (None, None) => return,
    };
    lines.changes.push(format!("server.tls: {what}"));
}

fn server(a: &Server, b: &Server, lines: &mut Lines) {
    tls(a.tls.as_ref(), b.tls.as_ref(), lines);
    lines.fixed("server.listen", &a.listen, &b.listen);
    lines.fixed(
        "server.max_connections",
        &a.max_connections,
        &b.max_connections,
    );
    lines.fixed("server.reuse_port", &a.reuse_port, &b.reuse_port);
    lines.fixed("server.state", &a.state, &b.state);
    lines.fixed("server.head_timeout", &a.head_timeout, &b.head_timeout);
    lines.value("server", "max_body", &a.max_body, &b.max_body);
    lines.value("server", "max_answer", &a.max_answer, &b.max_answer);
    lines.value("server", "max_requests", &a.max_requests, &b.max_requests);
    lines.value("server", "max_buffered", &a.max_buffered, &b.max_buffered);
    lines.value("server", "drain_grace", &a.drain_grace, &b.drain_grace);
    lines.value("server", "body_timeout", &a.body_timeout, &b.body_timeout);
    lines.value(
        "server",
        "forward_headers",
        &a.forward_headers,
        &b.forward_headers,
    );
    lines.value(
        "server",
        "allow_unauthenticated",
        &a.allow_unauthenticated,
        &b.allow_unauthenticated,
    );
    let said = |it: Option<bool>| it.map_or("unsaid", |it| if it { "true" } else { "false" });
    let (was, is) = (said(a.require_key), said(b.require_key));
    lines.field("server", "require_key", &was, &is);
}

/// Lines for what came, went and stayed of named things.
fn keyed<K: Ord + Display, V>(
    kind: &str,
    old: &BTreeMap<K, V>,
    new: &BTreeMap<K, V>,
    lines: &mut Lines,
    both: impl Fn(&str, &V, &V, &mut Lines),
) {
    for (name, before) in old {
        let path = format!("{kind}.{name}");
        match new.get(name) {
            Some(after) => both(&path, before, after, lines),
            None => lines.changes.push(format!("{path}: removed")),
        }
    }
    for name in new.keys().filter(|name| !old.contains_key(name)) {
        lines.changes.push(format!("{kind}.{name}: added"));
    }
}

fn provider(path: &str, old: &Provider, new: &Provider, lines: &mut Lines) {
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

fn route(path: &str, old: &Route, new: &Route, lines: &mut Lines) {
    lines.value(path, "strategy", &old.strategy, &new.strategy);
    lines.value(path, "mode", &old.mode, &new.mode);
    lines.value(path, "draw", &old.draw, &new.draw);
    lines.field(path, "sticky", &old.sticky, &new.sticky);
    lines.value(path, "require", &old.require, &new.require);
    lines.value(path, "forbid", &old.forbid, &new.forbid);
    lines.value(path, "mix_models", &old.mix_models, &new.mix_models);
    retry(path, &old.retry, &new.retry, lines);
    lines.value(
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

fn retry(path: &str, old: &Retry, new: &Retry, lines: &mut Lines) {
    lines.value(path, "retry.count", &old.count, &new.count);
    lines.value(path, "retry.on_codes", &old.on_codes, &new.on_codes);
}

fn deadlines(path: &str, a: Deadlines, b: Deadlines, lines: &mut Lines) {
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

/// A budget as it is written: `$500 a month, told at 50 %, 100 %, then avoid`.
fn budget_text(budget: Option<&Budget>) -> String {
    let Some(budget) = budget else {
        return "unset".to_owned();
    };
    let limits = Window::ALL.into_iter().filter_map(|window| {
        let limit = budget.limit(window)?.exact();
        Some(format!("${limit} {}", window.each()))
    });
    let told = budget.alert_at().iter();
    let told = told.map(|it| format!("{} %", it.percent()));
    format!(
        "{}, told at {}, then {}",
        limits.collect::<Vec<_>>().join(", "),
        told.collect::<Vec<_>>().join(", "),
        budget.at_limit().label()
    )
}

/// A price in dollars for a million tokens; what is plain is left out.
struct Priced<'a>(&'a Price);

impl Display for Priced<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let price = self.0;
        let usd = |pico: u64| pico as f64 / 1e6;
        let [input, cached, output] = [price.input, price.cached_input, price.output].map(usd);
        write!(f, "${input} in, ${cached} cached, ")?;
        if price.cache_write != price.input {
            write!(f, "${} written to the cache, ", usd(price.cache_write))?;
        }
        write!(f, "${output} out")?;
        if price.reasoning != price.output {
            write!(f, ", ${} reasoning", usd(price.reasoning))?;
        }
        f.write_str(" / 1M tokens")?;
        if price.request != 0 {
            write!(f, ", ${} / request", price.request as f64 / 1e12)?;
        }
        for tier in price.tiers.iter() {
            let above = price.for_prompt(tier.above.saturating_add(1));
            let above = Price {
                request: 0,
                ..above
            };
            write!(f, "; above {} tokens {}", tier.above, Priced(&above))?;
        }
        Ok(())
    }
}
