//! The choice of a channel: exactly one of the vendor's calls.

use super::body::{check_content, sized};
use super::broadcast::BroadcastSpec;
use super::fit::Feature;
use super::group_message::GroupMessageSpec;
use super::notification::NotificationSpec;
use super::{Channel, broadcast, group_message, notification};
use crate::audience::{GroupType, Reach, Target, about};
use crate::message::{Lowering, Shape};
use crate::source::{Diagnostic, Span, Spanned, one_key};
use crate::template::{Case, Ready, Templates, Value};
use schemars::JsonSchema;
use serde::Deserialize;
use std::sync::Arc;

/// What is sent: exactly one of these.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = one_key)]
pub struct SendSpec {
    pub group_message: Option<Spanned<GroupMessageSpec>>,
    pub notification: Option<Spanned<NotificationSpec>>,
    pub broadcast: Option<Spanned<BroadcastSpec>>,
}

/// What is sent, as meant.
#[derive(Clone, Debug)]
pub struct Send {
    channel: Channel,
    call: Call,
}

/// One of the vendor's calls before anybody's values are in it.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) content: Shape,
    /// What it asks for that does not fit every group, and where that is written.
    pub(super) features: Vec<(Feature, Span)>,
    /// Where it stands, for what is wrong with all of it.
    pub(super) span: Span,
    /// Where its text stands, for what is wrong with what comes out of it.
    pub(super) text_span: Span,
}

/// One rendering of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// A JSON object: everything but the group, its members and `Random`.
    pub content: Arc<str>,
    /// What people will read first.
    pub text: String,
    /// Some of the vendor's pages allow no more than 8,000 bytes.
    pub is_long: bool,
}

impl Send {
    pub fn lower(spec: &SendSpec, lowering: &mut Lowering<'_>) -> Option<Send> {
        let (channel, call) = if let Some(message) = &spec.group_message {
            let call = group_message::lower(message, &message.span, lowering);
            (Channel::GroupMessage, call)
        } else if let Some(notice) = &spec.notification {
            let call = notification::lower(notice, &notice.span, lowering);
            (Channel::Notification, call)
        } else {
            let message = spec.broadcast.as_ref()?;
            let call = broadcast::lower(message, &message.span, lowering);
            (Channel::Broadcast, call)
        };
        Some(Send { channel, call })
    }

    /// Stands for what could not be read, so that the rest can be looked at. It is never sent.
    pub fn unread(place: &Span) -> Send {
        Send {
            channel: Channel::GroupMessage,
            call: Call {
                content: Shape::map([("MsgBody", Some(Shape::unread()))]),
                features: Vec::new(),
                span: place.clone(),
                text_span: place.clone(),
            },
        }
    }

    pub fn channel(&self) -> Channel {
        self.channel
    }

    /// Where it stands in the file.
    pub fn span(&self) -> &Span {
        &self.call.span
    }

    /// Where its text stands.
    pub fn text_span(&self) -> &Span {
        &self.call.text_span
    }

    /// Whether any of its templates does more with this name than print some of its fields.
    pub fn depends(&self, templates: &Templates, name: &str, printed: &[&str]) -> bool {
        self.call.content.depends(templates, name, printed)
    }

    /// The texts that its chosen templates may choose, each once.
    pub fn all_cases(&self, templates: &Templates) -> Vec<Case> {
        let found = self.call.content.templates();
        let cases = found.iter().flat_map(|template| templates.cases(template));
        each_once(cases)
    }

    /// The texts that they choose for somebody. Where one has a text for the very value that another has none for, it is
    /// the value that counts.
    pub fn cases(&self, ready: &Ready<'_>, context: &Value) -> Vec<Case> {
        let found = self.call.content.templates();
        let cases = found
            .iter()
            .filter_map(|template| ready.case(template, context));
        let cases = each_once(cases);
        let has_text = |by: &str| {
            let mut others = cases.iter();
            others.any(|other| other.by == by && other.value.is_some())
        };
        let told = cases
            .iter()
            .filter(|case| case.value.is_some() || !has_text(&case.by));
        told.cloned().collect()
    }

    pub fn render(&self, ready: &Ready<'_>, context: &Value) -> Result<Rendered, Diagnostic> {
        let rendered = match self.channel {
            Channel::GroupMessage | Channel::Broadcast => sized(
                &self.call.content.render(ready, context)?,
                &self.call.text_span,
            ),
            Channel::Notification => notification::render(&self.call, ready, context),
        }?;
        check_content(&rendered.content, &self.call.text_span)?;
        Ok(rendered)
    }

    /// Every fault of a rendering that fails.
    pub fn faults(&self, ready: &Ready<'_>, context: &Value) -> Vec<Diagnostic> {
        self.call.content.faults(ready, context)
    }

    /// What does not go with the target's type, if that is known. `members` is where members are named.
    pub fn fit(&self, target: &Target, members: Option<&Span>) -> Vec<Diagnostic> {
        let Some(kind) = target.kind else {
            return Vec::new();
        };
        let members = match target.reach {
            Reach::Everybody => None,
            Reach::Members(_) => members.map(|span| (Feature::Members, span.clone())),
        };
        let features = self.call.features.iter().chain(&members);
        let found = features.filter_map(|feature| self.unfit(feature, kind));
        found
            .map(|complaint| about(complaint, &target.group, &target.origin))
            .collect()
    }

    fn unfit(&self, (feature, span): &(Feature, Span), kind: GroupType) -> Option<Diagnostic> {
        feature.complaint(self.channel, kind, span)
    }
}

fn each_once(cases: impl Iterator<Item = Case>) -> Vec<Case> {
    let mut once: Vec<Case> = Vec::new();
    for case in cases {
        if !once.contains(&case) {
            once.push(case);
        }
    }
    once
}
