//! Which occurrences of a campaign are due, and what becomes of those that are not sent.
//!
//! Knows a schedule, what is written down of its occurrences, and what time it is said to be. Must never know where that
//! is written down, nor plan or open anything: it decides, and somebody else does it.

mod decide;
mod disposition;
mod reason;

pub use decide::{Agenda, Standing, Waiting, decide};
pub use disposition::{Civil, Decided, Disposition};
pub use reason::{Grounds, PausedBy, Reason};

#[cfg(test)]
mod tests;
