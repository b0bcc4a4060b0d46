//! One delivery: what was written down about it, what that adds up to, and what is to be done next.
//!
//! Knows entries, the fold from entries to a state, and the rules of the guarantee. Must never know where entries are
//! kept, what time it is, or how a call is made. The same fold serves a running campaign, a restart and the log.

mod backoff;
mod counts;
mod entry;
mod fold;
mod next;
mod reason;
mod run;
mod search;
mod silence;

pub use backoff::backoff;
pub use counts::Counts;
pub use entry::{End, Entry, Finding};
pub use fold::{Delivery, Earlier, Illegal, State};
pub use next::{Next, Policy};
pub use reason::{DeliveryReason, EndReason, Unclear};
pub use run::{Interruption, PauseReason, RunEntry, RunEvent, RunState, StopReason};
pub use search::{Search, Wanted};
pub use silence::Patience;

#[cfg(test)]
mod tests;
