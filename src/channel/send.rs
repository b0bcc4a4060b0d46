//! The choice of a channel: exactly one of the vendor's calls.

use super::{Channel, GroupMessage, GroupMessageSpec, Rendered};
use crate::source::{Diagnostic, one_key};
use crate::template::{Templates, Value};
use schemars::JsonSchema;
use serde::Deserialize;

/// What is sent: exactly one of these.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = one_key)]
pub struct SendSpec {
    pub group_message: Option<GroupMessageSpec>,
}

/// What is sent, as meant.
#[derive(Clone, Debug)]
pub enum Send {
    GroupMessage(GroupMessage),
}

impl Send {
    pub fn lower(
        spec: &SendSpec,
        templates: &mut Templates,
        complaints: &mut Vec<Diagnostic>,
    ) -> Option<Send> {
        let message = spec.group_message.as_ref()?;
        GroupMessage::lower(message, templates, complaints).map(Send::GroupMessage)
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
