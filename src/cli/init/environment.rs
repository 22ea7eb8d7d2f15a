//! What an environment has of providers: whose keys are set, and where they lead. No key is kept, only its variable's name.

use std::collections::BTreeMap;

use super::starters::{STARTERS, Starter};
use crate::config::Endpoint;

/// Variables by name.
pub(super) type Variables = BTreeMap<String, String>;

/// What is known of Azure's API versions and deployments.
const AZURE_VERSIONS: &[&str] = &[
    "AZURE_OPENAI_API_VERSION",
    "OPENAI_API_VERSION",
    "AZURE_API_VERSION",
];
const AZURE_DEPLOYMENTS: &[&str] = &["AZURE_OPENAI_DEPLOYMENT", "AZURE_OPENAI_DEPLOYMENT_NAME"];
const AWS_REGIONS: &[&str] = &["AWS_REGION", "AWS_DEFAULT_REGION"];
/// Where Bedrock has most models.
const AWS_REGION: &str = "us-east-1";

/// A value and the variable that it was read from; `None` where it is ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Given {
    pub(super) value: String,
    pub(super) from: Option<String>,
}

/// A provider whose key is set.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) starter: &'static Starter,
    /// The variable that holds the key.
    pub(super) key: &'static str,
    /// Its address, where it is not the kind's own.
    pub(super) base: Option<Given>,
    /// The region, of Bedrock.
    pub(super) region: Option<Given>,
    /// The version of the API, of Azure.
    pub(super) version: Option<Given>,
    /// The model to begin with; of Azure the name of a deployment.
    pub(super) model: Given,
}

/// What came of looking.
#[derive(Debug, Default)]
pub(super) struct Looked {
    pub(super) found: Vec<Found>,
    /// What was seen and could not be used, in sentences.
    pub(super) left_out: Vec<String>,
}

/// Looks through `variables`; an empty value is as good as none.
pub(super) fn look(variables: &Variables) -> Looked {
    let mut looked = Looked::default();
    for starter in STARTERS {
        match provider(starter, variables) {
            Some(Ok(found)) => looked.found.push(found),
            Some(Err(why)) => looked.left_out.push(why),
            None => {}
        }
    }
    let known = |name: &str| STARTERS.iter().any(|starter| starter.keys.contains(&name));
    let others = variables
        .iter()
        .filter(|(name, value)| name.ends_with("_API_KEY") && !known(name) && !value.is_empty());
    looked.left_out.extend(others.map(|(name, _)| {
        format!(
            "{name} is of no kind of provider that is known here; a server that speaks OpenAI's format is kind = \
             \"openai-compatible\" with its base_url and api_key = \"${{{name}:?}}\""
        )
    }));
    looked
}

/// All variables that are looked for, as sentences name them.
pub(super) fn names() -> Vec<&'static str> {
    let keys = STARTERS.iter().flat_map(|starter| starter.keys);
    keys.copied().collect()
}

/// The provider, if its key is set; why not, if it is and something else is missing or wrong.
fn provider(starter: &'static Starter, variables: &Variables) -> Option<Result<Found, String>> {
    let value = |name: &str| variables.get(name).filter(|value| !value.is_empty());
    let (key, secret) = starter
        .keys
        .iter()
        .find_map(|name| Some((*name, value(name)?)))?;
    if !secret.chars().all(|c| c.is_ascii_graphic()) {
        return Some(Err(format!(
            "{key} holds no key: it has a space, a line break or another character that no key has"
        )));
    }
    let base = match base(starter, key, variables) {
        Ok(base) => base,
        Err(why) => return Some(Err(why)),
    };
    let first = |names: &[&str]| given(names.iter().copied(), variables);
    let own = |value: &str| Given {
        value: value.to_owned(),
        from: None,
    };
    let is = |kind: &str| starter.kind == kind;
    if is("azure") && base.is_none() {
        return Some(Err(format!(
            "{key} is set, and AZURE_OPENAI_ENDPOINT is not: set it to https://NAME.openai.azure.com with your resource's name"
        )));
    }
    let deployment = first(AZURE_DEPLOYMENTS).filter(|_| is("azure"));
    let region = first(AWS_REGIONS).unwrap_or_else(|| own(AWS_REGION));
    Some(Ok(Found {
        starter,
        key,
        base,
        region: is("bedrock").then_some(region),
        version: first(AZURE_VERSIONS).filter(|_| is("azure")),
        model: deployment.unwrap_or_else(|| own(starter.model)),
    }))
}

/// The first of these variables that has a value.
fn given<'a>(names: impl IntoIterator<Item = &'a str>, variables: &Variables) -> Option<Given> {
    names.into_iter().find_map(|name| {
        let value = variables.get(name).filter(|value| !value.is_empty())?;
        Some(Given {
            value: value.trim().to_owned(),
            from: Some(name.to_owned()),
        })
    })
}

/// The address that is set for the provider, with the path that its own clients would add.
fn base(starter: &Starter, key: &str, variables: &Variables) -> Result<Option<Given>, String> {
    let stem = key.strip_suffix("_API_KEY").unwrap_or(key);
    let like_the_key = [format!("{stem}_BASE_URL"), format!("{stem}_API_BASE")];
    let named = starter.bases.iter().copied();
    let names = named.chain(like_the_key.iter().map(String::as_str));
    let Some(mut found) = given(names, variables) else {
        return Ok(None);
    };
    let from = found.from.as_deref().unwrap_or_default();
    match Endpoint::new(&found.value) {
        Ok(endpoint) if endpoint.path.is_empty() => {
            found.value = format!("{}{}", endpoint.origin, starter.path);
            Ok(Some(found))
        }
        Ok(endpoint) => {
            found.value = format!("{}{}", endpoint.origin, endpoint.path);
            Ok(Some(found))
        }
        // The value is not repeated: an address may hold a password.
        Err(why) => Err(format!("{from} holds no address: {why}; {key} is left out")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> Variables {
        let owned = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        owned.collect()
    }

    fn bases(pairs: &[(&str, &str)]) -> Vec<Option<String>> {
        let found = look(&variables(pairs)).found;
        found
            .into_iter()
            .map(|found| found.base.map(|base| base.value))
            .collect()
    }

    #[test]
    fn an_empty_key_is_none_and_the_usual_name_comes_first() {
        let looked = look(&variables(&[
            ("OPENAI_API_KEY", ""),
            ("GOOGLE_API_KEY", "g"),
            ("GEMINI_API_KEY", "g"),
        ]));
        let found: Vec<_> = looked.found.iter().map(|found| found.key).collect();
        assert_eq!(found, ["GEMINI_API_KEY"]);
        assert_eq!(looked.left_out, Vec::<String>::new());
    }

    #[test]
    fn an_address_gets_the_path_that_the_providers_own_client_adds() {
        let key = ("ANTHROPIC_API_KEY", "k");
        for (set, expected) in [
            ("https://gateway.example", "https://gateway.example/v1"),
            ("https://gateway.example/a/", "https://gateway.example/a"),
        ] {
            let found = bases(&[key, ("ANTHROPIC_BASE_URL", set)]);
            assert_eq!(found, [Some(expected.to_owned())], "of {set}");
        }
        let found = bases(&[
            ("XAI_API_KEY", "k"),
            ("XAI_API_BASE", "http://127.0.0.1:1/v1"),
        ]);
        assert_eq!(found, [Some("http://127.0.0.1:1/v1".to_owned())]);
    }

    #[test]
    fn what_cannot_be_used_is_told_without_its_value() {
        let looked = look(&variables(&[
            ("OPENAI_API_KEY", "planted secret"),
            ("GROQ_API_KEY", "planted-secret"),
            ("GROQ_BASE_URL", "https://u:planted-secret@host/v1"),
            ("AZURE_OPENAI_API_KEY", "planted-secret"),
            ("ACME_API_KEY", "planted-secret"),
        ]));
        assert!(looked.found.is_empty(), "{:?}", looked.found);
        let told = looked.left_out.join("\n");
        for name in [
            "OPENAI_API_KEY",
            "GROQ_BASE_URL",
            "AZURE_OPENAI_ENDPOINT",
            "ACME_API_KEY",
        ] {
            assert!(told.contains(name), "{name}: {told}");
        }
        assert!(!told.contains("planted"), "{told}");
    }
}
