//! What an offline push shows (`OfflinePushInfo`).

use super::rule::Rule;
use super::shape::{Lowering, Shape};
use crate::source::{Diagnostic, Entries, Node};
use crate::template::TemplateSpec;
use schemars::JsonSchema;
use serde::Deserialize;

/// What an offline push shows.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OfflinePushSpec {
    /// Whether there is a push at all (`PushFlag` 0; false is 1).
    pub push: Option<bool>,
    /// `Title`; a template.
    pub title: Option<TemplateSpec>,
    /// `Desc`; a template. Instead of the elements' own push text.
    pub desc: Option<TemplateSpec>,
    /// Passed through (`Ext`); a template. Text that begins with `{` must come out as JSON.
    pub ext: Option<TemplateSpec>,
    /// As YAML, sent as JSON text (`Ext`).
    pub ext_json: Option<Node>,
    /// `AndroidInfo`.
    pub android: Option<AndroidPushSpec>,
    /// `ApnsInfo`.
    pub apns: Option<ApnsPushSpec>,
    /// Further keys of the vendor, sent as they stand; none that is given above.
    pub extra: Option<Entries<Node>>,
}

/// What an offline push shows on Android; every text is a template.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AndroidPushSpec {
    /// `Sound`: the sound's name, a template.
    pub sound: Option<TemplateSpec>,
    /// `PushStyle`: 0 default, 1 big text; Huawei, Honor, OPPO.
    #[schemars(range(min = 0, max = 1))]
    pub push_style: Option<u32>,
    /// `HuaWeiChannelID`.
    pub huawei_channel_id: Option<TemplateSpec>,
    /// `XiaoMiChannelID`.
    pub xiaomi_channel_id: Option<TemplateSpec>,
    /// `OPPOChannelID`.
    pub oppo_channel_id: Option<TemplateSpec>,
    /// `GoogleChannelID`.
    pub google_channel_id: Option<TemplateSpec>,
    /// `VIVOClassification`: 0 operation, 1 system.
    #[schemars(range(min = 0, max = 1))]
    pub vivo_classification: Option<u32>,
    /// `VIVOCategory`: such as IM or MARKETING.
    pub vivo_category: Option<TemplateSpec>,
    /// `HuaWeiImportance`: LOW or NORMAL.
    pub huawei_importance: Option<TemplateSpec>,
    /// `HuaWeiCategory`: such as IM or MARKETING.
    pub huawei_category: Option<TemplateSpec>,
    /// `ExtAsHuaweiIntentParam`: 0 or 1.
    #[schemars(range(min = 0, max = 1))]
    pub ext_as_huawei_intent_param: Option<u32>,
    /// `HuaWeiImage`: an https URL.
    pub huawei_image: Option<TemplateSpec>,
    /// `HonorImportance`: LOW or NORMAL.
    pub honor_importance: Option<TemplateSpec>,
    /// `HonorImage`: an https URL.
    pub honor_image: Option<TemplateSpec>,
    /// `GoogleImage`: an https URL.
    pub google_image: Option<TemplateSpec>,
    /// `OPPOCategory`: such as IM or MARKETING.
    pub oppo_category: Option<TemplateSpec>,
    /// `OPPOPrivateMsgTemplateId`.
    pub oppo_private_msg_template_id: Option<TemplateSpec>,
    /// `MeiZuNoticeMsgType`: 0 or 1.
    #[schemars(range(min = 0, max = 1))]
    pub meizu_notice_msg_type: Option<u32>,
    /// Further keys of the vendor, sent as they stand; none that is given above.
    pub extra: Option<Entries<Node>>,
}

/// What an offline push shows on Apple's systems; every text is a template.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApnsPushSpec {
    /// `Sound`: the sound's name, a template.
    pub sound: Option<TemplateSpec>,
    /// `BadgeMode`: 0 counts the message, 1 does not.
    #[schemars(range(min = 0, max = 1))]
    pub badge_mode: Option<u32>,
    /// `Title`: instead of the title above, a template.
    pub title: Option<TemplateSpec>,
    /// `SubTitle`: a template.
    pub sub_title: Option<TemplateSpec>,
    /// `Image`: a URL.
    pub image: Option<TemplateSpec>,
    /// `MutableContent`: 0 or 1.
    #[schemars(range(min = 0, max = 1))]
    pub mutable_content: Option<u32>,
    /// `InterruptionLevel`: active, critical, passive or time-sensitive.
    pub interruption_level: Option<TemplateSpec>,
    /// `ContentAvailable`: 1 for a silent push.
    #[schemars(range(min = 0, max = 1))]
    pub content_available: Option<u32>,
    /// Further keys of the vendor, sent as they stand; none that is given above.
    pub extra: Option<Entries<Node>>,
}

const IMPORTANCES: &[&str] = &["LOW", "NORMAL"];
const INTERRUPTIONS: &[&str] = &["active", "critical", "passive", "time-sensitive"];

impl OfflinePushSpec {
    /// Unless it is there to say that nothing is pushed.
    pub fn is_on(&self) -> bool {
        self.push.unwrap_or(true)
    }

    pub fn lower(&self, lowering: &mut Lowering<'_>) -> Shape {
        let typed = Shape::map([
            (
                "PushFlag",
                self.push.map(|push| Shape::fixed(u32::from(!push))),
            ),
            ("Title", lowering.text(self.title.as_ref())),
            ("Desc", lowering.text(self.desc.as_ref())),
            (
                "Ext",
                lowering.either(self.ext.as_ref(), self.ext_json.as_ref()),
            ),
            (
                "AndroidInfo",
                self.android.as_ref().map(|android| android.lower(lowering)),
            ),
            (
                "ApnsInfo",
                self.apns.as_ref().map(|apns| apns.lower(lowering)),
            ),
        ]);
        with_extra(typed, self.extra.as_ref(), lowering)
    }
}

impl AndroidPushSpec {
    fn lower(&self, lowering: &mut Lowering<'_>) -> Shape {
        let typed = Shape::map([
            ("Sound", lowering.text(self.sound.as_ref())),
            ("PushStyle", self.push_style.map(Shape::fixed)),
            (
                "HuaWeiChannelID",
                lowering.text(self.huawei_channel_id.as_ref()),
            ),
            (
                "XiaoMiChannelID",
                lowering.text(self.xiaomi_channel_id.as_ref()),
            ),
            (
                "OPPOChannelID",
                lowering.text(self.oppo_channel_id.as_ref()),
            ),
            (
                "GoogleChannelID",
                lowering.text(self.google_channel_id.as_ref()),
            ),
            (
                "VIVOClassification",
                self.vivo_classification.map(Shape::fixed),
            ),
            ("VIVOCategory", lowering.text(self.vivo_category.as_ref())),
            (
                "HuaWeiImportance",
                lowering.word(self.huawei_importance.as_ref(), Rule::Word(IMPORTANCES)),
            ),
            (
                "HuaWeiCategory",
                lowering.text(self.huawei_category.as_ref()),
            ),
            (
                "ExtAsHuaweiIntentParam",
                self.ext_as_huawei_intent_param.map(Shape::fixed),
            ),
            ("HuaWeiImage", lowering.text(self.huawei_image.as_ref())),
            (
                "HonorImportance",
                lowering.word(self.honor_importance.as_ref(), Rule::Word(IMPORTANCES)),
            ),
            ("HonorImage", lowering.text(self.honor_image.as_ref())),
            ("GoogleImage", lowering.text(self.google_image.as_ref())),
            ("OPPOCategory", lowering.text(self.oppo_category.as_ref())),
            (
                "OPPOPrivateMsgTemplateId",
                lowering.text(self.oppo_private_msg_template_id.as_ref()),
            ),
            (
                "MeiZuNoticeMsgType",
                self.meizu_notice_msg_type.map(Shape::fixed),
            ),
        ]);
        with_extra(typed, self.extra.as_ref(), lowering)
    }
}

impl ApnsPushSpec {
    fn lower(&self, lowering: &mut Lowering<'_>) -> Shape {
        let typed = Shape::map([
            ("Sound", lowering.text(self.sound.as_ref())),
            ("BadgeMode", self.badge_mode.map(Shape::fixed)),
            ("Title", lowering.text(self.title.as_ref())),
            ("SubTitle", lowering.text(self.sub_title.as_ref())),
            ("Image", lowering.text(self.image.as_ref())),
            ("MutableContent", self.mutable_content.map(Shape::fixed)),
            (
                "InterruptionLevel",
                lowering.word(self.interruption_level.as_ref(), Rule::Word(INTERRUPTIONS)),
            ),
            ("ContentAvailable", self.content_available.map(Shape::fixed)),
        ]);
        with_extra(typed, self.extra.as_ref(), lowering)
    }
}

/// The vendor adds keys often; what we do not know goes as it stands.
fn with_extra(typed: Shape, extra: Option<&Entries<Node>>, lowering: &mut Lowering<'_>) -> Shape {
    let (mut entries, extra) = match (typed, extra) {
        (Shape::Map(entries), Some(extra)) => (entries, extra),
        (typed, _) => return typed,
    };
    for (key, value) in extra.iter() {
        if entries.iter().any(|(known, _)| *known == key.value) {
            let message = format!(
                "`{}` is given twice: here, and under our name for it",
                key.value
            );
            let complaint = Diagnostic::error("given-twice", &key.span, message);
            lowering.complaints.push(complaint.help("keep one of them"));
        } else {
            entries.push((key.value.clone(), lowering.verbatim(value)));
        }
    }
    Shape::Map(entries)
}
