//! The calls that look at what was sent or take it back.

use super::super::answer::Refusal;
use super::super::shape::{Field, Kind, check_members, optional, required};
use super::fields::TOPIC;
use super::{check_group_id, is_set, refusal_of};
use serde_json::{Map, Value};

const HISTORY_MAX: u64 = 20;
const RECALLED_MAX: usize = 10;
const REASON_BYTES_MAX: usize = 100;
const GROUPS_MAX: usize = 50;

const HISTORY: &[Field] = &[
    required("GroupId", Kind::Text),
    required("ReqMsgNumber", Kind::Unsigned),
    optional("ReqMsgSeq", Kind::Unsigned),
    optional("WithRecalledMsg", Kind::Flag),
    optional("TopicId", TOPIC),
];

const RECALL: &[Field] = &[
    required("GroupId", Kind::Text),
    required("MsgSeqList", Kind::List(&Kind::Object(RECALLED))),
    optional("TopicId", TOPIC),
    optional("Reason", Kind::Name(REASON_BYTES_MAX)),
];

const RECALLED: &[Field] = &[required("MsgSeq", Kind::Unsigned)];

const GROUP_INFO: &[Field] = &[
    required("GroupIdList", Kind::List(&Kind::Text)),
    optional("ResponseFilter", Kind::Object(FILTER)),
];

const FILTER: &[Field] = &[
    optional("GroupBaseInfoFilter", Kind::List(&Kind::OneOf(BASE_FIELDS))),
    optional("MemberInfoFilter", Kind::List(&Kind::Text)),
    optional("AppDefinedDataFilter_Group", Kind::List(&Kind::Text)),
    optional("AppDefinedDataFilter_GroupMember", Kind::List(&Kind::Text)),
];

const BASE_FIELDS: &[&str] = &[
    "Type",
    "Name",
    "Appid",
    "Introduction",
    "Notification",
    "FaceUrl",
    "Owner_Account",
    "CreateTime",
    "InfoSeq",
    "LastInfoTime",
    "LastMsgTime",
    "NextMsgSeq",
    "MemberNum",
    "MaxMemberNum",
    "ApplyJoinOption",
    "MuteAllMember",
];

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sandbox) struct HistoryRequest {
    pub(in crate::sandbox) group: String,
    pub(in crate::sandbox) topic: Option<String>,
    pub(in crate::sandbox) count: usize,
    /// The greatest `MsgSeq` that is asked for.
    pub(in crate::sandbox) from_seq: Option<u64>,
    pub(in crate::sandbox) with_recalled: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sandbox) struct RecallRequest {
    pub(in crate::sandbox) group: String,
    pub(in crate::sandbox) topic: Option<String>,
    pub(in crate::sandbox) seqs: Vec<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sandbox) struct InfoRequest {
    pub(in crate::sandbox) groups: Vec<String>,
    /// `None`: all that there is.
    pub(in crate::sandbox) fields: Option<Vec<InfoField>>,
}

/// What the sandbox knows of a group. It leaves out the other fields, as the vendor does with those that are empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sandbox) enum InfoField {
    Type,
    Name,
    LastMsgTime,
    NextMsgSeq,
    MemberNum,
}

impl InfoField {
    fn named(name: &str) -> Option<InfoField> {
        match name {
            "Type" => Some(InfoField::Type),
            "Name" => Some(InfoField::Name),
            "LastMsgTime" => Some(InfoField::LastMsgTime),
            "NextMsgSeq" => Some(InfoField::NextMsgSeq),
            "MemberNum" => Some(InfoField::MemberNum),
            _ => None,
        }
    }
}

pub(super) fn read_history(body: &Map<String, Value>) -> Result<HistoryRequest, Refusal> {
    let group = group_of(body, HISTORY)?;
    let number = |name: &str| body.get(name).and_then(Value::as_u64);
    let count = number("ReqMsgNumber").unwrap_or(0);
    if !(1..=HISTORY_MAX).contains(&count) {
        return Err(Refusal::parameter(format!(
            "`ReqMsgNumber` must be 1 to {HISTORY_MAX}"
        )));
    }
    Ok(HistoryRequest {
        group,
        topic: topic_of(body),
        count: usize::try_from(count).unwrap_or(usize::MAX),
        from_seq: number("ReqMsgSeq"),
        with_recalled: is_set(body, "WithRecalledMsg"),
    })
}

pub(super) fn read_recall(body: &Map<String, Value>) -> Result<RecallRequest, Refusal> {
    let group = group_of(body, RECALL)?;
    let items = body.get("MsgSeqList").and_then(Value::as_array);
    let seqs: Vec<u64> = items
        .into_iter()
        .flatten()
        .filter_map(|item| item["MsgSeq"].as_u64())
        .collect();
    if !(1..=RECALLED_MAX).contains(&seqs.len()) {
        return Err(Refusal::parameter(format!(
            "`MsgSeqList` must hold 1 to {RECALLED_MAX} items"
        )));
    }
    Ok(RecallRequest {
        group,
        topic: topic_of(body),
        seqs,
    })
}

pub(super) fn read_info(body: &Map<String, Value>) -> Result<InfoRequest, Refusal> {
    check_members(body, GROUP_INFO, true).map_err(|misfit| refusal_of(&misfit))?;
    let texts = |list: &Value| -> Vec<String> {
        let items = list.as_array().into_iter().flatten();
        items.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let groups = body.get("GroupIdList").map(texts).unwrap_or_default();
    if !(1..=GROUPS_MAX).contains(&groups.len()) {
        return Err(Refusal::parameter(format!(
            "`GroupIdList` must hold 1 to {GROUPS_MAX} ids"
        )));
    }
    let filter = body.get("ResponseFilter");
    let filter = filter.and_then(|filter| filter.get("GroupBaseInfoFilter"));
    let known = |names: Vec<String>| {
        let fields = names.iter().map(String::as_str);
        fields.filter_map(InfoField::named).collect()
    };
    Ok(InfoRequest {
        groups,
        fields: filter.map(texts).map(known),
    })
}

fn group_of(body: &Map<String, Value>, fields: &[Field]) -> Result<String, Refusal> {
    check_members(body, fields, true).map_err(|misfit| refusal_of(&misfit))?;
    let group = body.get("GroupId").and_then(Value::as_str).unwrap_or("");
    check_group_id(group)?;
    Ok(group.to_owned())
}

fn topic_of(body: &Map<String, Value>) -> Option<String> {
    body.get("TopicId")
        .and_then(Value::as_str)
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn code_of<T>(
        read: fn(&Map<String, Value>) -> Result<T, Refusal>,
        body: &Value,
    ) -> Result<T, u32> {
        read(body.as_object().unwrap()).map_err(|refusal| refusal.code)
    }

    #[test]
    fn a_history_request_is_read() {
        let body =
            json!({ "GroupId": "a", "ReqMsgNumber": 20, "ReqMsgSeq": 7, "WithRecalledMsg": 1 });
        let expected = HistoryRequest {
            group: "a".to_owned(),
            topic: None,
            count: 20,
            from_seq: Some(7),
            with_recalled: true,
        };
        assert_eq!(code_of(read_history, &body), Ok(expected));
        let refused = |body| code_of(read_history, &body).unwrap_err();
        assert_eq!(
            refused(json!({ "GroupId": "a", "ReqMsgNumber": 21 })),
            10004
        );
        assert_eq!(refused(json!({ "GroupId": "a", "ReqMsgNumber": 0 })), 10004);
        assert_eq!(refused(json!({ "GroupId": "", "ReqMsgNumber": 1 })), 10015);
        assert_eq!(refused(json!({ "GroupId": "a" })), 10004);
        let misspelt = json!({ "GroupId": "a", "ReqMsgNumber": 1, "MsgSeq": 1 });
        assert_eq!(refused(misspelt), 10004);
    }

    #[test]
    fn a_recall_is_read() {
        let item = |seq: u64| json!({ "MsgSeq": seq });
        let body = json!({ "GroupId": "a", "MsgSeqList": [item(3), item(5)], "Reason": "a slip" });
        assert_eq!(code_of(read_recall, &body).unwrap().seqs, [3, 5]);
        let refused = |list: Vec<Value>| {
            code_of(read_recall, &json!({ "GroupId": "a", "MsgSeqList": list })).unwrap_err()
        };
        assert_eq!(refused(vec![]), 10004);
        assert_eq!(refused((0..11).map(item).collect()), 10004);
        assert_eq!(refused(vec![json!(3)]), 10004);
    }

    #[test]
    fn a_group_info_request_is_read() {
        let filter = json!({ "GroupBaseInfoFilter": ["Type", "FaceUrl"] });
        let body = json!({ "GroupIdList": ["a", "b"], "ResponseFilter": filter });
        let expected = InfoRequest {
            groups: vec!["a".to_owned(), "b".to_owned()],
            fields: Some(vec![InfoField::Type]),
        };
        assert_eq!(code_of(read_info, &body), Ok(expected));
        let whole = code_of(read_info, &json!({ "GroupIdList": ["a"] })).unwrap();
        assert_eq!(whole.fields, None);
        let refused = |body| code_of(read_info, &body).unwrap_err();
        assert_eq!(refused(json!({ "GroupIdList": [] })), 10004);
        assert_eq!(refused(json!({ "GroupIdList": vec!["a"; 51] })), 10004);
        let filter = json!({ "GroupBaseInfoFilter": ["type"] });
        let body = json!({ "GroupIdList": ["a"], "ResponseFilter": filter });
        assert_eq!(refused(body), 10004);
    }
}
