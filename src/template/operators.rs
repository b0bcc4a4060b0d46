//! What is looked at before an operator works: text never meets a number in silence, and no text grows beyond what a
//! message may hold.

use super::work::{ITEMS_MAX, spend};
use minijinja::filters;
use minijinja::machinery::Instruction;
use minijinja::value::{Kwargs, ValueKind};
use minijinja::{Environment, Error, ErrorKind, State, Value};
use std::error::Error as _;
use thiserror::Error as ThisError;

/// A text that a template builds is no longer.
pub(super) const LENGTH_MAX: usize = 64 << 10;

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

/// An error that the engine does not make, and that is explained to the author of the template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ThisError)]
pub(super) enum Misuse {
    #[error("text meets a number here, which is never what is meant")]
    TextThenNumber,
    #[error("a number meets text here, which is never what is meant")]
    NumberThenText,
    #[error("a number is looked for among texts, where it never is")]
    NumberAmongTexts,
    #[error("text is looked for among numbers, where it never is")]
    TextAmongNumbers,
    #[error("text meets true or false here, which is never what is meant")]
    TextAndBoolean,
    #[error("the rendered text is too long")]
    TooLong,
}

impl Misuse {
    /// Returns the misuse that an error of the engine came from.
    pub(super) fn of(error: &Error) -> Option<Misuse> {
        error.source()?.downcast_ref().copied()
    }
}

impl From<Misuse> for Error {
    fn from(misuse: Misuse) -> Error {
        Error::new(ErrorKind::InvalidOperation, misuse.to_string()).with_source(misuse)
    }
}

const NUMBER_IN_TEXT: &str = "a number is looked for in text, where `5` is found in \"15\" as well";
const NOT_A_NUMBER: &str = "only a number can be asked this; text becomes one with `| int`";
const MIXED: &str = "text and numbers have no order; text becomes a number with `| int`";

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
    let checks: [(&'static str, Check); 5] = [
        (ALIKE, alike),
        (ALIKE_INSIDE, alike_inside),
        (SHORT, short),
        (TIMES, times),
        (PRINTABLE, printable),
    ];
    for (name, check) in checks {
        environment.add_filter(name, move |state: &mut State<'_, '_>, pair: Value| {
            look(state, pair, check)
        });
    }
    // The operators in words: they would compare unchecked.
    for name in WORDS {
        environment.remove_test(name);
    }
    environment.add_test("odd", |value: &Value| {
        whole(value, |number| number % 2 != 0)
    });
    environment.add_test("even", |value: &Value| {
        whole(value, |number| number % 2 == 0)
    });
    environment.add_test("divisibleby", divides);
    environment.add_filter(
        "min",
        |state: &State<'_, '_>, list: Value, options: Kwargs| {
            filters::min(state, comparable(&list)?, options)
        },
    );
    environment.add_filter(
        "max",
        |state: &State<'_, '_>, list: Value, options: Kwargs| {
            filters::max(state, comparable(&list)?, options)
        },
    );
    environment.add_filter(
        "sort",
        |state: &State<'_, '_>, list: Value, options: Kwargs| {
            filters::sort(state, comparable(&list)?, options)
        },
    );
}

/// Text that is asked what numbers are asked is neither odd nor even in silence.
fn whole(value: &Value, holds: fn(i128) -> bool) -> Result<bool, Error> {
    if value.kind() != ValueKind::Number {
        return Err(wrong(NOT_A_NUMBER));
    }
    Ok(i128::try_from(value.clone()).is_ok_and(holds))
}

fn divides(value: &Value, by: &Value) -> Result<bool, Error> {
    if value.kind() != ValueKind::Number || by.kind() != ValueKind::Number {
        return Err(wrong(NOT_A_NUMBER));
    }
    let number = |value: &Value| i128::try_from(value.clone()).ok();
    let rest = number(value).zip(number(by));
    let rest = rest.map(|(value, by)| value.checked_rem(by));
    rest.unwrap_or_default()
        .map(|rest| rest == 0)
        .ok_or_else(|| wrong("`divisibleby` takes whole numbers, and none of them is divided by 0"))
}

/// A list whose items are put in order: every text is larger than every number in silence.
fn comparable(list: &Value) -> Result<Value, Error> {
    let items: Vec<Value> = list.try_iter()?.collect();
    for pair in items.windows(2) {
        if alike(&pair[0], &pair[1]).is_err() {
            return Err(wrong(MIXED));
        }
    }
    Ok(Value::from(items))
}

/// What is asked of the two sides of an operator.
type Check = fn(&Value, &Value) -> Result<(), Error>;

/// Gives the pair back for the operator, or an error in its place.
fn look(state: &mut State<'_, '_>, pair: Value, check: Check) -> Result<Value, Error> {
    spend(state, &pair)?;
    let item = |at: usize| pair.get_item(&Value::from(at)).unwrap_or_default();
    check(&item(0), &item(1))?;
    Ok(pair)
}

fn alike(left: &Value, right: &Value) -> Result<(), Error> {
    match (left.kind(), right.kind()) {
        (ValueKind::String, ValueKind::Number) => Err(Misuse::TextThenNumber.into()),
        (ValueKind::Number, ValueKind::String) => Err(Misuse::NumberThenText.into()),
        (ValueKind::String, ValueKind::Bool) | (ValueKind::Bool, ValueKind::String) => {
            Err(Misuse::TextAndBoolean.into())
        }
        _ => Ok(()),
    }
}

/// `5 in ["5"]` is false in silence.
fn alike_inside(value: &Value, list: &Value) -> Result<(), Error> {
    if (value.kind(), list.kind()) == (ValueKind::Number, ValueKind::String) {
        return Err(wrong(NUMBER_IN_TEXT));
    }
    if !matches!(
        list.kind(),
        ValueKind::Seq | ValueKind::Iterable | ValueKind::Map
    ) {
        return Ok(());
    }
    let inside = |kind| {
        list.try_iter()
            .is_ok_and(|mut items| items.any(|item| item.kind() == kind))
    };
    match value.kind() {
        ValueKind::Number if inside(ValueKind::String) => Err(Misuse::NumberAmongTexts.into()),
        ValueKind::String if inside(ValueKind::Number) => Err(Misuse::TextAmongNumbers.into()),
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

pub(super) fn check_items(one: usize, other: usize) -> Result<(), Error> {
    if one.saturating_add(other) > ITEMS_MAX {
        return Err(wrong("the list that is built here is too long"));
    }
    Ok(())
}

fn wrong(detail: &'static str) -> Error {
    Error::new(ErrorKind::InvalidOperation, detail)
}
