//! The short form of `weighbridge simulate --report`: what the controller must not fall behind, on the base suite.
//!
//! Bounds leave room for the luck of two seeds, and none for a rule that got worse. The long form, with what rivals do, is
//! in `benches/results/controller.md`.

use weighbridge::law::Number;
use weighbridge::sim::{
    Candidate, Failover, Figures, SUITES, Scenario, ScenarioReport, Suite, SuiteReport, Summary,
    compare,
};

/// Not those that constants were chosen by.
const SEEDS: std::ops::RangeInclusive<u64> = 2001..=2002;

fn base() -> Vec<Scenario> {
    let base = SUITES.iter().find(|suite| suite.name == "base").unwrap();
    base.scenarios().unwrap()
}

/// The figures of `names` in these worlds, by scenario and as a summary.
fn compared(worlds: &[Scenario], failover: Failover, names: &[&str]) -> SuiteReport {
    let candidates: Vec<Candidate> = names
        .iter()
        .map(|name| Candidate::named(name).unwrap())
        .collect();
    let report = |scenario: &Scenario| {
        let cells: Vec<Vec<Figures>> = SEEDS
            .map(|seed| compare(scenario, seed, failover, &candidates).unwrap())
            .collect();
        let of = |i: usize| cells.iter().map(|cell| cell[i]).collect();
        let policies = names.iter().enumerate().map(|(i, name)| (*name, of(i)));
        ScenarioReport::new(scenario, policies.collect())
    };
    SuiteReport::new("base", worlds.iter().map(report).collect())
}

fn mean(summary: &Summary, of: fn(&Figures) -> Option<f64>) -> f64 {
    of(&summary.figures.mean).unwrap()
}

#[test]
fn the_controller_stays_close_to_who_knows_everything() {
    let report = compared(&base(), Failover::Off, &["adaptive"]);
    let ours = &report.summary[0];
    let regret = mean(ours, |figures| figures.regret);
    assert!(regret <= 0.060, "mean regret {regret}");
    for scenario in &report.scenarios {
        let regret = scenario.policies[0].figures.mean.regret.unwrap();
        assert!(regret <= 0.18, "{}: regret {regret}", scenario.name);
    }
    let errors = mean(ours, |figures| figures.error_rate);
    assert!(errors <= 0.0068, "{errors} of the requests failed");
    let shed = mean(ours, |figures| figures.shed90_s);
    assert!(shed <= 7.0, "a sick target is left after {shed} s");
    let back = mean(ours, |figures| figures.recover_s);
    assert!(back <= 25.0, "and has its share again after {back} s");
    let unfair = mean(ours, |figures| figures.unfairness);
    assert!(
        unfair <= 0.025,
        "equals depart by {unfair} from their shares"
    );
}

#[test]
fn equals_keep_their_shares_however_answers_come() {
    for (streamed, most) in [(0.3, 0.02), (0.0, 0.02)] {
        let mut world = Suite::scenario("20-identical-633").unwrap().unwrap();
        world.load.streamed = Number::constant(streamed).unwrap();
        let report = compared(&[world], Failover::Off, &["adaptive"]);
        let unfair = mean(&report.summary[0], |figures| figures.unfairness);
        assert!(
            unfair <= most,
            "{streamed} streamed: equals depart by {unfair}"
        );
    }
}

#[test]
fn no_rival_is_better_over_all_with_failover_on() {
    let names = ["adaptive", "cb:thompson", "prequal", "litellm"];
    let report = compared(&base(), Failover::On, &names);
    let (ours, rivals) = report.summary.split_first().unwrap();
    for rival in rivals {
        let (own, its) = (
            mean(ours, |figures| figures.regret),
            mean(rival, |figures| figures.regret),
        );
        assert!(own < its, "{}: regret {its}, ours {own}", rival.policy);
    }
    let errors = mean(ours, |figures| figures.error_rate);
    assert!(
        errors <= 0.0011,
        "{errors} of the requests failed in spite of failover"
    );
}
