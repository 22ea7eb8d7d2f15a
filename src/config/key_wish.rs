//! A wish for a client key: what somebody sends, and everything that can be wrong with it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Config;
use super::budget::KeyBudget;
use super::issued::{Deed, Rights};
use super::keys::{day_ends, is_word};
use super::quantity::duration;
use super::wish::{LONGEST_NAME, LONGEST_REASON, Refused, text};
use crate::limit::quota::MOST_PER_MINUTE;
use crate::model::RouteName;

/// Most routes, and most tags, of one key.
const MOST_LISTED: usize = 256;
/// Longest life that is written as a number of seconds: ten years. What is to hold longer need not expire.
const LONGEST_LIFE: u64 = 10 * 366 * 86_400;

/// A wish for a client key, as it is sent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "daemon", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct KeyWish {
    /// Its name, in the books and in lists: at most 100 visible ASCII characters.
    pub name: String,
    /// The routes that it may ask for; everything if there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub routes: Option<Vec<String>>,
    /// Tags that every target of its requests must have.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub require: Vec<String>,
    /// Requests that it may send in a minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<u32>,
    /// Tokens that its requests may take in a minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_per_minute: Option<u32>,
    /// What its requests may cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<KeyBudget>,
    /// The day to whose end, by UTC, it is accepted, such as `2026-12-31`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// Or for how many seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<u64>,
    /// The team that its cost is put down to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// The feature of an application.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feature: Option<String>,
    /// The user of an application.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Why it is made.
    pub reason: String,
    /// Who makes it; `api` if nobody is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// Who does something about a key, and why, as it is sent.
///
/// # Errors
/// One of them is no line.
pub fn deed(by: Option<&str>, reason: &str, now: u64) -> Result<Deed, Refused> {
    Ok(Deed {
        at: now,
        by: text("by", by.unwrap_or("api"), LONGEST_NAME)?,
        reason: text("reason", reason, LONGEST_REASON)?,
    })
}

impl KeyWish {
    /// What the key may and who makes it, now (seconds since 1970).
    ///
    /// # Errors
    /// It makes no sense, or names what `config` does not have.
    pub fn checked(&self, config: &Config, now: u64) -> Result<(Arc<str>, Rights, Deed), Refused> {
        let deed = deed(self.by.as_deref(), &self.reason, now)?;
        let rights = Rights {
            routes: self.routes(config)?,
            require: self.tags()?,
            requests_per_minute: rate("requests_per_minute", self.requests_per_minute)?,
            tokens_per_minute: rate("tokens_per_minute", self.tokens_per_minute)?,
            budget: match &self.budget {
                Some(budget) => {
                    budget.checked().map_err(Refused::wrong)?;
                    Some(budget.clone())
                }
                None => None,
            },
            expires: self.end(now)?,
            team: word("team", self.team.as_deref())?,
            feature: word("feature", self.feature.as_deref())?,
            user: word("user", self.user.as_deref())?,
        };
        Ok((self.name()?, rights, deed))
    }

    /// A name that can stand in the books, in a file and in an address.
    fn name(&self) -> Result<Arc<str>, Refused> {
        let name = self.name.as_str();
        // Dots alone are a folder of an address.
        let is_fit =
            is_word(name) && !name.contains(['"', '\\']) && name.bytes().any(|byte| byte != b'.');
        if is_fit {
            return Ok(name.into());
        }
        let found: String = name.chars().take(100).collect();
        Err(Refused::wrong(format!(
            "name: expected at most 100 visible ASCII characters without quotes, found {found:?}"
        )))
    }

    fn routes(&self, config: &Config) -> Result<Option<Vec<RouteName>>, Refused> {
        let Some(names) = &self.routes else {
            return Ok(None);
        };
        if names.is_empty() {
            let message = "routes: expected some, found none; leave it out where the key may ask for everything";
            return Err(Refused::wrong(message));
        }
        bounded("routes", names.len())?;
        let mut routes = Vec::new();
        for name in names {
            let known = || config.routes.keys().map(RouteName::as_str);
            let Some(route) = config.routes.keys().find(|route| route.as_str() == name) else {
                return Err(Refused::unknown("route", name, known()));
            };
            if !routes.contains(route) {
                routes.push(route.clone());
            }
        }
        Ok(Some(routes))
    }

    fn tags(&self) -> Result<Vec<String>, Refused> {
        bounded("require", self.require.len())?;
        let mut tags: Vec<String> = Vec::new();
        for tag in &self.require {
            let trimmed = tag.trim();
            if trimmed.is_empty() || trimmed.chars().count() > LONGEST_NAME {
                let message = format!("require: expected tags of 1 to {LONGEST_NAME} characters");
                return Err(Refused::wrong(message));
            }
            if !tags.iter().any(|known| known == tag) {
                tags.push(tag.clone());
            }
        }
        Ok(tags)
    }

    /// When it expires, in seconds since 1970.
    fn end(&self, now: u64) -> Result<Option<u64>, Refused> {
        let until = match (&self.expires, self.seconds) {
            (None, None) => return Ok(None),
            (Some(_), Some(_)) => {
                let message = "seconds: expected either expires or seconds, found both";
                return Err(Refused::wrong(message));
            }
            (None, Some(seconds)) if (1..=LONGEST_LIFE).contains(&seconds) => now + seconds,
            (None, Some(_)) => {
                let message = format!("seconds: expected a number from 1 to {LONGEST_LIFE}");
                return Err(Refused::wrong(message));
            }
            (Some(day), None) => day_ends(day).map_or(0, |end| end.as_micros() / 1_000_000),
        };
        if until > now {
            return Ok(Some(until));
        }
        let found: String = self
            .expires
            .iter()
            .flat_map(|day| day.chars())
            .take(100)
            .collect();
        Err(Refused::wrong(format!(
            "expires: expected a day to come such as 2030-12-31, found {found:?}"
        )))
    }
}

/// How long a key is to be accepted, in seconds, from a text such as `12h` or `90d`.
///
/// # Errors
/// It is no time, or none from a second to ten years.
pub fn key_life(text: &str) -> Result<u64, String> {
    let seconds = duration(text).map_or(0, |span| span.as_secs());
    if (1..=LONGEST_LIFE).contains(&seconds) {
        Ok(seconds)
    } else {
        Err("expected a time such as 12h or 90d, ten years at most".to_owned())
    }
}

fn bounded(key: &str, found: usize) -> Result<(), Refused> {
    if found <= MOST_LISTED {
        return Ok(());
    }
    let message = format!("{key}: expected at most {MOST_LISTED}, found {found}");
    Err(Refused::wrong(message))
}

fn rate(key: &str, most: Option<u32>) -> Result<Option<u32>, Refused> {
    match most {
        Some(most) if !(1..=MOST_PER_MINUTE).contains(&most) => Err(Refused::wrong(format!(
            "{key}: expected a whole number from 1 to {MOST_PER_MINUTE}, found {most}"
        ))),
        other => Ok(other),
    }
}

fn word(key: &str, given: Option<&str>) -> Result<Option<String>, Refused> {
    match given {
        Some(text) if !is_word(text) => Err(Refused::wrong(format!(
            "{key}: expected at most 100 visible ASCII characters"
        ))),
        other => Ok(other.map(str::to_owned)),
    }
}
