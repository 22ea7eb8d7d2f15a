//! The scripts against what they are the same as, in a real engine.

use redis::aio::MultiplexedConnection;

use super::super::engine::Engine;
use super::*;
use crate::limit::common_rate::Common;
use crate::limit::lease::{Ask, Sheet};

/// A generator with a fixed seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most.max(1)
    }
}

const FAR: u64 = 4_000_000_000;

fn asked(ask: &Ask) -> [u64; 9] {
    [
        ask.sequence,
        ask.used,
        ask.cap,
        ask.seed,
        ask.want,
        ask.least,
        ask.limit,
        u64::from(ask.is_last),
        FAR,
    ]
}

async fn answer(
    script: &Script,
    link: &mut MultiplexedConnection,
    who: &str,
    ask: &Ask,
    (born, memory): (&str, &str),
) -> Vec<String> {
    let mut script = script.prepare_invoke();
    script.key("wb1:{t}:spent:x").key("wb1:{t}:spent:x:away");
    script
        .arg(who)
        .arg(1)
        .arg(&asked(ask)[..])
        .arg(born)
        .arg(memory);
    let answers: Vec<Vec<String>> = script.invoke_async(link).await.unwrap();
    answers.into_iter().next().unwrap()
}

#[tokio::test]
async fn the_script_grants_what_the_arithmetic_does() {
    let Some(engine) = Engine::start().await else {
        return;
    };
    let mut link = engine.connected().await.unwrap();
    let script = Script::new(include_str!("leases.lua"));
    let (mut sheet, mut chance) = (Sheet::default(), Chance(5));
    let mut sequences = [0_u64; 4];
    let mut used = [0_u64; 4];
    let mut caps = [0_u64; 4];
    for _ in 0..400 {
        let place = usize::try_from(chance.below(4)).unwrap();
        // Some asks come again or late.
        let is_late = chance.below(8) == 0;
        sequences[place] += u64::from(!is_late);
        used[place] = (used[place] + chance.below(40_000)).min(caps[place]);
        let ask = Ask {
            sequence: sequences[place],
            used: used[place],
            cap: caps[place].min(used[place] + chance.below(100_000)),
            seed: if place == 3 { 70_000 } else { 0 },
            want: chance.below(60_000),
            least: chance.below(2_000),
            limit: 9_000_000,
            is_last: chance.below(30) == 0,
        };
        // Two of them are processes of one replica.
        let who = ["a:1", "b:1", "c:1", "c:2"][place];
        // A line that gave everything back is put away at once, by either clock.
        let expected = sheet.answer(who, &ask, 1_796_081_400_000);
        let found = answer(&script, &mut link, who, &ask, ("", "")).await;
        assert_eq!(granted(&found), expected, "{who} {ask:?} {found:?}");
        caps[place] = expected.map_or(caps[place], |granted| granted.cap);
    }
    assert!(sheet.spent() > 1_000_000, "{}", sheet.spent());
    let lifetime: i64 = redis::cmd("TTL")
        .arg("wb1:{t}:spent:x")
        .query_async(&mut link)
        .await
        .unwrap();
    assert!(lifetime > 0, "it goes away by itself: {lifetime}");
}

#[tokio::test]
async fn an_engine_that_forgot_is_told_before_it_grants() {
    let Some(engine) = Engine::start().await else {
        return;
    };
    let mut link = engine.connected().await.unwrap();
    let script = Script::new(include_str!("leases.lua"));
    let ask = |sequence, used, cap| Ask {
        sequence,
        used,
        cap,
        limit: 1_000,
        ..Ask::default()
    };
    answer(&script, &mut link, "a:1", &ask(1, 0, 0), ("", "")).await;
    answer(&script, &mut link, "a:1", &ask(2, 400, 400), ("", "")).await;
    let told = answer(&script, &mut link, "b:1", &ask(1, 0, 0), ("", "")).await;
    let mut remembered = Remembered::default();
    remembered.take(&told, Time::ZERO, true);
    let before = granted(&told).unwrap();
    assert_eq!(before.others, 400);
    let _: () = redis::cmd("FLUSHALL").query_async(&mut link).await.unwrap();
    let again = ask(2, 10, before.cap);
    let lost = answer(&script, &mut link, "b:1", &again, (&remembered.born, "")).await;
    assert_eq!(lost, ["lost"]);
    let memory = (remembered.born.as_str(), remembered.memory.as_str());
    let told = answer(&script, &mut link, "b:1", &again, memory).await;
    let after = granted(&told).unwrap();
    assert_eq!(after.others, 400, "what a had used, though a said nothing");
    assert_eq!(after.lines, 2, "and its lease holds");
    let total: u64 = 400 + after.cap;
    assert!(total <= 1_000, "{after:?}");
}

#[tokio::test]
async fn what_is_in_the_engine_can_be_anything() {
    let Some(engine) = Engine::start().await else {
        return;
    };
    let mut link = engine.connected().await.unwrap();
    let script = Script::new(include_str!("leases.lua"));
    for (field, text) in [
        ("=born", "x"),
        ("=settled", "many"),
        ("b:1", "-1 2"),
        ("c:1", "9 9 9 9 99999999999999999999"),
    ] {
        let set = redis::cmd("HSET")
            .arg("wb1:{t}:spent:x")
            .arg(field)
            .arg(text)
            .to_owned();
        let _: () = set.query_async(&mut link).await.unwrap();
    }
    let ask = Ask {
        sequence: 1,
        limit: 1_000,
        ..Ask::default()
    };
    let told = answer(&script, &mut link, "a:1", &ask, ("", "")).await;
    assert!(granted(&told).is_some(), "{told:?}");
    for answer in [
        vec![],
        vec!["ok"],
        vec!["ok", "1", "-2", "3", "4", "5", "6"],
        vec!["no", "1", "2", "3", "4", "5", "6"],
    ] {
        let answer: Vec<String> = answer.into_iter().map(str::to_owned).collect();
        assert_eq!(granted(&answer), None);
    }
    let odd = ["ok", "1", "2", "3", "nan"].map(str::to_owned);
    assert_eq!(rate_granted(&odd), None);
}

/// What the script grants of a rate, and the moment that it went by, which stands beside the level.
async fn rate_answer(
    script: &Script,
    link: &mut MultiplexedConnection,
    who: &str,
    ask: &RateAsk,
) -> (Option<RateGranted>, u64) {
    let mut call = script.prepare_invoke();
    call.key("wb1:{t}:rate:app:tokens").arg(who);
    for number in [ask.sequence, ask.used, ask.cap, ask.charged, ask.want] {
        call.arg(number);
    }
    call.arg(ask.per_minute)
        .arg(ask.level)
        .arg(u8::from(ask.is_last));
    let found: Vec<Vec<String>> = call.invoke_async(link).await.unwrap();
    let kept: String = redis::cmd("HGET")
        .arg("wb1:{t}:rate:app:tokens")
        .arg("=level")
        .query_async(link)
        .await
        .unwrap();
    let now_ms = kept.split_once(' ').unwrap().1.parse().unwrap();
    (rate_granted(&found[0]), now_ms)
}

#[tokio::test]
async fn the_script_fills_purses_as_the_arithmetic_does() {
    let Some(engine) = Engine::start().await else {
        return;
    };
    let mut link = engine.connected().await.unwrap();
    let script = Script::new(include_str!("rates.lua"));
    let (mut common, mut chance) = (Common::default(), Chance(6));
    let mut lines = [(0_u64, 0_u64, 0_u64); 3];
    for _ in 0..400 {
        let place = usize::try_from(chance.below(3)).unwrap();
        let is_late = chance.below(8) == 0;
        let (sequence, used, cap) = &mut lines[place];
        *sequence += u64::from(!is_late);
        let charged = *cap;
        *used += chance.below(40);
        *cap = (*cap).min(*used + chance.below(60));
        let ask = RateAsk {
            sequence: *sequence,
            used: *used,
            cap: *cap,
            charged,
            want: chance.below(50),
            // So slow that the time of the test fills in nothing.
            per_minute: 3_000,
            level: 3_000.0,
            is_last: chance.below(30) == 0,
        };
        let who = ["a:1", "b:1", "c:1"][place];
        let (found, now_ms) = rate_answer(&script, &mut link, who, &ask).await;
        let expected = common.answer(who, &ask, now_ms);
        assert_eq!(found.is_some(), expected.is_some(), "{ask:?}");
        if let (Some(found), Some(expected)) = (found, expected) {
            assert!(
                (found.level - expected.level).abs() < 0.001,
                "{found:?} {expected:?}"
            );
            assert!(
                found.cap.abs_diff(expected.cap) <= 1,
                "{found:?} {expected:?}"
            );
            // The engine's word counts: it is kept to six places.
            *cap = found.cap;
            common.level = Some((found.level, now_ms));
            common
                .lines
                .insert(who.to_owned(), (ask.sequence, found.cap, now_ms + 60_000));
        }
    }
    let lifetime: i64 = redis::cmd("TTL")
        .arg("wb1:{t}:rate:app:tokens")
        .query_async(&mut link)
        .await
        .unwrap();
    assert!((1..=600).contains(&lifetime), "{lifetime}");
}
