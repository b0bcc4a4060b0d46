//! Cron expressions that mean something, and mostly something else than their author thinks.
//!
//! Each is said as a warning, with what to write instead; and where somebody may mean it all the same, with a way of
//! writing it that says so and is warned of no more.

use super::Cron;
use super::lint::{FIELDS, Field, MONTHS, WEEKDAYS, words};
use crate::source::{Diagnostic, Text, list_of, plural};
use chrono::{Datelike, NaiveDate, Timelike};
use std::collections::BTreeSet;
use std::mem;
use std::ops::Range;

/// A word of the expression with its field and the byte at which it begins.
type Word<'a> = (&'static Field, usize, &'a str);

const MINUTE: usize = 0;
const HOUR: usize = 1;
const DAY: usize = 2;
const MONTH: usize = 3;
const WEEKDAY: usize = 4;
/// February without its leap day.
const DAYS_OF_MONTHS: [u32; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
/// Two days in a row are looked for from here on, in so many days: a leap year is among them.
const SEARCHED_FROM: NaiveDate =
    NaiveDate::from_ymd_opt(2000, 1, 1).expect("a new year's day exists");
const SEARCHED_DAYS: usize = 2 * 366;

/// Those of an expression without a fault.
pub(super) fn traps(text: &Text, cron: &Cron) -> Vec<Diagnostic> {
    let words = words(text);
    let words: Vec<Word<'_>> = FIELDS
        .iter()
        .zip(words)
        .map(|(field, (at, word))| (field, at, word))
        .collect();
    // Whoever writes `@daily` has not counted fields.
    let Ok(words) = <[Word<'_>; 5]>::try_from(words) else {
        return Vec::new();
    };
    let expression = Expression { text, words, cron };
    let found = [
        expression.every_minute(),
        expression.either_day(),
        expression.short_months(),
    ];
    let steps = (MINUTE..=WEEKDAY).map(|field| expression.uneven_step(field));
    found.into_iter().chain(steps).flatten().collect()
}

struct Expression<'a> {
    text: &'a Text,
    words: [Word<'a>; 5],
    cron: &'a Cron,
}

impl Expression<'_> {
    fn word(&self, field: usize) -> &str {
        self.words[field].2
    }

    fn range(&self, field: usize) -> Range<usize> {
        let (_, at, word) = self.words[field];
        at..at + word.len()
    }

    /// The expression with other words, as it would be typed.
    fn with(&self, others: &[(usize, &str)]) -> String {
        let mut words = self.words.map(|(_, _, word)| word);
        for (field, word) in others {
            words[*field] = word;
        }
        words.join(" ")
    }

    fn is_free(&self, field: usize) -> bool {
        self.word(field).starts_with(['*', '?'])
    }

    /// `* 9 * * *` fires sixty times, and `0 9 * * *` was meant.
    fn every_minute(&self) -> Option<Diagnostic> {
        if self.word(MINUTE) != "*" {
            return None;
        }
        let times = self.cron.times();
        let message = format!(
            "`*` stands for every minute: it fires {} on such a day",
            plural(times.len() as u64, "time")
        );
        let (hour, when) = match self.word(HOUR) {
            "*" => ("9", "once a day"),
            hour => (hour, "the full hour alone"),
        };
        let once = self.with(&[(MINUTE, "0"), (HOUR, hour)]);
        let meant = self.with(&[(MINUTE, "*/1")]);
        let help = format!("write `{once}` for {when}, or `{meant}` if every minute is meant");
        let span = self.text.span_of(self.range(MINUTE));
        Some(Diagnostic::warning("every-minute", &span, message).help(help))
    }

    /// Where both day fields say something, either of them suffices.
    fn either_day(&self) -> Option<Diagnostic> {
        if self.is_free(DAY) || self.is_free(WEEKDAY) || self.is_weekday_twice() {
            return None;
        }
        let message = "this day of the week need not be that day of the month: it fires on days that fit either";
        let (days, weekdays) = (self.with(&[(WEEKDAY, "*")]), self.with(&[(DAY, "*")]));
        let nth = self.nth_weekday().map_or_else(String::new, |nth| {
            let both = self.with(&[(DAY, "*"), (WEEKDAY, &nth)]);
            format!("write `{both}` where both must fit; ")
        });
        let weekday = self.word(WEEKDAY);
        let meant = self.with(&[(WEEKDAY, &format!("{weekday},{weekday}"))]);
        let help = format!(
            "{nth}write `{days}` for the days of the month alone, `{weekdays}` for those of the week, or `{meant}` if \
             either is meant"
        );
        let diagnostic = Diagnostic::warning(
            "either-day",
            &self.text.span_of(self.range(WEEKDAY)),
            message,
        );
        let span = self.text.span_of(self.range(DAY));
        Some(
            diagnostic
                .also(&span, "the day of the month is here")
                .help(help),
        )
    }

    /// Nobody names one twice but to say that it is meant.
    fn is_weekday_twice(&self) -> bool {
        let mut seen = BTreeSet::new();
        let days = self.word(WEEKDAY).split(',');
        !days.map(str::to_uppercase).all(|day| seen.insert(day))
    }

    /// `1-7` and `MON` was meant to be the first Monday.
    fn nth_weekday(&self) -> Option<String> {
        let weekday = self.word(WEEKDAY);
        let is_one = weekday.chars().all(char::is_alphanumeric) && !weekday.ends_with(['L', 'l']);
        let nth = match self.word(DAY) {
            "1-7" => "#1",
            "8-14" => "#2",
            "15-21" => "#3",
            "22-28" => "#4",
            "25-31" => "L",
            _ => return None,
        };
        // Names of days are longer than the parser's `5L`.
        let values = FIELDS[WEEKDAY].values(weekday).filter(|_| is_one)?;
        let number = usize::try_from(*values.first()?).ok()?;
        let name = WEEKDAYS[number % WEEKDAYS.len()];
        Some(match nth {
            "L" => format!("{}L", number % WEEKDAYS.len()),
            nth => format!("{name}{nth}"),
        })
    }

    /// Days that only some of the named months have.
    fn short_months(&self) -> Option<Diagnostic> {
        if !self.is_free(WEEKDAY) {
            return None;
        }
        let first = *FIELDS[DAY].values(self.word(DAY))?.first()?;
        let months = FIELDS[MONTH].values(self.word(MONTH))?;
        let lengths = (1..).zip(DAYS_OF_MONTHS);
        let named = lengths.filter(|(month, _)| months.contains(month));
        let (long, short): (Vec<_>, Vec<_>) = named.partition(|(_, length)| first <= *length);
        if short.is_empty() || long.is_empty() {
            return None;
        }
        let lacking: Vec<&str> = short
            .iter()
            .map(|(month, _)| MONTHS[*month as usize - 1])
            .collect();
        let message = format!(
            "it does not fire in {}, which {} no such day",
            list_of(&lacking),
            if lacking.len() == 1 { "has" } else { "have" }
        );
        let long: Vec<String> = long.iter().map(|(month, _)| month.to_string()).collect();
        let last = self.with(&[(DAY, "L")]);
        let named = self.with(&[(MONTH, &long.join(","))]);
        let help = format!(
            "write `{last}` for the last day of each month, or `{named}` if the others are left out on purpose"
        );
        let span = self.text.span_of(self.range(DAY));
        Some(Diagnostic::warning("short-months", &span, message).help(help))
    }

    /// Steps begin anew with each hour, day, week, month and year.
    fn uneven_step(&self, field: usize) -> Option<Diagnostic> {
        let step = self.word(field).strip_prefix("*/")?;
        let step = step.parse().ok().filter(|step| *step > 1)?;
        let Field {
            least, most, name, ..
        } = self.words[field].0;
        // Sunday is 0 and 7.
        let most = if field == WEEKDAY { 6 } else { *most };
        let count = most - least + 1;
        let divides = |step: &u32| field != DAY && count.is_multiple_of(*step);
        if divides(&step) || !self.goes_on(field) {
            return None;
        }
        let last = least + (most - least) / step * step;
        let message = if field == DAY {
            format!("each month begins anew: `{least}` follows `{last}`, sooner than the step says")
        } else {
            let sooner = most - last + 1;
            format!(
                "the step does not divide evenly: `{least}` follows `{last}` after {sooner}, not {step}"
            )
        };
        let even = (2..=count / 2).filter(divides);
        let even: Vec<String> = even.map(|even| format!("*/{even}")).collect();
        let others = match even.as_slice() {
            [] => format!("name each {name} you mean"),
            even => format!("{} divide evenly", list_of(even)),
        };
        let meant = self.with(&[(field, &format!("{least}-{most}/{step}"))]);
        let help = format!("{others}; if it is meant so, write `{meant}`");
        let span = self.text.span_of(self.range(field));
        Some(Diagnostic::warning("uneven-step", &span, message).help(help))
    }

    /// Whether the last value of a field is followed by its first one.
    fn goes_on(&self, field: usize) -> bool {
        let days = || SEARCHED_FROM.iter_days().take(SEARCHED_DAYS);
        match field {
            MINUTE => {
                let hours: BTreeSet<u32> = self.cron.times().iter().map(Timelike::hour).collect();
                hours.iter().any(|hour| hours.contains(&(hour + 1)))
            }
            HOUR => {
                let mut before = false;
                let mut named = days().map(|day| self.cron.names_day(day));
                named.any(|is_named| mem::replace(&mut before, is_named) && is_named)
            }
            DAY => {
                let named = days().filter(|day| self.is_free(WEEKDAY) && self.cron.names_day(*day));
                let month = |day: NaiveDate| day.year() * 12 + day.month0().cast_signed();
                let months: BTreeSet<i32> = named.map(month).collect();
                months.iter().any(|month| months.contains(&(month + 1)))
            }
            WEEKDAY => self.is_free(DAY),
            _ => true,
        }
    }
}
