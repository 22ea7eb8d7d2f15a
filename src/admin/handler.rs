//! One request, start to finish.

use std::time::Duration;

use http::header::{self, HeaderMap};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use serde_json::json;

use super::Admin;
use super::path::Resource;
use super::reply::{self, Reply};
use super::report::{report, reports};
use super::{dashboard, health, origin, reload};
use crate::telemetry::Exposition;

/// Largest body. None is needed; what a careless client sends must be read before it can be answered.
const MAX_BODY: usize = 64 * 1024;
/// For a client to send it.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// Answers `request`.
pub(super) async fn handle(admin: &Admin, request: Request<Incoming>) -> Reply {
    let allow_remote = admin.published.read().config.admin.allow_remote;
    if !allow_remote && !origin::is_named_by_address(&request) {
        let message = "expected an address or localhost as this listener's name, found another name; \
            admin.allow_remote = true allows any";
        return reply::error(StatusCode::FORBIDDEN, message);
    }
    if let Some(file) = dashboard::file(&request) {
        return file;
    }
    let Some(resource) = Resource::at(request.uri().path()) else {
        let message = "there is nothing here; GET /api/v1 lists what there is";
        return reply::error(StatusCode::NOT_FOUND, message);
    };
    let reads = request.method() == Method::GET || request.method() == Method::HEAD;
    let allowed = match &resource {
        Resource::Reload => request.method() == Method::POST,
        Resource::Health
        | Resource::Ready
        | Resource::Metrics
        | Resource::Routes
        | Resource::Route(_)
        | Resource::Config
        | Resource::Index => reads,
    };
    if !allowed {
        return reply::wrong_method(resource.allowed());
    }
    let format = format(request.headers());
    if !reads && let Err(refused) = admitted(request).await {
        return refused;
    }
    match resource {
        Resource::Health => health::health(admin),
        Resource::Ready => health::ready(admin),
        Resource::Metrics => metrics(admin, format),
        Resource::Routes => reply::json(StatusCode::OK, &reports(admin)),
        Resource::Route(name) => route(admin, &name),
        Resource::Config => reload::shown(admin),
        Resource::Reload => reload::reload(admin).await,
        Resource::Index => index(),
    }
}

/// Lets in what may change something: from here, and with a body that comes to its end.
async fn admitted(request: Request<Incoming>) -> Result<(), Reply> {
    if !origin::is_own(request.headers()) {
        let message = "expected a program or a page of this listener, found another site's page";
        return Err(reply::error(StatusCode::FORBIDDEN, message));
    }
    let body = Limited::new(request.into_body(), MAX_BODY).collect();
    match tokio::time::timeout(BODY_TIMEOUT, body).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(_)) => {
            let message = format!("expected a body of at most {MAX_BODY} bytes; none is needed");
            Err(reply::error(StatusCode::PAYLOAD_TOO_LARGE, &message))
        }
        Err(_) => {
            let message = "the body did not come to its end in time; none is needed";
            Err(reply::error(StatusCode::REQUEST_TIMEOUT, message))
        }
    }
}

/// The format in which metrics are wanted.
fn format(headers: &HeaderMap) -> Exposition {
    let accept = headers.get(header::ACCEPT);
    Exposition::wanted(accept.and_then(|accept| accept.to_str().ok()))
}

fn metrics(admin: &Admin, format: Exposition) -> Reply {
    let snapshot = admin.published.read();
    let now = admin.clock.now();
    let Ok(text) = admin.metrics.render(&snapshot, &admin.board, now, format) else {
        let message = "the metrics could not be printed";
        return reply::error(StatusCode::INTERNAL_SERVER_ERROR, message);
    };
    reply::reply(StatusCode::OK, format.content_type(), text.into_bytes())
}

fn route(admin: &Admin, name: &str) -> Reply {
    match report(admin, name) {
        Some(report) => reply::json(StatusCode::OK, &report),
        None => unknown_route(admin, name),
    }
}

/// Names this alike are worth a hint (Jaro-Winkler, 0 to 1).
const ALIKE: f64 = 0.75;
/// So many routes are all named where none is alike.
const FEW: usize = 20;

fn unknown_route(admin: &Admin, name: &str) -> Reply {
    let snapshot = admin.published.read();
    let mut alike: Vec<(f64, &str)> = snapshot
        .routes
        .iter()
        .map(|route| (strsim::jaro_winkler(name, &route.label), &*route.label))
        .filter(|(likeness, _)| *likeness > ALIKE)
        .collect();
    alike.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    let nearest: Vec<&str> = alike.into_iter().take(3).map(|(_, name)| name).collect();
    let shown: String = name.chars().take(100).collect();
    let hint = if nearest.is_empty() {
        let names: Vec<&str> = snapshot.routes.iter().map(|route| &*route.label).collect();
        match names.as_slice() {
            [] => "there is none".to_owned(),
            [only] => format!("there is {only}"),
            few if few.len() <= FEW => format!("there are {}", few.join(", ")),
            many => format!("GET /api/v1/routes lists all {}", many.len()),
        }
    } else {
        format!("did you mean {}?", nearest.join(" or "))
    };
    let message = format!("no route is called {shown:?}; {hint}");
    let body = json!({ "error": { "message": message, "nearest": nearest } });
    reply::json(StatusCode::NOT_FOUND, &body)
}

fn index() -> Reply {
    let body = json!({ "paths": [
        "GET /healthz",
        "GET /readyz",
        "GET /metrics",
        "GET /api/v1/routes",
        "GET /api/v1/routes/{route}",
        "GET /api/v1/config",
        "POST /api/v1/reload",
    ] });
    reply::json(StatusCode::OK, &body)
}
