//! Requests on their way to somebody, and conversations that belong to somebody.
//!
//! A request whose body has marks of origin ([`crate::wire::seal`]) is asked in up to two forms. First as it is, of the
//! provider that made its newest state and of nobody else. When that one cannot be asked (it is not in the pool any more,
//! drained, ejected, blocked for long, or it failed before the first content), the rest of the pool is asked with what is
//! left when all state is taken out; the answer says so. Where the operator wants none of that, or where there is nothing to
//! go on with since the conversation is stored at its origin, the client is told.

use http::HeaderMap;

use super::Proxy;
use super::call::Call;
use super::dispatch::{Reserve, Walk, Walked};
use super::failed::Failed;
use super::question::{Question, Whose};
use super::record::Ending;
use super::reply::{Reject, Reply};
use super::resolve::{Asked, resolve};
use crate::config::OnLostOrigin;
use crate::live::Snapshot;
use crate::wire::Code;
use crate::wire::seal::{Bound, Origin, Stripped, stripped, unsealed};

/// What all forms of a request share.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asking<'a> {
    pub(super) proxy: &'a Proxy,
    pub(super) snapshot: &'a Snapshot,
    /// The request's headers as they came.
    pub(super) headers: &'a HeaderMap,
}

/// Why a conversation cannot be moved.
enum Stays {
    /// Nobody else could serve it either.
    Alone,
    /// It is not to be moved, or cannot be: what it holds of its origin.
    Here(&'static str),
}

impl<'a> Asking<'a> {
    /// Asks whoever `question` is for.
    pub(super) async fn plain(
        &self,
        question: &Question,
        ending: &mut Ending,
    ) -> Result<Reply, Reject> {
        let asked = self.resolve(question)?;
        self.begin(&asked, ending);
        self.only(question, &asked, ending).await
    }

    fn resolve(&self, question: &Question) -> Result<Asked, Reject> {
        resolve(self.proxy, self.snapshot, self.headers, question)
    }

    /// Books the request for the pools that it asks for.
    fn begin(&self, asked: &Asked, ending: &mut Ending) {
        ending.end.route = asked.pool.label.clone();
        asked.pool.arrived();
        self.proxy.deposit();
    }

    /// Asks for an answer to `question` in its only form.
    async fn only(
        &self,
        question: &Question,
        asked: &Asked,
        ending: &mut Ending,
    ) -> Result<Reply, Reject> {
        match self
            .walk(question, asked, ending, Reserve::Nobody)
            .run()
            .await
        {
            Walked::Reply(reply) => Ok(reply),
            Walked::Spent => Err(nobody()),
        }
    }

    fn walk<'b>(
        &self,
        question: &'b Question,
        asked: &'b Asked,
        ending: &'b mut Ending,
        reserve: Reserve,
    ) -> Walk<'b>
    where
        'a: 'b,
    {
        let call = Call {
            proxy: self.proxy,
            snapshot: self.snapshot,
            question,
            headers: self.headers,
            deadlines: asked.deadlines,
            request_due: asked.due(ending.started()),
            // What has marks keeps them, also where the other providers have left the pool.
            seals: asked.seals || question.whose != Whose::Anybodys,
            moves_refused: asked.counts.filter > 0,
        };
        Walk::new(call, asked, ending, reserve)
    }

    /// Asks for an answer to `question`, whose body has the marks of `origins`, the newest first.
    pub(super) async fn marked(
        &self,
        question: &Question,
        origins: &[Origin],
        ending: &mut Ending,
    ) -> Result<Reply, Reject> {
        let (home, origin, dropped) = self.home(question, origins)?;
        let Ok(asked) = self.resolve(&home) else {
            return self.homeless(question, home, origin, ending).await;
        };
        self.begin(&asked, ending);
        if dropped {
            let others = origins.iter().filter(|other| **other != origin);
            let names: Vec<String> = others.map(|other| self.name_of(*other)).collect();
            ending.stripped = names.join(", ");
        }
        let reserve = if asked.seals {
            Reserve::Another
        } else {
            Reserve::Nobody
        };
        let mut walk = self.walk(&home, &asked, ending, reserve);
        if let Walked::Reply(reply) = walk.run().await {
            return Ok(reply);
        }
        match self.moved(question, &home, origin, asked.on_lost_origin) {
            Ok((away, mut elsewhere)) => {
                drop(walk);
                let sent = ending.end.attempts;
                elsewhere.plan.attempts_max =
                    elsewhere.plan.attempts_max.saturating_sub(sent).max(1);
                self.go_on(&away, &elsewhere, origin, ending).await
            }
            Err(Stays::Alone) => {
                walk.alone();
                match walk.run().await {
                    Walked::Reply(reply) => Ok(reply),
                    Walked::Spent => Err(nobody()),
                }
            }
            Err(Stays::Here(what)) => Err(self.lost(origin, what, walk.last())),
        }
    }

    /// The request in its origin's form, whose origin that is, and whether parts of others had to go for it.
    fn home(
        &self,
        question: &Question,
        origins: &[Origin],
    ) -> Result<(Question, Origin, bool), Reject> {
        let mut origin = origins.first().copied().ok_or_else(nobody)?;
        let mut body = question.body.clone();
        let mut dropped = false;
        if origins.len() > 1 {
            let mut alone = stripped(&body, Some(origin));
            if let Err(bound) = alone {
                // What is stored says more about whose it is than what was said last.
                origin = bound.origin;
                alone = stripped(&body, Some(origin));
            }
            let Stripped {
                body: rest,
                dropped: parts,
            } = alone.map_err(|bound| self.lost(bound.origin, bound.what, None))?;
            (body, dropped) = (rest, parts > 0);
        }
        let home = Question::read(question.front, unsealed(&body, origin))?;
        let home = home.by(question.client.clone());
        Ok((home.of(Whose::Only(origin)), origin, dropped))
    }

    /// The request in the form for everybody else, and who that is.
    fn moved(
        &self,
        question: &Question,
        home: &Question,
        origin: Origin,
        on_lost: OnLostOrigin,
    ) -> Result<(Question, Asked), Stays> {
        let whose = Whose::MovedFrom(origin);
        let bound = match (stripped(&question.body, None), on_lost) {
            (Ok(rest), OnLostOrigin::Strip) => {
                let away = Question::read(question.front, rest.body).map_err(|_| Stays::Alone)?;
                let away = away.of(whose).by(question.client.clone());
                let asked = self.resolve(&away).map_err(|_| Stays::Alone)?;
                return Ok((away, asked));
            }
            (Ok(_), OnLostOrigin::Fail) => "thoughts or signatures",
            (Err(Bound { what, .. }), _) => what,
        };
        // Only where somebody else could serve it is its origin what it fails by.
        let same = Question::new(home.front, home.envelope.clone(), home.body.clone())
            .of(whose)
            .by(question.client.clone());
        match self.resolve(&same) {
            Ok(_) => Err(Stays::Here(bound)),
            Err(_) => Err(Stays::Alone),
        }
    }

    /// Asks everybody else.
    async fn go_on(
        &self,
        away: &Question,
        asked: &Asked,
        origin: Origin,
        ending: &mut Ending,
    ) -> Result<Reply, Reject> {
        ending.stripped = self.name_of(origin);
        self.only(away, asked, ending).await
    }

    /// The origin is not among those who may be asked.
    async fn homeless(
        &self,
        question: &Question,
        home: Question,
        origin: Origin,
        ending: &mut Ending,
    ) -> Result<Reply, Reject> {
        // What nobody could serve anyway is not the origin's matter.
        let home = home.of(Whose::Anybodys);
        let anybody = self.resolve(&home)?;
        self.begin(&anybody, ending);
        match self.moved(question, &home, origin, anybody.on_lost_origin) {
            Ok((away, asked)) => self.go_on(&away, &asked, origin, ending).await,
            Err(Stays::Alone) => Err(self.lost(origin, "thoughts or signatures", None)),
            Err(Stays::Here(what)) => Err(self.lost(origin, what, None)),
        }
    }

    fn lost(&self, origin: Origin, what: &str, last: Option<&Failed>) -> Reject {
        let name = self.name_of(origin);
        let reason = last.map_or("it is not among the targets that may be asked", |last| {
            last.detail.as_str()
        });
        let message = format!(
            "this conversation holds {what} of provider {name:?}, which cannot be asked now: {reason}; nobody else can \
             go on with it"
        );
        let reject = Reject::new(Code::OriginLost, message);
        reject
            .retry_after(last.and_then(|last| last.wait))
            .final_word()
    }

    /// The provider's name, if it is still configured; else its digest.
    fn name_of(&self, origin: Origin) -> String {
        let mut names = self.snapshot.providers.keys();
        let name = names.find(|name| Origin::of(name) == origin);
        name.cloned().unwrap_or_else(|| origin.to_string())
    }
}

/// The answer to a walk that found neither a reply nor a reason, which none does.
fn nobody() -> Reject {
    Reject::new(Code::NoEligibleTarget, "no target may serve this request")
}
