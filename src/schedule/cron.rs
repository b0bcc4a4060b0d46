//! A cron expression: five fields with the meaning of crontab(5).

use super::lint::{Fault, fields};
use chrono::{Datelike, NaiveDate, NaiveTime, Weekday};
use croner::parser::{CronParser, Seconds, Year};
use croner::time::Weekday as CronWeekday;

/// An expression that can be asked which local times it names.
#[derive(Clone, Debug)]
pub struct Cron {
    pattern: croner::Cron,
    times: Vec<NaiveTime>,
    is_fixed: bool,
}

impl Cron {
    pub fn parse(text: &str) -> Result<Cron, Fault> {
        let fields = fields(text)?;
        let [minute, hour, day, _, weekday] = &fields;
        // Day fields are ORed unless one begins with `*`: then every day fits that one, or only those of its step.
        let both = day.starts_with(['*', '?']) || weekday.starts_with(['*', '?']);
        let parser = CronParser::builder()
            .seconds(Seconds::Disallowed)
            .year(Year::Disallowed)
            .dom_and_dow(both)
            .sloppy_ranges(true)
            .build();
        let pattern = parser.parse(&fields.join(" ")).map_err(|error| Fault {
            message: format!("the expression cannot be read: {error}"),
            range: 0..text.len(),
            help: "write minute, hour, day of the month, month, day of the week".to_owned(),
        })?;
        let is_fixed = !minute.starts_with('*') && !hour.starts_with('*');
        let times = times(&pattern);
        Ok(Cron {
            pattern,
            times,
            is_fixed,
        })
    }

    /// Fixed times move with a clock change; intervals just go on.
    pub(super) fn is_fixed(&self) -> bool {
        self.is_fixed
    }

    pub(super) fn names_day(&self, date: NaiveDate) -> bool {
        let month = self
            .pattern
            .pattern
            .month_match(date.month())
            .unwrap_or(false);
        let day = || {
            self.pattern.pattern.day_match(
                date.year(),
                date.month(),
                date.day(),
                weekday(date.weekday()),
            )
        };
        month && day().unwrap_or(false)
    }

    /// The local times of a day it names, in order.
    pub(super) fn times(&self) -> &[NaiveTime] {
        &self.times
    }
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
