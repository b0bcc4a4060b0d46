//! What is no text: a picture, a place, data for the app. It is told, and never fetched.

use super::likeness::{items, plain, text};
use crate::source::plural;
use serde_json::Value;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Card {
    /// `image`
    pub(super) kind: String,
    pub(super) is_image: bool,
    /// What is known of it at a glance.
    pub(super) title: String,
    pub(super) lines: Vec<String>,
    /// Where it lies on the web.
    pub(super) link: Option<String>,
}

impl Card {
    pub(super) fn of(kind: &str, content: &Value) -> Card {
        match kind {
            "TIMCustomElem" => custom(content),
            "TIMLocationElem" => location(content),
            "TIMImageElem" => image(content),
            "TIMSoundElem" => media("sound", content, ["Url", "Size", "Second"]),
            "TIMFileElem" => file(content),
            "TIMVideoFileElem" => video(content),
            "TIMRelayElem" => relay(content),
            _ => Card::new(kind, kind.to_owned(), vec![content.to_string()], None),
        }
    }

    fn new(kind: &str, title: String, lines: Vec<String>, link: Option<String>) -> Card {
        Card {
            kind: kind.to_owned(),
            is_image: false,
            title,
            lines,
            link,
        }
    }
}

fn custom(content: &Value) -> Card {
    let facts = [("", "Data"), ("ext ", "Ext"), ("sound ", "Sound")];
    let lines = facts
        .into_iter()
        .filter_map(|(name, key)| Some(format!("{name}{}", text(&content[key])?)));
    let title = text(&content["Desc"]).unwrap_or_default();
    Card::new("custom", title, lines.collect(), None)
}

fn location(content: &Value) -> Card {
    let place = ["Latitude", "Longitude"].map(|key| plain(&content[key]));
    let title = text(&content["Desc"]).unwrap_or_default();
    Card::new("location", title, vec![place.join(", ")], None)
}

/// Told by the first of its sizes, which people are shown.
fn image(content: &Value) -> Card {
    let first = &content["ImageInfoArray"][0];
    let format = match content["ImageFormat"].as_u64() {
        Some(1) => Some("jpg"),
        Some(2) => Some("gif"),
        Some(3) => Some("png"),
        Some(4) => Some("bmp"),
        _ => None,
    };
    let pixels = ["Width", "Height"].map(|key| plain(&first[key]));
    let sizes = items(&content["ImageInfoArray"]).count();
    let facts = [
        Some(pixels.join(" x ")),
        format.map(str::to_owned),
        first["Size"].as_u64().map(size),
        (sizes > 1).then(|| plural(sizes as u64, "size")),
    ];
    Card {
        is_image: true,
        ..Card::new("image", joined(facts), Vec::new(), text(&first["URL"]))
    }
}

fn file(content: &Value) -> Card {
    let mut card = media("file", content, ["Url", "FileSize", ""]);
    let name = text(&content["FileName"]);
    card.title = joined([name, Some(card.title)]);
    card
}

fn video(content: &Value) -> Card {
    let mut card = media("video", content, ["VideoUrl", "VideoSize", "VideoSecond"]);
    card.title = joined([Some(card.title), text(&content["VideoFormat"])]);
    let thumb = text(&content["ThumbUrl"]).map(|url| format!("behind the picture {url}"));
    card.lines.extend(thumb);
    card
}

fn media(kind: &str, content: &Value, [url, bytes, seconds]: [&str; 3]) -> Card {
    let seconds = content[seconds]
        .as_u64()
        .map(|length| format!("{length} s"));
    let facts = [seconds, content[bytes].as_u64().map(size)];
    Card::new(kind, joined(facts), Vec::new(), text(&content[url]))
}

fn relay(content: &Value) -> Card {
    let count = content["MsgNum"].as_u64();
    let count = count.map(|count| plural(count, "message"));
    let title = joined([text(&content["Title"]), count]);
    let lines = items(&content["AbstractList"]).filter_map(text);
    Card::new("relay", title, lines.collect(), None)
}

fn joined<const N: usize>(facts: [Option<String>; N]) -> String {
    let given = facts.into_iter().flatten().filter(|fact| !fact.is_empty());
    given.collect::<Vec<_>>().join(", ")
}

/// `1.9 MB`
fn size(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a size for people")]
    let count = bytes as f64;
    match bytes {
        0..1_000 => plural(bytes, "byte"),
        1_000..1_000_000 => format!("{:.1} kB", count / 1e3),
        _ => format!("{:.1} MB", count / 1e6),
    }
}
