//! Looking into JSON without building it.
//!
//! `serde_json::Value` copies every string of a body to read two of them. Here a value stays the text it came as: an object
//! is walked once, the members that somebody asked for are kept as slices, and everything else is skipped. The skipping is
//! `serde_json`'s own, which checks the syntax and keeps no stack frame per level, so depth costs a byte and not a crash.

use std::borrow::Cow;
use std::fmt;
use std::ops::ControlFlow;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::place::{At, Error};
use super::shape::Shape;

/// One member of an object.
#[derive(Debug)]
pub(super) struct Member<'a> {
    /// Its key without quotes and escapes.
    pub(super) key: Cow<'a, str>,
    /// Its key as written, with its quotes: a slice of the text that is walked.
    pub(super) key_text: &'a str,
    /// Its value: a slice of the text that is walked.
    pub(super) value: &'a RawValue,
}

/// Walks the members of the object that is the whole of `text`, in their order.
///
/// # Errors
/// Text that is not one JSON object, and whatever `visit` returns, which ends the walk.
pub(super) fn members<'a, F>(text: &'a str, visit: F) -> Result<(), Error>
where
    F: FnMut(Member<'a>) -> Result<(), Error>,
{
    let mut stopped = None;
    let mut reader = serde_json::Deserializer::from_str(text);
    let walk = Walk {
        visit,
        stopped: &mut stopped,
    };
    let end = reader.deserialize_map(walk).and_then(|()| reader.end());
    match (stopped, end) {
        (Some(error), _) => Err(error),
        (None, Err(error)) => Err(syntax(text, &error)),
        (None, Ok(())) => Ok(()),
    }
}

/// Walks the members of the object that is the whole of `text` as [`members`] does, but hands over only those whose keys are
/// `wanted`. The others are checked and skipped, which takes half as long.
///
/// # Errors
/// Text that is not one JSON object.
pub(super) fn wanted_members<'a>(
    text: &'a str,
    wanted: &[&str],
    visit: impl FnMut(&str, &'a RawValue),
) -> Result<(), Error> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let walk = Wanted { wanted, visit };
    let end = reader.deserialize_map(walk).and_then(|()| reader.end());
    end.map_err(|error| syntax(text, &error))
}

struct Wanted<'w, F> {
    wanted: &'w [&'w str],
    visit: F,
}

impl<'de, F: FnMut(&str, &'de RawValue)> Visitor<'de> for Wanted<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(place) = map.next_key_seed(Among(self.wanted))? {
            match place.and_then(|place| self.wanted.get(place)) {
                Some(key) => (self.visit)(key, map.next_value()?),
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

/// Reads a key as its place among these. As bytes, since a key that does not decode is nobody's name and no error.
struct Among<'w>(&'w [&'w str]);

impl<'de> DeserializeSeed<'de> for Among<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_bytes(self)
    }
}

impl Visitor<'_> for Among<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_bytes<E: serde::de::Error>(self, key: &[u8]) -> Result<Self::Value, E> {
        // Without escapes it is as it is written, where signs like a line end may not stand.
        if key.iter().any(|byte| *byte < b' ') {
            return Err(E::custom("a control character in a key"));
        }
        self.visit_bytes(key)
    }

    fn visit_bytes<E: serde::de::Error>(self, key: &[u8]) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|known| known.as_bytes() == key))
    }
}

/// The error for a body that is not one JSON object. The JSON library's own words are taken only where they quote nothing.
fn syntax(text: &str, error: &serde_json::Error) -> Error {
    let first = text.trim_ascii_start().bytes().next();
    let shape = first.and_then(Shape::starting_with);
    At::ROOT.error(match (first, shape) {
        (None, _) => "expected a JSON object, found an empty body".to_owned(),
        (Some(_), Some(Shape::Object)) => format!("expected a JSON object, found {error}"),
        (Some(_), Some(shape)) => format!("expected a JSON object, found {}", shape.words()),
        (Some(_), None) => "expected a JSON object, found text that is not JSON".to_owned(),
    })
}

struct Walk<'s, F> {
    visit: F,
    stopped: &'s mut Option<Error>,
}

impl<'de, F> Visitor<'de> for Walk<'_, F>
where
    F: FnMut(Member<'de>) -> Result<(), Error>,
{
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some((key, value)) = map.next_entry::<&RawValue, &RawValue>()? {
            let member = Member {
                key: plain(key.get()),
                key_text: key.get(),
                value,
            };
            if let Err(error) = (self.visit)(member) {
                *self.stopped = Some(error);
                return Err(A::Error::custom("stopped"));
            }
        }
        Ok(())
    }
}

/// A key without its quotes and escapes. A key that does not decode (half a surrogate pair) is nobody's name: it stays as
/// it is written.
fn plain(key: &str) -> Cow<'_, str> {
    if key.contains('\\') {
        return serde_json::from_str(key).map_or(Cow::Borrowed(key), Cow::Owned);
    }
    let inner = key.strip_prefix('"').and_then(|key| key.strip_suffix('"'));
    Cow::Borrowed(inner.unwrap_or(key))
}

/// Most unknown members of one request that are told, and most characters of each that are repeated: they go into a header.
const MOST_UNKNOWN: usize = 4;
const LONGEST_TOLD: usize = 40;

/// The members of one object that have a meaning here; the others are skipped.
#[derive(Debug)]
pub(super) struct Known<'a> {
    names: &'static [&'static str],
    values: Vec<Option<&'a RawValue>>,
}

impl<'a> Known<'a> {
    /// Nothing found yet of `names`.
    pub(super) fn new(names: &'static [&'static str]) -> Self {
        Self {
            names,
            values: vec![None; names.len()],
        }
    }

    /// Reads the object `value` at `at`.
    ///
    /// # Errors
    /// A value that is not an object, and one of `names` written twice: which of the two counts would be a guess.
    pub(super) fn read(
        names: &'static [&'static str],
        value: &'a RawValue,
        at: &At<'_>,
    ) -> Result<Self, Error> {
        if Shape::of(value) != Shape::Object {
            return Err(at.unexpected("an object", value));
        }
        let mut known = Self::new(names);
        members(value.get(), |member| known.put(&member, at).map(drop))?;
        Ok(known)
    }

    /// As [`Known::read`], where every member is ours: another one is most likely misspelled, and is told in `warnings`.
    pub(super) fn read_all(
        names: &'static [&'static str],
        value: &'a RawValue,
        at: &At<'_>,
        warnings: &mut Vec<String>,
    ) -> Result<Self, Error> {
        let known = Self::read(names, value, at)?;
        members(value.get(), |member| {
            let room = warnings.len() < MOST_UNKNOWN;
            if room && !names.contains(&member.key.as_ref()) {
                let key: String = member.key.chars().take(LONGEST_TOLD).collect();
                let key = key.escape_default();
                let names = names.join(", ");
                warnings.push(format!(
                    "{at}: unknown key \"{key}\", ignored; known here: {names}"
                ));
            }
            Ok(())
        })?;
        Ok(known)
    }

    /// Keeps `member` of the object at `at` if it is one of the names; says whether it is.
    pub(super) fn put(&mut self, member: &Member<'a>, at: &At<'_>) -> Result<bool, Error> {
        let Some(index) = self.names.iter().position(|name| *name == member.key) else {
            return Ok(false);
        };
        match self.values.get_mut(index) {
            Some(Some(_)) => Err(at
                .key(&member.key)
                .error("expected this key once, found it twice")),
            Some(empty) => {
                *empty = Some(member.value);
                Ok(true)
            }
            None => Ok(false),
        }
    }

    /// The value of `name`, null included.
    pub(super) fn written(&self, name: &str) -> Option<&'a RawValue> {
        let index = self.names.iter().position(|known| *known == name)?;
        self.values.get(index).copied().flatten()
    }

    /// The value of `name`; null counts as absent.
    pub(super) fn value(&self, name: &str) -> Option<&'a RawValue> {
        self.written(name)
            .filter(|value| Shape::of(value) != Shape::Null)
    }
}

/// The elements of the array `value` at `at`, at most `most` of them.
///
/// # Errors
/// A value that is not an array, and more than `most` elements.
pub(super) fn elements<'a>(
    value: &'a RawValue,
    most: usize,
    at: &At<'_>,
) -> Result<Vec<&'a RawValue>, Error> {
    if Shape::of(value) != Shape::Array {
        return Err(at.unexpected("an array", value));
    }
    let mut reader = serde_json::Deserializer::from_str(value.get());
    let read = reader.deserialize_seq(Elements { most });
    let (elements, total) = read.map_err(|error| at.error(error.to_string()))?;
    if total > most {
        return Err(at.error(format!("expected at most {most} entries, found {total}")));
    }
    Ok(elements)
}

struct Elements {
    most: usize,
}

impl<'de> Visitor<'de> for Elements {
    type Value = (Vec<&'de RawValue>, usize);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut kept = Vec::new();
        while kept.len() < self.most {
            let Some(element) = seq.next_element()? else {
                let total = kept.len();
                return Ok((kept, total));
            };
            kept.push(element);
        }
        let mut total = kept.len();
        while seq.next_element::<IgnoredAny>()?.is_some() {
            total += 1;
        }
        Ok((kept, total))
    }
}

/// Walks the elements of the array that is the whole of `text` until `visit` has seen enough; nothing if it is no array. What
/// follows the last one that is visited is not read.
pub(super) fn each_element<'a>(text: &'a str, visit: impl FnMut(&'a RawValue) -> ControlFlow<()>) {
    let mut reader = serde_json::Deserializer::from_str(text);
    // An error is the end of the walk: the caller has what was seen before.
    drop(reader.deserialize_seq(EachElement { visit }));
}

struct EachElement<F> {
    visit: F,
}

impl<'de, F> Visitor<'de> for EachElement<F>
where
    F: FnMut(&'de RawValue) -> ControlFlow<()>,
{
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<(), A::Error> {
        while let Some(element) = seq.next_element()? {
            if (self.visit)(element).is_break() {
                return Err(A::Error::custom("stopped"));
            }
        }
        Ok(())
    }
}

/// The text of the string `value` at `at`.
pub(super) fn text(value: &RawValue, expected: &str, at: &At<'_>) -> Result<String, Error> {
    if Shape::of(value) != Shape::Text {
        return Err(at.unexpected(expected, value));
    }
    serde_json::from_str(value.get()).map_err(|_| {
        at.error(format!(
            "expected {expected}, found a string with a broken escape"
        ))
    })
}

/// The boolean `value` at `at`.
pub(super) fn boolean(value: &RawValue, at: &At<'_>) -> Result<bool, Error> {
    match value.get() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(at.unexpected("true or false", value)),
    }
}

/// The number `value` at `at`; too large ones are infinite.
pub(super) fn number(value: &RawValue, expected: &str, at: &At<'_>) -> Result<f64, Error> {
    match (Shape::of(value), value.get().parse()) {
        (Shape::Number, Ok(number)) => Ok(number),
        _ => Err(at.unexpected(expected, value)),
    }
}

/// The whole number `value` at `at`, from `least` to `most`; `2.0` is whole too, as some clients print integers so.
pub(super) fn whole(value: &RawValue, least: u16, most: u16, at: &At<'_>) -> Result<u16, Error> {
    let expected = format!("a whole number from {least} to {most}");
    let number = number(value, &expected, at)?;
    if number.fract() != 0.0 || number < f64::from(least) || number > f64::from(most) {
        return Err(at.unexpected(&expected, value));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole and within the bounds of u16, checked above"
    )]
    Ok(number as u16)
}
