//! What is wrong with a template, and where in it.

use minijinja::{Error, ErrorKind};
use std::ops::Range;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// A lower-case sentence; never holds a value, for values are customer data.
    pub message: String,
    /// Bytes of the template's text, as small as is known.
    pub range: Option<Range<usize>>,
    /// The name that stands for nothing, if that is what is wrong.
    pub undefined: Option<String>,
}

impl Fault {
    pub(super) fn of(error: &Error, text: &str) -> Fault {
        let range = error
            .range()
            .filter(|range| text.get(range.clone()).is_some());
        let slice = range.clone().map(|range| text[range].trim());
        let undefined = match (error.kind(), slice) {
            (ErrorKind::UndefinedError, Some(name)) if is_path(name) => Some(name.to_owned()),
            _ => None,
        };
        Fault {
            message: message(error, undefined.as_deref()),
            range,
            undefined,
        }
    }
}

/// `city`, `group.city`
fn is_path(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|each| each.is_alphanumeric() || each == '_' || each == '.')
}

fn message(error: &Error, undefined: Option<&str>) -> String {
    if let Some(name) = undefined {
        return format!("there is no variable `{name}` here");
    }
    let detail = error.detail().unwrap_or_default();
    match error.kind() {
        ErrorKind::UndefinedError => "a value that is used here is not defined".to_owned(),
        ErrorKind::OutOfFuel => "the template does too much work for one message".to_owned(),
        ErrorKind::WriteFailure => "the rendered text is too long".to_owned(),
        ErrorKind::SyntaxError => format!("the template cannot be read: {detail}"),
        _ if detail.is_empty() => error.kind().to_string(),
        kind => format!("{kind}: {detail}"),
    }
}
