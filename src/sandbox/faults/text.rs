//! How faults are written, on the command line and at run time.

use super::shares::{MILLION, Share};
use super::{Between, Fault, Faults, Outage};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;
use thiserror::Error;

/// Stands for no fault at all.
const NONE: &str = "none";
const DELAY: &str = "delay";
const STALL_PATH: &str = "stall_path";
const REFUSE: &str = "refuse";
const CODE: &str = "code_";

/// A code has at most six digits.
const CODE_MAX: u32 = 999_999;

/// A span of time is no longer, so that a slip of the unit is told at once.
const SPAN_MAX: Duration = Duration::from_hours(24);

/// How many letters may differ in a name that is still taken for another.
const SLIPS_MAX: usize = 3;

/// A fault list that cannot be read.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum FaultsError {
    #[error("`{0}` has no share: write `{0}=5%`")]
    NoShare(String),
    #[error("`{0}` has no time: write `{0}={1}`")]
    NoTime(String, &'static str),
    #[error("unknown fault `{name}`, did you mean `{nearest}`?")]
    Misspelt { name: String, nearest: String },
    #[error("unknown fault `{name}` (known: {known})")]
    Unknown { name: String, known: String },
    #[error("`{0}` names no code: write `code_10016=2%` with a code of 1 to 999999")]
    NoCode(String),
    #[error("`{0}` is given twice")]
    Twice(String),
    #[error("`{0}` is not a share: write `5%` or `0.05`, no finer than one in a million")]
    BadShare(String),
    #[error("`{given}` is not a time for `{name}`: write `{name}={example}`")]
    BadTime {
        name: &'static str,
        given: String,
        example: &'static str,
    },
    #[error("the shares add up to more than 100%")]
    OverWhole,
}

impl FromStr for Faults {
    type Err = FaultsError;

    fn from_str(text: &str) -> Result<Faults, FaultsError> {
        let mut faults = Faults::default();
        if text.trim() == NONE {
            return Ok(faults);
        }
        let items = text.split(',').map(str::trim);
        for item in items.filter(|item| !item.is_empty()) {
            let (name, value) = match item.split_once('=') {
                Some((name, value)) => (name.trim(), Some(value.trim())),
                None => (item, None),
            };
            faults.add(name, value)?;
        }
        let whole = faults.shares.values().map(|share| share.per_million());
        if whole.sum::<u64>() > u64::from(MILLION) {
            return Err(FaultsError::OverWhole);
        }
        Ok(faults)
    }
}

impl Faults {
    fn add(&mut self, name: &str, value: Option<&str>) -> Result<(), FaultsError> {
        let twice = || FaultsError::Twice(name.to_owned());
        let is_new = match name {
            DELAY => self
                .delay
                .replace(read(DELAY, value, "0ms-20ms", between)?)
                .is_none(),
            STALL_PATH => self
                .stall_path
                .replace(read(STALL_PATH, value, "1s/60s", outage)?)
                .is_none(),
            REFUSE => self
                .refuse
                .replace(read(REFUSE, value, "5s/30s", outage)?)
                .is_none(),
            _ => {
                let fault = fault_of(name)?;
                let value = value.ok_or_else(|| FaultsError::NoShare(name.to_owned()))?;
                let share =
                    Share::parse(value).ok_or_else(|| FaultsError::BadShare(value.to_owned()))?;
                self.shares.insert(fault, share).is_none()
            }
        };
        if is_new { Ok(()) } else { Err(twice()) }
    }
}

fn read<T>(
    name: &'static str,
    value: Option<&str>,
    example: &'static str,
    parse: fn(&str) -> Option<T>,
) -> Result<T, FaultsError> {
    let value = value.ok_or_else(|| FaultsError::NoTime(name.to_owned(), example))?;
    parse(value).ok_or_else(|| FaultsError::BadTime {
        name,
        given: value.to_owned(),
        example,
    })
}

/// `0ms-20ms`, or one time for both.
fn between(text: &str) -> Option<Between> {
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    let (from, to) = (span(from)?, span(to)?);
    (from <= to).then_some(Between { from, to })
}

/// `5s/30s`: for so long, every so often; `5s`: once.
fn outage(text: &str) -> Option<Outage> {
    let (length, every) = match text.split_once('/') {
        Some((length, every)) => (span(length)?, Some(span(every)?)),
        None => (span(text)?, None),
    };
    let fits = length > Duration::ZERO && every.is_none_or(|every| length < every);
    fits.then_some(Outage { length, every })
}

fn span(text: &str) -> Option<Duration> {
    let span = humantime::parse_duration(text.trim()).ok()?;
    (span <= SPAN_MAX).then_some(span)
}

fn fault_of(name: &str) -> Result<Fault, FaultsError> {
    if let Some(code) = name.strip_prefix(CODE) {
        let code = code
            .parse()
            .ok()
            .filter(|code| (1..=CODE_MAX).contains(code));
        return code
            .map(Fault::Code)
            .ok_or_else(|| FaultsError::NoCode(name.to_owned()));
    }
    let named = Fault::NAMED
        .into_iter()
        .find(|fault| fault.to_string() == name);
    named.ok_or_else(|| unknown(name))
}

fn unknown(name: &str) -> FaultsError {
    let mut known: Vec<String> = Fault::NAMED.iter().map(ToString::to_string).collect();
    known.extend([DELAY, STALL_PATH, REFUSE].map(str::to_owned));
    // What was typed may be long, and then it is no slip.
    let length_max = known.iter().map(String::len).max().unwrap_or(0) + SLIPS_MAX;
    let distances = known
        .iter()
        .filter(|_| name.len() <= length_max)
        .map(|each| (edit_distance(name, each), each));
    let nearest = distances.min_by_key(|(distance, _)| *distance);
    let name = name.to_owned();
    match nearest {
        Some((distance, nearest)) if distance <= SLIPS_MAX && distance < name.len() => {
            FaultsError::Misspelt {
                name,
                nearest: nearest.clone(),
            }
        }
        _ => FaultsError::Unknown {
            name,
            known: known.join(", ") + ", code_N",
        },
    }
}

/// How many letters must be added, removed or replaced to get from one word to the other.
fn edit_distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (index, left) in from.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, right) in to.bytes().enumerate() {
            let replaced = diagonal + usize::from(left != right);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}

/// As it can be read back.
impl fmt::Display for Faults {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shares = self.shares.iter();
        let mut items: Vec<String> = shares
            .map(|(fault, share)| format!("{fault}={share}"))
            .collect();
        items.extend(self.delay.map(|delay| format!("{DELAY}={delay}")));
        items.extend(self.stall_path.map(|span| format!("{STALL_PATH}={span}")));
        items.extend(self.refuse.map(|span| format!("{REFUSE}={span}")));
        if items.is_empty() {
            return formatter.write_str(NONE);
        }
        formatter.write_str(&items.join(","))
    }
}

impl fmt::Display for Between {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [from, to] = [self.from, self.to].map(humantime::format_duration);
        write!(formatter, "{from}-{to}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn parse(text: &str) -> Result<Faults, FaultsError> {
        text.parse()
    }

    fn said(text: &str) -> String {
        parse(text).unwrap_err().to_string()
    }

    #[test]
    fn shares_and_times_stand_in_one_list() {
        let faults =
            parse("lost_reply=5%, code_10016 = 0.02,delay=0ms-20ms,stall_path=1s/60s,refuse = 5s")
                .unwrap();
        let share = |text| Share::parse(text).unwrap();
        let shares = [
            (Fault::LostReply, share("5%")),
            (Fault::Code(10_016), share("2%")),
        ];
        let expected = Faults {
            shares: BTreeMap::from(shares),
            delay: Some(Between {
                from: Duration::ZERO,
                to: Duration::from_millis(20),
            }),
            stall_path: Some(Outage {
                length: Duration::from_secs(1),
                every: Some(Duration::from_mins(1)),
            }),
            refuse: Some(Outage {
                length: Duration::from_secs(5),
                every: None,
            }),
        };
        assert_eq!(faults, expected);
        assert_eq!(parse(""), Ok(Faults::default()));
        assert_eq!(parse(" none\n"), Ok(Faults::default()));
    }

    #[test]
    fn every_fault_is_shown_as_it_is_written() {
        let all = Fault::NAMED.map(|fault| format!("{fault}=1.5%")).join(",");
        let all = format!("{all},code_10016=2%,delay=0s-20ms,stall_path=1s/1m,refuse=5s");
        assert_eq!(parse(&all).unwrap().to_string(), all);
        assert_eq!(Faults::default().to_string(), "none");
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        assert_eq!(said("stall"), "`stall` has no share: write `stall=5%`");
        assert_eq!(said("drop=1%,drop=2%"), "`drop` is given twice");
        assert_eq!(said("delay=1s,delay=1s"), "`delay` is given twice");
        assert_eq!(parse("drop=60%,stall=50%"), Err(FaultsError::OverWhole));
        assert!(said("drop=5").starts_with("`5` is not a share"));
        assert!(said("code_=1%").starts_with("`code_` names no code"));
        assert!(said("code_0=1%").starts_with("`code_0` names no code"));
        let refused = |name, example, values: &[&str]| {
            for value in values {
                let expected =
                    format!("`{value}` is not a time for `{name}`: write `{name}={example}`");
                assert_eq!(said(&format!("{name}={value}")), expected);
            }
        };
        refused("delay", "0ms-20ms", &["20", "20ms-10ms", "", "25h"]);
        refused("refuse", "5s/30s", &["30s/5s", "5s/5s", "0s", "5s/", "x"]);
        assert!(said("refuse").starts_with("`refuse` has no time: write `refuse=5s/30s`"));
    }

    #[test]
    fn an_unknown_name_gets_a_suggestion_or_the_list() {
        assert_eq!(
            said("lost_replies=1%"),
            "unknown fault `lost_replies`, did you mean `lost_reply`?"
        );
        assert_eq!(
            said("stal_path=1s"),
            "unknown fault `stal_path`, did you mean `stall_path`?"
        );
        let expected = "unknown fault `earthquake` (known: lost_reply, lost_before, stall, slow, http_500, html, \
                        html_502, huge, throttle, group_throttle, drop, internal, internal_before, timeout, \
                        timeout_before, expired, delay, stall_path, refuse, code_N)";
        assert_eq!(said("earthquake=1%"), expected);
    }
}
