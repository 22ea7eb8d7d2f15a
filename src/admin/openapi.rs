//! The description of the API, made of the table that serves it.

use http::StatusCode;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::operations::{Content, Operation, Parameter, TABLE, shape};
use super::query::Kind;
use super::reply::{self, Reply};
use super::shapes::Failure;

/// `GET /api/v1/openapi.json`.
pub(super) fn document() -> Reply {
    reply::json(StatusCode::OK, &description())
}

/// `OpenAPI` 3.1, whose schemas are JSON Schema's 2020-12.
pub fn description() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    let mut paths: Map<String, Value> = Map::new();
    for operation in TABLE {
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
        let schema = body(generator);
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
    }
    all
}

fn answer(about: &str, content: &Content, generator: &mut SchemaGenerator) -> Value {
    let content = match content {
        Content::Json(shape) => json!({ "application/json": { "schema": shape(generator) } }),
        Content::Text(media) => json!({ *media: { "schema": { "type": "string" } } }),
    };
    json!({ "description": about, "content": content })
}

fn parameter(parameter: &Parameter) -> Value {
    let schema = match parameter.kind {
        // Not every reader of JSON has whole numbers beyond 53 bits.
        Kind::Whole(least, most) => {
            json!({ "type": "integer", "minimum": least, "maximum": most.min(1 << 53) })
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
}
