//! The parts that are not named tables: listeners, controller, requests, defaults.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use super::credential::credential;
use super::field::Field;
use super::interpolate::Lookup;
use super::listen::{ALLOW_REMOTE, ALLOW_UNAUTHENTICATED, address, loopback_only, same_socket};
use super::section::Section;
use super::tls::tls;
use super::{
    Admin, Controller, Journal, Mode, OnLostOrigin, Requests, Retry, Secret, Server, Strategy,
};

/// Spelling of the modes.
pub(super) const MODES: &[(&str, Mode)] = &[
    ("off", Mode::Off),
    ("shadow", Mode::Shadow),
    ("auto", Mode::Auto),
];

/// Spelling of the strategies.
pub(super) const STRATEGIES: &[(&str, Strategy)] =
    &[("fixed", Strategy::Fixed), ("adaptive", Strategy::Adaptive)];

/// Spelling of what becomes of a conversation whose provider is gone.
pub(super) const LOST_ORIGINS: &[(&str, OnLostOrigin)] =
    &[("strip", OnLostOrigin::Strip), ("fail", OnLostOrigin::Fail)];

/// Longest and shortest time that any setting may have.
pub(super) const DAY: Duration = Duration::from_secs(86_400);
/// What all files of a journal take together: some days of a small service, hours of a large one.
const JOURNAL_SIZE: u64 = 1 << 30;
/// Below, a file would hold little more than its heading.
const JOURNAL_SIZES: RangeInclusive<u64> = 16 << 20..=1 << 40;
/// Below, a few long prompts would turn all others away; above, no machine has it.
const BUFFERED: RangeInclusive<u64> = 1 << 20..=1 << 40;
/// Shortest admin token, as for keys of clients: 96 bits where it is drawn from 64 characters.
const SHORTEST_TOKEN: usize = 16;
pub(super) const MILLISECOND: Duration = Duration::from_millis(1);

/// `[server]` and `[admin]`, which may not share an address.
pub(super) fn listeners(
    root: &mut Section<'_>,
    has_keys: bool,
    lookup: &dyn Lookup,
) -> (Server, Admin) {
    let mut server = Server::default();
    let mut admin = Admin::default();
    let data_listen = root
        .section("server")
        .and_then(|section| read_server(section, has_keys, &mut server, lookup));
    let admin_listen = root
        .section("admin")
        .and_then(|section| read_admin(section, &mut admin, lookup));
    if let Some(field) = admin_listen.or(data_listen)
        && same_socket(admin.listen, server.listen)
    {
        field.conflict(
            format!(
                "server.listen and admin.listen are both {}: each needs an address of its own",
                admin.listen
            ),
            "give one of them another port",
        );
    }
    (server, admin)
}

/// Reads into `server`, whose values stay where a key is missing or wrong, and returns where its address stands.
fn read_server<'a>(
    mut section: Section<'a>,
    has_keys: bool,
    server: &mut Server,
    lookup: &dyn Lookup,
) -> Option<Field<'a>> {
    let listen = section.field("listen");
    set(&mut server.listen, listen.as_ref().and_then(address));
    let allowed = section.field("allow_unauthenticated");
    let allowed = allowed.and_then(|field| field.boolean());
    set(&mut server.allow_unauthenticated, allowed);
    let required = section.field("require_key");
    let required = required.and_then(|field| field.boolean());
    server.require_key = required;
    let shared = section.field("reuse_port");
    set(
        &mut server.reuse_port,
        shared.and_then(|field| field.boolean()),
    );
    read_limits(&mut section, server);
    let headers = section.field("forward_headers");
    server.forward_headers = headers.map_or_else(Vec::new, |field| forwarded(&field));
    server.state = section.field("state").and_then(|field| folder(&field));
    server.tls = section.field("tls").and_then(|it| tls(&it, lookup));
    section.finish(&["keys", "cors", "workers", "access_log"]);
    if let Some(listen) = listen
        .as_ref()
        .filter(|_| !server.allow_unauthenticated && !has_keys && server.require_key != Some(true))
    {
        loopback_only(listen, server.listen.ip(), ALLOW_UNAUTHENTICATED);
    }
    listen
}

fn read_limits(section: &mut Section<'_>, server: &mut Server) {
    let body = section.field("max_body");
    let answer = section.field("max_answer");
    let size = |field: Option<&Field<'_>>| field.and_then(|field| field.size(1024..=1 << 30));
    let largest = size(body.as_ref());
    set(&mut server.max_body, largest);
    set(&mut server.max_answer, size(answer.as_ref()));
    for (key, time, least) in [
        ("drain_grace", &mut server.drain_grace, Duration::ZERO),
        ("head_timeout", &mut server.head_timeout, MILLISECOND),
        ("body_timeout", &mut server.body_timeout, MILLISECOND),
    ] {
        let field = section.field(key);
        set(time, field.and_then(|field| field.duration(least..=DAY)));
    }
    for (key, most) in [
        ("max_connections", &mut server.max_connections),
        ("max_requests", &mut server.max_requests),
    ] {
        let field = section.field(key);
        set(most, field.and_then(|field| count(&field)));
    }
    let buffered = section.field("max_buffered");
    let room = buffered.as_ref().and_then(|field| field.size(BUFFERED));
    set(&mut server.max_buffered, room);
    // A value that cannot be read is a problem of its own.
    let is_read = body.is_none() || largest.is_some();
    if let Some(field) = buffered.or(body).filter(|_| is_read) {
        one_body_fits(&field, server);
    }
}

/// Whether the largest body finds room where nobody else's is: one that does not would be told to try again for ever.
fn one_body_fits(field: &Field<'_>, server: &Server) {
    let (body, room) = (server.max_body, server.max_buffered);
    if body > room {
        field.conflict(
            format!(
                "server.max_body is {body} bytes and server.max_buffered {room}: a body between the two never finds room, \
                 however often it is sent"
            ),
            "set max_buffered to some times max_body, or lower max_body",
        );
    }
}

fn read_admin<'a>(
    mut section: Section<'a>,
    admin: &mut Admin,
    lookup: &dyn Lookup,
) -> Option<Field<'a>> {
    let listen = section.field("listen");
    set(&mut admin.listen, listen.as_ref().and_then(address));
    let allowed = section.field("allow_remote");
    let allowed = allowed.and_then(|field| field.boolean());
    set(&mut admin.allow_remote, allowed);
    let token = section.field("token");
    admin.token = token.as_ref().and_then(|field| guarding(field, lookup));
    section.finish(&["tls", "dashboard"]);
    // A token that cannot be read is a problem of its own.
    let is_guarded = admin.allow_remote || token.is_some();
    if let Some(listen) = listen.as_ref().filter(|_| !is_guarded) {
        loopback_only(listen, admin.listen.ip(), ALLOW_REMOTE);
    }
    listen
}

/// The token that everything at the admin listener is asked for by, which must be none that somebody guesses.
fn guarding(field: &Field<'_>, lookup: &dyn Lookup) -> Option<Secret> {
    let token = credential(field, lookup)?;
    if token.expose().len() < SHORTEST_TOKEN {
        field.problem(
            format!("expected a token of at least {SHORTEST_TOKEN} characters"),
            "`openssl rand -hex 32` makes one",
        );
        return None;
    }
    Some(token)
}

/// `[controller]`.
pub(super) fn controller(section: Option<Section<'_>>) -> Controller {
    let mut controller = Controller {
        tick: Duration::from_millis(250),
        journal: None,
    };
    if let Some(mut section) = section {
        let range = Duration::from_millis(50)..=Duration::from_secs(10);
        let tick = section.field("tick");
        set(
            &mut controller.tick,
            tick.and_then(|field| field.duration(range)),
        );
        controller.journal = journal(&mut section);
        section.finish(&["min_samples", "half_life", "max_step"]);
    }
    controller
}

/// `journal` and `journal_size` of `[controller]`.
fn journal(section: &mut Section<'_>) -> Option<Journal> {
    let dir = section.field("journal");
    let bound = section.field("journal_size");
    let size = bound.as_ref().and_then(|field| field.size(JOURNAL_SIZES));
    let Some(dir) = dir else {
        if let Some(bound) = bound {
            bound.conflict(
                "journal_size bounds a journal, and none is kept",
                "write journal = \"DIR\" beside it, or remove it",
            );
        }
        return None;
    };
    Some(Journal {
        dir: folder(&dir)?,
        size: size.unwrap_or(JOURNAL_SIZE),
    })
}

/// The path of a folder.
fn folder(field: &Field<'_>) -> Option<PathBuf> {
    let path = field.str()?;
    if path.trim().is_empty() {
        field.expected("the path of a folder", "leave it out to keep none");
        return None;
    }
    Some(path.into())
}

/// `[requests]`.
pub(super) fn requests(section: Option<Section<'_>>) -> Requests {
    let mut requests = Requests {
        lists: true,
        strategy: Strategy::Fixed,
    };
    if let Some(mut section) = section {
        set(
            &mut requests.lists,
            section.field("lists").and_then(|field| field.boolean()),
        );
        let strategy = section.field("strategy");
        set(
            &mut requests.strategy,
            strategy.and_then(|field| field.choice(STRATEGIES)),
        );
        section.finish(&["models", "max_targets"]);
    }
    requests
}

/// A table of retries over `base`.
pub(super) fn retry(section: Option<Section<'_>>, base: &Retry) -> Retry {
    let mut retry = base.clone();
    if let Some(mut section) = section {
        set(
            &mut retry.count,
            section.field("count").and_then(|field| field.whole(0..=10)),
        );
        if let Some(codes) = section.field("on_codes") {
            let mut listed: Vec<u16> = Vec::new();
            for item in codes.items() {
                match item.whole(400..=599) {
                    Some(code) if listed.contains(&code) => {
                        item.problem(format!("{code} stands twice in the list"), "remove one");
                    }
                    Some(code) => listed.push(code),
                    None => {}
                }
            }
            retry.on_codes = listed;
        }
        section.finish(&["budget", "backoff", "hedge"]);
    }
    retry
}

/// Sets `place` where there is a value.
pub(super) fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

/// How many there may be of something.
fn count(field: &Field<'_>) -> Option<usize> {
    usize::try_from(field.whole(1_u32..=1_000_000)?).ok()
}

/// Headers that are ours to write, or that would give a client's credential to a provider.
pub(super) const OWN_HEADERS: &[&str] = &[
    "accept-encoding",
    "api-key",
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-api-key",
    "x-goog-api-key",
];

fn forwarded(field: &Field<'_>) -> Vec<String> {
    let mut names = Vec::new();
    for item in field.items() {
        let Some(text) = item.str() else { continue };
        let name = text.to_ascii_lowercase();
        if http::HeaderName::from_bytes(name.as_bytes()).is_err() {
            item.expected("the name of a header", "");
        } else if OWN_HEADERS.contains(&name.as_str()) {
            item.problem(
                format!("{} is never passed on", item.found()),
                "it is written anew for each attempt, or would give a client's credential away",
            );
        } else if names.contains(&name) {
            item.problem(
                format!("{} stands twice in the list", item.found()),
                "remove one",
            );
        } else {
            names.push(name);
        }
    }
    names
}
