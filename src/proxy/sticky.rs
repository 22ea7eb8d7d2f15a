//! What a request is kept together by: its conversation, its user or its tenant, as its route says.
//!
//! Nothing is remembered: the key is worked out from the request, the target from the key ([`crate::balance::Sticky`]).

use http::HeaderMap;

use super::question::Question;
use crate::balance::Key;
use crate::config::Sticky;
use crate::wire::sticky::SESSION_HEADERS;

/// The key of `question` on a route that keeps `sticky` together; `None` where it says nothing that it could be known by,
/// and then it is drawn like any other.
pub(super) fn key(sticky: &Sticky, question: &Question, headers: &HeaderMap) -> Option<Key> {
    let (envelope, body) = (&question.envelope, &question.body);
    match sticky {
        Sticky::Off => None,
        Sticky::Conversation => envelope
            .conversation(body, session(headers))
            .or_else(|| envelope.opening(body).filter(|_| question.converses()))
            .or_else(|| envelope.user(body)),
        Sticky::User => envelope.user(body),
        Sticky::Header(name) => {
            let value = headers.get(name)?.as_bytes();
            (!value.is_empty()).then(|| Key::of("header", value))
        }
    }
}

/// The first header that names a conversation.
fn session(headers: &HeaderMap) -> Option<&[u8]> {
    let values = SESSION_HEADERS.iter().filter_map(|name| headers.get(*name));
    let mut texts = values.map(http::HeaderValue::as_bytes);
    texts.find(|text| !text.is_empty())
}
