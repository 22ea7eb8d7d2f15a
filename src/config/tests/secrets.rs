//! No credential leaves by a problem, a warning, a shown form, a difference or a `Debug`.

use super::super::{Origins, Secret, diff};
use super::{World, compiled};

const PLANTED: &str = "sk-PLANTED0123456789";
const PLAIN: &str = "correct-horse-battery";

fn nothing_leaks(text: &str, what: &str) {
    for secret in [PLANTED, PLAIN, "PLANTED", "horse"] {
        assert!(!text.contains(secret), "{what} shows {secret}: {text}");
    }
}

fn world() -> World {
    World {
        variables: vec![
            ("OPENAI_API_KEY", PLANTED),
            ("SECRET_PART", PLAIN),
            ("BAD_KEY", "sk-PLANTED\nx"),
        ],
        files: vec![
            ("good", "correct-horse-battery\n"),
            ("bad", "correct-horse\nbattery"),
        ],
    }
}

const ROUTE: &str = "[routes.c]\ntargets.x.use = \"p/m\"\n";

/// Files with a credential where something is wrong.
const BROKEN: &[&str] = &[
    "[providers.p]\nkind = \"openai\"\napi_key = \"sk-PLANTED0123456789\n",
    "[providers.p]\nkind = \"openai\"\napi_key = sk-PLANTED0123456789\n",
    "[providers.p]\nkind = \"openai\"\napi_key = \"\"\"\nsk-PLANTED0123456789\ncorrect-horse-battery=\n",
    "[providers.p]\nkind = \"openai\"\napi_key = 'sk-PLANTED0123456789' = 5\n",
    "sk-PLANTED0123456789\n",
    "[sk-PLANTED0123456789\n",
    "[providers.p]\nkind = \"openai\"\nbase_url = \"sk-PLANTED0123456789\"\n",
    "[providers.p]\nkind = \"openai\"\nbase_url = \"https://user:correct-horse-battery@host/\"\n",
    "[providers.p]\nkind = \"openai\"\nbase_url = \"https://host/?key=correct-horse-battery\"\n",
    "[providers.p]\nkind = \"sk-PLANTED0123456789\"\n",
    "[providers.p]\nkind = \"openai\"\napi_key = [\"sk-PLANTED0123456789\"]\n",
    "[providers.p]\nkind = \"openai\"\nheaders = { X-Gate = \"correct-horse-battery\\n\" }\n",
    "[providers.p]\nkind = \"openai\"\nheaders = { Host = \"correct-horse-battery\" }\n",
    "[providers.p]\nkind = \"openai\"\nheaders = \"correct-horse-battery\"\n",
    "[providers.p]\nkind = \"openai\"\nheaders = [\"correct-horse-battery\"]\n",
    "[providers.p]\nkind = \"openai\"\nheaders = { X-Gate = [\"correct-horse-battery\"] }\n",
    "[providers.p]\nkind = \"openai\"\napi_keys = \"correct-horse-battery\"\n",
    "[providers.p]\nkind = \"openai\"\napi_keys = [5, \"correct-horse battery\"]\n",
    "[providers.p]\nkind = \"openai\"\napi_keys = [\"correct-horse-battery\", \"correct-horse-battery\"]\n",
    "[providers.p]\nkind = \"openai\"\napi_keys = [{ file = \"bad\" }, { value = \"correct-horse-battery\" }]\n",
    "[providers.p]\nkind = \"openai\"\napi_key = \"correct-horse-battery\"\napi_keys = [\"${OPENAI_API_KEY}\"]\n",
    "[providers.p]\nkind = \"openai\"\napi_key = { value = \"correct-horse-battery\" }\n",
    "[providers.p]\nkind = \"openai\"\napi_key = \"correct-horse battery\"\n",
    "[providers.p]\nkind = \"openai\"\napi_key = \"${BAD_KEY}\"\n",
    "[providers.p]\nkind = \"openai\"\napi_key = { file = \"bad\" }\n",
    "[providers.p]\nkind = \"correct-horse-battery\"\napi_key = \"correct-horse-battery\"\n",
    "[providers.p]\nkind = \"openai\"\nauth_token = \"correct-horse-battery\"\n",
    "[providers.p]\nkind = \"openai\"\ntags = 5\napi_key = \"${OPENAI_API_KEY}\"\n[server]\nlisten = \"${OPENAI_API_KEY}\"\n",
    "[providers.p]\nkind = \"openai\"\n[server]\nlisten = \"${SECRET_PART}\"\n",
    "[providers.p]\nkind = \"openai\"\n[prices]\n\"${SECRET_PART}\" = 5\n",
    "[providers.p]\nkind = \"simulated\"\nlaw = { ttft_ms = \"${SECRET_PART}\" }\napi_key = \"correct-horse-battery\"\n",
];

#[test]
fn problems_never_contain_a_planted_credential() {
    for broken in BROKEN {
        let text = format!("{broken}{ROUTE}");
        let problems = compiled(&[("a.toml", &text)], &world())
            .map(|compiled| compiled.config)
            .expect_err("each of the files is broken");
        for problem in problems {
            nothing_leaks(&problem.to_string(), "a problem");
            nothing_leaks(&format!("{problem:?}"), "a problem's Debug");
        }
    }
}

#[test]
fn what_is_shown_of_a_good_configuration_contains_no_credential() {
    let text = "[providers.p]\nkind = \"openai\"\napi_key = \"${OPENAI_API_KEY}\"\n\
        base_url = \"https://host/${SECRET_PART}/v1\"\n[providers.q]\nkind = \"openai\"\napi_key = { file = \"good\" }\n\
        [providers.r]\nkind = \"openai\"\napi_key = \"sk-PLANTED0123456789\"\ntags = [\"correct-horse-battery\"]\n";
    let text = format!("{text}{ROUTE}");
    let first = compiled(&[("a.toml", &text)], &world()).unwrap_or_else(|it| panic!("{it:#?}"));
    nothing_leaks(&first.shown.to_toml(Origins::Printed), "the shown TOML");
    nothing_leaks(&first.shown.to_json().to_string(), "the shown JSON");
    nothing_leaks(&format!("{:?}", first.shown), "Debug of the shown form");
    nothing_leaks(&format!("{:?}", first.warnings), "a warning");
    assert!(
        first
            .shown
            .to_toml(Origins::Left)
            .contains("api_key = \"***\""),
        "it is masked, not left out"
    );
    assert!(
        first
            .shown
            .to_toml(Origins::Left)
            .contains("file = \"good\""),
        "a path is no credential"
    );
    let literal = first
        .warnings
        .iter()
        .any(|it| it.message.contains("stands in the file itself"));
    assert!(
        literal,
        "a literal credential is warned of: {:#?}",
        first.warnings
    );

    let kept = first
        .config
        .providers
        .values()
        .flat_map(|provider| &provider.api_keys);
    let kept: Vec<&str> = kept.map(Secret::expose).collect();
    assert_eq!(
        kept,
        [PLANTED, PLAIN, PLANTED],
        "and it is there for the one that sends it"
    );

    let other = text.replace("sk-PLANTED0123456789", "sk-PLANTED-other");
    let second = compiled(&[("a.toml", &other)], &world()).unwrap_or_else(|it| panic!("{it:#?}"));
    let found = diff(&first.config, &second.config);
    assert_eq!(found.changes, ["providers.r: api_key changed"]);
}

#[test]
fn several_credentials_are_read_in_order_and_shown_by_none_of_their_letters() {
    let text = format!(
        "[providers.p]\nkind = \"openai\"\napi_keys = [\"${{OPENAI_API_KEY}}\", {{ file = \"good\" }}, \"k-PLANTED\"]\n{ROUTE}"
    );
    let first = compiled(&[("a.toml", &text)], &world()).unwrap_or_else(|it| panic!("{it:#?}"));
    nothing_leaks(&first.shown.to_toml(Origins::Printed), "the shown TOML");
    nothing_leaks(&first.shown.to_json().to_string(), "the shown JSON");
    nothing_leaks(&format!("{:?}", first.warnings), "a warning");
    nothing_leaks(&format!("{:?}", first.config), "Debug");
    let keys = first.config.providers.values().flat_map(|it| &it.api_keys);
    let keys: Vec<&str> = keys.map(Secret::expose).collect();
    assert_eq!(keys, [PLANTED, PLAIN, "k-PLANTED"]);
    let other = text.replace("k-PLANTED", "k-PLANTED-2");
    let second = compiled(&[("a.toml", &other)], &world()).unwrap_or_else(|it| panic!("{it:#?}"));
    assert_ne!(
        first.config.digest, second.config.digest,
        "a reload sees it"
    );
    let found = diff(&first.config, &second.config);
    assert_eq!(found.changes, ["providers.p: api_keys changed"]);
}

#[test]
fn headers_of_a_provider_are_read_and_shown_by_none_of_their_values() {
    let text = format!(
        "[providers.p]\nkind = \"openai\"\norganization = \"org-1\"\nproject = \"proj-1\"\n\
         headers = {{ X-Gate = \"${{SECRET_PART}}\", cookie = \"a=b\" }}\n{ROUTE}"
    );
    let first = compiled(&[("a.toml", &text)], &world()).unwrap_or_else(|it| panic!("{it:#?}"));
    nothing_leaks(&first.shown.to_toml(Origins::Printed), "the shown TOML");
    nothing_leaks(&first.shown.to_json().to_string(), "the shown JSON");
    nothing_leaks(&format!("{:?}", first.config), "Debug");
    assert!(
        first
            .shown
            .to_toml(Origins::Left)
            .contains("cookie = \"***\""),
        "short values are masked too: {}",
        first.shown.to_toml(Origins::Left)
    );
    let headers = first.config.providers.values().flat_map(|it| &it.headers);
    let headers: Vec<_> = headers
        .map(|(name, value)| (name.as_str(), value.expose()))
        .collect();
    let expected = [
        ("x-gate", PLAIN),
        ("cookie", "a=b"),
        ("openai-organization", "org-1"),
        ("openai-project", "proj-1"),
    ];
    assert_eq!(headers, expected);
    let other = text.replace("a=b", "a=c");
    let second = compiled(&[("a.toml", &other)], &world()).unwrap_or_else(|it| panic!("{it:#?}"));
    let found = diff(&first.config, &second.config);
    assert_eq!(found.changes, ["providers.p: headers changed"]);
}

#[test]
fn a_credential_of_a_layer_that_another_covers_is_not_shown_either() {
    let base = format!("[providers.p]\nkind = \"openai\"\napi_key = \"{PLAIN}\"\n{ROUTE}");
    let over = format!(
        "[providers.p]\napi_key = \"other-key\"\ntags = [\"{PLAIN}\"]\nmodels = [\"m\", 5, \"{PLAIN}\", \"{PLAIN}\"]"
    );
    let problems = compiled(&[("a.toml", &base), ("b.toml", &over)], &world())
        .map(|compiled| compiled.config)
        .expect_err("a number is no model");
    nothing_leaks(&format!("{problems:?}"), "a problem");
}

#[test]
fn a_credential_in_an_address_or_a_name_is_in_no_difference() {
    let text = |address: &str, tag: &str| {
        let provider = "[providers.p]\nkind = \"openai\"\napi_key = \"${OPENAI_API_KEY}\"\n";
        format!("{provider}base_url = \"{address}\"\ntags = [\"{tag}\"]\n{ROUTE}")
    };
    let read = |text: &str, token| {
        let world = World {
            variables: vec![("OPENAI_API_KEY", PLANTED), ("GATEWAY_TOKEN", token)],
            files: Vec::new(),
        };
        compiled(&[("a.toml", text)], &world).unwrap_or_else(|it| panic!("{it:#?}"))
    };
    let address = "https://gw/${GATEWAY_TOKEN}/v1";
    let first = read(&text(address, "x"), PLAIN);
    let second = read(&text(address, "x"), "xyz");
    let third = read(&text(address, PLANTED), "xyz");
    let fourth = read(&text("https://gw", "${GATEWAY_TOKEN}"), PLAIN);
    let pairs = [
        (&first, &second),
        (&second, &first),
        (&first, &third),
        (&third, &fourth),
        (&fourth, &first),
    ];
    for (old, new) in pairs {
        let found = diff(&old.config, &new.config).scrubbed(Some(&old.shown), &new.shown);
        nothing_leaks(&format!("{found:?}"), "a difference");
        assert!(
            !format!("{found:?}").contains("xyz"),
            "not even a short one: {found:?}"
        );
        let told = |it: &String| it == "providers.p: base_url changed";
        assert!(found.changes.iter().any(told), "it is said: {found:?}");
    }
    nothing_leaks(&format!("{:?}", first.shown), "Debug of the shown form");
}
