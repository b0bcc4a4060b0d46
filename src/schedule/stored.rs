//! A schedule as the journal keeps it, for a start beside a file that cannot be read.

use super::days::{Days, Range};
use super::firings::Firing;
use super::meant::{Schedule, Times};
use super::one_shot::{OneShot, note};
use super::{Cron, Dst, Overlap};
use crate::source::{Source, Span, Spanned};
use chrono::{DateTime, FixedOffset, NaiveDate};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The file of which a stored expression is shown to be a part.
const PLACE: &str = "journal";

/// A schedule in serializable form. Journals keep it as JSON, so fields are only ever added.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct StoredSchedule {
    #[serde(flatten)]
    times: StoredTimes,
    zone: Tz,
    from: Option<NaiveDate>,
    until: Option<NaiveDate>,
    /// Pairs of the first and the last day.
    except: Vec<(NaiveDate, NaiveDate)>,
    start_within_ms: u64,
    finish_within_ms: Option<u64>,
    overlap: Overlap,
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum StoredTimes {
    Cron { text: String, dst: Dst },
    At(Vec<DateTime<FixedOffset>>),
}

impl StoredSchedule {
    pub fn of(schedule: &Schedule) -> StoredSchedule {
        let times = match &schedule.times {
            Times::Cron(cron, dst) => StoredTimes::Cron {
                text: cron.value.text().to_owned(),
                dst: *dst,
            },
            Times::At(shots) => {
                let shots = shots.iter();
                StoredTimes::At(shots.map(|shot| shot.firing.at.fixed_offset()).collect())
            }
        };
        let Days { from, until, .. } = schedule.days;
        StoredSchedule {
            times,
            zone: schedule.zone,
            from,
            until,
            except: schedule.days.ranges().collect(),
            start_within_ms: ms(schedule.start_within),
            finish_within_ms: schedule.finish_within.map(ms),
            overlap: schedule.overlap,
        }
    }

    /// Returns the schedule; `None` if this program cannot read its expression.
    pub fn restore(&self) -> Option<Schedule> {
        let times = match &self.times {
            StoredTimes::Cron { text, dst } => {
                let source = Source::new(PLACE, text.as_str());
                let span = Span::new(&source, 0..text.len());
                let value = Cron::parse(text).ok()?;
                Times::Cron(Box::new(Spanned { value, span }), *dst)
            }
            StoredTimes::At(shots) => {
                let span = Span::beginning(&Source::new(PLACE, ""));
                let shots = shots.iter().map(|at| {
                    let at = at.with_timezone(&self.zone);
                    OneShot {
                        firing: Firing { at, note: note(at) },
                        date: at.date_naive(),
                        span: span.clone(),
                    }
                });
                Times::At(shots.collect())
            }
        };
        let except = self.except.iter();
        let except = except.map(|(first, last)| Range {
            first: *first,
            last: *last,
        });
        Some(Schedule {
            start_within: Duration::from_millis(self.start_within_ms),
            finish_within: self.finish_within_ms.map(Duration::from_millis),
            overlap: self.overlap,
            times,
            days: Days::restored(self.from, self.until, except.collect()),
            zone: self.zone,
            until: None,
            is_dst_chosen: true,
        })
    }
}

fn ms(length: Duration) -> u64 {
    u64::try_from(length.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::tests::schedule;
    use super::*;

    const ZONE: &str = "Europe/Berlin";

    #[test]
    fn stored_schedule_names_the_same_times_and_is_the_same_schedule() {
        let written = [
            "{ cron: \"30 2 * * 1-5\", dst: wall, from: 2026-03-01, until: 2026-12-01, overlap: queue }",
            "{ cron: '@daily', except: [2026-11-05, 2026-11-20/2026-11-22], start_within: 90s, finish_within: 2h }",
            "{ at: [2026-10-25T02:30+02:00, 2026-11-11T09:00] }",
        ];
        for text in written {
            let schedule = schedule(text, ZONE);
            let json = serde_json::to_string(&StoredSchedule::of(&schedule)).unwrap();
            let stored: StoredSchedule = serde_json::from_str(&json).unwrap();
            let restored = stored.restore().unwrap();
            assert_eq!(restored.digest(), schedule.digest(), "{json}");
            let limits = |of: &Schedule| (of.start_within, of.finish_within, of.overlap);
            assert_eq!(limits(&restored), limits(&schedule), "{json}");
            let after = DateTime::parse_from_rfc3339("2026-03-01T00:00:00Z").unwrap();
            let slots = |of: &Schedule| of.slots(after.to_utc()).take(300).collect::<Vec<_>>();
            assert_eq!(slots(&restored), slots(&schedule), "{json}");
        }
    }

    #[test]
    fn quotes_are_no_part_of_a_schedule() {
        let digest = |text: &str| schedule(text, ZONE).digest();
        assert_eq!(
            digest("{ cron: '0 9 * * *' }"),
            digest("{ cron: 0 9 * * * }")
        );
    }
}
