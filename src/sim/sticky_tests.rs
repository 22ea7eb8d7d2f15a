//! Claims about conversations: the load that they make, what is cached of them, and what a sticky route does with that.

use super::arrivals::Arrivals;
use super::caches::Cache;
use super::*;
use crate::balance::Strategy;
use crate::model::{AnswerKind, Time};

/// A law, with `changes` to keys of a usual one.
fn law(changes: &str) -> String {
    let usual = [
        "ttft_ms = 450",
        "tpot_ms = 16",
        "price_in = 2_500_000",
        "price_out = 10_000_000",
        "cached_discount = 0.9",
        "prefill_ms = 60",
    ];
    let key = |line: &str| line.split(' ').next().unwrap_or_default().to_owned();
    let changed: Vec<String> = changes.lines().map(key).collect();
    let kept = usual.iter().filter(|line| !changed.contains(&key(line)));
    let kept: Vec<&str> = kept.copied().collect();
    format!("{}\n{changes}\n", kept.join("\n"))
}

/// Two targets at 60/40 under conversations of six turns; `changes` are the second one's.
fn world(seconds: f64, sticky: bool, changes: &str) -> Scenario {
    let text = format!(
        "name = \"talk\"\nseconds = {seconds}\nsticky = {sticky}\n[load]\nrps = 4\ntokens_in = 1200\n\
         streamed = 0.7\n[load.conversations]\nturns = 6\ngap = 30\ngrowth = 400\n\
         [target.a]\nweight = 0.6\n{}[target.b]\nweight = 0.4\n{}",
        law(""),
        law(changes)
    );
    Scenario::read(&text).unwrap()
}

/// What a run brought: the cached part of the input, dollars a request, the mean granted share of the first target from
/// five minutes on.
struct Brought {
    cached: f64,
    dollars: f64,
    first: f64,
    ours: Ours,
}

fn play(scenario: &Scenario, strategy: Strategy) -> Brought {
    let ours = Ours::new(scenario, strategy, 1, 0).unwrap().remembering();
    let mut replicas = [ours];
    let run = run(scenario, 1, Failover::On, &mut replicas);
    let [ours] = replicas;
    let sum = |of: fn(&Served) -> f64| run.counted().map(of).sum::<f64>();
    let input = sum(|served| f64::from(served.tokens_in));
    Brought {
        cached: sum(|served| f64::from(served.cached_in)) / input,
        dollars: sum(|served| served.dollars) / run.counted().count() as f64,
        first: mean_share(&ours, 300.0, scenario.seconds),
        ours,
    }
}

/// The mean granted share of the first target between two moments.
fn mean_share(ours: &Ours, from: f64, to: f64) -> f64 {
    let history = ours.history.as_ref().unwrap();
    let ends = history.iter().skip(1).map(|(at, _)| at.as_secs_f64());
    let spans = history.iter().zip(ends.chain([to]));
    let sum: f64 = spans
        .map(|((at, shares), end)| {
            let span = end.min(to) - at.as_secs_f64().max(from);
            shares[0].fraction() * span.max(0.0)
        })
        .sum();
    sum / (to - from)
}

#[test]
fn conversations_make_the_rate_that_is_asked_for_of_growing_turns() {
    let world = world(4_000.0, false, "");
    let all: Vec<Arrival> = Arrivals::of(&world, 3).collect();
    assert!(all.is_sorted_by_key(|arrival| arrival.at));
    let late = all
        .iter()
        .filter(|arrival| arrival.at.as_secs_f64() > 1_000.0);
    let rate = late.count() as f64 / 3_000.0;
    assert!((rate - 4.0).abs() < 0.2, "{rate} requests/s");
    let mut talks = std::collections::BTreeMap::<u64, Vec<&Arrival>>::new();
    for arrival in &all {
        talks
            .entry(arrival.conversation.unwrap())
            .or_default()
            .push(arrival);
    }
    let whole = talks
        .values()
        .filter(|turns| turns[0].at.as_secs_f64() < 2_500.0);
    let lengths: Vec<f64> = whole.map(|turns| turns.len() as f64).collect();
    let mean = lengths.iter().sum::<f64>() / lengths.len() as f64;
    assert!((mean - 6.0).abs() < 0.5, "{mean} turns");
    for turns in talks.values() {
        for (turn, arrival) in turns.iter().enumerate() {
            assert_eq!(arrival.tokens_in, 1_200 + 400 * turn as u64);
        }
    }
    // What a turn is says nothing of when the next one comes, or whether.
    let ends = |kind: AnswerKind| {
        let last = |turns: &&Vec<&Arrival>| turns.last().is_some_and(|last| last.kind == kind);
        let all = talks.values().flatten().filter(|turn| turn.kind == kind);
        talks.values().filter(last).count() as f64 / all.count() as f64
    };
    let (streamed, unary) = (ends(AnswerKind::Streamed), ends(AnswerKind::Unary));
    assert!(
        (streamed - unary).abs() < 0.02,
        "{streamed} and {unary} end"
    );
    for kind in [AnswerKind::Streamed, AnswerKind::Unary] {
        let pairs = talks.values().flat_map(|turns| turns.windows(2));
        let gaps = pairs.filter(|pair| pair[0].kind == kind);
        let gaps: Vec<f64> = gaps.map(|pair| pair[1].at.secs_since(pair[0].at)).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        assert!((mean - 30.0).abs() < 1.5, "{mean} s after {kind:?}");
    }
    let again: Vec<Arrival> = Arrivals::of(&world, 3).collect();
    assert_eq!(all, again, "a function of the scenario and the seed");
}

#[test]
fn a_target_has_what_it_read_for_as_long_as_its_cache_lives() {
    let world = world(100.0, false, "");
    let first = Arrivals::of(&world, 1).next().unwrap();
    let later = Arrival {
        tokens_in: 2_000,
        ..first
    };
    let other = Arrival {
        conversation: Some(u64::MAX),
        ..later
    };
    let at = Time::from_secs_f64;
    let mut cache = Cache::default();
    assert_eq!(cache.cached(&later, at(1.0)), 0, "it never saw it");
    cache.keep(&first, at(1.0), 300.0);
    assert_eq!(
        cache.cached(&later, at(300.0)),
        1_200,
        "the first turn's prompt"
    );
    assert_eq!(
        cache.cached(&other, at(2.0)),
        0,
        "of another conversation nothing"
    );
    assert_eq!(cache.cached(&later, at(302.0)), 0, "forgotten");
    let alone = Arrival {
        conversation: None,
        ..first
    };
    cache.keep(&alone, at(1.0), 300.0);
    assert_eq!(
        cache.cached(&alone, at(2.0)),
        0,
        "what stands alone has no beginning"
    );
}

#[test]
fn a_sticky_route_does_no_harm_to_caches_and_shares() {
    let (world, drawn) = (world(3_600.0, true, ""), world(3_600.0, false, ""));
    let fixed = play(&world, Strategy::Fixed);
    let ours = play(&world, Strategy::Adaptive);
    let without = play(&drawn, Strategy::Adaptive);
    assert!(
        ours.cached > 0.98 * fixed.cached,
        "{} of {}",
        ours.cached,
        fixed.cached
    );
    assert!(
        ours.cached > 1.1 * without.cached,
        "drawn anew each turn: {}",
        without.cached
    );
    assert!(
        ours.dollars < 1.005 * fixed.dollars,
        "{} of {}",
        ours.dollars,
        fixed.dollars
    );
    assert!((ours.first - 0.6).abs() < 0.02, "{}", ours.first);
    assert_eq!(ours.ours.ejections(), 0);
}

#[test]
fn a_gain_smaller_than_what_moving_costs_moves_nothing() {
    let dearer = "price_in = 2_600_000\nprice_out = 10_400_000";
    let ours = play(&world(1_800.0, true, dearer), Strategy::Adaptive);
    assert!(
        (ours.first - 0.6).abs() < 0.02,
        "three per cent dearer: {}",
        ours.first
    );
    let decision = ours.ours.last.as_ref().unwrap();
    assert!(
        decision
            .rows
            .iter()
            .all(|row| row.evidence.cached.is_some_and(|part| part > 0.7))
    );
}

#[test]
fn a_brownout_moves_conversations_at_once_and_they_come_back() {
    let slow = "ttft_ms = [[0, 450], [900, 1800], [1200, 450]]\ntpot_ms = [[0, 16], [900, 64], [1200, 16]]";
    let ours = play(&world(1_800.0, true, slow), Strategy::Adaptive).ours;
    let shed = mean_share(&ours, 910.0, 1_200.0);
    assert!(shed > 0.9, "within ten seconds the sound one has {shed}");
    let back = mean_share(&ours, 1_500.0, 1_800.0);
    assert!(
        (back - 0.6).abs() < 0.06,
        "five minutes after it ends: {back}"
    );
}

#[test]
fn the_oracle_knows_what_length_costs() {
    let text = "name = \"long\"\nseconds = 60\n[load]\nrps = 4\ntokens_in = 4000\n\
                [target.a]\nweight = 0.5\nttft_ms = 450\nprefill_ms = 200\n\
                [target.b]\nweight = 0.5\nttft_ms = 900\n";
    let scenario = Scenario::read(text).unwrap();
    let run = run_oracle(&scenario, 1, Failover::Off);
    assert!(
        run.tried.iter().all(|tried| tried.target == 1),
        "0.9 s to the first token are less than 0.45 s and 0.8 s more for 4,000 tokens"
    );
}

#[test]
fn a_usual_answer_is_the_mean_turn_of_a_conversation() {
    let scenario = world(20_000.0, true, "");
    let told = scenario.load.conversations.unwrap();
    let (sum, count) = Arrivals::of(&scenario, 3).fold((0.0, 0.0), |(sum, count), arrival| {
        (sum + arrival.tokens_in as f64, count + 1.0)
    });
    let mean = sum / count;
    let expected = 1_200.0 + told.mean_more();
    assert!(
        (mean / expected - 1.0).abs() < 0.03,
        "{mean} tokens, expected {expected}"
    );
    // Prices of `law`, an answer of the median length.
    let dollars = (expected * 2.5 + 150.0 * 10.0) / 1e6;
    let usual = scenario.usual_dollars();
    assert!(
        (usual / dollars - 1.0).abs() < 1e-6,
        "{usual} is not {dollars}"
    );
}
