//! Values as they are written in YAML.

use super::Value;
use super::{check_style, is_changed};
use crate::source::{Content, Diagnostic, Node, Text};
use std::collections::BTreeMap;

/// A plain value: text, a number, true or false, a list or a map of such.
pub fn value_of(node: &Node) -> Result<Value, Diagnostic> {
    Ok(match &node.content {
        Content::Null => Value::from(()),
        Content::Boolean(value) => Value::from(*value),
        Content::Integer(value) => {
            check_print(node, &value.to_string())?;
            Value::from(*value)
        }
        Content::Float(value) => {
            check_print(node, &Value::from(*value).to_string())?;
            Value::from(*value)
        }
        Content::Text(value) => {
            let text = Text::of(node).filter(is_changed);
            text.and_then(|text| check_style(&text))
                .map_or(Ok(()), Err)?;
            Value::from(value.as_str())
        }
        Content::List(items) => items
            .iter()
            .map(value_of)
            .collect::<Result<Vec<_>, _>>()?
            .into(),
        Content::Map(entries) => {
            let mut map = BTreeMap::new();
            for (key, value) in entries {
                map.insert(key.text().unwrap_or_default().to_owned(), value_of(value)?);
            }
            Value::from(map)
        }
    })
}

/// `9.90` would be sent as `9.9`.
pub fn check_print(node: &Node, printed: &str) -> Result<(), Diagnostic> {
    let written = node.written.slice();
    if written == printed {
        return Ok(());
    }
    let message = format!("the number `{written}` would be sent as `{printed}`");
    Err(
        Diagnostic::error("number-changes", &node.span, message).help(format!(
            "write \"{written}\" with quotes to send it as it stands"
        )),
    )
}

/// Both maps in one; the names of `first` win.
pub fn merged(first: Value, second: Value) -> Value {
    minijinja::value::merge_maps([first, second])
}

/// Whether `{{ name }}` can mean it.
pub fn is_identifier(name: &str) -> bool {
    let mut letters = name.chars();
    let starts = letters
        .next()
        .is_some_and(|first| first.is_alphabetic() || first == '_');
    starts && letters.all(|letter| letter.is_alphanumeric() || letter == '_')
}
