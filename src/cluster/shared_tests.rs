//! Orders and keys by way of a real engine.

use super::super::engine::Engine;
use super::*;
use crate::cluster::inherit;
use crate::config::{Act, Deed, Issue, Issued, Order};
use crate::model::RouteName;

const NOW: u64 = 1_796_081_400;

fn order(id: &str) -> Order {
    Order {
        id: id.to_owned(),
        act: Act::Freeze {
            route: RouteName::new(&format!("r{id}")).unwrap(),
            shares: BTreeMap::new(),
        },
        reason: "a test".to_owned(),
        by: "ada".to_owned(),
        since: NOW,
        until: NOW + 3_600,
    }
}

fn with_orders(ids: &[&str]) -> Told {
    let mut told = Told::default();
    let orders: Vec<Order> = ids.iter().map(|id| order(id)).collect();
    told.note_orders(&orders, NOW);
    told
}

fn revoked(digest: u8, by: &str) -> Told {
    let deed = Deed {
        at: NOW,
        by: by.to_owned(),
        reason: "a test".to_owned(),
    };
    let issue = Issue {
        name: "app".into(),
        made: None,
        rotated: None,
        replaced: None,
        revoked: Some(deed),
    };
    let mut issued = Issued::default();
    issued.all.insert([digest; 32], Arc::new(issue));
    let mut told = Told::default();
    told.note_keys(&issued, NOW * 1_000);
    told
}

/// A replica with one of the hashes.
struct Replica {
    hash: Hash,
    put: Script,
    link: Link,
}

impl Replica {
    async fn new(engine: &Engine, name: &'static str) -> Self {
        Self {
            hash: Hash::new(name),
            put: Script::new(include_str!("put.lua")),
            link: engine.link().await,
        }
    }

    async fn round(&mut self, mine: &Told) -> bool {
        let keys = Keys::of("t");
        let version = keys.named(&format!("{}:v", self.hash.name));
        let asked = redis::cmd("GET").arg(version).to_owned();
        let version: Option<String> = asked.query_async(&mut self.link).await.unwrap();
        let trip = (&mut self.link, &keys);
        exchange(&mut self.hash, &self.put, version, mine, NOW, trip)
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn what_one_writes_the_other_reads_and_an_empty_engine_has_it_again() {
    let Some(engine) = Engine::start().await else {
        return;
    };
    let (mut a, mut b) = (
        Replica::new(&engine, "orders").await,
        Replica::new(&engine, "orders").await,
    );
    let (of_a, of_b) = (with_orders(&["1-a"]), with_orders(&["1-b"]));
    assert!(!a.round(&of_a).await, "nobody else has said anything");
    assert!(b.round(&of_b).await);
    assert!(b.hash.told.orders.contains_key("1-a"));
    assert!(a.round(&of_a).await);
    assert!(a.hash.told.orders.contains_key("1-b"));
    assert!(!a.round(&of_a).await, "no version, no news");
    let flush = redis::cmd("FLUSHALL");
    let _: () = flush.query_async(&mut a.link).await.unwrap();
    let all = {
        let mut all = of_a.clone();
        all.join(&of_b);
        all
    };
    a.round(&all).await;
    let mut c = Replica::new(&engine, "orders").await;
    assert!(c.round(&Told::default()).await);
    assert_eq!(c.hash.told, all, "put back by who knew it");
    let lifetime = redis::cmd("TTL").arg("wb1:{t}:orders").to_owned();
    let lifetime: u64 = lifetime.query_async(&mut c.link).await.unwrap();
    assert!(lifetime > LIFETIME_S - 60, "{lifetime}");
}

#[tokio::test]
async fn of_two_who_write_at_once_neither_is_overwritten() {
    let Some(engine) = Engine::start().await else {
        return;
    };
    let (mut a, mut b) = (
        Replica::new(&engine, "keys").await,
        Replica::new(&engine, "keys").await,
    );
    let nothing = Told::default();
    a.round(&nothing).await;
    b.round(&nothing).await;
    // Both know the same version, and both do something about the same key.
    let keys = Keys::of("t");
    let (of_a, of_b) = (revoked(7, "ada"), revoked(7, "bob"));
    for (it, mine) in [(&mut a, &of_a), (&mut b, &of_b)] {
        let version = it.hash.version.clone().filter(|it| !it.is_empty());
        let trip = (&mut it.link, &keys);
        exchange(&mut it.hash, &it.put, version, mine, NOW, trip)
            .await
            .unwrap();
    }
    let mut c = Replica::new(&engine, "keys").await;
    c.round(&nothing).await;
    let mut both = of_a.clone();
    both.join(&of_b);
    assert_eq!(c.hash.told, both);
}

#[tokio::test]
async fn what_cannot_be_read_is_left_for_others() {
    let Some(engine) = Engine::start().await else {
        return;
    };
    let mut a = Replica::new(&engine, "orders").await;
    for (field, value) in [
        ("9-z", "{\"newer\":1}"),
        ("8-z", "no json"),
        ("7-z", "{\"ended\":99999999999}"),
    ] {
        let set = redis::cmd("HSET")
            .arg("wb1:{t}:orders")
            .arg(field)
            .arg(value)
            .to_owned();
        let _: () = set.query_async(&mut a.link).await.unwrap();
    }
    let huge = "x".repeat(LONGEST + 1);
    let set = redis::cmd("HSET")
        .arg("wb1:{t}:orders")
        .arg("6-z")
        .arg(huge)
        .to_owned();
    let _: () = set.query_async(&mut a.link).await.unwrap();
    a.round(&with_orders(&["1-a", "9-z", "8-z"])).await;
    assert_eq!(
        a.hash.told,
        with_orders(&["1-a", "8-z"]),
        "what is no document at all is written over"
    );
    assert!(a.hash.keeps_back, "nobody is told that all is known");
    let kept = redis::cmd("HGET")
        .arg("wb1:{t}:orders")
        .arg("9-z")
        .to_owned();
    let kept: String = kept.query_async(&mut a.link).await.unwrap();
    assert_eq!(kept, "{\"newer\":1}");
    let left = redis::cmd("HLEN").arg("wb1:{t}:orders").to_owned();
    let left: u64 = left.query_async(&mut a.link).await.unwrap();
    assert_eq!(left, 5, "nothing of another version is taken away");
}

#[tokio::test]
async fn what_is_over_goes_away() {
    let Some(engine) = Engine::start().await else {
        return;
    };
    let mut a = Replica::new(&engine, "orders").await;
    let mine = with_orders(&["1-a"]);
    a.round(&mine).await;
    let later = NOW + 3 * 86_400;
    let (fields, over) = a.hash.lacks(&Told::default(), later);
    assert_eq!((fields, over), (vec![], vec!["1-a".to_owned()]));
}

#[tokio::test]
async fn what_is_no_text_is_passed_over_too() {
    let Some(engine) = Engine::start().await else {
        return;
    };
    let mut a = Replica::new(&engine, "orders").await;
    for (field, value) in [(&b"9-z"[..], &[0xff_u8][..]), (&[0xfe, 0xff], b"{}")] {
        let set = redis::cmd("HSET")
            .arg("wb1:{t}:orders")
            .arg(field)
            .arg(value)
            .to_owned();
        let _: () = set.query_async(&mut a.link).await.unwrap();
    }
    a.round(&with_orders(&["1-a"])).await;
    assert_eq!(a.hash.told, with_orders(&["1-a"]));
}

#[tokio::test]
async fn an_engine_that_lost_its_last_writes_comes_to_no_version_twice() {
    let Some(engine) = Engine::start().await else {
        return;
    };
    let (mut a, mut b) = (
        Replica::new(&engine, "orders").await,
        Replica::new(&engine, "orders").await,
    );
    a.round(&with_orders(&["1-a"])).await;
    let before = a.hash.version.clone().unwrap();
    a.round(&with_orders(&["1-a", "2-a"])).await;
    // A server takes over that had not heard of the second order yet, and somebody writes there before `a` comes back.
    let mut lose = redis::pipe();
    lose.hdel("wb1:{t}:orders", "2-a")
        .set("wb1:{t}:orders:v", before);
    let _: () = lose.query_async(&mut a.link).await.unwrap();
    b.round(&with_orders(&["1-b"])).await;
    assert!(a.round(&with_orders(&["1-a", "2-a"])).await, "it reads it");
    assert!(a.hash.told.orders.contains_key("1-b"));
    b.round(&with_orders(&["1-b"])).await;
    assert!(b.hash.told.orders.contains_key("2-a"), "and says it again");
}

#[tokio::test]
async fn a_newcomer_knows_of_orders_and_keys_before_it_serves() {
    let Some(engine) = Engine::start().await else {
        return;
    };
    let (orders, keys) = (with_orders(&["1-a"]), revoked(7, "ada"));
    for (name, mine) in [("orders", &orders), ("keys", &keys)] {
        Replica::new(&engine, name).await.round(mine).await;
    }
    let (found, _) = inherit(&engine.address(), &Keys::of("t"), Clock::start()).await;
    let mut both = orders;
    both.join(&keys);
    assert_eq!(found.told, both);
}
