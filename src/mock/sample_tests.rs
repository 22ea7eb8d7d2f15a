//! Samples have what their schemas require.

use super::*;

#[test]
fn required_members_have_plain_values_of_their_types() {
    let schema = json!({
        "type": "object",
        "properties": {
            "city": {"type": "string"}, "days": {"type": "integer", "maximum": 5},
            "warm": {"type": "boolean"}, "unit": {"enum": ["C", "F"]},
            "tags": {"type": "array", "items": {"type": "string"}, "minItems": 2},
            "place": {"$ref": "#/$defs/place"}, "when": {"type": ["null", "string"], "format": "date"},
            "ratio": {"type": "NUMBER", "minimum": 9.5}, "kind": {"const": "x"},
            "either": {"anyOf": [{"type": "null"}, {"type": "string"}]},
            "left_out": {"type": "string"}
        },
        "required": ["city", "days", "warm", "unit", "tags", "place", "when", "ratio", "kind", "either"],
        "$defs": {"place": {"type": "object", "properties": {"name": {"minLength": 8}}, "required": ["name"]}}
    });
    let expected = json!({
        "city": "grain", "days": 5, "warm": true, "unit": "C", "tags": ["grain", "grain"],
        "place": {"name": "grainnnn"}, "when": "2026-11-24", "ratio": 9.5, "kind": "x", "either": null
    });
    assert_eq!(sample(&schema), expected);
}

#[test]
fn a_schema_that_never_ends_is_cut_off() {
    let endless = json!({
        "properties": {"a": {"$ref": "#"}, "b": {"$ref": "#"}, "c": {"$ref": "#"}, "d": {"$ref": "#"}},
        "required": ["a", "b", "c", "d"]
    });
    assert!(
        sample(&endless).to_string().len() < 100_000,
        "it branches four ways at each level"
    );
    let huge = json!({"type": "array", "minItems": 1_000_000_000, "items":
        {"type": "array", "minItems": 1_000_000_000, "items": {"minLength": 1_000_000_000}}});
    assert!(sample(&huge).to_string().len() < 5_000_000, "as is demand");
}

#[test]
fn no_schema_is_a_text() {
    assert_eq!(sample(&json!({})), json!("grain"));
    assert_eq!(sample(&Value::Null), json!("grain"));
    assert_eq!(sample(&json!({"type": "object"})), json!({}));
}
