//! A request's envelope: whatever is accepted is, rewritten, the client's body but for the model and our own members.

use std::fmt;

use bytes::Bytes;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use weighbridge::wire::Envelope;
use weighbridge::wire::envelope::REMOVED;

const MODELS: [&str; 2] = ["m", "a \"b\" \\ \u{1f600}\n"];

/// An object's members in order, each value as it is written; what occurs twice is there twice.
struct Members(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Walk;
        impl<'de> Visitor<'de> for Walk {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some((key, value)) = map.next_entry::<String, Box<RawValue>>()? {
                    members.push((key, value.get().to_owned()));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Walk)
    }
}

fn members(body: &[u8]) -> Option<Vec<(String, String)>> {
    let members: Members = serde_json::from_slice(body).ok()?;
    Some(members.0)
}

/// The members that a target is to see, by another reader than ours.
fn expected(members: &[(String, String)], model: &str) -> Vec<(String, String)> {
    let value = serde_json::to_string(model).unwrap_or_default();
    let kept = members
        .iter()
        .filter(|(key, _)| !REMOVED.contains(&key.as_str()));
    let mut kept: Vec<(String, String)> = kept.cloned().collect();
    match kept.iter_mut().find(|(key, _)| key == "model") {
        Some((_, own)) if serde_json::from_str::<String>(own).ok().as_deref() == Some(model) => {}
        Some((_, own)) => *own = value,
        None => kept.insert(0, ("model".to_owned(), value)),
    }
    kept
}

/// What the target claims.
///
/// # Panics
/// A claim does not hold.
pub fn run(data: &[u8]) {
    let Ok(envelope) = Envelope::read(data) else {
        return;
    };
    let body = Bytes::copy_from_slice(data);
    let own = envelope.model.clone();
    let Some(was) = members(data) else {
        // A lone surrogate in a key: this other reader knows no such text.
        return;
    };
    for model in MODELS.into_iter().chain([own.as_str()]) {
        if model.is_empty() {
            continue;
        }
        let wanted = expected(&was, model);
        let rewritten = members(&envelope.rewrite(&body, model));
        assert_eq!(rewritten.as_ref(), Some(&wanted), "rewritten for {model:?}");
        let asking = envelope.rewrite_asking_usage(&body, model);
        let is_other = |(key, _): &&(String, String)| key != "stream_options";
        let others: Vec<_> = members(&asking)
            .expect("an object stays one")
            .into_iter()
            .filter(|member| is_other(&member))
            .collect();
        let wanted: Vec<_> = wanted.iter().filter(is_other).cloned().collect();
        assert_eq!(others, wanted, "asked for counts");
        let again = Envelope::read(&asking).expect("what we write we accept");
        assert_eq!(again.model, model);
        assert_eq!(
            again.include_usage,
            envelope.stream || envelope.include_usage
        );
    }
}
