//! Client keys: what each may, without the keys; making and revoking them.

use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Admin;
use super::operations::Ask;
use super::reply::read;
use super::reply::{self, Reply};
use super::steering::{is_written, wrong};
use crate::config::{ClientKey, Deed, Issue, KeyWish};
use crate::control::{KeyError, seed};
use crate::live::{Clients, digest_of_client};
use crate::model::{RouteName, Time, minute_of};

/// Client keys.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct KeyReports {
    /// Those of the files, then those that were made here, each by name; revoked ones last.
    pub keys: Vec<KeyReport>,
    /// Whether requests need one.
    pub asked_for: bool,
    /// What there is to say about keys that may be missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// A client key, without anything that it could be told by.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct KeyReport {
    /// Its name.
    pub name: String,
    /// `files`, or `books` for one that was made here.
    pub from: String,
    /// Where it stands in the files, as `file:line`.
    pub place: Option<String>,
    /// The routes that it may ask for; `None` for everything.
    pub routes: Option<Vec<String>>,
    /// Tags that its targets must have.
    pub require: Vec<String>,
    /// Requests a minute.
    pub requests_per_minute: Option<u32>,
    /// Tokens a minute.
    pub tokens_per_minute: Option<u32>,
    /// Until when it is accepted.
    pub expires: Option<String>,
    /// The team that its cost is put down to.
    pub team: Option<String>,
    /// The feature that its cost is put down to.
    pub feature: Option<String>,
    /// The user that its cost is put down to.
    pub user: Option<String>,
    /// `active`, `expired`, `revoked`, or `covered` where the files have a key of the same name.
    pub state: String,
    /// When the last request with it came, in seconds since 1970; to the minute for those before the start.
    pub last_used: Option<f64>,
    /// Who made it, if it was made here.
    pub made: Option<Deed>,
    /// Who revoked it, if somebody has.
    pub revoked: Option<Deed>,
}

/// A client key that was just made.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct MadeKey {
    /// The key itself. It is told here and nowhere else.
    pub key: String,
    /// What it may.
    #[serde(flatten)]
    pub report: KeyReport,
}

/// How a key stands after what was done.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct KeyStanding {
    /// Its name.
    pub name: String,
    /// How it was revoked; `None` if it is accepted.
    pub revoked: Option<Deed>,
    /// Whether a restart remembers that.
    pub kept: bool,
    /// What is left to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// What is to become of a key.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// `false` accepts it again.
    pub revoked: bool,
    /// Why.
    pub reason: String,
    /// Who; `api` if nobody is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// `GET /api/v1/keys`.
pub(super) fn list(admin: &Admin) -> Reply {
    let snapshot = admin.published.read();
    let (config, clients, now) = (&snapshot.config, &snapshot.clients, admin.clock.now());
    let shown = admin.board.shown();
    let place = |name: &str| shown.as_ref()?.place("keys", name);
    let mut keys = Vec::new();
    for key in config.keys.values() {
        let revoked = config.issued.revocation(&digest_of_client(key));
        keys.push(KeyReport {
            from: "files".to_owned(),
            place: place(&key.name),
            ..report(key, revoked, Some(clients), now)
        });
    }
    let all = config.issued.all.iter();
    let (gone, here): (Vec<_>, Vec<_>) = all.partition(|(_, issue)| issue.revoked.is_some());
    let here = here.into_iter();
    let mut made: Vec<KeyReport> = here
        .filter_map(|(_, issue)| made(issue, Some(clients), now))
        .collect();
    for report in &mut made {
        if config.keys.contains_key(&report.name) {
            "covered".clone_into(&mut report.state);
        }
    }
    made.sort_by(|a, b| a.name.cmp(&b.name));
    keys.append(&mut made);
    let gone = gone.into_iter();
    let mut gone: Vec<KeyReport> = gone
        .filter_map(|(digest, issue)| {
            let last_used = clients.last_used_before(digest);
            made_before(issue, last_used, now)
        })
        .collect();
    gone.sort_by(|a, b| a.name.cmp(&b.name));
    keys.append(&mut gone);
    let reports = KeyReports {
        keys,
        asked_for: clients.asks(),
        message: clients.missing().map(str::to_owned),
    };
    reply::json(StatusCode::OK, &reports)
}

fn report(
    key: &ClientKey,
    revoked: Option<&Deed>,
    clients: Option<&Clients>,
    now: Time,
) -> KeyReport {
    let names = |routes: &Vec<RouteName>| routes.iter().map(ToString::to_string).collect();
    let has_expired = key.expires.is_some_and(|expires| now >= expires);
    let state = match revoked {
        Some(_) => "revoked",
        None if has_expired => "expired",
        None => "active",
    };
    let last_used = clients.and_then(|clients| clients.named(&key.name)?.last_used());
    KeyReport {
        name: key.name.to_string(),
        routes: key.routes.as_ref().map(names),
        require: key.require.clone(),
        requests_per_minute: key.requests_per_minute,
        tokens_per_minute: key.tokens_per_minute,
        expires: key.expires.map(minute_of),
        team: key.team.as_ref().map(ToString::to_string),
        feature: key.feature.as_ref().map(ToString::to_string),
        user: key.user.as_ref().map(ToString::to_string),
        state: state.to_owned(),
        last_used: last_used.map(Time::as_secs_f64),
        revoked: revoked.cloned(),
        ..KeyReport::default()
    }
}

/// A key that was made here.
fn made(issue: &Issue, clients: Option<&Clients>, now: Time) -> Option<KeyReport> {
    let made = issue.made.as_ref()?;
    Some(KeyReport {
        from: "books".to_owned(),
        made: Some(made.deed.clone()),
        ..report(&made.key, issue.revoked.as_ref(), clients, now)
    })
}

/// A key that was made here and revoked. Those of the files are told of with the files.
fn made_before(issue: &Issue, last_used: Option<Time>, now: Time) -> Option<KeyReport> {
    Some(KeyReport {
        last_used: last_used.map(Time::as_secs_f64),
        ..made(issue, None, now)?
    })
}

/// `POST /api/v1/keys`.
pub(super) async fn make(ask: &Ask<'_>) -> Reply {
    let wish: KeyWish = match read(&ask.body) {
        Ok(wish) => wish,
        Err(message) => return reply::error(StatusCode::BAD_REQUEST, &message),
    };
    let admin = ask.admin;
    let fresh = match admin.handle.make_key(wish).await {
        Ok(fresh) => fresh,
        Err(error) => return refused(&error),
    };
    if !is_written(admin).await {
        // Nobody has been told it: it must not turn up when the disk is back.
        drop(admin.handle.forget_key(fresh.digest).await);
        let message =
            "the books cannot be written now, so a restart would forget the key: none was made";
        return reply::error(StatusCode::SERVICE_UNAVAILABLE, message);
    }
    let (snapshot, books, now) = (
        admin.published.read(),
        admin.books.clone(),
        admin.clock.now(),
    );
    // The name may have spent before.
    let seeding = move || seed(&snapshot, &books, now);
    if tokio::task::spawn_blocking(seeding).await.is_err() {
        tracing::error!("a key's budget counts from zero: reading the books went wrong");
    }
    let report = made(&fresh.issue, None, admin.clock.now()).unwrap_or_default();
    let key = fresh.secret.expose().to_owned();
    reply::json(StatusCode::CREATED, &MadeKey { key, report })
}

/// `DELETE /api/v1/keys/{key}`.
pub(super) async fn revoke(ask: &Ask<'_>) -> Reply {
    let text = |name: &str| ask.query.text(name).map(str::to_owned);
    revoked(ask, text("by"), text("reason")).await
}

/// `PATCH /api/v1/keys/{key}`.
pub(super) async fn change(ask: &Ask<'_>) -> Reply {
    let change: Change = match read(&ask.body) {
        Ok(change) => change,
        Err(message) => return reply::error(StatusCode::BAD_REQUEST, &message),
    };
    if change.revoked {
        return revoked(ask, change.by, Some(change.reason)).await;
    }
    let admin = ask.admin;
    let restored = admin
        .handle
        .restore_key(ask.name.clone(), change.by, change.reason);
    match restored.await {
        Ok(_) => standing(ask, None, None).await,
        Err(error) => refused(&error),
    }
}

async fn revoked(ask: &Ask<'_>, by: Option<String>, reason: Option<String>) -> Reply {
    let admin = ask.admin;
    match admin.handle.revoke_key(ask.name.clone(), by, reason).await {
        Ok(revoked) => {
            let shown = admin.board.shown().filter(|_| revoked.in_files);
            let place = shown.and_then(|shown| shown.place("keys", &ask.name));
            let place = place.map(|place| {
                format!("it is refused from now on, and still stands at {place}: take it out there")
            });
            standing(ask, Some(revoked.deed), place).await
        }
        Err(error) => refused(&error),
    }
}

/// How a key stands, once the books have it or should.
async fn standing(ask: &Ask<'_>, revoked: Option<Deed>, left: Option<String>) -> Reply {
    let admin = ask.admin;
    let kept = admin.books.are_kept() && is_written(admin).await;
    let forgotten = if admin.books.are_kept() {
        "the books cannot be written now: a restart may forget this"
    } else {
        "server.state is not set: a restart forgets this"
    };
    let forgotten = (!kept).then(|| forgotten.to_owned());
    let said: Vec<String> = left.into_iter().chain(forgotten).collect();
    let standing = KeyStanding {
        name: ask.name.clone(),
        revoked,
        kept,
        message: (!said.is_empty()).then(|| said.join("; ")),
    };
    reply::json(StatusCode::OK, &standing)
}

fn refused(error: &KeyError) -> Reply {
    let status = match error {
        KeyError::Refused(refused) => return wrong(refused),
        KeyError::NotKept => StatusCode::CONFLICT,
        KeyError::Unread(_) | KeyError::NoLuck | KeyError::Stuck | KeyError::Stopping => {
            StatusCode::SERVICE_UNAVAILABLE
        }
    };
    reply::error(status, &error.to_string())
}
