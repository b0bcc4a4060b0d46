//! The whole campaign file: its parts together, and the rules between them.
//!
//! Knows what a campaign is. Must never know where it is kept, when it is run, or what became of it.

mod doubts;
mod filled;
mod meant;
mod rules;
mod spec;

pub use crate::message::{NotRead, Texts};
pub use doubts::{Doubts, Part as Doubted};
pub use filled::{Filled, Origin};
pub use meant::{Campaign, Examined};
pub use spec::CampaignSpec;

#[cfg(test)]
mod tests;
