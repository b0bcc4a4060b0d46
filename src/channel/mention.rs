//! Who is mentioned in a group message (`GroupAtInfo`).

use crate::message::{Lowering, Rule, Shape};
use crate::source::TextOr;
use crate::template::TemplateSpec;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// Everybody, or a list in the order of the marks in the text.
#[derive(Clone, Debug)]
pub enum MentionSpec {
    Everybody,
    List(Vec<TemplateSpec>),
}

/// The word for everybody, alone and in a list. An account of that name is `"{{ 'all' }}"`.
const ALL: &str = "all";
/// The vendor takes no more mentions (10053).
const MENTIONS_MAX: usize = 30;

impl MentionSpec {
    /// Whether anything in it mentions everybody.
    pub(super) fn is_for_all(&self) -> bool {
        match self {
            MentionSpec::Everybody => true,
            MentionSpec::List(items) => items.iter().any(is_all),
        }
    }

    pub(super) fn lower(&self, lowering: &mut Lowering<'_>) -> Shape {
        let MentionSpec::List(items) = self else {
            return Shape::List(vec![one(1, None)]);
        };
        let items = items.iter().map(|item| {
            if is_all(item) {
                return one(1, None);
            }
            one(0, lowering.word(Some(item), Rule::Account))
        });
        Shape::List(items.collect())
    }
}

fn is_all(item: &TemplateSpec) -> bool {
    matches!(item, TextOr::Text(text) if text.value == ALL)
}

fn one(all: u32, account: Option<Shape>) -> Shape {
    Shape::map([
        ("GroupAtAllFlag", Some(Shape::fixed(all))),
        ("GroupAt_Account", account),
    ])
}

impl<'de> Deserialize<'de> for MentionSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<MentionSpec, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = MentionSpec;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("`all` or a list of accounts")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<MentionSpec, E> {
                match text {
                    ALL => Ok(MentionSpec::Everybody),
                    _ => Err(E::custom("expected `all` or a list of accounts")),
                }
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<MentionSpec, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = list.next_element()? {
                    items.push(item);
                }
                Ok(MentionSpec::List(items))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl JsonSchema for MentionSpec {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "MentionSpec".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "type": "string", "enum": [ALL] },
            {
                "type": "array",
                "items": generator.subschema_for::<TemplateSpec>(),
                "minItems": 1,
                "maxItems": MENTIONS_MAX,
            },
        ] })
    }
}
