//! Names as people write them in files and requests: checked once, cheap to clone.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize};

/// Why a text is not a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The text has no characters.
    #[error("expected a name, found an empty text")]
    Empty,
    /// The text is longer than a name may be.
    #[error("expected at most {MAX_NAME} bytes, found {0}")]
    TooLong(usize),
    /// A character that no name of this kind may contain.
    #[error("character {0:?} is not allowed in {1} (letters, digits and {2} are)")]
    Character(char, &'static str, &'static str),
    /// A `use` that is not `provider/model`.
    #[error("expected \"provider/model\", found {0:?}")]
    NoSlash(String),
}

/// Longest name that is accepted, in bytes. Names become metric labels and header values.
const MAX_NAME: usize = 200;

fn check(text: &str, what: &'static str, extra: &'static str) -> Result<(), NameError> {
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    if text.len() > MAX_NAME {
        return Err(NameError::TooLong(text.len()));
    }
    match text
        .chars()
        .find(|c| !c.is_ascii_alphanumeric() && !extra.contains(*c))
    {
        Some(c) => Err(NameError::Character(c, what, extra)),
        None => Ok(()),
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $what:literal, $extra:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $type(Arc<str>);

        impl $type {
            /// Checks `text` and makes it a name.
            pub fn new(text: &str) -> Result<Self, NameError> {
                check(text, $what, $extra)?;
                Ok(Self(text.into()))
            }

            /// The name as written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::new(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

name! {
    /// A route: what clients put into `model`. It has no slash, so that it is never taken for `provider/model`.
    RouteName, "a route's name", "-_.:@"
}
name! {
    /// A target of a route, unique within it.
    TargetName, "a target's name", "-_.:@/+"
}
name! {
    /// A provider with its credential.
    ProviderName, "a provider's name", "-_.@"
}

/// What evidence belongs to: a provider (with its credential) and a model, written `provider/model`.
///
/// The model may contain slashes of its own: the text is split at the first one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UpstreamName {
    provider: ProviderName,
    text: Arc<str>,
    model_at: usize,
}

impl UpstreamName {
    /// Splits `text` at its first slash.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let Some((provider, model)) = text.split_once('/') else {
            return Err(NameError::NoSlash(text.to_owned()));
        };
        let provider = ProviderName::new(provider)?;
        check(model, "a model's name", "-_.:@/+ ()[],~=")?;
        let model_at = provider.as_str().len() + 1;
        Ok(Self {
            provider,
            text: text.into(),
            model_at,
        })
    }

    /// The provider's name.
    pub fn provider(&self) -> &ProviderName {
        &self.provider
    }

    /// The model's name as the provider knows it.
    pub fn model(&self) -> &str {
        self.text.get(self.model_at..).unwrap_or_default()
    }

    /// `provider/model`.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for UpstreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for UpstreamName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for UpstreamName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::new(&text).map_err(serde::de::Error::custom)
    }
}

/// Position of a target within its route or request list.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default,
)]
#[serde(transparent)]
pub struct TargetIndex(pub u16);

impl TargetIndex {
    /// The position as an index into a slice.
    pub const fn get(self) -> usize {
        self.0 as usize
    }

    /// Position `index`; positions past the largest possible one (65,535) saturate there.
    pub fn at(index: usize) -> Self {
        Self(u16::try_from(index).unwrap_or(u16::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn model_names_keep_their_own_slashes() {
        let name = UpstreamName::new("together/deepseek-ai/DeepSeek-R1").unwrap();
        assert_eq!(name.provider().as_str(), "together");
        assert_eq!(name.model(), "deepseek-ai/DeepSeek-R1");
    }

    #[test]
    fn control_characters_and_quotes_are_refused() {
        assert!(UpstreamName::new("a/b\r\nx: y").is_err());
        assert!(RouteName::new("chat/x").is_err());
        assert!(ProviderName::new("").is_err());
        assert!(UpstreamName::new("no-slash").is_err());
    }
}
