//! The histograms of replicas at the engine: the own ones are put there, the others' are read when somebody asks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use redis::RedisResult;
use serde::{Deserialize, Serialize};

use super::hdr::{decoded, encoded};
use super::pack::{Bounds, pack, unpack};
use super::part::{Exchanging, Part, Round};
use super::talk::millis_of;
use crate::live::{Clock, Post, Published, Snapshot, Spread, Spreads, Topic, Topics};
use crate::model::{Time, UpstreamName};

/// Most bytes of a replica's histograms, packed and as a text: what a thousand busy upstreams take.
const BOUNDS: Bounds = Bounds {
    packed: 2 << 20,
    text: 8 << 20,
};
/// Most upstreams of one replica that are put there; the others' are read whatever their number, within the bounds.
const MOST: usize = 2_000;

/// How often they are put there, and how long they stay: a slice of theirs is five seconds long.
const EVERY: Duration = Duration::from_secs(5);
const LIFE: Duration = Duration::from_secs(20);

/// A replica's histograms by upstream, each in base64, as HdrHistogram's logs have them; what there was nothing of is left
/// out.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Written(BTreeMap<UpstreamName, BTreeMap<String, String>>);

/// The histograms of what is in force, as they are put into the engine; `None` where nothing was measured.
fn packed(snapshot: &Snapshot, now: Time) -> Option<Vec<u8>> {
    let members = snapshot.upstreams.values().take(MOST);
    let spreads = members.map(|member| (member.config.name.clone(), member.upstream.spread(now)));
    let spreads = spreads.filter(|(_, spread)| !spread.is_empty());
    let written: BTreeMap<_, _> = spreads
        .map(|(name, spread)| (name, written(&spread)))
        .collect();
    if written.is_empty() {
        return None;
    }
    match pack(&Written(written), BOUNDS) {
        Ok(packed) => Some(packed),
        Err(error) => {
            tracing::debug!(%error, "this replica's histograms cannot be told to the others");
            None
        }
    }
}

/// What another replica put there; `None` where it is of no use.
fn read(packed: &[u8]) -> Option<Spreads> {
    let Written(written) = unpack(packed, BOUNDS).ok()?;
    let spreads = written.into_iter().map(|(name, texts)| {
        let of = |kind: &str| decoded(&STANDARD.decode(texts.get(kind)?).ok()?);
        let spread = Spread {
            first_token: of("first_token"),
            total: of("total"),
            per_token: of("per_token"),
            cost: of("cost"),
        };
        (name, spread)
    });
    Some(spreads.collect())
}

fn written(spread: &Spread) -> BTreeMap<String, String> {
    let text = |histogram: &Option<Histogram<u32>>| {
        let packed = encoded(histogram.as_ref()?)?;
        Some(STANDARD.encode(packed))
    };
    let all = [
        ("first_token", &spread.first_token),
        ("total", &spread.total),
        ("per_token", &spread.per_token),
        ("cost", &spread.cost),
    ];
    let all = all.into_iter();
    all.filter_map(|(name, histogram)| Some((name.to_owned(), text(histogram)?)))
        .collect()
}

/// Those of each replica that has some, by its name.
fn heard(names: Vec<String>, found: Vec<Option<Vec<u8>>>) -> BTreeMap<String, Spreads> {
    let found = names.into_iter().zip(found);
    found
        .filter_map(|(name, packed)| Some((name, read(&packed?)?)))
        .collect()
}

/// The part of a round that is about histograms.
#[derive(Debug)]
pub struct Histograms {
    published: Published,
    post: Arc<Post>,
    clock: Clock,
    put_at: Time,
}

impl Histograms {
    /// Those of what is published; who asks for the others' asks at the post.
    pub fn new(published: Published, post: Arc<Post>, clock: Clock) -> Self {
        Self {
            published,
            post,
            clock,
            put_at: Time::ZERO,
        }
    }

    async fn round(&mut self, round: Round<'_>) -> RedisResult<()> {
        let now = self.clock.now();
        if now.since(self.put_at) >= EVERY {
            self.put_at = now;
            if let Some(packed) = packed(&self.published.read(), now) {
                let key = round.keys.of_replica("hist", round.replica);
                let mut put = redis::cmd("PSETEX");
                put.arg(key).arg(millis_of(LIFE)).arg(packed);
                put.exec_async(round.link).await?;
            }
        }
        if !self.post.takes_spreads() {
            return Ok(());
        }
        let live = round.live.iter().filter(|name| *name != round.replica);
        let names: Vec<String> = live.cloned().collect();
        let mut found = Vec::new();
        if !names.is_empty() {
            let keys = names.iter().map(|name| round.keys.of_replica("hist", name));
            let mut ask = redis::cmd("MGET");
            ask.arg(keys.collect::<Vec<_>>());
            found = ask.query_async(round.link).await?;
        }
        self.post.spreads_came(heard(names, found));
        Ok(())
    }
}

impl Part for Histograms {
    fn is_hurried_by(&self, news: Topics) -> bool {
        news.has(Topic::Histograms)
    }

    fn exchange<'a>(&'a mut self, round: Round<'a>) -> Exchanging<'a> {
        Box::pin(self.round(round))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::empty_histogram;

    #[test]
    fn histograms_travel_and_rubbish_is_passed_over() {
        let mut histogram = empty_histogram().unwrap();
        histogram.record_n(20_000, 7).unwrap();
        let spread = Spread {
            total: Some(histogram.clone()),
            ..Spread::default()
        };
        let name = UpstreamName::new("p/m").unwrap();
        let mut texts = written(&spread);
        assert_eq!(texts.len(), 1);
        texts.insert("first_token".to_owned(), "rubbish".to_owned());
        let value = Written([(name.clone(), texts)].into());
        let packed = pack(&value, BOUNDS).unwrap();
        let back = read(&packed).unwrap();
        assert_eq!(back[&name], spread);
        assert!(read(b"rubbish").is_none());
        let names = ["a", "b", "c"].map(str::to_owned).to_vec();
        let heard = heard(names, vec![Some(packed), None, Some(b"x".to_vec())]);
        assert_eq!(heard.keys().collect::<Vec<_>>(), ["a"]);
        let mut sum = spread.clone();
        sum.add(&heard["a"][&name]);
        assert_eq!(sum.total.unwrap().len(), 14);
    }
}
