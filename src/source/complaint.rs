//! The words and places of complaints about keys and values, shared by the schema check and by
//! serde.

use jsonschema::JsonType;

use super::diagnostic::Diagnostic;
use super::kinds::word_of;
use super::node::{Content, Node, Step, Style};
use super::scalar;
use super::slip::{colon_help, mend_colon};
use super::span::Span;
use super::words::{choice_of, is_typeable, list_of, literal, nearest};

pub(super) const UNKNOWN_KEY: &str = "unknown-key";
pub(super) const MISSING_KEY: &str = "missing-key";
pub(super) const WRONG_TYPE: &str = "wrong-type";
pub(super) const NO_VALUE: &str = "no-value";
pub(super) const UNKNOWN_CHOICE: &str = "unknown-choice";
pub(super) const ONE_OF: &str = "one-of";
/// The right type, but not one of its good values.
pub(super) const BAD_VALUE: &str = "bad-value";

/// So many known keys are listed; more would hide the suggestion.
const MAX_LISTED: usize = 26;

pub(super) fn unknown_key(key: &str) -> String {
    format!("unknown key {}", literal(key))
}

pub(super) fn unknown_choice(word: &str) -> String {
    format!("{} is not one of the choices", literal(word))
}

pub(super) fn missing(key: &str) -> String {
    format!("the key `{key}` is missing")
}

pub(super) fn no_value(key: Option<&Node>) -> String {
    match key.and_then(Node::text) {
        Some(key) => format!("{} has no value", literal(key)),
        None => "there is no value here".to_owned(),
    }
}

/// Too few or too many keys in a choice that is a map of one key.
pub(super) fn one_of<S: AsRef<str>>(key: Option<&Node>, choices: &[S], found: usize) -> String {
    let whose = key
        .and_then(Node::text)
        .map_or_else(String::new, |key| format!(" in {}", literal(key)));
    if found == 0 {
        return format!("one of {} is needed{whose}", choice_of(choices));
    }
    format!(
        "exactly one of {} is allowed{whose}, found {found}",
        list_of(choices)
    )
}

/// The suggestion, or all there is to choose from.
pub(super) fn known_help<S: AsRef<str>>(word: &str, known: &[S], what: &str) -> Option<String> {
    let guess = nearest(word, known.iter().map(AsRef::as_ref))
        .map(|guess| format!("did you mean `{guess}`?"));
    if known.is_empty() || (guess.is_some() && known.len() > MAX_LISTED) {
        return guess;
    }
    let listed = &known[..known.len().min(MAX_LISTED)];
    let more = if listed.len() < known.len() {
        ", and more"
    } else {
        ""
    };
    let guess = guess.map_or_else(String::new, |guess| format!("{guess} "));
    Some(format!("{guess}{what}: {}{more}", list_of(listed)))
}

/// A missing key is shown where it could be written: at the first key of its map, or at the map.
pub(super) fn place_of_missing(map: &Node, key: Option<&Node>) -> Span {
    match &map.content {
        Content::Map(entries) if map.style == Style::Block && key.is_none() => entries
            .first()
            .map_or_else(|| map.span.clone(), |(first, _)| first.span.clone()),
        _ => map.place(key),
    }
}

pub(super) fn wrong_type(expected: &[JsonType], node: &Node, path: &[Step]) -> String {
    let whose = match path {
        [.., Step::Key(key)] => format!(" for {}", literal(key)),
        [.., Step::Key(key), Step::Index(_)] => format!(" in {}", literal(key)),
        _ => String::new(),
    };
    let found = match node.content {
        Content::Float(_) if expected == [JsonType::Integer] => "a fraction",
        _ => node.kind(),
    };
    let words: Vec<&str> = expected.iter().map(|each| word_of(*each)).collect();
    let expected = match words.as_slice() {
        [rest @ .., last] if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        words => words.join(""),
    };
    format!("expected {expected}{whose}, found {found}")
}

/// What is wrong for certain with a value of another kind: it lacks quotes, or it is a key with a colon that is none.
pub(super) fn mend_type(diagnostic: Diagnostic, expected: &[JsonType], node: &Node) -> Diagnostic {
    let wants = |json_type| expected.contains(&json_type);
    if node.span != node.written {
        return diagnostic;
    }
    match &node.content {
        Content::Boolean(_) | Content::Integer(_) | Content::Float(_)
            if wants(JsonType::String) =>
        {
            let text = format!("\"{}\"", node.written.slice());
            diagnostic.mend(&node.written, text)
        }
        Content::Text(_) if wants(JsonType::Object) && node.style == Style::Plain => {
            let text = node.written.slice();
            let end = text.find(['\n', '\r']).unwrap_or(text.len());
            mend_colon(diagnostic, &node.written.part(0..end)).hiding(&node.written)
        }
        _ => diagnostic,
    }
}

/// A number where a text of a certain form belongs lacks more than quotes.
pub(super) fn example_help(example: Option<&str>, node: &Node) -> Option<String> {
    let is_number = matches!(node.content, Content::Integer(_) | Content::Float(_));
    let example = example.filter(|_| is_number)?;
    Some(format!("write it in the form `{example}`"))
}

/// What to type instead, where that can be said.
pub(super) fn type_help(expected: &[JsonType], node: &Node) -> Option<String> {
    let raw = node.written.slice();
    let wants = |json_type| expected.contains(&json_type);
    let is_line = is_typeable(raw);
    match &node.content {
        Content::Boolean(_) | Content::Integer(_) | Content::Float(_)
            if wants(JsonType::String) =>
        {
            Some(format!("put it in quotes: `\"{raw}\"`"))
        }
        Content::Text(text) if wants(JsonType::Boolean) => match text.to_lowercase().as_str() {
            "yes" | "on" | "true" => Some("write `true`".to_owned()),
            "no" | "off" | "false" => Some("write `false`".to_owned()),
            _ => None,
        },
        Content::Text(text) if wants(JsonType::Number) || wants(JsonType::Integer) => {
            let is_number = matches!(
                scalar::resolve(text),
                Ok(Content::Integer(_) | Content::Float(_))
            );
            (is_number && is_line).then(|| format!("write it without quotes: `{text}`"))
        }
        Content::Text(text) if wants(JsonType::Object) => colon_help(text),
        Content::Map(_) if wants(JsonType::Array) => Some("begin each item with `- `".to_owned()),
        Content::List(_) | Content::Map(_) => None,
        _ if wants(JsonType::Array) && is_line => Some(format!("write a list: `[{raw}]`")),
        _ => None,
    }
}
