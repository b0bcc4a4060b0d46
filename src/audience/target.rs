//! Who, resolved.

use super::GroupType;
use crate::identity::{GroupId, UserId};
use crate::source::Diagnostic;
use crate::template::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// One group, and what the templates may say about it.
#[derive(Clone, Debug)]
pub struct Target {
    pub group: GroupId,
    pub kind: Option<GroupType>,
    /// `group` in the templates.
    pub context: Value,
    pub reach: Reach,
    pub origin: Origin,
}

/// Who of a group gets it. No members are not everybody: the vendor takes an empty list for everybody.
#[derive(Clone, Debug)]
pub enum Reach {
    Everybody,
    Members(Vec<Arc<Member>>),
}

/// One account, and what the templates may say about it.
#[derive(Debug)]
pub struct Member {
    pub id: UserId,
    pub(super) names: Arc<[String]>,
    pub(super) values: Box<[Value]>,
    pub(super) origin: Origin,
}

impl Member {
    /// `member` in the templates.
    pub fn context(&self) -> Value {
        let variables = self.names.iter().zip(&self.values);
        let given = variables.filter(|(_, value)| !value.is_undefined());
        let mut context: BTreeMap<&str, Value> = given
            .map(|(name, value)| (name.as_str(), value.clone()))
            .collect();
        context.insert("id", Value::from(self.id.as_str()));
        Value::from(context)
    }

    /// Whether two lines say the same of one account.
    pub(super) fn is_same(&self, other: &Member) -> bool {
        let given = |member: &Member| -> Vec<(String, String)> {
            let pairs = member.names.iter().zip(&member.values);
            let given = pairs.filter(|(_, value)| !value.is_undefined());
            let mut given: Vec<_> = given
                .map(|(name, value)| (name.clone(), format!("{value:?}")))
                .collect();
            given.sort();
            given
        };
        given(self) == given(other)
    }
}

/// Where somebody was named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    pub path: Arc<str>,
    pub line: u64,
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.path, self.line)
    }
}

/// Names the target that a complaint about the campaign file was met at.
pub fn about(complaint: Diagnostic, group: &GroupId, origin: &Origin) -> Diagnostic {
    let known = complaint.help.clone();
    let known = known.map(|help| format!("; {help}")).unwrap_or_default();
    complaint.help(format!(
        "so it is for the group `{group}` of {origin}{known}"
    ))
}
