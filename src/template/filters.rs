//! Filters and functions of ours, and bounded forms of those that could make long texts in a few steps.

use super::operators::{LENGTH_MAX, check_length};
use crate::identity::Digest;
use chrono::format::{Item, StrftimeItems};
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};
use minijinja::value::{Kwargs, ValueKind};
use minijinja::{Environment, Error, ErrorKind, State, Value};
use std::io;

/// Would print the whole context, which is customer data; or make gigabytes in a few steps, while fuel counts steps.
const FUNCTIONS_REMOVED: [&str; 2] = ["debug", "namespace"];
const FILTERS_REMOVED: [&str; 5] = ["format", "indent", "pprint", "batch", "slice"];

pub(super) fn add_filters(environment: &mut Environment<'_>) {
    for name in FUNCTIONS_REMOVED {
        environment.remove_global(name);
    }
    for name in FILTERS_REMOVED {
        environment.remove_filter(name);
    }
    environment.add_filter("date", date);
    environment.add_filter("number", number);
    environment.add_filter("tojson", tojson);
    environment.add_filter("join", join);
    environment.add_filter("replace", replace);
    environment.add_filter("string", string);
    environment.add_function("bucket", bucket);
}

/// `{{ occurrence.at | date("%d.%m.%Y") }}`: a date or an instant, in the form of strftime.
fn date(text: &str, format: Option<&str>) -> Result<String, Error> {
    let items: Vec<Item<'_>> = StrftimeItems::new(format.unwrap_or("%Y-%m-%d")).collect();
    if items.contains(&Item::Error) {
        return Err(wrong(
            "the format of `date` is not one of strftime, such as \"%d.%m.%Y\"",
        ));
    }
    let printed = if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        Some(instant.format_with_items(items.iter()).to_string())
    } else {
        let local = [" ", "T"]
            .iter()
            .find_map(|between| local_time(text, between))
            .or_else(|| Some(text.parse::<NaiveDate>().ok()?.and_time(NaiveTime::MIN)));
        local.and_then(|local| printed_local(local, &items))
    };
    printed.ok_or_else(|| {
        wrong("`date` takes a date such as 2026-11-11, alone or with a time, and a format it can fill")
    })
}

fn local_time(text: &str, between: &str) -> Option<NaiveDateTime> {
    ["%H:%M:%S", "%H:%M"].iter().find_map(|time| {
        NaiveDateTime::parse_from_str(text, &format!("%Y-%m-%d{between}{time}")).ok()
    })
}

/// A local time has no offset, so a format that wants one cannot be filled.
fn printed_local(local: NaiveDateTime, items: &[Item<'_>]) -> Option<String> {
    use std::fmt::Write;
    let mut printed = String::new();
    write!(printed, "{}", local.format_with_items(items.iter())).ok()?;
    Some(printed)
}

/// `{{ 1234567.5 | number(2) }}` is `1,234,567.50`; `group` and `point` choose other signs.
#[expect(
    clippy::needless_pass_by_value,
    reason = "what a filter takes is the engine's choice"
)]
fn number(value: &Value, decimals: Option<u8>, options: Kwargs) -> Result<String, Error> {
    const DECIMALS_MAX: u8 = 20;
    let group: Option<&str> = options.get("group")?;
    let point: Option<&str> = options.get("point")?;
    options.assert_all_used()?;
    let no_number = || wrong("`number` takes a number, or text that is one");
    let written = match value.kind() {
        ValueKind::Number => value.to_string(),
        ValueKind::String => value.as_str().unwrap_or_default().trim().to_owned(),
        _ => return Err(no_number()),
    };
    let digits = written.strip_prefix('-').unwrap_or(&written);
    let (whole, rest) = digits.split_once('.').unwrap_or((digits, ""));
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !are_digits(whole) || !are_digits(rest) {
        return Err(no_number());
    }
    let fixed = match decimals {
        Some(decimals) if decimals > DECIMALS_MAX => {
            return Err(wrong("`number` takes up to 20 decimals"));
        }
        Some(decimals) => rounded(whole, rest, usize::from(decimals)),
        None => digits.to_owned(),
    };
    let (whole, rest) = fixed.split_once('.').unwrap_or((&fixed, ""));
    let group = group.unwrap_or(",");
    check_length(whole.len().saturating_mul(group.len() + 1))?;
    let mut printed = grouped(whole, group);
    if !rest.is_empty() {
        printed.push_str(point.unwrap_or("."));
        printed.push_str(rest);
    }
    let is_zero = fixed.bytes().all(|byte| matches!(byte, b'0' | b'.'));
    Ok(if written.starts_with('-') && !is_zero {
        format!("-{printed}")
    } else {
        printed
    })
}

/// Half away from zero, in decimal: 2.675 is 2.68, which it is not in binary.
fn rounded(whole: &str, rest: &str, decimals: usize) -> String {
    let mut kept: Vec<u8> = whole.bytes().collect();
    kept.extend(rest.bytes().chain(std::iter::repeat(b'0')).take(decimals));
    if rest
        .as_bytes()
        .get(decimals)
        .is_some_and(|next| *next >= b'5')
    {
        let mut at = kept.len();
        loop {
            if at == 0 {
                kept.insert(0, b'1');
                break;
            }
            at -= 1;
            if kept[at] < b'9' {
                kept[at] += 1;
                break;
            }
            kept[at] = b'0';
        }
    }
    let text: String = kept.into_iter().map(char::from).collect();
    let (whole, rest) = text.split_at(text.len() - decimals);
    if rest.is_empty() {
        whole.to_owned()
    } else {
        format!("{whole}.{rest}")
    }
}

fn grouped(digits: &str, sign: &str) -> String {
    let mut printed = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            printed.push_str(sign);
        }
        printed.push(digit);
    }
    printed
}

/// Compact JSON, for data inside `data` or `ext`.
fn tojson(value: &Value) -> Result<String, Error> {
    check_defined(value)?;
    let mut bytes = Short(Vec::new());
    serde_json::to_writer(&mut bytes, value)
        .map_err(|_| wrong("`tojson` cannot write this value, or it is too long"))?;
    String::from_utf8(bytes.0).map_err(|_| wrong("`tojson` cannot write this value"))
}

/// What is missing would be sent as `null`. How much is inside the value is counted before it comes here.
fn check_defined(value: &Value) -> Result<(), Error> {
    if value.is_undefined() {
        return Err(Error::from(ErrorKind::UndefinedError));
    }
    let is_list = matches!(value.kind(), ValueKind::Seq | ValueKind::Map);
    for item in value.try_iter().into_iter().flatten().filter(|_| is_list) {
        if value.kind() == ValueKind::Map {
            check_defined(&value.get_item(&item)?)?;
        }
        check_defined(&item)?;
    }
    Ok(())
}

struct Short(Vec<u8>);

impl io::Write for Short {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > LENGTH_MAX {
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn join(list: &Value, sign: Option<&str>) -> Result<String, Error> {
    let mut joined = String::new();
    for (at, item) in list.try_iter()?.enumerate() {
        if at > 0 {
            joined.push_str(sign.unwrap_or_default());
        }
        joined.push_str(&string(&item)?);
        check_length(joined.len())?;
    }
    Ok(joined)
}

fn replace(text: &str, from: &str, to: &str) -> Result<String, Error> {
    if from.is_empty() {
        return Err(wrong("`replace` needs something to look for"));
    }
    let found = text.matches(from).count();
    check_length(text.len().saturating_add(found.saturating_mul(to.len())))?;
    Ok(text.replace(from, to))
}

fn string(value: &Value) -> Result<String, Error> {
    match value.kind() {
        ValueKind::String | ValueKind::Number => Ok(value.to_string()),
        _ => Err(wrong("only text and numbers become text")),
    }
}

/// The part of the audience, from 0 to n-1, in which a group falls, today and always.
fn bucket(state: &State<'_, '_>, count: u32) -> Result<u32, Error> {
    let text = |root: &str, name: &str| {
        let value = state.lookup(root)?.get_attr(name).ok()?;
        value.as_str().map(str::to_owned)
    };
    let campaign = text("campaign", "name").unwrap_or_default();
    let Some(group) = text("group", "id") else {
        return Err(wrong("`bucket` divides groups, and there is no group here"));
    };
    if count == 0 {
        return Err(wrong("`bucket` takes a number of parts, such as 2"));
    }
    let digest = Digest::of("bucket", [campaign.as_bytes(), group.as_bytes()]);
    Ok(digest.first_32_bits() % count)
}

fn wrong(detail: &'static str) -> Error {
    Error::new(ErrorKind::InvalidOperation, detail)
}
