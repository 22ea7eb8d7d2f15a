//! The demo keeps what it promises: the sick target is left and returned to, and nobody notices.

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use super::daemon::{machine, weighbridge};

/// From the process's start to its end, for sixty seconds of story.
const LONGEST: Duration = Duration::from_secs(75);

#[tokio::test]
async fn the_demo_sheds_a_sick_target_and_returns_to_it() {
    let _machine = machine().await;
    let report = story().await;
    println!("{report:#}");
    check_targets(&report);
    check_policies(&report);
}

async fn story() -> Value {
    let mut demo = weighbridge();
    demo.args(["demo", "--seconds", "60", "--format", "json"])
        .args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"])
        .stdin(Stdio::null());
    let mut demo = tokio::process::Command::from(demo);
    demo.kill_on_drop(true);
    let output = tokio::time::timeout(LONGEST, demo.output()).await;
    let output = output.expect("it ends within 75 s").unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(!output.stderr.is_empty(), "progress is told meanwhile");
    serde_json::from_slice(&output.stdout).expect("standard output is one JSON document")
}

fn number(of: &Value, name: &str) -> f64 {
    of[name]
        .as_f64()
        .unwrap_or_else(|| panic!("{name} is a number in {of}"))
}

fn check_targets(report: &Value) {
    let targets = report["targets"].as_array().unwrap();
    for share in ["configured_share", "share_before", "share_end"] {
        let sum: f64 = targets.iter().map(|target| number(target, share)).sum();
        assert!((sum - 1.0).abs() <= 1e-6, "{share} sums to 1, got {sum}");
    }
    let mut sick = 0;
    for target in targets {
        assert!(number(target, "requests") > 0.0, "everybody gets traffic");
        if target["name"] == report["sick_target"] {
            sick += 1;
            check_sick(target);
        } else {
            let shed = &target["seconds_to_shed"];
            assert!(shed.is_null(), "who is well is not shed: {target}");
        }
    }
    assert_eq!(sick, 1, "one of the targets is the sick one");
}

fn check_sick(target: &Value) {
    let before = number(target, "share_before");
    assert!(
        number(target, "share_during_min") <= 0.10 * before,
        "the sick target is left: {target}"
    );
    assert!(
        number(target, "seconds_to_shed") <= 6.0,
        "within six seconds: {target}"
    );
    let back = number(target, "share_end") / before;
    assert!(
        (0.75..=1.25).contains(&back),
        "and gets its share back: {target}"
    );
}

fn check_policies(report: &Value) {
    let (adaptive, fixed) = (&report["adaptive"], &report["fixed"]);
    for policy in [adaptive, fixed] {
        let rate = number(policy, "requests") / 60.0;
        assert!(rate >= 40.0, "at least 40 requests a second, got {rate}");
        assert!(number(policy, "cost_usd") > 0.0, "answers cost: {policy}");
        let [p50, p95, p99] = ["p50_ms", "p95_ms", "p99_ms"].map(|p| number(policy, p));
        assert!(0.0 < p50 && p50 <= p95 && p95 <= p99, "in order: {policy}");
    }
    assert_eq!(
        adaptive["requests"], fixed["requests"],
        "both policies get the same arrivals"
    );
    assert_eq!(adaptive["failures"], 0, "nobody notices: {adaptive}");
    let (ours, theirs) = (number(adaptive, "p95_ms"), number(fixed, "p95_ms"));
    assert!(
        ours <= 0.7 * theirs,
        "the 95th percentile falls to {ours} ms from {theirs} ms"
    );
}
