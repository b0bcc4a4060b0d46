//! `send_group_msg`: an ordinary message in a group.

use super::Call;
use super::body::Written;
use super::fit::Feature;
use super::mention::MentionSpec;
use crate::message::{ELEMENTS_MAX, ElementSpec, Lowering, OfflinePushSpec, Rule, Shape};
use crate::source::{Diagnostic, Node, Span, Spanned};
use crate::template::TemplateSpec;
use schemars::JsonSchema;
use serde::Deserialize;

/// An ordinary message in each group (the vendor's `send_group_msg`).
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupMessageSpec {
    /// What people read: a template, quoted on one line or a `|` block. Short for one text element.
    pub text: Option<TemplateSpec>,
    /// A file that holds the template of the text, below the folder of `campanile.yaml`.
    pub text_file: Option<Spanned<String>>,
    /// The elements of the message, in order (`MsgBody`), instead of `text`.
    #[schemars(length(min = 1, max = ELEMENTS_MAX))]
    pub elements: Option<Vec<ElementSpec>>,
    /// The account it comes from (`From_Account`); a template. Default: the administrator.
    pub from_account: Option<TemplateSpec>,
    /// `MsgPriority`. Default at the vendor: normal. When a group is over 40 messages a second, lower ones go first; its
    /// newer pages do not list `lowest` any more.
    #[schemars(extend("default" = "normal"))]
    pub priority: Option<Priority>,
    /// Only for members who are online; not kept (`OnlineOnlyFlag`). Default: false.
    #[schemars(extend("default" = false))]
    pub online_only: Option<Spanned<bool>>,
    /// The app's own callbacks that are not called for it (`ForbidCallbackControl`).
    pub forbid_callbacks: Option<Vec<Callback>>,
    /// Whether it counts as unread (`SendMsgControl` `NoUnread`). Default: count.
    #[schemars(extend("default" = "count"))]
    pub unread: Option<Spanned<Unread>>,
    /// Whether it becomes the conversation's last message (`SendMsgControl` `NoLastMsg`). Default: update.
    #[schemars(extend("default" = "update"))]
    pub last_message: Option<Spanned<LastMessage>>,
    /// Who is mentioned (`GroupAtInfo`): `all`, or a list in the order of the marks in the text, up to 30, of accounts
    /// (templates) and `all`.
    pub mention: Option<Spanned<MentionSpec>>,
    /// Data that travels with the message and is kept (`CloudCustomData`); a template. Text that begins with `{` must
    /// come out as JSON.
    pub cloud_custom_data: Option<TemplateSpec>,
    /// As YAML, sent as JSON text (`CloudCustomData`).
    pub cloud_custom_data_json: Option<Node>,
    /// The topic of a community (`TopicId`); a template.
    pub topic: Option<TemplateSpec>,
    /// Whether members' read receipts are kept (`NeedReadReceipt`). Default: false.
    #[schemars(extend("default" = false))]
    pub read_receipt: Option<Spanned<bool>>,
    /// Whether the message may be extended (`SupportMessageExtension`). Default: false.
    #[schemars(extend("default" = false))]
    pub extension: Option<Spanned<bool>>,
    /// What an offline push shows (`OfflinePushInfo`).
    pub offline_push: Option<Spanned<OfflinePushSpec>>,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    High,
    Normal,
    Low,
    Lowest,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Callback {
    BeforeSend,
    AfterSend,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unread {
    Count,
    Ignore,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LastMessage {
    Update,
    Keep,
}

/// `place` is where the message stands, for what is wrong with all of it.
pub(super) fn lower(spec: &GroupMessageSpec, place: &Span, lowering: &mut Lowering<'_>) -> Call {
    check_options(spec, lowering);
    let written = Written {
        text: spec.text.as_ref(),
        text_file: spec.text_file.as_ref(),
        elements: spec.elements.as_deref(),
        place,
    };
    let body = written.lower(lowering);
    let priority = spec.priority.map(|priority| Shape::fixed(priority.word()));
    let mention = spec.mention.as_ref();
    let mentioned = mention.map(|mention| mention.lower(lowering));
    let data = lowering.either(
        spec.cloud_custom_data.as_ref(),
        spec.cloud_custom_data_json.as_ref(),
    );
    let push = spec.offline_push.as_ref().map(|push| push.lower(lowering));
    let content = Shape::map([
        ("MsgBody", Some(body)),
        (
            "From_Account",
            lowering.word(spec.from_account.as_ref(), Rule::Account),
        ),
        ("MsgPriority", priority),
        ("OnlineOnlyFlag", spec.online_only.as_ref().map(flag)),
        (
            "ForbidCallbackControl",
            spec.forbid_callbacks.as_deref().map(callbacks),
        ),
        ("SendMsgControl", controls(spec)),
        ("GroupAtInfo", mentioned),
        ("CloudCustomData", data),
        ("TopicId", lowering.word(spec.topic.as_ref(), Rule::Topic)),
        ("NeedReadReceipt", spec.read_receipt.as_ref().map(flag)),
        ("SupportMessageExtension", spec.extension.as_ref().map(flag)),
        ("OfflinePushInfo", push),
    ]);
    Call {
        content,
        features: features(spec, place),
        span: place.clone(),
        text_span: written.span(),
    }
}

/// What does not fit every type of group, each with its place.
fn features(spec: &GroupMessageSpec, place: &Span) -> Vec<(Feature, Span)> {
    let on = |flag: &Option<Spanned<bool>>| {
        let flag = flag.as_ref().filter(|flag| flag.value)?;
        Some(flag.span.clone())
    };
    let mention = spec.mention.as_ref();
    let mention = mention.filter(|mention| mention.is_for_all());
    let push = spec.offline_push.as_ref();
    let push = push.filter(|push| push.is_on());
    let topic = spec.topic.as_ref();
    let topic = topic.map(|topic| topic.span().unwrap_or_else(|| place.clone()));
    let found = [
        (Feature::OnlineOnly, on(&spec.online_only)),
        (Feature::UnreadIgnored, ignored(spec)),
        (Feature::LastMessageKept, kept(spec)),
        (
            Feature::MentionAll,
            mention.map(|mention| mention.span.clone()),
        ),
        (Feature::Topic, topic),
        (Feature::ReadReceipt, on(&spec.read_receipt)),
        (Feature::Extension, on(&spec.extension)),
        (Feature::OfflinePush, push.map(|push| push.span.clone())),
    ];
    let given = found
        .into_iter()
        .filter_map(|(feature, span)| Some((feature, span?)));
    given.collect()
}

fn ignored(spec: &GroupMessageSpec) -> Option<Span> {
    let unread = spec.unread.as_ref();
    let unread = unread.filter(|unread| unread.value == Unread::Ignore)?;
    Some(unread.span.clone())
}

fn kept(spec: &GroupMessageSpec) -> Option<Span> {
    let last = spec.last_message.as_ref();
    let last = last.filter(|last| last.value == LastMessage::Keep)?;
    Some(last.span.clone())
}

/// What the vendor refuses together.
fn check_options(spec: &GroupMessageSpec, lowering: &mut Lowering<'_>) {
    let online = spec.online_only.as_ref().filter(|online| online.value);
    let Some(online) = online else { return };
    let receipt = spec.read_receipt.as_ref().filter(|receipt| receipt.value);
    for (other, place) in [
        ("unread: ignore", ignored(spec)),
        ("last_message: keep", kept(spec)),
        ("read_receipt", receipt.map(|receipt| receipt.span.clone())),
    ] {
        if let Some(place) = place {
            let message = format!("the vendor refuses `online_only` together with `{other}`");
            let complaint = Diagnostic::error("options-conflict", &online.span, message);
            lowering.complaints.push(
                complaint
                    .also(&place, "the other is here")
                    .help("drop one of them"),
            );
        }
    }
}

fn flag(value: &Spanned<bool>) -> Shape {
    Shape::fixed(u32::from(value.value))
}

fn callbacks(callbacks: &[Callback]) -> Shape {
    let words = callbacks.iter().map(|callback| match callback {
        Callback::BeforeSend => Shape::fixed("ForbidBeforeSendMsgCallback"),
        Callback::AfterSend => Shape::fixed("ForbidAfterSendMsgCallback"),
    });
    Shape::List(words.collect())
}

fn controls(spec: &GroupMessageSpec) -> Option<Shape> {
    let unread = ignored(spec).map(|_| Shape::fixed("NoUnread"));
    let last = kept(spec).map(|_| Shape::fixed("NoLastMsg"));
    let words: Vec<Shape> = unread.into_iter().chain(last).collect();
    (!words.is_empty()).then_some(Shape::List(words))
}

impl Priority {
    /// The vendor's words are case-sensitive.
    fn word(self) -> &'static str {
        match self {
            Priority::High => "High",
            Priority::Normal => "Normal",
            Priority::Low => "Low",
            Priority::Lowest => "Lowest",
        }
    }
}
