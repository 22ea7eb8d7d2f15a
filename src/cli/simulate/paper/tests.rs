use super::*;
use crate::sim::{Death, Exposure, Scenario, ScenarioReport, SuiteReport};

const WORLD: &str = "name = \"small\"\nseconds = 40\n[load]\nrps = 5\n[target.a]\nweight = 2\n\
                     ttft_ms = [[0, 400], [20, 2000]]\n[target.b]\nweight = 1\n";

fn candidates() -> Vec<Candidate> {
    let names = [
        "adaptive",
        "fixed",
        "thompson+gate",
        "static",
        "thompson",
        "oracle",
    ];
    names
        .iter()
        .map(|name| Candidate::named(name).unwrap())
        .collect()
}

fn report(candidates: &[Candidate]) -> Report {
    let groups = [Group {
        name: "own".to_owned(),
        scenarios: vec![Scenario::read(WORLD).unwrap()],
    }];
    let question = Question {
        groups: &groups,
        seeds: 1..=2,
        failover: Failover::Off,
        candidates,
    };
    question.answer(None::<&mut Vec<u8>>).unwrap()
}

#[test]
fn every_table_has_a_row_for_everybody() {
    let candidates = candidates();
    let report = report(&candidates);
    let met = Exposure {
        before: 3.0,
        whole: 7.5,
        failed: 8.0,
    };
    let exposed = vec![(Death::Errors, vec![(0.5, vec![met; candidates.len()])])];
    for section in [
        callers(&report, &exposed, &candidates),
        dead(&exposed, &candidates),
        bare(&report, &candidates),
    ] {
        for candidate in &candidates {
            let rows = section.lines().filter(|line| {
                let cell = line.split('|').nth(1).unwrap_or_default().trim();
                cell.trim_matches('*') == candidate.name
            });
            assert_eq!(rows.count(), 1, "{} in\n{section}", candidate.name);
        }
        let widths: Vec<usize> = section
            .lines()
            .filter(|line| line.starts_with('|'))
            .map(|line| line.matches('|').count())
            .collect();
        assert!(
            widths.windows(2).all(|pair| pair[0] == pair[1]),
            "a ragged table:\n{section}"
        );
    }
    let by_scenario = by_scenario(&report);
    assert!(by_scenario.contains("| small | "), "{by_scenario}");
    assert!(
        layer(&report).contains("Thompson sampling alone"),
        "{}",
        layer(&report)
    );
}

#[test]
fn where_others_are_better_is_said_with_their_names() {
    let candidates = candidates();
    let with = |regrets: [f64; 6]| {
        let policy = |(candidate, regret): (&Candidate, f64)| {
            let figures = crate::sim::Figures {
                regret: Some(regret),
                ..crate::sim::Figures::default()
            };
            (candidate.name, vec![figures])
        };
        let policies = candidates.iter().zip(regrets).map(policy).collect();
        let scenario = ScenarioReport::new(&Scenario::read(WORLD).unwrap(), policies);
        Report {
            seeds: 1,
            suites: vec![SuiteReport::new("own", vec![scenario])],
        }
    };
    let best = with([0.05, 0.4, 0.06, 0.5, 0.045, 0.0]);
    let beaten = with([0.05, 0.4, 0.02, 0.5, 0.03, 0.0]);
    let text = lost(&beaten, &best, &candidates);
    assert!(
        text.contains("| small | thompson | bare rival | 0.030 | 0.050 |"),
        "{text}"
    );
    assert!(text.contains("| small | thompson+gate | on our safety layer | 0.020 | 0.050 |"));
    let on = text.split("failover on").nth(1).unwrap();
    assert!(
        on.contains("Nowhere."),
        "0.005 is no difference, and an oracle no rival: {on}"
    );
}
