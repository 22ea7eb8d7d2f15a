//! What an operator is warned of, may spend, and orders.

use super::super::{Content, Operation, Parameter, Run, shape};
use super::get;
use crate::admin::query::Kind;
use crate::admin::{alerts, budgets, shapes, steering};
use crate::config::Wish;

/// The rows.
pub(super) static ROWS: &[Operation] = &[
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
            Run::Later(|ask| Box::pin(steering::throw(ask))),
        )
    },
];
