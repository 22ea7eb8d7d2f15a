//! What happens, as it happens: one task that looks, and a stream of server-sent events for everybody who watches.
//!
//! Problem: a page that asks every second costs a round trip each, sees nothing of what happens in between, and ten pages
//! ask ten times. Choice: one task reads the ledger and the snapshot five times a second, makes each event once, and hands
//! the same bytes to all. How it fails: who reads more slowly than events come misses some and is told how many; nobody
//! else waits for it.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use http::{Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::Either;
use serde::Serialize;
use serde_json::json;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::time::MissedTickBehavior;

use super::Admin;
use super::alerts::report;
use super::health::last_read;
use super::history::{History, fractions};
use super::reply::{self, Reply};
use super::steering::switch_state;
use crate::balance::explain;

/// Time between two looks: a moved share is seen within this.
const LOOK: Duration = Duration::from_millis(200);
/// Events that may wait for the slowest reader: a minute of them where no shares move, some ten seconds where they do.
const WAITING: usize = 64;

/// Readers at once, at most: a quarter of this listener's connections, so that pages left open leave room for probes,
/// scrapers and orders.
const MOST_READERS: usize = 64;

/// What is watched: the past of the routes, and who is told of what happens.
#[derive(Debug)]
pub struct Watch {
    history: Mutex<History>,
    /// Taken away when the daemon ends, so that streams end.
    events: Mutex<Option<broadcast::Sender<Bytes>>>,
}

impl Default for Watch {
    fn default() -> Self {
        Self {
            history: Mutex::default(),
            events: Mutex::new(Some(broadcast::Sender::new(WAITING))),
        }
    }
}

impl Watch {
    /// The past of the routes.
    pub(super) fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells everybody who watches that something happened.
    pub(super) fn tell(&self, name: &str, what: &impl Serialize) {
        let Some(events) = self.events().clone() else {
            return;
        };
        if events.receiver_count() > 0 {
            // Nobody may be left by now.
            drop(events.send(event(name, what)));
        }
    }

    fn events(&self) -> MutexGuard<'_, Option<broadcast::Sender<Bytes>>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An event as it goes over the wire.
fn event(name: &str, what: &impl Serialize) -> Bytes {
    let data = serde_json::to_string(what).unwrap_or_else(|_| "null".to_owned());
    Bytes::from(format!("event: {name}\ndata: {data}\n\n"))
}

/// What was seen last.
#[derive(Debug, Default)]
struct Seen {
    /// The next record to ask for.
    cursor: u64,
    /// The second that is being gathered.
    second: u64,
    /// Tables by route.
    versions: BTreeMap<Arc<str>, u64>,
    generation: u64,
    refusals: u64,
    steered: u64,
    is_off: bool,
    /// The next piece of news about alerts.
    alerts: u64,
}

/// Looks until `stop` turns true.
pub async fn look(admin: Arc<Admin>, mut stop: watch::Receiver<bool>) {
    let snapshot = admin.published.read();
    let mut seen = Seen {
        cursor: admin.ledger.now(),
        second: admin.clock.unix_seconds(),
        versions: snapshot
            .routes
            .iter()
            .map(|route| (Arc::clone(&route.label), route.table_version))
            .collect(),
        generation: snapshot.generation,
        refusals: admin.board.reloads().1,
        steered: admin.board.times_steered(),
        is_off: snapshot.switch.is_off(),
        alerts: admin.alerts.now(),
    };
    drop(snapshot);
    let mut interval = tokio::time::interval(LOOK);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = interval.tick() => look_once(&admin, &mut seen),
            changed = stop.changed() => {
                if changed.is_err() || *stop.borrow() {
                    break;
                }
            }
        }
    }
    admin.watch.tell("bye", &json!({}));
    admin.watch.events().take();
}

fn look_once(admin: &Admin, seen: &mut Seen) {
    let snapshot = admin.published.read();
    let taken = admin.ledger.since(seen.cursor);
    seen.cursor = taken.next;
    admin.watch.history().saw(&taken.records, &snapshot);
    for route in &snapshot.routes {
        let before = seen
            .versions
            .insert(Arc::clone(&route.label), route.table_version);
        if before.is_none_or(|before| before == route.table_version) {
            continue;
        }
        let decision = admin.board.decision(&route.label);
        let moved = json!({
            "route": &*route.label,
            "table_version": route.table_version,
            "granted": fractions(route.in_force()),
            "explanation": decision.map(|decision| explain(&decision)).unwrap_or_default(),
        });
        admin.watch.tell("moved", &moved);
    }
    let refusals = admin.board.reloads().1;
    if (seen.generation, seen.refusals) != (snapshot.generation, refusals) {
        (seen.generation, seen.refusals) = (snapshot.generation, refusals);
        let config = json!({
            "config_generation": snapshot.generation,
            "last_read": last_read(admin),
        });
        admin.watch.tell("config", &config);
    }
    let (steered, is_off) = (admin.board.times_steered(), snapshot.switch.is_off());
    if (seen.steered, seen.is_off) != (steered, is_off) {
        (seen.steered, seen.is_off) = (steered, is_off);
        let steering = json!({
            "orders": admin.board.steering().as_ref(),
            "switch": switch_state(admin),
        });
        admin.watch.tell("steering", &steering);
    }
    let (alerts, next) = admin.alerts.since(seen.alerts);
    seen.alerts = next;
    for alert in &alerts {
        admin.watch.tell("alert", &report(alert));
    }
    let now = admin.clock.unix_seconds();
    if now > seen.second {
        let samples = admin.watch.history().close(seen.second..now, &snapshot);
        let routes: BTreeMap<&str, _> = samples.iter().map(|(name, it)| (&**name, it)).collect();
        let sample = json!({ "at": seen.second, "routes": routes });
        admin.watch.tell("sample", &sample);
        seen.second = now;
    }
}

/// `GET /api/v1/events`.
pub(super) fn events(admin: &Admin) -> Reply {
    let hello = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "config_generation": admin.published.read().generation,
    });
    let (pieces, feed) = mpsc::channel(4);
    let events = {
        let events = admin.watch.events();
        if events
            .as_ref()
            .is_some_and(|it| it.receiver_count() >= MOST_READERS)
        {
            let message = format!("{MOST_READERS} readers follow already; close some pages first");
            return reply::error(StatusCode::SERVICE_UNAVAILABLE, &message);
        }
        events.as_ref().map(broadcast::Sender::subscribe)
    };
    let hello = event("hello", &hello);
    tokio::spawn(pass_on(hello, events, pieces));
    let mut response = Response::new(Either::Right(Feed(feed)));
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, "text/event-stream"),
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // For proxies that would hold the stream back.
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// From all events to one reader, until it leaves or the daemon ends.
async fn pass_on(
    hello: Bytes,
    events: Option<broadcast::Receiver<Bytes>>,
    pieces: mpsc::Sender<Bytes>,
) {
    let Some(mut events) = events else { return };
    if pieces.send(hello).await.is_err() {
        return;
    }
    loop {
        let piece = tokio::select! {
            next = events.recv() => match next {
                Ok(piece) => piece,
                Err(broadcast::error::RecvError::Lagged(missed)) => {
                    event("missed", &json!({ "events": missed }))
                }
                Err(broadcast::error::RecvError::Closed) => return,
            },
            () = pieces.closed() => return,
        };
        if pieces.send(piece).await.is_err() {
            return;
        }
    }
}

/// The body of a stream of events.
#[derive(Debug)]
pub(super) struct Feed(mpsc::Receiver<Bytes>);

impl Body for Feed {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0
            .poll_recv(cx)
            .map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }
}
