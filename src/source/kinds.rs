//! The kinds and choices of a schema in words.

use jsonschema::JsonType;
use jsonschema::error::TypeKind;
use serde_json::Value;

pub(super) const TEXT: &str = "text";
pub(super) const BOOLEAN: &str = "`true` or `false`";
pub(super) const WHOLE: &str = "a whole number";
pub(super) const NUMBER: &str = "a number";
pub(super) const LIST: &str = "a list";
pub(super) const MAP: &str = "a map";

pub(super) fn words_of(kind: &TypeKind) -> Vec<&'static str> {
    match kind {
        TypeKind::Single(one) => vec![word_of(*one)],
        TypeKind::Multiple(set) => set.iter().map(word_of).collect(),
    }
}

fn word_of(json_type: JsonType) -> &'static str {
    match json_type {
        JsonType::Null => "nothing",
        JsonType::Boolean => BOOLEAN,
        JsonType::Integer => WHOLE,
        JsonType::Number => NUMBER,
        JsonType::String => TEXT,
        JsonType::Array => LIST,
        JsonType::Object => MAP,
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
