//! A text scalar that remembers how it was written.

use std::ops::{Deref, Range};
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, de::Error as _};

use super::node::{Content, Node, Style};
use super::offsets::written_range;
use super::span::{Source, Span};

/// Text with its style, and a way back from each byte of the value to where it was typed: a
/// template error inside a quoted text with escapes, or in the middle of a block, is shown at its
/// exact place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    pub value: String,
    pub style: Style,
    /// Where it is used: the alias, if it is one.
    pub span: Span,
    /// Where it is written, quotes included.
    pub written: Span,
}

impl Text {
    /// The text of a node, if it is text.
    pub fn of(node: &Node) -> Option<Text> {
        let value = node.text()?.to_owned();
        Some(Text {
            value,
            style: node.style,
            span: node.span.clone(),
            written: node.written.clone(),
        })
    }

    /// A whole file as one text.
    pub fn whole(source: &Arc<Source>) -> Text {
        let span = Span::new(source, 0..source.text.len());
        Text {
            value: source.text.clone(),
            style: Style::Literal,
            span: span.clone(),
            written: span,
        }
    }

    /// Where these bytes of the value were typed.
    pub fn span_of(&self, range: Range<usize>) -> Span {
        if self.written.slice() == self.value {
            return self.written.part(range);
        }
        match written_range(&self.value, self.style, self.written.slice(), range) {
            Some(range) => self.written.part(range),
            None => self.written.clone(),
        }
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.value
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Text, D::Error> {
        let node = Node::deserialize(deserializer)?;
        let Node {
            span,
            written,
            style,
            content,
        } = node;
        match content {
            Content::Text(value) => Ok(Text {
                value,
                style,
                span,
                written,
            }),
            other => Err(D::Error::custom(format!(
                "expected text, found {}",
                Node {
                    span,
                    written,
                    style,
                    content: other
                }
                .kind()
            ))),
        }
    }
}

impl JsonSchema for Text {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        String::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }
}
