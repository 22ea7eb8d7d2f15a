use std::fmt::Write as _;

use super::super::pack::pack;
use super::*;
use crate::balance::{Headroom, Room};
use crate::fleet::UpstreamReport;
use crate::model::UpstreamName;

const START: u64 = 1_796_081_400_000_000;

fn now() -> Time {
    Time::from_micros(START)
}

fn heard(text: &str) -> Result<Report, String> {
    // What is written by a stranger is packed by a stranger, too.
    let value: Box<serde_json::value::RawValue> =
        serde_json::value::RawValue::from_string(text.to_owned()).unwrap();
    let packed = pack(&value, REPORT).map_err(|error| error.to_string())?;
    understood("a", &packed, Offset::default(), now())
}

/// A report with these parts.
fn with(parts: &str) -> String {
    format!("{{\"replica\":\"a\",\"epoch\":1,\"sequence\":1,\"at\":1{parts}}}")
}

#[test]
fn what_a_replica_says_is_read() {
    let report = heard(&with(
        r#","version":"0.1.0","upstreams":{"p/m":{"ends":[7,0,0,0,0,0]}}"#,
    ));
    let report = report.unwrap();
    assert_eq!(report.version, "0.1.0");
    let name = UpstreamName::new("p/m").unwrap();
    assert_eq!(report.upstreams[&name].evidence.ends[0], 7);
}

#[test]
fn more_names_than_any_replica_has_are_refused_before_they_are_taken() {
    for map in ["upstreams", "routes", "groups"] {
        let value = if map == "groups" { "1" } else { "{}" };
        let named = |count: usize| {
            let mut names = String::new();
            for number in 0..count {
                let comma = if number > 0 { "," } else { "" };
                write!(
                    names,
                    "{comma}\"p{slash}{number}\":{value}",
                    slash = if map == "upstreams" { "/" } else { "" }
                )
                .unwrap();
            }
            heard(&with(&format!(",\"{map}\":{{{names}}}")))
        };
        assert!(named(8_192).is_ok(), "{map}");
        let refused = named(200_000).unwrap_err();
        assert!(refused.contains("at most 8192 names"), "{map}: {refused}");
    }
}

#[test]
fn a_report_of_many_bytes_or_levels_is_refused() {
    let long = with(&format!(",\"version\":\"{}\"", "x".repeat(100 << 20)));
    let bounds = super::super::pack::Bounds {
        packed: usize::MAX,
        text: u64::MAX,
    };
    let value = serde_json::value::RawValue::from_string(long).unwrap();
    let packed = pack(&value, bounds).unwrap();
    assert!(
        packed.len() < REPORT.packed,
        "it is small as it stands there"
    );
    let refused = understood("a", &packed, Offset::default(), now()).unwrap_err();
    assert!(refused.contains("bytes, and at most"), "{refused}");
    // Made by hand: `serde_json` itself refuses to copy what is so deep.
    let deep = with(&format!(
        ",\"upstreams\":{{\"p/m\":{{\"other\":{}1{}}}}}",
        "[".repeat(100_000),
        "]".repeat(100_000)
    ));
    let read = serde_json::from_str::<Report>(&deep);
    assert!(read.unwrap_err().to_string().contains("recursion limit"));
}

#[test]
fn numbers_that_none_counts_to_are_refused_or_mean_nothing() {
    for odd in [
        r#","upstreams":{"p/m":{"ends":[-1,0,0,0,0,0]}}"#,
        r#","upstreams":{"p/m":{"ends":[1.5,0,0,0,0,0]}}"#,
        r#","upstreams":{"p/m":{"ends":[18446744073709551616,0,0,0,0,0]}}"#,
        r#","upstreams":{"p/m":{"ends":[1]}}"#,
        r#","upstreams":{"p/m":{"gaps":NaN}}"#,
        r#","upstreams":{"p/m":{"now":{"in_flight":-5}}}"#,
        r#","upstreams":{"p/m":{"now":{"headroom":{"at":1,"requests":{"remaining":1e999}}}}}"#,
        r#","epoch":18446744073709551615"#,
    ] {
        let read = serde_json::from_str::<Report>(&with(odd));
        let is_refused = read.is_err() || heard(&with(odd)).is_err();
        assert!(is_refused, "{odd}");
    }
    let room = |remaining: f64| {
        let headroom = Headroom {
            at: Time::from_micros(u64::MAX / 2),
            requests: Some(Room {
                remaining,
                limit: None,
                resets_in: None,
            }),
            tokens: None,
        };
        let mut there = UpstreamReport::default();
        there.condition.headroom = Some(headroom);
        let there = serde_json::to_string(&there).unwrap();
        let report = heard(&with(&format!(",\"upstreams\":{{\"p/m\":{there}}}"))).unwrap();
        let name = UpstreamName::new("p/m").unwrap();
        report.upstreams[&name].condition.headroom
    };
    assert_eq!(
        room(5.0).unwrap().at,
        now(),
        "nothing was said in the future"
    );
    for odd in [-1.0, 1e300] {
        assert_eq!(room(odd), None, "{odd}");
    }
}

#[test]
fn names_with_odd_characters_are_refused() {
    for odd in [
        r#","upstreams":{"p/\u001b[31m":{}}"#,
        r#","upstreams":{"no-slash":{}}"#,
        r#","routes":{"a\u0007":{}}"#,
        r#","routes":{"r":{"picked":{"t\n":1}}}"#,
    ] {
        assert!(heard(&with(odd)).is_err(), "{odd}");
    }
    let other = with("").replace("\"a\"", "\"a\\u0000\"");
    assert!(heard(&other).is_err());
    assert!(
        heard(&with("").replace("\"a\"", "\"b\"")).is_err(),
        "under another's name"
    );
}
