//! What is asked of a group.

use super::page::PAGE_MAX;
use crate::identity::GroupId;
use serde_json::json;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Whether the group keeps a history, and the number its next message will have.
    Group,
    /// The newest messages.
    Newest,
    /// The messages from this number on downwards.
    From(u64),
}

impl Ask {
    /// The vendor's `{servicename}/{command}`.
    pub fn command(self) -> &'static str {
        match self {
            Ask::Group => "group_open_http_svc/get_group_info",
            Ask::Newest | Ask::From(_) => "group_open_http_svc/group_msg_get_simple",
        }
    }

    pub fn body(self, group: &GroupId) -> String {
        let group = group.as_str();
        let body = match self {
            // Without a filter the vendor lists the members as well, up to a megabyte of them.
            Ask::Group => json!({
                "GroupIdList": [group],
                "ResponseFilter": { "GroupBaseInfoFilter": ["Type", "NextMsgSeq"] },
            }),
            // Without recalled messages there would be gaps.
            Ask::Newest => json!({
                "GroupId": group,
                "ReqMsgNumber": PAGE_MAX,
                "WithRecalledMsg": 1,
            }),
            Ask::From(seq) => json!({
                "GroupId": group,
                "ReqMsgNumber": PAGE_MAX,
                "ReqMsgSeq": seq,
                "WithRecalledMsg": 1,
            }),
        };
        body.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn bodies_are_what_the_vendor_documents() {
        let group = GroupId::try_from("@TGS#15ERQPAER").unwrap();
        let body =
            |ask: Ask| -> Value { serde_json::from_str(&ask.body(&group)).expect("it is JSON") };
        assert_eq!(
            body(Ask::Group),
            json!({"GroupIdList": ["@TGS#15ERQPAER"],
                   "ResponseFilter": {"GroupBaseInfoFilter": ["Type", "NextMsgSeq"]}})
        );
        assert_eq!(
            body(Ask::Newest),
            json!({"GroupId": "@TGS#15ERQPAER", "ReqMsgNumber": 20, "WithRecalledMsg": 1})
        );
        assert_eq!(
            body(Ask::From(7_803_321)),
            json!({"GroupId": "@TGS#15ERQPAER", "ReqMsgNumber": 20, "ReqMsgSeq": 7_803_321, "WithRecalledMsg": 1})
        );
    }
}
