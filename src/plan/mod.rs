//! Targets in, deliveries out one by one, a header at the end.
//!
//! Knows what would be sent. Must never know whether it is: `check`, `preview` and `run` all plan in here.

mod header;
mod planner;

pub use header::{Header, Planned};
pub use planner::{Frame, LOOKED_THROUGH_MAX, Planner, Turn, always};

#[cfg(test)]
mod tests;
