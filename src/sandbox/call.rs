//! The calls answered here, and how a path names one.

use super::answer::{Refusal, code};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The service all calls about groups live under.
const SERVICE: &str = "group_open_http_svc";

/// One call of the vendor's API: three that send, three that look at what was sent or take it back. Another one is a
/// variant here, a shape in `rules`, and a limit in `desk`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Call {
    #[serde(rename = "send_group_msg")]
    GroupMessage,
    #[serde(rename = "send_group_system_notification")]
    Notification,
    #[serde(rename = "send_broadcast_msg")]
    Broadcast,
    #[serde(rename = "group_msg_get_simple")]
    History,
    #[serde(rename = "group_msg_recall")]
    Recall,
    #[serde(rename = "get_group_info")]
    GroupInfo,
}

impl Call {
    pub(super) const ALL: [Call; 6] = [
        Call::GroupMessage,
        Call::Notification,
        Call::Broadcast,
        Call::History,
        Call::Recall,
        Call::GroupInfo,
    ];

    /// Whether it sends something.
    pub(super) const fn is_send(self) -> bool {
        matches!(
            self,
            Call::GroupMessage | Call::Notification | Call::Broadcast
        )
    }

    /// The vendor's name of the call: the last part of its path.
    pub const fn command(self) -> &'static str {
        match self {
            Call::GroupMessage => "send_group_msg",
            Call::Notification => "send_group_system_notification",
            Call::Broadcast => "send_broadcast_msg",
            Call::History => "group_msg_get_simple",
            Call::Recall => "group_msg_recall",
            Call::GroupInfo => "get_group_info",
        }
    }

    /// Reads what follows `/v4/` in a path. A wrong service looks like a backend that timed out, as users report.
    pub(super) fn find(path: &str) -> Result<Call, Refusal> {
        let Some((SERVICE, command)) = path.split_once('/') else {
            return Err(Refusal::new(
                code::BACKEND_TIMEOUT,
                "service timeout or request format error",
            ));
        };
        let known = Call::ALL.into_iter().find(|call| call.command() == command);
        known.ok_or_else(|| {
            Refusal::new(
                code::UNKNOWN_COMMAND,
                format!("unknown command `{command}`"),
            )
        })
    }
}

impl fmt::Display for Call {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.command())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_a_call_or_a_refusal() {
        for call in Call::ALL {
            assert_eq!(Call::find(&format!("group_open_http_svc/{call}")), Ok(call));
        }
        let refused = |path| Call::find(path).unwrap_err().code;
        assert_eq!(refused("group_open_http_svc/send_group_message"), 10003);
        assert_eq!(refused("im_open_login_svc/send_group_msg"), 60008);
        assert_eq!(refused("send_group_msg"), 60008);
    }
}
