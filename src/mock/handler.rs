//! One request: find its target, ask the law, carry out what it says.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;

use super::answer::{self, Text};
use super::body::{Answering, Then};
use super::laws::{Begun, End, Flight, Laws, Target};
use super::question::{Form, Question};
use super::reply::{
    Reply, document, events, json, law_document, no_target, problem, refusal, silent, waited,
    wrong, wrong_method,
};
use super::stream::Stream;
use crate::law::{Answer, Ending, Fate, Hang, Law};
use crate::live::Clock;
use crate::model::Time;

/// Largest body of a chat request, in bytes.
const MAX_BODY: usize = 64 << 20;

/// Largest law, in bytes: a thousand steps fit ten times over.
const MAX_LAW: usize = 1 << 20;

/// What a path asks for.
enum Place {
    Chat,
    Models,
    Law,
    Stats,
}

/// A path as the target's name (empty for the one without) and what is asked of it.
fn place(path: &str) -> Option<(&str, Place)> {
    let path = path.strip_prefix('/')?;
    match path {
        "v1/chat/completions" | "chat/completions" => return Some(("", Place::Chat)),
        "v1/models" | "models" => return Some(("", Place::Models)),
        "_law" => return Some(("", Place::Law)),
        "_stats" => return Some(("", Place::Stats)),
        _ => {}
    }
    let (target, rest) = path.split_once('/')?;
    let place = match rest {
        "v1/chat/completions" => Place::Chat,
        "v1/models" => Place::Models,
        "_law" => Place::Law,
        "_stats" => Place::Stats,
        _ => return None,
    };
    (!target.is_empty()).then_some((target, place))
}

/// Answers one request.
pub(super) async fn handle(laws: &Laws, request: Request<Incoming>) -> Reply {
    let path = request.uri().path().to_owned();
    let Some((name, place)) = place(&path) else {
        return problem(404, &format!("nothing is at {path}"));
    };
    match (place, request.method().clone()) {
        (Place::Chat, Method::POST) => match laws.target(name) {
            Some(target) => chat(&target, laws.clock(), request).await,
            None => no_target(name),
        },
        (Place::Models, Method::GET) => models(laws),
        (Place::Law, Method::PUT) => put_law(laws, name, request).await,
        (Place::Law, Method::GET) => match laws.law(name) {
            Some(law) => law_document(&law),
            None => no_target(name),
        },
        (Place::Stats, Method::GET) => match laws.stats(name) {
            Some(stats) => document(StatusCode::OK, serde_json::json!(stats).to_string()),
            None => no_target(name),
        },
        (Place::Chat, _) => wrong_method("POST"),
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

fn models(laws: &Laws) -> Reply {
    let mut names = laws.names();
    if names.is_empty() {
        names.push("mock".to_owned());
    }
    let models: Vec<_> = names
        .iter()
        .map(|name| serde_json::json!({"id": name, "object": "model", "created": 0, "owned_by": "mock"}))
        .collect();
    let list = serde_json::json!({"object": "list", "data": models});
    document(StatusCode::OK, list.to_string())
}

// === chat ===

/// A chat request on its way: where its times count from.
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

async fn chat(target: &Arc<Target>, clock: Clock, request: Request<Incoming>) -> Reply {
    let (head, body) = request.into_parts();
    let body = match read(body, MAX_BODY).await {
        Ok(body) => body,
        Err(refusal) => {
            target.refuse();
            return refusal;
        }
    };
    let question = match Question::read(&head.headers, &body) {
        Ok(question) => question,
        Err(words) => {
            target.refuse();
            return problem(400, &words);
        }
    };
    drop(body);
    let arrival = Arrival {
        clock,
        at: clock.now(),
    };
    let Begun {
        number,
        fate,
        flight,
    } = target.begin(question.number, &question.ask(), clock, arrival.at);
    match fate {
        Fate::Answer(answer) => {
            let form = question.form;
            let text = Text::new(question, number, answer.tokens_out, clock.unix_seconds());
            match form {
                Form::Unary => unary(answer, text, flight, arrival).await,
                Form::Stream | Form::StreamWithUsage => {
                    arrival.sleep(answer.wait).await;
                    streamed(answer, text, form, flight, arrival)
                }
            }
        }
        Fate::Error {
            status,
            after,
            retry_after,
        } => {
            arrival.sleep(after).await;
            refusal(status, retry_after, flight)
        }
        Fate::Hang(Hang::Header) => hang(flight).await,
        Fate::Hang(Hang::Body) => silent(question.form, flight),
        Fate::Wrong { how, after } => {
            arrival.sleep(after).await;
            wrong(how, question.form, flight)
        }
    }
}

async fn unary(answer: Answer, text: Text, flight: Flight, arrival: Arrival) -> Reply {
    let (tokens, then) = match answer.ending {
        Ending::Complete => {
            arrival.sleep(answer.total).await;
            let body = Answering::ending(text.document(), flight, End::Answered);
            return waited(json(StatusCode::OK, body), &answer);
        }
        Ending::ErrorEvent { tokens } => {
            arrival.sleep(answer.token_at(tokens)).await;
            let body = Answering::ending(answer::ERROR_DOCUMENT, flight, End::Wrong);
            return waited(json(StatusCode::OK, body), &answer);
        }
        Ending::Stall { tokens } => (tokens, Then::Silence),
        Ending::Cut { tokens } => (tokens, Then::Flush),
    };
    arrival.sleep(answer.token_at(tokens)).await;
    let whole = text.document();
    let body = Answering::Part {
        declared: whole.len() as u64,
        bytes: whole.slice(..whole.len() / 2),
        then,
        flight: Some(flight),
    };
    waited(json(StatusCode::OK, body), &answer)
}

fn streamed(answer: Answer, text: Text, form: Form, flight: Flight, arrival: Arrival) -> Reply {
    let shown = answer.clone();
    let stream = Stream::new(answer, text, form, flight, (arrival.clock, arrival.at));
    waited(events(Answering::Stream(Box::new(stream))), &shown)
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
