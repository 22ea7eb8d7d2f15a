use serde_json::{Value, json};

use super::super::super::chat;
use super::super::{MessagesOptions, write_request};

/// A chat request with `members`, as Anthropic gets it, and what was left out.
fn written(members: &Value, options: &MessagesOptions) -> (Value, Vec<String>) {
    let mut request = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    for (key, value) in members.as_object().unwrap() {
        request[key] = value.clone();
    }
    let request = chat::read_request(request.to_string().as_bytes()).unwrap();
    let written = write_request(&request, "claude-x", options).unwrap();
    (
        serde_json::from_slice(&written.body).unwrap(),
        written.dropped,
    )
}

fn budgeted(members: &Value) -> (Value, Vec<String>) {
    written(members, &MessagesOptions::default())
}

fn adaptive(members: &Value) -> (Value, Vec<String>) {
    let options = MessagesOptions {
        adaptive_thinking: true,
        ..MessagesOptions::default()
    };
    written(members, &options)
}

/// The budget, the bound of the whole, and what was left out.
fn plan(members: &Value) -> (Option<u64>, u64, Vec<String>) {
    let (body, dropped) = budgeted(members);
    let thinking = &body["thinking"];
    assert!(
        thinking.is_null() || thinking["type"] == "enabled",
        "{thinking}"
    );
    let most = body["max_tokens"].as_u64().unwrap();
    let budget = thinking["budget_tokens"].as_u64();
    assert!(
        budget.is_none_or(|budget| (1024..most).contains(&budget)),
        "{body}"
    );
    (budget, most, dropped)
}

#[test]
fn an_effort_is_a_budget_and_raises_a_bound_that_nobody_set() {
    let check = |effort: &str, budget: u64, most: u64| {
        let found = plan(&json!({"reasoning_effort": effort}));
        assert_eq!(found, (Some(budget), most, Vec::new()), "{effort}");
    };
    check("minimal", 1024, 9216);
    check("low", 2048, 10_240);
    check("medium", 8192, 16_384);
    check("high", 16_384, 24_576);
    check("xhigh", 22_528, 30_720);
    let options = MessagesOptions {
        max_output: 64_000,
        ..MessagesOptions::default()
    };
    let (body, _) = written(&json!({"reasoning_effort": "high"}), &options);
    assert_eq!(body["max_tokens"], 64_000, "there is room already");
}

#[test]
fn a_bound_of_the_clients_holds() {
    let check = |most: u64, effort: &str, budget: Option<u64>| {
        let (found, bound, dropped) =
            plan(&json!({"reasoning_effort": effort, "max_completion_tokens": most}));
        assert_eq!((found, bound), (budget, most), "{effort} in {most}");
        let named = if budget.is_none() {
            vec!["reasoning_effort"]
        } else {
            vec![]
        };
        assert_eq!(dropped, named);
    };
    check(1024, "high", None);
    check(1025, "high", Some(1024));
    check(4000, "high", Some(3000));
    check(4000, "low", Some(2048));
    check(100_000, "high", Some(16_384));
}

#[test]
fn a_budget_in_so_many_words_is_kept_where_it_fits() {
    let check = |budget: u64, most: u64, expected: u64, is_named: bool| {
        let found = plan(&json!({"reasoning": {"max_tokens": budget}, "max_tokens": most}));
        let named = if is_named {
            vec!["reasoning_effort".to_owned()]
        } else {
            Vec::new()
        };
        assert_eq!(found, (Some(expected), most, named), "{budget} in {most}");
    };
    check(3999, 4000, 3999, false);
    check(4000, 4000, 3000, true);
    check(5, 4000, 1024, false);
    let (budget, most, _) = plan(&json!({"reasoning": {"max_tokens": 30_000}}));
    assert_eq!((budget, most), (Some(30_000), 38_192));
    let (budget, _, _) = plan(&json!({"reasoning": {"max_tokens": u64::MAX >> 12}}));
    assert_eq!(budget, Some(u64::MAX >> 12), "nothing overflows");
}

#[test]
fn no_thinking_is_said_in_so_many_words() {
    for members in [
        json!({"reasoning_effort": "none", "temperature": 0.5}),
        json!({"reasoning": {"enabled": false}, "temperature": 0.5}),
        json!({"thinking": {"type": "disabled"}, "temperature": 0.5}),
    ] {
        let (body, dropped) = budgeted(&members);
        assert_eq!(body["thinking"], json!({"type": "disabled"}));
        assert_eq!((&body["temperature"], dropped), (&json!(0.5), Vec::new()));
    }
}

#[test]
fn anthropics_own_word_in_a_chat_request_is_understood() {
    let own = json!({"type": "enabled", "budget_tokens": 2000});
    let (budget, most, dropped) = plan(&json!({"thinking": own, "max_tokens": 4000}));
    assert_eq!((budget, most, dropped), (Some(2000), 4000, Vec::new()));
    let (budget, _, dropped) = plan(&json!({"thinking": own, "reasoning_effort": "low"}));
    assert_eq!(budget, Some(2048), "the one word of the dialect goes first");
    assert_eq!(dropped, ["thinking"]);
    let (budget, _, dropped) = plan(&json!({"thinking": {"type": "novel"}}));
    assert_eq!((budget, dropped), (None, vec!["thinking".to_owned()]));
}

#[test]
fn an_unknown_effort_is_named() {
    let (budget, most, dropped) = plan(&json!({"reasoning_effort": "novel"}));
    assert_eq!((budget, most), (None, 8192));
    assert_eq!(dropped, ["reasoning_effort"]);
}

#[test]
fn thinking_has_no_luck_of_its_own() {
    let (body, dropped) =
        budgeted(&json!({"reasoning_effort": "low", "temperature": 0.2, "top_p": 0.5, "top_k": 3}));
    for key in ["temperature", "top_p", "top_k"] {
        assert_eq!(body.get(key), None, "{key}");
    }
    assert_eq!(dropped, ["temperature", "top_p", "top_k"]);
    let (body, dropped) =
        budgeted(&json!({"reasoning_effort": "low", "temperature": 1, "top_p": 1.0}));
    assert_eq!(body.get("top_p"), None);
    assert_eq!(
        dropped,
        Vec::<String>::new(),
        "1 is what it is without the member"
    );
}

#[test]
fn what_was_asked_for_goes_before_thinking() {
    let tools = json!([{"type": "function", "function": {"name": "f"}}]);
    let call = json!({"id": "t", "type": "function", "function": {"name": "f", "arguments": "{}"}});
    let called = |thoughts: Value| {
        json!({"reasoning_effort": "low", "tools": tools, "messages": [
            {"role": "user", "content": "hi"},
            {"role": "assistant", "tool_calls": [call], "reasoning_details": thoughts},
            {"role": "tool", "tool_call_id": "t", "content": "1"}]})
    };
    let forced = json!({"reasoning_effort": "low", "tools": tools, "tool_choice": "required", "temperature": 0.5});
    let (body, dropped) = budgeted(&forced.clone());
    assert_eq!(
        (&body["thinking"], &body["temperature"]),
        (&Value::Null, &json!(0.5))
    );
    assert_eq!(dropped, ["reasoning_effort"]);
    let prefilled = json!({"reasoning_effort": "low", "messages": [
        {"role": "user", "content": "hi"}, {"role": "assistant", "content": "{"}]});
    assert_eq!(plan(&prefilled.clone()).0, None);
    assert_eq!(plan(&called(json!([]))).0, None, "a call without thoughts");
    let signed = json!([{"type": "reasoning.text", "text": "hm", "signature": "s"}]);
    assert_eq!(plan(&called(signed)).0, Some(2048), "a call with thoughts");
    // The model that decides itself takes a call without thoughts.
    for (members, thinks) in [
        (forced, false),
        (prefilled, false),
        (called(json!([])), true),
    ] {
        let (body, _) = adaptive(&members);
        assert_eq!(body.get("thinking").is_some(), thinks, "{body}");
        assert_eq!(body["output_config"]["effort"], "low");
    }
}

#[test]
fn a_model_that_decides_itself_gets_an_effort() {
    let check = |members: Value, thinking: Value, effort: Value, named: &[&str]| {
        let (body, dropped) = adaptive(&members);
        assert_eq!(body["thinking"], thinking);
        assert_eq!(body["output_config"]["effort"], effort);
        assert_eq!(body["max_tokens"], 8192);
        assert_eq!(dropped, named);
    };
    let on = || json!({"type": "adaptive"});
    check(
        json!({"reasoning_effort": "minimal"}),
        on(),
        json!("low"),
        &[],
    );
    check(
        json!({"reasoning_effort": "xhigh"}),
        on(),
        json!("max"),
        &[],
    );
    check(
        json!({"reasoning_effort": "novel"}),
        on(),
        Value::Null,
        &["reasoning_effort"],
    );
    check(
        json!({"reasoning": {"max_tokens": 5000}}),
        on(),
        json!("medium"),
        &[],
    );
    check(
        json!({"thinking": {"type": "adaptive"}}),
        on(),
        Value::Null,
        &[],
    );
    check(
        json!({"reasoning_effort": "none"}),
        Value::Null,
        json!("low"),
        &["reasoning_effort"],
    );
    let shown = json!({"type": "adaptive", "display": "summarized"});
    check(
        json!({"reasoning": {"effort": "high", "summary": "auto"}}),
        shown,
        json!("high"),
        &[],
    );
    let hidden = json!({"type": "adaptive", "display": "omitted"});
    check(
        json!({"reasoning": {"effort": "high", "exclude": true}}),
        hidden,
        json!("high"),
        &[],
    );
}

#[test]
fn a_wish_to_hide_thoughts_is_named_where_they_come_anyway() {
    let named = |reasoning: Value| budgeted(&json!({"reasoning": reasoning})).1;
    assert_eq!(
        named(json!({"effort": "low", "exclude": true})),
        ["reasoning.summary"]
    );
    assert_eq!(
        named(json!({"effort": "low", "summary": "auto"})),
        Vec::<String>::new()
    );
}
