//! All operations of the admin API in one table: what dispatches requests is what describes them.
//!
//! Problem: a description that is written beside the code is wrong after a month. Choice: a row has the path, the method,
//! the parameters, the shapes of body and answers, and the function that answers; the handler looks nothing up elsewhere,
//! and [`openapi`] prints the same rows. How it fails: a status that a function gives and its row does not
//! list is found by the fuzz test of the API alone.

use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use http::{HeaderMap, Method};
use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::index::{index, metrics};
use super::query::{Kind, Query};
use super::reply::Reply;
use super::{
    Admin, alerts, budgets, feed, foregone, health, history, keys, openapi, overview, reload,
    report, requests, shapes, stage, steering, usage,
};
use crate::config::Wish;

/// A request for an operation, as its function gets it.
#[derive(Debug)]
pub(super) struct Ask<'a> {
    /// The listener.
    pub(super) admin: &'a Admin,
    /// What stands for `{}` in the path, decoded.
    pub(super) name: String,
    /// The parameters.
    pub(super) query: Query,
    /// The request's headers.
    pub(super) headers: HeaderMap,
    /// The request's body; empty where none is taken.
    pub(super) body: Bytes,
}

/// An answer under way.
pub(super) type Answering<'a> = Pin<Box<dyn Future<Output = Reply> + Send + 'a>>;

/// What answers.
#[derive(Clone, Copy, Debug)]
pub(super) enum Run {
    /// At once.
    Now(fn(&Ask<'_>) -> Reply),
    /// After waiting for somebody.
    Later(for<'a> fn(&'a Ask<'a>) -> Answering<'a>),
}

/// The shape of a document.
pub(super) type Shape = fn(&mut SchemaGenerator) -> Schema;

/// The shape of `T`.
pub(super) fn shape<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// What an answer's body is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Content {
    /// JSON of this shape.
    Json(Shape),
    /// Text of one of these media types.
    Text(&'static [&'static str]),
}

/// A parameter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) about: &'static str,
}

/// One operation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operation {
    /// Its name in generated clients.
    pub(super) id: &'static str,
    pub(super) method: &'static str,
    /// With at most one `{name}`, at the end.
    pub(super) path: &'static str,
    pub(super) about: &'static str,
    pub(super) parameters: &'static [Parameter],
    /// What its body must be, if it takes one.
    pub(super) body: Option<Shape>,
    /// Its good answers, and those that are its own; what any operation may answer is not repeated.
    pub(super) answers: &'static [(u16, &'static str, Content)],
    pub(super) run: Run,
}

impl Operation {
    /// Whether it changes nothing.
    pub(super) fn reads(&self) -> bool {
        self.method == "GET"
    }

    /// Whether it asks for the token, where there is one: liveness and readiness are asked by what holds none.
    pub(super) fn is_guarded(&self) -> bool {
        self.path.starts_with("/api/") || self.path == "/metrics"
    }

    /// Whether it serves `method`.
    pub(super) fn takes(&self, method: &Method) -> bool {
        *method == self.method || (self.reads() && *method == Method::HEAD)
    }
}

/// The operations at `path` with what its `{name}` is; empty if there is nothing.
pub(super) fn at(path: &str) -> (Vec<&'static Operation>, String) {
    let path = path.strip_suffix('/').unwrap_or(path);
    let path = ALIASES
        .iter()
        .find(|(alias, _)| *alias == path)
        .map_or(path, |(_, meant)| meant);
    let exact: Vec<_> = TABLE.iter().filter(|it| it.path == path).collect();
    if !exact.is_empty() {
        return (exact, String::new());
    }
    let Some((folder, segment)) = path.rsplit_once('/') else {
        return (Vec::new(), String::new());
    };
    let Some(name) = decoded(segment) else {
        return (Vec::new(), String::new());
    };
    let named = TABLE.iter().filter(|it| {
        let open = it.path.rsplit_once('/');
        open.is_some_and(|(before, last)| before == folder && last.starts_with('{'))
    });
    (named.collect(), name)
}

/// A segment with its `%XX` in place; `None` if it is empty or anything else than UTF-8.
fn decoded(segment: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digit = |byte: u8| char::from(byte).to_digit(16);
            let (high, low) = (digit(rest.next()?)?, digit(rest.next()?)?);
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes)
        .ok()
        .filter(|name| !name.is_empty())
}

/// Other names, which others look for.
const ALIASES: [(&str, &str); 6] = [
    ("/livez", "/healthz"),
    ("/health", "/healthz"),
    ("/health/liveliness", "/healthz"),
    ("/health/liveness", "/healthz"),
    ("/health/readiness", "/readyz"),
    ("/api", "/api/v1"),
];

/// Largest number of a request: not every reader of JSON has whole numbers beyond 53 bits.
const MOST: u64 = 1 << 53;

const ROUTE: Parameter = Parameter {
    name: "route",
    kind: Kind::Text,
    about: "Only this route.",
};

/// A row that reads and answers 200 with a document.
const fn get(
    id: &'static str,
    path: &'static str,
    about: &'static str,
    answers: &'static [(u16, &'static str, Content)],
    run: Run,
) -> Operation {
    Operation {
        id,
        method: "GET",
        path,
        about,
        parameters: &[],
        body: None,
        answers,
        run,
    }
}

/// All of them.
pub(super) static TABLE: &[Operation] = &[
    get(
        "health",
        "/healthz",
        "Whether the process works, also when a file was refused: the body says so.",
        &[(200, "It works.", Content::Json(shape::<shapes::Health>))],
        Run::Now(|ask| health::health(ask.admin)),
    ),
    get(
        "ready",
        "/readyz",
        "Whether it wants traffic.",
        &[
            (200, "It does.", Content::Json(shape::<shapes::Status>)),
            (503, "It drains.", Content::Json(shape::<shapes::Status>)),
        ],
        Run::Now(|ask| health::ready(ask.admin)),
    ),
    get(
        "metrics",
        "/metrics",
        "Metrics, as OpenMetrics or as Prometheus's older text, by the Accept header.",
        &[
            (
                200,
                "The metrics.",
                Content::Text(&["application/openmetrics-text", "text/plain"]),
            ),
            (
                500,
                "They could not be printed.",
                Content::Json(shape::<shapes::Failure>),
            ),
        ],
        Run::Now(metrics),
    ),
    get(
        "index",
        "/api/v1",
        "What there is.",
        &[(
            200,
            "Methods and paths.",
            Content::Json(shape::<shapes::Index>),
        )],
        Run::Now(|_| index()),
    ),
    get(
        "openapi",
        "/api/v1/openapi.json",
        "This description.",
        &[(
            200,
            "OpenAPI 3.1.",
            Content::Json(shape::<serde_json::Value>),
        )],
        Run::Now(|_| openapi::document()),
    ),
    get(
        "overview",
        "/api/v1/overview",
        "The daemon at a glance.",
        &[(
            200,
            "What runs.",
            Content::Json(shape::<overview::Overview>),
        )],
        Run::Now(|ask| overview::overview(ask.admin)),
    ),
    get(
        "routes",
        "/api/v1/routes",
        "All routes: shares and what led to them.",
        &[(200, "By name.", Content::Json(shape::<report::Reports>))],
        Run::Now(|ask| report::routes(ask.admin)),
    ),
    get(
        "route",
        "/api/v1/routes/{route}",
        "One route: shares and what led to them.",
        &[
            (
                200,
                "The route.",
                Content::Json(shape::<report::RouteReport>),
            ),
            (
                404,
                "There is none of this name.",
                Content::Json(shape::<shapes::Failure>),
            ),
        ],
        Run::Now(|ask| report::route(ask.admin, &ask.name)),
    ),
    Operation {
        parameters: &[
            ROUTE,
            Parameter {
                name: "seconds",
                kind: Kind::Whole(1, 21_600),
                about: "How far back, at most six hours; more than half an hour comes in steps of 15 s. Default 900.",
            },
        ],
        ..get(
            "history",
            "/api/v1/history",
            "Requests, errors, times, cost and shares over time, and what the configured weights would have brought.",
            &[
                (200, "By route.", Content::Json(shape::<history::Histories>)),
                (
                    404,
                    "There is no route of this name.",
                    Content::Json(shape::<shapes::Failure>),
                ),
            ],
            Run::Now(history::answer),
        )
    },
    Operation {
        parameters: &[
            Parameter {
                name: "by",
                kind: Kind::Text,
                about: "What to split by, with commas: month, day, hour, minute, key, team, feature, user, route, target, \
                    upstream, provider, model. Default route,target.",
            },
            Parameter {
                name: "since",
                kind: Kind::Text,
                about: "12h, 7d, 1mo (30 days), a day or a moment. Default 1mo.",
            },
            Parameter {
                name: "until",
                kind: Kind::Text,
                about: "The same. Default now.",
            },
            ROUTE,
            Parameter {
                name: "team",
                kind: Kind::Text,
                about: "Only this team.",
            },
            Parameter {
                name: "key",
                kind: Kind::Text,
                about: "Only this client key.",
            },
            Parameter {
                name: "limit",
                kind: Kind::Whole(1, 10_000),
                about: "At most so many rows. Default 1000.",
            },
        ],
        ..get(
            "usage",
            "/api/v1/usage",
            "What was used and what it cost, from the books.",
            &[
                (200, "Sums.", Content::Json(shape::<usage::UsageAnswer>)),
                (
                    409,
                    "No books are kept.",
                    Content::Json(shape::<shapes::Failure>),
                ),
                (
                    503,
                    "The books cannot be read.",
                    Content::Json(shape::<shapes::Failure>),
                ),
            ],
            Run::Later(usage::answer),
        )
    },
    Operation {
        parameters: &[
            Parameter {
                name: "since",
                kind: Kind::Text,
                about: "12h, 7d, 1mo (30 days), a day or a moment. Default 7d.",
            },
            Parameter {
                name: "until",
                kind: Kind::Text,
                about: "The same. Default now.",
            },
            ROUTE,
        ],
        ..get(
            "report",
            "/api/v1/report",
            "What obeying would have changed where a route was in shadow mode, and what the configured weights would have \
                brought where it was obeyed, with intervals; from the books.",
            &[
                (
                    200,
                    "Estimates, or why there is none.",
                    Content::Json(shape::<foregone::ForegoneAnswer>),
                ),
                (
                    409,
                    "No books are kept.",
                    Content::Json(shape::<shapes::Failure>),
                ),
                (
                    503,
                    "The books cannot be read.",
                    Content::Json(shape::<shapes::Failure>),
                ),
            ],
            Run::Later(foregone::answer),
        )
    },
    get(
        "events",
        "/api/v1/events",
        "What happens, as it happens: server-sent events `hello`, `sample`, `moved`, `config`, `steering`, `alert`, `bye`.",
        &[(
            200,
            "A stream without an end.",
            Content::Text(&["text/event-stream"]),
        )],
        Run::Now(|ask| feed::events(ask.admin)),
    ),
    Operation {
        parameters: &[
            Parameter {
                name: "limit",
                kind: Kind::Whole(1, 1_000),
                about: "At most so many. Default 100.",
            },
            ROUTE,
            Parameter {
                name: "failed",
                kind: Kind::Flag,
                about: "Only those that did not end as they should.",
            },
            Parameter {
                name: "before",
                kind: Kind::Whole(0, MOST),
                about: "Only those with a lower number.",
            },
        ],
        ..get(
            "requests",
            "/api/v1/requests",
            "The latest requests, newest first. Nothing that anybody wrote is kept of them.",
            &[(
                200,
                "The requests.",
                Content::Json(shape::<requests::Requests>),
            )],
            Run::Now(requests::list),
        )
    },
    get(
        "request",
        "/api/v1/requests/{id}",
        "One of the latest requests, by the id that its client was told.",
        &[
            (
                200,
                "The request.",
                Content::Json(shape::<requests::Request>),
            ),
            (
                404,
                "It is none of the latest.",
                Content::Json(shape::<shapes::Failure>),
            ),
        ],
        Run::Now(requests::one),
    ),
    Operation {
        parameters: &[Parameter {
            name: "open",
            kind: Kind::Flag,
            about: "Only those that hold.",
        }],
        ..get(
            "alerts",
            "/api/v1/alerts",
            "What an operator was warned of: what holds, then what is over, the newest first.",
            &[(
                200,
                "The alerts.",
                Content::Json(shape::<alerts::AlertReports>),
            )],
            Run::Now(alerts::list),
        )
    },
    get(
        "keys",
        "/api/v1/keys",
        "Client keys and what each may, without anything that one could be told by.",
        &[(200, "The keys.", Content::Json(shape::<keys::KeyReports>))],
        Run::Now(|ask| keys::list(ask.admin)),
    ),
    get(
        "budgets",
        "/api/v1/budgets",
        "What may be spent and what was, a row for each window of each budget.",
        &[(
            200,
            "The budgets.",
            Content::Json(shape::<budgets::BudgetReports>),
        )],
        Run::Now(|ask| budgets::list(ask.admin)),
    ),
    get(
        "config",
        "/api/v1/config",
        "The configuration in force, merged, credentials masked; what the last change was; what is wrong with a refused file.",
        &[(
            200,
            "The configuration.",
            Content::Json(shape::<shapes::InForce>),
        )],
        Run::Now(|ask| reload::shown(ask.admin)),
    ),
    get(
        "demo",
        "/api/v1/demo",
        "The demo's providers, what is done to them, and what both policies made of the traffic.",
        &[
            (200, "The scene.", Content::Json(shape::<stage::Scene>)),
            (
                404,
                "This is no demo.",
                Content::Json(shape::<shapes::Failure>),
            ),
        ],
        Run::Now(stage::scene),
    ),
    Operation {
        method: "POST",
        body: Some(shape::<stage::Direction>),
        ..get(
            "act",
            "/api/v1/demo",
            "Does something to one of the demo's providers.",
            &[
                (200, "The scene.", Content::Json(shape::<stage::Scene>)),
                (
                    404,
                    "This is no demo.",
                    Content::Json(shape::<shapes::Failure>),
                ),
                (
                    503,
                    "The daemon is shutting down.",
                    Content::Json(shape::<shapes::Failure>),
                ),
            ],
            Run::Later(|ask| Box::pin(stage::direct(ask))),
        )
    },
    Operation {
        method: "POST",
        ..get(
            "reload",
            "/api/v1/reload",
            "Has the files read, and answers once they are in force or refused.",
            &[
                (200, "In force.", Content::Json(shape::<shapes::Applied>)),
                (
                    409,
                    "Refused, with everything that is wrong.",
                    Content::Json(shape::<shapes::Refused>),
                ),
                (
                    503,
                    "The daemon is shutting down.",
                    Content::Json(shape::<shapes::Failure>),
                ),
            ],
            Run::Later(|ask| Box::pin(reload::reload(ask.admin))),
        )
    },
    get(
        "steering",
        "/api/v1/steering",
        "Operators' orders that hold, what each does, and the kill switch.",
        &[(
            200,
            "The orders.",
            Content::Json(shape::<steering::Steering>),
        )],
        Run::Now(|ask| steering::list(ask.admin)),
    ),
    Operation {
        method: "POST",
        body: Some(shape::<Wish>),
        ..get(
            "steer",
            "/api/v1/steering",
            "Gives an order: pin a share, drain, freeze, another strategy or mode. It ends by itself.",
            &[
                (201, "It holds.", Content::Json(shape::<steering::Given>)),
                (
                    404,
                    "The configuration has nothing of that name.",
                    Content::Json(shape::<shapes::Failure>),
                ),
                (
                    409,
                    "It cannot be done with what is in force.",
                    Content::Json(shape::<shapes::Failure>),
                ),
                (
                    503,
                    "The controller does not answer, or the daemon is shutting down.",
                    Content::Json(shape::<shapes::Failure>),
                ),
            ],
            Run::Later(|ask| Box::pin(steering::give(ask))),
        )
    },
    Operation {
        method: "DELETE",
        parameters: &[Parameter {
            name: "by",
            kind: Kind::Text,
            about: "Who ends it, for the log. Default `api`.",
        }],
        ..get(
            "restore",
            "/api/v1/steering/{id}",
            "Ends an order.",
            &[
                (
                    200,
                    "It has ended.",
                    Content::Json(shape::<steering::Ended>),
                ),
                (
                    404,
                    "There is no such order.",
                    Content::Json(shape::<shapes::Failure>),
                ),
                (
                    409,
                    "What would be in force without it cannot be.",
                    Content::Json(shape::<shapes::Failure>),
                ),
                (
                    503,
                    "The controller does not answer, or the daemon is shutting down.",
                    Content::Json(shape::<shapes::Failure>),
                ),
            ],
            Run::Later(|ask| Box::pin(steering::end(ask))),
        )
    },
    get(
        "switch",
        "/api/v1/switch",
        "The kill switch.",
        &[(
            200,
            "Whether it is off, and who threw it.",
            Content::Json(shape::<steering::SwitchState>),
        )],
        Run::Now(|ask| steering::switch(ask.admin)),
    ),
    Operation {
        method: "POST",
        body: Some(shape::<steering::Throw>),
        ..get(
            "throw",
            "/api/v1/switch",
            "Throws the kill switch: configured shares, unguarded, at once and without the controller; or back.",
            &[(
                200,
                "It is thrown.",
                Content::Json(shape::<steering::SwitchState>),
            )],
            Run::Now(steering::throw),
        )
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_be_percent_encoded() {
        for path in [
            "/api/v1/routes/chat:fast@eu",
            "/api/v1/routes/chat%3Afast%40eu/",
        ] {
            let (found, name) = at(path);
            assert_eq!(found.len(), 1, "{path}");
            assert_eq!((found[0].id, name.as_str()), ("route", "chat:fast@eu"));
        }
    }

    #[test]
    fn broken_paths_name_nothing() {
        for path in [
            "/api/v1/routes/a/b",
            "/api/v1/routes/%zz",
            "/api/v1/routes/%f",
            "/api/v1/routes/%ff",
            "/api/v2",
            "/healthz/x",
        ] {
            assert!(at(path).0.is_empty(), "{path}");
        }
    }

    #[test]
    fn every_row_has_a_name_and_a_good_answer_of_its_own() {
        for (i, row) in TABLE.iter().enumerate() {
            let same = |other: &&Operation| {
                other.id == row.id || (other.path == row.path && other.method == row.method)
            };
            assert!(!TABLE[..i].iter().any(|other| same(&other)), "{}", row.id);
            assert!(
                row.answers.iter().any(|(status, ..)| *status < 300),
                "{}",
                row.id
            );
        }
    }
}
