//! From the tree to a Spec, through serde.

use serde::Deserializer;
use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, EnumAccess, Error as _, SeqAccess, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::complaint;
use super::derive_map::Entry;
use super::failure::Failure;
use super::handing::{hand_over, handed_for};
use super::node::{Content, Node, Step};

/// Reads a tree into a Spec. serde stops at the first thing that is wrong; [`read`](super::read()) goes on.
pub(super) fn attempt<T: DeserializeOwned>(root: &Node) -> Result<T, Failure> {
    T::deserialize(NodeDeserializer {
        node: root,
        key: None,
    })
}

#[derive(Clone, Copy)]
pub(super) struct NodeDeserializer<'n> {
    pub(super) node: &'n Node,
    /// The key it stands under: where a complaint about a value over several lines is shown.
    pub(super) key: Option<&'n Node>,
}

impl NodeDeserializer<'_> {
    fn placed<T>(&self, result: Result<T, Failure>) -> Result<T, Failure> {
        result.map_err(|failure| failure.at(self.node, self.key))
    }
}

impl<'de> Deserializer<'de> for NodeDeserializer<'_> {
    type Error = Failure;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        let result = match &self.node.content {
            Content::Null => visitor.visit_unit(),
            Content::Boolean(boolean) => visitor.visit_bool(*boolean),
            Content::Integer(integer) => visitor.visit_i64(*integer),
            Content::Float(float) => visitor.visit_f64(*float),
            Content::Text(text) => visitor.visit_str(text),
            Content::List(items) => {
                let mut list = Items { items, next: 0 };
                visitor
                    .visit_seq(&mut list)
                    .and_then(|value| list.all_taken(value))
            }
            Content::Map(entries) => visitor.visit_map(Entry { entries, next: 0 }),
        };
        self.placed(result)
    }

    /// A key that is given without a value is an error, not an absent key.
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        let result = match self.node.content {
            Content::Null => Err(Failure::new(
                complaint::NO_VALUE,
                complaint::no_value(self.key),
            )),
            _ => visitor.visit_some(self),
        };
        self.placed(result)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        if let Some(handed) = handed_for(name, self.node) {
            hand_over(handed);
        }
        let result = visitor.visit_newtype_struct(self);
        self.placed(result)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        let result = match &self.node.content {
            Content::Text(_) => visitor.visit_enum(Choice {
                name: self.node,
                value: None,
            }),
            Content::Map(entries) => match entries.as_slice() {
                [(name, value)] => visitor.visit_enum(Choice {
                    name,
                    value: Some(value),
                }),
                _ => Err(Failure::new(
                    complaint::ONE_OF,
                    complaint::one_of(self.key, variants, entries.len()),
                )),
            },
            _ => Err(Failure::custom(format!(
                "expected one of {}",
                super::list_of(variants)
            ))),
        };
        self.placed(result)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        seq tuple tuple_struct map struct identifier ignored_any
    }
}

struct Items<'n> {
    items: &'n [Node],
    next: usize,
}

impl Items<'_> {
    fn all_taken<T>(&self, value: T) -> Result<T, Failure> {
        if self.next == self.items.len() {
            return Ok(value);
        }
        let found = super::plural(self.items.len() as u64, "item");
        Err(Failure::custom(format!(
            "expected {}, found {found}",
            super::plural(self.next as u64, "item")
        )))
    }
}

impl<'de> SeqAccess<'de> for &mut Items<'_> {
    type Error = Failure;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Failure> {
        let Some(node) = self.items.get(self.next) else {
            return Ok(None);
        };
        let step = Step::Index(self.next);
        self.next += 1;
        let value = seed.deserialize(NodeDeserializer { node, key: None });
        value.map(Some).map_err(|failure| failure.under(step))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len() - self.next)
    }
}

/// An externally tagged choice: a word, or a map of one key.
struct Choice<'n> {
    name: &'n Node,
    value: Option<&'n Node>,
}

impl<'n> Choice<'n> {
    fn inside<T>(
        &self,
        read: impl FnOnce(NodeDeserializer<'n>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let name = self.name.text().unwrap_or_default();
        let Some(node) = self.value else {
            return Err(Failure::custom(format!("`{name}` needs a value")));
        };
        let result = read(NodeDeserializer {
            node,
            key: Some(self.name),
        });
        result.map_err(|failure| failure.under(Step::Key(name.to_owned())))
    }
}

impl<'de> EnumAccess<'de> for Choice<'_> {
    type Error = Failure;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Failure> {
        let name = StrDeserializer::<Failure>::new(self.name.text().unwrap_or_default());
        let variant = seed
            .deserialize(name)
            .map_err(|failure| failure.at(self.name, None))?;
        Ok((variant, self))
    }
}

impl<'de> VariantAccess<'de> for Choice<'_> {
    type Error = Failure;

    fn unit_variant(self) -> Result<(), Failure> {
        match self.value {
            None => Ok(()),
            Some(value) => {
                let name = self.name.text().unwrap_or_default();
                Err(Failure::custom(format!("`{name}` takes no value")).at(value, Some(self.name)))
            }
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Failure> {
        self.inside(|value| seed.deserialize(value))
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.inside(|value| value.deserialize_any(visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.inside(|value| value.deserialize_any(visitor))
    }
}
