//! The kinds and choices of a schema in words.

use jsonschema::JsonType;
use jsonschema::error::TypeKind;
use serde_json::Value;

pub(super) fn types_of(kind: &TypeKind) -> Vec<JsonType> {
    match kind {
        TypeKind::Single(one) => vec![*one],
        TypeKind::Multiple(set) => set.iter().collect(),
    }
}

pub(super) fn word_of(json_type: JsonType) -> &'static str {
    match json_type {
        JsonType::Null => "nothing",
        JsonType::Boolean => "`true` or `false`",
        JsonType::Integer => "a whole number",
        JsonType::Number => "a number",
        JsonType::String => "text",
        JsonType::Array => "a list",
        JsonType::Object => "a map",
    }
}

/// The values of `enum`, or the one of `const`, as typed.
pub(super) fn choices_of(options: &Value) -> Vec<String> {
    let one = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    match options {
        Value::Array(values) => values.iter().map(one).collect(),
        value => vec![one(value)],
    }
}
