//! Taking members out of a JSON object one by one, so that what is left is what nobody here knew.
//!
//! A `null` is an absent member: official clients send both for "not set". A member of another type is an error that names
//! its place.

use serde_json::{Map, Value};

use super::neutral::Misread;

/// An object whose members are taken out, and where it stands.
#[derive(Debug)]
pub(super) struct Object {
    at: String,
    members: Map<String, Value>,
}

impl Object {
    /// The object in `value`, which stands at `at` (empty for the whole body).
    ///
    /// # Errors
    /// Any other value.
    pub(super) fn of(value: Value, at: impl Into<String>) -> Result<Self, Misread> {
        let at = at.into();
        match value {
            Value::Object(members) => Ok(Self { at, members }),
            other => Err(misread(&at, "a JSON object", &other)),
        }
    }

    /// The object that is the whole of `body`.
    ///
    /// # Errors
    /// What is not JSON, or no object.
    pub(super) fn read(body: &[u8]) -> Result<Self, Misread> {
        let value: Value = serde_json::from_slice(body).map_err(|error| Misread {
            at: String::new(),
            expected: "a JSON object".to_owned(),
            found: error.to_string(),
        })?;
        Self::of(value, "")
    }

    /// Where the member `key` stands.
    pub(super) fn at(&self, key: &str) -> String {
        if self.at.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.at)
        }
    }

    /// Takes `key` as it is; `None` if it is absent or null.
    pub(super) fn take(&mut self, key: &str) -> Option<Value> {
        self.members
            .shift_remove(key)
            .filter(|value| !value.is_null())
    }

    /// The member `key`, left where it is.
    pub(super) fn peek(&self, key: &str) -> Option<&Value> {
        self.members.get(key).filter(|value| !value.is_null())
    }

    /// Puts back what was taken, or a part of it.
    pub(super) fn put(&mut self, key: &str, value: Value) {
        self.members.insert(key.to_owned(), value);
    }

    /// Takes a text.
    pub(super) fn text(&mut self, key: &str) -> Result<Option<String>, Misread> {
        self.typed(key, "a string", |value| match value {
            Value::String(text) => Ok(text),
            other => Err(other),
        })
    }

    /// Takes a text that must be there.
    pub(super) fn need_text(&mut self, key: &str) -> Result<String, Misread> {
        self.text(key)?.ok_or_else(|| self.missing(key, "a string"))
    }

    /// Takes a truth value.
    pub(super) fn flag(&mut self, key: &str) -> Result<Option<bool>, Misread> {
        self.typed(key, "true or false", |value| value.as_bool().ok_or(value))
    }

    /// Takes a number.
    pub(super) fn number(&mut self, key: &str) -> Result<Option<f64>, Misread> {
        self.typed(key, "a number", |value| value.as_f64().ok_or(value))
    }

    /// Takes a whole number of at least 0; one written as `3.0` counts.
    pub(super) fn count(&mut self, key: &str) -> Result<Option<u64>, Misread> {
        self.typed(key, "a whole number of at least 0", |value| {
            count_of(&value).ok_or(value)
        })
    }

    /// Takes a whole number.
    pub(super) fn whole(&mut self, key: &str) -> Result<Option<i64>, Misread> {
        self.typed(key, "a whole number", |value| value.as_i64().ok_or(value))
    }

    /// Takes a list; an absent one is empty.
    pub(super) fn list(&mut self, key: &str) -> Result<Vec<Value>, Misread> {
        let list = self.typed(key, "a list", |value| match value {
            Value::Array(list) => Ok(list),
            other => Err(other),
        })?;
        Ok(list.unwrap_or_default())
    }

    /// Takes an object.
    pub(super) fn object(&mut self, key: &str) -> Result<Option<Self>, Misread> {
        let at = self.at(key);
        self.take(key).map(|value| Self::of(value, at)).transpose()
    }

    /// The error that `key` is not there.
    pub(super) fn missing(&self, key: &str, expected: &str) -> Misread {
        Misread {
            at: self.at(key),
            expected: expected.to_owned(),
            found: "nothing".to_owned(),
        }
    }

    /// What has not been taken, in its order; nulls too.
    pub(super) fn rest(self) -> Map<String, Value> {
        self.members
    }

    fn typed<T>(
        &mut self,
        key: &str,
        expected: &str,
        read: impl FnOnce(Value) -> Result<T, Value>,
    ) -> Result<Option<T>, Misread> {
        let Some(value) = self.take(key) else {
            return Ok(None);
        };
        match read(value) {
            Ok(value) => Ok(Some(value)),
            Err(other) => Err(misread(&self.at(key), expected, &other)),
        }
    }
}

/// The error that `found` stands at `at` in place of `expected`.
pub(super) fn misread(at: &str, expected: &str, found: &Value) -> Misread {
    let found = match found {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => format!("the number {number}"),
        Value::String(_) => "a string".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    };
    Misread {
        at: at.to_owned(),
        expected: expected.to_owned(),
        found,
    }
}

/// A whole number of at least 0 and below 2⁵³.
fn count_of(value: &Value) -> Option<u64> {
    let whole = |number: f64| {
        let fits = number >= 0.0 && number.fract() == 0.0 && number < 9_007_199_254_740_992.0;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked to be whole and in range"
        )]
        fits.then_some(number as u64)
    };
    value.as_u64().or_else(|| value.as_f64().and_then(whole))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_taken_is_gone_and_the_rest_keeps_its_order() {
        let mut object = Object::of(json!({"z": 1, "model": "m", "b": null, "a": 2}), "").unwrap();
        assert_eq!(object.need_text("model").unwrap(), "m");
        assert_eq!(object.text("b").unwrap(), None, "null is absent");
        let keys: Vec<_> = object.rest().keys().cloned().collect();
        assert_eq!(keys, ["z", "a"]);
    }

    #[test]
    fn another_type_is_named_with_its_place() {
        let mut object = Object::of(json!({"n": "x"}), "messages[2]").unwrap();
        let error = object.count("n").unwrap_err().to_string();
        assert_eq!(
            error,
            "messages[2].n: expected a whole number of at least 0, found a string"
        );
        let missing = object.need_text("id").unwrap_err().to_string();
        assert_eq!(missing, "messages[2].id: expected a string, found nothing");
    }

    #[test]
    fn numbers_are_whole_only_if_they_are() {
        let count = |value: Value| Object::of(json!({"n": value}), "").unwrap().count("n");
        assert_eq!(count(json!(3.0)).unwrap(), Some(3));
        assert!(
            count(json!(3.5)).is_err() && count(json!(-1)).is_err() && count(json!(1e300)).is_err()
        );
    }
}
