//! The two files that `init` writes.

use super::environment::{Found, Given};
use crate::catalogue;
use crate::cli::prices::money;
use crate::cli::toml_text::{key, text};

/// A file in the folder of the configuration.
#[derive(Debug)]
pub(in crate::cli) struct Document {
    /// Such as `base.toml`.
    pub(in crate::cli) name: &'static str,
    pub(in crate::cli) text: String,
}

/// Simulated providers in place of real ones: the files that come along, with books to look into.
pub(super) fn simulated() -> [Document; 2] {
    [
        ("base.toml", include_str!("../../../config/base.toml")),
        (
            "development.toml",
            include_str!("../../../config/development.toml"),
        ),
    ]
    .map(|(name, text)| Document {
        name,
        text: text.replacen("# state = ", "state = ", 1),
    })
}

/// The files for these providers.
pub(super) fn documents(found: &[Found]) -> [Document; 2] {
    [
        Document {
            name: "base.toml",
            text: base(found),
        },
        Document {
            name: "development.toml",
            text: DEVELOPMENT.to_owned(),
        },
    ]
}

const HEAD: &str = r#"# What all environments share; development.toml is laid over it key by key, and so is each further NAME.toml.
# Keys are not in here: ${NAME:?} is filled in from the variable NAME when the file is read.
# `weighbridge check --env development` says what is wrong, CONFIGURATION.md has all keys.
config_version = 1

# shadow: the controller decides and shows what it would do (`weighbridge explain chat`), and the weights below hold, also
# while a provider is sick: a request that fails goes to another, and that is all. Once you like it, write "auto".
mode = "shadow"

[server]
listen = "127.0.0.1:8080"     # where clients connect: their base URL is http://127.0.0.1:8080/v1

[admin]
listen = "127.0.0.1:9901"     # for `weighbridge status`, `explain` and Prometheus
"#;

const DEVELOPMENT: &str = r#"# One environment: what differs from base.toml. Served by `weighbridge serve --env development`.
# The file is watched: a change is in force within a second, and a file with a mistake changes nothing.
# For the next environment write another file beside it, such as production.toml.

# mode = "auto"               # in place of base.toml's "shadow": shares move

[server]
# Usage and cost by minute, and what was learned about the providers, survive a restart in this folder.
state = "state"

[controller]
# Every decision is written down in this folder, beside where the daemon is started: no prompts, no answers, no keys.
# `weighbridge whatif journal --strategy adaptive` then says what obeying would have changed, and how sure that is.
journal = "journal"
journal_size = "256MiB"

# What is good enough, and what counts after that:
# [routes.chat]
# goal = { first_token_p95 = "1.5s", errors = 0.005, then = "cost" }
"#;

const ROUTE: &str = r#"
[routes.chat]                 # clients send model = "chat"; "provider/model" asks one of them alone
mix_models = true             # the models differ, and shares may move between them; false holds their split

[routes.chat.targets]         # weights are relative; 0 drains
"#;

fn base(found: &[Found]) -> String {
    let mut file = HEAD.to_owned();
    for provider in found {
        file.push_str(&table(provider));
    }
    let prices: Vec<String> = found.iter().filter_map(price_elsewhere).collect();
    if !prices.is_empty() {
        file.push_str(
            "\n# For a million tokens. Nobody publishes what the addresses above ask for: these are the providers' own list \
             prices.\n# Put in what you pay.\n[prices]\n",
        );
        file.push_str(&prices.concat());
    }
    file.push_str(ROUTE);
    file.extend(found.iter().map(target));
    file
}

fn table(found: &Found) -> String {
    let kind = found.starter.kind;
    let mut lines = format!(
        "\n[providers.{}]\nkind = {}\napi_key = \"${{{}:?}}\"\n",
        key(kind),
        text(kind),
        found.key
    );
    let given = [
        ("base_url", &found.base),
        ("region", &found.region),
        ("api_version", &found.version),
    ];
    lines.extend(given.into_iter().filter_map(|(key, given)| {
        let given = given.as_ref()?;
        Some(format!("{key} = {}{}\n", text(&given.value), origin(given)))
    }));
    lines
}

/// Where a value comes from, as a comment.
fn origin(given: &Given) -> String {
    match &given.from {
        Some(name) => format!("   # as {name} had it"),
        None => "   # no variable said another".to_owned(),
    }
}

/// `provider/model`.
fn upstream(found: &Found) -> String {
    format!("{}/{}", found.starter.kind, found.model.value)
}

/// The line of `[prices]` for a provider at an address that has no published prices.
fn price_elsewhere(found: &Found) -> Option<String> {
    // Azure's addresses are each customer's own, and known.
    if found.base.is_none() || found.starter.kind == "azure" {
        return None;
    }
    let price = catalogue::find(found.starter.kind, &found.model.value)?.price?;
    let rates = money::rates(&price).join(", ");
    Some(format!("{} = {{ {rates} }}\n", text(&upstream(found))))
}

fn target(found: &Found) -> String {
    let kind = found.starter.kind;
    let price = catalogue::find(kind, &found.model.value).and_then(|entry| entry.price);
    let remark = match price {
        Some(price) => format!(
            "{} for a million tokens in, {} out",
            money::a_million(price.input),
            money::a_million(price.output)
        ),
        None => "no price is published: write it under [prices]".to_owned(),
    };
    let deployment = if kind == "azure" {
        "; the name is that of your deployment"
    } else {
        ""
    };
    let used = text(&upstream(found));
    format!(
        "{} = {{ use = {used}, weight = 1 }}   # {remark}{deployment}\n",
        key(kind)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::init::environment::{Variables, look};
    use crate::cli::init::starters::STARTERS;
    use crate::config::{Compiled, Layer, Lookup, Mode, compile};

    struct Table(Variables);

    impl Lookup for Table {
        fn variable(&self, name: &str) -> Result<Option<String>, String> {
            Ok(self.0.get(name).cloned())
        }
        fn secret_file(&self, _: &str) -> Result<String, String> {
            Err("there are no files".to_owned())
        }
    }

    fn compiled(documents: [Document; 2], variables: Variables) -> Compiled {
        let layers = documents.map(|document| Layer {
            name: document.name.to_owned(),
            text: document.text,
        });
        compile(&layers, &Table(variables)).unwrap_or_else(|problems| panic!("{problems:?}"))
    }

    #[test]
    fn what_is_written_for_every_provider_at_once_passes_in_shadow_mode_with_every_price_known() {
        let keys = STARTERS
            .iter()
            .map(|starter| (starter.keys[0].to_owned(), "planted-key".to_owned()));
        let mut variables: Variables = keys.collect();
        let endpoint = "https://acme.openai.azure.com/";
        variables.insert("AZURE_OPENAI_ENDPOINT".to_owned(), endpoint.to_owned());
        let looked = look(&variables);
        assert_eq!(looked.left_out, Vec::<String>::new());
        let documents = documents(&looked.found);
        for document in &documents {
            assert!(!document.text.contains("planted"), "{}", document.text);
        }
        let Compiled {
            config, warnings, ..
        } = compiled(documents, variables);
        assert_eq!(config.mode, Mode::Shadow);
        assert_eq!(config.providers.len(), STARTERS.len());
        let told: Vec<String> = warnings.iter().map(ToString::to_string).collect();
        assert_eq!(told, Vec::<String>::new(), "nothing is odd about it");
        for upstream in config.upstreams.values() {
            let is_known = upstream.price.is_some() || upstream.name.as_str().starts_with("nvidia");
            assert!(is_known, "{} has a price", upstream.name);
        }
    }

    #[test]
    fn an_address_elsewhere_is_taken_over_with_a_price_to_put_right() {
        let pairs = [
            ("OPENAI_API_KEY", "planted-key"),
            ("OPENAI_BASE_URL", "http://127.0.0.1:4010/v1"),
        ];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let variables = Variables::from(pairs);
        let documents = documents(&look(&variables).found);
        let config = compiled(documents, variables).config;
        let upstream = config.upstreams.values().next().unwrap();
        assert!(
            upstream.price.is_some(),
            "a newcomer sees what answers cost"
        );
    }

    #[test]
    fn the_simulated_providers_need_no_variable() {
        let config = compiled(simulated(), Variables::new()).config;
        assert!(config.routes.len() > 1, "the routes of the README");
        assert!(config.server.state.is_some(), "usage and cost are kept");
    }
}
