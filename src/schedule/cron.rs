//! A cron expression: five fields with the meaning of crontab(5).

use super::lint::{Fault, fields};
use chrono::{Datelike, NaiveDate, NaiveTime, Weekday};
use croner::parser::{CronParser, Seconds, Year};
use croner::time::Weekday as CronWeekday;

/// An expression that can be asked which local times it names.
#[derive(Clone, Debug)]
pub struct Cron {
    /// A day is named if one of them names it; they differ in the days of the month alone.
    patterns: Vec<croner::Cron>,
    times: Vec<NaiveTime>,
    is_fixed: bool,
    text: Box<str>,
}

/// No year is asked about. Left out it would be each of ten thousand, marked one by one, which is most of the work.
const ANY_YEAR: &str = "2000";

impl Cron {
    pub fn parse(text: &str) -> Result<Cron, Fault> {
        let fields = fields(text)?;
        let [minute, hour, day, month, weekday] = &fields;
        // Day fields are ORed unless one begins with `*`: then every day fits that one, or only those of its step.
        let both = day.starts_with(['*', '?']) || weekday.starts_with(['*', '?']);
        let parser = CronParser::builder()
            .seconds(Seconds::Required)
            .year(Year::Required)
            .dom_and_dow(both)
            .sloppy_ranges(true)
            .build();
        let fault = |error| Fault {
            message: format!("the expression cannot be read: {error}"),
            range: 0..text.len(),
            help: "write minute, hour, day of the month, month, day of the week".to_owned(),
        };
        let parse = |days: String| {
            let fields = ["0", minute, hour, &days, month, weekday, ANY_YEAR];
            parser.parse(&fields.join(" ")).map_err(fault)
        };
        let patterns = apart(day).into_iter().map(parse);
        let patterns = patterns.collect::<Result<Vec<_>, Fault>>()?;
        let is_fixed = !minute.starts_with('*') && !hour.starts_with('*');
        let times = patterns.first().map(times).unwrap_or_default();
        Ok(Cron {
            patterns: patterns.into_iter().map(days_alone).collect(),
            times,
            is_fixed,
            text: text.into(),
        })
    }

    /// The expression as it was written, without quotes.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Fixed times move with a clock change; intervals just go on.
    pub(super) fn is_fixed(&self) -> bool {
        self.is_fixed
    }

    pub(super) fn names_day(&self, date: NaiveDate) -> bool {
        let (year, month, day) = (date.year(), date.month(), date.day());
        self.patterns.iter().any(|pattern| {
            let pattern = &pattern.pattern;
            let names = || pattern.day_match(year, month, day, weekday(date.weekday()));
            pattern.month_match(month).unwrap_or(false) && names().unwrap_or(false)
        })
    }

    /// The local times of a day it names, in order.
    pub(super) fn times(&self) -> &[NaiveTime] {
        &self.times
    }
}

/// What is asked of a pattern once the times of day are known. The years alone, which no expression of five fields has,
/// would take five kilobytes of each.
fn days_alone(mut cron: croner::Cron) -> croner::Cron {
    let pattern = &mut cron.pattern;
    for component in [
        &mut pattern.years,
        &mut pattern.hours,
        &mut pattern.minutes,
        &mut pattern.seconds,
    ] {
        drop(std::mem::take(component));
    }
    cron
}

/// The parser takes `L` beside a `W` in one list for `LW`, so the two are given to it apart.
fn apart(days: &str) -> Vec<String> {
    let (last, others): (Vec<&str>, Vec<&str>) = days.split(',').partition(|day| *day == "L");
    if last.is_empty() || !others.iter().any(|day| day.contains('W')) {
        return vec![days.to_owned()];
    }
    vec!["L".to_owned(), others.join(",")]
}

fn times(pattern: &croner::Cron) -> Vec<NaiveTime> {
    let pattern = &pattern.pattern;
    let hours = (0..24).filter(|hour| pattern.hour_match(*hour).unwrap_or(false));
    hours
        .flat_map(|hour| {
            let minutes = (0..60).filter(|minute| pattern.minute_match(*minute).unwrap_or(false));
            minutes.filter_map(move |minute| NaiveTime::from_hms_opt(hour, minute, 0))
        })
        .collect()
}

fn weekday(weekday: Weekday) -> CronWeekday {
    match weekday {
        Weekday::Mon => CronWeekday::Monday,
        Weekday::Tue => CronWeekday::Tuesday,
        Weekday::Wed => CronWeekday::Wednesday,
        Weekday::Thu => CronWeekday::Thursday,
        Weekday::Fri => CronWeekday::Friday,
        Weekday::Sat => CronWeekday::Saturday,
        Weekday::Sun => CronWeekday::Sunday,
    }
}
