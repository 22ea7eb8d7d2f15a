use proptest::prelude::*;

use super::*;

/// What happens to an ask or its answer.
#[derive(Clone, Copy, Debug)]
enum Way {
    Whole,
    AskLost,
    AnswerLost,
    Twice,
    /// The ask arrives once more, after later ones.
    Late,
}

#[derive(Clone, Copy, Debug)]
enum Act {
    /// A replica uses so much, as far as its cap lets it.
    Use(usize, u64),
    /// A replica asks.
    Ask(usize, Way),
    /// Time passes.
    Wait(u64),
    /// The engine is restarted empty.
    Lose,
    /// A replica is killed and comes back; its books have all of it.
    Restart(usize),
}

#[derive(Clone, Debug, Default)]
struct Replica {
    epoch: u64,
    lease: Lease,
    used: u64,
    /// What it had used when it asked last.
    told: u64,
    /// By its books, before this process.
    seed: u64,
    remembered: Option<Sheet>,
    late: Option<Ask>,
}

impl Replica {
    fn who(&self, place: usize) -> String {
        format!("r{place}:{}", self.epoch)
    }
}

struct World {
    limit: u64,
    now_ms: u64,
    sheet: Sheet,
    /// Whether the sheet was lost since a replica's last answer.
    lost: Vec<bool>,
    replicas: Vec<Replica>,
}

impl World {
    fn new(limit: u64, replicas: usize) -> Self {
        Self {
            limit,
            now_ms: 1_000,
            sheet: Sheet::default(),
            lost: vec![false; replicas],
            replicas: vec![Replica::default(); replicas],
        }
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Use(place, amount) => {
                let replica = &mut self.replicas[place];
                let cap = replica.lease.cap().unwrap_or(0);
                replica.used = replica.used.max(cap.min(replica.used + amount));
            }
            Act::Ask(place, way) => self.ask(place, way),
            Act::Wait(ms) => self.now_ms += ms,
            Act::Lose => {
                self.sheet = Sheet::default();
                self.lost.fill(true);
            }
            Act::Restart(place) => {
                let old = &self.replicas[place];
                self.replicas[place] = Replica {
                    epoch: old.epoch + 1,
                    seed: old.seed + old.used,
                    ..Replica::default()
                };
            }
        }
    }

    fn ask(&mut self, place: usize, way: Way) {
        let limit = self.limit;
        // Whoever finds the sheet lost puts back what it remembers before it is granted anything.
        if self.lost[place] && !matches!(way, Way::AskLost) {
            self.lost[place] = false;
            if let Some(remembered) = &self.replicas[place].remembered {
                self.sheet.put_back(remembered);
            }
        }
        let replica = &mut self.replicas[place];
        let who = replica.who(place);
        let need = Need {
            used: replica.used,
            seed: replica.seed,
            each_second: (replica.used - replica.told).max(7),
            least: 3,
            limit,
            ..Need::default()
        };
        replica.told = replica.used;
        let ask = replica.lease.ask(need, false);
        if matches!(way, Way::AskLost) {
            replica.late = Some(ask);
            return;
        }
        let granted = self.sheet.answer(&who, &ask, self.now_ms);
        if matches!(way, Way::Twice) {
            let again = self.sheet.answer(&who, &ask, self.now_ms);
            assert_eq!(again, None, "an ask is answered once");
        }
        if let Some(late) = replica.late.take_if(|_| matches!(way, Way::Late)) {
            assert_eq!(self.sheet.answer(&who, &late, self.now_ms), None);
        }
        if matches!(way, Way::AnswerLost) {
            return;
        }
        replica.remembered = Some(self.sheet.clone());
        replica.lease.answered(granted.unwrap(), limit);
    }

    /// What all processes may still bring the fleet to.
    fn reach(&self) -> u64 {
        let of =
            |replica: &Replica| replica.seed + replica.used.max(replica.lease.cap().unwrap_or(0));
        self.replicas.iter().map(of).sum()
    }

    fn used(&self) -> u64 {
        self.replicas.iter().map(|it| it.seed + it.used).sum()
    }
}

fn way() -> impl Strategy<Value = Way> {
    prop_oneof![
        6 => Just(Way::Whole),
        1 => Just(Way::AskLost),
        1 => Just(Way::AnswerLost),
        1 => Just(Way::Twice),
        1 => Just(Way::Late),
    ]
}

fn act(replicas: usize) -> impl Strategy<Value = Act> {
    prop_oneof![
        5 => (0..replicas, 0_u64..300).prop_map(|(place, amount)| Act::Use(place, amount)),
        5 => (0..replicas, way()).prop_map(|(place, way)| Act::Ask(place, way)),
        2 => (0_u64..2_000).prop_map(Act::Wait),
        1 => (0..replicas).prop_map(Act::Restart),
    ]
}

fn config(seed: u64) -> ProptestConfig {
    ProptestConfig {
        cases: 400,
        rng_seed: proptest::test_runner::RngSeed::Fixed(seed),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config(71))]

    /// Asks and answers that are lost, repeated and late, and processes that are killed: caps never exceed the limit.
    #[test]
    fn all_caps_together_never_exceed_the_limit(
        limit in 1_u64..5_000,
        acts in prop::collection::vec(act(3), 1..200),
    ) {
        let mut world = World::new(limit, 3);
        let mut waited = 0;
        for act in acts {
            // Leases are valid: nobody is silent for longer than they live.
            if let Act::Wait(ms) = act {
                waited += ms;
                if waited > LIFE_MS / 2 {
                    for place in 0..3 {
                        world.act(Act::Ask(place, Way::Whole));
                    }
                    waited = ms;
                }
            }
            world.act(act);
            prop_assert!(world.reach() <= limit, "{} of {limit} after {act:?}", world.reach());
        }
    }

    /// After the engine lost everything, the sum is again at least what was used as soon as each has been heard.
    #[test]
    fn what_was_lost_is_known_again_once_each_has_asked(
        limit in 100_u64..5_000,
        before in prop::collection::vec(act(3), 1..60),
        after in prop::collection::vec(act(3), 1..60),
    ) {
        let mut world = World::new(limit, 3);
        for act in before {
            world.act(act);
        }
        for place in 0..3 {
            world.act(Act::Ask(place, Way::Whole));
        }
        world.act(Act::Lose);
        for place in 0..3 {
            world.act(Act::Ask(place, Way::Whole));
        }
        prop_assert!(world.sheet.spent() >= world.used());
        for act in after {
            world.act(act);
            prop_assert!(world.reach() <= limit, "{} of {limit} after {act:?}", world.reach());
        }
    }

    /// Putting back is a join: in any order and however often, the result is one.
    #[test]
    fn putting_back_is_a_join(
        acts in prop::collection::vec(act(3), 1..60),
        order in Just([0_usize, 1, 2]).prop_shuffle(),
    ) {
        let mut world = World::new(1_000, 3);
        for act in acts {
            world.act(act);
        }
        let remembered: Vec<Sheet> = world.replicas.iter().filter_map(|it| it.remembered.clone()).collect();
        let mut straight = Sheet::default();
        for sheet in &remembered {
            straight.put_back(sheet);
        }
        let mut shuffled = Sheet::default();
        for place in order.into_iter().chain(order) {
            if let Some(sheet) = remembered.get(place) {
                shuffled.put_back(sheet);
            }
        }
        prop_assert_eq!(straight, shuffled);
    }
}

/// Rounds of all replicas, of which the first `busy` use as much as they may.
fn rounds(world: &mut World, busy: usize, rounds: usize) {
    for _ in 0..rounds {
        for place in 0..world.replicas.len() {
            world.act(Act::Ask(place, Way::Whole));
            if place < busy {
                world.act(Act::Use(place, u64::MAX / 2));
            }
        }
        world.act(Act::Wait(1_000));
    }
}

#[test]
fn little_is_left_in_idle_hands() {
    let mut world = World::new(1_000_000, 3);
    rounds(&mut world, 1, 40);
    let left = 1_000_000 - world.used();
    assert!(
        left <= 1_000,
        "{left} of a million lie with two who use nothing"
    );
}

#[test]
fn what_a_killed_replica_held_comes_back() {
    let mut world = World::new(1_000, 3);
    rounds(&mut world, 0, 1);
    let held = world.sheet.held(world.now_ms);
    assert!(held > 400, "about half is held: {held}");
    world.act(Act::Wait(LIFE_MS + 1));
    assert_eq!(world.sheet.held(world.now_ms), 0);
    world.act(Act::Wait(SETTLED_AFTER_MS + 1));
    world.act(Act::Ask(0, Way::Whole));
    assert_eq!(world.sheet.lines.len(), 1, "silent lines are put away");
}

#[test]
fn a_line_that_was_put_away_comes_back_and_counts_once() {
    let mut world = World::new(1_000, 2);
    rounds(&mut world, 2, 2);
    rounds(&mut world, 0, 1);
    let used = world.used();
    world.act(Act::Wait(LIFE_MS + SETTLED_AFTER_MS + 1));
    world.act(Act::Ask(0, Way::Whole));
    assert_eq!(world.sheet.spent(), used);
    world.act(Act::Ask(1, Way::Whole));
    assert_eq!(world.sheet.spent(), used, "once, though it was in the sum");
}

#[test]
fn what_books_and_sheet_both_have_counts_once() {
    let mut world = World::new(1_000, 2);
    rounds(&mut world, 1, 1);
    rounds(&mut world, 0, 1);
    let used = world.used();
    world.act(Act::Restart(0));
    world.act(Act::Ask(0, Way::Whole));
    assert_eq!(world.sheet.spent(), used, "the sheet had it");
    world.act(Act::Lose);
    world.act(Act::Restart(0));
    world.act(Act::Ask(0, Way::Whole));
    assert_eq!(world.sheet.spent(), used, "the books had it");
}

#[test]
fn who_leaves_gives_back_what_it_did_not_use() {
    let mut sheet = Sheet::default();
    let mut lease = Lease::default();
    let need = Need {
        limit: 1_000,
        ..Need::default()
    };
    let ask = lease.ask(need, false);
    lease.answered(sheet.answer("a:1", &ask, 5).unwrap(), 1_000);
    assert_eq!(lease.cap(), Some(500));
    let ask = lease.ask(Need { used: 7, ..need }, true);
    lease.answered(sheet.answer("a:1", &ask, 6).unwrap(), 1_000);
    assert_eq!(lease.cap(), Some(7));
    assert_eq!(sheet.held(7), 7);
}

#[test]
fn an_answer_that_somebody_made_up_gives_no_more_than_the_limit() {
    let mut lease = Lease::default();
    let need = Need {
        limit: 10,
        ..Need::default()
    };
    let sequence = lease.ask(need, false).sequence;
    let made_up = Granted {
        sequence,
        cap: u64::MAX,
        fair: u64::MAX,
        ..Granted::default()
    };
    lease.answered(made_up, 10);
    assert_eq!(lease.cap(), Some(10));
    assert_eq!(lease.ask(need, false).cap, 10);
}
