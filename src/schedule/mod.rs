//! Civil time: zones, and the local time an instant has.
//!
//! Knows how people and instants name the same time. Must never know what time it is.

mod civil;

pub use civil::{Occurrence, parse_zone};
