//! Client keys: what each may, without the keys; making and revoking them.

use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Admin;
use super::operations::Ask;
use super::reply::read;
use super::reply::{self, Reply};
use super::steering::{both, is_written, untold, wrong};
use crate::config::{Deed, KeyWish, Rotation, digest_text};
use crate::control::{Fresh, KeyError, seed};

mod listing;

pub(super) use listing::list;

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
    /// Who gave it the secret that it has now, if it had another before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotated: Option<Deed>,
    /// The secrets that it had before, the latest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<SecretReport>,
    /// Who revoked it, if somebody has.
    pub revoked: Option<Deed>,
}

/// A secret that another took the place of, without the secret.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SecretReport {
    /// When it was made, in seconds since 1970; `None` for one of the files.
    pub since: Option<u64>,
    /// Who had another take its place.
    pub replaced: Deed,
    /// From when on it is refused, in seconds since 1970.
    pub until: u64,
    /// `accepted` until then, then `over`, or `revoked`.
    pub state: String,
    /// When the last request with it was let in, in seconds since 1970, since this process began.
    pub last_used: Option<f64>,
    /// When the last request with it was refused because it was over, the same.
    pub last_refused: Option<f64>,
}

/// A client key, or a new secret of one, that was just made.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct MadeKey {
    /// The key itself. It is told here and nowhere else.
    pub key: String,
    /// Its hash, for files that have the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// What is left to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What there is to say about other replicas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub others: Option<String>,
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

/// `POST /api/v1/keys`.
pub(super) async fn make(ask: &Ask<'_>) -> Reply {
    let wish: KeyWish = match read(&ask.body) {
        Ok(wish) => wish,
        Err(message) => return reply::error(StatusCode::BAD_REQUEST, &message),
    };
    let admin = ask.admin;
    let fresh = match written(admin, admin.handle.make_key(wish).await).await {
        Ok(fresh) => fresh,
        Err(refusal) => return refusal,
    };
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
    told(admin, &fresh, None).await
}

/// `POST /api/v1/keys/{key}`.
pub(super) async fn rotate(ask: &Ask<'_>) -> Reply {
    let rotation: Rotation = match read(&ask.body) {
        Ok(rotation) => rotation,
        Err(message) => return reply::error(StatusCode::BAD_REQUEST, &message),
    };
    let admin = ask.admin;
    let fresh = admin.handle.rotate_key(ask.name.clone(), rotation).await;
    let fresh = match written(admin, fresh).await {
        Ok(fresh) => fresh,
        Err(refusal) => return refusal,
    };
    let shown = admin.board.shown();
    let place = shown.and_then(|shown| shown.place("keys", &ask.name));
    let message = place.map(|place| {
        format!(
            "the files still have the secret before, at {place}: write this hash there, so that the new one outlives the books"
        )
    });
    told(admin, &fresh, message).await
}

/// A secret that is in the books; one that is not is taken back.
async fn written(admin: &Admin, fresh: Result<Fresh, KeyError>) -> Result<Fresh, Reply> {
    let fresh = fresh.map_err(|error| refused(&error))?;
    if is_written(admin).await {
        return Ok(fresh);
    }
    // Nobody has been told it: it must not turn up when the disk is back.
    drop(admin.handle.forget_key(fresh.digest).await);
    let message =
        "the books cannot be written now, so a restart would forget the key: none was made";
    Err(reply::error(StatusCode::SERVICE_UNAVAILABLE, message))
}

/// The one answer that tells a key; `message` where the files have it.
async fn told(admin: &Admin, fresh: &Fresh, message: Option<String>) -> Reply {
    let others = untold(admin).await;
    let made = MadeKey {
        key: fresh.secret.expose().to_owned(),
        hash: message.as_ref().map(|_| digest_text(&fresh.digest)),
        message,
        others,
        report: listing::of_name(admin, &fresh.issue.name).unwrap_or_default(),
    };
    reply::json(StatusCode::CREATED, &made)
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
    let message = both(both(left, forgotten), untold(admin).await);
    let standing = KeyStanding {
        name: ask.name.clone(),
        revoked,
        kept,
        message,
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
