//! The only caller of the file system.
//!
//! Knows paths, sizes and what is a plain file. Must never know what a file means.

mod campaigns;
mod directory;
mod git;
mod network;
mod notices;
mod partial;
mod replace;
mod repository;
mod rows;
mod secret;
mod stamp;

pub use campaigns::{Listing, campaign_files, campaign_folders, files_in, list_campaigns};
pub use directory::{append_to, ensure_directory, is_empty, write_new, write_over};
pub use git::{git_lock, git_lock_left, remove_git_locks};
pub use network::{network_name, tells_of_changes};
pub use notices::{Notice, Notices};
pub use partial::Partial;
pub use repository::{Error, Repository, find_upwards, read_settings, revision};
pub use rows::Rows;
pub use secret::read_secret;
pub use stamp::Stamp;
