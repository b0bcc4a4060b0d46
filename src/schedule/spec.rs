//! The schedule as written.

use super::Dst;
use crate::source::{Spanned, Text};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// When it is sent: at the times of a cron expression or at given times, exactly one of `cron` and `at`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScheduleSpec {
    /// Minute, hour, day of the month, month, day of the week, as crontab(5): `"0 9 * * MON-FRI"`. Sunday is 0 or 7; also
    /// `L`, `W`, `#` and `@daily`. An expression that begins with `*` or `@` is quoted.
    pub cron: Option<Text>,
    /// Single times, local: `[2026-11-11T09:00]`. An offset such as `+08:00`, or `Z`, overrides the time zone of the
    /// campaign. A time that does not exist or comes twice because the clock changes needs one.
    pub at: Option<Spanned<Vec<Spanned<String>>>>,
    /// The first local day: `2026-11-01`. Default: no first day.
    pub from: Option<Spanned<String>>,
    /// The last local day, included. Default: no last day.
    pub until: Option<Spanned<String>>,
    /// Local days without an occurrence: `2026-11-05`, or in a row `2026-11-20/2026-11-22`, both included. Default: none.
    pub except: Option<Vec<Spanned<String>>>,
    /// What becomes of a time of `cron` that does not exist or comes twice because the clock changes. It concerns fixed
    /// times; an expression whose minute or hour begins with `*` simply goes on. Default: `run_once`.
    #[schemars(extend("default" = "run_once"))]
    pub dst: Option<Spanned<Dst>>,
    /// How late an occurrence may start, up to 7 days; one that cannot start by then is missed: `15m`, `1h 30m`. Default:
    /// 15m, or `finish_within` if that is shorter.
    #[schemars(extend("default" = "15m", "examples" = ["15m"]))]
    pub start_within: Option<Spanned<String>>,
    /// How long after its time an occurrence may still start deliveries, up to 31 days; those that are left then are
    /// skipped as too late: `6h`. Default: as long as it takes.
    #[schemars(extend("examples" = ["6h"]))]
    pub finish_within: Option<Spanned<String>>,
    /// What becomes of an occurrence while an earlier run of the campaign is open. Default: `skip`.
    #[schemars(extend("default" = "skip"))]
    pub overlap: Option<Overlap>,
}

impl ScheduleSpec {
    /// What a campaign says, and the defaults where it says nothing. A value takes the place of a default as a whole.
    #[must_use]
    pub fn over(&self, defaults: &ScheduleSpec) -> ScheduleSpec {
        let ours = self.clone();
        ScheduleSpec {
            cron: ours.cron,
            at: ours.at,
            from: ours.from.or_else(|| defaults.from.clone()),
            until: ours.until.or_else(|| defaults.until.clone()),
            except: ours.except.or_else(|| defaults.except.clone()),
            dst: ours.dst.or_else(|| defaults.dst.clone()),
            start_within: ours.start_within.or_else(|| defaults.start_within.clone()),
            finish_within: ours
                .finish_within
                .or_else(|| defaults.finish_within.clone()),
            overlap: ours.overlap.or(defaults.overlap),
        }
    }
}

/// What becomes of an occurrence while an earlier run of its campaign is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Overlap {
    /// It is skipped.
    #[default]
    Skip,
    /// One waits until that run ends.
    Queue,
}
