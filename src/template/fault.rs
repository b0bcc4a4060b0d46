//! What is wrong with a template, and where in it.

use super::Value;
use crate::source::{Diagnostic, Text, nearest};
use minijinja::{Error, ErrorKind};
use std::ops::Range;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// A lower-case sentence; never holds a value, for values are customer data.
    pub message: String,
    /// Bytes of the template's text, as small as is known.
    pub range: Option<Range<usize>>,
    /// The name that stands for nothing, if that is what is wrong.
    pub undefined: Option<String>,
}

impl Fault {
    /// What minijinja has to say, without the values.
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

    /// Points to where the template was typed, and guesses what was meant from the names there are.
    pub(super) fn diagnostic(self, text: &Text, context: Option<&Value>) -> Diagnostic {
        let span = self
            .range
            .map_or_else(|| text.span.clone(), |range| text.span_of(range));
        let code = if self.undefined.is_some() {
            "undefined-variable"
        } else {
            "template"
        };
        let diagnostic = Diagnostic::error(code, &span, self.message);
        match self
            .undefined
            .zip(context)
            .and_then(|(name, context)| suggestion(&name, context))
        {
            Some(help) => diagnostic.help(help),
            None => diagnostic,
        }
    }
}

/// `group.ctiy` is looked for among the names of `group`, `bnous` among those at the top.
fn suggestion(path: &str, context: &Value) -> Option<String> {
    const NAMES_SHOWN: usize = 12;
    let (parent, name) = path
        .rsplit_once('.')
        .map_or((None, path), |(parent, name)| (Some(parent), name));
    let mut scope = context.clone();
    for step in parent.into_iter().flat_map(|parent| parent.split('.')) {
        scope = scope
            .get_attr(step)
            .ok()
            .filter(|value| !value.is_undefined())?;
    }
    let names: Vec<String> = scope
        .try_iter()
        .ok()?
        .filter_map(|name| name.as_str().map(str::to_owned))
        .collect();
    let full = |name: &str| {
        parent.map_or_else(
            || format!("`{name}`"),
            |parent| format!("`{parent}.{name}`"),
        )
    };
    if let Some(meant) = nearest(name, &names) {
        return Some(format!("did you mean {}?", full(meant)));
    }
    let shown: Vec<String> = names
        .iter()
        .take(NAMES_SHOWN)
        .map(|name| full(name))
        .collect();
    (!shown.is_empty()).then(|| format!("there are {}", shown.join(", ")))
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
