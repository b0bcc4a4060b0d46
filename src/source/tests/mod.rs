//! What people read, what programs get, and what neither may ever see happen.

mod budget;
mod offsets;
mod properties;
mod rendered;
mod shapes;
mod slips;
mod words;

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;

use super::derive::attempt;
use super::prune::prune;
use super::*;

const WIDTH: usize = 80;

fn derive<T: serde::de::DeserializeOwned>(root: &Node) -> Result<T, Diagnostic> {
    attempt(root).map_err(|failure| failure.into_diagnostic(root))
}

/// A campaign in small.
#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Spec {
    /// Its identity.
    #[schemars(required, regex(pattern = "^[a-z0-9-]+$"), extend("patternErrorMessage" = "a name has a-z, 0-9 and `-`"))]
    name: Option<Spanned<String>>,
    /// Calls per second.
    #[schemars(range(min = 1, max = 200))]
    rate: Option<Spanned<u32>>,
    enabled: Option<bool>,
    #[serde(default)]
    variables: Entries<Node>,
    #[serde(default)]
    groups: Vec<Short<Group>>,
    members: Option<Spanned<Vec<Spanned<String>>>>,
    labels: Option<BTreeMap<Spanned<String>, String>>,
    send: Option<Spanned<Send>>,
    pace: Option<Pace>,
    priority: Option<Spanned<Priority>>,
}

#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Group {
    id: Spanned<String>,
    #[serde(rename = "type")]
    kind: Option<Spanned<String>>,
}

impl Shorthand for Group {
    type First = Spanned<String>;

    fn from_first(id: Spanned<String>) -> Group {
        Group { id, kind: None }
    }
}

/// A choice as an enum,
#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Send {
    /// To some groups.
    GroupMessage(Message),
    /// To everyone.
    Broadcast(Message),
}

#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Message {
    text: Text,
    mention: Option<Vec<Spanned<String>>>,
}

/// and as a struct.
#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = one_key)]
struct Pace {
    every: Option<Spanned<u32>>,
    at: Option<Spanned<String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Priority {
    /// First.
    High,
    /// Last.
    Low,
}

fn file(text: &str) -> Arc<Source> {
    Source::new("a.yaml", text)
}

fn read_spec(text: &str) -> Read<Spec> {
    read(&Schema::of::<Spec>(), &file(text))
}

/// Everything that is said about a text, as people read it.
fn said(text: &str) -> String {
    let complaints = read_spec(text).complaints;
    complaints
        .iter()
        .map(|complaint| render(complaint, false, WIDTH))
        .collect::<Vec<_>>()
        .join("\n")
}

#[track_caller]
fn assert_said(text: &str, expected: &str) {
    let actual = said(text);
    assert!(
        actual == expected,
        "--- said:\n{actual}--- expected:\n{expected}"
    );
}

fn node_of(text: &str) -> Node {
    let parsed = parse(&file(text));
    parsed
        .root
        .unwrap_or_else(|| panic!("{:?}", parsed.complaints))
}
