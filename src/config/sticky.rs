//! `sticky`: what requests of a route have in common that go to the same target.

use std::fmt;

use super::Sticky;
use super::field::Field;

/// Its words; a header is a table.
const WORDS: &[(&str, &str)] = &[
    ("conversation", "conversation"),
    ("user", "user"),
    ("off", "off"),
];

/// Headers that say nothing about who asks: they belong to the connection or to this one body.
const ABOUT_NOBODY: &[&str] = &[
    "accept-encoding",
    "connection",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-request-id",
];

/// Reads a word or `{ header = "NAME" }`.
pub(super) fn sticky(field: &Field<'_>) -> Option<Sticky> {
    if field.node.is_text() {
        return Some(match field.choice(WORDS)? {
            "conversation" => Sticky::Conversation,
            "user" => Sticky::User,
            _ => Sticky::Off,
        });
    }
    let mut section = field.section()?;
    let header = section.field("header");
    section.finish(&[]);
    let Some(header) = header else {
        field.missing(
            "header",
            "write sticky = \"conversation\", \"user\" or { header = \"NAME\" }",
        );
        return None;
    };
    let name = header.str()?.to_ascii_lowercase();
    if http::HeaderName::from_bytes(name.as_bytes()).is_err() {
        header.expected("the name of a header", "");
        return None;
    }
    if ABOUT_NOBODY.contains(&name.as_str()) {
        header.problem(
            format!("{name} does not tell one client from another"),
            "name a header that all requests of one client have, such as x-tenant-id",
        );
        return None;
    }
    Some(Sticky::Header(name))
}

impl fmt::Display for Sticky {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::Conversation => f.write_str("conversation"),
            Self::User => f.write_str("user"),
            Self::Header(name) => write!(f, "header {name}"),
        }
    }
}
