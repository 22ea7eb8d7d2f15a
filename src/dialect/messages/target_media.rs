//! Images and documents.

use serde_json::{Value, json};

use super::super::neutral::{Media, Source, Unfit};
use super::target_fit::unfit;

/// Whether an image can be said.
pub(super) fn fit_image(media: &Media) -> Result<(), Unfit> {
    match &media.source {
        Source::Base64(_) => match image_type(media) {
            Some(_) => Ok(()),
            None => Err(unfit("images other than JPEG, PNG, GIF and WebP")),
        },
        Source::Url(url) => fit_address(url),
        Source::Id(id) => fit_id(id),
        Source::Text(_) => Err(unfit("images as text")),
    }
}

/// Whether a document can be said.
pub(super) fn fit_document(media: &Media) -> Result<(), Unfit> {
    match &media.source {
        Source::Text(_) => Ok(()),
        Source::Base64(data) => match document_of(media, data) {
            Some(_) => Ok(()),
            None => Err(unfit("documents other than PDF and text")),
        },
        Source::Url(url) => fit_address(url),
        Source::Id(id) => fit_id(id),
    }
}

fn fit_address(url: &str) -> Result<(), Unfit> {
    if url.starts_with("https://") || url.starts_with("http://") {
        Ok(())
    } else {
        Err(unfit("media at addresses other than of the web"))
    }
}

/// OpenAI's ids begin with `file-`, Anthropic's with `file_`: what lies at the one is not at the other.
fn fit_id(id: &str) -> Result<(), Unfit> {
    if id.starts_with("file-") {
        Err(unfit("files that lie at another provider"))
    } else {
        Ok(())
    }
}

/// An image's type as Anthropic has it; where none is said, by the first letters of its data.
fn image_type(media: &Media) -> Option<&'static str> {
    let Source::Base64(data) = &media.source else {
        return None;
    };
    match media.media_type.as_deref() {
        Some("image/jpeg" | "image/jpg") => Some("image/jpeg"),
        Some("image/png") => Some("image/png"),
        Some("image/gif") => Some("image/gif"),
        Some("image/webp") => Some("image/webp"),
        None if data.starts_with("/9j/") => Some("image/jpeg"),
        None if data.starts_with("iVBOR") => Some("image/png"),
        None if data.starts_with("R0lG") => Some("image/gif"),
        None if data.starts_with("UklGR") => Some("image/webp"),
        Some(_) | None => None,
    }
}

/// An image as a block; `None` if it does not fit.
pub(super) fn image(media: &Media) -> Option<Value> {
    let source = match &media.source {
        Source::Base64(data) => {
            json!({"type": "base64", "media_type": image_type(media)?, "data": data})
        }
        Source::Url(url) => json!({"type": "url", "url": url}),
        Source::Id(id) => json!({"type": "file", "file_id": id}),
        Source::Text(_) => return None,
    };
    Some(json!({"type": "image", "source": source}))
}

/// A document as a block; `None` if it does not fit.
pub(super) fn document(media: &Media) -> Option<Value> {
    let source = match &media.source {
        Source::Base64(data) => match document_of(media, data)? {
            Document::Pdf => {
                json!({"type": "base64", "media_type": "application/pdf", "data": data})
            }
            Document::Text(text) => text_source(&text),
        },
        Source::Text(text) => text_source(text),
        Source::Url(url) => json!({"type": "url", "url": url}),
        Source::Id(id) => json!({"type": "file", "file_id": id}),
    };
    let mut block = json!({"type": "document", "source": source});
    if let (Some(name), Some(members)) = (&media.name, block.as_object_mut()) {
        members.insert("title".to_owned(), json!(name));
    }
    Some(block)
}

fn text_source(text: &str) -> Value {
    json!({"type": "text", "media_type": "text/plain", "data": text})
}

/// What a document in base64 is to Anthropic.
enum Document {
    Pdf,
    Text(String),
}

/// PDF as it is; texts of any kind, which Anthropic takes only plain, decoded.
fn document_of(media: &Media, data: &str) -> Option<Document> {
    match media.media_type.as_deref() {
        Some("application/pdf") | None => Some(Document::Pdf),
        Some(kind) if kind.starts_with("text/") || kind == "application/json" => {
            decoded(data).map(Document::Text)
        }
        Some(_) => None,
    }
}

/// The UTF-8 text in base64 (RFC 4648, section 4); `None` if it is none.
fn decoded(data: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(data.len() / 4 * 3);
    let (mut bits, mut held) = (0_u32, 0_u32);
    for letter in data.trim_end_matches('=').bytes() {
        let digit = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6 | u32::from(digit)) & 0xFFFF;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from(bits >> held & 0xFF).ok()?);
        }
    }
    String::from_utf8(bytes).ok()
}
