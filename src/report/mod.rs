//! What people and programs read of a run: lines of its log, its counts, as text, JSON and CSV.
//!
//! Knows how a thing is told. Must never know where it was read from; it keeps nothing.

mod line;
mod standing;
mod summary;

pub use line::{LogLine, RunFacts, time_text};
pub use standing::Standing;
pub use summary::{RunReport, counts_text};
