//! Elements whose content lies on the web already: pictures, sounds, files, videos.

use super::shape::{Lowering, Shape};
use crate::template::TemplateSpec;
use schemars::JsonSchema;
use serde::Deserialize;

/// `Download_Flag`: fetched from the URL as it stands. The only value for messages sent through the API.
const BY_URL: u32 = 2;

/// A picture that is on the web already.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImageSpec {
    /// The picture's own id (`UUID`).
    #[schemars(required)]
    pub uuid: Option<TemplateSpec>,
    /// `ImageFormat`.
    pub format: Option<ImageFormat>,
    /// The sizes there are of it (`ImageInfoArray`).
    #[schemars(required, length(min = 1))]
    pub images: Option<Vec<ImageInfoSpec>>,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImageFormat {
    Jpg,
    Gif,
    Png,
    Bmp,
    Other,
}

/// One size of a picture.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImageInfoSpec {
    /// `Type`.
    #[schemars(required)]
    pub kind: Option<ImageKind>,
    /// Bytes (`Size`).
    pub size: Option<u64>,
    /// Pixels (`Width`).
    #[schemars(required)]
    pub width: Option<u32>,
    /// Pixels (`Height`).
    #[schemars(required)]
    pub height: Option<u32>,
    /// Where it is (`URL`); a template.
    #[schemars(required)]
    pub url: Option<TemplateSpec>,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImageKind {
    Original,
    Large,
    Thumb,
}

/// A sound that is on the web already.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SoundSpec {
    /// Where it is (`Url`); a template.
    #[schemars(required)]
    pub url: Option<TemplateSpec>,
    /// Its own id (`UUID`).
    #[schemars(required)]
    pub uuid: Option<TemplateSpec>,
    /// Bytes (`Size`).
    pub size: Option<u64>,
    /// Its length (`Second`).
    pub seconds: Option<u32>,
}

/// A file that is on the web already.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileSpec {
    /// Where it is (`Url`); a template.
    #[schemars(required)]
    pub url: Option<TemplateSpec>,
    /// Its own id (`UUID`).
    #[schemars(required)]
    pub uuid: Option<TemplateSpec>,
    /// Bytes (`FileSize`).
    pub size: Option<u64>,
    /// What it is called (`FileName`); a template.
    pub name: Option<TemplateSpec>,
}

/// A video that is on the web already.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VideoSpec {
    /// Where it is (`VideoUrl`); a template.
    #[schemars(required)]
    pub url: Option<TemplateSpec>,
    /// Its own id (`VideoUUID`).
    #[schemars(required)]
    pub uuid: Option<TemplateSpec>,
    /// Bytes (`VideoSize`).
    pub size: Option<u64>,
    /// Its length (`VideoSecond`).
    pub seconds: Option<u32>,
    /// `VideoFormat`, such as mp4.
    pub format: Option<TemplateSpec>,
    /// The picture that stands for it.
    #[schemars(required)]
    pub thumb: Option<ThumbSpec>,
}

/// The picture that stands for a video.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ThumbSpec {
    /// Where it is (`ThumbUrl`); a template.
    #[schemars(required)]
    pub url: Option<TemplateSpec>,
    /// Its own id (`ThumbUUID`).
    #[schemars(required)]
    pub uuid: Option<TemplateSpec>,
    /// Bytes (`ThumbSize`).
    pub size: Option<u64>,
    /// Pixels (`ThumbWidth`).
    #[schemars(required)]
    pub width: Option<u32>,
    /// Pixels (`ThumbHeight`).
    #[schemars(required)]
    pub height: Option<u32>,
    /// `ThumbFormat`, such as JPG.
    pub format: Option<TemplateSpec>,
}

impl ImageFormat {
    fn number(self) -> u32 {
        match self {
            ImageFormat::Jpg => 1,
            ImageFormat::Gif => 2,
            ImageFormat::Png => 3,
            ImageFormat::Bmp => 4,
            ImageFormat::Other => 255,
        }
    }
}

impl ImageKind {
    fn number(self) -> u32 {
        match self {
            ImageKind::Original => 1,
            ImageKind::Large => 2,
            ImageKind::Thumb => 3,
        }
    }
}

impl ImageSpec {
    pub(super) fn lower(&self, lowering: &mut Lowering<'_>) -> Shape {
        let images = self
            .images
            .as_ref()
            .map(|images| Shape::List(images.iter().map(|image| image.lower(lowering)).collect()));
        Shape::map([
            ("UUID", lowering.text(self.uuid.as_ref())),
            (
                "ImageFormat",
                self.format.map(|format| Shape::fixed(format.number())),
            ),
            ("ImageInfoArray", images),
        ])
    }
}

impl ImageInfoSpec {
    fn lower(&self, lowering: &mut Lowering<'_>) -> Shape {
        Shape::map([
            ("Type", self.kind.map(|kind| Shape::fixed(kind.number()))),
            ("Size", self.size.map(Shape::fixed)),
            ("Width", self.width.map(Shape::fixed)),
            ("Height", self.height.map(Shape::fixed)),
            ("URL", lowering.text(self.url.as_ref())),
        ])
    }
}

impl SoundSpec {
    pub(super) fn lower(&self, lowering: &mut Lowering<'_>) -> Shape {
        Shape::map([
            ("Url", lowering.text(self.url.as_ref())),
            ("UUID", lowering.text(self.uuid.as_ref())),
            ("Size", self.size.map(Shape::fixed)),
            ("Second", self.seconds.map(Shape::fixed)),
            ("Download_Flag", Some(Shape::fixed(BY_URL))),
        ])
    }
}

impl FileSpec {
    pub(super) fn lower(&self, lowering: &mut Lowering<'_>) -> Shape {
        Shape::map([
            ("Url", lowering.text(self.url.as_ref())),
            ("UUID", lowering.text(self.uuid.as_ref())),
            ("FileSize", self.size.map(Shape::fixed)),
            ("FileName", lowering.text(self.name.as_ref())),
            ("Download_Flag", Some(Shape::fixed(BY_URL))),
        ])
    }
}

impl VideoSpec {
    pub(super) fn lower(&self, lowering: &mut Lowering<'_>) -> Shape {
        let thumb = self.thumb.as_ref();
        Shape::map([
            ("VideoUrl", lowering.text(self.url.as_ref())),
            ("VideoUUID", lowering.text(self.uuid.as_ref())),
            ("VideoSize", self.size.map(Shape::fixed)),
            ("VideoSecond", self.seconds.map(Shape::fixed)),
            ("VideoFormat", lowering.text(self.format.as_ref())),
            ("VideoDownloadFlag", Some(Shape::fixed(BY_URL))),
            (
                "ThumbUrl",
                lowering.text(thumb.and_then(|thumb| thumb.url.as_ref())),
            ),
            (
                "ThumbUUID",
                lowering.text(thumb.and_then(|thumb| thumb.uuid.as_ref())),
            ),
            (
                "ThumbSize",
                thumb.and_then(|thumb| thumb.size).map(Shape::fixed),
            ),
            (
                "ThumbWidth",
                thumb.and_then(|thumb| thumb.width).map(Shape::fixed),
            ),
            (
                "ThumbHeight",
                thumb.and_then(|thumb| thumb.height).map(Shape::fixed),
            ),
            (
                "ThumbFormat",
                lowering.text(thumb.and_then(|thumb| thumb.format.as_ref())),
            ),
            ("ThumbDownloadFlag", Some(Shape::fixed(BY_URL))),
        ])
    }
}
