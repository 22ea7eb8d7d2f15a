//! Simulated providers: a real HTTP server on a real socket that speaks every provider's dialect under a [`Law`].
//!
//! A proxy is only tested by something that behaves like the other side: slow, over quota, silent, cut off in the
//! middle. A stub inside the process would skip what goes wrong in practice (framing, back-pressure, a client that
//! leaves), so this is a server like any other, behind `weighbridge mock`, providers of `kind = "simulated"`, the demo,
//! the integration tests and the benchmarks. What each request experiences is decided at its arrival by
//! [`law::fate`](crate::law::fate), the simulator's own function; here it is only carried out.
//!
//! | request | answer |
//! |---|---|
//! | `POST /v1/chat/completions`, `/completions`, `/responses` | OpenAI's answers as the law says, in one piece or as events |
//! | `POST /v1/messages`, `/messages/count_tokens` | Anthropic's |
//! | `POST /v1beta/models/{model}:generateContent`, `:streamGenerateContent`, `:countTokens` | Google's |
//! | `POST /model/{model}/converse`, `/converse-stream` | Amazon's |
//! | `POST /v2/chat` | Cohere's |
//! | `POST /v1/embeddings`, `/v2/embed`, `/v1beta/models/{model}:embedContent`, `:batchEmbedContents` | vectors of 8 numbers |
//! | `GET /v1/models` | the targets that this process hosts |
//! | `PUT /_law` | replaces the law, in TOML or JSON; its time begins again at 0. A broken law is a 400 and changes nothing |
//! | `GET /_law`, `GET /_stats` | the law in force; what became of the requests so far |
//!
//! The version may be another or none. Each also exists as `/{target}/…` with a law and counts of its own, so that one
//! process hosts many targets; there every other path is answered with an echo of what came. `PUT /{target}/_law` makes a
//! target that is not there yet.
//!
//! What an answer says is a `script` of thoughts, texts and calls in pieces, the same in every dialect; `dialects` tells it.
//! Signatures, sealed thoughts and ids bear the name of the target that made them (`own`), and another one refuses them, as
//! providers do.
//!
//! The noise of a request belongs to its number: header `x-mock-request`, else `seed` in its body, else a count since
//! the law began. A request that stood in line says how long in `x-mock-wait-us`.
//!
//! Streams send their header and what comes before all content as soon as the wait in line is over, and the
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
