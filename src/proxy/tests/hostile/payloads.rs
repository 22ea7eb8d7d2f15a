//! Requests that proxies have been broken with, and the verdict that each must get.
//!
//! The classes are those of the attacks on framing that are published (request smuggling, chunk sizes, folded headers,
//! upgrades) and of what hyper passes on when nobody looks (measured with hyper 1.12 in November 2026).

use super::super::world::ask;

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Refused with one of these statuses, or without a word where 0 is among them; no target hears of it.
    Refused(&'static [u16]),
    /// Answered, and the target gets it once, framed anew.
    Served,
    /// Answered without asking a target.
    Answered,
}

use Verdict::{Answered, Refused, Served};

/// A case: its name, the request to the last byte, and what must become of it.
pub(super) type Case = (&'static str, Vec<u8>, Verdict);

/// Refused in words.
const BAD: Verdict = Refused(&[400]);
/// What is not HTTP at all may be closed without a word.
const NOT_HTTP: Verdict = Refused(&[0, 400]);
const CHAT: &str = "POST /v1/chat/completions HTTP/1.1";
const CHUNKED: &str = "transfer-encoding: chunked\r\n";

/// A chat with these further headers, its own length and body.
fn with(headers: &str) -> Vec<u8> {
    let body = ask(false);
    let length = body.len();
    request(
        CHAT,
        &format!("{headers}content-length: {length}\r\n"),
        &body,
    )
}

/// The same without a length.
fn framed(headers: &str, body: &str) -> Vec<u8> {
    request(CHAT, headers, body)
}

fn request(line: &str, headers: &str, body: &str) -> Vec<u8> {
    format!("{line}\r\nhost: x\r\nconnection: close\r\n{headers}\r\n{body}").into_bytes()
}

/// A chat in one chunk whose size is written as `size` says, for example `{:x}`'s result or worse.
fn chunk(size: &str) -> Vec<u8> {
    let body = ask(false);
    framed(CHUNKED, &format!("{size}\r\n{body}\r\n0\r\n\r\n"))
}

fn good_chunk() -> String {
    let body = ask(false);
    format!("{:x}\r\n{body}\r\n", body.len())
}

/// A request with another line.
fn line(line: &str) -> Vec<u8> {
    request(line, "", "")
}

/// All of them.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = lengths();
    cases.extend(codings());
    cases.extend(heads());
    cases.extend(chunks());
    cases.extend(hosts());
    cases.extend(methods());
    cases.extend(passed_over());
    cases.extend(protocols());
    cases
}

fn lengths() -> Vec<Case> {
    let length = |value: &str| framed(&format!("content-length: {value}\r\n"), &ask(false));
    let real = ask(false).len();
    let both = format!("content-length: {real}\r\n{CHUNKED}");
    let turned = format!("{CHUNKED}content-length: {real}\r\n");
    let whole = format!("{}0\r\n\r\n", good_chunk());
    let hidden = "0\r\n\r\nGET /v1/models HTTP/1.1\r\nhost: x\r\n\r\n";
    let smuggled = format!("content-length: {}\r\n{CHUNKED}", hidden.len());
    vec![
        // hyper believes the chunks, drops the length and closes afterwards, as RFC 9112 (6.3) allows; the target is sent a
        // length of ours.
        ("a length and chunks", framed(&both, &whole), Served),
        ("chunks and a length", framed(&turned, &whole), Served),
        (
            "a request behind the last chunk",
            framed(&smuggled, hidden),
            BAD,
        ),
        (
            "two lengths",
            framed(
                &format!("content-length: {real}\r\ncontent-length: 5\r\n"),
                &ask(false),
            ),
            BAD,
        ),
        ("a list of lengths", length("5, 6"), BAD),
        ("a length with a sign", length(&format!("+{real}")), BAD),
        ("a negative length", length("-1"), BAD),
        ("a length in hexadecimal", length("0x5"), BAD),
        ("a length of 2^64", length("18446744073709551616"), BAD),
        ("a length with a space in it", length("1 0"), BAD),
        ("an empty length", length(""), BAD),
    ]
}

fn codings() -> Vec<Case> {
    let coding = |value: &str| {
        framed(
            &format!("transfer-encoding: {value}\r\n"),
            &format!("{}0\r\n\r\n", good_chunk()),
        )
    };
    let lines = |headers: &str| framed(headers, &format!("{}0\r\n\r\n", good_chunk()));
    vec![
        ("the coding identity", coding("identity"), BAD),
        ("a coding that nobody knows", coding("xchunked"), BAD),
        (
            "chunked before another coding",
            coding("chunked, identity"),
            BAD,
        ),
        ("chunked behind gzip", coding("gzip, chunked"), BAD),
        ("chunked twice", coding("chunked, chunked"), BAD),
        ("a vertical tab before chunked", coding("\x0bchunked"), BAD),
        (
            "two lines of codings",
            lines(&format!("transfer-encoding: cow\r\n{CHUNKED}")),
            BAD,
        ),
        (
            "a space before the colon",
            lines("transfer-encoding : chunked\r\n"),
            BAD,
        ),
        (
            "chunks in HTTP/1.0",
            request(
                "POST /v1/chat/completions HTTP/1.0",
                CHUNKED,
                &format!("{}0\r\n\r\n", good_chunk()),
            ),
            BAD,
        ),
        (
            "an encoded body",
            with("content-encoding: gzip\r\n"),
            Refused(&[415]),
        ),
        (
            "a body encoded twice",
            with("content-encoding: identity, br\r\n"),
            Refused(&[415]),
        ),
    ]
}

fn heads() -> Vec<Case> {
    let many: Vec<String> = (0..101).map(|i| format!("x-{i}: 1\r\n")).collect();
    let long = format!("x-long: {}\r\n", "a".repeat(70 * 1024));
    let address = format!(
        "POST /v1/chat/completions?{} HTTP/1.1",
        "a".repeat(70 * 1024)
    );
    let bare = String::from_utf8(with("x-a: 1\r\n"))
        .unwrap()
        .replace("\r\n", "\n");
    let high = [b"x-high: \xff\xfe\r\n".as_slice(), b"connection: close\r\n"].concat();
    let mut high_name = with("");
    let at = memchr::memmem::find(&high_name, b"host").unwrap();
    high_name.splice(at..at, b"x-\xe4: 1\r\n".iter().copied());
    let mut with_high = with("");
    let at = memchr::memmem::find(&with_high, b"connection").unwrap();
    with_high.splice(at..at, high);
    vec![
        ("a folded header", with("x-a: 1\r\n folded\r\n"), BAD),
        ("a space before a header", with(" x-a: 1\r\n"), BAD),
        ("a NUL in a value", with("x-a: 1\x002\r\n"), BAD),
        ("a bare CR in a value", with("x-a: 1\r2\r\n"), BAD),
        ("a header without a name", with(": 1\r\n"), BAD),
        ("a header without a colon", with("nonsense\r\n"), BAD),
        ("a space in a name", with("x a: 1\r\n"), BAD),
        ("a high byte in a name", high_name, BAD),
        ("high bytes in a value", with_high, Served),
        ("lines that end with LF alone", bare.into_bytes(), Served),
        (
            "a hundred and one headers",
            with(&many.concat()),
            Refused(&[431]),
        ),
        ("a head of 70 KB", with(&long), Refused(&[431])),
        ("an address of 70 KB", line(&address), Refused(&[414, 431])),
    ]
}

fn chunks() -> Vec<Case> {
    let size = ask(false).len();
    let extension = format!("{size:x};{}", "a".repeat(20 * 1024));
    let lines = good_chunk().replace("\r\n", "\n");
    let cut = format!("{size:x}\r\n{}XX0\r\n\r\n", ask(false));
    let trailers = format!("{}0\r\nx-trailer: 1\r\n\r\n", good_chunk());
    vec![
        (
            "chunks that are right",
            framed(CHUNKED, &format!("{}0\r\n\r\n", good_chunk())),
            Served,
        ),
        ("a chunk's size with 0x", chunk(&format!("0x{size:x}")), BAD),
        (
            "a chunk's size with a sign",
            chunk(&format!("+{size:x}")),
            BAD,
        ),
        ("a negative size of a chunk", chunk("-5"), BAD),
        ("a chunk's size with an underscore", chunk("0_5"), BAD),
        (
            "a chunk's size beyond 64 bits",
            chunk("ffffffffffffffff1"),
            BAD,
        ),
        ("a chunk's extension of 20 KB", chunk(&extension), BAD),
        (
            "chunks that end with LF alone",
            framed(CHUNKED, &format!("{lines}0\n\n")),
            BAD,
        ),
        ("a chunk without its end", framed(CHUNKED, &cut), BAD),
        ("trailers", framed(CHUNKED, &trailers), Served),
        (
            "chunks without the last one",
            framed(CHUNKED, &good_chunk()),
            Refused(&[408]),
        ),
    ]
}

fn hosts() -> Vec<Case> {
    let body = ask(false);
    let length = body.len();
    let host = |lines: &str| {
        format!("{CHAT}\r\n{lines}connection: close\r\ncontent-length: {length}\r\n\r\n{body}")
            .into_bytes()
    };
    let absolute = |address: &str| {
        let line = format!("POST {address} HTTP/1.1");
        request(&line, &format!("content-length: {length}\r\n"), &body)
    };
    vec![
        ("no host", host(""), BAD),
        ("two hosts", host("host: a\r\nhost: b\r\n"), BAD),
        ("a host with a user", host("host: a@b\r\n"), BAD),
        ("a host with a space", host("host: a b\r\n"), BAD),
        ("a host with a path", host("host: a/b\r\n"), BAD),
        (
            "an address of another host",
            absolute("http://elsewhere.example/v1/chat/completions"),
            Served,
        ),
        (
            "an address with a user",
            absolute("http://a@elsewhere.example/v1/chat/completions"),
            BAD,
        ),
    ]
}

fn methods() -> Vec<Case> {
    const NONE: Verdict = Refused(&[404]);
    vec![
        (
            "CONNECT",
            line("CONNECT elsewhere.example:443 HTTP/1.1"),
            Refused(&[405]),
        ),
        (
            "TRACE",
            line("TRACE /v1/chat/completions HTTP/1.1"),
            Refused(&[405]),
        ),
        (
            "a method in lower case",
            line("post /v1/chat/completions HTTP/1.1"),
            Refused(&[405]),
        ),
        ("OPTIONS of everything", line("OPTIONS * HTTP/1.1"), NONE),
        (
            "a path with two slashes",
            line("GET //v1/models HTTP/1.1"),
            NONE,
        ),
        (
            "a path out of its folder",
            line("GET /v1/../v1/models HTTP/1.1"),
            BAD,
        ),
        (
            "a path with a parameter",
            line("GET /v1/..;/models HTTP/1.1"),
            NONE,
        ),
        (
            "a path in UTF-8",
            line("GET /v1/mödels HTTP/1.1"),
            Refused(&[400, 404]),
        ),
        ("an encoded path", line("GET /v1/%6dodels HTTP/1.1"), NONE),
        ("a NUL in a path", line("GET /v1/models%00 HTTP/1.1"), NONE),
        ("models", line("GET /v1/models HTTP/1.1"), Answered),
    ]
}

/// What is dropped, and must not reach the target.
fn passed_over() -> Vec<Case> {
    let hop = "proxy-connection: keep-alive\r\nkeep-alive: timeout=5\r\nte: trailers\r\nproxy-authorization: Basic x\r\n";
    let mut named = String::from_utf8(with("x-secret: 1\r\n")).unwrap();
    named = named.replace("connection: close", "connection: close, x-secret");
    vec![
        ("headers for one hop", with(hop), Served),
        ("a header that connection names", named.into_bytes(), Served),
        (
            "names with underscores",
            with("x_forwarded_for: 1.2.3.4\r\ntransfer_encoding: chunked\r\n"),
            Served,
        ),
        (
            "headers of other proxies",
            with("x-forwarded-for: 1.2.3.4\r\nforwarded: for=1.2.3.4\r\ncookie: a=b\r\n"),
            Served,
        ),
    ]
}

fn protocols() -> Vec<Case> {
    let upgrade = |to: &str| with(&format!("connection: upgrade\r\nupgrade: {to}\r\n"));
    let hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03abcdefghijklmnopqrstuvwxyz";
    let noise: Vec<u8> = (0..=255_u8)
        .map(|byte| byte.wrapping_mul(167) ^ 0x5a)
        .collect();
    vec![
        ("an upgrade to WebSocket", upgrade("websocket"), BAD),
        ("an upgrade to HTTP/2", upgrade("h2c"), Served),
        ("HTTP/0.9", b"GET /v1/models\r\n\r\n".to_vec(), NOT_HTTP),
        ("HTTP/1.2", line("GET /v1/models HTTP/1.2"), NOT_HTTP),
        (
            "HTTP/2 in a line",
            line("GET /v1/models HTTP/2.0"),
            NOT_HTTP,
        ),
        (
            "half of HTTP/2's opening",
            b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n".to_vec(),
            NOT_HTTP,
        ),
        (
            "a handshake of TLS",
            [hello.as_slice(), b"\r\n\r\n"].concat(),
            NOT_HTTP,
        ),
        ("noise", [noise, b"\r\n\r\n".to_vec()].concat(), NOT_HTTP),
    ]
}
