//! The campaigns of a repository, found and read.
//!
//! Knows where campaign files are and what keeps one from being used, alone or beside the others. Must never know what a
//! person typed, when a campaign is due, or what became of it; and it never prints.

mod error;
mod folder;
mod parallel;

pub use error::{Error, Unusable};
pub use folder::{Folder, other_ending};
