//! The dashboard: a page, its script and its style, built beforehand and part of the program.
//!
//! Problem: an operator needs a page that works where there is no internet and no Node.js, and that can do nothing that the
//! admin API does not do. Choice: the files of `dashboard/built` are compiled in as they are; `scripts/dashboard` makes them
//! from `dashboard/source`, and `scripts/test` checks that it makes the same bytes. They hold no data, so they ask for no
//! token: the page asks its reader for it. The policy allows only what this listener serves, and no script or style within
//! the page. How it fails: a browser that holds an older script asks by its tag whether it is still the one, at each load,
//! so a page never runs with another version's script for longer than it stays open.

use std::sync::LazyLock;

use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue,
    IF_NONE_MATCH, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{Either, Full};

use super::reply::{self, Reply};

/// What the page may do: load this listener's files, ask this listener, draw images of its own; nothing else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// One file.
struct Asset {
    path: &'static str,
    media: &'static str,
    bytes: &'static [u8],
}

/// All files, by the path that they are asked by.
static ASSETS: [Asset; 5] = [
    Asset {
        path: "/",
        media: "text/html; charset=utf-8",
        bytes: include_bytes!("dashboard/built/index.html"),
    },
    Asset {
        path: "/assets/dashboard.js",
        media: "text/javascript; charset=utf-8",
        bytes: include_bytes!("dashboard/built/dashboard.js"),
    },
    Asset {
        path: "/assets/dashboard.css",
        media: "text/css; charset=utf-8",
        bytes: include_bytes!("dashboard/built/dashboard.css"),
    },
    Asset {
        path: "/assets/icon.svg",
        media: "image/svg+xml",
        bytes: include_bytes!("dashboard/built/icon.svg"),
    },
    Asset {
        path: "/assets/licences.txt",
        media: "text/plain; charset=utf-8",
        bytes: include_bytes!("dashboard/built/licences.txt"),
    },
];

/// The tag of each file, as [`ASSETS`] has them.
static TAGS: LazyLock<[String; ASSETS.len()]> =
    LazyLock::new(|| ASSETS.each_ref().map(|asset| tag(asset.bytes)));

/// The answer to a request for a file of the dashboard; `None` if it is for something else.
pub(super) fn file<B>(request: &Request<B>) -> Option<Reply> {
    let path = request.uri().path();
    let mut known = ASSETS.iter().zip(TAGS.iter());
    let Some((asset, tag)) = known.find(|(asset, _)| asset.path == path) else {
        let message = "the dashboard has no such file; GET / is its page";
        return path
            .starts_with("/assets/")
            .then(|| reply::error(StatusCode::NOT_FOUND, message));
    };
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return Some(reply::allows("GET, HEAD"));
    }
    let held = holds(request.headers(), tag);
    let body = if held { &[] } else { asset.bytes };
    let mut response = Response::new(Either::Left(Full::from(body)));
    if held {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, asset.media),
        (CONTENT_SECURITY_POLICY, POLICY),
        (CACHE_CONTROL, "no-cache"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(tag) = HeaderValue::from_str(tag) {
        headers.insert(ETAG, tag);
    }
    Some(response)
}

/// Whether a client says that it has the file of this tag.
fn holds(headers: &HeaderMap, tag: &str) -> bool {
    let mut lists = headers.get_all(IF_NONE_MATCH).iter();
    lists.any(|list| {
        let tags = list.to_str().unwrap_or_default().split(',');
        tags.map(|held| held.trim().trim_start_matches("W/"))
            .any(|held| held == tag || held == "*")
    })
}

/// FNV-1a: it has to tell one build's bytes from another's, not to withstand somebody who forges them.
fn tag(bytes: &[u8]) -> String {
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("\"{hash:016x}\"")
}
