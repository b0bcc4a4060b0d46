//! One file for each of the vendor's calls: its YAML, what it accepts, its encoding; and the meaning of the answers.
//!
//! Knows the vendor's words. Must never know a socket, a clock or a journal: a request goes out as text, a reply comes
//! back as an [`Outcome`].
//!
//! A further channel is one file here, a variant of [`Channel`], a route in `sandbox`, an example in `campaigns/`, and
//! a row in the compatibility test.

mod body;
mod broadcast;
mod cause;
mod codes;
mod decode;
mod fit;
mod group_message;
mod history;
mod mention;
mod notification;
mod outcome;
mod request;
mod send;

pub use cause::Cause;
pub use codes::{Class, Code, codes, explain};
pub use decode::decode;
pub use history::{Ask, GroupFacts, HistoryItem, HistoryPage, LookupFailure, Placeholder, Told};
pub use outcome::{Answer, Failure, Outcome, Receipt, Reply, Scope, code_name};
pub use request::Request;
pub use send::{Rendered, Send, SendSpec};

use crate::settings::Limits;
use send::Call;

/// One of the vendor's calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Channel {
    GroupMessage,
    Notification,
    Broadcast,
}

impl Channel {
    pub const ALL: [Channel; 3] = [
        Channel::GroupMessage,
        Channel::Notification,
        Channel::Broadcast,
    ];

    /// As it is written in a campaign, a journal and a log.
    pub fn name(self) -> &'static str {
        match self {
            Channel::GroupMessage => "group_message",
            Channel::Notification => "notification",
            Channel::Broadcast => "broadcast",
        }
    }

    pub fn from_name(name: &str) -> Option<Channel> {
        Channel::ALL
            .into_iter()
            .find(|channel| channel.name() == name)
    }

    /// The vendor's `{servicename}/{command}`.
    pub fn command(self) -> &'static str {
        match self {
            Channel::GroupMessage => "group_open_http_svc/send_group_msg",
            Channel::Notification => "group_open_http_svc/send_group_system_notification",
            Channel::Broadcast => "group_open_http_svc/send_broadcast_msg",
        }
    }

    /// Calls a second that an app may make.
    pub fn limit(self, limits: &Limits) -> u32 {
        match self {
            Channel::GroupMessage => limits.group_message,
            Channel::Notification => limits.notification,
            Channel::Broadcast => limits.broadcast,
        }
    }

    /// Whether the vendor discards a repetition of the same `Random`.
    pub fn deduplicates(self) -> bool {
        match self {
            Channel::GroupMessage | Channel::Broadcast => true,
            Channel::Notification => false,
        }
    }

    /// The vendor's key for chosen members of a group.
    pub fn members_key(self) -> Option<&'static str> {
        match self {
            Channel::GroupMessage => Some("To_Account"),
            Channel::Notification => Some("ToMembers_Account"),
            Channel::Broadcast => None,
        }
    }

    /// Chosen members that one call takes. The vendor's pages say 500 or 50 for notifications, so that is a setting.
    pub fn members_max(self, limits: &Limits) -> usize {
        const GROUP_MESSAGE: usize = 50;
        match self {
            Channel::GroupMessage | Channel::Broadcast => GROUP_MESSAGE,
            Channel::Notification => usize::try_from(limits.members_per_call)
                .unwrap_or(GROUP_MESSAGE)
                .max(1),
        }
    }
}
