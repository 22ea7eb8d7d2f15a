//! `[alerts]`: what an operator is warned of, and where the warnings go.

use std::collections::BTreeMap;
use std::time::Duration;

use super::credential::credential;
use super::field::Field;
use super::headers::headers;
use super::interpolate::Lookup;
use super::section::Section;
use super::settings::{DAY, set};
use super::{Endpoint, Secret};

/// What an operator is warned of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alerts {
    /// Which kinds are raised.
    pub kinds: Vec<AlertKind>,
    /// The part of a route's requests of the last minute that may fail, in parts per million.
    pub error_rate_ppm: u32,
    /// How far a target's part of a route's requests may be from the share that it was granted, in parts per million.
    pub share_off_ppm: u32,
    /// How long a target may be out before that is told.
    pub ejected_for: Duration,
    /// How long a share may be held by the same rail.
    pub rail_for: Duration,
    /// Where the warnings go, by name.
    pub webhooks: BTreeMap<String, Webhook>,
}

/// Somebody who is told of alerts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Where to; whoever knows it may write there, so it is never shown.
    pub url: Secret,
    /// In which form.
    pub format: WebhookFormat,
    /// Headers of each message, by their names in lower case.
    pub headers: Vec<(String, Secret)>,
    /// Sent as `Authorization: Bearer …`.
    pub token: Option<Secret>,
    /// Only these kinds.
    pub kinds: Vec<AlertKind>,
}

/// The form of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WebhookFormat {
    /// A document with all fields.
    #[default]
    Json,
    /// What Slack's incoming webhooks take, and what speaks their language.
    Slack,
}

/// What an alert is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AlertKind {
    /// A part of a budget is spent.
    Budget,
    /// Too many requests of a route fail.
    ErrorRate,
    /// A target is out.
    Ejected,
    /// A share has been held by the same rail for long.
    AtRail,
    /// What a target gets is far off the share that it was granted.
    ShareOff,
    /// The files were refused.
    ConfigRefused,
    /// A provider says that a lasting quota is used up.
    QuotaExhausted,
    /// A provider refuses our credential.
    KeyRejected,
    /// The controller has not decided for long.
    ControllerStale,
    /// The books cannot be written, or a file of theirs was of no use.
    StoreFailing,
    /// The other replicas are out of reach.
    Cluster,
}

impl AlertKind {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Budget,
        Self::ErrorRate,
        Self::Ejected,
        Self::AtRail,
        Self::ShareOff,
        Self::ConfigRefused,
        Self::QuotaExhausted,
        Self::KeyRejected,
        Self::ControllerStale,
        Self::StoreFailing,
        Self::Cluster,
    ];

    /// Its name in keys, labels and messages.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Budget => "budget",
            Self::ErrorRate => "error_rate",
            Self::Ejected => "ejected",
            Self::AtRail => "at_rail",
            Self::ShareOff => "share_off",
            Self::ConfigRefused => "config_refused",
            Self::QuotaExhausted => "quota_exhausted",
            Self::KeyRejected => "key_rejected",
            Self::ControllerStale => "controller_stale",
            Self::StoreFailing => "store_failing",
            Self::Cluster => "cluster",
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.label() == name)
    }
}

impl Default for Alerts {
    /// Everything is raised and nobody is told: a tenth of errors in a minute, a share that is off by a tenth, ten seconds of
    /// ejection (shorter ones mend themselves), ten minutes at a rail (shorter ones are how shares move).
    fn default() -> Self {
        Self {
            kinds: AlertKind::ALL.to_vec(),
            error_rate_ppm: 100_000,
            share_off_ppm: 100_000,
            ejected_for: Duration::from_secs(10),
            rail_for: Duration::from_secs(600),
            webhooks: BTreeMap::new(),
        }
    }
}

const FORMATS: &[(&str, WebhookFormat)] = &[
    ("json", WebhookFormat::Json),
    ("slack", WebhookFormat::Slack),
];

/// Most webhooks: each has a queue and a task.
const MOST_WEBHOOKS: usize = 16;

/// `[alerts]`.
pub(super) fn alerts(section: Option<Section<'_>>, lookup: &dyn Lookup) -> Alerts {
    let mut alerts = Alerts::default();
    let Some(mut section) = section else {
        return alerts;
    };
    set(
        &mut alerts.kinds,
        section.field("kinds").map(|field| kinds(&field)),
    );
    for (key, part) in [
        ("error_rate", &mut alerts.error_rate_ppm),
        ("share_off", &mut alerts.share_off_ppm),
    ] {
        let field = section.field(key);
        set(part, field.and_then(|field| part_of_whole(&field)));
    }
    for (key, time) in [
        ("ejected_for", &mut alerts.ejected_for),
        ("rail_for", &mut alerts.rail_for),
    ] {
        let field = section.field(key);
        let range = Duration::ZERO..=DAY;
        set(time, field.and_then(|field| field.duration(range)));
    }
    let webhooks = section.field("webhooks");
    section.finish(&["email", "pagerduty", "opsgenie", "silence"]);
    if let Some(field) = webhooks {
        alerts.webhooks = all_webhooks(&field, lookup);
    }
    alerts
}

/// Above 0 and up to 1, in parts per million.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a fraction"
)]
fn part_of_whole(field: &Field<'_>) -> Option<u32> {
    let ppm = (field.fraction()? * 1e6).round() as u32;
    if ppm == 0 {
        field.expected("a fraction above 0", "`kinds` says what is raised at all");
        return None;
    }
    Some(ppm)
}

fn kinds(field: &Field<'_>) -> Vec<AlertKind> {
    let names = AlertKind::ALL.map(|kind| (kind.label(), kind));
    let items = field.items();
    let mut kinds: Vec<AlertKind> = items.iter().filter_map(|it| it.choice(&names)).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

fn all_webhooks(field: &Field<'_>, lookup: &dyn Lookup) -> BTreeMap<String, Webhook> {
    let Some(section) = field.section() else {
        return BTreeMap::new();
    };
    let found = section.entries().count();
    if found > MOST_WEBHOOKS {
        field.problem(
            format!("expected at most {MOST_WEBHOOKS} webhooks, found {found}"),
            "",
        );
        return BTreeMap::new();
    }
    let read = |(name, field): (&str, Field<'_>)| Some((name.to_owned(), webhook(&field, lookup)?));
    section.entries().filter_map(read).collect()
}

fn webhook(field: &Field<'_>, lookup: &dyn Lookup) -> Option<Webhook> {
    let mut section = field.section()?;
    let _enabled = section.field("enabled").and_then(|field| field.boolean());
    let address = section.field("url");
    let format = section.field("format");
    let written = section.field("headers");
    let token = section.field("token");
    let only = section.field("kinds");
    section.finish(&["secret", "template", "timeout"]);
    let Some(address) = address else {
        field.missing("url", "write url = \"${NAME}\"");
        return None;
    };
    let url = url(&address);
    let headers = headers(written.as_ref(), &[]);
    let held = match &token {
        Some(token) => Some(credential(token, lookup)?),
        None => None,
    };
    let format = format.map_or(Some(WebhookFormat::Json), |it| it.choice(FORMATS));
    Some(Webhook {
        url: url?,
        format: format?,
        headers: headers?,
        token: held,
        kinds: only.map_or_else(|| AlertKind::ALL.to_vec(), |field| kinds(&field)),
    })
}

/// An address, which no message repeats: those of chat services hold their credential.
fn url(field: &Field<'_>) -> Option<Secret> {
    let text = field.str()?;
    let (address, _) = text.split_once('?').unwrap_or((text, ""));
    if let Err(error) = Endpoint::new(address) {
        field.problem(error.to_string(), "");
        return None;
    }
    field.sink.keep_secret(text);
    Some(Secret::new(text.to_owned()))
}
