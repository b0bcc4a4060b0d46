//! The lines of the ledger.

use super::answer::Place;
use super::call::Call;
use super::deduplication::Sameness;
use super::rules::Message;
use serde::{Deserialize, Serialize};
use std::hash::{DefaultHasher, Hash, Hasher};

/// One line of either kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Line {
    Message(Record),
    Recall(Recalled),
}

/// What tells the kinds of lines apart.
#[derive(Deserialize)]
struct Head {
    call: Call,
}

impl Line {
    pub(super) fn parse(line: &[u8]) -> Result<Line, serde_json::Error> {
        let head: Head = serde_json::from_slice(line)?;
        match head.call {
            Call::Recall => serde_json::from_slice(line).map(Line::Recall),
            _ => serde_json::from_slice(line).map(Line::Message),
        }
    }
}

/// A stored message was recalled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Recalled {
    /// Always [`Call::Recall`].
    pub(super) call: Call,
    pub(super) group: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) topic: Option<String>,
    pub(super) msg_seq: u64,
    pub(super) arrived_ms: i64,
}

/// One stored message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    pub(super) call: Call,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) group: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) members: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) topic: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) priority: Option<String>,
    /// Members who were not online never get it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) online_only: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) random: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) msg_seq: Option<u64>,
    pub(super) msg_time: i64,
    pub(super) from: String,
    pub(super) arrived_ms: i64,
    pub(super) body_digest: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<String>,
}

impl Record {
    /// Whether a group's history shows it. No page says so of a message to chosen members, so it does not.
    pub(super) fn is_in_history(&self) -> bool {
        self.call == Call::GroupMessage && !self.online_only && self.members.is_empty()
    }

    pub(super) fn sameness(&self) -> Option<Sameness<'_>> {
        Some(Sameness {
            group: self.group.as_deref(),
            random: self.random?,
            sender: &self.from,
            body_digest: &self.body_digest,
        })
    }

    /// What a duplicate is told.
    pub(super) fn place(&self) -> Place {
        Place {
            seq: self.msg_seq.unwrap_or(0),
            time_s: self.msg_time,
        }
    }

    pub(super) fn fingerprint(&self) -> Fingerprint {
        let conversation = (self.group.as_deref(), self.topic.as_deref());
        Fingerprint::new(self.call, conversation, &self.members, &self.body_digest)
    }
}

/// Tells a message sent again from another message under the same `Random`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Fingerprint(u64);

impl Fingerprint {
    pub(super) fn of(call: Call, message: &Message) -> Fingerprint {
        let conversation = (message.group.as_deref(), message.topic.as_deref());
        Fingerprint::new(call, conversation, &message.members, &message.body_digest)
    }

    fn new(
        call: Call,
        conversation: (Option<&str>, Option<&str>),
        members: &[String],
        body_digest: &str,
    ) -> Fingerprint {
        let mut hasher = DefaultHasher::new();
        (call, conversation, members, body_digest).hash(&mut hasher);
        Fingerprint(hasher.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_an_older_sandbox_is_read() {
        let line = r#"{"call":"send_group_msg","group":"g7","random":7,"msg_seq":1,"msg_time":1795252829,
            "from":"administrator","arrived_ms":1795252829560,"body_digest":"37","text":"Hello"}"#;
        let Line::Message(record) = Line::parse(line.as_bytes()).unwrap() else {
            panic!("it is a message");
        };
        assert!(record.is_in_history());
        assert_eq!(record.place().seq, 1);
    }

    #[test]
    fn a_line_of_neither_kind_is_an_error() {
        for line in [
            r#"{"call":"group_msg_recall","group":"a"}"#,
            r#"{"call":"send_group_msg","group":"a","msg_seq":1,"arrived_ms":1}"#,
            r#"{"call":"send"}"#,
            "7",
        ] {
            assert!(Line::parse(line.as_bytes()).is_err(), "{line}");
        }
    }
}
