//! A unary answer: read whole and checked before it counts.

use std::pin::pin;

use bytes::Bytes;
use http::Response;
use http::header::{self, HeaderMap, HeaderValue};

use super::super::exchange::Outgoing;
use super::super::failed::{Failed, Read, not_an_answer, read_up_to};
use super::super::link::Answer;
use super::super::record::Ending;
use super::super::reply::Reply;
use super::super::told::{tell_account, tell_dropped};
use super::{REFUSED, Running};
use crate::dialect::neutral::NotRead;
use crate::model::{Outcome, Tokens};
use crate::provider::headers::returned;
use crate::wire::answer::{self, NotAnswer};
use crate::wire::is_refused;
use crate::wire::seal::sealed;

impl Running<'_, '_> {
    /// A unary answer: read whole and checked.
    pub(super) async fn unary(
        self,
        response: Response<Answer>,
        outgoing: &Outgoing,
        ending: &mut Ending,
    ) -> Result<Reply, Failed> {
        let (parts, body) = response.into_parts();
        let most =
            usize::try_from(self.call.snapshot.config.server.max_answer).unwrap_or(usize::MAX);
        let reading = pin!(read_up_to(body, most));
        let reading = pin!(self.due.bound(self.call.proxy.clock, reading));
        let mut headers = returned(&parts.headers);
        let read = match ending.waiting(reading).await {
            Err(late) => return Err(self.failed(late.into())),
            Ok(Err(broken)) => return Err(self.failed(broken)),
            Ok(Ok(read)) => read,
        };
        let bytes = match read {
            Read::Whole(bytes) => bytes,
            Read::Longer(..) if outgoing.translated => {
                let detail = "its answer is longer than server.max_answer allows for translation";
                return Err(self.failed(Failed::new(Outcome::Malformed, detail)));
            }
            Read::Longer(held, rest) => {
                return Ok(self.passing(headers, held, Some(rest), None));
            }
        };
        let answer = bytes.clone();
        match self.read_answer(outgoing.translated, &mut headers, bytes) {
            Err(failed) => Err(self.failed(failed)),
            Ok((usage, body)) => {
                let body = match self.seal() {
                    Some((origin, shape)) => sealed(&body, origin, shape),
                    None => body,
                };
                let account = self.bill().of_answer(usage, &answer);
                tell_account(&mut headers, &account);
                tell_dropped(&mut headers, &outgoing.dropped);
                ending.called(&self.attempt.finish(Outcome::Ok, account));
                ending.end.outcome = Outcome::Ok;
                let status = parts.status;
                Ok(Reply::Whole {
                    status,
                    headers,
                    body,
                })
            }
        }
    }

    /// The answer for the client, and what it cost in tokens.
    fn read_answer(
        &self,
        translated: bool,
        headers: &mut HeaderMap,
        bytes: Bytes,
    ) -> Result<(Option<Tokens>, Bytes), Failed> {
        let question = self.call.question;
        if !translated {
            let watched = question.watched();
            return match answer::read_as(watched, &bytes) {
                Ok(_) if self.call.moves_refused && is_refused(watched, &bytes) => {
                    Err(Failed::new(Outcome::ContentFiltered, REFUSED))
                }
                Ok(facts) => Ok((facts.usage, bytes)),
                Err(reason) => Err(not_an_answer(&reason, headers.clone(), bytes, self.now())),
            };
        }
        let Some(Ok(ask)) = question.neutral() else {
            return Err(Failed::new(Outcome::Refused, "the request cannot be read"));
        };
        let target = &self.member.target;
        let said = ask
            .answer(target, &bytes, self.now())
            .map_err(|reason| not_read(reason, headers, bytes, self.now()))?;
        if said.is_refused && self.call.moves_refused {
            return Err(Failed::new(Outcome::ContentFiltered, REFUSED));
        }
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        Ok((said.usage, said.body.into()))
    }
}

/// The failure of a target whose document cannot be read; `now` in seconds since 1970.
fn not_read(reason: NotRead, headers: &HeaderMap, body: Bytes, now: u64) -> Failed {
    match reason {
        NotRead::Reported(reported) => {
            let reported = NotAnswer::Reported(reported);
            let mut failed = not_an_answer(&reported, headers.clone(), body, now);
            failed.retell();
            failed
        }
        NotRead::Other(misread) => Failed::new(Outcome::Malformed, misread.to_string()),
    }
}
