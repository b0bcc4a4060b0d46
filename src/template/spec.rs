//! Templates as written.

use crate::source::{Entries, Span, Text, TextOr};
use schemars::JsonSchema;
use serde::Deserialize;

/// A text, or one chosen among several: wherever a template stands.
pub type TemplateSpec = TextOr<ChosenSpec>;

/// One of several texts, chosen by a value.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChosenSpec {
    /// An expression whose value names the case, such as `group.locale`, `occurrence.date` or `bucket(2)`.
    #[schemars(required)]
    pub by: Option<Text>,
    /// The texts by value; each is a template.
    #[schemars(required)]
    pub cases: Option<Entries<Text>>,
    /// The text for all other values; a template. Default: none, and a value without a case is an error.
    pub otherwise: Option<Text>,
}

impl TextOr<ChosenSpec> {
    /// The texts that may be sent.
    pub fn texts(&self) -> impl Iterator<Item = &Text> {
        let (one, chosen) = match self {
            TextOr::Text(text) => (Some(text), None),
            TextOr::Map(chosen) => (None, Some(chosen)),
        };
        let cases = chosen.and_then(|chosen| chosen.cases.as_deref());
        let cases = cases.unwrap_or_default().iter().map(|(_, text)| text);
        let otherwise = chosen.and_then(|chosen| chosen.otherwise.as_ref());
        one.into_iter().chain(cases).chain(otherwise)
    }

    /// Where it begins.
    pub fn span(&self) -> Option<Span> {
        match self {
            TextOr::Text(text) => Some(text.span.clone()),
            TextOr::Map(chosen) => chosen.by.as_ref().map(|by| by.span.clone()),
        }
    }
}
