//! The ways in which a target fails.

use std::time::Duration;

use super::super::faultd::{Act, ROLE, STREAM_HEAD, chunk, piece, response};
use super::super::world::LONG;
use crate::config::Deadlines;

/// The deadline that a kind runs into. Long enough for a loaded machine to answer, short enough to wait for.
pub(super) const SHORT: Duration = Duration::from_millis(250);

/// When it shows, and whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shows {
    /// Before the first content: another target makes it good.
    Before,
    /// After content went out: the stream ends with an error event.
    After,
    /// It is about the request, or takes all of its time.
    ClientsOwn,
}

/// What the target does.
pub(super) enum Does {
    Act(Act),
    /// Nobody listens there.
    Refuses,
    /// Its queue of connections is full.
    NeverConnects,
}

/// One way to fail.
pub(super) struct Kind {
    pub(super) name: &'static str,
    pub(super) does: Does,
    pub(super) stream: bool,
    pub(super) shows: Shows,
    pub(super) deadlines: Deadlines,
}

fn kind(name: &'static str, stream: bool, shows: Shows, act: Act) -> Kind {
    Kind {
        name,
        does: Does::Act(act),
        stream,
        shows,
        deadlines: LONG,
    }
}

fn status(status: &str, error: &str) -> Act {
    Act::Answer(response(status, "application/json", error))
}

fn error(code: &str, message: &str) -> String {
    format!(r#"{{"error":{{"message":"{message}","type":"{code}","code":"{code}"}}}}"#)
}

/// A stream with this before its end.
fn begun(text: &str, whole: bool) -> Vec<u8> {
    let end = if whole { "0\r\n\r\n" } else { "" };
    format!("{STREAM_HEAD}{}{text}{end}", chunk(ROLE)).into_bytes()
}

/// All of them.
pub(super) fn all() -> Vec<Kind> {
    [
        answers(),
        no_answers(),
        streams(),
        connections(),
        silences(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn answers() -> Vec<Kind> {
    use Shows::{Before, ClientsOwn};
    let limited =
        "HTTP/1.1 429 Too Many Requests\r\nretry-after-ms: 20\r\ncontent-length: 2\r\n\r\n{}";
    let quota = error("insufficient_quota", "you exceeded your current quota");
    let long = error("context_length_exceeded", "maximum context length is 8");
    let filtered = error("content_filter", "the prompt was filtered");
    let model = error("model_not_found", "there is no such model");
    vec![
        kind(
            "429 with a wait",
            false,
            Before,
            Act::Answer(limited.into()),
        ),
        kind(
            "429, the quota is used up",
            false,
            Before,
            status("429 Too Many Requests", &quota),
        ),
        kind(
            "529 overloaded",
            false,
            Before,
            status("529 Overloaded", "{}"),
        ),
        kind(
            "500",
            false,
            Before,
            status("500 Internal Server Error", "{}"),
        ),
        kind("401", false, Before, status("401 Unauthorized", "{}")),
        kind("403", false, Before, status("403 Forbidden", "{}")),
        kind(
            "404, no such model",
            false,
            Before,
            status("404 Not Found", &model),
        ),
        kind(
            "400, the client's mistake",
            false,
            ClientsOwn,
            status("400 Bad Request", &error("x", "temperature")),
        ),
        kind(
            "400, the context is too long",
            false,
            ClientsOwn,
            status("400 Bad Request", &long),
        ),
        kind(
            "400, a content policy refuses",
            false,
            ClientsOwn,
            status("400 Bad Request", &filtered),
        ),
    ]
}

/// Answers of status 200 that are none.
fn no_answers() -> Vec<Kind> {
    use Shows::Before;
    vec![
        kind(
            "malformed JSON",
            false,
            Before,
            status("200 OK", "{\"choices\":["),
        ),
        kind(
            "HTML",
            false,
            Before,
            Act::Answer(response("200 OK", "text/html", "<html>sign in</html>")),
        ),
        kind(
            "200 with an error for a body",
            false,
            Before,
            status("200 OK", &error("server_error", "no")),
        ),
        kind(
            "another content type than a stream's",
            true,
            Before,
            Act::Answer(response("200 OK", "text/plain", "hello")),
        ),
    ]
}

fn streams() -> Vec<Kind> {
    use Shows::{After, Before};
    let told = chunk(&format!("data: {}\n\n", error("server_error", "no")));
    let content = chunk(&piece("he"));
    vec![
        kind(
            "an error event before content",
            true,
            Before,
            Act::Answer(begun(&told, true)),
        ),
        kind(
            "an empty stream",
            true,
            Before,
            Act::Answer(format!("{STREAM_HEAD}0\r\n\r\n").into()),
        ),
        kind(
            "a stream cut before content",
            true,
            Before,
            Act::SendAndClose(begun("", false)),
        ),
        kind(
            "a stream cut after content",
            true,
            After,
            Act::SendAndClose(begun(&content, false)),
        ),
        kind(
            "an error event after content",
            true,
            After,
            Act::Answer(begun(&format!("{content}{told}"), true)),
        ),
    ]
}

fn connections() -> Vec<Kind> {
    use Shows::Before;
    vec![
        Kind {
            does: Does::Refuses,
            ..kind("connection refused", false, Before, Act::Reset)
        },
        Kind {
            does: Does::NeverConnects,
            deadlines: Deadlines {
                connect: SHORT,
                ..LONG
            },
            ..kind("connection not made in time", false, Before, Act::Reset)
        },
        kind("connection reset", false, Before, Act::Reset),
    ]
}

/// Those that say nothing, or nothing more.
fn silences() -> Vec<Kind> {
    use Shows::{After, Before, ClientsOwn};
    let half = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{";
    let hang = |name, stream, shows, bytes: Vec<u8>, shorten: fn(&mut Deadlines)| {
        let mut kind = kind(name, stream, shows, Act::SendAndHang(bytes));
        shorten(&mut kind.deadlines);
        kind
    };
    let content = chunk(&piece("he"));
    vec![
        hang("no header in time", true, Before, Vec::new(), |it| {
            it.header_streamed = SHORT;
        }),
        hang("no header in time", false, Before, Vec::new(), |it| {
            it.header_unary = SHORT;
        }),
        hang(
            "no first token in time",
            true,
            Before,
            begun("", false),
            |it| it.first_token = SHORT,
        ),
        hang(
            "a stall between tokens",
            true,
            After,
            begun(&content, false),
            |it| it.between_tokens = SHORT,
        ),
        hang(
            "no end of the attempt in time",
            false,
            Before,
            half.into(),
            |it| it.attempt = SHORT,
        ),
        hang(
            "no end of the request in time",
            false,
            ClientsOwn,
            Vec::new(),
            |it| it.total = SHORT,
        ),
    ]
}
