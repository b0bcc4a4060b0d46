//! One delivery with all that its readers, and those who answer for it, want to see.

use super::Likeness;
use crate::channel::Request;
use crate::delivery::EndReason;
use crate::report::reason::end_text;
use crate::template::{Case, Value};
use std::collections::BTreeMap;

#[derive(Clone, Debug)]
pub struct Sample {
    /// A broadcast has none.
    pub(super) group: Option<String>,
    pub(super) members: Vec<String>,
    /// What `delivery.key` is.
    pub(super) key: String,
    pub(super) cases: Vec<Case>,
    /// `group.city` and `member.name` with their values.
    pub(super) variables: BTreeMap<String, serde_json::Value>,
    pub(super) likeness: Likeness,
    pub(super) characters: usize,
    pub(super) bytes: usize,
    /// What is sent, but for the `Random`.
    pub(super) body: String,
    /// Why it is not sent.
    pub(super) skip: Option<String>,
    /// It is shown because it is.
    pub(super) is_longest: bool,
}

/// What a sample is made from; it is kept in place of one.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) request: Request,
    pub(super) key: String,
    pub(super) group: Option<Value>,
    pub(super) member: Option<Value>,
    pub(super) cases: Vec<Case>,
    pub(super) skip: Option<EndReason>,
    pub(super) is_shown: bool,
}

impl Kept {
    pub(super) fn sample(&self) -> Sample {
        let likeness = Likeness::of(&self.request.content);
        let members = self.request.members.iter();
        let mut variables = BTreeMap::new();
        for (of, context) in [("group", &self.group), ("member", &self.member)] {
            let context = context.as_ref().map(serde_json::to_value);
            let Some(Ok(serde_json::Value::Object(entries))) = context else {
                continue;
            };
            // Who it is, is told apart.
            let others = entries.into_iter().filter(|(name, _)| name != "id");
            variables.extend(others.map(|(name, value)| (format!("{of}.{name}"), value)));
        }
        let skip = self.skip.as_ref();
        Sample {
            group: self.request.group.as_ref().map(ToString::to_string),
            members: members.map(ToString::to_string).collect(),
            key: self.key.clone(),
            cases: self.cases.clone(),
            variables,
            characters: likeness.characters(),
            bytes: self.request.content.len(),
            likeness,
            body: self.request.body_planned(),
            skip: skip.map(|reason| end_text(reason, self.request.channel)),
            is_longest: false,
        }
    }
}

/// `group.locale = zh`
pub(super) fn case_text(case: &Case) -> String {
    match &case.value {
        Some(value) => format!("{} = {value}", case.by),
        None => format!("{} otherwise", case.by),
    }
}
