//! The `model` of a multipart form: uploads of sound and images name it in a field beside the file.
//!
//! Source: <https://www.rfc-editor.org/rfc/rfc7578>, <https://www.rfc-editor.org/rfc/rfc2046#section-5.1.1>.

use std::ops::Range;

use memchr::memmem;

/// Longest boundary that the standard allows.
const MAX_BOUNDARY: usize = 70;
/// Longest head of a part that is looked at.
const MAX_HEAD: usize = 4 * 1024;

/// Where the value of the field `model` stands in `body`, a form of the type `content_type`; `None` if there is none.
/// Linear in the body.
pub fn model(content_type: &str, body: &[u8]) -> Option<Range<usize>> {
    let boundary = boundary(content_type)?;
    let delimiter = format!("--{boundary}");
    let finder = memmem::Finder::new(delimiter.as_bytes());
    let mut at = finder.find(body)?;
    loop {
        let begin = at + delimiter.len();
        let rest = body.get(begin..)?;
        let length = finder.find(rest)?;
        if let Some(value) = field(rest.get(..length)?) {
            return Some(begin + value.start..begin + value.end);
        }
        at = begin + length;
    }
}

/// The boundary that `multipart/form-data; boundary=…` names.
fn boundary(content_type: &str) -> Option<&str> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let value = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("boundary")
            .then_some(value.trim().trim_matches('"'))
    })?;
    (1..=MAX_BOUNDARY).contains(&value.len()).then_some(value)
}

/// Where the value of the part is, if it is the field `model`. A part begins with the end of its delimiter's line and ends
/// with the line end before the next one.
fn field(part: &[u8]) -> Option<Range<usize>> {
    let begin = part.strip_prefix(b"\r\n").map(|_| 2)?;
    let head_end = memmem::find(part.get(..part.len().min(MAX_HEAD))?, b"\r\n\r\n")?;
    let head = std::str::from_utf8(part.get(begin..head_end)?).ok()?;
    let is_model = head.lines().any(|line| {
        let Some((name, value)) = line.split_once(':') else {
            return false;
        };
        name.trim().eq_ignore_ascii_case("content-disposition") && names_model(value)
    });
    let value = head_end + 4..part.len().checked_sub(2)?;
    (is_model && value.start <= value.end).then_some(value)
}

fn names_model(disposition: &str) -> bool {
    let mut parameters = disposition.split(';').map(str::trim);
    let is_form = parameters.next() == Some("form-data");
    is_form && parameters.any(|it| it == "name=\"model\"" || it == "name=model")
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: &str = "--b-1\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\nContent-Type: audio/wav\r\n\r\n\
        RIFF--b-\r\nname=\"model\"\r\n--b-1\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n--b-1--\r\n";

    #[test]
    fn the_model_is_found_wherever_it_stands() {
        let found = model("multipart/form-data; boundary=b-1", FORM.as_bytes()).unwrap();
        assert_eq!(FORM.get(found), Some("whisper-1"));
        let quoted = model(
            "Multipart/Form-Data; charset=x; boundary=\"b-1\"",
            FORM.as_bytes(),
        );
        assert!(quoted.is_some());
    }

    #[test]
    fn what_is_no_such_form_has_none() {
        for kind in [
            "application/json",
            "multipart/form-data",
            "multipart/form-data; boundary=",
            "multipart/form-data; boundary=other",
            "multipart/mixed; boundary=b-1",
        ] {
            assert_eq!(model(kind, FORM.as_bytes()), None, "{kind}");
        }
        for length in 0..FORM.len() {
            let cut = FORM.as_bytes().get(..length).unwrap_or_default();
            let found = model("multipart/form-data; boundary=b-1", cut);
            let whole = FORM.find("\r\n--b-1--").unwrap_or(0);
            assert!(found.is_none() || length > whole, "{length}");
        }
    }
}
