//! The durable store: plans, runs, entries.
//!
//! Knows `SQLite` and what has become durable when a call returns. Must never know what an entry means for what is to
//! be done next; that is the fold's business.

mod backup;
mod columns;
mod commands;
mod entries;
mod error;
mod file;
mod guard;
mod header;
mod lane;
mod lock;
mod occurrences;
mod overview;
mod pin;
mod place;
mod precedence;
mod problems;
mod prune;
mod runs;
mod schema;
mod space;
mod stage;
mod store;
mod tally;
mod witness;
mod writer;

pub use commands::{DaemonCommand, Stamp};
pub use entries::{Record, Written};
pub use error::Error;
pub use lock::LaneLock;
pub use occurrences::{
    PausedCampaign, Recorded, ScheduleCursor, StoredDefinition, UnsentOccurrence,
};
pub use overview::Calls;
pub use pin::PinnedSettings;
pub use problems::{ActiveProblem, Problem};
pub use runs::{Run, RunId};
pub use space::{LOG_BYTES_MAX, Space};
pub use stage::{Contents, Opening, PlanId, rubbish_before_ms};
pub use store::{Journal, sqlite_version};
pub use writer::Outage;

#[cfg(test)]
mod tests;
