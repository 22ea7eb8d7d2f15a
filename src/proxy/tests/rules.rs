//! Rules about who may serve hold under faults: through the whole proxy for some thousand requests, and through the parts
//! that choose (the mask, the gate, the next move) for a hundred thousand.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::task::JoinSet;

use super::faultd::{Act, Faultd, answer_of, response};
use super::world::{Plan, Spec, ask};
use crate::balance::gate::{Ask, GateState, Gates, Row, Standing, admit};
use crate::balance::{Demand, Draw, Mask, Weight, WeightTable, eligible};
use crate::config::Fallback;
use crate::limit::{self, Delivered, Jitter, Left, Next, Place, Tried};
use crate::model::{Outcome, TargetIndex, Time, UpstreamName};

/// A generator that is the same every time (splitmix64).
struct Luck(u64);

impl Luck {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

/// Clients at a time.
const CLIENTS: usize = 40;
/// Requests before the proxy is started anew.
const FRESH: usize = 5;

fn faults(luck: &mut Luck) -> Act {
    let status = |line: &str| Act::Answer(response(line, "application/json", "{}"));
    let kinds = [
        Act::Answer(answer_of("hello")),
        status("429 Too Many Requests"),
        status("500 Internal Server Error"),
        status("529 Overloaded"),
        status("401 Unauthorized"),
        status("404 Not Found"),
        status("200 OK"),
        Act::Reset,
        Act::SendAndClose(Vec::new()),
    ];
    let turns = (0..997).map(|_| kinds[luck.below(kinds.len())].clone());
    Act::Turn(turns.collect())
}

/// A route that requires a tag which two of four targets have, with fallbacks of all kinds that have not.
fn required(addresses: &[SocketAddr]) -> Plan {
    let specs = addresses.iter().enumerate().map(|(place, address)| {
        let tag = if place < 2 { "eu" } else { "us" };
        Spec {
            tags: vec![tag.to_owned()],
            ..Spec::new(*address, 1.0)
        }
    });
    let mut plan = Plan::new(specs.collect());
    plan.require = vec!["eu".to_owned()];
    plan.retries = 4;
    plan.deadlines.total = Duration::from_millis(300);
    for list in [
        &mut plan.fallbacks,
        &mut plan.context_fallbacks,
        &mut plan.content_filter_fallbacks,
    ] {
        list.push(Fallback::Upstream(UpstreamName::new("p3/m").unwrap()));
    }
    plan
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_fault_sends_a_request_to_a_target_without_the_required_tag() {
    let mut luck = Luck(1);
    let mut targets = Vec::new();
    for _ in 0..4 {
        targets.push(Faultd::start(faults(&mut luck)).await);
    }
    let addresses: Vec<SocketAddr> = targets.iter().map(|target| target.address).collect();
    // The long form is the hundred thousand, through all of the proxy.
    let is_long = std::env::var_os("WEIGHBRIDGE_LONG").is_some();
    let requests = if is_long { 100_000 } else { 2_000 };
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let addresses = addresses.clone();
        clients.spawn(async move {
            for _ in 0..requests / CLIENTS / FRESH {
                // What is ejected or set aside stays so without a controller: soon nobody would be called.
                let world = required(&addresses).start().await;
                for request in 0..FRESH {
                    world.chat(&ask(request == 0)).await;
                }
            }
        });
    }
    clients.join_all().await;
    let seen: Vec<usize> = targets.iter().map(|target| target.seen().len()).collect();
    println!("{requests} requests, calls of each target: {seen:?}");
    assert!(
        seen[0] + seen[1] > requests,
        "more calls than requests: {seen:?}"
    );
    assert_eq!(&seen[2..], [0, 0], "nobody else is, whatever fails");
}

/// Gates in any state.
struct Any([GateState; 6]);

impl Gates for Any {
    fn gate(&self, target: TargetIndex) -> GateState {
        self.0[target.get()]
    }

    fn standing(&self, _: TargetIndex) -> Standing {
        Standing::default()
    }
}

const OUTCOMES: [Outcome; 12] = [
    Outcome::RateLimited,
    Outcome::QuotaExhausted,
    Outcome::Overloaded,
    Outcome::ServerError,
    Outcome::Auth,
    Outcome::NoSuchModel,
    Outcome::ContextTooLong,
    Outcome::ContentFiltered,
    Outcome::Transport,
    Outcome::Malformed,
    Outcome::Refused,
    Outcome::Ok,
];

#[test]
fn of_a_hundred_thousand_faulted_requests_none_leaves_its_tags() {
    let mut luck = Luck(2);
    let mut called = 0;
    for request in 0..100_000 {
        let tags: Vec<Vec<String>> = (0..6)
            .map(|_| vec![luck.one_of(&["eu", "us"]).to_owned()])
            .collect();
        let required = ["eu".to_owned()];
        let demand = Demand {
            require: &required,
            forbid: &[],
        };
        let weights: Vec<Weight> = (0..6)
            .map(|_| Weight::new(luck.one_of(&[0.0, 1.0, 3.0])).unwrap())
            .collect();
        let targets = tags.iter().map(Vec::as_slice).zip(weights.iter().copied());
        let (Ok(mask), Ok(table)) = (
            eligible(targets, &[demand], |_| None),
            WeightTable::from_weights(&weights),
        ) else {
            continue;
        };
        called += walk(&mut luck, &mask, &table, |target| {
            assert_eq!(tags[target.get()], ["eu"], "request {request}");
        });
    }
    assert!(called > 150_000, "only {called} calls were looked at");
}

/// Walks one request through faults as the proxy does; tells `call` of each target that is called.
fn walk(luck: &mut Luck, mask: &Mask, table: &WeightTable, call: impl Fn(TargetIndex)) -> usize {
    let gate = |luck: &mut Luck| GateState {
        serving: luck.below(3) > 0,
        blocked_until: Time::from_micros(luck.next() % 200),
        probe_wanted: luck.below(4) == 0,
        limit: luck.one_of(&[0, 1, u32::MAX]),
        ..GateState::default()
    };
    let gates = Any(std::array::from_fn(|_| gate(luck)));
    let row = Row {
        granted: table,
        configured: table,
        guarded: luck.below(8) > 0,
    };
    let plan = limit::Plan::new(4, Duration::from_secs(60));
    let (mut untried, mut history, mut calls) = (*mask, Vec::new(), 0);
    loop {
        let members = (0..6).map(TargetIndex::at);
        let has_untried = members
            .into_iter()
            .any(|i| untried.contains(i) && table.share(i).ppm() > 0);
        let left = Left {
            untried: has_untried,
            fallbacks: 0,
            context: 0,
            filter: 0,
        };
        let jitter = Jitter(u32::MAX);
        let target = match limit::next(&plan, &history, left, Duration::ZERO, jitter) {
            Next::TryNext => {
                let ask = Ask {
                    eligible: &untried,
                    draw: Draw(u32::try_from(luck.next() >> 32).unwrap()),
                    now: Time::from_micros(100),
                    may_probe: history.is_empty(),
                    sticky: None,
                };
                let admitted = admit(row, &gates, &ask).expect("somebody is left");
                admitted.target
            }
            Next::RetrySame {
                place: Place::Target(target),
                ..
            } => target,
            Next::RetrySame { .. } | Next::FallBack(_) | Next::GiveUp | Next::Return => {
                return calls;
            }
        };
        call(target);
        calls += 1;
        if untried.is_all() {
            untried = (0..6).map(TargetIndex::at).collect();
        }
        untried.remove(target);
        history.push(Tried {
            place: Place::Target(target),
            outcome: luck.one_of(&OUTCOMES),
            status: None,
            wait: None,
            ended: Duration::ZERO,
            delivered: Delivered::Nothing,
        });
    }
}
