//! The elements of a `MsgBody`.

use super::media::{FileSpec, ImageSpec, SoundSpec, VideoSpec};
use super::shape::{Lowering, Shape};
use crate::source::{Diagnostic, Node, Span, Spanned};
use crate::template::TemplateSpec;
use schemars::JsonSchema;
use serde::Deserialize;

/// One element of a message: exactly one of these.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ElementSpec {
    /// Text that people read; a template (`TIMTextElem`).
    Text(TemplateSpec),
    /// An emoji (`TIMFaceElem`).
    Face(FaceSpec),
    /// Data for the app, such as a red packet; at most one in a message (`TIMCustomElem`).
    Custom(Box<CustomSpec>),
    /// A place on the map (`TIMLocationElem`).
    Location(LocationSpec),
    /// A picture that is on the web already (`TIMImageElem`).
    Image(ImageSpec),
    /// A sound that is on the web already (`TIMSoundElem`).
    Sound(SoundSpec),
    /// A file that is on the web already (`TIMFileElem`).
    File(FileSpec),
    /// A video that is on the web already (`TIMVideoFileElem`).
    Video(Box<VideoSpec>),
    /// Forwarded messages in one bundle (`TIMRelayElem`).
    Relay(Box<Spanned<RelaySpec>>),
}

/// An emoji.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FaceSpec {
    /// The emoji's number (`Index`).
    #[schemars(required)]
    pub index: Option<i64>,
    /// Extra data (`Data`); a template. Default: empty.
    pub data: Option<TemplateSpec>,
}

/// Data for the app.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomSpec {
    /// The data (`Data`); a template. Text that begins with `{` must come out as JSON.
    pub data: Option<TemplateSpec>,
    /// The data as YAML, sent as JSON text (`Data`); its texts are templates.
    pub data_json: Option<Node>,
    /// What an offline push shows (`Desc`); a template.
    pub desc: Option<TemplateSpec>,
    /// Passed through with an offline push (`Ext`); a template.
    pub ext: Option<TemplateSpec>,
    /// As YAML, sent as JSON text (`Ext`).
    pub ext_json: Option<Node>,
    /// The sound of the push (`Sound`).
    pub sound: Option<TemplateSpec>,
}

/// A place on the map.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LocationSpec {
    /// What is there (`Desc`); a template. Default: empty.
    pub desc: Option<TemplateSpec>,
    /// Degrees north (`Latitude`).
    #[schemars(required, range(min = -90.0, max = 90.0))]
    pub latitude: Option<f64>,
    /// Degrees east (`Longitude`).
    #[schemars(required, range(min = -180.0, max = 180.0))]
    pub longitude: Option<f64>,
}

/// Forwarded messages in one bundle.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RelaySpec {
    /// `Title`; a template.
    #[schemars(required)]
    pub title: Option<TemplateSpec>,
    /// How many messages (`MsgNum`).
    #[schemars(required)]
    pub count: Option<u32>,
    /// What old clients show (`CompatibleText`); a template.
    #[schemars(required)]
    pub compatible_text: Option<TemplateSpec>,
    /// A line for each of the first messages (`AbstractList`); templates.
    #[schemars(required)]
    pub abstracts: Option<Vec<TemplateSpec>>,
    /// The messages in the vendor's own shape (`MsgList`), up to 12 KB. Exactly one of `messages` and `json_key`.
    #[schemars(length(min = 1))]
    pub messages: Option<Vec<Node>>,
    /// The key of a longer bundle (`JsonMsgKey`), instead of `messages`; a template.
    pub json_key: Option<TemplateSpec>,
}

impl ElementSpec {
    pub fn lower(&self, lowering: &mut Lowering<'_>) -> Shape {
        match self {
            ElementSpec::Text(text) => {
                text_element(lowering.text(Some(text)).unwrap_or_else(Shape::unread))
            }
            ElementSpec::Face(face) => element("TIMFaceElem", face.lower(lowering)),
            ElementSpec::Custom(custom) => element("TIMCustomElem", custom.lower(lowering)),
            ElementSpec::Location(location) => element("TIMLocationElem", location.lower(lowering)),
            ElementSpec::Image(image) => element("TIMImageElem", image.lower(lowering)),
            ElementSpec::Sound(sound) => element("TIMSoundElem", sound.lower(lowering)),
            ElementSpec::File(file) => element("TIMFileElem", file.lower(lowering)),
            ElementSpec::Video(video) => element("TIMVideoFileElem", video.lower(lowering)),
            ElementSpec::Relay(relay) => {
                element("TIMRelayElem", relay.lower(&relay.span, lowering))
            }
        }
    }
}

/// The vendor takes one custom element in a message.
pub fn has_custom_twice(elements: &[ElementSpec]) -> bool {
    elements
        .iter()
        .filter(|element| matches!(element, ElementSpec::Custom(_)))
        .count()
        > 1
}

pub fn text_element(text: Shape) -> Shape {
    element("TIMTextElem", Shape::map([("Text", Some(text))]))
}

fn element(kind: &str, content: Shape) -> Shape {
    Shape::map([
        ("MsgType", Some(Shape::fixed(kind))),
        ("MsgContent", Some(content)),
    ])
}

/// The vendor lists these without a word on whether they may be absent, so they are always there.
fn text_or_empty(text: Option<&TemplateSpec>, lowering: &mut Lowering<'_>) -> Shape {
    lowering.text(text).unwrap_or(Shape::fixed(""))
}

impl FaceSpec {
    fn lower(&self, lowering: &mut Lowering<'_>) -> Shape {
        let data = match text_or_empty(self.data.as_ref(), lowering) {
            Shape::Text(template) => Shape::Data(template),
            other => other,
        };
        Shape::map([
            ("Index", self.index.map(Shape::fixed)),
            ("Data", Some(data)),
        ])
    }
}

impl CustomSpec {
    fn lower(&self, lowering: &mut Lowering<'_>) -> Shape {
        Shape::map([
            (
                "Data",
                lowering.either(self.data.as_ref(), self.data_json.as_ref()),
            ),
            ("Desc", lowering.text(self.desc.as_ref())),
            (
                "Ext",
                lowering.either(self.ext.as_ref(), self.ext_json.as_ref()),
            ),
            ("Sound", lowering.text(self.sound.as_ref())),
        ])
    }
}

impl LocationSpec {
    fn lower(&self, lowering: &mut Lowering<'_>) -> Shape {
        Shape::map([
            ("Desc", Some(text_or_empty(self.desc.as_ref(), lowering))),
            ("Latitude", self.latitude.map(Shape::fixed)),
            ("Longitude", self.longitude.map(Shape::fixed)),
        ])
    }
}

impl RelaySpec {
    fn lower(&self, place: &Span, lowering: &mut Lowering<'_>) -> Shape {
        self.check(place, lowering);
        let abstracts = self.abstracts.iter().flatten();
        let abstracts = abstracts.filter_map(|line| lowering.text(Some(line)));
        let abstracts = Shape::List(abstracts.collect());
        let messages = self.messages.as_ref().map(|messages| {
            let messages = messages.iter().map(|message| lowering.verbatim(message));
            Shape::List(messages.collect())
        });
        Shape::map([
            ("Title", lowering.text(self.title.as_ref())),
            ("MsgNum", self.count.map(Shape::fixed)),
            (
                "CompatibleText",
                lowering.text(self.compatible_text.as_ref()),
            ),
            ("AbstractList", Some(abstracts)),
            ("MsgList", messages),
            ("JsonMsgKey", lowering.text(self.json_key.as_ref())),
        ])
    }

    /// The vendor takes the messages or their key.
    fn check(&self, place: &Span, lowering: &mut Lowering<'_>) {
        let (code, message, help) = match (&self.messages, &self.json_key) {
            (Some(_), Some(_)) => (
                "given-twice",
                "a relay has `messages` or the `json_key` of a longer bundle, and this has both",
                "keep one of them",
            ),
            (None, None) => (
                "no-messages",
                "a relay has neither `messages` nor the `json_key` of a longer bundle",
                "add `messages:`, in the vendor's own shape",
            ),
            _ => return,
        };
        let complaint = Diagnostic::error(code, place, message);
        lowering.complaints.push(complaint.help(help));
    }
}
