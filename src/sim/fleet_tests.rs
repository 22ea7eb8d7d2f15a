use super::*;
use crate::balance::{Share, Strategy};
use crate::sim::{Candidate, Failover, Run, SUITES, Scenario, compare, run_fleet};

const WORLD: &str = r#"
name = "fleet"
seconds = 150
replicas = 3
shared = true
prices = "per_answer"
[load]
rps = 20.0
[target.a]
weight = 0.5
error_rate = 0.003
[target.b]
weight = 0.5
error_rate = 0.003
"#;

fn world(more: &str) -> Scenario {
    Scenario::read(&format!("{WORLD}{more}")).unwrap()
}

fn played(scenario: &Scenario, seed: u64, renewed: Option<(usize, f64)>) -> (Vec<Ours>, Run) {
    let fleet = (0..scenario.replicas).map(|i| {
        let ours = Ours::new(scenario, Strategy::Adaptive, seed, u64::from(i)).unwrap();
        let ours = ours.remembering().sharing();
        match renewed {
            Some((which, at)) if usize::try_from(i) == Ok(which) => {
                ours.renewed(Time::from_secs_f64(at))
            }
            _ => ours,
        }
    });
    let mut fleet: Vec<Ours> = fleet.collect();
    let run = run_fleet(scenario, seed, Failover::Off, &mut fleet);
    (fleet, run)
}

/// The shares that a replica had in force at that second.
fn shares(ours: &Ours, at: f64) -> Vec<f64> {
    let history = ours.history.as_ref().unwrap().iter();
    let before = history.take_while(|(when, _)| when.as_secs_f64() <= at);
    let (_, shares) = before.last().unwrap();
    shares.iter().copied().map(Share::fraction).collect()
}

/// The first second from `from` on at which a replica's share of the first target is at most `most`.
fn shed(ours: &Ours, from: f64, most: f64) -> f64 {
    let mut history = ours.history.as_ref().unwrap().iter();
    let found =
        history.find(|(at, shares)| at.as_secs_f64() >= from && shares[0].fraction() <= most);
    found.map_or(f64::INFINITY, |(at, _)| at.as_secs_f64() - from)
}

/// A replica's mean share of the first target over the second minute.
fn mean_share(ours: &Ours) -> f64 {
    let seconds = (60..110).map(|second| shares(ours, f64::from(second))[0]);
    seconds.sum::<f64>() / 50.0
}

#[test]
fn a_network_that_is_broken_for_one_changes_nothing_for_the_others() {
    for how in ["", "hangs = true"] {
        for target in ["", "target = \"a\"\n"] {
            let network = format!("[network]\nreplica = 0\nfrom = 60\nto = 110\n{target}{how}\n");
            let world = world(&network);
            let mut means = Vec::new();
            for seed in 1..=4 {
                let (fleet, _) = played(&world, seed, None);
                assert!(fleet[0].ejections() > 0, "{network}: it ejects for itself");
                for well in &fleet[1..] {
                    assert_eq!(well.ejections(), 0, "{network}");
                    means.push(mean_share(well));
                }
            }
            // Chance alone moves a single minute's mean by 0.03; believed, what the one sees takes the others to 0.1.
            let mean = means.iter().sum::<f64>() / means.len() as f64;
            assert!((mean - 0.5).abs() < 0.04, "{network}: {means:?}");
            assert!(means.iter().all(|it| *it > 0.4), "{network}: {means:?}");
        }
    }
}

#[test]
fn a_target_that_fails_is_shed_by_all_within_seconds() {
    for seed in 1..=5 {
        let text = "[load]\nrps = 20.0\n[target.a]\nweight = 0.5\nerror_rate = [[0, 0.003], [60, 1.0]]\n[target.b]\nweight = 0.5\n";
        let head = "name = \"fleet\"\nseconds = 100\nreplicas = 3\nshared = true\n";
        let scenario = Scenario::read(&format!("{head}{text}")).unwrap();
        let (fleet, _) = played(&scenario, seed, None);
        for ours in &fleet {
            let seconds = shed(ours, 60.0, 0.05);
            assert!(seconds < 2.5, "seed {seed}: {seconds} s");
        }
    }
}

#[test]
fn a_newcomer_has_the_fleets_shares_within_two_seconds() {
    let text = "[load]\nrps = 20\n[target.a]\nweight = 0.6\nttft_ms = [[0, 500], [40, 1500]]\n[target.b]\nweight = 0.4\n";
    let head = "name = \"fleet\"\nseconds = 100\nreplicas = 4\nshared = true\n";
    let scenario = Scenario::read(&format!("{head}{text}")).unwrap();
    let (fleet, _) = played(&scenario, 1, Some((2, 70.0)));
    let (new, old) = (shares(&fleet[2], 72.0)[0], shares(&fleet[0], 72.0)[0]);
    assert!((new - old).abs() < 0.05, "{new} and {old}");
}

/// How far a share of identical targets is from the configured one, over replicas and seconds.
fn astray(replicas: u32) -> f64 {
    let target = |name: &str| {
        format!(
            "[target.{name}]\nweight = 1\nttft_ms = 80\ntpot_ms = 1\nspread = 0.3\nerror_rate = 0.0\n"
        )
    };
    let text = format!(
        "name = \"short\"\nseconds = 300\nreplicas = {replicas}\nshared = true\nprices = \"per_answer\"\n[load]\nrps = 20.0\n\
         streamed = 0.5\ntokens_out = {{ median = 20, spread = 0.2, min = 5, max = 60 }}\n{}{}{}",
        target("a"),
        target("b"),
        target("c")
    );
    let (fleet, _) = played(&Scenario::read(&text).unwrap(), 1, None);
    let seconds =
        (60..300).flat_map(|at| fleet.iter().map(move |ours| shares(ours, f64::from(at))));
    let off: Vec<f64> = seconds
        .flatten()
        .map(|share| (share - 1.0 / 3.0).abs())
        .collect();
    off.iter().sum::<f64>() / off.len() as f64
}

/// Answers that take a tenth of a second are seldom under way when a report is made, and each that is stood for ten that were
/// due: shares of identical targets strayed 1.85 times as far as those of one replica with all the traffic. Now it is 1.4 times,
/// for another reason, which is not known.
#[test]
fn what_is_answered_quicker_than_told_does_not_look_missing() {
    let (one, ten) = (astray(1), astray(10));
    assert!(ten < 1.6 * one, "{ten} of ten, {one} of one");
}

/// What replicas lose above the oracle in worlds where faults, hangs, blips and queues come, in all.
fn lost(replicas: u32) -> f64 {
    let suite = SUITES.iter().find(|suite| suite.name == "base").unwrap();
    let worlds = suite.scenarios().unwrap().into_iter();
    let told = ["05-", "06-", "12-", "16-", "26-"];
    let worlds = worlds.filter(|world| told.iter().any(|it| world.name.starts_with(it)));
    let adaptive = [Candidate::named("adaptive").unwrap()];
    let lost = worlds.map(|mut world| {
        (world.replicas, world.shared) = (replicas, replicas > 1);
        let figures = compare(&world, 1, Failover::Off, &adaptive).unwrap();
        figures[0].regret.unwrap()
    });
    lost.sum()
}

/// Where they told each other once a second, and not of probes that hang, ten lost 1.7 times as much.
#[test]
fn ten_lose_little_more_than_one_with_all_the_traffic() {
    let (one, ten) = (lost(1), lost(10));
    assert!(ten < 1.25 * one, "{ten} of ten, {one} of one");
}

/// While answers come, tables of replicas that hear of each other's a moment late are apart by some hundredths in the mean; with
/// the last answer they meet. Those of ten stay a little further apart, since each took the same answers in another order.
#[test]
fn tables_meet_where_the_evidence_is_the_same() {
    let text = "[load]\nrps = [[0, 20.0], [60, 0.0]]\ntimeout = 15.0\n[target.a]\nweight = 0.5\n[target.b]\nweight = 0.5\n";
    let mut apart = Vec::new();
    for replicas in [3, 10] {
        let head =
            format!("name = \"fleet\"\nseconds = 90\nreplicas = {replicas}\nshared = true\n");
        let scenario = Scenario::read(&format!("{head}{text}")).unwrap();
        for seed in 1..=12 {
            let (fleet, _) = played(&scenario, seed, None);
            // The last answer is there, or given up, fifteen seconds after the last request.
            let all = fleet.iter().map(|ours| shares(ours, 77.5)[0]);
            let (least, most) = all.fold((1.0_f64, 0.0_f64), |(a, b), it| (a.min(it), b.max(it)));
            apart.push(most - least);
        }
    }
    let far = apart.iter().filter(|it| **it >= 0.02).count();
    // A table is published when it moves by 0.005, so one of ten may wait while the others have moved.
    assert!(far <= 1, "{apart:?}");
    assert!(apart.iter().all(|it| *it < 0.04), "{apart:?}");
}
