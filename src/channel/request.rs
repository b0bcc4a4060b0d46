//! The body of a call: what is frozen in the plan, and what each generation adds.

use super::Channel;
use crate::identity::{GroupId, Random, UserId};
use serde::Deserialize;
use serde_json::{Value, json};
use std::fmt::Write;
use std::sync::Arc;

/// One call, lacking only the `Random` of its generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub channel: Channel,
    /// A broadcast has none.
    pub group: Option<GroupId>,
    /// The members it is for; none of them means the whole group.
    pub members: Arc<[UserId]>,
    /// A JSON object: everything that is neither group, members nor `Random`. Equal ones are stored once.
    pub content: Arc<str>,
}

impl Request {
    /// The bytes that go out, the same at every attempt of a generation.
    pub fn body(&self, random: Random) -> String {
        self.body_with(Some(random))
    }

    /// The same without a `Random`, which is chosen when it is sent.
    pub fn body_planned(&self) -> String {
        self.body_with(None)
    }

    fn body_with(&self, random: Option<Random>) -> String {
        let mut body = String::from("{");
        let mut add = |key: &str, value: Value| {
            // Writing to a text cannot fail.
            let _ = write!(body, "\"{key}\":{value},");
        };
        if let Some(group) = &self.group {
            add("GroupId", Value::from(group.as_str()));
        }
        if let Some(random) = random.filter(|_| self.channel.deduplicates()) {
            add("Random", Value::from(random.0));
        }
        if let (Some(key), false) = (self.channel.members_key(), self.members.is_empty()) {
            add(key, self.members_json());
        }
        body.push_str(self.content.strip_prefix('{').unwrap_or(&self.content));
        body
    }

    /// Whether the group's history will hold it, once it is delivered: messages for those who are online now, or for
    /// chosen members, are not looked for there, and a topic has a history of its own.
    pub fn is_in_history(&self) -> bool {
        if self.channel != Channel::GroupMessage || !self.members.is_empty() {
            return false;
        }
        let is_kept =
            |marks: Marks| marks.online_only.is_none_or(|flag| flag == 0) && marks.topic.is_none();
        self.marks().is_some_and(is_kept)
    }

    /// Whom a group message comes from; where it does not say, from the administrator who makes the call.
    pub fn sender(&self) -> Option<String> {
        self.marks()?.from
    }

    fn marks(&self) -> Option<Marks> {
        serde_json::from_str(&self.content).ok()
    }

    pub fn members_json(&self) -> Value {
        let members: Vec<&str> = self.members.iter().map(UserId::as_str).collect();
        json!(members)
    }

    /// What it is called where groups are listed.
    pub fn group_name(&self) -> &str {
        self.group.as_ref().map_or("", GroupId::as_str)
    }
}

/// What decides where a message will be found again.
#[derive(Deserialize)]
struct Marks {
    #[serde(rename = "OnlineOnlyFlag")]
    online_only: Option<u64>,
    #[serde(rename = "TopicId")]
    topic: Option<String>,
    #[serde(rename = "From_Account")]
    from: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(channel: Channel, group: Option<&str>, members: &[&str], content: &str) -> Request {
        Request {
            channel,
            group: group.map(|group| GroupId::try_from(group).unwrap()),
            members: members
                .iter()
                .map(|id| UserId::try_from(*id).unwrap())
                .collect(),
            content: content.into(),
        }
    }

    #[test]
    fn a_body_is_the_content_with_what_its_channel_adds() {
        let body = r#"{"MsgBody":[]}"#;
        let message = request(Channel::GroupMessage, Some("a\"b"), &[], body);
        assert_eq!(
            message.body(Random(7)),
            r#"{"GroupId":"a\"b","Random":7,"MsgBody":[]}"#
        );
        let members = request(Channel::GroupMessage, Some("g"), &["peter"], body);
        let sent = r#"{"GroupId":"g","Random":7,"To_Account":["peter"],"MsgBody":[]}"#;
        assert_eq!(members.body(Random(7)), sent);
        let notice = request(
            Channel::Notification,
            Some("g"),
            &["peter"],
            r#"{"Content":"x"}"#,
        );
        let sent = r#"{"GroupId":"g","ToMembers_Account":["peter"],"Content":"x"}"#;
        assert_eq!(notice.body(Random(7)), sent);
        let broadcast = request(Channel::Broadcast, None, &[], body);
        assert_eq!(broadcast.body(Random(7)), r#"{"Random":7,"MsgBody":[]}"#);
        assert_eq!(broadcast.body_planned(), body);
        let planned = r#"{"GroupId":"a\"b","MsgBody":[]}"#;
        assert_eq!(message.body_planned(), planned);
    }

    #[test]
    fn only_what_everybody_may_read_later_is_in_the_history() {
        let of = |channel, group, members: &[&str], content: &str| {
            request(channel, group, members, content).is_in_history()
        };
        let body = r#"{"MsgBody":[{"MsgContent":{"OnlineOnlyFlag":1}}],"OnlineOnlyFlag":0}"#;
        assert!(of(Channel::GroupMessage, Some("g"), &[], body));
        assert!(of(
            Channel::GroupMessage,
            Some("g"),
            &[],
            r#"{"MsgBody":[]}"#
        ));
        assert!(!of(Channel::GroupMessage, Some("g"), &["peter"], body));
        assert!(!of(
            Channel::Notification,
            Some("g"),
            &[],
            r#"{"Content":"x"}"#
        ));
        assert!(!of(Channel::Broadcast, None, &[], body));
        for other in [r#"{"OnlineOnlyFlag":1}"#, r#"{"TopicId":"t"}"#] {
            assert!(!of(Channel::GroupMessage, Some("g"), &[], other), "{other}");
        }
    }

    #[test]
    fn a_sender_is_the_one_that_is_named() {
        let of = |content| request(Channel::GroupMessage, Some("g"), &[], content).sender();
        assert_eq!(of(r#"{"From_Account":"peter"}"#).as_deref(), Some("peter"));
        assert_eq!(of(r#"{"MsgBody":[]}"#), None);
    }
}
