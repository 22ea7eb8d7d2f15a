//! `GET /v1/models`: what clients may put into `model`.

use bytes::Bytes;
use serde_json::Value;

/// One name that clients may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Model<'a> {
    /// A route's name, or `provider/model`.
    pub id: &'a str,
    /// Seconds since 1970 at which the name came into being: the start of the process.
    pub created: u64,
    /// Who serves it: the provider's name, or this proxy's for a route.
    pub owned_by: &'a str,
}

/// The body of the answer, in OpenAI's shape, in the order given
/// (source: <https://platform.openai.com/docs/api-reference/models/list>).
pub fn page<'a>(models: impl IntoIterator<Item = Model<'a>>) -> Bytes {
    let rows: Vec<String> = models.into_iter().map(row).collect();
    format!(r#"{{"object":"list","data":[{}]}}"#, rows.join(",")).into()
}

/// The body of `GET /v1/models/{id}`.
pub fn one(model: Model<'_>) -> Bytes {
    row(model).into()
}

fn row(model: Model<'_>) -> String {
    format!(
        r#"{{"id":{},"object":"model","created":{},"owned_by":{}}}"#,
        Value::from(model.id),
        model.created,
        Value::from(model.owned_by)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_has_openais_shape() {
        let models = ["chat", "openai/gpt-\"4o\""].map(|id| Model {
            id,
            created: 7,
            owned_by: "weighbridge",
        });
        let page: Value = serde_json::from_slice(&page(models)).unwrap();
        assert_eq!(
            page,
            serde_json::json!({"object": "list", "data": [
                {"object": "model", "id": "chat", "created": 7, "owned_by": "weighbridge"},
                {"object": "model", "id": "openai/gpt-\"4o\"", "created": 7, "owned_by": "weighbridge"},
            ]})
        );
        let one: Value = serde_json::from_slice(&one(models[0])).unwrap();
        assert_eq!(one, page["data"][0], "one model looks as in the list");
    }
}
