//! What is looked at before an operator works: text never meets a number in silence, and no text grows beyond what a
//! message may hold.

use minijinja::machinery::Instruction;
use minijinja::value::ValueKind;
use minijinja::{Environment, Error, ErrorKind, Value};

/// A text that a template builds is no longer.
pub(super) const LENGTH_MAX: usize = 64 << 10;
/// A list that a template builds is no longer.
const ITEMS_MAX: usize = 10_000;

/// Names of filters that nobody can type.
const ALIKE: &str = "(alike)";
const ALIKE_INSIDE: &str = "(alike-inside)";
const SHORT: &str = "(short)";
const PRINTABLE: &str = "(printable)";
const TIMES: &str = "(times)";

/// Tests that do what operators do.
const WORDS: [&str; 17] = [
    "eq",
    "equalto",
    "==",
    "ne",
    "!=",
    "lt",
    "lessthan",
    "<",
    "le",
    "<=",
    "gt",
    "greaterthan",
    ">",
    "ge",
    ">=",
    "in",
    "sameas",
];

/// What the errors say of text and numbers; which of the two stands first is told by which sentence it is.
pub(super) const TEXT_FIRST: &str = "text meets a number here, which is never what is meant";
pub(super) const TEXT_SECOND: &str = "a number meets text here, which is never what is meant";
pub(super) const TEXT_INSIDE: &str = "a number is looked for among texts, where it never is";
pub(super) const NUMBER_INSIDE: &str = "text is looked for among numbers, where it never is";
pub(super) const BOOLEAN: &str = "text meets true or false here, which is never what is meant";

/// The check that stands before an operator.
pub(super) fn check_of(instruction: &Instruction<'_>) -> Option<&'static str> {
    Some(match instruction {
        Instruction::Eq
        | Instruction::Ne
        | Instruction::Gt
        | Instruction::Gte
        | Instruction::Lt
        | Instruction::Lte
        | Instruction::CompareAndPreserve(_)
        | Instruction::Sub
        | Instruction::Div
        | Instruction::IntDiv
        | Instruction::Rem
        | Instruction::Pow => ALIKE,
        Instruction::In => ALIKE_INSIDE,
        Instruction::Add => SHORT,
        Instruction::StringConcat => PRINTABLE,
        Instruction::Mul => TIMES,
        _ => return None,
    })
}

pub(super) fn add_checks(environment: &mut Environment<'_>) {
    environment.add_filter(ALIKE, |pair: Value| look(pair, alike));
    environment.add_filter(ALIKE_INSIDE, |pair: Value| look(pair, alike_inside));
    environment.add_filter(SHORT, |pair: Value| look(pair, short));
    environment.add_filter(TIMES, |pair: Value| look(pair, times));
    environment.add_filter(PRINTABLE, |pair: Value| look(pair, printable));
    // The operators in words: they would compare unchecked.
    for name in WORDS {
        environment.remove_test(name);
    }
}

/// Gives the pair back for the operator, or an error in its place.
fn look(pair: Value, check: fn(&Value, &Value) -> Result<(), Error>) -> Result<Value, Error> {
    let item = |at: usize| pair.get_item(&Value::from(at)).unwrap_or_default();
    check(&item(0), &item(1))?;
    Ok(pair)
}

fn alike(left: &Value, right: &Value) -> Result<(), Error> {
    match (left.kind(), right.kind()) {
        (ValueKind::String, ValueKind::Number) => Err(wrong(TEXT_FIRST)),
        (ValueKind::Number, ValueKind::String) => Err(wrong(TEXT_SECOND)),
        (ValueKind::String, ValueKind::Bool) | (ValueKind::Bool, ValueKind::String) => {
            Err(wrong(BOOLEAN))
        }
        _ => Ok(()),
    }
}

/// `5 in ["5"]` is false in silence.
fn alike_inside(value: &Value, list: &Value) -> Result<(), Error> {
    if !matches!(list.kind(), ValueKind::Seq | ValueKind::Iterable) {
        return Ok(());
    }
    let inside = |kind| {
        list.try_iter()
            .is_ok_and(|mut items| items.any(|item| item.kind() == kind))
    };
    match value.kind() {
        ValueKind::Number if inside(ValueKind::String) => Err(wrong(TEXT_INSIDE)),
        ValueKind::String if inside(ValueKind::Number) => Err(wrong(NUMBER_INSIDE)),
        _ => Ok(()),
    }
}

fn short(left: &Value, right: &Value) -> Result<(), Error> {
    if let (Some(one), Some(other)) = (left.as_str(), right.as_str()) {
        return check_length(one.len().saturating_add(other.len()));
    }
    alike(left, right)?;
    check_items(left.len().unwrap_or(0), right.len().unwrap_or(0))
}

/// Sides of `~`: what prints.
fn printable(left: &Value, right: &Value) -> Result<(), Error> {
    let length = |value: &Value| value.as_str().map_or(0, str::len);
    for side in [left, right] {
        if !matches!(
            side.kind(),
            ValueKind::String | ValueKind::Number | ValueKind::Undefined
        ) {
            return Err(wrong("only text and numbers are joined by `~`"));
        }
    }
    check_length(length(left).saturating_add(length(right)))
}

fn times(left: &Value, right: &Value) -> Result<(), Error> {
    alike(left, right)?;
    let long = |value: &Value| value.len().filter(|_| value.kind() != ValueKind::String);
    let often = |value: &Value| value.as_usize().unwrap_or(0);
    let items = long(left).map_or(0, |length| length.saturating_mul(often(right)));
    let other = long(right).map_or(0, |length| length.saturating_mul(often(left)));
    check_items(items, other)
}

pub(super) fn check_length(length: usize) -> Result<(), Error> {
    if length > LENGTH_MAX {
        return Err(wrong("the text that is built here is too long"));
    }
    Ok(())
}

fn check_items(one: usize, other: usize) -> Result<(), Error> {
    if one.saturating_add(other) > ITEMS_MAX {
        return Err(wrong("the list that is built here is too long"));
    }
    Ok(())
}

fn wrong(detail: &'static str) -> Error {
    Error::new(ErrorKind::InvalidOperation, detail)
}
