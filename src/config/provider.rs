//! `[providers.NAME]`: what is called, how, and with which credential.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::ProviderName;

use super::Provider;
use super::budget::budget;
use super::capabilities::capabilities;
use super::credential::credentials;
use super::deadlines::phases;
use super::field::Field;
use super::headers::headers;
use super::interpolate::Lookup;
use super::kind::Written;
use super::problem::{Problem, nearest};
use super::section::Section;

/// Keys of providers that later versions know.
const UNSUPPORTED: &[&str] = &["ca_file", "limits", "max_in_flight", "proxy", "rpm", "tpm"];

/// All providers that could be read, by name.
pub(super) fn providers(
    section: &Section<'_>,
    lookup: &dyn Lookup,
) -> BTreeMap<ProviderName, Arc<Provider>> {
    section
        .entries()
        .filter_map(|(name, field)| {
            let name = match ProviderName::new(name) {
                Ok(name) => name,
                Err(error) => {
                    field.problem(error.to_string(), "");
                    return None;
                }
            };
            let provider = provider(name.clone(), &field, lookup)?;
            Some((name, Arc::new(provider)))
        })
        .collect()
}

fn provider(name: ProviderName, field: &Field<'_>, lookup: &dyn Lookup) -> Option<Provider> {
    let mut section = field.section()?;
    let _enabled = section.field("enabled").and_then(|field| field.boolean());
    let written = Written::take(&mut section);
    let models = section.field("models").map(|field| field.texts());
    let tags = section.field("tags").map(|field| field.texts());
    let discount = section.field("discount").and_then(|field| field.fraction());
    let capabilities = capabilities(section.section("capabilities"));
    let quota_group = section.field("quota_group");
    let quota_group = quota_group.and_then(|field| Some(field.str()?.to_owned()));
    let deadlines = phases(section.section("deadlines"));
    let written_budget = section.field("budget");
    let kind = section.field("kind");
    let headers = headers(
        section.field("headers").as_ref(),
        &written.accounts(kind.as_ref()),
    );
    section.finish(UNSUPPORTED);
    let api_keys = credentials(written.key.as_ref(), written.keys.as_ref(), lookup);
    let login = written.login(kind.as_ref(), lookup);
    let Some(kind) = kind else {
        field.missing("kind", "write kind = \"openai\" or kind = \"simulated\"");
        return None;
    };
    Some(Provider {
        name,
        kind: written.kind(field, &kind)?,
        api_keys: api_keys?,
        capabilities,
        login,
        deadlines,
        headers: headers?,
        models: models.unwrap_or_default(),
        tags: tags.unwrap_or_default(),
        discount: discount.unwrap_or(0.0),
        quota_group,
        budget: written_budget.as_ref().and_then(budget),
    })
}

/// The problem of naming a provider that is not there.
pub(super) fn unknown<'a>(
    field: &Field<'_>,
    name: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Problem {
    let problem = field.at(format!("there is no provider {}", super::mask::quote(name)));
    let known: Vec<&str> = known.into_iter().take(500).collect();
    match nearest(name, known.iter().copied()) {
        Some(other) => problem.hint(format!("did you mean \"{other}\"?")),
        None if known.is_empty() => problem,
        None => problem.hint(format!("there are: {}", first(&known))),
    }
}

/// The first few names.
fn first(names: &[&str]) -> String {
    let some: Vec<&str> = names.iter().copied().take(10).collect();
    let more = if names.len() > some.len() {
        ", …"
    } else {
        ""
    };
    format!("{}{more}", some.join(", "))
}
