//! Claims about usage as it is printed.

use serde_json::json;

use super::*;

fn usage() -> Value {
    let sums = json!({
        "requests": 12, "failed": 0, "calls": 13, "tokens_in": 1200, "tokens_cached": 0, "tokens_cache_write": 0,
        "tokens_out": 340, "tokens_reasoning": 0, "cost_usd": 0.012_345, "unpriced": 0, "estimated": 0,
        "first_token_ms": 431.5, "total_ms": null,
    });
    let mut red = sums.clone();
    red["team"] = "red, \"hot\"".into();
    let mut nobody = sums.clone();
    nobody["team"] = "".into();
    json!({ "by": ["team"], "rows": [red, nobody], "total": sums, "is_cut": false })
}

#[test]
fn a_table_has_what_there_is_and_its_sum() {
    let text = rendered(&[Dimension::Team], &usage());
    let expected = "TEAM        REQUESTS  CALLS  TOKENS IN  TOKENS OUT  COST $  TTFT MS\n\
         red, \"hot\"        12     13       1200         340  0.0123      432\n\
         -                 12     13       1200         340  0.0123      432\n\
         all               12     13       1200         340  0.0123      432\n\
         - under TEAM: requests that neither a key nor a tag puts down to anybody\n";
    assert_eq!(text, expected);
}

#[test]
fn a_small_cost_is_not_nothing() {
    assert_eq!(cell("cost_usd", &json!(0.000_011_4)), "0.000011");
    assert_eq!(cell("cost_usd", &json!(0.0)), "0.0000");
    assert_eq!(cell("cost_usd", &json!(12.345_678)), "12.3457");
}

#[test]
fn csv_has_all_columns_and_quotes_what_needs_it() {
    let text = csv(&[Dimension::Team], &usage());
    let mut lines = text.lines();
    assert!(
        lines
            .next()
            .unwrap()
            .starts_with("team,requests,failed,calls,")
    );
    let first = lines.next().unwrap();
    assert!(
        first.starts_with("\"red, \"\"hot\"\"\",12,0,13,1200,"),
        "{first}"
    );
    assert!(first.ends_with(",0.012345,0,0,431.5,"), "{first}");
    assert_eq!(
        quoted("=1+1"),
        "\"'=1+1\"",
        "no formula of a client's making"
    );
}

#[test]
fn a_dimension_that_is_none_is_told_with_those_that_are() {
    let Err(Failure::Told(said)) = dimensions("team,teem") else {
        panic!("expected a refusal");
    };
    assert!(
        said.contains("\"teem\"") && said.contains("feature"),
        "{said}"
    );
}
