//! A group's history: what is asked for, and what the answers say.
//!
//! No channel, for nothing is sent. One page is 20 messages at most, downwards from the newest or from a given number.

mod ask;
mod page;
mod told;

pub use ask::Ask;
pub use page::{HistoryItem, HistoryPage, Placeholder};
pub use told::{GroupFacts, LookupFailure, Told};
