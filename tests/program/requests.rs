//! What reaches the vendor beyond its samples: every other field, with the vendor's name, type and words.

use super::place::Place;
use super::wire::Sent;
use serde_json::{Value, json};

/// A message with these options, as it arrives.
fn sent(options: &str) -> Value {
    let text = "audience: { groups: [\"@TGS#1\"] }\nsend:\n  group_message:\n    text: \"x\"\n";
    Sent::by(&format!("{text}{options}")).body
}

#[test]
fn every_option_has_its_field() {
    for (option, key, value) in [
        ("priority: normal", "MsgPriority", json!("Normal")),
        ("priority: low", "MsgPriority", json!("Low")),
        ("priority: lowest", "MsgPriority", json!("Lowest")),
        // What is given is sent, though it be the vendor's default.
        ("online_only: false", "OnlineOnlyFlag", json!(0)),
        ("unread: ignore", "SendMsgControl", json!(["NoUnread"])),
        ("last_message: keep", "SendMsgControl", json!(["NoLastMsg"])),
        ("read_receipt: true", "NeedReadReceipt", json!(1)),
        ("extension: false", "SupportMessageExtension", json!(0)),
        (
            "topic: \"{{ group.id }}@TOPIC#_a\"",
            "TopicId",
            json!("@TGS#1@TOPIC#_a"),
        ),
        (
            "cloud_custom_data: \"plain\"",
            "CloudCustomData",
            json!("plain"),
        ),
        (
            "cloud_custom_data_json: { a: \"{{ group.id }}\" }",
            "CloudCustomData",
            json!("{\"a\":\"@TGS#1\"}"),
        ),
    ] {
        let body = json!([{ "MsgType": "TIMTextElem", "MsgContent": { "Text": "x" } }]);
        let expected = json!({ "GroupId": "@TGS#1", "MsgBody": body, key: value });
        assert_eq!(sent(&format!("    {option}\n")), expected, "{option}");
    }
    let both = sent("    unread: ignore\n    last_message: keep\n");
    assert_eq!(both["SendMsgControl"], json!(["NoUnread", "NoLastMsg"]));
}

#[test]
fn mentions_are_accounts_and_everybody_in_order() {
    let everybody = json!({ "GroupAtAllFlag": 1 });
    let account = |id: &str| json!({ "GroupAtAllFlag": 0, "GroupAt_Account": id });
    for (mention, expected) in [
        ("all", json!([everybody])),
        ("[peter]", json!([account("peter")])),
        (
            "[all, \"tommy\", brennanli]",
            json!([everybody, account("tommy"), account("brennanli")]),
        ),
        (
            "[\"{{ group.id }}\", { by: group.id, cases: { \"@TGS#1\": \"ann\" } }, \"{{ 'all' }}\"]",
            json!([account("@TGS#1"), account("ann"), account("all")]),
        ),
    ] {
        let sent = sent(&format!("    mention: {mention}\n"));
        assert_eq!(sent["GroupAtInfo"], expected, "{mention}");
    }
}

#[test]
fn members_of_a_message_are_cut_into_calls_of_fifty() {
    let place = Place::new();
    let members: Vec<String> = (0..51).map(|number| format!("m{number}")).collect();
    let members = members.join(", ");
    let audience = format!("audience: {{ groups: [\"g1\"], members: [{members}] }}\n");
    for send in ["group_message", "notification"] {
        let send = format!("send: {{ {send}: {{ text: \"x\" }} }}\n");
        place.write("campaigns/news.yaml", &format!("{audience}{send}"));
        place
            .run(&["run", "news", "--sandbox", "--yes"])
            .assert(0, &["2 planned = 2 accepted"]);
    }
    let audience = "audience: { groups: [\"g1\"], members: [peter, leckie] }\n";
    let send = "send: { group_message: { text: \"x\" } }\n";
    let body = Sent::by(&format!("{audience}{send}")).body;
    assert_eq!(body["To_Account"], json!(["peter", "leckie"]));
}

#[test]
fn an_offline_push_has_every_field_and_those_we_do_not_know() {
    let push = r#"    offline_push:
      push: false
      title: "t"
      ext_json: { entity: { key: "{{ group.id }}" } }
      android:
        push_style: 1
        huawei_channel_id: "h"
        xiaomi_channel_id: "x"
        oppo_channel_id: "o"
        google_channel_id: "g"
        vivo_classification: 0
        vivo_category: "IM"
        huawei_importance: LOW
        huawei_category: "MARKETING"
        ext_as_huawei_intent_param: 1
        huawei_image: "https://x/h"
        honor_importance: NORMAL
        honor_image: "https://x/o"
        google_image: "https://x/g"
        oppo_category: "MARKETING"
        oppo_private_msg_template_id: "p"
        meizu_notice_msg_type: 0
        extra: { NewKey: { a: [1, "{{ group.id }}"] } }
      apns:
        mutable_content: 1
        interruption_level: time-sensitive
        content_available: 1
      extra: { HarmonyInfo: { BadgeMode: 1 } }
"#;
    let expected = json!({
        "PushFlag": 1, "Title": "t", "Ext": "{\"entity\":{\"key\":\"@TGS#1\"}}",
        "AndroidInfo": {
            "PushStyle": 1, "HuaWeiChannelID": "h", "XiaoMiChannelID": "x", "OPPOChannelID": "o",
            "GoogleChannelID": "g", "VIVOClassification": 0, "VIVOCategory": "IM", "HuaWeiImportance": "LOW",
            "HuaWeiCategory": "MARKETING", "ExtAsHuaweiIntentParam": 1, "HuaWeiImage": "https://x/h",
            "HonorImportance": "NORMAL", "HonorImage": "https://x/o", "GoogleImage": "https://x/g",
            "OPPOCategory": "MARKETING", "OPPOPrivateMsgTemplateId": "p", "MeiZuNoticeMsgType": 0,
            "NewKey": { "a": [1, "@TGS#1"] }
        },
        "ApnsInfo": { "MutableContent": 1, "InterruptionLevel": "time-sensitive", "ContentAvailable": 1 },
        "HarmonyInfo": { "BadgeMode": 1 }
    });
    assert_eq!(sent(push)["OfflinePushInfo"], expected);
}

/// All nine kinds, each with every member it can have.
const ELEMENTS: &str = r#"
audience: { groups: ["g1"] }
send:
  group_message:
    elements:
      - text: "hello"
      - face: { index: -1 }
      - custom: { data: "d", desc: "e", ext_json: { a: 1 }, sound: "s.aiff" }
      - location: { desc: "someinfo", latitude: 29.34, longitude: -116.88 }
      - image:
          uuid: "1_D6"
          format: jpg
          images:
            - { kind: original, size: 1853095, width: 2448, height: 3264, url: "http://x/a" }
            - { kind: large, width: 0, height: 0, url: "http://x/b" }
            - { kind: thumb, width: 0, height: 0, url: "http://x/c" }
      - image: { uuid: "2", format: other, images: [{ kind: thumb, width: 1, height: 1, url: "u" }] }
      - sound: { url: "https://x/s", uuid: "1_x", size: 62351, seconds: 1 }
      - file: { url: "https://x/f", uuid: "1_f", size: 1773552, name: "file:///private/x" }
      - video:
          url: "https://x/v"
          uuid: "1_v"
          size: 1194603
          seconds: 5
          format: "mp4"
          thumb: { url: "https://x/t", uuid: "1_t", size: 13907, width: 720, height: 1280, format: "JPG" }
      - relay:
          title: "Group chat history"
          count: 1
          compatible_text: "Please upgrade"
          abstracts: ["A: {{ group.id }}"]
          messages:
            - From_Account: "A"
              MsgSeq: 85
              MsgRandom: 3998651049
              MsgTimeStamp: 1664437702
              MsgBody: [{ MsgType: "TIMTextElem", MsgContent: { Text: "hi" } }]
      - relay: { title: "t", count: 200, compatible_text: "c", abstracts: [], json_key: "k" }
"#;

/// What they come to.
const MSG_BODY: &str = r#"[
    { "MsgType": "TIMTextElem", "MsgContent": { "Text": "hello" } },
    { "MsgType": "TIMFaceElem", "MsgContent": { "Index": -1, "Data": "" } },
    { "MsgType": "TIMCustomElem", "MsgContent": {
        "Data": "d", "Desc": "e", "Ext": "{\"a\":1}", "Sound": "s.aiff" } },
    { "MsgType": "TIMLocationElem", "MsgContent": {
        "Desc": "someinfo", "Latitude": 29.34, "Longitude": -116.88 } },
    { "MsgType": "TIMImageElem", "MsgContent": { "UUID": "1_D6", "ImageFormat": 1, "ImageInfoArray": [
        { "Type": 1, "Size": 1853095, "Width": 2448, "Height": 3264, "URL": "http://x/a" },
        { "Type": 2, "Width": 0, "Height": 0, "URL": "http://x/b" },
        { "Type": 3, "Width": 0, "Height": 0, "URL": "http://x/c" } ] } },
    { "MsgType": "TIMImageElem", "MsgContent": { "UUID": "2", "ImageFormat": 255, "ImageInfoArray": [
        { "Type": 3, "Width": 1, "Height": 1, "URL": "u" } ] } },
    { "MsgType": "TIMSoundElem", "MsgContent": {
        "Url": "https://x/s", "UUID": "1_x", "Size": 62351, "Second": 1, "Download_Flag": 2 } },
    { "MsgType": "TIMFileElem", "MsgContent": {
        "Url": "https://x/f", "UUID": "1_f", "FileSize": 1773552, "FileName": "file:///private/x",
        "Download_Flag": 2 } },
    { "MsgType": "TIMVideoFileElem", "MsgContent": {
        "VideoUrl": "https://x/v", "VideoUUID": "1_v", "VideoSize": 1194603, "VideoSecond": 5,
        "VideoFormat": "mp4", "VideoDownloadFlag": 2, "ThumbUrl": "https://x/t", "ThumbUUID": "1_t",
        "ThumbSize": 13907, "ThumbWidth": 720, "ThumbHeight": 1280, "ThumbFormat": "JPG",
        "ThumbDownloadFlag": 2 } },
    { "MsgType": "TIMRelayElem", "MsgContent": {
        "Title": "Group chat history", "MsgNum": 1, "CompatibleText": "Please upgrade",
        "AbstractList": ["A: g1"],
        "MsgList": [{ "From_Account": "A", "MsgSeq": 85, "MsgRandom": 3998651049, "MsgTimeStamp": 1664437702,
            "MsgBody": [{ "MsgType": "TIMTextElem", "MsgContent": { "Text": "hi" } }] }] } },
    { "MsgType": "TIMRelayElem", "MsgContent": {
        "Title": "t", "MsgNum": 200, "CompatibleText": "c", "AbstractList": [], "JsonMsgKey": "k" } }
]"#;

#[test]
fn every_element_has_every_member() {
    let expected: Value = serde_json::from_str(MSG_BODY).unwrap();
    assert_eq!(Sent::by(ELEMENTS).body["MsgBody"], expected);
    let place = Place::new();
    place.write("campaigns/news.yaml", ELEMENTS);
    place
        .run(&["run", "news", "--sandbox", "--yes"])
        .assert(0, &["1 accepted"]);
}
