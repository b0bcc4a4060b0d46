//! `send_broadcast_msg`: one message to all live rooms (`AVChatRoom`) of the app.

use super::Call;
use super::body::Written;
use crate::message::{ELEMENTS_MAX, ElementSpec, Lowering, Rule, Shape};
use crate::source::{Node, Span, Spanned};
use crate::template::TemplateSpec;
use schemars::JsonSchema;
use serde::Deserialize;

/// One message to all live rooms of the app (the vendor's `send_broadcast_msg`): a single call without an audience.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BroadcastSpec {
    /// What people read: a template, quoted on one line or a `|` block. Short for one text element.
    pub text: Option<TemplateSpec>,
    /// A file that holds the template of the text, below the folder of `campanile.yaml`.
    pub text_file: Option<Spanned<String>>,
    /// The elements of the message, in order (`MsgBody`), instead of `text`.
    #[schemars(length(min = 1, max = ELEMENTS_MAX))]
    pub elements: Option<Vec<ElementSpec>>,
    /// The account it comes from (`From_Account`); a template. Default: the administrator.
    pub from_account: Option<TemplateSpec>,
    /// Data that travels with the message and is kept (`CloudCustomData`); a template. Text that begins with `{` must
    /// come out as JSON.
    pub cloud_custom_data: Option<TemplateSpec>,
    /// As YAML, sent as JSON text (`CloudCustomData`).
    pub cloud_custom_data_json: Option<Node>,
}

pub(super) fn lower(spec: &BroadcastSpec, place: &Span, lowering: &mut Lowering<'_>) -> Call {
    let written = Written {
        text: spec.text.as_ref(),
        text_file: spec.text_file.as_ref(),
        elements: spec.elements.as_deref(),
        place,
    };
    let body = written.lower(lowering);
    let data = lowering.either(
        spec.cloud_custom_data.as_ref(),
        spec.cloud_custom_data_json.as_ref(),
    );
    Call {
        content: Shape::map([
            ("MsgBody", Some(body)),
            (
                "From_Account",
                lowering.word(spec.from_account.as_ref(), Rule::Account),
            ),
            ("CloudCustomData", data),
        ]),
        features: Vec::new(),
        span: place.clone(),
        text_span: written.span(),
    }
}
