//! Orders, keys and the kill switch in a round: what was done here goes to the engine, and what was done elsewhere comes.
//!
//! Problem: what an operator did must be everywhere within a second, cost nothing while nothing is done, and survive an
//! engine that forgets. Choice: two hashes, each with a version that every round reads and that nobody else's values come
//! without; who reads a new version reads the hash, joins it with what is known here ([`crate::live::Told`]), and writes
//! what the engine lacks, unless somebody else has written meanwhile: then all of it once more. So an engine that comes
//! back empty has everything again after a round, and of two who write at once neither overwrites the other.
//! How it fails: what cannot be read or is out of bounds is passed over here and left for those who can read it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use redis::{RedisResult, Script};
use tokio::sync::mpsc;

use super::pack::{Raw, texts};
use super::part::{Exchanging, Part, Round, Versions};
use super::{Keys, Link};
use crate::config::{digest_of, digest_text};
use crate::live::{
    Clock, Published, TellCell, Told, ToldKey, ToldOrder, ToldSwitch, Topic, Topics,
};

/// How long the engine keeps orders and keys that nobody touches: longer than a year's key. Each process that reads them
/// begins it anew.
const LIFETIME_S: u64 = 400 * 86_400;
/// Longest value that is read, in bytes: an order or a key is some hundred.
const LONGEST: usize = 64 * 1024;
/// How often a write is tried where others write at the same time, before the next round tries.
const TRIES: usize = 5;
/// What the switch is called among the orders. Ids of orders begin with a number.
const SWITCH: &str = "switch";

/// Orders, keys and the switch.
#[derive(Debug)]
pub struct Shared {
    published: Published,
    clock: Clock,
    cell: Arc<TellCell>,
    /// Who takes over what was heard.
    heard: mpsc::Sender<Told>,
    put: Script,
    orders: Hash,
    keys: Hash,
}

/// A hash of the engine, as it was read last.
#[derive(Debug)]
struct Hash {
    name: &'static str,
    version: Option<String>,
    fields: BTreeMap<String, String>,
    /// What of it could be read.
    told: Told,
    /// Fields that are documents of another version.
    unread: BTreeSet<String>,
    /// Whether something was not written, so that such a document stays.
    keeps_back: bool,
}

impl Hash {
    fn new(name: &'static str) -> Self {
        Self {
            name,
            version: None,
            fields: BTreeMap::new(),
            told: Told::default(),
            unread: BTreeSet::new(),
            keeps_back: false,
        }
    }
}

impl Shared {
    /// What is known in `cell`, and who takes over what is `heard`.
    pub fn new(
        published: Published,
        clock: Clock,
        cell: Arc<TellCell>,
        heard: mpsc::Sender<Told>,
    ) -> Self {
        Self {
            published,
            clock,
            cell,
            heard,
            put: Script::new(include_str!("put.lua")),
            orders: Hash::new("orders"),
            keys: Hash::new("keys"),
        }
    }

    async fn round(&mut self, round: Round<'_>) -> RedisResult<()> {
        let Round { link, keys, .. } = round;
        let mut found = round.versions.clone();
        if self.is_evicted(&found, link, keys).await? {
            // What has no version is read, and what is missing written.
            (self.orders.version, self.keys.version) = (None, None);
        }
        let [orders, known] = found.each_mut().map(Option::take);
        let mine = self.mine();
        let now = self.clock.unix_seconds();
        let put = &self.put;
        let heard_orders = exchange(
            &mut self.orders,
            put,
            orders,
            &mine,
            now,
            (&mut *link, keys),
        )
        .await?;
        let heard_keys = exchange(&mut self.keys, put, known, &mine, now, (link, keys)).await?;
        // Where others kept writing in between, the next round tells the rest.
        let is_put = |hash: &Hash| hash.version.is_some() && !hash.keeps_back;
        let is_put = is_put(&self.orders) && is_put(&self.keys);
        if heard_orders || heard_keys {
            self.hear();
        }
        if is_put {
            self.cell.is_told(mine);
        }
        Ok(())
    }

    /// Whether the engine has made room for other things by what was read of it: a version alone, which each round reads,
    /// outlives what it is of. Asking keeps it from being the next to go.
    async fn is_evicted(
        &self,
        versions: &Versions,
        link: &mut Link,
        keys: &Keys,
    ) -> RedisResult<bool> {
        let read = [&self.orders, &self.keys].into_iter().zip(versions);
        let read = read.filter(|(hash, found)| hash.is_read_as(found.as_deref()));
        let filled = read.filter(|(hash, _)| !hash.fields.is_empty());
        let names: Vec<String> = filled.map(|(hash, _)| keys.named(hash.name)).collect();
        if names.is_empty() {
            return Ok(false);
        }
        let mut touch = redis::cmd("TOUCH");
        let there: usize = touch.arg(&names).query_async(link).await?;
        if there == names.len() {
            return Ok(false);
        }
        tracing::warn!(
            keys = names.join(", "),
            "the engine of [cluster] has evicted what replicas share; it is put back. Give it more `maxmemory`, or \
             `maxmemory-policy noeviction` and nobody else's data"
        );
        Ok(true)
    }

    /// What is known here.
    fn mine(&self) -> Told {
        let mut mine = Told::clone(&self.cell.told());
        let switch = self.published.read().switch.told();
        mine.switch = switch.map(|switch| ToldSwitch::clone(&switch));
        mine
    }

    /// Hands over what the engine has. Somebody who takes it over later finds the newest.
    fn hear(&mut self) {
        let mut told = self.orders.told.clone();
        told.join(&self.keys.told);
        if let Some(switch) = &told.switch
            && self.published.read().switch.hear(switch)
        {
            let (off, by, reason) = (switch.thrown.off, &switch.thrown.by, &switch.thrown.reason);
            tracing::warn!(
                off,
                by,
                reason,
                "the kill switch was thrown at another replica"
            );
        }
        if self.heard.try_send(told).is_err() {
            // The controller is busy with the last one: read again in a second.
            self.orders.version = None;
            self.keys.version = None;
        }
    }
}

impl Part for Shared {
    fn is_hurried_by(&self, news: Topics) -> bool {
        news.has(Topic::Orders) || news.has(Topic::Keys)
    }

    fn exchange<'a>(&'a mut self, round: Round<'a>) -> Exchanging<'a> {
        Box::pin(self.round(round))
    }
}

/// What these two hashes tell, for whoever only reads them.
pub(super) fn told_of(orders: Raw, keys: Raw, now: u64) -> Told {
    let (mut of_orders, mut of_keys) = (Hash::new("orders"), Hash::new("keys"));
    of_orders.read(None, texts(orders), now);
    of_keys.read(None, texts(keys), now);
    let mut told = of_orders.told;
    told.join(&of_keys.told);
    told
}

/// Reads a hash if its version is another than the one that was read, and writes what of `mine` it lacks. Whether there is
/// something in it that is not in `mine`.
async fn exchange(
    hash: &mut Hash,
    put: &Script,
    version: Option<String>,
    mine: &Told,
    now: u64,
    (link, keys): (&mut Link, &Keys),
) -> RedisResult<bool> {
    let key = keys.named(hash.name);
    let version_key = keys.named(&format!("{}:v", hash.name));
    // What was never written has no version, and is read once all the same.
    let version = version.unwrap_or_default();
    let is_new = hash.version.as_ref() != Some(&version);
    let mut is_read = !is_new;
    for _ in 0..TRIES {
        if !is_read {
            let mut pipe = redis::pipe();
            pipe.atomic().get(&version_key).hgetall(&key);
            pipe.expire(&key, LIFETIME_S.cast_signed()).ignore();
            pipe.expire(&version_key, LIFETIME_S.cast_signed()).ignore();
            let (version, fields): (Option<String>, Raw) = pipe.query_async(link).await?;
            hash.read(version, texts(fields), now);
            is_read = true;
        }
        let (fields, over) = hash.lacks(mine, now);
        if fields.is_empty() && over.is_empty() {
            break;
        }
        let mut call = put.prepare_invoke();
        call.key(&key).key(&version_key);
        call.arg(hash.version.as_deref().unwrap_or_default());
        call.arg(LIFETIME_S).arg(over.len()).arg(&over);
        for (field, value) in &fields {
            call.arg(field).arg(value);
        }
        let written: String = call.invoke_async(link).await?;
        is_read = !written.is_empty();
        if is_read {
            for field in &over {
                hash.fields.remove(field);
            }
            let mut all = std::mem::take(&mut hash.fields);
            all.extend(fields);
            hash.read(Some(written), all, now);
            break;
        }
    }
    if !is_read {
        hash.version = None;
    }
    Ok(is_new && hash.told.beyond(mine) != Told::default())
}

impl Hash {
    /// Whether it was read when it had this version.
    fn is_read_as(&self, version: Option<&str>) -> bool {
        self.version.as_deref() == Some(version.unwrap_or_default())
    }

    fn read(&mut self, version: Option<String>, fields: BTreeMap<String, String>, now: u64) {
        self.version = Some(version.unwrap_or_default());
        self.told = Told::default();
        self.unread.clear();
        let most = if self.name == "orders" {
            Told::MOST_ORDERS
        } else {
            Told::MOST_KEYS
        };
        if fields.len() > most {
            tracing::error!(
                hash = self.name,
                found = fields.len(),
                most,
                "there is more in the engine than is taken over: what operators do at other replicas may not be heard here. \
                 Stop all replicas, delete this hash and start them; the books have what holds"
            );
        }
        for (field, value) in fields.iter().filter(|(_, value)| value.len() <= LONGEST) {
            if let Err(error) = read_one(&mut self.told, self.name, field, value, now) {
                tracing::warn!(
                    %error, hash = self.name,
                    "what another replica wrote cannot be read here, and is left out"
                );
                if serde_json::from_str::<serde::de::IgnoredAny>(value).is_ok() {
                    self.unread.insert(field.clone());
                }
            }
        }
        self.fields = fields;
    }

    /// What the hash is to have so that `mine` is in it, and what in it is over. What a later version wrote is left to it.
    fn lacks(&mut self, mine: &Told, now: u64) -> (Vec<(String, String)>, Vec<String>) {
        let mut all = self.told.clone();
        let is_orders = self.name == "orders";
        let own = if is_orders {
            Told {
                keys: BTreeMap::new(),
                ..mine.clone()
            }
        } else {
            Told {
                keys: mine.keys.clone(),
                ..Told::default()
            }
        };
        all.join(&own);
        let is_over = |order: &ToldOrder| order.is_forgotten(now);
        let over = all.orders.iter().filter(|(_, order)| is_over(order));
        let over: Vec<String> = over
            .map(|(id, _)| id.clone())
            .filter(|id| self.fields.contains_key(id))
            .collect();
        let lacking = all.beyond(&self.told);
        let orders = lacking.orders.iter().filter(|(_, order)| !is_over(order));
        let orders = orders.map(|(id, order)| (id.clone(), serde_json::to_string(&**order)));
        let keys = lacking.keys.iter();
        let keys = keys.map(|(digest, key)| (digest_text(digest), serde_json::to_string(&**key)));
        let switch = lacking.switch.iter();
        let switch = switch.map(|switch| (SWITCH.to_owned(), serde_json::to_string(switch)));
        let written = orders.chain(keys).chain(switch);
        let written = written.filter_map(|(field, text)| Some((field, text.ok()?)));
        let mut written: Vec<_> = written.collect();
        let all = written.len();
        written.retain(|(field, _)| !self.unread.contains(field));
        self.keeps_back = written.len() < all;
        (written, over)
    }
}

fn read_one(told: &mut Told, hash: &str, field: &str, value: &str, now: u64) -> Result<(), String> {
    let text = |error: serde_json::Error| error.to_string();
    let mut one = Told::default();
    if hash == "keys" {
        let digest = digest_of(field).ok_or("its field is no hash of a key")?;
        let key: ToldKey = serde_json::from_str(value).map_err(text)?;
        if !key.is_sound() {
            return Err("it is out of bounds".to_owned());
        }
        one.keys.insert(digest, Arc::new(key));
    } else if field == SWITCH {
        let switch: ToldSwitch = serde_json::from_str(value).map_err(text)?;
        one.switch = Some(switch).filter(|switch| switch.is_sound(now));
    } else {
        let order: ToldOrder = serde_json::from_str(value).map_err(text)?;
        if !order.is_sound(field, now) {
            return Err(format!("order {field:.20} is out of bounds"));
        }
        one.orders.insert(field.to_owned(), Arc::new(order));
    }
    told.join(&one);
    Ok(())
}

#[cfg(test)]
#[path = "shared_tests.rs"]
mod tests;
