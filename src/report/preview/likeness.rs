//! A call as the people who get it see it: read back from the very JSON that is sent.

use super::card::Card;
use serde_json::Value;

/// What is seen of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Likeness {
    /// `None`: the administrator.
    pub(super) sender: Option<String>,
    pub(super) elements: Vec<Element>,
    /// `@all`, `@peter`
    pub(super) mentions: Vec<String>,
    pub(super) push: Option<Push>,
    /// Whatever makes it other than an ordinary message, such as `priority High`.
    pub(super) marks: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Element {
    Text(String),
    Face(i64),
    Card(Card),
}

/// What a phone shows while the app is closed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Push {
    pub(super) is_off: bool,
    pub(super) title: Option<String>,
    pub(super) text: Option<String>,
    pub(super) facts: Vec<(String, String)>,
}

impl Likeness {
    /// `content` is that of a request, of whatever channel.
    pub(super) fn of(content: &str) -> Likeness {
        let Ok(call) = serde_json::from_str::<Value>(content) else {
            return Likeness::default();
        };
        let elements = items(&call["MsgBody"]).map(Element::of);
        let notice = text(&call["Content"]).map(Element::Text);
        Likeness {
            sender: text(&call["From_Account"]),
            elements: notice.into_iter().chain(elements).collect(),
            mentions: items(&call["GroupAtInfo"]).map(mention).collect(),
            push: call.get("OfflinePushInfo").map(Push::of),
            marks: marks(&call),
        }
    }

    /// Letters that people read as text.
    pub(super) fn characters(&self) -> usize {
        let texts = self.elements.iter().map(|element| match element {
            Element::Text(text) => text.chars().count(),
            Element::Face(_) | Element::Card(_) => 0,
        });
        texts.sum()
    }
}

impl Element {
    fn of(element: &Value) -> Element {
        let content = &element["MsgContent"];
        match element["MsgType"].as_str().unwrap_or_default() {
            "TIMTextElem" => Element::Text(text(&content["Text"]).unwrap_or_default()),
            "TIMFaceElem" => Element::Face(content["Index"].as_i64().unwrap_or_default()),
            kind => Element::Card(Card::of(kind, content)),
        }
    }
}

impl Push {
    fn of(push: &Value) -> Push {
        let mut facts = Vec::new();
        for (key, value) in push.as_object().into_iter().flatten() {
            match (key.as_str(), value) {
                ("PushFlag" | "Title" | "Desc", _) => {}
                ("AndroidInfo" | "ApnsInfo", Value::Object(of_system)) => {
                    let system = key.trim_end_matches("Info").to_lowercase();
                    let of_system = of_system.iter();
                    facts.extend(
                        of_system.map(|(key, value)| (format!("{system} {key}"), plain(value))),
                    );
                }
                _ => facts.push((key.clone(), plain(value))),
            }
        }
        Push {
            is_off: push["PushFlag"].as_i64() == Some(1),
            title: text(&push["Title"]),
            text: text(&push["Desc"]),
            facts,
        }
    }
}

fn mention(info: &Value) -> String {
    let account = info["GroupAt_Account"].as_str();
    format!("@{}", account.unwrap_or("all"))
}

/// What is given and says more than the vendor's default does.
fn marks(call: &Value) -> Vec<String> {
    let mut marks = Vec::new();
    if let Some(priority) = call["MsgPriority"]
        .as_str()
        .filter(|word| *word != "Normal")
    {
        marks.push(format!("priority {priority}"));
    }
    for (key, mark) in [
        ("OnlineOnlyFlag", "only for those who are online, not kept"),
        ("NeedReadReceipt", "with read receipts"),
        ("SupportMessageExtension", "may be extended"),
    ] {
        if call[key].as_i64() == Some(1) {
            marks.push(mark.to_owned());
        }
    }
    for control in items(&call["SendMsgControl"]).chain(items(&call["ForbidCallbackControl"])) {
        marks.push(match control.as_str().unwrap_or_default() {
            "NoUnread" => "does not count as unread".to_owned(),
            "NoLastMsg" => "does not become the last message".to_owned(),
            "ForbidBeforeSendMsgCallback" => "no callback before it is sent".to_owned(),
            "ForbidAfterSendMsgCallback" => "no callback after it is sent".to_owned(),
            other => other.to_owned(),
        });
    }
    marks.extend(text(&call["TopicId"]).map(|topic| format!("topic {topic}")));
    marks.extend(text(&call["CloudCustomData"]).map(|data| format!("data {data}")));
    marks
}

pub(super) fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

pub(super) fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// Text as it is, all else as JSON.
pub(super) fn plain(value: &Value) -> String {
    text(value).unwrap_or_else(|| value.to_string())
}
