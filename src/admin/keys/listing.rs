//! The list of client keys: those of the files, those that were made here, those that were revoked.

use std::sync::Arc;

use http::StatusCode;

use super::super::Admin;
use super::super::reply::{self, Reply};
use super::{KeyReport, KeyReports, SecretReport};
use crate::config::{ClientKey, Deed, Families, Issue, Issued, Shown};
use crate::live::{Clients, Snapshot, digest_of_client};
use crate::model::{RouteName, Time, minute_of};

/// What a report needs to know.
struct Listing<'a> {
    snapshot: &'a Snapshot,
    families: Families<'a>,
    now: Time,
}

/// `GET /api/v1/keys`.
pub(in crate::admin) fn list(admin: &Admin) -> Reply {
    let snapshot = admin.published.read();
    let listing = Listing::of(&snapshot, admin);
    let shown = admin.board.shown();
    let mut keys = listing.of_files(shown.as_deref());
    keys.extend(listing.made_here());
    keys.extend(listing.gone());
    let reports = KeyReports {
        keys,
        asked_for: snapshot.clients.asks(),
        message: snapshot.clients.missing().map(str::to_owned),
    };
    reply::json(StatusCode::OK, &reports)
}

/// The key of this name that is accepted, as the list has it.
pub(super) fn of_name(admin: &Admin, name: &str) -> Option<KeyReport> {
    let snapshot = admin.published.read();
    let listing = Listing::of(&snapshot, admin);
    let shown = admin.board.shown();
    let mut all = listing.of_files(shown.as_deref());
    all.extend(listing.made_here());
    all.into_iter().find(|report| report.name == name)
}

impl<'a> Listing<'a> {
    fn of(snapshot: &'a Snapshot, admin: &Admin) -> Self {
        Self {
            snapshot,
            families: Families::of(&snapshot.config.issued),
            now: admin.clock.now(),
        }
    }

    fn issued(&self) -> &Issued {
        &self.snapshot.config.issued
    }

    fn clients(&self) -> &Clients {
        &self.snapshot.clients
    }

    fn of_files(&self, shown: Option<&Shown>) -> Vec<KeyReport> {
        let of_files = |key: &Arc<ClientKey>| {
            let current = self.families.current(&digest_of_client(key));
            let known = self.issued().all.get(&current);
            KeyReport {
                from: "files".to_owned(),
                place: shown.and_then(|shown| shown.place("keys", &key.name)),
                rotated: known.and_then(|issue| issue.rotated.clone()),
                ..self.report(key, &current, self.issued().revocation(&current))
            }
        };
        self.snapshot.config.keys.values().map(of_files).collect()
    }

    /// Those that were made here and are not revoked.
    fn made_here(&self) -> Vec<KeyReport> {
        let all = self.issued().all.iter();
        let here = all.filter(|(_, issue)| issue.revoked.is_none());
        let mut reports: Vec<KeyReport> = here
            .filter_map(|(digest, issue)| self.made(digest, issue))
            .collect();
        for report in &mut reports {
            if self.snapshot.config.keys.contains_key(&report.name) {
                "covered".clone_into(&mut report.state);
            }
        }
        reports.sort_by(|a, b| a.name.cmp(&b.name));
        reports
    }

    /// Those that were made here and revoked. Those of the files are told of with the files.
    fn gone(&self) -> Vec<KeyReport> {
        let all = self.issued().all.iter();
        let gone = all.filter(|(_, issue)| issue.revoked.is_some());
        let mut reports: Vec<KeyReport> = gone
            .filter_map(|(digest, issue)| self.made(digest, issue))
            .collect();
        reports.sort_by(|a, b| a.name.cmp(&b.name));
        reports
    }

    /// A key that was made here, by the secret that it has now; `None` for any other secret.
    fn made(&self, digest: &[u8; 32], issue: &Issue) -> Option<KeyReport> {
        let made = issue.made.as_ref().filter(|_| issue.replaced.is_none())?;
        let of_files = self.snapshot.config.keys.get(&*issue.name);
        let is_of_files = of_files.is_some_and(|key| {
            let current = self.families.current(&digest_of_client(key));
            current == *digest
        });
        // The files have the same key by now.
        if is_of_files {
            return None;
        }
        Some(KeyReport {
            from: "books".to_owned(),
            made: Some(made.deed.clone()),
            rotated: issue.rotated.clone(),
            ..self.report(&made.key, digest, issue.revoked.as_ref())
        })
    }

    fn report(&self, key: &ClientKey, current: &[u8; 32], revoked: Option<&Deed>) -> KeyReport {
        let names = |routes: &Vec<RouteName>| routes.iter().map(ToString::to_string).collect();
        let has_expired = key.expires.is_some_and(|expires| self.now >= expires);
        let state = match revoked {
            Some(_) => "revoked",
            None if has_expired => "expired",
            None => "active",
        };
        let before = self.families.before(current);
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
            last_used: self.clients().last_use(current).used.map(Time::as_secs_f64),
            revoked: revoked.cloned(),
            before: before
                .iter()
                .filter_map(|secret| self.secret(secret))
                .collect(),
            ..KeyReport::default()
        }
    }

    /// A secret that another took the place of.
    fn secret(&self, digest: &[u8; 32]) -> Option<SecretReport> {
        let issue = self.issued().all.get(digest)?;
        let replaced = issue.replaced.as_ref()?;
        let made = issue.made.as_ref().map(|made| made.deed.at);
        let rotated = issue.rotated.as_ref().map(|deed| deed.at);
        let state = match issue.revoked {
            Some(_) => "revoked",
            None if self.now >= replaced.ends() => "over",
            None => "accepted",
        };
        let last = self.clients().last_use(digest);
        Some(SecretReport {
            since: rotated.or(made),
            replaced: replaced.deed.clone(),
            until: replaced.until,
            state: state.to_owned(),
            last_used: last.used.map(Time::as_secs_f64),
            last_refused: last.refused.map(Time::as_secs_f64),
        })
    }
}
