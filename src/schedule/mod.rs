//! When: cron expressions, zones, and what a clock change does to them.
//!
//! Civil slots first, instants second: local wall times are generated from the expression, then each is mapped to an
//! instant. Knows how people and instants name the same time. Must never know what time it is.

mod civil;
mod cron;
mod firings;
mod lint;

pub use civil::{Occurrence, parse_zone};
pub use cron::Cron;
pub use firings::{Dst, Firing, Firings, Note};
