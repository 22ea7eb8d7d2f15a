//! Who tells what all replicas find out, in a round: the first that says in the engine that it does.
//!
//! One `SET … GET` for each thing that is told: the engine answers what stood there before, so of all that say the same one
//! alone finds something else. What was told as firing can be told as over once, and after that as firing again. How it fails:
//! an engine that has forgotten, or that is away, gives nobody a right twice but everybody one, so a message comes too often
//! rather than never. A right is for good: what a replica that has it cannot deliver, or does not since it is killed and has no
//! books, is told by nobody.

use std::sync::Arc;

use redis::RedisResult;

use super::keys::Keys;
use super::link::Link;
use super::part::{Exchanging, Part, Round};
use super::talk::millis_of;
use crate::live::{Claim, Post, Topics};

/// The part of a round that is about rights to tell something.
#[derive(Debug)]
pub struct Rights(Arc<Post>);

impl Rights {
    /// Those that are asked for at this post.
    pub const fn new(post: Arc<Post>) -> Self {
        Self(post)
    }

    async fn round(&mut self, round: Round<'_>) -> RedisResult<()> {
        let asked = self.0.rights().take();
        if asked.is_empty() {
            return Ok(());
        }
        let (claims, waiting): (Vec<Claim>, Vec<_>) =
            asked.into_iter().map(|it| (it.claim, it.reply)).unzip();
        // Where this fails nobody is answered, which whoever waits hears at once.
        let granted = ask(round.link, round.keys, &claims).await?;
        for (reply, granted) in waiting.into_iter().zip(granted) {
            if reply.send(granted).is_err() {
                tracing::debug!("who asked for a right did not wait, and has told by itself");
            }
        }
        Ok(())
    }
}

/// Says that all of these are told, and what is told with each; of which of them this is the first that says so.
async fn ask(link: &mut Link, keys: &Keys, claims: &[Claim]) -> RedisResult<Vec<bool>> {
    let mut pipe = redis::pipe();
    for claim in claims {
        for about in said(claim) {
            let set = pipe.cmd("SET").arg(keys.named(&format!("told:{about}")));
            set.arg(state(claim)).arg("PX").arg(millis_of(claim.life));
            set.arg("GET");
        }
    }
    let before: Vec<Option<Vec<u8>>> = pipe.query_async(link).await?;
    let mut before = before.as_slice();
    let mut granted = Vec::new();
    for claim in claims {
        let own = before.first().and_then(Option::as_deref);
        granted.push(own != Some(state(claim).as_bytes()));
        before = before.get(said(claim).count()..).unwrap_or_default();
    }
    Ok(granted)
}

/// What of a claim is said to be told. That it is over is said of each by itself: another replica may have told of what is named
/// here by a message of its own, which has an end of its own.
fn said(claim: &Claim) -> impl Iterator<Item = &String> {
    let with = claim.with.iter().filter(|_| !claim.is_over);
    std::iter::once(&claim.about).chain(with)
}

const fn state(claim: &Claim) -> &'static str {
    if claim.is_over { "over" } else { "firing" }
}

impl Part for Rights {
    fn is_hurried_by(&self, _: Topics) -> bool {
        // A message may wait for the round of its second.
        false
    }

    fn exchange<'a>(&'a mut self, round: Round<'a>) -> Exchanging<'a> {
        Box::pin(self.round(round))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::engine::Engine;
    use super::*;

    fn claim(about: &str, with: &[&str], is_over: bool) -> Claim {
        Claim {
            about: about.to_owned(),
            with: with.iter().map(|it| (*it).to_owned()).collect(),
            is_over,
            life: Duration::from_secs(60),
        }
    }

    #[tokio::test]
    async fn of_all_who_say_the_same_one_is_the_first() {
        let Some(engine) = Engine::start().await else {
            return;
        };
        let (keys, mut link) = (Keys::of("t"), engine.link().await);
        for (claim, is_granted) in [
            (claim("80", &["50"], false), true),
            (claim("80", &["50"], false), false),
            (claim("50", &[], false), false),
            (claim("100", &["80", "50"], false), true),
            (claim("80", &[], true), true),
            (claim("80", &[], true), false),
            (claim("80", &[], false), true),
            (claim("100", &["80"], true), true),
            (claim("80", &[], true), true),
        ] {
            let granted = ask(&mut link, &keys, std::slice::from_ref(&claim)).await;
            assert_eq!(granted.unwrap(), [is_granted], "{claim:?}");
        }
        let several = [
            claim("b", &["c", "d"], false),
            claim("c", &[], false),
            claim("e", &[], true),
        ];
        let granted = ask(&mut link, &keys, &several).await.unwrap();
        assert_eq!(granted, [true, false, true], "each has its own answer");
        let key = keys.named("told:80");
        let left: i64 = redis::cmd("PTTL")
            .arg(key)
            .query_async(&mut link)
            .await
            .unwrap();
        assert!((1..=60_000).contains(&left), "{left}");
    }
}
