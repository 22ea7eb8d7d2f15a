use std::collections::BTreeMap;

use super::super::engine::Engine;
use super::*;

const START: u64 = 1_796_081_400_000_000;

fn talk() -> (Post, Talk) {
    let post = Post::new(ReplicaId::numbered(1), "t", Time::from_micros(START));
    let talk = Talk::new(&post, Keys::of("t"));
    (post, talk)
}

/// What the replica `b` says so many seconds after this one began, which began so many after it.
fn packed(began: i64, sequence: u64, seconds: u64) -> Vec<u8> {
    let report = Report {
        replica: ReplicaId::new("b").unwrap(),
        epoch: START.saturating_add_signed(began * 1_000_000),
        sequence,
        at: Time::from_micros(START + seconds * 1_000_000),
        version: String::new(),
        plan: 0,
        orders: 0,
        upstreams: BTreeMap::new(),
        routes: BTreeMap::new(),
        groups: BTreeMap::new(),
    };
    pack(&report, REPORT).unwrap()
}

fn hear(talk: &mut Talk, report: Vec<u8>, seconds: u64) {
    let now = Time::from_micros(START + seconds * 1_000_000);
    talk.hear(
        vec!["a".to_owned(), "b".to_owned()],
        vec![None, Some(report)],
        now,
    );
}

fn number(talk: &Talk) -> Option<(i64, u64)> {
    let heard = talk.gathering.of(&ReplicaId::new("b").unwrap())?;
    let (epoch, sequence) = heard.report.number();
    Some((
        epoch.cast_signed() / 1_000_000 - START.cast_signed() / 1_000_000,
        sequence,
    ))
}

#[test]
fn a_replica_that_begins_again_by_a_clock_that_is_behind_is_heard_soon() {
    let (_, mut talk) = talk();
    hear(&mut talk, packed(10, 7, 20), 20);
    hear(&mut talk, packed(-30, 1, 21), 21);
    assert_eq!(number(&talk), Some((10, 7)), "it may be a twin");
    hear(&mut talk, packed(10, 8, 22), 22);
    hear(&mut talk, packed(-30, 3, 26), 26);
    assert_eq!(number(&talk), Some((10, 8)), "it is there");
    hear(&mut talk, packed(-30, 4, 27), 27);
    assert_eq!(number(&talk), Some((-30, 4)));
    hear(&mut talk, packed(10, 9, 28), 28);
    assert_eq!(number(&talk), Some((10, 9)), "it was there after all");
}

/// What `b` tells between two rounds, as its last word or not.
fn change(began: i64, sequence: u64, leaves: bool) -> Vec<u8> {
    let changed: Report = super::super::pack::unpack(&packed(began, sequence, 0), REPORT).unwrap();
    let delta = crate::fleet::Delta {
        base: 1,
        presses: leaves,
        leaves,
        drains: leaves,
        changed,
    };
    pack(&delta, REPORT).unwrap()
}

#[test]
fn what_one_left_there_does_not_come_back_when_its_successor_is_killed() {
    let (_, mut talk) = talk();
    let at = |seconds: u64| Time::from_micros(START + seconds * 1_000_000);
    hear(&mut talk, packed(5, 2, 20), 20);
    hear(&mut talk, packed(9, 1, 21), 21);
    talk.hear_change(&change(5, 4, true), at(22));
    // The last report of the one that left is younger than the last of the one that was killed.
    for second in [23, 26, 27, 29] {
        hear(&mut talk, packed(5, 4, 22), second);
        assert_eq!(number(&talk), Some((9, 1)), "at {second} s");
    }
    assert_eq!(talk.gathering().live(at(29)).count(), 0);
}

#[test]
fn the_end_of_one_before_is_not_that_of_who_goes_on_under_its_name() {
    let (post, mut talk) = talk();
    let own = post.replica().to_string();
    let at = |seconds: u64| Time::from_micros(START + seconds * 1_000_000);
    hear(&mut talk, packed(5, 2, 20), 20);
    talk.hear_change(&change(9, 1, false), at(21));
    assert_eq!(talk.live(), ["b", &own]);
    talk.hear_change(&change(5, 3, true), at(21));
    assert_eq!(
        talk.live(),
        ["b", &own],
        "it is asked for in the next round"
    );
    talk.hear_change(&change(9, 2, true), at(22));
    assert_eq!(talk.live(), [own]);
}

#[test]
fn who_speaks_is_asked_for_and_who_leaves_is_not() {
    let (post, mut talk) = talk();
    let own = post.replica().to_string();
    let at = |seconds: u64| Time::from_micros(START + seconds * 1_000_000);
    talk.looks = false;
    talk.hear_change(&change(5, 2, false), at(20));
    assert!(talk.looks, "of whom nothing is known all is read");
    assert_eq!(talk.live(), ["b", &own]);
    hear(&mut talk, packed(5, 2, 20), 20);
    assert_eq!(talk.hear_change(&change(5, 3, true), at(21)), Some(true));
    assert_eq!(talk.live(), std::slice::from_ref(&own));
    assert_eq!(talk.gathering().live(at(21)).count(), 0);
    hear(&mut talk, packed(-60, 9, 20), 22);
    assert_eq!(number(&talk), Some((5, 3)), "what one before it left there");
    // By a clock that is behind: nothing has to be waited for, since the one before has left.
    hear(&mut talk, packed(-30, 1, 22), 22);
    assert_eq!(number(&talk), Some((-30, 1)));
    assert_eq!(talk.gathering().live(at(22)).count(), 1);
    talk.looks = false;
    talk.hear_change(&change(9, 1, false), at(23));
    assert!(talk.looks, "another process speaks under the name");
    hear(&mut talk, packed(9, 1, 23), 23);
    talk.hear_change(&change(-30, 2, true), at(24));
    assert_eq!(talk.live().len(), 2, "the one before has left");
    assert_eq!(talk.gathering().live(at(24)).count(), 1);
}

#[test]
fn what_cannot_be_read_is_said_once_and_again_when_it_was_read_between() {
    let (_, mut talk) = talk();
    hear(&mut talk, b"rubbish".to_vec(), 1);
    assert!(talk.useless.contains("b"));
    hear(&mut talk, packed(0, 1, 2), 2);
    assert!(talk.useless.is_empty());
    hear(&mut talk, b"rubbish".to_vec(), 3);
    talk.see(&[b"c".to_vec()]);
    assert!(talk.useless.is_empty(), "who is gone is forgotten");
}

#[tokio::test]
async fn who_was_seen_in_the_future_and_is_not_there_is_swept_away() {
    let Some(engine) = Engine::start().await else {
        return;
    };
    let clock = Clock::start();
    let (post, mut talk) = talk();
    let mut link = engine.link().await;
    let ghost = redis::cmd("ZADD")
        .arg("wb1:{t}:replicas")
        .arg(millis(clock.now()) + 3_600_000)
        .arg("ghost")
        .to_owned();
    let _: () = ghost.query_async(&mut link).await.unwrap();
    talk.greet(&mut link, clock).await.unwrap();
    assert_eq!(talk.live().len(), 2);
    // Every other round reads.
    for _ in 0..3 {
        talk.round(&mut link, &post, clock).await.unwrap();
    }
    assert_eq!(talk.live(), [post.replica().to_string()]);
}
