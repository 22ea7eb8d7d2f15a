//! The TOML that comes of it.

use std::collections::{BTreeMap, BTreeSet};

use super::super::section::{Notes, What};
use super::deployment::{Deployment, Group, Models};
use super::settings::{Fallback, Moves, Settings, quoted, route_name};
use super::targets::Targets;
use crate::cli::prices::money;
use crate::cli::toml_text::{key, text};

const HEAD: &str = r#"# Made of a LiteLLM configuration by `weighbridge import litellm`. What all environments share; each NAME.toml is laid over it.
# ${NAME:?} is filled in from the variable NAME when the file is read.
config_version = 1

# strategy = "fixed" on a route: the weights hold, as with simple-shuffle, and who is sick or full is left alone for a while.
# Without that line shares follow latency, cost and errors around the weights; mode = "shadow" shows where they would go.
mode = "auto"
"#;

/// Longest time that may be written, in seconds.
const DAY: f64 = 86_400.0;

/// Names for the providers, each another one.
pub(super) fn named(models: &Models) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let name = |wish: &str| {
        let fit = |c: &char| c.is_ascii_alphanumeric() || "-_.@".contains(*c);
        let wish: String = wish.chars().filter(fit).take(80).collect();
        let numbered = (2..).map(|number| format!("{wish}-{number}"));
        let mut names = std::iter::once(wish.clone()).chain(numbered);
        let free = names.find(|name| !taken.contains(name)).unwrap_or(wish);
        taken.insert(free.clone());
        free
    };
    let wishes = models
        .providers
        .iter()
        .map(|provider| provider.wish.as_str());
    wishes.map(name).collect()
}

/// The whole file.
pub(super) fn file(
    models: &Models,
    providers: &[String],
    settings: &Settings,
    notes: &mut Notes,
) -> String {
    let mut file = HEAD.to_owned();
    file.push_str(&defaults(settings));
    for (provider, name) in models.providers.iter().zip(providers) {
        let kind = text(provider.kind);
        file.push_str(&format_lines(
            &format!("[providers.{}]", key(name)),
            std::iter::once(("kind", kind)).chain(provider.fields.iter().cloned()),
        ));
    }
    let all = models.groups.iter().flat_map(|group| &group.deployments);
    let mut prices = BTreeMap::new();
    for deployment in all.filter(|deployment| !deployment.price.is_empty()) {
        if let Some(price) = price(deployment, notes) {
            prices.insert(upstream(deployment, providers), price);
        }
    }
    if !prices.is_empty() {
        file.push_str("\n[prices]                      # for a million tokens\n");
        let lines = prices.iter();
        file.extend(lines.map(|(name, price)| format!("{} = {price}\n", text(name))));
    }
    let routes = Routes::of(models, settings, notes);
    for (group, name) in models.groups.iter().zip(&routes.names) {
        file.push_str(&route(name, group, providers, settings, &routes, notes));
    }
    let mut names = routes.names.clone();
    for alias in &settings.aliases {
        let name = route_name(&alias.name);
        match models.groups.iter().find(|group| group.name == alias.of) {
            Some(group) if !names.contains(&name) => {
                file.push_str(&route(&name, group, providers, settings, &routes, notes));
                names.push(name);
            }
            found => {
                let why = match found {
                    Some(_) => "there is a route of that name".to_owned(),
                    None => format!("there is no group {}", quoted(&alias.of)),
                };
                notes.tell(alias.line, "model_group_alias", What::NotCarriedOver, why);
            }
        }
    }
    file
}

fn format_lines(head: &str, lines: impl Iterator<Item = (&'static str, String)>) -> String {
    let lines = lines.map(|(key, value)| format!("{key} = {value}\n"));
    format!("\n{head}\n{}", lines.collect::<String>())
}

fn defaults(settings: &Settings) -> String {
    let mut text = String::new();
    if let Some(count) = settings.retries {
        let count = std::iter::once(("count", count.to_string()));
        text.push_str(&format_lines("[defaults.retry]", count));
    }
    let mut times = Vec::new();
    times.extend(settings.first_token.map(|it| ("first_token", seconds(it))));
    if let Some(attempt) = settings.attempt {
        times.push(("attempt", seconds(attempt)));
        // The whole request is not given less than one attempt.
        if attempt > 600.0 {
            times.push(("total", seconds(attempt)));
        }
    }
    if !times.is_empty() {
        text.push_str(&format_lines("[defaults.deadlines]", times.into_iter()));
    }
    text
}

/// A duration in quotes.
pub(super) fn seconds(seconds: f64) -> String {
    let seconds = seconds.clamp(0.001, DAY);
    if seconds.fract() == 0.0 {
        format!("\"{seconds:.0}s\"")
    } else {
        format!("\"{:.0}ms\"", seconds * 1e3)
    }
}

pub(super) fn upstream(deployment: &Deployment, providers: &[String]) -> String {
    let provider = providers.get(deployment.provider);
    let provider = provider.map(String::as_str).unwrap_or_default();
    format!("{provider}/{}", model(&deployment.model))
}

/// A model's name without what no name may have.
fn model(name: &str) -> String {
    let fit = |c: &char| c.is_ascii_alphanumeric() || "-_.:@/+ ()[],~=".contains(*c);
    let name: String = name.chars().filter(fit).take(100).collect();
    if name.is_empty() {
        "model".to_owned()
    } else {
        name
    }
}

fn price(deployment: &Deployment, notes: &mut Notes) -> Option<String> {
    let has = |wanted: &str| deployment.price.iter().any(|(key, _)| *key == wanted);
    if !has("input") || !has("output") {
        let why = "a price needs both input_cost_per_token and output_cost_per_token";
        notes.tell(deployment.line, "model_list", What::NotCarriedOver, why);
        return None;
    }
    let rates = deployment.price.iter();
    let rates: Vec<String> = rates
        .map(|(key, pico)| format!("{key} = \"{}\"", money::a_million(*pico)))
        .collect();
    Some(format!("{{ {} }}", rates.join(", ")))
}

/// Names of routes, and where their requests go when nobody is left.
struct Routes {
    /// Of the groups, in their order.
    names: Vec<String>,
    /// The lists of fallbacks by the name of the group.
    lists: BTreeMap<(String, &'static str), Vec<String>>,
}

// === impl Routes ===

impl Routes {
    fn of(models: &Models, settings: &Settings, notes: &mut Notes) -> Self {
        let mut names: Vec<String> = Vec::new();
        for group in &models.groups {
            let wish = route_name(&group.name);
            let numbered = (2..).map(|number| format!("{wish}-{number}"));
            let mut wishes = std::iter::once(wish.clone()).chain(numbered);
            let name = wishes.find(|name| !names.contains(name)).unwrap_or(wish);
            if name != group.name {
                let why = format!(
                    "the route is called {}: clients must send that",
                    quoted(&name)
                );
                notes.tell(group.line, "model_name", What::Changed, why);
            }
            names.push(name);
        }
        let mut routes = Self {
            names,
            lists: BTreeMap::new(),
        };
        // What is said of all holds for those of whom nothing is said.
        let (general, own): (Vec<&Fallback>, Vec<&Fallback>) =
            settings.fallbacks.iter().partition(|it| it.from == "*");
        for fallback in own {
            if models.groups.iter().any(|it| it.name == fallback.from) {
                routes.add(models, &fallback.from, fallback, notes);
            } else {
                let why = format!("{} is no group of this file", quoted(&fallback.from));
                notes.tell(fallback.line, &fallback.key, What::NotCarriedOver, why);
            }
        }
        let told: BTreeSet<(String, &str)> = routes.lists.keys().cloned().collect();
        for fallback in general {
            for group in &models.groups {
                if !told.contains(&(group.name.clone(), fallback.list)) {
                    routes.add(models, &group.name, fallback, notes);
                }
            }
        }
        routes
    }

    /// Adds the names of `fallback` to the list of the group `from`.
    fn add(&mut self, models: &Models, from: &str, fallback: &Fallback, notes: &mut Notes) {
        for name in &fallback.to {
            let place = models.groups.iter().position(|group| group.name == *name);
            let Some(route) = place.and_then(|place| self.names.get(place)) else {
                let why = format!("{} is no group of this file", quoted(name));
                notes.tell(fallback.line, &fallback.key, What::NotCarriedOver, why);
                continue;
            };
            let list = self.lists.entry((from.to_owned(), fallback.list));
            let list = list.or_default();
            if name != from && !list.contains(route) {
                list.push(route.clone());
            }
        }
    }
}

fn route(
    name: &str,
    group: &Group,
    providers: &[String],
    settings: &Settings,
    routes: &Routes,
    notes: &mut Notes,
) -> String {
    let targets = Targets::of(group, providers, notes);
    let mut lines = Vec::new();
    if settings.moves == Moves::Nothing {
        lines.push(("strategy", text("fixed")));
    }
    lines.extend(settings.objective.map(|it| ("objective", text(it))));
    if targets.mixes {
        lines.push(("mix_models", "true".to_owned()));
    }
    for list in ["fallbacks", "context_fallbacks", "content_filter_fallbacks"] {
        let place = (group.name.clone(), list);
        let names = routes.lists.get(&place).into_iter().flatten();
        let names: Vec<String> = names.filter(|it| *it != name).map(|it| text(it)).collect();
        if !names.is_empty() {
            lines.push((list, format!("[{}]", names.join(", "))));
        }
    }
    let name = key(name);
    let mut file = String::new();
    if !lines.is_empty() {
        file.push_str(&format_lines(
            &format!("[routes.{name}]"),
            lines.into_iter(),
        ));
    }
    format!(
        "{file}\n[routes.{name}.targets]\n{}",
        targets.lines.concat()
    )
}
