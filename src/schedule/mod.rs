//! When: cron expressions, single times, zones, and what a clock change does to them.
//!
//! Civil slots first, instants second: local wall times are generated from what is written, then each is mapped to an
//! instant. Knows how people and instants name the same time. Must never know what time it is.

mod check;
mod civil;
mod cron;
mod days;
mod firings;
mod limits;
mod lint;
mod meant;
mod one_shot;
mod outlook;
mod spec;
mod stored;
mod traps;

pub use check::{ALL_SKIPPED, NO_SUCH_DAY};
pub use civil::{Occurrence, parse_zone};
pub use cron::Cron;
pub use firings::{Dst, Note, Slot};
pub use limits::START_WITHIN;
pub use meant::Schedule;
pub use spec::{Overlap, ScheduleSpec};
pub use stored::StoredSchedule;

use days::Days;

#[cfg(test)]
mod tests;
