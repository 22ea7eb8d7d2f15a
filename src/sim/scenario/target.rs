//! A target of a scenario: its own keys beside those of its law.
//!
//! `serde(flatten)` would read the two together, but it takes unknown keys for somebody else's and is silent. Here the own
//! keys are taken out on the way and the law, which refuses what it does not know, reads the rest.

use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error, IntoDeserializer, MapAccess, Visitor};

use super::terms::TargetTerms;
use crate::balance::Weight;
use crate::law::Law;

/// A target of a scenario.
#[derive(Clone, Debug)]
pub struct SimTarget {
    /// Its configured weight.
    pub weight: Weight,
    /// Its tier: lower ones are filled first.
    pub tier: u8,
    /// What it serves.
    pub model: String,
    /// How it behaves. While `present` is 0 it is not in the configuration.
    pub law: Law,
    /// What a configuration says of it beyond that; nothing in a scenario's file.
    pub terms: TargetTerms,
}

impl SimTarget {
    /// Whether it is in the configuration at `seconds`.
    pub(in crate::sim) fn is_present(&self, seconds: f64) -> bool {
        self.law.present.at(seconds) >= 0.5
    }
}

impl<'de> Deserialize<'de> for SimTarget {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Parts)
    }
}

struct Parts;

impl<'de> Visitor<'de> for Parts {
    type Value = SimTarget;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a target: weight, tier, model and the keys of its law")
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<SimTarget, A::Error> {
        let mut own = Own::default();
        let rest = Rest {
            entries,
            own: &mut own,
        };
        let law = Law::deserialize(MapAccessDeserializer::new(rest))?;
        Ok(SimTarget {
            weight: own
                .weight
                .ok_or_else(|| A::Error::missing_field("weight"))?,
            tier: own.tier.unwrap_or(1),
            model: own.model.unwrap_or_else(|| "model".to_owned()),
            law,
            terms: TargetTerms::default(),
        })
    }
}

#[derive(Default)]
struct Own {
    weight: Option<Weight>,
    tier: Option<u8>,
    model: Option<String>,
}

/// All entries but those of [`Own`], which are put there.
struct Rest<'a, A> {
    entries: A,
    own: &'a mut Own,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Rest<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        mut seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        loop {
            match self.entries.next_key_seed(Sorted(seed))? {
                None => return Ok(None),
                Some(Key::Law(key)) => return Ok(Some(key)),
                Some(Key::Weight(unused)) => {
                    self.own.weight = Some(self.entries.next_value()?);
                    seed = unused;
                }
                Some(Key::Tier(unused)) => {
                    self.own.tier = Some(self.entries.next_value()?);
                    seed = unused;
                }
                Some(Key::Model(unused)) => {
                    self.own.model = Some(self.entries.next_value()?);
                    seed = unused;
                }
            }
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.entries.next_value_seed(seed)
    }
}

/// A key of the law as its reader took it, or one of ours and the reader's seed untouched.
enum Key<S, K> {
    Weight(S),
    Tier(S),
    Model(S),
    Law(K),
}

/// Reads a key where the entries read theirs, so that a refusal names the key's line.
struct Sorted<S>(S);

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Sorted<S> {
    type Value = Key<S, S::Value>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        let key = String::deserialize(from)?;
        match key.as_str() {
            "weight" => Ok(Key::Weight(self.0)),
            "tier" => Ok(Key::Tier(self.0)),
            "model" => Ok(Key::Model(self.0)),
            _ => {
                let taken = self.0.deserialize(key.into_deserializer()).map(Key::Law);
                // The law's reader names its own keys alone.
                taken.map_err(|error: D::Error| {
                    let known = error.to_string();
                    D::Error::custom(format_args!(
                        "{}, `weight`, `tier` or `model`",
                        known.trim_end()
                    ))
                })
            }
        }
    }
}
