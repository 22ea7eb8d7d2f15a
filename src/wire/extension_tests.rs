use std::fmt::Write as _;

use super::*;
use crate::balance::Weight;
use crate::wire::{Entry, Envelope, ListKind};

fn read(body: &str) -> Result<Extension, String> {
    let envelope = Envelope::read(body.as_bytes());
    envelope
        .map(|envelope| envelope.extension)
        .map_err(|error| error.to_string())
}

/// A body with these further members.
fn with(members: &str) -> Result<Extension, String> {
    read(&format!(r#"{{"model":"m",{members}}}"#))
}

fn list(kind: ListKind, entries: &[(&str, f64)]) -> List {
    let entry = |(model, weight): &(&str, f64)| Entry {
        model: (*model).to_owned(),
        weight: Weight::new(*weight).unwrap(),
    };
    List {
        kind,
        entries: entries.iter().map(entry).collect(),
    }
}

#[track_caller]
fn check_list(members: &str, kind: ListKind, entries: &[(&str, f64)]) {
    let extension = with(members).unwrap();
    assert_eq!(extension.list, Some(list(kind, entries)), "{members}");
    assert!(extension.warnings.is_empty(), "{members}");
}

#[track_caller]
fn check_error(members: &str, expected: &str) {
    assert_eq!(with(members).unwrap_err(), expected, "{members}");
}

#[test]
fn every_shape_of_a_list_is_read() {
    let two = [("openai/a", 0.4), ("anthropic/b", 0.8)];
    let array = r#"[{"model":"openai/a","weight":0.4},{"model":"anthropic/b","weight":0.8}]"#;
    let typed = r#"[{"type":"weight_based","model":"openai/a","weight":0.4},
        {"type":"weight_based","model":"anthropic/b","weight":0.8}]"#;
    let object = format!(r#"{{"type":"weight_based","models":{array}}}"#);
    let (stated, unstated) = (ListKind::Weighted, ListKind::Unstated);
    for (shape, kind) in [(array, unstated), (typed, stated), (&object, stated)] {
        let top = format!(r#""load_balancer":{shape}"#);
        check_list(&top, kind, &two);
        let inner = format!(r#""orq":{{{top},"inputs":{{"x":[1]}}}}"#);
        check_list(&inner, kind, &two);
    }
}

#[test]
fn every_type_has_its_kind() {
    let check = |name: &str, kind| {
        let models = r#"[{"model":"a"}]"#;
        check_list(
            &format!(r#""load_balancer":{{"type":{name},"models":{models}}}"#),
            kind,
            &[("a", 0.5)],
        );
        check_list(
            &format!(r#""load_balancer":[{{"type":{name},"model":"a"}}]"#),
            kind,
            &[("a", 0.5)],
        );
    };
    check("\"weight_based\"", ListKind::Weighted);
    check("\"weighted\"", ListKind::Weighted);
    check("null", ListKind::Unstated);
    check("\"round_robin\"", ListKind::RoundRobin);
    check("\"latency_based\"", ListKind::Adaptive);
    check("\"adaptive\"", ListKind::Adaptive);
}

#[test]
fn an_unknown_type_is_weighted_with_a_warning() {
    let extension = with(r#""load_balancer":{"type":"lunar","models":[{"model":"a"}]}"#).unwrap();
    assert_eq!(extension.list.unwrap().kind, ListKind::Weighted);
    assert_eq!(extension.warnings.len(), 1, "{:?}", extension.warnings);
    assert!(extension.warnings[0].starts_with("load_balancer.type: expected weight_based"));
}

#[test]
fn weights_are_taken_as_written() {
    check_list(
        r#""load_balancer":[{"model":"a","weight":0.05},{"model":"b","weight":95},{"model":"c","weight":0},
            {"model":"d"},{"model":"e","weight":null},{"model":"f","weight":1e-3}]"#,
        ListKind::Unstated,
        &[
            ("a", 0.05),
            ("b", 95.0),
            ("c", 0.0),
            ("d", 0.5),
            ("e", 0.5),
            ("f", 0.001),
        ],
    );
}

#[test]
fn a_bad_list_is_an_error_that_names_the_entry() {
    let object = |weight: &str| {
        format!(
            r#""load_balancer":{{"models":[{{"model":"a"}},{{"model":"b"}},{{"model":"c","weight":{weight}}}]}}"#
        )
    };
    let weight = "load_balancer.models[2].weight: expected a number from 0 to 1e12, found";
    for (written, found) in [
        ("-1", "-1"),
        ("-1e-9", "-1e-9"),
        ("1e999", "1e999"),
        ("\"0.5\"", "a string"),
        ("\"NaN\"", "a string"),
        ("true", "true"),
        ("[1]", "an array"),
    ] {
        check_error(&object(written), &format!("{weight} {found}"));
    }
    check_error(
        r#""orq":{"load_balancer":[{"weight":1}]}"#,
        "orq.load_balancer[0].model: expected a model's name, found nothing",
    );
    check_error(
        r#""load_balancer":[{"model":7}]"#,
        "load_balancer[0].model: expected a model's name as a string, found 7",
    );
    check_error(
        r#""load_balancer":[{"model":""}]"#,
        "load_balancer[0].model: expected a model's name as a string, found an empty one",
    );
    check_error(
        r#""load_balancer":["a"]"#,
        "load_balancer[0]: expected an object, found a string",
    );
    check_error(
        r#""load_balancer":[{"model":"a","weight":1,"weight":2}]"#,
        "load_balancer[0].weight: expected this key once, found it twice",
    );
}

#[test]
fn a_list_that_is_no_split_is_an_error() {
    check_error(
        r#""load_balancer":[]"#,
        "load_balancer: expected at least one model, found an empty array",
    );
    check_error(
        r#""load_balancer":{"type":"weight_based"}"#,
        "load_balancer.models: expected an array of models, found nothing",
    );
    check_error(
        r#""load_balancer":[{"model":"a","weight":0},{"model":"b","weight":-0.0}]"#,
        "load_balancer: expected at least one weight above 0, found none",
    );
    check_error(
        r#""load_balancer":[{"model":"a"},{"model":"b"},{"model":"a"}]"#,
        "load_balancer[2].model: expected each model once, found \"a\" here and at [0]",
    );
    check_error(
        r#""load_balancer":"a""#,
        "load_balancer: expected an array of models, or an object {type, models}, found a string",
    );
    check_error(
        r#""load_balancer":{"type":3,"models":[]}"#,
        "load_balancer.type: expected a type as a string, found 3",
    );
}

#[test]
fn a_list_is_bounded() {
    let entries = |count: usize| {
        (0..count).fold(String::new(), |mut text, index| {
            let comma = if index == 0 { "" } else { "," };
            write!(text, r#"{comma}{{"model":"m{index}"}}"#).unwrap();
            text
        })
    };
    let list = |count| with(&format!(r#""load_balancer":[{}]"#, entries(count)));
    assert_eq!(list(64).unwrap().list.unwrap().entries.len(), 64);
    assert_eq!(
        list(100_000).unwrap_err(),
        "load_balancer: expected at most 64 entries, found 100000"
    );
}

#[test]
fn the_top_level_wins_key_by_key() {
    let extension = read(
        r#"{"orq":{"load_balancer":[{"model":"inner"}],"retry":{"count":1},"timeout":{"call_timeout":9},
            "fallbacks":["inner"],"fallback_on_codes":[500]},
            "load_balancer":[{"model":"top"}],"retries":{"count":4},"fallbacks":null}"#,
    )
    .unwrap();
    assert_eq!(
        extension.list,
        Some(list(ListKind::Unstated, &[("top", 0.5)]))
    );
    assert_eq!(extension.retry.unwrap().count, Some(4));
    assert_eq!(extension.call_timeout, Some(Duration::from_millis(9)));
    assert_eq!(extension.fallbacks, ["inner"], "null at the top is absent");
    assert_eq!(extension.fallback_on_codes, Some(vec![500]));
}

#[test]
fn retry_wins_over_retries_and_the_loser_is_not_read() {
    let extension = with(r#""orq":{"retries":{"count":"many"},"retry":{"count":2.0}}"#).unwrap();
    let expected = RetryAsk {
        count: Some(2),
        on_codes: None,
    };
    assert_eq!(extension.retry, Some(expected));
}

#[test]
fn the_seeds_own_combination_is_read() {
    let extension = with(
        r#""orq":{"load_balancer":[{"model":"openai/gpt-4o","weight":0.6},{"model":"anthropic/claude-3","weight":0.4}],
            "retries":{"count":2,"on_codes":[429]},"timeout":{"call_timeout":15000}}"#,
    )
    .unwrap();
    let expected = Extension {
        list: Some(list(
            ListKind::Unstated,
            &[("openai/gpt-4o", 0.6), ("anthropic/claude-3", 0.4)],
        )),
        retry: Some(RetryAsk {
            count: Some(2),
            on_codes: Some(vec![429]),
        }),
        call_timeout: Some(Duration::from_secs(15)),
        ..Extension::default()
    };
    assert_eq!(extension, expected);
}

#[test]
fn null_and_absent_are_the_same_everywhere() {
    for members in [
        r#""orq":null"#,
        r#""orq":{}"#,
        r#""load_balancer":null,"retry":null,"retries":null,"timeout":null,"fallbacks":null,"fallback_on_codes":null"#,
        r#""orq":{"load_balancer":null,"retry":null,"timeout":{"call_timeout":null},"fallbacks":[]}"#,
        r#""fallback_on_codes":[]"#,
    ] {
        assert_eq!(with(members), Ok(Extension::default()), "{members}");
    }
    let retry = with(r#""retry":{"count":null,"on_codes":null}"#)
        .unwrap()
        .retry;
    assert_eq!(retry, Some(RetryAsk::default()));
}

#[test]
fn wrong_values_are_errors_that_name_the_key() {
    check_error(r#""orq":[]"#, "orq: expected an object, found an array");
    check_error(
        r#""retry":{"count":6}"#,
        "retry.count: expected a whole number from 0 to 5, found 6",
    );
    check_error(
        r#""orq":{"retries":{"count":-1}}"#,
        "orq.retries.count: expected a whole number from 0 to 5, found -1",
    );
    check_error(
        r#""retry":{"count":1.5}"#,
        "retry.count: expected a whole number from 0 to 5, found 1.5",
    );
    check_error(
        r#""retry":{"on_codes":[429,"500"]}"#,
        "retry.on_codes[1]: expected a whole number from 100 to 599, found a string",
    );
    check_error(
        r#""retry":{"on_codes":[]}"#,
        "retry.on_codes: expected at least one status, found none; count = 0 switches retries off",
    );
    check_error(r#""timeout":3"#, "timeout: expected an object, found 3");
    for wrong in ["0", "0.5", "-3", "1e999"] {
        check_error(
            &format!(r#""timeout":{{"call_timeout":{wrong}}}"#),
            &format!("timeout.call_timeout: expected milliseconds, at least 1, found {wrong}"),
        );
    }
    check_error(
        r#""fallbacks":[{"model":"a"},3]"#,
        "fallbacks[1]: expected an object {model} or a model's name, found 3",
    );
    check_error(
        r#""fallbacks":[{}]"#,
        "fallbacks[0].model: expected a model's name, found nothing",
    );
}

#[test]
fn fallbacks_are_names_or_objects_each_once() {
    let extension =
        with(r#""fallbacks":["a",{"model":"b"},"a"],"fallback_on_codes":[529,429,429]"#);
    let extension = extension.unwrap();
    assert_eq!(extension.fallbacks, ["a", "b"]);
    assert_eq!(extension.fallback_on_codes, Some(vec![429, 529]));
}

#[test]
fn timeouts_are_whole_or_not_and_bounded() {
    let timeout = |millis: &str| {
        with(&format!(r#""timeout":{{"call_timeout":{millis}}}"#))
            .unwrap()
            .call_timeout
    };
    assert_eq!(timeout("30000"), Some(Duration::from_secs(30)));
    assert_eq!(timeout("30000.0"), Some(Duration::from_secs(30)));
    assert_eq!(timeout("1.5"), Some(Duration::from_micros(1500)));
    assert_eq!(timeout("1e300"), Some(LONGEST_CALL));
}

#[test]
fn a_misspelled_member_is_told_and_never_breaks_the_header_it_goes_into() {
    let entry = r#""load_balancer":[{"model":"openai/a","wieght":0.4}]"#;
    let warnings = with(entry).unwrap().warnings;
    assert_eq!(
        warnings,
        ["load_balancer[0]: unknown key \"wieght\", ignored; known here: type, model, weight"]
    );
    let object = r#""orq":{"load_balancer":{"models":[{"model":"openai/a"}],"typ":"x"}}"#;
    let warnings = with(object).unwrap().warnings;
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    let odd = format!(r#""retry":{{"é\n{}":1}}"#, "x".repeat(9_000));
    let warnings = with(&odd).unwrap().warnings;
    assert!(
        warnings[0].is_ascii() && warnings[0].len() < 200,
        "{warnings:?}"
    );
    assert!(!warnings[0].contains('\n'), "{warnings:?}");
    let mut many = String::from(r#""retry":{"count":1"#);
    for index in 0..500 {
        write!(many, r#","k{index}":1"#).unwrap();
    }
    assert_eq!(with(&format!("{many}}}")).unwrap().warnings.len(), 4);
}
