//! Health: whether the process works, and whether it wants traffic. Two questions: a broken file must not get a daemon
//! restarted that goes on serving by the last good one, and neither must books that cannot be written, or other replicas that
//! are out of reach: whoever restarts it for those loses what waits in memory and mends nothing. So they are said, and the
//! status code stays 200.

use http::StatusCode;
use serde_json::{Value, json};

use super::Admin;
use super::fleet;
use super::handler::may_come_in;
use super::operations::Ask;
use super::reply::{self, Reply};
use super::steering::switch_state;

/// 200 as long as anybody is here to say so; the body tells what an operator should look at. Who asks without the token that
/// is set is told that something is wrong and not what: lines of files, paths and reasons are for operators.
pub(super) fn health(ask: &Ask<'_>) -> Reply {
    let admin = ask.admin;
    let state = last_read(admin);
    let knows = may_come_in(admin, &ask.headers);
    let degraded = degraded(admin, knows);
    let status = match (state["ok"] == true, degraded.is_empty()) {
        (false, _) => "config_refused",
        (true, false) => "degraded",
        (true, true) => "ok",
    };
    let mut body = json!({
        "status": status,
        "degraded": degraded,
        "config_generation": admin.published.read().generation,
        "config": state,
        "needs_restart": admin.board.needs_restart().as_ref(),
        "controller": {
            "age_seconds": age(admin),
            "ticks_lost": admin.board.ticks_lost(),
        },
        "store": store(admin),
        "switch": switch_state(admin),
        "version": env!("CARGO_PKG_VERSION"),
    });
    if !knows {
        body["config"]["problems"] = json!([]);
        body["store"] = json!({ "state": body["store"]["state"] });
        body["switch"]["thrown"] = Value::Null;
    }
    reply::json(StatusCode::OK, &body)
}

/// What does not work, though requests are served, in sentences; why only to whom that may be told.
fn degraded(admin: &Admin, knows: bool) -> Vec<String> {
    let because = |why: Option<String>| match why {
        Some(why) if knows => format!(" ({why})"),
        Some(_) | None => String::new(),
    };
    let failing = admin.books.condition().and_then(|it| it.failing);
    let books = failing.map(|why| {
        let why = because(Some(why));
        format!("the books cannot be written{why}: requests are served, and what they use waits in memory")
    });
    let others = fleet::state(admin).filter(|it| it.why.is_some());
    let others = others.map(|it| {
        let why = because(it.why);
        format!("the other replicas are out of reach{why}: requests are served, and this one decides by itself")
    });
    books.into_iter().chain(others).collect()
}

/// 503 while the daemon drains.
pub(super) fn ready(admin: &Admin) -> Reply {
    if admin.board.is_draining() {
        let body = json!({ "status": "draining" });
        return reply::json(StatusCode::SERVICE_UNAVAILABLE, &body);
    }
    reply::json(StatusCode::OK, &json!({ "status": "ready" }))
}

/// How the books fare.
pub(super) fn store(admin: &Admin) -> Value {
    let Some(condition) = admin.books.condition() else {
        return json!({ "state": "none" });
    };
    let state = if condition.failing.is_some() {
        "failing"
    } else {
        "ok"
    };
    json!({
        "state": state,
        "why": condition.failing,
        "refused": condition.refused,
        "lost": { "requests": condition.lost.requests, "rows": condition.lost.rows },
    })
}

/// What came of the last time that the files were read.
pub(super) fn last_read(admin: &Admin) -> Value {
    match admin.board.refusal() {
        None => json!({ "ok": true, "problems": [] }),
        Some(refusal) => json!({
            "ok": false,
            "refused_seconds_ago": admin.clock.now().secs_since(refusal.at),
            "problems": refusal.problems,
        }),
    }
}

fn age(admin: &Admin) -> f64 {
    admin.clock.now().secs_since(admin.board.decided_at())
}
