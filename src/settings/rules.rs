//! What the JSON Schema says about a path.

use crate::source::{Content, Node};
use serde_json::Value;

/// A schema to look things up in.
#[derive(Clone, Copy)]
pub(super) struct Rules<'s> {
    schema: &'s Value,
}

/// A key on the way down.
pub(super) struct Step {
    pub(super) key: String,
    /// Its map is a choice of one key.
    pub(super) is_only: bool,
}

impl<'s> Rules<'s> {
    pub(super) fn new(schema: &'s Value) -> Rules<'s> {
        Rules { schema }
    }

    pub(super) fn root(self) -> &'s Value {
        self.schema
    }

    /// The keys that may stand there: those of the schema, or in a map with free keys those of the file.
    pub(super) fn keys(self, rule: &Value, node: Option<&Node>) -> Vec<String> {
        let Some(map) = self.map(rule) else {
            return Vec::new();
        };
        if let Some(properties) = map.get("properties").and_then(Value::as_object) {
            return properties.keys().cloned().collect();
        }
        match node.map(|node| &node.content) {
            Some(Content::Map(entries)) => {
                let keys = entries.iter().filter_map(|(key, _)| key.text());
                keys.map(str::to_owned).collect()
            }
            _ => Vec::new(),
        }
    }

    /// What may stand below a key.
    pub(super) fn below(self, rule: &'s Value, key: String) -> Option<(Step, &'s Value)> {
        let map = self.map(rule)?;
        let named = map
            .get("properties")
            .and_then(|properties| properties.get(&key));
        let below = named.or_else(|| free(map))?;
        let is_only = map.get("maxProperties") == Some(&Value::from(1));
        Some((Step { key, is_only }, below))
    }

    /// Of a map with free keys: what each entry must have.
    pub(super) fn needs_of_entry(self, rule: &Value) -> Option<Vec<String>> {
        let entry = free(self.map(rule)?)?;
        let needed = self
            .map(entry)
            .and_then(|map| map.get("required")?.as_array());
        let needed = needed.into_iter().flatten().filter_map(Value::as_str);
        Some(needed.map(str::to_owned).collect())
    }

    pub(super) fn is_map(self, rule: &Value) -> bool {
        self.map(rule).is_some()
    }

    pub(super) fn is_text(self, rule: &Value) -> bool {
        let is_text = |rule: &Value| match rule.get("type")? {
            Value::Array(types) => types.contains(&"string".into()).then_some(()),
            only => (only == "string").then_some(()),
        };
        self.any(rule, &is_text).is_some()
    }

    fn map<'r>(self, rule: &'r Value) -> Option<&'r Value>
    where
        's: 'r,
    {
        self.any(rule, &|rule| {
            let is_map = rule.get("properties").is_some() || free(rule).is_some();
            is_map.then_some(rule)
        })
    }

    /// The first find in a rule, in what it refers to, and in the shapes it allows.
    fn any<'r, T>(self, rule: &'r Value, find: &impl Fn(&'r Value) -> Option<T>) -> Option<T>
    where
        's: 'r,
    {
        if let Some(reference) = rule.get("$ref").and_then(Value::as_str) {
            let referred = self.schema.pointer(reference.trim_start_matches('#'))?;
            return self.any(referred, find);
        }
        let shapes = ["allOf", "anyOf", "oneOf"]
            .iter()
            .filter_map(|name| rule.get(*name)?.as_array());
        find(rule).or_else(|| shapes.flatten().find_map(|shape| self.any(shape, find)))
    }
}

/// What the entries of a map with free keys are.
fn free(map: &Value) -> Option<&Value> {
    map.get("additionalProperties")
        .filter(|entry| entry.is_object())
}
