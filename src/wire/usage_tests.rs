use serde_json::value::RawValue;

use super::*;

/// Input, cached, written, output, reasoning.
type Counts = (u64, u64, u64, u64, u64);

fn counts(text: &str) -> Option<Counts> {
    let usage = RawValue::from_string(text.to_owned()).unwrap();
    read(&usage).map(|tokens| {
        (
            tokens.input,
            tokens.cached_input,
            tokens.cache_write,
            tokens.output,
            tokens.reasoning,
        )
    })
}

fn check(cases: &[(&str, &str, Option<Counts>)]) {
    for (claim, text, expected) in cases {
        assert_eq!(counts(text), *expected, "{claim}: {text}");
    }
}

#[test]
fn counts_of_chat_completions() {
    check(&[
        (
            "plain",
            r#"{"prompt_tokens":12,"completion_tokens":3,"total_tokens":15}"#,
            Some((12, 0, 0, 3, 0)),
        ),
        (
            "with details",
            r#"{"prompt_tokens":100,"completion_tokens":50,"total_tokens":150,
                "prompt_tokens_details":{"cached_tokens":64,"cache_write_tokens":20,"audio_tokens":0},
                "completion_tokens_details":{"reasoning_tokens":40}}"#,
            Some((100, 64, 20, 50, 40)),
        ),
        (
            "details that are null",
            r#"{"prompt_tokens":4,"completion_tokens":2,"total_tokens":6,
                "prompt_tokens_details":null,"completion_tokens_details":null}"#,
            Some((4, 0, 0, 2, 0)),
        ),
        (
            "embeddings have no answer",
            r#"{"prompt_tokens":8,"total_tokens":8}"#,
            Some((8, 0, 0, 0, 0)),
        ),
        (
            "more cached than prompt is kept as reported",
            r#"{"prompt_tokens":7,"completion_tokens":8,"total_tokens":15,
                "prompt_tokens_details":{"cached_tokens":161}}"#,
            Some((7, 161, 0, 8, 0)),
        ),
        (
            "a gateway that adds Anthropic's names to OpenAI's means the whole prompt",
            r#"{"prompt_tokens":90,"completion_tokens":5,"total_tokens":95,
                "cache_read_input_tokens":60,"cache_creation_input_tokens":10}"#,
            Some((90, 60, 10, 5, 0)),
        ),
    ]);
}

#[test]
fn names_that_only_one_provider_has() {
    check(&[
        (
            "deepseek",
            r#"{"prompt_cache_hit_tokens":64,"prompt_cache_miss_tokens":36,"prompt_tokens":100,
                "completion_tokens":1,"total_tokens":101}"#,
            Some((100, 64, 0, 1, 0)),
        ),
        (
            "deepseek with both names, which agree; the details win",
            r#"{"prompt_cache_hit_tokens":1,"prompt_tokens":100,"completion_tokens":1,
                "prompt_tokens_details":{"cached_tokens":64}}"#,
            Some((100, 64, 0, 1, 0)),
        ),
        (
            "together",
            r#"{"prompt_tokens":44,"completion_tokens":23,"total_tokens":67,"cached_tokens":32}"#,
            Some((44, 32, 0, 23, 0)),
        ),
    ]);
}

#[test]
fn reasoning_beside_the_answer_is_added_where_the_report_proves_it() {
    check(&[
        (
            "the total has it on top (xai)",
            r#"{"prompt_tokens":32,"completion_tokens":9,"total_tokens":136,
                "completion_tokens_details":{"reasoning_tokens":95}}"#,
            Some((32, 0, 0, 104, 95)),
        ),
        (
            "also where less was reasoned than answered",
            r#"{"prompt_tokens":32,"completion_tokens":90,"total_tokens":132,
                "completion_tokens_details":{"reasoning_tokens":10}}"#,
            Some((32, 0, 0, 100, 10)),
        ),
        (
            "only the total knows of it (gemini)",
            r#"{"prompt_tokens":66,"completion_tokens":6,"total_tokens":100}"#,
            Some((66, 0, 0, 34, 28)),
        ),
        (
            "more reasoned than answered cannot be inside (perplexity)",
            r#"{"prompt_tokens":20,"completion_tokens":30,"total_tokens":50,"reasoning_tokens":70}"#,
            Some((20, 0, 0, 100, 70)),
        ),
        (
            "inside, as OpenAI counts",
            r#"{"prompt_tokens":20,"completion_tokens":30,"total_tokens":50,
                "completion_tokens_details":{"reasoning_tokens":30}}"#,
            Some((20, 0, 0, 30, 30)),
        ),
        (
            "a total that fits nothing proves nothing",
            r#"{"prompt_tokens":20,"completion_tokens":30,"total_tokens":55,
                "completion_tokens_details":{"reasoning_tokens":9}}"#,
            Some((20, 0, 0, 30, 9)),
        ),
    ]);
}

#[test]
fn input_tokens_are_the_whole_prompt_unless_the_cache_stands_beside_them() {
    check(&[
        (
            "responses",
            r#"{"input_tokens":444,"input_tokens_details":{"cached_tokens":384},"output_tokens":14,
                "output_tokens_details":{"reasoning_tokens":6},"total_tokens":458}"#,
            Some((444, 384, 0, 14, 6)),
        ),
        (
            "anthropic",
            r#"{"input_tokens":15,"cache_creation_input_tokens":100,"cache_read_input_tokens":2000,
                "cache_creation":{"ephemeral_5m_input_tokens":100,"ephemeral_1h_input_tokens":0},
                "output_tokens":50,"output_tokens_details":{"thinking_tokens":20},"service_tier":"standard"}"#,
            Some((2115, 2000, 100, 50, 20)),
        ),
        (
            "anthropic before it had a cache",
            r#"{"input_tokens":19,"output_tokens":22}"#,
            Some((19, 0, 0, 22, 0)),
        ),
        (
            "the last report of an Anthropic stream",
            r#"{"output_tokens":5}"#,
            Some((0, 0, 0, 5, 0)),
        ),
    ]);
}

#[test]
fn what_is_no_report_gives_none() {
    check(&[
        ("no object", "null", None),
        ("no count", r#"{"total_tokens":5}"#, None),
        ("no number", r#"{"prompt_tokens":"5"}"#, None),
        ("negative", r#"{"prompt_tokens":-5}"#, None),
        (
            "beyond belief",
            r#"{"prompt_tokens":1000000000,"completion_tokens":1}"#,
            None,
        ),
        (
            "beyond belief by its sum",
            r#"{"input_tokens":999999999,"cache_read_input_tokens":18446744073709551615,"output_tokens":1}"#,
            None,
        ),
        (
            "beyond belief by its total",
            r#"{"prompt_tokens":1,"completion_tokens":1,"total_tokens":18446744073709551615}"#,
            None,
        ),
    ]);
}
