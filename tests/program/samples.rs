//! Every sample request of the vendor's documents, made by a campaign file: equal as JSON to what arrives at a socket,
//! and accepted by the sandbox in every type of group that the document lists.
//!
//! The samples stand here as they do there, without their comments, which are no JSON. Their `Random` is a placeholder:
//! ours is another one in every call.

use super::place::Place;
use super::wire::Sent;
use serde_json::Value;

/// One sample of one document.
struct Sample {
    /// What the audience says beside its groups.
    audience: &'static str,
    /// What stands below `send:`.
    send: &'static str,
    /// The types of group that the document lists for it; of no group at all for a broadcast.
    types: &'static [&'static str],
    command: &'static str,
    request: &'static str,
}

/// The group of all samples.
const GROUP: &str = "@TGS#2C5SZEAEF";

impl Sample {
    #[track_caller]
    fn assert(&self) {
        let sent = Sent::by(&self.campaign(&[format!("\"{GROUP}\"")]));
        let mut request: Value = serde_json::from_str(self.request).unwrap();
        let random = request.as_object_mut().unwrap().remove("Random");
        assert_eq!(sent.body, request);
        assert_eq!(sent.command, self.command);
        assert_eq!(sent.random.is_some(), random.is_some());
        assert!(
            sent.random
                .is_none_or(|random| u32::try_from(random.as_u64().unwrap()).is_ok())
        );
        self.assert_rehearsed();
    }

    /// The strict stand-in takes it, in a group of every type at once.
    fn assert_rehearsed(&self) {
        let groups = self.types.iter();
        let groups: Vec<String> = groups
            .map(|kind| format!("{{ id: \"{GROUP}-{kind}\", type: {kind} }}"))
            .collect();
        let place = Place::new();
        place.write("campaigns/news.yaml", &self.campaign(&groups));
        let calls = groups.len().max(1);
        place
            .run(&["run", "news", "--sandbox", "--yes", "--force"])
            .assert(
                0,
                &[&format!("{calls} planned = {calls} accepted + 0 refused")],
            );
    }

    fn campaign(&self, groups: &[String]) -> String {
        let (groups, send) = (groups.join(", "), self.send);
        match self.types {
            [] => format!("send:\n{send}"),
            _ => format!(
                "audience:\n  groups: [{groups}]\n{}send:\n{send}",
                self.audience
            ),
        }
    }
}

/// An ordinary message as group-message-intl.md has them.
fn group_message(
    send: &'static str,
    types: &'static [&'static str],
    request: &'static str,
) -> Sample {
    let (audience, command) = ("", "send_group_msg");
    Sample {
        audience,
        send,
        types,
        command,
        request,
    }
}

/// group-message-intl.md
const FOUR: &[&str] = &["Private", "Public", "ChatRoom", "AVChatRoom"];

#[test]
fn group_message_intl_basic_form() {
    // The push's picture has no scheme there either.
    let send = r#"
  group_message:
    elements:
      - text: "red packet"
      - face: { index: 6, data: "abc\u0000\u0001" }
    offline_push:
      push: true
      desc: "The content that is pushed offline"
      ext: "This is the passthrough content"
      android: { sound: "android.mp3" }
      apns:
        sound: "apns.mp3"
        badge_mode: 1
        title: "apns title"
        sub_title: "apns subtitle"
        image: "www.image.com"
"#;
    let request = r#"{
    "GroupId": "@TGS#2C5SZEAEF",
    "Random": 8912345,
    "MsgBody": [
        { "MsgType": "TIMTextElem", "MsgContent": { "Text": "red packet" } },
        { "MsgType": "TIMFaceElem", "MsgContent": { "Index": 6, "Data": "abc\u0000\u0001" } }
    ],
    "OfflinePushInfo": {
        "PushFlag": 0,
        "Desc": "The content that is pushed offline",
        "Ext": "This is the passthrough content",
        "AndroidInfo": { "Sound": "android.mp3" },
        "ApnsInfo": {
            "Sound": "apns.mp3",
            "BadgeMode": 1,
            "Title": "apns title",
            "SubTitle": "apns subtitle",
            "Image": "www.image.com"
        }
    }
}"#;
    group_message(send, FOUR, request).assert();
}

#[test]
fn group_message_intl_specify_the_message_sender() {
    let send = r#"
  group_message:
    from_account: leckie
    elements: [{ text: "red packet" }, { face: { index: 6, data: "abc\u0000\u0001" } }]
"#;
    let request = r#"{
    "GroupId": "@TGS#2C5SZEAEF",
    "From_Account": "leckie",
    "Random": 8912345,
    "MsgBody": [
        { "MsgType": "TIMTextElem", "MsgContent": { "Text": "red packet" } },
        { "MsgType": "TIMFaceElem", "MsgContent": { "Index": 6, "Data": "abc\u0000\u0001" } }
    ]
}"#;
    group_message(send, FOUR, request).assert();
}

#[test]
fn group_message_intl_specify_the_message_priority() {
    let send = r#"
  group_message:
    priority: high
    elements: [{ text: "red packet" }, { face: { index: 6, data: "abc\u0000\u0001" } }]
"#;
    let request = r#"{
    "GroupId": "@TGS#2C5SZEAEF",
    "Random": 8912345,
    "MsgPriority": "High",
    "MsgBody": [
        { "MsgType": "TIMTextElem", "MsgContent": { "Text": "red packet" } },
        { "MsgType": "TIMFaceElem", "MsgContent": { "Index": 6, "Data": "abc\u0000\u0001" } }
    ]
}"#;
    group_message(send, FOUR, request).assert();
}

#[test]
fn group_message_intl_disable_callback_for_a_specified_message() {
    let send = r#"
  group_message:
    forbid_callbacks: [before_send, after_send]
    elements: [{ text: "red packet" }, { face: { index: 6, data: "abc\u0000\u0001" } }]
"#;
    let request = r#"{
    "GroupId": "@TGS#2C5SZEAEF",
    "Random": 8912345,
    "ForbidCallbackControl": ["ForbidBeforeSendMsgCallback", "ForbidAfterSendMsgCallback"],
    "MsgBody": [
        { "MsgType": "TIMTextElem", "MsgContent": { "Text": "red packet" } },
        { "MsgType": "TIMFaceElem", "MsgContent": { "Index": 6, "Data": "abc\u0000\u0001" } }
    ]
}"#;
    group_message(send, FOUR, request).assert();
}

#[test]
fn group_message_intl_specify_messages_for_online_delivery() {
    let send = r#"
  group_message:
    online_only: true
    elements: [{ text: "red packet" }, { face: { index: 6, data: "abc\u0000\u0001" } }]
"#;
    let request = r#"{
    "GroupId": "@TGS#2C5SZEAEF",
    "Random": 8912345,
    "OnlineOnlyFlag": 1,
    "MsgBody": [
        { "MsgType": "TIMTextElem", "MsgContent": { "Text": "red packet" } },
        { "MsgType": "TIMFaceElem", "MsgContent": { "Index": 6, "Data": "abc\u0000\u0001" } }
    ]
}"#;
    // The document leaves AVChatRoom out here.
    group_message(send, &["Private", "Public", "ChatRoom"], request).assert();
}

/// The samples of the three documents on notifications are the same; the types of group are not.
fn notification(types: &'static [&'static str]) -> Sample {
    Sample {
        audience: "",
        send: "  notification: { text: \"Hello World\" }\n",
        types,
        command: "send_group_system_notification",
        request: r#"{
    "GroupId": "@TGS#2C5SZEAEF",
    "Content": "Hello World"
}"#,
    }
}

/// The documents take an empty list for everybody, so one is never sent: without `members` there is no list.
fn notification_to_members(types: &'static [&'static str]) -> Sample {
    Sample {
        audience: "  members: [peter, leckie]\n",
        request: r#"{
    "GroupId": "@TGS#2C5SZEAEF",
    "ToMembers_Account": ["peter", "leckie"],
    "Content": "Hello World"
}"#,
        ..notification(types)
    }
}

/// system-notification-intl.md and its older version.
const FIVE: &[&str] = &["Private", "Public", "ChatRoom", "AVChatRoom", "BChatRoom"];
const THREE: &[&str] = &["Private", "Public", "ChatRoom"];

#[test]
fn system_notification_intl_to_all_members() {
    notification(FIVE).assert();
}

#[test]
fn system_notification_intl_to_specific_members() {
    notification_to_members(THREE).assert();
}

#[test]
fn system_notification_intl_2020_to_all_members() {
    notification(FIVE).assert();
}

#[test]
fn system_notification_intl_2020_to_specific_members() {
    notification_to_members(THREE).assert();
}

#[test]
fn system_notification_zh_basic_form() {
    notification(&["Private", "Public", "ChatRoom", "AVChatRoom", "Community"]).assert();
}

#[test]
fn system_notification_zh_to_specific_members() {
    notification_to_members(&["Private", "Public", "ChatRoom", "Community"]).assert();
}

#[test]
fn broadcast_intl_basic_format() {
    let sample = Sample {
        audience: "",
        send: r#"
  broadcast:
    from_account: test
    elements: [{ custom: { data: "{ \"type\":1, \"content\":\"hello world\"}" } }]
    cloud_custom_data: "your cloud custom data"
"#,
        types: &[],
        command: "send_broadcast_msg",
        request: r#"{
    "From_Account": "test",
    "Random": 8912345,
    "MsgBody": [
        {
            "MsgType": "TIMCustomElem",
            "MsgContent": { "Data": "{ \"type\":1, \"content\":\"hello world\"}" }
        }
    ],
    "CloudCustomData": "your cloud custom data"
}"#,
    };
    sample.assert();
}
