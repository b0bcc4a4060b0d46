//! The choice of a channel: exactly one of the vendor's calls.

use super::{Channel, GroupMessage, GroupMessageSpec, Rendered};
use crate::message::Lowering;
use crate::source::{Diagnostic, Spanned, one_key};
use crate::template::{Templates, Value};
use schemars::JsonSchema;
use serde::Deserialize;

/// What is sent: exactly one of these.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = one_key)]
pub struct SendSpec {
    pub group_message: Option<Spanned<GroupMessageSpec>>,
}

/// What is sent, as meant.
#[derive(Clone, Debug)]
pub enum Send {
    GroupMessage(GroupMessage),
}

impl Send {
    pub fn lower(spec: &SendSpec, lowering: &mut Lowering<'_>) -> Option<Send> {
        let message = spec.group_message.as_ref()?;
        GroupMessage::lower(message, &message.span, lowering).map(Send::GroupMessage)
    }

    pub fn channel(&self) -> Channel {
        match self {
            Send::GroupMessage(_) => Channel::GroupMessage,
        }
    }

    pub fn render(&self, templates: &Templates, context: &Value) -> Result<Rendered, Diagnostic> {
        match self {
            Send::GroupMessage(message) => message.render(templates, context),
        }
    }
}
