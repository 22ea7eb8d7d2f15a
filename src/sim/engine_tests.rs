use super::*;
use crate::sim::{Candidate, Plain};

/// Two targets of which the first has `law` on top of an ordinary one's.
fn world(load: &str, law: &str) -> Scenario {
    let text = format!(
        "name = \"two\"\nseconds = 200\n[load]\nrps = 5\n{load}\n[target.a]\nweight = 1\nerror_rate = 0\n{law}\n\
         [target.b]\nweight = 1\nerror_rate = 0"
    );
    Scenario::read(&text.replace("error_rate = 0\nerror_rate", "error_rate")).unwrap()
}

/// Half of the requests to each target, whatever they do.
fn halves(scenario: &Scenario, failover: Failover) -> Run {
    run(scenario, 1, failover, &mut [Plain::equal(2, 1, 0)])
}

fn count(run: &Run, end: End) -> usize {
    run.served.iter().filter(|served| served.end == end).count()
}

#[test]
fn every_policy_meets_the_same_requests() {
    let scenario = world("streamed = 0.5", "error_rate = 0.5");
    let requests = |name: &str| {
        let run = Candidate::named(name)
            .unwrap()
            .run(&scenario, 7, Failover::On)
            .unwrap();
        let mut seen: Vec<_> = run
            .served
            .iter()
            .map(|served| (served.at, served.tokens_in, served.tokens_out))
            .collect();
        seen.sort_unstable();
        seen
    };
    let first = requests("adaptive");
    assert!(
        first.len() > 800,
        "some 1000 requests in 200 s, {}",
        first.len()
    );
    for name in ["fixed", "static", "thompson", "oracle"] {
        assert_eq!(requests(name), first, "{name} sees what adaptive sees");
    }
}

#[test]
fn nobody_is_better_than_who_knows() {
    for (load, law) in [
        ("", "ttft_ms = 900\ntpot_ms = 25"),
        ("", "error_rate = [[0, 0.01], [80, 1.0], [120, 0.01]]"),
        ("streamed = 0.3", "stall = 0.4"),
        ("", "rate_limit = { rps = 1, burst = 2 }"),
        ("", "black_hole = 0.2\ntail = { p = 0.1, factor = 8 }"),
    ] {
        let scenario = world(load, law);
        for name in ["adaptive", "static", "cb:thompson"] {
            let regret = |seed| {
                let run = Candidate::named(name)
                    .unwrap()
                    .run(&scenario, seed, Failover::Off);
                run.unwrap().loss() - run_oracle(&scenario, seed, Failover::Off).loss()
            };
            let mean = (1..=6).map(regret).sum::<f64>() / 6.0;
            assert!(mean > -0.02, "{name} under {law:?}: a regret of {mean}");
        }
    }
}

#[test]
fn with_failover_a_failed_request_goes_to_another_target() {
    let scenario = world("", "error_rate = 1");
    let alone = halves(&scenario, Failover::Off);
    let part = count(&alone, End::Failed) as f64 / alone.served.len() as f64;
    assert!((part - 0.5).abs() < 0.06, "every second one fails: {part}");
    assert_eq!(alone.tried.len(), alone.served.len(), "one attempt each");
    let moved = halves(&scenario, Failover::On);
    assert_eq!(
        count(&moved, End::Failed),
        0,
        "the other target takes them all"
    );
    assert_eq!(
        moved.tried.len(),
        moved.served.len() + count(&alone, End::Failed)
    );
}

#[test]
fn nothing_moves_after_the_first_content() {
    let scenario = world("", "stall = 1");
    let run = halves(&scenario, Failover::On);
    assert_eq!(
        run.tried.len(),
        run.served.len(),
        "each stream has begun somewhere"
    );
    assert!(
        count(&run, End::TimedOut) > 300,
        "the client waits for the rest in vain"
    );
    let scenario = world("streamed = 0", "stall = 1");
    let run = halves(&scenario, Failover::On);
    assert_eq!(
        count(&run, End::TimedOut),
        0,
        "of a unary answer nothing has reached the client"
    );
}

#[test]
fn silence_is_left_when_the_first_content_is_overdue() {
    for (streamed, due) in [(1, 8.0), (0, 18.0)] {
        let scenario = world(&format!("streamed = {streamed}"), "black_hole = 1");
        let run = halves(&scenario, Failover::On);
        let late = run.served.iter().filter(|served| served.took > due);
        assert!(
            late.clone().count() > 300,
            "every second one meets silence first"
        );
        assert!(
            late.clone().all(|served| served.took < due + 15.0),
            "and is served then"
        );
        let quick = run.served.iter().filter(|served| served.took < due).count();
        assert_eq!(quick + late.count(), run.served.len());
        let alone = halves(&scenario, Failover::Off);
        let lost = alone
            .served
            .iter()
            .filter(|served| served.end == End::TimedOut);
        assert!(
            lost.clone().all(|served| (served.took - 30.0).abs() < 1e-6),
            "a client's patience"
        );
        assert!(lost.count() > 300);
    }
}

#[test]
fn a_target_that_is_not_configured_is_asked_by_nobody() {
    let scenario = world(
        "",
        "present = [[0, 0], [100, 1]]\nttft_ms = 100\ntpot_ms = 3",
    );
    for candidate in Candidate::all() {
        let run = candidate.run(&scenario, 2, Failover::Off).unwrap();
        let asked = |from: f64, to: f64| {
            let within = |tried: &&Tried| {
                let at = tried.at.as_secs_f64();
                tried.target == 0 && at >= from && at < to
            };
            run.tried.iter().filter(within).count()
        };
        let name = candidate.name;
        assert_eq!(asked(0.0, 99.9), 0, "{name} asks one that is not there");
        assert!(
            asked(100.0, 200.0) > 0,
            "{name} never finds the new one, the better of the two"
        );
    }
}

#[test]
fn replicas_share_queues_and_limits() {
    let law = "rate_limit = { rps = 1, burst = 1 }";
    let refused = |replicas: usize| {
        let mut scenario = world("", law);
        scenario.replicas = u32::try_from(replicas).unwrap();
        let mut policies: Vec<Plain> = (0..replicas)
            .map(|replica| Plain::equal(2, 1, replica as u64))
            .collect();
        count(
            &run(&scenario, 1, Failover::Off, &mut policies),
            End::Failed,
        )
    };
    let (one, five) = (refused(1), refused(5));
    assert!(
        one > 200,
        "2.5 a second come to a target that takes 1: {one} refused"
    );
    assert!(
        one.abs_diff(five) < one / 5,
        "one limit for all: {one} and {five} refused"
    );
}

#[test]
fn a_clients_mistake_counts_nowhere() {
    let scenario = world("client_fault = 1", "");
    let run = halves(&scenario, Failover::On);
    assert_eq!(count(&run, End::ClientFault), run.served.len());
    assert_eq!(run.counted().count(), 0);
    assert_eq!(run.tried.len(), run.served.len(), "and is not tried again");
}

#[test]
fn where_nobody_is_configured_requests_fail_and_are_counted() {
    let scenario = world("", "");
    let mut scenario = scenario;
    for target in scenario.targets.values_mut() {
        target.law.present = crate::law::Number::ZERO;
    }
    for candidate in Candidate::all() {
        let run = candidate.run(&scenario, 1, Failover::On).unwrap();
        assert!(
            run.tried.is_empty() && run.served.len() > 800,
            "{}",
            candidate.name
        );
        assert_eq!(count(&run, End::Failed), run.served.len());
    }
}
