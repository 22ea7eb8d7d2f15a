//! One request: find its target, ask the law, carry out what it says.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;

use super::body::{Answering, Then};
use super::dialects::errors::Fault;
use super::dialects::{self, Dialect, Told};
use super::extras;
use super::laws::{Begun, End, Flight, Laws, Target};
use super::place::{Place, Post, What, place};
use super::question::{Form, Question, Refused, number, tokens};
use super::reply::{
    Manner, Reply, broken, document, events, json, law_document, no_target, problem, refusal,
    refused, silent, waited, wrong, wrong_method,
};
use super::stream::Stream;
use crate::law::{Answer, Ask, Ending, Fate, Hang, Law};
use crate::live::Clock;
use crate::model::Time;

/// Largest body of a request, in bytes.
const MAX_BODY: usize = 64 << 20;

/// Largest law, in bytes: a thousand steps fit ten times over.
const MAX_LAW: usize = 1 << 20;

/// Answers one request.
pub(super) async fn handle(laws: &Laws, request: Request<Incoming>) -> Reply {
    let path = request.uri().path().to_owned();
    let Some((name, place)) = place(&path) else {
        return problem(404, &format!("nothing is at {path}"));
    };
    match (place, request.method().clone()) {
        (Place::Post(post), Method::POST) => match laws.target(name) {
            Some(target) => governed(&target, laws.clock(), Some(&post), request).await,
            None => no_target(name),
        },
        (Place::Other, _) => match laws.target(name) {
            Some(target) => governed(&target, laws.clock(), None, request).await,
            None => no_target(name),
        },
        (Place::Models, Method::GET) => {
            document(StatusCode::OK, extras::models(laws.names()).to_string())
        }
        (Place::Law, Method::PUT) => put_law(laws, name, request).await,
        (Place::Law, Method::GET) => match laws.law(name) {
            Some(law) => law_document(&law),
            None => no_target(name),
        },
        (Place::Stats, Method::GET) => match laws.stats(name) {
            Some(stats) => document(StatusCode::OK, serde_json::json!(stats).to_string()),
            None => no_target(name),
        },
        (Place::Post(_), _) => wrong_method("POST"),
        (Place::Models | Place::Stats, _) => wrong_method("GET"),
        (Place::Law, _) => wrong_method("GET, PUT"),
    }
}

// === laws and lists ===

async fn put_law(laws: &Laws, name: &str, request: Request<Incoming>) -> Reply {
    let body = match read(request.into_body(), MAX_LAW).await {
        Ok(body) => body,
        Err(refusal) => return refusal,
    };
    let Ok(text) = std::str::from_utf8(&body) else {
        return problem(400, "not a law: expected text in UTF-8");
    };
    let law = match Law::read(text) {
        Ok(law) => law,
        Err(error) => return problem(400, &error.to_string()),
    };
    let shown = law_document(&law);
    match laws.put(name, law) {
        Ok(()) => shown,
        Err(error) => problem(400, &error.to_string()),
    }
}

// === what a law governs ===

/// A request on its way: where its times count from.
#[derive(Clone, Copy)]
struct Arrival {
    clock: Clock,
    at: Time,
}

impl Arrival {
    /// Sleeps until `span` after the arrival; costs nothing if that is none.
    async fn sleep(self, span: std::time::Duration) {
        if !span.is_zero() {
            tokio::time::sleep_until(self.clock.instant_of(self.at.after(span))).await;
        }
    }
}

/// What is asked, once it is read.
enum Asked {
    /// An answer, told by a script.
    Answer(Box<Question>),
    /// A document that is there already.
    Ready(Bytes),
}

async fn governed(
    target: &Arc<Target>,
    clock: Clock,
    post: Option<&Post>,
    request: Request<Incoming>,
) -> Reply {
    let (head, body) = request.into_parts();
    let body = match read(body, MAX_BODY).await {
        Ok(body) => body,
        Err(refusal) => {
            target.refuse();
            return refusal;
        }
    };
    let dialect = post.map_or(Dialect::Chat, |post| post.what.dialect());
    let asked = number(&head.headers)
        .and_then(|number| Ok((number, asked(target.name(), post, &head, &body)?)));
    drop(body);
    let (number, asked) = match asked {
        Ok(asked) => asked,
        Err(problem) => {
            target.refuse();
            return refused(dialect, &problem);
        }
    };
    let (number, ask) = match &asked {
        Asked::Answer(question) => (question.number, question.ask()),
        Asked::Ready(_) => (number, SHORT),
    };
    let arrival = Arrival {
        clock,
        at: clock.now(),
    };
    let begun = target.begin(number, &ask, clock, arrival.at);
    carry_out(target, asked, dialect, begun, arrival).await
}

/// What a law is asked for a document that is there already: it takes the time of one token.
const SHORT: Ask = Ask {
    tokens_out: Some(1),
    at_most: None,
    client_fault: false,
    patience: None,
    uncached: 0,
};

fn asked(target: &str, post: Option<&Post>, head: &Parts, body: &[u8]) -> Result<Asked, Refused> {
    let Some(post) = post else {
        return extras::echo(target, head, body).map(Asked::Ready);
    };
    match post.what {
        What::Answer(dialect) => {
            let query = head.uri.query().unwrap_or_default();
            let place = (target, post, query);
            let question = Question::read(dialect, place, &head.headers, body)?;
            Ok(Asked::Answer(Box::new(question)))
        }
        What::Vectors(how) => extras::vectors(how, body).map(Asked::Ready),
        What::Count(dialect) => {
            let count = tokens(dialects::counted(dialect, target, body)?.prompt);
            let document = match dialect {
                Dialect::Gemini => format!("{{\"totalTokens\":{count}}}"),
                Dialect::Chat
                | Dialect::Completions
                | Dialect::Responses
                | Dialect::Messages
                | Dialect::Converse
                | Dialect::Cohere => format!("{{\"input_tokens\":{count}}}"),
            };
            Ok(Asked::Ready(Bytes::from(document)))
        }
    }
}

async fn carry_out(
    target: &Target,
    asked: Asked,
    dialect: Dialect,
    begun: Begun,
    arrival: Arrival,
) -> Reply {
    let Begun {
        number,
        fate,
        flight,
    } = begun;
    let (form, model) = match &asked {
        Asked::Answer(question) => (question.form, question.model.as_str()),
        Asked::Ready(_) => (Form::Unary, "this model"),
    };
    let manner = Manner { dialect, form };
    match fate {
        Fate::Answer(answer) => {
            let now = arrival.clock.unix_seconds();
            let whole = match asked {
                Asked::Ready(bytes) => bytes,
                Asked::Answer(question) => {
                    let told = Told::new(*question, (target.name(), number), &answer, now);
                    if form.is_stream() {
                        arrival.sleep(answer.wait).await;
                        return streamed(answer, told, manner, flight, arrival);
                    }
                    told.document()
                }
            };
            unary(answer, whole, dialect, flight, arrival).await
        }
        Fate::Error {
            kind,
            status,
            after,
            retry_after,
        } => {
            arrival.sleep(after).await;
            let fault = Fault {
                status,
                wait: retry_after,
                model,
                now: arrival.clock.unix_seconds(),
                ..Fault::plain(kind)
            };
            refusal(manner, &fault, flight)
        }
        Fate::Hang(Hang::Header) => hang(flight).await,
        Fate::Hang(Hang::Body) => silent(manner, flight),
        Fate::Wrong { how, after } => {
            arrival.sleep(after).await;
            wrong(how, manner, flight)
        }
    }
}

async fn unary(
    answer: Answer,
    whole: Bytes,
    dialect: Dialect,
    flight: Flight,
    arrival: Arrival,
) -> Reply {
    let (tokens, then) = match answer.ending {
        Ending::Complete => {
            arrival.sleep(answer.total).await;
            let body = Answering::ending(whole, flight, End::Answered);
            return waited(json(StatusCode::OK, body), &answer);
        }
        Ending::ErrorEvent { tokens } => {
            arrival.sleep(answer.token_at(tokens)).await;
            return waited(broken(dialect, flight), &answer);
        }
        Ending::Stall { tokens } => (tokens, Then::Silence),
        Ending::Cut { tokens } => (tokens, Then::Flush),
    };
    arrival.sleep(answer.token_at(tokens)).await;
    let body = Answering::Part {
        declared: whole.len() as u64,
        bytes: whole.slice(..whole.len() / 2),
        then,
        flight: Some(flight),
    };
    waited(json(StatusCode::OK, body), &answer)
}

fn streamed(answer: Answer, told: Told, manner: Manner, flight: Flight, arrival: Arrival) -> Reply {
    let shown = answer.clone();
    let stream = Stream::new(answer, told, flight, (arrival.clock, arrival.at));
    waited(events(manner, Answering::Stream(Box::new(stream))), &shown)
}

/// Holds the request until hyper drops it, which it does when the client leaves.
async fn hang(flight: Flight) -> Reply {
    let never: Infallible = std::future::pending().await;
    drop(flight);
    match never {}
}

/// Reads a body of at most `most` bytes.
async fn read(body: Incoming, most: usize) -> Result<Bytes, Reply> {
    match Limited::new(body, most).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            Err(problem(413, &format!("expected at most {most} bytes")))
        }
        Err(error) => Err(problem(400, &format!("the body did not arrive: {error}"))),
    }
}
