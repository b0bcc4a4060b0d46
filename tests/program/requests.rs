//! What reaches the vendor, byte for byte.

use super::place::{Place, pause};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpListener;

/// The body of the one call that a campaign makes, without its `Random`.
pub(super) fn sent(campaign: &str) -> Value {
    let (mut body, _) = sent_and_logged(campaign);
    let random = body.as_object_mut().unwrap().remove("Random");
    // The vendor has none for notifications.
    assert_eq!(random.is_some(), body.get("Content").is_none());
    body
}

/// Sends one campaign to a listener that keeps the request and answers OK; the request and its line in the log.
pub(super) fn sent_and_logged(campaign: &str) -> (Value, Value) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = Place::with_news(&format!("http://{}", listener.local_addr().unwrap()), 1);
    place.write("campaigns/news.yaml", campaign);
    // A broadcast asks for it; elsewhere it changes nothing on this machine.
    let mut run = place.start(&["run", "news", "--yes", "--force"]);
    listener.set_nonblocking(true).unwrap();
    let mut stream = loop {
        if let Ok((stream, _)) = listener.accept() {
            break stream;
        }
        assert!(
            run.child().try_wait().unwrap().is_none(),
            "nothing was sent: {:?}",
            run.end()
        );
        pause();
    };
    stream.set_nonblocking(false).unwrap();
    let mut request = Vec::new();
    let mut chunk = [0; 4_096];
    let body = loop {
        let read = stream.read(&mut chunk).unwrap();
        request.extend_from_slice(&chunk[..read]);
        let text = String::from_utf8_lossy(&request);
        if let Some((_, body)) = text.split_once("\r\n\r\n")
            && let Ok(body) = serde_json::from_str::<Value>(body)
        {
            break body;
        }
    };
    let answer = r#"{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0,"MsgTime":1,"MsgSeq":1}"#;
    write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{answer}",
        answer.len()
    )
    .unwrap();
    run.end().assert(0, &["1 accepted"]);
    (body, place.log().remove(0))
}

const SAMPLE: &str = r#"
audience: { groups: ["@TGS#2C5SZEAEF"] }
send:
  group_message:
    elements: [{ text: "red packet" }, { face: { index: 6, data: "abc\u0000\u0001" } }]
"#;

fn body() -> Value {
    json!([
        { "MsgType": "TIMTextElem", "MsgContent": { "Text": "red packet" } },
        { "MsgType": "TIMFaceElem", "MsgContent": { "Index": 6, "Data": "abc\u{0}\u{1}" } }
    ])
}

#[test]
fn the_vendors_sample_with_an_offline_push() {
    let push = "    offline_push:\n      push: true\n      desc: \"The content that is pushed offline\"\n      \
                ext: \"This is the passthrough content\"\n      android: { sound: \"android.mp3\" }\n      \
                apns: { sound: \"apns.mp3\", badge_mode: 1, title: \"apns title\", sub_title: \"apns subtitle\", \
                image: \"www.image.com\" }\n";
    let expected = json!({
        "GroupId": "@TGS#2C5SZEAEF", "MsgBody": body(),
        "OfflinePushInfo": {
            "PushFlag": 0, "Desc": "The content that is pushed offline", "Ext": "This is the passthrough content",
            "AndroidInfo": { "Sound": "android.mp3" },
            "ApnsInfo": { "Sound": "apns.mp3", "BadgeMode": 1, "Title": "apns title", "SubTitle": "apns subtitle",
                          "Image": "www.image.com" }
        }
    });
    assert_eq!(sent(&format!("{SAMPLE}{push}")), expected);
}

#[test]
fn the_vendors_samples_with_an_option_each() {
    for (option, key, value) in [
        ("from_account: \"leckie\"", "From_Account", json!("leckie")),
        ("priority: high", "MsgPriority", json!("High")),
        ("online_only: true", "OnlineOnlyFlag", json!(1)),
        (
            "forbid_callbacks: [before_send, after_send]",
            "ForbidCallbackControl",
            json!(["ForbidBeforeSendMsgCallback", "ForbidAfterSendMsgCallback"]),
        ),
        ("unread: ignore", "SendMsgControl", json!(["NoUnread"])),
        (
            "mention: all",
            "GroupAtInfo",
            json!([{ "GroupAtAllFlag": 1 }]),
        ),
        (
            "mention: [peter]",
            "GroupAtInfo",
            json!([{ "GroupAtAllFlag": 0, "GroupAt_Account": "peter" }]),
        ),
        (
            "cloud_custom_data_json: { a: \"{{ group.id }}\" }",
            "CloudCustomData",
            json!("{\"a\":\"@TGS#2C5SZEAEF\"}"),
        ),
        ("read_receipt: true", "NeedReadReceipt", json!(1)),
    ] {
        let mut expected = json!({ "GroupId": "@TGS#2C5SZEAEF", "MsgBody": body() });
        expected[key] = value;
        assert_eq!(
            sent(&format!("{SAMPLE}    {option}\n")),
            expected,
            "{option}"
        );
    }
}

#[test]
fn elements_on_the_web() {
    let campaign = r#"
audience: { groups: ["g1"] }
send:
  group_message:
    elements:
      - image: { uuid: "1_D6", format: jpg, images: [{ kind: original, size: 1853095, width: 2448, height: 3264, url: "http://x/a" }] }
      - sound: { url: "https://x/s", uuid: "1_x", size: 62351, seconds: 1 }
      - file: { url: "https://x/f", uuid: "1_f", size: 1773552, name: "file:///private/x" }
      - location: { desc: "someinfo", latitude: 29.34, longitude: 116.88 }
"#;
    let expected = json!([
        { "MsgType": "TIMImageElem", "MsgContent": { "UUID": "1_D6", "ImageFormat": 1, "ImageInfoArray": [
            { "Type": 1, "Size": 1_853_095, "Width": 2448, "Height": 3264, "URL": "http://x/a" }] } },
        { "MsgType": "TIMSoundElem", "MsgContent": {
            "Url": "https://x/s", "UUID": "1_x", "Size": 62351, "Second": 1, "Download_Flag": 2 } },
        { "MsgType": "TIMFileElem", "MsgContent": {
            "Url": "https://x/f", "UUID": "1_f", "FileSize": 1_773_552, "FileName": "file:///private/x", "Download_Flag": 2 } },
        { "MsgType": "TIMLocationElem", "MsgContent": { "Desc": "someinfo", "Latitude": 29.34, "Longitude": 116.88 } }
    ]);
    assert_eq!(sent(campaign)["MsgBody"], expected);
}
