//! The campaigns of a repository: found, read, kept at hand, and read again when their files change.
//!
//! Knows where campaign files are and what keeps one from being used, alone or beside the others. Must never know what a
//! person typed, when a campaign is due, or what became of it; and it never prints.

mod entry;
mod error;
mod folder;
mod keeping;
mod known;
mod parallel;
mod tree;
mod watch;

pub use entry::{Changes, Entry, Invalid, Stale};
pub use error::{Error, Unusable};
pub use folder::{Folder, other_ending};
pub use keeping::{Catalog, is_too_much};
pub use watch::{Watch, Watched};

#[cfg(test)]
mod tests;
