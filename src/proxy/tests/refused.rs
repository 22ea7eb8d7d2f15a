//! Answers of the client's own dialect in which a content policy lets nothing be said.

use super::faultd::{Act, Faultd, ROLE, STREAM_HEAD, answer_of, chunk, piece, response, stream_of};
use super::moves::post_to;
use super::world::{Got, Plan, Spec, ask};
use crate::config::{Fallback, Interface};
use crate::model::UpstreamName;

const FILTERED: &str = r#"{"choices":[{"index":0,"message":{"role":"assistant","content":""},"finish_reason":"content_filter"}],"usage":{"prompt_tokens":3,"completion_tokens":0}}"#;
const REFUSED: &str = r#"{"type":"message","role":"assistant","content":[],"stop_reason":"refusal","usage":{"input_tokens":3,"output_tokens":0}}"#;
const INCOMPLETE: &str = r#"{"object":"response","id":"r","status":"incomplete","incomplete_details":{"reason":"content_filter"},"output":[]}"#;
const RESPONSE: &str = r#"{"object":"response","id":"r","status":"completed","output":[{"type":"message","content":[{"type":"output_text","text":"hello"}]}]}"#;

fn whole(body: &str) -> Vec<u8> {
    response("200 OK", "application/json", body)
}

fn stream(events: &str) -> Vec<u8> {
    format!("{STREAM_HEAD}{}0\r\n\r\n", chunk(events)).into_bytes()
}

/// What a client of `path` gets where the first target of `interface` answers `refusal`, and how often the second one, to
/// which a policy's refusals go if it `is_named`, was asked.
async fn got(
    (path, interface, is_stream): (&str, Interface, bool),
    refusal: &[u8],
    is_named: bool,
) -> (Got, usize) {
    let first = Faultd::start(Act::Answer(refusal.to_vec())).await;
    let hello = match (path, is_stream) {
        ("/v1/responses", false) => whole(RESPONSE),
        ("/v1/responses", true) => stream(&format!(
            "event: response.output_text.delta\ndata: {{\"delta\":\"hello\"}}\n\n\
             event: response.completed\ndata: {{\"type\":\"response.completed\",\"response\":{RESPONSE}}}\n\n"
        )),
        (_, true) => stream_of(&["hello"]),
        (_, false) => answer_of("hello"),
    };
    let second = Faultd::start(Act::Answer(hello)).await;
    let specs = vec![
        Spec::speaking(first.address, interface),
        Spec::new(second.address, 0.0),
    ];
    let mut plan = Plan::new(specs);
    let there = Fallback::Upstream(UpstreamName::new("p1/m").unwrap());
    plan.content_filter_fallbacks
        .extend(is_named.then_some(there));
    let world = plan.start().await;
    let body = match path {
        "/v1/responses" => format!(r#"{{"model":"chat","stream":{is_stream},"input":"hi"}}"#),
        "/v1/messages" => ask(is_stream).replacen('{', r#"{"max_tokens":9,"#, 1),
        _ => ask(is_stream),
    };
    let got = world.send(&post_to(path, &body)).await;
    (got, second.seen().len())
}

#[tokio::test]
async fn they_lead_to_the_fallbacks_also_where_no_word_is_translated() {
    let chat = ("/v1/chat/completions", Interface::OPENAI);
    let messages = ("/v1/messages", Interface::Anthropic);
    let responses = ("/v1/responses", Interface::OPENAI);
    let end = r#"data: {"choices":[{"index":0,"delta":{},"finish_reason":"content_filter"}]}"#;
    let chunks = stream(&format!("{ROLE}{end}\n\ndata: [DONE]\n\n"));
    let typed = stream(&format!(
        "event: message_start\ndata: {{\"type\":\"message_start\",\"message\":{REFUSED}}}\n\n\
         event: message_delta\ndata: {{\"type\":\"message_delta\",\"delta\":{{\"stop_reason\":\"refusal\"}}}}\n\n\
         event: message_stop\ndata: {{\"type\":\"message_stop\"}}\n\n"
    ));
    let incomplete = stream(&format!(
        "event: response.incomplete\ndata: {{\"type\":\"response.incomplete\",\"response\":{INCOMPLETE}}}\n\n"
    ));
    for ((path, interface), is_stream, refusal) in [
        (chat.clone(), false, whole(FILTERED)),
        (chat, true, chunks),
        (messages.clone(), false, whole(REFUSED)),
        (messages, true, typed),
        (responses.clone(), false, whole(INCOMPLETE)),
        (responses, true, incomplete),
    ] {
        let case = format!("{path}, stream: {is_stream}");
        let how = (path, interface, is_stream);
        let (moved, asked) = got(how.clone(), &refusal, true).await;
        assert_eq!((moved.status, asked), (200, 1), "{case}: {moved:?}");
        assert!(moved.body.contains("hello"), "{case}: {moved:?}");
        let (told, asked) = got(how, &refusal, false).await;
        assert_eq!((told.status, asked), (200, 0), "{case}: {told:?}");
        let word = told.body.contains("refusal") || told.body.contains("content_filter");
        assert!(word, "{case}: without fallbacks it passes: {told:?}");
    }
}

#[tokio::test]
async fn what_was_begun_is_not_said_again_by_another() {
    let end = r#"data: {"choices":[{"index":0,"delta":{},"finish_reason":"content_filter"}]}"#;
    let begun = stream(&format!("{}{end}\n\ndata: [DONE]\n\n", piece("he")));
    let how = ("/v1/chat/completions", Interface::OPENAI, true);
    let (got, asked) = got(how, &begun, true).await;
    assert_eq!((got.status, asked), (200, 0), "{got:?}");
    assert!(got.body.contains("content_filter"), "{got:?}");
}
