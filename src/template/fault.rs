//! What is wrong with a template, and where in it.

use super::operators::Misuse;
use super::program::tree_of;
use super::slips::slip;
use super::{UNDEFINED, Value};
use crate::containment::{Panicked, contained};
use crate::source::{Diagnostic, INTERNAL_ERROR, Text, internal_help, nearest};
use minijinja::machinery::Span;
use minijinja::machinery::ast::Expr;
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
    pub help: Option<String>,
    pub cost: Cost,
}

/// What a failed rendering costs, beside an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cost {
    Little,
    /// It goes on without end, as far as can be told.
    Endless,
    /// The engine panicked.
    Panic,
}

/// The code of what is said of a template without end.
const RUNAWAY: &str = "template-runaway";

/// Whether a rendering was given up for what it cost. One is worth it; as many as an audience has rows are not.
pub fn is_runaway(complaint: &Diagnostic) -> bool {
    [RUNAWAY, INTERNAL_ERROR].contains(&complaint.code)
}

impl Fault {
    /// Runs work of the engine on a text; an error and a panic become faults of that text.
    pub(super) fn catch<T>(
        text: &str,
        work: impl FnOnce() -> Result<T, Error>,
    ) -> Result<T, Fault> {
        match contained(work) {
            Ok(done) => done.map_err(|error| Fault::of(&error, text)),
            Err(panicked) => Err(Fault::of_panic(&panicked)),
        }
    }

    fn of_panic(panicked: &Panicked) -> Fault {
        Fault {
            message: "the template engine fails at this".to_owned(),
            range: None,
            undefined: None,
            help: Some(internal_help(panicked)),
            cost: Cost::Panic,
        }
    }

    /// What minijinja has to say, without the values.
    pub(super) fn of(error: &Error, text: &str) -> Fault {
        let misuse = Misuse::of(error);
        let range = error.range().and_then(|range| expression_in(text, range));
        if let Some(slip) = slip(error, text, range.as_ref()) {
            return Fault {
                message: slip.message,
                range: slip.range,
                undefined: None,
                help: slip.help,
                cost: Cost::Little,
            };
        }
        // An operator at the end of an expression has a range that ends before it.
        let range = match range {
            Some(range)
                if misuse.is_some_and(|misuse| misuse != Misuse::TooLong)
                    && operands(&text[range.clone()]).is_none() =>
            {
                operands(text).map_or(Some(range), |_| Some(0..text.len()))
            }
            range => range,
        };
        let filtered = range.as_ref().and_then(|range| filtered(text, range));
        let range = match (error.kind(), filtered) {
            (ErrorKind::UndefinedError, Some(filtered)) => Some(filtered),
            _ => range,
        };
        let slice = range.clone().map(|range| text[range].trim());
        let undefined = match (error.kind(), slice) {
            (ErrorKind::UndefinedError, Some(name)) if is_path(name) => Some(name.to_owned()),
            _ => None,
        };
        Fault {
            message: message(error, undefined.as_deref()),
            help: slice.and_then(|slice| conversion(error, slice)),
            range,
            undefined,
            cost: if error.kind() == ErrorKind::OutOfFuel || misuse == Some(Misuse::TooLong) {
                Cost::Endless
            } else {
                Cost::Little
            },
        }
    }

    /// The name at the top that stands for nothing.
    pub(super) fn name(&self) -> Option<&str> {
        self.undefined.as_deref()?.split('.').next()
    }

    /// Points to where the template was typed, and guesses what was meant from the names there are.
    pub(super) fn diagnostic(self, text: &Text, context: Option<&Value>) -> Diagnostic {
        let span = self
            .range
            .map_or_else(|| text.span.clone(), |range| text.span_of(range));
        let code = match (&self.undefined, self.cost) {
            (Some(_), _) => UNDEFINED,
            (None, Cost::Endless) => RUNAWAY,
            (None, Cost::Panic) => INTERNAL_ERROR,
            (None, Cost::Little) => "template",
        };
        let diagnostic = Diagnostic::error(code, &span, self.message);
        let suggested = self.undefined.zip(context);
        let suggested = suggested.and_then(|(name, context)| suggestion(&name, context));
        match suggested.or(self.help) {
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
    if let Some(help) = absent(parent.unwrap_or(name), context) {
        return Some(help);
    }
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
    // A row has what its file has, so one that lacks it has an empty cell, or its file has no such column.
    let known = (!shown.is_empty()).then(|| format!("there are {}", shown.join(", ")));
    match parent {
        Some("group" | "member") => {
            let known = known.map(|known| format!("; {known}")).unwrap_or_default();
            Some(format!(
                "an empty cell is missing: fill it, or write `{path} | default(\"...\")`{known}"
            ))
        }
        _ => known,
    }
}

/// Why there is no group, or no member.
fn absent(name: &str, context: &Value) -> Option<String> {
    let is_there = |name: &str| {
        context
            .get_attr(name)
            .is_ok_and(|value| !value.is_undefined())
    };
    match name {
        "member" if !is_there(name) && is_there("group") => Some(
            "the audience names no members: give `members` or `member_files`, or say it of the group"
                .to_owned(),
        ),
        "group" if !is_there(name) => {
            Some("nobody is addressed here; a broadcast has one text for all".to_owned())
        }
        _ => None,
    }
}

/// What `int` and `float` say of other texts, in the words of Rust's own parser.
const NO_NUMBER: [&str; 2] = [
    "invalid float literal",
    "cannot parse float from empty string",
];

/// How text becomes what it is compared or computed with.
fn conversion(error: &Error, slice: &str) -> Option<String> {
    if is_no_number(error) {
        return Some("write plain digits in the file, or `int(0)` to take 0 instead".to_owned());
    }
    let (first, second) = operands(slice)?;
    Some(match Misuse::of(error)? {
        Misuse::TextThenNumber => {
            format!("cells of a CSV file are text; write `{first} | int`, or `| float`")
        }
        Misuse::NumberThenText => {
            format!("cells of a CSV file are text; write `{second} | int`, or `| float`")
        }
        Misuse::NumberAmongTexts => {
            format!("write the numbers of `{second}` in quotes, and `{first} | string`")
        }
        Misuse::TextAmongNumbers => format!("cells of a CSV file are text; write `{first} | int`"),
        Misuse::TextAndBoolean => "compare text with text, such as `== \"true\"`".to_owned(),
        Misuse::TooLong => return None,
    })
}

/// Decides whether text was to become a number and is none. The engine's filters say it in no other way.
fn is_no_number(error: &Error) -> bool {
    error
        .detail()
        .is_some_and(|detail| NO_NUMBER.contains(&detail))
}

/// The engine's range of an operator may begin with the word before it: `if group.count > 5`.
fn expression_in(text: &str, range: Range<usize>) -> Option<Range<usize>> {
    let slice = text.get(range.clone())?;
    if tree_of(slice).is_ok() {
        return Some(range);
    }
    let behind = slice
        .split_once(char::is_whitespace)
        .map(|(_, behind)| behind);
    match behind.filter(|behind| tree_of(behind).is_ok()) {
        Some(behind) => Some(range.end - behind.len()..range.end),
        None => Some(range),
    }
}

/// A filter that is given nothing is blamed for it; what stands before its `|` is meant, and all of the expression up to
/// the filter's name where that is no name.
fn filtered(text: &str, range: &Range<usize>) -> Option<Range<usize>> {
    let before = text[..range.start].trim_end().strip_suffix('|')?.trim_end();
    let is_part = |each: char| each.is_alphanumeric() || each == '_' || each == '.';
    let name = before.trim_end_matches(is_part).len();
    if is_path(&before[name..]) {
        return Some(name..before.len());
    }
    let start = before.rfind("{{").map_or(0, |at| at + 2);
    Some(start + before[start..].len() - before[start..].trim_start().len()..range.end)
}

/// What stands on the two sides of an operator.
fn operands(slice: &str) -> Option<(&str, &str)> {
    let tree = tree_of(slice).ok()?;
    let (first, second) = match &tree {
        Expr::BinOp(operation) => (operation.left.span(), operation.right.span()),
        Expr::Compare(chain) => (chain.expr.span(), chain.ops.first()?.expr.span()),
        _ => return None,
    };
    let text = |span: Span| slice.get(span.start_offset as usize..span.end_offset as usize);
    Some((text(first)?, text(second)?))
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
        ErrorKind::InvalidOperation if is_no_number(error) => {
            "a text that is no number is to become one here".to_owned()
        }
        // Mostly sentences of ours.
        ErrorKind::InvalidOperation if !detail.is_empty() => detail.to_owned(),
        ErrorKind::UndefinedError => "a value that is used here is not defined".to_owned(),
        ErrorKind::OutOfFuel => "the template does too much work for one message".to_owned(),
        ErrorKind::SyntaxError => format!("the template cannot be read: {detail}"),
        _ if detail.is_empty() => error.kind().to_string(),
        kind => format!("{kind}: {detail}"),
    }
}
