//! What a template may print, and how much of it.

use super::operators::{LENGTH_MAX, Misuse};
use minijinja::value::ValueKind;
use minijinja::{Error, ErrorKind, Output, State, Value};

/// How much one rendering has printed.
#[derive(Default)]
struct Printed(usize);

/// Only text and numbers print, and no more than a message may hold.
pub(super) fn print(
    output: &mut Output<'_>,
    state: &mut State<'_, '_>,
    value: &Value,
) -> Result<(), Error> {
    let what = match value.kind() {
        ValueKind::String | ValueKind::Number | ValueKind::Undefined => {
            let printed = state.get_or_insert_extension(Printed::default());
            printed.0 += value.as_str().map_or(1, str::len);
            if printed.0 > LENGTH_MAX {
                return Err(Misuse::TooLong.into());
            }
            return minijinja::escape_formatter(output, state, value);
        }
        ValueKind::Bool => "true or false",
        ValueKind::None => "nothing",
        ValueKind::Seq | ValueKind::Iterable => "a list",
        ValueKind::Map => "a map",
        _ => "no text",
    };
    let detail = format!("only text and numbers print, and this is {what}");
    Err(Error::new(ErrorKind::InvalidOperation, detail))
}
