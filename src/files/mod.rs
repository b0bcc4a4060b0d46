//! The only caller of the file system.
//!
//! Knows paths, sizes and what is a plain file. Must never know what stands in a file.

mod directory;
mod repository;
mod rows;
mod secret;

pub use directory::{append_to, ensure_directory};
pub use repository::{Error, Repository, find_upwards, read_settings, revision};
pub use rows::{Row, Rows};
pub use secret::read_secret;
