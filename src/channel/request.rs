//! The body of a call: what is frozen in the plan, and what each generation adds.

use super::Channel;
use crate::identity::{GroupId, Random};
use std::sync::Arc;

/// One call, lacking only the `Random` of its generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub channel: Channel,
    pub group: GroupId,
    /// A JSON object: everything that is neither `GroupId` nor `Random`. Equal ones are stored once.
    pub content: Arc<str>,
}

impl Request {
    /// The bytes that go out, the same at every attempt of a generation.
    pub fn body(&self, random: Random) -> String {
        let group = serde_json::Value::from(self.group.as_str());
        let rest = self.content.strip_prefix('{').unwrap_or(&self.content);
        format!(r#"{{"GroupId":{group},"Random":{},{rest}"#, random.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_the_content_with_group_and_random() {
        let request = Request {
            channel: Channel::GroupMessage,
            group: GroupId::try_from("a\"b").unwrap(),
            content: r#"{"MsgBody":[{"MsgType":"TIMTextElem"}]}"#.into(),
        };
        assert_eq!(
            request.body(Random(7)),
            r#"{"GroupId":"a\"b","Random":7,"MsgBody":[{"MsgType":"TIMTextElem"}]}"#
        );
    }
}
