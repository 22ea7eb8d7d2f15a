//! Every front at every provider: a text, a call and an error, each whole and as a stream. The table of PROVIDERS.md is what
//! this finds.

mod fixtures;
mod fronts;
mod stalls;

use serde_json::Value;

use self::fixtures::{Body, Dialect, answer, error, providers, vector};
use self::fronts::{FRONTS, Said, native_response, request, said};
use super::faultd::{Act, Faultd};
use super::world::{Got, Plan, Spec};
use crate::config::Interface;
use crate::dialect::Front;
use crate::provider::manner::{Manner, Speech};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/PROVIDERS.md");
const BEGIN: &str = "<!-- table -->\n";
const END: &str = "<!-- /table -->";

fn sent(status: &str, (kind, body): Body) -> Act {
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    Act::Answer([head.into_bytes(), body].concat())
}

async fn asked(interface: &Interface, front: Front, act: Act, body: &Value) -> Got {
    let target = Faultd::start(act).await;
    let spec = Spec::speaking(target.address, interface.clone());
    let world = Plan::new(vec![spec]).start().await;
    let (path, body) = (front.path().unwrap(), body.to_string());
    let request = format!(
        "POST /v1{path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    world.send(request.as_bytes()).await
}

/// One column of the table: how a front reaches a provider, after everything was tried.
async fn cell(interface: &Interface, dialect: Dialect, front: Front) -> &'static str {
    let speech = Manner::new(interface, &[]).unwrap().speech(front);
    let is_native = speech == Some(Speech::Native);
    match (speech, front) {
        (None, _) => {
            let got = asked(interface, front, Act::Reset, &request(front, false, false)).await;
            assert_eq!(got.code(), "no_eligible_target", "{interface:?} {front:?}");
            return "–";
        }
        (Some(_), Front::Embeddings) => {
            let act = sent("200 OK", vector(dialect));
            let got = asked(interface, front, act, &request(front, false, false)).await;
            let answer: Value = serde_json::from_str(&got.body).unwrap();
            assert_eq!(
                answer["data"][0]["embedding"][1], 0.25,
                "{interface:?}: {got:?}"
            );
        }
        (Some(_), _) => {
            for stream in [false, true] {
                converses(interface, dialect, front, (is_native, stream)).await;
            }
        }
    }
    refuses(interface, dialect, front, false).await;
    // Embeddings are never streamed.
    if front != Front::Embeddings {
        refuses(interface, dialect, front, true).await;
    }
    if is_native { "as it is" } else { "translated" }
}

async fn converses(
    interface: &Interface,
    dialect: Dialect,
    front: Front,
    (is_native, stream): (bool, bool),
) {
    for tools in [false, true] {
        // The older completions have no tools.
        if tools && front == Front::Completions {
            continue;
        }
        let body = if is_native && front == Front::Responses {
            native_response(tools, stream)
        } else {
            answer(dialect, tools, stream)
        };
        let ask = request(front, tools, stream);
        let got = asked(interface, front, sent("200 OK", body), &ask).await;
        let case = format!("{interface:?} {front:?} stream {stream} tools {tools}: {got:?}");
        assert_eq!(got.status, 200, "{case}");
        let expected = if tools {
            let call = ("weather".to_owned(), "{\"city\":\"Oslo\"}".to_owned());
            Said {
                text: String::new(),
                call: Some(call),
            }
        } else {
            Said {
                text: "hello".to_owned(),
                call: None,
            }
        };
        assert_eq!(said(front, stream, &got), expected, "{case}");
    }
}

/// The client's own mistake is told with its status and the provider's words, in the front's shape: a document, also where a
/// stream was asked for.
async fn refuses(interface: &Interface, dialect: Dialect, front: Front, stream: bool) {
    let act = sent("400 Bad Request", error(dialect));
    let got = asked(interface, front, act, &request(front, false, stream)).await;
    let case = format!("{interface:?} {front:?} stream {stream}: {got:?}");
    assert_eq!(got.status, 400, "{case}");
    assert!(got.body.contains("too hot"), "{case}");
    assert_eq!(got.header("content-type"), "application/json", "{case}");
    let answer: Value = serde_json::from_str(&got.body).unwrap();
    assert!(answer["error"]["message"].is_string(), "{case}");
    let is_message = answer["type"] == "error";
    assert_eq!(is_message, front == Front::Messages, "{case}");
}

#[tokio::test]
async fn every_front_reaches_every_provider_as_the_page_says() {
    let mut table = String::from("| provider |");
    for front in FRONTS {
        table += " ";
        table += front.label();
        table += " |";
    }
    table += "\n|---|---|---|---|---|---|\n";
    for (name, interface, dialect) in providers() {
        table += "| ";
        table += name;
        table += " |";
        for front in FRONTS {
            table += " ";
            table += cell(&interface, dialect, front).await;
            table += " |";
        }
        table += "\n";
    }
    let page = std::fs::read_to_string(PAGE).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (found, after) = rest.split_once(END).unwrap();
    if std::env::var_os("WEIGHBRIDGE_WRITE").is_some() {
        std::fs::write(PAGE, format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
        return;
    }
    assert_eq!(
        found, table,
        "PROVIDERS.md; WEIGHBRIDGE_WRITE=1 writes it anew"
    );
}
