//! What people and programs read of a run: what it would say, lines of its log, its counts, as text, JSON, CSV and pages.
//!
//! Knows how a thing is told. Must never know where it was read from; it keeps nothing.

mod complaint;
mod line;
mod preview;
mod reason;
mod standing;
mod summary;

pub use complaint::diagnostic_json;
pub use line::{LogLine, RunFacts, time_text};
pub use preview::{
    Gathering, Outline, Record, Sample, TextForm, Totals, cut, harmless, html, markdown, wrapped,
};
pub use reason::{interruption_text, state_reason, stop_text};
pub use standing::Standing;
pub use summary::{RunReport, counts_text};

#[cfg(test)]
mod tests;
