//! From files to a checked configuration, or to everything that is wrong with them.
//!
//! The way: parse each layer, merge, take out what is off, fill in variables, read, check. One way for start-up, reload and
//! `check`, so that what one accepts the others do.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::catalogue;

use super::alerts::alerts;
use super::cluster::cluster;
use super::deadlines::deadlines;
use super::interpolate::{Lookup, interpolate};
use super::layer::{Layer, Removed, merge, prune};
use super::mask::is_secret_key;
use super::problem::{Problem, Sink};
use super::section::Section;
use super::settings::{self, LOST_ORIGINS, MODES, set};
use super::shown::Shown;
use super::tree::{Digest, Table, each_text};
use super::world::World;
use super::{Config, Defaults, Held, Login, Mode};
use super::{keys, prices, provider, route, store, syntax, telemetry};

/// A configuration with what there is to say about it.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The configuration.
    pub config: Config,
    /// What is odd about it, sorted by file and line.
    pub warnings: Vec<Problem>,
    /// The merged files with credentials masked.
    pub shown: Shown,
}

/// Compiles `layers`, each over the ones before it.
///
/// # Errors
/// Everything that is wrong, sorted by file and line.
pub fn compile(layers: &[Layer], lookup: &dyn Lookup) -> Result<Compiled, Vec<Problem>> {
    let sink = Sink::default();
    let mut root = Table::new();
    for layer in layers {
        if let Some(table) = syntax::parse(layer, &sink) {
            keep_secrets(&table, &sink);
            merge(&mut root, table);
        }
    }
    let removed = prune(&mut root);
    interpolate(&mut root, "", lookup, &sink);
    let mut config = read(&root, removed, lookup, &sink);
    if root.is_empty() {
        sink.conflict(empty(layers));
    }
    config.digest = digest(&root, &config);
    let shown = Shown::new(&root, sink.secrets());
    let (problems, warnings) = sink.finish(layers);
    if problems.is_empty() {
        Ok(Compiled {
            config,
            warnings,
            shown,
        })
    } else {
        Err(problems)
    }
}

/// The hash of all values, those of credentials that stand in files of their own too.
fn digest(root: &Table, config: &Config) -> u64 {
    let mut digest = Digest::new();
    digest.table(root);
    for key in config.providers.values().flat_map(|it| &it.api_keys) {
        digest.bytes(key.expose().as_bytes());
    }
    for text in config
        .providers
        .values()
        .filter_map(|it| it.login.as_ref())
        .flat_map(Login::texts)
    {
        digest.bytes(text.as_bytes());
    }
    for token in config
        .alerts
        .webhooks
        .values()
        .filter_map(|it| it.token.as_ref())
    {
        digest.bytes(token.expose().as_bytes());
    }
    for key in config.keys.values() {
        if let Held::Key(secret) = &key.held {
            digest.bytes(secret.expose().as_bytes());
        }
    }
    if let Some(tls) = &config.server.tls {
        digest.bytes(tls.certificate.as_bytes());
        digest.bytes(tls.key.expose().as_bytes());
    }
    let sentinel = config.cluster.as_ref();
    if let Some(password) = sentinel.and_then(|it| it.sentinel_password.as_ref()) {
        digest.bytes(password.expose().as_bytes());
    }
    digest.value()
}

/// Notes credentials also of layers that another one covers.
fn keep_secrets(table: &Table, sink: &Sink) {
    for (key, node) in table {
        each_text(key, node, &mut |key, text| {
            if is_secret_key(key) && !text.full.contains("${") {
                sink.keep_secret(&text.full);
            }
        });
    }
}

fn empty(layers: &[Layer]) -> Problem {
    let file = layers
        .last()
        .map_or("the configuration", |layer| layer.name.as_str());
    Problem::with_file(file, "expected providers and routes, found nothing")
        .hint("begin with a copy of config/development.toml")
}

/// Tables that later versions know.
const UNSUPPORTED: &[&str] = &["budgets", "include", "journal", "quota_groups"];

/// Reads everything; the digest is left to fill in.
fn read(root: &Table, removed: Removed, lookup: &dyn Lookup, sink: &Sink) -> Config {
    let mut section = Section::new(root, "", sink);
    let mode = version_and_mode(&mut section);
    let keys = section.section("keys");
    let has_keys = keys
        .as_ref()
        .is_some_and(|keys| keys.entries().next().is_some());
    let (server, admin) = settings::listeners(&mut section, has_keys, lookup);
    let controller = settings::controller(section.section("controller"));
    let store = store::store(section.section("store"), server.state.is_some());
    let alerts = alerts(section.section("alerts"), lookup);
    let otlp = telemetry::otlp(section.section("telemetry"));
    let cluster = cluster(section.field("cluster"), lookup);
    let requests = settings::requests(section.section("requests"));
    let defaults = defaults(section.section("defaults"));
    let providers = section.section("providers");
    let prices = section.section("prices");
    let routes = section.section("routes");
    section.finish(UNSUPPORTED);
    let mut world = World {
        sink,
        mode,
        deadlines: defaults.deadlines,
        retry: defaults.retry.clone(),
        on_lost_origin: defaults.on_lost_origin,
        provider_names: names(providers.as_ref()),
        route_names: names(routes.as_ref()),
        providers: providers.map_or_else(BTreeMap::new, |it| provider::providers(&it, lookup)),
        prices: BTreeMap::new(),
        upstreams: BTreeMap::new(),
        removed,
    };
    world.prices = prices.map_or_else(BTreeMap::new, |it| prices::prices(&it, &world));
    let routes = routes.map_or_else(BTreeMap::new, |it| route::routes(&it, &mut world));
    let keys = keys::keys(keys.as_ref(), &world, lookup);
    world.demand_names(root);
    if world
        .providers
        .values()
        .any(|provider| provider.catalogue().is_some())
    {
        // Read now, so that no request waits for it.
        catalogue::entries();
    }
    Config {
        mode,
        server,
        admin,
        controller,
        store,
        alerts,
        otlp,
        cluster,
        keys,
        issued: Arc::default(),
        requests,
        defaults,
        providers: world.providers,
        upstreams: world.upstreams,
        routes,
        prices: world.prices,
        digest: 0,
    }
}

fn version_and_mode(section: &mut Section<'_>) -> Mode {
    if let Some(version) = section.field("config_version") {
        version.whole(1_u32..=1);
    }
    let mode = section.field("mode").and_then(|field| field.choice(MODES));
    mode.unwrap_or_default()
}

fn names<'a>(section: Option<&Section<'a>>) -> BTreeSet<&'a str> {
    section.map_or_else(BTreeSet::new, |section| {
        section.entries().map(|(name, _)| name).collect()
    })
}

/// `[defaults]` over the product's own.
fn defaults(section: Option<Section<'_>>) -> Defaults {
    let mut defaults = Defaults::default();
    if let Some(mut section) = section {
        let own = section.section("deadlines");
        defaults.deadlines = deadlines(own, defaults.deadlines);
        defaults.retry = settings::retry(section.section("retry"), &defaults.retry);
        let lost = section.field("on_lost_origin");
        let lost = lost.and_then(|field| field.choice(LOST_ORIGINS));
        set(&mut defaults.on_lost_origin, lost);
        section.finish(&["objective", "strategy"]);
    }
    defaults
}
