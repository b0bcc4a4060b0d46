//! Ids as files have them, and what spreadsheets do to them.

use crate::identity::{GroupId, UserId};
use crate::source::{Diagnostic, Span};

const GROUP_CODE: &str = "group-id";
const MEMBER_CODE: &str = "member-id";

pub(super) fn group(text: &str, span: impl Fn() -> Span) -> Result<GroupId, Diagnostic> {
    spoilt(text, (GROUP_CODE, "group id"), &span)?;
    GroupId::try_from(text)
        .map_err(|error| Diagnostic::error(GROUP_CODE, &span(), error.to_string()))
}

pub(super) fn member(text: &str, span: impl Fn() -> Span) -> Result<UserId, Diagnostic> {
    spoilt(text, (MEMBER_CODE, "member"), &span)?;
    UserId::try_from(text)
        .map_err(|error| Diagnostic::error(MEMBER_CODE, &span(), error.to_string()))
}

fn spoilt(
    text: &str,
    (code, what): (&'static str, &str),
    span: &impl Fn() -> Span,
) -> Result<(), Diagnostic> {
    if text.trim() != text {
        let message = format!("the {what} has a space before or after it");
        return Err(
            Diagnostic::error(code, &span(), message).help(format!("write `{}`", text.trim()))
        );
    }
    let slip = match text {
        "" => {
            let message = format!("the row has no {what}");
            return Err(
                Diagnostic::error(code, &span(), message).help("fill it in, or delete the row")
            );
        }
        _ if text.starts_with('\'') => {
            "the id begins with `'`, as spreadsheets write text".to_owned()
        }
        _ if is_spreadsheet_number(text) => {
            "the id is a number as spreadsheets shorten it".to_owned()
        }
        _ => return Ok(()),
    };
    Err(Diagnostic::error(code, &span(), slip)
        .help("format the column as text before exporting it"))
}

/// `1.2E+11`, or `1,2e+11` where people write a comma.
fn is_spreadsheet_number(text: &str) -> bool {
    let text = text.to_ascii_uppercase().replacen(',', ".", 1);
    text.split_once("E+").is_some_and(|(number, power)| {
        number.parse::<f64>().is_ok() && power.parse::<u32>().is_ok()
    })
}
