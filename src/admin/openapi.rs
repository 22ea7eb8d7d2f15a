//! The description of the API, made of the table that serves it.

use http::StatusCode;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::operations::{Content, Operation, Parameter, all, shape};
use super::query::Kind;
use super::reply::{self, Reply};
use super::shapes::Failure;

/// `GET /api/v1/openapi.json`.
pub(super) fn document() -> Reply {
    reply::json(StatusCode::OK, &description())
}

/// `OpenAPI` 3.1, whose schemas are JSON Schema's 2020-12.
pub fn description() -> Value {
    let mut generator = settings().for_serialize().into_generator();
    let mut paths: Map<String, Value> = Map::new();
    for operation in all() {
        let described = operation_of(operation, &mut generator);
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        path[operation.method.to_ascii_lowercase()] = described;
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Weighbridge's admin API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Shares and why, what happened, the configuration, steering. Answers are JSON and never cached. \
                Where admin.token is set, everything but /healthz and /readyz asks for it.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "paths": paths,
        "components": {
            "schemas": generator.take_definitions(true),
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
        },
    })
}

/// What both kinds of shapes have in common: those of answers, as they are written, and those of bodies, as they are read. A
/// field that is left out where it is empty need not be there in an answer, and one with a default need not be in a body.
fn settings() -> SchemaSettings {
    SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    })
}

fn operation_of(operation: &Operation, generator: &mut SchemaGenerator) -> Value {
    let mut parameters: Vec<Value> = operation.parameters.iter().map(parameter).collect();
    if let Some(name) = in_path(operation.path) {
        parameters.push(json!({
            "name": name,
            "in": "path",
            "required": true,
            "schema": { "type": "string", "minLength": 1 },
        }));
    }
    let mut answers: Map<String, Value> = Map::new();
    for (status, about, content) in operation.answers {
        answers.insert(status.to_string(), answer(about, content, generator));
    }
    for (status, about) in refusals(operation) {
        let failure = Content::Json(shape::<Failure>);
        let described = || answer(about, &failure, generator);
        answers.entry(status).or_insert_with(described);
    }
    let mut described = json!({
        "operationId": operation.id,
        "summary": operation.about,
        "parameters": parameters,
        "responses": answers,
    });
    if operation.is_guarded() {
        described["security"] = json!([{}, { "token": [] }]);
    }
    if let Some(body) = operation.body {
        // Of one piece, since names of shapes are the answers'.
        let inlined = settings().with(|settings| settings.inline_subschemas = true);
        let schema = body(&mut inlined.into_generator());
        described["requestBody"] = json!({
            "required": true,
            "content": { "application/json": { "schema": schema } },
        });
    }
    described
}

/// What any such operation may answer when it is asked in a way that it does not take.
fn refusals(operation: &Operation) -> Vec<(&'static str, &'static str)> {
    let mut all = vec![
        ("400", "A parameter or the body is not what is taken."),
        (
            "403",
            "Another site's page, or another name than this listener's.",
        ),
    ];
    if operation.is_guarded() {
        all.push(("401", "The token is missing or another one."));
    }
    if in_path(operation.path).is_some() {
        all.push(("404", "There is nothing of this name."));
    }
    if !operation.reads() {
        all.push(("408", "The body did not come to its end."));
        all.push(("413", "The body is too large."));
        all.push(("503", "The daemon is shutting down: send it again."));
    }
    all
}

fn answer(about: &str, content: &Content, generator: &mut SchemaGenerator) -> Value {
    let content = match content {
        Content::Json(shape) => json!({ "application/json": { "schema": shape(generator) } }),
        Content::Text(media) => {
            let text = json!({ "schema": { "type": "string" } });
            media
                .iter()
                .map(|it| ((*it).to_owned(), text.clone()))
                .collect()
        }
    };
    json!({ "description": about, "content": content })
}

fn parameter(parameter: &Parameter) -> Value {
    let schema = match parameter.kind {
        Kind::Whole(least, most) => {
            json!({ "type": "integer", "minimum": least, "maximum": most })
        }
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Text => json!({ "type": "string", "minLength": 1, "maxLength": 200 }),
    };
    json!({
        "name": parameter.name,
        "in": "query",
        "description": parameter.about,
        "schema": schema,
    })
}

fn in_path(path: &str) -> Option<&str> {
    let (_, rest) = path.split_once('{')?;
    rest.strip_suffix('}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_leads_somewhere() {
        let document = description();
        let text = document.to_string();
        let mut found = 0;
        for part in text.split("\"$ref\":\"#").skip(1) {
            let pointer = part.split('"').next().unwrap();
            assert!(document.pointer(pointer).is_some(), "{pointer}");
            found += 1;
        }
        assert!(found > 10, "shapes are shared: {found}");
    }

    #[test]
    fn what_an_answer_may_leave_out_is_not_required_and_what_a_body_may_not_is() {
        let document = description();
        let required = |pointer: &str| document.pointer(pointer).unwrap()["required"].clone();
        let failure = required("/components/schemas/FailureDetail");
        assert_eq!(
            failure,
            json!(["message"]),
            "`nearest` only where there is something near"
        );
        let body = "/paths/~1api~1v1~1demo/post/requestBody/content/application~1json/schema";
        assert_eq!(required(body), json!(["provider", "act"]));
    }
}
