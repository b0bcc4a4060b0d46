//! The way of places through serde.
//!
//! serde carries no context beside a value. So the types that want one ask for a newtype struct by
//! a name only the deserializer of trees knows; it puts what they want into a slot of this thread,
//! and their visitor takes it out at once.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error as _, Visitor};

use super::node::{Content, Node};
use super::span::Span;

/// Asks for [`Handed::Place`].
pub(super) const PLACE: &str = "campanile::source::Place";
/// Asks for [`Handed::Node`].
pub(super) const NODE: &str = "campanile::source::Node";

/// What the deserializer says about the node it is about to give.
pub(super) enum Handed {
    Place { span: Span, is_map: bool },
    Node(Node),
}

thread_local! {
    static HANDED: RefCell<Option<Handed>> = const { RefCell::new(None) };
}

pub(super) fn hand_over(handed: Handed) {
    HANDED.set(Some(handed));
}

pub(super) fn taken<E: serde::de::Error>() -> Result<Handed, E> {
    HANDED
        .take()
        .ok_or_else(|| E::custom("places are known only to the reader of YAML trees"))
}

/// Says what the node is to whoever asks by one of our names.
pub(super) fn handed_for(name: &str, node: &Node) -> Option<Handed> {
    match name {
        PLACE => Some(Handed::Place {
            span: node.span.clone(),
            is_map: matches!(node.content, Content::Map(_)),
        }),
        NODE => Some(Handed::Node(node.clone())),
        _ => None,
    }
}

/// A free value, such as a template variable: the node itself.
impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Node, D::Error> {
        struct Whole;
        impl<'de> Visitor<'de> for Whole {
            type Value = Node;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a value of a YAML tree")
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(self, _: D) -> Result<Node, D::Error> {
                match taken()? {
                    Handed::Node(node) => Ok(node),
                    Handed::Place { .. } => Err(D::Error::custom("no node was given")),
                }
            }
        }
        deserializer.deserialize_newtype_struct(NODE, Whole)
    }
}

impl JsonSchema for Node {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Value".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!(true)
    }
}
