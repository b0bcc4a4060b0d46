//! What a caller is told: the vendor's answer object and its codes.

use super::call::Call;
use super::groups::Kind;
use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;

/// The vendor's error codes, as far as the sandbox gives them.
pub(super) mod code {
    pub(in crate::sandbox) const INTERNAL: u32 = 10002;
    pub(in crate::sandbox) const UNKNOWN_COMMAND: u32 = 10003;
    pub(in crate::sandbox) const PARAMETER_INVALID: u32 = 10004;
    pub(in crate::sandbox) const TOO_MANY_ACCOUNTS: u32 = 10005;
    pub(in crate::sandbox) const NO_PERMISSION: u32 = 10007;
    pub(in crate::sandbox) const GROUP_ABSENT: u32 = 10010;
    pub(in crate::sandbox) const GROUP_ID_ILLEGAL: u32 = 10015;
    pub(in crate::sandbox) const GROUP_OVER_RATE: u32 = 10023;
    pub(in crate::sandbox) const RECALLED_ABSENT: u32 = 10030;
    pub(in crate::sandbox) const NOT_RECALLABLE: u32 = 10032;
    pub(in crate::sandbox) const TYPE_WITHOUT_RECALL: u32 = 10033;
    pub(in crate::sandbox) const TYPE_WITHOUT_HISTORY: u32 = 10044;
    pub(in crate::sandbox) const TOO_MANY_MENTIONS: u32 = 10053;
    pub(in crate::sandbox) const RECEIPT_OF_ONLINE_MESSAGE: u32 = 10061;
    pub(in crate::sandbox) const URL_MALFORMED: u32 = 60002;
    pub(in crate::sandbox) const BODY_UNREADABLE: u32 = 60003;
    pub(in crate::sandbox) const APP_INVALID: u32 = 60006;
    pub(in crate::sandbox) const CALL_OVER_RATE: u32 = 60007;
    pub(in crate::sandbox) const BACKEND_TIMEOUT: u32 = 60008;
    pub(in crate::sandbox) const NOT_ADMINISTRATOR: u32 = 60010;
    pub(in crate::sandbox) const APP_MISSING: u32 = 60012;
    pub(in crate::sandbox) const QUERY_INCOMPLETE: u32 = 60025;
    pub(in crate::sandbox) const SIGNATURE_EXPIRED: u32 = 70001;
    pub(in crate::sandbox) const SIGNATURE_EMPTY: u32 = 70002;
    pub(in crate::sandbox) const SIGNATURE_ILLEGAL: u32 = 70003;
    pub(in crate::sandbox) const SIGNATURE_WRONG: u32 = 70009;
    pub(in crate::sandbox) const IDENTIFIER_NOT_SIGNED: u32 = 70013;
    pub(in crate::sandbox) const APP_NOT_SIGNED: u32 = 70014;
    pub(in crate::sandbox) const MESSAGE_TOO_LONG: u32 = 80002;
    pub(in crate::sandbox) const PUSH_INFO_MALFORMED: u32 = 90043;
    pub(in crate::sandbox) const BODY_TOO_LONG: u32 = 93000;
    pub(in crate::sandbox) const TOPIC_INVALID: u32 = 110_013;
}

/// A refused call: the vendor's code and a sentence that names what is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: u32,
    pub(super) info: String,
}

impl Refusal {
    pub(super) fn new(code: u32, info: impl Into<String>) -> Refusal {
        Refusal {
            code,
            info: info.into(),
        }
    }

    pub(super) fn parameter(info: impl Into<String>) -> Refusal {
        Refusal::new(code::PARAMETER_INVALID, info)
    }
}

/// Where a stored message stands: in the order of its group (or of all broadcasts), and in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) seq: u64,
    pub(super) time_s: i64,
}

/// The answer object. Member names are the vendor's; each call has some of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Answer {
    action_status: &'static str,
    error_code: u32,
    error_info: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    msg_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    msg_seq: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    msg_drop_reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_finished: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rsp_msg_list: Option<Vec<HistoryItem>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recall_ret_list: Option<Vec<RecallItem>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_info: Option<Vec<InfoItem>>,
}

/// A message of a group's history.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct HistoryItem {
    #[serde(rename = "From_Account")]
    pub(super) from: String,
    /// 1: no longer kept; 2: recalled.
    pub(super) is_place_msg: u32,
    pub(super) is_system_msg: u32,
    pub(super) msg_body: Vec<Value>,
    /// 1 is the highest.
    pub(super) msg_priority: u32,
    pub(super) msg_random: u32,
    pub(super) msg_seq: u64,
    pub(super) msg_time_stamp: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RecallItem {
    pub(super) msg_seq: u64,
    pub(super) ret_code: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct InfoItem {
    pub(super) group_id: String,
    pub(super) error_code: u32,
    pub(super) error_info: String,
    #[serde(rename = "Type", skip_serializing_if = "Option::is_none")]
    pub(super) kind: Option<Kind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last_msg_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next_msg_seq: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) member_num: Option<u32>,
}

impl Answer {
    fn ok() -> Answer {
        Answer {
            action_status: "OK",
            ..Answer::default()
        }
    }

    pub(super) fn refused(refusal: Refusal) -> Answer {
        Answer {
            action_status: "FAIL",
            error_code: refusal.code,
            error_info: refusal.info,
            ..Answer::ok()
        }
    }

    /// Each call tells a different part of the place: a notification nothing, a broadcast only its sequence.
    pub(super) fn stored(call: Call, place: Place) -> Answer {
        match call {
            Call::GroupMessage => Answer {
                msg_time: Some(place.time_s),
                msg_seq: Some(place.seq),
                ..Answer::ok()
            },
            Call::Broadcast => Answer {
                msg_seq: Some(place.seq),
                ..Answer::ok()
            },
            Call::Notification | Call::History | Call::Recall | Call::GroupInfo => Answer::ok(),
        }
    }

    /// The vendor's frequency control: a success by its code, yet nothing was stored.
    pub(super) fn dropped(time_s: i64) -> Answer {
        let msg_drop_reason = Some("MsgFreqCtrl");
        Answer {
            msg_time: Some(time_s),
            msg_seq: Some(0),
            msg_drop_reason,
            ..Answer::ok()
        }
    }

    pub(super) fn history(group: String, items: Vec<HistoryItem>, is_finished: bool) -> Answer {
        Answer {
            group_id: Some(group),
            is_finished: Some(u32::from(is_finished)),
            rsp_msg_list: Some(items),
            ..Answer::ok()
        }
    }

    pub(super) fn recall(items: Vec<RecallItem>) -> Answer {
        Answer {
            recall_ret_list: Some(items),
            ..Answer::ok()
        }
    }

    pub(super) fn group_info(items: Vec<InfoItem>) -> Answer {
        Answer {
            group_info: Some(items),
            ..Answer::ok()
        }
    }

    pub(super) fn code(&self) -> u32 {
        self.error_code
    }

    pub(super) fn to_json(&self) -> Bytes {
        Bytes::from(serde_json::to_vec(self).expect("an answer can be written as JSON"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_spell_what_the_vendor_spells() {
        let text = |answer: Answer| String::from_utf8(answer.to_json().to_vec()).unwrap();
        let place = Place {
            seq: 7,
            time_s: 1_700_000_000,
        };
        let head = r#"{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"""#;
        let expected = format!(r#"{head},"MsgTime":1700000000,"MsgSeq":7}}"#);
        assert_eq!(text(Answer::stored(Call::GroupMessage, place)), expected);
        assert_eq!(
            text(Answer::stored(Call::Notification, place)),
            format!("{head}}}")
        );
        assert_eq!(
            text(Answer::stored(Call::Broadcast, place)),
            format!(r#"{head},"MsgSeq":7}}"#)
        );
        let refused = Answer::refused(Refusal::parameter("no `Random`"));
        let expected = r#"{"ActionStatus":"FAIL","ErrorCode":10004,"ErrorInfo":"no `Random`"}"#;
        assert_eq!(text(refused), expected);
    }
}
