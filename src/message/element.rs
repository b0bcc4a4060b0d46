//! The elements of a `MsgBody`.

use serde_json::{Value, json};

/// A rendered element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Element {
    Text(String),
}

/// Bytes of compact JSON of `MsgBody`. The sources disagree between 8,000 and 12K; above this nobody takes it.
pub const SIZE_MAX: usize = 12_000;

/// `MsgBody`
pub fn body(elements: &[Element]) -> Value {
    elements.iter().map(Element::to_json).collect()
}

impl Element {
    fn to_json(&self) -> Value {
        match self {
            Element::Text(text) => {
                json!({ "MsgType": "TIMTextElem", "MsgContent": { "Text": text } })
            }
        }
    }
}
