//! How much one rendering looks at. Fuel counts the steps of a template; a step that sorts a list takes as long as the list
//! is, so what goes into a step is counted as well, all that is inside it included.

use super::operators::check_items;
use minijinja::machinery::Instruction;
use minijinja::value::{Kwargs, ValueKind};
use minijinja::{Environment, Error, ErrorKind, State, Value};

/// Values that one rendering may look at, those inside each other included.
const VALUES_MAX: usize = 250_000;
/// So much text counts as one value.
const BYTES_PER_VALUE: usize = 64;
/// Values inside each other. Each level is a call when they are compared, written or let go of.
const DEPTH_MAX: usize = 128;
/// A list that a template builds is no longer.
pub(super) const ITEMS_MAX: usize = 10_000;

/// Names of filters that nobody can type.
const COUNTED: &str = "(counted)";
const COUNTED_ITEM: &str = "(counted-item)";
const MADE: &str = "(made)";
/// Minijinja's caches have no place for our filters.
pub(super) const NOT_CACHED: u8 = !0;

/// What a rendering has left.
struct Left(usize);

pub(super) fn add_work(environment: &mut Environment<'_>) {
    environment.add_filter(COUNTED, |state: &mut State<'_, '_>, value: Value| {
        spend(state, &value)?;
        Ok::<Value, Error>(value)
    });
    environment.add_filter(COUNTED_ITEM, |state: &mut State<'_, '_>, pair: Value| {
        // An item of a list is found at once; of what is made while one goes through it, only by going through it.
        let whole = pair.get_item(&Value::from(0))?;
        if whole.kind() == ValueKind::Iterable {
            spend(state, &whole)?;
        }
        Ok::<Value, Error>(pair)
    });
    environment.add_filter(MADE, made);
    environment.add_function("range", range);
}

/// What stands before an instruction that looks at its values.
pub(super) fn before<'a>(instruction: &Instruction<'a>) -> Vec<Instruction<'a>> {
    match instruction {
        Instruction::ApplyFilter(_, count, _)
        | Instruction::PerformTest(_, count, _)
        | Instruction::CallFunction(_, count)
        | Instruction::CallMethod(_, count)
        | Instruction::CallObject(count) => match count {
            Some(0) => Vec::new(),
            Some(1) => on_top(),
            count => taken(COUNTED, count.map(usize::from)),
        },
        Instruction::Slice => taken(COUNTED, Some(4)),
        Instruction::GetItem => taken(COUNTED_ITEM, Some(2)),
        _ => Vec::new(),
    }
}

/// What stands behind an instruction that puts values inside another, or whose list may be made only while one goes
/// through it.
pub(super) fn behind<'a>(instruction: &Instruction<'a>) -> Vec<Instruction<'a>> {
    match instruction {
        Instruction::BuildList(_) | Instruction::BuildTuple(_) | Instruction::BuildMap(_) => {
            on_top()
        }
        Instruction::ApplyFilter(..)
        | Instruction::CallFunction(..)
        | Instruction::CallMethod(..)
        | Instruction::CallObject(_)
        | Instruction::Slice
        | Instruction::Add
        | Instruction::Mul => vec![Instruction::ApplyFilter(MADE, Some(1), NOT_CACHED)],
        _ => Vec::new(),
    }
}

fn on_top<'a>() -> Vec<Instruction<'a>> {
    vec![
        Instruction::DupTop,
        Instruction::ApplyFilter(COUNTED, Some(1), NOT_CACHED),
        Instruction::DiscardTop,
    ]
}

/// The topmost values are taken together, looked at, and put back; their number stays on top where it was there.
fn taken<'a>(filter: &'static str, count: Option<usize>) -> Vec<Instruction<'a>> {
    let mut instructions = vec![
        Instruction::BuildList(count),
        Instruction::ApplyFilter(filter, Some(1), NOT_CACHED),
        Instruction::UnpackLists(1),
    ];
    if count.is_some() {
        instructions.push(Instruction::DiscardTop);
    }
    instructions
}

/// Takes a value and all that is inside it from what the rendering has left.
pub(super) fn spend(state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    let left = state.get_or_insert_extension(Left(VALUES_MAX));
    left.take(value, 0)
}

impl Left {
    fn take(&mut self, value: &Value, depth: usize) -> Result<(), Error> {
        let bytes = value.as_str().map_or(0, str::len);
        let cost = 1 + bytes / BYTES_PER_VALUE;
        let left = self.0.checked_sub(cost);
        self.0 = left.ok_or_else(|| Error::from(ErrorKind::OutOfFuel))?;
        if depth > DEPTH_MAX {
            return Err(wrong("lists are nested too deep here"));
        }
        let kind = value.kind();
        if !matches!(kind, ValueKind::Seq | ValueKind::Map | ValueKind::Iterable) {
            return Ok(());
        }
        for item in value.try_iter().into_iter().flatten() {
            if kind == ValueKind::Map {
                self.take(&value.get_item(&item)?, depth + 1)?;
            }
            self.take(&item, depth + 1)?;
        }
        Ok(())
    }
}

/// Makes a list at once that the engine would make whenever one goes through it. A slice of a slice of a slice is a call
/// inside a call inside a call, however short the list is.
fn made(value: Value) -> Result<Value, Error> {
    if value.kind() != ValueKind::Iterable {
        return Ok(value);
    }
    let items: Vec<Value> = value.try_iter()?.take(ITEMS_MAX + 1).collect();
    check_items(items.len(), 0)?;
    Ok(Value::from(items))
}

/// As minijinja's, of numbers that a message could hold.
#[expect(
    clippy::needless_pass_by_value,
    reason = "what a function takes is the engine's choice"
)]
fn range(lower: i64, upper: Option<i64>, step: Option<i64>, none: Kwargs) -> Result<Value, Error> {
    none.assert_all_used()?;
    let (first, end) = upper.map_or((0, lower), |upper| (lower, upper));
    let step = step.unwrap_or(1);
    if step == 0 {
        return Err(wrong("`range` cannot go on in steps of 0"));
    }
    let is_inside = |number: &i64| {
        if step > 0 {
            *number < end
        } else {
            *number > end
        }
    };
    let numbers = std::iter::successors(Some(first), |number| number.checked_add(step));
    let numbers: Vec<i64> = numbers.take_while(is_inside).take(ITEMS_MAX + 1).collect();
    if numbers.len() > ITEMS_MAX {
        return Err(wrong("`range` has more than 10,000 numbers"));
    }
    Ok(Value::from(numbers))
}

fn wrong(detail: &'static str) -> Error {
    Error::new(ErrorKind::InvalidOperation, detail)
}
