//! Claims about credentials that are worked out.

use super::super::{GoogleLogin, Login, Origins};
use super::{Compiled, World, compiled};
use crate::model::ProviderName;

const ROUTE: &str = "[routes.c]\ntargets.x.use = \"p/m\"\n";
const SERVICE: &str = r#"{"type":"service_account","client_email":"a@p.iam.gserviceaccount.com","private_key_id":"k1",
    "private_key":"-----BEGIN PRIVATE KEY-----\nPLANTED\n-----END PRIVATE KEY-----\n","token_uri":"https://tokens.example/t"}"#;
const USER: &str = r#"{"type":"authorized_user","client_id":"program","client_secret":"PLANTED-1","refresh_token":"PLANTED-2"}"#;
const GCLOUD: &str = "/home/me/.config/gcloud/application_default_credentials.json";

fn vertex(credentials: &str) -> String {
    format!("[providers.p]\nkind = \"vertex\"\nproject = \"p\"\n{credentials}\n{ROUTE}")
}

fn good(text: &str, world: &World) -> Compiled {
    compiled(&[("a.toml", text)], world).unwrap_or_else(|found| panic!("{found:#?}"))
}

fn login(text: &str, world: &World) -> Login {
    let config = good(text, world).config;
    let name = ProviderName::new("p").unwrap();
    config.providers[&name].login.clone().expect("a login")
}

/// The only problem of `text`.
fn problem(text: &str, world: &World) -> String {
    let found = compiled(&[("a.toml", text)], world);
    let problems = found.map(|it| it.config).expect_err("the file is wrong");
    let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 1, "{told:#?}");
    told.concat()
}

fn files(files: &[(&'static str, &'static str)]) -> World {
    World {
        variables: vec![("HOME", "/home/me")],
        files: files.to_vec(),
    }
}

#[test]
fn a_key_file_is_a_service_account_or_a_persons_login() {
    let text = vertex("credentials = { file = \"sa.json\" }");
    let Login::Google(GoogleLogin::ServiceAccount {
        email, token_uri, ..
    }) = login(&text, &files(&[("sa.json", SERVICE)]))
    else {
        panic!("a service account");
    };
    assert_eq!(email, "a@p.iam.gserviceaccount.com");
    assert_eq!(token_uri, "https://tokens.example/t");
    let Login::Google(GoogleLogin::User { token_uri, .. }) =
        login(&text, &files(&[("sa.json", USER)]))
    else {
        panic!("a person's login");
    };
    assert_eq!(token_uri, "https://oauth2.googleapis.com/token");
}

#[test]
fn application_default_credentials_are_looked_for_where_google_looks() {
    let text = vertex("credentials = \"adc\"");
    let mut world = files(&[("/sa.json", SERVICE), (GCLOUD, USER)]);
    world
        .variables
        .push(("GOOGLE_APPLICATION_CREDENTIALS", "/sa.json"));
    let found = login(&text, &world);
    assert!(
        matches!(found, Login::Google(GoogleLogin::ServiceAccount { .. })),
        "the variable comes first"
    );
    let found = login(&text, &files(&[(GCLOUD, USER)]));
    assert!(
        matches!(found, Login::Google(GoogleLogin::User { .. })),
        "then what gcloud wrote"
    );
    let host = |host: &str| {
        Login::Google(GoogleLogin::Machine {
            host: host.to_owned(),
        })
    };
    assert_eq!(
        login(&text, &files(&[])),
        host("metadata.google.internal"),
        "then the machine"
    );
    let mut world = files(&[]);
    world
        .variables
        .push(("GCE_METADATA_HOST", "127.0.0.1:8080"));
    assert_eq!(login(&text, &world), host("127.0.0.1:8080"));
    world
        .variables
        .push(("GOOGLE_APPLICATION_CREDENTIALS", "/none"));
    assert!(problem(&text, &world).contains("there is no such file"));
}

#[test]
fn a_key_file_that_cannot_be_used_is_told_without_its_content() {
    let text = vertex("credentials = { file = \"sa.json\" }");
    let cases = [
        ("PLANTED", "can't be read beyond line 1"),
        ("{\"type\":\"PLANTED\"}", "has a `type` that is neither"),
        ("{\"type\":[\"PLANTED\"]}", "can't be read"),
        (
            "{\"type\":\"service_account\",\"private_key\":\"PLANTED\"}",
            "no PEM",
        ),
        (
            "{\"type\":\"authorized_user\",\"client_id\":\"PLANTED\"}",
            "has no `client_secret`",
        ),
        (
            "{\"type\":\"service_account\",\"token_uri\":\"http://PLANTED.example/\"}",
            "no https address",
        ),
        (
            "{\"type\":\"service_account\",\"token_uri\":\"http://localhost.PLANTED.example/\"}",
            "no https address",
        ),
        ("{\"type\":\"external_account\"}", "does not know"),
    ];
    for (file, expected) in cases {
        let told = problem(&text, &files(&[("sa.json", file)]));
        assert!(told.contains(expected), "{file}: {told}");
        assert!(!told.contains("PLANTED"), "{told}");
    }
}

#[test]
fn a_file_that_changes_is_a_change_and_shows_nothing() {
    let text = vertex("credentials = { file = \"sa.json\" }");
    let first = good(&text, &files(&[("sa.json", SERVICE)]));
    let second = good(&text, &files(&[("sa.json", USER)]));
    assert_ne!(first.config.digest, second.config.digest);
    let changes = super::super::diff(&first.config, &second.config).changes;
    assert_eq!(changes, ["providers.p: credentials changed"]);
    for it in [&first, &second] {
        let shown = it.shown.to_toml(Origins::Left);
        assert!(
            shown.contains("file = \"sa.json\""),
            "a path is no secret: {shown}"
        );
        for printed in [
            shown,
            format!("{:?}", it.config),
            format!("{:?}", it.warnings),
        ] {
            assert!(!printed.contains("PLANTED"), "{printed}");
        }
    }
    let shown = good(&vertex("credentials = \"adc\""), &files(&[]));
    let shown = shown.shown.to_toml(Origins::Left);
    assert!(shown.contains("credentials = \"adc\""), "{shown}");
}

#[test]
fn what_does_not_go_with_credentials_is_told() {
    let other =
        |kind: &str, rest: &str| format!("[providers.p]\nkind = \"{kind}\"\n{rest}\n{ROUTE}");
    let cases = [
        (
            vertex("credentials = \"adc\"\napi_key = \"${HOME}\""),
            "found both",
        ),
        (
            other("openai", "credentials = \"adc\""),
            "only with kind = \"vertex\" or \"bedrock\"",
        ),
        (
            other("simulated", "credentials = \"adc\""),
            "expected only with a kind that is called",
        ),
        (vertex("credentials = \"aws\""), "expected \"adc\" or"),
        (vertex("credentials = {}"), "found no `file`"),
        (
            vertex("credentials = \"sk-PLANTED0123456789\""),
            "expected \"adc\" or",
        ),
        (
            other("bedrock", "region = \"r\"\ncredentials = \"adc\""),
            "expected \"aws\"",
        ),
    ];
    for (text, expected) in cases {
        let told = problem(&text, &files(&[]));
        assert!(told.contains(expected), "{text}: {told}");
        assert!(!told.contains("PLANTED"), "{told}");
    }
}

const BEDROCK: &str =
    "[providers.p]\nkind = \"bedrock\"\nregion = \"eu-central-1\"\ncredentials = \"aws\"\n";

#[cfg(not(feature = "aws"))]
#[test]
fn a_binary_that_cannot_sign_says_so() {
    let told = problem(&format!("{BEDROCK}{ROUTE}"), &files(&[]));
    let expected = "this binary was built without the feature `aws`";
    assert!(told.contains(expected), "{told}");
}

#[cfg(feature = "aws")]
#[test]
fn keys_of_aws_sign_for_the_region_of_the_provider() {
    let expected = Login::Aws {
        region: "eu-central-1".to_owned(),
    };
    assert_eq!(login(&format!("{BEDROCK}{ROUTE}"), &files(&[])), expected);
    let text = BEDROCK.replace(
        "region = \"eu-central-1\"",
        "base_url = \"https://private\"",
    );
    let told = problem(&format!("{text}{ROUTE}"), &files(&[]));
    assert!(told.contains("expected `region` beside it"), "{told}");
}
