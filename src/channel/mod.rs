//! One file for each of the vendor's calls: its YAML, what it accepts, its encoding; and the meaning of the answers.
//!
//! Knows the vendor's words. Must never know a socket, a clock or a journal: a request goes out as text, a reply comes
//! back as an [`Outcome`].
//!
//! A further channel is one file here, a variant of [`Channel`], a route in `sandbox`, an example in `campaigns/`, and
//! a row in the compatibility test.

mod codes;
mod decode;
mod group_message;
mod outcome;
mod request;
mod send;

pub use decode::decode;
pub use group_message::Rendered;
pub use outcome::{Answer, Failure, Outcome, Receipt, Reply, Scope};
pub use request::Request;
pub use send::{Send, SendSpec};

use crate::settings::Limits;
use group_message::{GroupMessage, GroupMessageSpec};

/// One of the vendor's calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Channel {
    GroupMessage,
}

impl Channel {
    /// As it is written in a campaign, a journal and a log.
    pub fn name(self) -> &'static str {
        match self {
            Channel::GroupMessage => "group_message",
        }
    }

    pub fn from_name(name: &str) -> Option<Channel> {
        [Channel::GroupMessage]
            .into_iter()
            .find(|channel| channel.name() == name)
    }

    /// The vendor's `{servicename}/{command}`.
    pub fn command(self) -> &'static str {
        match self {
            Channel::GroupMessage => "group_open_http_svc/send_group_msg",
        }
    }

    /// Calls a second that an app may make.
    pub fn limit(self, limits: &Limits) -> u32 {
        match self {
            Channel::GroupMessage => limits.group_message,
        }
    }

    /// Whether the vendor discards a repetition of the same `Random`.
    pub fn deduplicates(self) -> bool {
        match self {
            Channel::GroupMessage => true,
        }
    }
}
