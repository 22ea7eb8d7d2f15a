use super::*;

fn request(seconds: f64, tokens_in: u64, tokens_out: u64) -> Traced {
    Traced {
        seconds,
        tokens_in,
        tokens_out,
    }
}

#[test]
fn the_shapes_of_published_traces_are_read_as_they_are() {
    let expected = [request(0.0, 374, 44), request(1.5, 396, 109)];
    for text in [
        "TIMESTAMP,ContextTokens,GeneratedTokens\r\n\
         2023-11-16 18:00:00.5000000,374,44\r\n2023-11-16 18:00:02.0000000,396,109\r\n",
        "{\"timestamp\": 27000, \"input_length\": 374, \"output_length\": 44, \"hash_ids\": [1]}\n\
         {\"timestamp\": 28500, \"input_length\": 396, \"output_length\": 109}\n",
        "Timestamp,Session ID,Model,Request tokens,Response tokens,Log Type\n\
         5,\"a, b\",ChatGPT,374,44,\"Conversation \"\"log\"\"\"\n6.5,c,GPT-4,396,109,API log\n",
        "seconds,tokens_in,tokens_out\n\n10,374,44\n11.5,396,109",
        "tokens_out,tokens_in,timestamp_ms\n44,374,0\n109,396,1500\n",
    ] {
        let trace = Trace::read(text).unwrap();
        assert_eq!(trace.requests(), expected, "{text}");
    }
}

#[test]
fn rows_are_put_in_order_and_failed_ones_are_left_out() {
    let text = "time,prompt_tokens,completion_tokens\n9,5,50\n3,7,70\n4,8,0\n5,9,\n";
    let trace = Trace::read(text).unwrap();
    assert_eq!(
        trace.requests(),
        [request(0.0, 7, 70), request(6.0, 5, 50)],
        "by time, without those that have no answer"
    );
    assert_eq!(trace.medians(), (7, 70), "the upper of two");
    assert!((trace.seconds() - 6.0).abs() < 1e-9);
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    for (text, words) in [
        ("a,b\n1,2\n", "line 1: expected a column for the time"),
        ("seconds,tokens_out\n", "a column for the prompt's tokens"),
        (
            "seconds,tokens_in,tokens_out\n1,2,3\nsoon,2,3\n",
            "line 3: expected a number or a date",
        ),
        (
            "seconds,tokens_in,tokens_out\n1,-2,3\n",
            "line 2: expected a number of tokens",
        ),
        (
            "{\"seconds\": 1}\n",
            "line 1: expected a column for the answer's tokens",
        ),
        ("{\"seconds\": \n", "line 1: expected a JSON object"),
        (
            "seconds,tokens_in,tokens_out\n1,2,0\n",
            "at least one request",
        ),
        ("", "at least one request"),
    ] {
        let problem = Trace::read(text).unwrap_err().to_string();
        assert!(problem.contains(words), "{text:?} said {problem}");
    }
}
