//! Claims about the table: what an operator reads.

use super::*;

fn evidence(faults: f64, cached: Option<f64>) -> serde_json::Value {
    let evidence = crate::balance::Evidence {
        faults,
        cached,
        ..crate::balance::Evidence::default()
    };
    serde_json::to_value(evidence).unwrap()
}

#[test]
fn a_route_is_a_line_a_target() {
    let reports: Reports = serde_json::from_value(serde_json::json!({
            "config_generation": 3,
            "decided_seconds_ago": 0.12,
            "routes": [{
                "route": "chat", "strategy": "adaptive", "mode": "auto", "table_version": 9,
                "demand": 4.0, "explanation": [],
                "targets": [
                    {
                        "name": "fast", "use": "sim/large", "configured": 0.5, "proposed": 0.6,
                        "granted": 0.55, "actual": 0.5312, "samples": 400, "confidence": 1.0,
                        "state": "serving", "terms": {"latency": 1.0, "cost": 0.4, "error": 0.0},
                        "rails": ["step"], "sentence": "fast: …", "evidence": evidence(0.0021, Some(0.4375)),
                        "usd_per_1k_tokens": 0.01, "spent_usd": 0.24, "calls": 480, "failed": 1,
                        "first_token_ms": [251.0, 410.4, 520.0], "total_ms": null, "in_flight": 2
                    },
                    {
                        "name": "new", "use": "sim/next", "configured": 0.5, "proposed": 0.4,
                        "granted": 0.45, "actual": null, "samples": 0, "confidence": 0.0,
                        "state": "returning", "terms": {"latency": 1.0, "cost": 0.4, "error": 0.0},
                        "rails": ["cold_start"], "sentence": "new: …", "evidence": evidence(0.003, None),
                        "usd_per_1k_tokens": null, "spent_usd": 0.0, "calls": 0, "failed": 0,
                        "first_token_ms": null, "total_ms": null, "in_flight": 0
                    }
                ]
            }]
        }))
        .unwrap();
    let expected = "\
ROUTE  TARGET  USES       CONFIGURED  GRANTED  ACTUAL  STATE              TTFT P50 MS  TTFT P95 MS  FAILED  $/1K TOKENS  CACHED
chat   fast    sim/large      50.0 %   55.0 %  53.1 %  serving                    251          410   1/480      0.01000  43.8 %
chat   new     sim/next       50.0 %   45.0 %       -  new (never asked)            -            -     0/0            -       -
configuration 3, decided 0.1 s ago
ACTUAL is each target's part of the requests by their first choice, ";
    let text = rendered(&reports);
    assert!(text.starts_with(expected), "{text}");
}

#[test]
fn a_share_of_an_ejected_target_is_told_from_one_that_is_served() {
    for (rails, granted, said) in [
        (vec!["ejected"], 0.0, "ejected"),
        (vec!["ejected"], 0.5, "ejected (shut)"),
        (vec!["held_outage"], 0.5, "ejected (as all are)"),
        (vec!["ejected", "shadow"], 0.5, "ejected (not obeyed)"),
    ] {
        let target = target("ejected", granted, &rails, None);
        assert_eq!(state(&target), said);
    }
}

/// A target that takes `granted`.
fn target(state: &str, granted: f64, rails: &[&str], spent_until: Option<f64>) -> TargetReport {
    serde_json::from_value(serde_json::json!({
        "name": "a", "use": "sim/large", "configured": 0.5, "proposed": 0.5,
        "granted": granted, "actual": null, "samples": 0, "confidence": 0.0,
        "state": state, "terms": {"latency": 1.0, "cost": 0.4, "error": 0.0},
        "rails": rails, "sentence": "a: …", "evidence": evidence(1.0, None),
        "usd_per_1k_tokens": null, "spent_usd": 0.0, "calls": 0, "failed": 0,
        "first_token_ms": null, "total_ms": null, "in_flight": 0,
        "spent_until": spent_until
    }))
    .unwrap()
}

#[test]
fn a_target_that_a_spent_budget_keeps_away_does_not_serve() {
    for (word, said) in [
        ("serving", "budget spent"),
        ("returning", "budget spent"),
        ("ejected", "ejected (shut)"),
        ("drained", "drained"),
    ] {
        let target = target(word, 0.5, &[], Some(1_796_083_200.0));
        assert_eq!(state(&target), said);
    }
}

#[test]
fn a_route_in_shadow_shows_the_shares_that_it_would_have() {
    let mut shown = target("serving", 0.5, &["shadow"], None);
    shown.view.if_obeyed = Some(1.0);
    let obeyed = target("serving", 0.5, &[], None);
    let mut reports: Reports = serde_json::from_value(serde_json::json!({
        "config_generation": 3, "decided_seconds_ago": 0.1,
        "routes": [{
            "route": "chat", "strategy": "adaptive", "mode": "shadow", "table_version": 9,
            "demand": 4.0, "explanation": [], "targets": []
        }]
    }))
    .unwrap();
    reports.routes[0].targets = vec![shown, obeyed];
    let text = rendered(&reports);
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines[0].contains("CONFIGURED  IF OBEYED  GRANTED"),
        "{text}"
    );
    assert!(lines[1].contains("50.0 %    100.0 %   50.0 %"), "{text}");
    assert!(lines[2].contains("50.0 %          -   50.0 %"), "{text}");
    reports.routes[0].targets.remove(0);
    assert!(
        !rendered(&reports).contains("IF OBEYED"),
        "nobody is in shadow"
    );
}

fn one_route() -> Reports {
    serde_json::from_value(serde_json::json!({
        "config_generation": 3, "decided_seconds_ago": 0.1,
        "routes": [{
            "route": "chat", "strategy": "adaptive", "mode": "auto", "table_version": 9,
            "demand": 4.0, "explanation": [], "targets": []
        }]
    }))
    .unwrap()
}

#[test]
fn a_refused_file_is_told_with_its_line_since_when_and_what_goes_on() {
    let mut reports = one_route();
    assert!(!rendered(&reports).contains("REFUSED"), "nothing is wrong");
    let problem = |line: u32| crate::config::Problem {
        line,
        column: 12,
        key: "server.max_body".to_owned(),
        text: Some("max_body = 5".to_owned()),
        ..crate::config::Problem::with_file("base.toml", "expected a size")
    };
    reports.refused = Some(RefusedFiles {
        since: 1_795_896_885.0,
        serving_since: 1_795_890_000.0,
        problems: (6..13).map(problem).collect(),
    });
    let text = rendered(&reports);
    let expected = "\
CONFIGURATION REFUSED since 2026-11-28 20:14 UTC; the last good one goes on: 3, in force since 2026-11-28 18:20 UTC
  base.toml:6:12: server.max_body: expected a size
    6 | max_body = 5
";
    assert!(text.starts_with(expected), "{text}");
    assert!(
        text.contains("  and 2 more; `weighbridge reload`"),
        "{text}"
    );
}

#[test]
fn an_order_that_another_keeps_from_holding_says_so() {
    let mut reports = one_route();
    reports.routes[0].orders = serde_json::from_value(serde_json::json!([
        {
            "id": "1", "action": "pin", "route": "chat", "target": "a", "share": 0.3,
            "reason": "a test", "by": "ada", "since": 0, "until": 1_795_896_885,
            "sentence": "pin a of chat at 30.0 %", "routes": [],
            "idle": "the shares of chat are frozen; end that order first"
        },
        {
            "id": "2", "action": "freeze", "route": "chat", "shares": {},
            "reason": "a test", "by": "bob", "since": 0, "until": 1_795_896_885,
            "sentence": "freeze chat", "routes": ["chat"]
        }
    ]))
    .unwrap();
    let text = rendered(&reports);
    for line in [
        "order 1: pin a of chat at 30.0 %, by ada until 2026-11-28 20:14 UTC: a test; does nothing now: the shares of \
         chat are frozen; end that order first",
        "order 2: freeze chat, by bob until 2026-11-28 20:14 UTC: a test",
    ] {
        assert!(text.lines().any(|it| it == line), "{line} in\n{text}");
    }
}

#[test]
fn shares_of_a_route_add_up_as_they_are_shown() {
    let mut reports = one_route();
    let third = |_| target("serving", 1.0 / 3.0, &[], None);
    reports.routes[0].targets = (0..3).map(third).collect();
    let rows = rows(&reports.routes[0]);
    let granted: Vec<&str> = rows.iter().map(|row| row[4].as_str()).collect();
    assert_eq!(granted, ["33.4 %", "33.3 %", "33.3 %"]);
}
