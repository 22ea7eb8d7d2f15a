//! Images, sound and documents of a request.

use serde_json::{Map, Value, json};

use super::{GeminiOptions, unfit};
use crate::dialect::neutral::{Media, Source, Unfit};

/// Where AI Studio keeps the files that were uploaded to it.
const FILES: &str = "https://generativelanguage.googleapis.com/v1beta/";

/// What a medium is; its type is assumed from that where nothing tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An image.
    Image,
    /// Sound.
    Audio,
    /// A document.
    File,
}

impl Kind {
    const fn assumed(self) -> &'static str {
        match self {
            Self::Image => "image/jpeg",
            Self::Audio => "audio/wav",
            Self::File => "application/pdf",
        }
    }
}

/// `media` as a part.
///
/// # Errors
/// A file's id that this host does not know.
pub(super) fn write(media: &Media, kind: Kind, options: GeminiOptions) -> Result<Value, Unfit> {
    match &media.source {
        Source::Base64(data) => {
            let media_type = media.media_type.as_deref().unwrap_or(kind.assumed());
            let mut blob = Map::new();
            blob.insert("mimeType".to_owned(), json!(media_type));
            blob.insert("data".to_owned(), json!(data));
            Ok(named("inlineData", blob, media, options))
        }
        Source::Url(address) => {
            let media_type = media.media_type.as_deref();
            let media_type = media_type.or_else(|| type_of(address));
            let media_type = media_type.unwrap_or(kind.assumed());
            Ok(file(address, Some(media_type), media, options))
        }
        Source::Id(id) => {
            let address = address_of(id, options)?;
            // AI Studio knows its files' types; Vertex has none without.
            let media_type = media.media_type.as_deref().or_else(|| type_of(id));
            let media_type = media_type.or(options.vertex.then(|| kind.assumed()));
            Ok(file(&address, media_type, media, options))
        }
        Source::Text(text) => {
            let named = media.name.as_ref().map(|name| format!("{name}:\n{text}"));
            Ok(json!({"text": named.as_ref().unwrap_or(text)}))
        }
    }
}

/// Whether this host takes `media`.
///
/// # Errors
/// As [`write()`].
pub(super) fn fit(media: &Media, options: GeminiOptions) -> Result<(), Unfit> {
    match &media.source {
        Source::Id(id) => address_of(id, options).map(drop),
        Source::Base64(_) | Source::Url(_) | Source::Text(_) => Ok(()),
    }
}

/// Whether `media`'s name is lost: only Vertex takes one.
pub(super) fn loses_name(media: &Media, options: GeminiOptions) -> bool {
    media.name.is_some() && !options.vertex && !matches!(media.source, Source::Text(_))
}

fn file(address: &str, media_type: Option<&str>, media: &Media, options: GeminiOptions) -> Value {
    let mut file = Map::new();
    if let Some(media_type) = media_type {
        file.insert("mimeType".to_owned(), json!(media_type));
    }
    file.insert("fileUri".to_owned(), json!(address));
    named("fileData", file, media, options)
}

fn named(key: &str, mut data: Map<String, Value>, media: &Media, options: GeminiOptions) -> Value {
    if let (true, Some(name)) = (options.vertex, &media.name) {
        data.insert("displayName".to_owned(), json!(name));
    }
    json!({ key: data })
}

fn address_of(id: &str, options: GeminiOptions) -> Result<String, Unfit> {
    if id.contains("://") {
        Ok(id.to_owned())
    } else if id.starts_with("files/") && !options.vertex {
        Ok(format!("{FILES}{id}"))
    } else {
        Err(unfit("files by another provider's id"))
    }
}

/// The type that an address's ending tells.
fn type_of(address: &str) -> Option<&'static str> {
    let path = address.split(['?', '#']).next().unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or_default();
    let (_, ending) = name.rsplit_once('.')?;
    let known = [
        ("png", "image/png"),
        ("jpg", "image/jpeg"),
        ("jpeg", "image/jpeg"),
        ("webp", "image/webp"),
        ("gif", "image/gif"),
        ("heic", "image/heic"),
        ("pdf", "application/pdf"),
        ("txt", "text/plain"),
        ("md", "text/markdown"),
        ("csv", "text/csv"),
        ("html", "text/html"),
        ("json", "application/json"),
        ("mp3", "audio/mpeg"),
        ("wav", "audio/wav"),
        ("ogg", "audio/ogg"),
        ("flac", "audio/flac"),
        ("mp4", "video/mp4"),
        ("mov", "video/quicktime"),
        ("webm", "video/webm"),
    ];
    let known = known.into_iter();
    known
        .filter(|(one, _)| ending.eq_ignore_ascii_case(one))
        .map(|(_, media_type)| media_type)
        .next()
}
