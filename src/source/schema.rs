//! The JSON Schema of a Spec: what editors complete by is what `check` complains by.

use jsonschema::Validator;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema as JsonSchemaOf};
use serde_json::{Map, Value, json};

use super::check::complaints;
use super::node::Node;
use super::prune::Complaint;

/// A generated draft-07 schema, compiled once.
#[derive(Debug)]
pub struct Schema {
    json: Value,
    validator: Validator,
}

impl Schema {
    pub fn of<T: JsonSchema>() -> Schema {
        let mut settings = SchemaSettings::draft07();
        // Ours come first: draft 07 wants what stands beside a `$ref` moved away, and we put some
        // there.
        settings
            .transforms
            .insert(0, Box::new(RecursiveTransform(without_null)));
        settings
            .transforms
            .insert(1, Box::new(RecursiveTransform(one_key_enum)));
        let json = settings
            .into_generator()
            .into_root_schema_for::<T>()
            .to_value();
        let validator = jsonschema::draft7::options()
            .build(&json)
            .expect("a generated schema is a valid one, and refers to nothing outside itself");
        Schema { json, validator }
    }

    /// For editors.
    pub fn json(&self) -> &Value {
        &self.json
    }

    /// Every complaint at once, in the order of the file.
    pub fn check(&self, root: &Node) -> Vec<Complaint> {
        complaints(&self.json, &self.validator, root)
    }
}

/// For `#[schemars(transform = one_key)]` on a struct whose fields are all optional: exactly one of
/// them is given. Editors then complete and complain for each key, which they do not for `oneOf`.
pub fn one_key(schema: &mut JsonSchemaOf) {
    let object = schema.ensure_object();
    object.remove("required");
    object.insert("additionalProperties".to_owned(), Value::Bool(false));
    object.insert("minProperties".to_owned(), json!(1));
    object.insert("maxProperties".to_owned(), json!(1));
}

/// An externally tagged enum comes as `oneOf` of objects with one key each: it becomes one object.
fn one_key_enum(schema: &mut JsonSchemaOf) {
    let Some(object) = schema.as_object_mut() else {
        return;
    };
    let Some(branches) = object.get("oneOf").and_then(Value::as_array) else {
        return;
    };
    let Some(properties) = branches
        .iter()
        .map(only_property)
        .collect::<Option<Map<String, Value>>>()
    else {
        return;
    };
    object.remove("oneOf");
    object.insert("type".to_owned(), json!("object"));
    object.insert("properties".to_owned(), Value::Object(properties));
    one_key(schema);
}

/// The one key of a branch; what is said about the branch is said about its key.
fn only_property(branch: &Value) -> Option<(String, Value)> {
    let properties = branch.get("properties")?.as_object()?;
    let (name, value) = properties.iter().next()?;
    if properties.len() != 1 || branch.get("required") != Some(&json!([name])) {
        return None;
    }
    let mut value = value.clone();
    if let (Some(description), Some(value)) = (branch.get("description"), value.as_object_mut()) {
        value
            .entry("description")
            .or_insert_with(|| description.clone());
    }
    Some((name.clone(), value))
}

/// `Option` means that a key may be absent. A key that is given has a value, so no schema of ours
/// allows null.
fn without_null(schema: &mut JsonSchemaOf) {
    let Some(object) = schema.as_object_mut() else {
        return;
    };
    if object.get("default") == Some(&Value::Null) {
        object.remove("default");
    }
    if let Some(Value::Array(options)) = object.get_mut("enum") {
        options.retain(|option| !option.is_null());
    }
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            object.insert("type".to_owned(), only);
        }
    }
    let Some(Value::Array(branches)) = object.get_mut("anyOf") else {
        return;
    };
    branches.retain(|branch| branch != &json!({ "type": "null" }));
    if let [Value::Object(only)] = branches.as_slice() {
        let only = only.clone();
        object.remove("anyOf");
        for (key, value) in only {
            object.entry(key).or_insert(value);
        }
    }
}
