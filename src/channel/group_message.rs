//! `send_group_msg`: an ordinary message in a group.

use crate::message::{
    ElementSpec, Lowering, OfflinePushSpec, SIZE_MAX, Shape, has_custom_twice, text_element,
};
use crate::source::{Content, Diagnostic, Node, Span, Text, plural};
use crate::template::{Templates, Value};
use schemars::JsonSchema;
use serde::Deserialize;
use std::sync::Arc;

/// An ordinary message in each group (the vendor's `send_group_msg`).
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupMessageSpec {
    /// What people read: a template, quoted on one line or a `|` block. Short for one text element.
    pub text: Option<Text>,
    /// The elements of the message, in order (`MsgBody`), instead of `text`.
    #[schemars(length(min = 1))]
    pub elements: Option<Vec<ElementSpec>>,
    /// The account it comes from (`From_Account`); a template. Default: the administrator.
    pub from_account: Option<Text>,
    /// `MsgPriority`. Default at the vendor: normal. When a group is over 40 messages a second, lower ones go first.
    pub priority: Option<Priority>,
    /// Only for members who are online; not kept (`OnlineOnlyFlag`). Default: false.
    pub online_only: Option<bool>,
    /// The app's own callbacks that are not called for it (`ForbidCallbackControl`).
    pub forbid_callbacks: Option<Vec<Callback>>,
    /// Whether it counts as unread (`SendMsgControl` `NoUnread`). Default: count.
    pub unread: Option<Unread>,
    /// Whether it becomes the conversation's last message (`SendMsgControl` `NoLastMsg`). Default: update.
    pub last_message: Option<LastMessage>,
    /// Accounts that are mentioned, in the order of the marks in the text, or `all` (`GroupAtInfo`).
    #[serde(default)]
    #[schemars(schema_with = "mention_schema")]
    pub mention: Option<Node>,
    /// Data that travels with the message and is kept (`CloudCustomData`); a template. Text that begins with `{` must
    /// come out as JSON.
    pub cloud_custom_data: Option<Text>,
    /// As YAML, sent as JSON text (`CloudCustomData`).
    pub cloud_custom_data_json: Option<Node>,
    /// The topic of a community (`TopicId`); a template.
    pub topic: Option<Text>,
    /// Whether members' read receipts are kept (`NeedReadReceipt`). Default: false.
    pub read_receipt: Option<bool>,
    /// Whether the message may be extended (`SupportMessageExtension`). Default: false.
    pub extension: Option<bool>,
    /// What an offline push shows (`OfflinePushInfo`).
    pub offline_push: Option<OfflinePushSpec>,
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

/// The vendor takes no more mentions (10053).
const MENTIONS_MAX: usize = 30;

fn mention_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "anyOf": [{ "const": "all" }, { "type": "array", "items": { "type": "string" }, "maxItems": MENTIONS_MAX }]
    })
}

/// The call as meant.
#[derive(Clone, Debug)]
pub struct GroupMessage {
    content: Shape,
    span: Span,
}

/// One rendering of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// A JSON object: everything but the group and `Random`.
    pub content: Arc<str>,
    /// What people will read first.
    pub text: String,
}

impl GroupMessage {
    /// `place` is where the message stands, for what is wrong with all of it.
    pub fn lower(
        spec: &GroupMessageSpec,
        place: &Span,
        lowering: &mut Lowering<'_>,
    ) -> Option<GroupMessage> {
        check_options(spec, place, lowering);
        let body = lower_body(spec, place, lowering)?;
        let content = Shape::map([
            ("MsgBody", Some(body)),
            ("From_Account", lowering.text(spec.from_account.as_ref())),
            (
                "MsgPriority",
                spec.priority.map(|priority| Shape::fixed(priority.word())),
            ),
            ("OnlineOnlyFlag", spec.online_only.map(flag)),
            (
                "ForbidCallbackControl",
                spec.forbid_callbacks.as_deref().map(callbacks),
            ),
            ("SendMsgControl", controls(spec)),
            (
                "GroupAtInfo",
                spec.mention
                    .as_ref()
                    .map(|mention| mentions(mention, lowering)),
            ),
            (
                "CloudCustomData",
                lowering.either(
                    spec.cloud_custom_data.as_ref(),
                    spec.cloud_custom_data_json.as_ref(),
                ),
            ),
            ("TopicId", lowering.text(spec.topic.as_ref())),
            ("NeedReadReceipt", spec.read_receipt.map(flag)),
            ("SupportMessageExtension", spec.extension.map(flag)),
            (
                "OfflinePushInfo",
                spec.offline_push.as_ref().map(|push| push.lower(lowering)),
            ),
        ]);
        Some(GroupMessage {
            content,
            span: place.clone(),
        })
    }

    pub fn render(&self, templates: &Templates, context: &Value) -> Result<Rendered, Diagnostic> {
        let request = self.content.render(templates, context)?;
        let data = request
            .get("CloudCustomData")
            .and_then(|data| data.as_str())
            .map_or(0, str::len);
        let size = request["MsgBody"].to_string().len() + data;
        if size > SIZE_MAX {
            let message = format!(
                "the message comes out as {}; the vendor takes 12,000",
                plural(size as u64, "byte")
            );
            return Err(Diagnostic::error("too-long", &self.span, message).help("shorten the text"));
        }
        let texts = request["MsgBody"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|element| {
                element["MsgContent"]["Text"]
                    .as_str()
                    .filter(|_| element["MsgType"] == "TIMTextElem")
            });
        if texts.clone().any(|text| text.trim().is_empty()) {
            return Err(Diagnostic::error(
                "empty-text",
                &self.span,
                "a text comes out empty",
            ));
        }
        let text = texts.clone().next().unwrap_or("(no text)").to_owned();
        Ok(Rendered {
            content: request.to_string().into(),
            text,
        })
    }
}

/// Two spellings, exactly one given.
fn lower_body(spec: &GroupMessageSpec, place: &Span, lowering: &mut Lowering<'_>) -> Option<Shape> {
    match (&spec.text, &spec.elements) {
        (Some(text), None) => Some(Shape::List(vec![text_element(text, lowering)])),
        (None, Some(elements)) => {
            if has_custom_twice(elements) {
                let message = "a message has at most one custom element, and this has more";
                let complaint = Diagnostic::error("custom-twice", place, message);
                lowering
                    .complaints
                    .push(complaint.help("put both into one, as a list in its `data_json`"));
            }
            Some(Shape::List(
                elements
                    .iter()
                    .map(|element| element.lower(lowering))
                    .collect(),
            ))
        }
        (Some(text), Some(_)) => {
            let message = "`text` is short for one text element, and `elements` are given as well";
            let complaint = Diagnostic::error("given-twice", &text.span, message);
            lowering
                .complaints
                .push(complaint.help("move the text into `elements`: `- text: \"...\"`"));
            None
        }
        (None, None) => {
            let complaint = Diagnostic::error(
                "no-text",
                place,
                "the message has neither `text` nor `elements`",
            );
            lowering
                .complaints
                .push(complaint.help("write `text: \"...\"`"));
            None
        }
    }
}

/// What the vendor refuses together.
fn check_options(spec: &GroupMessageSpec, place: &Span, lowering: &mut Lowering<'_>) {
    if spec.online_only != Some(true) {
        return;
    }
    let controls =
        spec.unread == Some(Unread::Ignore) || spec.last_message == Some(LastMessage::Keep);
    for (is_given, other) in [
        (controls, "unread: ignore` and `last_message: keep"),
        (spec.read_receipt == Some(true), "read_receipt"),
    ] {
        if is_given {
            let message = format!("the vendor refuses `online_only` together with `{other}`");
            lowering.complaints.push(
                Diagnostic::error("options-conflict", place, message).help("drop one of them"),
            );
        }
    }
}

fn flag(value: bool) -> Shape {
    Shape::fixed(u32::from(value))
}

fn callbacks(callbacks: &[Callback]) -> Shape {
    let words = callbacks.iter().map(|callback| match callback {
        Callback::BeforeSend => Shape::fixed("ForbidBeforeSendMsgCallback"),
        Callback::AfterSend => Shape::fixed("ForbidAfterSendMsgCallback"),
    });
    Shape::List(words.collect())
}

fn controls(spec: &GroupMessageSpec) -> Option<Shape> {
    let unread = (spec.unread == Some(Unread::Ignore)).then(|| Shape::fixed("NoUnread"));
    let last = (spec.last_message == Some(LastMessage::Keep)).then(|| Shape::fixed("NoLastMsg"));
    let words: Vec<Shape> = unread.into_iter().chain(last).collect();
    (!words.is_empty()).then_some(Shape::List(words))
}

fn mentions(mention: &Node, lowering: &mut Lowering<'_>) -> Shape {
    let one = |all: u32, account: Option<Shape>| {
        Shape::map([
            ("GroupAtAllFlag", Some(Shape::fixed(all))),
            ("GroupAt_Account", account),
        ])
    };
    match &mention.content {
        Content::List(accounts) => {
            let accounts = accounts
                .iter()
                .map(|account| one(0, Some(lowering.verbatim(account))));
            Shape::List(accounts.collect())
        }
        _ => Shape::List(vec![one(1, None)]),
    }
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
