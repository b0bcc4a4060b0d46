//! The elements of a `MsgBody`.

use super::media::{FileSpec, ImageSpec, SoundSpec, VideoSpec};
use super::shape::{Lowering, Shape};
use crate::source::Node;
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
    Relay(Box<RelaySpec>),
}

/// An emoji.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FaceSpec {
    /// The emoji's number (`Index`).
    #[schemars(required)]
    pub index: Option<i64>,
    /// Extra data (`Data`); a template.
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
    /// What is there (`Desc`); a template.
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
    pub compatible_text: Option<TemplateSpec>,
    /// A line for each of the first messages (`AbstractList`); templates.
    pub abstracts: Option<Vec<TemplateSpec>>,
    /// The messages in the vendor's own shape (`MsgList`), up to 12 KB.
    pub messages: Option<Node>,
    /// The key of a longer bundle (`JsonMsgKey`), instead of `messages`.
    pub json_key: Option<TemplateSpec>,
}

impl ElementSpec {
    pub fn lower(&self, lowering: &mut Lowering<'_>) -> Shape {
        match self {
            ElementSpec::Text(text) => {
                text_element(lowering.text(Some(text)).unwrap_or(Shape::fixed("")))
            }
            ElementSpec::Face(face) => element("TIMFaceElem", face.lower(lowering)),
            ElementSpec::Custom(custom) => element("TIMCustomElem", custom.lower(lowering)),
            ElementSpec::Location(location) => element("TIMLocationElem", location.lower(lowering)),
            ElementSpec::Image(image) => element("TIMImageElem", image.lower(lowering)),
            ElementSpec::Sound(sound) => element("TIMSoundElem", sound.lower(lowering)),
            ElementSpec::File(file) => element("TIMFileElem", file.lower(lowering)),
            ElementSpec::Video(video) => element("TIMVideoFileElem", video.lower(lowering)),
            ElementSpec::Relay(relay) => element("TIMRelayElem", relay.lower(lowering)),
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

impl FaceSpec {
    fn lower(&self, lowering: &mut Lowering<'_>) -> Shape {
        Shape::map([
            ("Index", self.index.map(Shape::fixed)),
            ("Data", lowering.text(self.data.as_ref())),
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
            ("Desc", lowering.text(self.desc.as_ref())),
            ("Latitude", self.latitude.map(Shape::fixed)),
            ("Longitude", self.longitude.map(Shape::fixed)),
        ])
    }
}

impl RelaySpec {
    fn lower(&self, lowering: &mut Lowering<'_>) -> Shape {
        let abstracts = self.abstracts.as_ref().map(|lines| {
            Shape::List(
                lines
                    .iter()
                    .filter_map(|line| lowering.text(Some(line)))
                    .collect(),
            )
        });
        Shape::map([
            ("Title", lowering.text(self.title.as_ref())),
            ("MsgNum", self.count.map(Shape::fixed)),
            (
                "CompatibleText",
                lowering.text(self.compatible_text.as_ref()),
            ),
            ("AbstractList", abstracts),
            (
                "MsgList",
                self.messages
                    .as_ref()
                    .map(|messages| lowering.verbatim(messages)),
            ),
            ("JsonMsgKey", lowering.text(self.json_key.as_ref())),
        ])
    }
}
