//! The rows.

use super::{Content, Operation, Parameter, Run, shape};
use crate::admin::index::{index, metrics};
use crate::admin::query::Kind;
use crate::admin::{
    alerts, budgets, feed, foregone, health, history, keys, openapi, overview, reload, report,
    requests, shapes, stage, steering, usage,
};
use crate::config::{KeyWish, Wish};

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
pub(in crate::admin) static TABLE: &[Operation] = &[
    get(
        "health",
        "/healthz",
        "Whether the process works, also when a file was refused: the body says so, and to who holds the token also why.",
        &[(200, "It works.", Content::Json(shape::<shapes::Health>))],
        Run::Now(health::health),
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
        &[
            (
                200,
                "A stream without an end.",
                Content::Text(&["text/event-stream"]),
            ),
            (
                503,
                "As many follow already as may.",
                Content::Json(shape::<shapes::Failure>),
            ),
        ],
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
    Operation {
        method: "POST",
        body: Some(shape::<KeyWish>),
        ..get(
            "make_key",
            "/api/v1/keys",
            "Makes a client key. The answer is the only place where the key itself is told.",
            &[
                (
                    201,
                    "It is accepted.",
                    Content::Json(shape::<keys::MadeKey>),
                ),
                (
                    404,
                    "There is no route of a name that it is to be for.",
                    Content::Json(shape::<shapes::Failure>),
                ),
                (
                    409,
                    "Its name is taken, no books are kept, or the files ask for no key.",
                    Content::Json(shape::<shapes::Failure>),
                ),
                (
                    503,
                    "The books or the controller cannot take it now.",
                    Content::Json(shape::<shapes::Failure>),
                ),
            ],
            Run::Later(|ask| Box::pin(keys::make(ask))),
        )
    },
    Operation {
        method: "DELETE",
        parameters: &[
            Parameter {
                name: "by",
                kind: Kind::Text,
                about: "Who revokes it. Default `api`.",
            },
            Parameter {
                name: "reason",
                kind: Kind::Text,
                about: "Why.",
            },
        ],
        ..get(
            "revoke_key",
            "/api/v1/keys/{key}",
            "Revokes a client key, also one of the files: the next request with it is refused.",
            &[
                (
                    200,
                    "It is refused.",
                    Content::Json(shape::<keys::KeyStanding>),
                ),
                (
                    404,
                    "There is no key of this name.",
                    Content::Json(shape::<shapes::Failure>),
                ),
                (
                    503,
                    "The controller does not answer, or the daemon is shutting down.",
                    Content::Json(shape::<shapes::Failure>),
                ),
            ],
            Run::Later(|ask| Box::pin(keys::revoke(ask))),
        )
    },
    Operation {
        method: "PATCH",
        body: Some(shape::<keys::Change>),
        ..get(
            "change_key",
            "/api/v1/keys/{key}",
            "Accepts a client key again that was revoked, or revokes it.",
            &[
                (
                    200,
                    "How it stands.",
                    Content::Json(shape::<keys::KeyStanding>),
                ),
                (
                    404,
                    "There is no key of this name.",
                    Content::Json(shape::<shapes::Failure>),
                ),
                (
                    409,
                    "It is not revoked, or another key has its name by now.",
                    Content::Json(shape::<shapes::Failure>),
                ),
                (
                    503,
                    "The controller does not answer, or the daemon is shutting down.",
                    Content::Json(shape::<shapes::Failure>),
                ),
            ],
            Run::Later(|ask| Box::pin(keys::change(ask))),
        )
    },
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
