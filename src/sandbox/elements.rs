//! The nine kinds of message element.

use super::shape::{Field, Kind, Misfit, check_members, optional, required};
use serde_json::Value;

const ELEMENT: &[Field] = &[
    required("MsgType", Kind::Text),
    required("MsgContent", Kind::OpenObject(&[])),
];

const TEXT: &[Field] = &[required("Text", Kind::Text)];

const FACE: &[Field] = &[
    required("Index", Kind::Number),
    required("Data", Kind::Text),
];

const CUSTOM: &[Field] = &[
    optional("Data", Kind::Text),
    optional("Desc", Kind::Text),
    optional("Ext", Kind::Text),
    optional("Sound", Kind::Text),
];

const LOCATION: &[Field] = &[
    required("Desc", Kind::Text),
    required("Latitude", Kind::Number),
    required("Longitude", Kind::Number),
];

const SOUND: &[Field] = &[
    required("Url", Kind::Text),
    required("UUID", Kind::Text),
    optional("Size", Kind::Size),
    optional("Second", Kind::Size),
    required("Download_Flag", Kind::Exactly(2)),
];

const IMAGE: &[Field] = &[
    required("UUID", Kind::Text),
    optional("ImageFormat", Kind::Unsigned),
    required("ImageInfoArray", Kind::List(&Kind::Object(IMAGE_INFO))),
];

const IMAGE_INFO: &[Field] = &[
    optional("Type", Kind::Unsigned),
    optional("Size", Kind::Size),
    required("Width", Kind::Unsigned),
    required("Height", Kind::Unsigned),
    required("URL", Kind::Text),
];

const FILE: &[Field] = &[
    required("Url", Kind::Text),
    required("UUID", Kind::Text),
    optional("FileSize", Kind::Size),
    optional("FileName", Kind::Text),
    required("Download_Flag", Kind::Exactly(2)),
];

const VIDEO: &[Field] = &[
    required("VideoUrl", Kind::Text),
    required("VideoUUID", Kind::Text),
    optional("VideoSize", Kind::Size),
    optional("VideoSecond", Kind::Size),
    optional("VideoFormat", Kind::Text),
    required("VideoDownloadFlag", Kind::Exactly(2)),
    required("ThumbUrl", Kind::Text),
    required("ThumbUUID", Kind::Text),
    optional("ThumbSize", Kind::Size),
    required("ThumbWidth", Kind::Unsigned),
    required("ThumbHeight", Kind::Unsigned),
    optional("ThumbFormat", Kind::Text),
    required("ThumbDownloadFlag", Kind::Exactly(2)),
];

const RELAY: &[Field] = &[
    required("Title", Kind::Text),
    required("MsgNum", Kind::Unsigned),
    required("CompatibleText", Kind::Text),
    required("AbstractList", Kind::List(&Kind::Text)),
    optional("MsgList", Kind::List(&Kind::OpenObject(FORWARDED))),
    optional("JsonMsgKey", Kind::Text),
];

/// What is known of a message in a bundle; its elements may be of any kind there is.
const FORWARDED: &[Field] = &[
    optional("From_Account", Kind::Text),
    optional("GroupId", Kind::Text),
    optional("MsgSeq", Kind::Unsigned),
    optional("MsgRandom", Kind::Unsigned),
    optional("MsgTimeStamp", Kind::Size),
    required("MsgBody", Kind::List(&Kind::OpenObject(ELEMENT))),
    optional("CloudCustomData", Kind::Text),
];

/// Checks a whole `MsgBody`.
pub(super) fn check_message_body(elements: &[Value]) -> Result<(), Misfit> {
    if elements.is_empty() {
        return Err(Misfit::new("must not be empty"));
    }
    for (index, element) in elements.iter().enumerate() {
        check_element(element).map_err(|misfit| misfit.within(&format!("[{index}]")))?;
    }
    let custom = elements
        .iter()
        .filter(|element| element["MsgType"] == "TIMCustomElem")
        .count();
    if custom > 1 {
        return Err(Misfit::new("must not hold more than one TIMCustomElem"));
    }
    Ok(())
}

fn check_element(element: &Value) -> Result<(), Misfit> {
    super::shape::check(element, &Kind::Object(ELEMENT))?;
    let (Some(name), Some(content)) = (
        element["MsgType"].as_str(),
        element["MsgContent"].as_object(),
    ) else {
        return Err(Misfit::new("is malformed"));
    };
    let Some(fields) = fields_of(name) else {
        return Err(Misfit::new(format!("`{name}` is not a known element")).within("MsgType"));
    };
    check_members(content, fields, true).map_err(|misfit| misfit.within("MsgContent"))?;
    let listed = content.contains_key("MsgList");
    if name == "TIMRelayElem" && listed == content.contains_key("JsonMsgKey") {
        return Err(Misfit::new("must hold either MsgList or JsonMsgKey").within("MsgContent"));
    }
    Ok(())
}

fn fields_of(name: &str) -> Option<&'static [Field]> {
    match name {
        "TIMTextElem" => Some(TEXT),
        "TIMFaceElem" => Some(FACE),
        "TIMCustomElem" => Some(CUSTOM),
        "TIMLocationElem" => Some(LOCATION),
        "TIMSoundElem" => Some(SOUND),
        "TIMImageElem" => Some(IMAGE),
        "TIMFileElem" => Some(FILE),
        "TIMVideoFileElem" => Some(VIDEO),
        "TIMRelayElem" => Some(RELAY),
        _ => None,
    }
}

/// The text of the first text element.
pub(super) fn first_text(elements: &[Value]) -> Option<&str> {
    elements
        .iter()
        .find(|element| element["MsgType"] == "TIMTextElem")?["MsgContent"]["Text"]
        .as_str()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn nine() -> Vec<Value> {
        let element =
            |name: &str, content: Value| json!({ "MsgType": name, "MsgContent": content });
        vec![
            element("TIMTextElem", json!({ "Text": "hello" })),
            element(
                "TIMFaceElem",
                json!({ "Index": 1, "Data": "abc\u{0}\u{1}" }),
            ),
            element("TIMCustomElem", json!({ "Data": "d" })),
            element(
                "TIMLocationElem",
                json!({ "Desc": "here", "Latitude": 29.3, "Longitude": -11 }),
            ),
            element(
                "TIMSoundElem",
                json!({ "Url": "u", "UUID": "i", "Size": 1, "Download_Flag": 2 }),
            ),
            element(
                "TIMImageElem",
                json!({ "UUID": "i", "ImageFormat": 1, "ImageInfoArray": [{ "Width": 1, "Height": 2, "URL": "u" }] }),
            ),
            element(
                "TIMFileElem",
                json!({ "Url": "u", "UUID": "i", "FileName": "f", "Download_Flag": 2 }),
            ),
            element(
                "TIMVideoFileElem",
                json!({
                    "VideoUrl": "u", "VideoUUID": "i", "VideoDownloadFlag": 2, "ThumbUrl": "u", "ThumbUUID": "i",
                    "ThumbWidth": 1, "ThumbHeight": 1, "ThumbDownloadFlag": 2,
                }),
            ),
            element(
                "TIMRelayElem",
                json!({ "Title": "t", "MsgNum": 1, "CompatibleText": "c", "AbstractList": ["a"], "JsonMsgKey": "k" }),
            ),
        ]
    }

    #[test]
    fn all_nine_elements_pass_and_each_required_member_is_missed() {
        assert_eq!(check_message_body(&nine()), Ok(()));
        for (index, element) in nine().iter().enumerate() {
            let name = element["MsgType"].as_str().unwrap();
            for field in element["MsgContent"].as_object().unwrap().keys() {
                let mut changed = nine();
                changed[index]["MsgContent"][field] = Value::Null;
                let said = check_message_body(&changed).unwrap_err().describe();
                assert!(
                    said.starts_with(&format!("`[{index}].MsgContent.{field}` must be")),
                    "{name}: {said}"
                );
            }
        }
    }

    #[test]
    fn a_bundle_holds_messages_or_their_key() {
        let forwarded = json!({ "From_Account": "a", "MsgSeq": 85, "MsgBody": nine() });
        let said = |key: &str, value: Value| {
            let mut relay = nine()[8].clone();
            relay["MsgContent"][key] = value;
            check_message_body(&[relay]).map_err(|misfit| misfit.describe())
        };
        let both = "`[0].MsgContent` must hold either MsgList or JsonMsgKey";
        assert_eq!(said("MsgList", json!([forwarded])), Err(both.to_owned()));
        let mut odd = forwarded.clone();
        odd["MsgSeq"] = json!("85");
        let misfit = "`[0].MsgContent.MsgList[0].MsgSeq` must be a 32-bit unsigned integer";
        assert_eq!(said("MsgList", json!([odd])), Err(misfit.to_owned()));
    }

    #[test]
    fn odd_elements_are_refused() {
        let said = |elements: Value| {
            check_message_body(elements.as_array().unwrap())
                .unwrap_err()
                .describe()
        };
        let custom = nine()[2].clone();
        assert_eq!(said(json!([])), "`` must not be empty");
        assert_eq!(
            said(json!([custom, custom])),
            "`` must not hold more than one TIMCustomElem"
        );
        assert_eq!(
            said(json!([{ "MsgType": "TIMTextElem" }])),
            "`[0].MsgContent` is missing"
        );
        let unknown = json!([{ "MsgType": "TIMTextElement", "MsgContent": {} }]);
        assert_eq!(
            said(unknown),
            "`[0].MsgType` `TIMTextElement` is not a known element"
        );
        let both =
            json!([{ "MsgType": "TIMTextElem", "MsgContent": { "Text": "a", "text": "b" } }]);
        assert_eq!(said(both), "`[0].MsgContent.text` is not a known member");
    }
}
