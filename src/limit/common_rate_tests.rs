use proptest::prelude::*;

use super::*;
use crate::limit::quota::{Bucket, PerMinute};

/// A replica as `live` has it: a purse, and a bucket of its own for when it is stale.
#[derive(Clone, Debug)]
struct Replica {
    purse: Purse,
    bucket: Bucket,
    late: Option<RateAsk>,
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Take(usize),
    /// A round of one replica: whether the ask arrives, and whether the answer does.
    Ask(usize, bool, bool),
    Wait(u64),
    Lose,
}

struct World {
    per_minute: u32,
    now: Time,
    common: Common,
    replicas: Vec<Replica>,
    through: u64,
}

impl World {
    fn new(per_minute: u32, replicas: usize) -> Self {
        let now = Time::from_secs_f64(1_000.0);
        let one = Replica {
            purse: Purse::default(),
            bucket: Bucket::full(per_minute, now),
            late: None,
        };
        Self {
            per_minute,
            now,
            common: Common::default(),
            replicas: vec![one; replicas],
            through: 0,
        }
    }

    fn act(&mut self, act: Act) {
        let parts = u32::try_from(self.replicas.len()).unwrap();
        let (now, all) = (self.now, self.per_minute);
        let rate = PerMinute { all, parts };
        match act {
            Act::Take(place) => {
                let it = &mut self.replicas[place];
                let taken = if it.purse.is_fresh(now) {
                    it.purse
                        .is_open(all, now)
                        .map(|()| it.bucket.drain(rate, now, 1))
                } else {
                    it.bucket.take(rate, now)
                };
                if taken.is_ok() {
                    it.purse.took(1, now);
                    self.through += 1;
                }
            }
            Act::Ask(place, arrives, comes_back) => {
                let it = &mut self.replicas[place];
                let Some(ask) = it.purse.ask(rate, now, false) else {
                    return;
                };
                let (who, ms) = (format!("r{place}:1"), now.as_micros() / 1_000);
                if !arrives {
                    it.late = Some(ask);
                    return;
                }
                let granted = self.common.answer(&who, &ask, ms).unwrap();
                for again in [Some(ask), it.late.take()].into_iter().flatten() {
                    assert_eq!(self.common.answer(&who, &again, ms), None);
                }
                if comes_back {
                    it.purse.answered(granted, all, now);
                }
            }
            Act::Wait(ms) => self.now = now.after(Duration::from_millis(ms)),
            Act::Lose => self.common = Common::default(),
        }
    }
}

fn act() -> impl Strategy<Value = Act> {
    let often = prop::bool::weighted(0.85);
    prop_oneof![
        20 => (0_usize..3).prop_map(Act::Take),
        5 => (0_usize..3, often, often).prop_map(|(place, arrives, back)| Act::Ask(place, arrives, back)),
        3 => (0_u64..1_500).prop_map(Act::Wait),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 300,
        rng_seed: proptest::test_runner::RngSeed::Fixed(72),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// What gets through is the rate, a minute's worth at once, and the replicas' own parts until they are charged; whatever
    /// is lost, late or repeated.
    #[test]
    fn no_more_gets_through_than_the_rate_and_the_parts(
        per_minute in 1_u32..400,
        acts in prop::collection::vec(act(), 1..600),
    ) {
        let mut world = World::new(per_minute, 3);
        for act in acts {
            world.act(act);
            let passed = world.now.secs_since(Time::from_secs_f64(1_000.0));
            let rate = f64::from(per_minute);
            let promised = rate + rate * passed / 60.0;
            let parts = rate.max(3.0) + rate * passed.min(60.0) / 60.0;
            prop_assert!(world.through as f64 <= promised + parts + 3.0);
        }
    }
}

/// `seconds` of rounds each second and when a purse runs low, while the first `busy` of three are asked for `each` requests
/// a second each.
fn serve(world: &mut World, busy: usize, each: u64, seconds: u64) {
    for tick in 0..seconds * each {
        for place in 0..world.replicas.len() {
            let is_due = tick % each == 0;
            if place < busy {
                world.act(Act::Take(place));
            }
            if is_due || (place < busy && world.replicas[place].purse.is_low(world.now)) {
                world.act(Act::Ask(place, true, true));
            }
        }
        world.act(Act::Wait(1_000 / each));
    }
}

#[test]
fn three_busy_replicas_let_through_what_one_would() {
    let mut world = World::new(600, 3);
    serve(&mut world, 3, 20, 120);
    let (least, most) = (600 + 1_150, 600 + 1_260);
    let through = world.through;
    assert!(
        (least..=most).contains(&through),
        "{through} in two minutes"
    );
}

#[test]
fn one_busy_replica_has_the_whole_rate() {
    let mut world = World::new(600, 3);
    serve(&mut world, 1, 50, 120);
    let through = world.through;
    assert!(
        (1_700..=1_860).contains(&through),
        "{through} in two minutes"
    );
}

#[test]
fn without_an_engine_each_has_its_part() {
    let mut world = World::new(600, 3);
    for _ in 0..6_000 {
        for place in 0..3 {
            world.act(Act::Take(place));
        }
        world.act(Act::Wait(20));
    }
    let through = world.through;
    assert!(
        (1_780..=1_800).contains(&through),
        "{through} in two minutes"
    );
}

#[test]
fn a_key_is_not_in_debt_for_the_time_the_engine_was_away() {
    let mut world = World::new(600, 3);
    serve(&mut world, 3, 20, 60);
    for _ in 0..30_000 {
        for place in 0..3 {
            world.act(Act::Take(place));
        }
        world.act(Act::Wait(20));
    }
    let before = world.through;
    serve(&mut world, 3, 20, 120);
    let through = world.through - before;
    assert!(
        (800..=1_860).contains(&through),
        "{through} in the two minutes after ten without an engine"
    );
}

#[test]
fn a_lost_bucket_is_not_full_again() {
    let mut world = World::new(600, 3);
    serve(&mut world, 3, 20, 60);
    world.act(Act::Lose);
    serve(&mut world, 3, 20, 60);
    let through = world.through;
    assert!(through <= 600 + 1_260, "{through} in two minutes");
}

#[test]
fn an_idle_purse_is_given_back_and_asked_for_no_more() {
    let mut world = World::new(600, 3);
    serve(&mut world, 1, 20, 2);
    for _ in 0..12 {
        world.act(Act::Wait(1_000));
        world.act(Act::Ask(0, true, true));
    }
    let it = &mut world.replicas[0].purse;
    assert!(!it.is_fresh(world.now));
    assert_eq!(
        it.ask(PerMinute::whole(600), world.now, false),
        None,
        "it rests"
    );
    let (level, _) = world.common.level.unwrap();
    assert!(level >= 599.0, "{level} are back in the bucket");
}
