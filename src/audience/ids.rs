//! Ids as files have them, and what spreadsheets do to them.

use crate::identity::{GroupId, UserId};
use crate::source::{Diagnostic, Span};

pub(super) fn group(text: &str, span: impl Fn() -> Span) -> Result<GroupId, Diagnostic> {
    spoilt(text, "group id", &span)?;
    GroupId::try_from(text)
        .map_err(|error| Diagnostic::error("group-id", &span(), error.to_string()))
}

pub(super) fn member(text: &str, span: impl Fn() -> Span) -> Result<UserId, Diagnostic> {
    spoilt(text, "member", &span)?;
    UserId::try_from(text)
        .map_err(|error| Diagnostic::error("member-id", &span(), error.to_string()))
}

fn spoilt(text: &str, what: &str, span: &impl Fn() -> Span) -> Result<(), Diagnostic> {
    let slip = match text {
        "" => format!("the row has no {what}"),
        _ if text.starts_with('\'') => {
            "the id begins with `'`, as spreadsheets write text".to_owned()
        }
        _ if is_spreadsheet_number(text) => {
            "the id is a number as spreadsheets shorten it".to_owned()
        }
        _ => return Ok(()),
    };
    Err(Diagnostic::error("group-id", &span(), slip)
        .help("format the column as text before exporting it"))
}

/// `1.2E+11`
fn is_spreadsheet_number(text: &str) -> bool {
    text.split_once("E+").is_some_and(|(number, power)| {
        number.parse::<f64>().is_ok() && power.parse::<u32>().is_ok()
    })
}
