//! The durable store: plans, runs, entries.
//!
//! Knows `SQLite` and what has become durable when a call returns. Must never know what an entry means for what is to
//! be done next; that is the fold's business.

mod backup;
mod columns;
mod commands;
mod entries;
mod error;
mod guard;
mod header;
mod lane;
mod lock;
mod occurrences;
mod overview;
mod place;
mod problems;
mod prune;
mod runs;
mod schema;
mod stage;
mod store;
mod tally;
mod witness;

pub use commands::{DaemonCommand, Stamp};
pub use entries::{Record, Written};
pub use error::Error;
pub use lock::LaneLock;
pub use occurrences::{PausedCampaign, ScheduleCursor, ScheduleKey, UnsentOccurrence};
pub use overview::Calls;
pub use problems::{ActiveProblem, Problem};
pub use prune::Space;
pub use runs::{Run, RunId};
pub use stage::{Contents, Opening, PlanId, rubbish_before_ms};
pub use store::{Journal, sqlite_version};

#[cfg(test)]
mod tests;
