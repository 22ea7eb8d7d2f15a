//! `router_settings`, `litellm_settings`, `general_settings`: what of them has a counterpart.

use super::super::section::{Notes, Section, What, shown};
use super::super::yaml::Node;
use super::known::{GENERAL, LITELLM, ROUTER};

/// Names that stand in for another one, with the line.
#[derive(Debug)]
pub(super) struct Fallback {
    pub(super) line: usize,
    /// Where it stands.
    pub(super) key: String,
    /// Whose requests go there; `*` for everybody's.
    pub(super) from: String,
    pub(super) to: Vec<String>,
    /// The list of a route that it belongs to.
    pub(super) list: &'static str,
}

/// Another name for a group.
#[derive(Debug)]
pub(super) struct Alias {
    pub(super) line: usize,
    pub(super) name: String,
    pub(super) of: String,
}

/// What moves shares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Moves {
    /// The weights hold: `simple-shuffle`, which is LiteLLM's default.
    #[default]
    Nothing,
    /// What is measured, by another name than ours.
    Measurements,
}

/// What is carried over.
#[derive(Debug, Default)]
pub(super) struct Settings {
    pub(super) moves: Moves,
    /// `objective` of all routes.
    pub(super) objective: Option<&'static str>,
    /// `[defaults.retry] count`.
    pub(super) retries: Option<u64>,
    /// Seconds of `[defaults.deadlines]`.
    pub(super) attempt: Option<f64>,
    pub(super) first_token: Option<f64>,
    pub(super) fallbacks: Vec<Fallback>,
    pub(super) aliases: Vec<Alias>,
}

/// The lists of fallbacks by LiteLLM's names.
const LISTS: &[(&str, &str)] = &[
    ("fallbacks", "fallbacks"),
    ("context_window_fallbacks", "context_fallbacks"),
    ("content_policy_fallbacks", "content_filter_fallbacks"),
];
/// Most retries of a request.
const MOST_RETRIES: f64 = 10.0;

// === impl Settings ===

impl Settings {
    pub(super) fn router(&mut self, node: &Node, notes: &mut Notes) {
        let mut section = Section::of(node, "router_settings", notes);
        self.shared(&mut section, notes);
        let timeout = section.number("timeout", notes);
        self.attempt = timeout.or(self.attempt);
        let first = section.number("stream_timeout", notes);
        self.first_token = first.or(self.first_token);
        if let Some(node) = section.take("routing_strategy") {
            self.strategy(node, &section.at("routing_strategy"), notes);
        }
        if let Some(node) = section.take("model_group_alias") {
            self.alias(node, &section.at("model_group_alias"), notes);
        }
        section.finish(ROUTER, notes);
    }

    pub(super) fn litellm(&mut self, node: &Node, notes: &mut Notes) {
        let mut section = Section::of(node, "litellm_settings", notes);
        self.shared(&mut section, notes);
        let timeout = section.number("request_timeout", notes);
        self.attempt = self.attempt.or(timeout);
        if let Some(node) = section.take("model_alias_map") {
            self.alias(node, &section.at("model_alias_map"), notes);
        }
        section.finish(LITELLM, notes);
    }

    pub(super) fn general(node: &Node, notes: &mut Notes) {
        Section::of(node, "general_settings", notes).finish(GENERAL, notes);
    }

    /// What stands in `router_settings` or in `litellm_settings`; the first one read holds.
    fn shared(&mut self, section: &mut Section<'_>, notes: &mut Notes) {
        let retries = section.take("num_retries");
        if let Some((node, retries)) = retries.and_then(|node| Some((node, node.number()?))) {
            if !(0.0..=MOST_RETRIES).contains(&retries) {
                let why = "at most ten retries of a request are possible";
                notes.tell(node.line, &section.at("num_retries"), What::Changed, why);
            }
            let whole = (0_u32..=10)
                .rev()
                .find(|count| f64::from(*count) <= retries);
            self.retries = self.retries.or(whole.map(u64::from));
        }
        for (theirs, ours) in LISTS {
            if let Some(node) = section.take(theirs) {
                self.fallback(node, &section.at(theirs), ours, notes);
            }
        }
        if let Some(node) = section.take("default_fallbacks") {
            let to = names(node);
            if !to.is_empty() {
                self.fallbacks.push(Fallback {
                    line: node.line,
                    key: section.at("default_fallbacks"),
                    from: "*".to_owned(),
                    to,
                    list: "fallbacks",
                });
            }
        }
    }

    /// `[{"a": ["b", "c"]}, …]`.
    fn fallback(&mut self, node: &Node, path: &str, list: &'static str, notes: &mut Notes) {
        let single = std::slice::from_ref(node);
        for item in node.list().unwrap_or(single) {
            let Some(entries) = item.map() else {
                let why = "expected { name: [names] }";
                notes.tell(item.line, path, What::NotCarriedOver, why);
                continue;
            };
            self.fallbacks.extend(entries.iter().map(|entry| Fallback {
                line: entry.line,
                key: path.to_owned(),
                from: entry.key.clone(),
                to: names(&entry.node),
                list,
            }));
        }
    }

    fn alias(&mut self, node: &Node, path: &str, notes: &mut Notes) {
        for entry in node.map().unwrap_or_default() {
            let of = entry
                .node
                .text()
                .or_else(|| entry.node.get("model")?.text());
            match of {
                Some(of) => self.aliases.push(Alias {
                    line: entry.line,
                    name: entry.key.clone(),
                    of: of.to_owned(),
                }),
                None => notes.tell(entry.line, path, What::NotCarriedOver, "expected a name"),
            }
        }
    }

    fn strategy(&mut self, node: &Node, path: &str, notes: &mut Notes) {
        let (objective, why) = match node.text().unwrap_or_default() {
            "simple-shuffle" => return,
            "latency-based-routing" => (
                Some("latency"),
                "objective = \"latency\": shares follow latency and errors around the weights",
            ),
            "cost-based-routing" => (
                Some("cost"),
                "objective = \"cost\": shares follow mainly cost around the weights",
            ),
            "least-busy" | "usage-based-routing" | "usage-based-routing-v2" => (
                None,
                "shares follow latency, cost and errors, and what targets refuse or queue",
            ),
            _ => (
                None,
                "there is no such strategy: shares follow latency, cost and errors",
            ),
        };
        self.moves = Moves::Measurements;
        self.objective = objective;
        notes.tell(node.line, path, What::Changed, why);
    }
}

/// Names in a list, or one name.
fn names(node: &Node) -> Vec<String> {
    let single = std::slice::from_ref(node);
    let items = node.list().unwrap_or(single).iter();
    items
        .filter_map(|item| {
            // A fallback may bring parameters with it.
            let name = item.text().or_else(|| item.get("model")?.text())?;
            Some(name.to_owned())
        })
        .collect()
}

/// A name as a route's: what must not be in one becomes `-`.
pub(super) fn route_name(name: &str) -> String {
    let fit = |c: char| {
        let fits = c.is_ascii_alphanumeric() || "-_.:@".contains(c);
        if fits { c } else { '-' }
    };
    let name: String = name.chars().map(fit).take(200).collect();
    // Names that metrics have for requests without a route.
    if name.is_empty() || ["inline", "direct", "none", "other"].contains(&name.as_str()) {
        format!("route-{name}")
    } else {
        name
    }
}

/// A name of the file as a note repeats it.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", shown(name))
}
