//! The daemon itself: whether it works, what is in force, and the demo.

use super::super::{Content, Operation, Parameter, Run, shape};
use super::get;
use crate::admin::index::{index, metrics};
use crate::admin::query::Kind;
use crate::admin::{fleet, health, openapi, overview, percentiles, reload, shapes, stage};

/// The rows.
pub(super) static ROWS: &[Operation] = &[
    get(
        "health",
        "/healthz",
        "Whether the process works, also when a file was refused, the books cannot be written, or other replicas are out of \
         reach: the body says so, and to who holds the token also why.",
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
        "fleet",
        "/api/v1/fleet",
        "The replicas that decide as one: versions, lag, whose evidence counts how much, and each one's shares.",
        &[(
            200,
            "The replicas.",
            Content::Json(shape::<fleet::FleetReport>),
        )],
        Run::Now(|ask| fleet::fleet(ask.admin)),
    ),
    Operation {
        parameters: &[Parameter {
            name: "scope",
            kind: Kind::Text,
            about: "replica: of the one that answers; fleet: of all of them together. Default replica.",
        }],
        ..get(
            "percentiles",
            "/api/v1/percentiles",
            "Percentiles of times and cost of the last minute, by upstream, of this replica or of all.",
            &[(
                200,
                "The percentiles.",
                Content::Json(shape::<percentiles::PercentileReports>),
            )],
            Run::Later(percentiles::answer),
        )
    },
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
];
