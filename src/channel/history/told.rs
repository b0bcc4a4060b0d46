//! What the vendor's answers say.

use super::Ask;
use super::page::{HistoryPage, Item};
use crate::channel::{Answer, Cause, Channel, Reply, explain};
use crate::identity::GroupId;
use serde::Deserialize;

/// The answer to an [`Ask`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    Group(GroupFacts),
    Page(HistoryPage),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupFacts {
    /// `None`: a type of group we do not know.
    pub keeps_history: Option<bool>,
    /// `NextMsgSeq`
    pub next_seq: Option<u64>,
}

/// Why an [`Ask`] has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LookupFailure {
    /// There was no connection.
    NoConnection(Answer),
    /// Too many calls.
    TooFast(Answer),
    /// Another try may fare better.
    Failed(Answer),
    /// There is no such group any more.
    Gone(Answer),
    /// It keeps no history.
    NoHistory(Answer),
}

impl LookupFailure {
    /// Whether the signature of the question is of no use any more.
    pub fn wants_new_signature(&self) -> bool {
        match self {
            // What is said of a signature is the same for all calls.
            LookupFailure::Failed(answer) => explain(Channel::GroupMessage, answer.code).signs_anew,
            _ => false,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PageBody {
    action_status: Option<String>,
    error_code: u32,
    error_info: Option<String>,
    group_id: Option<String>,
    /// The vendor's sample says so,
    rsp_msg_list: Option<Vec<Item>>,
    /// its table so.
    msg_list: Option<Vec<Item>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GroupBody {
    error_code: u32,
    error_info: Option<String>,
    group_info: Option<Vec<GroupInfo>>,
}

/// Each group of an answer has a code of its own.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GroupInfo {
    group_id: Option<String>,
    error_code: Option<u32>,
    error_info: Option<String>,
    r#type: Option<String>,
    next_msg_seq: Option<u64>,
}

impl Told {
    pub fn decode(ask: Ask, group: &GroupId, reply: &Reply) -> Result<Told, LookupFailure> {
        let body = match reply {
            Reply::Answered {
                status: 200, body, ..
            } => body,
            Reply::Answered { status, .. } => {
                return Err(LookupFailure::Failed(Answer::new((*status).into(), "")));
            }
            Reply::NotSent(why) => return Err(LookupFailure::NoConnection(Answer::none(why))),
            Reply::Lost(why) => return Err(LookupFailure::Failed(Answer::none(why))),
            Reply::TooLong => return Err(failed(Cause::TooLong)),
        };
        match ask {
            Ask::Group => facts(group, body).map(Told::Group),
            Ask::Newest | Ask::From(_) => page(group, body).map(Told::Page),
        }
    }
}

fn page(group: &GroupId, body: &[u8]) -> Result<HistoryPage, LookupFailure> {
    let body: PageBody = read(body)?;
    if body.error_code != 0 {
        return Err(by_code(body.error_code, body.error_info.as_deref()));
    }
    let status = body.action_status.as_deref().unwrap_or_default();
    if status != "OK" {
        let answer = Answer::because_of(Cause::StatusNotOk, status);
        return Err(LookupFailure::Failed(answer));
    }
    check_group(group, body.group_id.as_deref())?;
    let items = body.rsp_msg_list.or(body.msg_list).unwrap_or_default();
    HistoryPage::read(items).map_err(failed)
}

fn facts(group: &GroupId, body: &[u8]) -> Result<GroupFacts, LookupFailure> {
    let body: GroupBody = read(body)?;
    let Some(info) = body.group_info.and_then(|list| list.into_iter().next()) else {
        // The outer code means something only where no group has one.
        return Err(match body.error_code {
            0 => failed(Cause::GroupMissing),
            code => by_code(code, body.error_info.as_deref()),
        });
    };
    if let Some(code) = info.error_code.filter(|code| *code != 0) {
        return Err(by_code(code, info.error_info.as_deref()));
    }
    check_group(group, info.group_id.as_deref())?;
    Ok(GroupFacts {
        keeps_history: info.r#type.as_deref().and_then(keeps_history),
        next_seq: info.next_msg_seq,
    })
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, LookupFailure> {
    serde_json::from_slice(body).map_err(|_| failed(Cause::NotJson))
}

/// An answer about another group proves nothing about this one.
fn check_group(asked: &GroupId, told: Option<&str>) -> Result<(), LookupFailure> {
    if told.is_none_or(|told| told == asked.as_str()) {
        Ok(())
    } else {
        Err(failed(Cause::GroupDiffers))
    }
}

fn keeps_history(kind: &str) -> Option<bool> {
    match kind {
        "Private" | "Work" | "Public" | "ChatRoom" | "Meeting" | "Community" => Some(true),
        "AVChatRoom" | "BChatRoom" => Some(false),
        _ => None,
    }
}

fn by_code(code: u32, info: Option<&str>) -> LookupFailure {
    let answer = Answer::new(code, info.unwrap_or_default());
    match code {
        10_010 | 10_015 => LookupFailure::Gone(answer),
        10_044 => LookupFailure::NoHistory(answer),
        60_007 | 60_011 | 60_018 | 60_019 => LookupFailure::TooFast(answer),
        _ => LookupFailure::Failed(answer),
    }
}

fn failed(cause: Cause) -> LookupFailure {
    LookupFailure::Failed(Answer::because(cause))
}

#[cfg(test)]
mod tests {
    use super::super::{HistoryItem, Placeholder};
    use super::*;
    use serde_json::{Value, json};

    fn told(ask: Ask, body: &Value) -> Result<Told, LookupFailure> {
        let group = GroupId::try_from("g").unwrap();
        let body = body.to_string().into_bytes();
        Told::decode(
            ask,
            &group,
            &Reply::Answered {
                status: 200,
                body,
                signature: 0,
            },
        )
    }

    fn page_of(items: &Value) -> Result<HistoryPage, LookupFailure> {
        let body =
            json!({"ActionStatus": "OK", "ErrorCode": 0, "IsFinished": 1, "RspMsgList": items});
        told(Ask::Newest, &body).map(|told| match told {
            Told::Page(page) => page,
            Told::Group(facts) => panic!("no page: {facts:?}"),
        })
    }

    /// The vendor's own sample.
    #[test]
    fn a_page_is_read_as_it_is_documented() {
        let sample = json!([
            {"From_Account": "144115197276518801", "IsPlaceMsg": 0, "MsgBody": [], "MsgPriority": 1,
             "MsgRandom": 51_083_293, "MsgSeq": 7_803_321, "MsgTimeStamp": 1_458_721_802, "IsSystemMsg": 1},
            {"From_Account": "144115198339527735", "IsPlaceMsg": 2, "MsgBody": [], "MsgPriority": 1,
             "MsgRandom": 4_294_967_295_u32, "MsgSeq": 7_803_320, "MsgTimeStamp": 1_458_721_797},
            {"IsPlaceMsg": 1, "MsgRandom": 0, "MsgSeq": 7_803_319, "MsgTimeStamp": 0}
        ]);
        let item = |from: &str, random, seq, time_s, placeholder| HistoryItem {
            from: from.to_owned(),
            random,
            seq,
            time_s,
            placeholder,
        };
        let expected = vec![
            item(
                "144115197276518801",
                Some(51_083_293),
                7_803_321,
                Some(1_458_721_802),
                Placeholder::None,
            ),
            item(
                "144115198339527735",
                Some(u32::MAX),
                7_803_320,
                Some(1_458_721_797),
                Placeholder::Recalled,
            ),
            item("", None, 7_803_319, None, Placeholder::Gone),
        ];
        assert_eq!(page_of(&sample).unwrap().items, expected);
        let table =
            json!({"ActionStatus": "OK", "ErrorCode": 0, "GroupId": "g", "MsgList": sample});
        let page = HistoryPage { items: expected };
        assert_eq!(told(Ask::From(7_803_321), &table), Ok(Told::Page(page)));
    }

    #[test]
    fn a_page_out_of_order_or_without_numbers_is_none() {
        for items in [
            json!([{"MsgSeq": 1}, {"MsgSeq": 2}]),
            json!([{"MsgSeq": 2}, {"MsgSeq": 2}]),
            json!([{"MsgSeq": 0}]),
            json!([{"MsgSeq": 9_223_372_036_854_775_808_u64}]),
            json!([{"MsgSeq": -1}]),
            json!([{"MsgSeq": "7"}]),
            json!([{"MsgRandom": 7}]),
            json!([{"MsgSeq": 7, "IsPlaceMsg": 3}]),
            json!({}),
        ] {
            let read = page_of(&items);
            assert!(
                matches!(read, Err(LookupFailure::Failed(_))),
                "{items}: {read:?}"
            );
        }
    }

    #[test]
    fn no_more_than_a_page_is_believed() {
        let items: Vec<Value> = (0..500)
            .map(|each| json!({"MsgSeq": 1_000 - each}))
            .collect();
        assert_eq!(page_of(&json!(items)).unwrap().items.len(), 20);
    }

    #[test]
    fn odd_values_are_as_good_as_none() {
        let odd = json!([{"MsgSeq": 7, "MsgRandom": -1, "MsgTimeStamp": "now"}]);
        let page = page_of(&odd).unwrap();
        assert_eq!((page.items[0].random, page.items[0].time_s), (None, None));
        let zero = json!([{"MsgSeq": 7, "MsgRandom": 0}]);
        assert_eq!(page_of(&zero).unwrap().items[0].random, Some(0));
    }

    #[test]
    fn what_a_group_is_stands_in_its_own_place() {
        let facts = |info: Value| {
            let body = json!({"ActionStatus": "OK", "ErrorCode": 0, "GroupInfo": [info]});
            told(Ask::Group, &body)
        };
        let known = |keeps_history, next_seq| {
            Ok(Told::Group(GroupFacts {
                keeps_history,
                next_seq,
            }))
        };
        let public = json!({"GroupId": "g", "ErrorCode": 0, "Type": "Public", "NextMsgSeq": 4_294_967_296_u64});
        assert_eq!(facts(public), known(Some(true), Some(4_294_967_296)));
        let live = json!({"GroupId": "g", "ErrorCode": 0, "Type": "AVChatRoom"});
        assert_eq!(facts(live), known(Some(false), None));
        assert_eq!(facts(json!({"Type": "Guild"})), known(None, None));
        let gone = json!({"GroupId": "g", "ErrorCode": 10_010, "ErrorInfo": "gone"});
        assert!(matches!(facts(gone), Err(LookupFailure::Gone(_))));
        let other = json!({"GroupId": "h", "ErrorCode": 0, "Type": "Public"});
        assert!(matches!(facts(other), Err(LookupFailure::Failed(_))));
        let none = json!({"ActionStatus": "OK", "ErrorCode": 0, "GroupInfo": []});
        let none = told(Ask::Group, &none);
        assert!(matches!(none, Err(LookupFailure::Failed(_))));
        let slow = told(Ask::Group, &json!({"ErrorCode": 60_007}));
        assert!(matches!(slow, Err(LookupFailure::TooFast(_))));
    }

    #[test]
    fn codes_say_what_a_further_try_is_worth() {
        let of = |code: u32| {
            told(
                Ask::Newest,
                &json!({"ActionStatus": "FAIL", "ErrorCode": code}),
            )
        };
        for code in [60_007, 60_011, 60_018, 60_019] {
            assert!(matches!(of(code), Err(LookupFailure::TooFast(_))), "{code}");
        }
        for code in [10_010, 10_015] {
            assert!(matches!(of(code), Err(LookupFailure::Gone(_))), "{code}");
        }
        assert!(matches!(of(10_044), Err(LookupFailure::NoHistory(_))));
        for code in [0, 10_002, 10_007, 70_009, 4_711] {
            assert!(matches!(of(code), Err(LookupFailure::Failed(_))), "{code}");
        }
    }

    #[test]
    fn what_did_not_come_is_a_failure() {
        let group = GroupId::try_from("g").unwrap();
        let of = |reply: Reply| Told::decode(Ask::Newest, &group, &reply);
        let unsent = of(Reply::NotSent("refused".to_owned()));
        assert!(matches!(unsent, Err(LookupFailure::NoConnection(_))));
        for reply in [
            Reply::Lost("reset".to_owned()),
            Reply::Answered {
                status: 502,
                body: Vec::new(),
                signature: 0,
            },
            Reply::Answered {
                status: 200,
                body: b"<html>".to_vec(),
                signature: 0,
            },
        ] {
            let read = of(reply.clone());
            assert!(matches!(read, Err(LookupFailure::Failed(_))), "{reply:?}");
        }
    }
}
