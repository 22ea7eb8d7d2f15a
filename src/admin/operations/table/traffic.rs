//! What the traffic does, and what it did.

use super::super::{Content, Operation, Parameter, Run, shape};
use super::{MOST, ROUTE, get};
use crate::admin::query::Kind;
use crate::admin::{feed, foregone, history, report, requests, shapes, usage};

/// The rows.
pub(super) static ROWS: &[Operation] = &[
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
            "The latest requests, newest first by when they ended: `number` counts ends, and falls from row to row. `at` is when \
                each came, so one that took long stands above others that came later. Nothing that anybody wrote is kept of them.",
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
];
