//! Simulated providers: a real HTTP server on a real socket that speaks OpenAI's wire format under a [`Law`].
//!
//! A proxy is only tested by something that behaves like the other side: slow, over quota, silent, cut off in the
//! middle. A stub inside the process would skip what goes wrong in practice (framing, back-pressure, a client that
//! leaves), so this is a server like any other, behind `weighbridge mock`, providers of `kind = "simulated"`, the demo,
//! the integration tests and the benchmarks. What each request experiences is decided at its arrival by
//! [`law::fate`](crate::law::fate), the simulator's own function; here it is only carried out.
//!
//! | request | answer |
//! |---|---|
//! | `POST /v1/chat/completions`, `/chat/completions` | as the law says, in one piece or as server-sent events |
//! | `GET /v1/models`, `/models` | the targets that this process hosts |
//! | `PUT /_law` | replaces the law, in TOML or JSON; its time begins again at 0. A broken law is a 400 and changes nothing |
//! | `GET /_law`, `GET /_stats` | the law in force; what became of the requests so far |
//!
//! Each also exists as `/{target}/…` with a law and counts of its own (`/{target}/v1/…` for the first two), so that one
//! process hosts many targets. `PUT /{target}/_law` makes a target that is not there yet.
//!
//! The noise of a request belongs to its number: header `x-mock-request`, else `seed` in its body, else a count since
//! the law began. A request that stood in line says how long in `x-mock-wait-us`.
//!
//! Streams send their header and the role chunk, which has no content, as soon as the wait in line is over, and the
//! first token when the law says. Not spoken here: framing that violates HTTP itself, as a broken chunk length, which a
//! correct HTTP server can't produce; tests do that with a bare socket.

mod base64;
mod body;
mod dialects;
mod extras;
mod handler;
mod laws;
mod own;
mod place;
mod question;
mod reply;
mod sample;
mod script;
mod server;
mod stream;
mod wish;

pub use laws::{Laws, LawsError, Stats};
pub use server::{run, serve};

#[cfg(doc)]
use crate::law::Law;

#[cfg(test)]
mod tests;
