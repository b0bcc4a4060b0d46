//! How a text that is sent is written: YAML changes plain text in silence.

use crate::source::{Diagnostic, Span, Style, Text};
use serde_json::Value;

/// Values and words of data stand unquoted by custom, which is safe as long as YAML leaves nothing of them out. A sign
/// that stands right before a word, as in `sale #11`, was hardly meant to begin a comment.
pub fn is_changed(text: &Text) -> bool {
    let is_cut = |comment: &str| {
        let behind = comment.trim_start().strip_prefix('#');
        behind.is_some_and(|behind| behind.starts_with(|each: char| !each.is_whitespace()))
    };
    match text.style {
        Style::Plain => {
            text.written.slice().contains('\n') || comment_behind(&text.written).is_some_and(is_cut)
        }
        _ => check_style(text).is_some(),
    }
}

/// Plain text loses ` #...`, `!word`, `&word` and line breaks in silence.
pub fn check_style(text: &Text) -> Option<Diagnostic> {
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
    } else if let Some(inner) = in_full_width_quotes(text) {
        format!(
            "`“` and `”` are no quotes of YAML; write {}",
            Value::from(inner)
        )
    } else if let Some(comment) = comment_behind(&text.written) {
        let whole = Value::from(format!("{}{comment}", text.value));
        format!("write {whole}: unquoted, ` #` begins a comment that is not sent")
    } else {
        let whole = Value::from(text.value.as_str()).to_string();
        let diagnostic = Diagnostic::error("unquoted-text", &text.span, message);
        let diagnostic = diagnostic.help(format!("write {whole}"));
        let is_here = text.style == Style::Plain && text.span == text.written;
        return Some(if is_here {
            diagnostic.mend(&text.span, whole)
        } else {
            diagnostic
        });
    };
    Some(Diagnostic::error("unquoted-text", &text.span, message).help(help))
}

/// What follows a plain text on its line and was perhaps meant to be sent, blanks included.
fn comment_behind(written: &Span) -> Option<&str> {
    let rest = &written.source().text[written.range().end..];
    let rest = rest.lines().next().unwrap_or_default().trim_end();
    rest.trim_start().starts_with('#').then_some(rest)
}

/// What stands between the quotes of a Chinese keyboard.
fn in_full_width_quotes(text: &Text) -> Option<&str> {
    let inner = text.value.strip_prefix(['“', '”', '「'])?;
    inner.strip_suffix(['“', '”', '」'])
}
