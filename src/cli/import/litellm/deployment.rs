//! `model_list`: deployments, the providers that they share, and the groups that become routes.

use super::super::section::{Notes, Section, What, shown};
use super::super::yaml::{Entry, Node};
use super::known::{INFO, PARAMS};
use super::provider::{Provider, Reading, split};
use super::secrets::Secrets;
use crate::cli::init::model_of;

/// One way to serve a group.
#[derive(Debug)]
pub(super) struct Deployment {
    pub(super) line: usize,
    /// Its place among the providers.
    pub(super) provider: usize,
    pub(super) model: String,
    /// `weight`, `rpm`, `tpm`: the first that any of a group has is what LiteLLM draws by.
    pub(super) weights: [Option<f64>; 3],
    pub(super) order: Option<f64>,
    /// Seconds of an attempt, and until a stream's first piece.
    pub(super) timeout: Option<f64>,
    pub(super) stream_timeout: Option<f64>,
    /// Rates of `[prices]`, in pico-dollars a token, by key.
    pub(super) price: Vec<(&'static str, u64)>,
    /// Keys and values of `capabilities`.
    pub(super) capabilities: Vec<(&'static str, String)>,
    pub(super) tags: Vec<String>,
}

/// A name that clients send, with who serves it.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) line: usize,
    pub(super) name: String,
    pub(super) deployments: Vec<Deployment>,
}

/// All that `model_list` says.
#[derive(Debug, Default)]
pub(super) struct Models {
    pub(super) providers: Vec<Provider>,
    pub(super) groups: Vec<Group>,
    /// Providers that a wildcard names: any of their models may be asked for.
    pub(super) open: Vec<usize>,
}

/// Rates by LiteLLM's names.
const RATES: &[(&str, &str)] = &[
    ("input_cost_per_token", "input"),
    ("output_cost_per_token", "output"),
    ("cache_read_input_token_cost", "cached_input"),
    ("cache_creation_input_token_cost", "cache_write"),
    ("output_cost_per_reasoning_token", "reasoning"),
];
/// What models can do, by LiteLLM's names.
const ABILITIES: &[(&str, &str)] = &[
    ("supports_function_calling", "tools"),
    ("supports_vision", "images"),
    ("supports_response_schema", "json_schema"),
];
/// Sizes by LiteLLM's names; the first one that is there holds.
const SIZES: &[(&str, &str)] = &[
    ("max_input_tokens", "context"),
    ("max_output_tokens", "max_output"),
];
/// Pico-dollars in a dollar.
const PICO: f64 = 1e12;
/// A dollar a token is a mistake.
const MOST_PICO: f64 = 1e12;

// === impl Models ===

impl Models {
    /// Reads one entry of the list.
    pub(super) fn add(
        &mut self,
        node: &Node,
        path: &str,
        credentials: &[(String, &Node)],
        secrets: &mut Secrets,
        notes: &mut Notes,
    ) {
        let mut entry = Section::of(node, path, notes);
        let name = entry.take("model_name").and_then(Node::text);
        let params = entry.take("litellm_params");
        let info = entry.take("model_info");
        entry.finish(&[], notes);
        let lost = |notes: &mut Notes, key: &str, why: &str| {
            notes.tell(
                node.line,
                &format!("{path}.{key}"),
                What::NotCarriedOver,
                why,
            );
        };
        let (Some(name), Some(params)) = (name, params) else {
            return lost(
                notes,
                "model_name",
                "expected model_name and litellm_params",
            );
        };
        let mut entries: Vec<Entry> = params.map().unwrap_or_default().to_vec();
        borrow_credential(&mut entries, credentials);
        let params = Node {
            line: params.line,
            value: super::super::yaml::Value::Map(entries),
        };
        let mut params = Section::of(&params, &format!("{path}.litellm_params"), notes);
        let model = params.take("model").and_then(Node::text);
        let named = params.take("custom_llm_provider").and_then(Node::text);
        let Some(model) = model else {
            return lost(
                notes,
                "litellm_params.model",
                "expected the name of a model",
            );
        };
        let (known, model) = match split(model, named) {
            Ok(found) => found,
            Err(why) => return lost(notes, "litellm_params.model", &why),
        };
        let mut model = model.to_owned();
        let reading = Reading {
            known,
            params: &mut params,
            line: node.line,
            secrets,
            notes,
        };
        let Some(provider) = reading.provider(&mut model) else {
            return;
        };
        let deployment = deployment(node.line, model, &mut params, info, path, notes);
        params.finish(PARAMS, notes);
        self.put(name, provider, deployment, path, notes);
    }

    /// A route for a file that has wildcards alone: over a current model of each provider that they name. Whether there is one.
    pub(super) fn route_for_wildcards(&mut self) -> bool {
        let kinds = self.open.iter().filter_map(|place| {
            let provider = self.providers.get(*place)?;
            Some((*place, model_of(provider.kind)?))
        });
        let deployments: Vec<Deployment> = kinds
            .map(|(provider, model)| Deployment {
                provider,
                ..Deployment::new(1, model.to_owned())
            })
            .collect();
        if deployments.is_empty() {
            return false;
        }
        self.groups.push(Group {
            line: 1,
            name: "chat".to_owned(),
            deployments,
        });
        true
    }

    fn put(
        &mut self,
        name: &str,
        provider: Provider,
        mut deployment: Deployment,
        path: &str,
        notes: &mut Notes,
    ) {
        let known = self
            .providers
            .iter()
            .position(|known| known.kind == provider.kind && known.fields == provider.fields);
        let place = known.unwrap_or(self.providers.len());
        if known.is_none() {
            self.providers.push(provider);
        }
        deployment.provider = place;
        let line = deployment.line;
        if name.contains('*') || deployment.model.contains('*') {
            if !self.open.contains(&place) {
                self.open.push(place);
            }
            let why = "there are no wildcards: clients name any model of a provider as PROVIDER/MODEL, by the name that the provider has here";
            notes.tell(line, &format!("{path}.model_name"), What::Changed, why);
            return;
        }
        match self.groups.iter_mut().find(|group| group.name == name) {
            Some(group) => group.deployments.push(deployment),
            None => self.groups.push(Group {
                line,
                name: name.to_owned(),
                deployments: vec![deployment],
            }),
        }
    }
}

// === impl Deployment ===

impl Deployment {
    /// One of which nothing but its model is known.
    fn new(line: usize, model: String) -> Self {
        Self {
            line,
            provider: 0,
            model,
            weights: [None; 3],
            order: None,
            timeout: None,
            stream_timeout: None,
            price: Vec::new(),
            capabilities: Vec::new(),
            tags: Vec::new(),
        }
    }
}

/// Puts the values of the named credential below those of the deployment.
fn borrow_credential(entries: &mut Vec<Entry>, credentials: &[(String, &Node)]) {
    let Some(place) = entries
        .iter()
        .position(|entry| entry.key == "litellm_credential_name")
    else {
        return;
    };
    let wanted = entries.get(place).and_then(|entry| entry.node.text());
    let found = credentials
        .iter()
        .find(|(name, _)| Some(name.as_str()) == wanted);
    let Some(values) = found.and_then(|(_, values)| values.map()) else {
        return;
    };
    let more: Vec<Entry> = values
        .iter()
        .filter(|value| !entries.iter().any(|entry| entry.key == value.key))
        .cloned()
        .collect();
    entries.remove(place);
    entries.extend(more);
}

fn deployment(
    line: usize,
    model: String,
    params: &mut Section<'_>,
    info: Option<&Node>,
    path: &str,
    notes: &mut Notes,
) -> Deployment {
    let nothing = Node {
        line,
        value: super::super::yaml::Value::Map(Vec::new()),
    };
    let info = info.unwrap_or(&nothing);
    let mut info = Section::of(info, &format!("{path}.model_info"), notes);
    let weights = ["weight", "rpm", "tpm"].map(|key| params.number(key, notes));
    let order = params.number("order", notes);
    let timeout = params.number("timeout", notes);
    let timeout = timeout.or_else(|| params.number("request_timeout", notes));
    let stream_timeout = params.number("stream_timeout", notes);
    let mut price = Vec::new();
    for (theirs, ours) in RATES {
        let rate = params.number(theirs, notes);
        let rate = rate.or_else(|| info.number(theirs, notes));
        price.extend(rate.and_then(pico).map(|rate| (*ours, rate)));
    }
    let mut capabilities = Vec::new();
    for (theirs, ours) in ABILITIES {
        let can = info.take(theirs).and_then(Node::boolean);
        capabilities.extend(can.map(|can| (*ours, can.to_string())));
    }
    for (theirs, ours) in SIZES {
        let tokens = info
            .number(theirs, notes)
            .filter(|it| (1.0..1e9).contains(it));
        capabilities.extend(tokens.map(|tokens| (*ours, format!("{tokens:.0}"))));
    }
    let tags = params.take("tags").and_then(Node::list).unwrap_or_default();
    let tags = tags.iter().filter_map(|tag| Some(shown(tag.text()?)));
    let tags = tags.filter(|tag| !tag.is_empty()).collect();
    info.finish(INFO, notes);
    Deployment {
        weights,
        order,
        timeout,
        stream_timeout,
        price,
        capabilities,
        tags,
        ..Deployment::new(line, model)
    }
}

/// Dollars a token as whole pico-dollars.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is checked to be within a thousandth of what fits"
)]
fn pico(dollars: f64) -> Option<u64> {
    let pico = (dollars * PICO).round();
    (0.0..=MOST_PICO).contains(&pico).then_some(pico as u64)
}
