//! A likeness of everything that a message may have in it.

use super::Likeness;
use super::card::Card;
use super::likeness::{Element, Push};
use serde_json::{Value, json};

fn seen(kind: &str, content: &Value) -> Element {
    let call = json!({ "MsgBody": [{ "MsgType": kind, "MsgContent": content }] });
    Likeness::of(&call.to_string()).elements.remove(0)
}

fn card(kind: &str, title: &str, lines: &[&str], link: Option<&str>) -> Element {
    Element::Card(Card {
        kind: kind.to_owned(),
        is_image: kind == "image",
        title: title.to_owned(),
        lines: lines.iter().map(ToString::to_string).collect(),
        link: link.map(str::to_owned),
    })
}

#[test]
fn each_of_the_nine_elements_is_told() {
    let url = Some("https://e.com/x");
    for (kind, content, expected) in [
        (
            "TIMTextElem",
            json!({ "Text": "hi\nyou" }),
            Element::Text("hi\nyou".to_owned()),
        ),
        (
            "TIMFaceElem",
            json!({ "Index": 6, "Data": "" }),
            Element::Face(6),
        ),
        (
            "TIMCustomElem",
            json!({ "Data": "{}", "Desc": "[d]", "Ext": "e", "Sound": "s" }),
            card("custom", "[d]", &["{}", "ext e", "sound s"], None),
        ),
        (
            "TIMLocationElem",
            json!({ "Desc": "Park", "Latitude": 22.5, "Longitude": 114 }),
            card("location", "Park", &["22.5, 114"], None),
        ),
        (
            "TIMImageElem",
            json!({ "UUID": "u", "ImageFormat": 3, "ImageInfoArray": [
                { "Type": 1, "Size": 1_900_000, "Width": 9, "Height": 8, "URL": "https://e.com/x" },
                { "Type": 3, "Width": 1, "Height": 1, "URL": "https://e.com/y" },
            ] }),
            card("image", "9 x 8, png, 1.9 MB, 2 sizes", &[], url),
        ),
        (
            "TIMSoundElem",
            json!({ "Url": "https://e.com/x", "UUID": "u", "Size": 1_500, "Second": 7 }),
            card("sound", "7 s, 1.5 kB", &[], url),
        ),
        (
            "TIMFileElem",
            json!({ "Url": "https://e.com/x", "UUID": "u", "FileSize": 10, "FileName": "a.pdf" }),
            card("file", "a.pdf, 10 bytes", &[], url),
        ),
        (
            "TIMVideoFileElem",
            json!({ "VideoUrl": "https://e.com/x", "VideoSecond": 3, "VideoFormat": "mp4", "ThumbUrl": "t" }),
            card("video", "3 s, mp4", &["behind the picture t"], url),
        ),
        (
            "TIMRelayElem",
            json!({ "Title": "Talk", "MsgNum": 2, "AbstractList": ["a: b"], "CompatibleText": "c" }),
            card("relay", "Talk, 2 messages", &["a: b"], None),
        ),
    ] {
        assert_eq!(seen(kind, &content), expected, "{kind}");
    }
    let unknown = seen("TIMNewElem", &json!({ "A": 1 }));
    assert_eq!(
        unknown,
        card("TIMNewElem", "TIMNewElem", &["{\"A\":1}"], None)
    );
}

#[test]
fn what_stands_around_a_message_is_told_where_it_is_no_default() {
    let call = json!({
        "From_Account": "leckie",
        "MsgBody": [],
        "MsgPriority": "High",
        "OnlineOnlyFlag": 0,
        "NeedReadReceipt": 1,
        "SendMsgControl": ["NoUnread"],
        "GroupAtInfo": [{ "GroupAtAllFlag": 1 }, { "GroupAtAllFlag": 0, "GroupAt_Account": "peter" }],
        "CloudCustomData": "d",
        "OfflinePushInfo": {
            "PushFlag": 0, "Title": "t", "Desc": "p", "Ext": "e", "ApnsInfo": { "BadgeMode": 1 },
        },
    });
    let likeness = Likeness::of(&call.to_string());
    assert_eq!(likeness.sender.as_deref(), Some("leckie"));
    assert_eq!(likeness.mentions, ["@all", "@peter"]);
    let marks = [
        "priority High",
        "with read receipts",
        "does not count as unread",
        "data d",
    ];
    assert_eq!(likeness.marks, marks);
    let fact = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let push = Push {
        is_off: false,
        title: Some("t".to_owned()),
        text: Some("p".to_owned()),
        facts: vec![fact("apns BadgeMode", "1"), fact("Ext", "e")],
    };
    assert_eq!(likeness.push, Some(push));
    let notice = Likeness::of(r#"{"Content":"x"}"#);
    assert_eq!(notice.elements, [Element::Text("x".to_owned())]);
    assert_eq!(notice.characters(), 1);
}
