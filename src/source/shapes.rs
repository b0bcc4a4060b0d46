//! Shapes of YAML values that serde alone would spoil: maps in file order, and maps written as
//! their first field.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use super::handing::{Handed, PLACE, taken};
use super::spanned::Spanned;
use super::text::Text;

/// A map with free keys, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entries<T>(pub Vec<(Spanned<String>, T)>);

impl<T> Default for Entries<T> {
    fn default() -> Entries<T> {
        Entries(Vec::new())
    }
}

impl<T> Deref for Entries<T> {
    type Target = [(Spanned<String>, T)];

    fn deref(&self) -> &[(Spanned<String>, T)] {
        &self.0
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Entries<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Entries<T>, D::Error> {
        struct Each<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Each<T> {
            type Value = Entries<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<T>, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Each(PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for Entries<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Map_of_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object", "additionalProperties": generator.subschema_for::<T>() })
    }
}

/// A map of which only the first field is given may be written as that field; that field is never a
/// map itself.
pub trait Shorthand: Sized {
    type First;

    fn from_first(first: Self::First) -> Self;
}

/// Either the whole map or its first field alone. The reader looks which it is, so that complaints
/// are about that one, where an untagged enum would only say that neither fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Short<T>(pub T);

impl<T> Deref for Short<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<'de, T: Shorthand + Deserialize<'de>> Deserialize<'de> for Short<T>
where
    T::First: Deserialize<'de>,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Short<T>, D::Error> {
        struct Either<T>(PhantomData<T>);
        impl<'de, T: Shorthand + Deserialize<'de>> Visitor<'de> for Either<T>
        where
            T::First: Deserialize<'de>,
        {
            type Value = Short<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a map or its first field")
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(
                self,
                inner: D,
            ) -> Result<Short<T>, D::Error> {
                match taken()? {
                    Handed::Place { is_map: true, .. } => T::deserialize(inner).map(Short),
                    _ => T::First::deserialize(inner).map(|first| Short(T::from_first(first))),
                }
            }
        }
        deserializer.deserialize_newtype_struct(PLACE, Either(PhantomData))
    }
}

impl<T: Shorthand + JsonSchema> JsonSchema for Short<T>
where
    T::First: JsonSchema,
{
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Short_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [generator.subschema_for::<T::First>(), generator.subschema_for::<T>()] })
    }
}

/// A text, or a map that says more. The reader looks which it is, so that complaints are about that one.
#[derive(Debug, Clone)]
pub enum TextOr<T> {
    Text(Text),
    Map(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for TextOr<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<TextOr<T>, D::Error> {
        struct Either<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Either<T> {
            type Value = TextOr<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a text or a map")
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(
                self,
                inner: D,
            ) -> Result<TextOr<T>, D::Error> {
                match taken()? {
                    Handed::Place { is_map: true, .. } => T::deserialize(inner).map(TextOr::Map),
                    _ => Text::deserialize(inner).map(TextOr::Text),
                }
            }
        }
        deserializer.deserialize_newtype_struct(PLACE, Either(PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for TextOr<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Text_or_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [generator.subschema_for::<Text>(), generator.subschema_for::<T>()] })
    }
}
