//! The tree of a YAML file, every node with its place.

use serde_json::Value;

use super::span::Span;

/// One value as it stands in a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Where the value is used: the alias, if it is one.
    pub span: Span,
    /// Where the value is written: differs from `span` only for an alias. Of a scalar its text is
    /// the value as typed, quotes included; of a block scalar the lines below the `|` or `>`.
    pub written: Span,
    pub style: Style,
    pub content: Content,
}

/// What a value is. Keys are text always, as typed (`1` and `true` too); the first of equal keys is
/// kept.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    Null,
    Boolean(bool),
    Integer(i64),
    /// Finite.
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
}

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Style {
    Plain,
    SingleQuoted,
    DoubleQuoted,
    /// `|`
    Literal,
    /// `>`
    Folded,
    /// A list or map by indentation.
    Block,
    /// A list or map in brackets.
    Flow,
}

/// One step down the tree.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Step {
    Key(String),
    Index(usize),
}

impl Node {
    /// What it is, in words that fit after "expected" and "found".
    pub fn kind(&self) -> &'static str {
        match self.content {
            Content::Null => "nothing",
            Content::Boolean(_) => "a boolean",
            Content::Integer(_) | Content::Float(_) => "a number",
            Content::Text(_) => "text",
            Content::List(_) => "a list",
            Content::Map(_) => "a map",
        }
    }

    /// The text of a key or of a text scalar.
    pub fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The key and value of an entry, if this is a map that has it.
    pub fn entry(&self, key: &str) -> Option<(&Node, &Node)> {
        let Content::Map(entries) = &self.content else {
            return None;
        };
        entries
            .iter()
            .find(|(name, _)| name.text() == Some(key))
            .map(|(name, value)| (name, value))
    }

    /// The entry of a map in which a place of its file lies.
    pub fn entry_at(&self, place: &Span) -> Option<(&Node, &Node)> {
        let Content::Map(entries) = &self.content else {
            return None;
        };
        let start = place.range().start;
        let holds = |(key, value): &&(Node, Node)| {
            let end = value.span.range().end.max(key.span.range().end);
            (key.span.range().start..end).contains(&start)
        };
        entries.iter().find(holds).map(|(key, value)| (key, value))
    }

    /// Its key.
    pub fn key_at(&self, place: &Span) -> Option<&str> {
        self.entry_at(place).and_then(|(key, _)| key.text())
    }

    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|(_, value)| value)
    }

    /// The plain value, for templates and schemas.
    pub fn to_json(&self) -> Value {
        match &self.content {
            Content::Null => Value::Null,
            Content::Boolean(boolean) => Value::from(*boolean),
            Content::Integer(integer) => Value::from(*integer),
            Content::Float(float) => Value::from(*float),
            Content::Text(text) => Value::from(text.as_str()),
            Content::List(items) => items.iter().map(Node::to_json).collect(),
            Content::Map(entries) => entries
                .iter()
                .map(|(key, value)| (key.text().unwrap_or_default(), value.to_json()))
                .collect(),
        }
    }

    /// The smallest place that stands for this node: a collection that goes over lines is shown by
    /// its key, and one without a key by its first line.
    pub(super) fn place(&self, key: Option<&Node>) -> Span {
        let is_wide = self.style == Style::Block || matches!(self.content, Content::Null);
        match key {
            Some(key) if is_wide => key.span.clone(),
            _ => self.span.clone(),
        }
    }

    pub(super) fn child(&self, step: &Step) -> Option<(Option<&Node>, &Node)> {
        match (&self.content, step) {
            (Content::Map(_), Step::Key(key)) => {
                self.entry(key).map(|(key, value)| (Some(key), value))
            }
            (Content::List(items), Step::Index(index)) => {
                items.get(*index).map(|item| (None, item))
            }
            _ => None,
        }
    }

    /// Follows a path; also gives the key under which the node stands. Stops early where the path
    /// leaves the tree.
    pub(super) fn find(&self, path: &[Step]) -> (Option<&Node>, &Node) {
        let mut found = (None, self);
        for step in path {
            let Some(next) = found.1.child(step) else {
                return found;
            };
            found = next;
        }
        found
    }
}
