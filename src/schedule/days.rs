//! The days on which a schedule may fire.

use super::ScheduleSpec;
use crate::source::{Diagnostic, Span, Spanned, plural};
use chrono::{Datelike, NaiveDate};
use std::fmt;

/// From the first to the last day, both included, without the excepted ones. A day is that of the local time the
/// expression names, wherever a clock change puts it.
#[derive(Clone, Debug, Default)]
pub struct Days {
    pub(super) from: Option<NaiveDate>,
    pub(super) until: Option<NaiveDate>,
    /// In order; none overlaps another.
    except: Vec<Range>,
    /// As they stand in the file.
    pub(super) exceptions: Vec<Spanned<Range>>,
}

/// Days in a row, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Range {
    pub(super) first: NaiveDate,
    pub(super) last: NaiveDate,
}

/// More exceptions than this are a schedule of another kind.
const EXCEPTIONS_MAX: usize = 1_000;

impl fmt::Display for Days {
    /// Which days it allows, wherever that is written.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bounds = [self.from, self.until];
        for bound in bounds {
            let day = bound.map_or("-".to_owned(), |day| day.to_string());
            write!(formatter, "{day} ")?;
        }
        for Range { first, last } in &self.except {
            write!(formatter, "{first}/{last} ")?;
        }
        Ok(())
    }
}

impl Days {
    pub(super) fn lower(spec: &ScheduleSpec, complaints: &mut Vec<Diagnostic>) -> Option<Days> {
        let before = complaints.len();
        let mut bound =
            |written: Option<&Spanned<String>>| written.and_then(|day| day_of(day, complaints));
        let (from, until) = (bound(spec.from.as_ref()), bound(spec.until.as_ref()));
        if let (Some(first), Some(last)) = (&spec.from, &spec.until)
            && from.zip(until).is_some_and(|(from, until)| until < from)
        {
            let message = format!(
                "`until` is before `from`, so no day is left: {} is earlier",
                last.value
            );
            complaints.push(
                Diagnostic::error("backward-days", &last.span, message)
                    .also(&first.span, "the first day is here")
                    .help("change the two, or move one of them"),
            );
        }
        let written = spec.except.as_deref().unwrap_or_default();
        if let Some(beyond) = written.get(EXCEPTIONS_MAX) {
            let count = plural(written.len() as u64, "exception");
            complaints.push(
                Diagnostic::error(
                    "too-many-exceptions",
                    &beyond.span,
                    format!("there are {count}, and 1,000 are the most"),
                )
                .help("write days in a row as one range: `2026-11-20/2026-11-22`"),
            );
            return None;
        }
        let exceptions: Vec<Spanned<Range>> = written
            .iter()
            .filter_map(|range| {
                let value = range_of(range, complaints)?;
                Some(Spanned {
                    value,
                    span: range.span.clone(),
                })
            })
            .collect();
        let except = merged(exceptions.iter().map(|range| range.value).collect());
        (complaints.len() == before).then_some(Days {
            from,
            until,
            except,
            exceptions,
        })
    }

    /// Days without the places where they are written.
    pub(super) fn restored(
        from: Option<NaiveDate>,
        until: Option<NaiveDate>,
        except: Vec<Range>,
    ) -> Days {
        Days {
            from,
            until,
            except: merged(except),
            exceptions: Vec::new(),
        }
    }

    /// The days that are taken out, as pairs of the first and the last one.
    pub(super) fn ranges(&self) -> impl Iterator<Item = (NaiveDate, NaiveDate)> {
        self.except.iter().map(|range| (range.first, range.last))
    }

    pub(super) fn allow(&self, date: NaiveDate) -> bool {
        self.covers(date) && !self.is_excepted(date)
    }

    /// Whether it is from the first to the last day.
    pub(super) fn covers(&self, date: NaiveDate) -> bool {
        self.from.is_none_or(|from| from <= date) && self.until.is_none_or(|until| date <= until)
    }

    fn is_excepted(&self, date: NaiveDate) -> bool {
        let behind = self.except.partition_point(|range| range.first <= date);
        behind > 0 && date <= self.except[behind - 1].last
    }

    /// The place of the exception that takes this day out.
    pub(super) fn exception(&self, date: NaiveDate) -> Option<&Span> {
        let found = self.exceptions.iter().find(|range| range.contains(date))?;
        Some(&found.span)
    }
}

impl Range {
    pub(super) fn contains(self, date: NaiveDate) -> bool {
        self.first <= date && date <= self.last
    }
}

/// Overlapping and adjoining ranges become one, so that a day is looked up in few steps.
fn merged(mut ranges: Vec<Range>) -> Vec<Range> {
    ranges.sort_unstable();
    let mut merged: Vec<Range> = Vec::new();
    for range in ranges {
        match merged.last_mut() {
            Some(before)
                if before
                    .last
                    .succ_opt()
                    .is_none_or(|next| range.first <= next) =>
            {
                before.last = before.last.max(range.last);
            }
            _ => merged.push(range),
        }
    }
    merged
}

fn range_of(written: &Spanned<String>, complaints: &mut Vec<Diagnostic>) -> Option<Range> {
    let Some((first, last)) = written.split_once('/') else {
        let day = day_of(written, complaints)?;
        return Some(Range {
            first: day,
            last: day,
        });
    };
    let at = written.span.slice().find('/').unwrap_or(0);
    let part = |text: &str, span| Spanned {
        value: text.to_owned(),
        span,
    };
    let whole = written.span.slice().len();
    let (before, behind) = (written.span.part(0..at), written.span.part(at + 1..whole));
    let (first, last) = (
        day_of(&part(first, before), complaints),
        day_of(&part(last, behind), complaints),
    );
    let range = Range {
        first: first?,
        last: last?,
    };
    if range.last < range.first {
        let message = format!("the range `{}` goes backwards", written.value);
        let help = format!("write `{}/{}`", range.last, range.first);
        complaints.push(Diagnostic::error("backward-days", &written.span, message).help(help));
        return None;
    }
    Some(range)
}

/// `2026-11-01`, and no other way of writing it: what is read loosely is read differently by somebody else.
fn day_of(written: &Spanned<String>, complaints: &mut Vec<Diagnostic>) -> Option<NaiveDate> {
    let text = written.as_str();
    let loose = NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d")
        .ok()
        .filter(|day| (1..=9_999).contains(&day.year()));
    if let Some(day) = loose.filter(|day| day.to_string() == text) {
        return Some(day);
    }
    let help = match loose {
        Some(day) => format!("write `{day}`"),
        None => "write year, month and day: `2026-11-01`".to_owned(),
    };
    let message = format!("`{text}` is no day of the calendar");
    complaints.push(Diagnostic::error("day", &written.span, message).help(help));
    None
}
