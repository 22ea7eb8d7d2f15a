//! What changed of what all share: listeners, the controller, the books, the defaults.

use std::sync::Arc;

use super::Lines;
use super::serving::{deadlines, retry};
use crate::config::{Cluster, Config, Otlp, Server, Store, Tls};

pub(super) fn settings(old: &Config, new: &Config, lines: &mut Lines) {
    server(&old.server, &new.server, lines);
    deadlines(
        "defaults",
        old.defaults.deadlines,
        new.defaults.deadlines,
        lines,
    );
    retry("defaults", &old.defaults.retry, &new.defaults.retry, lines);
    lines.fixed("admin.listen", &old.admin.listen, &new.admin.listen);
    lines.value(
        "admin",
        "allow_remote",
        &old.admin.allow_remote,
        &new.admin.allow_remote,
    );
    lines.word("config", "mode", &old.mode, &new.mode);
    lines.value(
        "controller",
        "tick",
        &old.controller.tick,
        &new.controller.tick,
    );
    let place = |config: &Config| {
        let journal = config.controller.journal.as_ref();
        journal.map(|journal| journal.dir.clone())
    };
    let size = |config: &Config| {
        let journal = config.controller.journal.as_ref();
        journal.map(|journal| journal.size)
    };
    if old.keys != new.keys {
        let names = |config: &Config| config.keys.keys().cloned().collect::<Vec<_>>().join(", ");
        let (before, after) = (names(old), names(new));
        if before == after {
            lines.changes.push("keys: changed".to_owned());
        } else {
            lines.field("config", "keys", &before, &after);
        }
    }
    if old.alerts != new.alerts {
        lines.changes.push("alerts: changed".to_owned());
    }
    lines.fixed("controller.journal", &place(old), &place(new));
    lines.fixed("controller.journal_size", &size(old), &size(new));
    store(&old.store, &new.store, lines);
    otlp(old.otlp.as_ref(), new.otlp.as_ref(), lines);
    cluster(old.cluster.as_ref(), new.cluster.as_ref(), lines);
    lines.value(
        "requests",
        "lists",
        &old.requests.lists,
        &new.requests.lists,
    );
    lines.word(
        "requests",
        "strategy",
        &old.requests.strategy,
        &new.requests.strategy,
    );
}

fn store(a: &Store, b: &Store, lines: &mut Lines) {
    lines.fixed("store.usage", &a.usage, &b.usage);
    lines.fixed("store.minutes", &a.minutes, &b.minutes);
    lines.fixed("store.decisions", &a.decisions, &b.decisions);
    lines.fixed("store.alerts", &a.alerts, &b.alerts);
    lines.fixed("store.size", &a.size, &b.size);
}

/// Said without what is in it: an address's path may hold a token.
fn otlp(old: Option<&Otlp>, new: Option<&Otlp>, lines: &mut Lines) {
    let what = match (old, new) {
        (None, Some(_)) => "added",
        (Some(_), None) => "removed",
        (Some(old), Some(new)) if old != new => "changed",
        (Some(_), Some(_)) | (None, None) => return,
    };
    lines.changes.push(format!("telemetry.otlp: {what}"));
}

/// Its address is shown without user and password; that only those differ is said as such.
fn cluster(old: Option<&Cluster>, new: Option<&Cluster>, lines: &mut Lines) {
    let shown = |it: Option<&Cluster>| {
        let shown = |it: &Cluster| format!("{} as {}", it.url, it.namespace);
        it.map_or_else(|| "none".to_owned(), shown)
    };
    let replica = |it: Option<&Cluster>| it.and_then(|it| it.replica.clone());
    if old == new {
        return;
    }
    let (was, is) = (shown(old), shown(new));
    if was != is {
        lines.fixed("cluster.url", &was, &is);
    } else if replica(old) != replica(new) {
        lines.fixed("cluster.replica", &replica(old), &replica(new));
    } else {
        lines.fixed("cluster.url", &"the old user or password", &"the new");
    }
}

/// Said without what is in it: of a key nothing is shown.
fn tls(old: Option<&Arc<Tls>>, new: Option<&Arc<Tls>>, lines: &mut Lines) {
    let what = match (old, new) {
        (None, Some(_)) => "added",
        (Some(_), None) => "removed",
        (Some(old), Some(new)) if old.certificate != new.certificate => "another certificate",
        (Some(old), Some(new)) if old != new => "another key",
        (Some(_), Some(_)) | (None, None) => return,
    };
    lines.changes.push(format!("server.tls: {what}"));
}

fn server(a: &Server, b: &Server, lines: &mut Lines) {
    tls(a.tls.as_ref(), b.tls.as_ref(), lines);
    lines.fixed("server.listen", &a.listen, &b.listen);
    lines.fixed(
        "server.max_connections",
        &a.max_connections,
        &b.max_connections,
    );
    lines.fixed("server.reuse_port", &a.reuse_port, &b.reuse_port);
    lines.fixed("server.state", &a.state, &b.state);
    lines.fixed("server.head_timeout", &a.head_timeout, &b.head_timeout);
    lines.value("server", "max_body", &a.max_body, &b.max_body);
    lines.value("server", "max_answer", &a.max_answer, &b.max_answer);
    lines.value("server", "max_requests", &a.max_requests, &b.max_requests);
    lines.value("server", "max_buffered", &a.max_buffered, &b.max_buffered);
    lines.value("server", "drain_grace", &a.drain_grace, &b.drain_grace);
    lines.value("server", "body_timeout", &a.body_timeout, &b.body_timeout);
    lines.value(
        "server",
        "forward_headers",
        &a.forward_headers,
        &b.forward_headers,
    );
    lines.value(
        "server",
        "allow_unauthenticated",
        &a.allow_unauthenticated,
        &b.allow_unauthenticated,
    );
    let said = |it: Option<bool>| it.map_or("unsaid", |it| if it { "true" } else { "false" });
    let (was, is) = (said(a.require_key), said(b.require_key));
    lines.field("server", "require_key", &was, &is);
}
