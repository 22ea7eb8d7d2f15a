//! A configuration of LiteLLM's proxy in our words.
//!
//! The problem: whoever moves has a working file, and wants to know what of it goes on working. The choice: everything that
//! has a counterpart is written, so that the weights hold where they did; everything else is told, with its line and the
//! reason. Credentials never pass: one that the file holds becomes a variable to set.

use super::section::{Note, Notes, Section, What};
use super::yaml::{self, Node, Unreadable};

mod deployment;
mod known;
mod provider;
mod secrets;
mod settings;
mod targets;
mod written;

use deployment::Models;
use known::TOP;
use secrets::Secrets;
use settings::Settings;

/// What became of a file.
#[derive(Debug)]
pub(super) struct Converted {
    pub(super) toml: String,
    pub(super) notes: Vec<Note>,
    /// How many routes and providers there are.
    pub(super) routes: usize,
    pub(super) providers: usize,
    /// Names of the variables that the result demands.
    pub(super) variables: Vec<String>,
}

/// Converts the text of a file.
pub(super) fn convert(text: &str) -> Result<Converted, Unreadable> {
    let root = yaml::read(text)?;
    let mut notes = Notes::default();
    let mut secrets = Secrets::of(&root);
    let mut top = Section::of(&root, "", &mut notes);
    let credentials = credentials(top.take("credential_list"));
    let mut models = Models::default();
    let list = top.take("model_list");
    for (index, node) in list
        .and_then(Node::list)
        .unwrap_or_default()
        .iter()
        .enumerate()
    {
        let path = format!("model_list[{index}]");
        models.add(node, &path, &credentials, &mut secrets, &mut notes);
    }
    let mut settings = Settings::default();
    if let Some(node) = top.take("router_settings") {
        settings.router(node, &mut notes);
    }
    if let Some(node) = top.take("litellm_settings") {
        settings.litellm(node, &mut notes);
    }
    if let Some(node) = top.take("general_settings") {
        Settings::general(node, &mut notes);
    }
    top.finish(TOP, &mut notes);
    if models.groups.is_empty() {
        let line = list.map_or(1, |node| node.line);
        let why = if models.route_for_wildcards() {
            "there are wildcards alone, and a configuration needs a route: chat goes to a current model of each provider; put yours \
             in its place"
        } else {
            "no model of it can be served: nothing to write"
        };
        notes.tell(line, "model_list", What::ToDo, why);
    }
    let providers = written::named(&models);
    let toml = written::file(&models, &providers, &settings, &mut notes);
    Ok(Converted {
        routes: models.groups.len(),
        providers: providers.len(),
        variables: demanded(&toml),
        notes: notes.sorted(),
        toml,
    })
}

/// The named credentials that deployments refer to.
fn credentials(list: Option<&Node>) -> Vec<(String, &Node)> {
    let items = list.and_then(Node::list).unwrap_or_default().iter();
    items
        .filter_map(|item| {
            let name = item.get("credential_name")?.text()?;
            Some((name.to_owned(), item.get("credential_values")?))
        })
        .collect()
}

/// Names in `${NAME:?}`.
fn demanded(toml: &str) -> Vec<String> {
    let mut names: Vec<String> = toml
        .split("\"${")
        .skip(1)
        .filter_map(|rest| rest.split_once(":?}").map(|(name, _)| name.to_owned()))
        .filter(|name| !name.contains(|c: char| !c.is_ascii_alphanumeric() && c != '_'))
        .collect();
    names.sort();
    names.dedup();
    names
}

#[cfg(test)]
mod tests;
