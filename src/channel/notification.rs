//! `send_group_system_notification`: a notice to the online members of a group.

use super::body::{Written, check_size, check_text};
use super::fit::Feature;
use super::{Call, Rendered};
use crate::message::{Lowering, Rule, SIZE_SAFE, Shape};
use crate::source::{Diagnostic, Span, Spanned};
use crate::template::{Ready, TemplateSpec, Value};
use schemars::JsonSchema;
use serde::Deserialize;

/// A system notification in each group (the vendor's `send_group_system_notification`): for members who are online, not
/// kept, and not deduplicated by the vendor. Closed to new customers; `group_message` with members replaces it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NotificationSpec {
    /// What it says (`Content`): a template, quoted on one line or a `|` block.
    pub text: Option<TemplateSpec>,
    /// A file that holds the template of the text, below the folder of `campanile.yaml`.
    pub text_file: Option<Spanned<String>>,
    /// The topic of a community (`TopicId`); a template.
    pub topic: Option<TemplateSpec>,
}

pub(super) fn lower(spec: &NotificationSpec, place: &Span, lowering: &mut Lowering<'_>) -> Call {
    let message = "the vendor closed system notifications to new customers, and tells no repetition from a new one";
    lowering.complaints.push(
        Diagnostic::warning("closed-channel", place, message)
            .help("write `group_message:` instead, with `members` in the audience if need be"),
    );
    let written = Written {
        text: spec.text.as_ref(),
        text_file: spec.text_file.as_ref(),
        elements: None,
        place,
    };
    let text = written.lower_text(lowering, "`text_file`");
    let topic = spec.topic.as_ref();
    let features = topic.map(|topic| {
        (
            Feature::Topic,
            topic.span().unwrap_or_else(|| place.clone()),
        )
    });
    Call {
        content: Shape::map([
            ("Content", Some(text)),
            ("TopicId", lowering.word(topic, Rule::Topic)),
        ]),
        features: features.into_iter().collect(),
        span: place.clone(),
        text_span: written.span(),
    }
}

pub(super) fn render(
    call: &Call,
    ready: &Ready<'_>,
    context: &Value,
) -> Result<Rendered, Diagnostic> {
    let request = call.content.render(ready, context)?;
    let text = request["Content"].as_str().unwrap_or_default().to_owned();
    check_text(std::iter::once(text.as_str()), &call.text_span)?;
    check_size(text.len(), &call.text_span)?;
    Ok(Rendered {
        content: request.to_string().into(),
        is_long: text.len() > SIZE_SAFE,
        text,
    })
}
