//! One line of the ledger.

use super::answer::Place;
use super::call::Call;
use super::rules::Message;
use serde::{Deserialize, Serialize};
use std::hash::{DefaultHasher, Hash, Hasher};

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
    /// What a duplicate is told.
    pub(super) fn place(&self) -> Place {
        Place {
            seq: self.msg_seq.unwrap_or(0),
            time_s: self.msg_time,
        }
    }

    pub(super) fn fingerprint(&self) -> Fingerprint {
        Fingerprint::new(
            self.call,
            self.group.as_deref(),
            &self.members,
            &self.body_digest,
        )
    }
}

/// Tells a message sent again from another message under the same `Random`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fingerprint(u64);

impl Fingerprint {
    pub(super) fn of(call: Call, message: &Message) -> Fingerprint {
        Fingerprint::new(
            call,
            message.group.as_deref(),
            &message.members,
            &message.body_digest,
        )
    }

    fn new(call: Call, group: Option<&str>, members: &[String], body_digest: &str) -> Fingerprint {
        let mut hasher = DefaultHasher::new();
        (call, group, members, body_digest).hash(&mut hasher);
        Fingerprint(hasher.finish())
    }
}
