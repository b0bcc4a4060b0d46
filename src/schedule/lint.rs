//! What is wrong with a cron expression, before the parser sees it.
//!
//! The parser takes things that nobody can mean (`, * * * *`, `*/60`, a weekday where the month stands) and says of
//! others only that they are wrong. What passes here has the meaning that crontab(5) of Debian gives it.

use std::collections::BTreeSet;
use std::ops::Range;

/// What is wrong, where in the expression, and what to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub message: String,
    pub range: Range<usize>,
    pub help: String,
}

/// One of the five fields.
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) least: u32,
    pub(super) most: u32,
    names: &'static [&'static str],
    /// `L`, `W` and `#` are for days.
    letters: &'static str,
}

pub(super) const FIELDS: [Field; 5] = [
    Field {
        name: "minute",
        least: 0,
        most: 59,
        names: &[],
        letters: "",
    },
    Field {
        name: "hour",
        least: 0,
        most: 23,
        names: &[],
        letters: "",
    },
    Field {
        name: "day of the month",
        least: 1,
        most: 31,
        names: &[],
        letters: "LW",
    },
    Field {
        name: "month",
        least: 1,
        most: 12,
        names: &MONTHS,
        letters: "",
    },
    Field {
        name: "day of the week",
        least: 0,
        most: 7,
        names: &WEEKDAYS,
        letters: "L#",
    },
];
pub(super) const MONTHS: [&str; 12] = [
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];
pub(super) const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
pub(super) const MACROS: [(&str, &str); 7] = [
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
];
/// Longer expressions mean nothing that a shorter one does not.
const LENGTH_MAX: usize = 1_000;

/// The five fields of an expression in upper case, macros written out.
pub(super) fn fields(text: &str) -> Result<[String; 5], Fault> {
    let whole = 0..text.len();
    if text.len() > LENGTH_MAX {
        return Err(fault(
            "the expression is too long",
            whole,
            "write five short fields",
        ));
    }
    let trimmed = text.trim();
    let written = match trimmed.strip_prefix('@') {
        Some(_) => expand(trimmed).ok_or_else(|| {
            let known: Vec<&str> = MACROS.iter().map(|(name, _)| *name).collect();
            fault(
                &format!("`{trimmed}` is not supported"),
                whole.clone(),
                &format!("known are {}", known.join(", ")),
            )
        })?,
        None => text,
    };
    let words = words(written);
    if words.len() != FIELDS.len() {
        let count = words.len();
        let help = match count {
            6 | 7 => "seconds and years are not supported: leave them out",
            _ => "write minute, hour, day of the month, month, day of the week: `0 9 * * MON-FRI`",
        };
        return Err(fault(
            &format!("an expression has five fields, and this has {count}"),
            whole,
            help,
        ));
    }
    for (field, (at, word)) in FIELDS.iter().zip(&words) {
        field.check(word, *at).map_err(|fault| {
            if written == text {
                fault
            } else {
                Fault {
                    range: whole.clone(),
                    ..fault
                }
            }
        })?;
    }
    let mut fields = words.into_iter().map(|(_, word)| word.to_uppercase());
    Ok(std::array::from_fn(|_| fields.next().unwrap_or_default()))
}

fn expand(text: &str) -> Option<&'static str> {
    let wanted = text.to_lowercase();
    MACROS
        .iter()
        .find(|(name, _)| *name == wanted)
        .map(|(_, expression)| *expression)
}

/// The words of a text with the byte at which each begins.
pub(super) fn words(text: &str) -> Vec<(usize, &str)> {
    text.split_ascii_whitespace()
        .map(|word| (word.as_ptr() as usize - text.as_ptr() as usize, word))
        .collect()
}

impl Field {
    fn check(&self, word: &str, at: usize) -> Result<(), Fault> {
        let mut start = at;
        for entry in word.split(',') {
            let range = start..start + entry.len().max(1);
            self.entry(entry).map_err(|(message, help)| Fault {
                message,
                range,
                help,
            })?;
            start += entry.len() + 1;
        }
        Ok(())
    }

    /// `*`, `5`, `1-5`, each perhaps with a step, or what is special to days.
    fn entry(&self, entry: &str) -> Result<(), (String, String)> {
        let upper = entry.to_uppercase();
        if upper.is_empty() {
            return Err((
                format!("a value for the {} is missing in the list", self.name),
                "leave the comma out".to_owned(),
            ));
        }
        if self.is_special(&upper) {
            return Ok(());
        }
        let (base, step) = upper
            .split_once('/')
            .map_or((upper.as_str(), None), |(base, step)| (base, Some(step)));
        let (first, last) = self.base(base, &upper)?;
        let Some(step) = step else { return Ok(()) };
        // `5/15` means from 5 on.
        let is_range = base.contains(['-', '*', '?']);
        let span = if is_range { last } else { self.most } - first;
        match step.parse::<u32>() {
            Ok(0) => Err((
                "a step of 0 never comes".to_owned(),
                "write a step of 1 or more".to_owned(),
            )),
            Ok(step) if step > span => Err((
                format!("a step of {step} leaves only {first}"),
                format!("write `{first}`, or a smaller step"),
            )),
            Ok(_) => Ok(()),
            Err(_) => Err((
                format!("`{step}` is no step"),
                "write a number after `/`".to_owned(),
            )),
        }
    }

    /// The first and the last value that the part before a step means.
    fn base(&self, base: &str, entry: &str) -> Result<(u32, u32), (String, String)> {
        if base == "*" || (base == "?" && !self.letters.is_empty()) {
            return Ok((self.least, self.most));
        }
        let Some((first, last)) = base.split_once('-') else {
            let value = self.value(base, entry)?;
            return Ok((value, value));
        };
        let (first, last) = (self.value(first, entry)?, self.value(last, entry)?);
        if first > last {
            let help = format!(
                "write `{first}-{},{}-{last}`",
                self.most.min(if self.most == 7 { 6 } else { self.most }),
                self.least
            );
            return Err((format!("the range `{base}` goes backwards"), help));
        }
        Ok((first, last))
    }

    /// The values that a field without a complaint names; none where `L`, `W` or `#` leave that to the month.
    pub(super) fn values(&self, word: &str) -> Option<BTreeSet<u32>> {
        let mut values = BTreeSet::new();
        for entry in word.to_uppercase().split(',') {
            if self.is_special(entry) {
                return None;
            }
            let (base, step) = entry.split_once('/').unwrap_or((entry, "1"));
            let (first, last) = self.base(base, entry).ok()?;
            let is_range = base.contains(['-', '*', '?']) || !entry.contains('/');
            let last = if is_range { last } else { self.most };
            values.extend((first..=last).step_by(step.parse().ok()?));
        }
        Some(values)
    }

    fn value(&self, text: &str, entry: &str) -> Result<u32, (String, String)> {
        if let Some(at) = self.names.iter().position(|name| *name == text) {
            return Ok(self.least + u32::try_from(at).unwrap_or(0));
        }
        let is_number =
            !text.is_empty() && text.len() <= 4 && text.bytes().all(|byte| byte.is_ascii_digit());
        let value = text.parse::<u32>().ok().filter(|_| is_number);
        match value {
            Some(value) if (self.least..=self.most).contains(&value) => Ok(value),
            _ => {
                let numbers = format!("write a number from {} to {}", self.least, self.most);
                let help = match (self.names.first(), self.names.last()) {
                    (Some(first), Some(last)) => {
                        format!("{numbers}, or a name from {first} to {last}")
                    }
                    _ => numbers,
                };
                Err((format!("`{entry}` is no {}", self.name), help))
            }
        }
    }

    /// `L`, `LW`, `15W` in the day of the month; `5L`, `FRI#2` in the day of the week.
    fn is_special(&self, entry: &str) -> bool {
        match self.letters {
            "LW" => {
                entry == "L"
                    || entry == "LW"
                    || entry == "WL"
                    || self.is_value(entry.strip_suffix('W'))
            }
            "L#" => {
                let (day, nth) = entry
                    .split_once('#')
                    .map_or((None, ""), |(day, nth)| (Some(day), nth));
                self.is_value(entry.strip_suffix('L'))
                    || (self.is_value(day) && matches!(nth, "1" | "2" | "3" | "4" | "5" | "L"))
            }
            _ => false,
        }
    }

    fn is_value(&self, text: Option<&str>) -> bool {
        text.is_some_and(|text| self.value(text, text).is_ok())
    }
}

fn fault(message: &str, range: Range<usize>, help: &str) -> Fault {
    Fault {
        message: message.to_owned(),
        range,
        help: help.to_owned(),
    }
}
