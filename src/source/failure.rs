//! Why a tree could not be read into a Spec, on its way up to where it becomes a diagnostic.

use std::fmt;

use serde::de::{Error, Expected, Unexpected};

use super::complaint;
use super::diagnostic::Diagnostic;
use super::node::{Node, Step};
use super::span::Span;

#[derive(Debug)]
pub(super) struct Failure {
    pub(super) code: &'static str,
    message: String,
    help: Option<String>,
    /// Of the innermost node that was being read.
    span: Option<Span>,
    /// From that node up to the root: it grows on the way.
    upwards: Vec<Step>,
}

impl Failure {
    pub(super) fn new(code: &'static str, message: String) -> Failure {
        Failure {
            code,
            message,
            help: None,
            span: None,
            upwards: Vec::new(),
        }
    }

    /// Gives it a place, unless one further inside did.
    pub(super) fn at(mut self, node: &Node, key: Option<&Node>) -> Failure {
        let place = || match self.code {
            complaint::MISSING_KEY => complaint::place_of_missing(node, key),
            _ => node.place(key),
        };
        self.span = Some(self.span.take().unwrap_or_else(place));
        self
    }

    /// It happened one step down.
    pub(super) fn under(mut self, step: Step) -> Failure {
        self.upwards.push(step);
        self
    }

    pub(super) fn path(&self) -> Vec<Step> {
        self.upwards.iter().rev().cloned().collect()
    }

    pub(super) fn into_diagnostic(self, root: &Node) -> Diagnostic {
        let span = self.span.unwrap_or_else(|| root.span.clone());
        Diagnostic::error(self.code, &span, self.message).maybe_help(self.help)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

impl Error for Failure {
    fn custom<T: fmt::Display>(message: T) -> Failure {
        Failure::new(complaint::BAD_VALUE, message.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Failure {
        Failure::new(
            complaint::WRONG_TYPE,
            format!("expected {expected}, found {}", words(&found)),
        )
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Failure {
        Failure::new(
            complaint::BAD_VALUE,
            format!("expected {expected}, found {}", words(&found)),
        )
    }

    fn invalid_length(length: usize, expected: &dyn Expected) -> Failure {
        let found = super::plural(length as u64, "item");
        Failure::new(
            complaint::BAD_VALUE,
            format!("expected {expected}, found {found}"),
        )
    }

    fn missing_field(field: &'static str) -> Failure {
        Failure::new(complaint::MISSING_KEY, complaint::missing(field))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Failure {
        let help = complaint::known_help(field, expected, "known keys");
        Failure {
            help,
            ..Failure::new(complaint::UNKNOWN_KEY, complaint::unknown_key(field))
        }
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Failure {
        let help = complaint::known_help(variant, expected, "choices");
        Failure {
            help,
            ..Failure::new(
                complaint::UNKNOWN_CHOICE,
                complaint::unknown_choice(variant),
            )
        }
    }

    fn duplicate_field(field: &'static str) -> Failure {
        Failure::new("duplicate-key", format!("the key `{field}` is given twice"))
    }
}

/// The value itself is left out: the caret shows it.
fn words(found: &Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(_) => "a boolean",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_) => "a number",
        Unexpected::Char(_) | Unexpected::Str(_) => "text",
        Unexpected::Unit => "nothing",
        Unexpected::Seq => "a list",
        Unexpected::Map => "a map",
        _ => "something else",
    }
}
