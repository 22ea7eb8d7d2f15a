//! Secrets of one key that take each other's place: which are one family, and until when an old one is accepted.
//!
//! Problem: whoever changes a key wants clients to follow one by one, and must not give the key's limits, books and budget
//! twice. Choice: a secret that was replaced says by which, and until when it is accepted beside it, so the secrets of a key
//! are a chain with the current one at its end, and rights are looked up once, by the key. A chain is known by a secret
//! rather than by a name: once the files have a secret of their own under the name, no older chain comes with it.
//! How it fails: what leads nowhere is accepted to its end and no longer.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::issued::{Deed, Issued};
use super::key_digest::{digest_of, digest_text};
use super::quantity::duration;
use super::wish::Refused;
use crate::model::Time;

/// How long the secret before is accepted beside the new one, in seconds, where nothing else is said: a day, in which
/// whatever is deployed daily has been.
const USUAL_GRACE: u64 = 86_400;
/// Longest such time: a quarter of a year. What is to be accepted for longer is another key.
const LONGEST_GRACE: u64 = 92 * 86_400;

/// How another secret took this one's place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replaced {
    /// Who did it, when, why.
    pub deed: Deed,
    /// From when on this one is refused, in seconds since 1970.
    pub until: u64,
    /// What the one in its place is told by.
    #[serde(serialize_with = "written", deserialize_with = "read")]
    pub by: [u8; 32],
}

fn written<S: Serializer>(digest: &[u8; 32], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&digest_text(digest))
}

fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 32], D::Error> {
    let text = String::deserialize(deserializer)?;
    digest_of(&text).ok_or_else(|| serde::de::Error::custom("expected a SHA-256"))
}

impl Replaced {
    /// From when on this one is refused.
    pub fn ends(&self) -> Time {
        Time::from_micros(self.until.saturating_mul(1_000_000))
    }
}

/// A wish for a new secret of a key, as it is sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "daemon", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Rotation {
    /// For how many seconds the secret before is accepted beside the new one; a day if nothing is said, 0 to end it at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<u64>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who; `api` if nobody is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

impl Rotation {
    /// When the secret before ends, in seconds since 1970.
    ///
    /// # Errors
    /// That is later than anything may be.
    pub fn ends(&self, now: u64) -> Result<u64, Refused> {
        match self.seconds.unwrap_or(USUAL_GRACE) {
            seconds if seconds <= LONGEST_GRACE => Ok(now.saturating_add(seconds)),
            seconds => Err(Refused::wrong(format!(
                "seconds: expected a number from 0 to {LONGEST_GRACE}, found {seconds}"
            ))),
        }
    }
}

/// How long a secret is accepted beside the one in its place, in seconds, from a text such as `24h` or `0s`.
///
/// # Errors
/// It is no time, or none up to 92 days.
pub fn grace(text: &str) -> Result<u64, String> {
    let seconds = match text.trim() {
        "0" | "0s" => Some(0),
        other => duration(other).ok().map(|span| span.as_secs()),
    };
    seconds
        .filter(|seconds| *seconds <= LONGEST_GRACE)
        .ok_or_else(|| "expected a time such as 24h or 0s, 92 days at most".to_owned())
}

/// The secrets of each key, by the chains that they are.
#[derive(Debug)]
pub struct Families<'a> {
    issued: &'a Issued,
    /// Which secret each took the place of.
    before: BTreeMap<[u8; 32], [u8; 32]>,
}

impl<'a> Families<'a> {
    /// Those of `issued`.
    pub fn of(issued: &'a Issued) -> Self {
        let before = issued.all.iter().filter_map(|(digest, issue)| {
            let replaced = issue.replaced.as_ref()?;
            Some((replaced.by, *digest))
        });
        Self {
            issued,
            before: before.collect(),
        }
    }

    /// The secrets that this one took the place of, the latest first.
    pub fn before(&self, secret: &[u8; 32]) -> Vec<[u8; 32]> {
        self.walk(*secret, |it| self.before.get(it).copied())
    }

    /// The secret at the end of the chain: the one itself, where none took its place.
    pub fn current(&self, secret: &[u8; 32]) -> [u8; 32] {
        let next = |it: &[u8; 32]| Some(self.issued.all.get(it)?.replaced.as_ref()?.by);
        let after = self.walk(*secret, next);
        after.last().copied().unwrap_or(*secret)
    }

    /// All secrets of the key that has this one: the current one, then those before, the latest first.
    pub fn whole(&self, secret: &[u8; 32]) -> Vec<[u8; 32]> {
        let current = self.current(secret);
        let mut all = vec![current];
        all.extend(self.before(&current));
        all
    }

    /// Where `next` leads from here. Books that somebody wrote into may lead in a circle, so no secret comes twice.
    fn walk(&self, from: [u8; 32], next: impl Fn(&[u8; 32]) -> Option<[u8; 32]>) -> Vec<[u8; 32]> {
        let mut found = Vec::new();
        let mut at = from;
        while let Some(one) = next(&at) {
            let is_known = one == from || found.contains(&one);
            if is_known || !self.issued.all.contains_key(&one) {
                break;
            }
            found.push(one);
            at = one;
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::config::Issue;

    fn deed() -> Deed {
        Deed {
            at: 1,
            by: "ada".to_owned(),
            reason: "a test".to_owned(),
        }
    }

    fn chain(links: &[(u8, Option<u8>)]) -> Issued {
        let mut issued = Issued::default();
        for (digest, by) in links {
            let issue = Issue {
                name: "app".into(),
                made: None,
                rotated: None,
                replaced: by.map(|by| Replaced {
                    deed: deed(),
                    until: 9,
                    by: [by; 32],
                }),
                revoked: None,
            };
            issued.all.insert([*digest; 32], Arc::new(issue));
        }
        issued
    }

    #[test]
    fn a_chain_is_the_same_from_each_of_its_secrets() {
        let issued = chain(&[(1, Some(2)), (2, Some(3)), (3, None), (7, None)]);
        let families = Families::of(&issued);
        for secret in 1..=3 {
            assert_eq!(families.whole(&[secret; 32]), [[3; 32], [2; 32], [1; 32]]);
        }
        assert_eq!(families.whole(&[7; 32]), [[7; 32]]);
        assert_eq!(
            families.whole(&[9; 32]),
            [[9; 32]],
            "one of the files, never rotated"
        );
    }

    #[test]
    fn circles_and_ends_that_are_lost_are_walked_once() {
        let issued = chain(&[(1, Some(2)), (2, Some(1)), (3, Some(3)), (4, Some(9))]);
        let families = Families::of(&issued);
        for secret in 1..=4 {
            let whole = families.whole(&[secret; 32]);
            assert!(whole.len() <= 2, "{secret}: {whole:?}");
        }
        assert_eq!(
            families.current(&[4; 32]),
            [4; 32],
            "accepted to its end, and no longer"
        );
    }

    #[test]
    fn a_grace_is_nothing_to_a_quarter_of_a_year() {
        for (text, seconds) in [("24h", 86_400), ("0s", 0), ("0", 0), ("92d", LONGEST_GRACE)] {
            assert_eq!(grace(text), Ok(seconds), "{text}");
        }
        for text in ["", "93d", "-1s", "soon", "1000000000h"] {
            assert!(grace(text).is_err(), "{text}");
        }
        let wish = |seconds| Rotation {
            seconds,
            ..Rotation::default()
        };
        assert_eq!(wish(None).ends(100), Ok(86_500));
        assert_eq!(wish(Some(0)).ends(100), Ok(100));
        let refused = wish(Some(u64::MAX)).ends(100).unwrap_err();
        assert!(
            refused.to_string().contains("from 0 to 7948800"),
            "{refused}"
        );
    }

    #[test]
    fn what_was_replaced_comes_back_from_the_books_as_it_was() {
        let issued = chain(&[(1, Some(2))]);
        let issue = &issued.all[&[1; 32]];
        let json = issue.to_json().unwrap();
        let back = Issue::from_json("app", [1; 32], &json).unwrap();
        assert_eq!(&back, &**issue);
        let plain = chain(&[(1, None)]).all[&[1; 32]].to_json().unwrap();
        assert!(
            !plain.contains("replaced"),
            "older programs read what was never rotated: {plain}"
        );
    }
}
