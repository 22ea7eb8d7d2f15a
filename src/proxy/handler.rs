//! The life of a request.
//!
//! One read of the published snapshot, then: what is it, its body, its envelope, the pools that it asks for, the attempts,
//! the answer. Every way out ends in [`respond`], so every answer has the same headers and every request one record. A
//! panic on the way is that request's 500.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::request::Parts;
use http::{Request, Response, StatusCode, Version};
use hyper::body::Incoming;

use super::Proxy;
use super::asking::Asking;
use super::body::Body;
use super::entrance;
use super::feedback;
use super::intake::{self, Purpose};
use super::question::Question;
use super::record::Ending;
use super::reply::{Reject, Reply, Told, respond};
use super::room::{Held, turned_away};
use super::through::Through;
use super::told::ESTIMATED;
use crate::dialect::Front;
use crate::live::{Snapshot, Trace};
use crate::model::Outcome;
use crate::wire::Code;
use crate::wire::models::{Model, one, page};
use crate::wire::seal::origins;

/// Answers `request`.
pub async fn handle(proxy: Arc<Proxy>, request: Request<Incoming>) -> Response<Body> {
    let snapshot = proxy.published.read();
    let (head, body) = request.into_parts();
    let request_id = intake::request_id(&head.headers).unwrap_or_else(|| own_id(&proxy));
    let mut ending = Ending::begin(
        proxy.recorder.clone(),
        proxy.open.clone(),
        proxy.clock,
        proxy.labels.none.clone(),
        request_id.clone(),
    );
    let told = Told {
        request_id,
        generation: snapshot.generation,
        front: intake::front(&head),
    };
    ending.end.operation = told.front.operation();
    if let Some(otlp) = &snapshot.config.otlp {
        let luck = || proxy.chance.long_number();
        let trace = Trace::begin(&head.headers, otlp.sample, luck);
        ending.end.trace = Some(Box::new(trace));
    }
    // On the heap, so that an idle connection does not hold the room of a request.
    let answering = Box::pin(answer(&proxy, &snapshot, &head, body, &mut ending));
    let reply = unpanicked(answering).await.unwrap_or_else(|| {
        let message = "this server made a mistake with this request; its log has the details";
        Reply::Reject(Reject::new(Code::InternalError, message).final_word())
    });
    let mut response = respond(reply, told, ending);
    if head.version >= Version::HTTP_2 {
        // A connection of HTTP/2 has no such header; a stream that is not read to its end is reset.
        response.headers_mut().remove(header::CONNECTION);
    } else if proxy.leaving.load(Ordering::Relaxed) {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(header::CONNECTION, close);
    }
    response
}

async fn answer(
    proxy: &Proxy,
    snapshot: &Snapshot,
    head: &Parts,
    body: Incoming,
    ending: &mut Ending,
) -> Reply {
    let most = snapshot.config.server.max_requests;
    if proxy.open_requests() > most {
        ending.is_told = true;
        if let Some(requests) = proxy.room.refusals.count(proxy.clock.now()) {
            tracing::warn!(requests, "turned away: server.max_requests are under way");
        }
        return Reply::Reject(turned_away("server.max_requests"));
    }
    if let Err(reject) = intake::check_size(head) {
        return Reply::Reject(reject);
    }
    let is_provider = |name: &str| snapshot.providers.contains_key(name);
    let client = match entrance::holder(snapshot, &head.headers, ending.started()) {
        Ok(client) => client,
        Err(reject) => return Reply::Reject(reject),
    };
    ending.end.key = client.as_ref().map(|client| Arc::clone(&client.key.name));
    ending.end.tags = entrance::tags(client.as_deref(), &head.headers, &mut ending.warnings);
    let mut held = Held::none(&proxy.room);
    let reading = Reading {
        snapshot,
        held: &mut held,
        head,
        body,
    };
    let result = match intake::purpose(head, is_provider) {
        Ok(Purpose::Ask(front)) => match read(reading, front, ending).await {
            Ok(question) => ask(proxy, snapshot, &question.by(client), head, ending).await,
            Err(reject) => Err(reject),
        },
        Ok(Purpose::Through(through)) => match read_through(reading, through, ending).await {
            Ok(question) => ask(proxy, snapshot, &question.by(client), head, ending).await,
            Err(reject) => Err(reject),
        },
        Ok(Purpose::Feedback) => feedback(proxy, reading, ending).await,
        Ok(Purpose::Model(name)) => model(proxy, snapshot, &name, ending),
        Ok(Purpose::Models) => {
            ending.end.outcome = Outcome::Ok;
            Ok(models(proxy, snapshot))
        }
        Err(reject) => Err(reject),
    };
    result.unwrap_or_else(Reply::Reject)
}

/// A request whose body has not been read.
struct Reading<'a> {
    snapshot: &'a Snapshot,
    held: &'a mut Held,
    head: &'a Parts,
    body: Incoming,
}

impl Reading<'_> {
    async fn body(self, ending: &mut Ending) -> Result<Bytes, Reject> {
        let server = &self.snapshot.config.server;
        let body = intake::body(self.head, self.body, server, self.held).await?;
        ending.asked();
        Ok(body)
    }
}

async fn read(reading: Reading<'_>, front: Front, ending: &mut Ending) -> Result<Question, Reject> {
    let body = reading.body(ending).await?;
    let question = Question::read(front, body)?;
    let warnings = &question.envelope.extension.warnings;
    ending.warnings.extend_from_slice(warnings);
    Ok(question)
}

/// `POST /v1/feedback`.
async fn feedback(
    proxy: &Proxy,
    reading: Reading<'_>,
    ending: &mut Ending,
) -> Result<Reply, Reject> {
    let snapshot = reading.snapshot;
    let body = reading.body(ending).await?;
    feedback::take(proxy, snapshot, &body, ending).await
}

async fn read_through(
    reading: Reading<'_>,
    through: Through,
    ending: &mut Ending,
) -> Result<Question, Reject> {
    let body = reading.body(ending).await?;
    through.question(body)
}

async fn ask(
    proxy: &Proxy,
    snapshot: &Snapshot,
    question: &Question,
    head: &Parts,
    ending: &mut Ending,
) -> Result<Reply, Reject> {
    let tags = ending.end.tags.take();
    ending.end.tags = entrance::tags_of_metadata(tags, question, &mut ending.warnings);
    if let Some(client) = &question.client {
        entrance::admit(client, question, proxy.clock.now())?;
        ending.charged_to(client.budget.as_ref());
    }
    // Known before anybody is found eligible, so that a refusal says where as well.
    if question.envelope.extension.list.is_none()
        && let Some(route) = snapshot.route(&question.envelope.model)
    {
        ending.end.route = Arc::clone(&route.label);
    }
    let asking = Asking {
        proxy,
        snapshot,
        headers: &head.headers,
    };
    let origins = if question.through.is_none() {
        origins(&question.body)
    } else {
        Vec::new()
    };
    let reply = if origins.is_empty() {
        asking.plain(question, ending).await
    } else {
        Box::pin(asking.marked(question, &origins, ending)).await
    };
    match reply {
        // Nobody who counts is left: what nobody is asked for harms nobody's rules.
        Err(reject)
            if question.front == Front::CountTokens
                && matches!(reject.code(), Code::NoEligibleTarget | Code::OriginLost) =>
        {
            ending.end.outcome = Outcome::Ok;
            Ok(estimated(question))
        }
        other => other,
    }
}

/// `GET /v1/models/NAME`.
fn model(
    proxy: &Proxy,
    snapshot: &Snapshot,
    name: &str,
    ending: &mut Ending,
) -> Result<Reply, Reject> {
    let name = name.replace("%2F", "/").replace("%2f", "/");
    let owner = if snapshot.route(&name).is_some() {
        "weighbridge"
    } else {
        let found = snapshot.upstreams.get(&name);
        found
            .map(|member| member.config.name.provider().as_str())
            .ok_or_else(|| super::named::unknown(snapshot, &name).about("model"))?
    };
    ending.end.outcome = Outcome::Ok;
    let created = proxy.since;
    Ok(Reply::Whole {
        status: StatusCode::OK,
        headers: json_headers(),
        body: one(Model {
            id: &name,
            created,
            owned_by: owner,
        }),
    })
}

/// A count of tokens without a tokenizer: four bytes a token, marked as what it is.
fn estimated(question: &Question) -> Reply {
    let tokens = (question.envelope.prompt_bytes / 4).max(1);
    let mut headers = json_headers();
    headers.insert(ESTIMATED, HeaderValue::from_static("true"));
    Reply::Whole {
        status: StatusCode::OK,
        headers,
        body: format!("{{\"input_tokens\":{tokens}}}").into(),
    }
}

pub(super) fn json_headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    headers
}

/// `GET /v1/models`: the routes, then the targets.
fn models(proxy: &Proxy, snapshot: &Snapshot) -> Reply {
    let created = proxy.since;
    let routes = snapshot.routes.iter().map(|route| Model {
        id: &route.label,
        created,
        owned_by: "weighbridge",
    });
    let upstreams = snapshot.config.upstreams.keys().map(|name| Model {
        id: name.as_str(),
        created,
        owned_by: name.provider().as_str(),
    });
    let headers = json_headers();
    let body: Bytes = page(routes.chain(upstreams));
    Reply::Whole {
        status: StatusCode::OK,
        headers,
        body,
    }
}

/// `req_` and 128 random bits in hexadecimal, written by hand: the formatting machinery costs several times as much.
fn own_id(proxy: &Proxy) -> HeaderValue {
    let mut id = *b"req_00000000000000000000000000000000";
    for half in id[4..].chunks_exact_mut(16) {
        let mut rest = proxy.chance.long_number();
        for place in half {
            *place = b"0123456789abcdef"[(rest & 15) as usize];
            rest >>= 4;
        }
    }
    HeaderValue::from_bytes(&id).unwrap_or(HeaderValue::from_static("req_unknown"))
}

/// The result of `work`, or `None` if it panicked. What it borrowed is only read again to say how the request ended.
async fn unpanicked<T>(work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    std::future::poll_fn(
        |cx| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx))) {
            Ok(poll) => poll.map(Some),
            Err(_) => std::task::Poll::Ready(None),
        },
    )
    .await
}
