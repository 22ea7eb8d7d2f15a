//! Requests of clients.

use super::*;

fn texts(message: &Message) -> Vec<&str> {
    let texts = message.parts.iter().map(|part| match part {
        Part::Text(text) => text.text.as_str(),
        other => panic!("a text, not {other:?}"),
    });
    texts.collect()
}

fn misread(body: &Value) -> String {
    read_request(body.to_string().as_bytes())
        .unwrap_err()
        .to_string()
}

#[test]
fn a_text_is_a_users_message_and_instructions_stand_before_it() {
    let request = read(&json!({"model": "m", "input": "hi", "instructions": "be brief"}));
    let roles: Vec<Role> = request.messages.iter().map(|one| one.role).collect();
    assert_eq!(roles, [Role::System, Role::User]);
    assert_eq!(texts(&request.messages[0]), ["be brief"]);
    assert_eq!(texts(&request.messages[1]), ["hi"]);
    assert_eq!(request.extra, Extra::new(), "nothing is left over");
}

#[test]
fn the_items_of_one_turn_are_one_message_in_their_order() {
    let request = read(&json!({"input": [
        {"role": "user", "content": [{"type": "input_text", "text": "a"}]},
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "s"},
            {"type": "summary_text", "text": "t"}], "encrypted_content": "gAAA", "status": null},
        {"type": "message", "role": "assistant", "id": "msg_1", "status": "completed",
            "content": [{"type": "output_text", "text": "b", "annotations": [], "logprobs": []}]},
        {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f",
            "arguments": "{}", "status": "completed"},
        {"type": "function_call", "call_id": "c2", "name": "g", "arguments": ""},
        {"type": "function_call_output", "call_id": "c1", "output": "one"},
        {"type": "function_call_output", "call_id": "c2",
            "output": [{"type": "input_text", "text": "two"}]},
        {"type": "message", "role": "developer", "content": "d"},
    ]}));
    let roles: Vec<Role> = request.messages.iter().map(|one| one.role).collect();
    let tool = Role::Tool;
    assert_eq!(
        roles,
        [Role::User, Role::Assistant, tool, tool, Role::Developer]
    );
    let turn = &request.messages[1].parts;
    let thought = Reasoning {
        text: "s\n\nt".to_owned(),
        sealed: Some("gAAA".to_owned()),
        id: Some("rs_1".to_owned()),
        is_summary: true,
        signature: None,
    };
    assert_eq!(turn[0], Part::Reasoning(thought));
    assert_eq!(turn[1], Part::Text(Text::plain("b")));
    let Part::ToolCall(second) = &turn[3] else {
        panic!("a call");
    };
    assert_eq!(
        (second.id.as_str(), second.arguments.as_str()),
        ("c2", "{}")
    );
    let Part::ToolResult(result) = &request.messages[3].parts[0] else {
        panic!("a result");
    };
    assert_eq!(result.name.as_deref(), Some("g"), "from the call before it");
    assert_eq!(result.content, [Part::Text(Text::plain("two"))]);
    assert_eq!(
        request.extra,
        Extra::new(),
        "ids and states are not carried"
    );
}

#[test]
fn images_and_files_are_read_wherever_they_are() {
    let content = json!([
        {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "low"},
        {"type": "input_image", "image_url": "https://x/y.png"},
        {"type": "input_image", "file_id": "file-1"},
        {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,BB"},
        {"type": "input_file", "file_url": "https://x/y.pdf"},
        {"type": "input_file", "file_id": "file-2"},
        {"type": "input_hologram", "data": 1},
    ]);
    let request = read(&json!({"input": [{"role": "user", "content": content}]}));
    let sources: Vec<&Source> = request.messages[0]
        .parts
        .iter()
        .filter_map(|part| match part {
            Part::Image(media) | Part::File(media) => Some(&media.source),
            _ => None,
        })
        .collect();
    let url = |url: &str| Source::Url(url.to_owned());
    let id = |id: &str| Source::Id(id.to_owned());
    let inline = |data: &str| Source::Base64(data.to_owned());
    let expected = [
        inline("AAAA"),
        url("https://x/y.png"),
        id("file-1"),
        inline("BB"),
        url("https://x/y.pdf"),
        id("file-2"),
    ];
    assert_eq!(sources, expected.iter().collect::<Vec<_>>());
    let unknown = Part::Other(Dialect::Responses, content[6].clone());
    assert_eq!(request.messages[0].parts.last(), Some(&unknown));
}

#[test]
fn settings_are_read_from_their_places() {
    let request = read(&json!({"model": "m", "input": "x", "stream": true,
        "tools": [{"type": "function", "name": "f", "description": "d", "parameters": {"z": 1},
            "strict": true}, {"type": "web_search"}],
        "tool_choice": {"type": "function", "name": "f"}, "parallel_tool_calls": false,
        "text": {"verbosity": "low", "format": {"type": "json_schema", "name": "n",
            "schema": {"type": "object"}, "strict": true}},
        "reasoning": {"effort": "high", "summary": "auto"},
        "max_output_tokens": 9, "temperature": 0.5, "top_p": 0.25, "top_logprobs": 3,
        "include": ["message.output_text.logprobs", "reasoning.encrypted_content"],
        "safety_identifier": "u", "metadata": {"k": "v"}, "store": true, "background": false}));
    assert!(request.stream && request.sampling.logprobs);
    assert_eq!(request.sampling.max_tokens, Some(9));
    assert_eq!(request.sampling.top_logprobs, Some(3));
    assert_eq!(request.user.as_deref(), Some("u"));
    assert_eq!(
        request.tool_choice,
        Some(ToolChoice::Function("f".to_owned()))
    );
    let Tool::Function(function) = &request.tools[0] else {
        panic!("a function");
    };
    assert_eq!(function.parameters, Some(json!({"z": 1})));
    let web = Tool::Other(Dialect::Responses, json!({"type": "web_search"}));
    assert_eq!(request.tools[1], web);
    assert!(matches!(&request.output, Output::Schema { name, .. } if name == "n"));
    let thinking = request.reasoning.unwrap();
    assert_eq!(thinking.effort.as_deref(), Some("high"));
    assert_eq!(thinking.summary.as_deref(), Some("auto"));
    let extra = json!({"verbosity": "low", "store": true});
    assert_eq!(Value::Object(request.extra), extra, "what has no place");
}

#[test]
fn of_the_tools_only_the_allowed_are_left() {
    let function = |name: &str| json!({"type": "function", "name": name});
    let request = read(
        &json!({"input": "x", "tools": [function("f"), function("g")],
        "tool_choice": {"type": "allowed_tools", "mode": "required", "tools": [function("g")]}}),
    );
    let names: Vec<&str> = request
        .tools
        .iter()
        .map(|tool| match tool {
            Tool::Function(function) => function.name.as_str(),
            Tool::Other(..) => "other",
        })
        .collect();
    assert_eq!(names, ["g"]);
    assert_eq!(request.tool_choice, Some(ToolChoice::Required));
}

#[test]
fn what_is_kept_at_a_provider_fits_nowhere_else() {
    let cases = [
        (
            json!({"previous_response_id": "resp_1"}),
            "previous_response_id",
        ),
        (json!({"conversation": "conv_1"}), "conversation"),
        (json!({"prompt": {"id": "pmpt_1"}}), "prompt"),
        (json!({"input": "x", "background": true}), "background"),
        (
            json!({"input": [{"type": "item_reference", "id": "msg_1"}]}),
            "item_reference",
        ),
        (json!({"input": [{"id": "msg_1"}]}), "item_reference"),
        (
            json!({"input": "x", "tool_choice": {"type": "web_search"}}),
            "tool_choice",
        ),
    ];
    for (body, reason) in cases {
        let request = read(&body);
        let unfit = fit_elsewhere(&request, Dialect::Messages).unwrap_err();
        assert_eq!(unfit.dialect, Dialect::Messages);
        assert!(unfit.what.contains(reason), "{unfit} names {reason}");
        assert_eq!(fit_elsewhere(&request, Dialect::Responses), Ok(()));
    }
    let harmless = json!({"input": "x", "store": true, "truncation": "auto", "background": false,
        "include": ["file_search_call.results"], "previous_response_id": null});
    assert_eq!(fit_elsewhere(&read(&harmless), Dialect::Chat), Ok(()));
}

#[test]
fn unknown_items_stay_with_who_made_them() {
    let search = json!({"type": "web_search_call", "id": "ws_1", "status": "completed"});
    let output = json!({"type": "custom_tool_call_output", "call_id": "c", "output": "o"});
    let request = read(&json!({"input": [search, output]}));
    let expected = [(Role::Assistant, search), (Role::User, output)];
    for (message, (role, item)) in request.messages.iter().zip(expected) {
        assert_eq!(message.role, role);
        assert_eq!(message.parts, [Part::Other(Dialect::Responses, item)]);
    }
}

#[test]
fn members_without_a_place_are_kept_under_their_place() {
    let request = read(&json!({"input": [
        {"role": "assistant", "content": "a", "phase": "commentary"},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}",
            "namespace": "n"}],
        "reasoning": {"effort": "low", "mode": "deep"}}));
    assert_eq!(request.messages[0].extra["phase"], "commentary");
    let expected = json!({"input[1].namespace": "n", "reasoning.mode": "deep"});
    assert_eq!(Value::Object(request.extra), expected);
}

#[test]
fn an_error_names_its_place() {
    let check = |body: Value, at: &str| {
        let error = misread(&body);
        assert!(error.starts_with(at), "{error} begins with {at}");
    };
    check(json!({}), "input: ");
    check(json!({"input": 7}), "input: ");
    check(json!({"input": ["x"]}), "input[0]: ");
    check(json!({"input": [{}]}), "input[0].type: ");
    check(
        json!({"input": [{"role": "user", "content": [{"type": "input_text"}]}]}),
        "input[0].content[0].text: ",
    );
    check(
        json!({"input": [{"role": "x", "content": ""}]}),
        "input[0].role: ",
    );
    check(
        json!({"input": [{"type": "function_call", "name": "f"}]}),
        "input[0].call_id: ",
    );
    check(
        json!({"input": "x", "tools": [{"name": "f"}]}),
        "tools[0].type: ",
    );
    check(
        json!({"input": "x", "tool_choice": "sometimes"}),
        "tool_choice: ",
    );
    check(json!({"input": "x", "instructions": []}), "instructions: ");
}
