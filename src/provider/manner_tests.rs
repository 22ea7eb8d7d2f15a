//! Addresses and credentials of every interface.

use super::*;
use crate::config::preset::Preset;

fn manner(interface: &Interface) -> Manner {
    Manner::new(interface, &["k-secret"]).unwrap()
}

fn at(interface: &Interface, base: &str, front: Front, model: &str, kind: AnswerKind) -> String {
    let manner = manner(interface);
    let base = Endpoint::new(base).unwrap();
    let speech = manner.speech(front).unwrap();
    let ask = PathAsk {
        front,
        speech,
        model,
        kind,
        other: "",
    };
    manner.uri(&base, &ask).unwrap().to_string()
}

const UNARY: AnswerKind = AnswerKind::Unary;
const STREAMED: AnswerKind = AnswerKind::Streamed;

fn sign(manner: &Manner, headers: &mut HeaderMap, key: usize) {
    let mut request = Unsigned {
        method: &http::Method::POST,
        uri: &Uri::from_static("http://host/"),
        headers,
        body: b"",
        now: crate::model::Time::ZERO,
        unix_seconds: 0,
    };
    manner.sign(&mut request, key).unwrap();
}

#[test]
fn an_openai_address_is_base_and_path() {
    let openai = Interface::OPENAI;
    let base = "https://api.openai.com/v1";
    for (front, path) in [
        (Front::Chat, "/chat/completions"),
        (Front::Completions, "/completions"),
        (Front::Embeddings, "/embeddings"),
        (Front::Responses, "/responses"),
        // Another dialect is said in chat completions.
        (Front::Messages, "/chat/completions"),
    ] {
        assert_eq!(
            at(&openai, base, front, "m", UNARY),
            format!("{base}{path}")
        );
    }
    let bare = at(&openai, "http://127.0.0.1:8081", Front::Chat, "m", UNARY);
    assert_eq!(bare, "http://127.0.0.1:8081/chat/completions");
}

#[test]
fn azure_has_deployments_or_the_newer_path() {
    let dated = Interface::Azure {
        api_version: Some("2024-10-21".to_owned()),
    };
    let base = "https://acme.openai.azure.com";
    assert_eq!(
        at(&dated, base, Front::Chat, "gpt-4o eu", UNARY),
        "https://acme.openai.azure.com/openai/deployments/gpt-4o%20eu/chat/completions?api-version=2024-10-21"
    );
    assert_eq!(
        at(&dated, base, Front::Responses, "m", UNARY),
        "https://acme.openai.azure.com/openai/responses?api-version=2024-10-21"
    );
    let through = |other| {
        let ask = PathAsk {
            front: Front::Other,
            speech: Speech::Native,
            model: "",
            kind: UNARY,
            other,
        };
        let base = Endpoint::new(base).unwrap();
        manner(&dated).uri(&base, &ask).unwrap().to_string()
    };
    assert_eq!(
        through("/files?api-version=preview&limit=2"),
        "https://acme.openai.azure.com/openai/files?api-version=preview&limit=2",
        "the client's own stands"
    );
    assert_eq!(
        through("/files?limit=2"),
        "https://acme.openai.azure.com/openai/files?limit=2&api-version=2024-10-21"
    );
    let newer = Interface::Azure { api_version: None };
    for base in [base, "https://acme.openai.azure.com/openai/v1/"] {
        assert_eq!(
            at(&newer, base, Front::Chat, "m", STREAMED),
            "https://acme.openai.azure.com/openai/v1/chat/completions"
        );
    }
}

#[test]
fn other_interfaces_have_the_model_and_the_stream_in_the_path() {
    let (gemini, bedrock) = (Interface::Gemini, Interface::Bedrock);
    for base in ["https://g.example/v1beta", "https://g.example"] {
        assert_eq!(
            at(&gemini, base, Front::Chat, "gemini-3", STREAMED),
            "https://g.example/v1beta/models/gemini-3:streamGenerateContent?alt=sse"
        );
    }
    let vertex = Interface::Vertex {
        project: "p-1".to_owned(),
        region: "europe-west4".to_owned(),
    };
    assert_eq!(
        at(
            &vertex,
            "https://v.example/v1",
            Front::Chat,
            "gemini-3",
            UNARY
        ),
        "https://v.example/v1/projects/p-1/locations/europe-west4/publishers/google/models/gemini-3:generateContent"
    );
    let profile = "arn:aws:bedrock:eu-central-1:1:inference-profile/eu.anthropic.claude";
    assert_eq!(
        at(
            &bedrock,
            "https://b.example",
            Front::Messages,
            profile,
            STREAMED
        ),
        "https://b.example/model/arn%3Aaws%3Abedrock%3Aeu-central-1%3A1%3Ainference-profile%2Feu.anthropic.claude/converse-stream"
    );
    let anthropic = Interface::Anthropic;
    for base in ["https://a.example/v1", "https://a.example"] {
        assert_eq!(
            at(&anthropic, base, Front::Chat, "c", UNARY),
            "https://a.example/v1/messages"
        );
    }
    assert_eq!(
        at(
            &anthropic,
            "https://a.example",
            Front::CountTokens,
            "c",
            UNARY
        ),
        "https://a.example/v1/messages/count_tokens"
    );
    let cohere = at(
        &Interface::Cohere,
        "https://c.example/v2",
        Front::Chat,
        "c",
        UNARY,
    );
    assert_eq!(cohere, "https://c.example/v2/chat");
}

#[test]
fn each_credential_stands_in_its_own_header_and_is_not_printed() {
    let azure = Interface::Azure { api_version: None };
    let cases = [
        (Interface::OPENAI, "sk-x", "authorization", "Bearer sk-x"),
        (azure.clone(), "k1", "api-key", "k1"),
        (azure, "eyJ0eXAi", "authorization", "Bearer eyJ0eXAi"),
        (Interface::Anthropic, "sk-ant-x", "x-api-key", "sk-ant-x"),
        (Interface::Gemini, "AIzaX", "x-goog-api-key", "AIzaX"),
        (Interface::Bedrock, "ABSK", "authorization", "Bearer ABSK"),
        (Interface::Cohere, "q7-q7", "authorization", "Bearer q7-q7"),
    ];
    let mut client = HeaderMap::new();
    for name in ["authorization", "x-api-key", "api-key", "x-goog-api-key"] {
        client.insert(name, HeaderValue::from_static("the-clients"));
    }
    for (interface, secret, name, value) in cases {
        let manner = Manner::new(&interface, &[secret]).unwrap();
        let mut headers = manner.headers(&client, &[], UNARY, None);
        sign(&manner, &mut headers, 0);
        assert_eq!(headers[name], value, "{interface:?}");
        let others = headers.values().filter(|value| *value == "the-clients");
        assert_eq!(others.count(), 0, "the client's key stays here");
        for printed in [format!("{headers:?}"), format!("{manner:?}")] {
            assert!(!printed.contains(secret), "{printed}");
        }
    }
    let none = Manner::new(&Interface::OPENAI, &[]).unwrap();
    let mut headers = none.headers(&client, &["authorization".to_owned()], STREAMED, None);
    sign(&none, &mut headers, 0);
    assert_eq!(headers["accept"], "text/event-stream");
}

#[test]
fn a_request_has_the_credential_at_its_place_and_no_other() {
    let azure = Interface::Azure { api_version: None };
    let manner = Manner::new(&azure, &["k1", "eyJtoken"]).unwrap();
    let mut headers = manner.headers(&HeaderMap::new(), &[], UNARY, None);
    sign(&manner, &mut headers, 0);
    assert_eq!(headers["api-key"], "k1");
    sign(&manner, &mut headers, 1);
    assert_eq!(headers["authorization"], "Bearer eyJtoken");
    assert!(!headers.contains_key("api-key"), "the first one has gone");
}

#[test]
fn the_operators_headers_win_over_the_clients_and_are_not_printed() {
    let fixed = [
        ("anthropic-version", "2029-01-01"),
        ("x-gateway-key", "gw-planted"),
    ];
    let fixed = fixed.map(|(name, value)| (name.to_owned(), Secret::new(value.to_owned())));
    let manner = Manner::new(&Interface::Anthropic, &[]).unwrap();
    let manner = manner.with_headers(&fixed).unwrap();
    let mut client = HeaderMap::new();
    client.insert("anthropic-version", HeaderValue::from_static("2001-01-01"));
    let headers = manner.headers(&client, &[], UNARY, None);
    assert_eq!(headers["anthropic-version"], "2029-01-01");
    assert_eq!(headers["x-gateway-key"], "gw-planted");
    for printed in [format!("{headers:?}"), format!("{manner:?}")] {
        assert!(!printed.contains("gw-planted"), "{printed}");
    }
}

#[test]
fn a_refused_feature_is_named_and_what_may_be_a_secret_is_not() {
    let fixed = [
        ("anthropic-beta", "context-1m-2029-01-01"),
        ("openai-beta", "sk-pasted-in-the-wrong-place"),
        ("x-gateway-key", "gw-planted"),
        ("x-tenant", "acme-europe"),
        ("cookie", "session=planted"),
    ];
    let fixed = fixed.map(|(name, value)| (name.to_owned(), Secret::new(value.to_owned())));
    let manner = Manner::new(&Interface::Anthropic, &["sk-ant-planted"]).unwrap();
    let manner = manner.with_headers(&fixed).unwrap();
    for (said, told) in [
        (
            "no such anthropic-beta: context-1m-2029-01-01",
            "no such anthropic-beta: context-1m-2029-01-01",
        ),
        (
            "openai-beta sk-pasted-in-the-wrong-place",
            "openai-beta ***",
        ),
        ("gw-planted of acme-europe", "*** of ***"),
        ("session=planted, sk-ant-planted", "***, ***"),
    ] {
        let heard = manner.discreet(Bytes::from_static(said.as_bytes()));
        assert_eq!(heard, told, "of {said}");
    }
}

#[test]
fn a_secret_with_a_line_end_is_refused_without_being_shown() {
    for secret in ["sk-x\n", "sk-x\r\nx: y", "sk x", "sk-\u{e9}", "sk-x\0"] {
        let refused = Manner::new(&Interface::OPENAI, &[secret]);
        let message = refused.unwrap_err().to_string();
        assert!(!message.contains("sk"), "{message}");
    }
}

#[test]
fn anthropics_version_is_the_clients_or_ours() {
    let manner = manner(&Interface::Anthropic);
    let mut client = HeaderMap::new();
    let ours = manner.headers(&client, &[], UNARY, None);
    assert_eq!(ours["anthropic-version"], "2023-06-01");
    client.insert("anthropic-version", HeaderValue::from_static("2029-01-01"));
    let theirs = manner.headers(&client, &[], UNARY, None);
    assert_eq!(theirs["anthropic-version"], "2029-01-01");
}

#[test]
fn what_a_server_lacks_is_said_in_chat_or_not_at_all() {
    let groq = Preset::named("groq").unwrap();
    let manner = manner(&Interface::OpenAi(groq));
    assert_eq!(manner.speech(Front::Responses), Some(Speech::Native));
    assert_eq!(manner.speech(Front::Completions), Some(Speech::Translated));
    assert_eq!(manner.speech(Front::Embeddings), None);
    assert_eq!(manner.speech(Front::CountTokens), Some(Speech::Estimated));
}

#[test]
fn a_clients_own_key_in_the_address_goes_nowhere() {
    let manner = manner(&Interface::Gemini);
    let base = Endpoint::new("https://google.example/v1beta").unwrap();
    for (other, path) in [
        ("/models?key=theirs", "/models"),
        (
            "/models?pageSize=2&key=theirs&pageToken=key",
            "/models?pageSize=2&pageToken=key",
        ),
        (
            "/models/m:streamGenerateContent?alt=sse&access_token=theirs",
            "/models/m:streamGenerateContent?alt=sse",
        ),
        ("/models", "/models"),
    ] {
        let ask = PathAsk {
            front: Front::Other,
            speech: Speech::Native,
            model: "-",
            kind: UNARY,
            other,
        };
        let uri = manner.uri(&base, &ask).unwrap().to_string();
        assert_eq!(uri, format!("https://google.example/v1beta{path}"));
    }
}
