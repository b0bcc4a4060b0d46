//! What a body must look like, and what the sandbox reads from it.

mod fields;
mod lookups;

pub(super) use lookups::{HistoryRequest, InfoField, InfoRequest, RecallRequest};

use super::answer::{Refusal, code};
use super::call::Call;
use super::elements;
use super::shape::{Misfit, check_members};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// How many members one call may name.
const ACCOUNTS_MAX: usize = 50;
const MENTIONS_MAX: usize = 30;
const GROUP_ID_BYTES_MAX: usize = 48;
/// Of the compact JSON of `MsgBody` and the text of `CloudCustomData` together, the narrowest reading of "12K". It
/// bounds the content of a notification too, for which no limit is published.
const MESSAGE_BYTES_MAX: usize = 12_000;
/// How much of a text the ledger keeps.
const TEXT_CHARACTERS_MAX: usize = 200;
/// A body that passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Request {
    Message(Message),
    History(HistoryRequest),
    Recall(RecallRequest),
    GroupInfo(InfoRequest),
}

/// What the sandbox needs of something that is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) group: Option<String>,
    pub(super) topic: Option<String>,
    pub(super) members: Vec<String>,
    pub(super) random: Option<u32>,
    pub(super) from: Option<String>,
    pub(super) priority: Option<String>,
    pub(super) wishes: Vec<Wish>,
    /// SHA-256 in hexadecimal of the compact JSON of `MsgBody`, or of a notification's content.
    pub(super) body_digest: String,
    pub(super) text: Option<String>,
}

/// What a message asks for that not every type of group has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    OnlineOnly,
    UnreadIgnored,
    LastMessageKept,
    MentionAll,
    ReadReceipt,
}

/// Checks a body and reads it.
pub(super) fn read(call: Call, body: &[u8]) -> Result<Request, Refusal> {
    let unreadable = |why: String| Refusal::new(code::BODY_UNREADABLE, why);
    let body: Value = serde_json::from_slice(body)
        .map_err(|error| unreadable(format!("body is not JSON: {error}")))?;
    let body = body
        .as_object()
        .ok_or_else(|| unreadable("body is not a JSON object".to_owned()))?;
    match call {
        Call::GroupMessage | Call::Notification | Call::Broadcast => {
            read_message(call, body).map(Request::Message)
        }
        Call::History => lookups::read_history(body).map(Request::History),
        Call::Recall => lookups::read_recall(body).map(Request::Recall),
        Call::GroupInfo => lookups::read_info(body).map(Request::GroupInfo),
    }
}

fn read_message(call: Call, body: &Map<String, Value>) -> Result<Message, Refusal> {
    let fields = match call {
        Call::Notification => fields::NOTIFICATION,
        Call::Broadcast => fields::BROADCAST,
        _ => fields::GROUP_MESSAGE,
    };
    check_members(body, fields, true).map_err(|misfit| refusal_of(&misfit))?;
    check_accounts(body)?;
    if call == Call::GroupMessage {
        check_options(body)?;
    }
    let content = read_content(body)?;
    if let Some(group) = body.get("GroupId").and_then(Value::as_str) {
        check_group_id(group)?;
    }
    let text_of = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    Ok(Message {
        group: text_of("GroupId"),
        topic: text_of("TopicId"),
        members: accounts(body)
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        random: body
            .get("Random")
            .and_then(Value::as_u64)
            .and_then(|random| u32::try_from(random).ok()),
        from: text_of("From_Account"),
        priority: text_of("MsgPriority"),
        wishes: wishes(body),
        body_digest: content.digest,
        text: content.text,
    })
}

fn wishes(body: &Map<String, Value>) -> Vec<Wish> {
    let list = |name: &str| {
        body.get(name)
            .and_then(Value::as_array)
            .map_or(&[][..], Vec::as_slice)
    };
    let control = |name: &str| list("SendMsgControl").iter().any(|each| each == name);
    let mentions = list("GroupAtInfo");
    let wishes = [
        (is_set(body, "OnlineOnlyFlag"), Wish::OnlineOnly),
        (control("NoUnread"), Wish::UnreadIgnored),
        (control("NoLastMsg"), Wish::LastMessageKept),
        (
            mentions.iter().any(|each| each["GroupAtAllFlag"] == 1),
            Wish::MentionAll,
        ),
        (is_set(body, "NeedReadReceipt"), Wish::ReadReceipt),
    ];
    let wanted = wishes.into_iter().filter(|(wanted, _)| *wanted);
    wanted.map(|(_, wish)| wish).collect()
}

fn is_set(body: &Map<String, Value>, flag: &str) -> bool {
    body.get(flag).and_then(Value::as_u64) == Some(1)
}

/// The offline push has a code of its own; everything else is an invalid parameter.
fn refusal_of(misfit: &Misfit) -> Refusal {
    match misfit.root() {
        "OfflinePushInfo" => Refusal::new(code::PUSH_INFO_MALFORMED, misfit.describe()),
        _ => Refusal::parameter(misfit.describe()),
    }
}

/// The named members, under either of the names the calls have for them.
fn accounts(body: &Map<String, Value>) -> impl Iterator<Item = &Value> {
    let named = body
        .get("To_Account")
        .or_else(|| body.get("ToMembers_Account"));
    named.and_then(Value::as_array).into_iter().flatten()
}

fn check_accounts(body: &Map<String, Value>) -> Result<(), Refusal> {
    if accounts(body).count() > ACCOUNTS_MAX {
        return Err(Refusal::new(
            code::TOO_MANY_ACCOUNTS,
            format!("more than {ACCOUNTS_MAX} accounts are named"),
        ));
    }
    // An empty list of a notification means everyone; for a message nothing says so, and a client that meant
    // somebody must not reach everybody.
    let empty = body
        .get("To_Account")
        .and_then(Value::as_array)
        .is_some_and(Vec::is_empty);
    if empty {
        Err(Refusal::parameter("`To_Account` must not be empty"))
    } else {
        Ok(())
    }
}

/// What members of a group message exclude each other.
fn check_options(body: &Map<String, Value>) -> Result<(), Refusal> {
    if is_set(body, "OnlineOnlyFlag") && body.contains_key("SendMsgControl") {
        return Err(Refusal::parameter(
            "`SendMsgControl` is not allowed with `OnlineOnlyFlag`",
        ));
    }
    if is_set(body, "OnlineOnlyFlag") && is_set(body, "NeedReadReceipt") {
        return Err(Refusal::new(
            code::RECEIPT_OF_ONLINE_MESSAGE,
            "an online message cannot have receipts",
        ));
    }
    check_mentions(body)
}

fn check_mentions(body: &Map<String, Value>) -> Result<(), Refusal> {
    let mentions = body.get("GroupAtInfo").and_then(Value::as_array);
    let mentions = mentions.map_or(&[][..], Vec::as_slice);
    if mentions.len() > MENTIONS_MAX {
        return Err(Refusal::new(
            code::TOO_MANY_MENTIONS,
            format!("more than {MENTIONS_MAX} members are mentioned"),
        ));
    }
    let is_nobody = |mention: &&Value| {
        mention["GroupAtAllFlag"] == 0 && mention.get("GroupAt_Account").is_none()
    };
    if mentions.iter().any(|mention| is_nobody(&mention)) {
        return Err(Refusal::parameter(
            "`GroupAtInfo` must name whom it mentions, or everybody",
        ));
    }
    Ok(())
}

/// The part of a body that members see.
struct Content {
    digest: String,
    text: Option<String>,
}

fn read_content(body: &Map<String, Value>) -> Result<Content, Refusal> {
    if let Some(content) = body.get("Content").and_then(Value::as_str) {
        check_size(content.len())?;
        return Ok(Content {
            digest: hexadecimal(content.as_bytes()),
            text: Some(shortened(content)),
        });
    }
    let elements = body
        .get("MsgBody")
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    elements::check_message_body(elements)
        .map_err(|misfit| refusal_of(&misfit.within("MsgBody")))?;
    let compact =
        serde_json::to_vec(elements).expect("what was read as JSON can be written as JSON");
    let custom_data = body
        .get("CloudCustomData")
        .and_then(Value::as_str)
        .unwrap_or("");
    check_size(compact.len() + custom_data.len())?;
    Ok(Content {
        digest: hexadecimal(&compact),
        text: elements::first_text(elements).map(shortened),
    })
}

fn check_size(bytes: usize) -> Result<(), Refusal> {
    if bytes <= MESSAGE_BYTES_MAX {
        return Ok(());
    }
    let info = format!("message of {bytes} bytes is longer than {MESSAGE_BYTES_MAX}");
    Err(Refusal::new(code::MESSAGE_TOO_LONG, info))
}

pub(super) fn check_group_id(group: &str) -> Result<(), Refusal> {
    let printable = group.bytes().all(|byte| (0x20..=0x7e).contains(&byte));
    if !printable || group.is_empty() || group.len() > GROUP_ID_BYTES_MAX {
        let info =
            format!("`GroupId` must be 1 to {GROUP_ID_BYTES_MAX} printable ASCII characters");
        return Err(Refusal::new(code::GROUP_ID_ILLEGAL, info));
    }
    Ok(())
}

fn shortened(text: &str) -> String {
    text.chars().take(TEXT_CHARACTERS_MAX).collect()
}

fn hexadecimal(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .fold(String::with_capacity(64), |mut text, byte| {
            // Writing into a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::group_message;
    use super::*;
    use serde_json::json;

    fn with(name: &str, value: Value) -> Value {
        let mut body = group_message("@TGS#a", 1, "hello");
        body[name] = value;
        body
    }

    fn code_of(call: Call, body: &Value) -> u32 {
        read(call, body.to_string().as_bytes()).map_or_else(|refusal| refusal.code, |_| 0)
    }

    fn message_code(name: &str, value: Value) -> u32 {
        code_of(Call::GroupMessage, &with(name, value))
    }

    #[test]
    fn a_message_is_read() {
        let body = with("To_Account", json!(["ann", "bob"]));
        let Ok(Request::Message(message)) = read(Call::GroupMessage, body.to_string().as_bytes())
        else {
            panic!("it passes");
        };
        let compact = r#"[{"MsgContent":{"Text":"hello"},"MsgType":"TIMTextElem"}]"#;
        assert_eq!(message.body_digest, hexadecimal(compact.as_bytes()));
        assert_eq!(
            (message.group.as_deref(), message.random),
            (Some("@TGS#a"), Some(1))
        );
        assert_eq!(
            (message.members, message.text.as_deref()),
            (vec!["ann".into(), "bob".into()], Some("hello"))
        );
    }

    #[test]
    fn the_digest_is_a_plain_sha_256() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(hexadecimal(b""), empty);
    }

    #[test]
    fn every_known_member_passes() {
        let body = json!({
            "GroupId": "@TGS#a", "Random": 4_294_967_295_u32, "MsgPriority": "Low", "From_Account": "root",
            "MsgBody": [{ "MsgType": "TIMTextElem", "MsgContent": { "Text": "" } }],
            "OnlineOnlyFlag": 0, "SendMsgControl": ["NoUnread"], "CloudCustomData": "{}",
            "ForbidCallbackControl": ["ForbidAfterSendMsgCallback"], "SupportMessageExtension": 1,
            "GroupAtInfo": [{ "GroupAtAllFlag": 1 }, { "GroupAtAllFlag": 0, "GroupAt_Account": "ann" }],
            "OfflinePushInfo": { "Title": "t", "ApnsInfo": { "BadgeMode": 1 }, "NewMember": true },
            "TopicId": "@TGS#a@TOPIC#_b", "NeedReadReceipt": 1,
        });
        assert_eq!(code_of(Call::GroupMessage, &body), 0);
        let notification =
            json!({ "GroupId": "a", "Content": "c", "ToMembers_Account": [], "TopicId": "t" });
        assert_eq!(code_of(Call::Notification, &notification), 0);
        let mut broadcast = group_message("", 1, "hello");
        broadcast.as_object_mut().unwrap().remove("GroupId");
        assert_eq!(code_of(Call::Broadcast, &broadcast), 0);
        assert_eq!(
            code_of(Call::Broadcast, &with("GroupId", json!("a"))),
            10004
        );
    }

    #[test]
    fn each_flaw_has_its_code() {
        assert_eq!(read(Call::GroupMessage, b"{").unwrap_err().code, 60003);
        assert_eq!(read(Call::GroupMessage, b"[]").unwrap_err().code, 60003);
        assert_eq!(message_code("random", json!(1)), 10004);
        assert_eq!(message_code("Random", json!("1")), 10004);
        assert_eq!(message_code("Random", json!(4_294_967_296_u64)), 10004);
        assert_eq!(message_code("MsgBody", json!([])), 10004);
        assert_eq!(message_code("MsgPriority", json!("high")), 10004);
        assert_eq!(message_code("To_Account", json!([])), 10004);
        assert_eq!(message_code("To_Account", json!([""])), 10004);
        assert_eq!(message_code("To_Account", json!(vec!["a"; 50])), 0);
        assert_eq!(message_code("To_Account", json!(vec!["a"; 51])), 10005);
        assert_eq!(message_code("GroupId", json!("")), 10015);
        assert_eq!(message_code("GroupId", json!("群")), 10015);
        assert_eq!(
            message_code(
                "GroupAtInfo",
                json!(vec![json!({ "GroupAtAllFlag": 1 }); 31])
            ),
            10053
        );
        assert_eq!(
            message_code("GroupAtInfo", json!([{ "GroupAtAllFlag": 0 }])),
            10004
        );
        let android = json!({ "AndroidInfo": { "OPPOCategory": 1 } });
        for push in [json!({ "PushFlag": "0" }), android] {
            assert_eq!(message_code("OfflinePushInfo", push), 90043);
        }
        let mut online = with("OnlineOnlyFlag", json!(1));
        online["NeedReadReceipt"] = json!(1);
        assert_eq!(code_of(Call::GroupMessage, &online), 10061);
        online["SendMsgControl"] = json!(["NoLastMsg"]);
        assert_eq!(code_of(Call::GroupMessage, &online), 10004);
    }

    #[test]
    fn the_size_counts_the_elements_and_the_custom_data() {
        let around = r#"[{"MsgContent":{"Text":""},"MsgType":"TIMTextElem"}]"#.len();
        let mut body = group_message("a", 1, &"x".repeat(MESSAGE_BYTES_MAX - around));
        assert_eq!(code_of(Call::GroupMessage, &body), 0);
        body["CloudCustomData"] = json!("y");
        assert_eq!(code_of(Call::GroupMessage, &body), 80002);
    }

    #[test]
    fn a_refusal_names_the_member() {
        let refused = read(
            Call::GroupMessage,
            with("Randon", json!(1)).to_string().as_bytes(),
        )
        .unwrap_err();
        assert_eq!(refused.info, "`Randon` is not a known member");
        let body = with(
            "MsgBody",
            json!([{ "MsgType": "TIMTextElem", "MsgContent": { "Text": 1 } }]),
        );
        let refused = read(Call::GroupMessage, body.to_string().as_bytes()).unwrap_err();
        assert_eq!(
            refused.info,
            "`MsgBody[0].MsgContent.Text` must be a string"
        );
    }
}
