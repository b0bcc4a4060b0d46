//! `send_group_msg`: an ordinary message in a group.

use crate::message::{Element, SIZE_MAX, body};
use crate::source::{Diagnostic, Span, Style, Text, plural};
use crate::template::{Template, Templates, Value};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

/// An ordinary message in each group (the vendor's `send_group_msg`).
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupMessageSpec {
    /// What people read: a template, quoted on one line or a `|` block. Becomes one `TIMTextElem`.
    #[schemars(required)]
    pub text: Option<Text>,
}

/// The call as meant.
#[derive(Clone, Debug)]
pub struct GroupMessage {
    text: Template,
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
    pub fn lower(
        spec: &GroupMessageSpec,
        templates: &mut Templates,
        complaints: &mut Vec<Diagnostic>,
    ) -> Option<GroupMessage> {
        let text = spec.text.as_ref()?;
        complaints.extend(check_style(text));
        match templates.add(text) {
            Ok(template) => Some(GroupMessage {
                text: template,
                span: text.span.clone(),
            }),
            Err(complaint) => {
                complaints.push(complaint);
                None
            }
        }
    }

    pub fn render(&self, templates: &Templates, context: &Value) -> Result<Rendered, Diagnostic> {
        let text = templates.render(&self.text, context)?;
        if text.trim().is_empty() {
            return Err(Diagnostic::error(
                "empty-text",
                &self.span,
                "the text comes out empty",
            ));
        }
        let body = body(&[Element::Text(text.clone())]);
        let size = body.to_string().len();
        if size > SIZE_MAX {
            let message = format!(
                "the message comes out as {}; the vendor takes 12,000",
                plural(size as u64, "byte")
            );
            return Err(Diagnostic::error("too-long", &self.span, message).help("shorten the text"));
        }
        Ok(Rendered {
            content: json!({ "MsgBody": body }).to_string().into(),
            text,
        })
    }
}

/// Plain text loses ` #...`, `!word`, `&word` and line breaks in silence.
fn check_style(text: &Text) -> Option<Diagnostic> {
    let is_safe = match text.style {
        Style::SingleQuoted | Style::DoubleQuoted => !text.written.slice().contains('\n'),
        Style::Literal => true,
        _ => false,
    };
    if is_safe {
        return None;
    }
    let message = "text that is sent is quoted on one line, or stands in a `|` block";
    let help = if text.written.slice().contains('\n') || text.style == Style::Folded {
        "begin the block with `|`, and put the text below it, indented".to_owned()
    } else {
        format!("write {}", serde_json::Value::from(text.value.as_str()))
    };
    Some(Diagnostic::error("unquoted-text", &text.span, message).help(help))
}
