use serde_json::json;

use super::super::super::neutral::*;
use super::super::{MessagesOptions, fit, write_request};
use super::target_said::{hi, media, says};

/// The request that `change` makes does not fit, since there is no `what`.
fn check(change: impl Fn(&mut Request), what: &str) {
    let mut request = hi();
    change(&mut request);
    let options = MessagesOptions::default();
    let unfit = fit(&request, &options).unwrap_err();
    assert!(unfit.what.contains(what), "{unfit}");
    assert_eq!(write_request(&request, "m", &options), Err(unfit));
}

/// `part` does not fit, in a message or in a result.
fn check_part(part: &Part, what: &str) {
    check(|request| request.messages[0].parts.push(part.clone()), what);
    let result = ToolResult {
        content: vec![part.clone()],
        ..ToolResult::default()
    };
    let result = Part::ToolResult(result);
    check(
        |request| request.messages[0].parts.push(result.clone()),
        what,
    );
}

#[test]
fn what_messages_cannot_say_is_unfit() {
    check(|request| request.sampling.n = Some(2), "several answers");
    check(|request| request.sampling.logprobs = true, "probabilities");
    check(
        |request| request.output = Output::Json,
        "JSON output without a schema",
    );
    let at = Source::Url("https://x/y".to_owned());
    let image = || Part::Image(media(at.clone(), None));
    check(
        |request| request.messages.push(says(Role::System, vec![image()])),
        "instructions",
    );
    check(
        |request| request.messages.push(says(Role::Assistant, vec![image()])),
        "own turns",
    );
    let tool = Tool::Other(Dialect::Responses, json!({"type": "file_search"}));
    check(|request| request.tools.push(tool.clone()), "file_search");
    let dotted = Function {
        name: "a.b".to_owned(),
        ..Function::default()
    };
    check(
        |request| request.tools.push(Tool::Function(dotted.clone())),
        "names",
    );
}

#[test]
fn parts_that_messages_do_not_have_are_unfit() {
    let at = |url: &str| Source::Url(url.to_owned());
    let data = || Source::Base64("AAAA".to_owned());
    check_part(&Part::Audio(media(data(), None)), "sound");
    check_part(
        &Part::Image(media(data(), Some("image/bmp"))),
        "images other than",
    );
    check_part(&Part::Image(media(data(), None)), "images other than");
    check_part(&Part::Image(media(at("gs://a/b"), None)), "addresses");
    check_part(
        &Part::File(media(Source::Id("file-1".to_owned()), None)),
        "another provider",
    );
    check_part(
        &Part::File(media(data(), Some("application/zip"))),
        "documents other than",
    );
    check_part(
        &Part::File(media(Source::Base64("/w==".to_owned()), Some("text/csv"))),
        "documents other than",
    );
    let foreign = Part::Other(Dialect::Gemini, json!({"type": "novel"}));
    check_part(&foreign, "part of the type \"novel\" of Gemini");
}

#[test]
fn a_schema_is_unfit_where_the_server_knows_none() {
    let options = MessagesOptions {
        structured_outputs: false,
        ..MessagesOptions::default()
    };
    let mut request = hi();
    request.output = Output::Schema {
        name: "n".to_owned(),
        description: None,
        schema: json!({}),
        strict: None,
    };
    assert!(fit(&request, &MessagesOptions::default()).is_ok());
    assert!(fit(&request, &options).is_err());
    let strict = Function {
        name: "f".to_owned(),
        strict: Some(true),
        ..Function::default()
    };
    let request = Request {
        tools: vec![Tool::Function(strict)],
        ..hi()
    };
    let written = write_request(&request, "m", &options).unwrap();
    assert_eq!(written.dropped, ["tools[].function.strict"]);
}

#[test]
fn a_schema_with_names_of_the_models_own_is_unfit() {
    let schema = |schema: serde_json::Value| Output::Schema {
        name: "n".to_owned(),
        description: None,
        schema,
        strict: None,
    };
    let map = json!({"type": "object", "additionalProperties": {"type": "string"}});
    let what = "names of the model's own";
    check(|request| request.output = schema(map.clone()), what);
    let within = json!({"anyOf": [{"type": "object", "properties": {"default": map}}]});
    check(|request| request.output = schema(within.clone()), what);
    let mut request = hi();
    request.output = schema(json!({"type": "object", "additionalProperties": {}, "default": map}));
    assert!(fit(&request, &MessagesOptions::default()).is_ok());
}
