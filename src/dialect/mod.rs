//! The languages that clients and providers speak, each by itself, and the neutral form between them.
//!
//! The problem: five fronts and eight providers are forty pairs, each with text, tools, images, reasoning, streams and
//! errors. The choice: every dialect is read into and written from one neutral form ([`neutral`]), so that there is a module a
//! dialect and none a pair. Where client and target speak the same dialect nothing of this runs: the bytes pass as they are.
//!
//! A dialect's module has, as far as its place needs them:
//!
//! | function | used | what |
//! |---|---|---|
//! | `read_request` | front | a client's body to [`neutral::Request`] |
//! | `fit` | target | whether a request can be said in this dialect: the reason if it cannot |
//! | `write_request` | target | a request as the provider's body, and what harmless fields were left out |
//! | `read_answer` | target | the provider's whole answer to [`neutral::Answer`] |
//! | `Reader` | target | the provider's stream, in any chunking, to [`neutral::Piece`]s |
//! | `write_answer` | front | an answer as the client's dialect has it |
//! | `Writer` | front | pieces to the events of the client's dialect |
//! | `write_error`, `Writer::error` | front | an error in the client's dialect, as a document and as an event |
//!
//! All of it is pure: bytes and types in, bytes and types out.

pub mod any;
pub mod chat;
pub mod cohere;
pub mod completions;
pub mod converse;
mod elsewhere;
pub mod embeddings;
mod front;
pub mod gemini;
mod json;
pub mod messages;
pub mod neutral;
pub mod responses;

pub use front::Front;
