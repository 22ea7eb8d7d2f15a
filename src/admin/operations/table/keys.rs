//! Client keys.

use super::super::{Content, Operation, Parameter, Run, shape};
use super::get;
use crate::admin::query::Kind;
use crate::admin::{keys, shapes};
use crate::config::{KeyWish, Rotation};

/// The rows.
pub(super) static ROWS: &[Operation] = &[
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
        method: "POST",
        body: Some(shape::<Rotation>),
        ..get(
            "rotate_key",
            "/api/v1/keys/{key}",
            "Gives a client key a new secret: the same key, with its rights, limits, budget and books. The secret before is \
                accepted for a while beside it. The answer is the only place where the new one is told.",
            &[
                (
                    201,
                    "The new one is accepted.",
                    Content::Json(shape::<keys::MadeKey>),
                ),
                (
                    404,
                    "There is no key of this name.",
                    Content::Json(shape::<shapes::Failure>),
                ),
                (
                    409,
                    "It is revoked or has expired, too many older secrets of it are accepted, or no books are kept.",
                    Content::Json(shape::<shapes::Failure>),
                ),
                (
                    503,
                    "The books or the controller cannot take it now.",
                    Content::Json(shape::<shapes::Failure>),
                ),
            ],
            Run::Later(|ask| Box::pin(keys::rotate(ask))),
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
];
